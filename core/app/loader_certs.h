/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Certificates of listeners, tried before anybody serves them. */
#ifndef PENSTOCK_APP_LOADER_CERTS_H
#define PENSTOCK_APP_LOADER_CERTS_H

#include "base/err.h"
#include "engine/config.h"

struct snapshot;

/**
 * Would a worker take the certificates, keys, authorities and revocation lists
 * of all listeners?
 *
 *   why  in  JSON Pointer of the canonical tree to "file:line"; or NULL
 *
 * Errors: CONFIG at the place of the key; names the listener, the file, what
 *         is wrong with it and what to do
 * Cost:   milliseconds per certificate, in the loader
 */
int loader_certs(const struct config *c, struct snapshot *bundle,
                 const json_t *why, struct err *err);

#endif

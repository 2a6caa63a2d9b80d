/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* When certificates end, without their keys. */
#ifndef PENSTOCK_NET_TLS_AGE_H
#define PENSTOCK_NET_TLS_AGE_H

#include "base/str.h"

/** The earliest end of validity of a PEM file's certificates, Unix seconds;
 * 0: none can be read. */
int64_t tls_pem_expires(struct str pem);

#endif

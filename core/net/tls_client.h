/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * TLS 1.2 and 1.3 towards a server whose certificate is checked: its chain,
 * its time, its name. The connection is net/tls.h's.
 */
#ifndef PENSTOCK_NET_TLS_CLIENT_H
#define PENSTOCK_NET_TLS_CLIENT_H

#include "net/tls.h"

struct tls_client;

/**
 * Whom to trust: the authorities in a PEM file, or the system's (NULL).
 *
 * Errors: CONFIG  the file cannot be read or holds no certificate; NOMEM
 * Cost:   reads files: at a worker's start
 */
struct tls_client *tls_client_new(const char *ca_file, struct err *err);
void tls_client_free(struct tls_client *t);

/** A client's side on `fd` (borrowed) towards `host`, a name or an address.
 * NULL = memory. */
struct tls_conn *tls_client_conn(struct tls_client *t, int fd,
                                 const char *host);

/** After a handshake that failed: what was wrong with the certificate, or
 * NULL where it was something else. Static. */
const char *tls_client_why(const struct tls_conn *c);

#endif

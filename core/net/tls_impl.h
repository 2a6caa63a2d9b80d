/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* A TLS connection, for the files that make one: either side's. */
#ifndef PENSTOCK_NET_TLS_IMPL_H
#define PENSTOCK_NET_TLS_IMPL_H

#include <openssl/ssl.h>
#include <stdbool.h>

struct tls_server;

struct tls_conn {
    SSL *ssl;
    struct tls_server *t; /* NULL: a client's side */
    bool broken; /* nothing may be sent any more */
};

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* A TLS connection, for the files that make one: either side's. */
#ifndef PENSTOCK_NET_TLS_IMPL_H
#define PENSTOCK_NET_TLS_IMPL_H

#include "net/tls.h"
#include "net/tls_peer.h"

#include <openssl/ssl.h>
#include <stdbool.h>

struct tls_server {
    unsigned refs;
    size_t n;
    int64_t expires;
    SSL_CTX *ctx[TLS_CERTS_MAX];
};

struct tls_conn {
    SSL *ssl;
    struct tls_server *t; /* NULL: a client's side */
    bool broken; /* nothing may be sent any more */
    struct tls_peer *peer; /* the client's certificate; NULL: not read */
    const char *refused;   /* why it was refused, or NULL */
    char refused_subject[256];
};

/** A BIO on the text, NULL for none. */
BIO *tls_bio_of(struct str s);
/** Reading PEM ended since there was no more of it, not for a fault. */
bool tls_pem_ended(void);
/** For PEM: an encrypted text is an error, never a question. */
int tls_no_password(char *buf, int size, int rwflag, void *ud);

/* tls_peer.c */
/** A handshake failed; OpenSSL's queue still holds why. */
void tls_peer_failed(struct tls_conn *c);
void tls_peer_free(struct tls_peer *p);

#endif

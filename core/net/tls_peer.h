/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Certificates of clients: which authorities a listener believes, and what a
 * certificate that they vouch for says. Whom it stands for is decided above.
 */
#ifndef PENSTOCK_NET_TLS_PEER_H
#define PENSTOCK_NET_TLS_PEER_H

#include "base/err.h"

struct tls_server;
struct tls_conn;

enum {
    TLS_PEER_NAMES = 64, /* of a certificate; one with more says nothing */
    TLS_PEER_TEXT = 512, /* bytes of a name; the same */
    TLS_PEER_DEPTH = 8,  /* authorities between it and a root */
};

struct tls_clients {
    struct str ca;  /* PEM: authorities, roots and those between */
    struct str crl; /* PEM: revocation lists; p NULL = none is asked */
    bool required;  /* no certificate: no connection */
};

/**
 * Ask clients for a certificate, from now on. A listener that does so resumes
 * no session, so that each connection is judged by the certificate itself.
 *
 * With `crl` a list of every authority in the chain must be there and be
 * current: a missing or an old one refuses.
 *
 * Errors: CONFIG  no certificate in ca, no list in crl, or a broken one; an
 *                 empty text is no list, not the wish for none
 */
int tls_server_clients(struct tls_server *t, const struct tls_clients *c,
                       struct err *err);

/** A certificate that was verified. Owned by its connection. */
struct tls_peer {
    struct str subject, issuer; /* RFC 2253: "CN=ci,O=Example" */
    struct str cn;              /* the last common name; or empty */
    struct str sha256;          /* 64 hexadecimal digits, of its DER */
    int64_t expires;            /* Unix seconds */
    struct str names[TLS_PEER_NAMES]; /* "dns:", "uri:", "email:", "ip:" */
    size_t n_names;
};

/**
 * What the client's certificate says, once the handshake is done; NULL: it
 * sent none, or one whose names nobody can trust (a NUL in it, say). Read by
 * the first call, some 20 us.
 */
const struct tls_peer *tls_conn_peer(struct tls_conn *c);

/** Why the client's certificate was refused, and whose it is (its subject;
 * empty: none was sent). False: the handshake did not fail for that. */
bool tls_conn_refused(const struct tls_conn *c, struct str *subject,
                      const char **why);

#endif

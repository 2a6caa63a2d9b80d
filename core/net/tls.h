/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * TLS 1.2 and 1.3 for listeners, by OpenSSL on the socket itself: several
 * certificates chosen by the name the client asks for (SNI), session tickets,
 * ALPN http/1.1.
 */
#ifndef PENSTOCK_NET_TLS_H
#define PENSTOCK_NET_TLS_H

#include "base/err.h"

#include <sys/types.h>

enum { TLS_TICKET_KEY = 80, TLS_CERTS_MAX = 64 };

struct tls_server;
struct tls_conn;

struct tls_cert {
    struct str cert; /* PEM: the certificate, then its chain */
    struct str key;  /* PEM, not encrypted */
};

/**
 * The certificates of a listener; the first is the default.
 *
 *   ticket_key  in  TLS_TICKET_KEY random bytes that all workers share, so
 *                   that a session is resumed by any of them; STR_NULL =
 *                   a key of this process
 *   returns         one reference, given back by tls_server_unref; or NULL
 *
 * Errors: CONFIG  which certificate, and what is wrong with it: not PEM, no
 *                 certificate, the key belongs to another
 * Cost:   milliseconds per certificate
 */
struct tls_server *tls_server_new(const struct tls_cert *certs, size_t n,
                                  struct str ticket_key, struct err *err);
/** What is wrong with one of them, NULL for nothing: as tls_server_new would
 * say. *of_key: with its key, not with the certificate. */
const char *tls_cert_wrong(const struct tls_cert *c, bool *of_key);

void tls_server_ref(struct tls_server *t);
void tls_server_unref(struct tls_server *t);

/** The earliest end of validity, Unix seconds: for warnings and alerts. */
int64_t tls_server_expires(const struct tls_server *t);

/** A server's side on `fd` (borrowed); keeps a reference. NULL = memory. */
struct tls_conn *tls_conn_new(struct tls_server *t, int fd);
void tls_conn_free(struct tls_conn *c);

/** 0 = done, LOOP_READ or LOOP_WRITE = wait for that, -ERR_CLOSED. */
int tls_handshake(struct tls_conn *c);

/** Bytes, 0 = none now, -ERR_CLOSED. */
ssize_t tls_read(struct tls_conn *c, void *p, size_t n);
/** Bytes taken, 0 = none now: try again with the same bytes first. */
ssize_t tls_write(struct tls_conn *c, const void *p, size_t n);

/** Send close_notify, if the socket takes it. */
void tls_bye(struct tls_conn *c);

#endif

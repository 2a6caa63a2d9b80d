/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * One SSL_CTX per certificate; a connection begins on the first and is moved
 * to the one whose certificate names what the client asked for (exact names
 * before wildcards). Tickets are the first one's: any worker that was given
 * the same key resumes them. OpenSSL's buffers are given back while a
 * connection is quiet.
 */
#include "net/tls.h"

#include "net/loop.h"
#include "net/tls_impl.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <time.h>

/* ---- choosing ---------------------------------------------------------- */

static SSL_CTX *ctx_named(const struct tls_server *t, const char *name,
                          unsigned flags)
{
    for (size_t i = 0; i < t->n; i++) {
        X509 *cert = SSL_CTX_get0_certificate(t->ctx[i]);

        if (X509_check_host(cert, name, 0, flags, NULL) == 1)
            return t->ctx[i];
    }
    return NULL;
}

static int on_name(SSL *ssl, int *alert, void *arg)
{
    const struct tls_server *t =
        ((const struct tls_conn *)SSL_get_app_data(ssl))->t;
    const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    SSL_CTX *ctx = NULL;

    (void)alert;
    (void)arg;
    if (name && t->n > 1) {
        ctx = ctx_named(t, name, X509_CHECK_FLAG_NO_WILDCARDS);
        if (!ctx)
            ctx = ctx_named(t, name, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    }
    if (ctx)
        SSL_set_SSL_CTX(ssl, ctx);
    return SSL_TLSEXT_ERR_OK;
}

static int on_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_n,
                   const unsigned char *in, unsigned in_n, void *arg)
{
    static const unsigned char ours[] = "\x08http/1.1";
    unsigned char *picked;

    (void)ssl;
    (void)arg;
    if (SSL_select_next_proto(&picked, out_n, ours, sizeof ours - 1, in,
                              in_n) != OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *out = picked;
    return SSL_TLSEXT_ERR_OK;
}

/* ---- certificates ------------------------------------------------------ */

/* An encrypted key is an error, never a question on the terminal. */
int tls_no_password(char *buf, int size, int rwflag, void *ud)
{
    (void)buf;
    (void)size;
    (void)rwflag;
    (void)ud;
    return -1;
}

BIO *tls_bio_of(struct str s)
{
    return s.n && s.n < INT32_MAX ? BIO_new_mem_buf(s.p, (int)s.n) : NULL;
}

bool tls_pem_ended(void)
{
    unsigned long e = ERR_peek_last_error();

    return ERR_GET_LIB(e) == ERR_LIB_PEM &&
           ERR_GET_REASON(e) == PEM_R_NO_START_LINE;
}

static EVP_PKEY *read_key(struct str pem)
{
    BIO *bio = tls_bio_of(pem);
    EVP_PKEY *key = NULL;

    if (bio)
        key = PEM_read_bio_PrivateKey(bio, NULL, tls_no_password, NULL);
    BIO_free(bio);
    return key;
}

/* The certificate and its chain; NULL = used, else what is wrong. */
static const char *use_chain(SSL_CTX *ctx, struct str pem)
{
    BIO *bio = tls_bio_of(pem);
    X509 *cert = NULL, *next;
    const char *why = NULL;

    if (bio)
        cert = PEM_read_bio_X509_AUX(bio, NULL, tls_no_password, NULL);
    if (!cert)
        why = "there is no PEM certificate in it";
    else if (SSL_CTX_use_certificate(ctx, cert) != 1)
        why = "OpenSSL does not take it (too weak?)";
    while (!why &&
           (next = PEM_read_bio_X509(bio, NULL, tls_no_password, NULL))) {
        if (SSL_CTX_add0_chain_cert(ctx, next) == 1)
            continue;
        X509_free(next);
        why = "a certificate of its chain is not usable";
    }
    if (!why && !tls_pem_ended())
        why = "a certificate of its chain is broken";
    X509_free(cert);
    BIO_free(bio);
    return why;
}

static const char *use_key(SSL_CTX *ctx, struct str pem)
{
    EVP_PKEY *key = read_key(pem);
    const char *why = NULL;

    if (!key)
        why = "its key is not PEM, or is encrypted";
    else if (X509_check_private_key(SSL_CTX_get0_certificate(ctx), key) != 1)
        why = "its key belongs to another certificate";
    else if (SSL_CTX_use_PrivateKey(ctx, key) != 1)
        why = "OpenSSL does not take its key";
    EVP_PKEY_free(key);
    return why;
}

static void note_expiry(struct tls_server *t, SSL_CTX *ctx)
{
    const ASN1_TIME *end =
        X509_get0_notAfter(SSL_CTX_get0_certificate(ctx));
    struct tm tm;
    int64_t at;

    if (ASN1_TIME_to_tm(end, &tm) != 1)
        return;
    at = (int64_t)timegm(&tm);
    if (t->n == 0 || at < t->expires)
        t->expires = at;
}

static SSL_CTX *ctx_new(struct str ticket_key)
{
    static const unsigned char id[] = "penstock";
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

    if (!ctx)
        return NULL;
    SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
    SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                 SSL_OP_CIPHER_SERVER_PREFERENCE |
                                 SSL_OP_PRIORITIZE_CHACHA);
    SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS |
                              SSL_MODE_ENABLE_PARTIAL_WRITE |
                              SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_read_ahead(ctx, 1);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_session_id_context(ctx, id, sizeof id - 1);
    SSL_CTX_set_num_tickets(ctx, 1);
    SSL_CTX_set_tlsext_servername_callback(ctx, on_name);
    SSL_CTX_set_alpn_select_cb(ctx, on_alpn, NULL);
    if (SSL_CTX_set_cipher_list(ctx, "ECDHE+AESGCM:ECDHE+CHACHA20") == 1 &&
        (ticket_key.n == 0 ||
         SSL_CTX_set_tlsext_ticket_keys(ctx, (void *)(uintptr_t)ticket_key.p,
                                        (long)ticket_key.n) == 1))
        return ctx;
    SSL_CTX_free(ctx);
    return NULL;
}

const char *tls_cert_wrong(const struct tls_cert *c, bool *of_key)
{
    SSL_CTX *ctx = ctx_new(STR_NULL);
    const char *why = ctx ? use_chain(ctx, c->cert) : "no memory";

    *of_key = ctx && !why;
    if (*of_key)
        why = use_key(ctx, c->key);
    SSL_CTX_free(ctx);
    ERR_clear_error();
    return why;
}

static int add_cert(struct tls_server *t, const struct tls_cert *c,
                    struct str ticket_key, struct err *err)
{
    SSL_CTX *ctx = ctx_new(ticket_key);
    const char *why;

    if (!ctx)
        return err_set(err, ERR_NOMEM, "TLS: no memory, or a bad ticket key");
    why = use_chain(ctx, c->cert);
    if (!why)
        why = use_key(ctx, c->key);
    ERR_clear_error();
    if (why) {
        SSL_CTX_free(ctx);
        return err_set(err, ERR_CONFIG, "TLS certificate %zu: %s", t->n + 1,
                       why);
    }
    note_expiry(t, ctx);
    t->ctx[t->n++] = ctx;
    return 0;
}

struct tls_server *tls_server_new(const struct tls_cert *certs, size_t n,
                                  struct str ticket_key, struct err *err)
{
    struct tls_server *t;

    if (n == 0 || n > TLS_CERTS_MAX) {
        err_set(err, ERR_CONFIG, "TLS: %zu certificates; 1 to %d are allowed",
                n, TLS_CERTS_MAX);
        return NULL;
    }
    t = calloc(1, sizeof *t);
    if (!t) {
        err_set(err, ERR_NOMEM, "TLS: no memory");
        return NULL;
    }
    t->refs = 1;
    for (size_t i = 0; i < n; i++) {
        if (add_cert(t, &certs[i], ticket_key, err)) {
            tls_server_unref(t);
            return NULL;
        }
    }
    return t;
}

void tls_server_ref(struct tls_server *t)
{
    t->refs++;
}

void tls_server_unref(struct tls_server *t)
{
    if (!t || --t->refs)
        return;
    for (size_t i = 0; i < t->n; i++)
        SSL_CTX_free(t->ctx[i]);
    free(t);
}

int64_t tls_server_expires(const struct tls_server *t)
{
    return t->expires;
}

/* ---- connections ------------------------------------------------------- */

struct tls_conn *tls_conn_new(struct tls_server *t, int fd)
{
    struct tls_conn *c = calloc(1, sizeof *c);

    if (!c)
        return NULL;
    c->ssl = SSL_new(t->ctx[0]);
    if (!c->ssl || SSL_set_fd(c->ssl, fd) != 1) {
        SSL_free(c->ssl);
        free(c);
        ERR_clear_error();
        return NULL;
    }
    c->t = t;
    tls_server_ref(t);
    SSL_set_app_data(c->ssl, c);
    SSL_set_accept_state(c->ssl);
    return c;
}

void tls_conn_free(struct tls_conn *c)
{
    SSL_free(c->ssl);
    tls_server_unref(c->t);
    tls_peer_free(c->peer);
    free(c);
}

/* LOOP_READ, LOOP_WRITE or -ERR_CLOSED. */
static int why_not(struct tls_conn *c, int rc)
{
    int e = SSL_get_error(c->ssl, rc);

    if (e == SSL_ERROR_WANT_READ)
        return LOOP_READ;
    if (e == SSL_ERROR_WANT_WRITE)
        return LOOP_WRITE;
    c->broken |= e == SSL_ERROR_SSL || e == SSL_ERROR_SYSCALL;
    ERR_clear_error();
    return -ERR_CLOSED;
}

int tls_handshake(struct tls_conn *c)
{
    int rc;

    ERR_clear_error();
    rc = SSL_do_handshake(c->ssl);
    if (rc != 1 && c->t)
        tls_peer_failed(c);
    return rc == 1 ? 0 : why_not(c, rc);
}

static int clamped(size_t n)
{
    return n > INT32_MAX ? INT32_MAX : (int)n;
}

ssize_t tls_read(struct tls_conn *c, void *p, size_t n)
{
    int rc;

    ERR_clear_error();
    rc = SSL_read(c->ssl, p, clamped(n));
    if (rc > 0)
        return rc;
    return why_not(c, rc) < 0 ? -ERR_CLOSED : 0;
}

ssize_t tls_write(struct tls_conn *c, const void *p, size_t n)
{
    int rc;

    if (c->broken)
        return -ERR_CLOSED;
    ERR_clear_error();
    rc = SSL_write(c->ssl, p, clamped(n));
    if (rc > 0)
        return rc;
    return why_not(c, rc) < 0 ? -ERR_CLOSED : 0;
}

void tls_bye(struct tls_conn *c)
{
    if (c->broken || !SSL_is_init_finished(c->ssl))
        return;
    ERR_clear_error();
    SSL_shutdown(c->ssl);
    ERR_clear_error();
}

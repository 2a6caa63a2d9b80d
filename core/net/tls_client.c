/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* One SSL_CTX for all connections to one server. */
#include "net/tls_client.h"

#include "net/tls_impl.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

struct tls_client {
    SSL_CTX *ctx;
};

static SSL_CTX *ctx_new(void)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

    if (!ctx)
        return NULL;
    SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
    SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS |
                              SSL_MODE_ENABLE_PARTIAL_WRITE |
                              SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    return ctx;
}

struct tls_client *tls_client_new(const char *ca_file, struct err *err)
{
    struct tls_client *t = calloc(1, sizeof *t);
    int ok;

    if (!t || !(t->ctx = ctx_new())) {
        free(t);
        err_set(err, ERR_NOMEM, "TLS: no memory");
        return NULL;
    }
    ok = ca_file ? SSL_CTX_load_verify_file(t->ctx, ca_file)
                 : SSL_CTX_set_default_verify_paths(t->ctx);
    ERR_clear_error();
    if (ok == 1)
        return t;
    tls_client_free(t);
    err_set(err, ERR_CONFIG, "%s: there is no PEM certificate that can be "
            "read", ca_file ? ca_file : "the system's authorities");
    return NULL;
}

void tls_client_free(struct tls_client *t)
{
    if (!t)
        return;
    SSL_CTX_free(t->ctx);
    free(t);
}

/* An address stands in the certificate as such, and is no SNI. */
static int expect(SSL *ssl, const char *host)
{
    unsigned char bin[16];

    if (inet_pton(AF_INET, host, bin) == 1 ||
        inet_pton(AF_INET6, host, bin) == 1)
        return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host);
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return SSL_set1_host(ssl, host) && SSL_set_tlsext_host_name(ssl, host);
}

struct tls_conn *tls_client_conn(struct tls_client *t, int fd,
                                 const char *host)
{
    struct tls_conn *c = calloc(1, sizeof *c);

    if (!c)
        return NULL;
    c->ssl = SSL_new(t->ctx);
    if (c->ssl && SSL_set_fd(c->ssl, fd) == 1 && expect(c->ssl, host) == 1) {
        SSL_set_connect_state(c->ssl);
        return c;
    }
    SSL_free(c->ssl);
    free(c);
    ERR_clear_error();
    return NULL;
}

const char *tls_client_why(const struct tls_conn *c)
{
    long rc = SSL_get_verify_result(c->ssl);

    return rc == X509_V_OK ? NULL : X509_verify_cert_error_string(rc);
}

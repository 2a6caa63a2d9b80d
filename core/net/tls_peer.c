/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * OpenSSL verifies: chain, times, that the certificate is meant for clients,
 * revocation. Here it is told by what, and the answer is put into words. A
 * name with a byte that no name has (NUL, a control character) makes the
 * whole certificate unusable: two programs might read it differently.
 */
#include "net/tls_peer.h"

#include "net/tls_impl.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* ---- whom a listener believes ------------------------------------------ */

/* How many there are; 0 = none, or one of them is broken. */
static int add_authorities(X509_STORE *store, SSL_CTX *ctx, struct str pem)
{
    BIO *bio = tls_bio_of(pem);
    X509 *cert;
    int n = 0;

    while (bio && (cert = PEM_read_bio_X509(bio, NULL, tls_no_password,
                                            NULL))) {
        if (X509_STORE_add_cert(store, cert) == 1 &&
            SSL_CTX_add_client_CA(ctx, cert) == 1)
            n++;
        X509_free(cert);
    }
    if (n && !tls_pem_ended())
        n = 0;
    BIO_free(bio);
    return n;
}

static int add_lists(X509_STORE *store, struct str pem)
{
    BIO *bio = tls_bio_of(pem);
    X509_CRL *list;
    int n = 0;

    while (bio && (list = PEM_read_bio_X509_CRL(bio, NULL, tls_no_password,
                                                NULL))) {
        n += X509_STORE_add_crl(store, list) == 1;
        X509_CRL_free(list);
    }
    if (n && !tls_pem_ended())
        n = 0;
    BIO_free(bio);
    return n;
}

/* Whose certificate was refused, while OpenSSL still has it. */
static int on_verified(int ok, X509_STORE_CTX *store)
{
    SSL *ssl = X509_STORE_CTX_get_ex_data(
        store, SSL_get_ex_data_X509_STORE_CTX_idx());
    struct tls_conn *c = ssl ? SSL_get_app_data(ssl) : NULL;
    X509 *cert = X509_STORE_CTX_get0_cert(store);

    if (!ok && c && cert && !c->refused_subject[0])
        X509_NAME_oneline(X509_get_subject_name(cert), c->refused_subject,
                          sizeof c->refused_subject);
    return ok;
}

static int clients_of(SSL_CTX *ctx, const struct tls_clients *c,
                      struct err *err)
{
    X509_STORE *store = X509_STORE_new();

    if (!store)
        return err_set(err, ERR_NOMEM, "TLS: no memory");
    SSL_CTX_set_cert_store(ctx, store); /* it owns it now */
    if (add_authorities(store, ctx, c->ca) == 0)
        return err_set(err, ERR_CONFIG, "client_ca: there is no PEM "
                       "certificate in it, or a broken one");
    if (c->crl.p && add_lists(store, c->crl) == 0)
        return err_set(err, ERR_CONFIG, "client_crl: there is no PEM "
                       "revocation list in it, or a broken one");
    if (c->crl.p)
        X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK |
                                        X509_V_FLAG_CRL_CHECK_ALL);
    SSL_CTX_set_verify(ctx,
                       SSL_VERIFY_PEER |
                           (c->required ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0),
                       on_verified);
    SSL_CTX_set_verify_depth(ctx, TLS_PEER_DEPTH);
    SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
    SSL_CTX_set_num_tickets(ctx, 0);
    return 0;
}

int tls_server_clients(struct tls_server *t, const struct tls_clients *c,
                       struct err *err)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < t->n; i++)
        rc = clients_of(t->ctx[i], c, err);
    ERR_clear_error();
    return rc;
}

/* ---- why it failed ----------------------------------------------------- */

void tls_peer_failed(struct tls_conn *c)
{
    unsigned long e = ERR_peek_error();
    long verdict = SSL_get_verify_result(c->ssl);

    if (ERR_GET_LIB(e) != ERR_LIB_SSL ||
        !(SSL_get_verify_mode(c->ssl) & SSL_VERIFY_PEER))
        return;
    if (ERR_GET_REASON(e) == SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE)
        c->refused = "no certificate was sent";
    else if (ERR_GET_REASON(e) == SSL_R_CERTIFICATE_VERIFY_FAILED)
        c->refused = X509_verify_cert_error_string(verdict);
}

bool tls_conn_refused(const struct tls_conn *c, struct str *subject,
                      const char **why)
{
    *subject = str_of(c->refused_subject);
    *why = c->refused;
    return c->refused != NULL;
}

/* ---- what it says ------------------------------------------------------ */

struct reader {
    struct tls_peer *p;
    bool broken; /* memory is out, or a text that no name is */
};

/* kind + text, copied. */
static struct str keep(struct reader *r, const char *kind, const char *text,
                       size_t n)
{
    size_t k = strlen(kind);
    char *to = n <= TLS_PEER_TEXT ? malloc(k + n + 1) : NULL;

    r->broken |= !to;
    for (size_t i = 0; i < n; i++)
        r->broken |= (unsigned char)text[i] < 0x20 || text[i] == 0x7f;
    if (!to)
        return STR_NULL;
    memcpy(to, kind, k);
    memcpy(to + k, text, n);
    to[k + n] = '\0';
    return (struct str){ to, k + n };
}

static struct str keep_name(struct reader *r, const X509_NAME *name)
{
    BIO *bio = BIO_new(BIO_s_mem());
    struct str out = STR_NULL;
    char *text;
    long n;

    if (!bio || X509_NAME_print_ex(bio, name, 0,
                                   XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB) < 0)
        r->broken = true;
    else if ((n = BIO_get_mem_data(bio, &text)) > 0)
        out = keep(r, "", text, (size_t)n);
    BIO_free(bio);
    return out;
}

static struct str keep_cn(struct reader *r, const X509_NAME *name)
{
    int at = -1, last = -1, n;
    unsigned char *text = NULL;
    struct str out = STR_NULL;

    while ((at = X509_NAME_get_index_by_NID(name, NID_commonName, at)) >= 0)
        last = at;
    if (last < 0)
        return STR_NULL;
    n = ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(
                                       X509_NAME_get_entry(name, last)));
    if (n > 0)
        out = keep(r, "", (char *)text, (size_t)n);
    r->broken |= n < 0;
    OPENSSL_free(text);
    return out;
}

static struct str keep_ip(struct reader *r, const ASN1_OCTET_STRING *ip)
{
    char text[INET6_ADDRSTRLEN];
    int family = ASN1_STRING_length(ip) == 4 ? AF_INET : AF_INET6;

    if ((ASN1_STRING_length(ip) != 4 && ASN1_STRING_length(ip) != 16) ||
        !inet_ntop(family, ASN1_STRING_get0_data(ip), text, sizeof text)) {
        r->broken = true;
        return STR_NULL;
    }
    return keep(r, "ip:", text, strlen(text));
}

static void add_name(struct reader *r, const GENERAL_NAME *name)
{
    const char *kind = name->type == GEN_DNS     ? "dns:"
                       : name->type == GEN_URI   ? "uri:"
                       : name->type == GEN_EMAIL ? "email:"
                                                 : NULL;
    struct tls_peer *p = r->p;

    if (!kind && name->type != GEN_IPADD)
        return;
    if (p->n_names == TLS_PEER_NAMES) {
        r->broken = true;
        return;
    }
    p->names[p->n_names++] =
        kind ? keep(r, kind, (const char *)ASN1_STRING_get0_data(name->d.ia5),
                    (size_t)ASN1_STRING_length(name->d.ia5))
             : keep_ip(r, name->d.iPAddress);
}

static void add_names(struct reader *r, X509 *cert)
{
    GENERAL_NAMES *all =
        X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);

    for (int i = 0; !r->broken && i < sk_GENERAL_NAME_num(all); i++)
        add_name(r, sk_GENERAL_NAME_value(all, i));
    GENERAL_NAMES_free(all);
}

static void add_digest(struct reader *r, const X509 *cert)
{
    unsigned char md[EVP_MAX_MD_SIZE];
    char hex[2 * EVP_MAX_MD_SIZE + 1] = "";
    unsigned n = 0;

    if (X509_digest(cert, EVP_sha256(), md, &n) != 1)
        r->broken = true;
    for (unsigned i = 0; i < n; i++)
        snprintf(hex + 2 * i, 3, "%02x", md[i]);
    r->p->sha256 = keep(r, "", hex, (size_t)2 * n);
}

static void read_peer(struct reader *r, X509 *cert)
{
    struct tm tm;

    r->p->subject = keep_name(r, X509_get_subject_name(cert));
    r->p->issuer = keep_name(r, X509_get_issuer_name(cert));
    r->p->cn = keep_cn(r, X509_get_subject_name(cert));
    add_digest(r, cert);
    add_names(r, cert);
    if (ASN1_TIME_to_tm(X509_get0_notAfter(cert), &tm) == 1)
        r->p->expires = (int64_t)timegm(&tm);
}

void tls_peer_free(struct tls_peer *p)
{
    if (!p)
        return;
    free((char *)(uintptr_t)p->subject.p);
    free((char *)(uintptr_t)p->issuer.p);
    free((char *)(uintptr_t)p->cn.p);
    free((char *)(uintptr_t)p->sha256.p);
    for (size_t i = 0; i < p->n_names; i++)
        free((char *)(uintptr_t)p->names[i].p);
    free(p);
}

const struct tls_peer *tls_conn_peer(struct tls_conn *c)
{
    X509 *cert = c->peer ? NULL : SSL_get0_peer_certificate(c->ssl);
    struct reader r = { .p = NULL };

    if (!cert || SSL_get_verify_result(c->ssl) != X509_V_OK)
        return c->peer;
    r.p = calloc(1, sizeof *r.p);
    if (!r.p)
        return NULL;
    read_peer(&r, cert);
    ERR_clear_error();
    if (r.broken) {
        tls_peer_free(r.p);
        return NULL;
    }
    c->peer = r.p;
    return c->peer;
}

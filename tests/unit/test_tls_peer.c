/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Certificates of clients: whose are taken, why others are not, and what one
 * says; both ends on a socket pair. */
#include "net/tls_peer.h"

#include "net/loop.h"
#include "tls_make.h"

#include <openssl/err.h>
#include <sys/socket.h>
#include <unistd.h>

static struct made_cert own, ours, theirs;

/* What a client's certificate is to be like; signed by itself, so that it is
 * its own authority. */
struct wish {
    const char *names, *usage; /* usage NULL: none is said */
    long from_days, days;
};

static void extend(X509 *x, int nid, const char *value)
{
    X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

    CU_ASSERT_PTR_NOT_NULL_FATAL(e);
    X509_add_ext(x, e, -1);
    X509_EXTENSION_free(e);
}

/* A name with a NUL, which the text form above cannot say. */
static void add_nul(X509 *x)
{
    GENERAL_NAMES *all = sk_GENERAL_NAME_new_null();
    GENERAL_NAME *name = GENERAL_NAME_new();
    ASN1_IA5STRING *text = ASN1_IA5STRING_new();

    ASN1_STRING_set(text, "ci\0.evil", 8);
    GENERAL_NAME_set0_value(name, GEN_DNS, text);
    sk_GENERAL_NAME_push(all, name);
    X509_add1_ext_i2d(x, NID_subject_alt_name, all, 0, 0);
    GENERAL_NAMES_free(all);
}

static void make_client(struct made_cert *m, const struct wish *w)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *x = X509_new();
    X509_NAME *subject = X509_get_subject_name(x);
    BIO *cert = BIO_new(BIO_s_mem()), *secret = BIO_new(BIO_s_mem());

    X509_set_version(x, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x), 7);
    X509_gmtime_adj(X509_getm_notBefore(x), 86400L * w->from_days);
    X509_gmtime_adj(X509_getm_notAfter(x), 86400L * w->days);
    X509_NAME_add_entry_by_txt(subject, "O", MBSTRING_ASC,
                               (const unsigned char *)"Ex,ample", -1, -1, 0);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
                               (const unsigned char *)"ci \xc3\xbc", -1, -1, 0);
    X509_set_issuer_name(x, subject);
    X509_set_pubkey(x, key);
    if (w->names)
        extend(x, NID_subject_alt_name, w->names);
    else
        add_nul(x);
    if (w->usage)
        extend(x, NID_ext_key_usage, w->usage);
    CU_ASSERT_TRUE_FATAL(X509_sign(x, key, EVP_sha256()) > 0);
    PEM_write_bio_X509(cert, x);
    PEM_write_bio_PrivateKey(secret, key, NULL, NULL, 0, NULL, NULL);
    made_pem(m->cert, sizeof m->cert, cert);
    made_pem(m->key, sizeof m->key, secret);
    m->pem = (struct tls_cert){ str_of(m->cert), str_of(m->key) };
    X509_free(x);
    EVP_PKEY_free(key);
}

/* ---- a connection ------------------------------------------------------ */

struct pair {
    int fd[2];
    SSL_CTX *ctx;
    SSL *client;
    struct tls_conn *c;
    int rc;
};

static void use(SSL_CTX *ctx, const struct made_cert *m)
{
    BIO *cert = BIO_new_mem_buf(m->cert, -1);
    BIO *secret = BIO_new_mem_buf(m->key, -1);
    X509 *x = PEM_read_bio_X509(cert, NULL, NULL, NULL);
    EVP_PKEY *key = PEM_read_bio_PrivateKey(secret, NULL, NULL, NULL);

    CU_ASSERT_EQUAL_FATAL(SSL_CTX_use_certificate(ctx, x), 1);
    CU_ASSERT_EQUAL_FATAL(SSL_CTX_use_PrivateKey(ctx, key), 1);
    X509_free(x);
    EVP_PKEY_free(key);
    BIO_free(cert);
    BIO_free(secret);
}

/* Shake hands, as a client that shows `m` (NULL: nothing) by that version. */
static void meet(struct pair *p, struct tls_server *t,
                 const struct made_cert *m, int version)
{
    CU_ASSERT_EQUAL_FATAL(
        socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, p->fd), 0);
    p->ctx = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_min_proto_version(p->ctx, version);
    SSL_CTX_set_max_proto_version(p->ctx, version);
    if (m)
        use(p->ctx, m);
    p->client = SSL_new(p->ctx);
    SSL_set_fd(p->client, p->fd[0]);
    p->c = tls_conn_new(t, p->fd[1]);
    p->rc = 1;
    for (int i = 0; i < 20 && p->rc > 0; i++) {
        SSL_connect(p->client);
        p->rc = tls_handshake(p->c);
    }
}

static void part(struct pair *p)
{
    tls_conn_free(p->c);
    SSL_free(p->client);
    SSL_CTX_free(p->ctx);
    close(p->fd[0]);
    close(p->fd[1]);
    ERR_clear_error();
}

static struct tls_server *server(const struct tls_clients *who)
{
    struct err err = { 0 };
    struct tls_server *t;

    if (!own.cert[0])
        make_cert(&own, "DNS:gateway.example", 30);
    t = tls_server_new(&own.pem, 1, STR_NULL, &err);
    CU_ASSERT_PTR_NOT_NULL_FATAL(t);
    UNIT_INT(tls_server_clients(t, who, &err), 0);
    UNIT_STR(err.msg, "");
    return t;
}

static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };

static void make_ours(void)
{
    const struct wish w = { "DNS:ci.example,URI:spiffe://example/ci,"
                            "email:ci@example,IP:10.0.0.7,IP:fd00::7,"
                            "RID:1.2.3", "clientAuth", -1, 30 };

    if (!ours.cert[0])
        make_client(&ours, &w);
    if (!theirs.cert[0])
        make_client(&theirs, &w);
}

static void want(struct str got, const char *wanted)
{
    if (!str_is(got, wanted))
        printf("\n'" STR_FMT "' is not '%s'", STR_ARG(got), wanted);
    CU_ASSERT_TRUE(str_is(got, wanted));
}

/* ---- tests ------------------------------------------------------------- */

static void what_it_says(void)
{
    static const char *const names[] = { "dns:ci.example",
                                         "uri:spiffe://example/ci",
                                         "email:ci@example", "ip:10.0.0.7",
                                         "ip:fd00::7" };
    struct tls_clients who;
    struct tls_server *t;

    make_ours();
    who = (struct tls_clients){ ours.pem.cert, STR_NULL, true };
    t = server(&who);
    for (size_t v = 0; v < 2; v++) {
        const struct tls_peer *peer;
        struct pair p;

        meet(&p, t, &ours, versions[v]);
        UNIT_INT(p.rc, 0);
        peer = tls_conn_peer(p.c);
        CU_ASSERT_PTR_NOT_NULL_FATAL(peer);
        CU_ASSERT_PTR_EQUAL(tls_conn_peer(p.c), peer);
        want(peer->subject, "CN=ci \xc3\xbc,O=Ex\\,ample");
        want(peer->issuer, "CN=ci \xc3\xbc,O=Ex\\,ample");
        want(peer->cn, "ci \xc3\xbc");
        UNIT_INT(peer->sha256.n, 64);
        CU_ASSERT(peer->expires > time(NULL) + 29 * 86400);
        UNIT_INT(peer->n_names, 5); /* an object id is no name of ours */
        for (size_t i = 0; i < 5 && i < peer->n_names; i++)
            want(peer->names[i], names[i]);
        part(&p);
    }
    tls_server_unref(t);
}

static void refused(const struct tls_clients *who, const struct made_cert *m,
                    const char *wanted)
{
    struct tls_server *t = server(who);

    for (size_t v = 0; v < 2; v++) {
        const char *why = NULL;
        struct str subject;
        struct pair p;

        meet(&p, t, m, versions[v]);
        UNIT_INT(p.rc, -ERR_CLOSED);
        CU_ASSERT_TRUE(tls_conn_refused(p.c, &subject, &why));
        UNIT_STR(why ? why : "", wanted);
        UNIT_INT(subject.n > 0, m != NULL);
        part(&p);
    }
    tls_server_unref(t);
}

static void who_is_refused(void)
{
    static struct made_cert old, early, serving;
    const struct wish is_old = { "DNS:ci", "clientAuth", -9, -1 };
    const struct wish is_early = { "DNS:ci", "clientAuth", 1, 9 };
    const struct wish serves = { "DNS:ci", "serverAuth", -1, 9 };
    struct tls_clients who;

    make_ours();
    make_client(&old, &is_old);
    make_client(&early, &is_early);
    make_client(&serving, &serves);
    who = (struct tls_clients){ ours.pem.cert, STR_NULL, true };
    refused(&who, NULL, "no certificate was sent");
    refused(&who, &theirs, "self-signed certificate");
    who.ca = old.pem.cert;
    refused(&who, &old, "certificate has expired");
    who.ca = early.pem.cert;
    refused(&who, &early, "certificate is not yet valid");
    who.ca = serving.pem.cert;
    refused(&who, &serving, "unsuitable certificate purpose");
}

/* "optional" excuses nobody who shows a bad one. */
static void optional(void)
{
    struct tls_clients who;
    struct tls_server *t;
    struct pair p;

    make_ours();
    who = (struct tls_clients){ ours.pem.cert, STR_NULL, false };
    refused(&who, &theirs, "self-signed certificate");
    t = server(&who);
    meet(&p, t, NULL, TLS1_3_VERSION);
    UNIT_INT(p.rc, 0);
    CU_ASSERT_PTR_NULL(tls_conn_peer(p.c));
    part(&p);
    tls_server_unref(t);
}

static void a_name_with_a_nul_is_none(void)
{
    static struct made_cert evil;
    const struct wish w = { NULL, "clientAuth", -1, 9 };
    struct tls_clients who;
    struct tls_server *t;
    struct pair p;

    make_client(&evil, &w);
    who = (struct tls_clients){ evil.pem.cert, STR_NULL, true };
    t = server(&who);
    meet(&p, t, &evil, TLS1_3_VERSION);
    UNIT_INT(p.rc, 0);
    CU_ASSERT_PTR_NULL(tls_conn_peer(p.c));
    part(&p);
    tls_server_unref(t);
}

static void no_session_is_resumed(void)
{
    struct tls_clients who;
    struct tls_server *t;

    make_ours();
    who = (struct tls_clients){ ours.pem.cert, STR_NULL, true };
    t = server(&who);
    for (size_t v = 0; v < 2; v++) {
        struct pair p;
        char byte;

        meet(&p, t, &ours, versions[v]);
        UNIT_INT(tls_write(p.c, "x", 1), 1);
        UNIT_INT(SSL_read(p.client, &byte, 1), 1);
        CU_ASSERT_FALSE(SSL_SESSION_has_ticket(SSL_get0_session(p.client)));
        part(&p);
    }
    tls_server_unref(t);
}

static void bad_files_are_named(void)
{
    struct tls_server *t;
    struct err err = { 0 };
    struct tls_clients who = { STR("junk"), STR_NULL, true };

    make_ours();
    t = tls_server_new(&ours.pem, 1, STR_NULL, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(t);
    UNIT_INT(tls_server_clients(t, &who, &err), -ERR_CONFIG);
    UNIT_STR(err.msg, "client_ca: there is no PEM certificate in it, "
             "or a broken one");
    who.ca = STR("");
    err = (struct err){ 0 };
    UNIT_INT(tls_server_clients(t, &who, &err), -ERR_CONFIG);
    who = (struct tls_clients){ ours.pem.cert, STR(""), true };
    err = (struct err){ 0 };
    UNIT_INT(tls_server_clients(t, &who, &err), -ERR_CONFIG);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.msg, "client_crl"));
    who = (struct tls_clients){ ours.pem.cert, ours.pem.cert, true };
    err = (struct err){ 0 };
    UNIT_INT(tls_server_clients(t, &who, &err), -ERR_CONFIG);
    UNIT_STR(err.msg, "client_crl: there is no PEM revocation list in it, "
             "or a broken one");
    tls_server_unref(t);
}

UNIT_MAIN("tls_peer", { "what it says", what_it_says },
          { "who is refused", who_is_refused }, { "optional", optional },
          { "a name with a NUL is none", a_name_with_a_nul_is_none },
          { "no session is resumed", no_session_is_resumed },
          { "bad files are named", bad_files_are_named })

/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * HTTP out over TLS: whose certificate is believed. The upstream is a child
 * process with OpenSSL's blocking calls and certificates made here.
 */
#include "probe.h"

#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <signal.h>
#include <sys/wait.h>

struct rig {
    struct loop *loop;
    struct http_client *c;
    struct http_call_spec spec;
    pid_t child;
    int port;
    char url[64], ca_file[64], other_ca[64];
};

static X509 *certificate(const char *name, EVP_PKEY *key, const char *issuer,
                         EVP_PKEY *signer, const char *san)
{
    X509 *x = X509_new();
    X509_NAME *n = X509_get_subject_name(x);
    X509_NAME *i = X509_NAME_new();
    X509_EXTENSION *e;

    X509_set_version(x, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x), san ? 2 : 1);
    X509_gmtime_adj(X509_getm_notBefore(x), -3600);
    X509_gmtime_adj(X509_getm_notAfter(x), 3600);
    X509_set_pubkey(x, key);
    X509_NAME_add_entry_by_txt(n, "CN", MBSTRING_ASC,
                               (const unsigned char *)name, -1, -1, 0);
    X509_NAME_add_entry_by_txt(i, "CN", MBSTRING_ASC,
                               (const unsigned char *)issuer, -1, -1, 0);
    X509_set_issuer_name(x, i);
    e = san ? X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, san)
            : X509V3_EXT_conf_nid(NULL, NULL, NID_basic_constraints,
                                  "critical,CA:TRUE");
    X509_add_ext(x, e, -1);
    X509_EXTENSION_free(e);
    X509_NAME_free(i);
    X509_sign(x, signer, EVP_sha256());
    return x;
}

static void write_pem(char path[64], const char *what, X509 *x)
{
    FILE *f;

    snprintf(path, 64, "/tmp/penstock-test-%d-%s.pem", (int)getpid(), what);
    f = fopen(path, "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    PEM_write_X509(f, x);
    fclose(f);
}

static void serve_one(SSL_CTX *ctx, int fd)
{
    static const char answer[] =
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
    SSL *s = SSL_new(ctx);
    char in[4096];

    SSL_set_fd(s, fd);
    if (SSL_accept(s) == 1) {
        while (SSL_read(s, in, sizeof in) > 0)
            SSL_write(s, answer, sizeof answer - 1);
    }
    _exit(0);
}

/* Answer every request, a process per connection, until killed. */
static void serve_tls(int listener, X509 *cert, EVP_PKEY *key)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

    signal(SIGCHLD, SIG_IGN);
    SSL_CTX_use_certificate(ctx, cert);
    SSL_CTX_use_PrivateKey(ctx, key);
    for (;;) {
        int fd = accept(listener, NULL, NULL);

        if (fork() == 0) {
            close(listener);
            serve_one(ctx, fd);
        }
        close(fd);
    }
}

static void rig_init(struct rig *r)
{
    struct sockaddr_in a = { .sin_family = AF_INET,
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    EVP_PKEY *ca = EVP_EC_gen("P-256"), *key = EVP_EC_gen("P-256");
    X509 *root = certificate("test root", ca, "test root", ca, NULL);
    X509 *other = certificate("other root", key, "other root", key, NULL);
    X509 *leaf = certificate("api.test", key, "test root", ca, "DNS:api.test");

    memset(r, 0, sizeof *r);
    write_pem(r->ca_file, "ca", root);
    write_pem(r->other_ca, "other", other);
    CU_ASSERT(bind(fd, (struct sockaddr *)&a, sizeof a) == 0);
    CU_ASSERT(listen(fd, 16) == 0);
    getsockname(fd, (struct sockaddr *)&a, &len);
    r->port = ntohs(a.sin_port);
    fflush(stdout);
    r->child = fork();
    if (r->child == 0)
        serve_tls(fd, leaf, key);
    close(fd);
    X509_free(root);
    X509_free(other);
    X509_free(leaf);
    EVP_PKEY_free(ca);
    EVP_PKEY_free(key);
    r->loop = loop_new();
    r->c = http_client_new(r->loop, 64, NULL);
    r->spec.method = STR("GET");
    r->spec.connect_timeout_ms = 5000;
    r->spec.addresses = "127.0.0.1";
}

static void rig_clear(struct rig *r)
{
    http_client_free(r->c);
    loop_free(r->loop);
    kill(r->child, SIGKILL);
    waitpid(r->child, NULL, 0);
    unlink(r->ca_file);
    unlink(r->other_ca);
}

static struct http_call_result go(struct rig *r, const char *host)
{
    struct probe p;

    snprintf(r->url, sizeof r->url, "https://%s:%d/", host, r->port);
    r->spec.url = str_of(r->url);
    probe_init(&p, r->loop);
    probe_go(&p, r->c, &r->spec);
    UNIT_INT(p.dones, 1);
    UNIT_INT(p.heads, p.r.fail == HTTP_OK);
    UNIT_INT(p.bytes, p.r.fail == HTTP_OK ? 5 : 0);
    if (p.r.fail != HTTP_OK)
        CU_ASSERT(!p.r.sent);
    probe_clear(&p);
    return p.r;
}

static void own_authority(void)
{
    struct http_call_result res;
    struct rig r;

    rig_init(&r);
    r.spec.ca_file = r.ca_file;
    res = go(&r, "api.test");
    UNIT_INT(res.fail, HTTP_OK);
    CU_ASSERT(res.connect_us > 0);
    res = go(&r, "api.test");
    UNIT_INT(res.fail, HTTP_OK);
    CU_ASSERT(res.reused);
    rig_clear(&r);
}

static void refuses_strangers(void)
{
    struct rig r;

    rig_init(&r);
    UNIT_INT(go(&r, "api.test").fail, HTTP_FAIL_TLS); /* the system's CAs */
    r.spec.ca_file = r.other_ca;
    UNIT_INT(go(&r, "api.test").fail, HTTP_FAIL_TLS);
    r.spec.ca_file = "/nonexistent/ca.pem";
    UNIT_INT(go(&r, "api.test").fail, HTTP_FAIL_TLS);
    r.spec.ca_file = r.ca_file;
    UNIT_INT(go(&r, "other.test").fail, HTTP_FAIL_TLS); /* wrong name */
    UNIT_INT(go(&r, "127.0.0.1").fail, HTTP_FAIL_TLS);
    UNIT_INT(go(&r, "api.test").fail, HTTP_OK);
    /* what one call may skip, the next one may not */
    r.spec.ca_file = r.other_ca;
    r.spec.insecure = true;
    UNIT_INT(go(&r, "other.test").fail, HTTP_OK);
    r.spec.insecure = false;
    UNIT_INT(go(&r, "other.test").fail, HTTP_FAIL_TLS);
    UNIT_INT(go(&r, "api.test").fail, HTTP_FAIL_TLS);
    rig_clear(&r);
}

static void not_tls(struct up_conn *c, struct str head, struct str body)
{
    (void)c;
    (void)head;
    (void)body;
}

static void plain_server(void)
{
    struct rig r;
    struct up *u;

    rig_init(&r);
    u = up_new(r.loop, 1, 0, NULL);
    u->serve = not_tls;
    r.port = u->port;
    r.spec.connect_timeout_ms = 200;
    /* it waits for a whole head: the handshake takes too long */
    UNIT_INT(go(&r, "api.test").fail, HTTP_FAIL_CONNECT_TIMEOUT);
    up_free(u);
    rig_clear(&r);
}

UNIT_MAIN("http_client_tls", { "own authority", own_authority },
          { "refuses strangers", refuses_strangers },
          { "plain server", plain_server })

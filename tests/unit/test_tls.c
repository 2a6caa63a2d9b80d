/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* The server over TLS: certificates by name, versions, ALPN, tickets between
 * workers, large bodies, clients that leave; what a bad certificate says. */
#include "http_probe.h"
#include "tls_make.h"

#include <time.h>

static struct made_cert first, second, wild;
static char ticket_key[TLS_TICKET_KEY];

static void make_all(void)
{
    if (first.cert[0])
        return;
    make_cert(&first, "DNS:first.example", 90);
    make_cert(&second, "DNS:second.example,DNS:exact.wild.example", 30);
    make_cert(&wild, "DNS:*.wild.example", 60);
    memset(ticket_key, 7, sizeof ticket_key);
}

static struct tls_server *make_server(struct str key)
{
    struct tls_cert certs[3];
    struct err err = { 0 };
    struct tls_server *t;

    make_all();
    certs[0] = first.pem;
    certs[1] = wild.pem;
    certs[2] = second.pem;
    t = tls_server_new(certs, 3, key, &err);
    if (!t)
        printf("\n%s", err.msg);
    CU_ASSERT_PTR_NOT_NULL_FATAL(t);
    return t;
}

/* ---- a client ---------------------------------------------------------- */

struct client {
    SSL_CTX *ctx;
    SSL *ssl;
    char got[2 << 20];
    size_t n;
    bool end;
};

static struct client client;

static void client_open(struct probe *p)
{
    probe_connect(p);
    client.n = 0;
    client.end = false;
    if (!client.ctx)
        client.ctx = SSL_CTX_new(TLS_client_method());
    client.ssl = SSL_new(client.ctx);
    SSL_set_fd(client.ssl, p->fd);
}

static bool client_connect(struct probe *p)
{
    for (int i = 0; i < 500; i++) {
        int rc = SSL_connect(client.ssl);
        int e = rc == 1 ? 0 : SSL_get_error(client.ssl, rc);

        if (rc == 1)
            return true;
        if (e != SSL_ERROR_WANT_READ && e != SSL_ERROR_WANT_WRITE)
            return false;
        probe_turns(p, 1);
    }
    return false;
}

static void client_send(struct probe *p, const char *bytes, size_t n)
{
    SSL_set_mode(client.ssl, SSL_MODE_ENABLE_PARTIAL_WRITE);
    for (int i = 0; n && i < 5000; i++) {
        int rc = SSL_write(client.ssl, bytes, (int)n);

        if (rc > 0) {
            bytes += rc;
            n -= (size_t)rc;
        } else {
            probe_turns(p, 1);
        }
    }
    UNIT_INT(n, 0);
}

static bool client_read(void)
{
    int rc = SSL_read(client.ssl, client.got + client.n,
                      (int)(sizeof client.got - 1 - client.n));

    if (rc > 0)
        client.n += (size_t)rc;
    else
        client.end |= SSL_get_error(client.ssl, rc) != SSL_ERROR_WANT_READ;
    client.got[client.n] = '\0';
    return rc > 0;
}

static bool client_got(struct probe *p)
{
    (void)p;
    while (client_read())
        ;
    return strstr(client.got, "hello") || client.end;
}

static void client_close(struct probe *p)
{
    SSL_free(client.ssl);
    client.ssl = NULL;
    probe_hang_up(p, false);
}

static void client_free(void)
{
    SSL_CTX_free(client.ctx);
    client.ctx = NULL;
}

static void client_hello(struct probe *p)
{
    static const char get[] = "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n";

    client_send(p, get, sizeof get - 1);
    CU_ASSERT_TRUE(probe_run(p, client_got, 2000));
    CU_ASSERT_PTR_NOT_NULL(strstr(client.got, "\r\n\r\nhello"));
}

/* ---- tests ------------------------------------------------------------- */

static void check_name(struct probe *p, const char *sni, const char *want)
{
    char name[256] = "";
    X509 *cert;

    client_open(p);
    if (sni)
        SSL_set_tlsext_host_name(client.ssl, sni);
    CU_ASSERT_TRUE_FATAL(client_connect(p));
    cert = SSL_get1_peer_certificate(client.ssl);
    X509_NAME_get_text_by_NID(X509_get_subject_name(cert), NID_commonName,
                              name, sizeof name);
    X509_free(cert);
    UNIT_STR(name, want);
    client_hello(p);
    client_close(p);
}

static void certificates_by_name(void)
{
    struct tls_server *t = make_server(STR_NULL);
    struct probe p;

    UNIT_INT((tls_server_expires(t) - time(NULL) + 60) / 86400, 30);
    probe_open_tls(&p, NULL, t);
    tls_server_unref(t); /* the listener keeps its own */
    check_name(&p, NULL, "DNS:first.example");
    check_name(&p, "first.example", "DNS:first.example");
    check_name(&p, "unknown.example", "DNS:first.example");
    check_name(&p, "second.example",
               "DNS:second.example,DNS:exact.wild.example");
    check_name(&p, "SECOND.example",
               "DNS:second.example,DNS:exact.wild.example");
    check_name(&p, "a.wild.example", "DNS:*.wild.example");
    check_name(&p, "exact.wild.example",
               "DNS:second.example,DNS:exact.wild.example");
    check_name(&p, "a.b.wild.example", "DNS:first.example");
    probe_close(&p);
    client_free();
}

static void new_certificates_take_over(void)
{
    struct tls_server *t = make_server(STR_NULL);
    struct tls_server *u;
    struct probe p;

    u = tls_server_new(&second.pem, 1, STR_NULL, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(u);
    probe_open_tls(&p, NULL, t);
    client_open(&p); /* begun with the old ones */
    CU_ASSERT_TRUE_FATAL(client_connect(&p));
    CU_ASSERT_TRUE(http_server_set_tls(p.s, p.lis_id, u));
    CU_ASSERT_FALSE(http_server_set_tls(p.s, p.lis_id + 9, u));
    tls_server_unref(t);
    tls_server_unref(u);
    client_hello(&p);
    client_close(&p);
    check_name(&p, NULL, "DNS:second.example,DNS:exact.wild.example");
    probe_close(&p);
    client_free();
}

static bool connects(struct probe *p, int min, int max, const char *alpn)
{
    bool ok;

    client_open(p);
    SSL_set_min_proto_version(client.ssl, min);
    SSL_set_max_proto_version(client.ssl, max);
    SSL_set_security_level(client.ssl, 0);
    if (alpn)
        SSL_set_alpn_protos(client.ssl, (const unsigned char *)alpn,
                            (unsigned)strlen(alpn));
    ok = client_connect(p);
    if (ok)
        client_hello(p);
    return ok;
}

static void versions_and_alpn(void)
{
    struct tls_server *t = make_server(STR_NULL);
    const unsigned char *alpn;
    struct probe p;
    unsigned n;

    probe_open_tls(&p, NULL, t);
    tls_server_unref(t);
    CU_ASSERT_TRUE(connects(&p, TLS1_3_VERSION, TLS1_3_VERSION, NULL));
    client_close(&p);
    CU_ASSERT_TRUE(connects(&p, TLS1_2_VERSION, TLS1_2_VERSION, NULL));
    client_close(&p);
    CU_ASSERT_FALSE(connects(&p, TLS1_1_VERSION, TLS1_1_VERSION, NULL));
    client_close(&p);
    CU_ASSERT_TRUE(connects(&p, 0, 0, "\x02h2\x08http/1.1"));
    SSL_get0_alpn_selected(client.ssl, &alpn, &n);
    CU_ASSERT_TRUE(n == 8 && memcmp(alpn, "http/1.1", 8) == 0);
    client_close(&p);
    CU_ASSERT_FALSE(connects(&p, 0, 0, "\x02h2"));
    client_close(&p);
    CU_ASSERT_TRUE(probe_run(&p, probe_no_connection, 1000));
    /* plain HTTP on a TLS port */
    probe_connect(&p);
    probe_send(&p, STR("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n"));
    CU_ASSERT_TRUE(probe_run(&p, probe_eof, 1000));
    UNIT_INT(p.heads, 0);
    probe_close(&p);
    client_free();
}

/* A session of one worker, resumed by another with the same key. */
static bool resumes(struct str key_a, struct str key_b)
{
    struct tls_server *a = make_server(key_a), *b = make_server(key_b);
    SSL_SESSION *session;
    struct probe p;
    bool reused;

    probe_open_tls(&p, NULL, a);
    client_open(&p);
    CU_ASSERT_TRUE_FATAL(client_connect(&p));
    client_hello(&p); /* TLS 1.3 sends tickets after the handshake */
    session = SSL_get1_session(client.ssl);
    SSL_shutdown(client.ssl);
    client_close(&p);
    probe_close(&p);

    probe_open_tls(&p, NULL, b);
    client_open(&p);
    SSL_set_session(client.ssl, session);
    CU_ASSERT_TRUE_FATAL(client_connect(&p));
    reused = SSL_session_reused(client.ssl);
    client_hello(&p);
    client_close(&p);
    probe_close(&p);
    SSL_SESSION_free(session);
    tls_server_unref(a);
    tls_server_unref(b);
    client_free();
    return reused;
}

static void tickets(void)
{
    struct str key = { ticket_key, sizeof ticket_key };

    CU_ASSERT_TRUE(resumes(key, key));
    CU_ASSERT_FALSE(resumes(STR_NULL, STR_NULL));
}

static bool client_has_all(struct probe *p)
{
    const char *at;

    (void)p;
    while (client_read())
        ;
    at = strstr(client.got, "\r\n\r\n");
    return client.end ||
           (at && client.n - (size_t)(at + 4 - client.got) == 1 << 20);
}

static void large_bodies(void)
{
    struct tls_server *t = make_server(STR_NULL);
    const size_t n = 1 << 20;
    char *bytes = malloc(n);
    struct probe p;

    for (size_t i = 0; i < n; i++)
        bytes[i] = (char)('a' + i % 23);
    probe_open_tls(&p, NULL, t);
    tls_server_unref(t);
    for (int chunked = 0; chunked < 2; chunked++) {
        const char *head =
            chunked ? "POST /echo HTTP/1.1\r\nHost: a\r\n"
                      "Transfer-Encoding: chunked\r\n\r\n100000\r\n"
                    : "POST /echo HTTP/1.1\r\nHost: a\r\n"
                      "Content-Length: 1048576\r\n\r\n";

        client_open(&p);
        CU_ASSERT_TRUE_FATAL(client_connect(&p));
        client_send(&p, head, strlen(head));
        client_send(&p, bytes, n);
        if (chunked)
            client_send(&p, "\r\n0\r\n\r\n", 7);
        CU_ASSERT_TRUE(probe_run(&p, client_has_all, 5000));
        CU_ASSERT_FALSE(client.end);
        UNIT_MEM(strstr(client.got, "\r\n\r\n") + 4, bytes, n);
        client_close(&p);
    }
    free(bytes);
    probe_close(&p);
    client_free();
}

/* Requests in one record: bytes that no event announces. */
static void pipelined_in_a_record(void)
{
    static const char in[] =
        "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"
        "POST /read HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc";
    struct tls_server *t = make_server(STR_NULL);
    struct probe p;

    probe_open_tls(&p, NULL, t);
    tls_server_unref(t);
    client_open(&p);
    CU_ASSERT_TRUE_FATAL(client_connect(&p));
    client_send(&p, in, sizeof in - 1);
    CU_ASSERT_TRUE(probe_run(&p, probe_held, 1000));
    probe_turns(&p, 10);
    UNIT_STR(p.log, "head body 0 end 0 head body 0 ");
    /* it leaves while its request is worked on */
    client_close(&p);
    CU_ASSERT_TRUE(probe_run(&p, probe_no_connection, 1000));
    UNIT_INT(p.end_rc, -ERR_CLOSED);
    probe_close(&p);
    client_free();
}

static void slow_handshakes_are_closed(void)
{
    struct tls_server *t = make_server(STR_NULL);
    struct http_limits limits = probe_limits;
    struct probe p;

    limits.head_timeout_ms = 40;
    probe_open_tls(&p, &limits, t);
    tls_server_unref(t);
    probe_connect(&p);
    probe_send(&p, STR("\x16\x03\x01"));
    CU_ASSERT_TRUE(probe_run(&p, probe_eof, 1000));
    probe_close(&p);
}

static void check_bad(struct tls_cert c, const char *part)
{
    struct tls_cert certs[2] = { first.pem, c };
    struct err err = { 0 };
    struct tls_server *t = tls_server_new(certs, 2, STR_NULL, &err);

    CU_ASSERT_PTR_NULL(t);
    UNIT_INT(err.code, ERR_CONFIG);
    if (!strstr(err.msg, part))
        printf("\n'%s' in: %s", part, err.msg);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.msg, part));
    CU_ASSERT_PTR_NOT_NULL(strstr(err.msg, "certificate 2"));
}

static void bad_certificates_are_named(void)
{
    struct made_cert old;
    struct tls_server *t;
    struct tls_cert c;

    make_all();
    c = (struct tls_cert){ first.pem.cert, second.pem.key };
    check_bad(c, "its key belongs to another certificate");
    c = (struct tls_cert){ STR("hello"), second.pem.key };
    check_bad(c, "there is no PEM certificate in it");
    c = (struct tls_cert){ STR_NULL, second.pem.key };
    check_bad(c, "there is no PEM certificate in it");
    c = (struct tls_cert){ first.pem.cert, STR("hello") };
    check_bad(c, "its key is not PEM");
    c = (struct tls_cert){ first.pem.key, first.pem.cert };
    check_bad(c, "there is no PEM certificate in it");
    CU_ASSERT_PTR_NULL(tls_server_new(&c, 0, STR_NULL, NULL));
    CU_ASSERT_PTR_NULL(tls_server_new(&first.pem, 1, STR("short"), NULL));

    /* an expired one serves; who asks is told */
    make_cert(&old, "DNS:old.example", -1);
    t = tls_server_new(&old.pem, 1, STR_NULL, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(t);
    CU_ASSERT_TRUE(tls_server_expires(t) < time(NULL));
    tls_server_unref(t);
}

UNIT_MAIN("tls", { "certificates by name", certificates_by_name },
          { "new certificates take over", new_certificates_take_over },
          { "versions and ALPN", versions_and_alpn }, { "tickets", tickets },
          { "large bodies", large_bodies },
          { "pipelined in a record", pipelined_in_a_record },
          { "slow handshakes are closed", slow_handshakes_are_closed },
          { "bad certificates are named", bad_certificates_are_named })

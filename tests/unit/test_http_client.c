/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * HTTP out, where all goes well: reuse, methods, bodies, informational heads,
 * where a call connects to, and many at once.
 */
#include "probe.h"

struct rig {
    struct loop *loop;
    struct up *up;
    struct http_client *c;
    char url[128];
    struct http_call_spec spec;
};

static char seen_head[4096];
static size_t seen_body;

static void serve(struct up_conn *c, struct str head, struct str body)
{
    snprintf(seen_head, sizeof seen_head, STR_FMT, STR_ARG(head));
    seen_body = body.n;
    if (str_find(head, STR(" /1xx ")) >= 0)
        up_send(c, "HTTP/1.1 100 Continue\r\n\r\n"
                   "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n");
    if (str_find(head, STR(" /204 ")) >= 0)
        up_send(c, "HTTP/1.1 204 No Content\r\n\r\n");
    else if (str_find(head, STR("HEAD ")) == 0)
        up_send(c, "HTTP/1.1 200 OK\r\nContent-Length: 77\r\n\r\n");
    else if (str_find(head, STR(" /chunked ")) >= 0)
        up_send(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                   "5\r\nhello\r\n7;x=y\r\n, world\r\n0\r\nX-T: 1\r\n\r\n");
    else if (str_find(head, STR(" /folded ")) >= 0)
        up_send(c, "HTTP/1.1 200 OK\r\nContent-Type: text/\r\n\t plain\r\n"
                   "Content-Length: 0\r\n\r\n");
    else if (str_find(head, STR(" /old ")) >= 0) {
        up_send(c, "HTTP/1.0 200 OK\r\n\r\nto the end");
        c->close_when_sent = true;
    } else
        up_send(c, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
                   "Content-Encoding: gzip\r\nContent-Length: 5\r\n\r\n"
                   "hello");
}

static void rig_init(struct rig *r)
{
    memset(r, 0, sizeof *r);
    r->loop = loop_new();
    r->up = up_new(r->loop, 1, 0, NULL);
    r->up->serve = serve;
    r->c = http_client_new(r->loop, 64, NULL);
    r->spec.method = STR("GET");
    r->spec.connect_timeout_ms = 5000;
}

static void rig_clear(struct rig *r)
{
    http_client_free(r->c);
    up_free(r->up);
    loop_free(r->loop);
}

static struct http_call_spec *rig_url(struct rig *r, const char *host,
                                      const char *path)
{
    snprintf(r->url, sizeof r->url, "http://%s:%d%s", host, r->up->port, path);
    r->spec.url = str_of(r->url);
    return &r->spec;
}

static void one(struct rig *r, struct probe *p, const char *path)
{
    probe_init(p, r->loop);
    probe_go(p, r->c, rig_url(r, "127.0.0.1", path));
    UNIT_INT(p->dones, 1);
    UNIT_INT(p->r.fail, HTTP_OK);
    probe_clear(p);
}

static void keeps_alive(void)
{
    struct rig r;
    struct probe p;

    rig_init(&r);
    for (int i = 0; i < 5; i++) {
        probe_init(&p, r.loop);
        probe_go(&p, r.c, rig_url(&r, "127.0.0.1", "/"));
        UNIT_INT(p.heads, 1);
        UNIT_INT(p.status, 200);
        UNIT_INT(p.n_headers, 3);
        UNIT_STR(p.type, "text/plain");
        UNIT_INT(buf_len(&p.body), 5);
        UNIT_INT(p.r.fail, HTTP_OK);
        UNIT_INT(p.r.reused, i > 0);
        CU_ASSERT(p.r.sent);
        CU_ASSERT(p.r.bytes_in > 5 && p.r.bytes_out > 20);
        CU_ASSERT(i > 0 ? p.r.connect_us == 0 : p.r.connect_us > 0);
        probe_clear(&p);
    }
    UNIT_INT(r.up->n, 1);
    UNIT_INT(http_client_active(r.c), 0);
    rig_clear(&r);
}

static void sends_only_what_was_given(void)
{
    static const struct http_header h[] = {
        { STR("X-A"), STR("1") },          { STR("X-Empty"), STR("") },
        { STR("Host"), STR("evil") },      { STR("Content-Length"), STR("9") },
        { STR("Connection"), STR("close") },
    };
    struct rig r;
    struct probe p;
    char want[256];

    rig_init(&r);
    r.spec.headers = h;
    r.spec.n_headers = 5;
    r.spec.method = STR("POST");
    r.spec.body = STR("{}");
    one(&r, &p, "/a/../b?q=%20");
    snprintf(want, sizeof want,
             "POST /a/../b?q=%%20 HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n"
             "X-A: 1\r\nX-Empty:\r\nContent-Length: 2\r\n\r\n",
             r.up->port);
    UNIT_STR(seen_head, want);
    r.spec.n_headers = 0;
    r.spec.body = STR_NULL;
    one(&r, &p, "/");
    CU_ASSERT(strstr(seen_head, "POST / HTTP/1.1\r\n") == seen_head);
    CU_ASSERT(strstr(seen_head, "Content-Length: 0\r\n") != NULL);
    rig_clear(&r);
}

static void refuses_bad_specs(void)
{
    static const struct http_header bad[] = {
        { STR("X"), STR("a\r\nY: b") }, { STR("X"), STR("a\0b") },
        { STR("X Y"), STR("a") },       { STR("X:"), STR("a") },
        { STR(""), STR("a") },          { STR("X"), STR("a\nb") },
    };
    static const char *const urls[] = {
        "ftp://127.0.0.1/",      "127.0.0.1",           "http://",
        "http://a b/",           "http://u:p@a/",       "http://a:0/",
        "http://a:99999/",       "http://[::1/",        "http://[zz]/",
        "http://a/\r\nX: y",     "http://a/#f",         "http://a:8x/",
    };
    struct rig r;
    struct err err;

    rig_init(&r);
    r.spec.n_headers = 1;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        r.spec.headers = &bad[i];
        err.code = 0;
        CU_ASSERT_PTR_NULL(http_client_start(r.c, rig_url(&r, "127.0.0.1", "/"),
                                             &probe_ops, NULL, &err));
        UNIT_INT(err.code, ERR_SYNTAX);
    }
    r.spec.n_headers = 0;
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        r.spec.url = str_of(urls[i]);
        CU_ASSERT_PTR_NULL(
            http_client_start(r.c, &r.spec, &probe_ops, NULL, &err));
    }
    r.spec.method = STR("GET /x");
    CU_ASSERT_PTR_NULL(http_client_start(r.c, rig_url(&r, "127.0.0.1", "/"),
                                         &probe_ops, NULL, &err));
    UNIT_INT(http_client_active(r.c), 0);
    rig_clear(&r);
}

static void framings(void)
{
    static const struct {
        const char *method, *path;
        int status;
        const char *body;
    } t[] = {
        { "GET", "/1xx", 200, "hello" },     { "GET", "/204", 204, "" },
        { "HEAD", "/", 200, "" },            { "GET", "/", 200, "hello" },
        { "GET", "/chunked", 200, "hello, world" },
        { "DELETE", "/", 200, "hello" },     { "HEAD", "/", 200, "" },
        { "GET", "/old", 200, "to the end" }, { "PUT", "/", 200, "hello" },
    };
    struct rig r;
    struct probe p;

    rig_init(&r);
    for (size_t i = 0; i < sizeof t / sizeof t[0]; i++) {
        probe_init(&p, r.loop);
        r.spec.method = str_of(t[i].method);
        probe_go(&p, r.c, rig_url(&r, "127.0.0.1", t[i].path));
        UNIT_INT(p.r.fail, HTTP_OK);
        UNIT_INT(p.heads, 1);
        UNIT_INT(p.status, t[i].status);
        CU_ASSERT(str_starts(str_of(seen_head), r.spec.method));
        CU_ASSERT(str_is(buf_str(&p.body), t[i].body));
        probe_clear(&p);
    }
    UNIT_INT(r.up->n, 2); /* HTTP/1.0 alone ended its connection */
    r.spec.method = STR("GET");
    one(&r, &p, "/folded");
    UNIT_STR(p.type, "text/ plain");
    rig_clear(&r);
}

static void big_request(void)
{
    size_t n = 8 << 20;
    char *big = malloc(n);
    struct rig r;
    struct probe p;

    rig_init(&r);
    memset(big, 'a', n);
    r.spec.method = STR("POST");
    r.spec.body = (struct str){ big, n };
    one(&r, &p, "/");
    UNIT_INT(seen_body, n);
    CU_ASSERT(p.r.bytes_out > n);
    CU_ASSERT(strstr(seen_head, "Expect") == NULL);
    free(big);
    rig_clear(&r);
}

/* An upload whose every second part is late. */
static struct late {
    struct probe *p;
    struct loop_timer t;
    size_t left;
    int asked;
} late;

static void on_late(void *ud)
{
    (void)ud;
    http_call_feed(late.p->x);
}

static size_t need(void *ud, char *to, size_t n)
{
    CU_ASSERT(ud == late.p && late.left > 0);
    if (late.asked++ % 2 == 0) {
        loop_timer_set(&late.t, 0);
        return 0;
    }
    n = n < 1000 ? n : 1000;
    n = n < late.left ? n : late.left;
    memset(to, 'a', n);
    late.left -= n;
    return n;
}

static void uploads_as_it_comes(void)
{
    struct rig r;
    struct probe p;

    rig_init(&r);
    loop_timer_init(&late.t, r.loop, on_late, NULL);
    late.p = &p;
    r.spec.method = STR("POST");
    r.spec.need = need;
    for (int i = 0; i < 2; i++) {
        late.left = r.spec.upload = 50001;
        one(&r, &p, "/");
        UNIT_INT(seen_body, 50001);
        UNIT_INT(late.left, 0);
        CU_ASSERT(strstr(seen_head, "Content-Length: 50001") != NULL);
    }
    r.spec.upload = 0; /* the same handle, with a body again */
    r.spec.body = STR("abc");
    one(&r, &p, "/");
    UNIT_INT(seen_body, 3);
    loop_timer_stop(&late.t);
    rig_clear(&r);
}

static void unix_socket(void)
{
    char path[64];
    struct rig r;
    struct probe p;
    struct up *u;

    rig_init(&r);
    snprintf(path, sizeof path, "/tmp/penstock-test-%d.sock", (int)getpid());
    u = up_new(r.loop, 0, 0, path);
    u->serve = serve;
    r.spec.unix_path = path;
    for (int i = 0; i < 2; i++) {
        probe_init(&p, r.loop);
        probe_go(&p, r.c, rig_url(&r, "sim.internal", "/"));
        UNIT_INT(p.r.fail, HTTP_OK);
        UNIT_INT(p.r.reused, i);
        probe_clear(&p);
    }
    CU_ASSERT(strstr(seen_head, "Host: sim.internal") != NULL);
    r.spec.unix_path = NULL; /* the pool keeps the two apart */
    one(&r, &p, "/");
    UNIT_INT(u->n, 1);
    UNIT_INT(r.up->n, 1);
    up_free(u);
    rig_clear(&r);
}

static void no_address_fails_at_once(void)
{
    struct rig r;
    struct probe p;

    rig_init(&r);
    probe_init(&p, r.loop);
    probe_start(&p, r.c, rig_url(&r, "nowhere.test", "/"));
    UNIT_INT(p.dones, 0); /* never from within start */
    run(r.loop, 1000, true);
    UNIT_INT(p.dones, 1);
    UNIT_INT(p.r.fail, HTTP_FAIL_ADDRESS);
    CU_ASSERT(strstr(p.r.text, "nowhere.test") != NULL);
    CU_ASSERT(!p.r.sent && !p.r.reused);
    rig_clear(&r);
}

static void addresses_change(void)
{
    struct rig r;
    struct probe p;
    struct up *b;

    rig_init(&r);
    b = up_new(r.loop, 2, r.up->port, NULL);
    b->serve = serve;
    r.spec.addresses = "127.0.0.1";
    for (int i = 0; i < 2; i++) {
        probe_init(&p, r.loop);
        probe_go(&p, r.c, rig_url(&r, "api.test", "/"));
        UNIT_INT(p.r.fail, HTTP_OK);
        probe_clear(&p);
    }
    UNIT_INT(r.up->n, 1);
    up_shut(&r.up->conn[0], false); /* the old place ends its connection */
    r.spec.addresses = "127.0.0.2";
    for (int i = 0; i < 2; i++) {
        probe_init(&p, r.loop);
        probe_go(&p, r.c, &r.spec);
        UNIT_INT(p.r.fail, HTTP_OK);
        UNIT_INT(p.r.reused, i);
        probe_clear(&p);
    }
    UNIT_INT(r.up->n, 1);
    UNIT_INT(b->n, 1);
    /* a cancelled call must not leave its host without addresses */
    r.spec.addresses = "127.0.0.1,[::1]";
    up_shut(&b->conn[0], false);
    probe_init(&p, r.loop);
    probe_start(&p, r.c, &r.spec);
    http_call_cancel(p.x);
    probe_go(&p, r.c, &r.spec);
    UNIT_INT(p.r.fail, HTTP_OK);
    UNIT_INT(r.up->n, 2);
    probe_clear(&p);
    r.spec.addresses = NULL;
    probe_init(&p, r.loop);
    probe_go(&p, r.c, &r.spec);
    UNIT_INT(p.r.fail, HTTP_FAIL_ADDRESS);
    up_free(b);
    rig_clear(&r);
}

static void through_a_proxy(void)
{
    char proxy[64];
    struct rig r;
    struct probe p;

    rig_init(&r);
    snprintf(proxy, sizeof proxy, "http://u:p@proxy.test:%d", r.up->port);
    r.spec.proxy = proxy;
    r.spec.addresses = "127.0.0.1";
    r.spec.url = STR("http://far.test/x");
    probe_init(&p, r.loop);
    probe_go(&p, r.c, &r.spec);
    UNIT_INT(p.r.fail, HTTP_OK);
    CU_ASSERT(strstr(seen_head, "GET http://far.test/x HTTP/1.1") ==
              seen_head);
    probe_clear(&p);
    /* without one again, whatever the environment says */
    r.spec.proxy = NULL;
    setenv("http_proxy", "http://127.0.0.1:9", 1);
    one(&r, &p, "/");
    unsetenv("http_proxy");
    rig_clear(&r);
}

enum { MANY = 1000 };

static int many_left;

static void many_done(void *ud, const struct http_call_result *res)
{
    struct probe *p = ud;

    p->dones++;
    p->r = *res;
    if (--many_left == 0)
        loop_stop(p->loop);
}

static void many_at_once(void)
{
    static const struct http_call_ops ops = { probe_head, probe_data,
                                              many_done };
    struct probe *p = calloc(MANY, sizeof *p);
    struct rig r;
    size_t reused = 0;

    rig_init(&r);
    many_left = MANY;
    for (int i = 0; i < MANY; i++) {
        probe_init(&p[i], r.loop);
        p[i].drop_body = true;
        p[i].x = http_client_start(r.c, rig_url(&r, "127.0.0.1", "/"), &ops,
                                   &p[i], NULL);
        CU_ASSERT_PTR_NOT_NULL(p[i].x);
    }
    UNIT_INT(http_client_active(r.c), MANY);
    run(r.loop, WATCHDOG_MS, true);
    for (int i = 0; i < MANY; i++) {
        CU_ASSERT(p[i].dones == 1 && p[i].r.fail == HTTP_OK);
        CU_ASSERT(p[i].heads == 1 && p[i].bytes == 5);
        reused += p[i].r.reused;
    }
    UNIT_INT(r.up->requests, MANY);
    UNIT_INT(r.up->n + reused, MANY);
    UNIT_INT(http_client_active(r.c), 0);
    free(p);
    rig_clear(&r);
}

UNIT_MAIN("http_client", { "keeps connections alive", keeps_alive },
          { "sends only what was given", sends_only_what_was_given },
          { "refuses bad specs", refuses_bad_specs },
          { "framings of the answer", framings },
          { "big request", big_request },
          { "uploads as it comes", uploads_as_it_comes },
          { "unix socket", unix_socket },
          { "no address fails at once", no_address_fails_at_once },
          { "addresses change", addresses_change },
          { "through a proxy", through_a_proxy },
          { "many at once", many_at_once })

/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * HTTP out, where things go wrong: every way an upstream can fail has its
 * name in enum http_fail, exactly one on_done, and no call repeated.
 */
#include "probe.h"

#include <fcntl.h>

struct rig {
    struct loop *loop;
    struct up *up;
    struct http_client *c;
    char url[128];
    struct http_call_spec spec;
};

struct fault {
    const char *path, *answer;
    bool rst;
    enum http_fail fail;
    int status;        /* 0: no on_head */
    const char *body;
};

#define OK_CL "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n"
#define OK_CHUNKED "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

static const struct fault faults[] = {
    { "/close", "", false, HTTP_FAIL_RESET, 0, "" },
    { "/rst", "", true, HTTP_FAIL_RESET, 0, "" },
    { "/half-head", "HTTP/1.1 200 OK\r\nA: b\r\n", false, HTTP_FAIL_CUT, 0,
      "" },
    { "/half-head-rst", "HTTP/1.1 200 OK\r\nA: b\r\n", true, HTTP_FAIL_CUT, 0,
      "" },
    { "/only-1xx", "HTTP/1.1 103 Early\r\n\r\n", false, HTTP_FAIL_CUT, 0, "" },
    { "/cut", OK_CL "12345", false, HTTP_FAIL_CUT, 200, "12345" },
    { "/cut-rst", OK_CL "12345", true, HTTP_FAIL_CUT, 200, NULL },
    { "/cut-empty", OK_CL, false, HTTP_FAIL_CUT, 200, "" },
    { "/cut-chunk", OK_CHUNKED "a\r\n12345", false, HTTP_FAIL_CUT, 200,
      "12345" },
    { "/no-last", OK_CHUNKED "5\r\n12345\r\n", false, HTTP_FAIL_CUT, 200,
      "12345" },
    { "/bad-chunk", OK_CHUNKED "5\r\n12345\r\nzz\r\n", false,
      HTTP_FAIL_PROTOCOL, 200, "12345" },
    { "/garbage", "\x16\x03\x01 nonsense\r\n\r\n", false, HTTP_FAIL_PROTOCOL,
      0, "" },
    { "/http09", "<html>hello", false, HTTP_FAIL_PROTOCOL, 0, "" },
    { "/no-colon", "HTTP/1.1 200 OK\r\nnonsense\r\n\r\n", false,
      HTTP_FAIL_PROTOCOL, 0, "" },
    { "/bad-name", "HTTP/1.1 200 OK\r\nA b: c\r\n\r\n", false,
      HTTP_FAIL_PROTOCOL, 0, "" },
    { "/two-lengths",
      "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
      false, HTTP_FAIL_PROTOCOL, 0, "" },
    { "/odd-length", "HTTP/1.1 200 OK\r\nContent-Length: +3\r\n\r\nabc", false,
      HTTP_FAIL_PROTOCOL, 0, "" },
};

static void serve(struct up_conn *c, struct str head, struct str body)
{
    struct str path = head;

    (void)body;
    str_split(&path, ' ');
    path = str_split(&path, ' ');
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        if (!str_is(path, faults[i].path))
            continue;
        up_send(c, faults[i].answer);
        c->close_when_sent = !faults[i].rst;
        c->reset_when_sent = faults[i].rst;
        return;
    }
    if (str_is(path, "/once") && c->served > 1) {
        c->close_when_sent = true;
        return;
    }
    if (str_is(path, "/silent"))
        return;
    up_send(c, OK_CL "1234567890");
}

static void rig_init(struct rig *r)
{
    memset(r, 0, sizeof *r);
    r->loop = loop_new();
    r->up = up_new(r->loop, 1, 0, NULL);
    r->up->serve = serve;
    r->c = http_client_new(r->loop, 64, NULL);
    r->spec.method = STR("POST");
    r->spec.body = STR("{}");
    r->spec.connect_timeout_ms = 5000;
}

static void rig_clear(struct rig *r)
{
    http_client_free(r->c);
    up_free(r->up);
    loop_free(r->loop);
}

static struct http_call_spec *rig_url(struct rig *r, int port,
                                      const char *path)
{
    snprintf(r->url, sizeof r->url, "http://127.0.0.1:%d%s", port, path);
    r->spec.url = str_of(r->url);
    return &r->spec;
}

static void one_fault(struct rig *r, const struct fault *f)
{
    struct probe p;
    size_t before = r->up->requests;

    probe_init(&p, r->loop);
    probe_go(&p, r->c, rig_url(r, r->up->port, f->path));
    UNIT_INT(p.dones, 1);
    UNIT_INT(p.r.fail, f->fail);
    UNIT_INT(p.status, f->status);
    UNIT_INT(p.heads, f->status ? 1 : 0);
    CU_ASSERT(p.r.text[0] != '\0');
    CU_ASSERT(p.r.sent);
    UNIT_INT(r->up->requests, before + 1);
    if (f->body)
        CU_ASSERT(str_is(buf_str(&p.body), f->body));
    if (p.r.fail != f->fail)
        printf("  at %s: %s", f->path, p.r.text);
    probe_clear(&p);
}

static void every_fault(void)
{
    struct rig r;

    rig_init(&r);
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++)
        one_fault(&r, &faults[i]);
    UNIT_INT(http_client_active(r.c), 0);
    rig_clear(&r);
}

/* The same on a connection that served well before: libcurl would repeat the
 * request on its own. */
static void every_fault_on_a_kept_connection(void)
{
    struct rig r;
    struct probe p;

    rig_init(&r);
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        probe_init(&p, r.loop);
        probe_go(&p, r.c, rig_url(&r, r.up->port, "/ok"));
        UNIT_INT(p.r.fail, HTTP_OK);
        probe_clear(&p);
        one_fault(&r, &faults[i]);
    }
    rig_clear(&r);
}

static void nothing_is_repeated(void)
{
    struct rig r;
    struct probe p[3];

    rig_init(&r);
    for (int i = 0; i < 2; i++) { /* two kept connections */
        probe_init(&p[i], r.loop);
        p[i].stop_loop = i == 1;
        probe_start(&p[i], r.c, rig_url(&r, r.up->port, "/once"));
    }
    run(r.loop, WATCHDOG_MS, true);
    UNIT_INT(r.up->n, 2);
    UNIT_INT(r.up->requests, 2);
    probe_init(&p[2], r.loop);
    probe_go(&p[2], r.c, &r.spec);
    UNIT_INT(p[2].r.fail, HTTP_FAIL_RESET);
    CU_ASSERT(p[2].r.reused);
    CU_ASSERT(p[2].r.sent);
    UNIT_INT(p[2].heads, 0);
    UNIT_INT(r.up->requests, 3);
    UNIT_INT(r.up->n, 2);
    for (int i = 0; i < 3; i++)
        probe_clear(&p[i]);
    rig_clear(&r);
}

static void closed_while_idle(void)
{
    struct rig r;
    struct probe p;

    rig_init(&r);
    for (int i = 0; i < 5; i++) {
        probe_init(&p, r.loop);
        probe_go(&p, r.c, rig_url(&r, r.up->port, "/ok"));
        UNIT_INT(p.r.fail, HTTP_OK);
        CU_ASSERT(!p.r.reused);
        probe_clear(&p);
        if (i >= 2) { /* a word before it goes, or stays */
            up_send(&r.up->conn[i], "HTTP/1.1 408 Timeout\r\n\r\n");
            r.up->conn[i].close_when_sent = i == 2;
            r.up->conn[i].reset_when_sent = i == 3;
            up_flush(&r.up->conn[i]);
        } else {
            up_shut(&r.up->conn[i], i == 1);
        }
        run(r.loop, 20, false);
    }
    UNIT_INT(r.up->requests, 5);
    rig_clear(&r);
}

static void refused(void)
{
    struct rig r;
    struct probe p;
    struct up *gone;
    int port;

    rig_init(&r);
    gone = up_new(r.loop, 1, 0, NULL);
    port = gone->port;
    up_free(gone);
    probe_init(&p, r.loop);
    probe_go(&p, r.c, rig_url(&r, port, "/"));
    UNIT_INT(p.r.fail, HTTP_FAIL_CONNECT);
    CU_ASSERT(strstr(p.r.text, "refused") != NULL);
    CU_ASSERT(!p.r.sent && !p.r.reused);
    r.spec.unix_path = "/tmp/penstock-test-nobody.sock";
    probe_init(&p, r.loop);
    probe_go(&p, r.c, &r.spec);
    UNIT_INT(p.r.fail, HTTP_FAIL_CONNECT);
    rig_clear(&r);
}

/* A listener whose queue is full drops SYNs: connecting hangs. */
static void connect_timeout(void)
{
    struct sockaddr_in a = { .sin_family = AF_INET,
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), fill[8];
    struct rig r;
    struct probe p;

    rig_init(&r);
    CU_ASSERT(bind(fd, (struct sockaddr *)&a, sizeof a) == 0);
    CU_ASSERT(listen(fd, 0) == 0);
    getsockname(fd, (struct sockaddr *)&a, &len);
    for (int i = 0; i < 8; i++) {
        fill[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        (void)!connect(fill[i], (struct sockaddr *)&a, sizeof a);
    }
    r.spec.connect_timeout_ms = 150;
    probe_init(&p, r.loop);
    probe_go(&p, r.c, rig_url(&r, ntohs(a.sin_port), "/"));
    UNIT_INT(p.r.fail, HTTP_FAIL_CONNECT_TIMEOUT);
    CU_ASSERT(!p.r.sent);
    /* it ends with the connection: a silent upstream is the caller's to time */
    probe_init(&p, r.loop);
    p.stop_loop = false;
    probe_start(&p, r.c, rig_url(&r, r.up->port, "/silent"));
    run(r.loop, 400, false);
    UNIT_INT(p.dones, 0);
    UNIT_INT(r.up->requests, 1);
    http_call_cancel(p.x);
    run(r.loop, 20, false);
    UNIT_INT(r.up->closed, 1);
    UNIT_INT(p.dones, 0);
    for (int i = 0; i < 8; i++)
        close(fill[i]);
    close(fd);
    rig_clear(&r);
}

static void serve_big_head(struct up_conn *c, struct str head, struct str body)
{
    bool many = str_find(head, STR("/many")) >= 0;
    bool ok = str_find(head, STR("/ok")) >= 0;
    char line[1100];

    (void)body;
    memset(line, 'x', sizeof line);
    memcpy(line, "X: ", 3);
    snprintf(line + (many ? 4 : 1000), 4, "\r\n");
    up_send(c, "HTTP/1.1 200 OK\r\n");
    for (int i = 0; i < (many ? 300 : ok ? 60 : 70); i++)
        up_send(c, line);
    up_send(c, "Content-Length: 0\r\n\r\n");
}

static void head_too_large(void)
{
    static const struct {
        const char *path;
        enum http_fail fail;
    } t[] = {
        { "/big", HTTP_FAIL_PROTOCOL },
        { "/many", HTTP_FAIL_PROTOCOL },
        { "/ok", HTTP_OK },
    };
    struct rig r;
    struct probe p;

    rig_init(&r);
    r.up->serve = serve_big_head;
    for (size_t i = 0; i < 3; i++) {
        probe_init(&p, r.loop);
        probe_go(&p, r.c, rig_url(&r, r.up->port, t[i].path));
        UNIT_INT(p.r.fail, t[i].fail);
        UNIT_INT(p.heads, t[i].fail == HTTP_OK);
    }
    rig_clear(&r);
}

UNIT_MAIN("http_client_faults", { "every fault", every_fault },
          { "every fault on a kept connection",
            every_fault_on_a_kept_connection },
          { "nothing is repeated", nothing_is_repeated },
          { "closed while idle", closed_while_idle }, { "refused", refused },
          { "connect timeout", connect_timeout },
          { "head too large", head_too_large })

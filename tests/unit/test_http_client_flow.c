/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * HTTP out, the caller in control: pause and resume with bounded memory and
 * no byte lost, cancel from everywhere, new calls from callbacks.
 */
#include "probe.h"

enum { BIG = 10 << 20 };

struct rig {
    struct loop *loop;
    struct up *up;
    struct http_client *c;
    char url[128];
    struct http_call_spec spec;
};

static void serve_bytes(struct up_conn *c, size_t n)
{
    char *p = buf_reserve(&c->out, n);

    for (size_t i = 0; i < n; i++)
        p[i] = (char)(i % 251);
    buf_commit(&c->out, n);
}

static void serve(struct up_conn *c, struct str head, struct str body)
{
    (void)body;
    if (str_find(head, STR(" /big ")) >= 0) {
        buf_printf(&c->out, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n",
                   BIG);
        serve_bytes(c, BIG);
    } else if (str_find(head, STR(" /cut ")) >= 0) {
        up_send(c, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n0123456789");
        c->close_when_sent = true;
    } else if (str_find(head, STR(" /open ")) >= 0) {
        up_send(c, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n0123456789");
    } else if (str_find(head, STR(" /bad ")) >= 0) {
        up_send(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                   "a\r\n0123456789\r\nzz\r\n");
    } else if (str_find(head, STR(" /silent ")) < 0) {
        up_send(c, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123456789");
    }
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

static struct http_call_spec *rig_url(struct rig *r, const char *path)
{
    snprintf(r->url, sizeof r->url, "http://127.0.0.1:%d%s", r->up->port,
             path);
    r->spec.url = str_of(r->url);
    return &r->spec;
}

/* What the kernel holds between the two, as far as it could ever grow. */
enum { SOCKET_ROOM = 8 << 20 };

static void pause_stops_the_upstream(void)
{
    struct rig r;
    struct probe p;
    uint64_t sent;
    int got, datas;

    rig_init(&r);
    probe_init(&p, r.loop);
    p.pause_at = 'd';
    probe_start(&p, r.c, rig_url(&r, "/big"));
    run(r.loop, 200, false);
    got = (int)p.bytes;
    sent = r.up->sent;
    datas = p.datas;
    UNIT_INT(datas, 1); /* what was given is consumed, the next waits */
    CU_ASSERT(got > 0 && got <= 128 << 10);
    CU_ASSERT(sent < SOCKET_ROOM);
    run(r.loop, 200, false);
    UNIT_INT(p.datas, datas);
    UNIT_INT(r.up->sent, sent);
    http_call_resume(p.x);
    UNIT_INT(p.datas, datas); /* never from within */
    run(r.loop, WATCHDOG_MS, true);
    UNIT_INT(p.dones, 1);
    UNIT_INT(p.r.fail, HTTP_OK);
    UNIT_INT(p.bytes, BIG);
    for (size_t i = 0; i < buf_len(&p.body); i++) {
        if (p.body.p[i] == (char)(i % 251))
            continue;
        CU_FAIL("bytes lost or doubled");
        break;
    }
    probe_clear(&p);
    rig_clear(&r);
}

/* Paused at every delivery, resumed by a timer. */
struct stepper {
    struct probe p;
    struct loop_timer t;
    size_t largest;
};

static void step_resume(void *ud)
{
    struct stepper *s = ud;

    http_call_resume(s->p.x);
}

static void step_data(void *ud, struct str bytes)
{
    struct stepper *s = ud;

    s->p.bytes += bytes.n;
    s->p.datas++;
    if (bytes.n > s->largest)
        s->largest = bytes.n;
    http_call_pause(s->p.x);
    if (s->p.datas % 3 == 0)
        http_call_resume(s->p.x); /* from within */
    else
        loop_timer_set(&s->t, 0);
}

static void step_done(void *ud, const struct http_call_result *res)
{
    struct stepper *s = ud;

    probe_done(&s->p, res);
}

static void paused_at_each_step(void)
{
    static const struct http_call_ops ops = { probe_head, step_data,
                                              step_done };
    struct stepper s = { .largest = 0 };
    struct rig r;

    rig_init(&r);
    probe_init(&s.p, r.loop);
    loop_timer_init(&s.t, r.loop, step_resume, &s);
    s.p.x = http_client_start(r.c, rig_url(&r, "/big"), &ops, &s, NULL);
    run(r.loop, WATCHDOG_MS, true);
    UNIT_INT(s.p.r.fail, HTTP_OK);
    UNIT_INT(s.p.bytes, BIG);
    CU_ASSERT(s.largest <= 128 << 10);
    CU_ASSERT(s.p.datas > 50);
    loop_timer_stop(&s.t);
    rig_clear(&r);
}

/* The transfer is over while its last bytes are held back. */
static void done_waits_for_held_bytes(void)
{
    static const struct {
        const char *path;
        enum http_fail fail;
    } t[] = {
        { "/ok", HTTP_OK },
        { "/cut", HTTP_FAIL_CUT },
        { "/bad", HTTP_FAIL_PROTOCOL },
    };
    struct rig r;
    struct probe p;

    rig_init(&r);
    for (size_t i = 0; i < 3; i++) {
        probe_init(&p, r.loop);
        p.pause_at = 'h';
        probe_start(&p, r.c, rig_url(&r, t[i].path));
        run(r.loop, 100, false);
        UNIT_INT(p.heads, 1);
        UNIT_INT(p.datas, 0);
        UNIT_INT(p.dones, 0);
        http_call_resume(p.x);
        run(r.loop, WATCHDOG_MS, true);
        CU_ASSERT(str_is(buf_str(&p.body), "0123456789"));
        UNIT_INT(p.dones, 1);
        UNIT_INT(p.r.fail, t[i].fail);
        probe_clear(&p);
    }
    /* and is cancelled then */
    probe_init(&p, r.loop);
    p.pause_at = 'h';
    probe_start(&p, r.c, rig_url(&r, "/ok"));
    run(r.loop, 100, false);
    http_call_cancel(p.x);
    run(r.loop, 50, false);
    UNIT_INT(p.dones, 0);
    UNIT_INT(p.datas, 0);
    rig_clear(&r);
}

static void cancel_in_callbacks(void)
{
    static const char where[] = "hde";
    struct rig r;
    struct probe p;

    rig_init(&r);
    for (size_t i = 0; where[i]; i++) {
        size_t before = r.up->closed;

        probe_init(&p, r.loop);
        p.cancel_at = where[i];
        probe_go(&p, r.c, rig_url(&r, where[i] == 'e' ? "/ok" : "/open"));
        run(r.loop, 50, false);
        UNIT_INT(p.heads, 1);
        UNIT_INT(p.datas, i > 0);
        UNIT_INT(p.dones, where[i] == 'e');
        UNIT_INT(r.up->closed - before, where[i] != 'e');
        UNIT_INT(http_client_active(r.c), 0);
        probe_clear(&p);
    }
    rig_clear(&r);
}

static void cancel_from_outside(void)
{
    static const uint64_t after_ms[] = { 0, 5, 50 };
    struct rig r;
    struct probe p;

    rig_init(&r);
    for (size_t i = 0; i < 3; i++) {
        char *body = strdup("{}");

        probe_init(&p, r.loop);
        r.spec.method = STR("POST");
        r.spec.body = str_of(body);
        probe_start(&p, r.c, rig_url(&r, i == 1 ? "/silent" : "/open"));
        if (after_ms[i])
            run(r.loop, after_ms[i], false);
        http_call_cancel(p.x);
        free(body); /* borrowed until cancel returned */
        UNIT_INT(http_client_active(r.c), 0);
        run(r.loop, 30, false);
        UNIT_INT(p.dones, 0);
        UNIT_INT(r.up->closed, i);
        probe_clear(&p);
    }
    rig_clear(&r);
}

/* One call's callback cancels the other and starts a third. */
struct pair {
    struct rig *r;
    struct probe a, b, third;
};

static void pair_head(void *ud, const struct http_answer *a)
{
    struct pair *t = ud;

    probe_head(&t->a, a);
    http_call_cancel(t->b.x);
    probe_start(&t->third, t->r->c, rig_url(t->r, "/ok"));
}

static void pair_data(void *ud, struct str bytes)
{
    probe_data(&((struct pair *)ud)->a, bytes);
}

static void pair_done(void *ud, const struct http_call_result *res)
{
    probe_done(&((struct pair *)ud)->a, res);
}

static void across_calls(void)
{
    static const struct http_call_ops ops = { pair_head, pair_data,
                                              pair_done };
    struct pair t;
    struct rig r;

    rig_init(&r);
    t.r = &r;
    probe_init(&t.a, r.loop);
    probe_init(&t.b, r.loop);
    probe_init(&t.third, r.loop);
    t.a.stop_loop = false;
    probe_start(&t.b, r.c, rig_url(&r, "/open"));
    t.a.x = http_client_start(r.c, rig_url(&r, "/ok"), &ops, &t, NULL);
    run(r.loop, WATCHDOG_MS, true);
    UNIT_INT(t.third.dones, 1);
    UNIT_INT(t.third.r.fail, HTTP_OK);
    UNIT_INT(t.a.dones, 1);
    UNIT_INT(t.b.dones, 0);
    probe_clear(&t.a);
    probe_clear(&t.b);
    probe_clear(&t.third);
    rig_clear(&r);
}

static void free_cancels(void)
{
    struct rig r;
    struct probe p[4];

    rig_init(&r);
    for (int i = 0; i < 4; i++) {
        probe_init(&p[i], r.loop);
        p[i].pause_at = i == 2 ? 'h' : 0;
        r.spec.url = STR("http://nowhere.test/");
        probe_start(&p[i], r.c,
                    i == 3 ? &r.spec : rig_url(&r, i ? "/open" : "/silent"));
        if (i == 2)
            run(r.loop, 30, false);
    }
    rig_clear(&r);
    for (int i = 0; i < 4; i++) {
        UNIT_INT(p[i].dones, 0);
        probe_clear(&p[i]);
    }
}

static void body_may_go_early(void)
{
    struct rig r;
    struct probe p;
    char *body = strdup("{\"a\":1}");

    rig_init(&r);
    probe_init(&p, r.loop);
    r.spec.method = STR("POST");
    r.spec.body = str_of(body);
    probe_start(&p, r.c, rig_url(&r, "/open"));
    CU_ASSERT(!http_call_body_sent(p.x));
    run(r.loop, 50, false);
    UNIT_INT(p.heads, 1);
    CU_ASSERT(http_call_body_sent(p.x));
    free(body);
    up_shut(&r.up->conn[0], true);
    run(r.loop, WATCHDOG_MS, true);
    UNIT_INT(p.r.fail, HTTP_FAIL_CUT);
    probe_clear(&p);
    rig_clear(&r);
}

UNIT_MAIN("http_client_flow",
          { "pause stops the upstream", pause_stops_the_upstream },
          { "paused at each step", paused_at_each_step },
          { "done waits for held bytes", done_waits_for_held_bytes },
          { "cancel in callbacks", cancel_in_callbacks },
          { "cancel from outside", cancel_from_outside },
          { "across calls", across_calls }, { "free cancels", free_cancels },
          { "body may go early", body_may_go_early })

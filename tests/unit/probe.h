/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * For tests of the HTTP client: a probe starts a call, keeps what it was told
 * and pauses or cancels where the test says.
 */
#ifndef PENSTOCK_TEST_PROBE_H
#define PENSTOCK_TEST_PROBE_H

#include "net/http_client.h"
#include "upstream.h"

enum { WATCHDOG_MS = 20000 };

/* A call and what it was told. */
struct probe {
    struct loop *loop;
    struct http_call *x;
    struct buf body;
    uint64_t bytes;
    int status, heads, datas, dones;
    size_t n_headers;
    char type[64];     /* content-type, if any */
    bool drop_body;    /* count only */
    int cancel_at;     /* 'h'ead, 'd'ata, 'e'nd */
    int pause_at;      /* 'h' or 'd': once */
    bool stop_loop;    /* when done (or cancelled) */
    struct http_call_result r;
};

static inline void probe_act(struct probe *p, int where)
{
    if (p->pause_at == where) {
        p->pause_at = 0;
        http_call_pause(p->x);
    }
    if (p->cancel_at != where)
        return;
    http_call_cancel(p->x);
    if (p->stop_loop)
        loop_stop(p->loop);
}

static inline void probe_head(void *ud, const struct http_answer *a)
{
    struct probe *p = ud;
    struct str t = http_header_get(a->headers, a->n_headers,
                                   STR("content-type"));

    p->heads++;
    p->status = a->status;
    p->n_headers = a->n_headers;
    snprintf(p->type, sizeof p->type, STR_FMT, STR_ARG(t));
    probe_act(p, 'h');
}

static inline void probe_data(void *ud, struct str bytes)
{
    struct probe *p = ud;

    p->datas++;
    p->bytes += bytes.n;
    if (!p->drop_body)
        CU_ASSERT(buf_put(&p->body, bytes) == 0);
    probe_act(p, 'd');
}

static inline void probe_done(void *ud, const struct http_call_result *r)
{
    struct probe *p = ud;

    p->dones++;
    p->r = *r;
    probe_act(p, 'e');
    if (p->stop_loop)
        loop_stop(p->loop);
}

static const struct http_call_ops probe_ops = { probe_head, probe_data,
                                                probe_done };

static inline void probe_init(struct probe *p, struct loop *l)
{
    memset(p, 0, sizeof *p);
    p->loop = l;
    p->stop_loop = true;
    buf_init(&p->body, 64 << 20);
}

static inline void watchdog(void *ud)
{
    CU_FAIL("the loop did not stop in time");
    loop_stop(ud);
}

/** Run until somebody stops the loop, or fail after a while. */
static inline void run(struct loop *l, uint64_t ms, bool must_stop)
{
    struct loop_timer t;

    loop_timer_init(&t, l, must_stop ? watchdog : (void (*)(void *))loop_stop,
                    l);
    loop_timer_set(&t, ms);
    loop_run(l);
    loop_timer_stop(&t);
}

static inline void probe_start(struct probe *p, struct http_client *c,
                               const struct http_call_spec *spec)
{
    struct err err = { 0 };

    p->x = http_client_start(c, spec, &probe_ops, p, &err);
    if (!p->x)
        printf("\nstart: %s", err.msg);
    CU_ASSERT_PTR_NOT_NULL(p->x);
}

/** Start it and run to its end. */
static inline void probe_go(struct probe *p, struct http_client *c,
                            const struct http_call_spec *spec)
{
    probe_start(p, c, spec);
    if (p->x)
        run(p->loop, WATCHDOG_MS, true);
}

static inline void probe_clear(struct probe *p)
{
    buf_clear(&p->body);
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* A Redis client, the fake that it talks to, and what came of its commands. */
#ifndef PENSTOCK_TEST_REDIS_PROBE_H
#define PENSTOCK_TEST_REDIS_PROBE_H

#include "fake_redis.h"
#include "net/redis.h"

enum { TIMEOUT = 60 };

struct probe {
    struct loop *loop;
    struct fr fr;
    struct redis *r;
    struct redis_spec spec;
    const char *addresses, *why;
    size_t done, failed, want; /* loop stops at `want` ends */
    char last[200];            /* the last reply, or why not */
    uint64_t tags[4096];
    struct loop_timer guard;
    void (*on_done)(struct probe *p, uint64_t tag);
};

static inline const char *on_addresses(void *ud, struct str host,
                                       const char **why)
{
    struct probe *p = ud;

    CU_ASSERT(str_is(host, "redis.test"));
    *why = p->why;
    return p->addresses;
}

static inline void on_done(void *ud, uint64_t tag, struct resp *reply,
                           const char *why)
{
    struct probe *p = ud;

    p->tags[p->done++ % 4096] = tag;
    p->failed += reply == NULL;
    snprintf(p->last, sizeof p->last, "%s",
             !reply                        ? why
             : reply->type == RESP_INT ? "(integer)"
             : reply->type == RESP_NIL ? "(nil)"
                                       : reply->text);
    resp_free(reply);
    if (p->on_done)
        p->on_done(p, tag);
    if (p->done >= p->want)
        loop_stop(p->loop);
}

static inline void on_guard(void *ud)
{
    struct probe *p = ud;

    loop_stop(p->loop);
}

static inline void probe_init(struct probe *p)
{
    memset(p, 0, sizeof *p);
    p->loop = loop_new();
    fr_listen(&p->fr, p->loop);
    p->addresses = "127.0.0.1";
    p->spec = (struct redis_spec){
        .name = STR("main"), .host = STR("redis.test"),
        .port = (uint16_t)p->fr.port, .timeout_ms = TIMEOUT,
        .connect_timeout_ms = 200, .addresses = on_addresses,
        .done = on_done, .ud = p,
    };
    loop_timer_init(&p->guard, p->loop, on_guard, p);
}

static inline void probe_clear(struct probe *p)
{
    redis_free(p->r);
    loop_timer_stop(&p->guard);
    fr_stop(&p->fr);
    loop_free(p->loop);
}

static inline uint64_t send_to(struct probe *p, uint64_t tag, const char *a,
                        const char *b)
{
    struct str args[] = { str_of(a), str_of(b) };
    char why[REDIS_WHY] = "";
    uint64_t number = redis_command(p->r, args, b ? 2 : 1, tag, why);

    if (!number)
        snprintf(p->last, sizeof p->last, "%s", why);
    return number;
}

/* Run until `want` more commands came to their end, or `ms` passed. */
static inline uint64_t run(struct probe *p, size_t want, uint64_t ms)
{
    uint64_t begin = loop_now_ms(p->loop);

    p->want = want ? p->done + want : SIZE_MAX;
    loop_timer_set(&p->guard, ms);
    loop_run(p->loop);
    return loop_now_ms(p->loop) - begin;
}

static inline void open_up(struct probe *p)
{
    p->r = redis_new(p->loop, &p->spec);
    for (int i = 0; i < 100 && !redis_is_up(p->r); i++)
        run(p, 0, 10);
    CU_ASSERT_TRUE(redis_is_up(p->r));
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * The queue of commands: a ring in the order of sending, which is the order of
 * replies and, as all have the same timeout, of deadlines. One timer stands
 * for the first of them.
 */
#include "net/redis_impl.h"

#include "base/log.h"
#include "net/tls_client.h"

#include <stdio.h>
#include <stdlib.h>

enum { FIRST_ENTRIES = 64, GOOD_MS = 1000 };

/* ---- the ring ---------------------------------------------------------- */

static struct redis_entry *entry(const struct redis *r, size_t i)
{
    return &r->ring[(r->first + i) & (r->cap - 1)];
}

static bool grow(struct redis *r)
{
    size_t cap = r->cap ? r->cap * 2 : FIRST_ENTRIES;
    struct redis_entry *ring;

    if (r->n < r->cap)
        return true;
    if (cap > REDIS_COMMANDS_MAX)
        return false;
    ring = malloc(cap * sizeof *ring);
    if (!ring)
        return false;
    for (size_t i = 0; i < r->n; i++)
        ring[i] = *entry(r, i);
    free(r->ring);
    r->ring = ring;
    r->cap = cap;
    r->first = 0;
    return true;
}

static void arm(struct redis *r)
{
    uint64_t now = loop_now_ms(r->loop);

    if (r->n == 0) {
        loop_timer_stop(&r->due);
        return;
    }
    loop_timer_set(&r->due, entry(r, 0)->due_ms > now
                                ? entry(r, 0)->due_ms - now : 0);
}

/* Take the first command off and tell who waits for it; takes the reply. */
static void finish(struct redis *r, struct resp *reply, const char *why)
{
    struct redis_entry e = *entry(r, 0);

    r->first = (r->first + 1) & (r->cap - 1);
    r->first_number++;
    r->n--;
    if (r->sent)
        r->sent--;
    else
        buf_consume(&r->unsent, e.bytes);
    if (e.dropped)
        resp_free(reply);
    else
        r->spec.done(r->spec.ud, e.tag, reply, why);
}

/* The first `n`; those that come meanwhile stay. */
static void finish_all(struct redis *r, size_t n, const char *why)
{
    char text[REDIS_WHY + 8]; /* r->why may change */

    snprintf(text, sizeof text, "%s", why);
    while (n-- > 0 && r->n && !r->dead)
        finish(r, NULL, text);
}

void redis_reply(struct redis *r, struct resp *reply)
{
    r->tries = 0;
    finish(r, reply, NULL);
    if (!r->dead)
        arm(r);
}

void redis_refuse(struct redis *r, const char *why)
{
    finish(r, NULL, why);
}

/* ---- up and down ------------------------------------------------------- */

void redis_enter(struct redis *r)
{
    r->depth++;
}

bool redis_leave(struct redis *r)
{
    if (--r->depth == 0 && r->dead) {
        redis_free(r);
        return false;
    }
    return !r->dead;
}

void redis_up(struct redis *r)
{
    if (r->down)
        log_event(EV_redis_up, LOG_S("redis", r->spec.name));
    r->down = false;
    r->state = REDIS_READY;
    r->ready_ms = loop_now_ms(r->loop);
    loop_timer_stop(&r->attempt);
    loop_defer(r->loop, &r->flush);
}

static void go_down(struct redis *r, const char *why)
{
    snprintf(r->why, sizeof r->why, "down: %s", why);
    if (!r->down)
        log_event(EV_redis_down, LOG_S("redis", r->spec.name),
                  LOG_Z("why", why));
    r->down = true;
}

void redis_lost(struct redis *r, const char *why, bool was_good)
{
    bool again = was_good && r->state == REDIS_READY &&
                 loop_now_ms(r->loop) - r->ready_ms >= GOOD_MS;
    size_t n = again ? r->sent : r->n;
    char text[REDIS_WHY];

    snprintf(text, sizeof text, "down: %s", why);
    redis_disconnect(r);
    if (again) {
        redis_connect(r);
    } else {
        go_down(r, why);
        redis_pause(r);
    }
    finish_all(r, n, text);
    if (!r->dead)
        arm(r);
}

/* The first command's time has passed. */
static void on_due(void *ud)
{
    struct redis *r = ud;
    uint64_t now = loop_now_ms(r->loop);
    bool under_way;

    redis_enter(r);
    if (r->sent) /* it may be we who are late */
        redis_on_more(r);
    if (r->dead || !r->n || entry(r, 0)->due_ms > now) {
        if (redis_leave(r))
            arm(r);
        return;
    }
    under_way = r->sent != 0;
    if (under_way) { /* before anybody is told: they may send more */
        redis_disconnect(r);
        go_down(r, "it did not answer in time");
        redis_pause(r);
    }
    for (size_t n = r->n; n > 0 && !r->dead && r->n; n--) {
        if (entry(r, 0)->due_ms > now && !under_way)
            break;
        finish(r, NULL, entry(r, 0)->due_ms <= now ? "timeout" : r->why);
    }
    if (redis_leave(r))
        arm(r);
}

/* What came in this turn leaves together. */
static void on_flush(void *ud)
{
    struct redis *r = ud;

    if (r->state != REDIS_READY || redis_send(r) == 0)
        return;
    redis_enter(r);
    redis_lost(r, "the connection broke", true);
    redis_leave(r);
}

/* ---- for others -------------------------------------------------------- */

/* Without it each try fails, and says why. */
static void open_tls(struct redis *r)
{
    struct err err = { 0 };
    char *ca = NULL;

    if (!r->spec.tls)
        return;
    if (r->spec.ca_file.n)
        ca = str_dup(r->spec.ca_file);
    if (ca || !r->spec.ca_file.n)
        r->tls = tls_client_new(ca, &err);
    free(ca);
    if (!r->tls)
        snprintf(r->tls_why, sizeof r->tls_why, "%.150s",
                 err.code ? err.msg : "not enough memory");
}

struct redis *redis_new(struct loop *l, const struct redis_spec *spec)
{
    struct redis *r = calloc(1, sizeof *r);

    if (!r)
        return NULL;
    r->loop = l;
    r->spec = *spec;
    r->first_number = 1;
    buf_init(&r->unsent, REDIS_QUEUE_MAX);
    loop_timer_init(&r->due, l, on_due, r);
    loop_timer_init(&r->attempt, l, redis_on_attempt, r);
    r->more.fn = redis_on_more;
    r->more.ud = r;
    r->flush.fn = on_flush;
    r->flush.ud = r;
    open_tls(r);
    redis_connect(r);
    return r;
}

void redis_free(struct redis *r)
{
    if (!r)
        return;
    if (!r->dead) {
        redis_disconnect(r);
        loop_timer_stop(&r->due);
        loop_timer_stop(&r->attempt);
        loop_undefer(&r->flush);
        r->n = r->sent = 0;
        r->dead = true;
    }
    if (r->depth)
        return;
    tls_client_free(r->tls);
    buf_clear(&r->unsent);
    free(r->ring);
    free(r);
}

uint64_t redis_command(struct redis *r, const struct str *args, size_t n,
                       uint64_t tag, char why[REDIS_WHY])
{
    size_t before = buf_len(&r->unsent);
    struct redis_entry *e;
    int rc;

    if (r->down) {
        snprintf(why, REDIS_WHY, "%s", r->why);
        return 0;
    }
    rc = grow(r) ? redis_format(&r->unsent, args, n) : -ERR_LIMIT;
    if (rc) {
        snprintf(why, REDIS_WHY, "%s", rc == -ERR_LIMIT
                                           ? "too many commands wait"
                                           : "not enough memory");
        return 0;
    }
    e = entry(r, r->n++);
    *e = (struct redis_entry){
        .tag = tag,
        .due_ms = loop_now_ms(r->loop) + r->spec.timeout_ms,
        .bytes = (uint32_t)(buf_len(&r->unsent) - before),
    };
    if (r->n == 1)
        arm(r);
    if (r->state == REDIS_READY)
        loop_defer(r->loop, &r->flush);
    return r->first_number + r->n - 1;
}

void redis_cancel(struct redis *r, uint64_t number)
{
    if (number >= r->first_number && number - r->first_number < r->n)
        entry(r, (size_t)(number - r->first_number))->dropped = true;
}

bool redis_is_up(const struct redis *r)
{
    return r->state == REDIS_READY;
}

size_t redis_waiting(const struct redis *r)
{
    return r->n;
}

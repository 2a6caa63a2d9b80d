/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * One timer per request: it is set to the nearest of the deadlines that hold
 * in this state, and each expiry names itself in the error.
 */
#include "flow/request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEEPALIVE_MS 15000
#define HEAD_MS 120000 /* a stream's head, where nothing else is said */
#define REASONING 4 /* a model that thinks first has so many times as long */
#define AFTER_DONE_MS 2000 /* upstream may take its time to end a stream */

static uint64_t now_ms(const struct request *r)
{
    return loop_now_ms(r->flow->env.loop);
}

static const struct conf_timeouts *limits(const struct request *r)
{
    return &r->attempt->target->provider->conf->timeouts;
}

/* The client's own patience, as its SDK tells it (seconds). */
static uint64_t client_total_ms(const struct request *r)
{
    struct str s = http_req_header(r->http, STR("x-stainless-timeout"));
    struct str whole = str_split(&s, '.');
    uint64_t v;

    return str_u64(whole, &v) && v > 0 && v < 86400 ? v * 1000 : 0;
}

static uint32_t patience(const struct request *r)
{
    return target_reasons(r->attempt->target) ? REASONING : 1;
}

static uint32_t first_event_limit(const struct request *r)
{
    return limits(r)->first_event_ms * patience(r);
}

/* Unset, a whole answer may take all of its total time to its head. Some
 * hosts send a stream's head only with its first event. */
static uint32_t head_limit(const struct request *r)
{
    uint32_t set = limits(r)->head_ms;

    return set || !r->facts.stream ? set : HEAD_MS * patience(r);
}

void timers_start_total(struct request *r, const struct conf_provider *p)
{
    uint64_t total;

    if (r->timed)
        return;
    total = client_total_ms(r);
    if (!total && !p)
        return; /* it begins with a provider */
    r->clients_total = total != 0;
    if (!total && !r->facts.stream)
        total = p->timeouts.total_ms;
    r->timed = true;
    r->total_ms = (uint32_t)total;
    r->total_at_ms = total ? now_ms(r) + total : 0;
}

void timers_start_attempt(struct request *r)
{
    const struct conf_timeouts *t = limits(r);
    uint64_t now = now_ms(r);

    timers_start_total(r, r->attempt->target->provider->conf);
    if (!r->commit_at_ms) /* while it waits in a queue nothing is sent */
        r->commit_at_ms = r->facts.stream && !r->pass
                              ? now + t->commit_after_ms : 0;
    r->last_data_ms = now;
    r->address_at_ms = now + t->connect_ms;
    r->head_at_ms = head_limit(r) ? now + head_limit(r) : 0;
    r->event_at_ms = r->facts.stream ? now + first_event_limit(r) : 0;
    timers_arm(r);
}

static uint32_t idle_limit(const struct request *r)
{
    return limits(r)->idle_ms * patience(r);
}

/* After which silence a stream is stalled; 0: idle is the sooner. */
static uint32_t gap_limit(const struct request *r)
{
    const struct health_cell *h = r->attempt->target->cell;
    uint32_t ms = limits(r)->gap_ms;

    if (!r->facts.stream || !r->attempt->begun)
        return 0;
    if (!ms && h && r->answer.content_sent) /* it may still think */
        ms = gap_limit_ms(&h->gap) * patience(r);
    return ms < idle_limit(r) ? ms : 0;
}

/* A deadline that holds now, or 0. */
struct deadline {
    const char *name;
    uint64_t at_ms;
    uint32_t limit_ms;
};

static struct deadline attempt_deadline(const struct request *r)
{
    const struct attempt *t = r->attempt;
    const struct conf_timeouts *c = limits(r);
    uint32_t gap;

    if (t->broken || t->ended || r->held_ms)
        return (struct deadline){ 0 };
    if (r->step == STEP_ADDRESS)
        return (struct deadline){ "address", r->address_at_ms, c->connect_ms };
    if (t->mode == MODE_HEAD && r->head_at_ms &&
        (!r->event_at_ms || r->head_at_ms <= r->event_at_ms))
        return (struct deadline){ "head", r->head_at_ms, head_limit(r) };
    if (r->event_at_ms && r->answer.events == 0 && t->mode != MODE_ERROR)
        return (struct deadline){ "first_event", r->event_at_ms,
                                  first_event_limit(r) };
    if (t->mode == MODE_HEAD || r->answer.paused ||
        (!r->facts.stream && !t->begun))
        return (struct deadline){ 0 };
    if (r->answer.done_seen)
        return (struct deadline){ "end", r->last_data_ms + AFTER_DONE_MS,
                                  AFTER_DONE_MS };
    gap = gap_limit(r);
    return gap ? (struct deadline){ "gap", r->last_data_ms + gap, gap }
               : (struct deadline){ "idle", r->last_data_ms + idle_limit(r),
                                    idle_limit(r) };
}

/* When the client next needs a sign of life, or 0. */
static uint64_t keepalive_at(const struct request *r)
{
    if (!r->facts.stream || r->answer.content_sent)
        return 0;
    return r->answer.head_sent ? r->keepalive_ms + KEEPALIVE_MS
                               : r->commit_at_ms;
}

static uint64_t sooner(uint64_t a, uint64_t b)
{
    if (!a || !b)
        return a ? a : b;
    return a < b ? a : b;
}

void timers_arm(struct request *r)
{
    uint64_t at = r->answer.content_sent ? 0 : r->wake_at_ms;
    uint64_t now = now_ms(r);

    if (r->attempt)
        at = sooner(at, attempt_deadline(r).at_ms);
    at = sooner(at, r->total_at_ms);
    at = sooner(at, keepalive_at(r));
    if (at)
        loop_timer_set(&r->timer, at > now ? at - now : 1);
    else
        loop_timer_stop(&r->timer);
}

/* "120 s", "300 ms" */
static void say_ms(char *to, size_t size, uint64_t ms)
{
    if (ms % 1000)
        snprintf(to, size, "%llu ms", (unsigned long long)ms);
    else
        snprintf(to, size, "%llu s", (unsigned long long)(ms / 1000));
}

static void expire(struct request *r, const char *name, uint64_t limit_ms)
{
    char text[200], time[32];
    struct str p = r->attempt->target->provider->conf->name;

    if (r->attempt->mode == MODE_STREAM && r->answer.done_seen) {
        r->attempt->ended = true; /* all was said; only the end is missing */
        return;
    }
    say_ms(time, sizeof time, limit_ms);
    snprintf(text, sizeof text,
             "upstream_timeout: %s %s passed (provider " STR_FMT
             ", attempt %u)",
             name, time, STR_ARG(p), r->n_attempts);
    stream_fault(r, PS_FAULT_TIMEOUT, text);
}

void timers_begun(struct request *r)
{
    if (r->facts.stream && !r->answer.events)
        return;
    r->attempt->begun = true;
    timers_arm(r);
}

void timers_connect_passed(struct request *r)
{
    expire(r, "connect", limits(r)->connect_ms);
}

static void give_sign(struct request *r, uint64_t now)
{
    if (r->commit_at_ms && !r->answer.head_sent)
        stream_commit_head(r);
    r->keepalive_ms = now;
    http_reply_data(r->http, r->array ? STR("\n") /* between elements */
                                      : str_of(request_dialect(r)->keepalive));
}

void on_request_timer(void *ud)
{
    struct request *r = ud;
    uint64_t now = now_ms(r);
    struct deadline d = { 0 };

    if (r->attempt)
        d = attempt_deadline(r);
    if (r->total_at_ms && now >= r->total_at_ms) {
        r->total_passed = true;
        if (r->attempt)
            expire(r, "total", r->total_ms);
    } else if (d.at_ms && now >= d.at_ms) {
        if (strcmp(d.name, "gap") == 0 && r->attempt->target->cell)
            gap_passed(&r->attempt->target->cell->gap, d.limit_ms);
        expire(r, d.name, d.limit_ms);
    }
    if (keepalive_at(r) && now >= keepalive_at(r) && r->http)
        give_sign(r, now);
    timers_arm(r);
    request_run(r);
}

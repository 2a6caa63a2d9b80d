/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * A request's frame: birth, the one driver of its steps, its end. The steps
 * themselves are in steps_*.c; the table is steps.def.
 */
#include "flow/request.h"

#include "flow/format.h"
#include "flow/limits_hold.h"
#include "flow/policies.h"
#include "flow/queue.h"
#include "flow/steps.h"
#include "flow/translate.h"

#include <stdlib.h>

#define SPARE_REQUESTS 64
#define SPARE_NODES 1024 /* of a kept JSON index: 24 KiB */

struct step_info {
    const char *name;
    enum step (*fn)(struct request *r);
};

static const struct step_info steps[STEP_COUNT] = {
#define STEP_ROW(id, name, fn) [STEP_##id] = { name, fn },
#include "flow/steps.def"
#undef STEP_ROW
};

const char *step_name(enum step s)
{
    return s < STEP_COUNT ? steps[s].name : "?";
}

/* The one place where a request's step changes. */
static void request_enter(struct request *r, enum step s)
{
    r->step = s;
    r->waiting_on = NULL;
    if (r->n_marks < MAX_MARKS)
        r->marks[r->n_marks++] = (struct mark){
            (uint8_t)s, r->stamp_ns ? r->stamp_ns : clock_mono_ns() };
    r->stamp_ns = 0;
}

void flow_new_id(struct flow *f, char id[40])
{
    uint64_t seq = ++f->seq;
    char *at = id + 4;

    memcpy(id, "req_", 4);
    at = format_hex(at, f->nonce, 16);
    at = format_hex(at, seq, seq >> 32 ? 16 : 8);
    *at = '\0';
}

static void count_inflight(struct flow *f, size_t n)
{
    if (f->env.process)
        atomic_store_explicit(&f->env.process->inflight, (uint32_t)n,
                              memory_order_relaxed);
}

/* A request's memory: one that is over keeps its arena and its JSON index. */
static struct request *request_memory(struct flow *f)
{
    struct request *r = f->spare;
    struct arena *a;
    struct json j;

    if (!r) {
        r = calloc(1, sizeof *r);
        a = r ? arena_new(REQUEST_ARENA_MAX) : NULL;
        if (!a) {
            free(r);
            return NULL;
        }
        r->arena = a;
        return r;
    }
    f->spare = r->next_waiting;
    f->n_spare--;
    a = r->arena;
    j = r->json;
    memset(r, 0, sizeof *r);
    r->arena = a;
    r->json = j;
    r->json.count = 0;
    return r;
}

static void memory_free(struct request *r)
{
    json_clear(&r->json);
    arena_free(r->arena);
    free(r);
}

static void memory_back(struct flow *f, struct request *r)
{
    if (f->n_spare >= SPARE_REQUESTS || r->json.cap > SPARE_NODES) {
        memory_free(r);
        return;
    }
    arena_reset(r->arena);
    r->next_waiting = f->spare;
    f->spare = r;
    f->n_spare++;
}

void requests_free_spare(struct flow *f)
{
    struct request *r;

    while ((r = f->spare)) {
        f->spare = r->next_waiting;
        memory_free(r);
    }
    f->n_spare = 0;
}

struct request *request_new(struct flow *f, struct http_req *q)
{
    struct request *r = request_memory(f);

    if (!r)
        return NULL;
    r->slot = slots_add(f->slots, r);
    if (!r->slot) {
        memory_free(r);
        return NULL;
    }
    r->flow = f;
    r->gen = generation_ref(f->gen);
    r->http = q;
    r->listener = http_req_listener(q);
    r->method = http_req_method(q);
    r->path = http_req_path(q);
    r->begun_ns = http_req_begun_ns(q);
    r->usage = USAGE_NONE;
    r->side = "client";
    r->err.code = ERR_NONE;
    buf_init(&r->answer.held, HOLD_MAX);
    flow_new_id(r->flow, r->id);
    identity_address(r);
    loop_timer_init(&r->timer, f->env.loop, on_request_timer, r);
    http_req_set_user(q, r);
    count_inflight(f, ++f->inflight);
    request_enter(r, STEP_HEAD);
    return r;
}

static void request_free(struct request *r)
{
    struct flow *f = r->flow;

    story_end(r);

    limits_settle(r);
    attempt_stop(r);
    request_unwait(r);
    loop_timer_stop(&r->timer);
    cells_request_end(r->cell);
    slots_del(f->slots, r->slot);
    buf_clear(&r->answer.held);
    body_try_end(r);
    translate_forget(r);
    buf_clear(&r->edited);
    free(r->answer.tail);
    generation_unref(r->gen);
    count_inflight(f, --f->inflight);
    memory_back(f, r);
}

void request_run(struct request *r)
{
    uint64_t begin;

    if (r->running) {
        r->again = true;
        return;
    }
    r->running = true;
    begin = clock_mono_ns();
    do {
        enum step next;

        r->again = false;
        r->stamp_ns = 0;
        while ((next = steps[r->step].fn(r)) < STEP_COUNT)
            request_enter(r, next);
        if (next == STEP_DONE && !r->http) {
            request_free(r);
            return;
        }
    } while (r->again);
    r->busy_ns += clock_mono_ns() - begin;
    r->running = false;
}

/* Undo whatever the current step waits for. */
static void request_cancel(struct request *r)
{
    policy_cancel(&r->run);
    models_cancel(r);
    queue_leave(r, QUEUE_LEFT);
    attempt_stop(r);
    request_unwait(r);
    loop_timer_stop(&r->timer);
}

static const char *ended_by(int rc)
{
    switch (rc) {
    case 0:
        return "complete";
    case -ERR_CLOSED:
        return "client_gone";
    case -ERR_TIMEOUT:
        return "write_stall";
    default:
        return "cut";
    }
}

/* A policy's log may run on when the HTTP request is gone. */
static void keep_for_log(struct request *r)
{
    if (!policy_set_has(r->gen->policies, PHASE_LOG))
        return;
    r->method = arena_dup(r->arena, r->method);
    r->path = arena_dup(r->arena, r->path);
    r->credential = r->passed_credential = r->rest = STR_NULL;
    view_keep(r);
    r->json.count = 0;
}

void request_end(struct request *r, int rc)
{
    if (rc || !r->ended)
        r->ended = r->ended && rc == -ERR_CANCELLED ? r->ended : ended_by(rc);
    if (rc == -ERR_CLOSED || rc == -ERR_TIMEOUT) {
        r->cancelled = true;
        r->side = "client";
    }
    if (r->attempt && r->n_attempts &&
        !r->records[r->n_attempts - 1].end_ns)
        r->records[r->n_attempts - 1].end_ns = clock_mono_ns();
    request_cancel(r);
    limits_settle(r);
    account_request(r);
    keep_for_log(r);
    http_req_set_user(r->http, NULL);
    r->http = NULL;
    request_enter(r, STEP_SETTLE);
    request_run(r);
}

enum step request_fail(struct request *r, int code, const char *side)
{
    if (!r->err.code)
        err_set(&r->err, code, "%s", err_info(code)->text);
    r->side = side;
    return STEP_FAIL;
}

void request_note(struct request *r, struct str policy, struct str text)
{
    struct str note;

    if (r->n_notes == MAX_NOTES)
        return;
    note = arena_fmt(r->arena, STR_FMT ": " STR_FMT, STR_ARG(policy),
                     STR_ARG(text));
    for (uint32_t i = 0; i < r->n_notes; i++) {
        if (str_eq(r->notes[i], note))
            return; /* said of one text after the other */
    }
    r->notes[r->n_notes++] = note;
}

void request_wait_in(struct request *r, struct request **list)
{
    if (r->prev_waiting)
        return;
    r->next_waiting = *list;
    r->prev_waiting = list;
    if (*list)
        (*list)->prev_waiting = &r->next_waiting;
    *list = r;
}

void request_drop(struct request *r)
{
    policy_cancel(&r->run);
    request_free(r);
}

void request_unwait(struct request *r)
{
    if (!r->prev_waiting)
        return;
    *r->prev_waiting = r->next_waiting;
    if (r->next_waiting)
        r->next_waiting->prev_waiting = r->prev_waiting;
    r->next_waiting = NULL;
    r->prev_waiting = NULL;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Policies around a try: `attempt` before it is begun, `response` when the
 * head of its answer is there. While `response` waits, upstream waits, too:
 * nothing is read from it, and its timers stand still.
 */
#include "flow/policies.h"
#include "flow/steps.h"

#include "engine/fault.h"

#define NS_PER_MS 1000000

/* ---- attempt ------------------------------------------------------------ */

static bool list_tried(struct request *r, struct policy_try *t)
{
    struct policy_tried *list =
        arena_alloc(r->arena, (r->n_attempts + 1) * sizeof *list);

    for (uint32_t i = 0; list && i < r->n_attempts; i++) {
        const struct attempt_record *rec = &r->records[i];

        list[i].target = rec->target;
        list[i].status = rec->status;
        if (rec->cls)
            list[i].cls = str_of(fault_class_name(rec->cls));
    }
    t->tried = list;
    t->n_tried = r->n_attempts;
    return list != NULL;
}

/* The try to come, as its policies see it; made once for each try. */
static bool describe(struct request *r)
{
    struct policy_try *t;

    if (r->try_next)
        return true;
    body_try_end(r); /* that of the try before */
    t = arena_alloc(r->arena, sizeof *t);
    if (!t || !list_tried(r, t))
        return false;
    t->n = r->n_attempts + 1;
    t->target = r->plan.list[r->at].target;
    if (r->credential_next)
        t->credential = r->credential_next->label;
    t->elapsed_ms = (clock_mono_ns() - r->begun_ns) / NS_PER_MS;
    r->try_next = t;
    return true;
}

static void note_skip(struct request *r, const struct policy_result *res)
{
    request_note(r, res->policy,
                 arena_fmt(r->arena, "skipped " STR_FMT ": " STR_FMT,
                           STR_ARG(r->try_next->target->name),
                           STR_ARG(res->message)));
}

enum step step_consult(struct request *r)
{
    struct policy_result res;
    enum step next;

    if (!describe(r))
        return request_fail(r, ERR_OVERLOADED, "gateway");
    if (r->total_passed) { /* there was a try: its error is told */
        policy_cancel(&r->run);
        return STEP_FAIL;
    }
    next = phase_run(r, PHASE_ATTEMPT, STEP_ATTEMPT, &res);
    if (next != STEP_ATTEMPT)
        return next;
    if (res.verdict != POLICY_SKIP)
        return try_begin(r);
    note_skip(r, &res);
    r->out[r->at] = true;
    return STEP_ATTEMPT;
}

/* ---- response ----------------------------------------------------------- */

bool response_open(struct request *r)
{
    const struct attempt *t = r->attempt;
    const struct attempt_record *rec = &r->records[r->n_attempts - 1];

    if (t->mode == MODE_ERROR ||
        !policy_set_has(r->gen->policies, PHASE_RESPONSE))
        return false;
    r->resp = arena_alloc(r->arena, sizeof *r->resp);
    if (!r->resp) {
        stream_fault(r, PS_FAULT_UNKNOWN, "the request's memory is used up");
        return true; /* and step_response sees it */
    }
    r->resp->status = t->host.pub.status;
    r->resp->attempt = r->n_attempts;
    r->resp->target = t->target;
    r->resp->ms = (clock_mono_ns() - rec->begin_ns) / NS_PER_MS;
    r->resp->fields = t->fields;
    r->resp->n_fields = t->n_fields;
    return true;
}

static void hold(struct request *r)
{
    if (r->held_ms)
        return;
    r->held_ms = loop_now_ms(r->flow->env.loop);
    if (r->attempt->call)
        http_call_pause(r->attempt->call);
    timers_arm(r);
}

/* Upstream goes on; the time it waited is not its own. */
static void release(struct request *r)
{
    uint64_t now = loop_now_ms(r->flow->env.loop);

    if (!r->held_ms)
        return;
    if (r->event_at_ms)
        r->event_at_ms += now - r->held_ms;
    r->last_data_ms = now;
    r->held_ms = 0;
    if (r->attempt->call && !r->answer.paused)
        http_call_resume(r->attempt->call);
    timers_arm(r);
}

/* Refused: the provider did its part, but its answer goes nowhere. */
static void drop_answer(struct request *r)
{
    try_close_record(r);
    attempt_stop(r);
    buf_reset(&r->answer.held);
    r->held_ms = 0;
}

enum step step_response(struct request *r)
{
    struct policy_result res;
    enum step next;

    if (r->attempt->broken) { /* its time is over, say */
        policy_cancel(&r->run);
        release(r);
        return STEP_JUDGE;
    }
    next = phase_run(r, PHASE_RESPONSE, STEP_STREAM, &res);
    if (next == STEP_WAIT) {
        hold(r);
        return next;
    }
    if (next == STEP_FAIL) {
        drop_answer(r);
        return next;
    }
    if (r->answer.head_sent && r->resp->set.n)
        request_note(r, STR("response"),
                     STR("the head had left: no headers were set"));
    release(r);
    return next;
}

static size_t without(struct http_header *h, size_t n, struct str name)
{
    size_t kept = 0;

    for (size_t i = 0; i < n; i++) {
        if (!str_ieq(h[i].name, name))
            h[kept++] = h[i];
    }
    return kept;
}

size_t response_fields(const struct request *r, struct http_header *h,
                       size_t n, size_t max)
{
    const struct policy_headers *set = r->resp ? &r->resp->set : NULL;

    for (size_t i = 0; set && i < set->n; i++) {
        n = without(h, n, set->at[i].name);
        if (set->at[i].value.p && n < max)
            h[n++] = set->at[i];
    }
    return n;
}

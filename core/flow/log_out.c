/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* What became of a request, as policies' log is told: the facts of the access
 * line. Made once, where some policy has the phase. */
#include "flow/policies.h"

#include "engine/fault.h"
#include "policy/out.h"

#define NS_PER_MS 1000000

static int64_t between(uint64_t from_ns, uint64_t to_ns)
{
    return to_ns > from_ns ? (int64_t)((to_ns - from_ns) / NS_PER_MS) : 0;
}

static void fill_try(struct policy_out_try *to,
                     const struct attempt_record *rec, uint64_t now_ns)
{
    to->target = rec->target;
    to->credential = rec->credential;
    to->status = rec->status;
    if (rec->cls) {
        to->cls = str_of(fault_class_name(rec->cls));
        to->why = rec->why;
    }
    to->ms = between(rec->begin_ns, rec->end_ns ? rec->end_ns : now_ns);
    to->first_ms = rec->first_ns ? between(rec->begin_ns, rec->first_ns) : -1;
}

static void fill_tries(struct request *r, struct policy_out *o,
                       uint64_t now_ns)
{
    struct policy_out_try *list =
        arena_alloc(r->arena, (r->n_attempts + 1) * sizeof *list);

    o->first_ms = -1;
    for (uint32_t i = 0; list && i < r->n_attempts; i++) {
        fill_try(&list[i], &r->records[i], now_ns);
        if (r->records[i].first_ns && o->first_ms < 0)
            o->first_ms = between(r->begun_ns, r->records[i].first_ns);
    }
    o->tries = list;
    o->n_tries = list ? r->n_attempts : 0;
    if (r->n_attempts)
        o->target = r->records[r->n_attempts - 1].at;
}

struct policy_out *log_out(struct request *r)
{
    struct policy_out *o = arena_alloc(r->arena, sizeof *o);
    uint64_t now_ns = clock_mono_ns();

    if (!o)
        return NULL;
    o->status = r->answer.status;
    o->ended = str_of(r->ended);
    if (r->err.code || r->cancelled)
        o->side = str_of(r->side);
    if (r->err.code)
        o->error = reply_wire_error(r).code;
    o->policy = r->err_policy;
    if (r->polite && r->answer.content_sent)
        o->policy = r->polite->policy;
    o->ms = between(r->begun_ns, now_ns);
    o->usage = r->usage;
    o->cost_nusd = ledger_cost(r);
    fill_tries(r, o, now_ns);
    return o;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
#include "flow/degrade.h"

#include "engine/metrics.h"
#include "flow/on_fault.h"
#include "flow/order.h"

static const struct str reply = STR("reply");

static bool is_providers(const struct request *r)
{
    return r->n_attempts && strcmp(r->side, "provider") == 0;
}

/* Has the client an answer's head that is no stream of ours? */
static bool is_begun(const struct request *r)
{
    return r->answer.content_sent ||
           (r->answer.head_sent && (!r->facts.stream || r->answer.passed));
}

/* Could somebody else have served it? */
static bool is_exhausted(const struct request *r)
{
    return r->plan.n && r->http && !r->given_up && !r->polite &&
           !is_begun(r) && !r->err_policy.n && !r->kept.callers &&
           (r->err.code == ERR_NO_TARGET || is_providers(r));
}

static void note(struct request *r, const struct conf_model *m,
                 const char *to, struct str name)
{
    struct str labels[2] = { m->name, str_of(to) };

    request_note(r, STR("on_exhausted"),
                 arena_fmt(r->arena, STR_FMT ": %s" STR_FMT " (%s)",
                           STR_ARG(m->name), to, STR_ARG(name), r->err.msg));
    metric_add(METRIC_DEGRADED, labels, 1);
}

static bool to_model(struct request *r, const struct conf_model *m)
{
    const struct conf_model *to = m->exhausted.model;
    struct err err = { 0 };
    struct plan plan;

    if (!to || r->total_passed || r->n_attempts >= MAX_ATTEMPTS ||
        r->n_degraded >= DEGRADE_MAX ||
        engine_plan_block(r->gen->engine, r->arena, to, &plan, &err))
        return false;
    order_targets(r, &plan);
    note(r, m, "model", arena_fmt(r->arena, " " STR_FMT, STR_ARG(to->name)));
    on_fault_move(r, &plan);
    r->n_degraded++;
    r->degraded = &to->name;
    r->tries_before = r->n_attempts;
    if (!r->n_attempts) /* else the last try's error stays the answer */
        r->err.code = ERR_NONE;
    return true;
}

/* In the words of the operator, as a policy would answer. */
static bool to_reply(struct request *r, const struct conf_model *m)
{
    enum dialect d = r->endpoint->dialect;

    if (!m->exhausted.reply.n || !dialect_ops(d)->answers(d))
        return false;
    r->polite = arena_alloc(r->arena, sizeof *r->polite);
    if (!r->polite)
        return false;
    r->polite->verdict = POLICY_ANSWER;
    r->polite->policy = STR("on_exhausted");
    r->polite->message = m->exhausted.reply;
    r->polite->finish = WIRE_FINISH_STOP;
    note(r, m, "reply", STR(""));
    r->degraded = &reply;
    r->err.code = ERR_NONE;
    r->kept.status = 0;
    r->retry_after_ms = 0;
    return true;
}

bool degrade(struct request *r, enum step *next)
{
    const struct conf_model *m;

    if (!is_exhausted(r))
        return false;
    m = r->plan.list[0].target->group;
    if (m && to_model(r, m))
        *next = STEP_ROUTE;
    else if (m && to_reply(r, m))
        *next = STEP_ANSWER;
    else
        return false;
    return true;
}

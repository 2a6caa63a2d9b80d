/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
#include "flow/on_fault.h"

#include "flow/order.h"

static const struct conf_model *heir(const struct conf_model *m,
                                     const struct fault_info *why)
{
    if (!m)
        return NULL;
    if (why == fault_info(PS_FAULT_CONTEXT_LENGTH))
        return m->on.context_length;
    if (why == fault_info(PS_FAULT_CONTENT_FILTER))
        return m->on.content_filter;
    return NULL;
}

bool on_fault_taken(struct request *r, const struct fault_info *why)
{
    const struct target *t = r->plan.list[r->at].target;
    const struct conf_model *to = heir(t->group, why);
    struct err err = { 0 };
    struct plan plan;

    if (!to ||
        engine_plan_block(r->gen->engine, r->arena, to, &plan, &err))
        return false;
    order_targets(r, &plan);
    request_note(r, STR("on"),
                 arena_fmt(r->arena, "%s at " STR_FMT ": model " STR_FMT,
                           why->name, STR_ARG(t->name), STR_ARG(to->name)));
    on_fault_move(r, &plan);
    r->taken_over = true;
    return true;
}

void on_fault_move(struct request *r, const struct plan *to)
{
    r->plan = *to;
    r->at = 0;
    r->same_target = 0;
    r->moved = true;
}

static bool was_tried(const struct request *r, struct str target)
{
    for (uint32_t i = 0; i < r->n_attempts; i++) {
        if (str_eq(r->records[i].target, target))
            return true;
    }
    return false;
}

void on_fault_routed(struct request *r)
{
    for (size_t i = 0; r->moved && i < r->plan.n; i++) {
        if (was_tried(r, r->plan.list[i].target->name))
            r->out[i] = true;
    }
}

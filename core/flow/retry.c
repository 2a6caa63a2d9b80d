/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
#include "flow/retry.h"

#include "flow/choose.h"
#include "flow/on_fault.h"
#include "flow/places.h"
#include "flow/resting.h"

#define BACKOFF_BASE_MS 250
#define BACKOFF_CAP_MS 8000
#define NS_PER_MS 1000000

static bool provider_forbids(const struct attempt *t)
{
    return str_ieq(http_header_get(t->fields, t->n_fields,
                                   STR("x-should-retry")),
                   STR("false"));
}

struct retry_cause retry_cause(const struct request *r)
{
    const struct attempt *t = r->attempt;
    const struct attempt_record *rec = &r->records[r->n_attempts - 1];

    return (struct retry_cause){
        .info = fault_info(t->fault.cls),
        .used = t->credential,
        .told_ms = t->fault.retry_after_ms,
        .dead = attempt_is_stale(t) ||
                (t->ended && t->result.reused &&
                 t->result.fail == HTTP_FAIL_RESET),
        .once = rec->end_ns - rec->begin_ns >
                    (uint64_t)RETRY_SLOW_MS * NS_PER_MS ||
                provider_forbids(t),
    };
}

static uint32_t either(uint32_t models, uint32_t providers)
{
    return models != CONF_UNSET ? models : providers;
}

/* What the model says, else the provider that was tried. */
static struct conf_retries settings(const struct request *r)
{
    const struct target *t = r->plan.list[r->at].target;
    struct conf_retries c = t->provider->conf->retries;

    if (t->group)
        c = (struct conf_retries){
            either(t->group->retries.attempts, c.attempts),
            either(t->group->retries.same_target, c.same_target),
            either(t->group->retries.budget, c.budget),
        };
    return c;
}

static struct retry_budget *budget(const struct request *r)
{
    return engine_retries(r->gen->engine,
                          r->plan.list[r->at].target->group);
}

void retry_earn(struct request *r)
{
    struct retry_budget *b = budget(r);

    if (b)
        retry_budget_earn(b, loop_now_ms(r->flow->env.loop),
                          settings(r).budget * 10);
}

/* Another try at what is ill: the model pays. */
static bool pay(struct request *r)
{
    struct retry_budget *b = budget(r);

    if (!b || retry_budget_take(b, loop_now_ms(r->flow->env.loop)))
        return true;
    request_note(r, STR("retries"), STR("the model's budget is used up"));
    return false;
}

static bool has_tries(const struct request *r)
{
    return r->n_attempts - r->tries_before < settings(r).attempts &&
           r->n_attempts < MAX_ATTEMPTS && !r->total_passed;
}

static uint64_t full_jitter(uint32_t n, uint32_t dice)
{
    uint64_t cap = (uint64_t)BACKOFF_BASE_MS << (n < 5 ? n : 5);

    return dice % ((cap < BACKOFF_CAP_MS ? cap : BACKOFF_CAP_MS) + 1);
}

/* Told as a whole in Server-Timing; a head that leaves within it subtracts. */
static void pause_for(struct request *r, uint64_t ms)
{
    r->wake_at_ms = loop_now_ms(r->flow->env.loop) + ms;
    r->paused_ms += (uint32_t)ms;
}

/* The same target once more: after the pause that it asked for where that is
 * short, else by chance, and before the deadline. */
static bool again(struct request *r, const struct retry_cause *why)
{
    uint64_t now = loop_now_ms(r->flow->env.loop);
    uint32_t dice = engine_dice(r->gen->engine);
    uint64_t pause = why->told_ms ? why->told_ms +
                                        why->told_ms / 10 * (dice % 1024) / 1023
                                  : full_jitter(r->same_target, dice);

    if (!why->info->same_target || why->once ||
        r->same_target >= settings(r).same_target ||
        why->told_ms > RESTING_SHORT_MS ||
        (r->total_at_ms && now + pause >= r->total_at_ms) || !pay(r))
        return false;
    r->same_target++;
    pause_for(r, pause);
    return true;
}

/* Nothing more is tried. When is a target back? Not asked of faults that no
 * time mends. */
static enum step give_up(struct request *r, const struct retry_cause *why)
{
    uint64_t soonest;

    if (r->kept.callers || r->taken_over || !why->info->same_target)
        return STEP_FAIL;
    soonest = choose_soonest_ms(r, NULL);
    if (!soonest)
        soonest = places_back_ms(r);
    if (soonest && (!r->retry_after_ms || soonest < r->retry_after_ms))
        r->retry_after_ms = soonest;
    return STEP_FAIL;
}

enum step retry_next(struct request *r, const struct retry_cause *why)
{
    const struct provider *p = r->plan.list[r->at].target->provider;

    if (why->dead && !r->reuse_retried && r->n_attempts < MAX_ATTEMPTS) {
        r->reuse_retried = true;
        return STEP_ATTEMPT;
    }
    if (!has_tries(r))
        return give_up(r, why);
    if (on_fault_taken(r, why->info))
        return STEP_ROUTE;
    if (why->info->other_credential && choose_credential(r, p, why->used) &&
        choose_can(r, r->at))
        return STEP_ATTEMPT;
    if (why->info->other_target && choose_other(r) &&
        (choose_well(r) || pay(r))) {
        r->out[r->at] = true;
        r->same_target = 0;
        return STEP_ATTEMPT;
    }
    return again(r, why) ? STEP_BACKOFF : give_up(r, why);
}

enum step retry_give_up(struct request *r, const struct retry_cause *why)
{
    r->given_up = true;
    return give_up(r, why);
}

enum step retry_again(struct request *r, const struct retry_cause *why,
                      uint64_t after_ms)
{
    uint64_t now = loop_now_ms(r->flow->env.loop);

    if (!has_tries(r))
        return give_up(r, why);
    if ((r->total_at_ms && now + after_ms >= r->total_at_ms) || !pay(r))
        return retry_next(r, why);
    r->out[r->at] = false;
    r->same_target++;
    pause_for(r, after_ms);
    return STEP_BACKOFF;
}

enum step retry_other(struct request *r, const struct retry_cause *why)
{
    if (!has_tries(r) || !choose_other(r) || (!choose_well(r) && !pay(r)))
        return give_up(r, why);
    r->out[r->at] = true;
    r->same_target = 0;
    return STEP_ATTEMPT;
}

enum step retry_moved(struct request *r, const struct retry_cause *why,
                      const struct plan *to)
{
    if (!has_tries(r))
        return give_up(r, why);
    on_fault_move(r, to);
    return STEP_ROUTE;
}

bool retry_replaces(const struct request *r, struct str name)
{
    if (r->kept.callers) /* it passes as it came */
        return false;
    if (str_ieq(name, STR("x-should-retry")))
        return true;
    return r->retry_after_ms && (str_ieq(name, STR("retry-after")) ||
                                 str_ieq(name, STR("retry-after-ms")));
}

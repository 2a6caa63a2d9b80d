/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
#include "flow/watching.h"

#include "base/log.h"

static uint32_t dice(const struct request *r)
{
    return engine_dice(r->gen->engine);
}

/* Why it may be taken out by itself, if it goes on like that. A name that a
 * client made up, and a key of the client's, say nothing of the target. */
static enum autooff_why refusal(const struct attempt *t)
{
    const struct conf_model *m = t->target->group;

    if (!t->broken || !m || memchr(m->name.p, '*', m->name.n) ||
        t->target->provider->conf->keys_from_client)
        return AUTOOFF_NOT;
    switch (t->fault.cls) {
    case PS_FAULT_AUTH:
        return AUTOOFF_AUTH;
    case PS_FAULT_MODEL_ACCESS:
        return AUTOOFF_ACCESS;
    case PS_FAULT_MODEL_GONE:
        return AUTOOFF_GONE;
    default:
        return AUTOOFF_NOT;
    }
}

static void log_off(const struct target *t, uint64_t now)
{
    const struct autooff *a = &t->cell->autooff;

    log_event(EV_target_taken_out, LOG_S("target", t->name),
              LOG_Z("why", autooff_name(autooff_why(a))),
              LOG_I("for_ms", (int64_t)autooff_wait_ms(a, now)));
}

static void count_out(struct request *r, enum breaker_verdict v, uint64_t now)
{
    const struct target *t = r->attempt->target;
    enum autooff_why why = v == BREAKER_BAD ? AUTOOFF_FAILING
                                            : refusal(r->attempt);

    if (v == BREAKER_GOOD) {
        if (autooff_served(&t->cell->autooff))
            log_event(EV_target_put_back, LOG_S("target", t->name),
                      LOG_Z("by", "request"));
    } else if (why && t->provider->conf->health.auto_disable &&
               autooff_refused(&t->cell->autooff, now, why, dice(r))) {
        log_off(t, now);
    }
}

void watching_told(struct request *r, enum breaker_verdict v,
                   uint64_t first_ms)
{
    const struct target *t = r->attempt->target;
    uint64_t now = loop_now_ms(r->flow->env.loop);
    enum trend_news news;

    if (!t->cell)
        return;
    count_out(r, v, now);
    if (v == BREAKER_NONE)
        return;
    probing_heard(&t->cell->probing, now);
    news = trend_add(&t->cell->trend, now, v != BREAKER_GOOD,
                     first_ms < UINT32_MAX ? (uint32_t)first_ms : UINT32_MAX);
    if (news == TREND_WORSE)
        log_event(EV_target_degraded, LOG_S("target", t->name));
    else if (news == TREND_STEADY)
        log_event(EV_target_steady, LOG_S("target", t->name));
}

bool watching_admits(const struct request *r, const struct target *t)
{
    return !t->cell || !autooff_why(&t->cell->autooff) ||
           autooff_admits(&t->cell->autooff, loop_now_ms(r->flow->env.loop),
                          dice(r));
}

void watching_gap(struct request *r)
{
    struct attempt *t = r->attempt;

    if (t->target->cell && r->facts.stream && r->answer.content_sent)
        gap_heard(&t->target->cell->gap, t->gap_ms);
}

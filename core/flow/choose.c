/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
#include "flow/choose.h"

#include "flow/order.h"

#include "base/log.h"
#include "engine/fault.h"
#include "flow/pacing.h"
#include "flow/places.h"
#include "flow/watching.h"

#define NS_PER_MS 1000000
#define FETCH_WAIT_MS 1000

bool choose_credential(const struct request *r, const struct provider *p,
                       const struct credential *but)
{
    uint64_t now = loop_now_ms(r->flow->env.loop);

    for (size_t i = 0; i < p->n_credentials; i++) {
        if (&p->credentials[i] != but &&
            !credential_is_out(&p->credentials[i], now))
            return true;
    }
    return !but && provider_is_parked(p, now);
}

bool choose_can(const struct request *r, size_t i)
{
    const struct candidate *c = &r->plan.list[i];

    return !c->dropped && !r->out[i] && !target_is_off(c->target) &&
           target_until_ms(c->target) <= loop_now_ms(r->flow->env.loop) &&
           choose_credential(r, c->target->provider, NULL) &&
           attempt_api(r, c->target);
}

bool choose_other(const struct request *r)
{
    for (size_t i = 0; i < r->plan.n; i++) {
        if (i != r->at && choose_can(r, i) &&
            !places_full(r, r->plan.list[i].target))
            return true;
    }
    return false;
}

bool choose_well(const struct request *r)
{
    uint64_t now = loop_now_ms(r->flow->env.loop);

    for (size_t i = 0; i < r->plan.n; i++) {
        const struct health_cell *h = r->plan.list[i].target->cell;

        if (i != r->at && choose_can(r, i) &&
            !places_full(r, r->plan.list[i].target) &&
            (!h || (breaker_state(&h->breaker, now) == BREAKER_CLOSED &&
                    !autooff_why(&h->autooff))))
            return true;
    }
    return false;
}

/* Half of the candidates and more are ill, as far as breakers know. */
static bool is_panic(const struct request *r, uint64_t now)
{
    size_t all = 0, ill = 0;

    for (size_t i = 0; i < r->plan.n; i++) {
        const struct candidate *c = &r->plan.list[i];
        const struct health_cell *h = c->target->cell;

        if (c->dropped || target_is_off(c->target))
            continue;
        all++;
        ill += h && breaker_state(&h->breaker, now) != BREAKER_CLOSED;
    }
    return ill * 2 > all;
}

/* Who holds a slot: the process above, so that its death frees it. */
static uint64_t holder(struct flow *f)
{
    uint64_t pid = f->env.process ? (uint64_t)atomic_load(&f->env.process->pid)
                                  : 1;

    if (++f->probes == 0)
        f->probes = 1;
    return pid << 32 | f->probes;
}

static bool enter(struct request *r, const struct target *t, uint64_t now)
{
    struct health_cell *h = t->cell;

    r->probe = 0;
    return !h || breaker_enter(&h->breaker, now, holder(r->flow),
                               engine_dice(r->gen->engine), &r->probe);
}

static void note_passed(struct request *r, const char *who,
                        const struct target *t, const char *why)
{
    request_note(r, str_of(who),
                 arena_fmt(r->arena, "passed over " STR_FMT ": %s",
                           STR_ARG(t->name), why));
}

static void note_breaker(struct request *r, const struct target *t,
                         uint64_t now)
{
    enum breaker_state s = breaker_state(&t->cell->breaker, now);

    if (s != BREAKER_CLOSED) /* else it ramps: no news */
        note_passed(r, "breaker", t, breaker_state_name(s));
}

/* Why candidate `i` cannot be tried, where that passes. */
static void note_rest(struct request *r, size_t i, uint64_t now)
{
    const struct candidate *c = &r->plan.list[i];

    if (c->dropped || r->out[i])
        return;
    if (plugin_is_out(c->target->provider->plugin))
        note_passed(r, "plugin", c->target, "its plugin is quarantined");
    else if (target_is_off(c->target))
        note_passed(r, "target", c->target, "an operator disabled it");
    else if (target_until_ms(c->target) > now)
        note_passed(r, "rest", c->target, "cooling");
    else if (!choose_credential(r, c->target->provider, NULL))
        note_passed(r, "rest", c->target, "no credential is left");
}

enum { HEED_NOTHING, HEED_KEYS, HEED_BREAKERS, HEED_ALL };

static bool find(struct request *r, int heed, uint64_t now)
{
    size_t first = r->at;

    for (size_t k = 0; k < r->plan.n; k++) {
        size_t i = (first + k) % r->plan.n;
        const struct target *t = r->plan.list[i].target;

        if (!choose_can(r, i)) {
            note_rest(r, i, now);
            continue;
        }
        if (heed && provider_is_parked(t->provider, now)) {
            note_passed(r, "rest", t, "its key is parked");
            continue;
        }
        if (heed && !watching_admits(r, t)) {
            note_passed(r, "target", t, "it was taken out by itself");
            continue;
        }
        if (heed == HEED_ALL && pacing_is_short(r, t)) {
            note_passed(r, "pace", t, "little is left of its limit");
            continue;
        }
        r->at = (uint32_t)i;
        if (!order_take(r, t)) {
            r->full = true;
            note_passed(r, "concurrent", t, "full");
            continue;
        }
        if (enter(r, t, now) || heed < HEED_BREAKERS)
            return true;
        order_give(r);
        note_breaker(r, t, now);
    }
    r->at = (uint32_t)first;
    return false;
}

bool choose_target(struct request *r)
{
    uint64_t now = loop_now_ms(r->flow->env.loop);

    choose_leave(r);
    r->full = false;
    if (!r->plan.n)
        return false;
    if (!is_panic(r, now)) {
        if ((pacing_matters(r) && find(r, HEED_ALL, now)) ||
            find(r, HEED_BREAKERS, now))
            return true;
        if (r->full && r->gen->config->queue.max_wait_ms &&
            places_room(r) == ROOM_FULL)
            return false; /* one that is well is worth a wait */
    }
    return find(r, HEED_KEYS, now) || find(r, HEED_NOTHING, now);
}

/* When is a credential of its back? 0: at once. */
static uint64_t credential_back_ms(const struct provider *p, uint64_t now)
{
    uint64_t best = UINT64_MAX;

    if (provider_is_parked(p, now)) /* it would be tried */
        return 0;
    for (size_t k = 0; k < p->n_credentials; k++) {
        uint64_t at = credential_until_ms(&p->credentials[k]);

        if (at <= now && !credential_lacks(&p->credentials[k]))
            return 0;
        if (at <= now) /* the keeper is at it */
            at = now + FETCH_WAIT_MS;
        best = at < best ? at : best;
    }
    return best;
}

static const char *why_keys(const struct provider *p, uint64_t now)
{
    for (size_t k = 0; k < p->n_credentials; k++) {
        const struct credential *c = &p->credentials[k];

        if (rest_state(c->rest ? c->rest : &c->own, now) == REST_COOLING)
            return "the limit of its key is reached";
    }
    return "its key was refused";
}

uint64_t choose_soonest_ms(const struct request *r, const char **why)
{
    uint64_t now = loop_now_ms(r->flow->env.loop), best = 0;

    for (size_t i = 0; i < r->plan.n; i++) {
        const struct candidate *c = &r->plan.list[i];
        uint64_t at = target_until_ms(c->target);
        uint64_t key = credential_back_ms(c->target->provider, now);

        bool keys = key > at;

        at = keys ? key : at;
        if (c->dropped || target_is_off(c->target) || at <= now ||
            (best && at - now >= best))
            continue;
        best = at - now;
        if (why)
            *why = keys ? why_keys(c->target->provider, now)
                        : "its provider asked for a pause";
    }
    return best;
}

static void log_change(const struct target *t, uint64_t now)
{
    const struct breaker *b = &t->cell->breaker;

    if (breaker_state(b, now) == BREAKER_CLOSED)
        log_event(EV_breaker_closed, LOG_S("target", t->name));
    else
        log_event(EV_breaker_open, LOG_S("target", t->name),
                  LOG_I("for_ms", (int64_t)breaker_wait_ms(b, now)));
}

static void tell(struct request *r, enum breaker_verdict v, uint64_t first_ms)
{
    const struct target *t = r->attempt->target;
    uint64_t now = loop_now_ms(r->flow->env.loop), probe = r->probe;

    r->probe = 0;
    if (t->cell &&
        breaker_judge(&t->cell->breaker, now, probe, v,
                      first_ms < UINT32_MAX ? (uint32_t)first_ms : UINT32_MAX,
                      engine_dice(r->gen->engine)))
        log_change(t, now);
    watching_told(r, v, first_ms);
}

void choose_first_content(struct request *r)
{
    struct attempt_record *rec = &r->records[r->n_attempts - 1];
    uint64_t ms;

    rec->first_ns = clock_mono_ns();
    ms = (rec->first_ns - rec->begin_ns) / NS_PER_MS;
    /* how long a whole answer takes says how long it is */
    if (r->facts.stream)
        order_heard(r, ms);
    tell(r, BREAKER_GOOD, r->facts.stream ? ms + 1 : 0);
}

/* A busy target counts in the ratio; of a limited credential it says
 * nothing, unless a probe is answered so. */
static enum breaker_verdict verdict(const struct request *r)
{
    const struct attempt *t = r->attempt;

    switch (fault_info(t->fault.cls)->blame) {
    case BLAME_BREAKER:
        if (t->fault.cls == PS_FAULT_UNKNOWN && !t->host.pub.status)
            return BREAKER_NONE; /* it did not get as far as the target */
        if (r->total_passed && r->clients_total)
            return BREAKER_NONE; /* who waits a second tells nothing */
        return BREAKER_BAD;
    case BLAME_COOLDOWN:
        return t->fault.cls == PS_FAULT_OVERLOADED || r->probe ? BREAKER_SOFT
                                                               : BREAKER_NONE;
    default:
        return BREAKER_NONE;
    }
}

/* A limit, too: who refuses at once has the fewest calls under way. */
static bool is_targets(const struct request *r)
{
    return verdict(r) != BREAKER_NONE ||
           fault_info(r->attempt->fault.cls)->blame == BLAME_COOLDOWN;
}

void choose_judged(struct request *r, bool dead)
{
    const struct attempt *t = r->attempt;
    bool begun = r->records[r->n_attempts - 1].first_ns != 0;

    if (t->refused || dead)
        return;
    places_judged(r);
    if (t->broken && !begun && is_targets(r))
        order_failed(r);
    if (t->broken)
        tell(r, verdict(r), 0);
    else if (!begun)
        tell(r, BREAKER_GOOD, 0);
}

void choose_leave(struct request *r)
{
    order_give(r);
    if (r->probe)
        breaker_leave(&r->plan.list[r->at].target->cell->breaker, r->probe);
    r->probe = 0;
}

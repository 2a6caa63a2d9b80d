/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * All policies of a generation in one worker: for each phase the list of
 * those that have it, run in the configuration's order until one decides.
 */
#include "policy/policy.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/slots.h"
#include "engine/crumb.h"
#include "engine/metrics.h"
#include "net/hash.h"
#include "policy/api.h"
#include "policy/output.h"
#include "policy/probe.h"
#include "policy/ran.h"
#include "policy/tick.h"

#include <stdlib.h>

enum { MAX_POLICIES = OUTPUT_POLICIES, LOG_EVERY_MS = 1000 };

struct policy_set {
    struct policy_env env;
    struct policy_state **states;
    size_t n;
    /* indexes into states of those that define the phase */
    uint16_t in_phase[PHASE_COUNT][MAX_POLICIES];
    uint16_t n_phase[PHASE_COUNT];
};

int policy_set_step(struct policy_set *s, struct err *err)
{
    const struct config *c = s->env.config;
    uint16_t i = (uint16_t)s->n;
    struct policy_state *st;

    if (s->n >= c->n_policies)
        return 0;
    st = policy_state_new(&s->env, &c->policies[i], err);
    if (!st)
        return -err->code;
    for (int p = 0; p < PHASE_COUNT; p++) {
        if (st->fn[p] != LUA_NOREF)
            s->in_phase[p][s->n_phase[p]++] = i;
    }
    s->states[s->n++] = st;
    return s->n < c->n_policies;
}

bool policy_set_shed(struct policy_set *s)
{
    if (s->n == 0)
        return false;
    policy_state_free(s->states[--s->n]);
    return true;
}

struct policy_set *policy_set_new(const struct config *c, struct err *err)
{
    return policy_set_probed(c, NULL, err);
}

struct policy_set *policy_set_begin(const struct config *c,
                                    struct policy_probe *probe,
                                    struct err *err)
{
    struct policy_set *s;

    if (c->n_policies > MAX_POLICIES) {
        err_set(err, ERR_LIMIT, "at most %d policies", MAX_POLICIES);
        return NULL;
    }
    s = calloc(1, sizeof *s);
    if (!s) {
        err_set(err, ERR_NOMEM, "no memory for policies");
        return NULL;
    }
    if (budget_timer_start() != 0) {
        err_set(err, ERR_IO, "no timer for the CPU budget of policies");
        free(s);
        return NULL;
    }
    s->env.probe = probe;
    s->env.config = c;
    s->env.hash = hash_new();
    s->states = calloc(c->n_policies + 1, sizeof *s->states);
    if (s->env.hash && s->states)
        return s;
    err_set(err, ERR_NOMEM, "no memory for policies");
    policy_set_free(s);
    return NULL;
}

struct policy_set *policy_set_probed(const struct config *c,
                                     struct policy_probe *probe,
                                     struct err *err)
{
    struct err own = { 0 };
    struct policy_set *s = policy_set_begin(c, probe, err ? err : &own);
    int rc = s ? 1 : 0;

    while (rc > 0)
        rc = policy_set_step(s, err ? err : &own);
    if (rc == 0)
        return s;
    policy_set_free(s);
    return NULL;
}

void policy_set_free(struct policy_set *s)
{
    if (!s)
        return;
    policy_ticks_stop(s);
    while (policy_set_shed(s))
        ;
    free(s->states);
    if (s->env.outside.free)
        s->env.outside.free(s->env.outside.ud);
    free(s->env.targets);
    slots_free(s->env.waits);
    hash_free(s->env.hash);
    budget_timer_stop();
    free(s);
}

void policy_set_loop(struct policy_set *s, struct loop *l)
{
    s->env.loop = l;
}

void policy_set_outside(struct policy_set *s, const struct outside *o)
{
    s->env.outside = *o;
}

struct policy_env *policy_set_env(struct policy_set *s)
{
    return &s->env;
}

struct policy_state *policy_set_state(struct policy_set *s,
                                      enum policy_phase p, size_t i)
{
    return i < s->n_phase[p] ? s->states[s->in_phase[p][i]] : NULL;
}

bool policy_set_has(const struct policy_set *s, enum policy_phase p)
{
    return s->n_phase[p] != 0;
}

void policy_set_clock(struct policy_set *s, const struct policy_clock *c)
{
    s->env.clock = *c;
}

void policy_set_quiet(struct policy_set *s)
{
    s->env.quiet = true;
}

void policy_set_kv(struct policy_set *s, struct kv *kv)
{
    s->env.kv = kv;
}

void policy_set_keys(struct policy_set *s, const struct key_table *keys)
{
    s->env.keys = keys;
}

int policy_set_targets(struct policy_set *s, const struct target *const *list,
                       size_t n)
{
    const struct target **copy = calloc(n + 1, sizeof *copy);

    if (!copy)
        return -ERR_NOMEM;
    if (n)
        memcpy(copy, list, n * sizeof *copy);
    free(s->env.targets);
    s->env.targets = copy;
    s->env.n_targets = n;
    return 0;
}

size_t policy_set_memory(const struct policy_set *s)
{
    size_t sum = 0;

    for (size_t i = 0; i < s->n; i++)
        sum += s->states[i]->heap.used;
    return sum;
}

/* ---- running ------------------------------------------------------- */

bool policy_applies(const struct policy_state *st, struct str endpoint)
{
    const struct conf_policy *c = st->conf;

    for (size_t i = 0; i < c->n_endpoints; i++) {
        if (str_eq(c->endpoints[i], endpoint))
            return true;
    }
    return c->n_endpoints == 0;
}

static struct str request_id(struct policy_run *run)
{
    struct policy_value id = { .type = VALUE_NIL };

    run->view->field(run->req, FIELD_ID, &id);
    return id.s;
}

static void note(struct policy_run *run, const struct policy_state *st,
                 struct str text)
{
    if (run->view->note && text.p)
        run->view->note(run->req, st->conf->name, text);
}

/* Script errors are counted always and logged once a second per policy. */
static void report(struct policy_state *st, enum policy_phase p,
                   struct policy_run *run, struct str why)
{
    struct str labels[] = { st->conf->name, str_of(policy_phase_name(p)) };
    uint64_t now = clock_mono_ms();

    if (st->env->quiet)
        return;
    metric_add(METRIC_POLICY_ERRORS, labels, 1);
    note(run, st, arena_fmt(run->arena, "failed %s: " STR_FMT,
                            st->open[p] ? "open" : "closed", STR_ARG(why)));
    if (st->logged_ms && now - st->logged_ms < LOG_EVERY_MS)
        return;
    st->logged_ms = now;
    log_event(EV_policy_error, LOG_S("policy", labels[0]),
              LOG_S("phase", labels[1]), LOG_S("request", request_id(run)),
              LOG_Z("fail", st->open[p] ? "open" : "closed"),
              LOG_S("error", why));
}

/* mode = "observe": what would have been, as a note. */
static void observe(const struct policy_state *st, struct policy_run *run,
                    struct policy_result *out)
{
    if (out->verdict == POLICY_DENY)
        note(run, st, arena_fmt(run->arena, "would deny: " STR_FMT,
                                STR_ARG(out->code)));
    else if (out->verdict == POLICY_STOP)
        note(run, st, arena_fmt(run->arena, "would stop: " STR_FMT,
                                STR_ARG(out->code)));
    else if (out->verdict == POLICY_ANSWER)
        note(run, st, STR("would answer"));
    else if (out->verdict == POLICY_SKIP)
        note(run, st, arena_fmt(run->arena, "would skip: " STR_FMT,
                                STR_ARG(out->message)));
    else if (out->verdict == POLICY_AGAIN)
        note(run, st, arena_fmt(run->arena, "would try again " STR_FMT,
                                STR_ARG(out->message)));
    else if (out->verdict == POLICY_NEXT)
        note(run, st, arena_fmt(run->arena, "would go on with %s" STR_FMT,
                                out->message.n ? "model "
                                               : "the next target",
                                STR_ARG(out->message)));
    else if (out->verdict == POLICY_GIVE_UP)
        note(run, st, STR("would give up"));
    else if (out->verdict == POLICY_QUEUE)
        note(run, st, arena_fmt(run->arena, "would wait " STR_FMT,
                                STR_ARG(out->message)));
    else if (out->verdict == POLICY_PRINCIPAL)
        note(run, st, arena_fmt(run->arena, "would authenticate: " STR_FMT,
                                STR_ARG(out->principal->id)));
    *out = (struct policy_result){ .verdict = POLICY_NONE };
}

void policy_decide(struct policy_state *st, enum policy_phase p,
                   struct policy_run *run, enum call_result r, struct str why,
                   struct policy_result *out)
{
    if (r == CALL_ERROR) {
        report(st, p, run, why);
        *out = (struct policy_result){ .verdict = POLICY_NONE };
        if (!st->open[p] && !st->conf->observe) {
            out->verdict = POLICY_FAILED;
            out->err_code = ERR_POLICY_FAILED;
            out->code = STR("policy_failed");
            out->message = str_of(err_info(ERR_POLICY_FAILED)->text);
        }
    } else if (st->conf->observe) {
        observe(st, run, out);
    }
    if (out->verdict != POLICY_NONE)
        out->policy = st->conf->name;
}

/* One policy: begin or go on, with breadcrumb and time. */
static enum call_result step(struct policy_state *st, enum policy_phase p,
                             struct policy_run *run, struct policy_result *out,
                             struct str *why)
{
    struct str phase = str_of(policy_phase_name(p));
    struct str labels[] = { st->conf->name, phase };
    uint64_t t0 = clock_mono_ns(), ns;
    enum call_result r;

    if (crumb_here)
        crumb_enter(CRUMB_POLICY, st->conf->name, phase, request_id(run));
    if (!run->call)
        policy_ran_begin(run, st, p, t0);
    r = run->call ? policy_call_resume(run->call, out, why)
                  : policy_call_begin(st, p, run, out, why);
    crumb_leave();
    run->ended_ns = clock_mono_ns();
    ns = run->ended_ns - t0;
    policy_ran_add(run, st, t0, ns, r == CALL_WAITS);
    ns += st->ns_rest;
    st->ns_rest = (uint32_t)(ns % 1000);
    if (!st->env->quiet)
        metric_observe_at(&st->seconds[p], METRIC_POLICY_SECONDS, labels,
                          ns / 1000);
    return r;
}

int policy_state_run(struct policy_state *st, enum policy_phase p,
                     struct policy_run *run, struct policy_result *out)
{
    struct str why = STR_NULL;
    enum call_result r;

    *out = (struct policy_result){ .verdict = POLICY_NONE };
    r = step(st, p, run, out, &why);
    if (r == CALL_WAITS)
        return POLICY_WAIT;
    run->call = NULL;
    if (r == CALL_ERROR)
        why = api_hide(st->conf, run->arena, why, SIZE_MAX);
    policy_ran_verdict(run, out, r == CALL_ERROR, why);
    if (p == PHASE_OUTPUT)
        policy_output_leave(st, run, r, out);
    policy_decide(st, p, run, r, why, out);
    if (run->view->ran)
        run->view->ran(run->req, &run->ran);
    return POLICY_DONE;
}

int policy_run(struct policy_set *s, enum policy_phase p,
               struct policy_run *run, struct policy_result *out)
{
    bool asked = false;

    for (; run->at < s->n_phase[p]; run->at++) {
        struct policy_state *st = s->states[s->in_phase[p][run->at]];

        if (!policy_applies(st, run->endpoint) ||
            (p == PHASE_OUTPUT &&
             !policy_output_enter(st, run, run->at)))
            continue;
        asked = true; /* and *out is its */
        if (policy_state_run(st, p, run, out) == POLICY_WAIT)
            return POLICY_WAIT;
        if (out->verdict != POLICY_NONE)
            break;
    }
    if (!asked)
        *out = (struct policy_result){ .verdict = POLICY_NONE };
    /* a wait is no end: those behind are asked when it is over */
    run->at = out->verdict == POLICY_QUEUE ? run->at + 1 : 0;
    return POLICY_DONE;
}

void policy_cancel(struct policy_run *run)
{
    if (run->call)
        policy_call_cancel(run->call);
    run->call = NULL;
    run->at = 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * The candidate is asked before the live policies, with a run of its own: what
 * it is shown is the request as it came into the phase. What it meant comes by
 * the view's `ran`; its mode makes nothing of it.
 */
#include "flow/shadow.h"

#include "base/clock.h"
#include "flow/limits_hold.h"
#include "flow/policies.h"
#include "flow/request.h"
#include "flow/shadow_report.h"
#include "policy/output.h"
#include "policy/outside.h"
#include "policy/state.h"

#include <stdio.h>
#include <stdlib.h>

#define ARENA_BYTES (1u << 20) /* of a candidate, for one request */
#define SECOND_NS 1000000000u
#define SHARE_NS (SECOND_NS / 20) /* of a second that it may use */

struct shadow {
    struct config *config;
    struct policy_set *set;
    struct generation *gen; /* whose targets it was lent */
    uint64_t serial;        /* tells shadows apart */
    uint32_t rate, gathered;
    bool meant[OUTPUT_POLICIES]; /* by policy: it observes anyway */
    struct request *at;     /* asked just now */
    bool outside;           /* and it wanted to ask somebody else */
    uint64_t second_ns, used_ns;
    struct shadow_report report;
};

/** Of one request; in its arena. */
struct shadow_mark {
    uint64_t serial;      /* of whose it is */
    uint32_t asked, told; /* 1 << phase */
    bool decided, undecided;
    struct arena *arena;  /* its own: the request's has a cap */
    struct policy_ctx *ctx;
    char what[SHADOW_TEXT]; /* the candidate's decision in this phase */
    char note[SHADOW_NOTE];
};

/* ---- decisions as texts ------------------------------------------------ */

static void say(char *out, int verdict, struct str what)
{
    static const char *const words[] = {
        [POLICY_NONE] = "no opinion",   [POLICY_DENY] = "deny",
        [POLICY_PRINCIPAL] = "principal", [POLICY_SKIP] = "skip",
        [POLICY_ANSWER] = "answer",     [POLICY_STOP] = "stop",
        [POLICY_QUEUE] = "queue",       [POLICY_FAILED] = "failed",
    };
    const char *word = words[verdict] ? words[verdict] : "other";
    size_t n = what.n < 60 ? what.n : 60;

    if (verdict == POLICY_DENY || verdict == POLICY_PRINCIPAL)
        snprintf(out, SHADOW_TEXT, "%s %.*s", word, (int)n,
                 what.p ? what.p : "");
    else
        snprintf(out, SHADOW_TEXT, "%s", word);
}

static void say_live(char *out, const struct policy_result *live)
{
    say(out, live->verdict,
        live->verdict == POLICY_PRINCIPAL && live->principal
            ? live->principal->id : live->code);
}

/* ---- what it sees ------------------------------------------------------ */

static bool observes(const struct shadow *s, struct str policy)
{
    for (size_t i = 0; i < s->config->n_policies && i < OUTPUT_POLICIES; i++) {
        if (str_eq(s->config->policies[i].name, policy))
            return s->meant[i];
    }
    return false;
}

/** One policy of the candidate is through: the first that decides counts. */
static void on_ran(void *req, const struct policy_ran *ran)
{
    struct request *r = req;
    struct shadow *s = r->flow->shadow;
    struct shadow_mark *m = r->shadow;

    if (ran->verdict == POLICY_FAILED) {
        s->report.failed++;
        snprintf(m->note, sizeof m->note, STR_FMT ": " STR_FMT,
                 STR_ARG(ran->policy), STR_ARG(ran->what));
        if (ran->open)
            return;
    }
    if (ran->verdict == POLICY_NONE || m->decided || observes(s, ran->policy))
        return;
    m->decided = true;
    m->undecided = s->outside;
    say(m->what, ran->verdict, ran->what);
}

/** "would ..." and ps.note: shown with a sample. */
static void on_note(void *req, struct str policy, struct str text)
{
    struct request *r = req;
    struct shadow_mark *m = r->shadow;

    if (str_starts(text, STR("would ")) &&
        !str_starts(text, STR("would deny")) &&
        !str_starts(text, STR("would answer")) &&
        !str_starts(text, STR("would authenticate")) &&
        !str_starts(text, STR("would wait")) &&
        !str_starts(text, STR("would stop")))
        r->flow->shadow->report.edits++;
    if (!*m->note)
        snprintf(m->note, sizeof m->note, STR_FMT ": " STR_FMT,
                 STR_ARG(policy), STR_ARG(text));
}

static int no_rewrite(void *req, struct buf *text, struct json *index,
                      struct err *err)
{
    (void)req;
    (void)text;
    (void)index;
    return err_set(err, ERR_BUG, "a shadow edits nothing");
}

static struct policy_view shadow_view(void)
{
    struct policy_view v = request_view;

    v.note = on_note;
    v.ran = on_ran;
    v.rewrite = no_rewrite;
    v.remodel = NULL;
    return v;
}

static struct outcome *not_asked(void *ud)
{
    ((struct shadow *)ud)->outside = true;
    return outcome_error("a shadow asks nobody");
}

static uint64_t no_http(void *ud, uint64_t wait, const struct outside_http *q,
                        struct outcome **now)
{
    (void)wait;
    (void)q;
    *now = not_asked(ud);
    return 0;
}

static uint64_t no_redis(void *ud, uint64_t wait,
                         const struct outside_redis *q, struct outcome **now)
{
    (void)wait;
    (void)q;
    *now = not_asked(ud);
    return 0;
}

static uint64_t no_jwt(void *ud, uint64_t wait, const struct outside_jwt *q,
                       struct outcome **now)
{
    (void)wait;
    (void)q;
    *now = not_asked(ud);
    return 0;
}

static bool no_sleep(void *ud, uint64_t ms)
{
    (void)ud;
    (void)ms;
    return true; /* as if the time had passed */
}

static void no_cancel(void *ud, uint64_t number)
{
    (void)ud;
    (void)number;
}

static void no_wake(void *req)
{
    (void)req; /* nothing waits: what could is answered at once */
}

/* ---- a phase ----------------------------------------------------------- */

static void free_arena(void *arena)
{
    arena_free(arena);
}

static struct shadow_mark *mark_new(struct request *r)
{
    struct shadow_mark *m = arena_alloc(r->arena, sizeof *m);
    struct arena *own = m ? arena_new(ARENA_BYTES) : NULL;

    if (!own)
        return NULL;
    if (arena_defer(r->arena, free_arena, own) != 0) {
        arena_free(own);
        return NULL;
    }
    *m = (struct shadow_mark){ .serial = r->flow->shadow->serial,
                               .arena = own };
    return m;
}

/** Is the request one of the share? Known at its first phase. */
static struct shadow_mark *mark_of(struct request *r, enum policy_phase p)
{
    struct shadow *s = r->flow->shadow;

    if (r->shadow)
        return r->shadow->serial == s->serial ? r->shadow : NULL;
    if (p != PHASE_REQUEST)
        return NULL;
    s->gathered += s->rate;
    if (s->gathered < SHADOW_ALL)
        return NULL;
    s->gathered -= SHADOW_ALL;
    r->shadow = mark_new(r);
    s->report.requests += r->shadow != NULL;
    return r->shadow;
}

/** The plan is worked on in place, and put back where it is observed: a copy
 * all the same, so that nothing depends on that. */
static bool own_plan(struct policy_run *run, struct plan *plan)
{
    if (!run->plan)
        return true;
    *plan = *run->plan;
    plan->list = arena_alloc(run->arena, (plan->n + 1) * sizeof *plan->list);
    if (!plan->list)
        return false;
    if (plan->n)
        memcpy(plan->list, run->plan->list, plan->n * sizeof *plan->list);
    run->plan = plan;
    return true;
}

static bool may_run(struct shadow *s, uint64_t now_ns)
{
    if (now_ns - s->second_ns >= SECOND_NS) {
        s->second_ns = now_ns;
        s->used_ns = 0;
    }
    if (s->used_ns < SHARE_NS)
        return true;
    s->report.skipped++;
    return false;
}

static void run_phase(struct request *r, enum policy_phase p,
                      struct shadow_mark *m)
{
    struct shadow *s = r->flow->shadow;
    struct policy_view view = shadow_view();
    struct policy_result ignored;
    struct limit_claim claim;
    struct policy_run run;
    struct plan plan;

    phase_prepare(r, p);
    run = r->run;
    if (run.claim) { /* peeked at; what was refused is noted in it */
        claim = *run.claim;
        claim.wanted = NULL;
        claim.arena = m->arena;
        run.claim = &claim;
    }
    run.view = &view;
    run.arena = m->arena;
    run.call = NULL;
    run.at = 0;
    run.ctx = m->ctx;
    run.wake = no_wake;
    m->decided = m->undecided = s->outside = false;
    *m->note = '\0';
    say(m->what, POLICY_NONE, STR_NULL);
    if (!own_plan(&run, &plan))
        return;
    if (policy_run(s->set, p, &run, &ignored) == POLICY_WAIT) {
        policy_cancel(&run);
        s->outside = true;
    }
    m->ctx = run.ctx;
    m->undecided |= !m->decided && s->outside;
}

void shadow_ask(struct request *r, enum policy_phase p)
{
    struct shadow *s = r->flow->shadow;
    struct shadow_mark *m = p <= PHASE_ROUTE ? mark_of(r, p) : NULL;
    uint64_t t0;

    if (!m || (m->asked & 1u << p))
        return;
    t0 = clock_mono_ns();
    if (!may_run(s, t0))
        return;
    m->asked |= 1u << p;
    run_phase(r, p, m);
    s->used_ns += clock_mono_ns() - t0;
}

void shadow_told(struct request *r, enum policy_phase p,
                 const struct policy_result *live)
{
    struct shadow *s = r->flow->shadow;
    struct shadow_mark *m = r->shadow;
    struct shadow_diff d = { .phase = policy_phase_name(p) };
    struct policy_value id = { .type = VALUE_NIL };

    if (!m || m->serial != s->serial || !(m->asked & 1u << p) ||
        (m->told & 1u << p))
        return;
    m->told |= 1u << p;
    s->report.phases++;
    if (m->undecided) {
        s->report.undecided++;
        return;
    }
    say_live(d.live, live);
    if (strcmp(d.live, m->what) == 0) {
        s->report.same++;
        return;
    }
    snprintf(d.candidate, sizeof d.candidate, "%s", m->what);
    request_view.field(r, FIELD_ID, &id);
    shadow_report_add(&s->report, &d, id.s, m->note);
}

/* ---- its life ---------------------------------------------------------- */

static void lend_targets(struct flow *f, struct shadow *s)
{
    const struct target *list[ENGINE_TARGETS_MAX];
    size_t n = engine_targets(f->gen->engine, list, ENGINE_TARGETS_MAX);

    if (policy_set_targets(s->set, list, n) != 0)
        policy_set_targets(s->set, NULL, 0);
    generation_unref(s->gen);
    s->gen = generation_ref(f->gen);
}

void shadow_lend(struct flow *f)
{
    if (f->shadow)
        lend_targets(f, f->shadow);
}

static void shadow_free(struct shadow *s)
{
    if (!s)
        return;
    policy_set_free(s->set);
    config_free(s->config);
    generation_unref(s->gen);
    free(s);
}

int flow_shadow(struct flow *f, struct snapshot *bundle, uint32_t rate,
                struct err *err)
{
    struct shadow *s = calloc(1, sizeof *s);
    const struct outside none = { .http = no_http, .redis = no_redis,
                                  .jwt = no_jwt, .cancel = no_cancel,
                                  .sleep = no_sleep, .ud = s };

    if (!s)
        return err_set(err, ERR_NOMEM, "no memory");
    s->config = config_open(bundle, err);
    for (size_t i = 0; s->config && i < s->config->n_policies; i++) {
        if (i < OUTPUT_POLICIES)
            s->meant[i] = s->config->policies[i].observe;
        s->config->policies[i].observe = true;
    }
    s->set = s->config ? policy_set_new(s->config, err) : NULL;
    if (!s->set) {
        shadow_free(s);
        return -err->code;
    }
    policy_set_quiet(s->set);
    policy_set_outside(s->set, &none);
    policy_set_kv(s->set, f->env.kv);
    policy_set_keys(s->set, f->env.keys);
    s->serial = ++f->shadows;
    s->rate = rate > SHADOW_ALL ? SHADOW_ALL : rate;
    s->gathered = SHADOW_ALL - s->rate; /* the first request is one */
    shadow_free(f->shadow);
    f->shadow = s;
    lend_targets(f, s);
    return 0;
}

void flow_shadow_stop(struct flow *f)
{
    shadow_free(f->shadow);
    f->shadow = NULL;
}

bool flow_shadow_report(struct flow *f, struct buf *out)
{
    struct shadow_report *r = f->shadow ? &f->shadow->report : NULL;

    if (!r || (!r->requests && !r->phases && !r->skipped))
        return false;
    shadow_report_put(r, out);
    *r = (struct shadow_report){ 0 };
    return true;
}

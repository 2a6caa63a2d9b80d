/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * OpenAI chat requests, written for a target: the top object. The order of
 * members is fixed, so that the same conversation gives the same prefix.
 */
#include "wire/codec_chat.h"
#include "wire/codec_openai_put.h"
#include "wire/codec_turns.h"


#define BUDGET_LOW 4096     /* tokens below which a budget is low effort */
#define BUDGET_MEDIUM 16384 /* and medium */

_Static_assert((int)FEATURE_LOGIT_BIAS == (int)PARAM_LOGIT_BIAS,
               "parameters are the first features, in their order");

static void put_max_tokens(struct cw *c)
{
    int64_t n = c->r->max_tokens;

    if (n < 0)
        return;
    if (n == 0 && !cw_same(c)) /* Anthropic's: fill the cache, say nothing */
        cw_note(c, FATE_REFUSED, FEATURE_MAX_TOKENS);
    if (c->t->max_output > 0 && n > c->t->max_output) {
        cw_note(c, FATE_MAPPED, FEATURE_MAX_TOKENS);
        n = c->t->max_output;
    }
    jw_member_int(&c->w, cw_can(c, CAN_MAX_COMPLETION)
                             ? "max_completion_tokens" : "max_tokens", n);
}

/* What a parameter needs of the target. */
static uint32_t needs(enum neutral_param p)
{
    switch (p) {
    case PARAM_TOP_K:
        return CAN_TOP_K;
    case PARAM_SEED:
        return 0;
    case PARAM_N:
        return CAN_N;
    case PARAM_LOGPROBS:
    case PARAM_TOP_LOGPROBS:
    case PARAM_LOGIT_BIAS:
        return CAN_LOGPROBS;
    default:
        return CAN_SAMPLE;
    }
}

static const char *param_name(const struct cw *c, enum neutral_param p)
{
    return c->t->strict && p == PARAM_SEED ? "random_seed"
                                           : neutral_param_name(p, c->to);
}

static void put_params(struct cw *c)
{
    for (int p = 0; p < PARAM_COUNT; p++) {
        enum neutral_param param = (enum neutral_param)p;

        if (!c->r->param[p].p)
            continue;
        if (cw_same(c) || cw_can(c, needs(param)))
            jw_member_raw(&c->w, param_name(c, param), c->r->param[p]);
        else
            cw_note(c, param == PARAM_N ? FATE_REFUSED : FATE_DROPPED,
                    (enum codec_feature)p);
    }
}

/* The nearest effort that the target has; NULL: nothing to say. */
static const char *effort_for(struct cw *c)
{
    const struct neutral_reasoning *t = &c->r->reasoning;
    const char *max = cw_can(c, CAN_XHIGH) ? "xhigh" : "high";

    if (t->kind == REASONING_OFF)
        return cw_can(c, CAN_THINK_OFF) ? "none" : NULL;
    if (c->t->strict) /* Mistral has these two */
        return str_is(t->effort, "minimal") ? "none" : "high";
    if (!t->effort.p && t->kind == REASONING_BUDGET)
        return t->budget < BUDGET_LOW ? "low"
               : t->budget < BUDGET_MEDIUM ? "medium" : "high";
    if (!t->effort.p || str_is(t->effort, "high"))
        return "high";
    if (str_is(t->effort, "low") || str_is(t->effort, "medium"))
        return str_is(t->effort, "low") ? "low" : "medium";
    if (str_is(t->effort, "minimal"))
        return cw_can(c, CAN_OLD_EFFORT_ONLY) ? "low" : "minimal";
    return max; /* xhigh, max, and what is newer */
}

/* As the client said it, where it speaks this dialect. */
static void put_reasoning_same(struct cw *c)
{
    const struct neutral_reasoning *t = &c->r->reasoning;
    bool omitted = str_is(t->display, "omitted");

    if (t->effort.p)
        jw_member_text(&c->w, "reasoning_effort", t->effort);
    if (t->kind == REASONING_UNSET ||
        (t->effort.p && t->budget < 0 && !omitted))
        return;
    jw_key(&c->w, "reasoning");
    jw_open(&c->w, '{');
    if (t->budget >= 0)
        jw_member_int(&c->w, "max_tokens", t->budget);
    else
        jw_member_bool(&c->w, "enabled", t->kind != REASONING_OFF);
    if (omitted)
        jw_member_bool(&c->w, "exclude", true);
    jw_close(&c->w, '}');
}

/* No member asks for it: never had, or (Mistral's) always. */
static void put_no_effort(struct cw *c, bool off)
{
    bool always = c->t->strict && cw_can(c, CAN_REASON);

    if (off == always)
        cw_note(c, FATE_DROPPED, FEATURE_REASONING);
    else if (always)
        cw_note(c, FATE_MAPPED, FEATURE_REASONING);
}

static void put_reasoning(struct cw *c)
{
    enum reasoning_kind kind = c->r->reasoning.kind;
    const char *effort;

    if (cw_same(c)) {
        put_reasoning_same(c);
        return;
    }
    if (kind == REASONING_UNSET && !c->r->reasoning.effort.p)
        return;
    if (!cw_can(c, CAN_REASON | CAN_EFFORT)) {
        put_no_effort(c, kind == REASONING_OFF);
        return;
    }
    effort = effort_for(c);
    if (effort)
        jw_member_text(&c->w, "reasoning_effort", str_of(effort));
    if (!effort)
        cw_note(c, FATE_DROPPED, FEATURE_REASONING);
    else if (!str_is(c->r->reasoning.effort, effort))
        cw_note(c, FATE_MAPPED, FEATURE_REASONING);
}

static void put_stops(struct cw *c)
{
    const struct neutral_name *s = c->r->stops;
    uint32_t n = 0;

    if (!s)
        return;
    if (!cw_can(c, CAN_STOP) && !cw_same(c)) {
        cw_note(c, FATE_DROPPED, FEATURE_STOP);
        return;
    }
    jw_key(&c->w, "stop");
    jw_open(&c->w, '[');
    for (; s && (!c->t->max_stops || n < c->t->max_stops); s = s->next, n++)
        jw_text(&c->w, s->name);
    jw_close(&c->w, ']');
    if (s)
        cw_note(c, FATE_DROPPED, FEATURE_STOP);
}

static void put_rest(struct cw *c)
{
    const struct neutral_request *r = c->r;

    if (r->service_tier.p && cw_same(c))
        jw_member_text(&c->w, "service_tier", r->service_tier);
    else if (r->service_tier.p && !str_is(r->service_tier, "auto"))
        cw_note(c, FATE_DROPPED, FEATURE_SERVICE_TIER);
    if (r->cache.set) {
        if (cw_can(c, CAN_CACHE_CONTROL))
            chat_put_cache(c, &r->cache);
        else
            cw_note(c, FATE_DROPPED, FEATURE_CACHE);
    }
    if (r->stream)
        jw_member_bool(&c->w, "stream", true);
    if (r->stream && cw_can(c, CAN_STREAM_OPTIONS)) {
        jw_key(&c->w, "stream_options");
        jw_raw(&c->w, STR("{\"include_usage\":true}"));
    }
}

/* A choice among some of the tools is OpenAI's own: elsewhere the others are
 * left out. */
static void narrow(struct cw *c, struct neutral_request *copy)
{
    if (!c->r->choice.allowed || cw_can(c, CAN_ALLOWED_TOOLS) || cw_same(c))
        return;
    cw_narrow_tools(c, copy);
    copy->choice.allowed = NULL;
    c->r = copy;
    cw_note(c, FATE_MAPPED, FEATURE_ALLOWED_TOOLS);
}

int chat_encode_request(const struct neutral_request *r,
                        const struct codec_target *target, struct arena *a,
                        struct buf *out, struct codec_report *report,
                        struct codec_names *names, struct err *err)
{
    struct cw c = { { out, 0, false }, r,      target, DIALECT_OPENAI_CHAT,
                    a,                 report, names,  err };
    struct neutral_request copy;

    *report = (struct codec_report){ 0 };
    *names = (struct codec_names){ 0 };
    narrow(&c, &copy);
    jw_open(&c.w, '{');
    jw_member_text(&c.w, "model", target->model);
    jw_key(&c.w, "messages");
    chat_put_messages(&c);
    put_max_tokens(&c);
    chat_put_tools(&c);
    chat_put_choice(&c);
    chat_put_format(&c);
    put_reasoning(&c);
    put_params(&c);
    put_stops(&c);
    openai_put_user(&c);
    put_rest(&c);
    cw_extras(&c);
    return cw_finish(&c, true);
}

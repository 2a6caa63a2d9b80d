/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Responses requests, written for a target: the top object. Nothing is left
 * with the provider (`store` is false), and its reasoning comes back sealed,
 * so that the client can send it again. The order of members is fixed: the
 * same conversation gives the same prefix.
 */
#include "wire/codec_openai_put.h"
#include "wire/codec_responses.h"


#define TOKENS_MIN 16       /* of max_output_tokens */
#define BUDGET_LOW 4096     /* tokens below which a budget is low effort */
#define BUDGET_MEDIUM 16384 /* and medium */

static void put_max_tokens(struct cw *c)
{
    int64_t n = c->r->max_tokens;

    if (n < 0)
        return;
    if (n == 0 && !cw_same(c)) /* Anthropic's: fill the cache, say nothing */
        cw_note(c, FATE_REFUSED, FEATURE_MAX_TOKENS);
    if (n < TOKENS_MIN && !cw_same(c)) {
        cw_note(c, FATE_MAPPED, FEATURE_MAX_TOKENS);
        n = TOKENS_MIN;
    }
    if (c->t->max_output > 0 && n > c->t->max_output) {
        cw_note(c, FATE_MAPPED, FEATURE_MAX_TOKENS);
        n = c->t->max_output;
    }
    jw_member_int(&c->w, "max_output_tokens", n);
}

/* What there is of the sampling parameters; the others are chat's alone. */
static bool has_param(enum neutral_param p)
{
    return p == PARAM_TEMPERATURE || p == PARAM_TOP_P ||
           p == PARAM_TOP_LOGPROBS;
}

/* n = 1 is what everybody gets. */
static bool says_nothing(enum neutral_param p, struct str raw)
{
    return (p == PARAM_N && str_is(raw, "1")) ||
           (p == PARAM_LOGPROBS && str_is(raw, "false"));
}

static void put_params(struct cw *c)
{
    for (int i = 0; i < PARAM_COUNT; i++) {
        enum neutral_param p = (enum neutral_param)i;
        struct str raw = c->r->param[i];

        if (!raw.p || says_nothing(p, raw))
            continue;
        if (has_param(p) && (cw_same(c) || cw_can(c, CAN_SAMPLE)))
            jw_member_raw(&c->w, neutral_param_name(p, c->to), raw);
        else if (p != PARAM_LOGPROBS || !cw_same(c)) /* in `include` */
            cw_note(c, p == PARAM_N ? FATE_REFUSED : FATE_DROPPED,
                    (enum codec_feature)i);
    }
}

/* ---- reasoning ---------------------------------------------------------- */

/* The nearest effort that the target has; absent: nothing to say. */
static struct str effort_for(struct cw *c)
{
    const struct neutral_reasoning *t = &c->r->reasoning;

    if (cw_same(c))
        return t->effort;
    if (t->kind == REASONING_OFF)
        return cw_can(c, CAN_THINK_OFF) ? STR("none") : STR_NULL;
    if (!t->effort.p && t->kind == REASONING_BUDGET)
        return t->budget < BUDGET_LOW      ? STR("low")
               : t->budget < BUDGET_MEDIUM ? STR("medium")
                                           : STR("high");
    if (!t->effort.p)
        return STR("high");
    if (str_is(t->effort, "low") || str_is(t->effort, "medium") ||
        str_is(t->effort, "high"))
        return t->effort;
    if (str_is(t->effort, "minimal"))
        return cw_can(c, CAN_OLD_EFFORT_ONLY | CAN_XHIGH) ? STR("low")
                                                          : t->effort;
    return cw_can(c, CAN_XHIGH) ? STR("xhigh") : STR("high");
}

/* Is what can be read of it wanted? Some accounts may not ask. */
static bool wants_summary(const struct cw *c)
{
    const struct neutral_reasoning *t = &c->r->reasoning;

    if (str_is(t->display, "summarized"))
        return true;
    return c->r->from == DIALECT_ANTHROPIC && t->kind > REASONING_OFF &&
           !t->display.p;
}

static void put_reasoning(struct cw *c)
{
    const struct neutral_reasoning *t = &c->r->reasoning;
    struct str effort;

    if (t->kind == REASONING_UNSET && !t->effort.p && !t->display.p)
        return;
    if (!cw_same(c) && !cw_can(c, CAN_REASON | CAN_EFFORT)) {
        if (t->kind != REASONING_OFF)
            cw_note(c, FATE_DROPPED, FEATURE_REASONING);
        return;
    }
    effort = t->kind == REASONING_UNSET && !t->effort.p ? STR_NULL
                                                        : effort_for(c);
    if (!effort.p && t->kind != REASONING_UNSET && !cw_same(c))
        cw_note(c, FATE_DROPPED, FEATURE_REASONING);
    else if (effort.p && !str_eq(effort, t->effort))
        cw_note(c, FATE_MAPPED, FEATURE_REASONING);
    if (!effort.p && !wants_summary(c))
        return;
    jw_key(&c->w, "reasoning");
    jw_open(&c->w, '{');
    if (effort.p)
        jw_member_text(&c->w, "effort", effort);
    if (wants_summary(c))
        jw_member_text(&c->w, "summary", STR("auto"));
    jw_close(&c->w, '}');
}

/* Models that do not reason refuse to be asked for it. */
static void put_include(struct cw *c)
{
    bool probs = cw_same(c) && str_is(c->r->param[PARAM_LOGPROBS], "true");
    bool sealed = cw_can(c, CAN_REASON);

    if (!probs && !sealed)
        return;
    jw_key(&c->w, "include");
    jw_open(&c->w, '[');
    if (sealed)
        jw_text(&c->w, STR("reasoning.encrypted_content"));
    if (probs)
        jw_text(&c->w, STR("message.output_text.logprobs"));
    jw_close(&c->w, ']');
}

/* ---- the rest ----------------------------------------------------------- */

static void put_rest(struct cw *c)
{
    const struct neutral_request *r = c->r;

    if (r->stops)
        cw_note(c, FATE_DROPPED, FEATURE_STOP);
    if (r->service_tier.p &&
        (cw_same(c) || r->from == DIALECT_OPENAI_CHAT))
        jw_member_text(&c->w, "service_tier", r->service_tier);
    else if (r->service_tier.p && !str_is(r->service_tier, "auto"))
        cw_note(c, FATE_DROPPED, FEATURE_SERVICE_TIER);
    if (r->cache.set)
        cw_note(c, FATE_DROPPED, FEATURE_CACHE);
    jw_member_bool(&c->w, "store", false);
    if (r->stream)
        jw_member_bool(&c->w, "stream", true);
}

int responses_encode_request(const struct neutral_request *r,
                             const struct codec_target *target,
                             struct arena *a, struct buf *out,
                             struct codec_report *report,
                             struct codec_names *names, struct err *err)
{
    struct cw c = { { out, 0, false }, r,      target, DIALECT_RESPONSES,
                    a,                 report, names,  err };

    *report = (struct codec_report){ 0 };
    *names = (struct codec_names){ 0 };
    jw_open(&c.w, '{');
    jw_member_text(&c.w, "model", target->model);
    jw_key(&c.w, "input");
    responses_put_input(&c);
    put_max_tokens(&c);
    responses_put_tools(&c);
    responses_put_choice(&c);
    responses_put_format(&c);
    put_reasoning(&c);
    put_include(&c);
    put_params(&c);
    openai_put_user(&c);
    put_rest(&c);
    cw_extras(&c);
    return cw_finish(&c, true);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * generateContent requests, written for a model: what stays the same from
 * turn to turn first, and generationConfig last.
 *
 * Source: https://ai.google.dev/gemini-api/docs/thinking, .../structured-
 * output, .../thought-signatures (read 2026-11-23).
 */
#include "wire/codec_gemini.h"

#include <stdlib.h>

#define BUDGET_LOW 4096 /* the same steps as for Anthropic's models */
#define BUDGET_MEDIUM 16384
#define BUDGET_LEAST 512
#define BUDGET_LEAST_PRO 128
#define BUDGET_MOST 24576
#define BUDGET_MOST_PRO 32768

static const struct {
    enum neutral_param param;
    const char *name;
} params[] = {
    { PARAM_TEMPERATURE, "temperature" },
    { PARAM_TOP_P, "topP" },
    { PARAM_TOP_K, "topK" },
    { PARAM_FREQUENCY_PENALTY, "frequencyPenalty" },
    { PARAM_PRESENCE_PENALTY, "presencePenalty" },
    { PARAM_SEED, "seed" },
    { PARAM_N, "candidateCount" },
    { PARAM_LOGPROBS, "responseLogprobs" },
    { PARAM_TOP_LOGPROBS, "logprobs" },
};

/* A seed is 32 bits there: of a longer one what is left of them. */
static void put_seed(struct gw *w, struct str raw)
{
    char z[32];
    long long v;

    if (raw.n >= sizeof z) {
        cw_note(&w->c, FATE_DROPPED, FEATURE_SEED);
        return;
    }
    memcpy(z, raw.p, raw.n);
    z[raw.n] = '\0';
    v = strtoll(z, NULL, 10);
    if (v < INT32_MIN || v > INT32_MAX) {
        cw_note(&w->c, FATE_MAPPED, FEATURE_SEED);
        v &= INT32_MAX;
    }
    jw_member_int(&w->c.w, "seed", v);
}

static void put_sampling(struct gw *w)
{
    const struct str *p = w->c.r->param;

    for (size_t i = 0; i < sizeof params / sizeof params[0]; i++) {
        struct str raw = p[params[i].param];

        if (!raw.p)
            continue;
        if (params[i].param == PARAM_SEED)
            put_seed(w, raw);
        else
            jw_member_raw(&w->c.w, params[i].name, raw);
    }
    if (p[PARAM_LOGIT_BIAS].p && !str_is(p[PARAM_LOGIT_BIAS], "{}"))
        cw_note(&w->c, FATE_DROPPED, FEATURE_LOGIT_BIAS);
}

static void put_stops(struct gw *w)
{
    const struct codec_target *t = w->c.t;
    uint32_t n = 0;

    for (const struct neutral_name *s = w->c.r->stops; s; s = s->next) {
        if (t->max_stops && n >= t->max_stops) {
            cw_note(&w->c, FATE_DROPPED, FEATURE_STOP);
            break;
        }
        if (n++ == 0) {
            jw_key(&w->c.w, "stopSequences");
            jw_open(&w->c.w, '[');
        }
        jw_text(&w->c.w, s->name);
    }
    if (n)
        jw_close(&w->c.w, ']');
}

static void put_format(struct gw *w)
{
    const struct neutral_format *f = &w->c.r->format;
    bool json = f->kind == FORMAT_JSON || f->kind == FORMAT_SCHEMA;

    if (!json)
        return;
    if (!cw_can(&w->c, CAN_JSON) ||
        (w->c.r->tools && !cw_can(&w->c, CAN_EFFORT))) {
        cw_note(&w->c, FATE_DROPPED, FEATURE_FORMAT); /* a 400 with tools */
        return;
    }
    jw_member_text(&w->c.w, "responseMimeType", STR("application/json"));
    if (f->kind == FORMAT_SCHEMA)
        gemini_put_schema(&w->c, "responseJsonSchema", "responseSchema",
                          f->raw_schema);
}

/* ---- thinking ----------------------------------------------------------- */

static const struct {
    const char *effort, *level;
    int64_t budget;
} efforts[] = {
    { "none", "LOW", 0 },         { "minimal", "LOW", 1024 },
    { "low", "LOW", 1024 },       { "medium", "MEDIUM", 8192 },
    { "high", "HIGH", 24576 },    { "xhigh", "HIGH", 24576 },
    { "max", "HIGH", 32768 },
};

static bool find_effort(struct str effort, size_t *at)
{
    for (size_t i = 0; i < sizeof efforts / sizeof efforts[0]; i++) {
        if (!str_is(effort, efforts[i].effort))
            continue;
        *at = i;
        return true;
    }
    return false;
}

/* NULL: as the model thinks by itself. */
static const char *level_of(struct gw *w)
{
    const struct neutral_reasoning *t = &w->c.r->reasoning;
    size_t at;

    if (t->kind == REASONING_OFF) {
        cw_note(&w->c, FATE_MAPPED, FEATURE_REASONING);
        return "LOW"; /* it cannot be stopped */
    }
    if (t->effort.p && find_effort(t->effort, &at)) {
        if (at != 2 && at != 3 && at != 4) /* low, medium, high */
            cw_note(&w->c, FATE_MAPPED, FEATURE_REASONING);
        return efforts[at].level;
    }
    if (t->budget < 0)
        return NULL;
    cw_note(&w->c, FATE_MAPPED, FEATURE_REASONING);
    return t->budget < BUDGET_LOW      ? "LOW"
           : t->budget < BUDGET_MEDIUM ? "MEDIUM"
                                       : "HIGH";
}

static int64_t budget_of(struct gw *w)
{
    const struct neutral_reasoning *t = &w->c.r->reasoning;
    bool pro = !cw_can(&w->c, CAN_THINK_OFF);
    int64_t least = pro ? BUDGET_LEAST_PRO : BUDGET_LEAST;
    int64_t most = pro ? BUDGET_MOST_PRO : BUDGET_MOST, budget = t->budget;
    size_t at;

    if (t->kind == REASONING_OFF)
        budget = 0;
    else if (budget < 0 && t->effort.p && find_effort(t->effort, &at))
        budget = efforts[at].budget;
    else if (budget < 0)
        return -1; /* as it sees fit */
    if (budget == 0 && !pro)
        return 0;
    if (budget < least || budget > most)
        cw_note(&w->c, FATE_MAPPED, FEATURE_REASONING);
    return budget < least ? least : budget > most ? most : budget;
}

static void put_thinking(struct gw *w)
{
    const struct neutral_reasoning *t = &w->c.r->reasoning;
    bool off = t->kind == REASONING_OFF || str_is(t->effort, "none");
    struct jw *j = &w->c.w;
    const char *level;

    if (t->kind == REASONING_UNSET && !t->effort.p)
        return;
    if (!cw_can(&w->c, CAN_REASON)) {
        if (!off)
            cw_note(&w->c, FATE_DROPPED, FEATURE_REASONING);
        return;
    }
    jw_key(j, "thinkingConfig");
    jw_open(j, '{');
    if (cw_can(&w->c, CAN_EFFORT)) {
        level = level_of(w);
        if (level)
            jw_member_text(j, "thinkingLevel", str_of(level));
    } else {
        jw_member_int(j, "thinkingBudget", budget_of(w));
    }
    if (!off && !str_is(t->display, "omitted"))
        jw_member_bool(j, "includeThoughts", true);
    jw_close(j, '}');
}

/* ---- the body ----------------------------------------------------------- */

void gemini_put_config(struct gw *w)
{
    struct jw *j = &w->c.w;

    jw_key(j, "generationConfig");
    jw_open(j, '{');
    if (w->c.r->max_tokens >= 0)
        jw_member_int(j, "maxOutputTokens", w->c.r->max_tokens);
    put_sampling(w);
    put_stops(w);
    put_format(w);
    put_thinking(w);
    jw_close(j, '}');
}

static void put_rest(struct gw *w)
{
    struct cw *c = &w->c;
    struct str tier = c->r->service_tier;

    if (str_is(tier, "flex") || str_is(tier, "priority"))
        jw_member_text(&c->w, "serviceTier", tier);
    else if (tier.p && !str_is(tier, "auto") && !str_is(tier, "default") &&
             !str_starts(tier, STR("standard")))
        cw_note(c, FATE_DROPPED, FEATURE_SERVICE_TIER);
    if (c->r->user.p)
        cw_note(c, FATE_DROPPED, FEATURE_USER);
    if (c->r->cache.set)
        cw_note(c, FATE_DROPPED, FEATURE_CACHE);
    cw_refuse_audio(c);
    cw_extras(c);
}

int gemini_encode_request(const struct neutral_request *r,
                          const struct codec_target *target, struct arena *a,
                          struct buf *out, struct codec_report *report,
                          struct codec_names *names, struct err *err)
{
    struct gw w = { .c = { { out, 0, false }, r, target, DIALECT_GEMINI, a,
                           report, names, err } };

    *report = (struct codec_report){ 0 };
    *names = (struct codec_names){ 0 };
    jw_open(&w.c.w, '{');
    gemini_put_system(&w);
    gemini_put_tools(&w);
    gemini_put_contents(&w);
    gemini_put_config(&w);
    put_rest(&w);
    return cw_finish(&w.c, w.any);
}

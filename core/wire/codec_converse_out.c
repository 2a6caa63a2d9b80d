/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Converse requests, written: the top object. The model stands in the path.
 * What Converse has no member for goes to Claude models in Anthropic's own
 * words, within additionalModelRequestFields; the other families have one
 * member each for the effort.
 *
 * Source: docs.aws.amazon.com/bedrock/latest/APIReference/
 * API_runtime_Converse.html; types of @aws-sdk/client-bedrock-runtime 3.1164
 * (read 2026-11-23).
 */
#include "wire/codec_converse.h"

#include <stdlib.h>

/* Members of Converse itself that a client of another dialect may give, as
 * those who speak to Bedrock through an OpenAI client do. */
static const char *const own_members[] = {
    "additionalModelRequestFields", "additionalModelResponseFieldPaths",
    "guardrailConfig", "performanceConfig", "promptVariables",
    "requestMetadata",
};

static bool is_own(const struct neutral_extra *e)
{
    for (size_t i = 0; i < sizeof own_members / sizeof own_members[0]; i++) {
        if (str_is(e->name, own_members[i]))
            return true;
    }
    return false;
}

static const struct neutral_extra *own(const struct cw *c, const char *name)
{
    const struct neutral_extra *e = c->r->extras;

    while (e && !str_is(e->name, name))
        e = e->next;
    return e;
}

/* ---- cache marks -------------------------------------------------------- */

void converse_put_mark(struct converse_out *w,
                       const struct neutral_cache *cache)
{
    struct cw *c = &w->aw.c;
    bool hour = str_is(cache->ttl, "1h");

    if (!cache->set)
        return;
    if (!cw_can(c, CAN_CACHE_CONTROL)) {
        cw_note(c, FATE_DROPPED, FEATURE_CACHE);
        return;
    }
    if (w->aw.skip_marks) {
        w->aw.skip_marks--;
        return;
    }
    if (cache->ttl.p && !str_is(cache->ttl, "5m") &&
        (!hour || !w->claude || w->aw.short_mark)) {
        cw_note(c, FATE_MAPPED, FEATURE_CACHE_TTL);
        hour = false;
    }
    w->aw.short_mark = w->aw.short_mark || !hour;
    jw_open(&c->w, '{');
    jw_key(&c->w, "cachePoint");
    jw_open(&c->w, '{');
    jw_member_text(&c->w, "type", STR("default"));
    if (hour)
        jw_member_text(&c->w, "ttl", STR("1h"));
    jw_close(&c->w, '}');
    jw_close(&c->w, '}');
}

/* ---- sampling ----------------------------------------------------------- */

static void drop_param(struct cw *c, enum neutral_param p)
{
    if (c->r->param[p].p)
        cw_note(c, p == PARAM_N ? FATE_REFUSED : FATE_DROPPED,
                (enum codec_feature)p);
}

static bool is_default(enum neutral_param p, struct str raw)
{
    return p == PARAM_N ? str_is(raw, "1")
                        : str_is(raw, "0") || str_is(raw, "{}") ||
                              str_is(raw, "false") || str_is(raw, "0.0");
}

static bool is_blank(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (!strchr(" \t\r\n", s.p[i]))
            return false;
    }
    return true;
}

static void put_stops(struct cw *c)
{
    uint32_t n = 0;

    for (const struct neutral_name *s = c->r->stops; s; s = s->next) {
        if (is_blank(s->name)) {
            cw_note(c, FATE_DROPPED, FEATURE_BLANK_STOP);
            continue;
        }
        if (!cw_can(c, CAN_STOP) ||
            (c->t->max_stops && n == c->t->max_stops)) {
            cw_note(c, FATE_DROPPED, FEATURE_STOP);
            break;
        }
        if (!n++) {
            jw_key(&c->w, "stopSequences");
            jw_open(&c->w, '[');
        }
        jw_text(&c->w, s->name);
    }
    if (n)
        jw_close(&c->w, ']');
}

static void put_inference(struct converse_out *w)
{
    struct cw *c = &w->aw.c;
    const struct str *p = c->r->param;
    bool sample = cw_can(c, CAN_SAMPLE) && !w->aw.thinking;

    jw_key(&c->w, "inferenceConfig");
    jw_open(&c->w, '{');
    if (w->claude || c->r->max_tokens >= 0)
        jw_member_int(&c->w, "maxTokens",
                      w->claude ? w->aw.max_tokens : c->r->max_tokens);
    if (sample && p[PARAM_TEMPERATURE].p)
        cw_clamped(c, "temperature", p[PARAM_TEMPERATURE], 1, "1",
                   FEATURE_TEMPERATURE);
    else
        drop_param(c, PARAM_TEMPERATURE);
    if (sample && p[PARAM_TOP_P].p &&
        (!p[PARAM_TEMPERATURE].p || cw_can(c, CAN_TOP_P_WITH_TEMPERATURE)))
        jw_member_raw(&c->w, "topP", p[PARAM_TOP_P]);
    else
        drop_param(c, PARAM_TOP_P);
    put_stops(c);
    jw_close(&c->w, '}');
    for (int i = PARAM_TOP_K + 1; i < PARAM_COUNT; i++) {
        if (p[i].p && !is_default((enum neutral_param)i, p[i]))
            drop_param(c, (enum neutral_param)i);
    }
}

/* ---- what only the model knows ------------------------------------------ */

/* low, medium or high; p NULL: reasoning was not asked for. */
static struct str effort_of(const struct neutral_reasoning *t)
{
    if (t->kind == REASONING_UNSET || t->kind == REASONING_OFF)
        return STR_NULL;
    if (str_is(t->effort, "minimal") || str_is(t->effort, "low"))
        return STR("low");
    if (str_is(t->effort, "medium"))
        return STR("medium");
    if (t->effort.p || t->budget < 0 || t->budget >= 16384)
        return STR("high");
    return t->budget < 4096 ? STR("low") : STR("medium");
}

static void put_effort(struct cw *c)
{
    struct str effort = effort_of(&c->r->reasoning);

    if (!effort.p)
        return;
    if (str_find(c->t->model, STR("gpt-oss")) >= 0) {
        jw_member_text(&c->w, "reasoning_effort", effort);
    } else if (str_find(c->t->model, STR("nova-2")) >= 0) {
        jw_key(&c->w, "reasoningConfig");
        jw_open(&c->w, '{');
        jw_member_text(&c->w, "type", STR("enabled"));
        jw_member_text(&c->w, "maxReasoningEffort", effort);
        jw_close(&c->w, '}');
    } else {
        cw_note(c, FATE_DROPPED, FEATURE_REASONING);
        return;
    }
    if (!str_eq(effort, c->r->reasoning.effort))
        cw_note(c, FATE_MAPPED, FEATURE_REASONING);
}

static void plan_reasoning(struct converse_out *w)
{
    struct cw *c = &w->aw.c;

    if (w->claude)
        anthropic_plan_reasoning(&w->aw);
    else if (c->r->format.kind == FORMAT_SCHEMA && !cw_can(c, CAN_SCHEMA))
        w->aw.json_tool = cw_tool(c, STR("json")) ? "penstock_json" : "json";
}

/* Thinking and effort as Anthropic says them; the answer's format has a
 * member of its own here. */
static void put_claude(struct converse_out *w)
{
    const struct neutral_request *r = w->aw.c.r;
    struct neutral_request without = *r;

    without.format.kind = FORMAT_UNSET;
    w->aw.c.r = &without;
    anthropic_put_reasoning(&w->aw);
    w->aw.c.r = r;
}

static void put_model_fields(struct converse_out *w)
{
    struct cw *c = &w->aw.c;
    struct str top_k = c->r->param[PARAM_TOP_K];
    const struct neutral_extra *given = own(c, own_members[0]);

    if (given) { /* the client's word is the last */
        jw_member_raw(&c->w, own_members[0], given->raw);
        drop_param(c, PARAM_TOP_K);
        if (c->r->reasoning.kind != REASONING_UNSET)
            cw_note(c, FATE_DROPPED, FEATURE_REASONING);
        return;
    }
    jw_key(&c->w, own_members[0]);
    jw_open(&c->w, '{');
    if (w->claude)
        put_claude(w);
    else
        put_effort(c);
    if (top_k.p && w->claude && cw_can(c, CAN_SAMPLE | CAN_TOP_K) &&
        !w->aw.thinking)
        jw_member_raw(&c->w, "top_k", top_k);
    else
        drop_param(c, PARAM_TOP_K);
    jw_close(&c->w, '}');
    if (w->claude && c->r->stops && !own(c, own_members[1])) {
        jw_key(&c->w, own_members[1]);
        jw_raw(&c->w, c->r->stream ? STR("[\"/delta/stop_sequence\"]")
                                   : STR("[\"/stop_sequence\"]"));
    }
}

/* The schema stands in a string. */
static void put_format(struct converse_out *w)
{
    struct cw *c = &w->aw.c;
    const struct neutral_format *f = &c->r->format;
    struct buf schema = BUF_INIT(c->w.b->max);
    struct jw outer = c->w;

    if (f->kind != FORMAT_SCHEMA || w->aw.json_tool)
        return;
    c->w = (struct jw){ &schema, c->w.rc, false };
    cw_schema(c, f->raw_schema);
    outer.rc = c->w.rc;
    c->w = outer;
    jw_key(&c->w, "outputConfig");
    jw_bytes(&c->w, STR("{\"textFormat\":{\"type\":\"json_schema\","
                        "\"structure\":{\"jsonSchema\":{"));
    c->w.comma = false;
    if (f->name.n)
        jw_member_text(&c->w, "name", f->name);
    jw_member_text(&c->w, "schema", buf_str(&schema));
    jw_opt_jstr(&c->w, "description", f->description);
    jw_bytes(&c->w, STR("}}}}"));
    buf_clear(&schema);
}

/* ---- the rest ----------------------------------------------------------- */

static void put_tier(struct cw *c)
{
    struct str tier = c->r->service_tier;

    if (!tier.p || str_is(tier, "auto"))
        return;
    if (str_is(tier, "standard_only"))
        tier = STR("default");
    if (!str_is(tier, "default") && !str_is(tier, "flex") &&
        !str_is(tier, "priority")) {
        cw_note(c, FATE_DROPPED, FEATURE_SERVICE_TIER);
        return;
    }
    jw_key(&c->w, "serviceTier");
    jw_open(&c->w, '{');
    jw_member_text(&c->w, "type", tier);
    jw_close(&c->w, '}');
}

/* In Converse's own words; what was put with the model's fields is there. */
static void put_own(struct cw *c, const struct neutral_extra *e)
{
    if (e == own(c, own_members[0]))
        return;
    jw_sep(&c->w);
    c->w.comma = false;
    jw_text(&c->w, e->name);
    jw_bytes(&c->w, STR(":"));
    c->w.comma = false;
    jw_raw(&c->w, e->raw);
}

/* What the client said in Converse's own words, and what nobody knows. */
static void put_extras(struct cw *c)
{
    const struct neutral_extra **end = &c->report->members;

    c->report->unread = c->r->unread;
    for (const struct neutral_extra *e = c->r->extras; e; e = e->next) {
        struct neutral_extra *dropped;

        if (cw_is_kept(c->r->from, e->name))
            cw_refuse(c, FEATURE_THREAD, e->raw.p);
        if (is_own(e)) {
            put_own(c, e);
            continue;
        }
        dropped = arena_alloc(c->a, sizeof *dropped);
        if (!dropped) {
            cw_fail(c, -ERR_NOMEM);
            return;
        }
        *dropped = (struct neutral_extra){ NULL, e->name, e->raw };
        *end = dropped;
        end = (const struct neutral_extra **)(void *)&dropped->next;
    }
}

int converse_encode_request(const struct neutral_request *r,
                            const struct codec_target *target,
                            struct arena *a, struct buf *out,
                            struct codec_report *report,
                            struct codec_names *names, struct err *err)
{
    struct converse_out w = { .aw = { .c = { { out, 0, false }, r, target,
                                             DIALECT_CONVERSE, a, report,
                                             names, err } } };
    struct cw *c = &w.aw.c;

    *report = (struct codec_report){ 0 };
    *names = (struct codec_names){ 0 };
    w.claude = str_find(target->model, STR("claude")) >= 0;
    anthropic_plan_marks(&w.aw);
    plan_reasoning(&w);
    jw_open(&c->w, '{');
    converse_put_tools(&w);
    converse_put_system(&w);
    converse_put_messages(&w);
    put_inference(&w);
    put_model_fields(&w);
    put_format(&w);
    put_tier(c);
    if (r->user.p)
        cw_note(c, FATE_DROPPED, FEATURE_USER);
    if (r->parallel == 0 && r->tools)
        cw_note(c, FATE_DROPPED, FEATURE_PARALLEL);
    cw_refuse_audio(c);
    put_extras(c);
    return cw_finish(c, w.aw.any);
}

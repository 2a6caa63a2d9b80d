/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Anthropic Messages requests, written for a model: the top object, in a
 * fixed order, system and tools first, so that the prefix stays the same.
 */
#include "wire/codec_anthropic.h"


#include <stdlib.h>

#define USER_MAX 256
#define MARKS_MAX 4

static uint32_t marks_of(const struct neutral_block *b)
{
    uint32_t n = 0;

    for (; b; b = b->next) {
        n += b->cache.set;
        if (b->kind == BLOCK_TOOL_RESULT)
            n += marks_of(b->result.blocks); /* results hold none */
    }
    return n;
}

void anthropic_plan_marks(struct aw *w)
{
    const struct neutral_request *r = w->c.r;
    uint32_t n = r->cache.set;

    for (const struct neutral_tool *t = r->tools; t; t = t->next)
        n += t->cache.set;
    for (const struct neutral_message *m = r->first; m; m = m->next)
        n += marks_of(m->first);
    if (n <= MARKS_MAX)
        return;
    w->skip_marks = n - MARKS_MAX;
    cw_note(&w->c, FATE_DROPPED, FEATURE_CACHE);
}

/* "5m", "1h", or the vendor's own */
static struct str ttl_of(struct aw *w, struct str ttl)
{
    if (!ttl.p || str_is(ttl, "5m"))
        return ttl;
    if (!str_is(ttl, "1h"))
        cw_note(&w->c, FATE_MAPPED, FEATURE_CACHE_TTL);
    if (w->short_mark) { /* longer ones must come first */
        cw_note(&w->c, FATE_MAPPED, FEATURE_CACHE_TTL);
        return STR_NULL;
    }
    return STR("1h");
}

void anthropic_put_mark(struct aw *w, const struct neutral_cache *cache)
{
    struct jw *out = &w->c.w;
    struct str ttl;

    if (!cache->set)
        return;
    if (!cw_can(&w->c, CAN_CACHE_CONTROL)) {
        cw_note(&w->c, FATE_DROPPED, FEATURE_CACHE);
        return;
    }
    if (w->skip_marks) {
        w->skip_marks--;
        return;
    }
    ttl = ttl_of(w, cache->ttl);
    w->short_mark = w->short_mark || !str_is(ttl, "1h");
    jw_key(out, "cache_control");
    jw_open(out, '{');
    jw_member_text(out, "type", STR("ephemeral"));
    if (ttl.p)
        jw_member_text(out, "ttl", ttl);
    jw_close(out, '}');
}

/* The value that is the same as saying nothing. */
static bool is_default(enum neutral_param p, struct str raw)
{
    char z[32];
    double v;

    if (p == PARAM_LOGPROBS)
        return str_is(raw, "false");
    if (p == PARAM_LOGIT_BIAS || p == PARAM_SEED || raw.n >= sizeof z)
        return str_is(raw, "{}");
    memcpy(z, raw.p, raw.n);
    z[raw.n] = '\0';
    v = strtod(z, NULL);
    return p == PARAM_N ? v == 1 : v == 0;
}

static void drop_param(struct cw *c, enum neutral_param p)
{
    if (c->r->param[p].p)
        cw_note(c, p == PARAM_N ? FATE_REFUSED : FATE_DROPPED,
                (enum codec_feature)p);
}

static void put_sampling(struct aw *w)
{
    struct cw *c = &w->c;
    const struct str *p = c->r->param;
    bool sample = cw_can(c, CAN_SAMPLE) && !w->thinking;

    if (sample && p[PARAM_TEMPERATURE].p)
        cw_clamped(c, "temperature", p[PARAM_TEMPERATURE], 1, "1",
                   FEATURE_TEMPERATURE);
    else
        drop_param(c, PARAM_TEMPERATURE);
    if (sample && p[PARAM_TOP_P].p &&
        (!p[PARAM_TEMPERATURE].p || cw_can(c, CAN_TOP_P_WITH_TEMPERATURE)))
        jw_member_raw(&c->w, "top_p", p[PARAM_TOP_P]);
    else
        drop_param(c, PARAM_TOP_P);
    if (sample && p[PARAM_TOP_K].p && cw_can(c, CAN_TOP_K))
        jw_member_raw(&c->w, "top_k", p[PARAM_TOP_K]);
    else
        drop_param(c, PARAM_TOP_K);
    for (int i = PARAM_TOP_K + 1; i < PARAM_COUNT; i++) {
        if (p[i].p && !is_default((enum neutral_param)i, p[i]))
            drop_param(c, (enum neutral_param)i);
    }
}

static bool is_blank(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (!strchr(" \t\r\n", s.p[i]))
            return false;
    }
    return true;
}

static void put_stops(struct aw *w)
{
    struct cw *c = &w->c;
    bool any = false;

    for (const struct neutral_name *s = c->r->stops; s; s = s->next) {
        if (is_blank(s->name)) {
            cw_note(c, FATE_DROPPED, FEATURE_BLANK_STOP);
            continue;
        }
        if (!any) {
            jw_key(&c->w, "stop_sequences");
            jw_open(&c->w, '[');
            any = true;
        }
        jw_text(&c->w, s->name);
    }
    if (any)
        jw_close(&c->w, ']');
}

static void put_user(struct cw *c)
{
    struct str user = cw_user(c, USER_MAX);

    if (!user.p)
        return;
    jw_key(&c->w, "metadata");
    jw_open(&c->w, '{');
    jw_member_text(&c->w, "user_id", user);
    jw_close(&c->w, '}');
}

static void put_rest(struct aw *w)
{
    struct cw *c = &w->c;
    struct str tier = c->r->service_tier;

    if (tier.p && cw_same(c))
        jw_member_text(&c->w, "service_tier", tier);
    else if (tier.p && !str_is(tier, "auto"))
        cw_note(c, FATE_DROPPED, FEATURE_SERVICE_TIER);
    anthropic_put_mark(w, &c->r->cache);
    if (c->r->stream)
        jw_member_bool(&c->w, "stream", true);
    cw_refuse_audio(c);
    cw_extras(c);
}

int anthropic_encode_request(const struct neutral_request *r,
                             const struct codec_target *target,
                             struct arena *a, struct buf *out,
                             struct codec_report *report,
                             struct codec_names *names, struct err *err)
{
    struct aw w = { .c = { { out, 0, false }, r, target, DIALECT_ANTHROPIC,
                           a, report, names, err } };
    struct jw *j = &w.c.w;

    *report = (struct codec_report){ 0 };
    *names = (struct codec_names){ 0 };
    anthropic_plan_marks(&w);
    anthropic_plan_reasoning(&w);
    jw_open(j, '{');
    jw_member_text(j, "model", target->model);
    jw_member_int(j, "max_tokens", w.max_tokens);
    anthropic_put_tools(&w);
    anthropic_put_choice(&w);
    anthropic_put_system(&w);
    anthropic_put_messages(&w);
    anthropic_put_reasoning(&w);
    put_sampling(&w);
    put_stops(&w);
    put_user(&w.c);
    put_rest(&w);
    return cw_finish(&w.c, w.any);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Cohere's chat requests, written: the top object. */
#include "wire/codec_chat.h"
#include "wire/codec_cohere.h"

#define STOPS_MAX 5
#define BUDGET_LOW 1024 /* tokens, for what others call an effort */
#define BUDGET_MEDIUM 8192

static const struct {
    enum neutral_param param;
    enum codec_fate fate; /* where it has no name */
    const char *name;
    const char *max; /* the largest value; NULL: not known to be bounded */
} params[] = {
    { PARAM_TEMPERATURE, FATE_DROPPED, "temperature", NULL },
    { PARAM_TOP_P, FATE_DROPPED, "p", "0.99" },
    { PARAM_TOP_K, FATE_DROPPED, "k", "500" },
    { PARAM_FREQUENCY_PENALTY, FATE_DROPPED, "frequency_penalty", "1" },
    { PARAM_PRESENCE_PENALTY, FATE_DROPPED, "presence_penalty", "1" },
    { PARAM_SEED, FATE_DROPPED, "seed", NULL },
    { PARAM_N, FATE_REFUSED, NULL, NULL },
    { PARAM_LOGPROBS, FATE_DROPPED, NULL, NULL },
    { PARAM_TOP_LOGPROBS, FATE_DROPPED, NULL, NULL },
    { PARAM_LOGIT_BIAS, FATE_DROPPED, NULL, NULL },
};

/* "n": 1 and "logprobs": false ask for what is there anyway; penalties below
 * zero are not known there. */
static bool asks_nothing(enum neutral_param p, struct str raw)
{
    return (p == PARAM_N && str_is(raw, "1")) ||
           (p == PARAM_LOGPROBS && str_is(raw, "false"));
}

static bool is_negative(struct str raw)
{
    return raw.n && raw.p[0] == '-';
}

static double number_of(const char *z)
{
    return z[0] == '0' ? 0.99 : z[0] == '5' ? 500 : 1;
}

static void put_params(struct cw *c)
{
    for (size_t i = 0; i < sizeof params / sizeof params[0]; i++) {
        struct str raw = c->r->param[params[i].param];
        enum codec_feature f = (enum codec_feature)params[i].param;

        if (!raw.p || asks_nothing(params[i].param, raw))
            continue;
        if (!params[i].name || is_negative(raw))
            cw_note(c, params[i].name ? FATE_DROPPED : params[i].fate, f);
        else if (params[i].max)
            cw_clamped(c, params[i].name, raw, number_of(params[i].max),
                       params[i].max, f);
        else
            jw_member_raw(&c->w, params[i].name, raw);
    }
}

static void put_stops(struct cw *c)
{
    const struct neutral_name *s = c->r->stops;

    if (!s)
        return;
    jw_key(&c->w, "stop_sequences");
    jw_open(&c->w, '[');
    for (uint32_t n = 0; s && n < STOPS_MAX; s = s->next, n++)
        jw_text(&c->w, s->name);
    jw_close(&c->w, ']');
    if (s)
        cw_note(c, FATE_DROPPED, FEATURE_STOP);
}

/* One tool is forced by leaving the others out. */
static void put_tools(struct cw *c)
{
    const struct neutral_request *all = c->r;
    const struct neutral_choice *choice = &all->choice;
    struct neutral_request left;

    if (!all->tools)
        return;
    if (choice->allowed)
        cw_note(c, FATE_MAPPED, FEATURE_ALLOWED_TOOLS);
    cw_narrow_tools(c, &left);
    chat_put_tools(c);
    c->r = all;
    if (!left.tools)
        return;
    if (choice->kind == CHOICE_NONE)
        jw_member_text(&c->w, "tool_choice", STR("NONE"));
    else if (choice->kind == CHOICE_REQUIRED || choice->kind == CHOICE_NAMED)
        jw_member_text(&c->w, "tool_choice", STR("REQUIRED"));
}

static void put_format(struct cw *c)
{
    const struct neutral_format *f = &c->r->format;

    if (f->kind != FORMAT_JSON && f->kind != FORMAT_SCHEMA)
        return;
    jw_key(&c->w, "response_format");
    jw_open(&c->w, '{');
    jw_member_text(&c->w, "type", STR("json_object"));
    if (f->kind == FORMAT_SCHEMA)
        jw_opt_raw(&c->w, "json_schema", f->raw_schema);
    jw_close(&c->w, '}');
}

static int64_t budget_of(const struct neutral_reasoning *t)
{
    if (t->budget > 0)
        return t->budget;
    if (str_is(t->effort, "minimal") || str_is(t->effort, "low"))
        return BUDGET_LOW;
    return str_is(t->effort, "medium") ? BUDGET_MEDIUM : -1;
}

static void put_thinking(struct cw *c)
{
    const struct neutral_reasoning *t = &c->r->reasoning;
    bool off = t->kind == REASONING_OFF || str_is(t->effort, "none");
    int64_t budget = budget_of(t);

    if (t->kind == REASONING_UNSET && !t->effort.p)
        return;
    if (!cw_can(c, CAN_REASON)) {
        if (!off)
            cw_note(c, FATE_DROPPED, FEATURE_REASONING);
        return;
    }
    jw_key(&c->w, "thinking");
    jw_open(&c->w, '{');
    jw_member_text(&c->w, "type", off ? STR("disabled") : STR("enabled"));
    if (!off && budget > 0)
        jw_member_int(&c->w, "token_budget", budget);
    jw_close(&c->w, '}');
    if (t->effort.p && !off)
        cw_note(c, FATE_MAPPED, FEATURE_REASONING);
}

/* ---- documents ---------------------------------------------------------- */

static void put_document(struct cw *c, const struct neutral_media *m,
                         int64_t n)
{
    cw_note(c, FATE_MAPPED, FEATURE_DOCUMENT);
    jw_open(&c->w, '{');
    jw_key(&c->w, "id");
    jw_bytes(&c->w, STR("\"doc:"));
    jw_int(&c->w, n);
    jw_bytes(&c->w, STR("\""));
    jw_key(&c->w, "data");
    jw_open(&c->w, '{');
    jw_opt_jstr(&c->w, "title", m->name);
    jw_member_jstr(&c->w, "text", m->data);
    jw_close(&c->w, '}');
    jw_close(&c->w, '}');
}

/* Texts that the user gave to be read, for the answer to rest on. */
static void put_documents(struct cw *c)
{
    int64_t n = 0;

    for (const struct neutral_message *m = c->r->first; m; m = m->next) {
        struct cw_own own = { m->role == ROLE_USER ? m->first : NULL, NULL };
        const struct neutral_block *b;

        while ((b = cw_own_next(&own))) {
            if (!cohere_is_source(c, b))
                continue;
            if (n == 0) {
                jw_key(&c->w, "documents");
                jw_open(&c->w, '[');
            }
            put_document(c, &b->media, n++);
        }
    }
    if (n)
        jw_close(&c->w, ']');
}

int cohere_encode_request(const struct neutral_request *r,
                          const struct codec_target *target, struct arena *a,
                          struct buf *out, struct codec_report *report,
                          struct codec_names *names, struct err *err)
{
    struct cw c = { { out, 0, false }, r,      target, DIALECT_COHERE,
                    a,                 report, names,  err };

    *report = (struct codec_report){ 0 };
    *names = (struct codec_names){ 0 };
    jw_open(&c.w, '{');
    jw_member_text(&c.w, "model", target->model);
    jw_key(&c.w, "messages");
    cohere_put_messages(&c);
    put_documents(&c);
    put_tools(&c);
    put_format(&c);
    put_thinking(&c);
    if (r->max_tokens == 0)
        cw_note(&c, FATE_REFUSED, FEATURE_MAX_TOKENS);
    if (r->max_tokens > 0)
        jw_member_int(&c.w, "max_tokens", r->max_tokens);
    put_params(&c);
    put_stops(&c);
    jw_member_bool(&c.w, "stream", r->stream);
    cw_drop_rest(&c);
    cw_extras(&c);
    return cw_finish(&c, true);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Ollama's chat requests, written: the top object. What others have at the
 * top stands in `options` here; what a server's operator sets (num_ctx,
 * keep_alive) is the plugin's business.
 */
#include "wire/codec_chat.h"
#include "wire/codec_ollama.h"

static const struct {
    enum neutral_param param;
    enum codec_fate fate;
    const char *name; /* in `options`; NULL: it has no such thing */
} params[] = {
    { PARAM_TEMPERATURE, FATE_DROPPED, "temperature" },
    { PARAM_TOP_P, FATE_DROPPED, "top_p" },
    { PARAM_TOP_K, FATE_DROPPED, "top_k" },
    { PARAM_FREQUENCY_PENALTY, FATE_DROPPED, "frequency_penalty" },
    { PARAM_PRESENCE_PENALTY, FATE_DROPPED, "presence_penalty" },
    { PARAM_SEED, FATE_DROPPED, "seed" },
    { PARAM_N, FATE_REFUSED, NULL },
    { PARAM_LOGIT_BIAS, FATE_DROPPED, NULL },
};

/* "n": 1 and "logprobs": false ask for what is there anyway. */
static bool asks_nothing(enum neutral_param p, struct str raw)
{
    return (p == PARAM_N && str_is(raw, "1")) ||
           (p == PARAM_LOGPROBS && str_is(raw, "false"));
}

static void put_params(struct cw *c)
{
    for (size_t i = 0; i < sizeof params / sizeof params[0]; i++) {
        struct str raw = c->r->param[params[i].param];

        if (!raw.p || asks_nothing(params[i].param, raw))
            continue;
        if (params[i].name)
            jw_member_raw(&c->w, params[i].name, raw);
        else
            cw_note(c, params[i].fate, (enum codec_feature)params[i].param);
    }
}

/* These stand at the top. */
static void put_probs(struct cw *c)
{
    struct str probs = c->r->param[PARAM_LOGPROBS];
    struct str tops = c->r->param[PARAM_TOP_LOGPROBS];

    if (probs.p && !asks_nothing(PARAM_LOGPROBS, probs))
        jw_member_raw(&c->w, "logprobs", probs);
    if (tops.p)
        jw_member_raw(&c->w, "top_logprobs", tops);
}

static void put_options(struct cw *c)
{
    const struct neutral_request *r = c->r;

    jw_key(&c->w, "options");
    jw_open(&c->w, '{');
    put_params(c);
    if (r->max_tokens == 0) /* 0 would be "as many as you like" there */
        cw_note(c, FATE_REFUSED, FEATURE_MAX_TOKENS);
    if (r->max_tokens > 0)
        jw_member_int(&c->w, "num_predict", r->max_tokens);
    if (r->stops) {
        jw_key(&c->w, "stop");
        jw_open(&c->w, '[');
        for (const struct neutral_name *s = r->stops; s; s = s->next)
            jw_text(&c->w, s->name);
        jw_close(&c->w, ']');
    }
    jw_close(&c->w, '}');
}

static void put_format(struct cw *c)
{
    const struct neutral_format *f = &c->r->format;

    if (f->kind == FORMAT_JSON ||
        (f->kind == FORMAT_SCHEMA && !f->raw_schema.p))
        jw_member_text(&c->w, "format", STR("json"));
    else if (f->kind == FORMAT_SCHEMA)
        jw_member_raw(&c->w, "format", f->raw_schema);
}

/* It chooses by itself: tools can be kept from it, no call can be forced. */
static void put_tools(struct cw *c)
{
    const struct neutral_request *all = c->r;
    const struct neutral_choice *choice = &all->choice;
    struct neutral_request left;

    if (!all->tools)
        return;
    if (choice->kind == CHOICE_NONE) {
        cw_note(c, FATE_MAPPED, FEATURE_TOOL_CHOICE);
        return;
    }
    if (choice->kind == CHOICE_REQUIRED || choice->kind == CHOICE_NAMED)
        cw_note(c, FATE_DROPPED, FEATURE_TOOL_CHOICE);
    if (choice->allowed)
        cw_note(c, FATE_MAPPED, FEATURE_ALLOWED_TOOLS);
    cw_narrow_tools(c, &left);
    chat_put_tools(c);
    c->r = all;
}

/* The level for models that know some. */
static const char *level_of(const struct neutral_reasoning *t)
{
    if (t->kind == REASONING_BUDGET && !t->effort.p)
        return t->budget < 4096 ? "low" : t->budget < 16384 ? "medium"
                                                            : "high";
    if (str_is(t->effort, "minimal") || str_is(t->effort, "low"))
        return "low";
    return str_is(t->effort, "medium") ? "medium" : "high";
}

/* A model that cannot think refuses to be asked, but not to be told not to. */
static void put_think(struct cw *c)
{
    const struct neutral_reasoning *t = &c->r->reasoning;
    bool off = t->kind == REASONING_OFF || str_is(t->effort, "none");

    if (t->kind == REASONING_UNSET && !t->effort.p)
        return;
    if (off && !cw_can(c, CAN_EFFORT)) {
        jw_member_bool(&c->w, "think", false);
        return;
    }
    if (off || !cw_can(c, CAN_REASON)) {
        cw_note(c, FATE_DROPPED, FEATURE_REASONING);
        return;
    }
    if (cw_can(c, CAN_EFFORT)) {
        jw_member_text(&c->w, "think", str_of(level_of(t)));
        if (!str_is(t->effort, level_of(t)))
            cw_note(c, FATE_MAPPED, FEATURE_REASONING);
        return;
    }
    jw_member_bool(&c->w, "think", true);
    cw_note(c, FATE_MAPPED, FEATURE_REASONING);
}

int ollama_encode_request(const struct neutral_request *r,
                          const struct codec_target *target, struct arena *a,
                          struct buf *out, struct codec_report *report,
                          struct codec_names *names, struct err *err)
{
    struct cw c = { { out, 0, false }, r,      target, DIALECT_OLLAMA,
                    a,                 report, names,  err };

    *report = (struct codec_report){ 0 };
    *names = (struct codec_names){ 0 };
    jw_open(&c.w, '{');
    jw_member_text(&c.w, "model", target->model);
    jw_key(&c.w, "messages");
    ollama_put_messages(&c);
    put_tools(&c);
    put_format(&c);
    put_think(&c);
    put_options(&c);
    put_probs(&c);
    jw_member_bool(&c.w, "stream", r->stream); /* unsaid, it would */
    cw_drop_rest(&c);
    cw_extras(&c);
    return cw_finish(&c, true);
}

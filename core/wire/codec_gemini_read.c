/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * generateContent requests, read: the top object and generationConfig. Each
 * field has two names, as in all JSON that Google reads.
 */
#include "wire/codec_gemini.h"
#include "wire/codec_unwrap.h"

int gemini_object(struct rd *rd, uint32_t object,
                  const struct rd_field *fields, size_t n, const char *path,
                  uint32_t *at)
{
    uint32_t both[2 * GEMINI_FIELDS_MAX];
    int rc = rd_object(rd, object, fields, 2 * n, path, both);

    for (size_t i = 0; i < n && !rc; i++)
        at[i] = both[2 * i] != JSON_NONE ? both[2 * i] : both[2 * i + 1];
    return rc;
}

enum {
    C_TEMPERATURE, /* these are parameters, in this order below */
    C_TOP_P,
    C_TOP_K,
    C_FREQUENCY,
    C_PRESENCE,
    C_SEED,
    C_N,
    C_LOGPROBS,
    C_TOP_LOGPROBS,
    C_PARAMS,
    C_MAX = C_PARAMS,
    C_STOPS,
    C_MIME,
    C_SCHEMA,
    C_JSON_SCHEMA,
    C_THINKING,
    C_COUNT,
};

static const struct rd_field config_fields[] = {
    GEMINI_FIELD(C_TEMPERATURE, "temperature", "temperature", RD_NUMBER),
    GEMINI_FIELD(C_TOP_P, "topP", "top_p", RD_NUMBER),
    GEMINI_FIELD(C_TOP_K, "topK", "top_k", RD_NUMBER),
    GEMINI_FIELD(C_FREQUENCY, "frequencyPenalty", "frequency_penalty",
                 RD_NUMBER),
    GEMINI_FIELD(C_PRESENCE, "presencePenalty", "presence_penalty",
                 RD_NUMBER),
    GEMINI_FIELD(C_SEED, "seed", "seed", RD_NUMBER),
    GEMINI_FIELD(C_N, "candidateCount", "candidate_count", RD_NUMBER),
    GEMINI_FIELD(C_LOGPROBS, "responseLogprobs", "response_logprobs",
                 RD_BOOL),
    GEMINI_FIELD(C_TOP_LOGPROBS, "logprobs", "logprobs", RD_NUMBER),
    GEMINI_FIELD(C_MAX, "maxOutputTokens", "max_output_tokens", RD_NUMBER),
    GEMINI_FIELD(C_STOPS, "stopSequences", "stop_sequences", RD_ARRAY),
    GEMINI_FIELD(C_MIME, "responseMimeType", "response_mime_type",
                 RD_STRING),
    GEMINI_FIELD(C_SCHEMA, "responseSchema", "response_schema", RD_OBJECT),
    GEMINI_FIELD(C_JSON_SCHEMA, "responseJsonSchema", "response_json_schema",
                 RD_OBJECT),
    GEMINI_FIELD(C_THINKING, "thinkingConfig", "thinking_config", RD_OBJECT),
};

static const enum neutral_param params[] = {
    PARAM_TEMPERATURE, PARAM_TOP_P, PARAM_TOP_K, PARAM_FREQUENCY_PENALTY,
    PARAM_PRESENCE_PENALTY, PARAM_SEED, PARAM_N, PARAM_LOGPROBS,
    PARAM_TOP_LOGPROBS,
};

static int read_thinking_kind(struct rd *rd, uint32_t node)
{
    enum { BUDGET, LEVEL, THOUGHTS, COUNT };
    static const struct rd_field f[] = {
        GEMINI_FIELD(BUDGET, "thinkingBudget", "thinking_budget", RD_NUMBER),
        GEMINI_FIELD(LEVEL, "thinkingLevel", "thinking_level", RD_STRING),
        GEMINI_FIELD(THOUGHTS, "includeThoughts", "include_thoughts",
                     RD_BOOL),
    };
    static const char *const levels[] = { "minimal", "low", "medium",
                                          "high" };
    struct neutral_reasoning *t = &rd->r->reasoning;
    uint32_t at[COUNT];
    struct str level;
    int64_t budget;
    int rc = gemini_object(rd, node, f, COUNT,
                           "generationConfig.thinkingConfig", at);

    if (!rc)
        rc = rd_text(rd, at[LEVEL], &level);
    if (rc)
        return rc;
    if (rd_bool(rd, at[THOUGHTS]) == 1)
        t->display = STR("summarized");
    for (size_t i = 0; level.p && i < 4; i++) {
        if (level.n != strlen(levels[i]) ||
            !str_ieq(level, str_of(levels[i])))
            continue;
        t->effort = str_of(levels[i]);
        t->kind = REASONING_ADAPTIVE;
    }
    if (at[BUDGET] == JSON_NONE) {
        if (t->kind == REASONING_UNSET && t->display.p)
            t->kind = REASONING_ADAPTIVE;
        return 0;
    }
    if (!json_int(rd->j, at[BUDGET], &budget) || budget < -1)
        return rd_fault(rd, at[BUDGET], "a number of tokens, 0 or -1");
    t->kind = budget > 0    ? REASONING_BUDGET
              : budget == 0 ? REASONING_OFF
                            : REASONING_ADAPTIVE;
    t->budget = budget > 0 ? budget : -1;
    return 0;
}

/* Thoughts are shown to those alone who ask for them. */
static int read_thinking(struct rd *rd, uint32_t node)
{
    struct neutral_reasoning *t = &rd->r->reasoning;
    int rc = read_thinking_kind(rd, node);

    if (!rc && t->kind > REASONING_OFF && !t->display.p)
        t->display = STR("omitted");
    return rc;
}

/* Others want an object at the root; the answer loses it again. */
static int wrap(struct rd *rd, struct neutral_format *f, bool bare)
{
    struct str s = codec_wrap_schema(f->raw_schema, rd->a);

    if (!s.p)
        return rd_nomem(rd);
    if (s.p == f->raw_schema.p)
        return 0;
    f->raw_schema = s;
    f->schema_typed = true;
    f->wrap = bare ? WRAP_BARE : WRAP_VALUE;
    return 0;
}

static int read_format(struct rd *rd, const uint32_t *at)
{
    struct neutral_format *f = &rd->r->format;
    struct str mime;
    int rc = rd_text(rd, at[C_MIME], &mime);

    if (rc)
        return rc;
    if (at[C_JSON_SCHEMA] != JSON_NONE) {
        f->raw_schema = rd_raw(rd, at[C_JSON_SCHEMA]);
    } else if (at[C_SCHEMA] != JSON_NONE) {
        f->raw_schema = gemini_schema_read(rd->j, at[C_SCHEMA], rd->a);
        if (!f->raw_schema.p)
            return rd_nomem(rd);
    }
    if (f->raw_schema.p) {
        uint32_t node = at[C_JSON_SCHEMA] != JSON_NONE ? at[C_JSON_SCHEMA]
                                                       : at[C_SCHEMA];

        f->kind = FORMAT_SCHEMA;
        f->schema_typed = json_member(rd->j, node, STR("type")) != JSON_NONE;
        return wrap(rd, f, str_is(mime, "text/x.enum"));
    } else if (str_is(mime, "application/json")) {
        f->kind = FORMAT_JSON;
    } else if (mime.p && !str_is(mime, "text/plain")) {
        return rd_unread(rd, "generationConfig", STR("responseMimeType"));
    }
    return 0;
}

int gemini_read_config(struct rd *rd, uint32_t node)
{
    uint32_t at[C_COUNT];
    int rc;

    if (node == JSON_NONE)
        return 0;
    rc = gemini_object(rd, node, config_fields, C_COUNT, "generationConfig",
                       at);
    if (rc)
        return rc;
    for (size_t i = 0; i < C_PARAMS; i++)
        rd->r->param[params[i]] = rd_raw(rd, at[i]);
    rc = rd_count(rd, at[C_MAX], &rd->r->max_tokens);
    if (!rc)
        rc = rd_names(rd, at[C_STOPS], &rd->r->stops);
    if (!rc)
        rc = read_format(rd, at);
    if (!rc && at[C_THINKING] != JSON_NONE)
        rc = read_thinking(rd, at[C_THINKING]);
    return rc;
}

static int read_tier(struct rd *rd, uint32_t node)
{
    static const char *const known[] = { "flex", "priority" };
    struct str tier;
    int rc = rd_text(rd, node, &tier);

    for (size_t i = 0; tier.p && i < 2; i++) {
        if (str_ieq(tier, str_of(known[i])))
            rd->r->service_tier = str_of(known[i]);
    }
    return rc;
}

int gemini_decode_request(const struct json *body, struct arena *a,
                          struct neutral_request *out, struct err *err)
{
    enum { MODEL, CONTENTS, SYSTEM, TOOLS, CHOICE, CONFIG, TIER, COUNT };
    static const struct rd_field fields[] = {
        GEMINI_FIELD(MODEL, "model", "model", RD_STRING),
        GEMINI_FIELD(CONTENTS, "contents", "contents", RD_ARRAY),
        GEMINI_FIELD(SYSTEM, "systemInstruction", "system_instruction",
                     RD_OBJECT | RD_STRING),
        GEMINI_FIELD(TOOLS, "tools", "tools", RD_ARRAY),
        GEMINI_FIELD(CHOICE, "toolConfig", "tool_config", RD_OBJECT),
        GEMINI_FIELD(CONFIG, "generationConfig", "generation_config",
                     RD_OBJECT),
        GEMINI_FIELD(TIER, "serviceTier", "service_tier", RD_STRING),
    };
    struct err own = { 0 };
    struct rd rd = { .j = body, .a = a, .r = out, .err = err ? err : &own };
    uint32_t at[COUNT];
    int rc;

    neutral_request_init(out, DIALECT_GEMINI);
    rc = gemini_object(&rd, 0, fields, COUNT, NULL, at);
    if (!rc)
        rc = rd_text(&rd, at[MODEL], &out->model);
    if (!rc && at[CONTENTS] == JSON_NONE)
        rc = err_at(rd.err, ERR_INVALID_REQUEST, "contents",
                    "contents is not specified");
    if (!rc)
        rc = gemini_read_system(&rd, at[SYSTEM]);
    if (!rc)
        rc = gemini_read_contents(&rd, at[CONTENTS]);
    if (!rc)
        rc = gemini_read_tools(&rd, at[TOOLS]);
    if (!rc)
        rc = gemini_read_choice(&rd, at[CHOICE]);
    if (!rc)
        rc = gemini_read_config(&rd, at[CONFIG]);
    return rc ? rc : read_tier(&rd, at[TIER]);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Anthropic Messages requests: the top object.
 *
 * Source: https://platform.claude.com/docs/en/api/messages, API versions
 * 2023-06-01 and 2026-10-21; types of the SDK 1.12 (read 2026-11-23).
 */
#include "wire/codec_anthropic.h"

enum {
    T_MODEL,
    T_MAX_TOKENS,
    T_MESSAGES,
    T_SYSTEM,
    T_STOPS,
    T_STREAM,
    T_METADATA,
    T_THINKING,
    T_CONFIG,
    T_FORMAT,
    T_TOOLS,
    T_CHOICE,
    T_CACHE,
    T_TIER,
    T_FIXED,
};

static const struct rd_field fixed[] = {
    [T_MODEL] = RD_FIELD("model", RD_STRING),
    [T_MAX_TOKENS] = RD_FIELD("max_tokens", RD_NUMBER),
    [T_MESSAGES] = RD_FIELD("messages", RD_ARRAY),
    [T_SYSTEM] = RD_FIELD("system", RD_STRING | RD_ARRAY),
    [T_STOPS] = RD_FIELD("stop_sequences", RD_ARRAY),
    [T_STREAM] = RD_FIELD("stream", RD_BOOL),
    [T_METADATA] = RD_FIELD("metadata", RD_OBJECT),
    [T_THINKING] = RD_FIELD("thinking", RD_OBJECT),
    [T_CONFIG] = RD_FIELD("output_config", RD_OBJECT),
    [T_FORMAT] = RD_FIELD("output_format", RD_OBJECT),
    [T_TOOLS] = RD_FIELD("tools", RD_ARRAY),
    [T_CHOICE] = RD_FIELD("tool_choice", RD_OBJECT),
    [T_CACHE] = RD_FIELD("cache_control", RD_OBJECT),
    [T_TIER] = RD_FIELD("service_tier", RD_STRING),
};

enum { T_MAX = T_FIXED + PARAM_COUNT };

/* The fixed fields, and behind them the parameters that there are. */
static size_t fields(struct rd_field *out, enum neutral_param *params)
{
    static const uint32_t types[] = {
#define PARAM(id, chat, anthropic, types) types,
#include "wire/neutral_param.def"
#undef PARAM
    };
    size_t n = T_FIXED;

    memcpy(out, fixed, sizeof fixed);
    for (int p = 0; p < PARAM_COUNT; p++) {
        const char *name = neutral_param_name((enum neutral_param)p,
                                              DIALECT_ANTHROPIC);

        if (!name)
            continue;
        params[n] = (enum neutral_param)p;
        out[n++] = (struct rd_field){ str_of(name), types[p] };
    }
    return n;
}

static int read_system(struct rd *rd, uint32_t node)
{
    struct neutral_message *m;

    if (node == JSON_NONE || (rd->j->nodes[node].type == JSON_T_ARRAY &&
                              json_first(rd->j, node) == JSON_NONE))
        return 0; /* no blocks: nothing is said */
    m = rd_message(rd, ROLE_SYSTEM);
    return m ? anthropic_read_content(rd, m, node) : -rd->err->code;
}

static int read_thinking(struct rd *rd, uint32_t node)
{
    enum { TYPE, BUDGET, DISPLAY, COUNT };
    static const struct rd_field f[] = {
        [TYPE] = RD_FIELD("type", RD_STRING),
        [BUDGET] = RD_FIELD("budget_tokens", RD_NUMBER),
        [DISPLAY] = RD_FIELD("display", RD_STRING),
    };
    struct neutral_reasoning *t = &rd->r->reasoning;
    uint32_t at[COUNT];
    struct str type;
    int rc;

    if (node == JSON_NONE)
        return 0;
    rc = rd_object(rd, node, f, COUNT, "thinking", at);
    if (!rc)
        rc = rd_text(rd, at[TYPE], &type);
    if (!rc)
        rc = rd_text(rd, at[DISPLAY], &t->display);
    if (!rc)
        rc = rd_count(rd, at[BUDGET], &t->budget);
    if (rc)
        return rc;
    if (str_is(type, "enabled"))
        t->kind = REASONING_BUDGET;
    else if (str_is(type, "adaptive"))
        t->kind = REASONING_ADAPTIVE;
    else if (str_is(type, "disabled") || str_is(type, "between_tools"))
        t->kind = REASONING_OFF;
    else
        return rd_fault(rd, at[TYPE] == JSON_NONE ? node : at[TYPE],
                        "enabled, adaptive or disabled");
    return 0;
}

static int read_format(struct rd *rd, uint32_t node)
{
    enum { TYPE, SCHEMA, NAME, COUNT };
    static const struct rd_field f[] = {
        [TYPE] = RD_FIELD("type", RD_STRING),
        [SCHEMA] = RD_FIELD("schema", RD_OBJECT),
        [NAME] = RD_FIELD("name", RD_STRING),
    };
    uint32_t at[COUNT];
    int rc;

    if (node == JSON_NONE)
        return 0;
    rc = rd_object(rd, node, f, COUNT, "output_config.format", at);
    if (rc)
        return rc;
    if (at[SCHEMA] == JSON_NONE)
        return rd_fault(rd, node, "a format with a schema");
    rd->r->format.kind = FORMAT_SCHEMA;
    rd->r->format.raw_schema = rd_raw(rd, at[SCHEMA]);
    rd->r->format.schema_typed =
        json_member(rd->j, at[SCHEMA], STR("type")) != JSON_NONE;
    return rd_text(rd, at[NAME], &rd->r->format.name);
}

static int read_config(struct rd *rd, uint32_t node)
{
    enum { EFFORT, FORMAT, COUNT };
    static const struct rd_field f[] = {
        [EFFORT] = RD_FIELD("effort", RD_STRING),
        [FORMAT] = RD_FIELD("format", RD_OBJECT),
    };
    uint32_t at[COUNT];
    int rc;

    if (node == JSON_NONE)
        return 0;
    rc = rd_object(rd, node, f, COUNT, "output_config", at);
    if (!rc)
        rc = rd_text(rd, at[EFFORT], &rd->r->reasoning.effort);
    return rc ? rc : read_format(rd, at[FORMAT]);
}

static int read_choice(struct rd *rd, uint32_t node)
{
    enum { TYPE, NAME, PARALLEL, COUNT };
    static const struct rd_field f[] = {
        [TYPE] = RD_FIELD("type", RD_STRING),
        [NAME] = RD_FIELD("name", RD_STRING),
        [PARALLEL] = RD_FIELD("disable_parallel_tool_use", RD_BOOL),
    };
    struct neutral_choice *choice = &rd->r->choice;
    uint32_t at[COUNT];
    struct str type;
    int rc;

    if (node == JSON_NONE)
        return 0;
    rc = rd_object(rd, node, f, COUNT, "tool_choice", at);
    if (!rc)
        rc = rd_text(rd, at[TYPE], &type);
    if (!rc)
        rc = rd_text(rd, at[NAME], &choice->name);
    if (rc)
        return rc;
    if (at[PARALLEL] != JSON_NONE)
        rd->r->parallel = rd_bool(rd, at[PARALLEL]) != 1;
    if (str_is(type, "auto"))
        choice->kind = CHOICE_AUTO;
    else if (str_is(type, "none"))
        choice->kind = CHOICE_NONE;
    else if (str_is(type, "any"))
        choice->kind = CHOICE_REQUIRED;
    else if (str_is(type, "tool") && choice->name.p)
        choice->kind = CHOICE_NAMED;
    else
        return rd_fault(rd, node, "auto, any, none, or a tool with its name");
    return 0;
}

static int read_tool(struct rd *rd, uint32_t node)
{
    enum { TYPE, NAME, SCHEMA, DESCRIPTION, STRICT, CACHE, COUNT };
    static const struct rd_field f[] = {
        [TYPE] = RD_FIELD("type", RD_STRING),
        [NAME] = RD_FIELD("name", RD_STRING),
        [SCHEMA] = RD_FIELD("input_schema", RD_OBJECT),
        [DESCRIPTION] = RD_FIELD("description", RD_STRING),
        [STRICT] = RD_FIELD("strict", RD_BOOL),
        [CACHE] = RD_FIELD("cache_control", RD_OBJECT),
    };
    uint32_t at[COUNT], type = json_member(rd->j, node, STR("type"));
    struct neutral_tool *t;
    struct str name = json_text(rd->j, type, rd->a);
    int rc;

    if (rd->r->n_tools >= RD_TOOLS_MAX)
        return err_at(rd->err, ERR_INVALID_REQUEST, "tools",
                      "More than %d tools.", RD_TOOLS_MAX);
    t = neutral_add_tool(rd->r, rd->a);
    if (!t)
        return rd_nomem(rd);
    if (name.p && !str_is(name, "custom")) {
        t->raw_unknown = json_raw(rd->j, node);
        t->name = name;
        anthropic_describe_tool(
            name, json_text(rd->j, json_member(rd->j, node, STR("name")),
                            rd->a), t);
        return 0;
    }
    rc = rd_object(rd, node, f, COUNT, "tools[]", at);
    if (rc)
        return rc;
    if (at[NAME] == JSON_NONE)
        return rd_fault(rd, node, "a tool with a name");
    rc = rd_text(rd, at[NAME], &t->name);
    if (!rc)
        rc = rd_cache(rd, at[CACHE], &t->cache);
    t->description = rd_jstr(rd, at[DESCRIPTION]);
    t->strict = rd_bool(rd, at[STRICT]);
    rd_schema(rd, at[SCHEMA], t);
    return rc;
}

static int read_tools(struct rd *rd, uint32_t array)
{
    for (uint32_t c = json_first(rd->j, array); c != JSON_NONE;
         c = json_sibling(rd->j, array, c)) {
        int rc = read_tool(rd, c);

        if (rc)
            return rc;
    }
    return 0;
}

static int read_metadata(struct rd *rd, uint32_t node)
{
    static const struct rd_field f[] = { RD_FIELD("user_id", RD_STRING) };
    uint32_t at[1];
    int rc;

    if (node == JSON_NONE)
        return 0;
    rc = rd_object(rd, node, f, 1, "metadata", at);
    return rc ? rc : rd_text(rd, at[0], &rd->r->user);
}

static int read_rest(struct rd *rd, const uint32_t *at)
{
    struct neutral_request *r = rd->r;
    int rc = rd_count(rd, at[T_MAX_TOKENS], &r->max_tokens);

    if (!rc)
        rc = read_tools(rd, at[T_TOOLS]);
    if (!rc)
        rc = read_choice(rd, at[T_CHOICE]);
    if (!rc)
        rc = read_thinking(rd, at[T_THINKING]);
    if (!rc)
        rc = read_format(rd, at[T_FORMAT]);
    if (!rc)
        rc = read_config(rd, at[T_CONFIG]);
    if (!rc)
        rc = read_metadata(rd, at[T_METADATA]);
    if (!rc)
        rc = rd_names(rd, at[T_STOPS], &r->stops);
    if (!rc)
        rc = rd_text(rd, at[T_TIER], &r->service_tier);
    if (!rc)
        rc = rd_cache(rd, at[T_CACHE], &r->cache);
    r->stream = rd_bool(rd, at[T_STREAM]) == 1;
    r->include_usage = r->stream;
    return rc;
}

int anthropic_decode_request(const struct json *body, struct arena *a,
                             struct neutral_request *out, struct err *err)
{
    struct err own = { 0 };
    struct rd rd = { .j = body, .a = a, .r = out, .err = err ? err : &own };
    enum neutral_param params[T_MAX];
    struct rd_field f[T_MAX];
    uint32_t at[T_MAX];
    size_t n = fields(f, params);
    int rc;

    neutral_request_init(out, DIALECT_ANTHROPIC);
    rc = rd_object(&rd, 0, f, n, NULL, at);
    if (!rc)
        rc = rd_text(&rd, at[T_MODEL], &out->model);
    if (!rc && at[T_MESSAGES] == JSON_NONE)
        rc = err_at(rd.err, ERR_INVALID_REQUEST, "messages",
                    "messages: Field required");
    if (!rc)
        rc = read_system(&rd, at[T_SYSTEM]);
    if (!rc)
        rc = anthropic_read_messages(&rd, at[T_MESSAGES]);
    for (size_t i = T_FIXED; i < n; i++)
        out->param[params[i]] = rd_raw(&rd, at[i]);
    return rc ? rc : read_rest(&rd, at);
}

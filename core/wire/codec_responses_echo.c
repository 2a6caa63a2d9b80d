/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Responses answers say again what was asked for. Short members as they came;
 * of long ones (instructions, tools) what stands where nothing was asked: a
 * stream says them three times, they would be held as long as it lasts, and
 * clients' types want the members.
 */
#include "wire/codec_echo.h"

#include "base/arena.h"

#define MEMBER_MAX 1024 /* bytes */
#define ALL_MAX 2048

static const struct {
    const char *name;
    const char *otherwise; /* the request said nothing, or too much */
} members[] = {
    [ECHO_INSTRUCTIONS] = { "instructions", "null" },
    [ECHO_MAX_OUTPUT] = { "max_output_tokens", "null" },
    [ECHO_PARALLEL] = { "parallel_tool_calls", "true" },
    [ECHO_REASONING] = { "reasoning", "{\"effort\":null,\"summary\":null}" },
    [ECHO_TEMPERATURE] = { "temperature", "null" },
    [ECHO_TEXT] = { "text", "{\"format\":{\"type\":\"text\"}}" },
    [ECHO_TOOL_CHOICE] = { "tool_choice", "\"auto\"" },
    [ECHO_TOOLS] = { "tools", "[]" },
    [ECHO_TOP_P] = { "top_p", "null" },
    [ECHO_TRUNCATION] = { "truncation", "\"disabled\"" },
    [ECHO_USER] = { "user", "null" },
    [ECHO_METADATA] = { "metadata", "{}" },
};

/* A `text` without its format is not what a client would be told. */
static bool is_whole(const struct json *j, uint32_t node, size_t i)
{
    return i != ECHO_TEXT || json_member(j, node, STR("format")) != JSON_NONE;
}

struct codec_echo *responses_echo(const struct json *body, struct arena *a)
{
    struct codec_echo *e = arena_alloc(a, sizeof *e);
    size_t left = ALL_MAX;

    for (size_t i = 0; e && i < ECHO_COUNT; i++) {
        uint32_t node = json_member(body, 0, str_of(members[i].name));
        struct str raw;

        if (node == JSON_NONE || body->nodes[node].type == JSON_T_NULL ||
            !is_whole(body, node, i))
            continue;
        raw = json_raw(body, node);
        if (raw.n > MEMBER_MAX || raw.n > left)
            continue;
        left -= raw.n;
        e->raw[i] = arena_dup(a, raw);
        if (!e->raw[i].p)
            return NULL;
    }
    return e;
}

void responses_put_asked(const struct codec_echo *e, struct jw *w,
                         enum responses_asked i)
{
    struct str raw = e ? e->raw[i] : STR_NULL;

    jw_key(w, members[i].name);
    jw_raw_line(w, raw.p ? raw : str_of(members[i].otherwise));
}

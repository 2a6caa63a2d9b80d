/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Where the neutral fields stand in Anthropic's requests. */
#include "wire/anthropic_impl.h"

#define MESSAGES (1u << DIALECT_ANTHROPIC)
#define COUNT (1u << DIALECT_ANTHROPIC_COUNT)

static const struct {
    unsigned dialects;
    struct str pointer;
} places[] = {
    [WIRE_MODEL] = { MESSAGES | COUNT, { "/model", 6 } },
    [WIRE_STREAM] = { MESSAGES, { "/stream", 7 } },
    [WIRE_MAX_TOKENS] = { MESSAGES, { "/max_tokens", 11 } },
    [WIRE_TEMPERATURE] = { MESSAGES, { "/temperature", 12 } },
    [WIRE_USER] = { MESSAGES, { "/metadata/user_id", 17 } },
};

static bool has_place(enum dialect d, enum wire_field f)
{
    return places[f].dialects & 1u << d;
}

struct str anthropic_field(enum dialect d, enum wire_field f,
                           const struct json_edits *e)
{
    struct str raw = STR_NULL;

    if (has_place(d, f))
        raw = json_edits_get(e, places[f].pointer);
    return raw.p && !str_is(raw, "null") ? raw : STR_NULL;
}

int anthropic_set_field(enum dialect d, enum wire_field f,
                        struct json_edits *e, struct str value,
                        struct err *err)
{
    if (!has_place(d, f))
        return -ERR_NOTFOUND;
    return value.p ? json_edit_set(e, places[f].pointer, value, err)
                   : json_edit_remove(e, places[f].pointer);
}

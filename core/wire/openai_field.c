/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Where the neutral fields stand in OpenAI's requests. The limit of the answer
 * has two names in chat, of which a client sends one; both count where both
 * are there, for an upstream may know either. A new one gets the newer name:
 * vendors that do not know it have it renamed (catalogue, `quirks`).
 */
#include "wire/openai_impl.h"

#define CHAT (1u << DIALECT_OPENAI_CHAT)
#define COMPLETIONS (1u << DIALECT_OPENAI_COMPLETIONS)
#define EMBEDDINGS (1u << DIALECT_OPENAI_EMBEDDINGS)

/* Names of a field, the one to add first. */
static const struct place {
    enum wire_field field;
    unsigned dialects;
    struct str pointer;
} places[] = {
    { WIRE_MODEL, CHAT | COMPLETIONS | EMBEDDINGS, { "/model", 6 } },
    { WIRE_STREAM, CHAT | COMPLETIONS, { "/stream", 7 } },
    { WIRE_MAX_TOKENS, CHAT, { "/max_completion_tokens", 22 } },
    { WIRE_MAX_TOKENS, CHAT | COMPLETIONS, { "/max_tokens", 11 } },
    { WIRE_TEMPERATURE, CHAT | COMPLETIONS, { "/temperature", 12 } },
    { WIRE_USER, CHAT | COMPLETIONS | EMBEDDINGS, { "/user", 5 } },
};

enum { PLACES = sizeof places / sizeof places[0] };

static bool is_place(size_t i, enum dialect d, enum wire_field f)
{
    return places[i].field == f && (places[i].dialects & 1u << d);
}

struct str openai_field(enum dialect d, enum wire_field f,
                        const struct json_edits *e)
{
    for (size_t i = 0; i < PLACES; i++) {
        struct str raw;

        if (!is_place(i, d, f))
            continue;
        raw = json_edits_get(e, places[i].pointer);
        if (raw.p && !str_is(raw, "null"))
            return raw;
    }
    return STR_NULL;
}

/* Only a stream has options: upstream refuses them otherwise. */
static int set_stream(struct json_edits *e, struct str value,
                      struct err *err)
{
    int rc = 0;

    if (!value.p || str_is(value, "false"))
        rc = json_edit_remove(e, STR("/stream_options"));
    if (rc)
        return rc;
    return value.p ? json_edit_set(e, STR("/stream"), value, err)
                   : json_edit_remove(e, STR("/stream"));
}

int openai_set_field(enum dialect d, enum wire_field f, struct json_edits *e,
                     struct str value, struct err *err)
{
    const struct place *first = NULL;
    bool there = false;
    int rc = 0;

    for (size_t i = 0; i < PLACES && !rc; i++) {
        if (!is_place(i, d, f))
            continue;
        first = first ? first : &places[i];
        if (f == WIRE_STREAM)
            return set_stream(e, value, err);
        if (json_edits_has(e, places[i].pointer) <= 0)
            continue;
        there = true;
        rc = value.p ? json_edit_set(e, places[i].pointer, value, err)
                     : json_edit_remove(e, places[i].pointer);
    }
    if (!first)
        return -ERR_NOTFOUND;
    return rc || there || !value.p
               ? rc : json_edit_set(e, first->pointer, value, err);
}

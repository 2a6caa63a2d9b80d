/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Watching answers: one scan of each event, then a walk over the few members
 * that matter. Unknown members are content's business, not ours.
 */
#include "wire/openai_impl.h"

#include "wire/codec_stream.h"
#include "wire/watch.h"

/* Members of a choice's delta or message that are content when not empty. */
static bool is_meta(struct str name)
{
    return str_is(name, "role") || str_is(name, "function_call_id") ||
           str_is(name, "annotations") ||
           str_is(name, "provider_specific_fields");
}

static bool has_content(const struct json *j, uint32_t delta, struct arena *a)
{
    uint32_t at;

    if (delta == JSON_NONE || j->nodes[delta].type != JSON_T_OBJECT)
        return false;
    for (at = json_first(j, delta); at != JSON_NONE;
         at = json_sibling(j, delta, at)) {
        if (!is_meta(json_name(j, at, a)) && !wire_is_empty(j, at))
            return true;
    }
    return false;
}

static void watch_choice(const struct json *j, uint32_t choice,
                         struct arena *a, struct wire_watch *out)
{
    uint32_t text = json_member(j, choice, STR("text"));
    uint32_t finish = json_member(j, choice, STR("finish_reason"));

    if (has_content(j, json_member(j, choice, STR("delta")), a) ||
        has_content(j, json_member(j, choice, STR("message")), a) ||
        (text != JSON_NONE && !wire_is_empty(j, text)))
        out->content = true;
    if (finish != JSON_NONE && !wire_is_empty(j, finish))
        out->finish = true;
}

static void watch_error(const struct json *j, uint32_t e, struct arena *a,
                        struct wire_watch *out)
{
    out->error = true;
    if (j->nodes[e].type == JSON_T_OBJECT) {
        out->error_code = watch_text(j, e, "code", a);
        out->error_type = watch_text(j, e, "type", a);
        out->error_message = watch_text(j, e, "message", a);
    } else {
        out->error_message = json_text(j, e, a);
    }
}

static bool is_false(const struct json *j, uint32_t node)
{
    return j->nodes[node].type == JSON_T_FALSE;
}

static bool is_text(const struct json *j, uint32_t node)
{
    return node != JSON_NONE && j->nodes[node].type == JSON_T_STRING;
}

static void watch_object(enum dialect d, const struct json *j,
                         struct arena *a, struct wire_watch *out)
{
    uint32_t error = json_member(j, 0, STR("error"));
    uint32_t choices = json_member(j, 0, STR("choices"));
    uint32_t usage = json_member(j, 0, STR("usage"));
    bool any = false;

    if (error != JSON_NONE && !wire_is_empty(j, error) && !is_false(j, error))
        watch_error(j, error, a, out);
    else if (d == DIALECT_OPENAI_CHAT && choices == JSON_NONE &&
             is_text(j, json_member(j, 0, STR("message"))))
        watch_error(j, 0, a, out); /* Mistral's, in nothing */
    if (choices != JSON_NONE && j->nodes[choices].type == JSON_T_ARRAY) {
        for (uint32_t c = json_first(j, choices); c != JSON_NONE;
             c = json_sibling(j, choices, c)) {
            any = true;
            if (j->nodes[c].type == JSON_T_OBJECT)
                watch_choice(j, c, a, out);
        }
    }
    if (usage != JSON_NONE && j->nodes[usage].type == JSON_T_OBJECT) {
        chat_read_usage(j, usage, &out->usage);
        out->usage.tier = watch_tier(j, 0);
        out->usage_only = choices != JSON_NONE && !any;
    }
    if (d == DIALECT_OPENAI_EMBEDDINGS || d == DIALECT_MISTRAL_EMBED ||
        d == DIALECT_OPENAI_MODELS)
        out->content = json_member(j, 0, STR("data")) != JSON_NONE;
}

static int watch(enum dialect d, struct str text, struct json *j,
                 struct arena *a, struct wire_watch *out, struct err *err)
{
    int rc = json_scan(j, text, NULL, err);

    if (rc)
        return rc;
    if (j->nodes[0].type == JSON_T_OBJECT)
        watch_object(d, j, a, out);
    else
        rc = err_set(err, ERR_SYNTAX, "expected a JSON object");
    return rc;
}

int openai_watch_event(enum dialect d, struct str event, struct str data,
                       struct json *scratch, struct arena *a,
                       struct wire_watch *out, struct err *err)
{
    (void)event;
    *out = (struct wire_watch){ .usage = USAGE_NONE };
    data = str_trim(data);
    if (str_is(data, "[DONE]")) {
        out->done = true;
        return 0;
    }
    return watch(d, data, scratch, a, out, err);
}

int openai_watch_body(enum dialect d, struct str body, struct json *scratch,
                      struct arena *a, struct wire_watch *out,
                      struct err *err)
{
    *out = (struct wire_watch){ .usage = USAGE_NONE };
    return watch(d, body, scratch, a, out, err);
}

void openai_usage_in_tail(struct str tail, struct arena *a, struct usage *out)
{
    struct json j = { 0 };

    (void)a;
    if (watch_last_object(tail, "usage", &j))
        chat_read_usage(&j, 0, out);
    json_clear(&j);
}

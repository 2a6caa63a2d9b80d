/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Watching Google's answers. Each event is a whole answer; the stream has no
 * last word, so an event with the reasons is the finish and its end the end.
 */
#include "wire/gemini_impl.h"

#include "wire/codec_gemini.h"
#include "wire/texts.h"
#include "wire/watch.h"

static void watch_error(const struct json *j, uint32_t e, struct arena *a,
                        struct wire_watch *out)
{
    uint32_t details = wire_member(j, e, "details");

    out->error = true;
    if (j->nodes[e].type != JSON_T_OBJECT)
        return;
    out->error_type = watch_text(j, e, "status", a);
    out->error_message = watch_text(j, e, "message", a);
    if (details == JSON_NONE || j->nodes[details].type != JSON_T_ARRAY)
        return;
    for (uint32_t d = json_first(j, details); d != JSON_NONE &&
                                              !out->error_code.n;
         d = json_sibling(j, details, d))
        out->error_code = watch_text(j, d, "reason", a);
}

/* Anything but an empty text. */
static bool has_content(const struct json *j, uint32_t parts)
{
    if (parts == JSON_NONE || j->nodes[parts].type != JSON_T_ARRAY)
        return false;
    for (uint32_t p = json_first(j, parts); p != JSON_NONE;
         p = json_sibling(j, parts, p)) {
        uint32_t text = wire_member(j, p, "text");

        if (text == JSON_NONE ? !wire_is_empty(j, p)
                              : !wire_is_empty(j, text))
            return true;
    }
    return false;
}

static void watch_answer(const struct json *j, uint32_t top,
                         struct wire_watch *out)
{
    uint32_t list = wire_member(j, top, "candidates");
    uint32_t usage = wire_member(j, top, "usageMetadata");
    uint32_t feedback = wire_member(j, top, "promptFeedback");

    if (list != JSON_NONE && j->nodes[list].type == JSON_T_ARRAY) {
        for (uint32_t c = json_first(j, list); c != JSON_NONE;
             c = json_sibling(j, list, c)) {
            uint32_t content = wire_member(j, c, "content");

            if (has_content(j, wire_member(j, content, "parts")))
                out->content = true;
            if (!wire_is_empty(j, wire_member(j, c, "finishReason")))
                out->finish = true;
        }
    }
    if (!wire_is_empty(j, wire_member(j, feedback, "blockReason")))
        out->finish = true;
    if (usage != JSON_NONE)
        gemini_read_usage(j, usage, &out->usage);
}

/* An error may stand in an array of one. */
static uint32_t top_of(const struct json *j)
{
    return j->nodes[0].type == JSON_T_ARRAY ? json_first(j, 0) : 0;
}

static void watch_object(enum dialect d, const struct json *j, uint32_t top,
                         struct arena *a, struct wire_watch *out)
{
    uint32_t error = wire_member(j, top, "error");
    uint32_t usage = wire_member(j, top, "usageMetadata");

    if (!wire_is_empty(j, error))
        watch_error(j, error, a, out);
    else if (d == DIALECT_GEMINI)
        watch_answer(j, top, out);
    else
        out->content = true; /* a count, vectors, names */
    if (d != DIALECT_GEMINI && usage != JSON_NONE)
        gemini_read_usage(j, usage, &out->usage);
}

static int watch(enum dialect d, struct str text, struct json *j,
                 struct arena *a, struct wire_watch *out, struct err *err)
{
    uint32_t top;
    int rc;

    *out = (struct wire_watch){ .usage = USAGE_NONE };
    rc = json_scan(j, text, NULL, err);
    top = rc ? 0 : top_of(j);
    if (rc)
        return rc;
    if (top == JSON_NONE || j->nodes[top].type != JSON_T_OBJECT)
        return err_set(err, ERR_SYNTAX, "expected a JSON object");
    watch_object(d, j, top, a, out);
    return 0;
}

int gemini_watch_event(enum dialect d, struct str event, struct str data,
                       struct json *scratch, struct arena *a,
                       struct wire_watch *out, struct err *err)
{
    (void)event;
    return watch(d, data, scratch, a, out, err);
}

int gemini_watch_body(enum dialect d, struct str body, struct json *scratch,
                      struct arena *a, struct wire_watch *out,
                      struct err *err)
{
    return watch(d, body, scratch, a, out, err);
}

void gemini_usage_in_tail(struct str tail, struct arena *a,
                          struct usage *out)
{
    struct json j = { 0 };

    (void)a;
    if (watch_last_object(tail, "usageMetadata", &j))
        gemini_read_usage(&j, 0, out);
    json_clear(&j);
}

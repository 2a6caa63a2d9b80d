/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Answers that no provider gave, as OpenAI's endpoints would give them: an
 * object, or the chunks of a stream. Usage is there and is zero: SDKs read it.
 *
 * Source: https://platform.openai.com/docs/api-reference (read 2026-11).
 */
#include "wire/openai_impl.h"

static const char usage[] = "{\"prompt_tokens\":0,\"completion_tokens\":0,"
                            "\"total_tokens\":0}";

static const char *const finishes[] = {
    [WIRE_FINISH_STOP] = "stop",
    [WIRE_FINISH_LENGTH] = "length",
    [WIRE_FINISH_FILTER] = "content_filter",
};

const char *openai_finish(enum wire_finish f)
{
    return finishes[f];
}

/* Each function adds to `out`; the first failure stays. */
struct writer {
    struct buf *out;
    const struct wire_answer *a;
    bool chat;
    int rc;
};

static void put(struct writer *w, const char *z)
{
    if (!w->rc)
        w->rc = buf_puts(w->out, z);
}

static void put_text(struct writer *w, struct str s)
{
    if (!w->rc)
        w->rc = buf_json_str(w->out, s);
}

/* {"id":..,"object":..,"created":..,"model":.. */
static void put_head(struct writer *w, const char *object)
{
    const struct wire_answer *a = w->a;

    if (!w->rc)
        w->rc = buf_printf(w->out, "{\"id\":\"%s-" STR_FMT
                           "\",\"object\":\"%s\",\"created\":%lld,\"model\":",
                           w->chat ? "chatcmpl" : "cmpl", STR_ARG(a->id),
                           object, (long long)a->created);
    put_text(w, a->model);
}

static void put_finish(struct writer *w, bool last)
{
    put(w, ",\"logprobs\":null,\"finish_reason\":");
    if (!last) {
        put(w, "null}]");
        return;
    }
    put(w, "\"");
    put(w, finishes[w->a->finish]);
    put(w, "\"}]");
}

static void put_whole(struct writer *w)
{
    put_head(w, w->chat ? "chat.completion" : "text_completion");
    put(w, ",\"choices\":[{\"index\":0,");
    put(w, w->chat ? "\"message\":{\"role\":\"assistant\",\"content\":"
                   : "\"text\":");
    put_text(w, w->a->text);
    if (w->chat)
        put(w, ",\"refusal\":null}");
    put_finish(w, true);
    put(w, ",\"usage\":");
    put(w, usage);
    put(w, "}");
}

/* One event with a choice; `text` p NULL: none is said in it. */
static void put_chunk(struct writer *w, bool role, struct str text, bool last)
{
    put(w, "data: ");
    put_head(w, w->chat ? "chat.completion.chunk" : "text_completion");
    put(w, ",\"choices\":[{\"index\":0,");
    put(w, w->chat ? "\"delta\":{" : "\"text\":");
    if (role)
        put(w, "\"role\":\"assistant\",");
    if (w->chat && text.p)
        put(w, "\"content\":");
    if (text.p || !w->chat)
        put_text(w, text);
    if (role)
        put(w, ",\"refusal\":null");
    if (w->chat)
        put(w, "}");
    put_finish(w, last);
    put(w, w->a->include_usage ? ",\"usage\":null}\n\n" : "}\n\n");
}

static void put_stream(struct writer *w)
{
    if (w->chat)
        put_chunk(w, true, STR(""), false);
    if (w->a->text.n)
        put_chunk(w, false, w->a->text, false);
    put_chunk(w, false, STR_NULL, true);
    if (w->a->include_usage) {
        put(w, "data: ");
        put_head(w, w->chat ? "chat.completion.chunk" : "text_completion");
        put(w, ",\"choices\":[],\"usage\":");
        put(w, usage);
        put(w, "}\n\n");
    }
    put(w, "data: [DONE]\n\n");
}

bool openai_answers(enum dialect d)
{
    return d == DIALECT_OPENAI_CHAT || d == DIALECT_OPENAI_COMPLETIONS;
}

int openai_answer(enum dialect d, const struct wire_answer *a,
                  struct buf *out)
{
    struct writer w = { .out = out, .a = a,
                        .chat = d == DIALECT_OPENAI_CHAT };

    if (!openai_answers(d))
        return -ERR_NOTFOUND;
    if (a->stream)
        put_stream(&w);
    else
        put_whole(&w);
    return w.rc;
}

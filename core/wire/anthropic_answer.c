/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Answers that no provider gave, as Anthropic's messages would give them.
 * Members that are null are written: the SDKs' types have them.
 *
 * Source: platform.claude.com/docs/en/api/messages, .../streaming, and the
 * types of @anthropic-ai/sdk 1.12.0 (read 2026-11-23).
 */
#include "wire/anthropic_impl.h"

static const char usage[] =
    "{\"input_tokens\":0,\"cache_creation_input_tokens\":0,"
    "\"cache_read_input_tokens\":0,\"cache_creation\":null,"
    "\"output_tokens\":0,\"output_tokens_details\":null,"
    "\"server_tool_use\":null,\"service_tier\":\"standard\","
    "\"inference_geo\":null,\"speed\":null}";

static const char *const reasons[] = {
    [WIRE_FINISH_STOP] = "\"end_turn\"",
    [WIRE_FINISH_LENGTH] = "\"max_tokens\"",
    [WIRE_FINISH_FILTER] = "\"refusal\"",
};

/* The first failure stays. */
struct writer {
    struct buf *out;
    const struct wire_answer *a;
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

/* "stop_reason":..,"stop_sequence":..,"stop_details":.. */
static void put_stop(struct writer *w, bool ended)
{
    put(w, "\"stop_reason\":");
    put(w, ended ? reasons[w->a->finish] : "null");
    put(w, ",\"stop_sequence\":null,\"stop_details\":");
    put(w, ended && w->a->finish == WIRE_FINISH_FILTER
               ? "{\"type\":\"refusal\",\"category\":null,"
                 "\"explanation\":null}"
               : "null");
}

/* The message, without its text where it is the beginning of a stream. */
static void put_message(struct writer *w, bool whole)
{
    put(w, "{\"id\":\"msg_");
    if (!w->rc)
        w->rc = buf_put(w->out, w->a->id);
    put(w, "\",\"type\":\"message\",\"role\":\"assistant\",\"model\":");
    put_text(w, w->a->model);
    put(w, ",\"content\":[");
    if (whole && w->a->text.n) {
        put(w, "{\"type\":\"text\",\"text\":");
        put_text(w, w->a->text);
        put(w, ",\"citations\":null}");
    }
    put(w, "],");
    put_stop(w, whole);
    put(w, ",\"container\":null,\"diagnostics\":null,\"usage\":");
    put(w, usage);
    put(w, "}");
}

static void put_event(struct writer *w, const char *type)
{
    put(w, "event: ");
    put(w, type);
    put(w, "\ndata: {\"type\":\"");
    put(w, type);
    put(w, "\"");
}

static void put_block(struct writer *w)
{
    put_event(w, "content_block_start");
    put(w, ",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\","
           "\"citations\":null}}\n\n");
    put_event(w, "content_block_delta");
    put(w, ",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":");
    put_text(w, w->a->text);
    put(w, "}}\n\n");
    put_event(w, "content_block_stop");
    put(w, ",\"index\":0}\n\n");
}

static void put_stream(struct writer *w)
{
    put_event(w, "message_start");
    put(w, ",\"message\":");
    put_message(w, false);
    put(w, "}\n\n");
    if (w->a->text.n)
        put_block(w);
    put_event(w, "message_delta");
    put(w, ",\"delta\":{");
    put_stop(w, true);
    put(w, ",\"container\":null},\"usage\":");
    put(w, usage);
    put(w, "}\n\n");
    put_event(w, "message_stop");
    put(w, "}\n\n");
}

bool anthropic_answers(enum dialect d)
{
    return d == DIALECT_ANTHROPIC;
}

int anthropic_answer(enum dialect d, const struct wire_answer *a,
                     struct buf *out)
{
    struct writer w = { .out = out, .a = a };

    if (!anthropic_answers(d))
        return -ERR_NOTFOUND;
    if (a->stream)
        put_stream(&w);
    else
        put_message(&w, true);
    return w.rc;
}

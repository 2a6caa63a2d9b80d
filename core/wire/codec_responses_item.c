/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Responses answers, written: items and parts, from their first event to
 * their last. What is over is kept once more for the response that the last
 * event (or the whole body) carries.
 */
#include "wire/codec_responses_out.h"

static struct jstr inside(const struct buf *b)
{
    return (struct jstr){ buf_str(b).p ? buf_str(b).p : "", buf_len(b) };
}

static struct jw nothing(struct buf *b)
{
    return (struct jw){ .b = b, .comma = buf_len(b) > 0 };
}

void responses_begin(struct responses_out *out, struct jw *w,
                     const char *type)
{
    jw_bytes(w, STR("event: "));
    jw_bytes(w, str_of(type));
    jw_bytes(w, STR("\ndata: "));
    w->comma = false;
    jw_open(w, '{');
    jw_member_text(w, "type", str_of(type));
    jw_member_int(w, "sequence_number", out->base.number++);
}

void responses_end(struct jw *w)
{
    jw_close(w, '}');
    jw_bytes(w, STR("\n\n"));
}

/* ---- items -------------------------------------------------------------- */

static void put_message(const struct responses_out *out, struct jw *w)
{
    jw_member_text(w, "role", STR("assistant"));
    jw_key(w, "content");
    jw_open(w, '[');
    jw_bytes(w, buf_str(&out->parts));
    jw_close(w, ']');
}

static void put_thought(const struct responses_out *out, struct jw *w)
{
    jw_key(w, "summary");
    jw_open(w, '[');
    jw_bytes(w, buf_str(&out->parts));
    jw_close(w, ']');
    if (buf_len(&out->sealed))
        jw_member_jstr(w, "encrypted_content", inside(&out->sealed));
}

static void put_call(const struct responses_out *out, struct jw *w)
{
    jw_member_text(w, "call_id", out->call_id);
    jw_member_text(w, "name", out->call_name);
    jw_member_jstr(w, out->custom ? "input" : "arguments",
                   inside(&out->text));
}

static void put_item(const struct responses_out *out, struct jw *w, bool over)
{
    bool call = out->open == RESPONSES_CALL;

    jw_open(w, '{');
    jw_member_text(w, "id", out->item_id);
    jw_member_text(w, "type", out->open == RESPONSES_MESSAGE ? STR("message")
                              : !call       ? STR("reasoning")
                              : out->custom ? STR("custom_tool_call")
                                            : STR("function_call"));
    if (out->open != RESPONSES_THOUGHT)
        jw_member_text(w, "status", over ? STR("completed")
                                         : STR("in_progress"));
    if (call)
        put_call(out, w);
    else if (out->open == RESPONSES_MESSAGE)
        put_message(out, w);
    else
        put_thought(out, w);
    jw_close(w, '}');
}

static void put_item_event(struct responses_out *out, struct jw *w, bool over)
{
    responses_begin(out, w, over ? "response.output_item.done"
                                 : "response.output_item.added");
    jw_member_int(w, "output_index", out->index);
    jw_key(w, "item");
    put_item(out, w, over);
    responses_end(w);
}

int responses_open_item(struct responses_out *out, struct jw *w,
                        enum responses_open kind)
{
    static const char *const prefixes[] = { [RESPONSES_MESSAGE] = "msg_",
                                            [RESPONSES_THOUGHT] = "rs_",
                                            [RESPONSES_CALL] = "fc_" };

    out->open = kind;
    out->part = false;
    out->n_parts = 0;
    out->item_id = codec_id_made(kind == RESPONSES_CALL && out->custom
                                     ? "ctc_" : prefixes[kind],
                                 out->base.opts.unique, out->index,
                                 out->base.a);
    if (!out->item_id.p)
        return -ERR_NOMEM;
    buf_reset(&out->text);
    buf_reset(&out->parts);
    buf_reset(&out->sealed);
    if (out->base.opts.stream)
        put_item_event(out, w, false);
    return w->rc;
}

int responses_close_item(struct responses_out *out, struct jw *w)
{
    struct jw kept = nothing(&out->items);
    int rc = out->part ? responses_close_part(out, w) : 0;

    if (out->open == RESPONSES_NONE || rc)
        return rc;
    put_item(out, &kept, true);
    if (out->base.opts.stream)
        put_item_event(out, w, true);
    out->open = RESPONSES_NONE;
    out->index++;
    return w->rc ? w->rc : kept.rc;
}

/* ---- parts -------------------------------------------------------------- */

static void put_probs(const struct responses_out *out, struct jw *w)
{
    jw_key(w, "logprobs");
    jw_open(w, '[');
    jw_bytes(w, buf_str(&out->probs));
    jw_close(w, ']');
}

static void put_part(const struct responses_out *out, struct jw *w)
{
    jw_open(w, '{');
    if (out->open == RESPONSES_THOUGHT) {
        jw_member_text(w, "type", STR("summary_text"));
        jw_member_jstr(w, "text", inside(&out->text));
    } else if (out->refusal) {
        jw_member_text(w, "type", STR("refusal"));
        jw_member_jstr(w, "refusal", inside(&out->text));
    } else {
        jw_member_text(w, "type", STR("output_text"));
        jw_member_jstr(w, "text", inside(&out->text));
        jw_key(w, "annotations");
        jw_open(w, '[');
        jw_bytes(w, buf_str(&out->citations));
        jw_close(w, ']');
        put_probs(out, w);
    }
    jw_close(w, '}');
}

static void put_place(const struct responses_out *out, struct jw *w)
{
    jw_member_text(w, "item_id", out->item_id);
    jw_member_int(w, "output_index", out->index);
    jw_member_int(w, out->open == RESPONSES_THOUGHT ? "summary_index"
                                                    : "content_index",
                  out->n_parts);
}

static void put_part_event(struct responses_out *out, struct jw *w, bool over)
{
    static const char *const types[2][2] = {
        { "response.content_part.added", "response.content_part.done" },
        { "response.reasoning_summary_part.added",
          "response.reasoning_summary_part.done" },
    };

    responses_begin(out, w, types[out->open == RESPONSES_THOUGHT][over]);
    put_place(out, w);
    jw_key(w, "part");
    put_part(out, w);
    responses_end(w);
}

int responses_open_part(struct responses_out *out, struct jw *w, bool refusal)
{
    out->part = true;
    out->refusal = refusal;
    out->n_citations = 0;
    out->length = 0;
    buf_reset(&out->text);
    buf_reset(&out->citations);
    buf_reset(&out->probs);
    if (out->base.opts.stream)
        put_part_event(out, w, false);
    return w->rc;
}

static void put_text_done(struct responses_out *out, struct jw *w)
{
    bool thought = out->open == RESPONSES_THOUGHT;

    responses_begin(out, w, thought        ? "response.reasoning_summary_text"
                                             ".done"
                            : out->refusal ? "response.refusal.done"
                                           : "response.output_text.done");
    put_place(out, w);
    jw_member_jstr(w, out->refusal ? "refusal" : "text", inside(&out->text));
    if (!thought && !out->refusal)
        put_probs(out, w);
    responses_end(w);
}

int responses_close_part(struct responses_out *out, struct jw *w)
{
    struct jw kept = nothing(&out->parts);

    if (!out->part)
        return w->rc;
    if (out->base.opts.stream) {
        put_text_done(out, w);
        put_part_event(out, w, true);
    }
    put_part(out, &kept);
    out->part = false;
    out->n_parts++;
    return w->rc ? w->rc : kept.rc;
}

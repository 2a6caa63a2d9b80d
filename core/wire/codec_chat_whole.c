/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * OpenAI chat answers, written whole: each kind of content is gathered in the
 * form in which the body will hold it, and put together at the end.
 */
#include "wire/codec_chat_out.h"
#include "wire/codec_probs.h"

static int gather(struct buf *b, struct jstr text)
{
    return buf_put(b, (struct str){ text.p, text.n });
}

/* To write the next element of an array whose inside is in `b`. */
static struct jw element(struct buf *b)
{
    return (struct jw){ .b = b, .comma = buf_len(b) > 0 };
}

static int begin_call(struct chat_said *c, const struct neutral_event *ev)
{
    struct jw w = element(&c->calls);

    c->open = CHAT_CALL;
    c->args = false;
    c->custom = ev->custom;
    c->n_calls++;
    jw_open(&w, '{');
    jw_member_text(&w, "id", ev->id);
    jw_member_text(&w, "type", ev->custom ? STR("custom") : STR("function"));
    if (ev->signature.p) {
        jw_key(&w, "extra_content");
        jw_open(&w, '{');
        jw_key(&w, "google");
        jw_open(&w, '{');
        jw_member_jstr(&w, "thought_signature", ev->signature);
        jw_close(&w, '}');
        jw_close(&w, '}');
    }
    jw_key(&w, ev->custom ? "custom" : "function");
    jw_open(&w, '{');
    jw_member_text(&w, "name", ev->tool);
    jw_key(&w, ev->custom ? "input" : "arguments");
    jw_bytes(&w, STR("\""));
    return w.rc;
}

/* The old form: one call, {"name", "arguments"}. */
static int begin_legacy(struct chat_out *out, struct chat_said *c,
                        const struct neutral_event *ev)
{
    struct jw w = { .b = &c->calls };

    c->open = CHAT_CALL;
    c->args = c->custom = false;
    buf_reset(&c->calls);
    c->n_calls++;
    chat_lose_call(out, c);
    jw_open(&w, '{');
    jw_member_text(&w, "name", ev->tool);
    jw_key(&w, "arguments");
    jw_bytes(&w, STR("\""));
    return w.rc;
}

static int end_call(struct chat_said *c, bool legacy)
{
    int rc = 0;

    if (!c->args && !c->custom)
        rc = buf_put(&c->calls, STR("{}"));
    return rc ? rc : buf_put(&c->calls, legacy ? STR("\"}") : STR("\"}}"));
}

static int end_block(struct chat_out *out, struct chat_said *c)
{
    struct jw w = element(&c->blocks);

    if (c->open == CHAT_CALL)
        w.rc = end_call(c, out->base.opts.legacy_functions);
    else if (c->open == CHAT_THINKING && buf_len(&c->signature))
        chat_put_thinking(&w, c, false);
    buf_clear(&c->thinking);
    buf_clear(&c->signature);
    c->open = CHAT_NONE;
    return w.rc;
}

static int put_redacted(struct chat_said *c, struct jstr data)
{
    struct jw w = element(&c->blocks);

    jw_open(&w, '{');
    jw_member_text(&w, "type", STR("redacted_thinking"));
    jw_member_jstr(&w, "data", data);
    jw_close(&w, '}');
    return w.rc;
}

static int put_raw(struct buf *b, struct str raw)
{
    struct jw w = element(b);

    jw_raw(&w, raw);
    return w.rc;
}

static int put_citation(struct chat_said *c, const struct neutral_event *ev)
{
    struct jw w = element(&c->annotations);

    chat_put_citation(&w, c, ev, false);
    return w.rc;
}

static int put_image(struct chat_said *c, const struct neutral_event *ev)
{
    struct jw w = element(&c->images);

    chat_put_image(&w, c, ev, false);
    return w.rc;
}

/* The elements of each piece's "content" become one array. */
static int put_logprobs(struct chat_out *out, struct chat_said *c,
                        const struct neutral_event *ev)
{
    struct json j = { 0 };
    uint32_t content;
    struct str raw;
    int rc;

    if (ev->from != DIALECT_OPENAI_CHAT) {
        out_lose_event(&out->base, ev);
        return 0;
    }
    rc = probs_open(&j, ev, &content);
    raw = json_raw(&j, content);
    if (!rc && content != JSON_NONE && json_first(&j, content) != JSON_NONE)
        rc = put_raw(&c->logprobs, (struct str){ raw.p + 1, raw.n - 2 });
    json_clear(&j);
    return rc;
}

static int put_text(struct chat_said *c, struct jstr text)
{
    if (c->open != CHAT_TEXT)
        c->block_start = c->length;
    c->open = CHAT_TEXT;
    c->any_content = true;
    c->length += jstr_length(text);
    return gather(&c->content, text);
}

static int put_thinking(struct chat_said *c, struct jstr text)
{
    int rc = gather(&c->thinking, text);

    c->open = CHAT_THINKING;
    return rc ? rc : gather(&c->reasoning, text);
}

static int put_finish(struct chat_out *out, struct chat_said *c,
                      const struct neutral_event *ev)
{
    int rc = c->open == CHAT_NONE ? 0 : end_block(out, c);

    c->finished = true;
    c->finish = ev->finish;
    chat_lose_end(out, ev);
    if (!rc && ev->finish == FINISH_FILTER && ev->name.n) {
        c->any_refusal = true;
        rc = gather(&c->refusal, ev->name);
    }
    return rc;
}

static int put_event(struct chat_out *out, struct chat_said *c,
                     const struct neutral_event *ev)
{
    if (!chat_can(ev)) {
        out_lose_event(&out->base, ev);
        return 0;
    }
    switch (ev->type) {
    case NEUTRAL_TEXT:
        return put_text(c, ev->text);
    case NEUTRAL_REFUSAL:
        c->any_refusal = true;
        return gather(&c->refusal, ev->text);
    case NEUTRAL_THINKING:
        return put_thinking(c, ev->text);
    case NEUTRAL_SIGNATURE:
        c->open = CHAT_THINKING;
        return gather(&c->signature, ev->text);
    case NEUTRAL_REDACTED:
        return put_redacted(c, ev->text);
    case NEUTRAL_TOOL_BEGIN:
        return out->base.opts.legacy_functions ? begin_legacy(out, c, ev)
                                               : begin_call(c, ev);
    case NEUTRAL_TOOL_ARGS:
        c->args = true;
        return gather(&c->calls, ev->text);
    case NEUTRAL_CITATION:
        return put_citation(c, ev);
    case NEUTRAL_BLOCK_END:
        return end_block(out, c);
    case NEUTRAL_IMAGE:
        return put_image(c, ev);
    case NEUTRAL_OPAQUE:
        return put_raw(&c->details, ev->raw);
    case NEUTRAL_LOGPROBS:
        return put_logprobs(out, c, ev);
    case NEUTRAL_FINISH:
        return put_finish(out, c, ev);
    default:
        return 0;
    }
}

/* ---- the body ----------------------------------------------------------- */

static struct jstr inside(const struct buf *b)
{
    return (struct jstr){ buf_str(b).p, buf_len(b) };
}

static void put_array(struct jw *w, const char *name, const struct buf *b)
{
    if (!buf_len(b))
        return;
    jw_key(w, name);
    jw_open(w, '[');
    jw_bytes(w, buf_str(b));
    jw_close(w, ']');
}

static void put_or_null(struct jw *w, const char *name, bool is,
                        const struct buf *b)
{
    jw_key(w, name);
    if (is)
        jw_jstr(w, inside(b));
    else
        jw_raw(w, STR("null"));
}

static void put_message(struct chat_out *out, struct jw *w,
                        const struct chat_said *c)
{
    bool silent = c->n_calls || c->any_refusal;

    jw_open(w, '{');
    jw_member_text(w, "role", STR("assistant"));
    put_or_null(w, "content", c->any_content || !silent, &c->content);
    put_or_null(w, "refusal", c->any_refusal, &c->refusal);
    if (buf_len(&c->reasoning))
        jw_member_jstr(w, "reasoning_content", inside(&c->reasoning));
    put_array(w, "thinking_blocks", &c->blocks);
    put_array(w, "reasoning_details", &c->details);
    put_array(w, "annotations", &c->annotations);
    put_array(w, "images", &c->images);
    if (out->base.opts.legacy_functions && c->n_calls)
        jw_member_raw(w, "function_call", buf_str(&c->calls));
    else
        put_array(w, "tool_calls", &c->calls);
    jw_close(w, '}');
}

static void put_choice(struct chat_out *out, struct jw *w,
                       const struct chat_said *c)
{
    const char *word = chat_finish_word(c->finish);

    if (c->finish == FINISH_TOOL && out->base.opts.legacy_functions)
        word = "function_call";
    jw_open(w, '{');
    jw_member_int(w, "index", c->index);
    jw_key(w, "message");
    put_message(out, w, c);
    jw_key(w, "logprobs");
    if (buf_len(&c->logprobs)) {
        jw_open(w, '{');
        put_array(w, "content", &c->logprobs);
        jw_member_raw(w, "refusal", STR("null"));
        jw_close(w, '}');
    } else {
        jw_raw(w, STR("null"));
    }
    jw_member_text(w, "finish_reason", str_of(word));
    jw_close(w, '}');
}

static int put_body(struct chat_out *out, struct buf *to)
{
    struct jw w = { .b = to };

    jw_bytes(&w, buf_str(&out->head));
    w.comma = true;
    jw_key(&w, "choices");
    jw_open(&w, '[');
    for (const struct chat_said *c = out->choices; c; c = c->next)
        put_choice(out, &w, c);
    jw_close(&w, ']');
    jw_key(&w, "usage");
    chat_put_usage(&w, &out->base.usage);
    chat_put_tier(out, &w);
    jw_close(&w, '}');
    return w.rc;
}

int chat_whole(struct chat_out *out, const struct neutral_event *ev,
               struct buf *to)
{
    struct jw w = { .b = to };
    struct chat_said *c;

    switch (ev->type) {
    case NEUTRAL_END:
        return put_body(out, to);
    case NEUTRAL_ERROR:
        chat_put_error(&w, ev->error, ev->from == DIALECT_OPENAI_CHAT);
        return w.rc;
    case NEUTRAL_PING:
    case NEUTRAL_USAGE:
        return 0;
    default:
        break;
    }
    c = chat_said(out, ev->choice);
    if (!c)
        return -ERR_NOMEM;
    if (c->finished)
        return -ERR_BUG;
    return put_event(out, c, ev);
}

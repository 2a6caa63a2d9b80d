/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * OpenAI chat answers, written as a stream: a role chunk for each choice, its
 * pieces, its finish chunk; at the end the usage chunk where it was asked
 * for, and [DONE]. What all chunks begin with is made once.
 */
#include "wire/codec_chat_out.h"

#include "wire/codec_chat.h"

#define CHOICES_MAX 128

static struct chat_out *chat_of(struct codec_out *out)
{
    return (struct chat_out *)(void *)out;
}

static void on_free(void *ud)
{
    struct chat_out *out = ud;

    for (struct chat_said *c = out->choices; c; c = c->next) {
        buf_clear(&c->thinking);
        buf_clear(&c->signature);
        buf_clear(&c->content);
        buf_clear(&c->refusal);
        buf_clear(&c->reasoning);
        buf_clear(&c->blocks);
        buf_clear(&c->details);
        buf_clear(&c->calls);
        buf_clear(&c->annotations);
        buf_clear(&c->logprobs);
        buf_clear(&c->images);
    }
    buf_clear(&out->head);
}

int chat_out_init(struct codec_out *base)
{
    struct chat_out *out = chat_of(base);

    buf_init(&out->head, 64 * 1024);
    return arena_defer(base->a, on_free, out);
}

struct chat_said *chat_said(struct chat_out *out, uint32_t index)
{
    struct chat_said *c = out->choices, **end = &out->choices;
    size_t max = out->base.opts.max_held;

    for (; c && c->index <= index; end = &c->next, c = c->next) {
        if (c->index == index)
            return c;
    }
    if (out->n_choices++ >= CHOICES_MAX)
        return NULL;
    c = arena_alloc(out->base.a, sizeof *c);
    if (!c)
        return NULL;
    c->index = index;
    buf_init(&c->thinking, max);
    buf_init(&c->signature, max);
    buf_init(&c->content, max);
    buf_init(&c->refusal, max);
    buf_init(&c->reasoning, max);
    buf_init(&c->blocks, max);
    buf_init(&c->details, max);
    buf_init(&c->calls, max);
    buf_init(&c->annotations, max);
    buf_init(&c->logprobs, max);
    buf_init(&c->images, max);
    c->next = *end;
    *end = c; /* in their order, whatever order they came in */
    return c;
}

/* ---- members that a stream and a whole answer share ---------------------- */

const char *chat_finish_word(enum neutral_finish f)
{
    switch (f) {
    case FINISH_LENGTH:
    case FINISH_CONTEXT:
        return "length";
    case FINISH_TOOL:
        return "tool_calls";
    case FINISH_FILTER:
        return "content_filter";
    default:
        return "stop";
    }
}

static int64_t known(int64_t v)
{
    return v > 0 ? v : 0;
}

/* Inclusive counts again; what was not said is 0, where there must be one. */
void chat_put_usage(struct jw *w, const struct usage *u)
{
    int64_t prompt = known(u->input) + known(u->cache_read) +
                     known(u->cache_write);

    jw_open(w, '{');
    jw_member_int(w, "prompt_tokens", prompt);
    jw_member_int(w, "completion_tokens", known(u->output));
    jw_member_int(w, "total_tokens", prompt + known(u->output));
    if (u->cache_read >= 0 || u->cache_write >= 0) {
        jw_key(w, "prompt_tokens_details");
        jw_open(w, '{');
        jw_member_int(w, "cached_tokens", known(u->cache_read));
        if (u->cache_write >= 0)
            jw_member_int(w, "cache_write_tokens", u->cache_write);
        jw_close(w, '}');
    }
    if (u->reasoning >= 0) {
        jw_key(w, "completion_tokens_details");
        jw_open(w, '{');
        jw_member_int(w, "reasoning_tokens", u->reasoning);
        jw_close(w, '}');
    }
    jw_close(w, '}');
}

void chat_put_thinking(struct jw *w, const struct chat_said *c, bool index)
{
    struct str text = buf_str(&c->thinking), sign = buf_str(&c->signature);

    jw_open(w, '{');
    jw_member_text(w, "type", STR("thinking"));
    jw_member_jstr(w, "thinking", (struct jstr){ text.p, text.n });
    jw_member_jstr(w, "signature", (struct jstr){ sign.p, sign.n });
    if (index)
        jw_member_int(w, "index", c->n_blocks);
    jw_close(w, '}');
}

/* ---- chunks ------------------------------------------------------------- */

static int make_head(struct chat_out *out, const struct neutral_event *ev)
{
    const struct codec_out_opts *o = &out->base.opts;
    struct jw w = { .b = &out->head };
    struct str model = o->model.n ? o->model : ev->model;
    struct str id = ev->id;

    if (!id.n)
        id = arena_fmt(out->base.a, "chatcmpl-" STR_FMT,
                       STR_ARG(o->unique));
    jw_open(&w, '{');
    jw_member_text(&w, "id", id);
    jw_member_text(&w, "object", o->stream ? STR("chat.completion.chunk")
                                           : STR("chat.completion"));
    jw_member_int(&w, "created", ev->created ? ev->created : o->created);
    jw_member_text(&w, "model", model);
    return id.p ? w.rc : -ERR_NOMEM;
}

static void begin_chunk(struct chat_out *out, struct jw *w)
{
    jw_bytes(w, STR("data: "));
    jw_bytes(w, buf_str(&out->head));
    w->comma = true;
}

/* From "choices" to where the delta's members go. */
void chat_begin_delta(struct chat_out *out, struct jw *w,
                      const struct chat_said *c)
{
    begin_chunk(out, w);
    jw_bytes(w, STR(",\"choices\":[{\"index\":"));
    w->comma = false;
    jw_int(w, c->index);
    jw_bytes(w, STR(",\"delta\":{"));
    w->comma = false;
}

void chat_end_chunk(struct chat_out *out, struct jw *w)
{
    jw_bytes(w, out->base.opts.include_usage ? STR(",\"usage\":null}\n\n")
                                             : STR("}\n\n"));
}

void chat_end_delta(struct chat_out *out, struct jw *w)
{
    jw_bytes(w, STR("},\"finish_reason\":null}]"));
    chat_end_chunk(out, w);
}

static void put_role(struct chat_out *out, struct jw *w, struct chat_said *c)
{
    if (c->began)
        return;
    c->began = true;
    chat_begin_delta(out, w, c);
    jw_bytes(w, STR("\"role\":\"assistant\",\"content\":\"\","
                    "\"refusal\":null"));
    chat_end_delta(out, w);
}

static void put_piece(struct chat_out *out, struct jw *w,
                      const struct chat_said *c, const char *name,
                      struct jstr text)
{
    chat_begin_delta(out, w, c);
    jw_member_jstr(w, name, text);
    chat_end_delta(out, w);
}

static void begin_call(struct chat_out *out, struct jw *w,
                       const struct chat_said *c)
{
    chat_begin_delta(out, w, c);
    jw_bytes(w, STR("\"tool_calls\":[{\"index\":"));
    jw_int(w, c->n_calls - 1);
}

static void put_call(struct chat_out *out, struct jw *w, struct chat_said *c,
                     const struct neutral_event *ev)
{
    c->open = CHAT_CALL;
    c->args = false;
    c->custom = ev->custom;
    c->n_calls++;
    chat_lose_call(out, c);
    if (out->base.opts.legacy_functions) {
        chat_begin_delta(out, w, c);
        jw_bytes(w, STR("\"function_call\":{"));
        jw_member_text(w, "name", ev->tool);
        jw_bytes(w, STR(",\"arguments\":\"\"}"));
        chat_end_delta(out, w);
        return;
    }
    begin_call(out, w, c);
    jw_member_text(w, "id", ev->id);
    jw_member_text(w, "type", ev->custom ? STR("custom") : STR("function"));
    if (ev->signature.p) {
        jw_bytes(w, STR(",\"extra_content\":{\"google\":{"));
        w->comma = false;
        jw_member_jstr(w, "thought_signature", ev->signature);
        jw_bytes(w, STR("}}"));
    }
    jw_key(w, ev->custom ? "custom" : "function");
    jw_open(w, '{');
    jw_member_text(w, "name", ev->tool);
    jw_bytes(w, ev->custom ? STR(",\"input\":\"\"}}]")
                           : STR(",\"arguments\":\"\"}}]"));
    chat_end_delta(out, w);
}

static void put_args(struct chat_out *out, struct jw *w, struct chat_said *c,
                     struct jstr args)
{
    c->args = true;
    if (out->base.opts.legacy_functions) {
        chat_begin_delta(out, w, c);
        jw_bytes(w, STR("\"function_call\":{\"arguments\":"));
        jw_jstr(w, args);
        jw_bytes(w, STR("}"));
        chat_end_delta(out, w);
        return;
    }
    begin_call(out, w, c);
    jw_bytes(w, c->custom ? STR(",\"custom\":{\"input\":")
                          : STR(",\"function\":{\"arguments\":"));
    w->comma = false;
    jw_jstr(w, args);
    jw_bytes(w, STR("}}]"));
    chat_end_delta(out, w);
}

/* A block's end: what could not be said before it was whole. */
static void put_block_end(struct chat_out *out, struct jw *w,
                          struct chat_said *c)
{
    if (c->open == CHAT_CALL && !c->args && !c->custom)
        put_args(out, w, c, JSTR("{}"));
    if (c->open == CHAT_THINKING && buf_len(&c->signature)) {
        chat_begin_delta(out, w, c);
        jw_bytes(w, STR("\"thinking_blocks\":["));
        chat_put_thinking(w, c, true);
        jw_bytes(w, STR("]"));
        chat_end_delta(out, w);
        c->n_blocks++;
    }
    buf_clear(&c->thinking);
    buf_clear(&c->signature);
    c->open = CHAT_NONE;
}

static void put_finish(struct chat_out *out, struct jw *w,
                       struct chat_said *c, const struct neutral_event *ev)
{
    const char *word = chat_finish_word(ev->finish);

    if (c->open != CHAT_NONE)
        put_block_end(out, w, c);
    if (ev->finish == FINISH_FILTER && ev->name.n)
        put_piece(out, w, c, "refusal", ev->name);
    if (ev->finish == FINISH_TOOL && out->base.opts.legacy_functions)
        word = "function_call";
    c->finished = true;
    chat_lose_end(out, ev);
    chat_begin_delta(out, w, c);
    jw_bytes(w, STR("},\"finish_reason\":\""));
    jw_bytes(w, str_of(word));
    jw_bytes(w, STR("\"}]"));
    chat_end_chunk(out, w);
}

static void put_end(struct chat_out *out, struct jw *w)
{
    if (out->base.opts.include_usage) {
        begin_chunk(out, w);
        jw_bytes(w, STR(",\"choices\":[],\"usage\":"));
        w->comma = false;
        chat_put_usage(w, &out->base.usage);
        chat_put_tier(out, w);
        jw_bytes(w, STR("}\n\n"));
    }
    jw_bytes(w, STR("data: [DONE]\n\n"));
}

static int gather(struct buf *b, struct jstr text)
{
    return buf_put(b, (struct str){ text.p, text.n });
}

static void put_event(struct chat_out *out, struct jw *w,
                      struct chat_said *c, const struct neutral_event *ev)
{
    switch (ev->type) {
    case NEUTRAL_TEXT:
        if (c->open != CHAT_TEXT)
            c->block_start = c->length;
        c->open = CHAT_TEXT;
        c->length += jstr_length(ev->text);
        put_piece(out, w, c, "content", ev->text);
        break;
    case NEUTRAL_REFUSAL:
        put_piece(out, w, c, "refusal", ev->text);
        break;
    case NEUTRAL_THINKING:
        c->open = CHAT_THINKING;
        if (!w->rc)
            w->rc = gather(&c->thinking, ev->text);
        put_piece(out, w, c, "reasoning_content", ev->text);
        break;
    case NEUTRAL_SIGNATURE:
        c->open = CHAT_THINKING;
        if (!w->rc)
            w->rc = gather(&c->signature, ev->text);
        break;
    case NEUTRAL_TOOL_BEGIN:
        put_call(out, w, c, ev);
        break;
    case NEUTRAL_TOOL_ARGS:
        put_args(out, w, c, ev->text);
        break;
    case NEUTRAL_BLOCK_END:
        put_block_end(out, w, c);
        break;
    case NEUTRAL_LOGPROBS:
        chat_put_logprobs(out, w, c, ev);
        break;
    case NEUTRAL_FINISH:
        put_finish(out, w, c, ev);
        break;
    default:
        chat_put_other(out, w, c, ev);
    }
}

static int stream(struct chat_out *out, const struct neutral_event *ev,
                  struct buf *to)
{
    struct jw w = { .b = to };
    struct chat_said *c;

    if (ev->type == NEUTRAL_PING) {
        jw_bytes(&w, STR(": keep-alive\n\n"));
        return w.rc;
    }
    if (ev->type == NEUTRAL_END) {
        put_end(out, &w);
        return w.rc;
    }
    if (ev->type == NEUTRAL_ERROR) {
        jw_bytes(&w, STR("data: "));
        chat_put_error(&w, ev->error, ev->from == DIALECT_OPENAI_CHAT);
        jw_bytes(&w, STR("\n\n"));
        return w.rc;
    }
    if (ev->type == NEUTRAL_USAGE) { /* the last chunk says it */
        out_tier(&out->base, out->base.opts.include_usage ? OPENAI_TIERS : 0);
        return 0;
    }
    c = chat_said(out, ev->choice);
    if (!c)
        return -ERR_NOMEM;
    if (c->finished)
        return -ERR_BUG;
    put_role(out, &w, c);
    if (ev->type != NEUTRAL_START)
        put_event(out, &w, c, ev);
    return w.rc;
}

int chat_encode(struct codec_out *base, const struct neutral_event *ev,
                struct buf *to)
{
    struct chat_out *out = chat_of(base);
    int rc;

    if (base->ended)
        return 0;
    rc = codec_out_note(base, ev);
    if (!rc && ev->type == NEUTRAL_START)
        rc = make_head(out, ev);
    if (rc)
        return rc;
    return base->opts.stream ? stream(out, ev, to) : chat_whole(out, ev, to);
}

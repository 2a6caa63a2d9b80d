/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Completions, written: of what a model says only text has a place. The same
 * object is a chunk and a whole answer.
 */
#include "wire/codec_completions.h"

#include "wire/codec_chat_out.h"

static struct completions_out *completions_of(struct codec_out *out)
{
    return (struct completions_out *)(void *)out;
}

static void on_free(void *ud)
{
    struct completions_out *out = ud;

    for (struct completions_said *c = out->choices; c; c = c->next)
        buf_clear(&c->text);
    buf_clear(&out->head);
}

int completions_out_init(struct codec_out *base)
{
    struct completions_out *out = completions_of(base);

    buf_init(&out->head, 64 * 1024);
    return arena_defer(base->a, on_free, out);
}

static struct completions_said *said(struct completions_out *out,
                                     uint32_t index)
{
    struct completions_said *c = out->choices, **end = &out->choices;

    for (; c && c->index <= index; end = &c->next, c = c->next) {
        if (c->index == index)
            return c;
    }
    if (out->n_choices++ >= COMPLETIONS_CHOICES_MAX)
        return NULL;
    c = arena_alloc(out->base.a, sizeof *c);
    if (!c)
        return NULL;
    c->index = index;
    buf_init(&c->text, out->base.opts.max_held);
    c->next = *end;
    *end = c;
    return c;
}

static int make_head(struct completions_out *out,
                     const struct neutral_event *ev)
{
    const struct codec_out_opts *o = &out->base.opts;
    struct jw w = { .b = &out->head };
    struct str id = ev->id;

    if (!id.n)
        id = arena_fmt(out->base.a, "cmpl-" STR_FMT, STR_ARG(o->unique));
    jw_open(&w, '{');
    jw_member_text(&w, "id", id);
    jw_member_text(&w, "object", STR("text_completion"));
    jw_member_int(&w, "created", ev->created ? ev->created : o->created);
    jw_member_text(&w, "model", o->model.n ? o->model : ev->model);
    return id.p ? w.rc : -ERR_NOMEM;
}

/* {"text":..., "index":..., "logprobs":null, "finish_reason":...} */
static void put_choice(struct jw *w, uint32_t index, struct jstr text,
                       enum neutral_finish finish)
{
    jw_open(w, '{');
    jw_member_jstr(w, "text", text);
    jw_member_int(w, "index", index);
    jw_member_raw(w, "logprobs", STR("null"));
    jw_key(w, "finish_reason");
    if (finish == FINISH_NONE)
        jw_raw(w, STR("null"));
    else /* a call has no place here: what ends with one just ends */
        jw_text(w, str_of(finish == FINISH_TOOL ? "stop"
                                                : chat_finish_word(finish)));
    jw_close(w, '}');
}

static void put_chunk(struct completions_out *out, struct jw *w,
                      const struct completions_said *c, struct jstr text)
{
    jw_bytes(w, STR("data: "));
    jw_bytes(w, buf_str(&out->head));
    jw_bytes(w, STR(",\"choices\":["));
    w->comma = false;
    put_choice(w, c->index, text, c->finish);
    jw_bytes(w, out->base.opts.include_usage ? STR("],\"usage\":null}\n\n")
                                             : STR("]}\n\n"));
}

static void put_stream_end(struct completions_out *out, struct jw *w)
{
    if (out->base.opts.include_usage) {
        jw_bytes(w, STR("data: "));
        jw_bytes(w, buf_str(&out->head));
        jw_bytes(w, STR(",\"choices\":[],\"usage\":"));
        w->comma = false;
        chat_put_usage(w, &out->base.usage);
        jw_bytes(w, STR("}\n\n"));
    }
    jw_bytes(w, STR("data: [DONE]\n\n"));
}

static void put_whole(struct completions_out *out, struct jw *w)
{
    jw_bytes(w, buf_str(&out->head));
    jw_bytes(w, STR(",\"choices\":["));
    w->comma = false;
    for (struct completions_said *c = out->choices; c; c = c->next) {
        struct str s = buf_str(&c->text);

        put_choice(w, c->index, (struct jstr){ s.p, s.n },
                   c->finish == FINISH_NONE ? FINISH_STOP : c->finish);
    }
    jw_bytes(w, STR("],\"usage\":"));
    w->comma = false;
    chat_put_usage(w, &out->base.usage);
    jw_bytes(w, STR("}"));
}

static void put_error(struct completions_out *out, struct jw *w,
                      const struct neutral_event *ev)
{
    bool stream = out->base.opts.stream;

    jw_bytes(w, stream ? STR("data: ") : STR(""));
    chat_put_error(w, ev->error, ev->from == DIALECT_OPENAI_CHAT);
    jw_bytes(w, stream ? STR("\n\n") : STR(""));
}

/* What is said of a choice: its text, or its end. */
static void put_said(struct completions_out *out, struct jw *w,
                     const struct neutral_event *ev)
{
    struct completions_said *c = said(out, ev->choice);

    if (!c) {
        w->rc = -ERR_NOMEM;
        return;
    }
    if (ev->type == NEUTRAL_FINISH)
        c->finish = ev->finish;
    if (out->base.opts.stream)
        put_chunk(out, w, c, ev->type == NEUTRAL_FINISH ? JSTR("")
                                                        : ev->text);
    else if (ev->type != NEUTRAL_FINISH)
        w->rc = buf_put(&c->text, (struct str){ ev->text.p, ev->text.n });
}

static void lose(struct codec_out *out, const struct neutral_event *ev)
{
    out_lose_event(out, ev);
    if (ev->type == NEUTRAL_USAGE)
        out_tier(out, 0);
    if (ev->finish == FINISH_STOP_SEQUENCE && ev->text.n)
        out_lose(out, LOSS_STOP);
}

int completions_encode(struct codec_out *base, const struct neutral_event *ev,
                       struct buf *to)
{
    struct completions_out *out = completions_of(base);
    struct jw w = { .b = to };
    int rc;

    if (base->ended)
        return 0;
    rc = codec_out_note(base, ev);
    if (!rc && ev->type == NEUTRAL_START)
        rc = make_head(out, ev);
    if (rc)
        return rc;
    if (ev->type == NEUTRAL_TEXT || ev->type == NEUTRAL_REFUSAL ||
        ev->type == NEUTRAL_FINISH)
        put_said(out, &w, ev);
    else if (ev->type == NEUTRAL_ERROR)
        put_error(out, &w, ev);
    else if (ev->type == NEUTRAL_PING && base->opts.stream)
        jw_bytes(&w, STR(": keep-alive\n\n"));
    else if (ev->type == NEUTRAL_END && base->opts.stream)
        put_stream_end(out, &w);
    else if (ev->type == NEUTRAL_END)
        put_whole(out, &w);
    else
        lose(base, ev);
    if (ev->type == NEUTRAL_FINISH)
        lose(base, ev);
    return w.rc;
}

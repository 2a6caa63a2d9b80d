/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * generateContent answers, written. Each piece of a block is a part; in a
 * stream it is an event of its own, in a whole answer they are gathered.
 * Calls are held until their arguments are complete, for Google's clients
 * read no fragments. Reasons and usage come with the last event.
 */
#include "wire/codec_gemini_out.h"

#define CHOICES_MAX 128

static struct gemini_out *gemini_of(struct codec_out *out)
{
    return (struct gemini_out *)(void *)out;
}

static void on_free(void *ud)
{
    struct gemini_out *out = ud;

    for (struct gemini_said *c = out->choices; c; c = c->next) {
        buf_clear(&c->text);
        buf_clear(&c->parts);
        buf_clear(&c->sources);
        buf_clear(&c->chosen);
        buf_clear(&c->tops);
    }
    buf_clear(&out->tail);
}

int gemini_out_init(struct codec_out *base)
{
    struct gemini_out *out = gemini_of(base);

    buf_init(&out->tail, 64 * 1024);
    return arena_defer(base->a, on_free, out);
}

static struct gemini_said *said(struct gemini_out *out, uint32_t index)
{
    struct gemini_said *c = out->choices, **end = &out->choices;

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
    c->open = NEUTRAL_BLOCK_END;
    buf_init(&c->text, out->base.opts.max_held);
    buf_init(&c->parts, out->base.opts.max_held);
    buf_init(&c->sources, out->base.opts.max_held);
    buf_init(&c->chosen, out->base.opts.max_held);
    buf_init(&c->tops, out->base.opts.max_held);
    c->next = *end;
    *end = c;
    return c;
}

/* What each event ends with. */
static int make_tail(struct gemini_out *out, const struct neutral_event *ev)
{
    const struct codec_out_opts *o = &out->base.opts;
    struct jw w = { .b = &out->tail, .comma = true };

    jw_member_text(&w, "modelVersion", o->model.n ? o->model : ev->model);
    jw_member_text(&w, "responseId", ev->id.n ? ev->id : o->unique);
    jw_close(&w, '}');
    return w.rc;
}

/* ---- members ------------------------------------------------------------ */

/* An event or the whole: candidates, and in the last one the usage. */
static void begin_answer(struct jw *w, bool stream)
{
    if (stream)
        jw_bytes(w, STR("data: "));
    jw_open(w, '{');
    jw_key(w, "candidates");
    jw_open(w, '[');
}

static void end_answer(struct gemini_out *out, struct jw *w, bool stream)
{
    jw_bytes(w, buf_str(&out->tail));
    if (stream)
        jw_bytes(w, STR("\r\n\r\n"));
    w->comma = false;
}

static void begin_candidate(struct jw *w)
{
    jw_open(w, '{');
    jw_key(w, "content");
    jw_open(w, '{');
    jw_key(w, "parts");
    jw_open(w, '[');
}

static void end_content(struct jw *w)
{
    jw_close(w, ']');
    jw_member_text(w, "role", STR("model"));
    jw_close(w, '}');
}

/* ---- parts -------------------------------------------------------------- */

/* Where a part goes: into the array of a whole answer, or into an event. */
struct jw gemini_begin_part(struct gemini_out *out, struct gemini_said *c,
                            struct buf *to)
{
    struct jw w = { .b = out->base.opts.stream ? to : &c->parts };

    if (out->base.opts.stream) {
        begin_answer(&w, true);
        begin_candidate(&w);
    } else {
        w.comma = buf_len(&c->parts) > 0;
    }
    return w;
}

int gemini_end_part(struct gemini_out *out, struct gemini_said *c,
                    struct jw *w)
{
    if (out->base.opts.stream) {
        end_content(w);
        jw_member_int(w, "index", c->index);
        jw_close(w, '}');
        jw_close(w, ']');
        end_answer(out, w, true);
    }
    return w->rc;
}

static int put_text_part(struct gemini_out *out, struct gemini_said *c,
                         struct jstr text, struct buf *to)
{
    struct jw w = gemini_begin_part(out, c, to);

    jw_open(&w, '{');
    jw_member_jstr(&w, "text", text);
    if (c->open == NEUTRAL_THINKING)
        jw_member_bool(&w, "thought", true);
    jw_close(&w, '}');
    return gemini_end_part(out, c, &w);
}

/* A part that has nothing but a signature: `kind` NULL is Gemini's own. */
static int put_signed(struct gemini_out *out, struct gemini_said *c,
                      const char *kind, struct str text, struct buf *to)
{
    struct jw w = gemini_begin_part(out, c, to);

    jw_open(&w, '{');
    jw_member_text(&w, "text", STR(""));
    if (c->open == NEUTRAL_THINKING)
        jw_member_bool(&w, "thought", true);
    jw_key(&w, "thoughtSignature");
    if (kind)
        gemini_put_sealed(&w, kind, text, out->base.a);
    else
        jw_jstr(&w, (struct jstr){ text.p, text.n });
    jw_close(&w, '}');
    return gemini_end_part(out, c, &w);
}

/* The arguments as an object: they were escaped once. */
static void put_args(struct gemini_said *c, struct jw *w, struct arena *a)
{
    struct json_limits lim = { .dup_nowhere = true };
    struct str held = buf_str(&c->text), text;
    struct jstr inside = { held.p, held.n };
    struct json j = { 0 };
    int rc;

    text = held.n ? jstr_text(inside, a) : STR("{}");
    rc = !text.p ? -ERR_NOMEM
         : c->custom ? -ERR_SYNTAX
                     : json_scan(&j, text, &lim, NULL);
    if (rc == -ERR_NOMEM) {
        w->rc = w->rc ? w->rc : rc;
    } else if (rc == 0 && j.nodes[0].type == JSON_T_OBJECT) {
        jw_raw_line(w, json_raw(&j, 0));
    } else { /* cut off, or no object: as a text */
        jw_open(w, '{');
        jw_member_jstr(w, "input", inside);
        jw_close(w, '}');
    }
    json_clear(&j);
}

static int put_call(struct gemini_out *out, struct gemini_said *c,
                    struct buf *to)
{
    struct arena *a = arena_new(out->base.opts.max_held + (1u << 20));
    struct jw w;
    int rc;

    if (!a)
        return -ERR_NOMEM;
    w = gemini_begin_part(out, c, to);
    jw_open(&w, '{');
    jw_key(&w, "functionCall");
    jw_open(&w, '{');
    jw_member_text(&w, "id", c->call_id);
    jw_member_text(&w, "name", c->call_name);
    jw_key(&w, "args");
    put_args(c, &w, a);
    jw_close(&w, '}');
    jw_opt_jstr(&w, "thoughtSignature", c->call_signature);
    jw_close(&w, '}');
    rc = gemini_end_part(out, c, &w);
    arena_free(a);
    return rc;
}

static int end_block(struct gemini_out *out, struct gemini_said *c,
                     struct buf *to)
{
    int rc = 0;

    if (c->open == NEUTRAL_TOOL_BEGIN)
        rc = put_call(out, c, to);
    else if (!out->base.opts.stream && buf_len(&c->text))
        rc = put_text_part(out, c,
                           (struct jstr){ buf_str(&c->text).p,
                                          buf_len(&c->text) }, to);
    c->open = NEUTRAL_BLOCK_END;
    buf_reset(&c->text);
    return rc;
}

static int put_piece(struct gemini_out *out, struct gemini_said *c,
                     const struct neutral_event *ev, struct buf *to)
{
    enum neutral_event_type kind =
        ev->type == NEUTRAL_THINKING ? NEUTRAL_THINKING : NEUTRAL_TEXT;
    int rc = c->open == kind ? 0 : end_block(out, c, to);

    c->open = kind;
    if (rc || !ev->text.n)
        return rc;
    if (out->base.opts.stream)
        return put_text_part(out, c, ev->text, to);
    return buf_put(&c->text, (struct str){ ev->text.p, ev->text.n });
}

/* The text before it stays a part of its own, as in a stream. */
static int put_signature(struct gemini_out *out, struct gemini_said *c,
                         const struct neutral_event *ev, struct buf *to)
{
    struct str text = { ev->text.p, ev->text.n }, seal = STR(GEMINI_SEAL);
    bool thought = c->open == NEUTRAL_THINKING;
    int rc = end_block(out, c, to);

    if (thought)
        c->open = NEUTRAL_THINKING; /* what it signs */
    if (rc)
        return rc;
    if (ev->raw.p)
        return put_signed(out, c, "detail", ev->raw, to);
    if (str_starts(text, seal))
        return put_signed(out, c, NULL,
                          (struct str){ text.p + seal.n, text.n - seal.n },
                          to);
    text = jstr_text(ev->text, out->base.a);
    return text.p ? put_signed(out, c, "signature", text, to) : -ERR_NOMEM;
}

static int put_redacted(struct gemini_out *out, struct gemini_said *c,
                        const struct neutral_event *ev, struct buf *to)
{
    struct str text = jstr_text(ev->text, out->base.a);
    int rc = end_block(out, c, to);

    if (!text.p)
        return -ERR_NOMEM;
    return rc ? rc : put_signed(out, c, "redacted", text, to);
}

static int put_opaque(struct gemini_out *out, struct gemini_said *c,
                      const struct neutral_event *ev, struct buf *to)
{
    struct str kind;
    struct jw w;
    int rc = end_block(out, c, to);

    if (rc)
        return rc;
    if (ev->from != DIALECT_GEMINI) {
        kind = arena_fmt(out->base.a, "raw-%s", dialect_name(ev->from));
        return kind.p ? put_signed(out, c, kind.p, ev->raw, to)
                      : -ERR_NOMEM;
    }
    w = gemini_begin_part(out, c, to);
    jw_raw_line(&w, ev->raw);
    return gemini_end_part(out, c, &w);
}

static int begin_call(struct gemini_out *out, struct gemini_said *c,
                      const struct neutral_event *ev, struct buf *to)
{
    struct str sign = { ev->signature.p, ev->signature.n };
    int rc = end_block(out, c, to);

    c->open = NEUTRAL_TOOL_BEGIN;
    c->custom = ev->custom;
    c->call_id = arena_dup(out->base.a, ev->id);
    c->call_name = arena_dup(out->base.a, ev->tool);
    if (sign.n)
        sign = arena_dup(out->base.a, sign);
    c->call_signature = (struct jstr){ sign.p, sign.n };
    if (!c->call_id.p || !c->call_name.p || (ev->signature.n && !sign.p))
        return -ERR_NOMEM;
    return rc;
}

static int note_finish(struct gemini_out *out, struct gemini_said *c,
                       const struct neutral_event *ev, struct buf *to)
{
    int rc = end_block(out, c, to);

    c->finished = true;
    c->finish = ev->finish;
    if (ev->finish == FINISH_STOP_SEQUENCE && ev->text.n)
        out_lose(&out->base, LOSS_STOP);
    if (rc || ev->finish != FINISH_FILTER || !ev->name.n)
        return rc;
    c->explanation = jstr_text(ev->name, out->base.a);
    if (c->explanation.p) /* it may be the event's own */
        c->explanation = arena_dup(out->base.a, c->explanation);
    return c->explanation.p ? 0 : -ERR_NOMEM;
}

static int put_event(struct gemini_out *out, struct gemini_said *c,
                     const struct neutral_event *ev, struct buf *to)
{
    int rc;

    switch (ev->type) {
    case NEUTRAL_TEXT:
    case NEUTRAL_REFUSAL:
    case NEUTRAL_THINKING:
        return put_piece(out, c, ev, to);
    case NEUTRAL_SIGNATURE:
        return put_signature(out, c, ev, to);
    case NEUTRAL_REDACTED:
        return put_redacted(out, c, ev, to);
    case NEUTRAL_TOOL_BEGIN:
        return begin_call(out, c, ev, to);
    case NEUTRAL_TOOL_ARGS:
        return buf_put(&c->text, (struct str){ ev->text.p, ev->text.n });
    case NEUTRAL_BLOCK_END:
        return end_block(out, c, to);
    case NEUTRAL_OPAQUE:
        return put_opaque(out, c, ev, to);
    case NEUTRAL_IMAGE:
        rc = end_block(out, c, to);
        return rc ? rc : gemini_put_image(out, c, ev, to);
    case NEUTRAL_CITATION:
        return gemini_keep_source(out, c, ev);
    case NEUTRAL_LOGPROBS:
        return gemini_keep_probs(out, c, ev);
    case NEUTRAL_FINISH:
        return note_finish(out, c, ev, to);
    default:
        return 0;
    }
}

/* ---- the end ------------------------------------------------------------ */

static void put_last_part(struct gemini_out *out, struct jw *w,
                          const struct gemini_said *c)
{
    if (out->base.opts.stream)
        jw_raw(w, STR("{\"text\":\"\"}"));
    else
        jw_bytes(w, buf_str(&c->parts));
}

static int put_end(struct gemini_out *out, struct buf *to)
{
    bool stream = out->base.opts.stream;
    struct jw w = { .b = to };

    begin_answer(&w, stream);
    for (const struct gemini_said *c = out->choices; c; c = c->next) {
        begin_candidate(&w);
        put_last_part(out, &w, c);
        end_content(&w);
        gemini_put_finish(&w, c);
        gemini_put_beside(&w, c);
        jw_member_int(&w, "index", c->index);
        jw_close(&w, '}');
    }
    jw_close(&w, ']');
    gemini_put_usage(&w, &out->base.usage);
    end_answer(out, &w, stream);
    return w.rc;
}

static int put_error(struct gemini_out *out, const struct neutral_event *ev,
                     struct buf *to)
{
    struct jw w = { .b = to };

    if (out->base.opts.stream)
        jw_bytes(&w, STR("data: "));
    gemini_put_error(&w, ev->error, ev->from == DIALECT_GEMINI);
    if (out->base.opts.stream)
        jw_bytes(&w, STR("\r\n\r\n"));
    return w.rc;
}

static int put_other(struct gemini_out *out, const struct neutral_event *ev,
                     struct buf *to)
{
    struct gemini_said *c;

    switch (ev->type) {
    case NEUTRAL_END:
        return put_end(out, to);
    case NEUTRAL_ERROR:
        return put_error(out, ev, to);
    case NEUTRAL_USAGE:
    case NEUTRAL_START:
        gemini_lose_usage(out);
        return 0;
    case NEUTRAL_PING:
        return 0;
    default:
        break;
    }
    c = said(out, ev->choice);
    if (!c)
        return -ERR_NOMEM;
    return c->finished ? -ERR_BUG : put_event(out, c, ev, to);
}

int gemini_encode(struct codec_out *base, const struct neutral_event *ev,
                  struct buf *to)
{
    struct gemini_out *out = gemini_of(base);
    int rc;

    if (base->ended)
        return 0;
    rc = codec_out_note(base, ev);
    if (!rc && ev->type == NEUTRAL_START)
        rc = make_tail(out, ev);
    return rc ? rc : put_other(out, ev, to);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Anthropic Messages answers, written as a stream: message_start, blocks one
 * after the other with dense indexes, message_delta with the reason and all
 * counts, message_stop. message_delta waits for the counts that come behind
 * the reason, or for the end. Choices beyond the first have no place.
 */
#include "wire/codec_anthropic_out.h"

#include "wire/codec_anthropic.h"

static struct anthropic_out *anthropic_of(struct codec_out *out)
{
    return (struct anthropic_out *)(void *)out;
}

static void on_free(void *ud)
{
    struct anthropic_out *out = ud;

    buf_clear(&out->content);
    buf_clear(&out->text);
    buf_clear(&out->signature);
    buf_clear(&out->citations);
}

int anthropic_out_init(struct codec_out *base)
{
    struct anthropic_out *out = anthropic_of(base);

    buf_init(&out->content, base->opts.max_held);
    buf_init(&out->text, base->opts.max_held);
    buf_init(&out->signature, base->opts.max_held);
    buf_init(&out->citations, base->opts.max_held);
    return arena_defer(base->a, on_free, out);
}

int anthropic_keep(struct anthropic_out *out, struct str *to, struct str s)
{
    if (!s.p)
        return 0;
    *to = arena_dup(out->base.a, s);
    return to->p ? 0 : -ERR_NOMEM;
}

/* ---- members that a stream and a whole answer share ---------------------- */

const char *anthropic_stop_word(enum neutral_finish f)
{
    switch (f) {
    case FINISH_STOP_SEQUENCE:
        return "stop_sequence";
    case FINISH_LENGTH:
        return "max_tokens";
    case FINISH_CONTEXT:
        return "model_context_window_exceeded";
    case FINISH_TOOL:
        return "tool_use";
    case FINISH_FILTER:
        return "refusal";
    case FINISH_PAUSE:
        return "pause_turn";
    default:
        return "end_turn";
    }
}

void anthropic_note_finish(struct anthropic_out *out, enum neutral_finish f)
{
    out->finished = true;
    out->finish = f == FINISH_STOP && out->refused ? FINISH_FILTER : f;
}

static int64_t known(int64_t v)
{
    return v > 0 ? v : 0;
}

void anthropic_put_usage(struct jw *w, const struct usage *u)
{
    jw_open(w, '{');
    jw_member_int(w, "input_tokens", known(u->input));
    jw_member_int(w, "cache_creation_input_tokens", known(u->cache_write));
    jw_member_int(w, "cache_read_input_tokens", known(u->cache_read));
    if (u->cache_write_1h >= 0) {
        int64_t hour = u->cache_write_1h, all = known(u->cache_write);

        jw_key(w, "cache_creation");
        jw_open(w, '{');
        jw_member_int(w, "ephemeral_5m_input_tokens",
                      all > hour ? all - hour : 0);
        jw_member_int(w, "ephemeral_1h_input_tokens", hour);
        jw_close(w, '}');
    }
    jw_member_int(w, "output_tokens", known(u->output));
    if (u->reasoning >= 0) {
        jw_key(w, "output_tokens_details");
        jw_open(w, '{');
        jw_member_int(w, "thinking_tokens", u->reasoning);
        jw_close(w, '}');
    }
    if (ANTHROPIC_TIERS >> u->tier & 1)
        jw_member_text(w, "service_tier",
                       str_of(usage_tier_name((int)u->tier)));
    jw_close(w, '}');
}

void anthropic_put_stop(struct jw *w, const struct anthropic_out *out)
{
    jw_member_text(w, "stop_reason", str_of(anthropic_stop_word(out->finish)));
    jw_key(w, "stop_sequence");
    if (out->finish == FINISH_STOP_SEQUENCE && out->stop.p)
        jw_jstr(w, (struct jstr){ out->stop.p, out->stop.n });
    else
        jw_raw(w, STR("null"));
    if (out->finish != FINISH_FILTER || !out->explanation.p)
        return;
    jw_key(w, "stop_details");
    jw_open(w, '{');
    jw_member_text(w, "type", STR("refusal"));
    jw_member_raw(w, "category", STR("null"));
    jw_member_jstr(w, "explanation", (struct jstr){ out->explanation.p,
                                                    out->explanation.n });
    jw_close(w, '}');
}

/* ---- events ------------------------------------------------------------- */

static void begin_event(struct jw *w, const char *type)
{
    jw_bytes(w, STR("event: "));
    jw_bytes(w, str_of(type));
    jw_bytes(w, STR("\ndata: {\"type\":\""));
    jw_bytes(w, str_of(type));
    jw_bytes(w, STR("\""));
    w->comma = true;
}

static void end_event(struct jw *w)
{
    jw_bytes(w, STR("}\n\n"));
    w->comma = false;
}

static int put_start(struct anthropic_out *out, struct jw *w,
                     const struct neutral_event *ev)
{
    const struct codec_out_opts *o = &out->base.opts;
    struct str id = ev->id;

    if (!id.n)
        id = arena_fmt(out->base.a, "msg_" STR_FMT, STR_ARG(o->unique));
    begin_event(w, "message_start");
    jw_key(w, "message");
    jw_open(w, '{');
    jw_member_text(w, "id", id);
    jw_member_text(w, "type", STR("message"));
    jw_member_text(w, "role", STR("assistant"));
    jw_member_text(w, "model", o->model.n ? o->model : ev->model);
    jw_bytes(w, STR(",\"content\":[],\"stop_reason\":null,"
                    "\"stop_sequence\":null"));
    jw_key(w, "usage");
    anthropic_put_usage(w, &out->base.usage);
    jw_close(w, '}');
    end_event(w);
    return id.p ? w->rc : -ERR_NOMEM;
}

static void begin_block(struct anthropic_out *out, struct jw *w)
{
    begin_event(w, "content_block_start");
    jw_member_int(w, "index", out->n_blocks++);
    jw_key(w, "content_block");
}

static void put_delta(struct anthropic_out *out, struct jw *w,
                      struct str type_and_name, struct jstr text)
{
    jw_bytes(w, STR("event: content_block_delta\n"
                    "data: {\"type\":\"content_block_delta\",\"index\":"));
    w->comma = false;
    jw_int(w, out->n_blocks - 1);
    jw_bytes(w, STR(",\"delta\":{\"type\":\""));
    jw_bytes(w, type_and_name);
    w->comma = false;
    jw_jstr(w, text);
    jw_bytes(w, STR("}}\n\n"));
    w->comma = false;
}

#define INPUT_DELTA STR("input_json_delta\",\"partial_json\":")
#define SIGNATURE_DELTA STR("signature_delta\",\"signature\":")

/* Free text as the value of a JSON string in a JSON string. */
static void put_free_text(struct anthropic_out *out, struct jw *w,
                          struct jstr text)
{
    struct buf b = BUF_INIT(text.n * 6 + 16);

    if (!w->rc)
        w->rc = jstr_put_escaped(&b, (struct str){ text.p, text.n });
    put_delta(out, w, INPUT_DELTA, (struct jstr){ buf_str(&b).p,
                                                  buf_len(&b) });
    buf_clear(&b);
}

static void put_args(struct anthropic_out *out, struct jw *w,
                     struct jstr args)
{
    out->args = true;
    if (out->custom)
        put_free_text(out, w, args);
    else
        put_delta(out, w, INPUT_DELTA, args);
}

/* What signs thinking that Anthropic did not sign. */
static void put_seal(struct anthropic_out *out, struct jw *w, struct str raw)
{
    struct buf seal = BUF_INIT(out->base.opts.max_held);

    if (!w->rc)
        w->rc = anthropic_seal(&seal, DIALECT_OPENAI_CHAT, raw);
    put_delta(out, w, SIGNATURE_DELTA, (struct jstr){ buf_str(&seal).p,
                                                      buf_len(&seal) });
    buf_clear(&seal);
}

static void end_block(struct anthropic_out *out, struct jw *w)
{
    if (out->open == SAID_CALL && out->custom)
        put_delta(out, w, INPUT_DELTA, JSTR("\\\"}"));
    else if (out->open == SAID_CALL && !out->args)
        put_delta(out, w, INPUT_DELTA, JSTR("{}"));
    else if (out->open == SAID_THINKING && !out->sealed)
        put_seal(out, w, STR("{}"));
    begin_event(w, "content_block_stop");
    jw_member_int(w, "index", out->n_blocks - 1);
    end_event(w);
    out->open = SAID_NONE;
}

static void open_block(struct anthropic_out *out, struct jw *w,
                       enum said_kind kind, struct str block)
{
    if (out->open == kind)
        return;
    if (out->open != SAID_NONE)
        end_block(out, w);
    begin_block(out, w);
    jw_raw(w, block);
    end_event(w);
    out->open = kind;
}

static void put_text(struct anthropic_out *out, struct jw *w,
                     struct jstr text)
{
    open_block(out, w, SAID_TEXT, STR("{\"type\":\"text\",\"text\":\"\"}"));
    put_delta(out, w, STR("text_delta\",\"text\":"), text);
}

static void open_thinking(struct anthropic_out *out, struct jw *w)
{
    if (out->open != SAID_THINKING)
        out->sealed = false;
    open_block(out, w, SAID_THINKING,
               STR("{\"type\":\"thinking\",\"thinking\":\"\","
                   "\"signature\":\"\"}"));
}

/* A block that is whole with its start. */
static void put_at_once(struct anthropic_out *out, struct jw *w,
                        const struct neutral_event *ev)
{
    if (out->open != SAID_NONE)
        end_block(out, w);
    begin_block(out, w);
    if (ev->type == NEUTRAL_OPAQUE) {
        anthropic_put_opaque(w, ev);
    } else if (ev->type == NEUTRAL_TOOL_BEGIN) {
        anthropic_put_signature(w, ev->signature);
    } else {
        jw_open(w, '{');
        jw_member_text(w, "type", STR("redacted_thinking"));
        jw_member_jstr(w, "data", ev->text);
        jw_close(w, '}');
    }
    end_event(w);
    end_block(out, w);
}

static void put_call(struct anthropic_out *out, struct jw *w,
                     const struct neutral_event *ev)
{
    struct str id = codec_id_to_anthropic(ev->id, out->base.a);

    if (!id.p && !w->rc)
        w->rc = -ERR_NOMEM;
    if (ev->signature.n)
        put_at_once(out, w, ev);
    else if (out->open != SAID_NONE)
        end_block(out, w);
    begin_block(out, w);
    jw_open(w, '{');
    jw_member_text(w, "type", STR("tool_use"));
    jw_member_text(w, "id", id);
    jw_member_text(w, "name", ev->tool);
    jw_member_raw(w, "input", STR("{}"));
    jw_close(w, '}');
    end_event(w);
    out->open = SAID_CALL;
    out->args = false;
    out->custom = ev->custom;
    if (ev->custom)
        put_delta(out, w, INPUT_DELTA, JSTR("{\\\"input\\\":\\\""));
}

static void put_citation(struct anthropic_out *out, struct jw *w,
                         const struct neutral_event *ev)
{
    if (ev->from != DIALECT_ANTHROPIC) {
        out_lose_event(&out->base, ev);
        return; /* this dialect's need what the provider encrypted */
    }
    open_block(out, w, SAID_TEXT, STR("{\"type\":\"text\",\"text\":\"\"}"));
    begin_event(w, "content_block_delta");
    jw_member_int(w, "index", out->n_blocks - 1);
    jw_key(w, "delta");
    jw_open(w, '{');
    jw_member_text(w, "type", STR("citations_delta"));
    jw_key(w, "citation");
    jw_raw_line(w, ev->raw);
    jw_close(w, '}');
    end_event(w);
}

static void put_message_delta(struct anthropic_out *out, struct jw *w)
{
    if (out->delta_sent)
        return;
    out->delta_sent = true;
    begin_event(w, "message_delta");
    jw_key(w, "delta");
    jw_open(w, '{');
    anthropic_put_stop(w, out);
    jw_close(w, '}');
    jw_key(w, "usage");
    anthropic_put_usage(w, &out->base.usage);
    end_event(w);
}

static void put_finish(struct anthropic_out *out, struct jw *w,
                       const struct neutral_event *ev)
{
    if (out->open != SAID_NONE)
        end_block(out, w);
    anthropic_note_finish(out, ev->finish);
    if (!w->rc)
        w->rc = anthropic_keep(out, &out->stop,
                               (struct str){ ev->text.p, ev->text.n });
    if (!w->rc)
        w->rc = anthropic_keep(out, &out->explanation,
                               (struct str){ ev->name.p, ev->name.n });
}

static void put_end(struct anthropic_out *out, struct jw *w)
{
    put_message_delta(out, w);
    begin_event(w, "message_stop");
    end_event(w);
}

static void put_error(struct jw *w, const struct neutral_event *ev)
{
    jw_bytes(w, STR("event: error\ndata: "));
    anthropic_put_error(w, ev->error, ev->from == DIALECT_ANTHROPIC);
    jw_bytes(w, STR("\n\n"));
}

static void put_signature(struct anthropic_out *out, struct jw *w,
                          const struct neutral_event *ev)
{
    open_thinking(out, w);
    if (ev->raw.p)
        put_seal(out, w, ev->raw);
    else
        put_delta(out, w, SIGNATURE_DELTA, ev->text);
    out->sealed = true;
}

static int stream(struct anthropic_out *out, const struct neutral_event *ev,
                  struct jw *w)
{
    switch (ev->type) {
    case NEUTRAL_START:
        return put_start(out, w, ev);
    case NEUTRAL_TEXT:
    case NEUTRAL_REFUSAL:
        out->refused |= ev->type == NEUTRAL_REFUSAL;
        put_text(out, w, ev->text);
        break;
    case NEUTRAL_THINKING:
        open_thinking(out, w);
        put_delta(out, w, STR("thinking_delta\",\"thinking\":"), ev->text);
        break;
    case NEUTRAL_SIGNATURE:
        put_signature(out, w, ev);
        break;
    case NEUTRAL_TOOL_BEGIN:
        put_call(out, w, ev);
        break;
    case NEUTRAL_TOOL_ARGS:
        put_args(out, w, ev->text);
        break;
    case NEUTRAL_CITATION:
        put_citation(out, w, ev);
        break;
    case NEUTRAL_BLOCK_END:
        if (out->open != SAID_NONE)
            end_block(out, w);
        break;
    case NEUTRAL_REDACTED:
    case NEUTRAL_OPAQUE:
        put_at_once(out, w, ev);
        break;
    case NEUTRAL_USAGE:
        if (out->finished)
            put_message_delta(out, w);
        break;
    case NEUTRAL_FINISH:
        put_finish(out, w, ev);
        break;
    case NEUTRAL_END:
        put_end(out, w);
        break;
    case NEUTRAL_ERROR:
        put_error(w, ev);
        break;
    case NEUTRAL_PING:
        jw_bytes(w, STR("event: ping\ndata: {\"type\":\"ping\"}\n\n"));
        break;
    case NEUTRAL_LOGPROBS: /* no place for them */
    case NEUTRAL_IMAGE:
    case NEUTRAL_VECTOR:
        out_lose_event(&out->base, ev);
        break;
    }
    return w->rc;
}

/* What may come, when. */
static bool in_order(const struct anthropic_out *out,
                     const struct neutral_event *ev)
{
    if (ev->type == NEUTRAL_ERROR || ev->type == NEUTRAL_PING)
        return true;
    if (ev->type == NEUTRAL_START)
        return !out->base.started;
    return out->base.started &&
           (!out->finished || ev->type == NEUTRAL_USAGE ||
            ev->type == NEUTRAL_END);
}

int anthropic_encode(struct codec_out *base, const struct neutral_event *ev,
                     struct buf *to)
{
    struct anthropic_out *out = anthropic_of(base);
    struct jw w = { .b = to };

    if (ev->choice > 0)
        out_lose(base, LOSS_CHOICES);
    if (base->ended || ev->choice > 0)
        return 0;
    if (!in_order(out, ev))
        return -ERR_BUG;
    base->started = base->started || ev->type == NEUTRAL_START;
    base->ended = ev->type == NEUTRAL_END || ev->type == NEUTRAL_ERROR;
    if (ev->type == NEUTRAL_START || ev->type == NEUTRAL_USAGE) {
        usage_merge(&base->usage, &ev->usage);
        out_tier(base, ANTHROPIC_TIERS);
    }
    return base->opts.stream ? stream(out, ev, &w)
                             : anthropic_whole(out, ev, to);
}

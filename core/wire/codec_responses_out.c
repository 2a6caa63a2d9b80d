/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Responses answers, written: as a stream, each event with its number, or as
 * one body. The last event carries the whole response, which clients read
 * the answer from, with what the request had asked for.
 */
#include "wire/codec_echo.h"
#include "wire/codec_responses.h"
#include "wire/codec_responses_out.h"

static struct responses_out *of(struct codec_out *out)
{
    return (struct responses_out *)(void *)out;
}

static void on_free(void *ud)
{
    struct responses_out *out = ud;

    buf_clear(&out->text);
    buf_clear(&out->citations);
    buf_clear(&out->probs);
    buf_clear(&out->parts);
    buf_clear(&out->sealed);
    buf_clear(&out->items);
}

int responses_out_init(struct codec_out *base)
{
    struct responses_out *out = of(base);

    buf_init(&out->text, base->opts.max_held);
    buf_init(&out->citations, base->opts.max_held);
    buf_init(&out->probs, base->opts.max_held);
    buf_init(&out->parts, base->opts.max_held);
    buf_init(&out->sealed, base->opts.max_held);
    buf_init(&out->items, base->opts.max_held);
    return arena_defer(base->a, on_free, out);
}

/* ---- the response ------------------------------------------------------- */

static int64_t known(int64_t v)
{
    return v > 0 ? v : 0;
}

static void put_usage(struct jw *w, const struct usage *u)
{
    int64_t in = known(u->input) + known(u->cache_read) +
                 known(u->cache_write);

    jw_open(w, '{');
    jw_member_int(w, "input_tokens", in);
    jw_key(w, "input_tokens_details");
    jw_open(w, '{');
    jw_member_int(w, "cached_tokens", known(u->cache_read));
    if (u->cache_write >= 0)
        jw_member_int(w, "cache_write_tokens", u->cache_write);
    jw_close(w, '}');
    jw_member_int(w, "output_tokens", known(u->output));
    jw_key(w, "output_tokens_details");
    jw_open(w, '{');
    jw_member_int(w, "reasoning_tokens", known(u->reasoning));
    jw_close(w, '}');
    jw_member_int(w, "total_tokens", in + known(u->output));
    jw_close(w, '}');
}

static bool is_cut(const struct responses_out *out)
{
    return out->finish == FINISH_LENGTH || out->finish == FINISH_CONTEXT ||
           out->finish == FINISH_FILTER;
}

static void put_details(const struct responses_out *out, struct jw *w)
{
    jw_key(w, "incomplete_details");
    if (!is_cut(out))
        jw_raw(w, STR("null"));
    else
        jw_raw(w, out->finish == FINISH_FILTER
                      ? STR("{\"reason\":\"content_filter\"}")
                      : STR("{\"reason\":\"max_output_tokens\"}"));
}

/* Members that the SDKs' types require, and those of the request. */
static void put_response(struct responses_out *out, struct jw *w, bool over)
{
    const struct codec_echo *e = out->base.opts.echo;
    const char *tier = out_tier(&out->base, OPENAI_TIERS);

    jw_open(w, '{');
    jw_member_text(w, "id", out->id);
    jw_member_text(w, "object", STR("response"));
    jw_member_int(w, "created_at", out->created);
    jw_member_text(w, "status", !over         ? STR("in_progress")
                                : is_cut(out) ? STR("incomplete")
                                              : STR("completed"));
    jw_member_raw(w, "background", STR("false"));
    jw_member_raw(w, "error", STR("null"));
    put_details(out, w);
    responses_put_asked(e, w, ECHO_INSTRUCTIONS);
    responses_put_asked(e, w, ECHO_MAX_OUTPUT);
    jw_member_text(w, "model", out->model);
    jw_key(w, "output");
    jw_open(w, '[');
    if (over)
        jw_bytes(w, buf_str(&out->items));
    jw_close(w, ']');
    responses_put_asked(e, w, ECHO_PARALLEL);
    jw_member_raw(w, "previous_response_id", STR("null"));
    responses_put_asked(e, w, ECHO_REASONING);
    jw_member_bool(w, "store", false);
    for (int i = ECHO_TEMPERATURE; i <= ECHO_TRUNCATION; i++)
        responses_put_asked(e, w, (enum responses_asked)i);
    if (over && tier)
        jw_member_text(w, "service_tier", str_of(tier));
    jw_key(w, "usage");
    if (over)
        put_usage(w, &out->base.usage);
    else
        jw_raw(w, STR("null"));
    responses_put_asked(e, w, ECHO_USER);
    responses_put_asked(e, w, ECHO_METADATA);
    jw_close(w, '}');
}

static void put_response_event(struct responses_out *out, struct jw *w,
                               const char *type, bool over)
{
    responses_begin(out, w, type);
    jw_key(w, "response");
    put_response(out, w, over);
    responses_end(w);
}

/* ---- pieces ------------------------------------------------------------- */

static int put_delta(struct responses_out *out, struct jw *w,
                     const char *type, struct jstr text)
{
    bool call = out->open == RESPONSES_CALL;
    bool thought = out->open == RESPONSES_THOUGHT;
    int rc = buf_put(&out->text, (struct str){ text.p, text.n });

    if (rc || !out->base.opts.stream)
        return rc;
    responses_begin(out, w, type);
    jw_member_text(w, "item_id", out->item_id);
    jw_member_int(w, "output_index", out->index);
    if (!call)
        jw_member_int(w, thought ? "summary_index" : "content_index",
                      out->n_parts);
    jw_member_jstr(w, "delta", text);
    if (!call && !thought && !out->refusal)
        jw_member_raw(w, "logprobs", STR("[]"));
    responses_end(w);
    return w->rc;
}

/* An item of that kind is open; the one that was is closed where it is not. */
int responses_need_item(struct responses_out *out, struct jw *w,
                        enum responses_open kind)
{
    int rc;

    if (out->open == kind && kind != RESPONSES_CALL)
        return 0;
    rc = responses_close_item(out, w);
    return rc ? rc : responses_open_item(out, w, kind);
}

static int put_text(struct responses_out *out, struct jw *w,
                    const struct neutral_event *ev)
{
    bool refusal = ev->type == NEUTRAL_REFUSAL;
    int rc = responses_need_item(out, w, RESPONSES_MESSAGE);

    if (!rc && out->part && out->refusal != refusal)
        rc = responses_close_part(out, w);
    if (!rc && !out->part)
        rc = responses_open_part(out, w, refusal);
    out->length += jstr_length(ev->text);
    return rc ? rc : put_delta(out, w, refusal ? "response.refusal.delta"
                                               : "response.output_text.delta",
                               ev->text);
}

static int put_thinking(struct responses_out *out, struct jw *w,
                        const struct neutral_event *ev)
{
    int rc = responses_need_item(out, w, RESPONSES_THOUGHT);

    if (!rc && !out->part)
        rc = responses_open_part(out, w, false);
    return rc ? rc : put_delta(out, w,
                               "response.reasoning_summary_text.delta",
                               ev->text);
}

static int put_signature(struct responses_out *out, struct jw *w,
                         const struct neutral_event *ev)
{
    int rc = responses_need_item(out, w, RESPONSES_THOUGHT);

    if (!rc && (ev->raw.p || !buf_len(&out->sealed)))
        rc = responses_seal(&out->sealed, ev);
    else if (!rc) /* more of the same */
        rc = buf_put(&out->sealed, (struct str){ ev->text.p, ev->text.n });
    return rc;
}

/* Reasoning that nobody may read: an item of its own. */
static int put_sealed(struct responses_out *out, struct jw *w,
                      const struct neutral_event *ev)
{
    struct buf sealed = BUF_INIT(out->base.opts.max_held);
    int rc = responses_close_item(out, w);

    rc = rc ? rc : responses_seal(&sealed, ev);
    if (!rc && buf_len(&sealed)) {
        rc = responses_open_item(out, w, RESPONSES_THOUGHT);
        rc = rc ? rc : buf_put(&out->sealed, buf_str(&sealed));
        rc = rc ? rc : responses_close_item(out, w);
    } else if (!rc) {
        out_lose_event(&out->base, ev);
    }
    buf_clear(&sealed);
    return rc;
}

static int put_call(struct responses_out *out, struct jw *w,
                    const struct neutral_event *ev)
{
    int rc = responses_close_item(out, w);

    if (!rc && ev->signature.p) {
        rc = responses_open_item(out, w, RESPONSES_THOUGHT);
        rc = rc ? rc : responses_seal_call(&out->sealed, ev->signature);
        rc = rc ? rc : responses_close_item(out, w);
    }
    out->custom = ev->custom;
    out->call_id = arena_dup(out->base.a, ev->id);
    out->call_name = arena_dup(out->base.a, ev->tool);
    if (!out->call_id.p || !out->call_name.p)
        return -ERR_NOMEM;
    return rc ? rc : responses_open_item(out, w, RESPONSES_CALL);
}

static int put_args(struct responses_out *out, struct jw *w,
                    struct jstr args)
{
    return put_delta(out, w, out->custom
                                 ? "response.custom_tool_call_input.delta"
                                 : "response.function_call_arguments.delta",
                     args);
}

static int end_call(struct responses_out *out, struct jw *w)
{
    int rc = 0;

    if (!buf_len(&out->text) && !out->custom)
        rc = put_args(out, w, JSTR("{}"));
    if (!rc && out->base.opts.stream) {
        struct str text = buf_str(&out->text);

        responses_begin(out, w,
                        out->custom ? "response.custom_tool_call_input.done"
                                    : "response.function_call_arguments.done");
        jw_member_text(w, "item_id", out->item_id);
        jw_member_int(w, "output_index", out->index);
        if (!out->custom)
            jw_member_text(w, "name", out->call_name);
        jw_member_jstr(w, out->custom ? "input" : "arguments",
                       (struct jstr){ text.p ? text.p : "", text.n });
        responses_end(w);
    }
    return rc ? rc : responses_close_item(out, w);
}

static int end_block(struct responses_out *out, struct jw *w)
{
    if (out->open == RESPONSES_CALL)
        return end_call(out, w);
    if (out->open == RESPONSES_THOUGHT)
        return responses_close_item(out, w);
    return responses_close_part(out, w); /* more may follow in the message */
}

/* ---- begin and end ------------------------------------------------------ */

static int put_start(struct responses_out *out, struct jw *w,
                     const struct neutral_event *ev)
{
    const struct codec_out_opts *o = &out->base.opts;

    out->id = ev->id.n ? arena_dup(out->base.a, ev->id)
                       : arena_fmt(out->base.a, "resp_" STR_FMT,
                                   STR_ARG(o->unique));
    out->model = arena_dup(out->base.a, o->model.n ? o->model : ev->model);
    out->created = ev->created ? ev->created : o->created;
    if (!out->id.p || (!out->model.p && (o->model.n || ev->model.n)))
        return -ERR_NOMEM;
    if (!o->stream)
        return 0;
    put_response_event(out, w, "response.created", false);
    put_response_event(out, w, "response.in_progress", false);
    return w->rc;
}

static int put_end(struct responses_out *out, struct jw *w)
{
    int rc = responses_close_item(out, w);

    if (rc)
        return rc;
    if (out->base.opts.stream)
        put_response_event(out, w, is_cut(out) ? "response.incomplete"
                                               : "response.completed", true);
    else
        put_response(out, w, true);
    return w->rc;
}

static int put_error(struct responses_out *out, struct jw *w,
                     const struct neutral_event *ev)
{
    const struct neutral_error *e = ev->error;

    if (!out->base.opts.stream) {
        chat_put_error(w, e, ev->from == DIALECT_RESPONSES ||
                                 ev->from == DIALECT_OPENAI_CHAT);
        return w->rc;
    }
    responses_begin(out, w, "error");
    jw_key(w, "code");
    if (e->code.n || e->type.n)
        jw_text(w, e->code.n ? e->code : e->type);
    else
        jw_raw(w, STR("null"));
    jw_member_text(w, "message", e->message);
    jw_key(w, "param");
    if (e->param.n)
        jw_text(w, e->param);
    else
        jw_raw(w, STR("null"));
    responses_end(w);
    return w->rc;
}

static int put_finish(struct responses_out *out, struct jw *w,
                      const struct neutral_event *ev)
{
    struct neutral_event why = { .type = NEUTRAL_REFUSAL, .text = ev->name };
    int rc = responses_close_item(out, w);

    out->finished = true;
    out->finish = ev->finish;
    if (ev->finish == FINISH_STOP_SEQUENCE && ev->text.n)
        out_lose(&out->base, LOSS_STOP);
    if (!rc && ev->finish == FINISH_FILTER && ev->name.n)
        rc = put_text(out, w, &why);
    return rc;
}

static int put_event(struct responses_out *out, struct jw *w,
                     const struct neutral_event *ev)
{
    switch (ev->type) {
    case NEUTRAL_START:
        return put_start(out, w, ev);
    case NEUTRAL_TEXT:
    case NEUTRAL_REFUSAL:
        return put_text(out, w, ev);
    case NEUTRAL_THINKING:
        return put_thinking(out, w, ev);
    case NEUTRAL_SIGNATURE:
        return put_signature(out, w, ev);
    case NEUTRAL_REDACTED:
    case NEUTRAL_OPAQUE:
        return put_sealed(out, w, ev);
    case NEUTRAL_TOOL_BEGIN:
        return put_call(out, w, ev);
    case NEUTRAL_TOOL_ARGS:
        return put_args(out, w, ev->text);
    case NEUTRAL_BLOCK_END:
        return end_block(out, w);
    case NEUTRAL_CITATION:
        return responses_put_citation(out, w, ev);
    case NEUTRAL_IMAGE:
        return responses_put_image(out, w, ev);
    case NEUTRAL_LOGPROBS:
        return responses_put_probs(out, ev);
    case NEUTRAL_FINISH:
        return put_finish(out, w, ev);
    case NEUTRAL_USAGE:
        out_tier(&out->base, OPENAI_TIERS);
        return 0;
    case NEUTRAL_END:
        return put_end(out, w);
    case NEUTRAL_ERROR:
        return put_error(out, w, ev);
    default:
        return 0;
    }
}

int responses_encode(struct codec_out *base, const struct neutral_event *ev,
                     struct buf *to)
{
    struct responses_out *out = of(base);
    struct jw w = { .b = to };
    int rc;

    if (base->ended)
        return 0;
    if (ev->type == NEUTRAL_PING) {
        if (base->opts.stream)
            jw_bytes(&w, STR(": keep-alive\n\n"));
        return w.rc;
    }
    rc = codec_out_note(base, ev);
    if (rc)
        return rc;
    if (ev->choice) { /* this dialect has one */
        out_lose(base, LOSS_CHOICES);
        return 0;
    }
    if (out->finished && neutral_is_content(ev))
        return -ERR_BUG;
    rc = put_event(out, &w, ev);
    return rc ? rc : w.rc;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Anthropic Messages answers, written whole: the open block is gathered, and
 * becomes an element of the content when it ends.
 */
#include "wire/codec_anthropic.h"
#include "wire/codec_anthropic_out.h"

static int gather(struct buf *b, struct jstr text)
{
    return buf_put(b, (struct str){ text.p, text.n });
}

static struct jw element(struct buf *b)
{
    return (struct jw){ .b = b, .comma = buf_len(b) > 0 };
}

static struct jstr inside(const struct buf *b)
{
    return (struct jstr){ buf_str(b).p, buf_len(b) };
}

/* The arguments as an object: they were escaped once. */
static int put_input(struct anthropic_out *out, struct jw *w)
{
    struct json_limits lim = { .dup_nowhere = true };
    struct json j = { 0 };
    struct arena *a = arena_new(out->base.opts.max_held + (1u << 20));
    struct str text = a ? jstr_text(inside(&out->text), a) : STR_NULL;
    int rc = text.p ? 0 : -ERR_NOMEM;

    if (!rc && !text.n)
        text = STR("{}");
    if (!rc) /* free text is none, even where it looks like it */
        rc = out->custom ? -ERR_SYNTAX : json_scan(&j, text, &lim, NULL);
    if (!rc && j.nodes[0].type == JSON_T_OBJECT) {
        jw_raw(w, json_raw(&j, 0));
    } else if (rc != -ERR_NOMEM) { /* cut off, or no object: as a text */
        rc = 0;
        jw_open(w, '{');
        jw_member_jstr(w, "input", inside(&out->text));
        jw_close(w, '}');
    }
    json_clear(&j);
    arena_free(a);
    return rc;
}

static int put_call(struct anthropic_out *out, struct jw *w)
{
    jw_member_text(w, "type", STR("tool_use"));
    jw_member_text(w, "id", out->call_id);
    jw_member_text(w, "name", out->call_name);
    jw_key(w, "input");
    return put_input(out, w);
}

static void put_text(struct anthropic_out *out, struct jw *w)
{
    jw_member_text(w, "type", STR("text"));
    jw_member_jstr(w, "text", inside(&out->text));
    if (!buf_len(&out->citations))
        return;
    jw_key(w, "citations");
    jw_open(w, '[');
    jw_bytes(w, buf_str(&out->citations));
    jw_close(w, ']');
}

static int end_block(struct anthropic_out *out)
{
    struct jw w = element(&out->content);
    int rc = 0;

    if (out->open == SAID_NONE)
        return 0;
    jw_open(&w, '{');
    if (out->open == SAID_CALL) {
        rc = put_call(out, &w);
    } else if (out->open == SAID_TEXT) {
        put_text(out, &w);
    } else {
        jw_member_text(&w, "type", STR("thinking"));
        if (!buf_len(&out->signature)) /* nobody signed it */
            rc = anthropic_seal(&out->signature, DIALECT_OPENAI_CHAT,
                                STR("{}"));
        jw_member_jstr(&w, "thinking", inside(&out->text));
        jw_member_jstr(&w, "signature", inside(&out->signature));
    }
    jw_close(&w, '}');
    buf_reset(&out->text);
    buf_reset(&out->signature);
    buf_reset(&out->citations);
    out->open = SAID_NONE;
    return rc ? rc : w.rc;
}

static int open_block(struct anthropic_out *out, enum said_kind kind)
{
    int rc = out->open == kind && kind != SAID_CALL ? 0 : end_block(out);

    out->open = kind;
    return rc;
}

static int put_piece(struct anthropic_out *out, enum said_kind kind,
                     struct buf *to, struct jstr text)
{
    int rc = open_block(out, kind);

    return rc ? rc : gather(to, text);
}

static int put_signature(struct anthropic_out *out,
                         const struct neutral_event *ev)
{
    int rc = open_block(out, SAID_THINKING);

    if (rc || !ev->raw.p)
        return rc ? rc : gather(&out->signature, ev->text);
    return anthropic_seal(&out->signature, ev->from, ev->raw);
}

static int begin_call(struct anthropic_out *out,
                      const struct neutral_event *ev)
{
    struct jw w;
    int rc = end_block(out);

    w = element(&out->content);
    if (!rc && ev->signature.n)
        anthropic_put_signature(&w, ev->signature);
    rc = rc ? rc : w.rc;
    out->open = SAID_CALL;
    out->custom = ev->custom;
    out->call_id = codec_id_to_anthropic(ev->id, out->base.a);
    if (!out->call_id.p)
        return -ERR_NOMEM;
    if (!rc)
        rc = anthropic_keep(out, &out->call_id, out->call_id);
    return rc ? rc : anthropic_keep(out, &out->call_name, ev->tool);
}

static int put_at_once(struct anthropic_out *out,
                       const struct neutral_event *ev)
{
    int rc = end_block(out);
    struct jw w = element(&out->content);

    if (ev->type == NEUTRAL_OPAQUE) {
        anthropic_put_opaque(&w, ev);
    } else {
        jw_open(&w, '{');
        jw_member_text(&w, "type", STR("redacted_thinking"));
        jw_member_jstr(&w, "data", ev->text);
        jw_close(&w, '}');
    }
    return rc ? rc : w.rc;
}

static int put_citation(struct anthropic_out *out,
                        const struct neutral_event *ev)
{
    struct jw w = element(&out->citations);
    int rc;

    if (ev->from != DIALECT_ANTHROPIC) {
        out_lose_event(&out->base, ev);
        return 0;
    }
    rc = open_block(out, SAID_TEXT);
    jw_raw(&w, ev->raw);
    return rc ? rc : w.rc;
}

static int put_finish(struct anthropic_out *out,
                      const struct neutral_event *ev)
{
    int rc = end_block(out);

    anthropic_note_finish(out, ev->finish);
    if (!rc)
        rc = anthropic_keep(out, &out->stop,
                            (struct str){ ev->text.p, ev->text.n });
    return rc ? rc
              : anthropic_keep(out, &out->explanation,
                               (struct str){ ev->name.p, ev->name.n });
}

static int put_start(struct anthropic_out *out,
                     const struct neutral_event *ev)
{
    const struct codec_out_opts *o = &out->base.opts;
    struct str id = ev->id;
    int rc;

    if (!id.n)
        id = arena_fmt(out->base.a, "msg_" STR_FMT, STR_ARG(o->unique));
    if (!id.p)
        return -ERR_NOMEM;
    rc = anthropic_keep(out, &out->id, id);
    return rc ? rc : anthropic_keep(out, &out->model,
                                    o->model.n ? o->model : ev->model);
}

static int put_body(struct anthropic_out *out, struct buf *to)
{
    struct jw w = { .b = to };

    jw_open(&w, '{');
    jw_member_text(&w, "id", out->id);
    jw_member_text(&w, "type", STR("message"));
    jw_member_text(&w, "role", STR("assistant"));
    jw_member_text(&w, "model", out->model);
    jw_key(&w, "content");
    jw_open(&w, '[');
    jw_bytes(&w, buf_str(&out->content));
    jw_close(&w, ']');
    anthropic_put_stop(&w, out);
    jw_key(&w, "usage");
    anthropic_put_usage(&w, &out->base.usage);
    jw_close(&w, '}');
    return w.rc;
}

int anthropic_whole(struct anthropic_out *out, const struct neutral_event *ev,
                    struct buf *to)
{
    struct jw w = { .b = to };

    switch (ev->type) {
    case NEUTRAL_START:
        return put_start(out, ev);
    case NEUTRAL_TEXT:
    case NEUTRAL_REFUSAL:
        out->refused |= ev->type == NEUTRAL_REFUSAL;
        return put_piece(out, SAID_TEXT, &out->text, ev->text);
    case NEUTRAL_THINKING:
        return put_piece(out, SAID_THINKING, &out->text, ev->text);
    case NEUTRAL_SIGNATURE:
        return put_signature(out, ev);
    case NEUTRAL_TOOL_BEGIN:
        return begin_call(out, ev);
    case NEUTRAL_TOOL_ARGS:
        return gather(&out->text, ev->text);
    case NEUTRAL_CITATION:
        return put_citation(out, ev);
    case NEUTRAL_BLOCK_END:
        return end_block(out);
    case NEUTRAL_REDACTED:
    case NEUTRAL_OPAQUE:
        return put_at_once(out, ev);
    case NEUTRAL_FINISH:
        return put_finish(out, ev);
    case NEUTRAL_END:
        return put_body(out, to);
    case NEUTRAL_ERROR:
        anthropic_put_error(&w, ev->error, ev->from == DIALECT_ANTHROPIC);
        return w.rc;
    default:
        out_lose_event(&out->base, ev);
        return 0;
    }
}

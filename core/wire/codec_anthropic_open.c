/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Anthropic answers, read: one block, from its start over its deltas. */
#include "wire/codec_anthropic.h"
#include "wire/codec_anthropic_in.h"

static int no_memory(struct anthropic_in *in)
{
    return err_set(in->base.err, ERR_NOMEM, "out of memory");
}

static int send(struct anthropic_in *in, struct jstr text)
{
    if (!text.n)
        return 0;
    in->said = true;
    if (in->open == OPEN_CALL)
        return in_call_args(&in->base, &in->call, text);
    return in_text(&in->base, in->open == OPEN_THINKING ? NEUTRAL_THINKING
                                                        : NEUTRAL_TEXT,
                   0, text);
}

static int send_piece(struct anthropic_in *in, struct jstr text)
{
    int rc = in_whole_pairs(&in->base, &in->half, &text);

    return rc ? rc : send(in, text);
}

static int send_signature(struct anthropic_in *in, struct jstr sign)
{
    if (!sign.n)
        return 0;
    in->said = true;
    return in_text(&in->base, NEUTRAL_SIGNATURE, 0, sign);
}

static int open_call(struct anthropic_in *in, uint32_t block)
{
    const struct json *j = &in->base.j;
    uint32_t input = in_member(j, block, STR("input"));
    struct str raw = json_raw(j, input);
    struct jstr args;
    int rc;

    in->open = OPEN_CALL;
    in->call.choice = 0;
    in->call.id = json_text(j, in_member(j, block, STR("id")), in->base.tmp);
    in->call.name = json_text(j, in_member(j, block, STR("name")),
                              in->base.tmp);
    in->call.custom = false;
    in->call.signature = JSTR_NULL;
    rc = in_call_begin(&in->base, &in->call);
    if (in->call.mode != CALL_TEXT) /* else an answer in a tool's clothes */
        in->any_call = true;
    if (rc || json_first(j, input) == JSON_NONE)
        return rc;
    args = jstr_escape(raw, in->base.tmp); /* whole, with the start */
    if (!args.p)
        return no_memory(in);
    return in_hold(&in->base, &in->input, (struct str){ args.p, args.n });
}

static int open_text(struct anthropic_in *in, uint32_t block,
                     enum open_kind kind, struct str name)
{
    const struct json *j = &in->base.j;
    int rc;

    in->open = kind;
    rc = send_piece(in, in_string(j, block, name));
    if (!rc && kind == OPEN_THINKING)
        rc = send_signature(in, in_string(j, block, STR("signature")));
    return rc;
}

static int open_redacted(struct anthropic_in *in, uint32_t block)
{
    struct jstr data = in_string(&in->base.j, block, STR("data"));

    in->open = OPEN_DONE;
    return data.p ? in_text(&in->base, NEUTRAL_REDACTED, 0, data) : 0;
}

static int open_opaque(struct anthropic_in *in, uint32_t block)
{
    in->open = OPEN_OPAQUE;
    return in_hold(&in->base, &in->opaque, json_raw(&in->base.j, block));
}

int anthropic_open(struct anthropic_in *in, uint32_t block)
{
    struct jstr word = in_string(&in->base.j, block, STR("type"));
    struct str type = { word.p, word.n };
    int rc = in->open == OPEN_NONE ? 0 : anthropic_close(in);

    if (rc || block == JSON_NONE ||
        in->base.j.nodes[block].type != JSON_T_OBJECT)
        return rc;
    in->said = false;
    if (str_is(type, "text"))
        return open_text(in, block, OPEN_TEXT, STR("text"));
    if (str_is(type, "thinking"))
        return open_text(in, block, OPEN_THINKING, STR("thinking"));
    if (str_is(type, "tool_use"))
        return open_call(in, block);
    if (str_is(type, "redacted_thinking"))
        return open_redacted(in, block);
    return open_opaque(in, block);
}

/* ---- the end of a block ------------------------------------------------- */

/* The block as its start had it, with the input that came piece by piece. */
static int put_input(struct anthropic_in *in, struct buf *out)
{
    struct str held = buf_str(&in->input), block = buf_str(&in->opaque);
    struct str input = jstr_text((struct jstr){ held.p, held.n },
                                 in->base.tmp);
    struct json j = { 0 };
    struct json_edits *e = NULL;
    int rc = input.p ? json_scan(&j, block, NULL, NULL) : -ERR_NOMEM;

    if (!rc) {
        e = json_edits_new(&j, in->base.tmp);
        rc = e ? json_edit_set(e, STR("/input"), input, NULL) : -ERR_NOMEM;
    }
    if (!rc)
        rc = json_edits_apply(e, out);
    json_clear(&j);
    return rc;
}

static int close_opaque(struct anthropic_in *in)
{
    struct buf out = BUF_INIT(in->base.opts.max_held * 2);
    struct neutral_event ev = { .type = NEUTRAL_OPAQUE,
                                .from = DIALECT_ANTHROPIC,
                                .raw = buf_str(&in->opaque) };
    int rc = 0;

    if (buf_len(&in->input)) {
        rc = put_input(in, &out);
        if (!rc)
            ev.raw = buf_str(&out);
        if (rc == -ERR_NOMEM)
            err_set(in->base.err, ERR_NOMEM, "out of memory");
        else
            rc = 0; /* cut input: the block as it began */
    }
    if (!rc)
        rc = in_emit(&in->base, &ev);
    buf_clear(&out);
    return rc;
}

static int close_call(struct anthropic_in *in)
{
    struct str held = buf_str(&in->input);
    int rc = 0;

    if (!in->said)
        rc = send(in, (struct jstr){ held.p, held.n });
    return rc ? rc : in_call_end(&in->base, &in->call);
}

int anthropic_close(struct anthropic_in *in)
{
    struct jstr half = in_half_left(&in->half);
    int rc = 0;

    if (half.n && in->open != OPEN_OPAQUE)
        rc = send(in, half);
    if (!rc && in->open == OPEN_OPAQUE)
        rc = close_opaque(in);
    else if (!rc && in->open == OPEN_CALL)
        rc = close_call(in);
    else if (!rc && in->said &&
             (in->open == OPEN_TEXT || in->open == OPEN_THINKING))
        rc = in_text(&in->base, NEUTRAL_BLOCK_END, 0, JSTR_NULL);
    buf_clear(&in->input);
    buf_clear(&in->opaque);
    in->open = OPEN_NONE;
    in->said = false;
    return rc;
}

/* ---- deltas ------------------------------------------------------------- */

int anthropic_citation(struct anthropic_in *in, uint32_t node)
{
    const struct json *j = &in->base.j;
    struct neutral_event ev = {
        .type = NEUTRAL_CITATION,
        .text = in_string(j, node, STR("url")),
        .name = in_string(j, node, STR("title")),
        .raw = json_raw(j, node),
        .from = DIALECT_ANTHROPIC,
    };

    if (node == JSON_NONE)
        return 0;
    if (in->open != OPEN_TEXT) {
        in_lose(&in->base, LOSS_CITATIONS);
        return 0;
    }
    in->said = true;
    return in_emit(&in->base, &ev);
}

static int on_input(struct anthropic_in *in, struct jstr json)
{
    if (in->open == OPEN_CALL)
        return send_piece(in, json);
    if (in->open != OPEN_OPAQUE || !json.n)
        return 0;
    return in_hold(&in->base, &in->input, (struct str){ json.p, json.n });
}

int anthropic_delta(struct anthropic_in *in, uint32_t delta)
{
    const struct json *j = &in->base.j;
    struct jstr word = in_string(j, delta, STR("type"));
    struct str type = { word.p, word.n };
    bool text = str_is(type, "text_delta");
    bool thinking = str_is(type, "thinking_delta");

    if (text && in->open == OPEN_NONE)
        in->open = OPEN_TEXT; /* some leave the start out */
    if (text && in->open == OPEN_TEXT)
        return send_piece(in, in_string(j, delta, STR("text")));
    if (thinking && in->open == OPEN_THINKING)
        return send_piece(in, in_string(j, delta, STR("thinking")));
    if (str_is(type, "input_json_delta"))
        return on_input(in, in_string(j, delta, STR("partial_json")));
    if (str_is(type, "signature_delta") && in->open == OPEN_THINKING)
        return send_signature(in, in_string(j, delta, STR("signature")));
    if (str_is(type, "citations_delta"))
        return anthropic_citation(in, in_member(j, delta, STR("citation")));
    return 0;
}

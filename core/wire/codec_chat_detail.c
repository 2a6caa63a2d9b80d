/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * OpenAI chat answers, read: reasoning_details, OpenRouter's form, which
 * others took over. Elements of a stream with one index are pieces of one
 * block. What Anthropic signed is thinking as Anthropic has it; all else has
 * a meaning only for the vendor that it came from and must go back to it
 * unchanged: its members go along with the text, or the element goes whole.
 *
 * Source: openrouter.ai's OpenAPI and recordings of four vendors (read
 * 2026-11-23).
 */
#include "wire/codec_chat_in.h"

static int no_memory(struct chat_in *in)
{
    return err_set(in->base.err, ERR_NOMEM, "out of memory");
}

static int keep(struct chat_in *in, struct str *to, struct jstr s)
{
    if (to->p || !s.n)
        return 0;
    *to = arena_dup(in->base.a, (struct str){ s.p, s.n });
    return to->p ? 0 : no_memory(in);
}

static int put_whole(struct chat_in *in, struct chat_choice *c, int64_t key,
                     uint32_t node)
{
    struct str raw = json_raw(&in->base.j, node);

    return chat_push(in, c, PART_OPAQUE, key, (struct jstr){ raw.p, raw.n });
}

/* The part that the text went into takes the other members along. */
static int keep_members(struct chat_in *in, struct chat_choice *c,
                        uint32_t node, struct jstr sign)
{
    const struct json *j = &in->base.j;
    struct chat_part *p = c->tail;
    struct chat_detail *d;
    struct str signature;
    int rc;

    if (!p || p->kind != PART_THINKING || p->signed_off)
        return 0;
    if (!p->detail)
        p->detail = arena_alloc(in->base.a, sizeof *p->detail);
    d = p->detail;
    if (!d)
        return no_memory(in);
    rc = keep(in, &d->type, in_string(j, node, STR("type")));
    if (!rc)
        rc = keep(in, &d->format, in_string(j, node, STR("format")));
    if (!rc)
        rc = keep(in, &d->id, in_string(j, node, STR("id")));
    signature = (struct str){ d->signature.p, d->signature.n };
    if (!rc)
        rc = keep(in, &signature, sign);
    d->signature = (struct jstr){ signature.p, signature.n };
    return rc;
}

static bool is_whole(struct jstr type)
{
    struct str s = { type.p, type.n };

    return s.n && !str_is(s, "reasoning.text") &&
           !str_is(s, "reasoning.summary") &&
           !str_is(s, "reasoning.encrypted");
}

int chat_read_detail(struct chat_in *in, struct chat_choice *c,
                     uint32_t node)
{
    const struct json *j = &in->base.j;
    struct jstr text = in_string(j, node, STR("text"));
    struct jstr data = in_string(j, node, STR("data"));
    struct jstr sign = in_string(j, node, STR("signature"));
    struct jstr format = in_string(j, node, STR("format"));
    bool anthropics = !format.p ||
                      str_starts((struct str){ format.p, format.n },
                                 STR("anthropic"));
    int64_t key = in_count(j, node, STR("index"));
    bool known = in_string(j, node, STR("id")).n > 0;
    int rc;

    if (data.p && anthropics)
        return chat_push(in, c, PART_REDACTED, key, data);
    if (data.p || is_whole(in_string(j, node, STR("type"))))
        return put_whole(in, c, key, node);
    if (!text.p)
        text = in_string(j, node, STR("summary"));
    rc = chat_push(in, c, PART_THINKING, key, text);
    if (rc || (!text.n && !sign.n))
        return rc;
    if (sign.n && anthropics && !known) /* as Anthropic itself says it */
        return chat_push_signature(in, c, sign);
    if (sign.n)
        rc = chat_open_thinking(in, c, key);
    return rc ? rc : keep_members(in, c, node, sign);
}

int chat_seal_detail(struct chat_in *in, struct chat_choice *c,
                     const struct chat_part *p)
{
    const struct chat_detail *d = p->detail;
    struct buf raw = BUF_INIT(in->base.opts.max_held);
    struct neutral_event ev = { .type = NEUTRAL_SIGNATURE,
                                .choice = c->index,
                                .from = DIALECT_OPENAI_CHAT };
    struct jw w = { .b = &raw };
    int rc;

    if (!d || p->signed_off || !p->said)
        return 0;
    jw_open(&w, '{');
    jw_member_jstr(&w, "type", d->type.p ? (struct jstr){ d->type.p,
                                                          d->type.n }
                                         : JSTR("reasoning.text"));
    jw_opt_jstr(&w, "signature", d->signature);
    jw_opt_jstr(&w, "format", (struct jstr){ d->format.p, d->format.n });
    jw_opt_jstr(&w, "id", (struct jstr){ d->id.p, d->id.n });
    if (p->key >= 0)
        jw_member_int(&w, "index", p->key);
    jw_close(&w, '}');
    ev.raw = buf_str(&raw);
    rc = w.rc == -ERR_NOMEM ? no_memory(in)
         : w.rc ? err_set(in->base.err, ERR_LIMIT,
                          "a signature grew over its limit")
                : in_emit(&in->base, &ev);
    buf_clear(&raw);
    return rc;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Reasoning of other dialects in the encrypted content of Responses items,
 * and that of Responses in the details that chat has. A seal says whose it
 * is: "penstock.anthropic." and the signature of the text beside it,
 * "penstock.redacted." and the data, "penstock.openai-chat." and an object.
 *
 * Source: docs/design/translation.md, "Reasoning items".
 */
#include "wire/codec_anthropic.h"
#include "wire/codec_responses.h"

#define SIGNED STR(RESPONSES_SEAL "anthropic.")
#define REDACTED STR(RESPONSES_SEAL "redacted.")

/* ---- sealed ------------------------------------------------------------- */

static int put_pair(struct buf *to, struct str seal, struct jstr s)
{
    int rc = buf_put(to, seal);

    return rc ? rc : buf_put(to, (struct str){ s.p, s.n });
}

static int seal_object(struct buf *to, const struct neutral_event *ev)
{
    struct jstr id, data;
    struct json j = { 0 };
    int rc = 0;

    if (ev->from != DIALECT_OPENAI_CHAT)
        return 0;
    data = responses_detail(&j, ev->raw, &id);
    if (data.p) /* its own */
        rc = buf_put(to, (struct str){ data.p, data.n });
    else
        rc = anthropic_seal(to, ev->from, ev->raw);
    json_clear(&j);
    return rc;
}

int responses_seal(struct buf *to, const struct neutral_event *ev)
{
    if (ev->raw.p)
        return seal_object(to, ev);
    return put_pair(to, ev->type == NEUTRAL_REDACTED ? REDACTED : SIGNED,
                    ev->text);
}

int responses_seal_call(struct buf *to, struct jstr signature)
{
    struct buf raw = BUF_INIT(signature.n + 64);
    struct jw w = { .b = &raw };

    jw_open(&w, '{');
    jw_member_jstr(&w, "thought_signature", signature);
    jw_close(&w, '}');
    if (!w.rc)
        w.rc = anthropic_seal(to, DIALECT_OPENAI_CHAT, buf_str(&raw));
    buf_clear(&raw);
    return w.rc;
}

struct jstr responses_detail(struct json *j, struct str raw, struct jstr *id)
{
    struct jstr format;

    *id = JSTR_NULL;
    if (json_scan(j, raw, NULL, NULL) ||
        j->nodes[0].type != JSON_T_OBJECT)
        return JSTR_NULL;
    format = jstr_of_node(j, json_member(j, 0, STR("format")));
    if (!str_is((struct str){ format.p, format.n }, RESPONSES_FORMAT))
        return JSTR_NULL;
    *id = jstr_of_node(j, json_member(j, 0, STR("id")));
    return jstr_of_node(j, json_member(j, 0, STR("data")));
}

/* ---- opened ------------------------------------------------------------- */

bool responses_is_sealed(struct jstr s)
{
    return str_starts((struct str){ s.p, s.n }, STR(RESPONSES_SEAL));
}

/* Behind a seal of that kind; absent where it is another. */
static struct jstr behind(struct jstr s, struct str seal)
{
    if (!str_starts((struct str){ s.p, s.n }, seal))
        return JSTR_NULL;
    return (struct jstr){ s.p + seal.n, s.n - seal.n };
}

static int add_unknown(struct rd *rd, struct neutral_message *m,
                       struct str raw, struct str type)
{
    struct neutral_block *b = rd_block(rd, m, BLOCK_UNKNOWN);

    if (!b)
        return -rd->err->code;
    b->unknown = (struct neutral_unknown){ DIALECT_OPENAI_CHAT, raw, type };
    return 0;
}

static int add_thinking(struct rd *rd, struct neutral_message *m,
                        const struct neutral_thinking *t)
{
    struct neutral_block *b = rd_block(rd, m, BLOCK_THINKING);

    if (!b)
        return -rd->err->code;
    b->thinking = *t;
    if (!b->thinking.text.p && !b->thinking.redacted.p)
        b->thinking.text = JSTR("");
    return 0;
}

/* What stood in an element of chat's reasoning_details, or behind a call. */
static int open_object(struct rd *rd, struct neutral_message *m,
                       struct jstr sealed, struct jstr text)
{
    struct neutral_thinking t = { .text = text };
    struct anthropic_seal seal;

    if (anthropic_open_seal(sealed, rd->a, &seal))
        return rd_nomem(rd);
    if (!seal.raw.p) /* nobody's */
        return text.p ? add_thinking(rd, m, &t) : 0;
    if (seal.call.p) {
        rd->signature = seal.call;
        return add_unknown(rd, m, seal.raw, STR("signature"));
    }
    if (!text.p)
        return add_unknown(rd, m, seal.raw, STR("reasoning"));
    t.signature = seal.own;
    t.detail = seal.empty ? STR_NULL : seal.raw;
    return add_thinking(rd, m, &t);
}

/* A provider's own: elsewhere it is what OpenRouter makes of it. */
static int add_own(struct rd *rd, struct neutral_message *m,
                   struct jstr data, struct jstr id)
{
    struct str raw = arena_fmt(
        rd->a, "{\"type\":\"reasoning.encrypted\",\"id\":\"" STR_FMT "\","
               "\"format\":\"" RESPONSES_FORMAT "\",\"data\":\"" STR_FMT
               "\"}",
        STR_ARG(((struct str){ id.p, id.n })),
        STR_ARG(((struct str){ data.p, data.n })));

    return raw.p ? add_unknown(rd, m, raw, STR("reasoning")) : rd_nomem(rd);
}

int responses_open_seal(struct rd *rd, struct neutral_message *m,
                        struct jstr sealed, struct jstr id, struct jstr text)
{
    struct neutral_thinking t = { .text = text };

    if (!sealed.n)
        return text.n ? add_thinking(rd, m, &t) : 0;
    if (!responses_is_sealed(sealed))
        return add_own(rd, m, sealed, id);
    t.signature = behind(sealed, SIGNED);
    if (t.signature.p)
        return add_thinking(rd, m, &t);
    t.redacted = behind(sealed, REDACTED);
    if (t.redacted.p)
        return add_thinking(rd, m, &t);
    return open_object(rd, m, sealed, text);
}

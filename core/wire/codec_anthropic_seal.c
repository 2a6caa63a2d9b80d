/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * What another dialect's answer says and Anthropic has no place for, in the
 * places that clients send back unread: the data of a redacted block, the
 * signature of a thinking block. On the way back it is taken out again.
 *
 * Source: docs/design/translation.md, "Thinking through a dialect that has
 * none".
 */
#include "wire/codec_anthropic.h"
#include "wire/codec_anthropic_out.h"

/* whose words are in a seal of JSON */
static const struct {
    struct str head;
    enum dialect from;
} seals[] = {
    { STR(ANTHROPIC_SEAL "openai-chat."), DIALECT_OPENAI_CHAT },
    { STR(ANTHROPIC_SEAL "gemini."), DIALECT_GEMINI },
};

/* ---- sealed ------------------------------------------------------------- */

int anthropic_seal(struct buf *to, enum dialect d, struct str raw)
{
    int rc = buf_puts(to, ANTHROPIC_SEAL);

    if (!rc)
        rc = buf_puts(to, dialect_name(d));
    if (!rc)
        rc = buf_puts(to, ".");
    return rc ? rc : jstr_put_escaped(to, raw);
}

/* A redacted block that holds JSON for another dialect. */
static void put_sealed(struct jw *w, enum dialect d, struct str raw)
{
    jw_open(w, '{');
    jw_member_text(w, "type", STR("redacted_thinking"));
    jw_key(w, "data");
    jw_bytes(w, STR("\""));
    if (!w->rc)
        w->rc = anthropic_seal(w->b, d, raw);
    jw_raw(w, STR("\""));
    jw_close(w, '}');
}

void anthropic_put_opaque(struct jw *w, const struct neutral_event *ev)
{
    if (ev->from == DIALECT_ANTHROPIC)
        jw_raw_line(w, ev->raw);
    else
        put_sealed(w, ev->from, ev->raw);
}

void anthropic_put_signature(struct jw *w, struct jstr signature)
{
    struct buf raw = BUF_INIT(signature.n + 64);
    struct jw in = { .b = &raw };

    jw_open(&in, '{');
    jw_member_jstr(&in, "thought_signature", signature);
    jw_close(&in, '}');
    put_sealed(w, DIALECT_OPENAI_CHAT, buf_str(&raw));
    if (!w->rc)
        w->rc = in.rc;
    buf_clear(&raw);
}

/* ---- opened ------------------------------------------------------------- */

bool anthropic_is_sealed(struct jstr s)
{
    return str_starts((struct str){ s.p, s.n }, STR(ANTHROPIC_SEAL));
}

/* What was sealed must be JSON, since it will stand in a body as it is. */
int anthropic_open_seal(struct jstr sealed, struct arena *a,
                        struct anthropic_seal *out)
{
    struct json_limits lim = { .dup_nowhere = true };
    struct str s = { sealed.p, sealed.n }, seal = STR_NULL;
    struct json j = { 0 };
    int rc;

    *out = (struct anthropic_seal){ 0 };
    for (size_t i = 0; i < 2 && !seal.n; i++) {
        if (str_starts(s, seals[i].head))
            seal = seals[i].head;
        out->from = seals[i].from;
    }
    if (!seal.n)
        return 0;
    s = jstr_text((struct jstr){ s.p + seal.n, s.n - seal.n }, a);
    if (!s.p)
        return -ERR_NOMEM;
    rc = json_scan(&j, s, &lim, NULL);
    if (!rc && j.nodes[0].type == JSON_T_OBJECT) {
        struct jstr format = jstr_of_node(&j, json_member(&j, 0,
                                                          STR("format")));

        out->raw = s; /* all below lies in it */
        out->empty = json_first(&j, 0) == JSON_NONE;
        out->call = jstr_of_node(&j, json_member(&j, 0,
                                                 STR("thought_signature")));
        if (str_starts((struct str){ format.p, format.n }, STR("anthropic")))
            out->own = jstr_of_node(&j, json_member(&j, 0,
                                                    STR("signature")));
    }
    json_clear(&j);
    return rc == -ERR_NOMEM ? rc : 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * OpenAI chat requests, written: reasoning of earlier turns, in the form in
 * which the vendor takes it back. What it stood in when it came goes back
 * member by member; the bytes of texts and signatures are those that came.
 */
#include "wire/codec_chat.h"

static bool is_reasoning(const struct neutral_block *b)
{
    return b->kind == BLOCK_THINKING ||
           (b->kind == BLOCK_UNKNOWN &&
            str_starts(b->unknown.type, STR("reasoning")));
}

/* Somebody vouched for it, or only the vendor can read it. */
static bool is_signed(const struct neutral_block *b)
{
    const struct neutral_thinking *t = &b->thinking;

    return b->kind == BLOCK_UNKNOWN || t->signature.n || t->redacted.p ||
           t->thought.n ||
           str_find(t->detail, STR("\"signature\":")) >= 0;
}

static enum codec_reasoning_in way_back(const struct cw *c)
{
    return c->t->strip_thinking ? REASONING_IN_NONE : c->t->reasoning_in;
}

/* All thinking that may be read, as one text; "" where there is none. */
static void put_text(struct cw *c, const struct neutral_message *m)
{
    for (const struct neutral_block *b = m->first; b; b = b->next) {
        if (!is_reasoning(b))
            continue;
        if (is_signed(b))
            cw_note(c, FATE_DROPPED, FEATURE_THINKING);
        if (b->kind == BLOCK_THINKING)
            jw_bytes(&c->w, (struct str){ b->thinking.text.p,
                                          b->thinking.text.n });
    }
}

static void put_plain(struct cw *c, const struct neutral_message *m,
                      const char *name)
{
    jw_key(&c->w, name);
    jw_sep(&c->w);
    jw_bytes(&c->w, STR("\""));
    put_text(c, m);
    jw_bytes(&c->w, STR("\""));
}

/* ---- reasoning_details -------------------------------------------------- */

/* Thinking that stood in none: the vendor said it in `reasoning` alone. */
static bool is_bare(const struct neutral_block *b)
{
    return b->kind == BLOCK_THINKING && !b->thinking.detail.p &&
           !is_signed(b);
}

/* The object that it came in, with the text in its place again. */
static void put_as_it_came(struct cw *c, const struct neutral_thinking *t)
{
    struct str summary = STR("{\"type\":\"reasoning.summary\"");

    jw_open(&c->w, '{');
    jw_member_jstr(&c->w, str_starts(t->detail, summary) ? "summary"
                                                         : "text",
                   t->text);
    jw_bytes(&c->w, STR(","));
    jw_bytes(&c->w, (struct str){ t->detail.p + 1, t->detail.n - 2 });
    jw_close(&c->w, '}');
}

static void put_detail(struct cw *c, const struct neutral_block *b,
                       int64_t index)
{
    const struct neutral_thinking *t = &b->thinking;

    if (b->kind == BLOCK_UNKNOWN) {
        jw_raw(&c->w, b->unknown.raw);
        return;
    }
    if (t->detail.p) {
        put_as_it_came(c, t);
        return;
    }
    jw_open(&c->w, '{');
    jw_member_text(&c->w, "type", t->redacted.p ? STR("reasoning.encrypted")
                                                : STR("reasoning.text"));
    if (t->redacted.p)
        jw_member_jstr(&c->w, "data", t->redacted);
    else
        jw_member_jstr(&c->w, "text", t->text);
    jw_opt_jstr(&c->w, "signature", t->signature);
    jw_member_text(&c->w, "format", STR("anthropic-claude-v1"));
    jw_member_int(&c->w, "index", index);
    jw_close(&c->w, '}');
}

static void put_details(struct cw *c, const struct neutral_message *m)
{
    int64_t n = 0;
    bool bare = false;

    for (const struct neutral_block *b = m->first; b; b = b->next) {
        bare = bare || is_bare(b);
        if (!is_reasoning(b) || is_bare(b))
            continue;
        if (n == 0) {
            jw_key(&c->w, "reasoning_details");
            jw_open(&c->w, '[');
        }
        put_detail(c, b, n++);
    }
    if (n)
        jw_close(&c->w, ']');
    if (!bare)
        return;
    jw_key(&c->w, "reasoning");
    jw_sep(&c->w);
    jw_bytes(&c->w, STR("\""));
    for (const struct neutral_block *b = m->first; b; b = b->next) {
        if (is_bare(b))
            jw_bytes(&c->w, (struct str){ b->thinking.text.p,
                                          b->thinking.text.n });
    }
    jw_bytes(&c->w, STR("\""));
}

/* ---- thinking_blocks ---------------------------------------------------- */

static void put_block(struct cw *c, const struct neutral_block *b)
{
    const struct neutral_thinking *t = &b->thinking;

    jw_open(&c->w, '{');
    if (t->redacted.p) {
        jw_member_text(&c->w, "type", STR("redacted_thinking"));
        jw_member_jstr(&c->w, "data", t->redacted);
    } else {
        jw_member_text(&c->w, "type", STR("thinking"));
        jw_member_jstr(&c->w, "thinking", t->text);
        jw_opt_jstr(&c->w, "signature", t->signature);
    }
    jw_close(&c->w, '}');
}

static void put_blocks(struct cw *c, const struct neutral_message *m)
{
    jw_key(&c->w, "thinking_blocks");
    jw_open(&c->w, '[');
    for (const struct neutral_block *b = m->first; b; b = b->next) {
        if (!is_reasoning(b))
            continue;
        if (b->kind == BLOCK_THINKING)
            put_block(c, b);
        else
            cw_note(c, FATE_DROPPED, FEATURE_THINKING);
    }
    jw_close(&c->w, ']');
}

/* ---- parts of the content ----------------------------------------------- */

bool chat_has_thinking_parts(const struct cw *c,
                             const struct neutral_message *m)
{
    const struct neutral_block *b = m->first;

    if (way_back(c) != REASONING_IN_PARTS)
        return false;
    while (b && !(b->kind == BLOCK_THINKING && b->thinking.text.n))
        b = b->next;
    return b != NULL;
}

void chat_put_thinking_part(struct cw *c, const struct neutral_message *m)
{
    jw_open(&c->w, '{');
    jw_member_text(&c->w, "type", STR("thinking"));
    jw_key(&c->w, "thinking");
    jw_open(&c->w, '[');
    for (const struct neutral_block *b = m->first; b; b = b->next) {
        if (b->kind != BLOCK_THINKING || !b->thinking.text.n)
            continue;
        jw_open(&c->w, '{');
        jw_member_text(&c->w, "type", STR("text"));
        jw_member_jstr(&c->w, "text", b->thinking.text);
        jw_close(&c->w, '}');
    }
    jw_close(&c->w, ']');
    jw_close(&c->w, '}');
}

/* Signatures, and what nobody may read, have no place in them. */
static void note_signed(struct cw *c, const struct neutral_message *m)
{
    for (const struct neutral_block *b = m->first; b; b = b->next) {
        if (is_reasoning(b) && is_signed(b))
            cw_note(c, FATE_DROPPED, FEATURE_THINKING);
    }
}

/* ---- all of it ---------------------------------------------------------- */

static void note_dropped(struct cw *c, const struct neutral_message *m)
{
    for (const struct neutral_block *b = m->first; b; b = b->next) {
        if (!is_reasoning(b))
            continue;
        if (is_signed(b))
            cw_note(c, FATE_DROPPED, FEATURE_THINKING);
        else
            cw_note(c, FATE_DROPPED, FEATURE_UNSIGNED_THINKING);
    }
}

static bool any_reasoning(const struct neutral_message *m)
{
    for (const struct neutral_block *b = m->first; b; b = b->next) {
        if (is_reasoning(b))
            return true;
    }
    return false;
}

bool chat_has_tags(const struct cw *c, const struct neutral_message *m)
{
    return way_back(c) == REASONING_IN_TAGS && any_reasoning(m);
}

void chat_put_tags(struct cw *c, const struct neutral_message *m)
{
    jw_bytes(&c->w, STR("<think>"));
    put_text(c, m);
    jw_bytes(&c->w, STR("</think>"));
}

void chat_put_reasoning_back(struct cw *c, const struct neutral_message *m)
{
    bool any = any_reasoning(m), calls = false;

    for (const struct neutral_block *b = m->first; b; b = b->next)
        calls = calls || b->kind == BLOCK_TOOL_CALL;
    switch (way_back(c)) {
    case REASONING_IN_NONE:
        note_dropped(c, m);
        break;
    case REASONING_IN_CONTENT: /* in a tool loop it must be there */
        if (any || calls)
            put_plain(c, m, "reasoning_content");
        break;
    case REASONING_IN_PLAIN:
        if (any)
            put_plain(c, m, "reasoning");
        break;
    case REASONING_IN_DETAILS:
        put_details(c, m);
        break;
    case REASONING_IN_BLOCKS:
        if (any)
            put_blocks(c, m);
        break;
    case REASONING_IN_TAGS: /* with the content */
        break;
    case REASONING_IN_PARTS: /* in it */
        note_signed(c, m);
        break;
    }
}

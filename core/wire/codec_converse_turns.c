/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Converse requests, written: turns and their blocks. Roles alternate, and a
 * user begins; a turn is opened by the first block that goes into it, so what
 * is dropped leaves no empty message. A document needs a text beside it.
 */
#include "wire/codec_converse.h"

static bool is_instructions(const struct neutral_message *m)
{
    return m->role == ROLE_SYSTEM || m->role == ROLE_DEVELOPER;
}

/* The first message that is not of the system's text; with nothing but
 * instructions, the last of them is what the model is to answer. */
static const struct neutral_message *system_end(const struct cw *c)
{
    const struct neutral_message *m = c->r->first, *last = NULL;

    for (; m && is_instructions(m); m = m->next)
        last = m;
    return m ? m : last;
}

/* ---- blocks ------------------------------------------------------------- */

static bool can_thinking(struct converse_out *w,
                         const struct neutral_thinking *t)
{
    struct cw *c = &w->aw.c;

    if (!t->redacted.p && !t->signature.n && !t->thought.n) {
        cw_note(c, FATE_DROPPED, FEATURE_UNSIGNED_THINKING);
        return false;
    }
    if (w->claude && !t->thought.n && !c->t->strip_thinking)
        return true;
    cw_note(c, FATE_DROPPED, FEATURE_THINKING);
    return false;
}

bool converse_can_block(struct converse_out *w, const struct neutral_block *b)
{
    switch (b->kind) {
    case BLOCK_TEXT:
    case BLOCK_REFUSAL:
        if (!jstr_blank(b->text))
            return true;
        cw_note(&w->aw.c, FATE_MAPPED, FEATURE_EMPTY_TEXT);
        return false;
    case BLOCK_MEDIA:
        return converse_can_media(w, &b->media);
    case BLOCK_THINKING:
        return can_thinking(w, &b->thinking);
    case BLOCK_UNKNOWN:
        cw_unknown(&w->aw.c, &b->unknown);
        return false;
    default:
        return true;
    }
}

static void put_id(struct cw *c, struct str id)
{
    struct str out = codec_id_to_anthropic(id, c->a);

    if (!out.p)
        cw_fail(c, -ERR_NOMEM);
    if (!str_eq(out, id))
        cw_note(c, FATE_MAPPED, FEATURE_TOOL_ID);
    jw_member_text(&c->w, "toolUseId", out);
}

static void put_call(struct cw *c, const struct neutral_call *call)
{
    jw_key(&c->w, "toolUse");
    jw_open(&c->w, '{');
    put_id(c, call->id);
    jw_member_text(&c->w, "name", cw_tool_name(c, call->name));
    jw_key(&c->w, "input");
    cw_args_object(c, call);
    cw_unsigned(c, call);
    jw_close(&c->w, '}');
}

static void put_result(struct converse_out *w, const struct neutral_result *r)
{
    struct cw *c = &w->aw.c;

    jw_key(&c->w, "toolResult");
    jw_open(&c->w, '{');
    put_id(c, r->id);
    jw_key(&c->w, "content");
    jw_open(&c->w, '[');
    for (const struct neutral_block *b = r->blocks; b; b = b->next) {
        if (converse_can_block(w, b))
            converse_put_block(w, b);
        if (b->cache.set) { /* there are none within a result */
            cw_note(c, FATE_DROPPED, FEATURE_CACHE);
            w->aw.skip_marks -= w->aw.skip_marks > 0;
        }
    }
    jw_close(&c->w, ']');
    if (r->is_error)
        jw_member_text(&c->w, "status", STR("error"));
    jw_close(&c->w, '}');
}

static void put_thinking(struct cw *c, const struct neutral_thinking *t)
{
    struct jw *j = &c->w;

    jw_key(j, "reasoningContent");
    jw_open(j, '{');
    if (t->redacted.p) {
        converse_redacted_put(c, t->redacted);
    } else {
        jw_key(j, "reasoningText");
        jw_open(j, '{');
        jw_member_jstr(j, "text", t->text.p ? t->text : JSTR(""));
        jw_member_jstr(j, "signature", t->signature);
        jw_close(j, '}');
    }
    jw_close(j, '}');
}

void converse_put_block(struct converse_out *w, const struct neutral_block *b)
{
    struct cw *c = &w->aw.c;

    jw_open(&c->w, '{');
    switch (b->kind) {
    case BLOCK_MEDIA:
        converse_put_media(w, &b->media);
        break;
    case BLOCK_TOOL_CALL:
        put_call(c, &b->call);
        break;
    case BLOCK_TOOL_RESULT:
        put_result(w, &b->result);
        break;
    case BLOCK_THINKING:
        put_thinking(c, &b->thinking);
        break;
    default:
        if (b->kind == BLOCK_REFUSAL)
            cw_note(c, FATE_MAPPED, FEATURE_REFUSAL);
        jw_member_jstr(&c->w, "text", b->text);
    }
    jw_close(&c->w, '}');
}

/* ---- system ------------------------------------------------------------- */

static void open_system(struct jw *j, bool *any)
{
    if (*any)
        return;
    jw_key(j, "system");
    jw_open(j, '[');
    *any = true;
}

void converse_put_system(struct converse_out *w)
{
    struct cw *c = &w->aw.c;
    const struct neutral_message *end = system_end(c);
    bool any = false;

    for (const struct neutral_message *m = c->r->first; m != end;
         m = m->next) {
        for (const struct neutral_block *b = m->first; b; b = b->next) {
            if (b->kind != BLOCK_TEXT || !converse_can_block(w, b))
                continue;
            open_system(&c->w, &any);
            converse_put_block(w, b);
            converse_put_mark(w, &b->cache);
        }
    }
    if (c->r->format.kind == FORMAT_JSON) {
        cw_note(c, FATE_MAPPED, FEATURE_FORMAT);
        open_system(&c->w, &any);
        jw_raw(&c->w, STR("{\"text\":\"Answer with one JSON object and "
                          "nothing else: no prose, no code fence.\"}"));
    }
    if (any)
        jw_close(&c->w, ']');
}

/* ---- turns -------------------------------------------------------------- */

static void close_turn(struct converse_out *w)
{
    struct jw *j = &w->aw.c.w;

    if (!w->aw.open)
        return;
    if (w->document && !w->text)
        jw_raw(j, STR("{\"text\":\"The document.\"}"));
    jw_close(j, ']');
    jw_close(j, '}');
    w->aw.open = false;
}

static void open_turn(struct converse_out *w, enum neutral_role role)
{
    struct jw *j = &w->aw.c.w;

    if (w->aw.open && w->aw.role == role)
        return;
    close_turn(w);
    jw_open(j, '{');
    jw_member_text(j, "role", role == ROLE_ASSISTANT ? STR("assistant")
                                                     : STR("user"));
    jw_key(j, "content");
    jw_open(j, '[');
    w->aw.open = w->aw.any = true;
    w->aw.role = role;
    w->text = w->document = false;
}

static void put_in_turn(struct converse_out *w, enum neutral_role role,
                        const struct neutral_block *b)
{
    if (role == ROLE_ASSISTANT && !w->aw.any) {
        cw_note(&w->aw.c, FATE_MAPPED, FEATURE_FIRST_ASSISTANT);
        open_turn(w, ROLE_USER);
        jw_raw(&w->aw.c.w, STR("{\"text\":\".\"}"));
    }
    open_turn(w, role);
    converse_put_block(w, b);
    w->text = w->text || b->kind == BLOCK_TEXT;
    w->document = w->document || (b->kind == BLOCK_MEDIA &&
                                  b->media.kind == MEDIA_DOCUMENT);
    if (b->kind != BLOCK_THINKING) /* may not be marked */
        converse_put_mark(w, &b->cache);
}

static enum neutral_role role_of(const struct neutral_message *m)
{
    return m->role == ROLE_ASSISTANT ? ROLE_ASSISTANT : ROLE_USER;
}

/* The last text of an answer that the client began: it may not end with
 * white space. */
static const struct neutral_block *
trimmed(const struct neutral_message *m, const struct neutral_block *b,
        struct neutral_block *room)
{
    if (m->next || m->role != ROLE_ASSISTANT || b->next ||
        b->kind != BLOCK_TEXT)
        return b;
    *room = *b;
    room->text = jstr_trim_end(b->text);
    return room;
}

static void put_run(struct converse_out *w, const struct neutral_message *m,
                    const struct neutral_message *end, bool results)
{
    struct neutral_block room;

    for (; m != end; m = m->next) {
        for (const struct neutral_block *b = m->first; b; b = b->next) {
            if ((b->kind == BLOCK_TOOL_RESULT) == results &&
                converse_can_block(w, b))
                put_in_turn(w, role_of(m), trimmed(m, b, &room));
        }
        if (m->name.p && !results)
            cw_note(&w->aw.c, FATE_DROPPED, FEATURE_NAME);
        if (is_instructions(m) && m->next && !results)
            cw_note(&w->aw.c, FATE_MAPPED, FEATURE_SYSTEM_INSIDE);
    }
}

/* An answer that the client began, with a model that does not go on. */
static void judge_prefill(struct cw *c)
{
    const struct neutral_message *last = c->r->last;

    if (last && last->role == ROLE_ASSISTANT && last->last &&
        last->last->kind != BLOCK_TOOL_CALL && !cw_can(c, CAN_PREFILL))
        cw_note(c, FATE_REFUSED, FEATURE_PREFILL);
}

void converse_put_messages(struct converse_out *w)
{
    struct cw *c = &w->aw.c;
    const struct neutral_message *m = system_end(c);

    jw_key(&c->w, "messages");
    jw_open(&c->w, '[');
    while (m && !c->w.rc) {
        const struct neutral_message *end = m->next;

        while (end && role_of(end) == role_of(m))
            end = end->next;
        put_run(w, m, end, true);
        put_run(w, m, end, false);
        m = end;
    }
    if (w->aw.open)
        converse_put_mark(w, &c->r->cache);
    close_turn(w);
    jw_close(&c->w, ']');
    judge_prefill(c);
}

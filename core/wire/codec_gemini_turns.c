/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * generateContent requests, written: contents. Messages of one role in a row
 * are one content; behind the model's calls stands an answer to each of
 * them, in their order, for the API counts them.
 */
#include "wire/codec_gemini.h"

/* "None was kept": the API's own word for a call that somebody else made. */
#define SKIP_SIGNATURE "skip_thought_signature_validator"

static bool is_instructions(const struct neutral_message *m)
{
    return m->role == ROLE_SYSTEM || m->role == ROLE_DEVELOPER;
}

/* The first message that is not of the system's text; where there is nothing
 * but instructions, the last of them is what the model is to answer. */
static const struct neutral_message *system_end(const struct gw *w)
{
    const struct neutral_message *m = w->c.r->first, *last = NULL;

    if (!cw_can(&w->c, CAN_DEVELOPER))
        return m; /* no such place: with what the user says */
    for (; m && is_instructions(m); m = m->next)
        last = m;
    return m ? m : last;
}

static void note_cache(struct gw *w, const struct neutral_block *b)
{
    if (b->cache.set)
        cw_note(&w->c, FATE_DROPPED, FEATURE_CACHE);
}

static void put_text(struct gw *w, struct jstr text)
{
    jw_open(&w->c.w, '{');
    jw_member_jstr(&w->c.w, "text", text);
    jw_close(&w->c.w, '}');
}

void gemini_put_system(struct gw *w)
{
    const struct neutral_message *end = system_end(w);
    struct jw *j = &w->c.w;
    bool any = false;

    for (const struct neutral_message *m = w->c.r->first; m != end;
         m = m->next) {
        for (const struct neutral_block *b = m->first; b; b = b->next) {
            if (b->kind != BLOCK_TEXT || jstr_blank(b->text))
                continue;
            if (!any) {
                jw_key(j, "systemInstruction");
                jw_open(j, '{');
                jw_key(j, "parts");
                jw_open(j, '[');
                any = true;
            }
            note_cache(w, b);
            put_text(w, b->text);
        }
    }
    if (!any)
        return;
    jw_close(j, ']');
    jw_close(j, '}');
}

/* ---- contents ----------------------------------------------------------- */

static void close_turn(struct gw *w)
{
    if (!w->open)
        return;
    jw_close(&w->c.w, ']');
    jw_close(&w->c.w, '}');
    w->open = false;
}

static void open_turn(struct gw *w, enum neutral_role role)
{
    struct jw *j = &w->c.w;

    if (w->open && w->role == role)
        return;
    close_turn(w);
    if (role == ROLE_ASSISTANT && !w->any) { /* the user begins */
        cw_note(&w->c, FATE_MAPPED, FEATURE_FIRST_ASSISTANT);
        w->any = true;
        open_turn(w, ROLE_USER);
        put_text(w, JSTR("."));
        close_turn(w);
    }
    jw_open(j, '{');
    jw_member_text(j, "role", role == ROLE_ASSISTANT ? STR("model")
                                                     : STR("user"));
    jw_key(j, "parts");
    jw_open(j, '[');
    w->open = w->any = true;
    w->signed_call = false;
    w->role = role;
}

/* Which signature a call goes with; absent: none. */
static struct jstr signature_of(struct gw *w, const struct neutral_call *c)
{
    bool first = !w->signed_call;

    w->signed_call = true; /* of parallel calls the first one has it */
    if (c->signature.n && !w->c.t->strip_thinking)
        return c->signature;
    return first && gemini_signs(w) ? JSTR(SKIP_SIGNATURE) : JSTR_NULL;
}

static void put_call(struct gw *w, const struct neutral_call *call)
{
    struct jw *j = &w->c.w;
    struct jstr sign = signature_of(w, call);

    jw_open(j, '{');
    jw_key(j, "functionCall");
    jw_open(j, '{');
    if (call->id.n)
        jw_member_text(j, "id", call->id);
    jw_member_text(j, "name", cw_tool_name(&w->c, call->name));
    jw_key(j, "args");
    cw_args_object(&w->c, call);
    jw_close(j, '}');
    jw_opt_jstr(j, "thoughtSignature", sign);
    jw_close(j, '}');
}

static bool can_thinking(struct gw *w, const struct neutral_thinking *t)
{
    if (t->thought.n && !w->c.t->strip_thinking)
        return true;
    if (t->thought.n || t->signature.n || t->redacted.p || t->detail.p)
        cw_note(&w->c, FATE_DROPPED, FEATURE_THINKING);
    else
        cw_note(&w->c, FATE_DROPPED, FEATURE_UNSIGNED_THINKING);
    return false;
}

static bool can_block(struct gw *w, const struct neutral_block *b)
{
    switch (b->kind) {
    case BLOCK_TEXT:
    case BLOCK_REFUSAL:
        if (!jstr_blank(b->text))
            return true;
        cw_note(&w->c, FATE_MAPPED, FEATURE_EMPTY_TEXT);
        return false;
    case BLOCK_MEDIA:
        return gemini_can_media(w, &b->media);
    case BLOCK_THINKING:
        return can_thinking(w, &b->thinking);
    case BLOCK_UNKNOWN:
        if (b->unknown.dialect == DIALECT_GEMINI)
            return true;
        if (!str_is(b->unknown.type, "signature")) /* stands at its call */
            cw_unknown(&w->c, &b->unknown);
        return false;
    default:
        return true;
    }
}

static void put_thought(struct gw *w, const struct neutral_thinking *t)
{
    struct jw *j = &w->c.w;

    jw_open(j, '{');
    jw_member_jstr(j, "text", t->text.p ? t->text : JSTR(""));
    if (t->text.n) /* else it signs the text before it */
        jw_member_bool(j, "thought", true);
    jw_member_jstr(j, "thoughtSignature", t->thought);
    jw_close(j, '}');
}

static void put_block(struct gw *w, enum neutral_role role,
                      const struct neutral_block *b)
{
    note_cache(w, b);
    if (!can_block(w, b))
        return;
    open_turn(w, role);
    switch (b->kind) {
    case BLOCK_REFUSAL:
        cw_note(&w->c, FATE_MAPPED, FEATURE_REFUSAL);
        put_text(w, b->text);
        break;
    case BLOCK_MEDIA:
        gemini_put_media(w, &b->media);
        break;
    case BLOCK_TOOL_CALL:
        put_call(w, &b->call);
        break;
    case BLOCK_THINKING:
        put_thought(w, &b->thinking);
        break;
    case BLOCK_UNKNOWN:
        jw_raw(&w->c.w, b->unknown.raw);
        break;
    default:
        put_text(w, b->text);
    }
}

/* ---- answers to calls --------------------------------------------------- */

/* The answers in a run of messages. */
struct answers {
    const struct neutral_result *result[CALLS_A_TURN_MAX];
    bool used[CALLS_A_TURN_MAX];
    uint32_t n;
};

static void gather(struct answers *a, const struct neutral_message *m,
                   const struct neutral_message *end)
{
    a->n = 0;
    for (; m != end; m = m->next) {
        for (const struct neutral_block *b = m->first; b; b = b->next) {
            if (b->kind != BLOCK_TOOL_RESULT || a->n == CALLS_A_TURN_MAX)
                continue;
            a->used[a->n] = false;
            a->result[a->n++] = &b->result;
        }
    }
}

static const struct neutral_result *take(struct answers *a, struct str id)
{
    for (uint32_t i = 0; i < a->n; i++) {
        if (a->used[i] || !str_eq(a->result[i]->id, id))
            continue;
        a->used[i] = true;
        return a->result[i];
    }
    return NULL;
}

static void put_answer(struct gw *w, struct answers *a,
                       const struct neutral_call *call)
{
    const struct neutral_result *r = take(a, call->id);
    struct neutral_result none = { .id = call->id, .is_error = true };

    if (!r)
        cw_note(&w->c, FATE_MAPPED, FEATURE_TOOL_ORPHAN);
    open_turn(w, ROLE_USER);
    gemini_put_result(w, r ? r : &none, cw_tool_name(&w->c, call->name));
}

/* Pictures; and the texts of an answer to no call, as what the user says. */
static void put_remains(struct gw *w, const struct neutral_result *r,
                        bool used)
{
    if (!used)
        cw_note(&w->c, FATE_MAPPED, FEATURE_TOOL_ORPHAN);
    for (const struct neutral_block *b = r->blocks; b; b = b->next) {
        if (b->kind == BLOCK_MEDIA)
            cw_note(&w->c, FATE_MAPPED, FEATURE_TOOL_MEDIA);
        if (b->kind == BLOCK_MEDIA || (!used && b->kind == BLOCK_TEXT))
            put_block(w, ROLE_USER, b);
    }
}

/* An answer to each call of the run before, what came for none of them, and
 * behind them the pictures in them. */
static void put_answers(struct gw *w, struct answers *a,
                        const struct neutral_message *asked,
                        const struct neutral_message *first)
{
    uint32_t n = 0;

    for (const struct neutral_message *m = asked; m && m != first;
         m = m->next) {
        for (const struct neutral_block *b = m->first; b; b = b->next) {
            if (b->kind == BLOCK_TOOL_CALL && n++ < CALLS_A_TURN_MAX)
                put_answer(w, a, &b->call);
        }
    }
    for (uint32_t i = 0; i < a->n; i++)
        put_remains(w, a->result[i], a->used[i]);
}

static bool is_model(const struct neutral_message *m)
{
    return m->role == ROLE_ASSISTANT;
}

static void put_run(struct gw *w, const struct neutral_message *m,
                    const struct neutral_message *end)
{
    enum neutral_role role = is_model(m) ? ROLE_ASSISTANT : ROLE_USER;

    for (; m != end; m = m->next) {
        if (is_instructions(m) && w->any)
            cw_note(&w->c, FATE_MAPPED, FEATURE_SYSTEM_INSIDE);
        if (m->name.p)
            cw_note(&w->c, FATE_DROPPED, FEATURE_NAME);
        for (const struct neutral_block *b = m->first; b; b = b->next) {
            if (b->kind != BLOCK_TOOL_RESULT)
                put_block(w, role, b);
        }
    }
}

void gemini_put_contents(struct gw *w)
{
    const struct neutral_message *m = system_end(w), *asked = NULL;
    struct answers *a = arena_alloc(w->c.a, sizeof *a);

    if (!a) {
        cw_fail(&w->c, -ERR_NOMEM);
        return;
    }
    jw_key(&w->c.w, "contents");
    jw_open(&w->c.w, '[');
    while (m && !w->c.w.rc) {
        const struct neutral_message *end = m->next;

        while (end && is_model(end) == is_model(m))
            end = end->next;
        if (!is_model(m)) {
            gather(a, m, end);
            put_answers(w, a, asked, m);
        }
        put_run(w, m, end);
        asked = is_model(m) ? m : NULL;
        m = end;
    }
    close_turn(w);
    jw_close(&w->c.w, ']');
}

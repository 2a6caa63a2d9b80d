/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Conversations with tool results as messages of their own. */
#include "wire/codec_turns.h"
#include "wire/codec_where.h"

static bool is_users(const struct neutral_message *m)
{
    return m && m->role == ROLE_USER;
}

/* ---- results ------------------------------------------------------------ */

static void note_result(struct cw *c, const struct neutral_result *r)
{
    if (r->is_error)
        cw_note(c, FATE_MAPPED, FEATURE_TOOL_ERROR);
    for (const struct neutral_block *b = r->blocks; b; b = b->next) {
        if (b->kind == BLOCK_MEDIA)
            cw_note(c, FATE_MAPPED, FEATURE_TOOL_MEDIA);
        else if (b->kind == BLOCK_UNKNOWN)
            cw_unknown(c, &b->unknown);
    }
}

static uint32_t put_results(struct cw *c, const struct cw_turn_ops *ops,
                            const struct neutral_message *in,
                            const struct neutral_message *asked)
{
    uint32_t n = 0;

    for (const struct neutral_block *b = in->first; b; b = b->next) {
        if (b->kind != BLOCK_TOOL_RESULT)
            continue;
        note_result(c, &b->result);
        if (b->cache.set)
            cw_note(c, FATE_DROPPED, FEATURE_CACHE);
        ops->result(c, &b->result, asked);
        n++;
    }
    return n;
}

static bool is_answered(const struct neutral_message *m, struct str id)
{
    for (; is_users(m); m = m->next) {
        for (const struct neutral_block *b = m->first; b; b = b->next) {
            if (b->kind == BLOCK_TOOL_RESULT && str_eq(b->result.id, id))
                return true;
        }
    }
    return false;
}

static void put_orphan(struct cw *c, const struct cw_turn_ops *ops,
                       struct str id, const struct neutral_message *asked)
{
    struct neutral_block text = { .kind = BLOCK_TEXT,
                                  .text = JSTR("[no result]") };
    struct neutral_result r = { .id = id, .blocks = &text };

    cw_note(c, FATE_MAPPED, FEATURE_TOOL_ORPHAN);
    ops->result(c, &r, asked);
}

/* Behind an assistant's turn: what its tools answered, whatever stood between
 * in the client's form; what is missing too, where the user went on. */
static void put_all_results(struct cw *c, const struct cw_turn_ops *ops,
                            const struct neutral_message *m)
{
    uint32_t results = 0, calls = 0;

    for (const struct neutral_block *b = m->first; b; b = b->next)
        calls += b->kind == BLOCK_TOOL_CALL;
    for (const struct neutral_message *u = m->next; is_users(u); u = u->next)
        results += put_results(c, ops, u, m);
    if (results > CALLS_A_TURN_MAX || calls > CALLS_A_TURN_MAX) {
        cw_fail(c, err_at(c->err, ERR_INVALID_REQUEST,
                      codec_talk_field(c->r->from),
                          "More than %d tool calls in one turn.",
                          CALLS_A_TURN_MAX));
        return;
    }
    if (!is_users(m->next))
        return;
    for (const struct neutral_block *b = m->first; b; b = b->next) {
        if (b->kind == BLOCK_TOOL_CALL && !is_answered(m->next, b->call.id))
            put_orphan(c, ops, b->call.id, m);
    }
}

/* ---- messages ----------------------------------------------------------- */

const struct neutral_block *cw_own_next(struct cw_own *own)
{
    while (own->next || own->inner) {
        const struct neutral_block *b = own->inner;

        if (b) {
            own->inner = b->next;
            if (b->kind == BLOCK_MEDIA)
                return b;
            continue;
        }
        b = own->next;
        own->next = b->next;
        if (b->kind != BLOCK_TOOL_RESULT)
            return b;
        own->inner = b->result.blocks;
    }
    return NULL;
}

static void put_user(struct cw *c, const struct cw_turn_ops *ops,
                     const struct neutral_message *m)
{
    struct cw_own own = { m->first, NULL };

    if (m->name.p)
        cw_note(c, FATE_DROPPED, FEATURE_NAME);
    if (!m->first || cw_own_next(&own))
        ops->user(c, m);
}

void cw_turns(struct cw *c, const struct cw_turn_ops *ops)
{
    bool behind_assistant = false;

    jw_open(&c->w, '[');
    for (const struct neutral_message *m = c->r->first; m && !c->w.rc;
         m = m->next) {
        if (m->role == ROLE_ASSISTANT) {
            ops->assistant(c, m);
            put_all_results(c, ops, m);
            behind_assistant = true;
        } else if (m->role == ROLE_USER) {
            if (!behind_assistant)
                put_results(c, ops, m, NULL);
            put_user(c, ops, m);
        } else {
            ops->instructions(c, m);
            behind_assistant = false;
        }
    }
    jw_close(&c->w, ']');
}

/* ---- pieces ------------------------------------------------------------- */

void cw_joined(struct cw *c, const struct neutral_block *first,
               struct str between)
{
    bool any = false;

    for (const struct neutral_block *b = first; b; b = b->next) {
        if (b->kind != BLOCK_TEXT && b->kind != BLOCK_REFUSAL)
            continue;
        if (any)
            jw_bytes(&c->w, between);
        jw_bytes(&c->w, (struct str){ b->text.p, b->text.n });
        if (b->cache.set)
            cw_note(c, FATE_DROPPED, FEATURE_CACHE);
        any = true;
    }
}

bool cw_has_thinking(const struct cw *c, const struct neutral_message *m)
{
    for (const struct neutral_block *b = m->first; b; b = b->next) {
        if (b->kind == BLOCK_THINKING && b->thinking.text.n &&
            !c->t->strip_thinking)
            return true;
    }
    return false;
}

void cw_thinking_text(struct cw *c, const struct neutral_message *m)
{
    for (const struct neutral_block *b = m->first; b; b = b->next) {
        const struct neutral_thinking *t = &b->thinking;

        if (b->kind != BLOCK_THINKING)
            continue;
        if (t->signature.n || t->redacted.p || t->thought.n)
            cw_note(c, FATE_DROPPED, FEATURE_THINKING);
        jw_bytes(&c->w, (struct str){ t->text.p, t->text.n });
    }
}

static bool is_left(const struct neutral_choice *choice,
                    const struct neutral_tool *t)
{
    if (choice->kind == CHOICE_NAMED)
        return str_eq(t->name, choice->name);
    for (const struct neutral_name *n = choice->allowed; n; n = n->next) {
        if (str_eq(t->name, n->name))
            return true;
    }
    return !choice->allowed;
}

void cw_narrow_tools(struct cw *c, struct neutral_request *copy)
{
    const struct neutral_request *r = c->r;

    *copy = *r;
    c->r = copy;
    if (r->choice.kind != CHOICE_NAMED && !r->choice.allowed)
        return;
    copy->tools = copy->last_tool = NULL;
    copy->n_tools = 0;
    for (const struct neutral_tool *t = r->tools; t; t = t->next) {
        struct neutral_tool *mine;

        if (!is_left(&r->choice, t))
            continue;
        mine = neutral_add_tool(copy, c->a);
        if (!mine) {
            cw_fail(c, -ERR_NOMEM);
            return;
        }
        *mine = *t;
        mine->next = NULL;
    }
}

void cw_drop_rest(struct cw *c)
{
    const struct neutral_request *r = c->r;

    if (r->user.p)
        cw_note(c, FATE_DROPPED, FEATURE_USER);
    if (r->service_tier.p && !str_is(r->service_tier, "auto"))
        cw_note(c, FATE_DROPPED, FEATURE_SERVICE_TIER);
    if (r->cache.set)
        cw_note(c, FATE_DROPPED, FEATURE_CACHE);
}

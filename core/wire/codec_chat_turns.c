/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * OpenAI chat requests, written: messages. An assistant's calls are answered
 * by `tool` messages that stand directly behind it, whatever stood between
 * them in the client's form; then comes what the user said.
 */
#include "wire/codec_chat.h"
#include "wire/codec_turns.h"
#include "wire/codec_where.h"

/* The parts of a message that stand in `content`. */
static uint32_t count_parts(struct cw *c, const struct neutral_block *b,
                            bool *all_text)
{
    uint32_t n = 0;

    *all_text = true;
    for (; b; b = b->next) {
        if (!chat_can_part(c, b))
            continue;
        *all_text = *all_text && b->kind == BLOCK_TEXT && !chat_marked(c, b);
        n++;
    }
    return n;
}

/* Texts as one string, an empty line between them. */
static void put_joined(struct cw *c, const struct neutral_block *b,
                       struct str before)
{
    bool any = false;

    jw_sep(&c->w);
    jw_bytes(&c->w, STR("\""));
    jw_bytes(&c->w, before);
    for (; b; b = b->next) {
        if (b->kind != BLOCK_TEXT)
            continue;
        if (any)
            jw_bytes(&c->w, STR("\\n\\n"));
        jw_bytes(&c->w, (struct str){ b->text.p, b->text.n });
        if (b->cache.set)
            cw_note(c, FATE_DROPPED, FEATURE_CACHE);
        any = true;
    }
    jw_bytes(&c->w, STR("\""));
}

static void put_content(struct cw *c, const struct neutral_block *first)
{
    bool all_text;
    uint32_t n = count_parts(c, first, &all_text);

    if (n == 0 || (all_text && (n == 1 || !cw_can(c, CAN_PARTS)))) {
        put_joined(c, first, STR(""));
        return;
    }
    jw_open(&c->w, '[');
    for (const struct neutral_block *b = first; b; b = b->next) {
        if (chat_can_part(c, b))
            chat_put_part(c, b);
    }
    jw_close(&c->w, ']');
}

/* Thinking as a part, and behind it what was said. */
static void put_thought(struct cw *c, const struct neutral_message *m)
{
    jw_open(&c->w, '[');
    chat_put_thinking_part(c, m);
    for (const struct neutral_block *b = m->first; b; b = b->next) {
        if (chat_can_part(c, b) && (b->kind != BLOCK_TEXT || b->text.n))
            chat_put_part(c, b);
    }
    jw_close(&c->w, ']');
}

static void put_role(struct cw *c, const char *role)
{
    jw_open(&c->w, '{');
    jw_member_text(&c->w, "role", str_of(role));
}

static void put_name(struct cw *c, const struct neutral_message *m)
{
    if (c->t->strict && m->name.p)
        cw_note(c, FATE_DROPPED, FEATURE_NAME);
    else
        jw_opt_jstr(&c->w, "name", m->name);
}

static struct str wire_id(struct cw *c, struct str id)
{
    struct str out = codec_id_to_chat(id, c->t->ids, c->a);

    if (!out.p && id.p)
        cw_fail(c, -ERR_NOMEM);
    if (!str_eq(out, id))
        cw_note(c, FATE_MAPPED, FEATURE_TOOL_ID);
    return out;
}

/* ---- what tools answered ------------------------------------------------ */

static void put_result_parts(struct cw *c, const struct neutral_block *first)
{
    jw_open(&c->w, '[');
    for (const struct neutral_block *b = first; b; b = b->next) {
        if (b->kind == BLOCK_TEXT)
            chat_put_part(c, b);
    }
    jw_close(&c->w, ']');
}

/* Texts only: what else is in it goes into the user's message behind. */
static void put_result(struct cw *c, const struct neutral_block *result)
{
    const struct neutral_result *r = &result->result;
    uint32_t texts = 0, media = 0;
    bool marks = false;

    for (const struct neutral_block *b = r->blocks; b; b = b->next) {
        texts += b->kind == BLOCK_TEXT;
        media += b->kind == BLOCK_MEDIA;
        marks = marks || (b->kind == BLOCK_TEXT && chat_marked(c, b));
        if (b->kind == BLOCK_UNKNOWN)
            cw_unknown(c, &b->unknown);
    }
    put_role(c, "tool");
    jw_member_text(&c->w, "tool_call_id", wire_id(c, r->id));
    jw_key(&c->w, "content");
    if (r->is_error)
        cw_note(c, FATE_MAPPED, FEATURE_TOOL_ERROR);
    if (media)
        cw_note(c, FATE_MAPPED, FEATURE_TOOL_MEDIA);
    if (!r->is_error && (texts > 1 || marks) && cw_can(c, CAN_PARTS))
        put_result_parts(c, r->blocks);
    else if (!texts && media)
        jw_text(&c->w, STR("(see the next user message)"));
    else
        put_joined(c, r->blocks, r->is_error ? STR("Error: ") : STR(""));
    if (result->cache.set && cw_can(c, CAN_CACHE_CONTROL))
        chat_put_cache(c, &result->cache);
    else if (result->cache.set)
        cw_note(c, FATE_DROPPED, FEATURE_CACHE);
    jw_close(&c->w, '}');
}

static bool is_turn_of_user(const struct neutral_message *m)
{
    return m && m->role == ROLE_USER;
}

static bool is_answered(const struct neutral_message *m, struct str id)
{
    for (; is_turn_of_user(m); m = m->next) {
        for (const struct neutral_block *b = m->first; b; b = b->next) {
            if (b->kind == BLOCK_TOOL_RESULT && str_eq(b->result.id, id))
                return true;
        }
    }
    return false;
}

static void put_orphan(struct cw *c, struct str id)
{
    cw_note(c, FATE_MAPPED, FEATURE_TOOL_ORPHAN);
    put_role(c, "tool");
    jw_member_text(&c->w, "tool_call_id", wire_id(c, id));
    jw_member_text(&c->w, "content", STR("[no result]"));
    jw_close(&c->w, '}');
}

static void too_many(struct cw *c)
{
    cw_fail(c, err_at(c->err, ERR_INVALID_REQUEST,
                      codec_talk_field(c->r->from),
                      "More than %d tool calls in one turn.",
                      CALLS_A_TURN_MAX));
}

/* Behind an assistant's message: its calls' results, those that are missing
 * too, unless the conversation ends here. */
static void put_results(struct cw *c, const struct neutral_message *m)
{
    const struct neutral_message *next = m->next;
    uint32_t n = 0;

    for (; is_turn_of_user(next); next = next->next) {
        for (const struct neutral_block *b = next->first; b; b = b->next) {
            if (b->kind != BLOCK_TOOL_RESULT)
                continue;
            put_result(c, b);
            n++;
        }
    }
    if (n > CALLS_A_TURN_MAX)
        too_many(c);
    if (c->w.rc || !m->next || m->next->role == ROLE_ASSISTANT || cw_same(c))
        return;
    for (const struct neutral_block *b = m->first; b; b = b->next) {
        if (b->kind == BLOCK_TOOL_CALL && !is_answered(m->next, b->call.id))
            put_orphan(c, b->call.id);
    }
}

/* ---- the user's own words ----------------------------------------------- */

static void put_moved(struct cw *c, const struct neutral_message *m)
{
    for (const struct neutral_block *r = m->first; r; r = r->next) {
        if (r->kind != BLOCK_TOOL_RESULT)
            continue;
        for (const struct neutral_block *b = r->result.blocks; b;
             b = b->next) {
            if (b->kind == BLOCK_MEDIA && chat_can_part(c, b))
                chat_put_part(c, b);
        }
    }
}

static void put_user(struct cw *c, const struct neutral_message *m)
{
    uint32_t own = 0, media = 0;

    for (const struct neutral_block *b = m->first; b; b = b->next) {
        const struct neutral_block *in;

        if (b->kind == BLOCK_UNKNOWN && !chat_can_part(c, b))
            continue;
        if (b->kind != BLOCK_TOOL_RESULT) {
            own++;
            continue;
        }
        for (in = b->result.blocks; in; in = in->next)
            media += in->kind == BLOCK_MEDIA;
    }
    if (!own && !media && m->first)
        return; /* results alone, they stand above; or nothing chat has */
    put_role(c, "user");
    put_name(c, m);
    jw_key(&c->w, "content");
    if (media) {
        jw_open(&c->w, '[');
        put_moved(c, m);
        for (const struct neutral_block *b = m->first; b; b = b->next) {
            if (chat_can_part(c, b))
                chat_put_part(c, b);
        }
        jw_close(&c->w, ']');
    } else {
        put_content(c, m->first);
    }
    jw_close(&c->w, '}');
}

/* ---- the assistant ------------------------------------------------------ */

static void put_call(struct cw *c, const struct neutral_block *b)
{
    const struct neutral_call *call = &b->call;
    bool custom = call->custom && cw_can(c, CAN_CUSTOM_TOOLS);

    jw_open(&c->w, '{');
    jw_member_text(&c->w, "id", wire_id(c, call->id));
    jw_member_text(&c->w, "type", custom ? STR("custom") : STR("function"));
    jw_key(&c->w, custom ? "custom" : "function");
    jw_open(&c->w, '{');
    jw_member_text(&c->w, "name", cw_tool_name(c, call->name));
    jw_key(&c->w, custom ? "input" : "arguments");
    if (call->custom && !custom) {
        struct buf args = BUF_INIT(call->args.n * 6 + 64);
        struct cw inner = *c;

        inner.w = (struct jw){ &args, c->w.rc, false };
        cw_args_object(&inner, call);
        cw_fail(c, inner.w.rc);
        jw_text(&c->w, buf_str(&args));
        buf_clear(&args);
    } else {
        jw_text(&c->w, call->args.n || custom ? call->args : STR("{}"));
    }
    jw_close(&c->w, '}');
    if (c->t->strict)
        cw_unsigned(c, call);
    else if (call->signature.p) {
        jw_key(&c->w, "extra_content");
        jw_bytes(&c->w, STR("{\"google\":{\"thought_signature\":\""));
        jw_bytes(&c->w, (struct str){ call->signature.p, call->signature.n });
        jw_raw(&c->w, STR("\"}}"));
    }
    if (b->cache.set && cw_can(c, CAN_CACHE_CONTROL))
        chat_put_cache(c, &b->cache);
    else if (b->cache.set)
        cw_note(c, FATE_DROPPED, FEATURE_CACHE);
    jw_close(&c->w, '}');
}

static uint32_t put_calls(struct cw *c, const struct neutral_message *m)
{
    uint32_t n = 0;

    for (const struct neutral_block *b = m->first; b; b = b->next) {
        if (b->kind != BLOCK_TOOL_CALL)
            continue;
        if (n++ == 0) {
            jw_key(&c->w, "tool_calls");
            jw_open(&c->w, '[');
        }
        put_call(c, b);
    }
    if (n)
        jw_close(&c->w, ']');
    return n;
}

/* Thinking in tags, and behind it what was said. */
static void put_tagged(struct cw *c, const struct neutral_message *m)
{
    jw_sep(&c->w);
    jw_bytes(&c->w, STR("\""));
    chat_put_tags(c, m);
    for (const struct neutral_block *b = m->first; b; b = b->next) {
        if (b->kind != BLOCK_TEXT && b->kind != BLOCK_REFUSAL)
            continue;
        jw_bytes(&c->w, STR("\\n\\n"));
        jw_bytes(&c->w, (struct str){ b->text.p, b->text.n });
        if (b->cache.set)
            cw_note(c, FATE_DROPPED, FEATURE_CACHE);
    }
    jw_bytes(&c->w, STR("\""));
}

static bool is_silent(const struct neutral_message *m)
{
    for (const struct neutral_block *b = m->first; b; b = b->next) {
        if (b->kind == BLOCK_TOOL_CALL ||
            ((b->kind == BLOCK_TEXT || b->kind == BLOCK_REFUSAL) &&
             b->text.n))
            return false;
    }
    return true;
}

/* What is lost with a turn that says nothing. */
static void note_silent(struct cw *c, const struct neutral_message *m)
{
    cw_note(c, FATE_DROPPED, FEATURE_EMPTY_TEXT);
    for (const struct neutral_block *b = m->first; b; b = b->next) {
        if (b->kind == BLOCK_UNKNOWN)
            cw_unknown(c, &b->unknown);
        else if (b->kind == BLOCK_THINKING)
            cw_note(c, FATE_DROPPED, FEATURE_THINKING);
    }
}

/* A turn of what no other dialect has: no word of it is left. */
static bool is_all_unknown(struct cw *c, const struct neutral_message *m)
{
    const struct neutral_block *b = m->first;

    while (b && b->kind == BLOCK_UNKNOWN && !chat_can_part(c, b) &&
           !str_starts(b->unknown.type, STR("reasoning")))
        b = b->next;
    return m->first && !b;
}

static void put_assistant(struct cw *c, const struct neutral_message *m)
{
    uint32_t calls = 0, parts = 0;
    bool all_text;

    if (is_all_unknown(c, m))
        return;
    if (c->t->strict && is_silent(m)) {
        note_silent(c, m);
        return;
    }
    for (const struct neutral_block *b = m->first; b; b = b->next)
        calls += b->kind == BLOCK_TOOL_CALL;
    parts = count_parts(c, m->first, &all_text);
    put_role(c, "assistant");
    put_name(c, m);
    chat_put_reasoning_back(c, m);
    jw_key(&c->w, "content");
    if (chat_has_tags(c, m))
        put_tagged(c, m);
    else if (chat_has_thinking_parts(c, m))
        put_thought(c, m);
    else if (!parts && calls)
        jw_raw(&c->w, STR("null"));
    else
        put_content(c, m->first);
    put_calls(c, m);
    if (c->t->strict && !m->next && !calls)
        jw_member_bool(&c->w, "prefix", true); /* to be gone on with */
    jw_close(&c->w, '}');
    if (calls > CALLS_A_TURN_MAX)
        too_many(c);
    else
        put_results(c, m);
}

static void put_instructions(struct cw *c, const struct neutral_message *m)
{
    bool developer = m->role == ROLE_DEVELOPER || !cw_same(c);

    put_role(c, developer && cw_can(c, CAN_DEVELOPER) ? "developer"
                                                      : "system");
    put_name(c, m);
    jw_key(&c->w, "content");
    put_content(c, m->first);
    jw_close(&c->w, '}');
}

/* Results that no assistant's call stands before: the provider will say so,
 * which is truer than to leave them out. */
static void put_stray_results(struct cw *c, const struct neutral_message *m)
{
    for (const struct neutral_block *b = m->first; b; b = b->next) {
        if (b->kind == BLOCK_TOOL_RESULT)
            put_result(c, b);
    }
}

/* Will results, given or filled in, be the last that was written? */
static bool ends_with_results(const struct neutral_message *m)
{
    if (!m->next || m->next->role == ROLE_ASSISTANT)
        return false;
    for (const struct neutral_block *b = m->first; b; b = b->next) {
        if (b->kind == BLOCK_TOOL_CALL)
            return true;
    }
    return false;
}

/* A strict target takes nobody's word behind a result but the assistant's. */
static bool put_between(struct cw *c, const struct neutral_message *m)
{
    struct cw_own own = { m->first, NULL };

    if (!c->t->strict)
        return false;
    if (m->role == ROLE_USER && !cw_own_next(&own))
        return true; /* results alone: nothing is written for it */
    cw_note(c, FATE_MAPPED, FEATURE_ROLE_ORDER);
    put_role(c, "assistant");
    jw_member_text(&c->w, "content", STR("I have the result."));
    jw_close(&c->w, '}');
    return false;
}

void chat_put_messages(struct cw *c)
{
    bool behind_assistant = false, behind_tool = false;

    jw_open(&c->w, '[');
    for (const struct neutral_message *m = c->r->first; m && !c->w.rc;
         m = m->next) {
        if (behind_tool && m->role != ROLE_ASSISTANT)
            behind_tool = put_between(c, m);
        if (m->role == ROLE_ASSISTANT) {
            put_assistant(c, m);
            behind_assistant = true;
            behind_tool = ends_with_results(m);
        } else if (m->role == ROLE_USER) {
            if (!behind_assistant)
                put_stray_results(c, m);
            put_user(c, m);
        } else {
            put_instructions(c, m);
            behind_assistant = false;
        }
    }
    jw_close(&c->w, ']');
}

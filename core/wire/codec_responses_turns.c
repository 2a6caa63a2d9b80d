/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Responses requests, written: the input. A turn of the assistant becomes
 * items in the order of its blocks; calls are answered by output items that
 * stand directly behind them, whatever stood between in the client's form.
 * Instructions are messages at their place and not `instructions`, which
 * newer models read behind the input.
 */
#include "wire/codec_responses.h"
#include "wire/codec_where.h"

#define ID_MAX 64 /* characters of a call's id */

static struct str wire_id(struct cw *c, struct str id)
{
    struct str out = codec_id_to_chat(id, id.n > ID_MAX ? IDS_40 : IDS_ANY,
                                      c->a);

    if (!out.p && id.p)
        cw_fail(c, -ERR_NOMEM);
    if (!str_eq(out, id))
        cw_note(c, FATE_MAPPED, FEATURE_TOOL_ID);
    return out;
}

/* Is it written as free text? */
static bool is_custom(const struct cw *c, const struct neutral_call *call)
{
    return call->custom && cw_can(c, CAN_CUSTOM_TOOLS);
}

/* ---- messages ----------------------------------------------------------- */

static bool is_part(struct cw *c, const struct neutral_block *b)
{
    if (b->kind == BLOCK_UNKNOWN && b->unknown.dialect != c->to)
        cw_unknown(c, &b->unknown);
    return responses_can_part(c, b);
}

/* A message of the parts from `b` on, up to a block that is none; what the
 * assistant said is text alone. Returns the block that it ended at. */
static const struct neutral_block *
put_message(struct cw *c, const struct neutral_block *b, const char *role,
            bool said)
{
    jw_open(&c->w, '{');
    jw_member_text(&c->w, "type", STR("message"));
    jw_member_text(&c->w, "role", str_of(role));
    jw_key(&c->w, "content");
    jw_open(&c->w, '[');
    for (; b && (!said || b->kind == BLOCK_TEXT ||
                 b->kind == BLOCK_REFUSAL); b = b->next) {
        if (is_part(c, b))
            responses_put_part(c, b, said);
    }
    jw_close(&c->w, ']');
    jw_close(&c->w, '}');
    return b;
}

static bool any_part(struct cw *c, const struct neutral_block *b)
{
    bool any = false;

    for (; b; b = b->next)
        any = is_part(c, b) || any;
    return any;
}

/* Items of this dialect that stand in a turn as they came. */
static void put_own(struct cw *c, const struct neutral_message *m)
{
    for (const struct neutral_block *b = m->first; b; b = b->next) {
        if (b->kind == BLOCK_UNKNOWN && b->unknown.dialect == c->to)
            jw_raw(&c->w, b->unknown.raw);
    }
}

/* ---- what tools answered ------------------------------------------------ */

static const struct neutral_call *
find_call(const struct neutral_message *asked, struct str id)
{
    const struct neutral_block *b = asked ? asked->first : NULL;

    for (; b; b = b->next) {
        if (b->kind == BLOCK_TOOL_CALL && str_eq(b->call.id, id))
            return &b->call;
    }
    return NULL;
}

static void put_output_text(struct cw *c, const struct neutral_result *r)
{
    bool any = false;

    jw_sep(&c->w);
    jw_bytes(&c->w, STR("\""));
    if (r->is_error)
        jw_bytes(&c->w, STR("Error: "));
    for (const struct neutral_block *b = r->blocks; b; b = b->next) {
        if (b->kind != BLOCK_TEXT)
            continue;
        if (any)
            jw_bytes(&c->w, STR("\\n\\n"));
        jw_bytes(&c->w, (struct str){ b->text.p, b->text.n });
        any = true;
    }
    jw_bytes(&c->w, STR("\""));
}

/* Media may stand in it; texts alone are a string. */
static void put_output(struct cw *c, const struct neutral_result *r)
{
    uint32_t texts = 0, media = 0;

    for (const struct neutral_block *b = r->blocks; b; b = b->next) {
        texts += b->kind == BLOCK_TEXT;
        media += b->kind == BLOCK_MEDIA;
    }
    if (!media && (texts < 2 || r->is_error)) {
        any_part(c, r->blocks);
        put_output_text(c, r);
        return;
    }
    jw_open(&c->w, '[');
    for (const struct neutral_block *b = r->blocks; b; b = b->next) {
        if (is_part(c, b))
            responses_put_part(c, b, false);
    }
    jw_close(&c->w, ']');
}

static void begin_output(struct cw *c, const struct neutral_call *call,
                         struct str id)
{
    jw_open(&c->w, '{');
    jw_member_text(&c->w, "type", call && is_custom(c, call)
                                      ? STR("custom_tool_call_output")
                                      : STR("function_call_output"));
    jw_member_text(&c->w, "call_id", wire_id(c, id));
}

static void put_result(struct cw *c, const struct neutral_message *asked,
                       const struct neutral_block *b)
{
    begin_output(c, find_call(asked, b->result.id), b->result.id);
    jw_key(&c->w, "output");
    put_output(c, &b->result);
    jw_close(&c->w, '}');
    if (b->result.is_error)
        cw_note(c, FATE_MAPPED, FEATURE_TOOL_ERROR);
    if (b->cache.set)
        cw_note(c, FATE_DROPPED, FEATURE_CACHE);
}

static bool is_answered(const struct neutral_message *m, struct str id)
{
    for (; m && m->role == ROLE_USER; m = m->next) {
        for (const struct neutral_block *b = m->first; b; b = b->next) {
            if (b->kind == BLOCK_TOOL_RESULT && str_eq(b->result.id, id))
                return true;
        }
    }
    return false;
}

/* Behind the assistant's items: all answers to its calls, those that are
 * missing too, unless the conversation ends here. */
static void put_results(struct cw *c, const struct neutral_message *asked)
{
    const struct neutral_message *m = asked->next;
    uint32_t n = 0;

    for (; m && m->role == ROLE_USER; m = m->next) {
        for (const struct neutral_block *b = m->first; b; b = b->next) {
            if (b->kind != BLOCK_TOOL_RESULT)
                continue;
            put_result(c, asked, b);
            n++;
        }
    }
    if (n > CALLS_A_TURN_MAX)
        cw_fail(c, err_at(c->err, ERR_INVALID_REQUEST,
                      codec_talk_field(c->r->from),
                          "More than %d tool calls in one turn.",
                          CALLS_A_TURN_MAX));
    if (c->w.rc || !asked->next || asked->next->role == ROLE_ASSISTANT ||
        cw_same(c))
        return;
    for (const struct neutral_block *b = asked->first; b; b = b->next) {
        if (b->kind != BLOCK_TOOL_CALL || is_answered(asked->next, b->call.id))
            continue;
        cw_note(c, FATE_MAPPED, FEATURE_TOOL_ORPHAN);
        begin_output(c, &b->call, b->call.id);
        jw_member_text(&c->w, "output", STR("[no result]"));
        jw_close(&c->w, '}');
    }
}

/* ---- the assistant ------------------------------------------------------ */

static void put_args(struct cw *c, const struct neutral_call *call)
{
    struct buf args = BUF_INIT(call->args.n * 6 + 64);
    struct cw inner = *c;

    if (!call->custom || is_custom(c, call)) {
        jw_text(&c->w, call->args.n || call->custom ? call->args
                                                    : STR("{}"));
        return;
    }
    inner.w = (struct jw){ &args, c->w.rc, false };
    cw_args_object(&inner, call);
    cw_fail(c, inner.w.rc);
    jw_text(&c->w, buf_str(&args));
    buf_clear(&args);
}

static void put_call(struct cw *c, const struct neutral_block *b)
{
    bool custom = is_custom(c, &b->call);

    jw_open(&c->w, '{');
    jw_member_text(&c->w, "type", custom ? STR("custom_tool_call")
                                         : STR("function_call"));
    jw_member_text(&c->w, "call_id", wire_id(c, b->call.id));
    jw_member_text(&c->w, "name", cw_tool_name(c, b->call.name));
    jw_key(&c->w, custom ? "input" : "arguments");
    put_args(c, &b->call);
    cw_unsigned(c, &b->call);
    jw_close(&c->w, '}');
    if (b->cache.set)
        cw_note(c, FATE_DROPPED, FEATURE_CACHE);
}

/* Only what a Responses provider sealed can be given back to one. */
static void put_reasoning(struct cw *c, const struct neutral_block *b)
{
    struct json j = { 0 };
    struct jstr id, data = JSTR_NULL;

    if (b->kind == BLOCK_UNKNOWN && !c->t->strip_thinking)
        data = responses_detail(&j, b->unknown.raw, &id);
    if (data.p) {
        jw_open(&c->w, '{');
        jw_member_text(&c->w, "type", STR("reasoning"));
        if (id.n)
            jw_member_jstr(&c->w, "id", id);
        jw_key(&c->w, "summary");
        jw_raw(&c->w, STR("[]"));
        jw_member_jstr(&c->w, "encrypted_content", data);
        jw_close(&c->w, '}');
    } else if (b->kind == BLOCK_UNKNOWN || b->thinking.signature.n ||
               b->thinking.redacted.p || b->thinking.thought.n ||
               b->thinking.detail.p) {
        cw_note(c, FATE_DROPPED, FEATURE_THINKING);
    } else {
        cw_note(c, FATE_DROPPED, FEATURE_UNSIGNED_THINKING);
    }
    json_clear(&j);
}

static bool is_reasoning(const struct neutral_block *b)
{
    return b->kind == BLOCK_THINKING ||
           (b->kind == BLOCK_UNKNOWN &&
            b->unknown.dialect == DIALECT_OPENAI_CHAT &&
            str_starts(b->unknown.type, STR("reasoning")));
}

/* Chat's content "" beside calls: a message of nothing would part a call from
 * its reasoning. */
static bool is_filler(const struct neutral_block *b)
{
    return b->kind == BLOCK_TEXT && !b->text.n && b->next &&
           b->next->kind == BLOCK_TOOL_CALL;
}

static void put_assistant(struct cw *c, const struct neutral_message *m)
{
    const struct neutral_block *b = m->first;

    if (m->name.p)
        cw_note(c, FATE_DROPPED, FEATURE_NAME);
    while (b && !c->w.rc) {
        if (is_filler(b)) {
            b = b->next;
            continue;
        }
        if (b->kind == BLOCK_TEXT || b->kind == BLOCK_REFUSAL) {
            b = put_message(c, b, "assistant", true);
            continue;
        }
        if (b->kind == BLOCK_TOOL_CALL)
            put_call(c, b);
        else if (is_reasoning(b))
            put_reasoning(c, b);
        else if (b->kind == BLOCK_UNKNOWN && b->unknown.dialect == c->to)
            jw_raw(&c->w, b->unknown.raw);
        else if (b->kind == BLOCK_UNKNOWN)
            cw_unknown(c, &b->unknown);
        else if (b->kind == BLOCK_MEDIA) /* said by the assistant */
            cw_note(c, FATE_DROPPED, FEATURE_IMAGE);
        b = b->next;
    }
    put_results(c, m);
}

/* ---- all of it ---------------------------------------------------------- */

static void put_plain(struct cw *c, const struct neutral_message *m,
                      const char *role)
{
    if (m->name.p)
        cw_note(c, FATE_DROPPED, FEATURE_NAME);
    put_own(c, m);
    if (any_part(c, m->first))
        put_message(c, m->first, role, false);
}

/* Results that no call stands before: the provider will say so. */
static void put_stray_results(struct cw *c, const struct neutral_message *m)
{
    for (const struct neutral_block *b = m->first; b; b = b->next) {
        if (b->kind == BLOCK_TOOL_RESULT)
            put_result(c, NULL, b);
    }
}

void responses_put_input(struct cw *c)
{
    bool behind_assistant = false;

    jw_open(&c->w, '[');
    for (const struct neutral_message *m = c->r->first; m && !c->w.rc;
         m = m->next) {
        if (m->role == ROLE_ASSISTANT) {
            put_assistant(c, m);
            behind_assistant = true;
        } else if (m->role == ROLE_USER) {
            if (!behind_assistant)
                put_stray_results(c, m);
            put_plain(c, m, "user");
        } else {
            bool own = cw_same(c) && m->role == ROLE_SYSTEM;

            put_plain(c, m, own ? "system" : "developer");
            behind_assistant = false;
        }
    }
    jw_close(&c->w, ']');
}

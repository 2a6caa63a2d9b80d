/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Cohere's chat requests, written: messages. An assistant that calls says why
 * in `tool_plan`; one that answers thinks in a part of its content.
 */
#include "wire/codec_chat.h"
#include "wire/codec_cohere.h"

static void put_role(struct cw *c, const char *role)
{
    jw_open(&c->w, '{');
    jw_member_text(&c->w, "role", str_of(role));
}

static void put_string(struct cw *c, const char *name,
                       const struct neutral_block *first, struct str before)
{
    jw_key(&c->w, name);
    jw_sep(&c->w);
    jw_bytes(&c->w, STR("\""));
    jw_bytes(&c->w, before);
    cw_joined(c, first, STR("\\n\\n"));
    jw_bytes(&c->w, STR("\""));
}

static void put_instructions(struct cw *c, const struct neutral_message *m)
{
    put_role(c, "system");
    put_string(c, "content", m->first, STR(""));
    jw_close(&c->w, '}');
}

/* ---- the user ----------------------------------------------------------- */

bool cohere_is_source(const struct cw *c, const struct neutral_block *b)
{
    enum format_kind format = c->r->format.kind;

    return b->kind == BLOCK_MEDIA && b->media.kind == MEDIA_DOCUMENT &&
           b->media.source == MEDIA_TEXT && !c->r->tools &&
           format != FORMAT_JSON && format != FORMAT_SCHEMA;
}

/* Has it a place in the content of a user's message? */
static bool is_part(struct cw *c, const struct neutral_block *b)
{
    const struct neutral_media *m = &b->media;

    if (b->kind == BLOCK_UNKNOWN)
        cw_unknown(c, &b->unknown);
    if (b->kind == BLOCK_TEXT || b->kind == BLOCK_REFUSAL)
        return true;
    if (b->kind != BLOCK_MEDIA || cohere_is_source(c, b))
        return false;
    if (m->raw_citations.p)
        cw_note(c, FATE_DROPPED, FEATURE_CITATIONS);
    if (m->kind == MEDIA_DOCUMENT && m->source == MEDIA_TEXT)
        return true;
    if (m->kind == MEDIA_IMAGE && m->source != MEDIA_FILE_ID)
        return true;
    cw_refuse(c,
              m->source == MEDIA_FILE_ID ? FEATURE_FILE_ID
              : m->kind == MEDIA_AUDIO   ? FEATURE_AUDIO
                                         : FEATURE_DOCUMENT,
              m->data.p);
    return false;
}

static bool is_plain(const struct neutral_block *b)
{
    return b->kind == BLOCK_TEXT || b->kind == BLOCK_REFUSAL;
}

static void put_text_part(struct cw *c, const struct neutral_block *b)
{
    if (b->cache.set)
        cw_note(c, FATE_DROPPED, FEATURE_CACHE);
    jw_open(&c->w, '{');
    jw_member_text(&c->w, "type", STR("text"));
    jw_member_jstr(&c->w, "text", b->text);
    jw_close(&c->w, '}');
}

static void put_user(struct cw *c, const struct neutral_message *m)
{
    struct cw_own own = { m->first, NULL };
    const struct neutral_block *b, *only = NULL;
    uint32_t n = 0;

    while ((b = cw_own_next(&own))) {
        if (is_part(c, b)) {
            only = b;
            n++;
        }
    }
    put_role(c, "user");
    jw_key(&c->w, "content");
    if (n == 0 || (n == 1 && is_plain(only))) {
        jw_jstr(&c->w, only ? only->text : JSTR(""));
        if (only && only->cache.set)
            cw_note(c, FATE_DROPPED, FEATURE_CACHE);
        jw_close(&c->w, '}');
        return;
    }
    jw_open(&c->w, '[');
    own = (struct cw_own){ m->first, NULL };
    while ((b = cw_own_next(&own))) {
        if (!is_part(c, b))
            continue;
        if (is_plain(b))
            put_text_part(c, b);
        else
            chat_put_part(c, b);
    }
    jw_close(&c->w, ']');
    jw_close(&c->w, '}');
}

/* ---- the assistant ------------------------------------------------------ */

static void put_call(struct cw *c, const struct neutral_block *b)
{
    const struct neutral_call *call = &b->call;
    struct buf args = BUF_INIT(call->args.n * 6 + 64);
    struct cw inner = *c;

    if (b->cache.set)
        cw_note(c, FATE_DROPPED, FEATURE_CACHE);
    inner.w = (struct jw){ &args, c->w.rc, false };
    cw_args_object(&inner, call);
    cw_unsigned(c, call);
    cw_fail(c, inner.w.rc);
    jw_open(&c->w, '{');
    jw_member_text(&c->w, "id", call->id);
    jw_member_text(&c->w, "type", STR("function"));
    jw_key(&c->w, "function");
    jw_open(&c->w, '{');
    jw_member_text(&c->w, "name", cw_tool_name(c, call->name));
    jw_member_text(&c->w, "arguments", buf_str(&args));
    jw_close(&c->w, '}');
    jw_close(&c->w, '}');
    buf_clear(&args);
}

static void put_calls(struct cw *c, const struct neutral_message *m)
{
    jw_key(&c->w, "tool_calls");
    jw_open(&c->w, '[');
    for (const struct neutral_block *b = m->first; b; b = b->next) {
        if (b->kind == BLOCK_TOOL_CALL)
            put_call(c, b);
    }
    jw_close(&c->w, ']');
}

static void put_thinking(struct cw *c, const struct neutral_message *m)
{
    jw_sep(&c->w);
    jw_bytes(&c->w, STR("\""));
    cw_thinking_text(c, m);
    jw_bytes(&c->w, STR("\""));
}

static void put_content(struct cw *c, const struct neutral_message *m,
                        bool thinks)
{
    jw_key(&c->w, "content");
    jw_open(&c->w, '[');
    if (thinks) {
        jw_open(&c->w, '{');
        jw_member_text(&c->w, "type", STR("thinking"));
        jw_key(&c->w, "thinking");
        put_thinking(c, m);
        jw_close(&c->w, '}');
    }
    for (const struct neutral_block *b = m->first; b; b = b->next) {
        if (is_plain(b))
            put_text_part(c, b);
    }
    jw_close(&c->w, ']');
}

static void note_rest(struct cw *c, const struct neutral_message *m)
{
    if (m->name.p)
        cw_note(c, FATE_DROPPED, FEATURE_NAME);
    for (const struct neutral_block *b = m->first; b; b = b->next) {
        if (b->kind == BLOCK_UNKNOWN)
            cw_unknown(c, &b->unknown);
        else if (b->kind == BLOCK_MEDIA)
            cw_refuse(c, FEATURE_IMAGE, b->media.data.p);
        else if (b->kind == BLOCK_THINKING &&
                 (b->thinking.redacted.p || b->thinking.thought.n ||
                  c->t->strip_thinking))
            cw_note(c, FATE_DROPPED, FEATURE_THINKING);
    }
}

static void put_assistant(struct cw *c, const struct neutral_message *m)
{
    bool thinks = cw_has_thinking(c, m), calls = false;
    const struct neutral_block *only = NULL;
    uint32_t texts = 0;

    note_rest(c, m);
    for (const struct neutral_block *b = m->first; b; b = b->next) {
        calls = calls || b->kind == BLOCK_TOOL_CALL;
        if (is_plain(b)) {
            texts++;
            only = b;
        }
    }
    put_role(c, "assistant");
    if (calls && thinks) {
        jw_key(&c->w, "tool_plan");
        put_thinking(c, m);
    }
    if (texts == 1 && !(thinks && !calls))
        put_string(c, "content", only, STR(""));
    else if (texts || (thinks && !calls))
        put_content(c, m, thinks && !calls);
    else if (!calls)
        jw_member_text(&c->w, "content", STR(""));
    if (calls)
        put_calls(c, m);
    jw_close(&c->w, '}');
}

static void put_result(struct cw *c, const struct neutral_result *r,
                       const struct neutral_message *asked)
{
    (void)asked;
    put_role(c, "tool");
    jw_member_text(&c->w, "tool_call_id", r->id);
    put_string(c, "content", r->blocks,
               r->is_error ? STR("Error: ") : STR(""));
    jw_close(&c->w, '}');
}

static const struct cw_turn_ops turns = {
    .instructions = put_instructions,
    .assistant = put_assistant,
    .result = put_result,
    .user = put_user,
};

void cohere_put_messages(struct cw *c)
{
    cw_turns(c, &turns);
}

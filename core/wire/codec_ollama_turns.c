/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Ollama's chat requests, written: messages. Content is one string; images
 * stand beside it as base64 without an address; arguments are an object.
 */
#include "wire/codec_ollama.h"

#define LINE STR("\\n") /* between texts that were blocks */

static void put_role(struct cw *c, const char *role)
{
    jw_open(&c->w, '{');
    jw_member_text(&c->w, "role", str_of(role));
}

static void put_content(struct cw *c, const struct neutral_block *first,
                        struct str before)
{
    jw_key(&c->w, "content");
    jw_sep(&c->w);
    jw_bytes(&c->w, STR("\""));
    jw_bytes(&c->w, before);
    cw_joined(c, first, LINE);
    jw_bytes(&c->w, STR("\""));
}

static void put_instructions(struct cw *c, const struct neutral_message *m)
{
    put_role(c, "system");
    put_content(c, m->first, STR(""));
    jw_close(&c->w, '}');
}

/* ---- the user ----------------------------------------------------------- */

static bool is_image(const struct neutral_block *b)
{
    return b->kind == BLOCK_MEDIA && b->media.kind == MEDIA_IMAGE &&
           b->media.source == MEDIA_BASE64;
}

static bool is_text_document(const struct neutral_block *b)
{
    return b->kind == BLOCK_MEDIA && b->media.kind == MEDIA_DOCUMENT &&
           b->media.source == MEDIA_TEXT;
}

/* What can neither be said in `content` nor in `images`. */
static void note_misfit(struct cw *c, const struct neutral_block *b)
{
    enum codec_feature f = FEATURE_DOCUMENT;

    if (b->kind == BLOCK_UNKNOWN) {
        cw_unknown(c, &b->unknown);
        return;
    }
    if (b->kind != BLOCK_MEDIA || is_image(b) || is_text_document(b))
        return;
    if (b->media.source == MEDIA_FILE_ID)
        f = FEATURE_FILE_ID;
    else if (b->media.kind == MEDIA_IMAGE)
        f = FEATURE_IMAGE; /* it fetches nothing */
    else if (b->media.kind == MEDIA_AUDIO)
        f = FEATURE_AUDIO;
    cw_refuse(c, f, b->media.data.p);
}

static void put_own_texts(struct cw *c, const struct neutral_message *m)
{
    struct cw_own own = { m->first, NULL };
    const struct neutral_block *b;
    bool any = false;

    jw_key(&c->w, "content");
    jw_sep(&c->w);
    jw_bytes(&c->w, STR("\""));
    while ((b = cw_own_next(&own))) {
        struct jstr text = b->text;

        note_misfit(c, b);
        if (b->cache.set)
            cw_note(c, FATE_DROPPED, FEATURE_CACHE);
        if (b->kind == BLOCK_MEDIA && b->media.raw_citations.p)
            cw_note(c, FATE_DROPPED, FEATURE_CITATIONS);
        if (is_text_document(b))
            text = b->media.data;
        else if (b->kind != BLOCK_TEXT && b->kind != BLOCK_REFUSAL)
            continue;
        if (any)
            jw_bytes(&c->w, LINE);
        jw_bytes(&c->w, (struct str){ text.p, text.n });
        any = true;
    }
    jw_bytes(&c->w, STR("\""));
}

static void put_images(struct cw *c, const struct neutral_message *m)
{
    struct cw_own own = { m->first, NULL };
    const struct neutral_block *b;
    bool any = false;

    while ((b = cw_own_next(&own))) {
        if (!is_image(b))
            continue;
        if (b->media.detail.p && !str_is(b->media.detail, "auto"))
            cw_note(c, FATE_DROPPED, FEATURE_IMAGE_DETAIL);
        if (!any) {
            jw_key(&c->w, "images");
            jw_open(&c->w, '[');
            any = true;
        }
        jw_jstr(&c->w, b->media.data);
    }
    if (any)
        jw_close(&c->w, ']');
}

static void put_user(struct cw *c, const struct neutral_message *m)
{
    put_role(c, "user");
    put_own_texts(c, m);
    put_images(c, m);
    jw_close(&c->w, '}');
}

/* ---- the assistant, and its tools --------------------------------------- */

static void put_call(struct cw *c, const struct neutral_block *b)
{
    if (b->cache.set)
        cw_note(c, FATE_DROPPED, FEATURE_CACHE);
    jw_open(&c->w, '{');
    jw_member_text(&c->w, "id", b->call.id);
    jw_key(&c->w, "function");
    jw_open(&c->w, '{');
    jw_member_text(&c->w, "name", cw_tool_name(c, b->call.name));
    jw_key(&c->w, "arguments");
    cw_args_object(c, &b->call);
    cw_unsigned(c, &b->call);
    jw_close(&c->w, '}');
    jw_close(&c->w, '}');
}

static void put_calls(struct cw *c, const struct neutral_message *m)
{
    bool any = false;

    for (const struct neutral_block *b = m->first; b; b = b->next) {
        if (b->kind != BLOCK_TOOL_CALL)
            continue;
        if (!any) {
            jw_key(&c->w, "tool_calls");
            jw_open(&c->w, '[');
            any = true;
        }
        put_call(c, b);
    }
    if (any)
        jw_close(&c->w, ']');
}

static void put_assistant(struct cw *c, const struct neutral_message *m)
{
    if (m->name.p)
        cw_note(c, FATE_DROPPED, FEATURE_NAME);
    put_role(c, "assistant");
    put_content(c, m->first, STR(""));
    for (const struct neutral_block *b = m->first; b; b = b->next) {
        note_misfit(c, b);
        if (b->kind == BLOCK_THINKING &&
            (b->thinking.redacted.p || b->thinking.thought.n ||
             c->t->strip_thinking))
            cw_note(c, FATE_DROPPED, FEATURE_THINKING);
    }
    if (cw_has_thinking(c, m)) {
        jw_key(&c->w, "thinking");
        jw_sep(&c->w);
        jw_bytes(&c->w, STR("\""));
        cw_thinking_text(c, m);
        jw_bytes(&c->w, STR("\""));
    }
    put_calls(c, m);
    jw_close(&c->w, '}');
}

/* The name of what was called: templates of older models know no ids. */
static struct str called(const struct neutral_message *asked, struct str id)
{
    const struct neutral_block *b = asked ? asked->first : NULL;

    for (; b; b = b->next) {
        if (b->kind == BLOCK_TOOL_CALL && str_eq(b->call.id, id))
            return b->call.name;
    }
    return STR_NULL;
}

static void put_result(struct cw *c, const struct neutral_result *r,
                       const struct neutral_message *asked)
{
    struct str name = called(asked, r->id);

    put_role(c, "tool");
    if (name.p)
        jw_member_text(&c->w, "tool_name", cw_tool_name(c, name));
    jw_member_text(&c->w, "tool_call_id", r->id);
    put_content(c, r->blocks, r->is_error ? STR("Error: ") : STR(""));
    jw_close(&c->w, '}');
}

static const struct cw_turn_ops turns = {
    .instructions = put_instructions,
    .assistant = put_assistant,
    .result = put_result,
    .user = put_user,
};

void ollama_put_messages(struct cw *c)
{
    cw_turns(c, &turns);
}

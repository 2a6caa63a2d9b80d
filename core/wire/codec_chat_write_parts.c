/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * OpenAI chat requests, written: one part of a message, and reasoning in the
 * form in which the vendor takes it back.
 */
#include "wire/codec_chat.h"

bool chat_marked(const struct cw *c, const struct neutral_block *b)
{
    return b->cache.set &&
           c->t->can & (CAN_CACHE_CONTROL | CAN_CACHE_BREAKPOINT);
}

static bool can_media(struct cw *c, const struct neutral_media *m)
{
    enum codec_feature f = m->kind == MEDIA_IMAGE   ? FEATURE_IMAGE
                           : m->kind == MEDIA_AUDIO ? FEATURE_AUDIO
                                                    : FEATURE_DOCUMENT;

    if (m->raw_citations.p)
        cw_note(c, FATE_DROPPED, FEATURE_CITATIONS);
    if (m->context.p)
        cw_note(c, FATE_DROPPED, FEATURE_DOCUMENT);
    if (cw_same(c))
        return true;
    if (m->source == MEDIA_FILE_ID) {
        cw_note(c, FATE_REFUSED, FEATURE_FILE_ID);
        return false;
    }
    if (!cw_can(c, CAN_PARTS) ||
        (m->kind == MEDIA_DOCUMENT && m->source == MEDIA_URL)) {
        cw_note(c, FATE_REFUSED, f);
        return false;
    }
    return true;
}

bool chat_can_part(struct cw *c, const struct neutral_block *b)
{
    switch (b->kind) {
    case BLOCK_TEXT:
        return true;
    case BLOCK_MEDIA:
        return can_media(c, &b->media);
    case BLOCK_REFUSAL:
        return true;
    case BLOCK_UNKNOWN:
        if (b->unknown.dialect == c->to)
            return !str_starts(b->unknown.type, STR("reasoning")) &&
                   !str_is(b->unknown.type, "signature"); /* on its call */
        cw_unknown(c, &b->unknown);
        return false;
    default:
        return false; /* stands elsewhere in the message */
    }
}

/* "data:image/png;base64,...": the digits go out as they came in */
static void put_data_url(struct cw *c, const struct neutral_media *m)
{
    jw_sep(&c->w);
    jw_bytes(&c->w, STR("\"data:"));
    if (!c->w.rc)
        c->w.rc = jstr_put_escaped(c->w.b, m->mime);
    jw_bytes(&c->w, STR(";base64,"));
    jw_bytes(&c->w, (struct str){ m->data.p, m->data.n });
    jw_bytes(&c->w, STR("\""));
}

static void put_image(struct cw *c, const struct neutral_media *m)
{
    jw_member_text(&c->w, "type", STR("image_url"));
    jw_key(&c->w, "image_url");
    jw_open(&c->w, '{');
    jw_key(&c->w, "url");
    if (m->source == MEDIA_BASE64)
        put_data_url(c, m);
    else
        jw_jstr(&c->w, m->data);
    if (m->detail.p)
        jw_member_text(&c->w, "detail", m->detail);
    jw_close(&c->w, '}');
}

static void put_audio(struct cw *c, const struct neutral_media *m)
{
    struct str format = m->mime;

    if (str_starts(format, STR("audio/")))
        format = (struct str){ format.p + 6, format.n - 6 };
    jw_member_text(&c->w, "type", STR("input_audio"));
    jw_key(&c->w, "input_audio");
    jw_open(&c->w, '{');
    jw_member_jstr(&c->w, "data", m->data);
    jw_member_text(&c->w, "format", format);
    jw_close(&c->w, '}');
}

static void put_file(struct cw *c, const struct neutral_media *m)
{
    if (m->source == MEDIA_TEXT) { /* what a model reads is the text */
        jw_member_text(&c->w, "type", STR("text"));
        jw_member_jstr(&c->w, "text", m->data);
        return;
    }
    jw_member_text(&c->w, "type", STR("file"));
    jw_key(&c->w, "file");
    jw_open(&c->w, '{');
    if (m->name.p || m->source == MEDIA_BASE64)
        jw_member_jstr(&c->w, "filename",
                       m->name.p ? m->name : JSTR("document.pdf"));
    if (m->source == MEDIA_FILE_ID) {
        jw_member_jstr(&c->w, "file_id", m->data);
    } else {
        jw_key(&c->w, "file_data");
        if (m->source == MEDIA_BASE64)
            put_data_url(c, m);
        else
            jw_jstr(&c->w, m->data);
    }
    jw_close(&c->w, '}');
}

void chat_put_part(struct cw *c, const struct neutral_block *b)
{
    if (b->kind == BLOCK_UNKNOWN) {
        jw_raw(&c->w, b->unknown.raw);
        return;
    }
    jw_open(&c->w, '{');
    if (b->kind == BLOCK_MEDIA && b->media.kind == MEDIA_IMAGE) {
        put_image(c, &b->media);
    } else if (b->kind == BLOCK_MEDIA && b->media.kind == MEDIA_AUDIO) {
        put_audio(c, &b->media);
    } else if (b->kind == BLOCK_MEDIA) {
        put_file(c, &b->media);
    } else {
        const char *name = b->kind == BLOCK_REFUSAL ? "refusal" : "text";

        jw_member_text(&c->w, "type", str_of(name));
        jw_member_jstr(&c->w, name, b->text);
    }
    if (chat_marked(c, b))
        chat_put_cache(c, &b->cache);
    else if (b->cache.set)
        cw_note(c, FATE_DROPPED, FEATURE_CACHE);
    jw_close(&c->w, '}');
}

static bool is_reasoning(const struct neutral_block *b)
{
    return b->kind == BLOCK_THINKING ||
           (b->kind == BLOCK_UNKNOWN &&
            str_starts(b->unknown.type, STR("reasoning")));
}

/* All thinking that may be read, as one text; "" where there is none. */
static void put_plain(struct cw *c, const struct neutral_message *m,
                      const char *name)
{
    jw_key(&c->w, name);
    jw_sep(&c->w);
    jw_bytes(&c->w, STR("\""));
    for (const struct neutral_block *b = m->first; b; b = b->next) {
        if (b->kind != BLOCK_THINKING)
            continue;
        if (b->thinking.signature.n || b->thinking.redacted.p)
            cw_note(c, FATE_DROPPED, FEATURE_THINKING);
        jw_bytes(&c->w, (struct str){ b->thinking.text.p,
                                      b->thinking.text.n });
    }
    jw_bytes(&c->w, STR("\""));
}

static void put_detail(struct cw *c, const struct neutral_block *b,
                       int64_t index)
{
    const struct neutral_thinking *t = &b->thinking;

    if (b->kind == BLOCK_UNKNOWN) {
        jw_raw(&c->w, b->unknown.raw);
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
    if (t->signature.p || t->redacted.p)
        jw_member_text(&c->w, "format", STR("anthropic-claude-v1"));
    jw_member_int(&c->w, "index", index);
    jw_close(&c->w, '}');
}

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

static void put_list(struct cw *c, const struct neutral_message *m,
                     bool details)
{
    int64_t n = 0;

    jw_key(&c->w, details ? "reasoning_details" : "thinking_blocks");
    jw_open(&c->w, '[');
    for (const struct neutral_block *b = m->first; b; b = b->next) {
        if (!is_reasoning(b))
            continue;
        if (details)
            put_detail(c, b, n++);
        else if (b->kind == BLOCK_THINKING)
            put_block(c, b);
        else
            cw_note(c, FATE_DROPPED, FEATURE_THINKING);
    }
    jw_close(&c->w, ']');
}

static void note_dropped(struct cw *c, const struct neutral_message *m)
{
    for (const struct neutral_block *b = m->first; b; b = b->next) {
        if (!is_reasoning(b))
            continue;
        if (b->kind == BLOCK_THINKING && !b->thinking.signature.n &&
            !b->thinking.redacted.p)
            cw_note(c, FATE_MAPPED, FEATURE_UNSIGNED_THINKING);
        else
            cw_note(c, FATE_DROPPED, FEATURE_THINKING);
    }
}

void chat_put_reasoning_back(struct cw *c, const struct neutral_message *m)
{
    bool any = false, calls = false;

    for (const struct neutral_block *b = m->first; b; b = b->next) {
        any = any || is_reasoning(b);
        calls = calls || b->kind == BLOCK_TOOL_CALL;
    }
    switch (c->t->strip_thinking ? REASONING_IN_NONE : c->t->reasoning_in) {
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
    case REASONING_IN_BLOCKS:
        if (any)
            put_list(c, m, c->t->reasoning_in == REASONING_IN_DETAILS);
        break;
    }
}

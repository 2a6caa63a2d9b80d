/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * OpenAI chat requests, written: one part of a message.
 */
#include "wire/codec_chat.h"
#include "wire/codec_openai_put.h"

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
        cw_refuse(c, FEATURE_FILE_ID, m->data.p);
        return false;
    }
    if (!cw_can(c, CAN_PARTS) ||
        (m->kind == MEDIA_DOCUMENT && m->source == MEDIA_URL &&
         !c->t->strict)) {
        cw_refuse(c, f, m->data.p);
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

static void put_image(struct cw *c, const struct neutral_media *m)
{
    jw_member_text(&c->w, "type", STR("image_url"));
    jw_key(&c->w, "image_url");
    jw_open(&c->w, '{');
    jw_key(&c->w, "url");
    if (m->source == MEDIA_BASE64)
        openai_put_data_url(c, m);
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

/* Mistral's: an address, of either kind. */
static void put_document_url(struct cw *c, const struct neutral_media *m)
{
    jw_member_text(&c->w, "type", STR("document_url"));
    jw_key(&c->w, "document_url");
    if (m->source == MEDIA_BASE64)
        openai_put_data_url(c, m);
    else
        jw_jstr(&c->w, m->data);
    if (m->name.p)
        jw_member_jstr(&c->w, "document_name", m->name);
}

static void put_file(struct cw *c, const struct neutral_media *m)
{
    if (m->source == MEDIA_TEXT) { /* what a model reads is the text */
        jw_member_text(&c->w, "type", STR("text"));
        jw_member_jstr(&c->w, "text", m->data);
        return;
    }
    if (c->t->strict) {
        put_document_url(c, m);
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
            openai_put_data_url(c, m);
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
        bool refusal = b->kind == BLOCK_REFUSAL && !c->t->strict;
        const char *name = refusal ? "refusal" : "text";

        if (b->kind == BLOCK_REFUSAL && c->t->strict)
            cw_note(c, FATE_MAPPED, FEATURE_REFUSAL);
        jw_member_text(&c->w, "type", str_of(name));
        jw_member_jstr(&c->w, name, b->text);
    }
    if (chat_marked(c, b))
        chat_put_cache(c, &b->cache);
    else if (b->cache.set)
        cw_note(c, FATE_DROPPED, FEATURE_CACHE);
    jw_close(&c->w, '}');
}

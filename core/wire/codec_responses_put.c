/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Responses requests, written: one part of a message or of an output. */
#include "wire/codec_openai_put.h"
#include "wire/codec_responses.h"

static bool can_media(struct cw *c, const struct neutral_media *m)
{
    if (m->raw_citations.p)
        cw_note(c, FATE_DROPPED, FEATURE_CITATIONS);
    if (m->context.p)
        cw_note(c, FATE_DROPPED, FEATURE_DOCUMENT);
    if (cw_same(c))
        return true;
    if (m->source == MEDIA_FILE_ID && c->r->from != DIALECT_OPENAI_CHAT) {
        cw_refuse(c, FEATURE_FILE_ID, m->data.p);
        return false;
    }
    if (m->kind == MEDIA_AUDIO) {
        cw_refuse(c, FEATURE_AUDIO, m->data.p);
        return false;
    }
    return true;
}

bool responses_can_part(struct cw *c, const struct neutral_block *b)
{
    switch (b->kind) {
    case BLOCK_TEXT:
    case BLOCK_REFUSAL:
        return true;
    case BLOCK_MEDIA:
        return can_media(c, &b->media);
    default:
        return false; /* an item of its own */
    }
}

static void put_image(struct cw *c, const struct neutral_media *m)
{
    jw_member_text(&c->w, "type", STR("input_image"));
    jw_member_text(&c->w, "detail", m->detail.p ? m->detail : STR("auto"));
    if (m->source == MEDIA_FILE_ID) {
        jw_member_jstr(&c->w, "file_id", m->data);
        return;
    }
    jw_key(&c->w, "image_url");
    if (m->source == MEDIA_BASE64)
        openai_put_data_url(c, m);
    else
        jw_jstr(&c->w, m->data);
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
        jw_member_text(&c->w, "type", STR("input_text"));
        jw_member_jstr(&c->w, "text", m->data);
        return;
    }
    jw_member_text(&c->w, "type", STR("input_file"));
    if (m->name.p || m->source == MEDIA_BASE64)
        jw_member_jstr(&c->w, "filename",
                       m->name.p ? m->name : JSTR("document.pdf"));
    if (m->source == MEDIA_FILE_ID) {
        jw_member_jstr(&c->w, "file_id", m->data);
    } else if (m->source == MEDIA_URL) {
        jw_member_jstr(&c->w, "file_url", m->data);
    } else {
        jw_key(&c->w, "file_data");
        openai_put_data_url(c, m);
    }
}

static void put_text(struct cw *c, const struct neutral_block *b, bool said)
{
    bool refusal = b->kind == BLOCK_REFUSAL && said;

    if (b->kind == BLOCK_REFUSAL && !said)
        cw_note(c, FATE_MAPPED, FEATURE_REFUSAL);
    jw_member_text(&c->w, "type", refusal ? STR("refusal")
                                  : said  ? STR("output_text")
                                          : STR("input_text"));
    jw_member_jstr(&c->w, refusal ? "refusal" : "text", b->text);
}

void responses_put_part(struct cw *c, const struct neutral_block *b,
                        bool said)
{
    jw_open(&c->w, '{');
    if (b->kind != BLOCK_MEDIA)
        put_text(c, b, said);
    else if (b->media.kind == MEDIA_IMAGE)
        put_image(c, &b->media);
    else if (b->media.kind == MEDIA_AUDIO)
        put_audio(c, &b->media);
    else
        put_file(c, &b->media);
    if (b->cache.set)
        cw_note(c, FATE_DROPPED, FEATURE_CACHE);
    jw_close(&c->w, '}');
}

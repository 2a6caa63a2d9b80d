/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* generateContent requests, written: media, and what tools answered. */
#include "wire/codec_gemini.h"

/* By the end of an address, since the API wants a type with each. */
static const struct {
    const char *end, *mime;
} ends[] = {
    { ".png", "image/png" },   { ".jpg", "image/jpeg" },
    { ".jpeg", "image/jpeg" }, { ".webp", "image/webp" },
    { ".gif", "image/gif" },   { ".heic", "image/heic" },
    { ".pdf", "application/pdf" }, { ".txt", "text/plain" },
    { ".wav", "audio/wav" },   { ".mp3", "audio/mp3" },
    { ".mp4", "video/mp4" },   { ".mov", "video/mov" },
    { ".webm", "video/webm" }, { ".mpeg", "video/mpeg" },
    { ".mpg", "video/mpg" },   { ".avi", "video/avi" },
    { ".wmv", "video/wmv" },   { ".3gp", "video/3gpp" },
    { ".flv", "video/x-flv" }, { ".mkv", "video/x-matroska" },
};

/* Pages that are a video, as the API takes them. */
static const char *const watched[] = { "youtu.be/", "youtube.com/" };

static bool ends_with(struct str s, struct str end)
{
    return s.n >= end.n &&
           str_ieq((struct str){ s.p + s.n - end.n, end.n }, end);
}

struct str gemini_mime_by_address(struct jstr address)
{
    struct str url = { address.p, address.n };
    ptrdiff_t query = str_find(url, STR("?")), at = str_find(url, STR("://"));

    for (size_t i = 0; at >= 0 && i < sizeof watched / sizeof watched[0];
         i++) {
        ptrdiff_t host = str_find(url, str_of(watched[i]));

        if (host > at && host - at < 3 + 5) /* "www.", "m." or nothing */
            return STR("video/mp4");
    }
    if (query >= 0)
        url.n = (size_t)query;
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        if (ends_with(url, str_of(ends[i].end)))
            return str_of(ends[i].mime);
    }
    return STR_NULL;
}

static struct str mime_of(const struct neutral_media *m)
{
    struct str mime = m->mime.n ? m->mime : gemini_mime_by_address(m->data);

    if (mime.n)
        return mime;
    return m->kind == MEDIA_DOCUMENT ? STR("application/pdf")
           : m->kind == MEDIA_AUDIO  ? STR("audio/wav")
                                     : STR("image/jpeg");
}

bool gemini_can_media(struct gw *w, const struct neutral_media *m)
{
    if (m->source == MEDIA_FILE_ID && !cw_same(&w->c)) {
        cw_refuse(&w->c, FEATURE_FILE_ID, m->data.p);
        return false;
    }
    if (m->detail.p && !str_is(m->detail, "auto"))
        cw_note(&w->c, FATE_DROPPED, FEATURE_IMAGE_DETAIL);
    if (m->raw_citations.p)
        cw_note(&w->c, FATE_DROPPED, FEATURE_CITATIONS);
    return true;
}

/* OpenAI says "wav" and "mp3". */
static void put_mime(struct jw *j, struct str mime, enum media_kind kind)
{
    jw_key(j, "mimeType");
    jw_sep(j);
    jw_bytes(j, STR("\""));
    if (kind == MEDIA_AUDIO && str_find(mime, STR("/")) < 0)
        jw_bytes(j, STR("audio/"));
    if (!j->rc)
        j->rc = jstr_put_escaped(j->b, mime);
    jw_bytes(j, STR("\""));
}

void gemini_put_media(struct gw *w, const struct neutral_media *m)
{
    bool inside = m->source == MEDIA_BASE64;
    struct jw *j = &w->c.w;

    jw_open(j, '{');
    if (m->source == MEDIA_TEXT) {
        jw_member_jstr(j, "text", m->data);
    } else {
        jw_key(j, inside ? "inlineData" : "fileData");
        jw_open(j, '{');
        put_mime(j, mime_of(m), m->kind);
        jw_member_jstr(j, inside ? "data" : "fileUri", m->data);
        jw_close(j, '}');
    }
    jw_close(j, '}');
}

/* ---- what tools answered ------------------------------------------------ */

/* A single text that is a JSON object stands as it is. */
static bool put_object(struct gw *w, const struct neutral_block *b)
{
    struct json_limits lim = { .dup_nowhere = true };
    struct json j = { 0 };
    bool done = false;
    struct str s;
    int rc;

    if (!b || b->next || b->kind != BLOCK_TEXT || !b->text.n)
        return false;
    s = jstr_text(b->text, w->c.a);
    if (!s.p) {
        cw_fail(&w->c, -ERR_NOMEM);
        return false;
    }
    s = str_trim(s);
    if (!s.n || s.p[0] != '{')
        return false;
    rc = json_scan(&j, s, &lim, NULL);
    if (rc == -ERR_NOMEM)
        cw_fail(&w->c, rc);
    if (rc == 0 && j.nodes[0].type == JSON_T_OBJECT) {
        jw_raw(&w->c.w, json_raw(&j, 0));
        done = true;
    }
    json_clear(&j);
    return done;
}

static void put_texts(struct gw *w, const struct neutral_block *b)
{
    struct jw *j = &w->c.w;
    bool any = false;

    jw_sep(j);
    jw_bytes(j, STR("\""));
    for (; b; b = b->next) {
        if (b->kind == BLOCK_UNKNOWN)
            cw_unknown(&w->c, &b->unknown);
        if (b->kind != BLOCK_TEXT)
            continue;
        if (any)
            jw_bytes(j, STR("\\n"));
        jw_bytes(j, (struct str){ b->text.p, b->text.n });
        any = true;
    }
    jw_bytes(j, STR("\""));
}

void gemini_put_result(struct gw *w, const struct neutral_result *r,
                       struct str name)
{
    struct jw *j = &w->c.w;

    jw_open(j, '{');
    jw_key(j, "functionResponse");
    jw_open(j, '{');
    if (r->id.n)
        jw_member_text(j, "id", r->id);
    jw_member_text(j, "name", name);
    jw_key(j, "response");
    if (r->is_error || !put_object(w, r->blocks)) {
        jw_open(j, '{');
        jw_key(j, r->is_error ? "error" : "output");
        put_texts(w, r->blocks);
        jw_close(j, '}');
    }
    jw_close(j, '}');
    jw_close(j, '}');
}

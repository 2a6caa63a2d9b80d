/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Converse requests, written: images and documents. Bytes, or what lies in
 * S3; nothing is fetched from anywhere else.
 */
#include "wire/codec_converse.h"

#include "base/b64.h"

#include <stdio.h>

#define NAME_MAX_BYTES 180 /* of 200, with the number behind it */

static const struct {
    enum media_kind kind;
    const char *mime, *format;
} formats[] = {
    { MEDIA_IMAGE, "image/png", "png" },
    { MEDIA_IMAGE, "image/jpeg", "jpeg" },
    { MEDIA_IMAGE, "image/jpg", "jpeg" },
    { MEDIA_IMAGE, "image/gif", "gif" },
    { MEDIA_IMAGE, "image/webp", "webp" },
    { MEDIA_DOCUMENT, "application/pdf", "pdf" },
    { MEDIA_DOCUMENT, "text/csv", "csv" },
    { MEDIA_DOCUMENT, "application/msword", "doc" },
    { MEDIA_DOCUMENT,
      "application/vnd.openxmlformats-officedocument.wordprocessingml."
      "document",
      "docx" },
    { MEDIA_DOCUMENT, "application/vnd.ms-excel", "xls" },
    { MEDIA_DOCUMENT,
      "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
      "xlsx" },
    { MEDIA_DOCUMENT, "text/html", "html" },
    { MEDIA_DOCUMENT, "text/markdown", "md" },
    { MEDIA_DOCUMENT, "text/plain", "txt" },
};

/* By the end of an address in S3, which has no type. */
static const char *format_of_end(const struct neutral_media *m)
{
    struct str name = { m->data.p, m->data.n };

    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
        struct str end = str_of(formats[i].format);

        if (formats[i].kind == m->kind && name.n > end.n &&
            name.p[name.n - end.n - 1] == '.' &&
            str_ieq((struct str){ name.p + name.n - end.n, end.n }, end))
            return formats[i].format;
    }
    return m->kind == MEDIA_IMAGE ? "jpeg" : "pdf";
}

static bool is_s3(const struct neutral_media *m)
{
    return m->source == MEDIA_URL &&
           str_starts((struct str){ m->data.p, m->data.n }, STR("s3://"));
}

/* NULL: Converse takes no such thing. */
static const char *format_of(const struct neutral_media *m)
{
    struct str mime = m->mime;

    if (is_s3(m))
        return format_of_end(m);
    if (m->source == MEDIA_TEXT)
        return "txt";
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
        if (formats[i].kind == m->kind &&
            str_ieq(mime, str_of(formats[i].mime)))
            return formats[i].format;
    }
    return m->kind == MEDIA_DOCUMENT && str_starts(mime, STR("text/"))
               ? "txt"
               : NULL;
}

bool converse_can_media(struct converse_out *w, const struct neutral_media *m)
{
    struct cw *c = &w->aw.c;

    if (m->kind == MEDIA_AUDIO) {
        cw_refuse(c, FEATURE_AUDIO, m->data.p);
        return false;
    }
    if (m->source == MEDIA_FILE_ID) {
        cw_refuse(c, FEATURE_FILE_ID, m->data.p);
        return false;
    }
    if ((m->source != MEDIA_URL || is_s3(m)) && format_of(m))
        return true;
    cw_refuse(c, m->kind == MEDIA_IMAGE ? FEATURE_IMAGE : FEATURE_DOCUMENT,
              m->data.p);
    return false;
}

/* Letters, digits, single spaces, "-", "(", ")", "[", "]"; and a number, so
 * that no two are alike. */
static void put_name(struct converse_out *w, const struct neutral_media *m)
{
    struct cw *c = &w->aw.c;
    struct str raw = m->name.p ? jstr_text(m->name, c->a) : STR("document");
    char name[NAME_MAX_BYTES + 16];
    size_t n = 0;

    for (size_t i = 0; i < raw.n && n < NAME_MAX_BYTES; i++) {
        char ch = raw.p[i];
        bool good = (ch >= 'A' && ch <= 'Z') || (ch >= 'a' && ch <= 'z') ||
                    (ch >= '0' && ch <= '9') || (ch && strchr("-()[]", ch));

        if (good)
            name[n++] = ch;
        else if (n && name[n - 1] != ' ')
            name[n++] = ' ';
    }
    if (n && name[n - 1] != ' ')
        name[n++] = ' ';
    n += (size_t)snprintf(name + n, 12, "%u", ++w->documents);
    jw_member_text(&c->w, "name", (struct str){ name, n });
}

static void put_text_bytes(struct cw *c, struct jstr text)
{
    struct str s = jstr_text(text, c->a);
    char *digits = arena_alloc(c->a, s.n / 3 * 4 + 8);

    if (!digits || (text.p && !s.p)) {
        cw_fail(c, -ERR_NOMEM);
        return;
    }
    jw_member_text(&c->w, "bytes",
                   (struct str){ digits,
                                 b64_encode(s, B64_STANDARD, digits) });
}

void converse_put_media(struct converse_out *w, const struct neutral_media *m)
{
    struct cw *c = &w->aw.c;
    struct jw *j = &c->w;

    jw_key(j, m->kind == MEDIA_IMAGE ? "image" : "document");
    jw_open(j, '{');
    jw_member_text(j, "format", str_of(format_of(m)));
    if (m->kind == MEDIA_DOCUMENT)
        put_name(w, m);
    jw_key(j, "source");
    jw_open(j, '{');
    if (is_s3(m)) {
        jw_key(j, "s3Location");
        jw_open(j, '{');
        jw_member_jstr(j, "uri", m->data);
        jw_close(j, '}');
    } else if (m->source == MEDIA_TEXT) {
        put_text_bytes(c, m->data);
    } else {
        jw_member_jstr(j, "bytes", m->data);
    }
    jw_close(j, '}');
    if (m->kind == MEDIA_DOCUMENT && m->context.p)
        jw_member_text(j, "context", m->context);
    if (m->kind == MEDIA_DOCUMENT && m->raw_citations.p)
        jw_member_raw(j, "citations", m->raw_citations);
    jw_close(j, '}');
    if (m->detail.p && !str_is(m->detail, "auto"))
        cw_note(c, FATE_DROPPED, FEATURE_IMAGE_DETAIL);
}

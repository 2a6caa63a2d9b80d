/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Anthropic Messages requests, written: one block. */
#include "wire/codec_anthropic.h"

static bool can_thinking(struct aw *w, const struct neutral_thinking *t)
{
    if (t->redacted.p || t->signature.n) {
        if (!w->c.t->strip_thinking)
            return true;
        cw_note(&w->c, FATE_DROPPED, FEATURE_THINKING);
    } else if (t->thought.n) {
        cw_note(&w->c, FATE_DROPPED, FEATURE_THINKING);
    } else { /* the API takes none that it did not sign */
        cw_note(&w->c, FATE_DROPPED, FEATURE_UNSIGNED_THINKING);
    }
    return false;
}

bool anthropic_can_block(struct aw *w, const struct neutral_block *b)
{
    switch (b->kind) {
    case BLOCK_TEXT:
    case BLOCK_REFUSAL:
        if (!jstr_blank(b->text))
            return true;
        cw_note(&w->c, FATE_MAPPED, FEATURE_EMPTY_TEXT);
        return false;
    case BLOCK_MEDIA:
        return anthropic_can_media(w, &b->media);
    case BLOCK_THINKING:
        return can_thinking(w, &b->thinking);
    case BLOCK_UNKNOWN:
        if (b->unknown.dialect == DIALECT_ANTHROPIC)
            return true;
        cw_unknown(&w->c, &b->unknown);
        return false;
    default:
        return true;
    }
}

static struct str wire_id(struct aw *w, struct str id)
{
    struct str out = codec_id_to_anthropic(id, w->c.a);

    if (!out.p)
        cw_fail(&w->c, -ERR_NOMEM);
    if (!str_eq(out, id))
        cw_note(&w->c, FATE_MAPPED, FEATURE_TOOL_ID);
    return out;
}

static void put_call(struct aw *w, const struct neutral_call *call)
{
    struct jw *j = &w->c.w;

    jw_member_text(j, "type", STR("tool_use"));
    jw_member_text(j, "id", wire_id(w, call->id));
    jw_member_text(j, "name", cw_tool_name(&w->c, call->name));
    jw_key(j, "input");
    cw_args_object(&w->c, call);
    cw_unsigned(&w->c, call);
}

static void put_result_content(struct aw *w, const struct neutral_block *b)
{
    struct jw *j = &w->c.w;
    bool single = b && !b->next && b->kind == BLOCK_TEXT && !b->cache.set;
    bool any = false;

    if (single && !jstr_blank(b->text)) {
        jw_member_jstr(j, "content", b->text);
        return;
    }
    for (; b; b = b->next) {
        if (!anthropic_can_block(w, b))
            continue;
        if (!any) {
            jw_key(j, "content");
            jw_open(j, '[');
            any = true;
        }
        anthropic_put_block(w, b);
    }
    if (any)
        jw_close(j, ']');
}

static void put_result(struct aw *w, const struct neutral_result *r)
{
    struct jw *j = &w->c.w;

    jw_member_text(j, "type", STR("tool_result"));
    jw_member_text(j, "tool_use_id", wire_id(w, r->id));
    put_result_content(w, r->blocks);
    if (r->is_error)
        jw_member_bool(j, "is_error", true);
}

static void put_thinking(struct jw *j, const struct neutral_thinking *t)
{
    if (t->redacted.p) {
        jw_member_text(j, "type", STR("redacted_thinking"));
        jw_member_jstr(j, "data", t->redacted);
        return;
    }
    jw_member_text(j, "type", STR("thinking"));
    jw_member_jstr(j, "thinking", t->text);
    jw_member_jstr(j, "signature", t->signature);
}

static void put_text(struct aw *w, const struct neutral_block *b)
{
    if (b->kind == BLOCK_REFUSAL)
        cw_note(&w->c, FATE_MAPPED, FEATURE_REFUSAL);
    jw_member_text(&w->c.w, "type", STR("text"));
    jw_member_jstr(&w->c.w, "text", b->text);
}

void anthropic_put_block(struct aw *w, const struct neutral_block *b)
{
    struct jw *j = &w->c.w;

    if (b->kind == BLOCK_UNKNOWN) {
        jw_raw(j, b->unknown.raw);
        return;
    }
    jw_open(j, '{');
    switch (b->kind) {
    case BLOCK_MEDIA:
        anthropic_put_media(w, &b->media);
        break;
    case BLOCK_TOOL_CALL:
        put_call(w, &b->call);
        break;
    case BLOCK_TOOL_RESULT:
        put_result(w, &b->result);
        break;
    case BLOCK_THINKING:
        put_thinking(j, &b->thinking);
        break;
    default:
        put_text(w, b);
    }
    if (b->kind != BLOCK_THINKING) /* may not be marked */
        anthropic_put_mark(w, &b->cache);
    jw_close(j, '}');
}

/* ---- media -------------------------------------------------------------- */

static struct str image_mime(struct str mime)
{
    static const char *const taken[] = { "image/jpeg", "image/png",
                                         "image/gif", "image/webp" };

    if (str_ieq(mime, STR("image/jpg")))
        return STR("image/jpeg");
    for (size_t i = 0; i < sizeof taken / sizeof taken[0]; i++) {
        if (str_ieq(mime, str_of(taken[i])))
            return str_of(taken[i]);
    }
    return STR_NULL;
}

static bool is_text(struct str mime)
{
    return str_starts(mime, STR("text/")) || str_is(mime, "application/json");
}

static bool can_source(struct aw *w, const struct neutral_media *m)
{
    switch (m->source) {
    case MEDIA_FILE_ID:
        if (cw_same(&w->c))
            return true;
        cw_refuse(&w->c, FEATURE_FILE_ID, m->data.p);
        return false;
    case MEDIA_URL: /* a data: URL that is no base64 is none that it takes */
        return str_starts((struct str){ m->data.p, m->data.n }, STR("http"));
    case MEDIA_BASE64:
        return m->kind == MEDIA_IMAGE ? image_mime(m->mime).p != NULL
                                      : str_is(m->mime, "application/pdf") ||
                                            is_text(m->mime);
    default:
        return true;
    }
}

bool anthropic_can_media(struct aw *w, const struct neutral_media *m)
{
    if (m->kind == MEDIA_AUDIO) {
        cw_refuse(&w->c, FEATURE_AUDIO, m->data.p);
        return false;
    }
    if (can_source(w, m))
        return true;
    cw_refuse(&w->c,
              m->kind == MEDIA_IMAGE ? FEATURE_IMAGE : FEATURE_DOCUMENT,
              m->data.p);
    return false;
}

static void put_source(struct aw *w, const struct neutral_media *m)
{
    struct jw *j = &w->c.w;
    bool text = m->kind == MEDIA_DOCUMENT && m->source == MEDIA_BASE64 &&
                is_text(m->mime);

    if (m->source == MEDIA_URL) {
        jw_member_text(j, "type", STR("url"));
        jw_member_jstr(j, "url", m->data);
    } else if (m->source == MEDIA_FILE_ID) {
        jw_member_text(j, "type", STR("file"));
        jw_member_jstr(j, "file_id", m->data);
    } else if (text || m->source == MEDIA_TEXT) {
        jw_member_text(j, "type", STR("text"));
        jw_member_text(j, "media_type", STR("text/plain"));
        jw_key(j, "data");
        if (text) {
            jw_bytes(j, STR("\""));
            cw_base64_text(&w->c, m->data);
            jw_raw(j, STR("\""));
        } else {
            jw_jstr(j, m->data);
        }
    } else {
        jw_member_text(j, "type", STR("base64"));
        jw_member_text(j, "media_type", m->kind == MEDIA_IMAGE
                                            ? image_mime(m->mime) : m->mime);
        jw_member_jstr(j, "data", m->data);
    }
}

void anthropic_put_media(struct aw *w, const struct neutral_media *m)
{
    struct jw *j = &w->c.w;

    jw_member_text(j, "type", m->kind == MEDIA_IMAGE ? STR("image")
                                                     : STR("document"));
    jw_key(j, "source");
    jw_open(j, '{');
    put_source(w, m);
    jw_close(j, '}');
    if (m->detail.p && !str_is(m->detail, "auto"))
        cw_note(&w->c, FATE_DROPPED, FEATURE_IMAGE_DETAIL);
    if (m->kind == MEDIA_IMAGE)
        return;
    jw_opt_jstr(j, "title", m->name);
    if (m->context.p)
        jw_member_text(j, "context", m->context);
    jw_opt_raw(j, "citations", m->raw_citations);
}

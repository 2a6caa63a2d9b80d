/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Anthropic Messages requests: images and documents. */
#include "wire/codec_anthropic.h"

enum { S_TYPE, S_MEDIA_TYPE, S_DATA, S_URL, S_FILE_ID, S_COUNT };

static const struct rd_field source_fields[] = {
    [S_TYPE] = RD_FIELD("type", RD_STRING),
    [S_MEDIA_TYPE] = RD_FIELD("media_type", RD_STRING),
    [S_DATA] = RD_FIELD("data", RD_STRING),
    [S_URL] = RD_FIELD("url", RD_STRING),
    [S_FILE_ID] = RD_FIELD("file_id", RD_STRING),
};

static const struct {
    const char *type;
    enum media_source source;
    int field;
} sources[] = {
    { "base64", MEDIA_BASE64, S_DATA },
    { "text", MEDIA_TEXT, S_DATA },
    { "url", MEDIA_URL, S_URL },
    { "file", MEDIA_FILE_ID, S_FILE_ID },
};

static int read_source(struct rd *rd, uint32_t node, struct neutral_media *m)
{
    uint32_t at[S_COUNT];
    struct str type;
    size_t i = 0;
    int rc = rd_object(rd, node, source_fields, S_COUNT,
                       "messages[].content[].source", at);

    if (!rc)
        rc = rd_text(rd, at[S_TYPE], &type);
    if (rc)
        return rc;
    while (i < sizeof sources / sizeof sources[0] &&
           !str_is(type, sources[i].type))
        i++;
    if (i == sizeof sources / sizeof sources[0] ||
        at[sources[i].field] == JSON_NONE)
        return rd_fault(rd, node, "a source of a type that is known");
    m->source = sources[i].source;
    m->data = rd_jstr(rd, at[sources[i].field]);
    if (m->source == MEDIA_BASE64 && at[S_MEDIA_TYPE] == JSON_NONE)
        return rd_fault(rd, node, "a source with its media_type");
    return rd_text(rd, at[S_MEDIA_TYPE], &m->mime);
}

static bool is_made_of_blocks(struct rd *rd, uint32_t node)
{
    uint32_t source = json_member(rd->j, node, STR("source"));
    struct jstr type = jstr_of_node(rd->j, json_member(rd->j, source,
                                                       STR("type")));

    return str_is((struct str){ type.p, type.n }, "content");
}

/* ---- what others read as text ------------------------------------------- */

/* A head line as a block of its own: both, one, or nothing at all. */
static int add_head(struct rd *rd, struct neutral_message *m,
                    struct jstr title, struct jstr more)
{
    struct neutral_block *b;
    struct str s;

    if (!title.n && !more.n)
        return 0;
    s = title.n && more.n
            ? arena_fmt(rd->a, STR_FMT " (" STR_FMT ")", (int)title.n,
                        title.p, (int)more.n, more.p)
            : (struct str){ title.n ? title.p : more.p,
                            title.n ? title.n : more.n };
    b = rd_block(rd, m, BLOCK_TEXT);
    if (!b)
        return -rd->err->code;
    b->text = (struct jstr){ s.p, s.n };
    return s.p ? 0 : rd_nomem(rd);
}

enum { Q_TYPE, Q_SOURCE, Q_TITLE, Q_CONTEXT, Q_CONTENT, Q_CITATIONS, Q_CACHE,
       Q_COUNT };

static const struct rd_field quoted_fields[] = {
    [Q_TYPE] = RD_FIELD("type", RD_STRING),
    [Q_SOURCE] = RD_FIELD("source", RD_STRING | RD_OBJECT),
    [Q_TITLE] = RD_FIELD("title", RD_STRING),
    [Q_CONTEXT] = RD_FIELD("context", RD_STRING),
    [Q_CONTENT] = RD_FIELD("content", RD_ARRAY),
    [Q_CITATIONS] = RD_FIELD("citations", RD_OBJECT),
    [Q_CACHE] = RD_FIELD("cache_control", RD_OBJECT),
};

/* A search_result, and a document made of blocks: no other dialect has them,
 * but what is in them is texts and images. */
int anthropic_read_quoted(struct rd *rd, struct neutral_message *m,
                          uint32_t node)
{
    uint32_t at[Q_COUNT], content;
    struct jstr more;
    bool document;
    int rc = rd_object(rd, node, quoted_fields, Q_COUNT,
                       "messages[].content[]", at);

    if (rc)
        return rc;
    content = json_member(rd->j, at[Q_SOURCE], STR("content"));
    document = content != JSON_NONE;
    if (!document && at[Q_CONTENT] == JSON_NONE)
        return rd_fault(rd, node, "a block with its content");
    more = rd_jstr(rd, at[document ? Q_CONTEXT : Q_SOURCE]);
    rc = add_head(rd, m, rd_jstr(rd, at[Q_TITLE]), more);
    if (!rc)
        rc = anthropic_read_content(rd, m, document ? content
                                                    : at[Q_CONTENT]);
    if (!rc && rd_bool(rd, json_member(rd->j, at[Q_CITATIONS],
                                       STR("enabled"))) == 1)
        rc = rd_unread(rd, "messages[].content[]", STR("citations"));
    if (!rc && m->last && at[Q_CACHE] != JSON_NONE)
        rc = rd_cache(rd, at[Q_CACHE], &m->last->cache);
    return rc;
}

int anthropic_read_media(struct rd *rd, struct neutral_message *m,
                         uint32_t node, bool document)
{
    enum { TYPE, SOURCE, TITLE, CONTEXT, CITATIONS, CACHE, COUNT };
    static const struct rd_field f[] = {
        [TYPE] = RD_FIELD("type", RD_STRING),
        [SOURCE] = RD_FIELD("source", RD_OBJECT),
        [TITLE] = RD_FIELD("title", RD_STRING),
        [CONTEXT] = RD_FIELD("context", RD_STRING),
        [CITATIONS] = RD_FIELD("citations", RD_OBJECT),
        [CACHE] = RD_FIELD("cache_control", RD_OBJECT),
    };
    struct neutral_block *b;
    uint32_t at[COUNT];
    int rc;

    if (is_made_of_blocks(rd, node))
        return anthropic_read_quoted(rd, m, node);
    rc = rd_object(rd, node, f, COUNT, "messages[].content[]", at);
    if (rc)
        return rc;
    if (at[SOURCE] == JSON_NONE)
        return rd_fault(rd, node, "a block with its source");
    b = rd_block(rd, m, BLOCK_MEDIA);
    if (!b)
        return -rd->err->code;
    b->media.kind = document ? MEDIA_DOCUMENT : MEDIA_IMAGE;
    b->media.name = rd_jstr(rd, at[TITLE]);
    b->media.raw_citations = rd_raw(rd, at[CITATIONS]);
    rc = rd_text(rd, at[CONTEXT], &b->media.context);
    if (!rc)
        rc = read_source(rd, at[SOURCE], &b->media);
    return rc ? rc : rd_cache(rd, at[CACHE], &b->cache);
}

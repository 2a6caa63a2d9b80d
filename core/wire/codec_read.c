/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Members by tables, faults by path, and what both dialects have in small. */
#include "wire/codec_read.h"
#include "wire/codec_where.h"

#include <stdio.h>

#define MIME_MAX 128

int rd_nomem(struct rd *rd)
{
    return err_set(rd->err, ERR_NOMEM, "out of memory");
}

int rd_fault(struct rd *rd, uint32_t node, const char *expected)
{
    char path[sizeof rd->err->at];

    codec_path(rd->j, node, rd->r->from, rd->a, path, sizeof path);
    return err_at(rd->err, ERR_INVALID_REQUEST, path,
                  "Invalid '%s': expected %s.", path, expected);
}

static const char *expected_of(uint32_t types)
{
    switch (types) {
    case RD_STRING:
        return "a string";
    case RD_NUMBER:
        return "a number";
    case RD_BOOL:
        return "true or false";
    case RD_ARRAY:
        return "an array";
    case RD_OBJECT:
        return "an object";
    case RD_STRING | RD_ARRAY:
        return "a string or an array";
    case RD_STRING | RD_OBJECT:
        return "a string or an object";
    default:
        return "another type";
    }
}

static bool is_path(struct str full, struct str path, struct str name)
{
    return full.n == path.n + 1 + name.n && str_starts(full, path) &&
           memcmp(full.p + path.n + 1, name.p, name.n) == 0;
}

int rd_unread(struct rd *rd, const char *path, struct str name)
{
    struct neutral_request *r = rd->r;
    struct neutral_extra *e = r->unread, **end = &r->unread;

    for (; e; end = &e->next, e = e->next) {
        if (is_path(e->name, str_of(path), name))
            return 0;
    }
    if (r->n_unread >= RD_UNREAD_MAX)
        return 0;
    e = arena_alloc(rd->a, sizeof *e);
    if (!e)
        return rd_nomem(rd);
    e->name = arena_fmt(rd->a, "%s." STR_FMT, path, STR_ARG(name));
    if (!e->name.p)
        return rd_nomem(rd);
    *end = e;
    r->n_unread++;
    return 0;
}

int rd_extra(struct rd *rd, uint32_t node, struct str name)
{
    struct neutral_extra *e, **end = &rd->r->extras;

    if (rd->n_extras++ >= RD_EXTRAS_MAX)
        return err_set(rd->err, ERR_INVALID_REQUEST,
                       "More than %d unknown members.", RD_EXTRAS_MAX);
    while (*end)
        end = &(*end)->next;
    e = arena_alloc(rd->a, sizeof *e);
    if (!e)
        return rd_nomem(rd);
    e->name = name;
    e->raw = json_raw(rd->j, node);
    *end = e;
    return 0;
}

static size_t find_field(const struct rd_field *fields, size_t n,
                         struct str name)
{
    size_t i = 0;

    while (i < n && !str_eq(fields[i].name, name))
        i++;
    return i;
}

int rd_object(struct rd *rd, uint32_t object, const struct rd_field *fields,
              size_t n, const char *path, uint32_t *at)
{
    const struct json *j = rd->j;

    for (size_t i = 0; i < n; i++)
        at[i] = JSON_NONE;
    if (j->nodes[object].type != JSON_T_OBJECT)
        return rd_fault(rd, object, "an object");
    for (uint32_t c = json_first(j, object); c != JSON_NONE;
         c = json_sibling(j, object, c)) {
        struct str name = json_name(j, c, rd->a);
        size_t i;
        int rc = 0;

        if (!name.p)
            return rd_nomem(rd);
        if (j->nodes[c].type == JSON_T_NULL)
            continue;
        i = find_field(fields, n, name);
        if (i == n)
            rc = path ? rd_unread(rd, path, name) : rd_extra(rd, c, name);
        else if (!(fields[i].types & 1u << j->nodes[c].type))
            rc = rd_fault(rd, c, expected_of(fields[i].types));
        else
            at[i] = c;
        if (rc)
            return rc;
    }
    return 0;
}

struct jstr rd_jstr(struct rd *rd, uint32_t node)
{
    return jstr_of_node(rd->j, node);
}

struct str rd_raw(struct rd *rd, uint32_t node)
{
    return node == JSON_NONE ? STR_NULL : json_raw(rd->j, node);
}

int rd_text(struct rd *rd, uint32_t node, struct str *out)
{
    *out = STR_NULL;
    if (node == JSON_NONE)
        return 0;
    *out = json_text(rd->j, node, rd->a);
    return out->p ? 0 : rd_nomem(rd);
}

int rd_bool(struct rd *rd, uint32_t node)
{
    return node == JSON_NONE ? -1 : rd->j->nodes[node].type == JSON_T_TRUE;
}

int rd_count(struct rd *rd, uint32_t node, int64_t *out)
{
    if (node == JSON_NONE)
        return 0;
    if (!json_int(rd->j, node, out) || *out < 0)
        return rd_fault(rd, node, "an integer that is not negative");
    return 0;
}

int rd_names(struct rd *rd, uint32_t node, struct neutral_name **out)
{
    const struct json *j = rd->j;
    uint32_t parent = node, n = 0;

    if (node == JSON_NONE)
        return 0;
    if (j->nodes[node].type == JSON_T_ARRAY)
        node = json_first(j, node);
    while (*out)
        out = &(*out)->next;
    while (node != JSON_NONE) {
        struct neutral_name *e;

        if (j->nodes[node].type != JSON_T_STRING)
            return rd_fault(rd, node, "a string");
        if (n++ >= RD_NAMES_MAX)
            return rd_fault(rd, parent, "fewer elements");
        e = arena_alloc(rd->a, sizeof *e);
        if (!e || rd_text(rd, node, &e->name))
            return rd_nomem(rd);
        *out = e;
        out = &e->next;
        node = node == parent ? JSON_NONE : json_sibling(j, parent, node);
    }
    return 0;
}

int rd_cache(struct rd *rd, uint32_t node, struct neutral_cache *out)
{
    uint32_t ttl;

    if (node == JSON_NONE)
        return 0;
    if (rd->j->nodes[node].type != JSON_T_OBJECT)
        return rd_fault(rd, node, "an object");
    out->set = true;
    ttl = json_member(rd->j, node, STR("ttl"));
    if (ttl == JSON_NONE || rd->j->nodes[ttl].type != JSON_T_STRING)
        return 0;
    return rd_text(rd, ttl, &out->ttl);
}

struct neutral_message *rd_message(struct rd *rd, enum neutral_role role)
{
    struct neutral_message *m;

    if (rd->r->n_messages >= RD_MESSAGES_MAX) {
        err_at(rd->err, ERR_INVALID_REQUEST, codec_talk_field(rd->r->from),
               "More than %d messages.", RD_MESSAGES_MAX);
        return NULL;
    }
    m = neutral_add_message(rd->r, rd->a, role);
    if (!m)
        rd_nomem(rd);
    return m;
}

struct neutral_block *rd_block(struct rd *rd, struct neutral_message *m,
                               enum neutral_kind kind)
{
    struct neutral_block *b;

    if (rd->r->n_blocks >= RD_BLOCKS_MAX) {
        err_at(rd->err, ERR_INVALID_REQUEST, codec_talk_field(rd->r->from),
               "More than %d blocks of content.", RD_BLOCKS_MAX);
        return NULL;
    }
    b = neutral_add_block(rd->r, m, rd->a, kind);
    if (!b)
        rd_nomem(rd);
    return b;
}

int rd_unknown(struct rd *rd, struct neutral_message *m, uint32_t node,
               struct str type)
{
    struct neutral_block *b = rd_block(rd, m, BLOCK_UNKNOWN);

    if (!b)
        return -rd->err->code;
    b->unknown = (struct neutral_unknown){ rd->r->from,
                                           json_raw(rd->j, node), type };
    return 0;
}

void rd_schema(struct rd *rd, uint32_t node, struct neutral_tool *t)
{
    if (node == JSON_NONE)
        return;
    t->raw_schema = json_raw(rd->j, node);
    t->schema_typed = json_member(rd->j, node, STR("type")) != JSON_NONE;
}

/* What stands before the comma of a data: URL, or p == NULL. */
static int data_head(struct rd *rd, struct jstr url, struct str *head)
{
    const char *comma = memchr(url.p, ',', url.n < MIME_MAX ? url.n
                                                            : MIME_MAX);

    *head = STR_NULL;
    if (!comma || url.n < 5 || memcmp(url.p, "data:", 5) != 0)
        return 0;
    *head = jstr_text((struct jstr){ url.p + 5,
                                     (size_t)(comma - url.p) - 5 }, rd->a);
    return head->p ? 0 : rd_nomem(rd);
}

int rd_address(struct rd *rd, uint32_t node, struct neutral_media *out)
{
    struct jstr url = rd_jstr(rd, node);
    struct str head, mime;
    const char *comma;
    int rc;

    out->source = MEDIA_URL;
    out->data = url;
    if (!url.p)
        return 0;
    rc = data_head(rd, url, &head);
    if (rc || !head.p)
        return rc;
    if (head.n < 7 || memcmp(head.p + head.n - 7, ";base64", 7) != 0)
        return 0; /* percent-encoded: as an address it stays true */
    mime = str_split(&head, ';');
    comma = memchr(url.p, ',', url.n);
    out->source = MEDIA_BASE64;
    out->mime = mime.n ? mime : STR("text/plain");
    out->data = (struct jstr){ comma + 1,
                               url.n - (size_t)(comma + 1 - url.p) };
    return 0;
}

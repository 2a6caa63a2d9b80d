/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Questions to an index: members, pointers, texts, numbers. Siblings are
 * found by `next`, so a step over a large member costs the same as over a
 * small one. Where a name stands twice (outside the objects that refuse it),
 * the last one counts, as with the parsers that read the text after us.
 */
#include "base/json.h"

#include "base/json_name.h"

#include <stdlib.h>

#define POINTER_BYTES_MAX 65536

static bool is_node(const struct json *j, uint32_t node)
{
    return node < j->count;
}

static bool is_container(const struct json *j, uint32_t node)
{
    return is_node(j, node) && (j->nodes[node].type == JSON_T_OBJECT ||
                                j->nodes[node].type == JSON_T_ARRAY);
}

struct str json_raw(const struct json *j, uint32_t node)
{
    const struct json_node *n;

    if (!is_node(j, node))
        return STR_NULL;
    n = &j->nodes[node];
    return (struct str){ j->text + n->start, n->end - n->start };
}

uint32_t json_first(const struct json *j, uint32_t container)
{
    if (!is_container(j, container))
        return JSON_NONE;
    return j->nodes[container].next > container + 1 ? container + 1
                                                    : JSON_NONE;
}

uint32_t json_sibling(const struct json *j, uint32_t parent, uint32_t node)
{
    if (!is_node(j, parent) || !is_node(j, node) ||
        j->nodes[node].next >= j->nodes[parent].next)
        return JSON_NONE;
    return j->nodes[node].next;
}

uint32_t json_length(const struct json *j, uint32_t container)
{
    uint32_t n = 0;
    uint32_t c = json_first(j, container);

    for (; c != JSON_NONE; c = json_sibling(j, container, c))
        n++;
    return n;
}

static uint32_t find_member(const struct json *j, uint32_t object,
                            struct json_chars name)
{
    uint32_t c = json_first(j, object), found = JSON_NONE;

    if (c == JSON_NONE || j->nodes[object].type != JSON_T_OBJECT)
        return JSON_NONE;
    for (; c != JSON_NONE; c = json_sibling(j, object, c)) {
        if (json_chars_eq(json_name_chars(j, c), name))
            found = c;
    }
    return found;
}

/* Names without escapes are compared as they stand. */
static inline bool is_called(const struct json *j, uint32_t node,
                             struct str name)
{
    const struct json_node *n = &j->nodes[node];

    if (n->flags & JSON_F_KEY_ESCAPED)
        return json_chars_eq(json_name_chars(j, node),
                             (struct json_chars){ name, JSON_SPELL_PLAIN });
    return n->key && n->key_end - n->key == name.n + 2 &&
           str_eq((struct str){ j->text + n->key + 1, name.n }, name);
}

uint32_t json_member(const struct json *j, uint32_t object, struct str name)
{
    uint32_t found = JSON_NONE, end;

    if (!is_node(j, object) || j->nodes[object].type != JSON_T_OBJECT)
        return JSON_NONE;
    end = j->nodes[object].next;
    for (uint32_t c = object + 1; c < end; c = j->nodes[c].next) {
        if (is_called(j, c, name))
            found = c;
    }
    return found;
}

static uint32_t find_element(const struct json *j, uint32_t array,
                             struct json_chars token)
{
    uint32_t c = json_first(j, array), index;

    if (!json_token_index(token, &index))
        return JSON_NONE;
    for (; c != JSON_NONE && index; index--)
        c = json_sibling(j, array, c);
    return c;
}

uint32_t json_at(const struct json *j, struct str pointer)
{
    uint32_t node = j->count ? 0 : JSON_NONE;

    if (!json_pointer_valid(pointer))
        return JSON_NONE;
    while (node != JSON_NONE && pointer.n) {
        struct json_chars token = json_token(&pointer);

        node = j->nodes[node].type == JSON_T_OBJECT
                   ? find_member(j, node, token)
                   : find_element(j, node, token);
    }
    return node;
}

static struct str plain_text(struct json_chars c, struct arena *a)
{
    char *p;

    if (c.spelling == JSON_SPELL_PLAIN)
        return c.s;
    p = arena_alloc(a, c.s.n + 1);
    return p ? (struct str){ p, json_chars_put(c, p) } : STR_NULL;
}

struct str json_text(const struct json *j, uint32_t node, struct arena *a)
{
    struct json_chars c = { json_raw(j, node), JSON_SPELL_PLAIN };

    if (!is_node(j, node) || j->nodes[node].type != JSON_T_STRING)
        return STR_NULL;
    c.s.p++;
    c.s.n -= 2;
    if (j->nodes[node].flags & JSON_F_ESCAPED)
        c.spelling = JSON_SPELL_STRING;
    return plain_text(c, a);
}

struct str json_name(const struct json *j, uint32_t node, struct arena *a)
{
    return is_node(j, node) ? plain_text(json_name_chars(j, node), a)
                            : STR_NULL;
}

bool json_int(const struct json *j, uint32_t node, int64_t *out)
{
    struct str s = json_raw(j, node);
    bool minus = s.n && s.p[0] == '-';
    uint64_t v;

    if (!is_node(j, node) || j->nodes[node].type != JSON_T_NUMBER)
        return false;
    if (minus)
        s = (struct str){ s.p + 1, s.n - 1 };
    if (!str_u64(s, &v) || v > (uint64_t)INT64_MAX + minus)
        return false;
    *out = minus ? (int64_t)(0 - v) : (int64_t)v;
    return true;
}

bool json_double(const struct json *j, uint32_t node, double *out)
{
    struct str s = json_raw(j, node);
    char small[64];
    char *z = small;
    double v;

    if (!is_node(j, node) || j->nodes[node].type != JSON_T_NUMBER)
        return false;
    if (s.n >= sizeof small) {
        z = str_dup(s);
        if (!z)
            return false;
    } else {
        memcpy(small, s.p, s.n);
        small[s.n] = '\0';
    }
    v = strtod(z, NULL);
    if (z != small)
        free(z);
    if (v - v != 0) /* beyond a double's range */
        return false;
    *out = v;
    return true;
}

static int put_token(struct buf *b, struct str name)
{
    int rc = name.p ? buf_putc(b, '/') : -ERR_NOMEM;

    for (size_t i = 0; rc == 0 && i < name.n; i++) {
        if (name.p[i] == '~')
            rc = buf_puts(b, "~0");
        else if (name.p[i] == '/')
            rc = buf_puts(b, "~1");
        else
            rc = buf_putc(b, name.p[i]);
    }
    return rc;
}

/* The child of `parent` that is `node` or has it below; its token in `b`. */
static uint32_t step_towards(const struct json *j, uint32_t parent,
                             uint32_t node, struct arena *a, struct buf *b)
{
    uint32_t c = json_first(j, parent), index = 0;
    int rc;

    while (c != JSON_NONE && j->nodes[c].next <= node) {
        c = json_sibling(j, parent, c);
        index++;
    }
    if (c == JSON_NONE)
        return JSON_NONE;
    if (j->nodes[parent].type == JSON_T_OBJECT)
        rc = put_token(b, json_name(j, c, a));
    else
        rc = buf_printf(b, "/%u", index);
    return rc ? JSON_NONE : c;
}

struct str json_pointer(const struct json *j, uint32_t node, struct arena *a)
{
    struct buf b = BUF_INIT(POINTER_BYTES_MAX);
    struct str out = STR_NULL;
    uint32_t at = 0;

    if (!is_node(j, node))
        return STR_NULL;
    while (at != node && at != JSON_NONE)
        at = step_towards(j, at, node, a, &b);
    if (at == node)
        out = arena_dup(a, buf_str(&b));
    buf_clear(&b);
    return out;
}

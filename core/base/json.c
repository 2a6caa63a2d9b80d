/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * The scanner: one loop over values, no recursion. The innermost open
 * container is the only stack: while a container is open, its `next` holds
 * its parent and its `end` counts the commas in it. Strings are searched 16
 * bytes at a time for the first byte that is not plain ASCII.
 */
#include "base/json.h"

#include "base/json_bytes.h"
#include "base/json_name.h"

#include <stdio.h>
#include <stdlib.h>

#define DEFAULT_DEPTH 128
#define DEFAULT_NODES 1000000
#define FIRST_NODES 64

struct scan {
    const unsigned char *p, *end, *base;
    struct json *j;
    struct err *err;
    uint32_t max_depth, max_nodes;
    uint32_t open;         /* innermost open container, or JSON_NONE */
    uint32_t depth;        /* of the next value */
    uint32_t key, key_end; /* name of the next value; 0 in arrays */
    uint8_t key_flags;
    bool names_everywhere; /* refuse duplicates in all objects */
    bool names_nowhere;    /* or in none */
    bool in_messages;      /* below the top object's "messages" */
};

static int fail(struct scan *s, const unsigned char *at, const char *what)
{
    char place[32];

    snprintf(place, sizeof place, "byte %zu", (size_t)(at - s->base));
    return err_at(s->err, ERR_SYNTAX, place, "%s", what);
}

/* As fail, for what is missing at s->p. */
static int expected(struct scan *s, const char *what)
{
    char text[96];

    snprintf(text, sizeof text, "%s expected%s", what,
             s->p == s->end ? ", but the text ends" : "");
    return fail(s, s->p, text);
}

static inline void skip_white(struct scan *s)
{
    while (s->p < s->end && json_class[*s->p] & J_WHITE)
        s->p++;
}

static int scan_utf8(struct scan *s)
{
    const unsigned char *p = json_skip_utf8(s->p, s->end);

    while (p < s->end && *p >= 0x80) {
        size_t n = json_utf8_length(p, (size_t)(s->end - p));

        if (n == 0)
            return fail(s, p, "invalid UTF-8");
        p += n;
    }
    s->p = p;
    return 0;
}

static int scan_escapes(struct scan *s)
{
    do {
        const unsigned char *p = s->p;
        size_t left = (size_t)(s->end - p);

        if (left < 2 || (p[1] != 'u' && !(json_class[p[1]] & J_ESCAPE)))
            return fail(s, p, "invalid escape");
        s->p += 2;
        if (p[1] != 'u')
            continue;
        if (left < 6 || !json_hex4(p + 2))
            return fail(s, p, "\\u without four hex digits");
        s->p += 4;
    } while (s->p < s->end && *s->p == '\\');
    return 0;
}

/* From an opening quote to behind the closing one. */
static inline int scan_string(struct scan *s, uint8_t *flags, uint8_t escaped)
{
    const unsigned char *start = s->p++;
    int rc = 0;

    while (rc == 0) {
        s->p = json_skip_plain(s->p, s->end);
        if (s->p == s->end)
            return fail(s, start, "this string has no end");
        if (*s->p == '"') {
            s->p++;
            return 0;
        }
        if (*s->p >= 0x80) {
            rc = scan_utf8(s);
        } else if (*s->p == '\\') {
            *flags |= escaped;
            rc = scan_escapes(s);
        } else {
            return fail(s, s->p, "control character in a string");
        }
    }
    return rc;
}

static bool skip_digits(struct scan *s)
{
    const unsigned char *start = s->p;

    while (s->p < s->end && json_class[*s->p] & J_DIGIT)
        s->p++;
    return s->p > start;
}

static int scan_number(struct scan *s)
{
    if (*s->p == '-')
        s->p++;
    if (s->p < s->end && *s->p == '0')
        s->p++;
    else if (!skip_digits(s))
        return expected(s, "digit");
    if (s->p < s->end && *s->p == '.') {
        s->p++;
        if (!skip_digits(s))
            return expected(s, "digit");
    }
    if (s->p < s->end && (*s->p | 0x20) == 'e') {
        s->p++;
        if (s->p < s->end && (*s->p == '+' || *s->p == '-'))
            s->p++;
        if (!skip_digits(s))
            return expected(s, "digit");
    }
    return 0;
}

static int scan_literal(struct scan *s, struct str word)
{
    if ((size_t)(s->end - s->p) < word.n || memcmp(s->p, word.p, word.n) != 0)
        return expected(s, "value");
    s->p += word.n;
    return 0;
}

static int grow(struct scan *s)
{
    struct json *j = s->j;
    uint32_t cap = j->cap ? j->cap * 2 : FIRST_NODES;
    struct json_node *nodes;

    if (j->count >= s->max_nodes)
        return err_set(s->err, ERR_LIMIT, "more than %u JSON values",
                       s->max_nodes);
    if (j->count < j->cap)
        return 0;
    nodes = realloc(j->nodes, cap * sizeof *nodes);
    if (!nodes)
        return err_set(s->err, ERR_NOMEM, "out of memory");
    j->nodes = nodes;
    j->cap = cap;
    return 0;
}

static inline int add_node(struct scan *s, enum json_type type)
{
    struct json *j = s->j;

    if (j->count == j->cap || j->count >= s->max_nodes) {
        int rc = grow(s);

        if (rc)
            return rc;
    }
    j->nodes[j->count++] = (struct json_node){
        .start = (uint32_t)(s->p - s->base),
        .key = s->key,
        .key_end = s->key_end,
        .depth = (uint16_t)s->depth,
        .type = (uint8_t)type,
        .flags = s->key_flags,
    };
    return 0;
}

static inline int scan_scalar(struct scan *s, enum json_type type)
{
    uint32_t node = s->j->count;
    struct json_node *n;
    int rc = add_node(s, type);

    if (rc)
        return rc;
    n = &s->j->nodes[node];
    if (type == JSON_T_STRING)
        rc = scan_string(s, &n->flags, JSON_F_ESCAPED);
    else if (type == JSON_T_NUMBER)
        rc = scan_number(s);
    else
        rc = scan_literal(s, type == JSON_T_NULL   ? STR("null")
                             : type == JSON_T_TRUE ? STR("true")
                                                 : STR("false"));
    n->end = (uint32_t)(s->p - s->base);
    n->next = node + 1;
    return rc;
}

static int open_container(struct scan *s, enum json_type type)
{
    uint32_t node = s->j->count;
    int rc;

    if (s->depth >= s->max_depth)
        return err_set(s->err, ERR_LIMIT, "JSON nested deeper than %u",
                       s->max_depth);
    rc = add_node(s, type);
    if (rc)
        return rc;
    s->j->nodes[node].next = s->open;
    s->open = node;
    s->depth++;
    s->p++;
    return 0;
}

/* s->p stands at the closing bracket. */
static int close_container(struct scan *s)
{
    uint32_t node = s->open;
    struct json_node *n = &s->j->nodes[node];
    uint32_t commas = n->end;

    s->p++;
    s->depth--;
    s->open = n->next;
    n->next = s->j->count;
    n->end = (uint32_t)(s->p - s->base);
    if (n->type == JSON_T_OBJECT &&
        (s->names_everywhere || (!s->names_nowhere &&
                                 (s->depth == 0 || s->in_messages))))
        return json_check_names(s->j, node, commas + 1, s->err);
    return 0;
}

static void note_messages(struct scan *s)
{
    struct json_chars name = {
        { (const char *)s->base + s->key + 1, s->key_end - s->key - 2 },
        s->key_flags ? JSON_SPELL_STRING : JSON_SPELL_PLAIN,
    };

    s->in_messages = json_chars_eq(
        name, (struct json_chars){ STR("messages"), JSON_SPELL_PLAIN });
}

/* From a member's name to the first byte of its value. */
static inline int scan_name(struct scan *s)
{
    int rc;

    s->key_flags = 0;
    if (s->p == s->end || *s->p != '"')
        return expected(s, "member name");
    s->key = (uint32_t)(s->p - s->base);
    rc = scan_string(s, &s->key_flags, JSON_F_KEY_ESCAPED);
    if (rc)
        return rc;
    s->key_end = (uint32_t)(s->p - s->base);
    if (s->depth == 1)
        note_messages(s);
    skip_white(s);
    if (s->p == s->end || *s->p != ':')
        return expected(s, "':'");
    s->p++;
    skip_white(s);
    return 0;
}

/*
 * Behind a value: the commas and closing brackets up to the first byte of
 * the next value. s->open is JSON_NONE when the top value is complete.
 */
static inline int scan_after(struct scan *s)
{
    while (s->open != JSON_NONE) {
        bool object = s->j->nodes[s->open].type == JSON_T_OBJECT;
        int rc;

        skip_white(s);
        if (s->p < s->end && *s->p == ',') {
            s->j->nodes[s->open].end++;
            s->p++;
            skip_white(s);
            s->key = s->key_end = s->key_flags = 0;
            return object ? scan_name(s) : 0;
        }
        if (s->p == s->end || *s->p != (object ? '}' : ']'))
            return expected(s, object ? "',' or '}'" : "',' or ']'");
        rc = close_container(s);
        if (rc)
            return rc;
    }
    return 0;
}

/* Behind an opening bracket: to the first value, or past an empty one. */
static inline int scan_into(struct scan *s)
{
    bool object = s->j->nodes[s->open].type == JSON_T_OBJECT;
    int rc;

    skip_white(s);
    s->key = s->key_end = s->key_flags = 0;
    if (s->p == s->end || *s->p != (object ? '}' : ']'))
        return object ? scan_name(s) : 0;
    rc = close_container(s);
    return rc ? rc : scan_after(s);
}

static inline int scan_value(struct scan *s)
{
    enum json_type type = JSON_T_NUMBER;
    int rc;

    if (s->p == s->end)
        return expected(s, "value");
    switch (*s->p) {
    case '{':
    case '[':
        rc = open_container(s, *s->p == '{' ? JSON_T_OBJECT : JSON_T_ARRAY);
        return rc ? rc : scan_into(s);
    case '"':
        type = JSON_T_STRING;
        break;
    case 't':
        type = JSON_T_TRUE;
        break;
    case 'f':
        type = JSON_T_FALSE;
        break;
    case 'n':
        type = JSON_T_NULL;
        break;
    default:
        if (*s->p != '-' && !(json_class[*s->p] & J_DIGIT))
            return expected(s, "value");
    }
    rc = scan_scalar(s, type);
    return rc ? rc : scan_after(s);
}

static void take_limits(struct scan *s, const struct json_limits *lim)
{
    s->max_depth = lim && lim->max_depth ? lim->max_depth : DEFAULT_DEPTH;
    s->max_nodes = lim && lim->max_nodes ? lim->max_nodes : DEFAULT_NODES;
    s->names_everywhere = lim && lim->dup_everywhere;
    s->names_nowhere = lim && lim->dup_nowhere;
    if (s->max_depth > UINT16_MAX)
        s->max_depth = UINT16_MAX;
    if (s->max_nodes > JSON_NONE / 2)
        s->max_nodes = JSON_NONE / 2;
}

int json_scan(struct json *j, struct str text, const struct json_limits *lim,
              struct err *err)
{
    struct scan s = { .j = j, .err = err, .open = JSON_NONE };
    int rc = 0;

    j->count = 0;
    j->text = text.p;
    j->size = 0;
    if (text.n >= UINT32_MAX)
        return err_set(err, ERR_LIMIT, "JSON text of 4 GiB or more");
    j->size = (uint32_t)text.n;
    take_limits(&s, lim);
    s.base = s.p = (const unsigned char *)(text.p ? text.p : "");
    s.end = s.base + text.n;
    skip_white(&s);
    do
        rc = scan_value(&s);
    while (rc == 0 && s.open != JSON_NONE);
    skip_white(&s);
    if (rc == 0 && s.p < s.end)
        rc = fail(&s, s.p, "nothing may follow the JSON value");
    if (rc)
        j->count = 0;
    return rc;
}

void json_clear(struct json *j)
{
    free(j->nodes);
    *j = (struct json){ 0 };
}

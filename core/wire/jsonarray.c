/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * A walk over the bytes with one state; inside strings only quotes and
 * backslashes are looked for. Numbers and literals have no end of their own:
 * the byte that ends one is looked at again in the next state.
 */
#include "wire/jsonarray.h"

#include "base/json_bytes.h"

#include <stdio.h>

enum state {
    BEFORE,  /* nothing came but white space */
    FIRST,   /* behind '[': an element or ']' */
    NEXT,    /* behind ',': an element */
    INSIDE,  /* of an object or array */
    STRING,  /* inside of one there */
    TEXT,    /* inside of an element that is a string */
    WORD,    /* inside of an element that is a number or literal */
    AFTER,   /* behind an element: ',' or ']' */
    ENDED,   /* behind the array's ']' */
};

/* The bytes being fed. */
struct walk {
    struct jsonarray *a;
    const char *start; /* first byte not yet given out or held */
    const char *p, *end;
    const char *first; /* where the feed began */
    jsonarray_on_item fn;
    void *ud;
    struct err *err;
};

void jsonarray_init(struct jsonarray *a, size_t max_item)
{
    *a = (struct jsonarray){ .held = BUF_INIT(max_item) };
}

void jsonarray_clear(struct jsonarray *a)
{
    buf_clear(&a->held);
    a->dead = true;
}

static int wrong(struct err *err, uint64_t offset, const char *what)
{
    char place[40];

    snprintf(place, sizeof place, "byte %llu", (unsigned long long)offset);
    return err_at(err, ERR_SYNTAX, place, "%s", what);
}

static int too_long(struct walk *w)
{
    return err_set(w->err, ERR_LIMIT,
                   "an array element of more than %zu bytes",
                   w->a->held.max);
}

/* Bytes of the item before w->p. */
static size_t item_bytes(const struct walk *w)
{
    return buf_len(&w->a->held) + (size_t)(w->p - w->start);
}

/* Too long comes before wrong: so it is when the bytes come one by one. */
static int fail(struct walk *w, const char *what)
{
    if (item_bytes(w) > w->a->held.max)
        return too_long(w);
    return wrong(w->err, w->a->offset + (uint64_t)(w->p - w->first), what);
}

static int hold(struct walk *w)
{
    struct str part = { w->start, (size_t)(w->p - w->start) };
    int rc = buf_put(&w->a->held, part);

    w->start = w->p;
    if (rc == -ERR_LIMIT)
        return too_long(w);
    return rc ? err_set(w->err, ERR_NOMEM, "out of memory") : 0;
}

/* Give out the item that ends at w->p. */
static int give(struct walk *w, bool element)
{
    struct jsonarray *a = w->a;
    struct jsonarray_item item = { .text = STR_NULL };
    struct str raw = { w->start, (size_t)(w->p - w->start) };
    int rc = 0;

    if (buf_len(&a->held) || raw.n > a->held.max) {
        rc = hold(w);
        raw = buf_str(&a->held);
    }
    item.raw = raw;
    if (element)
        item.text = (struct str){ raw.p + a->lead, raw.n - a->lead };
    w->start = w->p;
    a->lead = 0;
    if (!rc)
        rc = w->fn(w->ud, &item);
    buf_clear(&a->held);
    return rc;
}

/* The first byte of an element is at w->p. */
static int begin(struct walk *w)
{
    struct jsonarray *a = w->a;
    unsigned char c = (unsigned char)*w->p;

    a->lead = item_bytes(w);
    if (c == '{' || c == '[') {
        a->state = INSIDE;
        a->depth = 1;
    } else if (c == '"') {
        a->state = TEXT;
    } else if (c == '-' || (c >= '0' && c <= '9') ||
               (c >= 'a' && c <= 'z')) {
        a->state = WORD;
    } else {
        return fail(w, "an array element expected");
    }
    w->p++;
    return 0;
}

static int end_element(struct walk *w)
{
    w->a->state = AFTER;
    return give(w, true);
}

/* A byte between elements; white space is passed before. */
static int between(struct walk *w)
{
    struct jsonarray *a = w->a;
    char c = *w->p;

    switch (a->state) {
    case BEFORE:
        if (c != '[')
            return fail(w, "an array expected");
        a->state = FIRST;
        w->p++;
        return 0;
    case ENDED:
        return fail(w, "nothing may follow the array");
    case AFTER:
        if (c == ',') {
            a->state = NEXT;
            w->p++;
            return 0;
        }
        if (c != ']')
            return fail(w, "',' or ']' expected");
        break;
    default:
        if (c != ']' || a->state == NEXT)
            return begin(w);
    }
    a->state = ENDED;
    w->p++;
    return give(w, false);
}

/* From inside a string to behind its closing quote, or to w->end. */
static bool pass_string(struct walk *w)
{
    struct jsonarray *a = w->a;

    while (w->p < w->end) {
        if (!a->escaped)
            w->p = (const char *)json_skip_plain(
                (const unsigned char *)w->p, (const unsigned char *)w->end);
        if (w->p == w->end)
            break;
        if (*w->p == '"' && !a->escaped) {
            w->p++;
            return true;
        }
        a->escaped = *w->p == '\\' && !a->escaped;
        w->p++;
    }
    return false;
}

static int inside(struct walk *w)
{
    struct jsonarray *a = w->a;
    char c = *w->p++;

    if (c == '"')
        a->state = STRING;
    else if (c == '{' || c == '[')
        a->depth++;
    else if ((c == '}' || c == ']') && --a->depth == 0)
        return end_element(w);
    return 0;
}

static bool is_white(char c)
{
    return json_class[(unsigned char)c] & J_WHITE;
}

static int word(struct walk *w)
{
    if (is_white(*w->p) || *w->p == ',' || *w->p == ']')
        return end_element(w);
    w->p++;
    return 0;
}

static int step(struct walk *w)
{
    struct jsonarray *a = w->a;

    switch (a->state) {
    case INSIDE:
        return inside(w);
    case STRING:
        if (pass_string(w))
            a->state = INSIDE;
        return 0;
    case TEXT:
        return pass_string(w) ? end_element(w) : 0;
    case WORD:
        return word(w);
    default:
        if (is_white(*w->p)) {
            w->p++;
            return 0;
        }
        return between(w);
    }
}

int jsonarray_feed(struct jsonarray *a, struct str bytes,
                   jsonarray_on_item fn, void *ud, struct err *err)
{
    struct walk w = { a,        bytes.p, bytes.p, bytes.p + bytes.n,
                      bytes.p, fn,      ud,      err };
    int rc = 0;

    if (a->dead)
        return err_set(err, ERR_CLOSED, "this stream has ended");
    while (!rc && w.p < w.end)
        rc = step(&w);
    if (!rc && w.start < w.end)
        rc = hold(&w);
    a->offset += bytes.n;
    if (rc)
        jsonarray_clear(a);
    return rc;
}

int jsonarray_eof(struct jsonarray *a, jsonarray_on_item fn, void *ud,
                  struct err *err)
{
    struct walk w = { a, "", "", "", "", fn, ud, err };
    int rc = 0;

    if (a->dead)
        return err_set(err, ERR_CLOSED, "this stream has ended");
    if (a->state != ENDED)
        rc = wrong(err, a->offset, "the array has no end");
    else if (buf_len(&a->held))
        rc = give(&w, false);
    jsonarray_clear(a);
    return rc;
}

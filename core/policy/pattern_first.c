/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Where a match can begin: most patterns begin with an item that must take a
 * character, so that most places of a text need not be tried.
 */
#include "policy/pattern.h"

#include "policy/pattern_item.h"

enum { FIRST_UNKNOWN, FIRST_ANY, FIRST_BYTE, FIRST_ITEM, FIRST_MAP };

/* Texts so short that a map of all bytes is not worth making. */
enum { SHORT_TEXT = 512 };

/* The first item, behind the captures that it opens; its end in *end, NULL
 * where it may take nothing or is none of one character. */
static const char *first_item(const struct pattern *p, const char **end)
{
    const char *at = p->pattern.p, *pend = at + p->pattern.n, *fault;

    *end = NULL;
    while (pend - at > 1 && at[0] == '(' && at[1] != ')')
        at++;
    if (at - p->pattern.p > PATTERN_CAPTURES)
        return NULL; /* a fault, anywhere */
    if (at == pend || strchr("().$", *at))
        return NULL;
    if (*at == '%' && pend - at > 1 &&
        (at[1] == 'b' || at[1] == 'f' || isdigit((unsigned char)at[1])))
        return NULL;
    *end = item_end(at, pend, &fault);
    if (*end && *end < pend && **end && strchr("*?-", **end))
        *end = NULL;
    return at;
}

static void find_out(struct pattern *p)
{
    const char *end, *item = first_item(p, &end);

    p->first = FIRST_ANY;
    if (!end)
        return;
    if (end - item == 1 ||
        (*item == '%' && !isalpha((unsigned char)item[1]))) {
        p->first = FIRST_BYTE;
        p->first_byte = (unsigned char)end[-1];
    } else if (end - item >= SHORT_TEXT) {
        return;
    } else if (p->subject.n < SHORT_TEXT) {
        p->first = FIRST_ITEM;
        p->first_item = item;
        p->first_end = end;
    } else {
        p->first = FIRST_MAP;
        memset(p->first_map, 0, sizeof p->first_map);
        for (int c = 0; c < 256; c++)
            p->first_map[c >> 3] |=
                (uint8_t)(item_takes((unsigned char)c, item, end) << (c & 7));
    }
}

static bool in_map(const struct pattern *p, unsigned char c)
{
    return p->first_map[c >> 3] >> (c & 7) & 1;
}

size_t pattern_next(struct pattern *p, size_t at)
{
    const char *s = p->subject.p, *hit;
    size_t n = p->subject.n;

    if (at >= n)
        return at;
    if (p->first == FIRST_UNKNOWN)
        find_out(p);
    if (p->first == FIRST_BYTE) {
        hit = memchr(s + at, p->first_byte, n - at);
        return hit ? (size_t)(hit - s) : n;
    }
    if (p->first == FIRST_ITEM) {
        while (at < n && !item_takes((unsigned char)s[at], p->first_item,
                                     p->first_end))
            at++;
    }
    if (p->first == FIRST_MAP) {
        while (at < n && !in_map(p, (unsigned char)s[at]))
            at++;
    }
    return at;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Items of a pattern that stand for one character: a letter, ".", "%a",
 * "[set]". Inline: the matcher's innermost loops. Private to pattern*.c.
 */
#ifndef PENSTOCK_POLICY_PATTERN_ITEM_H
#define PENSTOCK_POLICY_PATTERN_ITEM_H

#include <ctype.h>
#include <stdbool.h>
#include <stddef.h>

/* Is c in the class %letter? (Small and capital letters differ in bit 5, and
 * no other bytes become letters by it.) */
static inline bool item_in_class(unsigned char c, unsigned char letter)
{
    bool is;

    switch (letter | 0x20) {
    case 'a': is = isalpha(c); break;
    case 'c': is = iscntrl(c); break;
    case 'd': is = isdigit(c); break;
    case 'g': is = isgraph(c); break;
    case 'l': is = islower(c); break;
    case 'p': is = ispunct(c); break;
    case 's': is = isspace(c); break;
    case 'u': is = isupper(c); break;
    case 'w': is = isalnum(c); break;
    case 'x': is = isxdigit(c); break;
    case 'z': is = c == 0; break; /* of Lua 5.1, and still there */
    default: return letter == c;
    }
    return letter & 0x20 ? is : !is;
}

/* c against "[...]"; `last` is its closing bracket */
static inline bool item_in_set(unsigned char c, const char *set,
                               const char *last)
{
    bool found = true;

    if (*++set == '^') {
        found = false;
        set++;
    }
    for (; set < last; set++) {
        unsigned char from = (unsigned char)*set;

        if (from == '%') {
            if (item_in_class(c, (unsigned char)*++set))
                return found;
        } else if (set + 2 < last && set[1] == '-') {
            set += 2;
            if (from <= c && c <= (unsigned char)*set)
                return found;
        } else if (from == c) {
            return found;
        }
    }
    return !found;
}

/* End of the item at `at`, in a pattern that ends at `end`; NULL with *fault
 * when it has none. */
static inline const char *item_end(const char *at, const char *end,
                                   const char **fault)
{
    char first = *at++;

    if (first == '%') {
        if (at < end)
            return at + 1;
        *fault = "malformed pattern (ends with '%')";
        return NULL;
    }
    if (first != '[')
        return at;
    if (at < end && *at == '^')
        at++;
    for (bool head = true; at < end; head = false) {
        if (*at == ']' && !head)
            return at + 1;
        if (*at == '%' && at + 1 < end)
            at++;
        at++;
    }
    *fault = "malformed pattern (missing ']')";
    return NULL;
}

/* c against the item from `item` to `end` */
static inline bool item_takes(unsigned char c, const char *item,
                              const char *end)
{
    switch (*item) {
    case '.': return true;
    case '%': return item_in_class(c, (unsigned char)item[1]);
    case '[': return item_in_set(c, item, end - 1);
    default: return (unsigned char)*item == c;
    }
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* What an error's words mean, as tables for `classify`. Pure; included by
 * plugin.h and compiled into the plugin. */
#ifndef PENSTOCK_VERDICT_H
#define PENSTOCK_VERDICT_H

#include <penstock/plugin.h>

/** A code, a name or a phrase, and what it means. */
typedef struct ps_verdict {
    const char *word;
    uint16_t cls, scope;
} ps_verdict;

/** Of ASCII. */
static inline char ps_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

/** Does `text` begin with a word, whatever the case of either? */
static inline int ps_begins(ps_str text, const char *word)
{
    size_t n = strlen(word), i;

    if (text.n < n)
        return 0;
    for (i = 0; i < n; i++) {
        if (ps_lower(text.p[i]) != ps_lower(word[i]))
            return 0;
    }
    return 1;
}

/** Is it that word? */
static inline int ps_same(ps_str text, const char *word)
{
    return text.n == strlen(word) && ps_begins(text, word);
}

/** Does it stand in it? ps_holds, which heeds case, is quicker. */
static inline int ps_contains(ps_str text, const char *word)
{
    for (; text.n; text.p++, text.n--) {
        if (ps_begins(text, word))
            return 1;
    }
    return 0;
}

enum { PS_TEXT_LOOKED_AT = 1024 /* bytes; a prompt may be echoed behind */ };

/**
 * The first row whose word the text is, begins with or holds, as `holds` says
 * (ps_is, ps_same, ps_begins, ps_contains, ps_holds): its class and scope
 * into *f. 0: none, and *f is as it was.
 */
static inline int ps_decide(ps_fault *f, const ps_verdict *list, size_t n,
                            ps_str text, int (*holds)(ps_str, const char *))
{
    size_t i;

    if (text.n > PS_TEXT_LOOKED_AT)
        text.n = PS_TEXT_LOOKED_AT;
    for (i = 0; text.p && i < n; i++) {
        if (!holds(text, list[i].word))
            continue;
        ps_fault_set(f, list[i].cls, list[i].scope);
        return 1;
    }
    return 0;
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Choosing among names by a text of patterns. Pure; included by plugin.h and
 * compiled into who uses it. */
#ifndef PENSTOCK_GLOBS_H
#define PENSTOCK_GLOBS_H

#include <penstock/plugin.h>

/** Is `s` what the pattern says? '*' is any run of bytes, none too. */
static inline int ps_glob(ps_str pattern, ps_str s)
{
    size_t p = 0, at = 0, star = (size_t)-1, back = 0;

    while (at < s.n) {
        if (p < pattern.n && pattern.p[p] == '*') {
            star = p++;
            back = at;
        } else if (p < pattern.n && pattern.p[p] == s.p[at]) {
            p++;
            at++;
        } else if (star != (size_t)-1) {
            p = star + 1;
            at = ++back;
        } else {
            return 0;
        }
    }
    while (p < pattern.n && pattern.p[p] == '*')
        p++;
    return p == pattern.n;
}

/**
 * Do the patterns choose it? They are parted by blanks, and the first that
 * fits decides: with "!" before it, against. Where none does: no.
 * "!claude-* *": all but those.
 */
static inline int ps_globs(ps_str patterns, ps_str s)
{
    size_t from = 0, i;
    ps_str one;
    int against;

    for (i = 0; i <= patterns.n; i++) {
        if (i < patterns.n && patterns.p[i] != ' ')
            continue;
        one.p = patterns.p + from;
        one.n = i - from;
        from = i + 1;
        against = one.n && *one.p == '!';
        if (against) {
            one.p++;
            one.n--;
        }
        if (one.n && ps_glob(one, s))
            return !against;
    }
    return 0;
}

#endif

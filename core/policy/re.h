/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * PCRE2 under the budgets of policies: its memory is the policy's, its steps
 * look at the call's CPU budget, and a match that tries too much gives up.
 *
 * The budget is looked at in callouts that the compiler puts before each item
 * of a pattern (PCRE2_AUTO_CALLOUT): the match limit alone counts anew for
 * each place in the text that a match may start at, and does not count what a
 * repeated item passes over. Between two callouts lies one pass over the text
 * at most. No JIT: our unit forbids memory that is written and executed, and
 * what a pattern may cost shall not depend on where it runs.
 *
 * Text is UTF-8 unless the pattern has the flag "b". A byte that is no part
 * of a character counts as the one character U+001A, so that hostile bytes
 * cannot make a pattern fail or stop.
 */
#ifndef PENSTOCK_POLICY_RE_H
#define PENSTOCK_POLICY_RE_H

#include "base/str.h"

#include <lua.h>

enum {
    RE_CAPTURES = 32,         /* of a pattern */
    RE_PATTERN = 64 << 10,    /* bytes of one */
    RE_TRIES = 250000,        /* PCRE2's match limit: some 10 ms, so that a
                               * pattern that explodes raises what a policy
                               * can catch, well before the CPU budget */
    RE_STACK_KIB = 4096,      /* memory of one match */
};

struct re;

/** Spans of a match, in bytes; [0] is the whole. */
struct re_match {
    int n; /* pairs in `at`: 1 + the pattern's captures */
    size_t at[2 * (RE_CAPTURES + 1)]; /* RE_UNSET where one took no part */
};

#define RE_UNSET ((size_t)-1)

/** A text, made ready once for any number of matches. */
struct re_text {
    struct str s;     /* as it is */
    const char *seen; /* what PCRE2 is shown: of the same length */
};

enum { RE_NOT_EMPTY_AT_START = 1 };

/** Once per state, before the others; below lua_pcall. Objects of `class`, a
 * metatable in the registry, are regexes from here on. */
void re_open(lua_State *L, const char *class);

/**
 * Compile; an object of `class` is pushed. The same pattern and flags give
 * the same object; after 256 others it may be made anew.
 *
 *   flags   letters: i caseless, m ^ and $ at lines, s '.' takes newlines,
 *           x blanks and comments, b bytes
 *
 * Raises: what is wrong with the pattern, and at which byte.
 */
struct re *re_push(lua_State *L, struct str pattern, struct str flags,
                   const char *class);

/** The i-th name of a capture and its number; false after the last. */
bool re_name(const struct re *re, int i, struct str *name, int *capture);

/** Make a text ready; what was made lies in a value that is pushed (nil where
 * nothing had to be). */
struct re_text re_text(lua_State *L, const struct re *re, struct str s);

/**
 * Look for a match from byte `from` on (within a character: from the next).
 * Raises when the budget is used up or the pattern tries too much.
 */
bool re_exec(lua_State *L, const struct re *re, const struct re_text *t,
             size_t from, int how, struct re_match *m);

#endif

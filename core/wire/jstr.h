/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * The inside of a JSON string as its source spelled it: the bytes between the
 * quotes, escapes and all. What is read from one body and written into
 * another keeps this form, so that texts and media are neither unescaped nor
 * copied, a lone surrogate stays what it was, and the halves of a pair that a
 * stream cut in two come together by being put one after the other.
 *
 * A type of its own, because a struct str means the characters themselves.
 */
#ifndef PENSTOCK_WIRE_JSTR_H
#define PENSTOCK_WIRE_JSTR_H

#include "base/json.h"

struct jstr {
    const char *p; /* NULL: there is none */
    size_t n;
};

#define JSTR_NULL ((struct jstr){ NULL, 0 })
#define JSTR(lit) ((struct jstr){ "" lit, sizeof(lit) - 1 })

/** A string node's inside, borrowed; p is NULL for every other node. */
struct jstr jstr_of_node(const struct json *j, uint32_t node);

/**
 * The characters: borrowed where there are no escapes, else in the arena
 * (lone surrogates become U+FFFD). p is NULL when s.p is, or memory is out.
 */
struct str jstr_text(struct jstr s, struct arena *a);

/** Characters as a string's inside: borrowed where they may stand as they
 * are, else escaped into the arena; p is NULL when memory is out. */
struct jstr jstr_escape(struct str s, struct arena *a);

/** Characters escaped onto `out`, without quotes. 0, -ERR_LIMIT, -ERR_NOMEM */
int jstr_put_escaped(struct buf *out, struct str s);

/** Nothing but spaces, tabs and line ends, spelled either way; or empty. */
bool jstr_blank(struct jstr s);

/** Without such characters at its end. O(n). */
struct jstr jstr_trim_end(struct jstr s);

/** Characters (code points) in it. O(n). */
size_t jstr_length(struct jstr s);

/**
 * Bytes at the end that are the first half of a surrogate pair ("\ud83d"):
 * 6 or 0. The second half may be what follows in a stream. O(1) mostly.
 */
size_t jstr_half_pair(struct jstr s);

/** Starts with the second half of a pair. */
bool jstr_low_first(struct jstr s);

#endif

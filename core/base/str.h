/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * A borrowed run of bytes: pointer and length, never NUL-terminated by
 * promise. Who owns the bytes is said where a str is handed over. Same layout
 * as the SDK's ps_str, so that crossing the boundary is free.
 */
#ifndef PENSTOCK_BASE_STR_H
#define PENSTOCK_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct str {
    const char *p;
    size_t n;
};

#define STR(lit) ((struct str){ "" lit, sizeof(lit) - 1 })
#define STR_NULL ((struct str){ NULL, 0 })
#define STR_FMT "%.*s"
#define STR_ARG(s) (int)(s).n, (s).p ? (s).p : ""

static inline struct str str_of(const char *z)
{
    return (struct str){ z, z ? strlen(z) : 0 };
}

static inline bool str_eq(struct str a, struct str b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static inline bool str_is(struct str a, const char *z)
{
    return str_eq(a, str_of(z));
}

static inline bool str_starts(struct str s, struct str prefix)
{
    return s.n >= prefix.n &&
           (prefix.n == 0 || memcmp(s.p, prefix.p, prefix.n) == 0);
}

bool str_ieq_bytes(const char *a, const char *b, size_t n);

/** ASCII case-insensitive equality. */
static inline bool str_ieq(struct str a, struct str b)
{
    return a.n == b.n && str_ieq_bytes(a.p, b.p, a.n);
}

/** Without leading and trailing spaces and tabs. */
struct str str_trim(struct str s);

/**
 * Cut the part before the first `sep` off `*rest`.
 *
 * Returns the part; *rest is what follows the separator, or STR_NULL after
 * the last part (p is NULL then and only then).
 */
struct str str_split(struct str *rest, char sep);

/** Is it one of "these|names"? */
bool str_is_among(struct str s, const char *list);

/** Decimal digits of v, no NUL; returns how many. Cost: no call of printf. */
#define STR_DIGITS 20
size_t str_digits(char to[STR_DIGITS], uint64_t v);

/** Decimal digits only, no sign, no spaces; false when out of range. */
bool str_u64(struct str s, uint64_t *out);

/** Offset of `needle` in `s`, or -1. */
ptrdiff_t str_find(struct str s, struct str needle);

/** Glob with '*' only (any run of bytes); everything else is literal. */
bool str_glob(struct str pattern, struct str s);

/** malloc'd, NUL-terminated copy; NULL when memory is out. Caller frees. */
char *str_dup(struct str s);

/** True when the bytes are well-formed UTF-8 (RFC 3629). */
bool str_utf8_valid(struct str s);

/** At most `max` bytes of it; a UTF-8 character is not cut through. */
struct str str_cut(struct str s, size_t max);

/** 64-bit FNV-1a style mix; not for hostile keys: see map.h for those. */
uint64_t str_hash(struct str s, uint64_t seed);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Bytes: comparing, cutting, numbers, globs, UTF-8. */
#include "base/str.h"

#include <stdlib.h>

static unsigned char lower(unsigned char c)
{
    return c >= 'A' && c <= 'Z' ? (unsigned char)(c | 0x20) : c;
}

bool str_ieq_bytes(const char *a, const char *b, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (a[i] != b[i] &&
            lower((unsigned char)a[i]) != lower((unsigned char)b[i]))
            return false;
    }
    return true;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

struct str str_trim(struct str s)
{
    while (s.n && is_blank(s.p[0])) {
        s.p++;
        s.n--;
    }
    while (s.n && is_blank(s.p[s.n - 1]))
        s.n--;
    return s;
}

struct str str_split(struct str *rest, char sep)
{
    struct str part = *rest;
    const char *at = rest->n ? memchr(rest->p, sep, rest->n) : NULL;

    if (!at) {
        *rest = STR_NULL;
        return part;
    }
    part.n = (size_t)(at - part.p);
    rest->n -= part.n + 1;
    rest->p = at + 1;
    return part;
}

bool str_is_among(struct str s, const char *list)
{
    struct str rest = str_of(list);

    while (rest.p) {
        if (str_eq(str_split(&rest, '|'), s))
            return true;
    }
    return false;
}

static const char digit_pairs[] =
    "00010203040506070809101112131415161718192021222324"
    "25262728293031323334353637383940414243444546474849"
    "50515253545556575859606162636465666768697071727374"
    "75767778798081828384858687888990919293949596979899";

/* By its bits: 1233 / 4096 is log 2, and one too many is told by the power. */
static size_t count_digits(uint64_t v)
{
    static const uint64_t powers[] = {
        0, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000,
        1000000000, 10000000000, 100000000000, 1000000000000, 10000000000000,
        100000000000000, 1000000000000000, 10000000000000000,
        100000000000000000, 1000000000000000000, 10000000000000000000u,
    };
    unsigned bits = 64 - (unsigned)__builtin_clzll(v | 1);
    unsigned n = bits * 1233 >> 12;

    return n + (v >= powers[n]);
}

size_t str_digits(char to[STR_DIGITS], uint64_t v)
{
    size_t n = count_digits(v), at = n;
    uint32_t few;

    for (; v > UINT32_MAX; v /= 100) {
        at -= 2;
        memcpy(to + at, digit_pairs + v % 100 * 2, 2);
    }
    for (few = (uint32_t)v; few >= 100; few /= 100) { /* quicker */
        at -= 2;
        memcpy(to + at, digit_pairs + few % 100 * 2, 2);
    }
    if (few >= 10)
        memcpy(to, digit_pairs + few * 2, 2);
    else
        to[0] = (char)('0' + few);
    return n;
}

bool str_u64(struct str s, uint64_t *out)
{
    uint64_t v = 0;

    if (s.n == 0)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        unsigned d = (unsigned char)s.p[i] - '0';

        if (d > 9 || v > (UINT64_MAX - d) / 10)
            return false;
        v = v * 10 + d;
    }
    *out = v;
    return true;
}

ptrdiff_t str_find(struct str s, struct str needle)
{
    const char *at;

    if (needle.n == 0)
        return 0;
    if (s.n < needle.n)
        return -1;
    at = memmem(s.p, s.n, needle.p, needle.n);
    return at ? at - s.p : -1;
}

bool str_glob(struct str pattern, struct str s)
{
    size_t p = 0, i = 0, star = SIZE_MAX, mark = 0;

    while (i < s.n) {
        if (p < pattern.n && pattern.p[p] == '*') {
            star = p++;
            mark = i;
        } else if (p < pattern.n && pattern.p[p] == s.p[i]) {
            p++;
            i++;
        } else if (star != SIZE_MAX) {
            p = star + 1;
            i = ++mark;
        } else {
            return false;
        }
    }
    while (p < pattern.n && pattern.p[p] == '*')
        p++;
    return p == pattern.n;
}

char *str_dup(struct str s)
{
    char *z = malloc(s.n + 1);

    if (!z)
        return NULL;
    if (s.n)
        memcpy(z, s.p, s.n);
    z[s.n] = '\0';
    return z;
}

/* Length of the well-formed sequence at p, or 0. */
static size_t utf8_len(const unsigned char *p, size_t n)
{
    unsigned char lo = 0x80, hi = 0xBF;
    size_t len;

    if (p[0] >= 0xC2 && p[0] <= 0xDF) {
        len = 2;
    } else if (p[0] >= 0xE0 && p[0] <= 0xEF) {
        len = 3;
        lo = p[0] == 0xE0 ? 0xA0 : 0x80;
        hi = p[0] == 0xED ? 0x9F : 0xBF;
    } else if (p[0] >= 0xF0 && p[0] <= 0xF4) {
        len = 4;
        lo = p[0] == 0xF0 ? 0x90 : 0x80;
        hi = p[0] == 0xF4 ? 0x8F : 0xBF;
    } else {
        return 0;
    }
    if (n < len || p[1] < lo || p[1] > hi)
        return 0;
    for (size_t i = 2; i < len; i++) {
        if ((p[i] & 0xC0) != 0x80)
            return 0;
    }
    return len;
}

/* Eight bytes of ASCII? Most of most texts. */
static bool ascii8(const unsigned char *p)
{
    uint64_t w;

    memcpy(&w, p, sizeof w);
    return (w & 0x8080808080808080u) == 0;
}

bool str_utf8_valid(struct str s)
{
    const unsigned char *p = (const unsigned char *)s.p;
    size_t i = 0;

    while (i < s.n) {
        size_t len = p[i] < 0x80 ? 1 : utf8_len(p + i, s.n - i);

        if (s.n - i >= 8 && ascii8(p + i))
            len = 8;
        if (len == 0)
            return false;
        i += len;
    }
    return true;
}

struct str str_cut(struct str s, size_t max)
{
    size_t n = max;

    if (s.n <= max)
        return s;
    while (n > 0 && ((unsigned char)s.p[n] & 0xc0) == 0x80)
        n--;
    return (struct str){ s.p, n };
}

uint64_t str_hash(struct str s, uint64_t seed)
{
    uint64_t h = seed ^ 0x9E3779B97F4A7C15u;

    for (size_t i = 0; i < s.n; i++)
        h = (h ^ (unsigned char)s.p[i]) * 0x100000001B3u;
    h ^= h >> 29;
    h *= 0xBF58476D1CE4E5B9u;
    return h ^ (h >> 32);
}

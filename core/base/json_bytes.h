/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Bytes of JSON: what each may be, the search for the end of plain text, and
 * the check of one multi-byte character. Inline, for the scanner alone.
 */
#ifndef PENSTOCK_BASE_JSON_BYTES_H
#define PENSTOCK_BASE_JSON_BYTES_H

#include "base/str.h"

#if defined(__SSE2__) && !defined(JSON_PORTABLE) /* a test wants the rest */
#define JSON_SSE2 1
#include <emmintrin.h>
#endif

enum { J_PLAIN = 1, J_ESCAPE = 2, J_HEX = 4, J_DIGIT = 8, J_WHITE = 16 };

/* What a byte may be. J_PLAIN: stands for itself in a string. */
/* clang-format off */
static const uint8_t json_class[256] = {
    ['\t'] = J_WHITE, ['\n'] = J_WHITE, ['\r'] = J_WHITE,
    [' '] = J_WHITE | J_PLAIN,
    ['!'] = J_PLAIN,
    ['"'] = J_ESCAPE,
    ['#' ... '.'] = J_PLAIN,
    ['/'] = J_PLAIN | J_ESCAPE,
    ['0' ... '9'] = J_PLAIN | J_DIGIT | J_HEX,
    [':' ... '@'] = J_PLAIN,
    ['A' ... 'F'] = J_PLAIN | J_HEX,
    ['G' ... '['] = J_PLAIN,
    ['\\'] = J_ESCAPE,
    [']' ... '`'] = J_PLAIN,
    ['a'] = J_PLAIN | J_HEX,
    ['b'] = J_PLAIN | J_HEX | J_ESCAPE,
    ['c' ... 'e'] = J_PLAIN | J_HEX,
    ['f'] = J_PLAIN | J_HEX | J_ESCAPE,
    ['g' ... 'm'] = J_PLAIN,
    ['n'] = J_PLAIN | J_ESCAPE,
    ['o' ... 'q'] = J_PLAIN,
    ['r'] = J_PLAIN | J_ESCAPE,
    ['s'] = J_PLAIN,
    ['t'] = J_PLAIN | J_ESCAPE,
    ['u' ... 0x7F] = J_PLAIN,
};
/* clang-format on */

static inline bool json_hex4(const unsigned char *p)
{
    return json_class[p[0]] & json_class[p[1]] & json_class[p[2]] &
           json_class[p[3]] & J_HEX;
}

/* The value of four digits that were checked: a UTF-16 unit. */
static inline unsigned json_unit(const char *p)
{
    unsigned v = 0;

    for (int i = 0; i < 4; i++) {
        unsigned c = (unsigned char)p[i];

        v = v << 4 | (c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
    }
    return v;
}

#ifdef JSON_SSE2
/* Quotes, backslashes and control characters of a block, a bit for each. */
static inline unsigned json_odd_ascii(__m128i x)
{
    __m128i odd = _mm_or_si128(_mm_cmpeq_epi8(x, _mm_set1_epi8('"')),
                               _mm_cmpeq_epi8(x, _mm_set1_epi8('\\')));
    __m128i control = _mm_set1_epi8(0x1F);

    odd = _mm_or_si128(odd, _mm_cmpeq_epi8(_mm_min_epu8(x, control), x));
    return (unsigned)_mm_movemask_epi8(odd);
}
#endif

/* The first byte that is not plain, or the end. */
static inline const unsigned char *json_skip_plain(const unsigned char *p,
                                              const unsigned char *end)
{
#ifdef JSON_SSE2
    for (; end - p >= 16; p += 16) {
        __m128i x = _mm_loadu_si128((const __m128i *)(const void *)p);
        unsigned found = json_odd_ascii(x) | (unsigned)_mm_movemask_epi8(x);

        if (found)
            return p + __builtin_ctz(found);
    }
#else
    const uint64_t ones = UINT64_MAX / 255, high = ones * 0x80;

    for (; end - p >= 8; p += 8) {
        uint64_t x, quote, slash, odd;

        memcpy(&x, p, 8);
        quote = x ^ ones * '"';
        slash = x ^ ones * '\\';
        odd = (x - ones * 0x20) | (quote - ones) | (slash - ones) | x;
        if (odd & high)
            break; /* maybe a false alarm: the bytes below decide */
    }
#endif
    while (p < end && json_class[*p] & J_PLAIN)
        p++;
    return p;
}

static inline bool json_utf8_tail(unsigned char c)
{
    return (c & 0xC0) == 0x80;
}

/* One multi-byte character (RFC 3629) of at most n bytes: its length, or 0. */
static inline size_t json_utf8_length(const unsigned char *p, size_t n)
{
    unsigned c = p[0];

    if (c < 0xC2 || n < 2 || !json_utf8_tail(p[1]))
        return 0;
    if (c < 0xE0)
        return 2;
    if (n < 3 || !json_utf8_tail(p[2]))
        return 0;
    if (c < 0xF0) {
        if ((c == 0xE0 && p[1] < 0xA0) || (c == 0xED && p[1] > 0x9F))
            return 0;
        return 3;
    }
    if (n < 4 || !json_utf8_tail(p[3]) || c > 0xF4)
        return 0;
    if ((c == 0xF0 && p[1] < 0x90) || (c == 0xF4 && p[1] > 0x8F))
        return 0;
    return 4;
}

#ifdef JSON_SSE2
/* Bytes of x that are greater than a and less than b, as signed numbers. */
static inline unsigned json_between(__m128i x, int a, int b)
{
    return (unsigned)_mm_movemask_epi8(
        _mm_and_si128(_mm_cmpgt_epi8(x, _mm_set1_epi8((char)a)),
                      _mm_cmplt_epi8(x, _mm_set1_epi8((char)b))));
}

/*
 * From the first byte of a character over those of two and three bytes, a
 * block at a time: the bytes that must be tails, as the leads before them
 * say, are compared with those that are. Stops at a character's first byte:
 * where the text does not go on like that (the quote, E0, ED, four bytes,
 * an all-ASCII block, the rest of less than a block), or, where it is wrong,
 * not behind that place.
 */
static inline const unsigned char *json_skip_utf8(const unsigned char *p,
                                                  const unsigned char *end)
{
    const unsigned char *start = p;
    unsigned due = 0; /* tails that the leads so far ask for */

    for (; end - p >= 16; p += 16) {
        __m128i x = _mm_loadu_si128((const __m128i *)(const void *)p);
        unsigned tail = (unsigned)_mm_movemask_epi8(
            _mm_cmplt_epi8(x, _mm_set1_epi8(-0x40))); /* 80..BF */
        unsigned two = json_between(x, -0x3F, -0x20);   /* C2..DF */
        unsigned three = json_between(x, -0x20, -0x10) & /* E1..EF, not ED */
                         ~(unsigned)_mm_movemask_epi8(
                             _mm_cmpeq_epi8(x, _mm_set1_epi8(-0x13)));
        unsigned high = (unsigned)_mm_movemask_epi8(x);
        unsigned stop = json_odd_ascii(x) | (high & ~(tail | two | three));
        unsigned seen = (stop ^ (stop - 1)) & 0xFFFF; /* up to the stop */

        due |= two << 1 | three << 1 | three << 2;
        if ((due ^ tail) & seen)
            return start;
        if (stop)
            return p + __builtin_ctz(stop);
        if (!high)
            return p;
        due >>= 16;
    }
    if (due) { /* back to the lead */
        do
            p--;
        while (json_utf8_tail(*p));
    }
    return p;
}
#else
static inline const unsigned char *json_skip_utf8(const unsigned char *p,
                                                  const unsigned char *end)
{
    (void)end;
    return p; /* the caller goes on character by character */
}
#endif

#endif

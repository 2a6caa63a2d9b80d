/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Bytes and times as text, for signing and for tokens. Pure; no memory is
 * taken: the caller brings it. Included by plugin.h. */
#ifndef PENSTOCK_TEXT_H
#define PENSTOCK_TEXT_H

#include <penstock/plugin.h>

/** Lower-case digits of n bytes: 2 n characters, no NUL. */
static inline void ps_hex(const uint8_t *bytes, size_t n, char *out)
{
    static const char digits[] = "0123456789abcdef";
    size_t i;

    for (i = 0; i < n; i++) {
        *out++ = digits[bytes[i] >> 4];
        *out++ = digits[bytes[i] & 15];
    }
}

/** Base64 with padding, or of RFC 4648's URL alphabet without; `out` holds
 * (n + 2) / 3 * 4 bytes. Returns how many were written. */
static inline size_t ps_base64(ps_str s, int url, char *out)
{
    static const char std64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnop"
                                "qrstuvwxyz0123456789+/";
    char *to = out;
    size_t i, k;

    for (i = 0; i < s.n; i += 3) {
        size_t left = s.n - i < 3 ? s.n - i : 3;
        uint32_t v = 0;

        for (k = 0; k < 3; k++)
            v = v << 8 | (k < left ? (uint8_t)s.p[i + k] : 0u);
        for (k = 0; k < 4; k++) {
            char c = std64[v >> (18 - 6 * k) & 63];

            if (k > left && url)
                break;
            if (k > left)
                c = '=';
            else if (url && c == '+')
                c = '-';
            else if (url && c == '/')
                c = '_';
            *to++ = c;
        }
    }
    return (size_t)(to - out);
}

/** Value of a digit of either alphabet, or -1. */
static inline int ps_base64_digit(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == '+' || c == '-')
        return 62;
    return c == '/' || c == '_' ? 63 : -1;
}

/** The bytes of base64 in either alphabet, padded or not; `out` holds
 * s.n / 4 * 3 + 2 bytes. PS_EINVAL: it is none. */
static inline ps_rc ps_base64_decode(ps_str s, char *out, size_t *n)
{
    uint32_t held = 0;
    int bits = 0;
    size_t i;

    *n = 0;
    while (s.n && s.p[s.n - 1] == '=')
        s.n--;
    if (s.n % 4 == 1)
        return PS_EINVAL;
    for (i = 0; i < s.n; i++) {
        int digit = ps_base64_digit(s.p[i]);

        if (digit < 0)
            return PS_EINVAL;
        held = held << 6 | (uint32_t)digit;
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            out[(*n)++] = (char)(held >> bits & 255);
        }
    }
    return PS_OK;
}

/** Percent-encode all but RFC 3986's unreserved characters and those in
 * `keep`; `out` holds 3 s.n bytes. Returns how many were written. */
static inline size_t ps_percent(ps_str s, const char *keep, char *out)
{
    static const char digits[] = "0123456789ABCDEF";
    char *to = out;
    size_t i;

    for (i = 0; i < s.n; i++) {
        char c = s.p[i];

        if ((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
            (c >= '0' && c <= '9') || (c && strchr("-._~", c)) ||
            (c && strchr(keep, c))) {
            *to++ = c;
            continue;
        }
        *to++ = '%';
        *to++ = digits[(uint8_t)c >> 4];
        *to++ = digits[(uint8_t)c & 15];
    }
    return (size_t)(to - out);
}

/* ---- times ------------------------------------------------------------- */

/** Days from 1970 to a date of the Gregorian calendar. The year begins in
 * March here, so that a leap day is its last. */
static inline int64_t ps_days(int64_t y, int64_t m, int64_t d)
{
    int64_t era, year, day;

    y -= m <= 2;
    era = y / 400;
    year = y - era * 400;
    day = (153 * (m > 2 ? m - 3 : m + 9) + 2) / 5 + d - 1;
    return era * 146097 + year * 365 + year / 4 - year / 100 + day - 719468;
}

/** `width` decimal digits; returns behind them. */
static inline char *ps_put_digits(char *to, int64_t v, int width)
{
    int i;

    for (i = width - 1; i >= 0; i--, v /= 10)
        to[i] = (char)('0' + v % 10);
    return to + width;
}

/** Milliseconds since 1970 as "2026-11-26T14:21:52Z", or without - and : as
 * "20261126T142152Z"; years 1970 to 9999. Returns how many bytes, no NUL. */
static inline size_t ps_utc(uint64_t unix_ms, int plain, char out[20])
{
    int64_t s = (int64_t)(unix_ms / 1000), z = s / 86400 + 719468;
    int64_t era = z / 146097, doe = z % 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t mp = (5 * doy + 2) / 153, m = mp < 10 ? mp + 3 : mp - 9, at[6];
    char *to = out;
    int i;

    at[0] = yoe + era * 400 + (m <= 2);
    at[1] = m;
    at[2] = doy - (153 * mp + 2) / 5 + 1;
    at[3] = s / 3600 % 24;
    at[4] = s / 60 % 60;
    at[5] = s % 60;
    for (i = 0; i < 6; i++) {
        to = ps_put_digits(to, at[i], i ? 2 : 4);
        if (i == 2 || (!plain && i < 5))
            *to++ = "--T::"[i];
    }
    *to++ = 'Z';
    return (size_t)(to - out);
}

/** n digits from *s, which moves behind them; -1 for anything else. */
static inline int64_t ps_take_digits(ps_str *s, size_t n)
{
    int64_t v = 0;

    if (s->n < n)
        return -1;
    for (; n; n--, s->p++, s->n--) {
        if (*s->p < '0' || *s->p > '9')
            return -1;
        v = v * 10 + (*s->p - '0');
    }
    return v;
}

/** "2026-01-27T22:29:13Z" (RFC 3339, UTC, a fraction is left out) in
 * milliseconds since 1970; 0 when it is none. */
static inline int64_t ps_rfc3339_ms(ps_str s)
{
    static const char ends[] = "--T::";
    static const int64_t most[] = { 9999, 12, 31, 23, 59, 60 };
    int64_t at[6];
    int i;

    for (i = 0; i < 6; i++) {
        at[i] = ps_take_digits(&s, i ? 2 : 4);
        if (at[i] < (i == 1 || i == 2) || at[i] > most[i])
            return 0;
        if (i == 5)
            break;
        if (!s.n || *s.p != ends[i])
            return 0;
        s.p++;
        s.n--;
    }
    if (at[0] < 1970 || !s.n || (*s.p != 'Z' && *s.p != '.'))
        return 0;
    return (((ps_days(at[0], at[1], at[2]) * 24 + at[3]) * 60 + at[4]) * 60 +
            at[5]) * 1000;
}

#endif

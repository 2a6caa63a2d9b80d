/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Base64 by table, three bytes or four characters at a time. */
#include "base/b64.h"

#define COMMON                                                                \
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

static const char *const alphabets[] = {
    [B64_STANDARD] = COMMON "+/",
    [B64_URL] = COMMON "-_",
};

size_t b64_encode(struct str bytes, enum b64_kind kind, char *out)
{
    const unsigned char *p = (const unsigned char *)bytes.p;
    const char *letters = alphabets[kind];
    char *to = out;

    for (size_t left = bytes.n; left; ) {
        size_t k = left < 3 ? left : 3;
        uint32_t w = (uint32_t)p[0] << 16 | (k > 1 ? (uint32_t)p[1] << 8 : 0) |
                     (k > 2 ? p[2] : 0);

        for (size_t i = 0; i <= k; i++)
            *to++ = letters[w >> (18 - 6 * i) & 63];
        for (size_t i = k; i < 3 && kind == B64_STANDARD; i++)
            *to++ = '=';
        p += k;
        left -= k;
    }
    return (size_t)(to - out);
}

static int value_of(unsigned char c, enum b64_kind kind)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == (unsigned char)alphabets[kind][62])
        return 62;
    return c == (unsigned char)alphabets[kind][63] ? 63 : -1;
}

/* Characters without their padding; false where it is not at its place. */
static bool cut_padding(struct str *s)
{
    size_t pads = 0;

    while (pads < 2 && s->n && s->p[s->n - 1] == '=') {
        s->n--;
        pads++;
    }
    return pads == 0 || (s->n + pads) % 4 == 0;
}

/* k characters (2 to 4) to k - 1 bytes. */
static bool decode_group(const char *from, size_t k, enum b64_kind kind,
                         char *to)
{
    uint32_t w = 0;

    for (size_t i = 0; i < 4; i++) {
        int v = i < k ? value_of((unsigned char)from[i], kind) : 0;

        if (v < 0)
            return false;
        w = w << 6 | (uint32_t)v;
    }
    if ((k == 2 && (w & 0xffff)) || (k == 3 && (w & 0xff)))
        return false;
    for (size_t i = 0; i + 1 < k; i++)
        to[i] = (char)(w >> (16 - 8 * i));
    return true;
}

bool b64_decode(struct str text, enum b64_kind kind, char *out, size_t *n)
{
    char *to = out;

    if (!cut_padding(&text) || text.n % 4 == 1)
        return false;
    while (text.n) {
        size_t k = text.n < 4 ? text.n : 4;

        if (!decode_group(text.p, k, kind, to))
            return false;
        to += k - 1;
        text.p += k;
        text.n -= k;
    }
    *n = (size_t)(to - out);
    return true;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
#include "wire/embed.h"

#include "base/b64.h"

#include <math.h>
#include <stdlib.h>

static const struct {
    const char *gemini, *cohere, *nova, *words;
} purposes[PURPOSE_COUNT] = {
#define PURPOSE(id, gemini, cohere, nova, words)                              \
    [PURPOSE_##id] = { gemini, cohere, nova, words },
#include "wire/embed_purpose.def"
};

const char *embed_purpose_gemini(enum embed_purpose p)
{
    return purposes[p].gemini;
}

const char *embed_purpose_cohere(enum embed_purpose p)
{
    return purposes[p].cohere;
}

const char *embed_purpose_nova(enum embed_purpose p)
{
    return purposes[p].nova;
}

enum embed_purpose embed_purpose_of(struct str word)
{
    for (int p = PURPOSE_UNSET + 1; p < PURPOSE_COUNT; p++) {
        struct str words = str_of(purposes[p].words);

        if (str_ieq(word, str_of(purposes[p].gemini)))
            return (enum embed_purpose)p;
        while (words.p) {
            if (str_ieq(word, str_split(&words, ' ')))
                return (enum embed_purpose)p;
        }
    }
    return PURPOSE_UNSET;
}

/* ---- vectors ------------------------------------------------------------ */

static int put_float(struct buf *bytes, float f)
{
    union {
        float f;
        uint32_t u;
    } v = { f };
    char c[4] = { (char)v.u, (char)(v.u >> 8), (char)(v.u >> 16),
                  (char)(v.u >> 24) };

    return isfinite(f) ? buf_put(bytes, (struct str){ c, 4 }) : -ERR_SYNTAX;
}

/* The numbers of a JSON array, whose last byte ends the last of them: no
 * call reads behind it. */
static int pack(struct buf *bytes, struct str raw)
{
    const char *p = raw.p + 1, *end = raw.p + raw.n - 1;
    int rc = 0;

    while (!rc) {
        char *stop;
        float f;

        while (p < end && strchr(" \t\r\n,", *p))
            p++;
        if (p == end)
            break;
        f = strtof(p, &stop);
        rc = stop == p ? -ERR_SYNTAX : put_float(bytes, f);
        p = stop;
    }
    return rc;
}

static int put_base64(struct buf *out, struct str raw)
{
    struct buf bytes = BUF_INIT(out->max);
    int rc = pack(&bytes, raw);
    size_t n = buf_len(&bytes);
    char *to = rc ? NULL : buf_reserve(out, B64_ENCODED_MAX(n) + 2);

    if (to) {
        size_t text = b64_encode(buf_str(&bytes), B64_STANDARD, to + 1);

        to[0] = to[text + 1] = '"';
        buf_commit(out, text + 2);
    } else if (!rc) {
        rc = -ERR_LIMIT;
    }
    buf_clear(&bytes);
    return rc;
}

static int put_number(struct buf *out, const char *c)
{
    const unsigned char *b = (const unsigned char *)c;
    union {
        uint32_t u;
        float f;
    } v = { (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 |
            (uint32_t)b[3] << 24 };

    /* nine digits are enough for any float, and fewer not for each */
    return isfinite(v.f) ? buf_printf(out, "%.9g", (double)v.f) : -ERR_SYNTAX;
}

static int put_floats(struct buf *out, struct str text)
{
    char *bytes = malloc(B64_DECODED_MAX(text.n));
    size_t n = 0;
    int rc = bytes ? 0 : -ERR_NOMEM;

    if (!rc && (!b64_decode(text, B64_STANDARD, bytes, &n) || n % 4))
        rc = -ERR_SYNTAX;
    if (!rc)
        rc = buf_putc(out, '[');
    for (size_t i = 0; i < n && !rc; i += 4) {
        rc = i ? buf_putc(out, ',') : 0;
        rc = rc ? rc : put_number(out, bytes + i);
    }
    free(bytes);
    return rc ? rc : buf_putc(out, ']');
}

int embed_put_vector(struct buf *out, struct str raw, bool base64)
{
    bool is_text = raw.n >= 2 && raw.p[0] == '"';

    if (!is_text && (raw.n < 2 || raw.p[0] != '['))
        return -ERR_SYNTAX;
    if (is_text == base64)
        return buf_put(out, raw);
    return base64 ? put_base64(out, raw)
                  : put_floats(out, (struct str){ raw.p + 1, raw.n - 2 });
}

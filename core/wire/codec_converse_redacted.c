/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * What Anthropic redacted, through Converse. There it is a blob, and JSON has
 * a blob in base64: its bytes are the text that Anthropic's own API has as
 * `data`, which is base64 itself. So it is spelled twice, and only there.
 *
 * Source: recorded exchanges of ConverseStream, claude-3-7-sonnet (2026-08).
 */
#include "wire/codec_converse.h"

#include "base/b64.h"

static bool is_digits(struct str s)
{
    size_t n = s.n;

    while (n && s.p[n - 1] == '=')
        n--;
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)s.p[i];

        if (!((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
              (c >= '0' && c <= '9') || c == '+' || c == '/'))
            return false;
    }
    return n > 0;
}

/* The text within, or null: it is spelled once. */
static struct str inner(struct str s, struct arena *a)
{
    char *out = arena_alloc(a, B64_DECODED_MAX(s.n));
    size_t n = 0;

    if (!out || !b64_decode(s, B64_STANDARD, out, &n) ||
        !is_digits((struct str){ out, n }))
        return STR_NULL;
    return (struct str){ out, n };
}

struct jstr converse_redacted_read(struct jstr blob, struct arena *a)
{
    struct str s = inner(jstr_text(blob, a), a);

    return s.p ? (struct jstr){ s.p, s.n } : blob;
}

void converse_redacted_put(struct cw *c, struct jstr data)
{
    struct str s = jstr_text(data, c->a);
    char *out = s.p ? arena_alloc(c->a, B64_ENCODED_MAX(s.n)) : NULL;

    if (!out) {
        cw_fail(c, -ERR_NOMEM);
        return;
    }
    if (!inner(s, c->a).p)
        s = (struct str){ out, b64_encode(s, B64_STANDARD, out) };
    jw_member_text(&c->w, "redactedContent", s);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Signatures across dialects. Gemini's go to other dialects' clients with a
 * word before them, so that no other provider takes them for its own; others'
 * go to Gemini's clients as a thoughtSignature, which is bytes there: base64
 * of our word and what it was.
 *
 * Source: docs/design/translation.md, "Thinking through a dialect that has
 * none".
 */
#include "wire/codec_gemini.h"

#include "base/b64.h"

#define WORD "penstock."
#define WORD_B64 "cGVuc3RvY2su" /* nine bytes: no padding, no neighbour */

void gemini_unseal_thinking(struct neutral_thinking *t)
{
    struct str s = { t->signature.p, t->signature.n };
    size_t n = sizeof GEMINI_SEAL - 1;

    if (!s.p || !str_starts(s, STR(GEMINI_SEAL)))
        return;
    t->thought = (struct jstr){ s.p + n, s.n - n };
    t->signature = JSTR_NULL;
}

struct jstr gemini_seal(struct jstr signature, struct arena *a)
{
    struct str s = arena_fmt(a, GEMINI_SEAL STR_FMT,
                             (int)signature.n, signature.p);

    return (struct jstr){ s.p, s.n };
}

void gemini_put_sealed(struct jw *w, const char *kind, struct str text,
                       struct arena *a)
{
    struct str plain = arena_fmt(a, WORD "%s." STR_FMT, kind, STR_ARG(text));
    char *out = plain.p ? arena_alloc(a, plain.n / 3 * 4 + 8) : NULL;

    if (!out) {
        w->rc = w->rc ? w->rc : -ERR_NOMEM;
        return;
    }
    jw_text(w, (struct str){ out, b64_encode(plain, B64_STANDARD, out) });
}

bool gemini_is_sealed(struct jstr signature)
{
    return signature.p && str_starts((struct str){ signature.p, signature.n },
                                     STR(WORD_B64));
}

/* Clients give bytes back in either alphabet, padded or not. */
static struct str decoded(struct str s, struct arena *a)
{
    char *digits = arena_alloc(a, s.n + 1), *out = arena_alloc(a, s.n + 4);
    size_t n = 0;

    if (!digits || !out)
        return STR_NULL;
    while (s.n && s.p[s.n - 1] == '=')
        s.n--;
    for (size_t i = 0; i < s.n; i++)
        digits[i] = s.p[i] == '+' ? '-' : s.p[i] == '/' ? '_' : s.p[i];
    if (!b64_decode((struct str){ digits, s.n }, B64_URL, out, &n))
        n = 0; /* not as we wrote it: nothing is in it */
    return (struct str){ out, n };
}

int gemini_open_sealed(struct jstr signature, struct arena *a,
                       struct str *kind, struct str *text)
{
    struct str s;

    *kind = *text = STR_NULL;
    if (!gemini_is_sealed(signature))
        return 0;
    s = jstr_text(signature, a);
    if (s.p)
        s = decoded(s, a);
    if (!s.p)
        return -ERR_NOMEM;
    *kind = STR(""); /* ours, whatever became of it */
    if (s.n < sizeof WORD)
        return 0;
    s.p += sizeof WORD - 1;
    s.n -= sizeof WORD - 1;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] != '.')
            continue;
        *kind = (struct str){ s.p, i };
        *text = (struct str){ s.p + i + 1, s.n - i - 1 };
        return 0;
    }
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* String insides; what a backslash means here, base/json_name.c decides. */
#include "wire/jstr.h"

#include "base/json_bytes.h"
#include "base/json_name.h"

#define ESCAPE_U_BYTES 6 /* \uXXXX */

struct jstr jstr_of_node(const struct json *j, uint32_t node)
{
    struct str raw;

    if (node == JSON_NONE || j->nodes[node].type != JSON_T_STRING)
        return JSTR_NULL;
    raw = json_raw(j, node);
    return (struct jstr){ raw.p + 1, raw.n - 2 };
}

struct str jstr_text(struct jstr s, struct arena *a)
{
    struct json_chars c = { { s.p, s.n }, JSON_SPELL_STRING };
    char *p;

    if (!s.p || !memchr(s.p, '\\', s.n))
        return c.s;
    p = arena_alloc(a, s.n + 1);
    return p ? (struct str){ p, json_chars_put(c, p) } : STR_NULL;
}

static bool is_plain(unsigned char c)
{
    return c >= 0x20 && c < 0x80 && c != '"' && c != '\\' && c != 0x7F;
}

static int put_odd(struct buf *out, unsigned char c)
{
    static const char shorts[] = "btn?fr";

    if (c == '"' || c == '\\') {
        char two[2] = { '\\', (char)c };

        return buf_put(out, (struct str){ two, 2 });
    }
    if (c >= 8 && c <= 13 && c != 11) {
        char two[2] = { '\\', shorts[c - 8] };

        return buf_put(out, (struct str){ two, 2 });
    }
    return buf_printf(out, "\\u%04x", c);
}

int jstr_put_escaped(struct buf *out, struct str s)
{
    const unsigned char *p = (const unsigned char *)(s.p ? s.p : "");
    const unsigned char *end = p + s.n;
    int rc = 0;

    while (!rc && p < end) {
        const unsigned char *run = p;
        size_t len;

        while (p < end && is_plain(*p))
            p++;
        rc = buf_put(out, (struct str){ (const char *)run,
                                        (size_t)(p - run) });
        if (rc || p == end)
            break;
        if (*p < 0x80) {
            rc = put_odd(out, *p++);
            continue;
        }
        len = json_utf8_length(p, (size_t)(end - p));
        rc = len ? buf_put(out, (struct str){ (const char *)p, len })
                 : buf_put(out, STR("\xEF\xBF\xBD"));
        p += len ? len : 1;
    }
    return rc;
}

static bool is_clean(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (!is_plain((unsigned char)s.p[i]))
            return false;
    }
    return true;
}

struct jstr jstr_escape(struct str s, struct arena *a)
{
    struct buf b = BUF_INIT(s.n * 6 + 16);
    struct str copy = STR_NULL;

    if (!s.p || is_clean(s))
        return (struct jstr){ s.p, s.n };
    if (jstr_put_escaped(&b, s) == 0)
        copy = arena_dup(a, buf_str(&b));
    buf_clear(&b);
    return (struct jstr){ copy.p, copy.n };
}

/* Bytes of the character at `at`, escape included; `*white` says of it. */
static size_t step(struct jstr s, size_t at, bool *white)
{
    char c = s.p[at];

    *white = c == ' ' || c == '\t' || c == '\n' || c == '\r';
    if (c != '\\' || at + 1 >= s.n)
        return 1;
    c = s.p[at + 1];
    *white = c == 'n' || c == 't' || c == 'r';
    if (c != 'u')
        return 2;
    if (at + ESCAPE_U_BYTES > s.n)
        return s.n - at;
    *white = memcmp(s.p + at + 2, "0020", 4) == 0 ||
             memcmp(s.p + at + 2, "000a", 4) == 0 ||
             memcmp(s.p + at + 2, "000A", 4) == 0 ||
             memcmp(s.p + at + 2, "000d", 4) == 0 ||
             memcmp(s.p + at + 2, "000D", 4) == 0 ||
             memcmp(s.p + at + 2, "0009", 4) == 0;
    return ESCAPE_U_BYTES;
}

bool jstr_blank(struct jstr s)
{
    bool white;

    for (size_t at = 0; at < s.n;) {
        at += step(s, at, &white);
        if (!white)
            return false;
    }
    return true;
}

struct jstr jstr_trim_end(struct jstr s)
{
    size_t kept = 0;
    bool white;

    for (size_t at = 0; at < s.n;) {
        at += step(s, at, &white);
        if (!white)
            kept = at;
    }
    s.n = kept;
    return s;
}

/* The \u escape at p in D800..DBFF (high) or DC00..DFFF? */
static bool is_half(const char *p, bool high)
{
    char c;

    if (p[0] != '\\' || p[1] != 'u' || (p[2] | 0x20) != 'd')
        return false;
    c = (char)(p[3] | 0x20);
    return high ? p[3] == '8' || p[3] == '9' || c == 'a' || c == 'b'
                : c == 'c' || c == 'd' || c == 'e' || c == 'f';
}

size_t jstr_length(struct jstr s)
{
    size_t count = 0;
    bool white;

    for (size_t at = 0; at < s.n; count++) {
        bool high = s.n - at >= 2 * ESCAPE_U_BYTES && is_half(s.p + at, true);

        at += step(s, at, &white);
        if (high && is_half(s.p + at, false))
            at += ESCAPE_U_BYTES;
        while (at < s.n && json_utf8_tail((unsigned char)s.p[at]))
            at++;
    }
    return count;
}

size_t jstr_half_pair(struct jstr s)
{
    const char *p;
    size_t slashes = 0;

    if (s.n < ESCAPE_U_BYTES)
        return 0;
    p = s.p + s.n - ESCAPE_U_BYTES;
    if (!is_half(p, true))
        return 0;
    while (p - slashes > s.p && p[-1 - (ptrdiff_t)slashes] == '\\')
        slashes++;
    return slashes % 2 ? 0 : ESCAPE_U_BYTES; /* "\\ud83d" is plain text */
}

bool jstr_low_first(struct jstr s)
{
    return s.n >= ESCAPE_U_BYTES && is_half(s.p, false);
}

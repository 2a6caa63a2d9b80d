/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Names as the characters they mean. A reader yields the bytes of any of the
 * three spellings one by one, so that two names compare without a copy; the
 * check for duplicates compares pairs in small objects and hashes in large.
 */
#include "base/json_name.h"

#include "base/json_bytes.h"
#include "base/siphash.h"

#include <stdio.h>
#include <stdlib.h>

#define PAIRWISE_MAX 16
#define PAIRWISE_BYTES_MAX 1024
#define SHOWN_NAME_MAX 64

struct reader {
    const char *p, *end;
    enum json_spelling spelling;
    unsigned char hold[4]; /* bytes of the character being handed out */
    unsigned at, n;
};

static unsigned utf8_put(unsigned cp, unsigned char *out)
{
    if (cp < 0x80) {
        out[0] = (unsigned char)cp;
        return 1;
    }
    if (cp < 0x800) {
        out[0] = (unsigned char)(0xC0 | cp >> 6);
        out[1] = (unsigned char)(0x80 | (cp & 0x3F));
        return 2;
    }
    if (cp < 0x10000) {
        out[0] = (unsigned char)(0xE0 | cp >> 12);
        out[1] = (unsigned char)(0x80 | (cp >> 6 & 0x3F));
        out[2] = (unsigned char)(0x80 | (cp & 0x3F));
        return 3;
    }
    out[0] = (unsigned char)(0xF0 | cp >> 18);
    out[1] = (unsigned char)(0x80 | (cp >> 12 & 0x3F));
    out[2] = (unsigned char)(0x80 | (cp >> 6 & 0x3F));
    out[3] = (unsigned char)(0x80 | (cp & 0x3F));
    return 4;
}

static bool low_surrogate_follows(const struct reader *r)
{
    return r->end - r->p >= 6 && r->p[0] == '\\' && r->p[1] == 'u' &&
           (json_unit(r->p + 2) & 0xFC00) == 0xDC00;
}

/* r->p stands behind "\u". */
static void read_u(struct reader *r)
{
    unsigned cp = json_unit(r->p);

    r->p += 4;
    if ((cp & 0xFC00) == 0xD800 && low_surrogate_follows(r)) {
        cp = 0x10000 + ((cp & 0x3FF) << 10) + (json_unit(r->p + 2) & 0x3FF);
        r->p += 6;
    } else if ((cp & 0xF800) == 0xD800) {
        cp = 0xFFFD;
    }
    r->n = utf8_put(cp, r->hold);
}

static unsigned char short_escape(char c)
{
    switch (c) {
    case 'b':
        return '\b';
    case 'f':
        return '\f';
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    default:
        return (unsigned char)c; /* quote, backslash, slash */
    }
}

/* Fill r->hold with the next character; false at the end. */
static bool read_char(struct reader *r)
{
    char c;

    r->at = r->n = 0;
    if (r->p == r->end)
        return false;
    c = *r->p++;
    r->n = 1;
    r->hold[0] = (unsigned char)c;
    if (r->spelling == JSON_SPELL_STRING && c == '\\') {
        c = *r->p++;
        if (c == 'u')
            read_u(r);
        else
            r->hold[0] = short_escape(c);
    } else if (r->spelling == JSON_SPELL_POINTER && c == '~' &&
               r->p < r->end) {
        r->hold[0] = *r->p++ == '0' ? '~' : '/';
    }
    return true;
}

static int read_byte(struct reader *r)
{
    if (r->at == r->n && !read_char(r))
        return -1;
    return r->hold[r->at++];
}

static struct reader reader_of(struct json_chars c)
{
    return (struct reader){
        .p = c.s.p, .end = c.s.p + c.s.n, .spelling = c.spelling
    };
}

bool json_chars_eq(struct json_chars a, struct json_chars b)
{
    struct reader ra, rb;
    int c;

    if (a.spelling == b.spelling && str_eq(a.s, b.s))
        return true;
    if (a.spelling == JSON_SPELL_PLAIN && b.spelling == JSON_SPELL_PLAIN)
        return false;
    ra = reader_of(a);
    rb = reader_of(b);
    do {
        c = read_byte(&ra);
        if (c != read_byte(&rb))
            return false;
    } while (c >= 0);
    return true;
}

size_t json_chars_put(struct json_chars c, char *out)
{
    struct reader r = reader_of(c);
    char *at = out;

    if (c.spelling == JSON_SPELL_PLAIN) {
        if (c.s.n)
            memcpy(out, c.s.p, c.s.n);
        return c.s.n;
    }
    while (read_char(&r)) {
        memcpy(at, r.hold, r.n);
        at += r.n;
    }
    return (size_t)(at - out);
}

struct json_chars json_name_chars(const struct json *j, uint32_t node)
{
    const struct json_node *n = &j->nodes[node];
    struct json_chars c = { STR_NULL, JSON_SPELL_PLAIN };

    if (n->key == 0)
        return c;
    c.s = (struct str){ j->text + n->key + 1, n->key_end - n->key - 2 };
    if (n->flags & JSON_F_KEY_ESCAPED)
        c.spelling = JSON_SPELL_STRING;
    return c;
}

struct json_chars json_token(struct str *pointer)
{
    struct str s = { pointer->p + 1, pointer->n - 1 };
    const char *slash = s.n ? memchr(s.p, '/', s.n) : NULL;
    bool tilde;

    if (slash)
        s.n = (size_t)(slash - s.p);
    pointer->p += 1 + s.n;
    pointer->n -= 1 + s.n;
    tilde = s.n && memchr(s.p, '~', s.n);
    return (struct json_chars){ s, tilde ? JSON_SPELL_POINTER
                                         : JSON_SPELL_PLAIN };
}

bool json_pointer_valid(struct str pointer)
{
    if (pointer.n && pointer.p[0] != '/')
        return false;
    for (size_t i = 0; i < pointer.n; i++) {
        if (pointer.p[i] != '~')
            continue;
        if (i + 1 == pointer.n ||
            (pointer.p[i + 1] != '0' && pointer.p[i + 1] != '1'))
            return false;
    }
    return true;
}

bool json_token_index(struct json_chars token, uint32_t *index)
{
    uint64_t v;

    if (token.s.n > 1 && token.s.p[0] == '0')
        return false;
    if (!str_u64(token.s, &v) || v >= JSON_NONE)
        return false;
    *index = (uint32_t)v;
    return true;
}

static int say_duplicate(const struct json *j, uint32_t node, struct err *err)
{
    struct str name = json_name_chars(j, node).s;
    char at[32];

    if (name.n > SHOWN_NAME_MAX) {
        name.n = SHOWN_NAME_MAX;
        while (name.n && (name.p[name.n] & 0xC0) == 0x80)
            name.n--;
    }
    snprintf(at, sizeof at, "byte %u", j->nodes[node].key);
    return err_at(err, ERR_SYNTAX, at, "duplicate member \"" STR_FMT "\"",
                  STR_ARG(name));
}

/* Where an object has thousands of names, most are short. Up to eight bytes
 * are one word: two multiplications by the key's halves, each product folded
 * onto itself. Who does not know the key cannot make names that collide. */
static uint64_t hash_short(struct siphash_key key, struct str s)
{
    unsigned __int128 v = (unsigned __int128)(siphash_word(s) ^ key.k0) *
                          ((key.k1 + s.n) | 1);

    v = (unsigned __int128)((uint64_t)v ^ (uint64_t)(v >> 64) ^ key.k1) *
        (key.k0 | 1);
    return (uint64_t)v ^ (uint64_t)(v >> 64);
}

/* False when memory is out. */
static bool hash_name(struct siphash_key key, struct json_chars name,
                      struct buf *scratch, uint64_t *hash)
{
    char *at;

    if (name.spelling != JSON_SPELL_PLAIN) {
        buf_reset(scratch);
        at = buf_reserve(scratch, name.s.n);
        if (!at)
            return false;
        name.s = (struct str){ at, json_chars_put(name, at) };
    }
    *hash = name.s.n <= 8 ? hash_short(key, name.s) : siphash(key, name.s);
    return true;
}

/* A slot holds a node and what its hash is above the table's mask, so that a
 * name is read again only where both agree; 0 is empty, as no member is. */
static int check_hashed(const struct json *j, uint32_t object,
                        uint64_t *table, uint32_t mask, struct err *err)
{
    struct siphash_key key = siphash_process_key();
    struct buf scratch = BUF_INIT(j->size);
    uint64_t hash;
    int rc = 0;

    for (uint32_t c = object + 1; !rc && c < j->count; c = j->nodes[c].next) {
        struct json_chars name = json_name_chars(j, c);
        uint32_t at, top;

        if (!hash_name(key, name, &scratch, &hash)) {
            rc = err_set(err, ERR_NOMEM, "out of memory");
            break;
        }
        at = (uint32_t)hash & mask;
        top = (uint32_t)(hash >> 32);
        while (table[at] &&
               ((uint32_t)(table[at] >> 32) != top ||
                !json_chars_eq(json_name_chars(j, (uint32_t)table[at]),
                               name)))
            at = (at + 1) & mask;
        if (table[at])
            rc = say_duplicate(j, c, err);
        table[at] = (uint64_t)top << 32 | c;
    }
    buf_clear(&scratch);
    return rc;
}

static int check_large(const struct json *j, uint32_t object, uint32_t most,
                       struct err *err)
{
    uint32_t slots = 64;
    uint64_t *table;
    int rc;

    while (slots / 2 < most)
        slots *= 2;
    table = calloc(slots, sizeof *table);
    if (!table)
        return err_set(err, ERR_NOMEM, "out of memory");
    rc = check_hashed(j, object, table, slots - 1, err);
    free(table);
    return rc;
}

/* The first bytes of a name: where those of two plain ones differ, so do the
 * names. */
static uint64_t first_word(struct str s)
{
    return siphash_word((struct str){ s.p, s.n < 8 ? s.n : 8 });
}

/* A name among those before it. */
struct seen {
    struct json_chars name;
    uint64_t word;
};

static bool same(const struct seen *a, const struct seen *b)
{
    if (a->name.spelling == JSON_SPELL_PLAIN &&
        b->name.spelling == JSON_SPELL_PLAIN &&
        (a->name.s.n != b->name.s.n || a->word != b->word))
        return false;
    return json_chars_eq(a->name, b->name);
}

int json_check_names(const struct json *j, uint32_t object, uint32_t most,
                     struct err *err)
{
    struct seen seen[PAIRWISE_MAX];
    uint32_t n = 0;
    size_t bytes = 0;

    if (most > PAIRWISE_MAX)
        return check_large(j, object, most, err);
    for (uint32_t c = object + 1; c < j->count; c = j->nodes[c].next) {
        struct json_chars name = json_name_chars(j, c);

        bytes += name.s.n;
        if (bytes > PAIRWISE_BYTES_MAX)
            return check_large(j, object, most, err);
        seen[n] = (struct seen){ name, first_word(name.s) };
        for (uint32_t i = 0; i < n; i++) {
            if (same(&seen[i], &seen[n]))
                return say_duplicate(j, c, err);
        }
        n++;
    }
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Ids and names: kept where they are legal, else a function of themselves. */
#include "wire/codec_names.h"

#include "base/sha256.h"

#include <stdio.h>

#define LEGAL_MAX 64
#define OPENAI_ID_MAX 40
#define MISTRAL_ID 9
#define HASH_BYTES 16 /* of the SHA-256 that stand for what is too long */
#define NAME_KEPT 55  /* with '_' and 8 hex digits: 64 */

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c >= '0' && c <= '9') || c == '_';
}

bool codec_name_legal(struct str s)
{
    if (s.n == 0 || s.n > LEGAL_MAX)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        if (!is_word(s.p[i]) && s.p[i] != '-')
            return false;
    }
    return true;
}

const struct codec_name *codec_names_find(const struct codec_names *n,
                                          struct str sent)
{
    const struct codec_name *at = n ? n->first : NULL;

    while (at && !str_eq(at->sent, sent))
        at = at->next;
    return at;
}

int codec_names_add(struct codec_names *n, struct arena *a,
                    enum codec_name_kind kind, struct str sent,
                    struct str name)
{
    struct codec_name *entry;

    if (codec_names_find(n, sent))
        return 0;
    entry = arena_alloc(a, sizeof *entry);
    if (!entry)
        return -ERR_NOMEM;
    *entry = (struct codec_name){ n->first, kind, sent, name };
    n->first = entry;
    return 0;
}

/* prefix + hex digits of the first `bytes` of the hash of s */
static struct str hashed(struct str prefix, struct str s, size_t bytes,
                         struct arena *a)
{
    uint8_t sum[SHA256_BYTES];
    char *p = arena_alloc(a, prefix.n + bytes * 2 + 1);

    if (!p)
        return STR_NULL;
    sha256(s, sum);
    memcpy(p, prefix.p, prefix.n);
    hex_encode(sum, bytes, p + prefix.n);
    return (struct str){ p, prefix.n + bytes * 2 };
}

struct str codec_name_to_wire(struct str name, struct arena *a)
{
    char kept[NAME_KEPT + 1];
    size_t n = 0;

    if (codec_name_legal(name))
        return name;
    while (n < NAME_KEPT && n < name.n) {
        kept[n] = is_word(name.p[n]) || name.p[n] == '-' ? name.p[n] : '_';
        n++;
    }
    kept[n++] = '_';
    return hashed((struct str){ kept, n }, name, 4, a);
}

static struct str escaped_id(struct str id, struct arena *a)
{
    static const char hex[] = "0123456789abcdef";
    char out[LEGAL_MAX + 1];
    size_t n = 4;

    memcpy(out, "psx_", 4);
    for (size_t i = 0; i < id.n && n <= LEGAL_MAX; i++) {
        unsigned char c = (unsigned char)id.p[i];

        if (is_word((char)c)) {
            out[n++] = (char)c;
        } else if (n + 3 <= LEGAL_MAX) {
            out[n++] = '-';
            out[n++] = hex[c >> 4];
            out[n++] = hex[c & 15];
        } else {
            n = LEGAL_MAX + 1;
        }
    }
    if (n > LEGAL_MAX)
        return hashed(STR("psh_"), id, HASH_BYTES, a);
    return arena_dup(a, (struct str){ out, n });
}

struct str codec_id_to_anthropic(struct str id, struct arena *a)
{
    if (codec_name_legal(id) && !str_starts(id, STR("psx_")))
        return id;
    return escaped_id(id, a);
}

struct str codec_id_from_anthropic(struct str id, struct arena *a)
{
    struct str out, again;
    char *p;

    if (!str_starts(id, STR("psx_")))
        return id;
    p = arena_alloc(a, id.n);
    if (!p)
        return STR_NULL;
    out = (struct str){ p, 0 };
    for (size_t i = 4; i < id.n; i++) {
        if (id.p[i] != '-') {
            p[out.n++] = id.p[i];
            continue;
        }
        if (id.n - i < 3 ||
            !hex_decode((struct str){ id.p + i + 1, 2 }, p + out.n, 1))
            return id;
        out.n++;
        i += 2;
    }
    again = codec_id_to_anthropic(out, a);
    if (!again.p)
        return STR_NULL;
    return str_eq(again, id) ? out : id; /* else not ours */
}

static bool is_mistral(struct str id)
{
    if (id.n != MISTRAL_ID)
        return false;
    for (size_t i = 0; i < id.n; i++) {
        if (!is_word(id.p[i]) || id.p[i] == '_')
            return false;
    }
    return true;
}

static struct str mistral_id(struct str id, struct arena *a)
{
    static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                 "abcdefghijklmnopqrstuvwxyz";
    uint8_t sum[SHA256_BYTES];
    char *p = arena_alloc(a, MISTRAL_ID + 1);
    uint64_t v = 0;

    if (!p)
        return STR_NULL;
    sha256(id, sum);
    for (int i = 0; i < 8; i++)
        v = v << 8 | sum[i];
    for (int i = 0; i < MISTRAL_ID; i++, v /= 62)
        p[i] = digits[v % 62];
    return (struct str){ p, MISTRAL_ID };
}

struct str codec_id_to_chat(struct str id, enum codec_ids rule,
                            struct arena *a)
{
    if (rule == IDS_9)
        return is_mistral(id) ? id : mistral_id(id, a);
    if (rule == IDS_40 && id.n > OPENAI_ID_MAX)
        return hashed(STR("call_"), id, HASH_BYTES, a);
    return id;
}

struct str codec_id_made(const char *prefix, struct str unique, uint32_t n,
                         struct arena *a)
{
    struct str seed = arena_fmt(a, STR_FMT "#%u", STR_ARG(unique), n);

    return seed.p ? hashed(str_of(prefix), seed, 12, a) : STR_NULL;
}

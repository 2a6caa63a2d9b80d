/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
#include "wire/token_guess.h"

#include "base/b64.h"

#include <string.h>
#ifdef __SSE2__
#include <immintrin.h>
#endif

enum {
    PER_MESSAGE = 4,  /* tokens around each */
    DEEP = 4,         /* names below this are a schema's, not the dialect's */
    BYTES_OF_MEDIA = 40,
    HEAD_BYTES = 24,  /* of an image, that tell its size */
    HEAD_CHARS = 32,
};

/* Twelfths of a token by a character's first byte; others are nothing. */
/* clang-format off */
static const uint8_t parts[256] = {
    ['\t'] = 3, ['\n'] = 5, ['\r'] = 3,
    [' '] = 3,
    ['!' ... '@'] = 5,
    ['A' ... 'Z'] = 4,
    ['[' ... '`'] = 5,
    ['a' ... 'z'] = 3,
    ['{' ... '~'] = 5,
    [0xc2 ... 0xdf] = 6,
    [0xe0 ... 0xef] = 12,
    [0xf0 ... 0xf4] = 24,
};
/* clang-format on */

static uint64_t sum(const unsigned char *p, size_t n)
{
    uint64_t a = 0;

    for (size_t i = 0; i < n; i++)
        a += parts[p[i]];
    return a;
}

#ifdef __SSE2__
/* -1 in each byte from `first` to `first` + 25. */
static __m128i letters(__m128i x, char first)
{
    __m128i at = _mm_sub_epi8(x, _mm_set1_epi8(first));

    return _mm_cmpeq_epi8(_mm_min_epu8(at, _mm_set1_epi8(25)), at);
}

/* The same as the table says of 16 bytes that print. */
static __m128i sum_printing(__m128i x)
{
    __m128i lower = letters(x, 'a'), upper = letters(x, 'A');
    __m128i blank = _mm_cmpeq_epi8(x, _mm_set1_epi8(' '));
    __m128i v = _mm_add_epi8(_mm_set1_epi8(5), _mm_add_epi8(upper, lower));

    v = _mm_add_epi8(v, _mm_add_epi8(lower, _mm_add_epi8(blank, blank)));
    return _mm_sad_epu8(v, _mm_setzero_si128()); /* two sums of eight */
}

/* Blocks as long as they print, others by the table. */
static uint64_t sum_blocks(const unsigned char **p, const unsigned char *end)
{
    __m128i sums = _mm_setzero_si128();
    uint64_t a = 0, two[2];

    for (; end - *p >= 16; *p += 16) {
        __m128i x = _mm_loadu_si128((const __m128i *)(const void *)*p);
        __m128i prints = _mm_and_si128(
            _mm_cmpgt_epi8(x, _mm_set1_epi8(0x1F)), /* bytes are signed */
            _mm_cmplt_epi8(x, _mm_set1_epi8(0x7F)));

        if (_mm_movemask_epi8(prints) == 0xFFFF)
            sums = _mm_add_epi64(sums, sum_printing(x));
        else
            a += sum(*p, 16);
    }
    memcpy(two, &sums, sizeof two);
    return a + two[0] + two[1];
}

/* The same for 32 bytes, where the processor can: 5 for each, less where a
 * byte is beyond the last of its kind, more where it is beyond the next. */
__attribute__((target("avx2"))) static uint64_t
sum_wide(const unsigned char *p, size_t blocks)
{
    __m256i sums = _mm256_setzero_si256();
    uint64_t a = 0, four[4];

    for (; blocks; blocks--, p += 32) {
        __m256i x = _mm256_loadu_si256((const __m256i *)(const void *)p);
        __m256i odd = _mm256_or_si256( /* bytes are signed */
            _mm256_cmpgt_epi8(_mm256_set1_epi8(' '), x),
            _mm256_cmpeq_epi8(x, _mm256_set1_epi8(0x7F)));
        __m256i one = _mm256_sub_epi8(
            _mm256_cmpgt_epi8(x, _mm256_set1_epi8('@')),
            _mm256_cmpgt_epi8(x, _mm256_set1_epi8('Z')));
        __m256i two = _mm256_sub_epi8(
            _mm256_cmpgt_epi8(x, _mm256_set1_epi8('`')),
            _mm256_add_epi8(_mm256_cmpgt_epi8(x, _mm256_set1_epi8('z')),
                            _mm256_cmpgt_epi8(x, _mm256_set1_epi8(' '))));
        __m256i v = _mm256_add_epi8(_mm256_set1_epi8(3),
                                    _mm256_add_epi8(one, two));

        v = _mm256_add_epi8(v, two);
        if (_mm256_movemask_epi8(odd)) {
            v = _mm256_setzero_si256();
            a += sum(p, 32);
        }
        sums = _mm256_add_epi64(
            sums, _mm256_sad_epu8(v, _mm256_setzero_si256()));
    }
    memcpy(four, &sums, sizeof four);
    return a + four[0] + four[1] + four[2] + four[3];
}

static bool is_wide(void)
{
    return __builtin_cpu_supports("avx2");
}
#else
static uint64_t sum_wide(const unsigned char *p, size_t blocks)
{
    (void)p;
    (void)blocks;
    return 0;
}

static bool is_wide(void)
{
    return false;
}

static uint64_t sum_blocks(const unsigned char **p, const unsigned char *end)
{
    (void)p;
    (void)end;
    return 0;
}
#endif

uint64_t token_guess_text(struct str s)
{
    const unsigned char *p = (const unsigned char *)s.p, *end = p + s.n;
    uint64_t a = 0;

    if (s.n >= 32 && is_wide()) {
        a = sum_wide(p, s.n / 32);
        p += s.n / 32 * 32;
    }
    if (end - p >= 16)
        a += sum_blocks(&p, end);
    return a + sum(p, (size_t)(end - p));
}

/* ---- images -------------------------------------------------------------- */

struct image {
    uint64_t width, height; /* 0 = not known */
    bool low;               /* detail = "low" */
};

static uint64_t big_endian(const unsigned char *p)
{
    return (uint64_t)p[0] << 24 | (uint64_t)p[1] << 16 |
           (uint64_t)p[2] << 8 | p[3];
}

/* PNG and GIF tell it at once. */
static void read_size(struct str base64, struct image *out)
{
    static const char png[] = "\x89PNG\r\n\x1a\n";
    char text[B64_DECODED_MAX(HEAD_CHARS)];
    const unsigned char *b = (const unsigned char *)text;
    size_t n = 0;

    if (base64.n < HEAD_CHARS)
        return;
    base64.n = HEAD_CHARS;
    if (!b64_decode(base64, B64_STANDARD, text, &n) || n < HEAD_BYTES)
        return;
    if (memcmp(b, png, 8) == 0) {
        out->width = big_endian(b + 16);
        out->height = big_endian(b + 20);
    } else if (memcmp(b, "GIF8", 4) == 0) {
        out->width = (uint64_t)b[6] | (uint64_t)b[7] << 8;
        out->height = (uint64_t)b[8] | (uint64_t)b[9] << 8;
    }
    if (out->width > 1 << 20 || out->height > 1 << 20)
        out->width = out->height = 0;
}

static void fit(struct image *i, uint64_t longest)
{
    uint64_t longer = i->width > i->height ? i->width : i->height;

    if (longer <= longest)
        return;
    i->width = (i->width * longest + longer - 1) / longer;
    i->height = (i->height * longest + longer - 1) / longer;
}

static uint64_t openai_image(struct image i)
{
    uint64_t shorter;

    if (i.low)
        return 85;
    if (!i.width || !i.height)
        return 765;
    fit(&i, 2048);
    shorter = i.width < i.height ? i.width : i.height;
    if (shorter > 768) {
        i.width = i.width * 768 / shorter;
        i.height = i.height * 768 / shorter;
    }
    return 85 + 170 * ((i.width + 511) / 512) * ((i.height + 511) / 512);
}

static uint64_t anthropic_image(struct image i)
{
    uint64_t tokens;

    if (!i.width || !i.height)
        return 1600;
    fit(&i, 1568);
    tokens = i.width * i.height / 750 + 1;
    return tokens < 1600 ? tokens : 1600;
}

/* ---- a body -------------------------------------------------------------- */

struct walk {
    enum dialect d;
    const struct json *j;
    uint64_t parts, tokens;
};

static inline bool is_named(const struct json *j, uint32_t node,
                            struct str name)
{
    const struct json_node *n = &j->nodes[node];

    return n->key && n->key_end - n->key == name.n + 2 &&
           memcmp(j->text + n->key + 1, name.p, name.n) == 0;
}

/* A string's characters, as they are written. */
static struct str inside(const struct json *j, uint32_t node)
{
    struct str raw = json_raw(j, node);

    if (raw.n >= 2 && raw.p[0] == '"')
        return (struct str){ raw.p + 1, raw.n - 2 };
    return STR_NULL;
}

static struct str member(const struct json *j, uint32_t object,
                         const char *name)
{
    uint32_t node = json_member(j, object, str_of(name));

    return node == JSON_NONE ? STR_NULL : inside(j, node);
}

/* A URL that holds its bytes. */
static bool embedded(struct str url, struct str *type, struct str *bytes)
{
    struct str rest = url;

    if (!str_starts(url, STR("data:")))
        return false;
    *type = str_split(&rest, ',');
    type->p += 5;
    type->n -= 5;
    *bytes = rest.p ? rest : STR("");
    return true;
}

static void put_image(struct walk *w, struct image i)
{
    w->tokens += w->d == DIALECT_ANTHROPIC ? anthropic_image(i)
                                           : openai_image(i);
}

static void put_media(struct walk *w, struct str type, struct str bytes,
                      struct image i)
{
    if (!str_starts(type, STR("image"))) {
        w->tokens += bytes.n / BYTES_OF_MEDIA + 1;
        return;
    }
    read_size(bytes, &i);
    put_image(w, i);
}

/* image_url = "..." or { url =, detail = } */
static void image_url(struct walk *w, uint32_t node)
{
    bool object = w->j->nodes[node].type == JSON_T_OBJECT;
    struct str url = object ? member(w->j, node, "url") : inside(w->j, node);
    struct image i = {
        .low = object && str_is(member(w->j, node, "detail"), "low") };
    struct str type, bytes;

    if (embedded(url, &type, &bytes))
        put_media(w, type, bytes, i);
    else
        put_image(w, i);
}

/* source = { type = "base64", media_type =, data = } */
static void source(struct walk *w, uint32_t node)
{
    struct str kind = member(w->j, node, "type");
    struct str type = member(w->j, node, "media_type");
    struct str data = member(w->j, node, "data");
    struct image none = { .low = false };

    if (str_is(kind, "text"))
        w->parts += token_guess_text(data);
    else
        put_media(w, type.p ? type : STR("image"), data, none);
}

/* Media that is no text; true when all below the node is done. */
static bool is_media(struct walk *w, uint32_t node)
{
    uint8_t type = w->j->nodes[node].type;
    struct str kind, bytes;

    if (is_named(w->j, node, STR("image_url"))) {
        image_url(w, node);
        return true;
    }
    if (type == JSON_T_OBJECT && is_named(w->j, node, STR("source"))) {
        source(w, node);
        return true;
    }
    if (type == JSON_T_STRING && is_named(w->j, node, STR("data"))) {
        w->tokens += inside(w->j, node).n / BYTES_OF_MEDIA + 1;
        return true;
    }
    if (type == JSON_T_STRING && embedded(inside(w->j, node), &kind, &bytes)) {
        put_media(w, kind, bytes, (struct image){ .low = false });
        return true;
    }
    return false;
}

static void put_node(struct walk *w, uint32_t node)
{
    const struct json_node *n = &w->j->nodes[node];

    if (n->depth > DEEP && n->key)
        w->parts += token_guess_text(
            (struct str){ w->j->text + n->key, n->key_end - n->key });
    if (n->type == JSON_T_STRING)
        w->parts += token_guess_text(inside(w->j, node));
    else if (n->type == JSON_T_NUMBER && n->depth > 1)
        w->parts += TOKEN_PARTS; /* an input of tokens */
    else if (n->type == JSON_T_OBJECT && n->depth == 2)
        w->tokens += PER_MESSAGE;
}

uint64_t token_guess(enum dialect d, const struct json *body)
{
    struct walk w = { .d = d, .j = body };

    for (uint32_t i = 1; i < body->count;) {
        if (is_media(&w, i)) {
            i = body->nodes[i].next;
            continue;
        }
        put_node(&w, i);
        i++;
    }
    return w.tokens + (w.parts + TOKEN_PARTS - 1) / TOKEN_PARTS;
}

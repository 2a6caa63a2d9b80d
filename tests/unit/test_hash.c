/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Hashes: the examples of FIPS 180-4, use after use, comparison, random. */
#include "net/hash.h"

#include "unit.h"

static void examples(void)
{
    static const struct {
        const char *text;
        unsigned char sum[HASH_SHA256_SIZE];
    } rows[] = {
        { "", { 0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14,
                0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24,
                0x27, 0xae, 0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c,
                0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55 } },
        { "abc", { 0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea,
                   0x41, 0x41, 0x40, 0xde, 0x5d, 0xae, 0x22, 0x23,
                   0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17, 0x7a, 0x9c,
                   0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad } },
    };
    struct hash *h = hash_new();
    unsigned char sum[HASH_SHA256_SIZE];

    CU_ASSERT_PTR_NOT_NULL_FATAL(h);
    for (int round = 0; round < 2; round++)
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
            UNIT_INT(hash_sha256(h, rows[i].text, strlen(rows[i].text), sum),
                     0);
            UNIT_MEM(sum, rows[i].sum, sizeof sum);
        }
    hash_free(h);
    hash_free(NULL);
}

/* FIPS 180-4 and RFC 3174. */
static void names(void)
{
    static const unsigned char abc[] = {
        0xa9, 0x99, 0x3e, 0x36, 0x47, 0x06, 0x81, 0x6a, 0xba, 0x3e,
        0x25, 0x71, 0x78, 0x50, 0xc2, 0x6c, 0x9c, 0xd0, 0xd8, 0x9d };
    static const unsigned char none[] = {
        0xda, 0x39, 0xa3, 0xee, 0x5e, 0x6b, 0x4b, 0x0d, 0x32, 0x55,
        0xbf, 0xef, 0x95, 0x60, 0x18, 0x90, 0xaf, 0xd8, 0x07, 0x09 };
    unsigned char sum[HASH_SHA1_SIZE];

    UNIT_INT(hash_sha1("abc", 3, sum), 0);
    UNIT_MEM(sum, abc, sizeof sum);
    UNIT_INT(hash_sha1(NULL, 0, sum), 0);
    UNIT_MEM(sum, none, sizeof sum);
}

/* RFC 4231, cases 1, 2 and 6; then an empty key after a long one. */
static void signs(void)
{
    static char longkey[131];
    static const struct {
        struct str key, data;
        unsigned char head[8]; /* of the result */
    } rows[] = {
        { { "\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b"
            "\x0b\x0b\x0b\x0b\x0b", 20 }, { "Hi There", 8 },
          { 0xb0, 0x34, 0x4c, 0x61, 0xd8, 0xdb, 0x38, 0x53 } },
        { { "Jefe", 4 }, { "what do ya want for nothing?", 28 },
          { 0x5b, 0xdc, 0xc1, 0x46, 0xbf, 0x60, 0x75, 0x4e } },
        { { longkey, 131 },
          { "Test Using Larger Than Block-Size Key - Hash Key First", 54 },
          { 0x60, 0xe4, 0x31, 0x59, 0x1e, 0xe0, 0xb6, 0x7f } },
        { { NULL, 0 }, { NULL, 0 },
          { 0xb6, 0x13, 0x67, 0x9a, 0x08, 0x14, 0xd9, 0xec } },
    };
    struct hash *h = hash_new();
    unsigned char sum[HASH_SHA256_SIZE];

    memset(longkey, 0xaa, sizeof longkey);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        UNIT_INT(hash_hmac(h, rows[i].key, rows[i].data, sum), 0);
        UNIT_MEM(sum, rows[i].head, sizeof rows[i].head);
    }
    hash_free(h);
}

static void equal(void)
{
    CU_ASSERT_TRUE(hash_equal("abc", "abc", 3));
    CU_ASSERT_FALSE(hash_equal("abc", "abd", 3));
    CU_ASSERT_TRUE(hash_equal("abc", "abd", 2));
    CU_ASSERT_TRUE(hash_equal("", "", 0));
}

static void random_differs(void)
{
    unsigned char a[16], b[16];

    UNIT_INT(hash_random(a, sizeof a), 0);
    UNIT_INT(hash_random(b, sizeof b), 0);
    CU_ASSERT_FALSE(hash_equal(a, b, sizeof a));
}

UNIT_MAIN("hash", { "names", names }, { "examples", examples },
          { "signs", signs }, { "equal", equal },
          { "random differs", random_differs })

/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* SHA-256 by NIST's own examples and at every length around a block. */
#include "unit.h"

#include "base/sha256.h"

static void check(struct str s, const char *want)
{
    uint8_t digest[SHA256_BYTES];
    char hex[SHA256_HEX + 1];

    sha256(s, digest);
    hex_encode(digest, sizeof digest, hex);
    UNIT_STR(hex, want);
}

static void hashes_the_examples(void)
{
    char *million = malloc(1000000);

    memset(million, 'a', 1000000);
    check(STR(""), "e3b0c44298fc1c149afbf4c8996fb924"
                   "27ae41e4649b934ca495991b7852b855");
    check(STR("abc"), "ba7816bf8f01cfea414140de5dae2223"
                      "b00361a396177a9cb410ff61f20015ad");
    check(STR("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
          "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    check(STR("abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmn"
              "hijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu"),
          "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1");
    check((struct str){ million, 1000000 },
          "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    free(million);
}

/* The digest of the digests of 0 to 200 bytes of 'x'. */
static void hashes_every_length(void)
{
    uint8_t all[201 * SHA256_BYTES];
    char text[200];

    memset(text, 'x', sizeof text);
    for (size_t n = 0; n <= 200; n++)
        sha256((struct str){ text, n }, all + n * SHA256_BYTES);
    check((struct str){ (char *)all, sizeof all },
          "2e9fcf76499976b60177466c31b8ab5caa7d4c6dd8dd97c8ce7b574af689ec94");
}

static void reads_hex(void)
{
    uint8_t out[3];

    CU_ASSERT(hex_decode(STR("00fFa9"), out, 3));
    CU_ASSERT(out[0] == 0 && out[1] == 0xFF && out[2] == 0xA9);
    CU_ASSERT(!hex_decode(STR("00ff"), out, 3));
    CU_ASSERT(!hex_decode(STR("00ffa"), out, 3));
    CU_ASSERT(!hex_decode(STR("00ffag"), out, 3));
    CU_ASSERT(!hex_decode(STR("00ff/a"), out, 3));
    CU_ASSERT(!hex_decode(STR("00ff a"), out, 3));
    CU_ASSERT(!hex_decode(STR("00ff\x10" "0"), out, 3));
    CU_ASSERT(hex_decode(STR(""), out, 0));
}

static void compares(void)
{
    uint8_t a[32] = { 0 }, b[32] = { 0 };

    for (size_t n = 0; n <= 32; n++) {
        CU_ASSERT(ct_equal(a, b, n));
        for (size_t i = 0; i < 32; i++) {
            b[i] = 0x80;
            CU_ASSERT(ct_equal(a, b, n) == (i >= n));
            b[i] = 0;
        }
    }
    CU_ASSERT(ct_equal(a, "x", 0));
}

UNIT_MAIN("sha256", { "hashes the examples", hashes_the_examples },
          { "hashes every length", hashes_every_length },
          { "reads hexadecimal", reads_hex }, { "compares", compares })

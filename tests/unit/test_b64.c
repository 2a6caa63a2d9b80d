/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Base64: the RFC's vectors, all lengths there and back, what is refused. */
#include "base/b64.h"

#include "unit.h"

static void vectors(void)
{
    static const struct {
        const char *text, *standard, *url;
    } rows[] = {
        { "", "", "" },
        { "f", "Zg==", "Zg" },
        { "fo", "Zm8=", "Zm8" },
        { "foo", "Zm9v", "Zm9v" },
        { "foob", "Zm9vYg==", "Zm9vYg" },
        { "fooba", "Zm9vYmE=", "Zm9vYmE" },
        { "foobar", "Zm9vYmFy", "Zm9vYmFy" },
        { "\xfb\xff\xbf", "+/+/", "-_-_" },
    };
    char out[64] = "";
    size_t n;

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        n = b64_encode(str_of(rows[i].text), B64_STANDARD, out);
        CU_ASSERT_TRUE(str_is((struct str){ out, n }, rows[i].standard));
        n = b64_encode(str_of(rows[i].text), B64_URL, out);
        CU_ASSERT_TRUE(str_is((struct str){ out, n }, rows[i].url));
        CU_ASSERT_TRUE(b64_decode(str_of(rows[i].standard), B64_STANDARD, out,
                                  &n));
        CU_ASSERT_TRUE(str_is((struct str){ out, n }, rows[i].text));
        CU_ASSERT_TRUE(b64_decode(str_of(rows[i].url), B64_URL, out, &n));
        CU_ASSERT_TRUE(str_is((struct str){ out, n }, rows[i].text));
    }
}

static void there_and_back(void)
{
    char bytes[300], text[B64_ENCODED_MAX(300)], back[B64_DECODED_MAX(400)];
    size_t n, m = 0;
    int bad = 0;

    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (char)(i * 167 + 13);
    for (size_t i = 0; i <= sizeof bytes; i++) {
        for (int kind = 0; kind < 2; kind++) {
            n = b64_encode((struct str){ bytes, i }, kind, text);
            bad += n > B64_ENCODED_MAX(i);
            bad += !b64_decode((struct str){ text, n }, kind, back, &m);
            bad += m != i || memcmp(back, bytes, i) != 0;
        }
    }
    UNIT_INT(bad, 0);
}

static void refuses(void)
{
    static const char *const bad[] = {
        "A",    "AAAAA", "Zg=",  "Zg===", "Z===", "=",    "====", "Zh==",
        "Zm9=", "Zm 9v", "Zm9v\n", "Zm9-", "Zm9_", "Zg==Zg==", "Z\xff==",
    };
    char out[64];
    size_t n;

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct str s = str_of(bad[i]);

        if (b64_decode(s, B64_STANDARD, out, &n))
            printf("\n'" STR_FMT "' was taken", STR_ARG(s));
        CU_ASSERT_FALSE(b64_decode(s, B64_STANDARD, out, &n));
    }
    CU_ASSERT_FALSE(b64_decode(STR("Zm9+"), B64_URL, out, &n));
    CU_ASSERT_TRUE(b64_decode(STR("Zg"), B64_STANDARD, out, &n));
    CU_ASSERT_TRUE(b64_decode(STR("Zg=="), B64_URL, out, &n));
}

UNIT_MAIN("b64", { "vectors", vectors }, { "there and back", there_and_back },
          { "refuses", refuses })

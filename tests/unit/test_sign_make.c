/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Signatures that we make are what we believe. The keys were made for this
 * test; nothing believes them. */
#include "net/sign_make.h"

#include "base/err.h"
#include "base/sha256.h"
#include "rsa_unit.h"
#include "unit.h"

#define EC_PEM \
    "-----BEGIN PRIVATE KEY-----\n" \
    "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg5gx6Ksl+CzJNyS55\n" \
    "tyvrAXTRw4pnF2iVexmRcKyf35KhRANCAASM+tVlLYqo6nX7TfF0+CTgWjkHUtBp\n" \
    "fCDszCZmP6xYXLsDosyAz2GnQFCfkhU5Mf2eeH9dIKOyxMzI0lAX03Ws\n" \
    "-----END PRIVATE KEY-----\n"

static const char rsa_n[] =
    "a98e47cb6cb2f03d5f142107bccb510282d2fa5779d73a8d5c709d79deee1757"
    "76dc97f957fd3b24d702908178c400ec9c42f51f30df3cf72a3f7149fc474ea9"
    "39e5eda91a2821a1f7823b4fc25e047d2dda08d6fef4de04cb3a149f861f84ca"
    "1e71cd492f07d09076c26cb697e12b4636371e807eb124a9c536cfe45ee6a1a3"
    "7e978f3e9454711e610501b53ac5330063dd58fda2a3328681f555c559b39c59"
    "4ec10499f1faaf772cf00555351896d8b21f685b5682f225d56c5d32210752cc"
    "f14615a3b17c4f6c11fc04f7fc33386c2443a7d40018d1c5fb9d88c65047e1aa"
    "f054e2b253790929e14e1e300330b3471753f39d35776fff0e5180535cae0501";
static const char ec_xy[] =
    "8cfad5652d8aa8ea75fb4df174f824e05a390752d0697c20eccc26663fac585c"
    "bb03a2cc80cf61a740509f92153931fd9e787f5d20a3b2c4ccc8d25017d375ac";

static uint8_t out[SIGN_SIGNATURE_MAX];
static size_t n;

static bool believed(struct sign_key *k, enum sign_alg alg, struct str data)
{
    bool good = k && sign_verify(k, alg, data, (struct str){ (char *)out, n });

    sign_key_free(k);
    return good;
}

static struct sign_key *rsa(void)
{
    char bytes[256];

    CU_ASSERT_TRUE(hex_decode(str_of(rsa_n), bytes, sizeof bytes));
    return sign_key_rsa((struct str){ bytes, sizeof bytes },
                        (struct str){ "\1\0\1", 3 });
}

static struct sign_key *ec(void)
{
    char bytes[64];

    CU_ASSERT_TRUE(hex_decode(str_of(ec_xy), bytes, sizeof bytes));
    return sign_key_ec(STR("P-256"), (struct str){ bytes, 32 },
                       (struct str){ bytes + 32, 32 });
}

static void by_rsa(void)
{
    UNIT_INT(sign_make(STR(RSA_UNIT_PEM), SIGN_RS256, STR("text"), out, &n), 0);
    UNIT_INT(n, 256);
    CU_ASSERT_TRUE(believed(rsa(), SIGN_RS256, STR("text")));
    CU_ASSERT_FALSE(believed(rsa(), SIGN_RS256, STR("other")));
}

static void by_ec(void)
{
    for (int i = 0; i < 40; i++) { /* short numbers are padded */
        UNIT_INT(sign_make(STR(EC_PEM), SIGN_ES256, STR("text"), out, &n), 0);
        UNIT_INT(n, 64);
        CU_ASSERT_TRUE(believed(ec(), SIGN_ES256, STR("text")));
    }
}

static void not_by_others(void)
{
    static const struct {
        struct str pem;
        enum sign_alg alg;
    } rows[] = {
        { STR(RSA_UNIT_PEM), SIGN_ES256 }, { STR(EC_PEM), SIGN_RS256 },
        { STR(RSA_UNIT_PEM), SIGN_HS256 }, { STR(RSA_UNIT_PEM), SIGN_PS256 },
        { STR("x"), SIGN_RS256 },     { STR(""), SIGN_RS256 },
        { STR("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----"),
          SIGN_RS256 },
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        UNIT_INT(sign_make(rows[i].pem, rows[i].alg, STR("t"), out, &n),
                 -ERR_CONFIG);
}

UNIT_MAIN("sign_make", {"by RSA", by_rsa}, {"by EC", by_ec},
          {"not by others", not_by_others})

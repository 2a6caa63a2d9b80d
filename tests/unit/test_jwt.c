/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* The claims of a token. */
#include "engine/jwt.h"

#include "unit.h"

enum { NOW = 1000000 };

static struct str audience[] = { { "llm", 3 }, { "chat", 4 } };

static int check(const char *claims)
{
    const struct conf_jwt conf = { .issuer = STR("https://id.example.com"),
                                   .audience = audience,
                                   .n_audience = 2,
                                   .leeway_ms = 60000 };
    struct err err = { 0 };
    uint64_t until = 0;
    int rc = jwt_check(&conf, str_of(claims), NOW, &until, &err);

    CU_ASSERT_EQUAL(rc, -err.code);
    if (!rc)
        CU_ASSERT(until > NOW);
    return rc;
}

#define ISS "\"iss\":\"https://id.example.com\""
#define AUD "\"aud\":\"llm\""
#define EXP "\"exp\":1000100"

static void test_good(void)
{
    CU_ASSERT_EQUAL(check("{" ISS "," AUD "," EXP "}"), 0);
    CU_ASSERT_EQUAL(check("{" ISS ",\"aud\":[\"x\",\"chat\"]," EXP "}"), 0);
    CU_ASSERT_EQUAL(check("{" ISS "," AUD ",\"exp\":1000100.5}"), 0);
    /* within the leeway */
    CU_ASSERT_EQUAL(check("{" ISS "," AUD ",\"exp\":999941}"), 0);
    CU_ASSERT_EQUAL(check("{" ISS "," AUD "," EXP ",\"nbf\":1000060}"), 0);
    CU_ASSERT_EQUAL(check("{" ISS "," AUD "," EXP ",\"iat\":1000060}"), 0);
}

static void test_refused(void)
{
    static const char *const rows[] = {
        "{" ISS "," AUD ",\"exp\":999940}",
        "{" ISS "," AUD "}",
        "{" ISS "," AUD ",\"exp\":\"1000100\"}",
        "{" ISS "," AUD ",\"exp\":null}",
        "{" ISS "," AUD ",\"exp\":-5}",
        "{" ISS "," AUD ",\"exp\":1e300}",
        "{" ISS "," AUD "," EXP ",\"nbf\":1000061}",
        "{" ISS "," AUD "," EXP ",\"nbf\":\"0\"}",
        "{" ISS "," AUD "," EXP ",\"iat\":1000061}",
        "{" AUD "," EXP "}",
        "{\"iss\":\"https://id.example.com/\"," AUD "," EXP "}",
        "{\"iss\":[\"https://id.example.com\"]," AUD "," EXP "}",
        "{" ISS "," EXP "}",
        "{" ISS ",\"aud\":\"llm2\"," EXP "}",
        "{" ISS ",\"aud\":[]," EXP "}",
        "{" ISS ",\"aud\":{\"llm\":1}," EXP "}",
        "{" ISS ",\"aud\":[[\"llm\"]]," EXP "}",
        "{" ISS "," AUD ",\"aud\":\"x\"," EXP "}",
        "{" ISS "," AUD "," EXP ",\"exp\":1000200}",
        "{" ISS "," AUD "," EXP ",\"sub\":\"a\",\"s\\u0075b\":\"b\"}",
        "[" "]",
        "foo",
        "",
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int rc = check(rows[i]);

        if (rc != -ERR_INVALID_API_KEY)
            printf("\n%s: %d", rows[i], rc);
        CU_ASSERT_EQUAL(rc, -ERR_INVALID_API_KEY);
    }
}

UNIT_MAIN("jwt", {"what is in order", test_good},
          {"what is not", test_refused})

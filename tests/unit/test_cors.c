/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Origins: which may be listed, which one matches, what the rules say. */
#include "config_fixture.h"
#include "engine/cors.h"

static void lists_what_browsers_send(void)
{
    static const char *const good[] = {
        "https://chat.example.com", "http://localhost:3000", "null",
        "http://[::1]:8080",        "http://127.0.0.1",      "app://x",
        "chrome-extension://abcdefghijklmnop",
        "https://xn--mnchen-3ya.example:8443",
    };
    static const char *const bad[] = {
        "",           "https://",          "chat.example.com", "//x",
        "https://x/", "https://x/path",    "https://X.example", "HTTPS://x",
        "https://x:", "https://x:0",       "https://x:65536",  "https://x:080",
        "http://x:80", "https://x:443",    "https://u@x",      "https://x?",
        "https://*.example.com", "*",      "http://[::1",      "http://[]",
        "http://[::1]x", "https://x:1:2",  "https://x y",      "Null",
    };
    const char *why;

    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        CU_ASSERT_TRUE(cors_origin_ok(str_of(good[i]), &why));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (cors_origin_ok(str_of(bad[i]), &why))
            printf("\nbad origin %zu passes", i);
        CU_ASSERT_FALSE(cors_origin_ok(str_of(bad[i]), &why));
    }
}

static void only_the_whole_origin_matches(void)
{
    static const char *const others[] = {
        "",                          "null",
        "https://example.com.evil",  "https://evilexample.com",
        "https://chat.example.com",  "http://example.com",
        "https://example.com:443",   "https://example.com/",
        "https://EXAMPLE.com",       "https://example.co",
        "https://example.com, null", "https://example.com https://x",
        "*",                         "https://user@example.com",
    };
    struct str list[] = { STR("https://example.com"),
                          STR("http://localhost:3000") };
    struct conf_cors c = { .origins = list, .n_origins = 2 };
    struct conf_cors any = { .origins = list, .n_origins = 1, .any = true };

    CU_ASSERT_TRUE(cors_allows(&c, list[0]));
    CU_ASSERT_TRUE(cors_allows(&c, list[1]));
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        CU_ASSERT_FALSE(cors_allows(&c, str_of(others[i])));
    CU_ASSERT_TRUE(cors_allows(&any, STR("null")));
    CU_ASSERT_FALSE(cors_allows(&any, STR_NULL));
}

static void says_names_back(void)
{
    char z[CORS_NAMES_MAX + 2];

    memset(z, 'a', sizeof z);
    CU_ASSERT_TRUE(cors_names_ok(STR("authorization,Content-Type, x-a_b")));
    CU_ASSERT_TRUE(cors_names_ok((struct str){ z, CORS_NAMES_MAX }));
    CU_ASSERT_FALSE(cors_names_ok((struct str){ z, CORS_NAMES_MAX + 1 }));
    CU_ASSERT_FALSE(cors_names_ok(STR("")));
    CU_ASSERT_FALSE(cors_names_ok(STR("a: b")));
    CU_ASSERT_FALSE(cors_names_ok(STR("a\"")));
    CU_ASSERT_FALSE(cors_names_ok(STR("a\xff")));
    CU_ASSERT_FALSE(cors_names_ok((struct str){ "a\0b", 3 }));
}

static void refused(const char *cors, const char *why)
{
    char text[400];
    struct err err = { 0 };
    json_t *t;

    snprintf(text, sizeof text,
             "provider 'sim' listen '127.0.0.1:1' { cors = %s }", cors);
    t = fixture_check(text, &err);
    CU_ASSERT_PTR_NULL(t);
    if (!strstr(err.msg, why))
        printf("\n%s: %s", cors, err.msg);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.msg, why));
    json_decref(t);
}

static void the_block_is_checked(void)
{
    struct err err = { 0 };
    json_t *t = fixture_check(
        "provider 'sim' listen '127.0.0.1:1' { cors = { origins = '*' } }",
        &err);

    CU_ASSERT_PTR_NOT_NULL(t);
    json_decref(t);
    refused("{ origins = '*', credentials = true }",
            "\"*\" with credentials would let every page");
    refused("{ origins = { '*', 'https://x' } }", "write it alone");
    refused("{ origins = { 'https://x', '*' }, credentials = true }",
            "write it alone");
    refused("{ origins = {} }", "is empty");
    refused("{ max_age = '1m' }", "origins");
    refused("{ origins = 'https://x/' }", "\"https://x/\" is no origin");
    refused("{ origins = { 'null', 'https://x:443' } }",
            "leave the port out");
    refused("{ origins = 'https://*.example.com' }", "is no origin");
    refused("{ origins = 'https://x', max_age = '25h' }", "max_age");
    fixture_clear();
}

UNIT_MAIN("cors", { "lists what browsers send", lists_what_browsers_send },
          { "only the whole origin matches", only_the_whole_origin_matches },
          { "says names back", says_names_back },
          { "the block is checked", the_block_is_checked })

/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Signed tokens and sets of keys: the vectors of Wycheproof, and small ones of
 * our own (the keys and tokens of RFC 7515 and RFC 8037). */
#include "engine/jws.h"

#include "base/b64.h"

#include "shared.h"
#include "unit.h"

#include <jansson.h>

#define ALL_ALGS ((UINT32_C(1) << SIGN_COUNT) - 1)

#define HS_KEY "{\"kty\":\"oct\",\"kid\":\"h\",\"k\":\"AyM1SysPpbyDfgZld3umj1" \
    "qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow\"}"
/* RFC 7515, A.1 */
#define HS_TOKEN "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiL" \
    "A0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0" \
    "cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
/* RFC 7515, A.3 */
#define ES_KEY "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9t" \
    "Le1gHMzV76e8Tus9uPHvRVEU\",\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYj" \
    "KIWI5a0\"}"
#define ES_TOKEN "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4M" \
    "TkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.DtEhU3ljbEg8L" \
    "38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU" \
    "1Q"
/* RFC 8037, A.4 */
#define ED_KEY "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"11qYAYKxCrfVS_7T" \
    "yWQHOg7hcvPapiMlrwIaaPcHURo\"}"
#define ED_TOKEN "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.h" \
    "gyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7" \
    "sVvpAr_MuM0KAg"

/* 0, or minus the code. */
static int check(const char *set, struct str token, uint32_t algs)
{
    struct err err = { 0 };
    struct jwks *s = jwks_parse(str_of(set), &err);
    struct arena *a = arena_new(1 << 20);
    struct jws t;
    int rc = s ? jws_parse(token, a, &t, &err) : -err.code;

    if (!rc)
        rc = jwks_verify(s, &t, algs, &err);
    arena_free(a);
    jwks_free(s);
    return rc;
}

static void test_own(void)
{
    CU_ASSERT_EQUAL(check(HS_KEY, STR(HS_TOKEN), ALL_ALGS), 0);
    CU_ASSERT_EQUAL(check(ES_KEY, STR(ES_TOKEN), ALL_ALGS), 0);
    CU_ASSERT_EQUAL(check(ED_KEY, STR(ED_TOKEN), ALL_ALGS), 0);
    /* another's key, another's algorithm */
    CU_ASSERT_EQUAL(check(ED_KEY, STR(HS_TOKEN), ALL_ALGS),
                    -ERR_INVALID_API_KEY);
    CU_ASSERT_EQUAL(check(HS_KEY, STR(ES_TOKEN), ALL_ALGS),
                    -ERR_INVALID_API_KEY);
    CU_ASSERT_EQUAL(check(HS_KEY, STR(HS_TOKEN),
                          ALL_ALGS & ~(UINT32_C(1) << SIGN_HS256)),
                    -ERR_INVALID_API_KEY);
}

/* Each bit of a token counts: none can be turned and pass. */
static void test_turned_bits(void)
{
    static const char *const pairs[][2] = { { HS_KEY, HS_TOKEN },
                                            { ES_KEY, ES_TOKEN },
                                            { ED_KEY, ED_TOKEN } };

    for (size_t i = 0; i < 3; i++) {
        char copy[512];
        size_t n = strlen(pairs[i][1]), passed = 0;

        for (size_t k = 0; k < n; k++) {
            memcpy(copy, pairs[i][1], n + 1);
            copy[k] ^= 1;
            passed += check(pairs[i][0], (struct str){ copy, n }, ALL_ALGS) ==
                      0;
            passed += check(pairs[i][0], (struct str){ pairs[i][1], k },
                            ALL_ALGS) == 0;
        }
        CU_ASSERT_EQUAL(passed, 0);
    }
}

#define BODY "eyJpc3MiOiJqb2UifQ.c2ln" /* whatever the signature is */

static int form(const char *header)
{
    struct arena *a = arena_new(1 << 20);
    struct err err = { 0 };
    struct jws t;
    char token[1024], b64[700];
    int rc;

    b64[b64_encode(str_of(header), B64_URL, b64)] = '\0';
    snprintf(token, sizeof token, "%s." BODY, b64);
    rc = jws_parse(str_of(token), a, &t, &err);
    arena_free(a);
    return rc;
}

static void test_headers(void)
{
    CU_ASSERT_EQUAL(form("{\"alg\":\"HS256\"}"), 0);
    CU_ASSERT_EQUAL(form("{\"alg\":\"none\"}"), -ERR_SYNTAX);
    CU_ASSERT_EQUAL(form("{\"alg\":\"NONE\"}"), -ERR_SYNTAX);
    CU_ASSERT_EQUAL(form("{\"alg\":\"hs256\"}"), -ERR_SYNTAX);
    CU_ASSERT_EQUAL(form("{\"typ\":\"JWT\"}"), -ERR_SYNTAX);
    CU_ASSERT_EQUAL(form("{\"alg\":256}"), -ERR_SYNTAX);
    CU_ASSERT_EQUAL(form("{\"alg\":\"none\",\"alg\":\"HS256\"}"), -ERR_SYNTAX);
    CU_ASSERT_EQUAL(form("{\"alg\":\"HS256\",\"kid\":7}"), -ERR_SYNTAX);
    CU_ASSERT_EQUAL(form("{\"alg\":\"HS256\",\"crit\":[\"exp\"]}"),
                    -ERR_SYNTAX);
    CU_ASSERT_EQUAL(form("[\"HS256\"]"), -ERR_SYNTAX);
    CU_ASSERT_EQUAL(form("{\"alg\":\"HS256\"} "), 0);
    CU_ASSERT_EQUAL(form("{\"alg\":\"HS256\"}x"), -ERR_SYNTAX);
    /* what a token brings along is not looked at */
    CU_ASSERT_EQUAL(form("{\"alg\":\"HS256\",\"jku\":\"http://evil\","
                         "\"kid\":\"../../etc/passwd\"}"), 0);
}

static void test_sets(void)
{
    struct err err = { 0 };
    struct jwks *s = jwks_parse(
        STR("{\"keys\":[" HS_KEY "," ES_KEY ",{\"kty\":\"oct\",\"k\":\"YQ\"},"
            "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe"
            "1gHMzV76e8Tus9uPHvRVEU\",\"y\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8T"
            "us9uPHvRVEU\"},{\"kty\":\"new\"},7]}"), &err);

    CU_ASSERT_PTR_NOT_NULL_FATAL(s);
    CU_ASSERT_EQUAL(jwks_count(s), 2); /* weak, off the curve, unknown: out */
    jwks_free(s);
    s = jwks_parse(STR("{\"keys\":[]}"), &err);
    CU_ASSERT(s && jwks_count(s) == 0);
    jwks_free(s);
    CU_ASSERT_PTR_NULL(jwks_parse(STR("{\"keys\":7}"), &err));
    CU_ASSERT_PTR_NULL(jwks_parse(STR("<html>"), &err));
}

/* ---- Wycheproof -------------------------------------------------------- */

/* Where we differ from the vectors, on purpose. */
static const struct {
    int id;
    bool valid; /* to us */
    const char *why;
} ours[] = {
    { 346, false, "the key says PS256, the token PS384" },
    { 347, false, "the key's alg is ES521, which does not exist" },
    { 350, false, "as 346" },
    { 351, false, "as 347" },
    { 367, true, "byte for byte 357, which is valid, with the same key" },
    { 370, true, "as 367" },
    { 372, false, "a '?' within the base64url" },
    { 373, false, "a '?' within the base64url" },
};

static bool is_valid(int id, const char *said)
{
    for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++) {
        if (ours[i].id == id)
            return ours[i].valid;
    }
    return strcmp(said, "valid") == 0;
}

static void vectors_of(json_t *group, size_t *n)
{
    json_t *key = json_object_get(group, "public"), *t;
    char *text;
    size_t i;

    if (!key)
        key = json_object_get(group, "private");
    text = json_dumps(key, JSON_COMPACT);
    json_array_foreach(json_object_get(group, "tests"), i, t) {
        int id = (int)json_integer_value(json_object_get(t, "tcId"));
        const char *said = json_string_value(json_object_get(t, "result"));
        const char *jws = json_string_value(json_object_get(t, "jws"));
        bool valid = is_valid(id, said);
        int rc;

        if (!jws) /* JSON serialization, as an object */
            jws = "{}";
        rc = check(text, str_of(jws), ALL_ALGS);
        if ((rc == 0) != valid)
            printf("wycheproof %d: %s, and rc %d\n", id, said, rc);
        CU_ASSERT_EQUAL(rc == 0, valid);
        ++*n;
    }
    free(text);
}

static void test_wycheproof(void)
{
    char path[1024];
    json_t *all, *group;
    size_t i, n = 0;

    shared_path(path, sizeof path,
                "vectors/wycheproof/json_web_signature_test.json");
    all = json_load_file(path, 0, NULL);
    if (!all)
        UNIT_SKIP("no recordings");
    json_array_foreach(json_object_get(all, "testGroups"), i, group)
        vectors_of(group, &n);
    CU_ASSERT(n >= 400);
    json_decref(all);
}

UNIT_MAIN("jws", {"tokens and keys of the standards", test_own},
          {"turned bits, cut tokens", test_turned_bits},
          {"headers", test_headers}, {"sets of keys", test_sets},
          {"wycheproof", test_wycheproof})

/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * A set of keys up to the first line feed, then a token. Whatever they are,
 * they are read or refused; the token's claims are checked as if they were
 * signed; and nothing but the one token whose signature is known is good under
 * a key that the input cannot know.
 */
#include "engine/jws.h"
#include "engine/jwt.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(x)                                                               \
    do {                                                                      \
        if (!(x)) {                                                           \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #x);           \
            abort();                                                          \
        }                                                                     \
    } while (0)

/* RFC 7515, A.1: the key, and the token that it signed */
#define KEY "{\"kty\":\"oct\",\"k\":\"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJ" \
    "QLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow\"}"
#define TOKEN "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0K" \
    "ICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnV" \
    "lfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"

enum { ALL = (1 << SIGN_COUNT) - 1, NOW = 1300819000 };

static void check_claims(struct str claims)
{
    static struct str audience[] = { { "llm", 3 } };
    const struct conf_jwt conf = { .issuer = STR("joe"),
                                   .audience = audience,
                                   .n_audience = 1 };
    struct err err = { 0 };
    uint64_t until = 0;

    if (jwt_check(&conf, claims, NOW, &until, &err) == 0)
        MUST(until > NOW);
    else
        MUST(err.code != 0 && err.msg[0]);
}

static void check_token(struct jwks *own, struct jwks *known, struct str token,
                        struct arena *a)
{
    struct err err = { 0 };
    struct jws t;

    if (jws_parse(token, a, &t, &err) != 0) {
        MUST(err.code != 0 && err.msg[0]);
        return;
    }
    MUST(t.alg < SIGN_COUNT && t.input.p == token.p && t.input.n < token.n);
    if (own && jwks_count(own))
        jwks_verify(own, &t, ALL, &err);
    err = (struct err){ 0 };
    if (jwks_verify(known, &t, ALL, &err) == 0)
        MUST(str_is(token, TOKEN));
    jwt_issuer(t.payload, a);
    check_claims(t.payload);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str token = { (const char *)data, size };
    struct str set = str_split(&token, '\n');
    struct err err = { 0 }, ignored = { 0 };
    struct jwks *known = jwks_parse(STR(KEY), &err);
    struct jwks *own = jwks_parse(set, &ignored);
    struct arena *a = arena_new(1 << 20);

    MUST(known && a && (own || ignored.code));
    if (token.p)
        check_token(own, known, token, a);
    arena_free(a);
    jwks_free(own);
    jwks_free(known);
    return 0;
}

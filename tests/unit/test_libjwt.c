/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Another's opinion: tokens that libjwt signs are good to us, and what was
 * tampered with is to neither. It is asked for every algorithm of ours that
 * the installed version knows (1.10: HS, RS and ES; later ones PS, too).
 * Where it is not installed, libjwt_absent.c takes this file's place.
 */
#include "engine/jws.h"

#include "base/b64.h"
#include "unit.h"

#include <jwt.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#define ALL_ALGS ((UINT32_C(1) << SIGN_COUNT) - 1)

enum { PEM_MAX = 4096, JWK_MAX = 2048, TOKEN_MAX = 2048, BYTES_MAX = 512 };

static const char secret[] =
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

static const struct row {
    const char *name, *curve; /* of ES */
} rows[] = {
    { "HS256", NULL }, { "HS384", NULL }, { "HS512", NULL },
    { "RS256", NULL }, { "RS384", NULL }, { "RS512", NULL },
    { "PS256", NULL }, { "PS384", NULL }, { "PS512", NULL },
    { "ES256", "P-256" }, { "ES384", "P-384" }, { "ES512", "P-521" },
};

enum { ROWS = sizeof rows / sizeof rows[0] };

/** One key in their form (PEM, or the secret) and in ours. */
struct pair {
    char private[PEM_MAX], public[PEM_MAX], jwk[JWK_MAX];
};

/* ---- keys -------------------------------------------------------------- */

static void pem_of(EVP_PKEY *key, struct pair *p)
{
    BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());
    int n;

    CU_ASSERT_FATAL(in && out);
    PEM_write_bio_PrivateKey(in, key, NULL, NULL, 0, NULL, NULL);
    PEM_write_bio_PUBKEY(out, key);
    n = BIO_read(in, p->private, PEM_MAX - 1);
    p->private[n > 0 ? n : 0] = '\0';
    n = BIO_read(out, p->public, PEM_MAX - 1);
    p->public[n > 0 ? n : 0] = '\0';
    BIO_free(in);
    BIO_free(out);
}

static void b64(const unsigned char *bytes, size_t n, char *to)
{
    to[b64_encode((struct str){ (const char *)bytes, n }, B64_URL, to)] = '\0';
}

static void number(EVP_PKEY *key, const char *name, char *to)
{
    unsigned char bytes[BYTES_MAX];
    BIGNUM *bn = NULL;
    int n;

    CU_ASSERT_FATAL(EVP_PKEY_get_bn_param(key, name, &bn) == 1);
    n = BN_bn2bin(bn, bytes);
    b64(bytes, (size_t)n, to);
    BN_free(bn);
}

static void make_rsa(struct pair *p)
{
    EVP_PKEY *key = EVP_RSA_gen(2048);
    char n[BYTES_MAX], e[BYTES_MAX];

    CU_ASSERT_PTR_NOT_NULL_FATAL(key);
    pem_of(key, p);
    number(key, OSSL_PKEY_PARAM_RSA_N, n);
    number(key, OSSL_PKEY_PARAM_RSA_E, e);
    snprintf(p->jwk, sizeof p->jwk,
             "{\"kty\":\"RSA\",\"n\":\"%s\",\"e\":\"%s\"}", n, e);
    EVP_PKEY_free(key);
}

static void make_ec(struct pair *p, const char *curve)
{
    EVP_PKEY *key = EVP_EC_gen(curve);
    unsigned char point[BYTES_MAX]; /* 4, x, y */
    char x[BYTES_MAX], y[BYTES_MAX];
    size_t n = 0;

    CU_ASSERT_PTR_NOT_NULL_FATAL(key);
    pem_of(key, p);
    CU_ASSERT_FATAL(EVP_PKEY_get_octet_string_param(
                        key, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point,
                        &n) == 1 && n % 2 == 1 && point[0] == 4);
    b64(point + 1, n / 2, x);
    b64(point + 1 + n / 2, n / 2, y);
    snprintf(p->jwk, sizeof p->jwk,
             "{\"kty\":\"EC\",\"crv\":\"%s\",\"x\":\"%s\",\"y\":\"%s\"}",
             curve, x, y);
    EVP_PKEY_free(key);
}

static void make_secret(struct pair *p, const char *text)
{
    char k[BYTES_MAX];

    b64((const unsigned char *)text, strlen(text), k);
    snprintf(p->private, sizeof p->private, "%s", text);
    snprintf(p->public, sizeof p->public, "%s", text);
    snprintf(p->jwk, sizeof p->jwk, "{\"kty\":\"oct\",\"k\":\"%s\"}", k);
}

/* Another one each time, but for secrets: those by their first byte. */
static void make(struct pair *p, const struct row *r, char first)
{
    char text[sizeof secret];

    memcpy(text, secret, sizeof secret);
    text[0] = first;
    if (r->curve)
        make_ec(p, r->curve);
    else if (r->name[0] == 'H')
        make_secret(p, text);
    else
        make_rsa(p);
}

/* ---- two opinions ------------------------------------------------------ */

static bool good_to_us(const struct pair *p, const char *token)
{
    struct err err = { 0 };
    struct jwks *set = jwks_parse(str_of(p->jwk), &err);
    struct arena *a = arena_new(1 << 20);
    struct jws t;
    bool good;

    CU_ASSERT_FATAL(set && jwks_count(set) == 1 && a);
    good = jws_parse(str_of(token), a, &t, &err) == 0 &&
           jwks_verify(set, &t, ALL_ALGS, &err) == 0;
    arena_free(a);
    jwks_free(set);
    return good;
}

static bool good_to_libjwt(const struct pair *p, const char *token)
{
    jwt_t *t = NULL;
    bool good = jwt_decode(&t, token, (const unsigned char *)p->public,
                           (int)strlen(p->public)) == 0;

    jwt_free(t);
    return good;
}

static void sign(const char *alg, const char *key, const char *who, char *to)
{
    jwt_t *t = NULL;
    char *text;

    CU_ASSERT_FATAL(jwt_new(&t) == 0);
    CU_ASSERT(jwt_add_grant(t, "iss", "https://id.example.com") == 0);
    CU_ASSERT(jwt_add_grant(t, "sub", who) == 0);
    CU_ASSERT(jwt_add_grant_int(t, "exp", 2000000000) == 0);
    CU_ASSERT_FATAL(jwt_set_alg(t, jwt_str_alg(alg),
                                (const unsigned char *)key,
                                (int)(key ? strlen(key) : 0)) == 0);
    text = jwt_encode_str(t);
    CU_ASSERT_PTR_NOT_NULL_FATAL(text);
    snprintf(to, TOKEN_MAX, "%s", text);
    free(text);
    jwt_free(t);
}

static void nobody(const char *what, const char *alg, const struct pair *p,
                   const char *token)
{
    bool us = good_to_us(p, token), them = good_to_libjwt(p, token);

    if (us || them)
        printf("\n%s, %s: good to %s%s", alg, what, us ? "us " : "",
               them ? "libjwt" : "");
    CU_ASSERT(!us);
    CU_ASSERT(!them);
}

/* ---- tampering --------------------------------------------------------- */

/* Another letter in the middle of a part: other bytes, the form is kept. */
static void turn(const char *token, int part, char *to)
{
    char *begin, *end;

    snprintf(to, TOKEN_MAX, "%s", token);
    begin = to;
    while (part-- > 0)
        begin = strchr(begin, '.') + 1;
    end = begin + strcspn(begin, ".");
    begin += (end - begin) / 2;
    *begin = *begin == 'A' ? 'B' : 'A';
}

/* `head` in the place of the header, the rest of the token as it is. */
static void behead(const char *token, const char *head, char *to)
{
    char text[BYTES_MAX];

    b64((const unsigned char *)head, strlen(head), text);
    snprintf(to, TOKEN_MAX, "%s%s", text, strchr(token, '.'));
}

static void tamper(const struct row *r, const struct pair *p,
                   const char *token)
{
    char other[TOKEN_MAX], bad[TOKEN_MAX], head[64];
    const char *signature = strrchr(token, '.') + 1;

    turn(token, 1, bad);
    nobody("payload", r->name, p, bad);
    turn(token, 2, bad);
    nobody("signature", r->name, p, bad);
    sign(r->name, p->private, "root", other);
    snprintf(bad, sizeof bad, "%.*s%s",
             (int)(strrchr(other, '.') + 1 - other), other, signature);
    nobody("the signature of another token", r->name, p, bad);
    snprintf(bad, sizeof bad, "%.*s", (int)strlen(token) - 4, token);
    nobody("cut", r->name, p, bad);
    snprintf(bad, sizeof bad, "%.*s", (int)(signature - token), token);
    nobody("no signature", r->name, p, bad);
    behead(token, "{\"alg\":\"none\",\"typ\":\"JWT\"}", bad);
    nobody("none, signed", r->name, p, bad);
    *(strrchr(bad, '.') + 1) = '\0';
    nobody("none", r->name, p, bad);
    snprintf(head, sizeof head, "{\"alg\":\"%.2s%s\",\"typ\":\"JWT\"}",
             r->name, strcmp(r->name + 2, "256") == 0 ? "384" : "256");
    behead(token, head, bad);
    nobody("another digest", r->name, p, bad);
}

/* ---- tests ------------------------------------------------------------- */

static void test_signed_by_libjwt(void)
{
    struct pair one, two;
    char token[TOKEN_MAX];
    int asked = 0;

    for (int i = 0; i < ROWS; i++) {
        const struct row *r = &rows[i];

        if (jwt_str_alg(r->name) == JWT_ALG_INVAL)
            continue;
        asked++;
        make(&one, r, 'x');
        make(&two, r, 'y');
        sign(r->name, one.private, "ann", token);
        if (!good_to_us(&one, token))
            printf("\n%s: not good to us: %s", r->name, token);
        CU_ASSERT(good_to_us(&one, token));
        CU_ASSERT(good_to_libjwt(&one, token));
        nobody("another key", r->name, &two, token);
        tamper(r, &one, token);
    }
    CU_ASSERT(asked >= 9); /* what 1.10 knows */
}

/* The public key as a secret: what libjwt says of it differs by version (1.10
 * lets it pass), which is why our keys know their type. */
static void test_public_key_as_secret(void)
{
    static const struct row rsa = { "RS256", NULL };
    struct pair p;
    char token[TOKEN_MAX];

    make(&p, &rsa, 'x');
    sign("HS256", p.public, "root", token);
    CU_ASSERT(!good_to_us(&p, token));
    sign("RS256", p.private, "ann", token);
    CU_ASSERT(good_to_us(&p, token));
}

static void test_unsigned(void)
{
    static const struct row rsa = { "RS256", NULL };
    struct pair p;
    char token[TOKEN_MAX];

    make(&p, &rsa, 'x');
    sign("none", NULL, "root", token);
    nobody("unsigned", "none", &p, token);
}

UNIT_MAIN("libjwt", {"signed by libjwt", test_signed_by_libjwt},
          {"a public key as secret", test_public_key_as_secret},
          {"unsigned", test_unsigned})

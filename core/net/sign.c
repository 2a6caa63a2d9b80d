/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Signatures by EVP. One row per algorithm says what key it needs. */
#include "net/sign.h"

#include <stdio.h>
#include <stdlib.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>

enum key_type { KEY_SECRET, KEY_RSA, KEY_EC, KEY_ED };

enum { SECRET_MIN = 32, SECRET_MAX = 4096, RSA_MIN = 2048, RSA_MAX = 8192,
       COORDINATE_MAX = 66 };

static const struct row {
    const char *name;
    enum key_type type;
    const char *digest; /* NULL: the algorithm has its own */
    size_t bytes;       /* HS: of the digest; ES: of a coordinate */
} rows[SIGN_COUNT] = {
    [SIGN_HS256] = { "HS256", KEY_SECRET, "SHA256", 32 },
    [SIGN_HS384] = { "HS384", KEY_SECRET, "SHA384", 48 },
    [SIGN_HS512] = { "HS512", KEY_SECRET, "SHA512", 64 },
    [SIGN_RS256] = { "RS256", KEY_RSA, "SHA256", 0 },
    [SIGN_RS384] = { "RS384", KEY_RSA, "SHA384", 0 },
    [SIGN_RS512] = { "RS512", KEY_RSA, "SHA512", 0 },
    [SIGN_PS256] = { "PS256", KEY_RSA, "SHA256", 0 },
    [SIGN_PS384] = { "PS384", KEY_RSA, "SHA384", 0 },
    [SIGN_PS512] = { "PS512", KEY_RSA, "SHA512", 0 },
    [SIGN_ES256] = { "ES256", KEY_EC, "SHA256", 32 },
    [SIGN_ES384] = { "ES384", KEY_EC, "SHA384", 48 },
    [SIGN_ES512] = { "ES512", KEY_EC, "SHA512", 66 },
    [SIGN_EDDSA] = { "EdDSA", KEY_ED, NULL, 0 },
};

struct sign_key {
    enum key_type type;
    EVP_PKEY *pkey;        /* all but KEY_SECRET */
    unsigned char *secret; /* KEY_SECRET */
    size_t n;              /* its bytes; KEY_EC: of a coordinate */
};

enum sign_alg sign_alg_of(struct str name)
{
    int i = 0;

    while (i < SIGN_COUNT && !str_is(name, rows[i].name))
        i++;
    return (enum sign_alg)i;
}

/* ---- keys -------------------------------------------------------------- */

/* Takes pkey; NULL is handed through. */
static struct sign_key *key_of(enum key_type type, EVP_PKEY *pkey, size_t n)
{
    struct sign_key *k = pkey ? calloc(1, sizeof *k) : NULL;

    ERR_clear_error(); /* the queue is the thread's; TLS looks at it, too */
    if (!k) {
        EVP_PKEY_free(pkey);
        return NULL;
    }
    k->type = type;
    k->pkey = pkey;
    k->n = n;
    return k;
}

struct sign_key *sign_key_secret(struct str secret)
{
    struct sign_key *k;

    if (secret.n < SECRET_MIN || secret.n > SECRET_MAX)
        return NULL;
    k = calloc(1, sizeof *k);
    if (k)
        k->secret = malloc(secret.n);
    if (!k || !k->secret) {
        free(k);
        return NULL;
    }
    memcpy(k->secret, secret.p, secret.n);
    k->n = secret.n;
    k->type = KEY_SECRET;
    return k;
}

void sign_key_free(struct sign_key *k)
{
    if (!k)
        return;
    EVP_PKEY_free(k->pkey);
    if (k->secret)
        OPENSSL_cleanse(k->secret, k->n);
    free(k->secret);
    free(k);
}

static EVP_PKEY *pkey_of(const char *type, OSSL_PARAM *params)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    EVP_PKEY *pkey = NULL;

    if (!ctx || !params || EVP_PKEY_fromdata_init(ctx) != 1 ||
        EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY, params) != 1)
        pkey = NULL;
    EVP_PKEY_CTX_free(ctx);
    return pkey;
}

static bool is_sound(EVP_PKEY *pkey)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);
    bool sound = ctx && EVP_PKEY_public_check(ctx) == 1;

    EVP_PKEY_CTX_free(ctx);
    return sound;
}

static EVP_PKEY *rsa_pkey(const BIGNUM *n, const BIGNUM *e)
{
    OSSL_PARAM_BLD *b = OSSL_PARAM_BLD_new();
    OSSL_PARAM *params = NULL;
    EVP_PKEY *pkey = NULL;

    if (b && OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
        OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_RSA_E, e) == 1)
        params = OSSL_PARAM_BLD_to_param(b);
    if (params)
        pkey = pkey_of("RSA", params);
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(b);
    return pkey;
}

struct sign_key *sign_key_rsa(struct str n, struct str e)
{
    BIGNUM *bn = NULL, *be = NULL;
    EVP_PKEY *pkey = NULL;

    if (n.n == 0 || n.n > RSA_MAX / 8 + 1 || e.n == 0 || e.n > 8)
        return NULL;
    bn = BN_bin2bn((const unsigned char *)n.p, (int)n.n, NULL);
    be = BN_bin2bn((const unsigned char *)e.p, (int)e.n, NULL);
    if (bn && be && BN_num_bits(bn) >= RSA_MIN && BN_num_bits(bn) <= RSA_MAX &&
        BN_is_odd(bn) && BN_is_odd(be) && !BN_is_one(be))
        pkey = rsa_pkey(bn, be);
    BN_free(bn);
    BN_free(be);
    return key_of(KEY_RSA, pkey, 0);
}

struct sign_key *sign_key_ec(struct str curve, struct str x, struct str y)
{
    static const struct {
        const char *name, *group;
        size_t bytes;
    } curves[] = { { "P-256", "prime256v1", 32 },
                   { "P-384", "secp384r1", 48 },
                   { "P-521", "secp521r1", 66 } };
    unsigned char point[1 + 2 * COORDINATE_MAX] = { 4 };
    OSSL_PARAM params[3] = { OSSL_PARAM_END, OSSL_PARAM_END, OSSL_PARAM_END };
    EVP_PKEY *pkey;
    char group[16];
    size_t i = 0;

    while (i < 3 && !str_is(curve, curves[i].name))
        i++;
    if (i == 3 || x.n != curves[i].bytes || y.n != curves[i].bytes)
        return NULL;
    memcpy(point + 1, x.p, x.n);
    memcpy(point + 1 + x.n, y.p, y.n);
    snprintf(group, sizeof group, "%s", curves[i].group);
    params[0] = OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME,
                                                 group, 0);
    params[1] = OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY,
                                                  point, 1 + 2 * x.n);
    pkey = pkey_of("EC", params);
    if (pkey && !is_sound(pkey)) {
        EVP_PKEY_free(pkey);
        pkey = NULL;
    }
    return key_of(KEY_EC, pkey, x.n);
}

struct sign_key *sign_key_ed(struct str curve, struct str x)
{
    const char *type = str_is(curve, "Ed25519") ? "ED25519"
                       : str_is(curve, "Ed448") ? "ED448" : NULL;

    if (!type)
        return NULL;
    return key_of(KEY_ED,
                  EVP_PKEY_new_raw_public_key_ex(
                      NULL, type, NULL, (const unsigned char *)x.p, x.n),
                  0);
}

bool sign_key_fits(const struct sign_key *k, enum sign_alg alg)
{
    if (alg >= SIGN_COUNT || rows[alg].type != k->type)
        return false;
    if (k->type == KEY_EC)
        return k->n == rows[alg].bytes;
    return k->type != KEY_SECRET || k->n >= rows[alg].bytes;
}

/* ---- checking ---------------------------------------------------------- */

static bool verify_secret(const struct sign_key *k, const struct row *row,
                          struct str data, struct str signature)
{
    unsigned char sum[EVP_MAX_MD_SIZE];
    size_t n = 0;

    return EVP_Q_mac(NULL, "HMAC", NULL, row->digest, NULL, k->secret, k->n,
                     (const unsigned char *)data.p, data.n, sum, sizeof sum,
                     &n) &&
           n == signature.n && CRYPTO_memcmp(sum, signature.p, n) == 0;
}

/* r and s side by side (RFC 7518, 3.4) as the DER that EVP takes; *der is
 * OpenSSL's. Below 0: no signature. */
static int der_of(struct str signature, size_t bytes, unsigned char **der)
{
    const unsigned char *p = (const unsigned char *)signature.p;
    ECDSA_SIG *sig = NULL;
    BIGNUM *r, *s;
    int n = -1;

    if (signature.n != 2 * bytes)
        return -1;
    r = BN_bin2bn(p, (int)bytes, NULL);
    s = BN_bin2bn(p + bytes, (int)bytes, NULL);
    if (r && s && !BN_is_zero(r) && !BN_is_zero(s))
        sig = ECDSA_SIG_new();
    if (!sig || ECDSA_SIG_set0(sig, r, s) != 1) {
        BN_free(r);
        BN_free(s);
    } else {
        n = i2d_ECDSA_SIG(sig, der);
    }
    ECDSA_SIG_free(sig);
    return n;
}

/* PSS with a salt as long as the digest (RFC 7518, 3.5). */
static bool pad(EVP_PKEY_CTX *ctx, bool pss)
{
    if (!pss)
        return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1;
    return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) == 1 &&
           EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_DIGEST) == 1;
}

static bool verify_public(struct sign_key *k, enum sign_alg alg,
                          struct str data, struct str signature)
{
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    EVP_PKEY_CTX *ctx = NULL;
    bool good = md && EVP_DigestVerifyInit_ex(md, &ctx, rows[alg].digest, NULL,
                                              NULL, k->pkey, NULL) == 1;

    if (good && k->type == KEY_RSA)
        good = pad(ctx, alg >= SIGN_PS256);
    if (good)
        good = EVP_DigestVerify(md, (const unsigned char *)signature.p,
                                signature.n, (const unsigned char *)data.p,
                                data.n) == 1;
    EVP_MD_CTX_free(md);
    return good;
}

static bool verify_ec(struct sign_key *k, enum sign_alg alg, struct str data,
                      struct str signature)
{
    unsigned char *der = NULL;
    int n = der_of(signature, rows[alg].bytes, &der);
    bool good = n > 0 && verify_public(k, alg, data,
                                       (struct str){ (char *)der, (size_t)n });

    OPENSSL_free(der);
    return good;
}

bool sign_verify(struct sign_key *k, enum sign_alg alg, struct str data,
                 struct str signature)
{
    bool good;

    if (!sign_key_fits(k, alg) || signature.n == 0 ||
        signature.n > SIGN_SIGNATURE_MAX)
        return false;
    if (k->type == KEY_SECRET)
        return verify_secret(k, &rows[alg], data, signature);
    good = k->type == KEY_EC ? verify_ec(k, alg, data, signature)
                             : verify_public(k, alg, data, signature);
    ERR_clear_error();
    return good;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* SHA-256 by EVP with the digest fetched and the context made once, at the
 * first use: a loader of policies that hash nothing needs no OpenSSL, which
 * takes a millisecond to begin with. */
#include "net/hash.h"

#include "base/err.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

struct hash {
    EVP_MD *sha256; /* both made at their first use */
    EVP_MD_CTX *ctx;
    EVP_MAC_CTX *hmac; /* made at its first use */
};

struct hash *hash_new(void)
{
    return calloc(1, sizeof(struct hash));
}

void hash_free(struct hash *h)
{
    if (!h)
        return;
    EVP_MAC_CTX_free(h->hmac);
    EVP_MD_CTX_free(h->ctx);
    EVP_MD_free(h->sha256);
    free(h);
}

static bool fetch(struct hash *h)
{
    if (!h->sha256)
        h->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    if (!h->ctx)
        h->ctx = EVP_MD_CTX_new();
    return h->sha256 && h->ctx;
}

int hash_sha256(struct hash *h, const void *data, size_t n,
                unsigned char out[HASH_SHA256_SIZE])
{
    unsigned char sum[HASH_SHA256_SIZE];

    if (!fetch(h) || EVP_DigestInit_ex(h->ctx, h->sha256, NULL) != 1 ||
        EVP_DigestUpdate(h->ctx, data, n) != 1 ||
        EVP_DigestFinal_ex(h->ctx, sum, NULL) != 1)
        return -ERR_NOMEM;
    memcpy(out, sum, sizeof sum);
    return 0;
}

static EVP_MAC_CTX *hmac_new(void)
{
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    EVP_MAC_CTX *ctx = mac ? EVP_MAC_CTX_new(mac) : NULL;
    char digest[] = "SHA256";
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end() };

    EVP_MAC_free(mac); /* the context holds its own */
    if (ctx && EVP_MAC_CTX_set_params(ctx, params) == 1)
        return ctx;
    EVP_MAC_CTX_free(ctx);
    return NULL;
}

int hash_hmac(struct hash *h, struct str key, struct str data,
              unsigned char out[HASH_SHA256_SIZE])
{
    unsigned char sum[HASH_SHA256_SIZE];
    const void *k = key.n ? key.p : ""; /* NULL would mean the key before */
    const void *d = data.n ? data.p : "";
    size_t n = 0;

    if (!h->hmac)
        h->hmac = hmac_new();
    if (!h->hmac || EVP_MAC_init(h->hmac, k, key.n, NULL) != 1 ||
        EVP_MAC_update(h->hmac, d, data.n) != 1 ||
        EVP_MAC_final(h->hmac, sum, &n, sizeof sum) != 1 || n != sizeof sum)
        return -ERR_NOMEM;
    memcpy(out, sum, sizeof sum);
    return 0;
}

int hash_sha1(const void *data, size_t n, unsigned char out[HASH_SHA1_SIZE])
{
    unsigned char sum[HASH_SHA1_SIZE];

    if (EVP_Q_digest(NULL, "SHA1", NULL, n ? data : "", n, sum, NULL) != 1)
        return -ERR_NOMEM;
    memcpy(out, sum, sizeof sum);
    return 0;
}

bool hash_equal(const void *a, const void *b, size_t n)
{
    return CRYPTO_memcmp(a, b, n) == 0;
}

int hash_random(void *out, size_t n)
{
    if (n > INT_MAX || RAND_bytes(out, (int)n) != 1)
        return -ERR_IO;
    return 0;
}

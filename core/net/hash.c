/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* SHA-256 by EVP with the digest fetched and the context made once. */
#include "net/hash.h"

#include "base/err.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

struct hash {
    EVP_MD *sha256;
    EVP_MD_CTX *ctx;
};

struct hash *hash_new(void)
{
    struct hash *h = calloc(1, sizeof *h);

    if (!h)
        return NULL;
    h->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    h->ctx = EVP_MD_CTX_new();
    if (h->sha256 && h->ctx)
        return h;
    hash_free(h);
    return NULL;
}

void hash_free(struct hash *h)
{
    if (!h)
        return;
    EVP_MD_CTX_free(h->ctx);
    EVP_MD_free(h->sha256);
    free(h);
}

int hash_sha256(struct hash *h, const void *data, size_t n,
                unsigned char out[HASH_SHA256_SIZE])
{
    unsigned char sum[HASH_SHA256_SIZE];

    if (EVP_DigestInit_ex(h->ctx, h->sha256, NULL) != 1 ||
        EVP_DigestUpdate(h->ctx, data, n) != 1 ||
        EVP_DigestFinal_ex(h->ctx, sum, NULL) != 1)
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

/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
#include "net/sign_make.h"

#include "base/err.h"

#include <limits.h>

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

enum { RSA_BITS_MIN = 2048, P256_BYTES = 32, DER_MAX = 80 };

/* A key with a password has none here, and nobody is asked for it. */
static int no_password(char *to, int size, int writing, void *ud)
{
    (void)to;
    (void)size;
    (void)writing;
    (void)ud;
    return -1;
}

static bool fits(EVP_PKEY *key, enum sign_alg alg)
{
    char group[32];
    size_t n;

    if (alg == SIGN_RS256)
        return EVP_PKEY_is_a(key, "RSA") &&
               EVP_PKEY_get_bits(key) >= RSA_BITS_MIN &&
               EVP_PKEY_get_size(key) <= SIGN_SIGNATURE_MAX;
    return alg == SIGN_ES256 && EVP_PKEY_is_a(key, "EC") &&
           EVP_PKEY_get_group_name(key, group, sizeof group, &n) == 1 &&
           str_is((struct str){ group, n }, "prime256v1");
}

/* DER to r and s side by side. */
static bool flatten(const uint8_t *der, size_t n, uint8_t *out)
{
    ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &der, (long)n);
    bool good = sig &&
                BN_bn2binpad(ECDSA_SIG_get0_r(sig), out, P256_BYTES) ==
                    P256_BYTES &&
                BN_bn2binpad(ECDSA_SIG_get0_s(sig), out + P256_BYTES,
                             P256_BYTES) == P256_BYTES;

    ECDSA_SIG_free(sig);
    return good;
}

static bool make(EVP_PKEY *key, struct str data, uint8_t *out, size_t *n)
{
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    bool good = md &&
                EVP_DigestSignInit_ex(md, NULL, "SHA256", NULL, NULL, key,
                                      NULL) == 1 &&
                EVP_DigestSign(md, out, n, (const unsigned char *)data.p,
                               data.n) == 1;

    EVP_MD_CTX_free(md);
    return good;
}

static int sign(EVP_PKEY *key, enum sign_alg alg, struct str data,
                uint8_t *out, size_t *n)
{
    uint8_t der[DER_MAX];
    size_t n_der = sizeof der;

    if (!fits(key, alg))
        return -ERR_CONFIG;
    *n = SIGN_SIGNATURE_MAX;
    if (alg == SIGN_RS256) /* PKCS#1 v1.5 is what EVP does unasked */
        return make(key, data, out, n) ? 0 : -ERR_NOMEM;
    *n = 2 * P256_BYTES;
    return make(key, data, der, &n_der) && flatten(der, n_der, out)
               ? 0 : -ERR_NOMEM;
}

int sign_make(struct str pem, enum sign_alg alg, struct str data,
              uint8_t out[SIGN_SIGNATURE_MAX], size_t *n)
{
    BIO *in = pem.n && pem.n <= INT_MAX
                  ? BIO_new_mem_buf(pem.p, (int)pem.n) : NULL;
    EVP_PKEY *key = in ? PEM_read_bio_PrivateKey(in, NULL, no_password, NULL)
                       : NULL;
    int rc = key ? sign(key, alg, data, out, n) : -ERR_CONFIG;

    EVP_PKEY_free(key);
    BIO_free(in);
    ERR_clear_error(); /* the queue is the thread's; TLS looks at it, too */
    return rc;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Certificates made on the spot, as PEM. */
#ifndef PENSTOCK_UNIT_TLS_MAKE_H
#define PENSTOCK_UNIT_TLS_MAKE_H

#include "net/tls.h"
#include "unit.h"

#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

struct made_cert {
    char cert[4096], key[4096];
    struct tls_cert pem; /* of the two above */
};

static inline void made_pem(char *out, size_t size, BIO *bio)
{
    int n = BIO_read(bio, out, (int)size - 1);

    out[n > 0 ? n : 0] = '\0';
    BIO_free(bio);
}

/** `names` as in "DNS:a.example,DNS:*.b.example"; valid for `days`. */
static inline void make_cert(struct made_cert *m, const char *names, int days)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *x = X509_new();
    X509_NAME *subject = X509_get_subject_name(x);
    X509_EXTENSION *san =
        X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, names);
    BIO *cert = BIO_new(BIO_s_mem()), *secret = BIO_new(BIO_s_mem());

    CU_ASSERT_TRUE_FATAL(key && san && cert && secret);
    X509_set_version(x, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
    X509_gmtime_adj(X509_getm_notBefore(x), -86400L * 30);
    X509_gmtime_adj(X509_getm_notAfter(x), 86400L * days);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                               (const unsigned char *)names, -1, -1, 0);
    X509_set_issuer_name(x, subject);
    X509_set_pubkey(x, key);
    X509_add_ext(x, san, -1);
    CU_ASSERT_TRUE_FATAL(X509_sign(x, key, EVP_sha256()) > 0);
    PEM_write_bio_X509(cert, x);
    PEM_write_bio_PrivateKey(secret, key, NULL, NULL, 0, NULL, NULL);
    made_pem(m->cert, sizeof m->cert, cert);
    made_pem(m->key, sizeof m->key, secret);
    m->pem.cert = str_of(m->cert);
    m->pem.key = str_of(m->key);
    X509_EXTENSION_free(san);
    X509_free(x);
    EVP_PKEY_free(key);
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
#include "net/tls_age.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <time.h>

enum { CHAIN_MAX = 64 };

static int64_t end_of(const X509 *x)
{
    struct tm tm;

    if (ASN1_TIME_to_tm(X509_get0_notAfter(x), &tm) != 1)
        return 0;
    return (int64_t)timegm(&tm);
}

int64_t tls_pem_expires(struct str pem)
{
    BIO *bio = pem.n ? BIO_new_mem_buf(pem.p, (int)pem.n) : NULL;
    int64_t first = 0;
    X509 *x;

    for (int i = 0; bio && i < CHAIN_MAX; i++) {
        int64_t at;

        x = PEM_read_bio_X509(bio, NULL, NULL, NULL);
        if (!x)
            break;
        at = end_of(x);
        if (at && (!first || at < first))
            first = at;
        X509_free(x);
    }
    BIO_free(bio);
    ERR_clear_error(); /* the end of the file is one */
    return first;
}

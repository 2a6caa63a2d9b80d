/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Hashes and comparisons of secrets for the floors above, so that OpenSSL's
 * headers stay on this one. A struct hash is fetched once and used often: the
 * fetch costs more than hashing a key. Not for two threads at once.
 */
#ifndef PENSTOCK_NET_HASH_H
#define PENSTOCK_NET_HASH_H

#include "base/str.h"

#define HASH_SHA256_SIZE 32
#define HASH_SHA1_SIZE 20

struct hash;

/** A hasher; NULL when memory is out. Owner: the caller. */
struct hash *hash_new(void);
void hash_free(struct hash *h);

/** SHA-256 of n bytes. 0, or -ERR_NOMEM with `out` untouched. O(n). */
int hash_sha256(struct hash *h, const void *data, size_t n,
                unsigned char out[HASH_SHA256_SIZE]);

/** HMAC-SHA-256 (RFC 2104). 0, or -ERR_NOMEM with `out` untouched. O(n). */
int hash_hmac(struct hash *h, struct str key, struct str data,
              unsigned char out[HASH_SHA256_SIZE]);

/** SHA-1, for names that others make with it and for nothing else. 0, or
 * -ERR_NOMEM (a library that has none, too) with `out` untouched. O(n). */
int hash_sha1(const void *data, size_t n, unsigned char out[HASH_SHA1_SIZE]);

/** The same bytes? In a time that depends on n alone. */
bool hash_equal(const void *a, const void *b, size_t n);

/** n bytes that nobody can guess. 0, or -ERR_IO. */
int hash_random(void *out, size_t n);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Checking signatures with the algorithms of JSON Web Algorithms (RFC 7518,
 * RFC 8037), for the floors above, so that OpenSSL's headers stay on this one.
 *
 * A key knows its type, and a check under an algorithm that is not of that
 * type fails before any arithmetic: an HMAC is never made of a public key.
 * Keys are made once and used often; not by two threads at once.
 */
#ifndef PENSTOCK_NET_SIGN_H
#define PENSTOCK_NET_SIGN_H

#include "base/str.h"

enum sign_alg {
    SIGN_HS256, SIGN_HS384, SIGN_HS512,
    SIGN_RS256, SIGN_RS384, SIGN_RS512,
    SIGN_PS256, SIGN_PS384, SIGN_PS512,
    SIGN_ES256, SIGN_ES384, SIGN_ES512,
    SIGN_EDDSA,
    SIGN_COUNT
};

/** "HS256|RS256|...", in the order of enum sign_alg. */
#define SIGN_ALGS "HS256|HS384|HS512|RS256|RS384|RS512|PS256|PS384|PS512|" \
                  "ES256|ES384|ES512|EdDSA"

enum { SIGN_SIGNATURE_MAX = 1024 }; /* bytes; RSA of 8192 bits */

/** By its name in a token ("RS256", case matters); SIGN_COUNT: none. */
enum sign_alg sign_alg_of(struct str name);

struct sign_key;

/*
 * Keys out of the numbers of a JWK, big-endian. NULL where they are no key,
 * where it is too weak (RSA below 2048 or above 8192 bits, an even exponent;
 * secrets below 32 bytes), or memory is out. Owner: the caller.
 */
struct sign_key *sign_key_secret(struct str secret);
struct sign_key *sign_key_rsa(struct str n, struct str e);
/** `curve`: "P-256", "P-384", "P-521"; a point off the curve is none. */
struct sign_key *sign_key_ec(struct str curve, struct str x, struct str y);
/** `curve`: "Ed25519", "Ed448". */
struct sign_key *sign_key_ed(struct str curve, struct str x);
void sign_key_free(struct sign_key *k);

/** Is the algorithm one of the key's type (and curve, and length)? */
bool sign_key_fits(const struct sign_key *k, enum sign_alg alg);

/** Is it that key's signature of `data`? False for all that goes wrong.
 * Cost, the reading of a token included: HS256 2 us, RS256 of 2048 bits
 * 21 us, ES256 64 us, Ed25519 107 us. */
bool sign_verify(struct sign_key *k, enum sign_alg alg, struct str data,
                 struct str signature);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Making signatures, for assertions that the gateway gives of itself. */
#ifndef PENSTOCK_NET_SIGN_MAKE_H
#define PENSTOCK_NET_SIGN_MAKE_H

#include "net/sign.h"

/**
 * Sign with a private key.
 *
 *   pem      in   unencrypted PKCS#8, PKCS#1 or SEC 1
 *   alg      in   SIGN_RS256 or SIGN_ES256
 *   out      out  SIGN_SIGNATURE_MAX bytes; ES256: r and s side by side, as
 *                 JSON Web Signatures have it (RFC 7518, 3.4)
 *   n        out  how many of them
 *   returns       0; -ERR_CONFIG: no key, not one for that algorithm, or
 *                 too weak (RSA below 2048 bits); -ERR_NOMEM
 *
 * Cost: RS256 of 2048 bits about 1 ms, most of it the reading of the key:
 * not for each request.
 */
int sign_make(struct str pem, enum sign_alg alg, struct str data,
              uint8_t out[SIGN_SIGNATURE_MAX], size_t *n);

#endif

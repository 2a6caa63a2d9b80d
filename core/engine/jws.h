/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Signed tokens (JWS, RFC 7515, in their compact form) and sets of keys (JWK,
 * RFC 7517), by the rules of RFC 8725: strict base64url, no duplicate names,
 * an algorithm that fits the key's type, a key that is ours. A token chooses
 * among our keys by its `kid`, a text that is compared and nothing else; what
 * it brings along (jwk, jku, x5u, x5c) is ignored, and `crit` is refused.
 */
#ifndef PENSTOCK_ENGINE_JWS_H
#define PENSTOCK_ENGINE_JWS_H

#include "base/arena.h"
#include "base/err.h"
#include "net/sign.h"

enum {
    JWS_TOKEN_MAX = 16 << 10,
    JWKS_BYTES_MAX = 256 << 10,
    JWKS_KEYS_MAX = 256,
};

struct jws {
    enum sign_alg alg;
    struct str kid;    /* p NULL: it names none */
    struct str input;  /* what is signed: header and payload, as sent */
    struct str payload, signature; /* decoded */
};

/**
 * Take a token apart. Nothing is checked but its form.
 *
 *   a        what is decoded goes there
 *   out      points into `token` and `a`
 *
 * Errors:  SYNTAX (no compact JWS; msg says why, never with its bytes), LIMIT
 *          (longer than JWS_TOKEN_MAX), NOMEM
 */
int jws_parse(struct str token, struct arena *a, struct jws *out,
              struct err *err);

/** Could it be one: three parts, and a header that begins as JSON does? */
bool jws_looks_like(struct str text);

struct jwks;

/**
 * The keys of a set ({"keys":[...]}, or one key alone). Keys that cannot
 * check signatures (another use or key_ops, unknown types, weak ones, unknown
 * alg) are left out. NULL with *err: SYNTAX, LIMIT, NOMEM.
 */
struct jwks *jwks_parse(struct str text, struct err *err);
void jwks_free(struct jwks *s);
size_t jwks_count(const struct jwks *s);

/**
 * Is the token signed by a key of the set, under one of `algs` (1 <<
 * enum sign_alg)? A kid that stands in the token must be the key's; without
 * one each key that fits is tried.
 *
 * Errors:  NOTFOUND (no key with that kid: there may be a newer set),
 *          INVALID_API_KEY
 * Cost:    one check of a signature per key that fits, see net/sign.h
 */
int jwks_verify(const struct jwks *s, const struct jws *t, uint32_t algs,
                struct err *err);

#endif

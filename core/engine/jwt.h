/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * The claims of a token (RFC 7519): who made it, for whom, and for how long.
 * exp, iss and aud must be there; nbf and iat hold where they are.
 */
#ifndef PENSTOCK_ENGINE_JWT_H
#define PENSTOCK_ENGINE_JWT_H

#include "engine/config.h"

/**
 * Check the claims of a token whose signature is good.
 *
 *   claims    in   the payload; a JSON object without duplicate names
 *   now_s     in   wall clock, seconds
 *   until_s   out  when it ends, leeway included
 *
 * Errors:  INVALID_API_KEY, with a text that a client may read
 */
int jwt_check(const struct conf_jwt *c, struct str claims, uint64_t now_s,
              uint64_t *until_s, struct err *err);

/** The issuer that a token names, unchecked: for choosing among blocks. p is
 * NULL where there is none. */
struct str jwt_issuer(struct str claims, struct arena *a);

#endif

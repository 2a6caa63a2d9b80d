/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * req.ctx: what a policy keeps of a request from one phase to the next, texts
 * by name. It lives in the run's arena and ends with the request; policies do
 * not see each other's. Bounded by count and bytes, for all policies together.
 */
#ifndef PENSTOCK_POLICY_CTX_H
#define PENSTOCK_POLICY_CTX_H

#include "policy/policy.h"

enum {
    CTX_ENTRIES = 4096,
    CTX_BYTES = 512 << 10, /* names and texts */
    CTX_KEY_MAX = 512,
};

/**
 * The text of that name, or p NULL. `owner` tells policies apart. What is
 * returned is good until the next ctx_set. O(1).
 */
struct str ctx_get(const struct policy_run *run, const void *owner,
                   struct str key);

/**
 * Copy a text there; p NULL: remove it. 0, or -ERR_LIMIT (too many, or too
 * much), -ERR_NOMEM: then nothing has changed.
 */
int ctx_set(struct policy_run *run, const void *owner, struct str key,
            struct str text);

#endif

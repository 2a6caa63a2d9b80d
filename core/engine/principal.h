/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Who calls. Made by a policy's answer (or by the listener's `anonymous`
 * rule), copied into the request's arena, enforced by the core: a policy may
 * narrow it, never widen it.
 */
#ifndef PENSTOCK_ENGINE_PRINCIPAL_H
#define PENSTOCK_ENGINE_PRINCIPAL_H

#include "base/arena.h"
#include "engine/config.h"

#include <sys/socket.h>

struct principal {
    struct str id;   /* never empty */
    struct str key, team, user;
    bool disabled;
    uint64_t expires_ms; /* 0 = never */
    struct str *models, *endpoints, *cidrs; /* globs; n 0 = all */
    size_t n_models, n_endpoints, n_cidrs;
    struct conf_pair *tags;
    size_t n_tags;
};

/** Copy of a configured key (and its team's models and tags). NULL: memory. */
struct principal *principal_of_key(struct arena *a, const struct config *c,
                                   const struct conf_key *k);

/** Key with that SHA-256, or NULL. Constant time in the digest's bytes. */
const struct conf_key *config_key_find(const struct config *c,
                                       const unsigned char sha256[32]);

/**
 * May this principal call that endpoint from there? 0, or -ERR_INVALID_API_KEY
 * (disabled, expired) or -ERR_NOT_ALLOWED with *err.
 */
int principal_admit(const struct principal *p, struct str endpoint,
                    const struct sockaddr_storage *peer, uint64_t wall_ms,
                    struct err *err);

/** May it use this model name (as the client sent it)? */
bool principal_may_use(const struct principal *p, struct str model);

#endif

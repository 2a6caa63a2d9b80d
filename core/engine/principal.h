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

/** A team that holds for a principal, beginning with its own. */
struct principal_team {
    struct str name;
    struct conf_limits limits;
    struct str *models; /* n 0 = all */
    size_t n_models;
};

struct principal {
    struct str id;   /* never empty */
    struct str key, team, user;
    bool disabled;
    uint64_t expires_ms; /* 0 = never */
    struct str *models, *endpoints, *cidrs; /* globs; n 0 = all */
    size_t n_models, n_endpoints, n_cidrs;
    struct str *team_models; /* the team's, which hold as well; n 0 = all */
    size_t n_team_models;
    struct conf_pair *tags;
    size_t n_tags;
    /* of a key of the store, or from a policy (engine/key_table.h) */
    struct principal_team *teams; /* its own and those above; all hold */
    size_t n_teams;
    const char *fault;      /* why it may do nothing; or NULL */
    struct conf_limits limits, team_limits; /* of the key, of its team */
};

/**
 * The principal of a configured key: id and key are its name; what the team
 * allows holds as well; of tags with one name the key's wins. NULL: memory.
 * Points into the configuration, which a request holds by its generation.
 */
struct principal *principal_of_key(struct arena *a, const struct config *c,
                                   const struct conf_key *k);

/**
 * Index the keys by their digest, once, when the configuration is opened; the
 * index belongs to c->owner. 0 or -ERR_NOMEM.
 */
int config_key_index(struct config *c);

/**
 * Key with that SHA-256, or NULL. The digest is compared in constant time.
 * O(1) with the index, else O(keys).
 */
const struct conf_key *config_key_find(const struct config *c,
                                       const unsigned char sha256[32]);

/**
 * May this principal call that endpoint from there? 0, or -ERR_INVALID_API_KEY
 * (disabled, expired) or -ERR_NOT_ALLOWED with *err. A peer without an address
 * (Unix socket) passes no list of networks.
 */
int principal_admit(const struct principal *p, struct str endpoint,
                    const struct sockaddr_storage *peer, uint64_t wall_ms,
                    struct err *err);

/** Is that address in one of these networks ("10.0.0.0/8", "::1")? */
bool address_listed(const struct sockaddr_storage *address,
                    const struct str *networks, size_t n);

/** May it use this model name (as the client sent it)? */
bool principal_may_use(const struct principal *p, struct str model);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* A configured key, found by its digest, as a principal; and what a principal
 * may do. What cannot be read (a network, say) allows nothing. */
#include "engine/principal.h"

#include "base/map.h"
#include "base/sha256.h"
#include "engine/key_table.h"
#include "engine/network.h"

#include <netinet/in.h>

#define MAX_KEYS 1000000

/* ---- keys by their digest ---------------------------------------------- */

static struct str digest_str(const unsigned char *d)
{
    return (struct str){ (const char *)d, SHA256_BYTES };
}

static void free_index(void *ud)
{
    map_free(ud);
}

int config_key_index(struct config *c)
{
    struct map *m = map_new(MAX_KEYS);
    int rc = m ? arena_defer(c->owner, free_index, m) : -ERR_NOMEM;

    if (rc < 0) {
        map_free(m);
        return -ERR_NOMEM;
    }
    for (size_t i = 0; i < c->n_keys && rc == 0; i++)
        rc = map_set(m, digest_str(c->keys[i].sha256), &c->keys[i]);
    if (rc == 0)
        c->key_index = m;
    return rc;
}

const struct conf_key *config_key_find(const struct config *c,
                                       const unsigned char sha256[32])
{
    const struct conf_key *found = NULL;

    if (c->key_index) {
        found = map_get(c->key_index, digest_str(sha256));
        if (!found || !ct_equal(found->sha256, sha256, SHA256_BYTES))
            return NULL;
        return found;
    }
    for (size_t i = 0; i < c->n_keys; i++) {
        if (ct_equal(c->keys[i].sha256, sha256, SHA256_BYTES))
            found = &c->keys[i];
    }
    return found;
}

/* ---- the principal of a key -------------------------------------------- */

static const struct conf_team *find_team(const struct config *c,
                                         struct str name)
{
    for (size_t i = 0; name.n && i < c->n_teams; i++) {
        if (str_eq(c->teams[i].name, name))
            return &c->teams[i];
    }
    return NULL;
}

static bool has_tag(const struct principal *p, struct str name)
{
    for (size_t i = 0; i < p->n_tags; i++) {
        if (str_eq(p->tags[i].key, name))
            return true;
    }
    return false;
}

/* A key's own tags first, then those of its team, then those above. */
static int merge_tags(struct arena *a, struct principal *p,
                      const struct config *c, const struct conf_team *team)
{
    const struct conf_pair *own = p->tags;
    size_t n_own = p->n_tags, n = n_own;

    for (const struct conf_team *t = team; t; t = find_team(c, t->parent))
        n += t->n_tags;
    if (n == n_own)
        return 0;
    p->tags = arena_alloc(a, n * sizeof *p->tags);
    if (!p->tags)
        return -ERR_NOMEM;
    p->n_tags = 0;
    for (size_t i = 0; i < n_own; i++)
        p->tags[p->n_tags++] = own[i];
    for (const struct conf_team *t = team; t; t = find_team(c, t->parent)) {
        for (size_t i = 0; i < t->n_tags; i++) {
            if (!has_tag(p, t->tags[i].key))
                p->tags[p->n_tags++] = t->tags[i];
        }
    }
    return 0;
}

/* The check saw to it that they are few and end: walk_teams. */
static int teams_above(struct arena *a, struct principal *p,
                       const struct config *c, const struct conf_team *team)
{
    if (!team->parent.n)
        return 0;
    p->teams = arena_alloc(a, KEY_TEAM_DEPTH * sizeof *p->teams);
    if (!p->teams)
        return -ERR_NOMEM;
    for (const struct conf_team *t = team; t && p->n_teams < KEY_TEAM_DEPTH;
         t = find_team(c, t->parent))
        p->teams[p->n_teams++] = (struct principal_team){
            t->name, t->limits, t->models, t->n_models };
    return 0;
}

struct principal *principal_of_key(struct arena *a, const struct config *c,
                                   const struct conf_key *k)
{
    struct principal *p = arena_alloc(a, sizeof *p);
    const struct conf_team *t = find_team(c, k->team);

    if (!p)
        return NULL;
    *p = (struct principal){
        .id = k->name,
        .key = k->name,
        .team = k->team,
        .user = k->user,
        .disabled = k->disabled,
        .expires_ms = k->expires_ms,
        .models = k->models,
        .n_models = k->n_models,
        .endpoints = k->endpoints,
        .n_endpoints = k->n_endpoints,
        .cidrs = k->cidrs,
        .n_cidrs = k->n_cidrs,
        .tags = k->tags,
        .n_tags = k->n_tags,
        .limits = k->limits,
    };
    if (!t)
        return p;
    p->team_models = t->models;
    p->n_team_models = t->n_models;
    p->team_limits = t->limits;
    if (teams_above(a, p, c, t) || merge_tags(a, p, c, t))
        return NULL;
    return p;
}

/* ---- networks ---------------------------------------------------------- */

static bool peer_bytes(const struct sockaddr_storage *peer,
                       unsigned char to[16])
{
    if (peer->ss_family == AF_INET) {
        network_map_ipv4(to, &((const struct sockaddr_in *)peer)->sin_addr);
        return true;
    }
    if (peer->ss_family != AF_INET6)
        return false;
    memcpy(to, &((const struct sockaddr_in6 *)peer)->sin6_addr, 16);
    return true;
}

bool address_listed(const struct sockaddr_storage *address,
                    const struct str *networks, size_t n)
{
    unsigned char bytes[16];

    if (!address || !peer_bytes(address, bytes))
        return false;
    for (size_t i = 0; i < n; i++) {
        struct network net;

        if (network_read(networks[i], &net) && network_has(&net, bytes))
            return true;
    }
    return false;
}

/* ---- may it? ----------------------------------------------------------- */

static bool listed(const struct str *globs, size_t n, struct str name)
{
    for (size_t i = 0; i < n; i++) {
        if (str_glob(globs[i], name))
            return true;
    }
    return n == 0;
}

int principal_admit(const struct principal *p, struct str endpoint,
                    const struct sockaddr_storage *peer, uint64_t wall_ms,
                    struct err *err)
{
    if (p->disabled)
        return err_set(err, ERR_INVALID_API_KEY, "This key is disabled.");
    if (p->expires_ms && p->expires_ms <= wall_ms)
        return err_set(err, ERR_INVALID_API_KEY, "This key has expired.");
    if (p->fault)
        return err_set(err, ERR_NOT_ALLOWED, "%s", p->fault);
    if (p->n_cidrs && !address_listed(peer, p->cidrs, p->n_cidrs))
        return err_set(err, ERR_NOT_ALLOWED,
                       "This key may not be used from your address.");
    if (!listed(p->endpoints, p->n_endpoints, endpoint))
        return err_set(err, ERR_NOT_ALLOWED,
                       "This key may not use the endpoint '" STR_FMT "'.",
                       STR_ARG(endpoint));
    return 0;
}

bool principal_may_use(const struct principal *p, struct str model)
{
    for (size_t i = 0; i < p->n_teams; i++) {
        if (!listed(p->teams[i].models, p->teams[i].n_models, model))
            return false;
    }
    return listed(p->models, p->n_models, model) &&
           listed(p->team_models, p->n_team_models, model);
}

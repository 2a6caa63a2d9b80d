/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * The table of functions over the real things. A number that is given out
 * tells by its lowest bits what it belongs to: a service's call or a token
 * (its slot's index and generation above), or a command of one of the Redis.
 */
#include "policy/reach_impl.h"

#include "base/err.h"
#include "base/slots.h"
#include "policy/state.h"

#include <stdlib.h>

enum { CALLS_MAX = 1 << 18, INDEX_BITS = 20 };
enum { OF_REDIS, OF_SERVICE, OF_TOKEN, OF_BITS = 2 };

/* ---- Redis ------------------------------------------------------------ */

static const char *on_addresses(void *ud, struct str host, const char **why)
{
    struct reach *r = ud;

    return addresses_find(r->means.addresses, host, why);
}

static void on_done(void *ud, uint64_t wait, struct resp *reply,
                    const char *why)
{
    struct reach *r = ud;

    policy_wake(r->env, wait,
                reply ? outcome_redis(reply) : outcome_error("%s", why));
}

static struct redis *open_redis(struct reach *r, const struct conf_redis *c)
{
    const struct redis_spec spec = {
        .name = c->name,
        .host = c->host,
        .unix_path = c->unix_path,
        .port = c->port,
        .user = c->user,
        .password = secret_reveal(&c->password),
        .db = c->db,
        .tls = c->tls,
        .ca_file = c->ca_file,
        .timeout_ms = c->timeout_ms,
        .connect_timeout_ms = c->connect_timeout_ms,
        .addresses = on_addresses,
        .done = on_done,
        .ud = r,
    };

    return redis_new(r->means.loop, &spec);
}

static uint64_t do_redis(void *ud, uint64_t wait,
                         const struct outside_redis *q, struct outcome **now)
{
    struct reach *r = ud;
    size_t n = r->config->n_redis, i = (size_t)(q->redis - r->config->redis);
    char why[REDIS_WHY] = "not enough memory";
    uint64_t number = 0;

    if (r->redis[i])
        number = redis_command(r->redis[i], q->args, q->n_args, wait, why);
    if (number)
        return (number * n + i) << OF_BITS | OF_REDIS;
    *now = outcome_error("%s", why);
    return 0;
}

/* ---- the table -------------------------------------------------------- */

/* A slot's id with generation and index closer together: the lowest bits are
 * free. */
static uint64_t number_of(uint64_t id, uint64_t of)
{
    return id ? ((id >> 32) << INDEX_BITS | (uint32_t)id) << OF_BITS | of : 0;
}

static uint64_t do_http(void *ud, uint64_t wait, const struct outside_http *q,
                        struct outcome **now)
{
    return number_of(reach_http(ud, wait, q, now), OF_SERVICE);
}

static uint64_t do_jwt(void *ud, uint64_t wait, const struct outside_jwt *q,
                       struct outcome **now)
{
    return number_of(reach_jwt(ud, wait, q, now), OF_TOKEN);
}

static void do_cancel(void *ud, uint64_t number)
{
    struct reach *r = ud;
    size_t n = r->config->n_redis;
    uint64_t low = (UINT64_C(1) << INDEX_BITS) - 1, v = number >> OF_BITS;
    uint64_t id = (v >> INDEX_BITS) << 32 | (v & low);

    switch (number & ((1 << OF_BITS) - 1)) {
    case OF_SERVICE: reach_http_cancel(r, id); break;
    case OF_TOKEN: reach_jwt_cancel(r, id); break;
    default:
        if (n && r->redis[v % n])
            redis_cancel(r->redis[v % n], v / n);
    }
}

static void do_free(void *ud)
{
    struct reach *r = ud;

    addresses_unwatch(&r->watch);
    if (r->slots) {
        reach_http_free(r);
        reach_jwt_free(r);
    }
    for (size_t i = 0; r->redis && i < r->config->n_redis; i++)
        redis_free(r->redis[i]);
    slots_free(r->slots);
    free(r->redis);
    free(r);
}

static void on_new_addresses(void *ud)
{
    struct reach *r = ud;

    for (size_t i = 0; i < r->config->n_redis; i++) {
        if (r->redis[i])
            redis_addresses_changed(r->redis[i]);
    }
    reach_http_addresses(r);
}

int policy_set_reach(struct policy_set *s, const struct reach_means *m)
{
    struct policy_env *env = policy_set_env(s);
    const struct config *c = env->config;
    struct reach *r;

    if (env->outside.free || c->n_services + c->n_redis + c->n_jwts == 0)
        return 0;
    r = calloc(1, sizeof *r);
    if (!r)
        return -ERR_NOMEM;
    r->means = *m;
    r->config = c;
    r->env = env;
    r->redis = calloc(c->n_redis + 1, sizeof *r->redis);
    r->slots = slots_new(CALLS_MAX);
    if (!r->redis || !r->slots) {
        do_free(r);
        return -ERR_NOMEM;
    }
    for (size_t i = 0; i < c->n_redis; i++)
        r->redis[i] = open_redis(r, &c->redis[i]);
    r->watch = (struct addresses_watch){ .fn = on_new_addresses, .ud = r };
    addresses_watch(m->addresses, &r->watch);
    reach_jwt_open(r);
    policy_set_outside(s, &(struct outside){ .http = do_http,
                                             .redis = do_redis,
                                             .jwt = m->jwt_keys ? do_jwt
                                                                : NULL,
                                             .cancel = do_cancel,
                                             .free = do_free,
                                             .ud = r });
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* The keeper's parts: resolver, metrics, issuers, store, admin,
 * ledger. */
#include "keeper/keeper.h"

#include "base/snapshot.h"
#include "engine/addresses.h"
#include "keeper/admin_http.h"
#include "keeper/alerts.h"
#include "keeper/fetcher.h"
#include "keeper/issuers.h"
#include "keeper/ledger.h"
#include "keeper/metrics_http.h"
#include "keeper/resolver.h"
#include "keeper/store_thread.h"

#include <stdlib.h>

struct keeper {
    struct keeper_env env;
    struct addresses *addresses;
    struct issuers *issuers; /* NULL: there are none */
    struct fetcher *fetcher; /* the same */
    struct resolver *resolver;
    struct metrics_http *metrics;
    struct store_thread *store;
    struct admin_http *admin;
    struct ledger *ledger;
    struct alerts *alerts;
};

/** The names that workers will ask for: base URLs, proxies, and what policies
 * reach. */
static int add_hosts(struct resolver *r, const struct config *c)
{
    int rc = 0;

    for (size_t i = 0; i < c->n_providers && !rc; i++) {
        const struct conf_provider *p = &c->providers[i];

        if (p->proxy.n)
            rc = resolver_add(r, url_host(p->proxy));
        for (size_t k = 0; k < p->n_base_urls && !rc; k++) {
            if (p->unix_socket.n == 0)
                rc = resolver_add(r, url_host(p->base_urls[k]));
        }
    }
    for (size_t i = 0; i < c->n_services && !rc; i++)
        rc = resolver_add(r, url_host(c->services[i].url));
    for (size_t i = 0; i < c->n_redis && !rc; i++)
        rc = resolver_add(r, c->redis[i].host);
    for (size_t i = 0; i < c->n_jwts && !rc; i++)
        rc = resolver_add(r, issuers_host(&c->jwts[i]));
    for (size_t i = 0; i < c->alerts.n && !rc; i++)
        rc = resolver_add(r, alerts_host(&c->alerts.list[i]));
    return rc;
}

static int open_store(struct keeper *k, const struct keeper_env *env,
                      struct err *err)
{
    const struct store_thread_env store = {
        .loop = env->loop, .folder = env->store, .config = env->config,
        .publish = env->keys, .ud = env->ud };
    struct admin_env admin = {
        .loop = env->loop, .config = env->config, .cells = env->cells,
        .generation = env->generation, .wish = env->wish, .ud = env->ud };

    if (!env->store || !*env->store)
        return 0;
    k->store = store_thread_new(&store, err);
    admin.store = k->store;
    if (k->store && env->admin_fd >= 0)
        k->admin = admin_http_new(&admin, env->admin_fd, err);
    return -err->code;
}

static int open_ledger(struct keeper *k, const struct keeper_env *env,
                       struct err *err)
{
    const struct ledger_env ledger = {
        .loop = env->loop, .rings = env->rings, .folder = env->ledger,
        .keep_ms = env->config->ledger.keep_ms,
        .spill_bytes = env->config->ledger.spill_bytes };

    if (env->rings)
        k->ledger = ledger_new(&ledger, err);
    return -err->code;
}

static int start_alerts(struct keeper *k, struct err *err)
{
    const struct alerts_env env = {
        .loop = k->env.loop, .cells = k->env.cells, .config = k->env.config,
        .addresses = k->addresses, .ledger = k->ledger, .store = k->store,
        .fetcher = k->fetcher };

    k->alerts = alerts_new(&env, err);
    return -err->code;
}

struct store_thread *keeper_store(struct keeper *k)
{
    return k->store;
}

/* For the workers, and for ourselves. */
static void on_addresses(void *ud, int fd)
{
    struct keeper *k = ud;
    struct err err = { 0 };
    struct snapshot *s = snapshot_open(fd, &err);

    k->env.publish(k->env.ud, fd);
    if (!s)
        return;
    addresses_update(k->addresses, s);
    snapshot_unref(s);
}

static int on_host(void *ud, struct str host)
{
    return resolver_add_late(((struct keeper *)ud)->resolver, host);
}

static void on_jwks(void *ud, int fd)
{
    const struct keeper *k = ud;

    k->env.publish_jwks(k->env.ud, fd);
}

static int open_issuers(struct keeper *k, struct err *err)
{
    const struct issuers_env env = { .loop = k->env.loop,
                                     .config = k->env.config,
                                     .addresses = k->addresses,
                                     .resolve = on_host,
                                     .publish = on_jwks,
                                     .ud = k };

    if (k->env.config->n_jwts == 0)
        return 0;
    k->issuers = issuers_new(&env, k->env.jwks, err);
    return k->issuers ? 0 : -err->code;
}

static void on_fetched(void *ud, int fd)
{
    const struct keeper *k = ud;

    k->env.publish_fetched(k->env.ud, fd);
}

static const struct plugin *on_plugin(void *ud, const struct conf_provider *p,
                                      struct err *err)
{
    const struct keeper *k = ud;

    return k->env.plugin(k->env.ud, p, err);
}

static int open_fetcher(struct keeper *k, struct err *err)
{
    const struct fetcher_env env = { .loop = k->env.loop,
                                     .config = k->env.config,
                                     .addresses = k->addresses,
                                     .health = cells_health(k->env.cells),
                                     .world = fetch_world(),
                                     .plugin = on_plugin,
                                     .resolve = on_host,
                                     .publish = on_fetched,
                                     .ud = k };

    if (!fetcher_has_work(k->env.config))
        return 0;
    k->fetcher = fetcher_new(&env, k->env.fetched, err);
    return k->fetcher ? 0 : -err->code;
}

void keeper_ask_fetch(struct keeper *k, struct str id)
{
    if (k->fetcher)
        fetcher_ask(k->fetcher, id);
}

void keeper_ask_jwks(struct keeper *k, struct str name)
{
    if (k->issuers)
        issuers_ask(k->issuers, name);
}

struct keeper *keeper_new(const struct keeper_env *env, struct err *err)
{
    struct keeper *k = calloc(1, sizeof *k);

    if (!k) {
        err_set(err, ERR_NOMEM, "no memory");
        return NULL;
    }
    k->env = *env;
    k->addresses = addresses_new();
    k->resolver = k->addresses ? resolver_new(env->loop, on_addresses, k, err)
                               : NULL;
    if (!k->addresses)
        err_set(err, ERR_NOMEM, "no memory");
    if (k->resolver && add_hosts(k->resolver, env->config) != 0)
        err_set(err, ERR_LIMIT, "too many host names");
    else if (k->resolver && env->metrics_fd >= 0)
        k->metrics = metrics_http_new(env->loop, env->cells, env->metrics_fd,
                                      err);
    if (err->code == 0)
        open_store(k, env, err);
    if (err->code == 0)
        open_ledger(k, env, err);
    if (err->code == 0 && open_fetcher(k, err) == 0)
        start_alerts(k, err);
    if (err->code == 0 && open_issuers(k, err) == 0 &&
        resolver_start(k->resolver, err) == 0)
        return k;
    keeper_free(k);
    return NULL;
}

void keeper_wished(struct keeper *k, uint64_t call, struct str answer)
{
    if (k->admin)
        admin_http_wished(k->admin, call, answer);
}

void keeper_hand_over(struct keeper *k)
{
    store_thread_free(k->store); /* it answers the admin listener's calls */
    k->store = NULL;
    admin_http_free(k->admin);
    k->admin = NULL;
    metrics_http_free(k->metrics);
    k->metrics = NULL;
}

void keeper_free(struct keeper *k)
{
    if (!k)
        return;
    alerts_free(k->alerts);
    ledger_free(k->ledger);
    store_thread_free(k->store);
    admin_http_free(k->admin);
    metrics_http_free(k->metrics);
    issuers_free(k->issuers);
    fetcher_free(k->fetcher);
    resolver_free(k->resolver);
    addresses_free(k->addresses);
    free(k);
}

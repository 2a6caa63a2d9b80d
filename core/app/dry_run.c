/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Dry runs. The loader makes the bundle, with all providers diverted to a
 * socket in a private folder; then one loop holds it all: the mock behind that
 * socket, a worker's flow and server on a port of the loopback, and a client
 * with one request. Where the caller is said to be elsewhere, the client is a
 * proxy that the listener trusts.
 */
#include "app/dry_run.h"

#include "app/dry_client.h"
#include "app/loader.h"
#include "base/snapshot.h"
#include "engine/config.h"
#include "engine/kv.h"
#include "engine/limit.h"
#include "flow/flow.h"
#include "mock/mock.h"
#include "net/listen.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CONNECTIONS = 64, KV_BYTES = 1 << 20, LIMIT_MS = 30000 };

struct dry_run {
    char folder[64];
    struct paths paths;
    struct loaded loaded;
    struct plugin_set *plugins;
};

/* One request's world. */
struct world {
    struct loop *loop;
    struct http_client *client;
    struct addresses *addresses;
    struct kv *kv;
    struct limiter *limiter;
    struct outside *outside;
    struct mock *mock;
    struct generation *gen;
    struct flow *flow;
    struct http_server *server;
    struct flow_listener tag;
    struct conf_listen rules; /* of the listener, and who may speak for it */
    struct str *trusted;
    struct dry_client *asks;
    struct loop_timer limit;
    struct dry_answer *out;
    int mock_fd, fd;
    bool told, timeout;
};

/* ---- the configuration ------------------------------------------------- */

static int remove_one(const char *path, const struct stat *st, int type,
                      struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static int load_plugins(struct dry_run *d, struct err *err)
{
    int rc = 0;

    d->plugins = plugin_set_new();
    if (!d->plugins)
        return err_set(err, ERR_NOMEM, "no memory");
    for (size_t i = 0; i < d->loaded.n_plugins && rc == 0; i++) {
        const struct loaded_plugin *p = &d->loaded.plugins[i];

        rc = plugin_set_load(d->plugins, str_of(p->name), p->path, err);
    }
    return rc;
}

static int make_folder(struct dry_run *d, struct err *err)
{
    const char *tmp = getenv("TMPDIR");
    int n = snprintf(d->folder, sizeof d->folder, "%s/penstock-dry-XXXXXX",
                     tmp && strlen(tmp) < 40 ? tmp : "/tmp");

    if (n < 0 || (size_t)n >= sizeof d->folder || !mkdtemp(d->folder)) {
        d->folder[0] = '\0';
        return err_errno(err, "cannot make a private folder");
    }
    snprintf(d->paths.state, sizeof d->paths.state, "%s/state", d->folder);
    snprintf(d->paths.divert, sizeof d->paths.divert, "%s/mock", d->folder);
    return 0;
}

struct dry_run *dry_run_new(const char *file, const struct paths *p,
                            struct err *err)
{
    struct dry_run *d = calloc(1, sizeof *d);
    int rc;

    if (!d) {
        err_set(err, ERR_NOMEM, "no memory");
        return NULL;
    }
    d->paths = *p;
    rc = make_folder(d, err);
    if (rc == 0)
        rc = loader_load(&d->loaded, file, &d->paths, 0, -1, err);
    if (rc == 0)
        rc = load_plugins(d, err);
    if (rc == 0)
        return d;
    dry_run_free(d);
    return NULL;
}

void dry_run_free(struct dry_run *d)
{
    if (!d)
        return;
    plugin_set_free(d->plugins);
    loaded_clear(&d->loaded);
    if (d->folder[0])
        nftw(d->folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    free(d);
}

struct generation *dry_run_generation(struct dry_run *d,
                                      struct policy_probe *probe,
                                      struct err *err)
{
    return generation_probed(d->loaded.bundle, 0, d->plugins, probe, err);
}

void dry_answer_clear(struct dry_answer *a)
{
    json_decref(a->story);
    buf_clear(&a->raw);
    a->story = NULL;
}

/* ---- the world ----------------------------------------------------------- */

/* The client has its answer, and the request is over. */
static void check_end(struct world *w)
{
    if (dry_client_done(w->asks) && (w->told || flow_inflight(w->flow) == 0))
        loop_stop(w->loop);
}

static void on_story(void *ud, struct str json)
{
    struct world *w = ud;

    json_decref(w->out->story);
    w->out->story = json_loadb(json.p, json.n, 0, NULL);
    w->told = true;
    check_end(w);
}

static void on_client(void *ud)
{
    check_end(ud);
}

static void on_limit(void *ud)
{
    struct world *w = ud;

    w->timeout = true;
    loop_stop(w->loop);
}

static int open_mock(struct world *w, struct dry_run *d,
                     const struct dry_ask *ask, struct err *err)
{
    const struct mock_options options = { .stop_fd = -1, .lenient = true };
    char address[PATHS_MAX + 8], *rules;
    int rc;

    snprintf(address, sizeof address, "unix:%s", d->paths.divert);
    w->mock = mock_new(w->loop, &options, err);
    if (!w->mock)
        return -err->code;
    rc = listen_open(str_of(address), 1, &w->mock_fd, err);
    if (rc) {
        w->mock_fd = -1;
        return rc;
    }
    if (ask->upstream) {
        rules = json_dumps(ask->upstream, JSON_COMPACT);
        rc = rules ? mock_set_faults(w->mock, str_of(rules), err)
                   : err_set(err, ERR_CONFIG, "upstream: is not UTF-8");
        free(rules);
    }
    if (rc == 0 && mock_listen(w->mock, w->mock_fd) != 0)
        rc = err_set(err, ERR_NOMEM, "no memory");
    return rc;
}

static int open_flow(struct world *w, struct dry_run *d,
                     struct policy_probe *probe, struct err *err)
{
    struct flow_env env = { .loop = w->loop, .client = w->client,
                            .addresses = w->addresses, .kv = w->kv,
                            .limiter = w->limiter,
                            .outside = w->outside, .story = on_story,
                            .story_ud = w };

    w->gen = dry_run_generation(d, probe, err);
    if (!w->gen)
        return -err->code;
    w->flow = flow_new(&env, w->gen);
    return w->flow ? 0 : err_set(err, ERR_NOMEM, "no memory");
}

/* The client speaks for somebody else. */
static int trust_client(struct world *w, struct err *err)
{
    size_t n = w->rules.n_trusted_proxies;

    w->trusted = calloc(n + 1, sizeof *w->trusted);
    if (!w->trusted)
        return err_set(err, ERR_NOMEM, "no memory");
    if (n)
        memcpy(w->trusted, w->rules.trusted_proxies, n * sizeof *w->trusted);
    w->trusted[n] = STR("127.0.0.1/32");
    w->rules.trusted_proxies = w->trusted;
    w->rules.n_trusted_proxies = n + 1;
    return 0;
}

/* The listener whose rules hold, by its address. */
static int find_listener(struct world *w, const struct dry_ask *ask,
                         struct err *err)
{
    const struct config *c = generation_config(w->gen);

    for (size_t i = 0; i < c->n_listens; i++) {
        if (ask->listen && !str_is(c->listens[i].address, ask->listen))
            continue;
        w->rules = c->listens[i];
        w->tag = (struct flow_listener){ &w->rules, (uint32_t)i };
        return ask->client_ip ? trust_client(w, err) : 0;
    }
    return err_set(err, ERR_NOTFOUND, "the configuration has no listener %s",
                   ask->listen ? ask->listen : "at all");
}

static int open_server(struct world *w, const struct dry_ask *ask,
                       struct err *err)
{
    const struct conf_server *s = &generation_config(w->gen)->server;
    const struct http_limits limits = {
        .head_bytes = s->max_header_bytes,
        .max_fields = s->max_header_fields,
        .max_connections = CONNECTIONS,
        .head_timeout_ms = LIMIT_MS,
        .body_timeout_ms = LIMIT_MS,
        .idle_timeout_ms = LIMIT_MS,
        .write_stall_ms = LIMIT_MS,
        .high_water = s->high_water,
        .low_water = s->low_water,
    };
    int rc = find_listener(w, ask, err);

    if (rc)
        return rc;
    rc = listen_open(STR("127.0.0.1:0"), 1, &w->fd, err);
    if (rc) {
        w->fd = -1;
        return rc;
    }
    w->server = http_server_new(w->loop, &limits, flow_handler(), w->flow);
    if (!w->server ||
        !http_server_listen(w->server, w->fd, NULL, &w->tag))
        return err_set(err, ERR_NOMEM, "no memory");
    return 0;
}

static int open_world(struct world *w, struct dry_run *d,
                      const struct dry_ask *ask, struct policy_probe *probe,
                      struct err *err)
{
    int rc;

    w->loop = loop_new();
    w->addresses = addresses_new();
    w->kv = kv_new(KV_BYTES, false, err);
    w->limiter = limiter_new(KV_BYTES, 1, CONNECTIONS, false, err);
    w->outside = dry_outside_new(ask->http, ask->redis, ask->jwt);
    if (!w->loop || !w->addresses || !w->kv || !w->limiter || !w->outside ||
        limiter_enter(w->limiter, 0))
        return err_set(err, ERR_NOMEM, "no memory");
    w->client = http_client_new(w->loop, CONNECTIONS, err);
    rc = w->client ? 0 : -err->code;
    if (rc == 0)
        rc = open_mock(w, d, ask, err);
    if (rc == 0)
        rc = open_flow(w, d, probe, err);
    if (rc == 0)
        rc = open_server(w, ask, err);
    if (rc == 0) {
        w->asks = dry_client_new(w->loop, w->fd, ask, on_client, w, err);
        rc = w->asks ? 0 : -err->code;
    }
    return rc;
}

/* From the top down, as a worker. */
static void close_world(struct world *w)
{
    if (w->asks) {
        buf_put(&w->out->raw, dry_client_answer(w->asks));
        dry_client_free(w->asks);
    }
    if (w->server)
        http_server_free(w->server);
    flow_free(w->flow);
    generation_unref(w->gen);
    mock_free(w->mock);
    if (w->client)
        http_client_free(w->client);
    addresses_free(w->addresses);
    dry_outside_free(w->outside);
    limiter_free(w->limiter);
    kv_free(w->kv);
    free(w->trusted);
    if (w->loop)
        loop_free(w->loop);
    if (w->fd >= 0)
        close(w->fd);
    if (w->mock_fd >= 0)
        close(w->mock_fd);
}

int dry_run_ask(struct dry_run *d, const struct dry_ask *ask,
                struct policy_probe *probe, struct dry_answer *out,
                struct err *err)
{
    struct world w = { .out = out, .fd = -1, .mock_fd = -1 };
    int rc = open_world(&w, d, ask, probe, err);

    buf_init(&out->raw, DRY_ANSWER_MAX + 1);
    if (rc == 0) {
        loop_timer_init(&w.limit, w.loop, on_limit, &w);
        loop_timer_set(&w.limit, LIMIT_MS);
        loop_run(w.loop);
        loop_timer_stop(&w.limit);
        if (w.timeout)
            rc = err_set(err, ERR_TIMEOUT, "no answer within %d s",
                         LIMIT_MS / 1000);
    }
    close_world(&w);
    return rc;
}

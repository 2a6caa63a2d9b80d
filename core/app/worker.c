/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * A worker's life: put together in worker_open, run, taken apart. What the
 * master says is a table of messages in worker_hear.c.
 */
#include "app/worker.h"

#include "app/message.h"
#include "app/worker_impl.h"
#include "base/log.h"
#include "engine/config.h"
#include "engine/key_table.h"
#include "net/listen.h"

#include <stdlib.h>
#include <unistd.h>

#define BEAT_MS 500
#define QUEUE_MS 50 /* drain: what waits to be accepted is accepted */

/* ---- the beat ---------------------------------------------------------- */

static void on_turn(void *ud, uint64_t now_ms)
{
    struct worker *w = ud;

    cells_beat(w->process, now_ms, flow_inflight(w->flow),
               http_server_connections(w->server));
}

static void grew(enum metric_id id, uint64_t was, uint64_t is)
{
    if (is > was)
        metric_add(id, NULL, is - was);
}

static void tell_upstream(struct worker *w)
{
    struct http_client_sums is = http_client_sums(w->client);

    grew(METRIC_UP_OPENED, w->up.opened, is.opened);
    grew(METRIC_UP_REUSED, w->up.reused, is.reused);
    grew(METRIC_UP_CLOSED_IDLE, w->up.closed_idle, is.closed_idle);
    grew(METRIC_UP_WAITED, w->up.waited, is.waited);
    atomic_store(&w->process->up_open, is.open);
    atomic_store(&w->process->up_idle, is.idle);
    w->up = is;
}

/** Even an idle loop turns; counters of other floors become metrics here. */
static void on_beat(void *ud)
{
    struct worker *w = ud;
    uint64_t slow = loop_slow_turns(w->loop), lost = log_lost();
    uint64_t calls = loop_slow_callbacks(w->loop);

    if (slow > w->slow_turns)
        metric_add(METRIC_SLOW_TURNS, NULL, slow - w->slow_turns);
    if (calls > w->slow_callbacks)
        metric_add(METRIC_SLOW_CALLBACKS, NULL, calls - w->slow_callbacks);
    if (lost > w->log_lost)
        metric_add(METRIC_LOG_LOST, NULL, lost - w->log_lost);
    w->slow_turns = slow;
    w->slow_callbacks = calls;
    w->log_lost = lost;
    tell_upstream(w);
    worker_shadow_tell(w);
    worker_vitals(w, BEAT_MS);
    loop_timer_set(&w->beat, BEAT_MS);
}

/* ---- listening --------------------------------------------------------- */

static uint32_t *id_of(struct worker *w, uint32_t slot, size_t listener)
{
    return &w->ids[slot * w->m->listeners.n + listener];
}

/* Every n-th of the sockets, from the slot's own: there are more of them than
 * slots where fewer workers followed more. */
int worker_listen(struct worker *w, uint32_t slot)
{
    const struct listeners *l = &w->m->listeners;

    for (size_t i = 0; i < l->n * l->slots; i++) {
        size_t at = i / l->n;
        uint32_t *id = id_of(w, (uint32_t)at, i % l->n);

        if (*id || at % w->m->n_workers != slot)
            continue;
        *id = http_server_listen(w->server, l->list[i % l->n].fds[at],
                                 w->tls[i % l->n], &w->tags[i % l->n]);
        if (*id == 0)
            return -ERR_NOMEM;
    }
    return 0;
}

void worker_unlisten(struct worker *w, uint32_t slot)
{
    const struct listeners *l = &w->m->listeners;

    for (size_t i = 0; i < l->n * l->slots; i++) {
        size_t at = i / l->n;
        uint32_t *id = id_of(w, (uint32_t)at, i % l->n);

        if (*id == 0 || at % w->m->n_workers != slot)
            continue;
        http_server_unlisten(w->server, *id);
        *id = 0;
    }
}

/* ---- draining ---------------------------------------------------------- */

static void on_empty(void *ud)
{
    struct worker *w = ud;

    loop_stop(w->loop);
}

static void on_queue_served(void *ud)
{
    struct worker *w = ud;

    for (uint32_t slot = 0; slot < w->m->n_workers; slot++)
        worker_unlisten(w, slot);
    message_send(w->sock.fd, MSG_UNLISTENED, 0, STR_NULL, -1);
    http_server_drain(w->server, on_empty, w);
    loop_timer_set(&w->close_fds, QUEUE_MS);
}

/** A turn after the loop let go of them, see net/loop.h. */
static void on_close_fds(void *ud)
{
    struct worker *w = ud;

    for (size_t i = 0; !w->closed && i < w->m->listeners.n; i++) {
        for (size_t slot = 0; slot < w->m->listeners.slots; slot++)
            close(w->m->listeners.list[i].fds[slot]);
    }
    w->closed = true;
}

static void on_drain_over(void *ud)
{
    struct worker *w = ud;

    loop_stop(w->loop); /* what still runs is ended by worker_close */
}

void worker_drain(struct worker *w, bool replaced)
{
    if (w->draining)
        return;
    w->draining = true;
    atomic_store(&w->process->state, PROC_DRAINING);
    worker_abandon(w);
    flow_drain(w->flow, replaced);
    /* what waits in the queue is the next one's, where there is a next */
    loop_timer_set(&w->drain, replaced ? 0 : QUEUE_MS);
    loop_timer_set(&w->limit, w->m->config->server.drain_timeout_ms);
}

/* ---- opening and closing ----------------------------------------------- */

static int load_plugins(struct worker *w, struct err *err)
{
    int rc = 0;

    w->plugins = plugin_set_new();
    if (!w->plugins)
        return err_set(err, ERR_NOMEM, "no memory");
    for (size_t i = 0; i < w->m->loaded.n_plugins && !rc; i++) {
        const struct loaded_plugin *p = &w->m->loaded.plugins[i];

        rc = plugin_set_load(w->plugins, str_of(p->name), p->path, err);
    }
    plugin_set_heed(w->plugins, cells_charges(w->m->cells));
    return rc;
}

static int open_flow(struct worker *w, struct err *err)
{
    struct flow_env env = {
        .loop = w->loop,
        .client = w->client,
        .cells = w->m->cells,
        .process = w->process,
        .addresses = w->addresses,
        .keys = w->keys,
        .jwt_keys = w->jwt_keys,
        .fetched = w->fetched,
        .kv = w->m->kv,
        .ledger = ledger_ring(w->m->rings,
                              cells_index(w->m->cells, w->process)),
        .limiter = w->m->limiter,
        .boot_id = cells_boot_id(w->m->cells),
        .worker = atomic_load(&w->process->slot),
    };

    if (limiter_enter(env.limiter, cells_index(env.cells, w->process)))
        return err_set(err, ERR_NOMEM, "no memory");
    w->gen = generation_new(w->m->loaded.bundle, w->m->generation, w->plugins,
                            err);
    if (!w->gen)
        return -err->code;
    cells_generation(w->process, w->m->generation);
    w->flow = flow_new(&env, w->gen);
    return w->flow ? 0 : err_set(err, ERR_NOMEM, "no memory");
}

static int open_server(struct worker *w, struct err *err)
{
    const struct conf_server *s = &generation_config(w->gen)->server;
    const struct http_limits limits = {
        .head_bytes = s->max_header_bytes,
        .max_fields = s->max_header_fields,
        .max_connections = s->max_connections,
        .head_timeout_ms = s->header_timeout_ms,
        .body_timeout_ms = s->body_timeout_ms,
        .idle_timeout_ms = s->idle_timeout_ms,
        .write_stall_ms = s->write_stall_ms,
        .high_water = s->high_water,
        .low_water = s->low_water,
    };
    size_t n = w->m->listeners.n;

    w->server = http_server_new(w->loop, &limits, flow_handler(), w->flow);
    w->ids = calloc(n * w->m->listeners.slots + 1, sizeof *w->ids);
    w->tags = calloc(n + 1, sizeof *w->tags);
    if (!w->server || !w->ids || !w->tags)
        return err_set(err, ERR_NOMEM, "no memory");
    for (size_t i = 0; i < n; i++) {
        w->tags[i].conf = listener_conf(&w->m->listeners.list[i],
                                        generation_config(w->gen));
        w->tags[i].index = (uint32_t)i;
    }
    w->tls = worker_tls_open(w, w->gen, err);
    return w->tls ? 0 : -err->code;
}

static int open_all(struct worker *w, struct err *err)
{
    int rc = rights_drop(&w->m->loaded.rights, err);

    if (rc)
        return rc;
    worker_crash_handler(w->process);
    w->loop = loop_new();
    w->addresses = addresses_new();
    w->keys = key_table_new();
    w->jwt_keys = jwt_keys_new(w->m->config);
    w->fetched = fetched_set_new();
    if (!w->loop || !w->addresses || !w->keys || !w->jwt_keys || !w->fetched)
        return err_set(err, ERR_NOMEM, "no memory");
    w->client = http_client_new(w->loop, w->m->config->server.max_connections,
                                err);
    if (!w->client)
        return -err->code;
    if (w->m->addresses)
        addresses_update(w->addresses, w->m->addresses);
    if (w->m->keys.base)
        key_table_update(w->keys, w->m->keys.base);
    if (w->m->keys.delta)
        key_table_update(w->keys, w->m->keys.delta);
    if (w->m->jwks)
        jwt_keys_update(w->jwt_keys, w->m->jwks);
    if (w->m->fetched)
        fetched_update(w->fetched, w->m->fetched);
    rc = load_plugins(w, err);
    if (!rc)
        rc = open_flow(w, err);
    if (!rc)
        rc = open_server(w, err);
    if (!rc && worker_listen(w, atomic_load(&w->process->slot)) != 0)
        rc = err_set(err, ERR_IO, "cannot watch the listeners");
    return rc;
}

static void start(struct worker *w, int sock)
{
    loop_timer_init(&w->beat, w->loop, on_beat, w);
    loop_timer_init(&w->drain, w->loop, on_queue_served, w);
    loop_timer_init(&w->close_fds, w->loop, on_close_fds, w);
    loop_timer_init(&w->limit, w->loop, on_drain_over, w);
    loop_io_init(&w->sock, w->loop, sock, worker_hear, w);
    loop_io_want(&w->sock, LOOP_READ);
    jwt_keys_on_ask(w->jwt_keys, worker_ask_jwks, w);
    fetched_on_ask(w->fetched, worker_ask_fetch, w);
    loop_on_turn(w->loop, on_turn, w);
    on_beat(w);
    message_send(sock, MSG_READY, 0, STR_NULL, -1);
}

static void stop(struct worker *w)
{
    loop_on_turn(w->loop, NULL, NULL);
    loop_timer_stop(&w->beat);
    loop_timer_stop(&w->drain);
    loop_timer_stop(&w->close_fds);
    loop_timer_stop(&w->limit);
    loop_io_stop(&w->sock);
}

/** Requests end with their access lines; then from the top down. */
static void close_all(struct worker *w)
{
    if (w->server)
        http_server_free(w->server);
    worker_abandon(w);
    worker_tls_close(w, w->tls);
    flow_free(w->flow);
    generation_unref(w->gen);
    plugin_set_free(w->plugins);
    if (w->client)
        http_client_free(w->client);
    addresses_free(w->addresses);
    key_table_free(w->keys);
    jwt_keys_free(w->jwt_keys);
    fetched_set_free(w->fetched);
    if (w->loop)
        loop_free(w->loop);
    free(w->tags);
    free(w->ids);
}

int worker_run(const struct child *c)
{
    struct worker w = { .m = c->m, .process = c->post->cell };
    struct err err = { 0 };
    int rc = open_all(&w, &err);

    if (rc) {
        char text[sizeof err.at + sizeof err.msg + 4];

        snprintf(text, sizeof text, "%s%s%s", err.at, *err.at ? ": " : "",
                 err.msg);
        message_send(c->sock, MSG_FAILED, 0, str_of(text), -1);
    } else {
        start(&w, c->sock);
        loop_run(w.loop);
        stop(&w);
    }
    close_all(&w);
    return rc ? 1 : 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * What is kept open to each host. libcurl owns the connections and closes an
 * old one when a transfer looks for one of the same host; where none does, it
 * would keep it until the host closes. So idle sockets are walked every few
 * seconds: one whose time has come is shut down, and libcurl drops it with
 * its next look.
 */
#include "net/http_client_impl.h"

#include <stdlib.h>
#include <sys/socket.h>

enum {
    SWEEP_MS = 1000,
    PEAK_MS = 120000, /* the most in use is remembered for one to two of it */
    IDLE_MS = 90000,  /* where nothing is said */
};

/* "https://api.example.com:443" of its URL; a socket's path. */
static struct str origin(struct str url, const char *unix_path)
{
    ptrdiff_t at = str_find(url, STR("://"));
    size_t n = at < 0 ? 0 : (size_t)at + 3;

    if (unix_path)
        return str_of(unix_path);
    while (n < url.n && !memchr("/?#", url.p[n], 3))
        n++;
    return (struct str){ url.p, n };
}

static struct hc_pool *pool_new(struct http_client *c, struct str key)
{
    struct hc_pool *p = calloc(1, sizeof *p);

    if (!p)
        return NULL;
    TAILQ_INIT(&p->waiting);
    p->idle_ms = IDLE_MS;
    if (map_set(c->pools, key, p) == 0)
        return p;
    free(p);
    return NULL;
}

struct hc_pool *hc_pool_get(struct http_client *c,
                            const struct http_call_spec *spec)
{
    struct str key = origin(spec->url, spec->unix_path);
    struct hc_pool *p = map_get(c->pools, key);

    return p ? p : pool_new(c, key);
}

void hc_pool_heed(struct hc_pool *p, const struct http_call_spec *spec)
{
    p->max = spec->pool_max;
    p->idle_ms = spec->pool_idle_ms ? spec->pool_idle_ms : IDLE_MS;
}

void hc_pools_free(struct http_client *c)
{
    size_t at = 0;
    struct str key;
    void *v;

    while (c->pools && map_next(c->pools, &at, &key, &v))
        free(v);
    map_free(c->pools);
}

/* ---- calls ------------------------------------------------------------- */

static void turn(struct hc_pool *p, uint64_t now)
{
    uint64_t past = now - p->peak_ms;

    if (past < PEAK_MS)
        return;
    p->peak_before = past < 2 * PEAK_MS ? p->peak : p->busy;
    p->peak = p->busy;
    p->peak_ms = now;
}

bool hc_pool_enter(struct http_call *x)
{
    struct hc_pool *p = x->pool;

    if (!p || x->beside)
        return true;
    if (p->max && p->busy >= p->max) {
        x->waits = true;
        TAILQ_INSERT_TAIL(&p->waiting, x, ready);
        x->c->sums.waited++;
        return false;
    }
    p->busy++;
    turn(p, loop_now_ms(x->c->loop));
    if (p->busy > p->peak)
        p->peak = p->busy;
    return true;
}

void hc_pool_leave(struct http_call *x)
{
    struct hc_pool *p = x->pool;
    struct http_call *next;

    if (!p || x->beside)
        return;
    p->busy--;
    next = TAILQ_FIRST(&p->waiting);
    if (!next || (p->max && p->busy >= p->max))
        return;
    hc_pool_unwait(next);
    p->busy++;
    hc_go(next);
}

void hc_pool_unwait(struct http_call *x)
{
    TAILQ_REMOVE(&x->pool->waiting, x, ready);
    x->waits = false;
}

/* ---- sockets ----------------------------------------------------------- */

void hc_pool_opened(struct hc_sock *k, struct hc_pool *p)
{
    struct http_client *c = k->shard->c;

    k->pool = p;
    c->sums.opened++;
    if (!c->sums.open++)
        loop_timer_set(&c->sweep, SWEEP_MS);
    if (p)
        p->open++;
}

void hc_pool_idle(struct hc_sock *k, bool idle)
{
    struct http_client *c = k->shard->c;

    if (k->idle == idle || k->shut)
        return;
    k->idle = idle;
    c->sums.idle += idle ? 1 : (uint32_t)-1;
    k->idle_ms = loop_now_ms(c->loop);
}

/* It counts no more, whether its descriptor is closed now or later. */
void hc_pool_closed(struct hc_sock *k)
{
    if (k->shut)
        return;
    hc_pool_idle(k, false);
    k->shut = true;
    k->shard->c->sums.open--;
    if (k->pool)
        k->pool->open--;
}

void hc_sock_shut(struct hc_sock *k)
{
    loop_io_want(&k->io, 0);
    shutdown(k->io.fd, SHUT_RDWR);
    hc_pool_closed(k);
}

void hc_pools_sweep(void *ud)
{
    struct http_client *c = ud;
    uint64_t now = loop_now_ms(c->loop);

    for (size_t i = 0; i < c->n_socks; i++) {
        struct hc_sock *k = c->socks[i];

        if (!k || !k->idle || k->shut ||
            now < k->idle_ms + (k->pool ? k->pool->idle_ms : IDLE_MS))
            continue;
        c->sums.closed_idle++;
        hc_sock_shut(k);
    }
    if (c->sums.open)
        loop_timer_set(&c->sweep, SWEEP_MS);
}

/* ---- what others ask --------------------------------------------------- */

bool http_client_is_full(const struct http_client *c, struct str url,
                         const char *unix_path)
{
    const struct hc_pool *p = map_get(c->pools, origin(url, unix_path));

    return p && p->max && p->busy >= p->max;
}

uint32_t http_client_lacks(struct http_client *c, struct str url,
                           const char *unix_path)
{
    struct hc_pool *p = map_get(c->pools, origin(url, unix_path));
    uint32_t most;

    if (!p)
        return 0;
    turn(p, loop_now_ms(c->loop));
    most = p->peak > p->peak_before ? p->peak : p->peak_before;
    most = p->max && most > p->max ? p->max : most;
    return most > p->open ? most - p->open : 0;
}

struct http_client_sums http_client_sums(const struct http_client *c)
{
    return c->sums;
}

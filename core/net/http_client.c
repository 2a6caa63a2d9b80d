/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * The life of a call: start, what came is told, pause and resume, the end.
 * See http_client_impl.h for why callbacks run outside libcurl.
 */
#include "net/http_client_impl.h"

#include <stdio.h>
#include <stdlib.h>

static void on_deliver(void *ud)
{
    hc_deliver(ud);
}

struct http_client *http_client_new(struct loop *l, size_t max_idle,
                                    struct err *err)
{
    struct http_client *c;

    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        err_set(err, ERR_NOMEM, "libcurl does not start");
        return NULL;
    }
    c = calloc(1, sizeof *c);
    if (c) {
        c->hosts = map_new(HC_HOSTS_MAX);
        c->pools = map_new(HC_HOSTS_MAX);
    }
    if (!c || !c->hosts || !c->pools) {
        map_free(c ? c->hosts : NULL);
        map_free(c ? c->pools : NULL);
        free(c);
        curl_global_cleanup();
        err_set(err, ERR_NOMEM, "HTTP client");
        return NULL;
    }
    c->loop = l;
    c->max_idle = max_idle < 16 ? 16 : max_idle;
    TAILQ_INIT(&c->all);
    TAILQ_INIT(&c->ready);
    c->deliver.fn = on_deliver;
    c->deliver.ud = c;
    loop_timer_init(&c->sweep, l, hc_pools_sweep, c);
    return c;
}

void http_client_free(struct http_client *c)
{
    struct hc_easy *e;

    if (!c)
        return;
    while (!TAILQ_EMPTY(&c->all))
        http_call_cancel(TAILQ_FIRST(&c->all));
    for (size_t i = 0; i < c->n_shards; i++)
        hc_shard_close(c->shards[i]);
    while ((e = c->idle)) {
        c->idle = e->next;
        hc_easy_free(e);
    }
    for (size_t i = 0; i < c->n_socks; i++)
        hc_sock_close(c, (int)i); /* each knows its shard */
    for (size_t i = 0; i < c->n_shards; i++)
        free(c->shards[i]);
    for (size_t i = 0; i < c->n_spare; i++)
        buf_clear(&c->spare[i]);
    loop_timer_stop(&c->sweep);
    hc_pools_free(c);
    hc_hosts_free(c);
    loop_undefer(&c->deliver);
    free(c->socks);
    free(c);
    curl_global_cleanup();
}

size_t http_client_active(const struct http_client *c)
{
    return c->active;
}

/* Called within libcurl or before hc_deliver runs anyway. */
void hc_ready(struct http_call *x)
{
    if (x->is_ready || x->dead)
        return;
    x->is_ready = true;
    TAILQ_INSERT_TAIL(&x->c->ready, x, ready);
}

/* As above, from the caller's side: see to it that hc_deliver runs. */
static void ready_soon(struct http_call *x)
{
    hc_ready(x);
    loop_defer(x->c->loop, &x->c->deliver);
}

/* Let go of libcurl's part. */
static void detach(struct http_call *x)
{
    struct hc_easy *e = x->e;

    if (!e)
        return;
    x->e = NULL;
    if (x->waits) {
        hc_pool_unwait(x);
        hc_easy_put(x->c, e);
    } else {
        curl_multi_remove_handle(x->shard->m, e->h);
        hc_easy_put(x->c, e);
        x->shard->active--;
        hc_pool_leave(x);
    }
    x->c->active--;
    free(x->fields);
    x->fields = NULL;
}

static void call_free(struct http_call *x)
{
    hc_buf_back(x->c, &x->head);
    hc_buf_back(x->c, &x->in);
    free(x->fields);
    free(x);
}

/* No callback after this; the memory goes when no callback is running. */
static void bury(struct http_call *x)
{
    x->dead = true;
    detach(x);
    if (x->is_ready)
        TAILQ_REMOVE(&x->c->ready, x, ready);
    x->is_ready = false;
    TAILQ_REMOVE(&x->c->all, x, all);
    if (!x->in_cb)
        call_free(x);
}

void http_call_cancel(struct http_call *x)
{
    if (!x->dead)
        bury(x);
}

void hc_finish(struct http_call *x, CURLcode code)
{
    hc_result(x, code);
    detach(x);
    x->finished = true;
    hc_ready(x);
}

/* The head is on: the request's fields are not needed any more. */
static void drop_fields(struct http_call *x)
{
    if (x->e)
        curl_easy_setopt(x->e->h, CURLOPT_HTTPHEADER, NULL);
    free(x->fields);
    x->fields = NULL;
}

static void tell_data(struct http_call *x)
{
    struct http_client *c = x->c;
    struct buf mine = x->in;

    x->in = (struct buf)BUF_INIT(HC_IN_MAX);
    x->ops->on_data(x->ud, buf_str(&mine));
    hc_buf_back(c, &mine);
}

bool hc_is_full(const struct http_call *x)
{
    size_t n = buf_len(&x->in);

    if (x->held || !x->e)
        return false;
    return n >= HC_TURN_BYTES || (x->paused && n > 0);
}

void hc_hold(struct http_call *x, bool hold)
{
    x->held = hold;
    curl_easy_pause(x->e->h, (hold ? CURLPAUSE_RECV : CURLPAUSE_CONT) |
                                 (x->starved ? CURLPAUSE_SEND : 0));
}

void http_call_feed(struct http_call *x)
{
    if (!x->starved || x->dead || !x->e)
        return;
    x->starved = false;
    curl_easy_pause(x->e->h, x->held ? CURLPAUSE_RECV : CURLPAUSE_CONT);
    loop_defer(x->c->loop, &x->c->deliver);
}

/* As the caller wishes by now. A pause while nothing is held back costs
 * nothing until bytes come (hc_on_bytes). */
static void apply_pause(struct http_call *x)
{
    if (!x->e)
        return;
    if (x->paused && hc_is_full(x))
        hc_hold(x, true);
    else if (!x->paused && x->held)
        hc_hold(x, false);
}

static void tell(struct http_call *x)
{
    x->in_cb = true;
    if (x->head_done && !x->told) {
        drop_fields(x);
        hc_tell_head(x);
    }
    if (!x->dead && !x->paused && x->told && buf_len(&x->in))
        tell_data(x);
    if (!x->dead && x->finished && !buf_len(&x->in)) {
        x->ops->on_done(x->ud, &x->res);
        if (!x->dead)
            bury(x);
    }
    x->in_cb = false;
    if (x->dead)
        call_free(x);
    else
        apply_pause(x);
}

void hc_deliver(struct http_client *c)
{
    struct http_call *x;

    while ((x = TAILQ_FIRST(&c->ready))) {
        TAILQ_REMOVE(&c->ready, x, ready);
        x->is_ready = false;
        tell(x);
    }
}

void http_call_pause(struct http_call *x)
{
    x->paused = true;
}

void http_call_resume(struct http_call *x)
{
    if (!x->paused || x->dead)
        return;
    x->paused = false;
    if (x->held || buf_len(&x->in) || x->finished)
        ready_soon(x);
}

bool http_call_body_sent(const struct http_call *x)
{
    curl_off_t up = 0;

    if (!x->e || !x->body.n)
        return true;
    curl_easy_getinfo(x->e->h, CURLINFO_SIZE_UPLOAD_T, &up);
    return (uint64_t)up >= x->body.n;
}

/* Where to: fills x->host, or notes that the call fails for want of it. */
static int find_way(struct http_call *x, const struct http_call_spec *spec,
                    bool *literal, struct err *err)
{
    struct hc_url u;
    int rc = hc_url_parse(spec->url, &u, err);

    if (rc == 0 && spec->proxy)
        rc = hc_proxy_parse(str_of(spec->proxy), &u, err);
    if (rc)
        return rc;
    *literal = u.literal || spec->unix_path;
    if (*literal)
        return 0;
    if (!spec->addresses || !spec->addresses[0]) {
        x->finished = true;
        x->res.fail = HTTP_FAIL_ADDRESS;
        snprintf(x->res.text, sizeof x->res.text,
                 "no address for " STR_FMT " yet", STR_ARG(u.host));
        return 0;
    }
    x->host = hc_host_get(x->c, &u, spec->addresses, err);
    if (!x->host)
        return -ERR_NOMEM;
    x->host_gen = x->host->gen;
    return 0;
}

void hc_go(struct http_call *x)
{
    x->shard->active++;
    if (curl_multi_add_handle(x->shard->m, x->e->h) == CURLM_OK)
        return;
    x->res.fail = HTTP_FAIL_INTERNAL;
    snprintf(x->res.text, sizeof x->res.text, "no memory for a transfer");
    x->finished = true;
    ready_soon(x);
}

static int launch(struct http_call *x, const struct http_call_spec *spec,
                  bool literal, struct err *err)
{
    struct hc_shard *s = hc_shard_pick(x->c);
    struct hc_easy *e = s ? hc_easy_get(x->c) : NULL;

    if (!e)
        return err_set(err, ERR_NOMEM, "HTTP call");
    x->shard = s;
    e->may_resolve = literal;
    if (hc_easy_setup(e, x, spec, err)) {
        hc_easy_put(x->c, e);
        return err_set(err, ERR_NOMEM, "HTTP call");
    }
    x->e = e;
    x->c->active++;
    if (hc_pool_enter(x))
        hc_go(x);
    return 0;
}

static bool is_method(struct str m)
{
    for (size_t i = 0; i < m.n; i++) {
        if (m.p[i] < 'A' || m.p[i] > 'Z')
            return false;
    }
    return m.n > 0 && m.n < 32;
}

struct http_call *http_client_start(struct http_client *c,
                                    const struct http_call_spec *spec,
                                    const struct http_call_ops *ops, void *ud,
                                    struct err *err)
{
    struct http_call *x = calloc(1, sizeof *x);
    bool literal = false;

    if (!x) {
        err_set(err, ERR_NOMEM, "HTTP call");
        return NULL;
    }
    x->c = c;
    x->ops = ops;
    x->ud = ud;
    x->body = spec->body;
    x->beside = spec->beside;
    x->content_length = -1;
    buf_init(&x->head, HC_HEAD_MAX);
    buf_init(&x->in, HC_IN_MAX);
    if (!is_method(spec->method)) {
        err_set(err, ERR_SYNTAX, "bad method");
        goto fail;
    }
    x->fields = hc_fields_new(spec, err);
    if (!x->fields || find_way(x, spec, &literal, err))
        goto fail;
    if (!x->finished && launch(x, spec, literal, err))
        goto fail;
    TAILQ_INSERT_TAIL(&c->all, x, all);
    if (x->finished)
        ready_soon(x);
    return x;
fail:
    call_free(x);
    return NULL;
}

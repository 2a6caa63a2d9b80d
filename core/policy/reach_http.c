/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Calls of services: address, one request with one limit in time, a bounded
 * answer. The HTTP client tries nothing twice; a kept connection that turned
 * out dead before a byte came is no reason to fail, so that such a call is
 * begun once more, within the same limit.
 */
#include "policy/reach_impl.h"

#include "base/slots.h"

#include <stdio.h>
#include <stdlib.h>

enum { URL_MAX = 32 << 10, FIELDS_MAX = 128, TOKEN_MAX = 66 << 10 };

struct reach_call {
    struct reach *reach;
    uint64_t id, wait;
    struct outside_http q; /* what it points at is the caller's */
    struct http_call *x;   /* NULL: it waits for an address */
    struct loop_timer timer;
    struct outcome *head;  /* once the head is there */
    struct outcome *failed; /* why; told with the timer */
    struct buf body;
    bool again;            /* it was begun once more */
    struct reach_call *next, **prev;
};

/* ---- the end ---------------------------------------------------------- */

/* Take it apart; nothing comes of it any more. */
static void drop(struct reach_call *c)
{
    if (c->x)
        http_call_cancel(c->x);
    loop_timer_stop(&c->timer);
    slots_del(c->reach->slots, c->id);
    *c->prev = c->next;
    if (c->next)
        c->next->prev = c->prev;
    outcome_free(c->head);
    outcome_free(c->failed);
    buf_clear(&c->body);
    free(c);
}

/* Tell who waits; the last thing to do. */
static void finish(struct reach_call *c, struct outcome *o)
{
    struct policy_env *env = c->reach->env;
    uint64_t wait = c->wait;

    drop(c);
    policy_wake(env, wait, o);
}

static void on_timer(void *ud)
{
    struct reach_call *c = ud;
    struct outcome *o = c->failed;

    c->failed = NULL;
    finish(c, o ? o : outcome_error("timeout"));
}

/* ---- the answer ------------------------------------------------------- */

static void on_head(void *ud, const struct http_answer *a)
{
    struct reach_call *c = ud;

    c->head = outcome_http(a->status, a->headers, a->n_headers, STR_NULL);
    if (!c->head)
        finish(c, NULL);
}

static void on_data(void *ud, struct str bytes)
{
    struct reach_call *c = ud;
    int rc = buf_put(&c->body, bytes);

    if (rc)
        finish(c, rc == -ERR_LIMIT ? outcome_error("too large") : NULL);
}

static struct outcome *failure(const struct http_call_result *r)
{
    static const char *const kinds[] = {
        [HTTP_FAIL_ADDRESS] = "connect",  [HTTP_FAIL_CONNECT] = "connect",
        [HTTP_FAIL_TLS] = "tls",          [HTTP_FAIL_RESET] = "reset",
        [HTTP_FAIL_CUT] = "cut",          [HTTP_FAIL_PROTOCOL] = "protocol",
        [HTTP_FAIL_INTERNAL] = "internal",
    };

    if (r->fail == HTTP_FAIL_CONNECT_TIMEOUT)
        return outcome_error("timeout");
    return outcome_error("%s: %s", kinds[r->fail], r->text);
}

static struct outcome *whole_answer(struct reach_call *c)
{
    struct outcome *o = c->head;
    size_t n = buf_len(&c->body);

    c->head = NULL;
    o->owned = buf_take(&c->body);
    o->body = (struct str){ o->owned ? o->owned : "", n };
    return o;
}

static const char *begin(struct reach_call *c, struct err *err);

static void on_done(void *ud, const struct http_call_result *r)
{
    struct reach_call *c = ud;
    struct err err = { 0 };

    c->x = NULL;
    if (r->fail == HTTP_FAIL_RESET && r->reused && !c->again) {
        const char *why;

        c->again = true;
        why = begin(c, &err);
        if (why)
            finish(c, outcome_error("connect: %s", why));
    } else if (r->fail == HTTP_OK && c->head) {
        finish(c, whole_answer(c));
    } else {
        finish(c, failure(r));
    }
}

/* ---- the request ------------------------------------------------------ */

static size_t put_fields(const struct reach_call *c, struct http_header *h,
                         struct str token)
{
    const struct conf_service *s = c->q.service;
    size_t n = 0;

    h[n++] = (struct http_header){ STR("user-agent"),
                                   STR("penstock/" PS_VERSION) };
    if (token.n)
        h[n++] = (struct http_header){ STR("authorization"), token };
    for (size_t i = 0; i < s->n_headers && n < FIELDS_MAX; i++)
        h[n++] = (struct http_header){ s->headers[i].key,
                                       s->headers[i].value };
    for (size_t i = 0; i < c->q.n_headers && n < FIELDS_MAX; i++)
        h[n++] = c->q.headers[i];
    return n;
}

static void start(struct reach_call *c, const char *addresses,
                  struct err *err)
{
    static const struct http_call_ops ops = { on_head, on_data, on_done };
    const struct conf_service *s = c->q.service;
    struct str secret = secret_reveal(&s->token);
    struct buf url = BUF_INIT(URL_MAX), token = BUF_INIT(TOKEN_MAX);
    struct http_header fields[FIELDS_MAX];
    struct http_call_spec spec = {
        .method = c->q.method,
        .addresses = addresses,
        .headers = fields,
        .body = c->q.body,
        .connect_timeout_ms = c->q.timeout_ms,
        .ca_file = s->ca_file.n ? s->ca_file.p : NULL,
    };

    if (secret.n)
        buf_printf(&token, "Bearer " STR_FMT, STR_ARG(secret));
    if (buf_put(&url, s->url) || buf_put(&url, c->q.path) ||
        (secret.n && !buf_len(&token))) {
        err_set(err, ERR_NOMEM, "not enough memory");
    } else {
        spec.url = buf_str(&url);
        spec.n_headers = put_fields(c, fields, buf_str(&token));
        c->x = http_client_start(c->reach->means.client, &spec, &ops, c, err);
    }
    secret_wipe(&token);
    buf_clear(&url);
}

/* NULL: it runs, or waits for an address; else why it cannot. */
static const char *begin(struct reach_call *c, struct err *err)
{
    const char *why = NULL, *addresses;

    addresses = addresses_find(c->reach->means.addresses,
                               url_host(c->q.service->url), &why);
    if (!addresses)
        return why;
    start(c, addresses, err);
    return c->x ? NULL : err->msg;
}

/* ---- for reach.c ------------------------------------------------------ */

static struct reach_call *call_new(struct reach *r, uint64_t wait,
                                   const struct outside_http *q)
{
    struct reach_call *c = calloc(1, sizeof *c);

    if (!c)
        return NULL;
    c->id = slots_add(r->slots, c);
    if (!c->id) {
        free(c);
        return NULL;
    }
    c->reach = r;
    c->wait = wait;
    c->q = *q;
    buf_init(&c->body, q->service->max_body);
    c->next = r->calls;
    c->prev = &r->calls;
    if (c->next)
        c->next->prev = &c->next;
    r->calls = c;
    loop_timer_init(&c->timer, r->means.loop, on_timer, c);
    loop_timer_set(&c->timer, q->timeout_ms);
    return c;
}

uint64_t reach_http(struct reach *r, uint64_t wait,
                    const struct outside_http *q, struct outcome **now)
{
    struct reach_call *c = call_new(r, wait, q);
    struct err err = { 0 };
    const char *why;

    if (!c)
        return 0;
    why = begin(c, &err);
    if (!why)
        return c->id;
    *now = outcome_error("connect: %s", why);
    drop(c);
    return 0;
}

void reach_http_cancel(struct reach *r, uint64_t number)
{
    struct reach_call *c = slots_get(r->slots, number);

    if (c)
        drop(c);
}

/* Nobody is told in here: what a policy does then could change the list. */
void reach_http_addresses(struct reach *r)
{
    for (struct reach_call *c = r->calls; c; c = c->next) {
        struct err err = { 0 };
        const char *why = c->x || c->failed ? NULL : begin(c, &err);

        if (!why)
            continue;
        c->failed = outcome_error("connect: %s", why);
        loop_timer_set(&c->timer, 0);
    }
}

void reach_http_free(struct reach *r)
{
    while (r->calls)
        drop(r->calls);
}

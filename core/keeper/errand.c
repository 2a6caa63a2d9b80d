/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
#include "keeper/errand.h"

#include "engine/secret.h"

#include <stdio.h>

static void wait_for_address(struct errand *e)
{
    struct errands *all = e->all;

    if (e->prev)
        return;
    e->next = all->waiting;
    e->prev = &all->waiting;
    if (e->next)
        e->next->prev = &e->next;
    all->waiting = e;
}

static void wait_no_more(struct errand *e)
{
    if (!e->prev)
        return;
    *e->prev = e->next;
    if (e->next)
        e->next->prev = e->prev;
    e->prev = NULL;
}

/* ---- the call ----------------------------------------------------------- */

static void on_head(void *ud, const struct http_answer *a)
{
    struct errand *e = ud;

    e->status = a->status;
    if (e->ops->on_head)
        e->ops->on_head(e->ud, a);
}

static void on_data(void *ud, struct str bytes)
{
    struct errand *e = ud;

    if (buf_put(&e->body, bytes) == 0)
        return;
    http_call_cancel(e->x);
    e->x = NULL;
    e->ops->on_done(e->ud, "the answer is too large", e->status, STR_NULL);
}

static void on_done(void *ud, const struct http_call_result *r)
{
    struct errand *e = ud;

    e->x = NULL;
    e->ops->on_done(e->ud, r->fail == HTTP_OK ? NULL : r->text, e->status,
                    buf_str(&e->body));
}

static const struct http_call_ops call_ops = { on_head, on_data, on_done };

/* NULL and no call: there is no address yet. */
static const char *start(struct errand *e, struct err *err)
{
    struct errand_ask ask = {
        .spec = { .headers = ask.fields, .n_headers = 2 },
        .fields = { { STR("accept"), STR("application/json") },
                    { STR("user-agent"), STR("penstock/" PS_VERSION) } } };
    const char *why = e->ops->on_ask(e->ud, &ask);
    struct str host = url_host(ask.spec.url);

    if (why)
        return why;
    ask.spec.addresses = addresses_find(e->all->addresses, host, &why);
    if (!ask.spec.addresses)
        return why || e->all->resolve(e->all->ud, host) == 0
                   ? why : "too many host names";
    secret_wipe(&e->body);
    e->status = 0;
    e->x = http_client_start(e->all->client, &ask.spec, &call_ops, e, err);
    return e->x ? NULL : err->msg;
}

void errand_go(struct errand *e)
{
    struct err err = { 0 };
    const char *why;

    wait_no_more(e);
    why = start(e, &err);
    if (why)
        e->ops->on_done(e->ud, why, 0, STR_NULL);
    else if (!e->x)
        wait_for_address(e);
}

void errand_stop(struct errand *e)
{
    wait_no_more(e);
    if (e->x)
        http_call_cancel(e->x);
    e->x = NULL;
    secret_wipe(&e->body);
}

void errand_init(struct errand *e, struct errands *all,
                 const struct errand_ops *ops, void *ud, size_t body_max)
{
    *e = (struct errand){ .all = all, .ops = ops, .ud = ud };
    buf_init(&e->body, body_max);
}

/* ---- all of them -------------------------------------------------------- */

/* Each of those that wait now is tried once; one that must go on waiting
 * joins the others anew. */
static void on_addresses(void *ud)
{
    struct errands *all = ud;
    struct errand *list = all->waiting;

    all->waiting = NULL;
    if (list)
        list->prev = &list;
    while (list)
        errand_go(list);
}

int errands_open(struct errands *all, struct loop *l, size_t max_idle,
                 struct err *err)
{
    all->client = http_client_new(l, max_idle, err);
    if (!all->client)
        return -err->code;
    all->watch = (struct addresses_watch){ .fn = on_addresses, .ud = all };
    addresses_watch(all->addresses, &all->watch);
    return 0;
}

void errands_close(struct errands *all)
{
    addresses_unwatch(&all->watch);
    if (all->client)
        http_client_free(all->client);
    all->client = NULL;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Requests of the keeper's own: they wait for addresses, each for itself, and
 * end once, with all of the answer or with the reason. */
#include "keeper/errand.h"
#include "unit.h"
#include "upstream.h"

#include <stdio.h>

enum { BODY_MAX = 64 };

static struct loop *loop;
static struct errands all;
static struct up *up;
static struct loop_timer late;
static unsigned resolved;
static int resolve_rc;

struct trip {
    struct errand errand;
    const char *url, *no; /* no: it does not ask at all */
    char why[160], body[2 * BODY_MAX];
    int done, status;
    struct trip *stops; /* at its end */
};

static int on_resolve(void *ud, struct str host)
{
    (void)ud;
    CU_ASSERT(host.n != 0);
    resolved++;
    return resolve_rc;
}

static const char *on_ask(void *ud, struct errand_ask *ask)
{
    const struct trip *t = ud;

    ask->spec.method = STR("GET");
    ask->spec.url = str_of(t->url);
    return t->no;
}

static void on_done(void *ud, const char *why, int status, struct str body)
{
    struct trip *t = ud;

    t->done++;
    t->status = status;
    snprintf(t->why, sizeof t->why, "%s", why ? why : "");
    snprintf(t->body, sizeof t->body, STR_FMT, STR_ARG(body));
    if (t->stops)
        errand_stop(&t->stops->errand);
    loop_stop(loop);
}

static const struct errand_ops ops = { on_ask, NULL, on_done };

static void serve(struct up_conn *c, struct str head, struct str body)
{
    bool much = str_find(head, STR("GET /much")) == 0;

    (void)body;
    CU_ASSERT(str_find(head, STR("accept: application/json")) > 0 ||
              str_find(head, STR("Accept: application/json")) > 0);
    up_send(c, much ? "HTTP/1.1 200 OK\r\nContent-Length: 80\r\n\r\n"
                     "0123456789012345678901234567890123456789"
                     "0123456789012345678901234567890123456789"
                   : "HTTP/1.1 403 No\r\nContent-Length: 5\r\n\r\nhello");
}

static void on_late(void *ud)
{
    (void)ud;
    loop_stop(loop);
}

static void begin(void)
{
    struct err err = { 0 };

    loop = loop_new();
    up = up_new(loop, 1, 0, NULL);
    up->serve = serve;
    all = (struct errands){ .addresses = addresses_new(),
                            .resolve = on_resolve };
    CU_ASSERT(errands_open(&all, loop, 4, &err) == 0);
    loop_timer_init(&late, loop, on_late, NULL);
    loop_timer_set(&late, 20000);
    resolved = 0;
    resolve_rc = 0;
}

static void end(void)
{
    loop_timer_stop(&late);
    errands_close(&all);
    addresses_free(all.addresses);
    up_free(up);
    loop_free(loop);
}

static void go(struct trip *t, const char *host, const char *path)
{
    static char urls[4][96];
    static unsigned n;

    snprintf(urls[++n % 4], sizeof urls[0], "http://%s:%d%s", host, up->port,
             path);
    t->url = urls[n % 4];
    errand_stop(&t->errand); /* where it was one before */
    errand_init(&t->errand, &all, &ops, t, BODY_MAX);
    errand_go(&t->errand);
}

/* "name.example" and those that follow live here; "bad.example" nowhere. */
static void publish(void)
{
    static const char *const rows[][2] = {
        { "bad.example", "!no such name" }, { "one.example", "127.0.0.1" },
        { "two.example", "127.0.0.1" } };
    struct err err = { 0 };
    struct snapshot_builder *b = snapshot_builder_new("addresses", 1, &err);
    struct snapshot *s;
    int fd;

    for (size_t i = 0; i < 3; i++)
        snapshot_builder_add(b, str_of(rows[i][0]),
                             (struct str){ rows[i][1],
                                           strlen(rows[i][1]) + 1 }, &err);
    fd = snapshot_builder_seal(b, &err);
    s = snapshot_open(fd, &err);
    close(fd);
    snapshot_builder_free(b);
    addresses_update(all.addresses, s);
    snapshot_unref(s);
}

static void an_answer(void)
{
    struct trip t = { 0 };

    begin();
    go(&t, "127.0.0.1", "/");
    loop_run(loop);
    UNIT_INT(t.done, 1);
    UNIT_INT(t.status, 403);
    UNIT_STR(t.why, "");
    UNIT_STR(t.body, "hello");
    UNIT_INT(resolved, 0);
    go(&t, "127.0.0.1", "/much");
    loop_run(loop);
    UNIT_INT(t.done, 2);
    UNIT_INT(t.status, 200);
    UNIT_STR(t.why, "the answer is too large");
    errand_stop(&t.errand);
    errand_stop(&t.errand);
    end();
}

static void no_answer(void)
{
    struct trip t = { .no = "no memory" };

    begin();
    go(&t, "127.0.0.1", "/");
    UNIT_INT(t.done, 1);
    UNIT_STR(t.why, "no memory");
    UNIT_INT(t.status, 0);
    t.no = NULL;
    resolve_rc = -ERR_LIMIT;
    go(&t, "one.example", "/");
    UNIT_STR(t.why, "too many host names");
    publish();
    go(&t, "bad.example", "/");
    UNIT_INT(t.done, 3);
    UNIT_STR(t.why, "no such name");
    errand_stop(&t.errand);
    end();
}

static void they_wait_for_addresses(void)
{
    struct trip one = { 0 }, two = { 0 }, bad = { 0 }, never = { 0 };

    begin();
    go(&one, "one.example", "/");
    go(&two, "two.example", "/");
    go(&never, "never.example", "/");
    go(&bad, "bad.example", "/");
    UNIT_INT(resolved, 4);
    bad.stops = &two; /* while all of them are tried */
    publish();
    UNIT_INT(bad.done, 1);
    UNIT_STR(bad.why, "no such name");
    loop_run(loop); /* it was stopped before it ran */
    if (!one.done)
        loop_run(loop);
    UNIT_INT(one.done, 1);
    UNIT_STR(one.body, "hello");
    CU_ASSERT_PTR_NOT_NULL(never.errand.prev);
    CU_ASSERT_PTR_NULL(two.errand.x);
    UNIT_INT(two.done, 0);
    UNIT_INT(never.done, 0);
    errand_stop(&one.errand);
    errand_stop(&never.errand);
    CU_ASSERT_PTR_NULL(all.waiting);
    publish();
    UNIT_INT(never.done, 0);
    end();
}

UNIT_MAIN("errand", {"an answer", an_answer}, {"no answer", no_answer},
          {"they wait for addresses", they_wait_for_addresses})

/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * HTTP out, the connections: how many at a time, how long they are kept, and
 * what is opened ahead of need.
 */
#include "probe.h"

enum { CALLS = 5 };

struct rig {
    struct loop *loop;
    struct up *up;
    struct http_client *c;
    char url[128];
    struct http_call_spec spec;
    struct probe p[CALLS];
};

static void serve(struct up_conn *c, struct str head, struct str body)
{
    (void)body;
    if (str_find(head, STR(" /silent ")) < 0)
        up_send(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
}

static void answer(struct up_conn *c)
{
    if (!c->open) /* its call was cancelled */
        return;
    up_send(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    up_flush(c);
}

static void rig_init(struct rig *r)
{
    memset(r, 0, sizeof *r);
    r->loop = loop_new();
    r->up = up_new(r->loop, 1, 0, NULL);
    r->up->serve = serve;
    r->c = http_client_new(r->loop, 64, NULL);
    r->spec.method = STR("GET");
    r->spec.connect_timeout_ms = 5000;
    for (int i = 0; i < CALLS; i++)
        probe_init(&r->p[i], r->loop);
}

static void rig_clear(struct rig *r)
{
    for (int i = 0; i < CALLS; i++)
        probe_clear(&r->p[i]);
    http_client_free(r->c);
    up_free(r->up);
    loop_free(r->loop);
}

static void go(struct rig *r, int i, const char *path)
{
    snprintf(r->url, sizeof r->url, "http://127.0.0.1:%d%s", r->up->port,
             path);
    r->spec.url = str_of(r->url);
    probe_start(&r->p[i], r->c, &r->spec);
}

static void until_done(struct rig *r, int n)
{
    int done = 0;

    for (int turn = 0; turn < 100 && done < n; turn++) {
        run(r->loop, 20, false);
        done = 0;
        for (int i = 0; i < CALLS; i++)
            done += r->p[i].dones;
    }
    UNIT_INT(done, n);
}

static void until_asked(struct rig *r, size_t n)
{
    for (int turn = 0; turn < 200 && r->up->requests < n; turn++)
        run(r->loop, 10, false);
    UNIT_INT(r->up->requests, n);
}

static void max_is_exact_and_fair(void)
{
    struct rig r;

    rig_init(&r);
    r.spec.pool_max = 2;
    for (int i = 0; i < CALLS; i++)
        go(&r, i, "/silent");
    CU_ASSERT(http_client_is_full(r.c, r.spec.url, NULL));
    until_asked(&r, 2);
    run(r.loop, 50, false);
    UNIT_INT(r.up->requests, 2);
    UNIT_INT(http_client_sums(r.c).waited, 3);
    http_call_cancel(r.p[2].x); /* one that waits leaves */
    answer(&r.up->conn[0]);
    until_asked(&r, 3);
    UNIT_INT(r.p[0].dones + r.p[1].dones, 1);
    http_call_cancel(r.p[r.p[0].dones ? 1 : 0].x); /* one that runs */
    until_asked(&r, 4);
    CU_ASSERT(r.p[3].dones == 0 && r.p[4].dones == 0);
    for (size_t i = 0; i < r.up->n; i++)
        answer(&r.up->conn[i]);
    until_done(&r, 3); /* the third and the fourth were started in order */
    CU_ASSERT_FALSE(http_client_is_full(r.c, r.spec.url, NULL));
    rig_clear(&r);
}

static void those_who_wait_go_with_the_client(void)
{
    struct rig r;

    rig_init(&r);
    r.spec.pool_max = 1;
    for (int i = 0; i < CALLS; i++)
        go(&r, i, "/silent");
    until_asked(&r, 1);
    rig_clear(&r);
}

static void idle_ones_are_closed_in_time(void)
{
    struct rig r;

    rig_init(&r);
    r.spec.pool_idle_ms = 1000;
    for (int i = 0; i < 3; i++)
        go(&r, i, "/ok");
    until_done(&r, 3);
    UNIT_INT(http_client_sums(r.c).open, 3);
    UNIT_INT(http_client_sums(r.c).idle, 3);
    UNIT_INT(r.up->closed, 0);
    for (int turn = 0; turn < 100 && r.up->closed < 3; turn++)
        run(r.loop, 100, false);
    UNIT_INT(r.up->closed, 3);
    UNIT_INT(http_client_sums(r.c).open, 0);
    UNIT_INT(http_client_sums(r.c).closed_idle, 3);
    go(&r, 3, "/ok"); /* none of them is taken */
    until_done(&r, 4);
    UNIT_INT(r.p[3].r.fail, HTTP_OK);
    CU_ASSERT_FALSE(r.p[3].r.reused);
    UNIT_INT(http_client_sums(r.c).opened, 4);
    UNIT_INT(http_client_sums(r.c).open, 1);
    rig_clear(&r);
}

static void old_ones_are_not_taken(void)
{
    struct rig r;

    rig_init(&r);
    r.spec.pool_lifetime_ms = 1000;
    go(&r, 0, "/ok");
    until_done(&r, 1);
    go(&r, 1, "/ok");
    until_done(&r, 2);
    CU_ASSERT_TRUE(r.p[1].r.reused);
    run(r.loop, 2100, false); /* libcurl counts whole seconds */
    go(&r, 2, "/ok");
    until_done(&r, 3);
    CU_ASSERT_FALSE(r.p[2].r.reused);
    UNIT_INT(http_client_sums(r.c).reused, 1);
    rig_clear(&r);
}

static void what_is_opened_beside_is_there_for_the_next(void)
{
    struct rig r;

    rig_init(&r);
    go(&r, 0, "/silent");
    go(&r, 1, "/silent");
    until_asked(&r, 2);
    UNIT_INT(http_client_lacks(r.c, r.spec.url, NULL), 0);
    up_shut(&r.up->conn[0], false);
    up_shut(&r.up->conn[1], false);
    until_done(&r, 2);
    UNIT_INT(http_client_lacks(r.c, r.spec.url, NULL), 2);
    r.spec.beside = true;
    r.spec.pool_max = 1; /* which is not for such */
    go(&r, 2, "/ok");
    go(&r, 3, "/ok");
    until_done(&r, 4);
    UNIT_INT(r.up->n, 4);
    UNIT_INT(http_client_lacks(r.c, r.spec.url, NULL), 0);
    r.spec.beside = false;
    r.spec.pool_max = 0;
    go(&r, 4, "/ok");
    until_done(&r, 5);
    CU_ASSERT_TRUE(r.p[4].r.reused);
    UNIT_INT(r.up->n, 4);
    rig_clear(&r);
}

UNIT_MAIN("http_client_pool",
          {"max is exact and fair", max_is_exact_and_fair},
          {"those who wait go with the client",
           those_who_wait_go_with_the_client},
          {"idle ones are closed in time", idle_ones_are_closed_in_time},
          {"old ones are not taken", old_ones_are_not_taken},
          {"what is opened beside is there for the next",
           what_is_opened_beside_is_there_for_the_next})

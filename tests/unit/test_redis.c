/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* A client of a Redis that works: hello, pipelines, addresses; callers that
 * cancel, ask on, free it, or ask too much. */
#include "redis_probe.h"

/* ---- it works ---------------------------------------------------------- */

static void says_hello(void)
{
    static const struct {
        const char *user, *password, *log;
        uint32_t db;
    } rows[] = {
        { "", "", "PING\n", 0 },
        { "", "secret", "AUTH secret\nPING\n", 0 },
        { "me", "secret", "AUTH me\nSELECT 3\nPING\n", 3 },
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct probe p;

        probe_init(&p);
        p.spec.user = str_of(rows[i].user);
        p.spec.password = str_of(rows[i].password);
        p.spec.db = rows[i].db;
        open_up(&p);
        UNIT_STR(p.fr.log, rows[i].log);
        CU_ASSERT(send_to(&p, 1, "ECHO", "hi") != 0);
        run(&p, 1, 1000);
        UNIT_STR(p.last, "hi");
        UNIT_INT(p.fr.n, 1);
        probe_clear(&p);
    }
}

/* What is sent before the connection is there waits for it; replies come in
 * the order of commands, in one batch each way. */
static void pipelines(void)
{
    struct probe p;

    probe_init(&p);
    p.r = redis_new(p.loop, &p.spec);
    for (uint64_t i = 0; i < 1000; i++) {
        char text[16];

        snprintf(text, sizeof text, "%d", (int)i);
        CU_ASSERT(send_to(&p, i, "ECHO", text) != 0);
    }
    UNIT_INT(redis_waiting(p.r), 1000);
    run(&p, 1000, 5000);
    UNIT_INT(p.done, 1000);
    UNIT_INT(p.failed, 0);
    for (uint64_t i = 0; i < 1000; i++)
        UNIT_INT(p.tags[i], i);
    UNIT_STR(p.last, "999");
    UNIT_INT(p.fr.n, 1);
    probe_clear(&p);
}

static void tries_each_address(void)
{
    struct probe p;

    probe_init(&p);
    p.addresses = "[::1],127.0.0.1"; /* nobody listens at the first */
    open_up(&p);
    probe_clear(&p);
    probe_init(&p);
    p.addresses = NULL; /* not yet */
    p.r = redis_new(p.loop, &p.spec);
    send_to(&p, 1, "ECHO", "x");
    run(&p, 1, 20);
    UNIT_INT(p.done, 0);
    p.addresses = "127.0.0.1";
    redis_addresses_changed(p.r);
    run(&p, 1, 1000);
    UNIT_STR(p.last, "x");
    probe_clear(&p);
}

/* ---- callers ----------------------------------------------------------- */

static void cancelled_hears_nothing(void)
{
    struct probe p;
    uint64_t a, b;

    probe_init(&p);
    open_up(&p);
    a = send_to(&p, 1, "ECHO", "one");
    b = send_to(&p, 2, "ECHO", "two");
    redis_cancel(p.r, a);
    redis_cancel(p.r, a);
    run(&p, 1, 1000);
    UNIT_INT(p.done, 1);
    UNIT_INT(p.tags[0], 2);
    UNIT_STR(p.last, "two");
    redis_cancel(p.r, a); /* over: nobody's number now */
    redis_cancel(p.r, b);
    redis_cancel(p.r, 0);
    redis_cancel(p.r, b + 1);
    send_to(&p, 3, "ECHO", "three");
    run(&p, 1, 1000);
    UNIT_INT(p.tags[1], 3);
    probe_clear(&p);
}

static void ask_again(struct probe *p, uint64_t tag)
{
    if (tag < 100)
        send_to(p, tag + 1, "ECHO", "next");
}

static void free_it(struct probe *p, uint64_t tag)
{
    (void)tag;
    redis_free(p->r);
    p->r = NULL;
    loop_stop(p->loop);
}

/* In a callback all is allowed. */
static void callbacks_may_do_all(void)
{
    struct probe p;

    probe_init(&p);
    open_up(&p);
    p.on_done = ask_again;
    send_to(&p, 1, "ECHO", "first");
    run(&p, 100, 5000);
    UNIT_INT(p.done, 100);
    UNIT_INT(p.failed, 0);
    p.on_done = free_it; /* on a reply, with others under way */
    for (uint64_t i = 0; i < 10; i++)
        send_to(&p, i, "ECHO", "x");
    run(&p, 10, 300);
    UNIT_INT(p.done, 101);
    probe_clear(&p);

    probe_init(&p); /* on a timeout */
    open_up(&p);
    p.fr.mute = true;
    p.on_done = free_it;
    send_to(&p, 1, "ECHO", "x");
    send_to(&p, 2, "ECHO", "x");
    run(&p, 2, 300);
    UNIT_INT(p.done, 1);
    probe_clear(&p);

    probe_init(&p); /* on a failed connection */
    fr_stop(&p.fr);
    p.on_done = free_it;
    p.r = redis_new(p.loop, &p.spec);
    send_to(&p, 1, "ECHO", "x");
    send_to(&p, 2, "ECHO", "x");
    run(&p, 2, 300);
    UNIT_INT(p.done, 1);
    fr_listen(&p.fr, p.loop);
    probe_clear(&p);
}

static void the_queue_is_capped(void)
{
    static char big[1 << 20];
    struct probe p;
    uint64_t n = 0;

    probe_init(&p);
    p.fr.mute = true; /* hello is never answered: all is queued */
    p.spec.timeout_ms = 1000;
    p.r = redis_new(p.loop, &p.spec);
    while (n < 100000 && send_to(&p, n, "ECHO", "x"))
        n++;
    UNIT_INT(n, REDIS_COMMANDS_MAX);
    UNIT_STR(p.last, "too many commands wait");
    probe_clear(&p);

    probe_init(&p);
    p.fr.mute = true;
    p.r = redis_new(p.loop, &p.spec);
    memset(big, 'x', sizeof big - 1);
    for (n = 0; n < 100 && send_to(&p, n, "ECHO", big); n++)
        continue;
    UNIT_INT(n, 15); /* 16 MiB */
    UNIT_STR(p.last, "too many commands wait");
    probe_clear(&p);
}

UNIT_MAIN("redis", { "says hello", says_hello }, { "pipelines", pipelines },
          { "tries each address", tries_each_address },
          { "cancelled hears nothing", cancelled_hears_nothing },
          { "callbacks may do all", callbacks_may_do_all },
          { "the queue is capped", the_queue_is_capped })

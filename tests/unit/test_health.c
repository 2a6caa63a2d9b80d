/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* The table of cells: by name, across processes and generations. */
#include "engine/health.h"

#include "unit.h"

#include <sys/wait.h>
#include <unistd.h>

static struct health *health_or_die(void)
{
    struct err err = { 0 };
    struct health *h = health_new(4, &err);

    if (!h) {
        printf("%s\n", err.msg);
        exit(2);
    }
    return h;
}

static void finds_by_name(void)
{
    struct health *h = health_or_die();
    struct health_cell *a = health_find(h, STR("a/m"), 1);
    char name[400];

    CU_ASSERT_PTR_NOT_NULL_FATAL(a);
    CU_ASSERT_PTR_EQUAL(health_find(h, STR("a/m"), 0), a);
    CU_ASSERT_PTR_NOT_EQUAL(health_find(h, STR("b/m"), 1), a);
    UNIT_STR(a->name, "a/m");
    memset(name, 'x', sizeof name); /* a long one is told apart all the same */
    a = health_find(h, (struct str){ name, sizeof name }, 1);
    CU_ASSERT_PTR_NOT_NULL_FATAL(a);
    UNIT_INT(strlen(a->name), HEALTH_NAME - 1);
    name[399] = 'y';
    CU_ASSERT_PTR_NOT_EQUAL(health_find(h, (struct str){ name, 400 }, 1), a);
    health_free(h);
}

static void shows_the_configuration_lent_last(void)
{
    struct health *h = health_or_die();
    struct health_cell *a = health_find(h, STR("a/m"), 1);
    uint32_t at = 0;

    CU_ASSERT_PTR_NOT_NULL_FATAL(a);
    health_find(h, STR("clients"), 0);
    CU_ASSERT_PTR_EQUAL(health_next(h, &at), a);
    CU_ASSERT_PTR_NULL(health_next(h, &at));
    health_find(h, STR("b/m"), 2);
    at = 0;
    UNIT_STR(health_next(h, &at)->name, "b/m");
    CU_ASSERT_PTR_NULL(health_next(h, &at));
    health_find(h, STR("a/m"), 1); /* it is rolled back */
    at = 0;
    UNIT_STR(health_next(h, &at)->name, "a/m");
    CU_ASSERT_PTR_NULL(health_next(h, &at));
    health_find(h, STR("b/m"), 2);
    health_find(h, STR("b#main"), 2); /* a credential */
    at = 0;
    UNIT_STR(health_next_credential(h, &at)->name, "b#main");
    CU_ASSERT_PTR_NULL(health_next_credential(h, &at));
    at = 0;
    UNIT_STR(health_next(h, &at)->name, "b/m");
    CU_ASSERT_PTR_NULL(health_next(h, &at));
    health_free(h);
}

static void clients_leave_room(void)
{
    struct health *h = health_or_die();
    char name[24];
    int n = 0;

    for (int i = 0; i < 3 * HEALTH_CELLS; i++) {
        snprintf(name, sizeof name, "p/%d", i);
        n += health_find(h, str_of(name), 0) != NULL;
    }
    CU_ASSERT_TRUE(n >= HEALTH_CELLS / 2 && n <= HEALTH_CELLS / 4 * 3);
    CU_ASSERT_PTR_NULL(health_find(h, STR("p/one more"), 0));
    CU_ASSERT_PTR_NOT_NULL(health_find(h, STR("p/configured"), 1));
    health_free(h);
}

static void processes_share_it(void)
{
    struct health *h = health_or_die();
    struct health_cell *c = health_find(h, STR("a"), 1);
    uint64_t probe;
    pid_t pid;
    int status;

    CU_ASSERT_PTR_NOT_NULL_FATAL(c);
    pid = fork();
    if (pid == 0) {
        c = health_find(h, STR("a"), 1);
        for (int i = 0; i < BREAKER_ROW; i++)
            breaker_judge(&c->breaker, 1000, 0, BREAKER_BAD, 0, 0);
        _exit(!breaker_enter(&c->breaker, 60000,
                             (uint64_t)getpid() << 32 | 1, 0, &probe));
    }
    CU_ASSERT_EQUAL_FATAL(waitpid(pid, &status, 0), pid);
    UNIT_INT(status, 0);
    UNIT_INT(breaker_state(&c->breaker, 60000), BREAKER_HALF);
    CU_ASSERT_FALSE(breaker_enter(&c->breaker, 60000, 7, 0, &probe));
    health_reap(h, 0, 0);
    CU_ASSERT_FALSE(breaker_enter(&c->breaker, 60000, 7, 0, &probe));
    health_reap(h, (uint32_t)pid, 1); /* it died with the slot in hand */
    CU_ASSERT_TRUE(breaker_enter(&c->breaker, 60000, 7, 0, &probe));
    UNIT_INT(probe, 7);
    health_free(h);
}

/* One of four processes: take places until there is none; keep them. */
static void take_all(struct health *h, const struct health_cell *c,
                     uint32_t process, int tell)
{
    unsigned char n = 0;

    for (int i = 0; i < 20000; i++)
        n += health_take(h, c, process, 40);
    _exit(write(tell, &n, 1) != 1);
}

static void no_more_than_the_most_over_processes(void)
{
    struct health *h = health_or_die();
    const struct health_cell *c = health_find(h, STR("a/m"), 1);
    unsigned char had[4];
    uint32_t sum = 0;
    int pipes[4][2], status;

    for (int i = 0; i < 4; i++) {
        CU_ASSERT_FATAL(pipe(pipes[i]) == 0);
        if (fork() == 0)
            take_all(h, c, (uint32_t)i, pipes[i][1]);
    }
    for (int i = 0; i < 4; i++) {
        UNIT_INT(read(pipes[i][0], &had[i], 1), 1);
        wait(&status);
        sum += had[i];
        close(pipes[i][0]);
        close(pipes[i][1]);
    }
    UNIT_INT(sum, 40);
    UNIT_INT(health_inflight(h, c), 40);
    CU_ASSERT(!health_take(h, c, 0, 40));
    for (uint32_t i = 0; i < 4; i++) { /* they died with all they had */
        health_reap(h, 1000 + i, i);
        sum -= had[i];
        UNIT_INT(health_inflight(h, c), sum);
    }
    CU_ASSERT(health_take(h, c, 2, 1));
    CU_ASSERT(!health_take(h, c, 3, 1));
    health_give(h, c, 2);
    CU_ASSERT(health_take(h, c, 3, 1));
    health_free(h);
}

static void shows_what_is_off(void)
{
    struct health *h = health_or_die();
    struct health_cell *open = health_find(h, STR("a/open"), 0), *a;
    char name[400];
    uint32_t at = 0;

    CU_ASSERT_PTR_NULL(health_named(h, STR("a/open"))); /* a client's */
    atomic_store(&open->off, TARGET_DISABLED);
    CU_ASSERT_PTR_EQUAL(health_next(h, &at), open);
    CU_ASSERT_PTR_EQUAL(health_named(h, STR("a/open")), open);
    CU_ASSERT_PTR_NULL(health_next_credential(h, &at));
    a = health_find(h, STR("a/m"), 1);
    CU_ASSERT_PTR_EQUAL(health_named(h, STR("a/m")), a);
    health_find(h, STR("b/m"), 2);
    CU_ASSERT_PTR_NULL(health_named(h, STR("a/m")));
    CU_ASSERT_PTR_EQUAL(health_named(h, STR("a/open")), open);
    memset(name, '/', sizeof name); /* it may stand for several */
    health_find(h, (struct str){ name, sizeof name }, 2);
    CU_ASSERT_PTR_NULL(health_named(h, (struct str){ name, HEALTH_NAME - 1 }));
    health_free(h);
}

UNIT_MAIN("health", {"what is off", shows_what_is_off},
          {"finds by name", finds_by_name},
          {"the configuration lent last", shows_the_configuration_lent_last},
          {"clients leave room", clients_leave_room},
          {"processes share it", processes_share_it},
          { "no more than the most over processes",
            no_more_than_the_most_over_processes })

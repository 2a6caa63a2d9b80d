/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Marks of plugins' files, refused bodies, and the rule of quarantine. */
#include "app/reload_impl.h"
#include "engine/charges.h"
#include "unit.h"

#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#define HASH "0123456789abcdef"

static struct charges *begin(void)
{
    struct err err = { 0 };
    struct charges *c = charges_new(&err);

    CU_ASSERT_PTR_NOT_NULL_FATAL(c);
    return c;
}

static void marks_are_by_name_and_hash(void)
{
    struct charges *c = begin();
    struct plugin_mark *a = charges_claim(c, STR("acme"), STR(HASH)), *k;
    struct plugin_mark *b = charges_claim(c, STR("acme"),
                                          STR("fedcba9876543210"));
    uint32_t at = 0;

    CU_ASSERT(a && b && a != b);
    CU_ASSERT(charges_claim(c, STR("acme"), STR(HASH)) == a);
    CU_ASSERT(charges_find(c, STR("acme"), STR(HASH)) == a);
    CU_ASSERT(!charges_find(c, STR("other"), STR(HASH)));
    CU_ASSERT(!charges_find(c, STR("acme"), STR_NULL));
    atomic_store(&a->out, 1);
    CU_ASSERT(!atomic_load(&b->out));
    k = charges_next(c, &at);
    CU_ASSERT(k == a);
    CU_ASSERT(charges_next(c, &at) == b && !charges_next(c, &at));
    charges_free(c);
}

static void the_oldest_gives_way_but_not_who_is_out(void)
{
    struct charges *c = begin();
    struct plugin_mark *out = charges_claim(c, STR("out"), STR(HASH));
    char name[16];

    atomic_store(&out->out, 1);
    for (int i = 0; i < 2 * CHARGES_MARKS; i++) {
        snprintf(name, sizeof name, "p%d", i);
        CU_ASSERT(charges_claim(c, str_of(name), STR(HASH)) != NULL);
    }
    CU_ASSERT(charges_find(c, STR("out"), STR(HASH)) == out);
    CU_ASSERT(!charges_find(c, STR("p0"), STR(HASH)));
    CU_ASSERT(charges_find(c, str_of(name), STR(HASH)) != NULL);
    charges_free(c);
}

static void bodies_are_refused_for_a_while(void)
{
    struct charges *c = begin();

    CU_ASSERT(!charges_refused(c, STR("a"), 5));
    charges_refuse(c, charges_body(STR("a")), 100);
    CU_ASSERT(charges_refused(c, STR("a"), 99));
    CU_ASSERT(!charges_refused(c, STR("b"), 99));
    CU_ASSERT(!charges_refused(c, STR("a"), 100));
    charges_refuse(c, charges_body(STR("a")), 300); /* again, later */
    CU_ASSERT(charges_refused(c, STR("a"), 200));
    for (int i = 0; i < CHARGES_BODIES - 1; i++) /* fills the table */
        charges_refuse(c, (uint64_t)i + 1000, 400);
    CU_ASSERT(charges_refused(c, STR("a"), 200));
    charges_refuse(c, charges_body(STR("b")), 500); /* ends first: goes */
    CU_ASSERT(!charges_refused(c, STR("a"), 200));
    CU_ASSERT(charges_refused(c, STR("b"), 200));
    charges_forgive(c);
    CU_ASSERT(!charges_refused(c, STR("b"), 200));
    charges_free(c);
}

static void another_process_sees_it(void)
{
    struct charges *c = begin();
    struct plugin_mark *a = charges_claim(c, STR("acme"), STR(HASH));
    int status = 0;
    pid_t pid = fork();

    if (pid == 0) {
        for (int i = 0; i < 5000 && !atomic_load(&a->out); i++)
            usleep(1000);
        _exit(atomic_load(&a->out) && charges_refused(c, STR("a"), 1) ? 0 : 1);
    }
    charges_refuse(c, charges_body(STR("a")), 100);
    atomic_store(&a->out, 1);
    CU_ASSERT(waitpid(pid, &status, 0) == pid);
    UNIT_INT(status, 0);
    charges_free(c);
}

/* Lines of a book: when, who, body; until a time of 0. */
static struct charge_sum sum_of(const struct charge *list, uint64_t now)
{
    static struct plugin_mark mark;
    struct charge_book b = { .at = 0 };

    for (; list->at_ms; list++) {
        struct charge c = *list;

        c.mark = &mark;
        charge_note(&b, &c);
    }
    return charge_sum(&b, &mark, now);
}

static void a_plugin_is_judged_by_several(void)
{
    const struct {
        struct charge list[5];
        bool out;
    } cases[] = {
        { { { 1000, NULL, 1, 1 }, { 2000, NULL, 2, 2 } }, false },
        { { { 1000, NULL, 1, 1 }, { 2000, NULL, 2, 1 }, { 3000, NULL, 1, 1 } },
          true }, /* two callers */
        { { { 1000, NULL, 1, 1 }, { 2000, NULL, 1, 2 }, { 3000, NULL, 1, 1 } },
          true }, /* one caller, two bodies */
        { { { 1000, NULL, 1, 7 }, { 2000, NULL, 1, 7 }, { 3000, NULL, 1, 7 },
            { 4000, NULL, 1, 7 } },
          false }, /* one request, over and over */
        { { { 1000, NULL, 1, 0 }, { 2000, NULL, 1, 0 }, { 3000, NULL, 1, 0 } },
          false }, /* bodies that are not known tell nothing */
        { { { 1000, NULL, 0, 0 }, { 2000, NULL, 0, 0 }, { 3000, NULL, 0, 0 } },
          true }, /* no client's doing */
        { { { 1000, NULL, 0, 0 }, { 2000, NULL, 1, 1 }, { 3000, NULL, 1, 1 } },
          false },
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct charge_sum s = sum_of(cases[i].list, 5000);

        CU_ASSERT_EQUAL(charge_is_plugins(&s), cases[i].out);
        s = sum_of(cases[i].list, 5000 + CHARGES_MS);
        UNIT_INT(s.n, 0); /* long ago */
    }
}

static void a_book_is_short_and_forgets(void)
{
    static struct plugin_mark mark, other;
    struct charge_book b = { .at = 0 };
    struct charge c = { .at_ms = 1000, .mark = &mark, .who = 1, .body = 1 };

    for (int i = 0; i < 3 * CHARGES_BOOK; i++)
        charge_note(&b, &c);
    UNIT_INT(charge_sum(&b, &mark, 1000).n, CHARGES_BOOK);
    UNIT_INT(charge_sum(&b, &other, 1000).n, 0);
    UNIT_INT(charge_sum(&b, NULL, 1000).n, 0);
    c.mark = &other;
    charge_note(&b, &c);
    charge_forget(&b, &mark);
    UNIT_INT(charge_sum(&b, &mark, 1000).n, 0);
    UNIT_INT(charge_sum(&b, &other, 1000).n, 1);
}

static void a_canary_is_measured_by_the_others(void)
{
    const struct {
        struct tries canary, others;
        bool worse;
    } cases[] = {
        { { 0, 0 }, { 0, 0 }, false },
        { { 2, 2 }, { 0, 0 }, false },       /* too few to tell */
        { { 3, 3 }, { 0, 0 }, true },
        { { 100, 5 }, { 1000, 0 }, false },  /* five of a hundred are none */
        { { 100, 6 }, { 1000, 0 }, true },
        { { 10, 10 }, { 100, 100 }, false }, /* the provider is down */
        { { 100, 30 }, { 100, 10 }, true },
        { { 100, 25 }, { 100, 10 }, false },
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        CU_ASSERT_EQUAL(canary_is_worse(&cases[i].canary, &cases[i].others),
                        cases[i].worse);
}

UNIT_MAIN("charges",
          { "marks are by name and hash", marks_are_by_name_and_hash },
          { "the oldest gives way", the_oldest_gives_way_but_not_who_is_out },
          { "bodies are refused for a while", bodies_are_refused_for_a_while },
          { "another process sees it", another_process_sees_it },
          { "a plugin is judged by several", a_plugin_is_judged_by_several },
          { "a book is short and forgets", a_book_is_short_and_forgets },
          { "a canary is measured by the others",
            a_canary_is_measured_by_the_others })

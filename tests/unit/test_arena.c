/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Arenas: aligned, zeroed, bounded, and their hooks in reverse. */
#include "unit.h"

#include "base/arena.h"

static void gives_aligned_zeroed_memory(void)
{
    struct arena *a = arena_new(1 << 20);
    char *last = NULL;
    size_t given = 0, before = 0;

    for (size_t n = 0; n < 1000; n += 7) {
        char *p = arena_alloc(a, n);

        CU_ASSERT_FATAL(p != NULL && (uintptr_t)p % 16 == 0);
        CU_ASSERT(!last || last + before <= p || p + n <= last);
        for (size_t i = 0; i < n; i++)
            CU_ASSERT_FATAL(p[i] == 0);
        memset(p, 0xAA, n);
        last = p;
        before = n;
        given += n;
    }
    CU_ASSERT(arena_used(a) >= given);
    CU_ASSERT(arena_alloc(a, 100000) != NULL);
    arena_free(a);
    arena_free(NULL);
}

static void keeps_its_cap(void)
{
    struct arena *a = arena_new(100000);
    size_t n = 0;

    CU_ASSERT(arena_alloc(a, 200000) == NULL);
    CU_ASSERT(arena_alloc(a, SIZE_MAX) == NULL);
    CU_ASSERT(arena_alloc(a, SIZE_MAX - 20) == NULL);
    while (n < 1000 && arena_alloc(a, 1000))
        n++;
    CU_ASSERT(n >= 80 && n <= 100);
    arena_free(a);
}

static void copies_and_prints(void)
{
    struct arena *a = arena_new(1 << 16);
    struct str s = arena_dup(a, (struct str){ "abcd", 3 });

    CU_ASSERT(str_is(s, "abc") && s.p[3] == '\0');
    s = arena_dup(a, STR_NULL);
    CU_ASSERT(s.p != NULL && s.n == 0);
    s = arena_fmt(a, "%s-%05d", "x", 42);
    CU_ASSERT(str_is(s, "x-00042") && s.p[7] == '\0');
    s = arena_fmt(a, "%70000d", 1);
    CU_ASSERT(s.p == NULL);
    arena_free(a);
}

static char order[8];

static void note(void *ud)
{
    size_t n = strlen(order);

    order[n] = *(const char *)ud;
}

static void runs_hooks_in_reverse(void)
{
    struct arena *a = arena_new(1 << 16);
    char letters[] = "abc";

    CU_ASSERT(!arena_defer(a, note, &letters[0]));
    CU_ASSERT(!arena_defer(a, note, &letters[1]));
    arena_alloc(a, 5000);
    CU_ASSERT(!arena_defer(a, note, &letters[2]));
    UNIT_STR(order, "");
    arena_free(a);
    UNIT_STR(order, "cba");
}

static void starts_over(void)
{
    struct arena *a = arena_new(1 << 16);
    char letter = 'r';
    char *first = arena_alloc(a, 10), *again;

    first[0] = 'x';
    memset(order, 0, sizeof order);
    CU_ASSERT(!arena_defer(a, note, &letter));
    arena_alloc(a, 5000);
    arena_reset(a);
    UNIT_STR(order, "r");
    UNIT_INT(arena_used(a), 0);
    again = arena_alloc(a, 10);
    CU_ASSERT(again == first && again[0] == 0);
    CU_ASSERT(arena_alloc(a, 50000) != NULL); /* the cap began anew too */
    arena_free(a);
    UNIT_STR(order, "r");
}

UNIT_MAIN("arena",
          { "gives aligned, zeroed memory", gives_aligned_zeroed_memory },
          { "keeps its cap", keeps_its_cap },
          { "copies and prints", copies_and_prints },
          { "runs hooks in reverse", runs_hooks_in_reverse },
          { "starts over", starts_over })

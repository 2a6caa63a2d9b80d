/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* A target's limit that is found out. */
#include "engine/aimd.h"

#include "unit.h"

#include <pthread.h>

#define NOW 5000000u

static const struct aimd_range range = { 2, 0 };
static struct aimd a;

static void fresh(void)
{
    memset(&a, 0, sizeof a);
}

static void no_limit_before_it_says_so(void)
{
    fresh();
    UNIT_INT(aimd_limit(&a, range), 0);
    aimd_good(&a, range, NOW, 500);
    UNIT_INT(aimd_limit(&a, range), 0);
    UNIT_INT(aimd_limit(&a, (struct aimd_range){ 1, 9 }), 9);
}

static void cut_to_seven_tenths_of_its_calls(void)
{
    fresh();
    CU_ASSERT(aimd_bad(&a, range, NOW, NOW + 5, 100));
    UNIT_INT(aimd_limit(&a, range), 70);
    /* those that were under way tell of the same */
    CU_ASSERT(!aimd_bad(&a, range, NOW, NOW + 6, 99));
    CU_ASSERT(!aimd_bad(&a, range, NOW + 5, NOW + 9, 98));
    UNIT_INT(aimd_limit(&a, range), 70);
    CU_ASSERT(aimd_bad(&a, range, NOW + 6, NOW + 20, 90));
    UNIT_INT(aimd_limit(&a, range), 49);
    CU_ASSERT(aimd_bad(&a, range, NOW + 21, NOW + 30, 10));
    UNIT_INT(aimd_limit(&a, range), 7);
    CU_ASSERT(aimd_bad(&a, range, NOW + 31, NOW + 40, 1));
    UNIT_INT(aimd_limit(&a, range), 2);
}

static void one_more_for_as_many_that_succeed(void)
{
    fresh();
    aimd_bad(&a, range, NOW, NOW, 10);
    UNIT_INT(aimd_limit(&a, range), 7);
    for (int i = 0; i < 50; i++) /* before the cut */
        aimd_good(&a, range, NOW, 7);
    UNIT_INT(aimd_limit(&a, range), 7);
    for (int i = 0; i < 50; i++) /* it is not in use */
        aimd_good(&a, range, NOW + 1, 3);
    UNIT_INT(aimd_limit(&a, range), 7);
    for (int i = 0; i < 7; i++)
        aimd_good(&a, range, NOW + 1, 7);
    CU_ASSERT(aimd_limit(&a, range) == 7 || aimd_limit(&a, range) == 8);
    aimd_good(&a, range, NOW + 1, 7);
    UNIT_INT(aimd_limit(&a, range), 8);
}

static void stays_in_its_range(void)
{
    struct aimd_range r = { 3, 12 };

    fresh();
    aimd_bad(&a, r, NOW, NOW, 1);
    UNIT_INT(aimd_limit(&a, r), 3);
    for (int i = 0; i < 1000; i++) {
        aimd_good(&a, r, NOW + 1, 12);
        CU_ASSERT(aimd_limit(&a, r) <= 12);
    }
    UNIT_INT(aimd_limit(&a, r), 12);
    UNIT_INT(atomic_load(&a.word), 0); /* and nothing is remembered */
    fresh();
    CU_ASSERT(!aimd_bad(&a, (struct aimd_range){ 0, 5 }, NOW, NOW, 5));
    UNIT_INT(aimd_limit(&a, (struct aimd_range){ 0, 5 }), 5);
    /* what is written down may be of another configuration */
    aimd_bad(&a, range, NOW, NOW, 100);
    UNIT_INT(aimd_limit(&a, (struct aimd_range){ 1, 20 }), 20);
    UNIT_INT(aimd_limit(&a, (struct aimd_range){ 90, 0 }), 90);
}

/* It finds a target of 10 places, and comes back when that has 40. */
static uint32_t settle(uint64_t now, uint32_t room, int turns)
{
    uint32_t low = UINT32_MAX;

    for (int t = 0; t < turns; t++, now += 100) {
        uint32_t limit = aimd_limit(&a, range);
        uint32_t calls = limit && limit < 60 ? limit : 60;

        for (uint32_t i = 0; i < calls; i++) {
            if (i < room)
                aimd_good(&a, range, now, calls);
            else
                aimd_bad(&a, range, now, now + 1, calls);
        }
        if (t > turns / 2 && calls < low)
            low = calls;
        if (t > turns / 2)
            CU_ASSERT(calls <= room + 2);
    }
    return low;
}

static void finds_what_a_target_bears(void)
{
    fresh();
    CU_ASSERT(settle(NOW, 10, 400) >= 7);
    CU_ASSERT(settle(NOW + 40000, 40, 800) >= 25);
}

static void *hammer(void *at)
{
    for (int i = 0; i < 20000; i++) {
        aimd_good(&a, range, NOW + 10, 40);
        aimd_bad(&a, range, NOW, NOW + 5, 50);
    }
    return at;
}

static void workers_agree(void)
{
    pthread_t t[2];

    fresh();
    aimd_bad(&a, range, NOW, NOW + 5, 50);
    for (int i = 0; i < 2; i++)
        pthread_create(&t[i], NULL, hammer, NULL);
    for (int i = 0; i < 2; i++)
        pthread_join(t[i], NULL);
    /* nobody cut it twice, no step was lost: the sum over a growing limit */
    CU_ASSERT(aimd_limit(&a, range) >= 79 && aimd_limit(&a, range) <= 82);
}

UNIT_MAIN("aimd", { "no limit at first", no_limit_before_it_says_so },
          { "cut", cut_to_seven_tenths_of_its_calls },
          { "grows", one_more_for_as_many_that_succeed },
          { "range", stays_in_its_range },
          { "finds the room", finds_what_a_target_bears },
          { "workers agree", workers_agree })

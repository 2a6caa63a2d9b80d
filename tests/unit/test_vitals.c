/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* What a process measures of itself, and when it gives memory back. */
#include "engine/vitals.h"

#include "unit.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#define MIB (1024u * 1024)

static void sees_its_own_memory(void)
{
    uint64_t before = vitals_memory(), after;
    volatile char *p = malloc(64 * MIB);

    CU_ASSERT_PTR_NOT_NULL_FATAL((const void *)p);
    for (size_t i = 0; i < 64 * MIB; i += 1024)
        p[i] = 1;
    after = vitals_memory();
    free((void *)p);
    CU_ASSERT(before > 0);
    CU_ASSERT(after >= before + 60 * MIB);
}

static void counts_descriptors(void)
{
    uint32_t before = vitals_fds();
    int fd = open("/dev/null", O_RDONLY);

    CU_ASSERT(vitals_fds_max() > 0);
    if (before) /* an old kernel does not say */
        UNIT_INT(vitals_fds(), before + 1);
    close(fd);
}

static void trims_after_a_large_drop(void)
{
    struct trim t = { 0 };
    uint64_t now = 100000;

    CU_ASSERT(!trim_due(&t, 10 * MIB, 0, now));
    CU_ASSERT(!trim_due(&t, 500 * MIB, 100, now)); /* it is in use */
    CU_ASSERT(!trim_due(&t, 500 * MIB, 26, now));
    CU_ASSERT(trim_due(&t, 500 * MIB, 25, now));
    trim_done(&t, 20 * MIB, now);
    CU_ASSERT(!trim_due(&t, 500 * MIB, 0, now + TRIM_EVERY_MS - 1));
    CU_ASSERT(trim_due(&t, 500 * MIB, 0, now + TRIM_EVERY_MS));
    trim_done(&t, 490 * MIB, now); /* nothing came back: it is not free */
    CU_ASSERT(!trim_due(&t, 500 * MIB, 0, now + 10 * TRIM_EVERY_MS));
    CU_ASSERT(!trim_due(&t, 10 * MIB, 0, now + 11 * TRIM_EVERY_MS));
    CU_ASSERT(trim_due(&t, 50 * MIB, 0, now + 12 * TRIM_EVERY_MS));
}

static void smooths_lateness(void)
{
    struct vitals v = { 0 };

    vitals_late(&v, 400); /* once is nothing */
    UNIT_INT(atomic_load(&v.lag_ms), 100);
    for (int i = 0; i < 20; i++)
        vitals_late(&v, 400);
    CU_ASSERT(atomic_load(&v.lag_ms) > 350);
    for (int i = 0; i < 20; i++)
        vitals_late(&v, 0);
    CU_ASSERT(atomic_load(&v.lag_ms) < 5);
    vitals_late(&v, UINT64_MAX);
    UNIT_INT(atomic_load(&v.lag_ms) >= 15000, true);
    vitals_clear(&v);
    UNIT_INT(atomic_load(&v.lag_ms), 0);
}

UNIT_MAIN("vitals", { "sees its own memory", sees_its_own_memory },
          { "counts descriptors", counts_descriptors },
          { "trims after a large drop", trims_after_a_large_drop },
          { "smooths lateness", smooths_lateness })

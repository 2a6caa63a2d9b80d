/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* What this thread has used of a CPU. */
#ifndef PENSTOCK_BENCH_CPU_H
#define PENSTOCK_BENCH_CPU_H

#include <time.h>

/** Microseconds. */
static inline double cpu_us(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
    return (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec / 1e3;
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
#include "engine/vitals.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

void vitals_clear(struct vitals *v)
{
    atomic_store(&v->memory, 0);
    atomic_store(&v->fds, 0);
    atomic_store(&v->fds_max, 0);
    atomic_store(&v->lag_ms, 0);
}

uint64_t vitals_memory(void)
{
    int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    unsigned long long size, resident, shared;
    char text[128];
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);

    if (fd >= 0)
        close(fd);
    if (n <= 0)
        return 0;
    text[n] = '\0';
    if (sscanf(text, "%llu %llu %llu", &size, &resident, &shared) != 3 ||
        resident < shared)
        return 0;
    return (resident - shared) * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* Reading the folder is not for all (it is root's where a process changed its
 * user), and costs by the number; its size is the number. */
uint32_t vitals_fds(void)
{
    struct stat st;

    return stat("/proc/self/fd", &st) == 0 ? (uint32_t)st.st_size : 0;
}

uint32_t vitals_fds_max(void)
{
    struct rlimit r;

    if (getrlimit(RLIMIT_NOFILE, &r) != 0 || r.rlim_cur > UINT32_MAX)
        return 0;
    return (uint32_t)r.rlim_cur;
}

void vitals_late(struct vitals *v, uint64_t late_ms)
{
    uint32_t was = atomic_load_explicit(&v->lag_ms, memory_order_relaxed);
    uint64_t late = late_ms < 60000 ? late_ms : 60000;

    atomic_store_explicit(&v->lag_ms, (uint32_t)((was * 3 + late) / 4),
                          memory_order_relaxed);
}

bool trim_due(struct trim *t, uint64_t memory, uint32_t inflight,
              uint64_t now_ms)
{
    if (inflight > t->busiest)
        t->busiest = inflight;
    if (t->base == 0 || memory < t->base)
        t->base = memory;
    return memory >= t->base + TRIM_STEP && inflight <= t->busiest / 4 &&
           now_ms >= t->last_ms + TRIM_EVERY_MS;
}

void trim_done(struct trim *t, uint64_t memory, uint64_t now_ms)
{
    *t = (struct trim){ .base = memory, .last_ms = now_ms };
}

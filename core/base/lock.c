/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
#include "base/lock.h"

#include <errno.h>
#include <time.h>

enum { SPINS = 200 };

int lock_init(pthread_mutex_t *lock, bool shared)
{
    pthread_mutexattr_t how;
    int rc;

    if (pthread_mutexattr_init(&how) != 0)
        return -ERR_NOMEM;
    rc = pthread_mutexattr_setrobust(&how, PTHREAD_MUTEX_ROBUST);
    if (!rc && shared)
        rc = pthread_mutexattr_setpshared(&how, PTHREAD_PROCESS_SHARED);
    if (!rc)
        rc = pthread_mutex_init(lock, &how);
    pthread_mutexattr_destroy(&how);
    return rc ? -ERR_IO : 0;
}

int lock_wait(pthread_mutex_t *lock, uint32_t patience_ms)
{
    struct timespec until;
    int rc = EBUSY;

    for (int i = 0; i < SPINS && rc == EBUSY; i++)
        rc = pthread_mutex_trylock(lock);
    if (rc != EBUSY || patience_ms == 0)
        return rc;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += patience_ms * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    return pthread_mutex_clocklock(lock, CLOCK_MONOTONIC, &until);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Locks in shared memory whose holder may die: the next one gets EOWNERDEAD,
 * mends what lies under the lock, and says so (pthread_mutex_consistent).
 * Where nobody holds it, pthread_mutex_trylock is all there is to it.
 */
#ifndef PENSTOCK_BASE_LOCK_H
#define PENSTOCK_BASE_LOCK_H

#include "base/err.h"

#include <pthread.h>
#include <stdint.h>

/** `shared`: between processes. Errors: NOMEM, IO. */
int lock_init(pthread_mutex_t *lock, bool shared);

/**
 * Where trylock said EBUSY: wait for it. Holders are quick, so trying again is
 * mostly enough; one that was interrupted is waited for in the kernel, which
 * lets it run.
 *
 *   patience_ms  in  in the kernel, at most; 0: not at all
 *   returns          as pthread_mutex_trylock, or ETIMEDOUT
 */
int lock_wait(pthread_mutex_t *lock, uint32_t patience_ms);

#endif

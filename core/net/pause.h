/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * A pause of microseconds between parts of a longer work. Timers of the loop
 * count whole milliseconds, rounded up to one or two; this one has a
 * descriptor of its own (timerfd), which is there only while somebody uses it.
 */
#ifndef PENSTOCK_NET_PAUSE_H
#define PENSTOCK_NET_PAUSE_H

#include "net/loop.h"

/** Embedded in its owner, zeroed before its first use. */
struct loop_pause {
    struct loop_io io;
    void (*fn)(void *ud);
    void *ud;
    bool open;
};

/** Open it, not set. 0, or -ERR_IO: there is no descriptor left. */
int loop_pause_open(struct loop_pause *p, struct loop *l, void (*fn)(void *ud),
                    void *ud);
/** Fire once, `us` from now (at least 1); replaces an earlier setting. Cost:
 * one system call, and one more when it fires. */
void loop_pause_set(struct loop_pause *p, uint32_t us);
/** It fires no more; idempotent. May be called by what it fired. */
void loop_pause_close(struct loop_pause *p);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Telling the service manager (systemd's Type=notify) how we are. */
#ifndef PENSTOCK_APP_NOTIFY_H
#define PENSTOCK_APP_NOTIFY_H

#include "base/err.h"

#include <stdint.h>

/**
 * Send a state such as "READY=1" to $NOTIFY_SOCKET.
 *
 * Returns 0, also where nobody asked to be told; -ERR_IO. Never blocks.
 * Source: sd_notify(3), read 2026-11
 */
int notify_manager(const char *state);

enum { WATCH_SHARE = 3 }; /* words in the time after which one is missed */

/** The manager's watchdog on our loop. */
struct notify_watch {
    uint64_t every_ms; /* 0 = there is none */
    uint64_t next_ms;
};

/** From $WATCHDOG_USEC, where $WATCHDOG_PID is not another's.
 * Source: sd_watchdog_enabled(3), read 2026-11 */
void notify_watch_init(struct notify_watch *w);
/** Say that the loop turns, when it is time. Milliseconds to the next, or
 * UINT64_MAX. */
uint64_t notify_alive(struct notify_watch *w, uint64_t now_ms);

#endif

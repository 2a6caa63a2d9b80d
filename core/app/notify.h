/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Telling the service manager (systemd's Type=notify) how we are. */
#ifndef PENSTOCK_APP_NOTIFY_H
#define PENSTOCK_APP_NOTIFY_H

#include "base/err.h"

/**
 * Send a state such as "READY=1" to $NOTIFY_SOCKET.
 *
 * Returns 0, also where nobody asked to be told; -ERR_IO. Never blocks.
 * Source: sd_notify(3), read 2026-11
 */
int notify_manager(const char *state);

#endif

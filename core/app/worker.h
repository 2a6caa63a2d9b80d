/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * A worker: rights dropped first, then one loop with the HTTP server, the
 * HTTP client, the plugins and one flow on it. It does what the master says
 * (adopt, release, addresses, reopen, drain, stop); where the master is gone
 * it finishes its requests and ends.
 */
#ifndef PENSTOCK_APP_WORKER_H
#define PENSTOCK_APP_WORKER_H

#include "app/master.h"

/** The child's life; returns its exit code. */
int worker_run(const struct child *c);

/**
 * On a fatal signal, write one line that says what was being called, then die
 * of it all the same. Left alone where a sanitizer has its own handler.
 */
void worker_crash_handler(struct process_cell *p);

#endif

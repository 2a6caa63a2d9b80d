/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* The mock upstream as a process behind the sim plugin. */
#ifndef PENSTOCK_APP_MOCK_PROCESS_H
#define PENSTOCK_APP_MOCK_PROCESS_H

#include "app/master.h"

/** The child's life; returns its exit code. */
int mock_run(const struct child *c);

#endif

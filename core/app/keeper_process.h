/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* The keeper as a process: keeper/keeper.h between a loop and the master. */
#ifndef PENSTOCK_APP_KEEPER_PROCESS_H
#define PENSTOCK_APP_KEEPER_PROCESS_H

#include "app/master.h"

/** The child's life; returns its exit code. */
int keeper_run(const struct child *c);

#endif

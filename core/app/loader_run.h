/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* The loader's child side. */
#ifndef PENSTOCK_APP_LOADER_RUN_H
#define PENSTOCK_APP_LOADER_RUN_H

#include "app/loader.h"

/** Evaluate, check, stage, try, seal; answer on `sock`. The exit code. */
int loader_run(const struct load_order *order, int sock);

#endif

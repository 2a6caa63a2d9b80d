/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * What `check` says of keys that nothing reads as things stand, though they
 * do no harm: beside another that takes their place, or while something is
 * switched off. What is surely a mistake is refused by engine/config_idle.c.
 */
#ifndef PENSTOCK_CLI_CHECK_IDLE_H
#define PENSTOCK_CLI_CHECK_IDLE_H

#include "cli/config_file.h"

/** Append {at, key, note} to `notes`, for a file that was read. */
void check_idle(const struct config_file *f, json_t *notes);

#endif

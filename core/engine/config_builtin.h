/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* The configuration where there is no file, and what `sim` needs in any. */
#ifndef PENSTOCK_ENGINE_CONFIG_BUILTIN_H
#define PENSTOCK_ENGINE_CONFIG_BUILTIN_H

#include "engine/config.h"

/**
 * The tree of `serve` without a file: 127.0.0.1:8080, a provider for each
 * vendor of the catalogue whose environment variable is set, else `sim`. For
 * config_check. NULL with *err.
 */
json_t *config_builtin(const struct config_paths *paths, struct err *err);

/**
 * Let the providers of vendor `sim` in a canonical tree connect to the mock
 * upstream's socket, unless they name one; before config_bundle. Returns how
 * many there are: 0 means that no mock is needed.
 */
size_t config_set_sim_socket(json_t *canonical, const char *path);

#endif

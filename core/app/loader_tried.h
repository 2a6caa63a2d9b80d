/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Which plugins need no further trial. */
#ifndef PENSTOCK_APP_LOADER_TRIED_H
#define PENSTOCK_APP_LOADER_TRIED_H

#include "app/loader.h"
#include "engine/plugin.h"

/**
 * Do the providers, and who workers run as, stand in `next` as in the bundle
 * that is served? Then a plugin whose staged file is the same was tried with
 * all that it would be tried with now. False where nothing is served, and
 * where it cannot be said. Cost: a comparison of bundles, some 0.2 ms.
 */
bool loader_same_providers(const struct loaded *served,
                           const struct snapshot *next);

/** The plugin of that name in `served`, of the same staged file: it passed
 * its trial, since it is served; or NULL. */
const struct loaded_plugin *loader_tried(const struct loaded *served,
                                         struct str name, const char *staged);

/**
 * A trial failed: `said` with the place of the provider, of the setting where
 * that is known. `why` maps a JSON Pointer to "file:line" (config_check_why);
 * it may be NULL. Returns -said->code.
 */
int loader_refused(const struct plugin_trial *t, const json_t *why,
                   const struct err *said, struct err *err);

#endif

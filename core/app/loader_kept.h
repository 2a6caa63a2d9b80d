/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* The loader's part in bundles that are kept: one made of a file of the state
 * folder, and one put there. */
#ifndef PENSTOCK_APP_LOADER_KEPT_H
#define PENSTOCK_APP_LOADER_KEPT_H

#include "app/kept.h"
#include "engine/config.h"

/** The canonical tree of a kept bundle, checked as a file's is: a new
 * reference, or NULL with *err. */
json_t *loader_kept_tree(const struct kept *k, struct config_paths *where,
                         struct err *err);

/** The staged file of a plugin, as a kept bundle names it: it is there, and
 * has the hash that it had. 0 or -ERR_CONFIG. */
int loader_kept_plugin(const struct kept *k, const char *state,
                       struct str name, char *out, size_t size,
                       struct err *err);

/** The number of a start: one more than the highest in the state folder that
 * the tree names. */
uint64_t loader_next(const json_t *canonical);

/** Write it aside, for the master to rename; a failure is logged, no more. */
void loader_keep(const char *state, const struct loaded *l);

#endif

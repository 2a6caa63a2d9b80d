/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * The loader: a child that lives while a configuration is read. It evaluates
 * the file, checks it, stages and tries its plugins, seals the bundle, and
 * hands the result over; Lua, the catalogue's tree and foreign constructors
 * end with it.
 */
#ifndef PENSTOCK_APP_LOADER_H
#define PENSTOCK_APP_LOADER_H

#include "app/paths.h"
#include "app/rights.h"

#define LOADER_MAX_PLUGINS 64

struct snapshot;

struct loaded_plugin {
    char name[64];
    char path[PATHS_MAX]; /* staged: never changes, never goes */
};

/** What comes out of it. Zeroed = nothing. */
struct loaded {
    struct snapshot *bundle;
    struct rights rights;
    struct loaded_plugin *plugins;
    size_t n_plugins;
    bool sim; /* a provider needs the mock upstream */
};

/**
 * Load `file` (NULL: the built-in configuration) in a child and wait for it.
 *
 *   signal_fd  a signalfd of the caller's: a signal ends the load; -1 = none
 *
 * Errors: CONFIG with place and reason; CANCELLED; TIMEOUT; IO.
 */
int loader_load(struct loaded *out, const char *file, const struct paths *p,
                uint64_t generation, int signal_fd, struct err *err);
void loaded_clear(struct loaded *l);

#endif

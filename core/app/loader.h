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
#include "app/sources.h"
#include "engine/config_table.h"
#include "engine/plugin.h"

#define LOADER_MAX_PLUGINS 64
/** As a generation: one more than the highest that is kept. */
#define LOADER_NEXT UINT64_MAX

struct snapshot;
struct load_order;

struct loaded_plugin {
    char name[64];
    char path[PATHS_MAX]; /* staged: never changes, never goes */
    char version[PLUGIN_VERSION_MAX]; /* as its descriptor says */
};

/** What comes out of it. Zeroed = nothing. */
struct loaded {
    struct snapshot *bundle;
    int fd;       /* of the bundle, to be handed on; 0 = none */
    struct rights rights;
    struct loaded_plugin *plugins;
    size_t n_plugins;
    bool sim; /* a provider needs the mock upstream */
    /* against the bundle before it; empty and zero where there was none */
    char *changes;             /* JSON, see engine/config_diff.h; or NULL */
    uint32_t n_changes;
    enum conf_applies applies; /* the most that one of them asks for */
    bool helpers;              /* the keeper's configuration differs, too */
    struct sources *sources;   /* the files it is made of; NULL = not known */
    bool same_files; /* the files said the same when it was made */
    bool new_code;             /* a plugin's file is another, or one more */
};

/** A load under way. */
struct loading {
    pid_t pid;      /* 0 = none */
    int sock;       /* readable: loading_take has something to say */
    struct sources *sources; /* they come before the bundle */
    uint64_t until_ms;
    uint32_t patience_ms; /* from its begin to that */
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
/** The same of any order. */
int loader_wait(struct loaded *out, const struct load_order *order,
                struct err *err);
void loaded_clear(struct loaded *l);

/** Say in `next` how it differs from what is served. 0 or -ERR_x. */
int loaded_compare(struct loaded *next, const struct loaded *served,
                   struct err *err);

/** What a load is made of. */
struct load_order {
    const char *file; /* NULL: the built-in configuration */
    const struct paths *paths;
    uint64_t generation;
    /* what is served now, to say what differs; its bundle NULL = nothing */
    const struct loaded *served;
    /* a kept bundle's number, in place of the file; then its state folder */
    uint64_t kept;
    const char *state;
    const char *candidate; /* a folder of policies before all; or NULL */
    bool keep;        /* write what differs from `served` aside: app/kept.h */
    uint32_t patience_ms; /* 0 = a minute */
    int signal_fd;    /* the caller's, closed in the child; -1 = none */
    /* in the child, first: let go of what is the caller's; or NULL */
    void (*let_go)(void *ud);
    void *ud;
};

/** Begin a load and do not wait: 0, or -ERR_x with *err. */
int loading_start(struct loading *l, const struct load_order *order,
                  struct err *err);
/** When `sock` is readable or the time is over: 1 with *out filled, 0 (not
 * yet), or -ERR_x with *err. The load is over but for 0; after 1 its process
 * is still to be reaped, as any child. */
int loading_take(struct loading *l, struct loaded *out, uint64_t now_ms,
                 struct err *err);
/** Give it up; nothing is left of it. */
void loading_stop(struct loading *l);

#endif

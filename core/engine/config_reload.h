/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* How a changed configuration is taken over, and when it is taken back. */
#ifndef PENSTOCK_ENGINE_CONFIG_RELOAD_H
#define PENSTOCK_ENGINE_CONFIG_RELOAD_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct conf_walk;

struct conf_reload {
    bool watch;           /* follow the files */
    bool tests;           /* a policy's _test.lua must pass */
    uint64_t bake_ms;     /* how long a new generation is watched */
    uint64_t canary_ms;   /* how long one worker tries a new plugin file */
    bool judged;          /* by the numbers below; else by crashes alone */
    uint32_t errors;      /* failed by policies, percent of the answered */
    uint32_t min;         /* answers before anything is said */
    uint32_t denials;     /* tenths: how often the former's share; 0 = not */
};

/** "x3", "x1.5" as tenths; 0 where it is none. */
uint32_t conf_times(const char *text);

/** The rules of the block. 0 or -ERR_CONFIG, said to the walk. */
int walk_reload(struct conf_walk *w, json_t *canonical);
/** The block as a struct; `v` is canonical. */
struct conf_reload open_reload(const json_t *v);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * A YAML file as a tree of nodes with their lines, and a note on each that
 * somebody has taken it: what nobody took is told in the end. Anchors are
 * followed, so no walk may go deeper than YTREE_DEEP.
 */
#ifndef PENSTOCK_CLI_YAML_TREE_H
#define PENSTOCK_CLI_YAML_TREE_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

enum { YTREE_BYTES = 4 << 20, YTREE_NODES = 100000, YTREE_DEEP = 16 };

struct ytree;

/** A node; 0 is none, and every function takes it. */
typedef int ynode;

/** NULL with *err: SYNTAX with file and line, LIMIT, or the system's. */
struct ytree *ytree_read(const char *path, struct err *err);
void ytree_free(struct ytree *t);

ynode ytree_top(const struct ytree *t);

/** Value of a mapping's key, taken from now on; 0 = none. O(members). */
ynode ytree_take(struct ytree *t, ynode map, const char *key);
/** The same, not taken: its members are. */
ynode ytree_at(const struct ytree *t, ynode map, const char *key);

/** The i-th of a list, 0 behind its end. */
ynode ytree_item(const struct ytree *t, ynode list, size_t i);
/** The i-th key and value of a mapping; false behind its end. */
bool ytree_pair(const struct ytree *t, ynode map, size_t i, const char **key,
                ynode *value);

/** A scalar's text, borrowed; NULL for anything else and for null. */
const char *ytree_text(const struct ytree *t, ynode n);
/** Its line, from 1; 0 of none. */
int ytree_line(const struct ytree *t, ynode n);

void ytree_mark(struct ytree *t, ynode n);

/**
 * Call fn, once, for each scalar and each empty list or mapping that nobody
 * took and that stands in nothing taken; `path` is
 * "router_settings.cooldown_time" or "model_list[2].litellm_params.rpm".
 */
void ytree_untaken(struct ytree *t,
                   void (*fn)(void *ud, ynode n, const char *path), void *ud);

#endif

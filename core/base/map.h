/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * A hash map from bytes to a pointer: open addressing, seeded hash (hostile
 * keys do not collide), a cap on the count. Keys are copied; values are
 * borrowed. Iteration is in no promised order.
 */
#ifndef PENSTOCK_BASE_MAP_H
#define PENSTOCK_BASE_MAP_H

#include "base/str.h"

struct map;

struct map *map_new(size_t max_entries);
void map_free(struct map *m);

/** Set; 0, -ERR_LIMIT or -ERR_NOMEM. A value of NULL is not allowed. */
int map_set(struct map *m, struct str key, void *value);

/** The value or NULL. O(1). */
void *map_get(const struct map *m, struct str key);

size_t map_count(const struct map *m);

/** Start with *at = 0; false after the last. Do not change while walking. */
bool map_next(const struct map *m, size_t *at, struct str *key, void **value);

#endif

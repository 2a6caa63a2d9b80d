/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * What callers used of late, by scope and name, for limits whose memory is
 * new: a cell that is made stands as if it had been there. One process fills
 * the table before anybody reads it; it is shared memory that the next
 * program takes over as it does the limits'.
 *
 * The time before is cut in spans that grow with their age, to a day. What
 * was used within a span counts from its begin, so nobody is refused because
 * of it whom the memory before would have let in.
 *
 * Source: docs/design/upgrade.md, "Limits in new memory".
 */
#ifndef PENSTOCK_ENGINE_LIMIT_SEED_H
#define PENSTOCK_ENGINE_LIMIT_SEED_H

#include "engine/limit_cell.h"

enum { LIMIT_SEED_NAMES = 4096 };

struct limit_seeds;

/** An empty table, or the one of the program before. Errors: NOMEM, IO,
 * LIMIT. */
struct limit_seeds *limit_seeds_new(struct err *err);
void limit_seeds_free(struct limit_seeds *s); /* NULL is fine */

/** The table is of now: ages count from there. Before the first add. */
void limit_seeds_begin(struct limit_seeds *s, uint64_t now_ms);

/** So many requests and tokens of that name so long ago. False: it is full,
 * the name is counted as left out. An empty name is nobody's. */
bool limit_seeds_add(struct limit_seeds *s, struct str scope, struct str name,
                     uint64_t age_ms, uint32_t requests, uint64_t tokens);

/** Names in it, and adds that found no room. */
uint32_t limit_seeds_names(const struct limit_seeds *s);
uint64_t limit_seeds_left_out(const struct limit_seeds *s);

/** A new cell of the row, as it would stand at `now_ms`. Concurrent ones are
 * left: what is new has nobody inside. O(1). */
void limit_seeds_apply(const struct limit_seeds *s, const struct limit_row *row,
                       uint64_t now_ms, struct limit_cell *c);

#endif

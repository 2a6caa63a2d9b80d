/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Who is next of those that wait: batch after all others; within a class
 * whose key has had the least, counted in cost (start-time fair queueing: each
 * item gets the virtual time at which its key's earlier items would be done);
 * of one key in the order in which they came. One key's thousand items cost
 * another's single one a turn, not a thousand.
 *
 * Items are embedded in their owner. What a key has had is remembered for as
 * long as it is ahead of the others, for FAIR_KEYS keys; of more some count
 * together.
 *
 * Source: Goyal, Vin, Cheng: "Start-time Fair Queuing"
 */
#ifndef PENSTOCK_ENGINE_FAIR_H
#define PENSTOCK_ENGINE_FAIR_H

#include <stdbool.h>
#include <stdint.h>

enum { FAIR_KEYS = 256 };

struct fair_item {
    void *owner;
    uint64_t key;   /* hash of whose it is */
    uint64_t start; /* virtual time of its turn */
    uint64_t seq;
    uint64_t cost;
    uint32_t at;    /* its place; FAIR_OUT: none */
    bool batch;
};

#define FAIR_OUT UINT32_MAX

struct fair;

struct fair *fair_new(void); /* NULL: memory */
void fair_free(struct fair *f); /* the items are their owners' */

/** Join with key, cost (at least 1) and batch set. 0 or -ERR_NOMEM.
 * Cost: O(log n). */
int fair_put(struct fair *f, struct fair_item *i);

/** Take out who is next, or NULL; then one of the two below, or fair_leave.
 * Cost: O(log n). */
struct fair_item *fair_pop(struct fair *f);
/** It was not its turn after all: back to its place. Never fails. */
void fair_back(struct fair *f, struct fair_item *i);
/** It was served. */
void fair_served(struct fair *f, const struct fair_item *i);
/** It goes without: its key does not pay. Popped or not. */
void fair_leave(struct fair *f, struct fair_item *i);

uint32_t fair_count(const struct fair *f); /* of those not popped */

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Requests that wait for a place: at a target where all that could serve them
 * have as many calls as they may, or within the caller's own limit
 * (ps.queue). One queue a worker, bounded in requests and bytes; in it a lane
 * for each model, or limit, that is waited for, so that none holds up another.
 * Whose turn it is says engine/fair.h, when a queue has become too long
 * engine/codel.h.
 *
 * A turn is a run of the request's step, which takes its place or waits on;
 * nothing is reserved. Turns are given when a place of this worker becomes
 * free, and every 10 ms for those that others free: places are counted in
 * memory that all share. Where several workers have requests that wait, one
 * that frees a place leaves it to the others as often as it is their share.
 *
 * Source: docs/design/reliability.md, "Waiting"
 */
#ifndef PENSTOCK_FLOW_QUEUE_H
#define PENSTOCK_FLOW_QUEUE_H

#include "flow/request.h"

enum queue_for { QUEUE_TARGET, QUEUE_LIMIT };

/** How a wait ended, for the metrics. */
enum queue_end { QUEUE_SERVED, QUEUE_TIMEOUT, QUEUE_SHED, QUEUE_LEFT };

struct queue;

struct queue_wish {
    enum queue_for what;
    uint64_t lane; /* hash of what is waited for */
    uint64_t cost; /* tokens */
    uint64_t max_wait_ms;
    uint64_t wake_in_ms; /* QUEUE_LIMIT: no turn before that */
};

/** Wait from now on, unless it does. 0, -ERR_LIMIT (the queue is full),
 * -ERR_NOMEM. */
int queue_join(struct request *r, const struct queue_wish *w);
/** Is this run its turn? Once for each. */
bool queue_turn(struct request *r);
/** It is not its turn after all; of a limit: none before that. */
void queue_again_in(struct request *r, uint64_t ms);
/** Has it waited as long as it would? */
bool queue_is_over(const struct request *r);
/** Has the queue become so long that this one is better turned away? To be
 * asked when it could be served. */
bool queue_sheds(struct request *r);
/** It waits no more; idempotent. */
void queue_leave(struct request *r, enum queue_end how);

/** Does somebody wait in that lane? O(lanes), O(1) where nobody waits. */
bool queue_has(const struct flow *f, uint64_t lane);
/** How many do. */
uint32_t queue_length(const struct flow *f, uint64_t lane);
/** When somebody who joins last would have a turn, by the pace at which
 * places became free: 1 to 60 s; 1 s where nothing is known. */
uint64_t queue_retry_ms(const struct flow *f, uint64_t lane);

/** A place at a target is free again. O(1) where nobody waits. */
void queue_freed(struct flow *f);
/** Nobody waits any more. NULL is fine. */
void queue_free(struct queue *q);

/* steps_queue.c */
/** All targets that could serve it are full: STEP_QUEUE, or what is told. */
enum step queue_for_target(struct request *r);
/** Others wait for what it would take: it comes after them. */
bool queue_comes_first(const struct request *r);
/** `admit` said ps.queue: STEP_THROTTLE, or the denial. */
enum step queue_for_limit(struct request *r, const struct policy_result *p);

/* steps_out.c */
/** r->at is chosen and its place taken. */
enum step try_chosen(struct request *r);
/** Nobody is: a place is free in about full_ms, where they are full (0: they
 * are not); so long was waited in vain. */
enum step try_nobody(struct request *r, uint64_t full_ms, uint64_t waited_ms);

#endif

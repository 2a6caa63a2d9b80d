/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Places at targets: whether one is free for a request, and what its try tells
 * of how many its target bears, where that is found out (provider.adaptive,
 * see engine/aimd.h).
 */
#ifndef PENSTOCK_FLOW_PLACES_H
#define PENSTOCK_FLOW_PLACES_H

#include "flow/request.h"

enum room {
    ROOM_NONE, /* nobody could serve it now: they rest, or are out */
    ROOM_FULL, /* who could has as many calls as they may */
    ROOM_YES,
};

/** As many calls under way as its host's pool may have in this worker? */
bool places_host_full(const struct request *r, const struct target *t);
/** That, or as many as it may have itself? */
bool places_full(const struct request *r, const struct target *t);
/** Of the candidates that are well; where there is none, of those whose
 * breaker is open, whose key is parked, or that were taken out.
 * O(candidates). */
enum room places_room(const struct request *r);
/** When one that is full has a place again, about; 0: none is. */
uint64_t places_back_ms(const struct request *r);

/** The try is over and judged; its place is still held. */
void places_judged(struct request *r);

#endif

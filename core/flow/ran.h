/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Which policies ran for a request, what they meant, how long they took: kept
 * in the request's arena and told by explain. What a mark costs is measured by
 * tests/bench/policy_bench.
 */
#ifndef PENSTOCK_FLOW_RAN_H
#define PENSTOCK_FLOW_RAN_H

#include "base/arena.h"
#include "base/buf.h"
#include "policy/policy.h"

#define RAN_MAX 64 /* policies per request; more are not recorded */

struct ran_block;

/** Embedded in a request, zeroed. */
struct ran_list {
    struct ran_block *first, *last;
    uint32_t n;
    uint32_t notes; /* of the request when the last policy was through */
};

/**
 * A policy is through; it made the request's notes from t->notes to
 * `notes`. Out of memory it is not recorded.
 */
void ran_add(struct ran_list *t, struct arena *a, const struct policy_ran *ran,
               uint32_t notes);

/**
 * Append a JSON array: {"policy", "phase", "verdict"} and, where there are
 * any, "what", "mode": "observe", "fail": "open", "us", "waits",
 * "waited_us", "instructions", "notes": [places in the request's notes].
 */
void ran_write(const struct ran_list *t, struct buf *b);

#endif

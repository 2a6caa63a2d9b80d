/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Which candidate is tried next, and what its breaker hears of the try.
 *
 * A target that rests is not tried; one whose breaker does not admit the call,
 * or whose only key is parked, is passed over while there is another.
 * Breakers are ignored when nothing else is left, and when those
 * of more than half of the candidates are not closed (then it is likelier
 * that we are wrong, or that all are); probes are taken all the same, so that
 * they find back.
 *
 * Source: docs/design/reliability.md, "Breaker"
 */
#ifndef PENSTOCK_FLOW_CHOOSE_H
#define PENSTOCK_FLOW_CHOOSE_H

#include "flow/request.h"

/** A credential of `p` other than `but` that does not rest, or the only one
 * where it is parked; it does not take its turn. */
bool choose_credential(const struct request *r, const struct provider *p,
                       const struct credential *but);

/** Could candidate `i` serve this request, but for its breaker and a parked
 * key? */
bool choose_can(const struct request *r, size_t i);
/** One other than the present one? */
bool choose_other(const struct request *r);
/** And one whose breaker is closed? */
bool choose_well(const struct request *r);

/**
 * Set r->at to the next candidate, the present one first, and take the slot
 * of its probe where that is due. False: there is none.
 *
 * Cost: O(candidates); no allocation but for notes on targets passed over.
 */
bool choose_target(struct request *r);

/** When is the first of the resting targets back, where all rest? In
 * milliseconds from now; 0: none rests. *why (or NULL): what it rests for. */
uint64_t choose_soonest_ms(const struct request *r, const char **why);

/** The first content came: note when, and tell the breaker. */
void choose_first_content(struct request *r);
/** The try is over and judged; `dead`: its kept connection was. */
void choose_judged(struct request *r, bool dead);
/** Give a slot back without a verdict; idempotent. */
void choose_leave(struct request *r);

#endif

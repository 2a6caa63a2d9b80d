/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * What comes after a try that failed before its first content, and what the
 * client's SDK is told about trying again. One owner of retries: tries of a
 * request are counted over all targets, and its deadline holds for all.
 *
 * Source: docs/design/reliability.md, "Retries"
 */
#ifndef PENSTOCK_FLOW_RETRY_H
#define PENSTOCK_FLOW_RETRY_H

#include "engine/fault.h"
#include "flow/request.h"

/** A failure that took longer is not tried again at the same target. */
#define RETRY_SLOW_MS 10000

/** Of the failed try, while it is there. */
struct retry_cause {
    const struct fault_info *info;
    const struct credential *used;
    uint64_t told_ms; /* the pause that its provider asked for; 0 = none */
    bool dead;        /* it went into a kept connection that was dead */
    bool once;        /* it was slow, or its provider said: not again */
};

/** A request is about to be tried for the first time: its model earns. */
void retry_earn(struct request *r);

struct retry_cause retry_cause(const struct request *r);
/** STEP_ATTEMPT, STEP_BACKOFF, or STEP_FAIL with r->retry_after_ms set to
 * when one of the targets is back, where that is known. */
enum step retry_next(struct request *r, const struct retry_cause *why);

/*
 * What a policy wants instead: no further try; the same target after a pause,
 * whatever the class of its fault; another target; those of another plan. The
 * request's tries and deadline hold all the same, and so does the budget of
 * its model. A pause that the deadline or the budget does not allow for:
 * retry_next.
 */
enum step retry_give_up(struct request *r, const struct retry_cause *why);
enum step retry_again(struct request *r, const struct retry_cause *why,
                      uint64_t after_ms);
enum step retry_other(struct request *r, const struct retry_cause *why);
enum step retry_moved(struct request *r, const struct retry_cause *why,
                      const struct plan *to);

/** Is it a provider's field on retries, in whose place ours are sent? */
bool retry_replaces(const struct request *r, struct str name);

#endif

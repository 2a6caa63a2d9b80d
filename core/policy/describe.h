/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* What a policy is, as far as its file says so. */
#ifndef PENSTOCK_POLICY_DESCRIBE_H
#define PENSTOCK_POLICY_DESCRIBE_H

#include "policy/policy.h"

struct policy_about {
    bool has[PHASE_COUNT];
    bool open[PHASE_COUNT]; /* what an error means there */
};

/**
 * Load a policy as a worker would, alone, and look at it. `c` as far as
 * loading needs it (services, Redis). Errors: CONFIG with place, NOMEM, IO.
 */
int policy_describe(const struct config *c, const struct conf_policy *p,
                    struct policy_about *out, struct err *err);

#endif

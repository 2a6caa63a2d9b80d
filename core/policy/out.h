/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * What became of a request, for the log phase: `out`. Nothing of it can be
 * changed. Texts are borrowed from the request, or from the test.
 */
#ifndef PENSTOCK_POLICY_OUT_H
#define PENSTOCK_POLICY_OUT_H

#include "policy/policy.h"
#include "wire/usage.h"

/** One of the tries. */
struct policy_out_try {
    struct str target, credential;
    struct str cls, why; /* of its fault; cls empty = it served */
    int status;          /* HTTP; 0 = none came */
    int64_t ms;          /* -1 = it is not known */
    int64_t first_ms;    /* to its first content; -1 = there was none */
};

struct policy_out {
    int status;            /* of the client's answer; 0 = it left before one */
    struct str ended;      /* "complete", "error", ...: as in the access line */
    struct str side;       /* whose fault: empty = nobody's */
    struct str error;      /* the code; empty = none */
    struct str policy;     /* who refused or answered; empty = none */
    const struct target *target; /* of the last try; NULL = none was made */
    int64_t ms;            /* since the request came */
    int64_t first_ms;      /* to the first content; -1 = there was none */
    struct usage usage;    /* as in the access line; -1 = not known */
    int64_t cost_nusd;     /* of all tries; -1 = not known */
    const struct policy_out_try *tries;
    size_t n_tries;
};

#endif

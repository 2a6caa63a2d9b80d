/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* What policies see of tries: the one to come, one that failed, the head of
 * one that serves. Texts belong to the request. */
#ifndef PENSTOCK_POLICY_TRIES_H
#define PENSTOCK_POLICY_TRIES_H

#include "engine/target.h"
#include "net/http_header.h"

/** Header fields that policies set; without a value: it goes. */
struct policy_headers {
    struct http_header at[16]; /* each name once; in the run's arena */
    size_t n;
};

/** An earlier try of the request. */
struct policy_tried {
    struct str target, cls; /* class of the fault; empty = it served */
    int status;             /* HTTP; 0 = none */
};

/** attempt: the try to come. */
struct policy_try {
    uint32_t n; /* 1 = the first */
    const struct target *target;
    struct str credential;
    uint64_t elapsed_ms; /* since the request came */
    const struct policy_tried *tried;
    size_t n_tried;
    struct policy_headers set; /* of the outgoing head */
};

/** upstream_error: the try that failed, before any content. */
struct policy_failed {
    uint32_t attempt; /* which; 1 = the first */
    const struct target *target;
    struct str cls, scope; /* of the fault */
    struct str message; /* the provider's, else what went wrong */
    int status;         /* HTTP; 0 = no answer came */
    uint64_t retry_after_ms; /* that the provider asked for; 0 = none */
    uint64_t ms, elapsed_ms; /* of the try; since the request came */
};

/** response: the head of an answer that serves, before it is passed on. */
struct policy_resp {
    int status;
    uint32_t attempt; /* which try's it is; 1 = the first */
    const struct target *target;
    uint64_t ms; /* from the try's begin to its head */
    const struct http_header *fields; /* the provider's */
    size_t n_fields;
    struct policy_headers set; /* of the client's head */
};

#endif

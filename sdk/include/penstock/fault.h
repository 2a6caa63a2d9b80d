/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* What goes wrong at a provider: part of penstock/plugin.h, which includes
 * it. */
#ifndef PENSTOCK_FAULT_H
#define PENSTOCK_FAULT_H

/** Faults: what happened ... */
enum {
    PS_FAULT_NONE = 0,
    PS_FAULT_TRANSIENT,  /* 5xx: try again */
    PS_FAULT_OVERLOADED, /* 503, 529 */
    PS_FAULT_RATE_LIMIT, /* 429: wait */
    PS_FAULT_QUOTA,      /* 402, 429 that waiting does not cure */
    PS_FAULT_AUTH,       /* 401, 403: the gateway's credential */
    PS_FAULT_MODEL_ACCESS,
    PS_FAULT_MODEL_GONE,
    PS_FAULT_CONTEXT_LENGTH,
    PS_FAULT_CONTENT_FILTER,
    PS_FAULT_BAD_REQUEST, /* the caller's fault */
    PS_FAULT_REGION,
    PS_FAULT_TIMEOUT,
    PS_FAULT_CONNECT,
    PS_FAULT_PROTOCOL,
    PS_FAULT_UNKNOWN
};
/** ... and whom it concerns. */
enum {
    PS_SCOPE_REQUEST = 1, PS_SCOPE_CREDENTIAL, PS_SCOPE_TARGET,
    PS_SCOPE_PROVIDER
};

#endif

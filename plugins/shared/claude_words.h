/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * The words of Anthropic's errors, for the plugins of all hosts of its models,
 * each of which compiles them in. Sources, dates: anthropic's README.md.
 */
#ifndef PENSTOCK_CLAUDE_WORDS_H
#define PENSTOCK_CLAUDE_WORDS_H

#include <penstock/plugin.h>

#define CLAUDE_N(a) (sizeof(a) / sizeof((a)[0]))

/* error.type, where the status does not say it: inside a 200, say */
static const ps_verdict claude_types[] = {
    { "overloaded_error", PS_FAULT_OVERLOADED, PS_SCOPE_TARGET },
    { "api_error", PS_FAULT_TRANSIENT, PS_SCOPE_TARGET },
    { "timeout_error", PS_FAULT_TIMEOUT, PS_SCOPE_TARGET },
    { "rate_limit_error", PS_FAULT_RATE_LIMIT, PS_SCOPE_CREDENTIAL },
    { "billing_error", PS_FAULT_QUOTA, PS_SCOPE_CREDENTIAL },
    { "authentication_error", PS_FAULT_AUTH, PS_SCOPE_CREDENTIAL },
    { "permission_error", PS_FAULT_AUTH, PS_SCOPE_CREDENTIAL },
    { "not_found_error", PS_FAULT_MODEL_GONE, PS_SCOPE_TARGET },
    { "request_too_large", PS_FAULT_BAD_REQUEST, PS_SCOPE_REQUEST },
    { "invalid_request_error", PS_FAULT_BAD_REQUEST, PS_SCOPE_REQUEST },
};

/* Within error.message: both classes are the caller's own fault, so that a
 * prompt which is echoed can harm nobody but its sender. */
static const ps_verdict claude_phrases[] = {
    { "prompt is too long", PS_FAULT_CONTEXT_LENGTH, PS_SCOPE_REQUEST },
    { "exceed context limit", PS_FAULT_CONTEXT_LENGTH, PS_SCOPE_REQUEST },
    { "context window", PS_FAULT_CONTEXT_LENGTH, PS_SCOPE_REQUEST },
    { "content filtering policy", PS_FAULT_CONTENT_FILTER, PS_SCOPE_REQUEST },
};

#endif

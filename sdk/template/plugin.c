/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * A provider plugin to start from. Rename it (the descriptor's name is the
 * file's name without .so), keep the operations that you need, drop the rest:
 * what is NULL is done by the core.
 *
 * Rules: no blocking call, no thread, no global that changes, no static
 * thread-local; what you are given is borrowed until the call returns, what
 * you need longer comes from ps_alloc and is never freed.
 */
#include <penstock/plugin.h>

/* What differs in the body that goes out: once per attempt, last of all. */
static ps_rc adjust(ps_try *t)
{
    ps_rename(t, "/max_tokens", "/max_completion_tokens");
    return ps_remove(t, "/store");
}

/* What an error means. `f` arrives filled from the status; set class and
 * scope where the provider's own code says more. */
static ps_rc classify(ps_try *t, ps_fault *f)
{
    if (ps_is(ps_answer_str(t, "/error/code"), "OUT_OF_CREDIT"))
        ps_fault_set(f, PS_FAULT_QUOTA, PS_SCOPE_CREDENTIAL);
    return PS_OK;
}

/* What the provider speaks, below its base URL. */
static const ps_api apis[] = {
    { PS_CHAT, PS_OPENAI_CHAT, PS_SSE, "POST", "/chat/completions" },
    { PS_MODELS, PS_OPENAI_MODELS, PS_JSON, "GET", "/models" },
};

static const ps_provider ops = {
    .size = sizeof ops,
    .apis = apis,
    .n_apis = sizeof apis / sizeof apis[0],
    /* .auth_header = "x-api-key",   unless "authorization: Bearer ..." */
    .adjust = adjust,
    .classify = classify,
};

PS_PLUGIN(PS_PROVIDER, "mine", "0.1", &ops);

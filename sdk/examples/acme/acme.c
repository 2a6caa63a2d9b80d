/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* A whole vendor: OpenAI's dialect with another auth header, one renamed and
 * one refused member, and an error code of its own. */
#include <penstock/plugin.h>

/* the OUTGOING body, after the codec or the native copy */
static ps_rc adjust(ps_try *t)
{
    ps_rename(t, "/max_tokens", "/max_completion_tokens");
    return ps_remove(t, "/store");
}

/* f arrives filled from the status */
static ps_rc classify(ps_try *t, ps_fault *f)
{
    if (ps_is(ps_answer_str(t, "/error/code"), "INSUFFICIENT_BALANCE")) {
        f->cls = PS_FAULT_QUOTA;
        f->scope = PS_SCOPE_CREDENTIAL;
    }
    return PS_OK;
}

static const ps_api apis[] = {
    { PS_CHAT, PS_OPENAI_CHAT, PS_SSE, "POST", "/chat/completions" },
};
static const ps_provider ops = {
    .size = sizeof ops,
    .apis = apis,
    .n_apis = 1,
    .auth_header = "x-acme-key",
    .adjust = adjust,
    .classify = classify,
};
PS_PLUGIN(PS_PROVIDER, "acme", "1.0", &ops);

/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Believes that memory never runs out. */
#include <penstock/plugin.h>

static ps_rc watch(ps_try *t, ps_str event, ps_str data)
{
    char *copy = (char *)ps_alloc(t, data.n + 1);

    (void)event;
    memcpy(copy, data.p, data.n);
    return PS_OK;
}

static const ps_api apis[] = {
    { PS_CHAT, PS_OPENAI_CHAT, PS_SSE, "POST", "/chat/completions" },
};
static const ps_provider ops = {
    .size = sizeof ops,
    .apis = apis,
    .n_apis = 1,
    .watch = watch,
};
PS_PLUGIN(PS_PROVIDER, "odd_null", "1", &ops);

/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Returns codes that are none, and takes what it should not. */
#include <penstock/plugin.h>

static ps_rc adjust(ps_try *t)
{
    return ps_remove(t, "/messages");
}

static ps_rc watch(ps_try *t, ps_str event, ps_str data)
{
    (void)t, (void)event;
    return ps_holds(data, "content\":\"lo") ? 99 : PS_OK;
}

static const ps_api apis[] = {
    { PS_CHAT, PS_OPENAI_CHAT, PS_SSE, "POST", "/chat/completions" },
};
static const ps_provider ops = {
    .size = sizeof ops,
    .apis = apis,
    .n_apis = 1,
    .adjust = adjust,
    .watch = watch,
};
PS_PLUGIN(PS_PROVIDER, "odd_body", "1", &ops);

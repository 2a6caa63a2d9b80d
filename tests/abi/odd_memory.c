/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Remembers from one attempt to the next: no two runs are alike. */
#include <penstock/plugin.h>

static int64_t seen;

static ps_rc watch(ps_try *t, ps_str event, ps_str data)
{
    ps_usage u;

    (void)event, (void)data;
    ps_usage_init(&u);
    u.reasoning = ++seen;
    return ps_report_usage(t, &u);
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
PS_PLUGIN(PS_PROVIDER, "odd_memory", "1", &ops);

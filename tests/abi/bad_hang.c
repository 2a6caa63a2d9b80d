/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Refused: its selftest does not come back. */
#include <penstock/plugin.h>

static volatile int forever = 1;

static ps_rc selftest(ps_host *h)
{
    (void)h;
    while (forever)
        ;
    return PS_OK;
}

static const ps_api apis[] = {
    { PS_CHAT, PS_OPENAI_CHAT, PS_SSE, "POST", "/chat/completions" },
};

static const ps_provider ops = {
    .size = sizeof ops,
    .apis = apis,
    .n_apis = 1,
    .selftest = selftest,
};

PS_PLUGIN(PS_PROVIDER, "bad_hang", "1", &ops);

/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Refused: ends the process. */
#include <penstock/plugin.h>

#include <stdlib.h>

static ps_rc selftest(ps_host *h)
{
    (void)h;
    exit(0);
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

PS_PLUGIN(PS_PROVIDER, "bad_exit", "1", &ops);

/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Refused: its selftest says that something is wrong. */
#include <penstock/plugin.h>

static ps_rc selftest(ps_host *h)
{
    return h->svc->fail(h, PS_EUNSUP, ps_z(""), ps_z("this is no place"));
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

PS_PLUGIN(PS_PROVIDER, "bad_selftest", "1", &ops);

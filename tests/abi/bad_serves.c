/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Refused: rows of a dialect that are for no models at all. */
#include <penstock/plugin.h>

static const ps_api apis[] = {
    { PS_CHAT, PS_OPENAI_CHAT, PS_SSE, "POST", "/chat/completions" },
};

static const ps_serves serves[] = { { PS_OPENAI_CHAT, NULL } };

static const ps_provider ops = {
    .size = sizeof ops,
    .apis = apis,
    .n_apis = 1,
    .serves = serves,
    .n_serves = 1,
};

PS_PLUGIN(PS_PROVIDER, "bad_serves", "1", &ops);

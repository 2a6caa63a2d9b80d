/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* flags: -Wl,-z,execstack */
/* Refused: loading it would make every stack executable. */
#include <penstock/plugin.h>

static const ps_api apis[] = {
    { PS_CHAT, PS_OPENAI_CHAT, PS_SSE, "POST", "/chat/completions" },
};

static const ps_provider ops = {
    .size = sizeof ops,
    .apis = apis,
    .n_apis = 1,
};

PS_PLUGIN(PS_PROVIDER, "bad_stack", "1", &ops);

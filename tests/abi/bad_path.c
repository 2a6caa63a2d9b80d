/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Refused: an api whose path does not begin with a slash. */
#include <penstock/plugin.h>

static const ps_api apis[] = {
    { PS_CHAT, PS_OPENAI_CHAT, PS_SSE, "POST", "chat/completions" },
};

static const ps_provider ops = {
    .size = sizeof ops,
    .apis = apis,
    .n_apis = 1,
};

PS_PLUGIN(PS_PROVIDER, "bad_path", "1", &ops);

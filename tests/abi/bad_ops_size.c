/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Refused: ops.size was forgotten. */
#include <penstock/plugin.h>

static const ps_api apis[] = {
    { PS_CHAT, PS_OPENAI_CHAT, PS_SSE, "POST", "/chat/completions" },
};

static const ps_provider ops = {
    .apis = apis,
    .n_apis = 1,
};

PS_PLUGIN(PS_PROVIDER, "bad_ops_size", "1", &ops);

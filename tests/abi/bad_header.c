/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Refused: an auth header with a line break in its name. */
#include <penstock/plugin.h>

static const ps_api apis[] = {
    { PS_CHAT, PS_OPENAI_CHAT, PS_SSE, "POST", "/chat/completions" },
};

static const ps_provider ops = {
    .size = sizeof ops,
    .apis = apis,
    .n_apis = 1,
    .auth_header = "x-key\r\nhost",
};

PS_PLUGIN(PS_PROVIDER, "bad_header", "1", &ops);

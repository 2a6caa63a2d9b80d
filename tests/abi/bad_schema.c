/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Refused: a schema that Penstock would not check as its author believes. */
#include <penstock/plugin.h>

static const ps_api apis[] = {
    { PS_CHAT, PS_OPENAI_CHAT, PS_SSE, "POST", "/chat/completions" },
};

static const ps_provider ops = {
    .size = sizeof ops,
    .apis = apis,
    .n_apis = 1,
    .settings = "{\"properties\":{\"a\":{\"pattern\":\"^x\"}}}",
};

PS_PLUGIN(PS_PROVIDER, "bad_schema", "1", &ops);

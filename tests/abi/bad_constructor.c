/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Refused: crashes while it is loaded. */
#include <penstock/plugin.h>

static int *volatile nowhere;

__attribute__((constructor)) static void crash(void)
{
    *nowhere = 1;
}

static const ps_api apis[] = {
    { PS_CHAT, PS_OPENAI_CHAT, PS_SSE, "POST", "/chat/completions" },
};

static const ps_provider ops = {
    .size = sizeof ops,
    .apis = apis,
    .n_apis = 1,
};

PS_PLUGIN(PS_PROVIDER, "bad_constructor", "1", &ops);

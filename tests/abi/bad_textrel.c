/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* flags: -Wl,-z,notext */
/* Refused: an address in the code that the loader must write there. */
#include <penstock/plugin.h>

__asm__(".text\n.balign 8\n.8byte ps_plugin_v0\n");

static const ps_api apis[] = {
    { PS_CHAT, PS_OPENAI_CHAT, PS_SSE, "POST", "/chat/completions" },
};

static const ps_provider ops = {
    .size = sizeof ops,
    .apis = apis,
    .n_apis = 1,
};

PS_PLUGIN(PS_PROVIDER, "bad_textrel", "1", &ops);

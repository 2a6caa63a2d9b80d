/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Refused: the descriptor does not begin with the magic number. */
#include <penstock/plugin.h>

static const ps_api apis[] = {
    { PS_CHAT, PS_OPENAI_CHAT, PS_SSE, "POST", "/chat/completions" },
};

static const ps_provider ops = {
    .size = sizeof ops,
    .apis = apis,
    .n_apis = 1,
};

const ps_plugin ps_plugin_v0 = {
    0x12345678u, PS_ABI_MAJOR, PS_ABI_MINOR, (uint32_t)sizeof(ps_plugin),
    PS_PROVIDER, "bad_magic", "1", &ops
};

/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Refused: a kind of plugin that nobody knows. */
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
    PS_MAGIC, PS_ABI_MAJOR, PS_ABI_MINOR, (uint32_t)sizeof(ps_plugin),
    99, "bad_kind", "1", &ops
};

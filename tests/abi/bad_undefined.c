/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* flags: -Wl,-z,lazy */
/* Refused: a symbol that nobody has, which lazy binding would have hidden
 * until the first call. */
#include <penstock/plugin.h>

ps_rc penstock_has_no_such_function(ps_try *t);

static ps_rc adjust(ps_try *t)
{
    return penstock_has_no_such_function(t);
}

static const ps_api apis[] = {
    { PS_CHAT, PS_OPENAI_CHAT, PS_SSE, "POST", "/chat/completions" },
};

static const ps_provider ops = {
    .size = sizeof ops,
    .apis = apis,
    .n_apis = 1,
    .adjust = adjust,
};

PS_PLUGIN(PS_PROVIDER, "bad_undefined", "1", &ops);

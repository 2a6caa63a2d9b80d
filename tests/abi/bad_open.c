/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Refused: does not take the settings that it is given. */
#include <penstock/plugin.h>

static ps_rc open_it(ps_inst *i)
{
    ps_str region;

    if (i->svc->setting(i, ps_z("/region"), &region) != PS_OK)
        return i->svc->fail(i, PS_EINVAL, ps_z("/region"),
                            ps_z("no region is given"));
    return PS_OK;
}

static const ps_api apis[] = {
    { PS_CHAT, PS_OPENAI_CHAT, PS_SSE, "POST", "/chat/completions" },
};

static const ps_provider ops = {
    .size = sizeof ops,
    .apis = apis,
    .n_apis = 1,
    .open = open_it,
    .settings = "{\"properties\":{\"region\":{\"type\":\"string\"}}}",
};

PS_PLUGIN(PS_PROVIDER, "bad_open", "1", &ops);

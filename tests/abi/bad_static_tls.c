/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* flags: -ftls-model=initial-exec */
/* Refused: uses up the room that the process has for thread-local variables. */
#include <penstock/plugin.h>

static _Thread_local int calls;

static ps_rc adjust(ps_try *t)
{
    (void)t;
    return ++calls > 1 ? PS_OK : PS_DECLINED;
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

PS_PLUGIN(PS_PROVIDER, "bad_static_tls", "1", &ops);

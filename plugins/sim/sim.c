/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * The built-in mock upstream behind an ordinary adapter: it speaks OpenAI's
 * and Anthropic's wire formats on a private Unix socket, takes no credential
 * and adds nothing. What it answers, and how it fails, is the mock's own
 * configuration.
 */
#include <penstock/plugin.h>

static const ps_api apis[] = {
    { PS_CHAT, PS_OPENAI_CHAT, PS_SSE, "POST", "/chat/completions" },
    { PS_COMPLETIONS, PS_OPENAI_COMPLETIONS, PS_SSE, "POST", "/completions" },
    { PS_EMBEDDINGS, PS_OPENAI_EMBEDDINGS, PS_JSON, "POST", "/embeddings" },
    { PS_MODELS, PS_OPENAI_MODELS, PS_JSON, "GET", "/models" },
    { PS_CHAT, PS_ANTHROPIC, PS_SSE, "POST", "/messages" },
    { PS_COUNT_TOKENS, PS_ANTHROPIC, PS_JSON, "POST",
      "/messages/count_tokens" },
};

/* No header carries a credential: there is none to carry. */
static ps_rc auth(ps_try *t, ps_str secret)
{
    (void)t, (void)secret;
    return PS_OK;
}

static const ps_provider ops = {
    .size = sizeof ops,
    .apis = apis,
    .n_apis = sizeof apis / sizeof apis[0],
    .auth = auth,
};

PS_PLUGIN(PS_PROVIDER, "sim", "0.1.0", &ops);

/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Google's Gemini API with an API key (AI Studio). Bodies, streams and their
 * usage are the dialect's business; the plugin knows where things are, and
 * what Google's errors mean (shared/google.h). Sources, dates: README.md.
 */
#include "../shared/google.h"

#define MODEL "/v1beta/models/{model}"

static const ps_api apis[] = {
    { PS_CHAT, PS_GEMINI, PS_JSON, "POST", MODEL ":generateContent" },
    { PS_CHAT, PS_GEMINI, PS_SSE, "POST",
      MODEL ":streamGenerateContent?alt=sse" },
    { PS_COUNT_TOKENS, PS_GEMINI, PS_JSON, "POST", MODEL ":countTokens" },
    { PS_EMBEDDINGS, PS_GEMINI, PS_JSON, "POST", MODEL ":embedContent" },
    { PS_MODELS, PS_GEMINI, PS_JSON, "GET", "/v1beta/models?pageSize=1000" },
};

static const ps_provider ops = {
    .size = sizeof ops,
    .apis = apis,
    .n_apis = GOOGLE_N(apis),
    .auth_header = "x-goog-api-key",
    .classify = google_classify,
};

PS_PLUGIN(PS_PROVIDER, "gemini", "0.1.0", &ops);

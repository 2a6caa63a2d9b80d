/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Mistral: OpenAI's chat, from a vendor that refuses every member it does not
 * know. The core writes such requests anew (PS_MISTRAL); here is what is left:
 * its errors. Codes are data of the catalogue. Sources, dates: README.md.
 */
#include <penstock/plugin.h>

static ps_rc classify(ps_try *t, ps_fault *f)
{
    ps_str text = f->message;

    if (text.n > PS_TEXT_LOOKED_AT)
        text.n = PS_TEXT_LOOKED_AT;
    if (t->status == 400 && (ps_holds(text, "too large for model") ||
                             ps_holds(text, "maximum context length")))
        ps_fault_set(f, PS_FAULT_CONTEXT_LENGTH, PS_SCOPE_REQUEST);
    else if (t->status == 429 && ps_holds(text, "capacity exceeded"))
        ps_fault_set(f, PS_FAULT_OVERLOADED, PS_SCOPE_TARGET);
    else if (t->status == 400 && ps_holds(text, "Invalid model"))
        ps_fault_set(f, PS_FAULT_MODEL_GONE, PS_SCOPE_TARGET);
    else
        return PS_DECLINED;
    return PS_OK;
}

static const ps_api apis[] = {
    { PS_CHAT, PS_MISTRAL, PS_SSE, "POST", "/chat/completions" },
    { PS_EMBEDDINGS, PS_MISTRAL, PS_JSON, "POST", "/embeddings" },
    { PS_MODELS, PS_OPENAI_MODELS, PS_JSON, "GET", "/models" },
};

static const ps_provider ops = {
    .size = sizeof ops,
    .apis = apis,
    .n_apis = sizeof apis / sizeof apis[0],
    .classify = classify,
};

PS_PLUGIN(PS_PROVIDER, "mistral", "0.1.0", &ops);

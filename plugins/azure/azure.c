/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Azure OpenAI by deployments, each an address of its own with the version of
 * the API in its query. Bodies are OpenAI's, with what the content filter
 * found beside them: clients get it as it came. Sources, dates: README.md.
 */
#include <penstock/plugin.h>

#define N_OF(a) (sizeof(a) / sizeof((a)[0]))
#define VERSION "?api-version={api_version=2024-10-21}"
#define AT "/openai/deployments/{model}"

/* error.code, or error.innererror.code */
static const ps_verdict codes[] = {
    { "content_filter", PS_FAULT_CONTENT_FILTER, PS_SCOPE_REQUEST },
    { "ResponsibleAIPolicyViolation", PS_FAULT_CONTENT_FILTER,
      PS_SCOPE_REQUEST },
    { "context_length_exceeded", PS_FAULT_CONTEXT_LENGTH, PS_SCOPE_REQUEST },
    { "insufficient_quota", PS_FAULT_QUOTA, PS_SCOPE_CREDENTIAL },
    /* allowances are a deployment's, whatever key asks */
    { "RateLimitReached", PS_FAULT_RATE_LIMIT, PS_SCOPE_TARGET },
    { "429", PS_FAULT_RATE_LIMIT, PS_SCOPE_TARGET },
    { "DeploymentNotFound", PS_FAULT_MODEL_GONE, PS_SCOPE_TARGET },
    { "OperationNotSupported", PS_FAULT_MODEL_ACCESS, PS_SCOPE_TARGET },
    { "401", PS_FAULT_AUTH, PS_SCOPE_CREDENTIAL },
    { "PermissionDenied", PS_FAULT_AUTH, PS_SCOPE_CREDENTIAL },
};

static ps_rc classify(ps_try *t, ps_fault *f)
{
    if (ps_decide(f, codes, N_OF(codes),
                  ps_answer_str(t, "/error/innererror/code"), ps_is) ||
        ps_decide(f, codes, N_OF(codes), ps_answer_str(t, "/error/code"),
                  ps_is))
        return PS_OK;
    return PS_DECLINED;
}

static const ps_api apis[] = {
    { PS_CHAT, PS_OPENAI_CHAT, PS_SSE, "POST",
      AT "/chat/completions" VERSION },
    { PS_COMPLETIONS, PS_OPENAI_COMPLETIONS, PS_SSE, "POST",
      AT "/completions" VERSION },
    { PS_EMBEDDINGS, PS_OPENAI_EMBEDDINGS, PS_JSON, "POST",
      AT "/embeddings" VERSION },
};

static const ps_provider ops = {
    .size = sizeof ops,
    .apis = apis,
    .n_apis = N_OF(apis),
    .auth_header = "api-key",
    .settings = "{\"type\":\"object\",\"properties\":{"
                "\"api_version\":{\"type\":\"string\"}}}",
    .classify = classify,
};

PS_PLUGIN(PS_PROVIDER, "azure", "0.1.0", &ops);

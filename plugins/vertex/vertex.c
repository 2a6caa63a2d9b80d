/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Google's Vertex AI: Gemini as in the Gemini API, Claude as in Anthropic's,
 * and all others ("meta/llama-...") by an OpenAI-compatible address, each
 * below a project and a location. Bodies pass as they are but for what these
 * hosts want otherwise. Sources, dates: README.md.
 */
#include "../shared/claude_hosted.h"
#include "../shared/claude_words.h"
#include "../shared/google.h"

#define CLAUDE_VERSION "vertex-2023-10-16"

/* What Claude models here refuse of what clients ask for. */
#define CLAUDE_BETAS                                                          \
    "!oauth-* !prompt-caching-scope-* !structured-outputs-* !effort-* "       \
    "!adaptive-thinking-* !mcp-* !files-api-* !skills-* !fast-mode-* *"
#define COUNT_BETAS                                                           \
    "claude-code-* interleaved-thinking-* context-management-*"

/* error.message of Google's own errors */
static const ps_verdict access_words[] = {
    { "is not allowed to use publisher model", PS_FAULT_MODEL_ACCESS,
      PS_SCOPE_TARGET },
    { "is not servable in region", PS_FAULT_MODEL_ACCESS, PS_SCOPE_TARGET },
};

/* ---- the request ------------------------------------------------------- */

/* The dialect of AI Studio takes a turn without a role for the user's. */
static ps_rc name_roles(ps_try *t)
{
    char at[48];
    ps_rc rc = PS_OK;

    if (!ps_has(t, "/contents/0") || ps_has(t, "/contents/0/role"))
        return PS_OK;
    for (int i = 0; i < HOSTED_LIST_MAX && rc == PS_OK; i++) {
        snprintf(at, sizeof at, "/contents/%d", i);
        if (!ps_has(t, at))
            break;
        snprintf(at, sizeof at, "/contents/%d/role", i);
        if (!ps_has(t, at))
            rc = ps_set_json(t, at, ps_z("\"user\""));
    }
    return rc;
}

/* In count_tokens the body alone names the model: its date behind "@". */
static ps_rc date_model(ps_try *t)
{
    ps_str model = t->upstream_model, json;
    size_t n = model.n, digits = 0;
    char text[256];

    while (digits < 8 && n && model.p[n - 1] >= '0' && model.p[n - 1] <= '9') {
        digits++;
        n--;
    }
    if (digits < 8 || n < 2 || model.p[n - 1] != '-' || model.n > 200)
        return PS_OK;
    json.p = text;
    json.n = (size_t)snprintf(text, sizeof text, "\"%.*s@%.8s\"", (int)n - 1,
                              model.p, model.p + n);
    return ps_set_json(t, "/model", json);
}

static ps_rc adjust_claude(ps_try *t)
{
    int counts = t->api->op == PS_COUNT_TOKENS;
    char list[HOSTED_BETAS_MAX];
    ps_str betas = { list, 0 };
    ps_rc rc = counts ? date_model(t) : ps_remove(t, "/model");

    if (rc == PS_OK)
        rc = hosted_version(t, CLAUDE_VERSION);
    if (rc == PS_OK)
        rc = hosted_unscoped(t);
    betas.n = hosted_betas(t, hosted_patterns(t, counts ? COUNT_BETAS
                                                        : CLAUDE_BETAS),
                           "", list);
    return rc == PS_OK ? ps_header(t, "anthropic-beta", betas) : rc;
}

static ps_rc adjust(ps_try *t)
{
    switch (t->api->dialect) {
    case PS_ANTHROPIC:
        return adjust_claude(t);
    case PS_GEMINI:
        return name_roles(t);
    default:
        return PS_OK;
    }
}

/* ---- errors ------------------------------------------------------------ */

static void by_claude(ps_try *t, ps_fault *f)
{
    ps_str text = ps_answer_str(t, "/error/message");

    if ((t->status == 200 || t->status == 400 || t->status == 413) &&
        ps_decide(f, claude_phrases, CLAUDE_N(claude_phrases), text,
                  ps_contains))
        return;
    if (t->status == 200)
        ps_decide(f, claude_types, CLAUDE_N(claude_types),
                  ps_answer_str(t, "/error/type"), ps_is);
    else if (t->status == 404)
        ps_fault_set(f, PS_FAULT_BAD_REQUEST, PS_SCOPE_REQUEST);
}

/*
 * Anthropic's own object where the model's side answers, else Google's. What
 * is used up is a project's share of one model in one place, whatever key
 * asks: the target rests.
 */
static ps_rc classify(ps_try *t, ps_fault *f)
{
    ps_str text = google_in_error(t, "message");

    if (ps_is(ps_answer_str(t, "/type"), "error"))
        by_claude(t, f);
    else
        google_classify(t, f);
    if (t->status == 400 || t->status == 403 || t->status == 404)
        ps_decide(f, access_words, GOOGLE_N(access_words), text, ps_contains);
    if (f->cls == PS_FAULT_RATE_LIMIT)
        f->scope = PS_SCOPE_TARGET;
    return PS_OK;
}

/* ---- what it speaks ---------------------------------------------------- */

#define AT "/v1/projects/{project}/locations/{location=global}"
#define GEMINI AT "/publishers/google/models/{model}"
#define CLAUDE AT "/publishers/anthropic/models/"

static const ps_api apis[] = {
    { PS_CHAT, PS_GEMINI, PS_JSON, "POST", GEMINI ":generateContent" },
    { PS_CHAT, PS_GEMINI, PS_SSE, "POST",
      GEMINI ":streamGenerateContent?alt=sse" },
    { PS_COUNT_TOKENS, PS_GEMINI, PS_JSON, "POST", GEMINI ":countTokens" },
    { PS_EMBEDDINGS, PS_GEMINI, PS_JSON, "POST", GEMINI ":embedContent" },
    { PS_EMBEDDINGS, PS_PREDICT, PS_JSON, "POST", GEMINI ":predict" },
    { PS_MODELS, PS_GEMINI, PS_JSON, "GET",
      "/v1beta1/publishers/google/models?pageSize=300" },
    { PS_CHAT, PS_ANTHROPIC, PS_JSON, "POST",
      CLAUDE "{model@date}:rawPredict" },
    { PS_CHAT, PS_ANTHROPIC, PS_SSE, "POST",
      CLAUDE "{model@date}:streamRawPredict" },
    { PS_COUNT_TOKENS, PS_ANTHROPIC, PS_JSON, "POST",
      CLAUDE "count-tokens:rawPredict" },
    { PS_CHAT, PS_OPENAI_CHAT, PS_SSE, "POST",
      AT "/endpoints/openapi/chat/completions" },
};

/* Models of vectors that have no :embedContent here. */
static const ps_serves serves[] = {
    { PS_GEMINI, "!claude-* !*/* !gemini-embedding-001 !text-embedding-* "
                 "!textembedding-* !text-multilingual-embedding-* *" },
    { PS_PREDICT, "gemini-embedding-001 text-embedding-* textembedding-* "
                  "text-multilingual-embedding-*" },
    { PS_ANTHROPIC, "claude-*" },
    { PS_OPENAI_CHAT, "*/*" },
};

static const char settings[] =
    "{\"type\":\"object\",\"required\":[\"project\"],\"properties\":{"
    "\"project\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":63},"
    "\"location\":{\"type\":\"string\",\"minLength\":2,\"maxLength\":63},"
    "\"betas\":{\"type\":\"string\",\"maxLength\":1000}}}";

static const ps_provider ops = {
    .size = sizeof ops,
    .apis = apis,
    .n_apis = GOOGLE_N(apis),
    .base_url = "https://{location=global?global:aiplatform,"
                "us:aiplatform.us.rep,eu:aiplatform.eu.rep,"
                "*:*-aiplatform}.googleapis.com",
    .settings = settings,
    .adjust = adjust,
    .classify = classify,
    .serves = serves,
    .n_serves = GOOGLE_N(serves),
};

PS_PLUGIN(PS_PROVIDER, "vertex", "0.1.0", &ops);

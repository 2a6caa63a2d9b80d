/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Ollama's own API. Its OpenAI-compatible one is a row of the catalogue; this
 * one can be told the context's length, which that one cannot, and cuts what
 * does not fit without a word. Sources and dates: README.md.
 */
#include <penstock/plugin.h>

/* A setting, as a member of the request. */
static ps_rc put(ps_try *t, const char *setting, const char *member)
{
    ps_str raw = { NULL, 0 };

    if (t->svc->setting(t->inst, ps_z(setting), &raw) || !raw.p)
        return PS_OK;
    return ps_set_json(t, member, raw);
}

static ps_rc adjust(ps_try *t)
{
    ps_rc rc;

    if (t->api->op != PS_CHAT && t->api->op != PS_EMBEDDINGS)
        return PS_OK;
    rc = put(t, "/num_ctx", "/options/num_ctx");
    return rc ? rc : put(t, "/keep_alive", "/keep_alive");
}

static ps_rc classify(ps_try *t, ps_fault *f)
{
    ps_str text = f->message;

    if (text.n > PS_TEXT_LOOKED_AT)
        text.n = PS_TEXT_LOOKED_AT;
    if (t->status == 404 && ps_holds(text, "not found"))
        ps_fault_set(f, PS_FAULT_MODEL_GONE, PS_SCOPE_TARGET);
    else if (ps_holds(text, "server busy") ||
             ps_holds(text, "requires more system memory"))
        ps_fault_set(f, PS_FAULT_OVERLOADED, PS_SCOPE_TARGET);
    else if (ps_holds(text, "exceeds the context length") ||
             ps_holds(text, "exceeds maximum context length"))
        ps_fault_set(f, PS_FAULT_CONTEXT_LENGTH, PS_SCOPE_REQUEST);
    else
        return PS_DECLINED;
    return PS_OK;
}

static const ps_api apis[] = {
    { PS_CHAT, PS_OLLAMA, PS_NDJSON, "POST", "/api/chat" },
    { PS_COMPLETIONS, PS_OPENAI_COMPLETIONS, PS_SSE, "POST",
      "/v1/completions" },
    { PS_EMBEDDINGS, PS_OLLAMA, PS_JSON, "POST", "/api/embed" },
    { PS_MODELS, PS_OPENAI_MODELS, PS_JSON, "GET", "/v1/models" },
};

static const ps_provider ops = {
    .size = sizeof ops,
    .apis = apis,
    .n_apis = sizeof apis / sizeof apis[0],
    .settings = "{\"type\":\"object\",\"properties\":{"
                "\"num_ctx\":{\"type\":\"integer\",\"minimum\":1},"
                "\"keep_alive\":{\"type\":\"string\"}}}",
    .adjust = adjust,
    .classify = classify,
};

PS_PLUGIN(PS_PROVIDER, "ollama", "0.1.0", &ops);

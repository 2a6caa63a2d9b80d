/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Cohere's v2 API. Clients are told the tokens that the model saw; what is
 * billed is less, since the vendor's own preamble and what its cache held are
 * not, and that is what is reported here. Sources and dates: README.md.
 */
#include <penstock/plugin.h>

#define N_OF(a) (sizeof(a) / sizeof((a)[0]))

static const struct {
    int status; /* 0: any */
    const char *word;
    uint16_t cls, scope;
} phrases[] = {
    { 400, "too many tokens", PS_FAULT_CONTEXT_LENGTH, PS_SCOPE_REQUEST },
    { 400, "too long", PS_FAULT_CONTEXT_LENGTH, PS_SCOPE_REQUEST },
    { 429, "API calls / month", PS_FAULT_QUOTA, PS_SCOPE_CREDENTIAL },
    { 402, "", PS_FAULT_QUOTA, PS_SCOPE_CREDENTIAL },
    { 404, "model", PS_FAULT_MODEL_GONE, PS_SCOPE_TARGET },
    { 498, "", PS_FAULT_AUTH, PS_SCOPE_CREDENTIAL },
};

static ps_rc classify(ps_try *t, ps_fault *f)
{
    ps_str text = f->message;

    if (text.n > PS_TEXT_LOOKED_AT)
        text.n = PS_TEXT_LOOKED_AT;
    for (size_t i = 0; i < N_OF(phrases); i++) {
        if (phrases[i].status != t->status ||
            !ps_holds(text, phrases[i].word))
            continue;
        ps_fault_set(f, phrases[i].cls, phrases[i].scope);
        return PS_OK;
    }
    return PS_DECLINED;
}

/* The pointers to what is billed, in an answer and in a stream's last event. */
static ps_rc report(ps_try *t, const char *input, const char *output)
{
    int64_t in = ps_answer_int(t, input, -1);
    int64_t out = ps_answer_int(t, output, -1);
    ps_usage u;

    if (in < 0 && out < 0)
        return PS_OK;
    ps_usage_init(&u);
    u.input = in;
    u.output = out;
    u.cache_read = 0; /* what a cache held is in neither figure */
    return ps_report_usage(t, &u);
}

static ps_rc watch(ps_try *t, ps_str event, ps_str data)
{
    (void)event;
    if (!ps_holds(data, "billed_units\""))
        return PS_OK;
    return report(t, "/delta/usage/billed_units/input_tokens",
                  "/delta/usage/billed_units/output_tokens");
}

static ps_rc body(ps_try *t, ps_str body)
{
    (void)body;
    if (t->api->op == PS_EMBEDDINGS)
        return report(t, "/meta/billed_units/input_tokens",
                      "/meta/billed_units/output_tokens");
    return report(t, "/usage/billed_units/input_tokens",
                  "/usage/billed_units/output_tokens");
}

/* Names in {"models": [{"name": "...", ...}]}: in JSON the bytes "name" and a
 * colon stand nowhere but at a member's front. */
static ps_rc models(ps_inst *inst, ps_str body, struct ps_model_sink *sink)
{
    static const char key[] = "\"name\":";
    const char *end = body.p + body.n, *p = body.p, *q;
    ps_rc rc;

    while (p && (size_t)(end - p) >= sizeof key) {
        p = memchr(p, '"', (size_t)(end - p));
        if (!p || (size_t)(end - p) < sizeof key)
            break;
        if (memcmp(p, key, sizeof key - 1)) {
            p++;
            continue;
        }
        p += sizeof key - 1;
        while (p < end && *p == ' ')
            p++;
        if (p == end || *p++ != '"')
            continue;
        q = memchr(p, '"', (size_t)(end - p));
        if (!q)
            break;
        rc = inst->svc->model(sink, (ps_str){ p, (size_t)(q - p) });
        if (rc == PS_ENOMEM)
            return rc;
        p = q + 1;
    }
    return PS_OK;
}

static const ps_api apis[] = {
    { PS_CHAT, PS_COHERE, PS_SSE, "POST", "/v2/chat" },
    { PS_MODELS, PS_OPENAI_MODELS, PS_JSON, "GET",
      "/v1/models?endpoint=chat&page_size=1000" },
    { PS_EMBEDDINGS, PS_COHERE, PS_JSON, "POST", "/v2/embed" },
    { PS_PASSTHROUGH, PS_OPENAI_PATHS, PS_SSE, "POST", "/v2" }, /* rerank */
};

static const ps_provider ops = {
    .size = sizeof ops,
    .apis = apis,
    .n_apis = N_OF(apis),
    .watch = watch,
    .body = body,
    .classify = classify,
    .models = models,
};

PS_PLUGIN(PS_PROVIDER, "cohere", "0.1.0", &ops);

/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Google's Gemini API with an API key (AI Studio). Bodies, streams and their
 * usage are the dialect's business; the plugin knows where things are, and
 * what Google's errors mean (shared/google.h). Sources, dates: README.md.
 */
#include "../shared/google.h"

enum { BATCH_MAX = 1000 }; /* requests; the API takes 100 */

/* "models/x" as JSON; p NULL when memory is out. */
static ps_str quoted_model(ps_try *t)
{
    static const char hex[] = "0123456789abcdef";
    ps_str m = t->upstream_model, out = { NULL, 0 };
    char *p = ps_alloc(t, m.n * 6 + sizeof "\"models/\"");

    if (!p)
        return out;
    out.p = p;
    p = (char *)memcpy(p, "\"models/", 8) + 8;
    for (size_t i = 0; i < m.n; i++) {
        unsigned char c = (unsigned char)m.p[i];

        if (c >= 0x20 && c != '"' && c != '\\') {
            *p++ = (char)c;
            continue;
        }
        p = (char *)memcpy(p, "\\u00", 4) + 4;
        *p++ = hex[c >> 4];
        *p++ = hex[c & 15];
    }
    *p++ = '"';
    out.n = (size_t)(p - out.p);
    return out;
}

#define ASKED "/generateContentRequest"

/* What is counted, and each request of a batch, names the model, which must be
 * the path's. */
static ps_rc adjust(ps_try *t)
{
    ps_str name;
    char at[40];

    if ((t->api->op != PS_EMBEDDINGS && t->api->op != PS_COUNT_TOKENS) ||
        !(t->flags & PS_F_NATIVE))
        return PS_OK;
    name = quoted_model(t);
    if (!name.p)
        return PS_ENOMEM;
    if (t->api->op == PS_COUNT_TOKENS)
        return ps_has(t, ASKED "/model")
                   ? ps_set_json(t, ASKED "/model", name) : PS_OK;
    if (t->api->dialect == PS_GEMINI)
        return ps_has(t, "/model") ? ps_set_json(t, "/model", name) : PS_OK;
    for (int i = 0; i < BATCH_MAX; i++) {
        ps_rc rc;

        snprintf(at, sizeof at, "/requests/%d", i);
        if (!ps_has(t, at))
            break;
        snprintf(at, sizeof at, "/requests/%d/model", i);
        rc = ps_set_json(t, at, name);
        if (rc)
            return rc;
    }
    return PS_OK;
}

#define MODEL "/v1beta/models/{model}"

static const ps_api apis[] = {
    { PS_CHAT, PS_GEMINI, PS_JSON, "POST", MODEL ":generateContent" },
    { PS_CHAT, PS_GEMINI, PS_SSE, "POST",
      MODEL ":streamGenerateContent?alt=sse" },
    { PS_COUNT_TOKENS, PS_GEMINI, PS_JSON, "POST", MODEL ":countTokens" },
    { PS_EMBEDDINGS, PS_GEMINI, PS_JSON, "POST", MODEL ":embedContent" },
    { PS_EMBEDDINGS, PS_GEMINI_BATCH, PS_JSON, "POST",
      MODEL ":batchEmbedContents" },
    { PS_MODELS, PS_GEMINI, PS_JSON, "GET", "/v1beta/models?pageSize=1000" },
};

static const ps_provider ops = {
    .size = sizeof ops,
    .apis = apis,
    .n_apis = GOOGLE_N(apis),
    .auth_header = "x-goog-api-key",
    .adjust = adjust,
    .classify = google_classify,
};

PS_PLUGIN(PS_PROVIDER, "gemini", "0.1.0", &ops);

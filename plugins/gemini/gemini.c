/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Google's Gemini API with an API key (AI Studio). Bodies, streams and their
 * usage are the dialect's business; the plugin knows where things are, and
 * what Google's errors mean: a status in words, and details that say which
 * quota, for how long, or why a key was refused. Sources, dates: README.md.
 */
#include <penstock/plugin.h>

#include <stdio.h>

#define N_OF(a) (sizeof(a) / sizeof((a)[0]))
#define DETAILS_MAX 8
#define BATCH_MAX 1000 /* requests; the API takes 100 */
#define WAIT_MAX_MS 3600000u

/* error.details[].reason of google.rpc.ErrorInfo */
static const ps_verdict reasons[] = {
    { "API_KEY_INVALID", PS_FAULT_AUTH, PS_SCOPE_CREDENTIAL },
    { "API_KEY_EXPIRED", PS_FAULT_AUTH, PS_SCOPE_CREDENTIAL },
    { "API_KEY_SERVICE_BLOCKED", PS_FAULT_AUTH, PS_SCOPE_CREDENTIAL },
    { "API_KEY_HTTP_REFERRER_BLOCKED", PS_FAULT_AUTH, PS_SCOPE_CREDENTIAL },
    { "API_KEY_IP_ADDRESS_BLOCKED", PS_FAULT_AUTH, PS_SCOPE_CREDENTIAL },
    { "ACCESS_TOKEN_EXPIRED", PS_FAULT_AUTH, PS_SCOPE_CREDENTIAL },
    { "SERVICE_DISABLED", PS_FAULT_AUTH, PS_SCOPE_CREDENTIAL },
    { "CONSUMER_SUSPENDED", PS_FAULT_AUTH, PS_SCOPE_CREDENTIAL },
    { "BILLING_DISABLED", PS_FAULT_QUOTA, PS_SCOPE_CREDENTIAL },
};

/* error.status: what the HTTP status does not say inside a 200 */
static const ps_verdict statuses[] = {
    { "RESOURCE_EXHAUSTED", PS_FAULT_RATE_LIMIT, PS_SCOPE_CREDENTIAL },
    { "UNAUTHENTICATED", PS_FAULT_AUTH, PS_SCOPE_CREDENTIAL },
    { "PERMISSION_DENIED", PS_FAULT_AUTH, PS_SCOPE_CREDENTIAL },
    { "NOT_FOUND", PS_FAULT_MODEL_GONE, PS_SCOPE_TARGET },
    { "UNAVAILABLE", PS_FAULT_OVERLOADED, PS_SCOPE_TARGET },
    { "DEADLINE_EXCEEDED", PS_FAULT_TIMEOUT, PS_SCOPE_TARGET },
    { "INTERNAL", PS_FAULT_TRANSIENT, PS_SCOPE_TARGET },
    { "UNKNOWN", PS_FAULT_TRANSIENT, PS_SCOPE_TARGET },
    { "INVALID_ARGUMENT", PS_FAULT_BAD_REQUEST, PS_SCOPE_REQUEST },
    { "OUT_OF_RANGE", PS_FAULT_BAD_REQUEST, PS_SCOPE_REQUEST },
    { "UNIMPLEMENTED", PS_FAULT_BAD_REQUEST, PS_SCOPE_REQUEST },
};

/* How error.message begins; no client makes it begin so. */
static const ps_verdict begins_with[] = {
    { "api key not valid", PS_FAULT_AUTH, PS_SCOPE_CREDENTIAL },
    { "api key expired", PS_FAULT_AUTH, PS_SCOPE_CREDENTIAL },
    { "user location is not supported", PS_FAULT_REGION, PS_SCOPE_PROVIDER },
    { "your prepayment credits are depleted", PS_FAULT_QUOTA,
      PS_SCOPE_CREDENTIAL },
};

/* Within it: the caller's own fault, whoever echoes a prompt. */
static const ps_verdict phrases[] = {
    { "input token count", PS_FAULT_CONTEXT_LENGTH, PS_SCOPE_REQUEST },
    { "maximum number of tokens allowed", PS_FAULT_CONTEXT_LENGTH,
      PS_SCOPE_REQUEST },
};

/* ---- details ------------------------------------------------------------ */

/* Below error or below [0].error: some of Google's endpoints put the object
 * into an array. */
static ps_str in_error(ps_try *t, const char *name)
{
    char pointer[96];
    ps_str s;

    snprintf(pointer, sizeof pointer, "/0/error/%s", name);
    s = ps_answer_str(t, pointer + 2);
    return s.p ? s : ps_answer_str(t, pointer);
}

static ps_str in_detail(ps_try *t, int i, const char *name)
{
    char path[64];

    snprintf(path, sizeof path, "details/%d/%s", i, name);
    return in_error(t, path);
}

/* "34s", "1.5s" in milliseconds; 0 where it is none. */
static uint64_t delay_ms(ps_str s)
{
    uint64_t ms = 0, unit = 1000;
    int fraction = 0;

    if (s.n < 2 || s.n > 16 || s.p[s.n - 1] != 's')
        return 0;
    for (size_t i = 0; i + 1 < s.n; i++) {
        if (s.p[i] == '.' && !fraction) {
            fraction = 1;
        } else if (s.p[i] < '0' || s.p[i] > '9') {
            return 0;
        } else if (!fraction) {
            ms = ms * 10 + (uint64_t)(s.p[i] - '0') * 1000;
        } else {
            unit /= 10;
            ms += (uint64_t)(s.p[i] - '0') * unit;
        }
    }
    return ms > WAIT_MAX_MS ? WAIT_MAX_MS : ms;
}

/* A quota of a day is used up until the next one, whatever wait is said. */
static int is_daily(ps_try *t, int detail)
{
    for (int i = 0; i < DETAILS_MAX; i++) {
        char name[40];
        ps_str id;

        snprintf(name, sizeof name, "violations/%d/quotaId", i);
        id = in_detail(t, detail, name);
        if (!id.p)
            return 0;
        if (ps_contains(id, "perday"))
            return 1;
    }
    return 0;
}

static int by_details(ps_try *t, ps_fault *f, int limited)
{
    int said = 0;

    for (int i = 0; i < DETAILS_MAX; i++) {
        ps_str type = in_detail(t, i, "@type");
        uint64_t wait;

        if (!type.p)
            break;
        said |= ps_decide(f, reasons, N_OF(reasons),
                       in_detail(t, i, "reason"), ps_is);
        if (!limited)
            continue;
        wait = delay_ms(in_detail(t, i, "retryDelay"));
        if (wait)
            f->retry_after_ms = wait;
        if (!said && is_daily(t, i)) {
            ps_fault_set(f, PS_FAULT_QUOTA, PS_SCOPE_CREDENTIAL);
            said = 1;
        }
    }
    return said;
}

/* ---- operations --------------------------------------------------------- */

static ps_rc classify(ps_try *t, ps_fault *f)
{
    ps_str status = in_error(t, "status");
    ps_str text = in_error(t, "message");
    int limited = t->status == 429 || ps_is(status, "RESOURCE_EXHAUSTED");

    if (by_details(t, f, limited) ||
        ps_decide(f, begins_with, N_OF(begins_with), text, ps_begins))
        return PS_OK;
    if (t->status == 200 || t->status == 400) {
        if (ps_decide(f, phrases, N_OF(phrases), text, ps_contains))
            return PS_OK;
        ps_decide(f, statuses, N_OF(statuses), status, ps_is);
    }
    return PS_OK;
}

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

/* Each request of a batch names the model, which must be the path's. */
static ps_rc adjust(ps_try *t)
{
    ps_str name;
    char at[40];

    if (t->api->op != PS_EMBEDDINGS || !(t->flags & PS_F_NATIVE))
        return PS_OK;
    name = quoted_model(t);
    if (!name.p)
        return PS_ENOMEM;
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
    .n_apis = N_OF(apis),
    .auth_header = "x-goog-api-key",
    .adjust = adjust,
    .classify = classify,
};

PS_PLUGIN(PS_PROVIDER, "gemini", "0.1.0", &ops);

/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * OpenAI, and everybody who speaks its wire format. The bodies pass as they
 * are; what is left for the plugin is to know its error codes, its rate-limit
 * headers, and one cousin's odd place for usage. Quirks that are data (names
 * to rename or drop, error codes of a vendor) stand in the catalogue, not
 * here. Sources and dates: README.md.
 */
#include <penstock/plugin.h>

#define N_OF(a) (sizeof(a) / sizeof((a)[0]))
#define WAIT_MAX_MS 3600000u

/* error.code or error.type, whole */
static const ps_verdict codes[] = {
    { "insufficient_quota", PS_FAULT_QUOTA, PS_SCOPE_CREDENTIAL },
    { "billing_hard_limit_reached", PS_FAULT_QUOTA, PS_SCOPE_CREDENTIAL },
    { "billing_not_active", PS_FAULT_QUOTA, PS_SCOPE_CREDENTIAL },
    { "invalid_api_key", PS_FAULT_AUTH, PS_SCOPE_CREDENTIAL },
    { "account_deactivated", PS_FAULT_AUTH, PS_SCOPE_CREDENTIAL },
    { "rate_limit_exceeded", PS_FAULT_RATE_LIMIT, PS_SCOPE_CREDENTIAL },
    { "context_length_exceeded", PS_FAULT_CONTEXT_LENGTH, PS_SCOPE_REQUEST },
    { "exceed_context_size_error", PS_FAULT_CONTEXT_LENGTH, PS_SCOPE_REQUEST },
    { "too_many_prompt_tokens", PS_FAULT_CONTEXT_LENGTH, PS_SCOPE_REQUEST },
    { "content_policy_violation", PS_FAULT_CONTENT_FILTER, PS_SCOPE_REQUEST },
    { "content_filter", PS_FAULT_CONTENT_FILTER, PS_SCOPE_REQUEST },
    { "invalid_prompt", PS_FAULT_CONTENT_FILTER, PS_SCOPE_REQUEST },
    { "data_inspection_failed", PS_FAULT_CONTENT_FILTER, PS_SCOPE_REQUEST },
    { "model_not_found", PS_FAULT_MODEL_GONE, PS_SCOPE_TARGET },
    { "unsupported_country_region_territory", PS_FAULT_REGION,
      PS_SCOPE_PROVIDER },
    { "overloaded_error", PS_FAULT_OVERLOADED, PS_SCOPE_TARGET },
};

/* Within error.message, in lower case, for answers that name no code: in 400,
 * 413, 422 and inside a 200 ... Both classes are the caller's own fault, so
 * that a prompt which is echoed in a message can harm nobody but its sender. */
static const ps_verdict phrases[] = {
    { "maximum context length", PS_FAULT_CONTEXT_LENGTH, PS_SCOPE_REQUEST },
    { "exceeds the context window", PS_FAULT_CONTEXT_LENGTH,
      PS_SCOPE_REQUEST },
    { "exceeds the available context size", PS_FAULT_CONTEXT_LENGTH,
      PS_SCOPE_REQUEST },
    { "exceed context limit", PS_FAULT_CONTEXT_LENGTH, PS_SCOPE_REQUEST },
    { "max context length", PS_FAULT_CONTEXT_LENGTH, PS_SCOPE_REQUEST },
    { "longer than the context", PS_FAULT_CONTEXT_LENGTH, PS_SCOPE_REQUEST },
    { "prompt is too long", PS_FAULT_CONTEXT_LENGTH, PS_SCOPE_REQUEST },
    { "input is too long", PS_FAULT_CONTEXT_LENGTH, PS_SCOPE_REQUEST },
    { "maximum prompt length is", PS_FAULT_CONTEXT_LENGTH, PS_SCOPE_REQUEST },
    { "maximum input length is", PS_FAULT_CONTEXT_LENGTH, PS_SCOPE_REQUEST },
    { "reduce the length of the messages", PS_FAULT_CONTEXT_LENGTH,
      PS_SCOPE_REQUEST },
    { "safety system", PS_FAULT_CONTENT_FILTER, PS_SCOPE_REQUEST },
    { "usage policy", PS_FAULT_CONTENT_FILTER, PS_SCOPE_REQUEST },
    { "violates usage guidelines", PS_FAULT_CONTENT_FILTER, PS_SCOPE_REQUEST },
};

/* ... and in 403 and 404, which else are the operator's to mend */
static const ps_verdict forbidden[] = {
    { "from this model", PS_FAULT_MODEL_ACCESS, PS_SCOPE_TARGET },
    { "not have access to model", PS_FAULT_MODEL_ACCESS, PS_SCOPE_TARGET },
};
static const ps_verdict not_found[] = {
    { "not a chat model", PS_FAULT_BAD_REQUEST, PS_SCOPE_REQUEST },
    { "is a chat model and not", PS_FAULT_BAD_REQUEST, PS_SCOPE_REQUEST },
};

/* error.type of an error inside a 200, where there is no status to go by */
static const ps_verdict types[] = {
    { "invalid_request_error", PS_FAULT_BAD_REQUEST, PS_SCOPE_REQUEST },
    { "authentication_error", PS_FAULT_AUTH, PS_SCOPE_CREDENTIAL },
    { "rate_limit_error", PS_FAULT_RATE_LIMIT, PS_SCOPE_CREDENTIAL },
    { "server_error", PS_FAULT_TRANSIENT, PS_SCOPE_TARGET },
    { "requests", PS_FAULT_RATE_LIMIT, PS_SCOPE_CREDENTIAL },
    { "tokens", PS_FAULT_RATE_LIMIT, PS_SCOPE_CREDENTIAL },
};

/* Which phrases are looked for depends on the status. */
static int by_text(ps_fault *f, int status, ps_str text)
{
    switch (status) {
    case 403:
        return ps_decide(f, forbidden, N_OF(forbidden), text, ps_contains);
    case 404:
        return ps_decide(f, not_found, N_OF(not_found), text, ps_contains);
    case 200:
    case 400:
    case 413:
    case 422:
        return ps_decide(f, phrases, N_OF(phrases), text, ps_contains);
    default:
        return 0;
    }
}

static const struct {
    const char *unit;
    double ms;
} units[] = { { "ms", 1 }, { "s", 1e3 }, { "m", 6e4 }, { "h", 36e5 } };

/* A decimal number at the front of *s, which is moved behind it. */
static double number(ps_str *s)
{
    double n = 0, place = 1;
    int dots = 0;

    for (; s->n; s->p++, s->n--) {
        if (*s->p == '.' && !dots++)
            continue;
        if (*s->p < '0' || *s->p > '9')
            break;
        if (dots)
            n += (*s->p - '0') * (place /= 10);
        else
            n = n * 10 + (*s->p - '0');
    }
    return n;
}

/* A duration as in "6m0s", "2m59.56s", "120ms", "1s"; 0 when it is none. */
static uint64_t duration_ms(ps_str s)
{
    double total = 0, n;
    size_t i, len;

    while (s.n) {
        n = number(&s);
        for (i = 0; i < N_OF(units); i++) {
            len = strlen(units[i].unit);
            if (s.n >= len && memcmp(s.p, units[i].unit, len) == 0)
                break;
        }
        if (i == N_OF(units))
            return 0;
        total += n * units[i].ms;
        s.p += len;
        s.n -= len;
    }
    return total > WAIT_MAX_MS ? WAIT_MAX_MS : (uint64_t)total;
}

/* When the allowance that is used up comes back. */
static uint64_t reset_ms(ps_try *t)
{
    static const char *const kinds[][2] = {
        { "x-ratelimit-remaining-requests", "x-ratelimit-reset-requests" },
        { "x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens" },
    };
    uint64_t wait = 0, one;

    for (size_t i = 0; i < N_OF(kinds); i++) {
        if (!ps_is(ps_answer_header(t, kinds[i][0]), "0"))
            continue;
        one = duration_ms(ps_answer_header(t, kinds[i][1]));
        wait = one > wait ? one : wait;
    }
    return wait;
}

static ps_rc classify(ps_try *t, ps_fault *f)
{
    ps_str code = ps_answer_str(t, "/error/code");
    ps_str type = ps_answer_str(t, "/error/type");
    ps_str text = f->message; /* wherever it stood: older hosts are flat */

    if (!code.n) /* an event of a Responses stream */
        code = ps_answer_str(t, "/response/error/code");
    if (!code.n && !type.n)
        code = ps_answer_str(t, "/code");
    if (ps_is(code, "string_above_max_length")) /* one field, not the sum */
        return PS_DECLINED;
    if ((t->status == 429 ||
         (t->status == 413 && ps_is(code, "rate_limit_exceeded"))) &&
        ps_contains(text, "request too large")) {
        /* larger than this model's whole allowance: waiting is no cure */
        ps_fault_set(f, PS_FAULT_RATE_LIMIT, PS_SCOPE_TARGET);
        f->retry_after_ms = 0;
        return PS_OK;
    }
    if (!ps_decide(f, codes, N_OF(codes), code, ps_is) &&
        !ps_decide(f, codes, N_OF(codes), type, ps_is) &&
        !by_text(f, t->status, text) &&
        t->status == 200)
        ps_decide(f, types, N_OF(types), type, ps_is);
    if (f->cls == PS_FAULT_RATE_LIMIT && !f->retry_after_ms)
        f->retry_after_ms = reset_ms(t);
    return PS_OK;
}

/*
 * Groq reports a stream's tokens in x_groq.usage of the last event whether
 * or not they were asked for. Most events do not hold the word.
 */
static ps_rc watch(ps_try *t, ps_str event, ps_str data)
{
    int64_t input, cached;
    ps_usage u;

    (void)event;
    if (!ps_holds(data, "x_groq\""))
        return PS_OK;
    input = ps_answer_int(t, "/x_groq/usage/prompt_tokens", -1);
    if (input < 0)
        return PS_OK;
    cached = ps_answer_int(
        t, "/x_groq/usage/prompt_tokens_details/cached_tokens", -1);
    ps_usage_init(&u);
    ps_usage_inclusive(&u, input, cached, -1);
    u.output = ps_answer_int(t, "/x_groq/usage/completion_tokens", -1);
    u.reasoning = ps_answer_int(
        t, "/x_groq/usage/completion_tokens_details/reasoning_tokens", -1);
    return ps_report_usage(t, &u);
}

static const ps_api apis[] = {
    { PS_CHAT, PS_OPENAI_CHAT, PS_SSE, "POST", "/chat/completions" },
    { PS_CHAT, PS_RESPONSES, PS_SSE, "POST", "/responses" },
    { PS_COUNT_TOKENS, PS_RESPONSES, PS_JSON, "POST",
      "/responses/input_tokens" },
    { PS_COMPLETIONS, PS_OPENAI_COMPLETIONS, PS_SSE, "POST", "/completions" },
    { PS_EMBEDDINGS, PS_OPENAI_EMBEDDINGS, PS_JSON, "POST", "/embeddings" },
    { PS_MODELS, PS_OPENAI_MODELS, PS_JSON, "GET", "/models" },
    { PS_PASSTHROUGH, PS_OPENAI_PATHS, PS_SSE, "POST", "/" },
};

static const ps_provider ops = {
    .size = sizeof ops,
    .apis = apis,
    .n_apis = N_OF(apis),
    .watch = watch,
    .classify = classify,
};

PS_PLUGIN(PS_PROVIDER, "openai", "0.1.0", &ops);

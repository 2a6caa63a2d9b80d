/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Anthropic, and who speaks its Messages API. Bodies and streams pass as they
 * are, and their usage is the dialect's business; what is left for the plugin
 * is how a key is sent, which version is meant where the client named none,
 * and what errors mean. Sources and dates: README.md.
 */
#include "../shared/claude_words.h"

#define WAIT_MAX_MS 3600000u
#define VERSION "2023-06-01"

/* error.details.error_code, whole: the stable cause where there is one */
static const ps_verdict codes[] = {
    { "contract_spend_limit_reached", PS_FAULT_QUOTA, PS_SCOPE_CREDENTIAL },
    { "enforced_spend_limit_reached", PS_FAULT_QUOTA, PS_SCOPE_CREDENTIAL },
    { "organization_on_hold", PS_FAULT_AUTH, PS_SCOPE_CREDENTIAL },
    { "ramp_limit_exceeded", PS_FAULT_RATE_LIMIT, PS_SCOPE_CREDENTIAL },
};

/* How error.message begins, in a 400. The account's own trouble comes as an
 * invalid request; no client can make a message begin like this. */
static const ps_verdict accounts[] = {
    { "your credit balance is too low", PS_FAULT_QUOTA, PS_SCOPE_CREDENTIAL },
    { "you have reached your specified api usage limits", PS_FAULT_QUOTA,
      PS_SCOPE_CREDENTIAL },
};

/* ---- when to come back ------------------------------------------------- */

/* n digits at the front of *s, which is moved behind them; -1 for less. */
static int64_t digits(ps_str *s, size_t n)
{
    int64_t v = 0;

    if (s->n < n)
        return -1;
    for (; n; n--, s->p++, s->n--) {
        if (*s->p < '0' || *s->p > '9')
            return -1;
        v = v * 10 + (*s->p - '0');
    }
    return v;
}

static int skip(ps_str *s, char c)
{
    if (!s->n || *s->p != c)
        return 0;
    s->p++;
    s->n--;
    return 1;
}

/* Days from 1970 to a date of the Gregorian calendar (March is the first
 * month of the count, so that the leap day is the last of the year). */
static int64_t days(int64_t y, int64_t m, int64_t d)
{
    int64_t era, year, day;

    y -= m <= 2;
    era = y / 400;
    year = y - era * 400;
    day = (153 * (m > 2 ? m - 3 : m + 9) + 2) / 5 + d - 1;
    return era * 146097 + year * 365 + year / 4 - year / 100 + day - 719468;
}

/* "2026-01-27T22:29:13Z" as milliseconds since 1970; 0 when it is none. */
static int64_t instant_ms(ps_str s)
{
    int64_t at[6];
    static const char ends[] = "--T::";
    static const int64_t most[] = { 9999, 12, 31, 23, 59, 60 };

    for (int i = 0; i < 6; i++) {
        at[i] = digits(&s, i ? 2 : 4);
        if (at[i] < (i == 1 || i == 2) || at[i] > most[i] ||
            (i < 5 && !skip(&s, ends[i])))
            return 0;
    }
    if (at[0] < 1970 || !s.n || (*s.p != 'Z' && *s.p != '.'))
        return 0;
    return (((days(at[0], at[1], at[2]) * 24 + at[3]) * 60 + at[4]) * 60 +
            at[5]) * 1000;
}

/* When the allowance that is used up comes back. */
static uint64_t reset_ms(ps_try *t)
{
    static const char *const kinds[][2] = {
        { "anthropic-ratelimit-requests-remaining",
          "anthropic-ratelimit-requests-reset" },
        { "anthropic-ratelimit-tokens-remaining",
          "anthropic-ratelimit-tokens-reset" },
        { "anthropic-ratelimit-input-tokens-remaining",
          "anthropic-ratelimit-input-tokens-reset" },
        { "anthropic-ratelimit-output-tokens-remaining",
          "anthropic-ratelimit-output-tokens-reset" },
    };
    int64_t now = (int64_t)t->svc->unix_ms(), wait = 0, one;

    for (size_t i = 0; i < CLAUDE_N(kinds); i++) {
        if (!ps_is(ps_answer_header(t, kinds[i][0]), "0"))
            continue;
        one = instant_ms(ps_answer_header(t, kinds[i][1])) - now;
        wait = one > wait ? one : wait;
    }
    return wait > WAIT_MAX_MS ? WAIT_MAX_MS : (uint64_t)wait;
}

/* ---- operations -------------------------------------------------------- */

/* The verdict of a status that several causes share. */
static void by_status(ps_fault *f, int status, ps_str type, ps_str text)
{
    switch (status) {
    case 200:
        if (ps_decide(f, claude_phrases, CLAUDE_N(claude_phrases), text,
                      ps_contains))
            break;
        ps_decide(f, claude_types, CLAUDE_N(claude_types), type, ps_is);
        break;
    case 400:
        if (ps_decide(f, accounts, CLAUDE_N(accounts), text, ps_begins))
            break;
        ps_decide(f, claude_phrases, CLAUDE_N(claude_phrases), text,
                  ps_contains);
        break;
    case 413:
        ps_decide(f, claude_phrases, CLAUDE_N(claude_phrases), text,
                  ps_contains);
        break;
    case 403: /* the edge's word for a country that is not served */
        if (ps_is(type, "forbidden"))
            ps_fault_set(f, PS_FAULT_REGION, PS_SCOPE_PROVIDER);
        break;
    case 404: /* a file or container that the request names is the caller's */
        if (ps_is(type, "not_found_error") && !ps_begins(text, "model:"))
            ps_fault_set(f, PS_FAULT_BAD_REQUEST, PS_SCOPE_REQUEST);
        break;
    default:
        break;
    }
}

static ps_rc classify(ps_try *t, ps_fault *f)
{
    ps_str code = ps_answer_str(t, "/error/details/error_code");
    ps_str type = ps_answer_str(t, "/error/type");
    ps_str text = ps_answer_str(t, "/error/message");

    if (!ps_decide(f, codes, CLAUDE_N(codes), code, ps_is))
        by_status(f, t->status, type, text);
    if (f->cls == PS_FAULT_RATE_LIMIT && !f->retry_after_ms)
        f->retry_after_ms = reset_ms(t);
    return PS_OK;
}

/*
 * Keys of the console go as x-api-key, what an OAuth login gave is refused
 * there. A request that names no version is one of the first.
 */
static ps_rc auth(ps_try *t, ps_str secret)
{
    static const char oauth[] = "sk-ant-oat", bearer[] = "Bearer ";
    size_t head = sizeof bearer - 1;
    char *value;
    ps_rc rc = PS_OK;
    ps_str s;

    if (!ps_header_get(t, "anthropic-version").p)
        rc = ps_header(t, "anthropic-version", ps_z(VERSION));
    if (rc != PS_OK)
        return rc;
    if (secret.n < sizeof oauth - 1 ||
        memcmp(secret.p, oauth, sizeof oauth - 1) != 0)
        return PS_DECLINED;
    value = (char *)ps_alloc(t, head + secret.n);
    if (!value)
        return PS_ENOMEM;
    memcpy(value, bearer, head);
    memcpy(value + head, secret.p, secret.n);
    s.p = value;
    s.n = head + secret.n;
    return ps_header(t, "authorization", s);
}

static const ps_api apis[] = {
    { PS_CHAT, PS_ANTHROPIC, PS_SSE, "POST", "/v1/messages" },
    { PS_COUNT_TOKENS, PS_ANTHROPIC, PS_JSON, "POST",
      "/v1/messages/count_tokens" },
    { PS_MODELS, PS_ANTHROPIC, PS_JSON, "GET", "/v1/models?limit=1000" },
    { PS_PASSTHROUGH, PS_ANTHROPIC, PS_SSE, "POST", "/v1" },
};

static const ps_provider ops = {
    .size = sizeof ops,
    .apis = apis,
    .n_apis = CLAUDE_N(apis),
    .auth_header = "x-api-key",
    .auth = auth,
    .classify = classify,
};

PS_PLUGIN(PS_PROVIDER, "anthropic", "0.1.0", &ops);

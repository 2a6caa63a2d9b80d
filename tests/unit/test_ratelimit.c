/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Rate-limit headers from one dialect's names and units to another's. */
#include "unit.h"

#include "wire/ratelimit.h"

#define NOW 1795676400000ull /* 2026-11-26T07:00:00Z */

static void durations(void)
{
    static const struct {
        const char *text;
        long long ms; /* -1: none */
    } cases[] = {
        { "1s", 1000 },          { "6m0s", 360000 }, { "120ms", 120 },
        { "2m59.56s", 179560 },  { "1h2m3s", 3723000 }, { "0", -1 },
        { "0s", 0 },             { "1.5ms", 1 },     { "7d", 604800000 },
        { "", -1 },              { "s", -1 },        { "-1s", -1 },
        { "1", -1 },             { "1x", -1 },       { "400d", -1 },
        { "99999999999999999999s", -1 }, { "1s ", -1 }, { ".5s", -1 },
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint64_t ms = 0;
        bool ok = ratelimit_duration(str_of(cases[i].text), &ms);

        UNIT_INT(ok ? (long long)ms : -1, cases[i].ms);
    }
}

static void times(void)
{
    static const struct {
        const char *text;
        long long ms;
    } cases[] = {
        { "2026-11-26T07:00:00Z", (long long)NOW },
        { "2026-11-26T07:00:00.250Z", (long long)NOW + 250 },
        { "2026-11-26T09:00:00+02:00", (long long)NOW },
        { "1970-01-01T00:00:00Z", 0 },
        { "2026-11-26T07:00:00", -1 },
        { "2026-11-26", -1 },
        { "2026-11-26T07:00:0xZ", -1 },
        { "2026-11-26T07:00:00+2:00", -1 },
        { "1969-01-01T00:00:00Z", -1 },
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint64_t ms = 0;
        bool ok = ratelimit_time(str_of(cases[i].text), &ms);

        UNIT_INT(ok ? (long long)ms : -1, cases[i].ms);
    }
}

static void says(enum dialect from, enum dialect to, const char *name,
                 const char *value, const char *want)
{
    struct arena *a = arena_new(1 << 16);
    struct str n = str_of(name), v = str_of(value);
    char got[128] = "";

    if (ratelimit_translate(from, to, &n, &v, NOW, a))
        snprintf(got, sizeof got, STR_FMT ": " STR_FMT, STR_ARG(n),
                 STR_ARG(v));
    UNIT_STR(got, want);
    arena_free(a);
}

static void headers(void)
{
    enum dialect chat = DIALECT_OPENAI_CHAT, an = DIALECT_ANTHROPIC;

    says(chat, an, "x-ratelimit-limit-requests", "60",
         "anthropic-ratelimit-requests-limit: 60");
    says(chat, an, "X-RateLimit-Reset-Tokens", "6m0s",
         "anthropic-ratelimit-tokens-reset: 2026-11-26T07:06:00Z");
    says(an, chat, "anthropic-ratelimit-tokens-reset", "2026-11-26T07:06:00Z",
         "x-ratelimit-reset-tokens: 6m0s");
    says(an, chat, "anthropic-ratelimit-requests-reset",
         "2026-11-26T07:00:01Z", "x-ratelimit-reset-requests: 1.000s");
    says(an, chat, "anthropic-ratelimit-requests-reset",
         "2026-11-26T06:00:00Z", "x-ratelimit-reset-requests: 0ms");
    says(an, chat, "anthropic-ratelimit-requests-reset", "soon", "");
    says(an, chat, "anthropic-ratelimit-input-tokens-limit", "5", "");
    says(an, chat, "retry-after", "3", "retry-after: 3");
    says(chat, an, "retry-after-ms", "30", "retry-after-ms: 30");
    says(chat, an, "openai-processing-ms", "30", "");
    says(chat, an, "anthropic-ratelimit-tokens-limit", "30", "");
    says(chat, an, "x-ratelimit-reset-tokens", "60", /* Azure */
         "anthropic-ratelimit-tokens-reset: 2026-11-26T07:01:00Z");
    says(chat, DIALECT_ANTHROPIC_COUNT, "x-ratelimit-limit-requests", "60",
         "anthropic-ratelimit-requests-limit: 60");
    says(DIALECT_ANTHROPIC_COUNT, DIALECT_GEMINI_COUNT,
         "anthropic-ratelimit-requests-limit", "60",
         "x-ratelimit-limit-requests: 60");
}

static struct ratelimit_left left;

static void noted(const char *name, const char *value)
{
    ratelimit_note(&left, str_of(name), str_of(value), NOW);
}

static void what_is_left(void)
{
    left = (struct ratelimit_left){ 0 };
    noted("X-RateLimit-Remaining-Tokens", "1200");
    noted("x-ratelimit-reset-tokens", "6m0s");
    noted("x-ratelimit-limit-tokens", "30000");
    CU_ASSERT(left.tokens.left_known && left.tokens.reset_known);
    UNIT_INT(left.tokens.left, 1200);
    UNIT_INT(left.tokens.reset_ms, 360000);
    CU_ASSERT(!left.requests.left_known && !left.requests.reset_known);
    noted("anthropic-ratelimit-requests-remaining", "0");
    noted("anthropic-ratelimit-requests-reset", "2026-11-26T07:00:07Z");
    CU_ASSERT(left.requests.left_known && left.requests.reset_known);
    UNIT_INT(left.requests.left, 0);
    UNIT_INT(left.requests.reset_ms, 7000);
    noted("anthropic-ratelimit-requests-reset", "2026-11-26T06:00:07Z");
    UNIT_INT(left.requests.reset_ms, 0); /* in the past */
    noted("x-ratelimit-reset-requests", "60"); /* Azure */
    UNIT_INT(left.requests.reset_ms, 60000);
    noted("x-ratelimit-reset-requests", "soon");
    CU_ASSERT(!left.requests.reset_known);
    noted("x-ratelimit-remaining-tokens", "-5");
    CU_ASSERT(!left.tokens.left_known);
}

static void resets(enum dialect to, uint64_t ms, const char *want)
{
    struct arena *a = arena_new(1 << 16);
    struct str s = ratelimit_reset(to, ms, NOW, a);
    char got[64];

    snprintf(got, sizeof got, STR_FMT, STR_ARG(s));
    UNIT_STR(got, want);
    arena_free(a);
}

static void our_own(void)
{
    enum dialect chat = DIALECT_OPENAI_CHAT, an = DIALECT_ANTHROPIC;

    UNIT_STR(ratelimit_name(chat, RATELIMIT_TOKENS, RATELIMIT_LIMIT),
             "x-ratelimit-limit-tokens");
    UNIT_STR(ratelimit_name(chat, RATELIMIT_REQUESTS, RATELIMIT_RESET),
             "x-ratelimit-reset-requests");
    UNIT_STR(ratelimit_name(an, RATELIMIT_TOKENS, RATELIMIT_REMAINING),
             "anthropic-ratelimit-tokens-remaining");
    resets(chat, 0, "0ms");
    resets(chat, 999, "999ms");
    resets(chat, 1005, "1.005s");
    resets(chat, 59999, "59.999s");
    resets(chat, 60001, "1m1s");
    resets(chat, 3600000, "1h0m0s");
    resets(chat, 90061000, "25h1m1s");
    resets(an, 360000, "2026-11-26T07:06:00Z");
    resets(an, 1, "2026-11-26T07:00:01Z");
}

UNIT_MAIN("ratelimit", { "what is left", what_is_left },
          { "our own", our_own }, { "durations", durations },
          { "times", times }, { "headers", headers })

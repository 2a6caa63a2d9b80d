/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* What the openai plugin, built and loaded, makes of answers. The bodies have
 * the shapes that providers send; their words are shortened. */
#include "engine/config.h"
#include "engine/fault.h"
#include "engine/plugin.h"

#include "unit.h"

#define N_OF(a) (sizeof(a) / sizeof((a)[0]))
#define ERROR(fields) "{\"error\":{" fields "}}"

static struct plugin_set *plugins;
static struct arena *arena;
static struct attempt_host host;

static void begin(void)
{
    const char *build = getenv("PENSTOCK_BUILD");
    struct err err = { 0 };
    char path[4096];

    snprintf(path, sizeof path, "%s/plugins/openai.so", build ? build : ".");
    plugins = plugin_set_new();
    if (plugin_set_load(plugins, STR("openai"), path, &err) < 0)
        printf("\n%s", err.msg);
    CU_ASSERT_FATAL(err.code == 0);
    arena = arena_new(1 << 20);
    UNIT_INT(attempt_host_init(&host, arena,
                               plugin_set_find(plugins, STR("openai")), NULL),
             0);
}

static void end(void)
{
    plugin_done(&host);
    attempt_host_clear(&host);
    arena_free(arena);
    plugin_set_free(plugins);
}

static ps_fault verdict(int status, const char *body)
{
    ps_fault f;

    host.pub.status = status;
    attempt_host_answer(&host, str_of(body));
    attempt_classify(&host, NULL, 0, &f);
    return f;
}

static const struct {
    int status;
    const char *body, *cls, *scope;
} answers[] = {
    { 400, ERROR("\"code\":\"unsupported_parameter\","
                 "\"type\":\"invalid_request_error\""),
      "bad_request", "request" },
    { 400, ERROR("\"code\":\"context_length_exceeded\""), "context_length",
      "request" },
    { 400, ERROR("\"message\":\"This endpoint's Maximum Context Length is 9\","
                 "\"code\":400"),
      "context_length", "request" },
    { 400, ERROR("\"type\":\"too_many_prompt_tokens\",\"code\":400"),
      "context_length", "request" },
    { 400, ERROR("\"code\":\"string_above_max_length\","
                 "\"message\":\"maximum context length\""),
      "bad_request", "request" },
    { 400, ERROR("\"code\":\"content_policy_violation\""), "content_filter",
      "request" },
    { 400, ERROR("\"message\":\"rejected by our safety system.\""),
      "content_filter", "request" },
    { 401, ERROR("\"type\":\"invalid_request_error\","
                 "\"code\":\"invalid_api_key\""),
      "auth", "credential" },
    { 401, "{\"detail\":\"Invalid API Key\"}", "auth", "credential" },
    { 402, ERROR("\"message\":\"Insufficient Balance\""), "quota",
      "credential" },
    { 403, ERROR("\"message\":\"not allowed to sample from this model\""),
      "model_access", "target" },
    { 403, ERROR("\"code\":\"unsupported_country_region_territory\""),
      "region", "provider" },
    { 404, ERROR("\"code\":\"model_not_found\""), "model_gone", "target" },
    { 404, ERROR("\"message\":\"This is not a chat model\""), "bad_request",
      "request" },
    { 404, "{\"error\":\"model 'x' not found\"}", "model_gone", "target" },
    { 429, ERROR("\"code\":\"rate_limit_exceeded\",\"type\":\"tokens\""),
      "rate_limit", "credential" },
    { 429, ERROR("\"code\":\"insufficient_quota\""), "quota", "credential" },
    { 429, ERROR("\"type\":\"insufficient_quota\",\"code\":null"), "quota",
      "credential" },
    { 413, ERROR("\"message\":\"Request too large for model `m`\","
                 "\"code\":\"rate_limit_exceeded\""),
      "rate_limit", "target" },
    { 400, "{\"message\":\"This model's maximum context length is 9\","
           "\"code\":400}",
      "context_length", "request" },
    { 429, ERROR("\"message\":\"Request too large for gpt in organization\","
                 "\"code\":\"rate_limit_exceeded\""),
      "rate_limit", "target" },
    { 500, ERROR("\"type\":\"server_error\""), "transient", "target" },
    { 503, ERROR("\"type\":\"server_error\",\"message\":\"slow down\""),
      "overloaded", "target" },
    { 502, "<html>bad gateway</html>", "transient", "target" },
    /* inside a 200 */
    { 200, ERROR("\"type\":\"invalid_request_error\",\"message\":\"no\""),
      "bad_request", "request" },
    { 200, ERROR("\"code\":429,\"message\":\"slow down\""), "rate_limit",
      "credential" },
    { 200, ERROR("\"code\":\"insufficient_quota\""), "quota", "credential" },
    { 200, ERROR("\"type\":\"server_error\""), "transient", "target" },
    { 200, ERROR("\"message\":\"prompt is too long: 9 tokens\""),
      "context_length", "request" },
    { 200, ERROR("\"message\":\"something\""), "transient", "target" },
};

static void classifies(void)
{
    ps_fault f;

    begin();
    for (size_t i = 0; i < N_OF(answers); i++) {
        f = verdict(answers[i].status, answers[i].body);
        UNIT_STR(fault_class_name(f.cls), answers[i].cls);
        UNIT_STR(fault_scope_name(f.scope), answers[i].scope);
    }
    end();
}

/* Words of the prompt in an error make nobody's fault of it. */
static void is_not_fooled_by_echoes(void)
{
    ps_fault f;

    begin();
    f = verdict(400, ERROR("\"message\":\"bad value: '429 rate limit "
                           "insufficient_quota invalid_api_key'\""));
    UNIT_STR(fault_class_name(f.cls), "bad_request");
    f = verdict(401, ERROR("\"message\":\"maximum context length\""));
    UNIT_STR(fault_class_name(f.cls), "auth");
    end();
}

static uint64_t wait_for(const char *tokens_left, const char *tokens,
                         const char *requests_left, const char *requests)
{
    struct http_header h[] = {
        { STR("x-ratelimit-remaining-tokens"), str_of(tokens_left) },
        { STR("x-ratelimit-reset-tokens"), str_of(tokens) },
        { STR("X-RateLimit-Remaining-Requests"), str_of(requests_left) },
        { STR("X-RateLimit-Reset-Requests"), str_of(requests) },
    };
    uint64_t ms;

    host.answer_headers = h;
    host.n_answer_headers = N_OF(h);
    ms = verdict(429, ERROR("\"code\":\"rate_limit_exceeded\"")).retry_after_ms;
    host.answer_headers = NULL;
    host.n_answer_headers = 0;
    return ms;
}

static void knows_when_to_come_back(void)
{
    static const struct {
        const char *text;
        uint64_t ms;
    } durations[] = {
        { "120ms", 120 },     { "1s", 1000 },        { "6m0s", 360000 },
        { "2m59.5s", 179500 }, { "1h", 3600000 },    { "17ms", 17 },
        { "99h", 3600000 },   { "", 0 },             { "soon", 0 },
        { "5", 0 },           { "5x", 0 },           { "-1s", 0 },
        { "1s 2s", 0 },
    };

    begin();
    for (size_t i = 0; i < N_OF(durations); i++)
        UNIT_INT(wait_for("0", durations[i].text, "9", "7s"),
                 durations[i].ms);
    UNIT_INT(wait_for("0", "2s", "0", "3s"), 3000);
    UNIT_INT(wait_for("1", "2s", "1", "3s"), 0);
    end();
}

static int watch(const char *event)
{
    return plugin_watch(&host, STR(""), str_of(event));
}

static void reads_groqs_usage(void)
{
    begin();
    UNIT_INT(watch("{\"choices\":[],\"x_groq\":{\"id\":\"r\"}}"), PS_OK);
    UNIT_INT(host.usage.input, -1);
    UNIT_INT(watch("{\"x_groq\":{\"usage\":{\"prompt_tokens\":40,"
                   "\"completion_tokens\":7,\"prompt_tokens_details\":"
                   "{\"cached_tokens\":8}}}}"),
             PS_OK);
    UNIT_INT(host.usage.input, 32);
    UNIT_INT(host.usage.cache_read, 8);
    UNIT_INT(host.usage.output, 7);
    UNIT_INT(host.usage.reasoning, -1);
    UNIT_INT(watch("{\"text\":\"x_groq\\\"\"}"), PS_OK);
    UNIT_INT(watch("x_groq\" is no JSON"), PS_OK);
    UNIT_INT(host.usage.output, 7);
    end();
}

UNIT_MAIN("plugin_openai", { "classifies", classifies },
          { "is not fooled by echoes", is_not_fooled_by_echoes },
          { "knows when to come back", knows_when_to_come_back },
          { "reads groq's usage", reads_groqs_usage })

/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* What the anthropic plugin, built and loaded, makes of answers, and how it
 * sends keys. Recorded bodies are shortened. */
#include "base/clock.h"
#include "engine/config.h"
#include "engine/fault.h"
#include "engine/plugin.h"
#include "recording.h"
#include "wire/sse.h"

#include "unit.h"

#include <time.h>

#define N_OF(x) (sizeof(x) / sizeof((x)[0]))
#define ERROR(type, message)                                                  \
    "{\"type\":\"error\",\"error\":{\"type\":\"" type "\",\"message\":\""     \
    message "\"},\"request_id\":\"req_1\"}"
#define CODE(code)                                                            \
    "{\"type\":\"error\",\"error\":{\"type\":\"invalid_request_error\","      \
    "\"message\":\"m\",\"details\":{\"error_code\":\"" code "\"}}}"

static struct plugin_set *plugins;
static struct arena *arena;
static struct attempt_host host;

static void begin(void)
{
    const char *build = getenv("PENSTOCK_BUILD");
    struct err err = { 0 };
    char path[4096];

    snprintf(path, sizeof path, "%s/plugins/anthropic.so",
             build ? build : ".");
    plugins = plugin_set_new();
    if (plugin_set_load(plugins, STR("anthropic"), path, &err) < 0)
        printf("\n%s", err.msg);
    CU_ASSERT_FATAL(err.code == 0);
    arena = arena_new(1 << 20);
    UNIT_INT(attempt_host_init(&host, arena,
                               plugin_set_find(plugins, STR("anthropic")),
                               NULL), 0);
}

static void end(void)
{
    plugin_done(&host);
    attempt_host_clear(&host);
    arena_free(arena);
    plugin_set_free(plugins);
}

static ps_fault verdict(int status, struct str body)
{
    ps_fault f;

    host.pub.status = status;
    attempt_host_answer(&host, body);
    attempt_classify(&host, NULL, 0, &f);
    return f;
}

static const struct {
    int status;
    const char *body, *cls, *scope;
} answers[] = {
    { 400, ERROR("invalid_request_error", "messages.0: no"), "bad_request",
      "request" },
    { 400, ERROR("invalid_request_error",
                 "prompt is too long: 210000 tokens > 200000 maximum"),
      "context_length", "request" },
    { 400, ERROR("invalid_request_error",
                 "input length and `max_tokens` exceed context limit: 9"),
      "context_length", "request" },
    { 400, ERROR("invalid_request_error",
                 "Output blocked by content filtering policy"),
      "content_filter", "request" },
    { 400, ERROR("invalid_request_error",
                 "Your credit balance is too low to access the API."),
      "quota", "credential" },
    { 400, ERROR("invalid_request_error",
                 "messages.0: 'Your credit balance is too low' is no role"),
      "bad_request", "request" },
    { 400, ERROR("invalid_request_error",
                 "You have reached your specified API usage limits."),
      "quota", "credential" },
    { 400, CODE("enforced_spend_limit_reached"), "quota", "credential" },
    { 400, CODE("organization_on_hold"), "auth", "credential" },
    { 400, CODE("image_dimensions_too_large"), "bad_request", "request" },
    { 400, ERROR("invalid_request_error",
                 "messages.1.content.0: Invalid `signature` in `thinking` "
                 "block. The block is bound to a different conversation."),
      "bad_request", "request" },
    { 401, ERROR("authentication_error", "invalid x-api-key"), "auth",
      "credential" },
    { 402, ERROR("billing_error", "m"), "quota", "credential" },
    { 403, ERROR("permission_error", "m"), "auth", "credential" },
    { 403, "{\"error\":{\"type\":\"forbidden\",\"message\":\"Request not "
           "allowed\"}}", "region", "provider" },
    { 404, ERROR("not_found_error", "model: claude-x"), "model_gone",
      "target" },
    { 404, ERROR("not_found_error", "File not found: file_1"), "bad_request",
      "request" },
    { 404, "<html>nothing here</html>", "model_gone", "target" },
    { 413, ERROR("request_too_large", "Request exceeds the maximum size"),
      "bad_request", "request" },
    { 429, ERROR("rate_limit_error", "m"), "rate_limit", "credential" },
    { 429, CODE("ramp_limit_exceeded"), "rate_limit", "credential" },
    { 500, ERROR("api_error", "m"), "transient", "target" },
    { 504, ERROR("timeout_error", "m"), "timeout", "target" },
    { 529, ERROR("overloaded_error", "Overloaded"), "overloaded", "target" },
    { 200, ERROR("overloaded_error", "Overloaded"), "overloaded", "target" },
    { 200, ERROR("rate_limit_error", "m"), "rate_limit", "credential" },
    { 200, ERROR("invalid_request_error", "prompt is too long"),
      "context_length", "request" },
    { 200, ERROR("invalid_request_error", "m"), "bad_request", "request" },
    { 200, ERROR("invented_error", "m"), "transient", "target" },
};

static void classifies(void)
{
    begin();
    for (size_t i = 0; i < N_OF(answers); i++) {
        ps_fault f = verdict(answers[i].status, str_of(answers[i].body));

        if (strcmp(fault_class_name(f.cls), answers[i].cls) != 0)
            printf("\n%s", answers[i].body);
        UNIT_STR(fault_class_name(f.cls), answers[i].cls);
        UNIT_STR(fault_scope_name(f.scope), answers[i].scope);
    }
    end();
}

static uint64_t wait_for(const char *left, int64_t in_s, const char *zone)
{
    time_t at = (time_t)(clock_wall_ms() / 1000) + in_s;
    char text[64];
    struct http_header h[] = {
        { STR("anthropic-ratelimit-requests-remaining"), STR("7") },
        { STR("anthropic-ratelimit-requests-reset"),
          STR("2099-01-01T00:00:00Z") },
        { STR("Anthropic-Ratelimit-Tokens-Remaining"), str_of(left) },
        { STR("Anthropic-Ratelimit-Tokens-Reset"), STR_NULL },
    };
    struct tm tm;
    uint64_t ms;

    gmtime_r(&at, &tm);
    strftime(text, sizeof text - 8, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(text + strlen(text), 8, "%s", zone);
    h[3].value = str_of(text);
    host.answer_headers = h;
    host.n_answer_headers = N_OF(h);
    ms = verdict(429, STR(ERROR("rate_limit_error", "m"))).retry_after_ms;
    host.answer_headers = NULL;
    host.n_answer_headers = 0;
    return ms;
}

static void knows_when_to_come_back(void)
{
    uint64_t ms;

    begin();
    ms = wait_for("0", 30, "Z");
    CU_ASSERT(ms > 28000 && ms <= 30000);
    ms = wait_for("0", 86400 * 400, ".5Z"); /* over a leap day, then capped */
    UNIT_INT(ms, 3600000);
    UNIT_INT(wait_for("1", 30, "Z"), 0);
    UNIT_INT(wait_for("0", -30, "Z"), 0);
    UNIT_INT(wait_for("0", 30, "+02"), 0);
    end();
}

static struct str sent(const char *name)
{
    return http_header_get(host.headers, host.n_headers, str_of(name));
}

static void sends_keys(void)
{
    begin();
    UNIT_INT(plugin_auth(&host, STR("sk-ant-api03-x")), PS_DECLINED);
    CU_ASSERT(str_is(sent("anthropic-version"), "2023-06-01"));
    CU_ASSERT(!sent("authorization").p);
    UNIT_STR(plugin_ops(host.plugin)->auth_header, "x-api-key");
    CU_ASSERT(plugin_ops(host.plugin)->auth_prefix == NULL);
    end();
    begin();
    attempt_header(&host, STR("Anthropic-Version"), STR("2026-10-21"));
    UNIT_INT(plugin_auth(&host, STR("sk-ant-oat01-x")), PS_OK);
    CU_ASSERT(str_is(sent("authorization"), "Bearer sk-ant-oat01-x"));
    CU_ASSERT(str_is(sent("anthropic-version"), "2026-10-21"));
    end();
    begin();
    UNIT_INT(plugin_auth(&host, STR_NULL), PS_DECLINED);
    end();
}

static void lists_models(void)
{
    const ps_api *api;

    begin();
    api = plugin_api(host.plugin, PS_CHAT, PS_ANTHROPIC, true);
    CU_ASSERT(api && strcmp(api->path, "/v1/messages") == 0);
    CU_ASSERT_PTR_NOT_NULL(
        plugin_api(host.plugin, PS_COUNT_TOKENS, PS_ANTHROPIC, true));
    CU_ASSERT_PTR_NULL(
        plugin_api(host.plugin, PS_CHAT, PS_OPENAI_CHAT, true));
    api = plugin_api_of(host.plugin, PS_MODELS);
    CU_ASSERT(api && api->dialect == PS_ANTHROPIC);
    end();
}

/* ---- error shapes ------------------------------------------------------ */

static const struct {
    const char *id, *cls;
} shapes[] = {
    { "anthropic-403-permission", "auth" },
    { "anthropic-413-context-window", "context_length" },
    { "anthropic-413-too-large", "bad_request" },
    { "anthropic-429-rate-limit", "rate_limit" },
    { "anthropic-500-api-error", "transient" },
    { "anthropic-504-timeout", "timeout" },
    { "anthropic-529-overloaded", "overloaded" },
    { "anthropic-stream-error-after-text", "overloaded" },
    { "anthropic-stream-error-first", "transient" },
};

static int last_data(void *ud, const struct sse_event *ev)
{
    struct buf *b = ud;

    if (ev->data.p) {
        buf_reset(b);
        buf_put(b, ev->data);
    }
    return 0;
}

static void check_shape(json_t *doc, const char *cls)
{
    json_t *response = json_object_get(doc, "response");
    int status =
        (int)json_integer_value(json_object_get(response, "status"));
    struct buf body = BUF_INIT(1 << 20), data = BUF_INIT(1 << 20);
    struct sse s;

    recording_body(doc, &body);
    if (json_is_true(json_object_get(doc, "stream"))) {
        sse_init(&s, 1 << 20);
        UNIT_INT(sse_feed(&s, buf_str(&body), last_data, &data, NULL), 0);
        sse_clear(&s);
    } else {
        buf_put(&data, buf_str(&body));
    }
    UNIT_STR(fault_class_name(verdict(status, buf_str(&data)).cls), cls);
    buf_clear(&body);
    buf_clear(&data);
}

static void knows_the_error_shapes(void)
{
    for (size_t i = 0; i < N_OF(shapes); i++) {
        char below[200], path[512];
        json_t *doc;

        snprintf(below, sizeof below, "vectors/error-shapes/%s.json",
                 shapes[i].id);
        shared_path(path, sizeof path, below);
        doc = json_load_file(path, 0, NULL);
        if (!doc)
            UNIT_SKIP("no recordings");
        begin();
        check_shape(doc, shapes[i].cls);
        end();
        json_decref(doc);
    }
}

UNIT_MAIN("plugin_anthropic", { "classifies", classifies },
          { "knows when to come back", knows_when_to_come_back },
          { "sends keys", sends_keys },
          { "lists models", lists_models },
          { "knows the error shapes", knows_the_error_shapes })

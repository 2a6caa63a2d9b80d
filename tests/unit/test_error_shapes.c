/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Error answers of many providers, each through the plugin and the quirks that
 * serve its vendor: class, scope and pause. Answers of dialects without a
 * codec are counted, and are told by name; a file that no row knows is a
 * failure, so that a new shape does not go unseen.
 *
 * The classes follow the order of the error table of each provider's own
 * documents (read 2026-11): what is the caller's, a limit's, an account's.
 */
#include "engine/config.h"
#include "engine/fault.h"
#include "engine/plugin.h"
#include "recording.h"
#include "source.h"
#include "wire/dialect.h"
#include "wire/sse.h"

#include "unit.h"

#define N_OF(x) (sizeof(x) / sizeof((x)[0]))
#define FOLDER "vectors/error-shapes"

enum kind {
    ERROR,  /* an error status, or an error object in a 200 */
    CUT,    /* a stream without its end */
    BROKEN, /* a whole answer that is none */
};

static const struct shape {
    const char *id, *plugin, *vendor; /* vendor: whose quirks; NULL = none */
    const char *cls, *scope;
    uint64_t wait_ms;
    enum kind kind;
} shapes[] = {
#define A(id, cls, scope, ms) { "anthropic-" id, "anthropic", NULL, cls, \
                                scope, ms, ERROR }
#define O(id, vendor, cls, scope, ms) { id, "openai", vendor, cls, scope, ms, \
                                        ERROR }
    A("403-permission", "auth", "credential", 0),
    A("413-context-window", "context_length", "request", 0),
    A("413-too-large", "bad_request", "request", 0),
    A("429-rate-limit", "rate_limit", "credential", 12000),
    A("500-api-error", "transient", "target", 0),
    A("504-timeout", "timeout", "target", 0),
    A("529-overloaded", "overloaded", "target", 0),
    A("stream-error-after-text", "overloaded", "target", 0),
    A("stream-error-first", "transient", "target", 0),
    { "anthropic-stream-cut", "anthropic", NULL, NULL, NULL, 0, CUT },
    { "anthropic-stream-cut-in-line", "anthropic", NULL, NULL, NULL, 0, CUT },
    O("openai-429-tpm", NULL, "rate_limit", "credential", 1800),
    O("openai-429-request-too-large", NULL, "rate_limit", "target", 0),
    O("openai-429-quota", NULL, "quota", "credential", 0),
    O("openai-500", NULL, "transient", "target", 0),
    O("openai-503-overloaded", NULL, "overloaded", "target", 2000),
    O("openai-403-region", NULL, "region", "provider", 0),
    O("openai-400-context", NULL, "context_length", "request", 0),
    O("openai-chat-stream-error-chunk", NULL, "transient", "target", 0),
    { "openai-chat-stream-no-done", "openai", NULL, NULL, NULL, 0, CUT },
    O("azure-429", NULL, "rate_limit", "credential", 60000),
    O("azure-400-content-filter", NULL, "content_filter", "request", 0),
    O("azure-408", NULL, "timeout", "target", 0),
    O("groq-413", "groq", "rate_limit", "target", 0),
    O("groq-429", "groq", "rate_limit", "credential", 433000),
    O("groq-503", "groq", "overloaded", "target", 0),
    O("mistral-429", "mistral", "rate_limit", "credential", 0),
    O("mistral-429-capacity", "mistral", "rate_limit", "credential", 0),
    O("mistral-422", "mistral", "bad_request", "request", 0),
    O("openrouter-402", "openrouter", "quota", "credential", 0),
    O("openrouter-429-upstream", "openrouter", "rate_limit", "credential", 0),
    O("openrouter-502", "openrouter", "transient", "target", 0),
    O("openrouter-200-error", "openrouter", "transient", "target", 0),
    O("openrouter-stream-error", "openrouter", "transient", "target", 0),
    O("openrouter-stream-error-no-choices", "openrouter", "transient",
      "target", 0),
    O("deepseek-402", "deepseek", "quota", "credential", 0),
    O("deepseek-keepalive-then-503", "deepseek", "overloaded", "target", 0),
    O("xai-429", "xai", "rate_limit", "credential", 0),
    O("huggingface-503-loading", "huggingface", "overloaded", "target", 0),
    O("together-503", "together", "overloaded", "target", 0),
    O("fireworks-429", "fireworks", "rate_limit", "credential", 0),
    O("cerebras-429", "cerebras", "rate_limit", "credential", 0),
    O("vllm-400-context", "vllm", "context_length", "request", 0),
    O("vllm-422", "vllm", "bad_request", "request", 0),
#define ANY(id, cls, scope, ms)                                               \
    { "edge-" id, "openai", NULL, cls, scope, ms, ERROR },                    \
    { "edge-" id, "anthropic", NULL, cls, scope, ms, ERROR }
    ANY("502-html", "transient", "target", 0),
    ANY("504-html", "timeout", "target", 0),
    ANY("520-html", "transient", "target", 60000),
    ANY("524-text", "timeout", "target", 0),
    ANY("413-html", "bad_request", "request", 0),
    ANY("503-empty", "overloaded", "target", 0),
    ANY("503-retry-date", "overloaded", "target", 60000),
    ANY("429-no-retry-after", "rate_limit", "credential", 0),
    ANY("307-redirect", "protocol", "target", 0),
    { "edge-200-html", "openai", NULL, NULL, NULL, 0, BROKEN },
    { "edge-200-html", "anthropic", NULL, NULL, NULL, 0, BROKEN },
    { "edge-200-truncated-json", "openai", NULL, NULL, NULL, 0, BROKEN },
    { "edge-200-truncated-json", "anthropic", NULL, NULL, NULL, 0, BROKEN },
};

/* No codec yet: nothing serves them. */
static const char *const unserved[] = {
    "bedrock-", "cohere-", "gemini-", "ollama-", "openai-responses-",
};

#define WALL_MS 1893456000000ull /* 2030-01-01T00:00:00Z, as in the files */

/* ---- one vendor --------------------------------------------------------- */

static struct plugin_set *plugins;
static struct arena *arena;
static struct attempt_host host;
static struct plugin_inst *inst;
static struct conf_pair pairs[16];
static struct conf_quirks quirks;
static json_t *vendors;

static void load(const char *name)
{
    const char *build = getenv("PENSTOCK_BUILD");
    char path[4096];
    struct err err = { 0 };

    snprintf(path, sizeof path, "%s/plugins/%s.so", build ? build : ".",
             name);
    if (plugin_set_load(plugins, str_of(name), path, &err) < 0)
        printf("\n%s", err.msg);
    CU_ASSERT_FATAL(err.code == 0);
}

static void load_vendors(void)
{
    vendors = json_load_file(source_path("plugins/catalogue/vendors.json"), 0,
                             NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(vendors);
}

static void take_quirks(const char *vendor)
{
    json_t *row = json_object_get(json_object_get(vendors, "vendors"),
                                  vendor);
    const char *code;
    json_t *cls;

    quirks = (struct conf_quirks){ .errors = pairs };
    CU_ASSERT_PTR_NOT_NULL_FATAL(row);
    json_object_foreach(json_object_get(json_object_get(row, "quirks"),
                                        "errors"), code, cls) {
        CU_ASSERT_FATAL(quirks.n_errors < N_OF(pairs));
        pairs[quirks.n_errors++] =
            (struct conf_pair){ str_of(code),
                                str_of(json_string_value(cls)) };
    }
}

static void begin(const struct shape *s)
{
    const struct plugin *p = plugin_set_find(plugins, str_of(s->plugin));
    struct err err = { 0 };

    inst = plugin_open(p, str_of(s->plugin), STR("http://x.test"), STR(""),
                       &err);
    CU_ASSERT_PTR_NOT_NULL_FATAL(inst);
    arena = arena_new(1 << 20);
    CU_ASSERT_PTR_NOT_NULL_FATAL(arena);
    UNIT_INT(attempt_host_init(&host, arena, p, inst), 0);
    quirks = (struct conf_quirks){ 0 };
    if (s->vendor)
        take_quirks(s->vendor);
}

static void end(void)
{
    plugin_done(&host);
    attempt_host_clear(&host);
    arena_free(arena);
    plugin_close(inst);
}

/* ---- one answer --------------------------------------------------------- */

struct seen {
    const struct shape *shape;
    struct buf error; /* the event that holds one */
    bool done;        /* the stream's end came */
};

static int on_event(void *ud, const struct sse_event *ev)
{
    struct seen *seen = ud;
    struct wire_watch w;
    struct json scratch = { 0 };
    enum dialect d = strcmp(seen->shape->plugin, "anthropic") == 0
                         ? DIALECT_ANTHROPIC : DIALECT_OPENAI_CHAT;

    if (!ev->data.p)
        return 0;
    if (dialect_ops(d)->watch_event(d, ev->event, ev->data, &scratch, arena,
                                    &w, NULL) == 0) {
        seen->done |= w.done;
        if (w.error && !seen->error.n)
            buf_put(&seen->error, ev->data);
    }
    json_clear(&scratch);
    return 0;
}

static void read_stream(struct seen *seen, struct str body)
{
    struct sse s;

    sse_init(&s, 1 << 20);
    UNIT_INT(sse_feed(&s, body, on_event, seen, NULL), 0);
    sse_clear(&s);
}

static bool is_broken(const struct shape *s, struct str body)
{
    enum dialect d = strcmp(s->plugin, "anthropic") == 0
                         ? DIALECT_ANTHROPIC : DIALECT_OPENAI_CHAT;
    struct json scratch = { 0 };
    struct wire_watch w;
    int rc = dialect_ops(d)->watch_body(d, body, &scratch, arena, &w, NULL);

    json_clear(&scratch);
    return rc != 0;
}

static size_t take_headers(json_t *doc, struct http_header *out, size_t max)
{
    json_t *all = json_object_get(json_object_get(doc, "response"),
                                  "headers"), *v;
    const char *name;
    size_t n = 0;

    json_object_foreach (all, name, v) {
        CU_ASSERT_FATAL(n < max);
        out[n++] = (struct http_header){ str_of(name),
                                         str_of(json_string_value(v)) };
    }
    return n;
}

static void judge(const struct shape *s, json_t *doc, struct str body)
{
    struct http_header h[32];
    ps_fault f;

    host.n_answer_headers = take_headers(doc, h, N_OF(h));
    host.answer_headers = h;
    host.pub.status = (int)json_integer_value(
        json_object_get(json_object_get(doc, "response"), "status"));
    attempt_host_answer(&host, body);
    attempt_classify(&host, &quirks, WALL_MS, &f);
    if (strcmp(fault_class_name(f.cls), s->cls) != 0 ||
        strcmp(fault_scope_name(f.scope), s->scope) != 0 ||
        f.retry_after_ms != s->wait_ms)
        printf("\n%s by %s:", s->id, s->plugin);
    UNIT_STR(fault_class_name(f.cls), s->cls);
    UNIT_STR(fault_scope_name(f.scope), s->scope);
    UNIT_INT(f.retry_after_ms, s->wait_ms);
}

static void check(const struct shape *s, json_t *doc)
{
    struct buf body = BUF_INIT(1 << 20);
    struct seen seen = { .shape = s, .error = BUF_INIT(1 << 20) };

    begin(s);
    recording_body(doc, &body);
    if (json_is_true(json_object_get(doc, "stream")))
        read_stream(&seen, buf_str(&body));
    if (s->kind == CUT) {
        CU_ASSERT(!seen.done && !seen.error.n);
    } else if (s->kind == BROKEN) {
        CU_ASSERT(is_broken(s, buf_str(&body)));
    } else if (json_is_true(json_object_get(doc, "stream"))) {
        CU_ASSERT(seen.error.n > 0);
        judge(s, doc, buf_str(&seen.error));
    } else {
        judge(s, doc, buf_str(&body));
    }
    buf_clear(&seen.error);
    buf_clear(&body);
    end();
}

/* ---- all of them --------------------------------------------------------- */

static struct {
    int served, unserved, unknown;
} counts;

static bool is_unserved(const char *id)
{
    for (size_t i = 0; i < N_OF(unserved); i++) {
        if (strncmp(id, unserved[i], strlen(unserved[i])) == 0)
            return true;
    }
    return false;
}

static void each(const char *path, const char *name, struct str bytes,
                 void *ud)
{
    json_t *doc = json_loadb(bytes.p, bytes.n, 0, NULL);
    int rows = 0;

    (void)path;
    (void)ud;
    CU_ASSERT_PTR_NOT_NULL_FATAL(doc);
    for (size_t i = 0; i < N_OF(shapes); i++) {
        if (strncmp(name, shapes[i].id, strlen(shapes[i].id)) != 0 ||
            strcmp(name + strlen(shapes[i].id), ".json") != 0)
            continue;
        check(&shapes[i], doc);
        rows++;
    }
    if (rows) {
        counts.served++;
    } else if (is_unserved(name)) {
        printf("\n    no codec yet: %s", name);
        counts.unserved++;
    } else {
        printf("\n    no row: %s", name);
        counts.unknown++;
    }
    json_decref(doc);
}

static void knows_them_all(void)
{
    char path[512];

    memset(&counts, 0, sizeof counts);
    shared_path(path, sizeof path, FOLDER);
    plugins = plugin_set_new();
    load("anthropic");
    load("openai");
    load_vendors();
    if (!shared_each(path, ".json", each, NULL)) {
        json_decref(vendors);
        plugin_set_free(plugins);
        UNIT_SKIP("no recordings");
    }
    printf("\n    %d served, %d without a codec", counts.served,
           counts.unserved);
    UNIT_INT(counts.unknown, 0);
    UNIT_INT(counts.served, 55);
    UNIT_INT(counts.served + counts.unserved, 76);
    json_decref(vendors);
    plugin_set_free(plugins);
}

UNIT_MAIN("error_shapes", { "knows them all", knows_them_all })

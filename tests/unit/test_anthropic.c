/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* What the native path reads of Anthropic's requests, answers and events. */
#include "recording.h"
#include "unit.h"

#include "wire/anthropic.h"
#include "wire/sse.h"

static struct json j;
static struct arena *a;

static int read_body(enum dialect d, const char *text,
                     struct wire_request *out, struct err *err)
{
    int rc;

    arena_free(a);
    a = arena_new(1 << 16);
    *err = (struct err){ 0 };
    rc = json_scan(&j, str_of(text), NULL, err);
    return rc ? rc : anthropic_dialect.read(d, &j, a, out, err);
}

static void forget(void)
{
    json_clear(&j);
    arena_free(a);
    a = NULL;
}

static void reads_a_request(void)
{
    struct wire_request w;
    struct err err;

    UNIT_INT(read_body(DIALECT_ANTHROPIC,
                       "{\"max_tokens\":0,\"model\":\"cl\\u0061ude\","
                       "\"messages\":[],\"stream\":true,\"new\":[{}]}",
                       &w, &err), 0);
    CU_ASSERT(str_is(w.model, "claude"));
    CU_ASSERT(w.stream && w.max_tokens == 0);
    UNIT_INT(read_body(DIALECT_ANTHROPIC_COUNT,
                       "{\"model\":\"m\",\"messages\":[]}", &w, &err), 0);
    CU_ASSERT(!w.stream && w.max_tokens == -1);
    forget();
}

static void names_the_field_that_is_wrong(void)
{
    static const struct {
        const char *body, *at;
    } cases[] = {
        { "[]", "" },
        { "{\"messages\":[],\"max_tokens\":1}", "model" },
        { "{\"model\":null,\"messages\":[],\"max_tokens\":1}", "model" },
        { "{\"model\":\"\",\"messages\":[],\"max_tokens\":1}", "model" },
        { "{\"model\":\"m\",\"max_tokens\":1}", "messages" },
        { "{\"model\":\"m\",\"messages\":{},\"max_tokens\":1}", "messages" },
        { "{\"model\":\"m\",\"messages\":[]}", "max_tokens" },
        { "{\"model\":\"m\",\"messages\":[],\"max_tokens\":1.5}",
          "max_tokens" },
        { "{\"model\":\"m\",\"messages\":[],\"max_tokens\":-1}",
          "max_tokens" },
        { "{\"model\":\"m\",\"messages\":[],\"max_tokens\":1,"
          "\"stream\":null}", "stream" },
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct wire_request w;
        struct err err;

        UNIT_INT(read_body(DIALECT_ANTHROPIC, cases[i].body, &w, &err),
                 -ERR_INVALID_REQUEST);
        UNIT_STR(err.at, cases[i].at);
        CU_ASSERT(str_starts(str_of(err.msg), str_of(cases[i].at)));
    }
    forget();
}

/* The texts live until the next call. */
static struct wire_watch watch(const char *event, const char *data)
{
    struct wire_watch w;

    arena_free(a);
    a = arena_new(1 << 16);
    UNIT_INT(anthropic_dialect.watch_event(DIALECT_ANTHROPIC, str_of(event),
                                           str_of(data), &j, a, &w, NULL), 0);
    return w;
}

#define START(block)                                                          \
    "{\"type\":\"content_block_start\",\"index\":0,\"content_block\":" block  \
    "}"
#define DELTA(delta)                                                          \
    "{\"type\":\"content_block_delta\",\"index\":0,\"delta\":" delta "}"

static void sees_content_only_where_there_is_some(void)
{
    static const struct {
        const char *data;
        bool content;
    } cases[] = {
        { "{\"type\":\"ping\"}", false },
        { "{\"type\":\"message_start\",\"message\":{\"content\":[]}}", false },
        { START("{\"type\":\"text\",\"text\":\"\"}"), false },
        { START("{\"type\":\"text\",\"text\":\"Hi\"}"), true },
        { START("{\"type\":\"thinking\",\"thinking\":\"\","
                "\"signature\":\"\"}"), false },
        { START("{\"type\":\"redacted_thinking\",\"data\":\"AA\"}"), true },
        { START("{\"type\":\"tool_use\",\"id\":\"t\",\"name\":\"n\","
                "\"input\":{}}"), true },
        { START("{\"type\":\"invented_result\"}"), true },
        { DELTA("{\"type\":\"text_delta\",\"text\":\"\"}"), false },
        { DELTA("{\"type\":\"text_delta\",\"text\":\"a\"}"), true },
        { DELTA("{\"type\":\"thinking_delta\",\"thinking\":\"a\"}"), true },
        { DELTA("{\"type\":\"signature_delta\",\"signature\":\"a\"}"), true },
        { DELTA("{\"type\":\"input_json_delta\",\"partial_json\":\"\"}"),
          false },
        { DELTA("{\"type\":\"input_json_delta\",\"partial_json\":\"{\"}"),
          true },
        { DELTA("{\"type\":\"citations_delta\",\"citation\":{\"a\":1}}"),
          true },
        { "{\"type\":\"content_block_stop\",\"index\":0}", false },
        { "{\"type\":\"invented\",\"delta\":{\"text\":\"x\"}}", false },
        { "{}", false },
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct wire_watch w = watch("", cases[i].data);

        if (w.content != cases[i].content)
            printf("\n%s", cases[i].data);
        CU_ASSERT(w.content == cases[i].content);
        CU_ASSERT(!w.finish && !w.done && !w.error);
    }
    forget();
}

static void sees_the_end(void)
{
    struct wire_watch w;

    w = watch("message_delta", "{\"type\":\"message_delta\",\"delta\":"
                               "{\"stop_reason\":\"end_turn\"}}");
    CU_ASSERT(w.finish && !w.done);
    w = watch("message_delta", "{\"type\":\"message_delta\",\"delta\":"
                               "{\"stop_reason\":null}}");
    CU_ASSERT(!w.finish);
    CU_ASSERT(watch("message_stop", "{\"type\":\"message_stop\"}").done);
    CU_ASSERT(watch("message_stop", "{}").done); /* its name alone */
    w = watch("error", "{\"type\":\"error\",\"error\":{\"type\":"
                       "\"overloaded_error\",\"message\":\"Overl\\u006faded\","
                       "\"details\":{\"error_code\":\"x\"}}}");
    CU_ASSERT(w.error && str_is(w.error_type, "overloaded_error"));
    CU_ASSERT(str_is(w.error_message, "Overloaded"));
    CU_ASSERT(str_is(w.error_code, "x"));
    w = watch("error", "{\"type\":\"error\",\"error\":{\"details\":null,"
                       "\"type\":\"t\",\"message\":\"m\"}}");
    CU_ASSERT(w.error && !w.error_code.p);
    CU_ASSERT(watch("", "{\"type\":\"error\"}").error);
    forget();
}

/* Told in two events, each field replacing what was said of it before. */
static void merges_usage_by_field(void)
{
    struct usage u = USAGE_NONE;
    struct wire_watch w;

    w = watch("", "{\"type\":\"message_start\",\"message\":{\"usage\":{"
                  "\"input_tokens\":3,\"cache_creation_input_tokens\":20,"
                  "\"cache_read_input_tokens\":100,\"cache_creation\":{"
                  "\"ephemeral_5m_input_tokens\":15,"
                  "\"ephemeral_1h_input_tokens\":5},\"output_tokens\":1}}}");
    CU_ASSERT(!w.usage_only);
    usage_merge(&u, &w.usage);
    w = watch("", "{\"type\":\"message_delta\",\"delta\":{},\"usage\":{"
                  "\"output_tokens\":42,\"input_tokens\":null,"
                  "\"output_tokens_details\":{\"thinking_tokens\":7}}}");
    usage_merge(&u, &w.usage);
    UNIT_INT(u.input, 3);
    UNIT_INT(u.cache_read, 100);
    UNIT_INT(u.cache_write, 20);
    UNIT_INT(u.cache_write_1h, 5);
    UNIT_INT(u.output, 42);
    UNIT_INT(u.reasoning, 7);
    forget();
}

static void watches_whole_answers(void)
{
    struct wire_watch w;

    a = arena_new(1 << 16);
    UNIT_INT(anthropic_dialect.watch_body(
                 DIALECT_ANTHROPIC,
                 STR("{\"type\":\"message\",\"content\":[],"
                     "\"stop_reason\":\"refusal\",\"usage\":{"
                     "\"input_tokens\":5,\"output_tokens\":2}}"),
                 &j, a, &w, NULL), 0);
    CU_ASSERT(w.content && w.finish && !w.error);
    UNIT_INT(w.usage.input, 5);
    UNIT_INT(w.usage.cache_read, -1);
    UNIT_INT(anthropic_dialect.watch_body(DIALECT_ANTHROPIC_COUNT,
                                          STR("{\"input_tokens\":9}"), &j, a,
                                          &w, NULL), 0);
    CU_ASSERT(w.content && w.usage.input == -1); /* counted, not used */
    UNIT_INT(anthropic_dialect.watch_body(
                 DIALECT_ANTHROPIC,
                 STR("{\"error\":{\"type\":\"request_too_large\"}}"), &j, a,
                 &w, NULL), 0);
    CU_ASSERT(w.error && str_is(w.error_type, "request_too_large"));
    CU_ASSERT(anthropic_dialect.watch_body(DIALECT_ANTHROPIC, STR(""), &j, a,
                                           &w, NULL) < 0);
    CU_ASSERT(anthropic_dialect.watch_event(DIALECT_ANTHROPIC, STR("ping"),
                                            STR("[]"), &j, a, &w, NULL) < 0);
    forget();
}

static void finds_usage_in_a_tail(void)
{
    struct usage u = USAGE_NONE;

    anthropic_dialect.usage_in_tail(
        STR("xt\\\"usage\\\":{}\"}],\"usage\":{\"input_tokens\":3,"
            "\"cache_creation\":{\"ephemeral_1h_input_tokens\":1},"
            "\"output_tokens\":8}}"),
        NULL, &u);
    UNIT_INT(u.input, 3);
    UNIT_INT(u.output, 8);
    UNIT_INT(u.cache_write_1h, 1);
    u = USAGE_NONE;
    anthropic_dialect.usage_in_tail(STR("\"usage\":{\"input_tok"), NULL, &u);
    UNIT_INT(u.input, -1);
}

static void writes_errors_in_its_shape(void)
{
    struct buf b = BUF_INIT(4096);
    struct wire_error e = { .info = err_info(ERR_NO_TARGET),
                            .code = STR("no_target"),
                            .message = STR("no \"x\""),
                            .param = STR("messages.0"),
                            .request_id = STR("req_1") };

    UNIT_INT(anthropic_dialect.error_event(&b, &e), 0);
    CU_ASSERT(str_is(buf_str(&b),
                     "event: error\ndata: {\"type\":\"error\",\"error\":{"
                     "\"type\":\"overloaded_error\",\"message\":"
                     "\"no \\\"x\\\"\"},\"request_id\":\"req_1\"}\n\n"));
    UNIT_INT(anthropic_dialect.status(e.info), 529);
    buf_clear(&b);
}

/* ---- recordings -------------------------------------------------------- */

struct seen {
    int content, finish, done, error;
    struct usage usage;
};

static int on_event(void *ud, const struct sse_event *ev)
{
    struct seen *seen = ud;
    struct wire_watch w;

    if (!ev->data.p)
        return 0;
    UNIT_INT(anthropic_dialect.watch_event(DIALECT_ANTHROPIC, ev->event,
                                           ev->data, &j, a, &w, NULL), 0);
    CU_ASSERT(!seen->done);
    seen->content += w.content;
    seen->finish += w.finish;
    seen->done += w.done;
    seen->error += w.error;
    usage_merge(&seen->usage, &w.usage);
    return 0;
}

static void check_recording(const char *path, const char *name,
                            struct str bytes, void *ud)
{
    json_t *doc = json_loadb(bytes.p, bytes.n, JSON_ALLOW_NUL, NULL);
    struct buf body = BUF_INIT(8u << 20);
    struct seen seen = { .usage = USAGE_NONE };
    struct sse s;

    (void)path, (void)name;
    recording_body(doc, &body);
    if (strstr(recording_header(doc, "content-type"), "event-stream")) {
        a = arena_new(64u << 20);
        sse_init(&s, 1u << 20);
        UNIT_INT(sse_feed(&s, buf_str(&body), on_event, &seen, NULL), 0);
        UNIT_INT(sse_eof(&s, on_event, &seen, NULL), 0);
        CU_ASSERT(seen.content > 0 && seen.error == 0);
        UNIT_INT(seen.finish, 1);
        UNIT_INT(seen.done, 1);
        CU_ASSERT(seen.usage.input >= 0 && seen.usage.output > 0);
        forget();
        ++*(int *)ud;
    }
    buf_clear(&body);
    json_decref(doc);
}

static void watches_recordings(void)
{
    char path[512];
    int n = 0;

    shared_path(path, sizeof path, "wire/anthropic/anthropic.messages");
    if (shared_each(path, ".json", check_recording, &n) == 0)
        UNIT_SKIP("no recordings");
    UNIT_INT(n, 20);
}

UNIT_MAIN("anthropic", { "reads a request", reads_a_request },
          { "names the field that is wrong", names_the_field_that_is_wrong },
          { "sees content only where there is some",
            sees_content_only_where_there_is_some },
          { "sees the end", sees_the_end },
          { "merges usage by field", merges_usage_by_field },
          { "watches whole answers", watches_whole_answers },
          { "finds usage in a tail", finds_usage_in_a_tail },
          { "writes errors in its shape", writes_errors_in_its_shape },
          { "watches recordings", watches_recordings })

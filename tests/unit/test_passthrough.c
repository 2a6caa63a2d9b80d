/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Endpoints that pass as they are: paths, what is read, what is metered. */
#include "wire/passthrough.h"

#include "unit.h"

static const char *below(const char *path)
{
    struct str s;

    return passthrough_below(str_of(path), &s) ? s.p : "-";
}

static void cuts_paths(void)
{
    CU_ASSERT_STRING_EQUAL(below("/v1/files"), "/files");
    CU_ASSERT_STRING_EQUAL(below("/v2/rerank"), "/rerank");
    CU_ASSERT_STRING_EQUAL(below("/openai/v1/files/a-b_c~1/content"),
                           "/files/a-b_c~1/content");
    CU_ASSERT_STRING_EQUAL(below("/v1/files/a%20b"), "/files/a%20b");
    CU_ASSERT_STRING_EQUAL(below("/v1/files/..a"), "/files/..a");
}

static void refuses_paths_that_climb(void)
{
    static const char *const paths[] = {
        "/v1/files/..",      "/v1/files/../x", "/v1/files/./x",
        "/v1/files//x",      "/v1/files/",     "/v1/files/x/",
        "/v1/files/%2e%2e",  "/v1/files/%2E",  "/v1/files/.%2e/x",
        "/v1/files/a%2fb",   "/v1/files/a%5cb", "/v1/files/a\\b",
        "/v1/files/%252e",   "/v1/files/%00",  "/v1/files/%0a",
        "/v1/files/%",       "/v1/files/%4",   "/v1/files/%zz",
        "/v1/files/a b",     "/v1/files/a#b",  "/v1/files/a?b",
        "/v1/files/a\"b",    "/v1/files/\xC3\xA9", "/files/x",
    };

    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        CU_ASSERT_STRING_EQUAL(below(paths[i]), "-");
}

static const struct {
    const char *body, *model;
    int rc, stream;
} requests[] = {
    { "{\"model\":\"m\"}", "m", 0, 0 },
    { "{\"input\":\"x\"}", "", 0, 0 },
    { "{\"model\":null,\"stream\":null}", "", 0, 0 },
    { "{\"model\":\"m\",\"stream\":true}", "m", 0, 1 },
    { "{\"model\":\"m\",\"stream_format\":\"sse\"}", "m", 0, 1 },
    { "{\"model\":\"m\",\"stream_format\":\"audio\"}", "m", 0, 0 },
    { "{\"model\":4}", "", -ERR_INVALID_REQUEST, 0 },
    { "[]", "", -ERR_INVALID_REQUEST, 0 },
};

static void reads_requests(void)
{
    struct arena *a = arena_new(1 << 20);

    CU_ASSERT_PTR_NOT_NULL_FATAL(a);
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        struct wire_request got;
        struct json j = { 0 };
        struct err err = { 0 };

        UNIT_INT(json_scan(&j, str_of(requests[i].body), NULL, &err), 0);
        UNIT_INT(dialect_ops(DIALECT_PASSTHROUGH)
                     ->read(DIALECT_PASSTHROUGH, &j, a, &got, &err),
                 requests[i].rc);
        if (!requests[i].rc) {
            CU_ASSERT(str_is(got.model, requests[i].model));
            UNIT_INT(got.stream, requests[i].stream);
        }
        json_clear(&j);
    }
    arena_free(a);
}

static const struct {
    const char *body;
    int64_t input, cached, output;
} answers[] = {
    { "{\"usage\":{\"input_tokens\":5,\"output_tokens\":3,"
      "\"total_tokens\":8}}", 5, -1, 3 },
    { "{\"usage\":{\"input_tokens\":5,\"output_tokens\":3,"
      "\"input_tokens_details\":{\"cached_tokens\":2}}}", 3, 2, 3 },
    { "{\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":3}}", 5, -1, 3 },
    { "{\"usage\":{\"total_tokens\":9}}", 9, -1, -1 },
    { "{\"usage\":{\"type\":\"duration\",\"seconds\":9}}", -1, -1, -1 },
    { "{\"error\":{\"message\":\"of a job\"}}", -1, -1, -1 },
    { "", -1, -1, -1 },
    { "{\"a\":1}\n{\"b\":2}\n", -1, -1, -1 },
    { "[1]", -1, -1, -1 },
};

/* No answer is at fault here, whatever it says. */
static void meters_answers(void)
{
    const struct dialect_ops *ops = dialect_ops(DIALECT_PASSTHROUGH);
    struct arena *a = arena_new(1 << 20);
    struct json j = { 0 };

    CU_ASSERT_PTR_NOT_NULL_FATAL(a);
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        struct wire_watch w;
        struct usage tail = USAGE_NONE;
        struct str body = str_of(answers[i].body);

        UNIT_INT(ops->watch_body(DIALECT_PASSTHROUGH, body, &j, a, &w, NULL),
                 0);
        CU_ASSERT_FALSE(w.error);
        UNIT_INT(w.usage.input, answers[i].input);
        UNIT_INT(w.usage.cache_read, answers[i].cached);
        UNIT_INT(w.usage.output, answers[i].output);
        ops->usage_in_tail(body, a, &tail);
        UNIT_INT(tail.input, answers[i].input);
        UNIT_INT(tail.output, answers[i].output);
        UNIT_INT(ops->watch_event(DIALECT_PASSTHROUGH, STR_NULL, body, &j, a,
                                  &w, NULL), 0);
        CU_ASSERT(w.content && !w.done);
        UNIT_INT(w.usage.output, answers[i].output);
    }
    json_clear(&j);
    arena_free(a);
}

/* What is looked up was counted when it was made, and would be counted as
 * often as somebody looks; a response that is made in the background has told
 * nobody else. */
static void meters_no_memories(void)
{
#define USED "\"usage\":{\"input_tokens\":5,\"output_tokens\":3}}"
    static const struct {
        const char *body;
        int64_t output;
    } rows[] = {
        { "{\"object\":\"response\"," USED, -1 },
        { "{\"object\":\"response\",\"background\":false," USED, -1 },
        { "{\"object\":\"response\",\"background\":true," USED, 3 },
        { "{\"object\":\"batch\"," USED, -1 },
        { "{\"object\":\"thread.run\"," USED, 3 },
    };
    const struct dialect_ops *ops = dialect_ops(DIALECT_PASSTHROUGH);
    struct arena *a = arena_new(1 << 20);
    struct json j = { 0 };

    CU_ASSERT_PTR_NOT_NULL_FATAL(a);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct wire_watch w;

        UNIT_INT(ops->watch_body(DIALECT_PASSTHROUGH, str_of(rows[i].body),
                                 &j, a, &w, NULL), 0);
        UNIT_INT(w.usage.output, rows[i].output);
    }
    json_clear(&j);
    arena_free(a);
}

UNIT_MAIN("passthrough", { "cuts paths", cuts_paths },
          { "refuses paths that climb", refuses_paths_that_climb },
          { "reads requests", reads_requests },
          { "meters answers", meters_answers },
          { "meters no memories", meters_no_memories })

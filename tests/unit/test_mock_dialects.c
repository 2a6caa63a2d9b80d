/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* The mock's models in the shapes of OpenAI's Responses and of Google: what
 * is streamed comes to what is whole, read in pieces of any size. */
#include "codec_run.h"
#include "mock_client.h"

#include "wire/sse.h"

#define RESPONSES "/v1/responses"
#define GOOGLE "/v1beta/models/"

static void of_responses(char *to, size_t n, const char *model,
                         const char *more)
{
    snprintf(to, n, "{\"model\":\"%s\",\"input\":\"one two\",\"tools\":[{"
                    "\"type\":\"function\",\"name\":\"f\",\"parameters\":{"
                    "\"type\":\"object\",\"required\":[\"city\"],"
                    "\"properties\":{\"city\":{\"type\":\"string\"}}}}]%s}",
             model, more);
}

static const char google[] =
    "{\"contents\":[{\"parts\":[{\"text\":\"one two\"}]}],\"tools\":[{"
    "\"functionDeclarations\":[{\"name\":\"f\",\"parameters\":{\"type\":"
    "\"OBJECT\",\"required\":[\"city\"],\"properties\":{\"city\":{\"type\":"
    "\"STRING\"}}}}]}],\"generationConfig\":{\"thinkingConfig\":{"
    "\"includeThoughts\":true}}}";

static const char *const models[] = { "echo", "lorem", "tools", "think",
                                      "json" };

/* An id is a hash of the body, which says whether it streams. */
static void hide_id(struct buf *out)
{
    ptrdiff_t at = str_find(buf_str(out), STR("call_"));

    if (at >= 0)
        memset(out->p + out->off + at + 5, '0', 16);
}

/* The answer of the last call as the codec reads it. */
static void read_as(struct rig *r, enum dialect d, size_t chunk,
                    struct buf *out)
{
    buf_reset(out);
    UNIT_INT(run_record(d, buf_str(&r->p.body), chunk, RECORD_MEANING, out),
             0);
    CU_ASSERT(buf_len(out) > 0);
    hide_id(out);
}

static void same(struct rig *r, enum dialect d, struct buf *want)
{
    static const size_t chunks[] = { 1, 7, 1 << 20 };
    struct buf got = BUF_INIT(1 << 20);

    for (size_t i = 0; i < 3; i++) {
        read_as(r, d, chunks[i], &got);
        if (!str_eq(buf_str(&got), buf_str(want)))
            printf("\n" STR_FMT "\nnot\n" STR_FMT, STR_ARG(buf_str(&got)),
                   STR_ARG(buf_str(want)));
        CU_ASSERT(str_eq(buf_str(&got), buf_str(want)));
    }
    buf_clear(&got);
}

static void responses_stream_is_the_whole(void)
{
    struct buf want = BUF_INIT(1 << 20);
    struct rig r;
    char body[1024];

    rig_init(&r);
    for (size_t i = 0; i < 5; i++) {
        of_responses(body, sizeof body, models[i], "");
        UNIT_INT(ask(&r, "POST", RESPONSES, body), 200);
        read_as(&r, DIALECT_RESPONSES, 0, &want);
        of_responses(body, sizeof body, models[i], ",\"stream\":true");
        UNIT_INT(ask(&r, "POST", RESPONSES, body), 200);
        same(&r, DIALECT_RESPONSES, &want);
    }
    buf_clear(&want);
    rig_clear(&r);
}

static void google_stream_is_the_whole(void)
{
    struct buf want = BUF_INIT(1 << 20);
    struct rig r;
    char path[96];

    rig_init(&r);
    for (size_t i = 0; i < 5; i++) {
        snprintf(path, sizeof path, GOOGLE "%s:generateContent", models[i]);
        UNIT_INT(ask(&r, "POST", path, google), 200);
        read_as(&r, DIALECT_GEMINI, 0, &want);
        snprintf(path, sizeof path,
                 GOOGLE "%s:streamGenerateContent?alt=sse", models[i]);
        UNIT_INT(ask(&r, "POST", path, google), 200);
        same(&r, DIALECT_GEMINI, &want);
    }
    buf_clear(&want);
    rig_clear(&r);
}

/* What a schema asks for comes, as a call that must be made and as text. */
static void schemas_are_kept_to(void)
{
    struct rig r;
    char body[1024];

    rig_init(&r);
    of_responses(body, sizeof body, "json", ",\"tool_choice\":\"required\"");
    UNIT_INT(ask(&r, "POST", RESPONSES, body), 200);
    if (scan(&r))
        UNIT_STR(raw_at(&r, "/output/0/arguments"),
                 "\"{\\\"city\\\":\\\"text\\\"}\"");
    UNIT_INT(ask(&r, "POST", GOOGLE "json:generateContent",
                 "{\"contents\":[{\"parts\":[{\"text\":\"x\"}]}],"
                 "\"generationConfig\":{\"responseMimeType\":"
                 "\"application/json\",\"responseSchema\":{\"type\":"
                 "\"OBJECT\",\"required\":[\"n\",\"ok\"],\"properties\":{"
                 "\"n\":{\"type\":\"INTEGER\"},\"ok\":{\"type\":"
                 "\"BOOLEAN\"}}}}}"), 200);
    if (scan(&r))
        UNIT_STR(raw_at(&r, "/candidates/0/content/parts/0/text"),
                 "\"{\\\"n\\\":1,\\\"ok\\\":true}\"");
    snprintf(body, sizeof body, "%.*s,\"toolConfig\":{"
             "\"functionCallingConfig\":{\"mode\":\"ANY\"}}}",
             (int)strlen(google) - 1, google);
    UNIT_INT(ask(&r, "POST", GOOGLE "json:generateContent", body), 200);
    if (scan(&r))
        UNIT_STR(raw_at(&r, "/candidates/0/content/parts/0/functionCall/args"),
                 "{\"city\":\"text\"}");
    rig_clear(&r);
}

static int count_event(void *ud, const struct sse_event *ev)
{
    struct json j = { 0 };
    int64_t n = -1;

    CU_ASSERT_EQUAL_FATAL(json_scan(&j, ev->data, NULL, NULL), 0);
    json_int(&j, json_at(&j, STR("/sequence_number")), &n);
    UNIT_INT((int)n, (*(int *)ud)++);
    json_clear(&j);
    return 0;
}

static void events_are_numbered(void)
{
    struct sse sse;
    struct rig r;
    char body[1024];
    int n = 0;

    rig_init(&r);
    of_responses(body, sizeof body, "tools", ",\"stream\":true,\"reasoning\":"
                                             "{\"effort\":\"low\"}");
    UNIT_INT(ask(&r, "POST", RESPONSES, body), 200);
    sse_init(&sse, 1 << 20);
    UNIT_INT(sse_feed(&sse, buf_str(&r.p.body), count_event, &n, NULL), 0);
    sse_clear(&sse);
    CU_ASSERT(n > 15);
    CU_ASSERT(str_find(buf_str(&r.p.body),
                       STR("\"output_index\":1,\"delta\"")) > 0);
    rig_clear(&r);
}

static void an_array(void)
{
    struct rig r;

    rig_init(&r);
    UNIT_INT(ask(&r, "POST", GOOGLE "echo:streamGenerateContent", google),
             200);
    if (scan(&r)) {
        UNIT_STR(raw_at(&r, "/0/candidates/0/content/parts/0/text"),
                 "\"one\"");
        UNIT_STR(raw_at(&r, "/2/candidates/0/finishReason"), "\"STOP\"");
        UNIT_STR(raw_at(&r, "/2/usageMetadata/totalTokenCount"), "11");
    }
    UNIT_INT(ask(&r, "POST", GOOGLE "echo:countTokens", google), 200);
    CU_ASSERT(str_is(buf_str(&r.p.body), "{\"totalTokens\":9}"));
    rig_clear(&r);
}

static void limits_and_errors(void)
{
    struct rig r;
    char body[1024];

    rig_init(&r);
    of_responses(body, sizeof body, "echo", ",\"max_output_tokens\":1");
    UNIT_INT(ask(&r, "POST", RESPONSES, body), 200);
    if (scan(&r)) {
        UNIT_STR(raw_at(&r, "/status"), "\"incomplete\"");
        UNIT_STR(raw_at(&r, "/incomplete_details/reason"),
                 "\"max_output_tokens\"");
    }
    of_responses(body, sizeof body, "none", "");
    UNIT_INT(ask(&r, "POST", RESPONSES, body), 404);
    if (scan(&r))
        UNIT_STR(raw_at(&r, "/error/code"), "\"model_not_found\"");
    UNIT_INT(ask(&r, "POST", RESPONSES, "{\"model\":\"echo\"}"), 400);
    UNIT_INT(ask(&r, "POST", GOOGLE "none:generateContent", google), 404);
    if (scan(&r))
        UNIT_STR(raw_at(&r, "/error/status"), "\"NOT_FOUND\"");
    UNIT_INT(ask(&r, "POST", GOOGLE "echo:generateContent", "{}"), 400);
    set_faults(&r, "[{\"fault\":{\"error_event_at\":2}}]");
    UNIT_INT(ask(&r, "POST", GOOGLE "echo:streamGenerateContent", google),
             200);
    if (scan(&r))
        UNIT_STR(raw_at(&r, "/1/error/code"), "500");
    rig_clear(&r);
}

UNIT_MAIN("mock_dialects",
          { "Responses streamed is the whole", responses_stream_is_the_whole },
          { "Google's streamed is the whole", google_stream_is_the_whole },
          { "schemas are kept to", schemas_are_kept_to },
          { "events are numbered", events_are_numbered },
          { "an array", an_array },
          { "limits and errors", limits_and_errors })

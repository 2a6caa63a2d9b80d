/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* InvokeModelWithResponseStream: from chunks to the events in them. */
#include "frame_record.h"
#include "recording.h"

#include "base/b64.h"
#include "base/crc32.h"

#define MESSAGE_MAX (1 << 20)

static void put_u32(struct buf *b, size_t v)
{
    char four[4] = { (char)(v >> 24), (char)(v >> 16), (char)(v >> 8),
                     (char)v };

    buf_put(b, (struct str){ four, 4 });
}

static void put_header(struct buf *b, const char *name, const char *value)
{
    size_t n = strlen(value);

    buf_putc(b, (char)strlen(name));
    buf_puts(b, name);
    buf_putc(b, EVENTSTREAM_STRING);
    buf_putc(b, (char)(n >> 8));
    buf_putc(b, (char)n);
    buf_puts(b, value);
}

static void put_message(struct buf *b, const char *type, const char *name,
                        const char *payload)
{
    struct buf h = BUF_INIT(1000), m = BUF_INIT(MESSAGE_MAX);
    const char *of = strcmp(type, "event") == 0       ? ":event-type"
                     : strcmp(type, "exception") == 0 ? ":exception-type"
                                                      : ":error-code";

    put_header(&h, ":message-type", type);
    put_header(&h, of, name);
    put_u32(&m, buf_len(&h) + strlen(payload) + 16);
    put_u32(&m, buf_len(&h));
    put_u32(&m, crc32_of(0, buf_str(&m)));
    buf_put(&m, buf_str(&h));
    buf_puts(&m, payload);
    put_u32(&m, crc32_of(0, buf_str(&m)));
    buf_put(b, buf_str(&m));
    buf_clear(&h);
    buf_clear(&m);
}

static void put_chunk(struct buf *b, const char *event)
{
    char b64[2000], payload[2100];
    size_t n = b64_encode(str_of(event), B64_STANDARD, b64);

    snprintf(payload, sizeof payload, "{\"bytes\":\"%.*s\",\"p\":\"abc\"}",
             (int)n, b64);
    put_message(b, "event", "chunk", payload);
}

/* However it is cut: the same frames, and the same bytes for the client. */
static void run(struct frames *whole, struct str bytes)
{
    struct frames cut;

    *whole = (struct frames){ .max = MESSAGE_MAX };
    frames_run(whole, FRAMING_EVENTCHUNKS, bytes, 0, 0);
    for (size_t chunk = 1; chunk <= 7; chunk += 6) {
        cut = (struct frames){ .max = MESSAGE_MAX };
        frames_run(&cut, FRAMING_EVENTCHUNKS, bytes, chunk, chunk);
        frames_same(whole, &cut);
        CU_ASSERT(str_eq(buf_str(&whole->raw), buf_str(&cut.raw)));
        frames_clear(&cut);
    }
    buf_putc(&whole->said, '\0');
    buf_putc(&whole->raw, '\0');
}

static void check(struct buf *b, int rc, const char *said, const char *raw)
{
    struct frames r;

    run(&r, buf_str(b));
    UNIT_INT(r.rc, rc);
    UNIT_STR(buf_str(&r.said).p, said);
    UNIT_STR(buf_str(&r.raw).p, raw);
    frames_clear(&r);
    buf_clear(b);
}

static void unwraps(void)
{
    struct buf b = BUF_INIT(MESSAGE_MAX);

    put_chunk(&b, "{\"type\":\"ping\"}");
    put_chunk(&b, "{ \"type\" : \"content_block_delta\", \"x\":\"\\u4e16\"}");
    check(&b, 0,
          "ping|{\"type\":\"ping\"}|\n"
          "content_block_delta|{ \"type\" : \"content_block_delta\", "
          "\"x\":\"\\u4e16\"}|\n",
          "event: ping\ndata: {\"type\":\"ping\"}\n\n"
          "event: content_block_delta\ndata: { \"type\" : "
          "\"content_block_delta\", \"x\":\"\\u4e16\"}\n\n");
}

/* Ends of lines would end the event's data; a type that is no word would be
 * more lines of it. */
static void stays_one_event(void)
{
    struct buf b = BUF_INIT(MESSAGE_MAX);

    put_chunk(&b, "{\r\n \"type\":\n\"ping\"}");
    put_chunk(&b, "{\"type\":\"a\\ndata: x\"}");
    put_chunk(&b, "{\"type\":7}");
    check(&b, 0,
          "ping|{   \"type\": \"ping\"}|\n"
          "|{\"type\":\"a\\ndata: x\"}|\n"
          "|{\"type\":7}|\n",
          "event: ping\ndata: {   \"type\": \"ping\"}\n\n"
          "data: {\"type\":\"a\\ndata: x\"}\n\n"
          "data: {\"type\":7}\n\n");
}

static void takes_escaped_slashes(void)
{
    struct buf b = BUF_INIT(MESSAGE_MAX);

    put_message(&b, "event", "chunk", /* {"x":"???"} */
                "{\"bytes\":\"eyJ4IjoiPz8\\/In0=\"}");
    check(&b, 0, "|{\"x\":\"???\"}|\n", "data: {\"x\":\"???\"}\n\n");
}

static void passes_over_others(void)
{
    struct buf b = BUF_INIT(MESSAGE_MAX);

    put_message(&b, "event", "initial-response", "{}");
    check(&b, 0, "|-|\n", "");
}

static void says_exceptions(void)
{
    static const char *const rows[][3] = {
        { "exception", "throttlingException", "rate_limit_error" },
        { "exception", "serviceUnavailableException", "overloaded_error" },
        { "exception", "modelTimeoutException", "timeout_error" },
        { "exception", "validationException", "invalid_request_error" },
        { "exception", "modelStreamErrorException", "api_error" },
        { "error", "InternalFailure", "api_error" },
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct buf b = BUF_INIT(MESSAGE_MAX);
        char said[300], raw[300];

        put_message(&b, rows[i][0], rows[i][1],
                    "{\"message\":\"a \\\"b\\\"\"}");
        snprintf(said, sizeof said,
                 "error|{\"type\":\"error\",\"error\":{\"type\":\"%s\","
                 "\"message\":\"a \\\"b\\\"\"}}|error\n",
                 rows[i][1]);
        snprintf(raw, sizeof raw,
                 "event: error\ndata: {\"type\":\"error\",\"error\":{"
                 "\"type\":\"%s\",\"message\":\"a \\\"b\\\"\"}}\n\n",
                 rows[i][2]);
        check(&b, 0, said, raw);
    }
}

static void takes_exceptions_without_words(void)
{
    static const char *const bodies[] = { "", "no JSON", "[1]", "{}",
                                          "{\"message\":7}" };

    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        struct buf b = BUF_INIT(MESSAGE_MAX);

        put_message(&b, "exception", "x", bodies[i]);
        check(&b, 0,
              "error|{\"type\":\"error\",\"error\":{\"type\":\"x\","
              "\"message\":\"\"}}|error\n",
              "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":"
              "\"api_error\",\"message\":\"\"}}\n\n");
    }
}

static void refuses_what_is_none(void)
{
    static const char *const bodies[] = {
        "",
        "[]",
        "{\"p\":\"a\"}",
        "{\"bytes\":7}",
        "{\"bytes\":\"****\"}",
        "{\"bytes\":\"\"}",
        "{\"bytes\":\"WzFd\"}",     /* [1] */
        "{\"bytes\":\"eyJhIjox\"}", /* {"a":1 */
    };

    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        struct buf b = BUF_INIT(MESSAGE_MAX);

        put_message(&b, "event", "chunk", bodies[i]);
        check(&b, -ERR_SYNTAX, "", "");
    }
}

static void check_recording(const char *path, const char *name,
                            struct str bytes, void *ud)
{
    json_t *doc = json_loadb(bytes.p, bytes.n, JSON_ALLOW_NUL, NULL);
    struct buf body = BUF_INIT(64u << 20);
    struct frames r;

    (void)path;
    (void)name;
    if (strstr(recording_header(doc, "content-type"), "amazon.eventstream")) {
        recording_body(doc, &body);
        run(&r, buf_str(&body));
        UNIT_INT(r.rc, 0);
        CU_ASSERT(r.n > 0);
        CU_ASSERT(str_find(buf_str(&r.said), STR("|error")) < 0);
        frames_clear(&r);
        ++*(int *)ud;
    }
    buf_clear(&body);
    json_decref(doc);
}

static void unwraps_recordings(void)
{
    char path[512];
    int n = 0;

    shared_path(path, sizeof path,
                "wire/bedrock/bedrock.invoke-with-response-stream");
    if (shared_each(path, ".json", check_recording, &n) == 0)
        UNIT_SKIP("no recordings");
    CU_ASSERT(n >= 5);
}

UNIT_MAIN("eventchunk", { "unwraps", unwraps },
          { "stays one event", stays_one_event },
          { "takes escaped slashes", takes_escaped_slashes },
          { "passes over others", passes_over_others },
          { "says exceptions", says_exceptions },
          { "takes exceptions without words", takes_exceptions_without_words },
          { "refuses what is none", refuses_what_is_none },
          { "unwraps recordings", unwraps_recordings })

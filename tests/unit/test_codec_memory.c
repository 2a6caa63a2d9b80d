/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Each allocation fails once, each cap is met at every size: what comes of it
 * is an error that says so, never a crash, a leak, or half an answer taken
 * for a whole one. The linker puts our malloc before the library's.
 */
#include "codec_run.h"

void *__real_malloc(size_t n);
void *__real_realloc(void *p, size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_realloc(void *p, size_t n);

static long fail_at; /* 0: none; else this one, counted from now */
static bool failed;

static bool fails(void)
{
    if (!fail_at || --fail_at)
        return false;
    failed = true;
    return true;
}

void *__wrap_malloc(size_t n)
{
    return fails() ? NULL : __real_malloc(n);
}

void *__wrap_realloc(void *p, size_t n)
{
    return fails() ? NULL : __real_realloc(p, n);
}

static const char chat_request[] =
    "{\"messages\":[{\"role\":\"system\",\"content\":\"b\\u00e9\"},"
    "{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"\\n hi\"},"
    "{\"type\":\"file\",\"file\":{\"filename\":\"a.txt\",\"file_data\":"
    "\"aGk=\"}}]},{\"role\":\"assistant\",\"thinking_blocks\":[{\"type\":"
    "\"thinking\",\"thinking\":\"x\",\"signature\":\"s\"}],\"tool_calls\":"
    "[{\"id\":\"a.b\\u00e9\",\"type\":\"function\",\"function\":{\"name\":"
    "\"f g\",\"arguments\":\"{\\\"a\\\":1}\"}}]},{\"role\":\"tool\","
    "\"tool_call_id\":\"a.b\\u00e9\",\"content\":\"r\"}],\"tools\":[{\"type\":"
    "\"function\",\"function\":{\"name\":\"f g\",\"strict\":true,"
    "\"parameters\":{\"type\":\"object\",\"minProperties\":1}}},{\"type\":"
    "\"custom\",\"custom\":{\"name\":\"c\"}}],\"stop\":[\"\\u0041\"],"
    "\"user\":\"\\u0041\",\"new\\u0041\":1}";

static const char anthropic_request[] =
    "{\"max_tokens\":9,\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":"
    "\"text\",\"text\":\"h\\u00e9\",\"x\":1}]},{\"role\":\"assistant\","
    "\"content\":[{\"type\":\"redacted_thinking\",\"data\":"
    "\"penstock.openai-chat.{\\\"a\\\":1}\"},{\"type\":\"tool_use\",\"id\":"
    "\"psx_-2e\",\"name\":\"f g\",\"input\":{}}]},{\"role\":\"user\","
    "\"content\":[{\"type\":\"tool_result\",\"tool_use_id\":\"psx_-2e\","
    "\"content\":\"r\"}]}],\"tools\":[{\"name\":\"f g\",\"input_schema\":{}}],"
    "\"metadata\":{\"user_id\":\"\\u0041\"},\"stop_sequences\":[\"\\u0041\"]}";

/* NOMEM where an allocation failed, else the whole way; 0 = went through. */
static int request_once(enum dialect d, const char *body, long at)
{
    struct codec_target chat = way_target(DIALECT_OPENAI_CHAT);
    struct codec_target anthropic = codec_target_of(DIALECT_ANTHROPIC,
                                                    STR("claude-opus-5"));
    struct way w;
    int rc;

    fail_at = at;
    failed = false;
    rc = way_in(&w, d, str_of(body));
    if (!rc)
        rc = way_out(&w, DIALECT_OPENAI_CHAT, &chat);
    if (!rc)
        rc = way_out(&w, DIALECT_ANTHROPIC, &anthropic);
    fail_at = 0;
    if (rc != (failed ? -ERR_NOMEM : 0))
        printf("\n%d at %ld: %d %s", d, at, rc, w.err.msg);
    CU_ASSERT(rc == (failed ? -ERR_NOMEM : 0));
    CU_ASSERT(rc == -w.err.code);
    failed = false;
    way_clear(&w);
    return rc;
}

static const char chat_stream[] =
    "data: {\"id\":\"c\\u0041\",\"model\":\"m\",\"choices\":[{\"index\":0,"
    "\"delta\":{\"reasoning_content\":\"x\\ud83d\"}},{\"index\":1,\"delta\":"
    "{\"content\":\"b\"}}]}\n\n"
    "data: {\"choices\":[{\"index\":0,\"delta\":{\"reasoning_content\":"
    "\"\\ude00\",\"thinking_blocks\":[{\"type\":\"thinking\",\"thinking\":"
    "\"x\",\"signature\":\"s\"},{\"type\":\"redacted_thinking\",\"data\":"
    "\"d\"}],\"content\":\"a\",\"tool_calls\":[{\"index\":0,\"id\":\"1.\","
    "\"function\":{\"name\":\"f\",\"arguments\":\"{\"}},{\"index\":1,"
    "\"function\":{\"name\":\"c\",\"arguments\":\"{\\\"input\\\":\\\"q\\\"}\"}"
    "}]}}]}\n\n"
    "data: {\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,"
    "\"function\":{\"arguments\":\"}\"}}]},\"logprobs\":{\"content\":[1]},"
    "\"finish_reason\":\"stop\"},{\"index\":1,\"delta\":{},"
    "\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";

static const char anthropic_stream[] =
    "data: {\"type\":\"message_start\",\"message\":{\"id\":\"m\\u0041\"}}\n\n"
    "data: {\"type\":\"content_block_start\",\"content_block\":{\"type\":"
    "\"thinking\",\"thinking\":\"x\\ud83d\"}}\n\n"
    "data: {\"type\":\"content_block_delta\",\"delta\":{\"type\":"
    "\"thinking_delta\",\"thinking\":\"\\ude00\"}}\n\n"
    "data: {\"type\":\"content_block_delta\",\"delta\":{\"type\":"
    "\"signature_delta\",\"signature\":\"s\"}}\n\n"
    "data: {\"type\":\"content_block_start\",\"content_block\":{\"type\":"
    "\"server_tool_use\",\"id\":\"s\",\"input\":{}}}\n\n"
    "data: {\"type\":\"content_block_delta\",\"delta\":{\"type\":"
    "\"input_json_delta\",\"partial_json\":\"{\\\"q\\\":1}\"}}\n\n"
    "data: {\"type\":\"content_block_start\",\"content_block\":{\"type\":"
    "\"tool_use\",\"id\":\"t.\",\"name\":\"c\",\"input\":{\"a\":1}}}\n\n"
    "data: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":"
    "\"stop_sequence\",\"stop_sequence\":\"q\"}}\n\n"
    "data: {\"type\":\"message_stop\"}\n\n";

struct ends {
    struct codec_pipe pipe;
    int n;
};

static int on_piped(void *ud, const struct neutral_event *ev)
{
    struct ends *e = ud;
    int rc = codec_pipe(&e->pipe, ev);

    if (!rc && ev->type == NEUTRAL_END)
        e->n++;
    return rc;
}

static struct codec_name custom = { NULL, NAME_CUSTOM, { "c", 1 },
                                    { "c", 1 } };
static struct codec_names changed = { &custom };

/* A stream into a dialect, streamed or whole; 0 or what went wrong. */
static int answer_once(enum dialect d, const char *text, enum dialect to,
                       bool stream, size_t max)
{
    struct codec_in_opts in = { .unique = STR("u"), .names = &changed,
                                .max_held = max };
    struct codec_out_opts out = { .unique = STR("u"), .stream = stream,
                                  .max_held = max };
    struct arena *a = arena_new(16 << 20);
    struct buf to_buf = BUF_INIT(max ? max * 8 : 1 << 20);
    struct ends e = { .pipe.to = &to_buf };
    struct stream_run s = { .sink = on_piped, .ud = &e };
    struct sse sse;
    int rc = a ? 0 : -ERR_NOMEM;

    sse_init(&sse, 1 << 20);
    s.in = a ? codec_in_new(codec_for(d), a, &in) : NULL;
    e.pipe.out = s.in ? codec_out_new(codec_for(to), a, &out) : NULL;
    if (!e.pipe.out)
        rc = -ERR_NOMEM;
    if (!rc)
        rc = sse_feed(&sse, str_of(text), stream_event, &s, NULL);
    if (!rc)
        rc = sse_eof(&sse, stream_event, &s, NULL);
    CU_ASSERT((rc == 0) == (e.n == 1));
    sse_clear(&sse);
    buf_clear(&to_buf);
    arena_free(a);
    return rc;
}

static int answer_failing(enum dialect d, const char *text, int how, long at)
{
    int rc;

    fail_at = at;
    failed = false;
    rc = answer_once(d, text, how & 1 ? DIALECT_ANTHROPIC
                                      : DIALECT_OPENAI_CHAT, how & 2, 0);
    fail_at = 0;
    if (rc != (failed ? -ERR_NOMEM : 0))
        printf("\n%d into %d at %ld: %d", d, how, at, rc);
    CU_ASSERT(rc == (failed ? -ERR_NOMEM : 0));
    failed = false;
    return rc;
}

static void requests_without_memory(void)
{
    long at = 1;

    while (request_once(DIALECT_OPENAI_CHAT, chat_request, at))
        at++;
    CU_ASSERT(at > 5);
    at = 1;
    while (request_once(DIALECT_ANTHROPIC, anthropic_request, at))
        at++;
    CU_ASSERT(at > 5);
}

static void answers_without_memory(void)
{
    for (int how = 0; how < 4; how++) {
        long at = 1;

        while (answer_failing(DIALECT_OPENAI_CHAT, chat_stream, how, at))
            at++;
        CU_ASSERT(at > 5);
        at = 1;
        while (answer_failing(DIALECT_ANTHROPIC, anthropic_stream, how, at))
            at++;
        CU_ASSERT(at > 5);
    }
}

/* An arena of every size up to the one that suffices. */
static void requests_in_small_arenas(void)
{
    struct codec_target t = codec_target_of(DIALECT_ANTHROPIC,
                                            STR("claude-opus-5"));
    int rc = -1;

    for (size_t max = 2048; rc && max < 1 << 20; max += 64) {
        struct way w = { .out = BUF_INIT(1 << 20) };

        w.a = arena_new(max);
        rc = json_scan(&w.j, str_of(chat_request), NULL, NULL);
        if (!rc)
            rc = codec_for(DIALECT_OPENAI_CHAT)->decode_request(&w.j, w.a,
                                                               &w.r, &w.err);
        if (!rc)
            rc = way_out(&w, DIALECT_ANTHROPIC, &t);
        CU_ASSERT(rc == 0 || rc == -ERR_NOMEM);
        way_clear(&w);
    }
    CU_ASSERT(rc == 0);
}

static void answers_within_caps(void)
{
    for (int how = 0; how < 4; how++) {
        enum dialect to = how & 1 ? DIALECT_ANTHROPIC : DIALECT_OPENAI_CHAT;
        int rc = -1;

        for (size_t max = 1; rc && max < 4096; max++) {
            rc = answer_once(DIALECT_OPENAI_CHAT, chat_stream, to, how & 2,
                             max);
            CU_ASSERT(rc == 0 || rc == -ERR_LIMIT);
        }
        CU_ASSERT(rc == 0);
        rc = -1;
        for (size_t max = 1; rc && max < 4096; max++) {
            rc = answer_once(DIALECT_ANTHROPIC, anthropic_stream, to, how & 2,
                             max);
            CU_ASSERT(rc == 0 || rc == -ERR_LIMIT);
        }
        CU_ASSERT(rc == 0);
    }
}

/* Each count has its end. */
static void refuses_too_many(void)
{
    static const struct {
        const char *head, *each, *tail;
        int n;
    } cases[] = {
        { "{\"messages\":[{}", ",{}", "]}", 100001 },
        { "{\"messages\":[],\"tools\":[{\"type\":\"x\"}", ",{\"type\":\"x\"}",
          "]}", 2048 },
        { "{\"messages\":[],\"stop\":[\"\"", ",\"\"", "]}", 2048 },
        { "{\"messages\":[]", ",\"m%d\":1", "}", 257 },
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buf b = BUF_INIT(16 << 20);
        struct way w;

        buf_puts(&b, cases[i].head);
        for (int n = 0; n < cases[i].n; n++) {
            if (strchr(cases[i].each, '%'))
                buf_printf(&b, ",\"m%d\":1", n);
            else
                buf_puts(&b, cases[i].each);
        }
        buf_puts(&b, cases[i].tail);
        UNIT_INT(way_in(&w, DIALECT_OPENAI_CHAT, buf_str(&b)),
                 -ERR_INVALID_REQUEST);
        way_clear(&w);
        buf_clear(&b);
    }
}

UNIT_MAIN("codec_memory", { "requests without memory",
                            requests_without_memory },
          { "answers without memory", answers_without_memory },
          { "requests in small arenas", requests_in_small_arenas },
          { "answers within caps", answers_within_caps },
          { "refuses too many", refuses_too_many })

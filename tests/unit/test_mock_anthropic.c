/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* The mock's models, streamed and not, in Anthropic's shapes. */
#include "mock_client.h"

#include "wire/anthropic.h"
#include "wire/sse.h"

#define ASK(model, more)                                                       \
    "{\"model\":\"" model "\",\"max_tokens\":100" more ",\"messages\":[{"      \
    "\"role\":\"user\",\"content\":\"one two\"}]}"
#define WEATHER                                                                \
    ",\"tools\":[{\"name\":\"weather\",\"input_schema\":{\"type\":"            \
    "\"object\",\"required\":[\"city\"],\"properties\":{\"city\":{\"type\":"   \
    "\"string\"}}}}]"
#define THINK ",\"thinking\":{\"type\":\"adaptive\"}"
#define STREAM ",\"stream\":true"

static int messages(struct rig *r, const char *body)
{
    return ask(r, "POST", "/v1/messages", body);
}

static void whole_answers(void)
{
    struct rig r;

    rig_init(&r);
    UNIT_INT(messages(&r, ASK("echo", "")), 200);
    if (scan(&r)) {
        UNIT_STR(raw_at(&r, "/type"), "\"message\"");
        UNIT_STR(raw_at(&r, "/content"),
                 "[{\"type\":\"text\",\"text\":\"one two\"}]");
        UNIT_STR(raw_at(&r, "/stop_reason"), "\"end_turn\"");
        UNIT_STR(raw_at(&r, "/usage/output_tokens"), "2");
        UNIT_STR(raw_at(&r, "/usage/input_tokens"), "9");
    }
    messages(&r, "{\"model\":\"echo\",\"max_tokens\":1,\"messages\":[{\"role\":"
                 "\"user\",\"content\":[{\"type\":\"text\",\"text\":\"a b\"}]}"
                 "]}");
    if (scan(&r))
        UNIT_STR(raw_at(&r, "/stop_reason"), "\"max_tokens\"");
    messages(&r, ASK("think", ""));
    if (scan(&r)) {
        UNIT_STR(raw_at(&r, "/content/0/type"), "\"thinking\"");
        UNIT_STR(raw_at(&r, "/content/1/text"), "\"one two\"");
    }
    messages(&r, ASK("json", ",\"output_config\":{\"format\":{\"type\":"
                             "\"json_schema\",\"schema\":{\"const\":7}}}"));
    if (scan(&r))
        UNIT_STR(raw_at(&r, "/content/0/text"), "\"7\"");
    messages(&r, ASK("json", ",\"tool_choice\":{\"type\":\"any\"},\"tools\":["
                             "{\"name\":\"f\",\"input_schema\":{\"type\":"
                             "\"object\",\"required\":[\"n\"],\"properties\":"
                             "{\"n\":{\"type\":\"integer\"}}}}]"));
    if (scan(&r)) {
        UNIT_STR(raw_at(&r, "/content/0/input"), "{\"n\":1}");
        UNIT_STR(raw_at(&r, "/stop_reason"), "\"tool_use\"");
    }
    UNIT_INT(ask(&r, "POST", "/v1/messages/count_tokens",
                 "{\"model\":\"echo\",\"system\":\"be kind\",\"messages\":[{"
                 "\"role\":\"user\",\"content\":\"one two\"}]}"), 200);
    CU_ASSERT(str_is(buf_str(&r.p.body), "{\"input_tokens\":11}"));
    rig_clear(&r);
}

/* What a stream comes to when it is put together as the SDKs do. */
struct joined {
    struct buf events; /* names, a space behind each */
    struct buf text, thoughts, args, signature;
    int open, blocks;  /* index of the open one, or -1; how many there were */
    char name[64], why[32];
};

static void append(struct buf *b, const struct json *j, const char *pointer,
                   struct arena *a)
{
    struct str s = json_text(j, json_at(j, str_of(pointer)), a);

    if (s.p)
        buf_put(b, s);
}

static int number(const struct json *j, const char *pointer)
{
    int64_t v = -1;

    json_int(j, json_at(j, str_of(pointer)), &v);
    return (int)v;
}

static void follow(struct joined *w, struct str event, const struct json *j)
{
    int index = number(j, "/index");

    if (str_is(event, "content_block_start")) {
        CU_ASSERT(w->open == -1 && index == w->blocks);
        w->open = index;
        w->blocks++;
    } else if (str_is(event, "content_block_delta")) {
        CU_ASSERT(w->open == index);
    } else if (str_is(event, "content_block_stop")) {
        CU_ASSERT(w->open == index);
        w->open = -1;
    }
}

static int on_event(void *ud, const struct sse_event *ev)
{
    struct joined *w = ud;
    struct arena *a = arena_new(1 << 16);
    struct json j = { 0 };
    struct str s;

    CU_ASSERT_FATAL(json_scan(&j, ev->data, NULL, NULL) == 0);
    s = json_text(&j, json_at(&j, STR("/type")), a);
    CU_ASSERT(str_eq(s, ev->event));
    buf_put(&w->events, ev->event);
    buf_putc(&w->events, ' ');
    follow(w, ev->event, &j);
    append(&w->text, &j, "/delta/text", a);
    append(&w->thoughts, &j, "/delta/thinking", a);
    append(&w->args, &j, "/delta/partial_json", a);
    append(&w->signature, &j, "/delta/signature", a);
    s = json_text(&j, json_at(&j, STR("/content_block/name")), a);
    if (s.p)
        snprintf(w->name, sizeof w->name, STR_FMT, STR_ARG(s));
    s = json_text(&j, json_at(&j, STR("/delta/stop_reason")), a);
    if (s.p)
        snprintf(w->why, sizeof w->why, STR_FMT, STR_ARG(s));
    json_clear(&j);
    arena_free(a);
    return 0;
}

static void join(struct rig *r, struct joined *w)
{
    struct sse s;

    *w = (struct joined){ .open = -1 };
    buf_init(&w->events, 1 << 16);
    buf_init(&w->text, 1 << 16);
    buf_init(&w->thoughts, 1 << 16);
    buf_init(&w->args, 1 << 16);
    buf_init(&w->signature, 1 << 16);
    sse_init(&s, 1 << 16);
    UNIT_INT(sse_feed(&s, buf_str(&r->p.body), on_event, w, NULL), 0);
    UNIT_INT(sse_eof(&s, on_event, w, NULL), 0);
    UNIT_INT(w->open, -1);
}

static void joined_clear(struct joined *w)
{
    buf_clear(&w->events);
    buf_clear(&w->text);
    buf_clear(&w->thoughts);
    buf_clear(&w->args);
    buf_clear(&w->signature);
}

static void streams(void)
{
    struct joined w;
    struct rig r;

    rig_init(&r);
    UNIT_INT(messages(&r, ASK("echo", STREAM)), 200);
    UNIT_STR(r.p.type, "text/event-stream; charset=utf-8");
    join(&r, &w);
    CU_ASSERT(str_is(buf_str(&w.events),
                     "message_start ping content_block_start "
                     "content_block_delta content_block_delta "
                     "content_block_stop message_delta message_stop "));
    CU_ASSERT(str_is(buf_str(&w.text), "one two"));
    UNIT_STR(w.why, "end_turn");
    joined_clear(&w);
    messages(&r, ASK("think", STREAM));
    join(&r, &w);
    UNIT_INT(w.blocks, 2);
    CU_ASSERT(str_is(buf_str(&w.text), "one two"));
    CU_ASSERT(str_is(buf_str(&w.thoughts),
                     "They wrote: one two I say it back."));
    CU_ASSERT(str_starts(buf_str(&w.signature), STR("sim+")));
    joined_clear(&w);
    messages(&r, ASK("tools", STREAM WEATHER THINK));
    join(&r, &w);
    UNIT_INT(w.blocks, 2);
    UNIT_STR(w.name, "weather");
    UNIT_STR(w.why, "tool_use");
    CU_ASSERT(str_is(buf_str(&w.args), "{\"city\":\"text\"}"));
    joined_clear(&w);
    rig_clear(&r);
}

/* The second turn of a tool loop, with what the first one said of its
 * thoughts in place of the first %s. */
static int second_turn(struct rig *r, const char *thought)
{
    char body[2048];

    snprintf(body, sizeof body,
             "{\"model\":\"tools\",\"max_tokens\":100" WEATHER THINK
             ",\"messages\":[{\"role\":\"user\",\"content\":\"one two\"},"
             "{\"role\":\"assistant\",\"content\":[%s{\"type\":\"tool_use\","
             "\"id\":\"t\",\"name\":\"weather\",\"input\":{}}]},"
             "{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\","
             "\"tool_use_id\":\"t\",\"content\":[{\"type\":\"text\","
             "\"text\":\"rain\"}]}]}]}",
             thought);
    return messages(r, body);
}

static void keeps_thoughts_in_tool_loops(void)
{
    struct rig r;
    char thought[512];

    rig_init(&r);
    UNIT_INT(messages(&r, ASK("tools", WEATHER THINK)), 200);
    if (scan(&r)) {
        UNIT_STR(raw_at(&r, "/content/1/input"), "{\"city\":\"text\"}");
        UNIT_STR(raw_at(&r, "/stop_reason"), "\"tool_use\"");
    }
    snprintf(thought, sizeof thought, "%.500s,", raw_at(&r, "/content/0"));
    UNIT_INT(second_turn(&r, thought), 200);
    if (scan(&r))
        UNIT_STR(raw_at(&r, "/content/0/text"), "\"The tool said: rain\"");
    UNIT_INT(second_turn(&r, ""), 400); /* the thought is missing */
    thought[strlen("{\"type\":\"thinking\",\"thinking\":\"I")] = 'N';
    UNIT_INT(second_turn(&r, thought), 400); /* or was changed */
    if (scan(&r)) {
        UNIT_STR(raw_at(&r, "/type"), "\"error\"");
        UNIT_STR(raw_at(&r, "/error/message"),
                 "\"messages.1.content.0: Invalid `signature` in "
                 "`thinking` block\"");
    }
    rig_clear(&r);
}

/* The words by which a model that is gone is told from a wrong path. */
static void says_which_model(void)
{
    struct rig r;

    rig_init(&r);
    UNIT_INT(messages(&r, ASK("claude", "")), 404);
    if (scan(&r))
        UNIT_STR(raw_at(&r, "/error/message"), "\"model: claude\"");
    rig_clear(&r);
}

static void refusals(void)
{
    static const struct {
        const char *body, *type;
        int status;
    } t[] = {
        { ASK("claude", ""), "\"not_found_error\"", 404 },
        { ASK("embed", ""), "\"invalid_request_error\"", 400 },
        { "{\"model\":\"echo\",\"messages\":[]}", "\"invalid_request_error\"",
          400 },
        { "{\"model\":\"echo\",\"max_tokens\":1,\"messages\":[]}",
          "\"invalid_request_error\"", 400 },
        { "{\"model\":\"echo\",\"max_tokens\":1,\"messages\":[{\"role\":"
          "\"tool\",\"content\":\"x\"}]}", "\"invalid_request_error\"", 400 },
        { "{", "\"invalid_request_error\"", 400 },
    };
    struct rig r;

    rig_init(&r);
    for (size_t i = 0; i < sizeof t / sizeof t[0]; i++) {
        UNIT_INT(messages(&r, t[i].body), t[i].status);
        if (scan(&r))
            UNIT_STR(raw_at(&r, "/error/type"), t[i].type);
    }
    rig_clear(&r);
}

static void faults(void)
{
    struct rig r;
    struct joined w;

    rig_init(&r);
    set_faults(&r, "[{\"match\":{\"stream\":true},\"fault\":"
                   "{\"error_event_at\":\"last\"}},"
                   "{\"match\":{\"path\":\"*/messages\"},\"fault\":"
                   "{\"status\":529}}]");
    UNIT_INT(messages(&r, ASK("echo", STREAM)), 200);
    join(&r, &w);
    CU_ASSERT(str_find(buf_str(&w.events), STR("message_delta error ")) > 0);
    joined_clear(&w);
    UNIT_INT(messages(&r, ASK("echo", "")), 529);
    if (scan(&r))
        UNIT_STR(raw_at(&r, "/error/type"), "\"overloaded_error\"");
    UNIT_INT(ask(&r, "GET", "/__mock/stats", NULL), 200);
    if (scan(&r)) {
        UNIT_STR(raw_at(&r, "/by_endpoint/messages"), "2");
        UNIT_STR(raw_at(&r, "/by_endpoint/count_tokens"), "0");
    }
    rig_clear(&r);
}

UNIT_MAIN("mock_anthropic", { "whole answers", whole_answers },
          { "streams", streams },
          { "keeps thoughts in tool loops", keeps_thoughts_in_tool_loops },
          { "refusals", refusals },
          { "says which model", says_which_model }, { "faults", faults })

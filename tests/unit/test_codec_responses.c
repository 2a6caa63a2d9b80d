/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * The Responses codec: requests into the other dialects and from them, answers
 * both ways, streams however they are cut, numbers of events; then every
 * recorded exchange.
 */
#include "codec_run.h"
#include "shared.h"

#include "wire/dialect.h"

#include <jansson.h>

#define R DIALECT_RESPONSES
#define O DIALECT_OPENAI_CHAT
#define A DIALECT_ANTHROPIC

static bool request_is(enum dialect from, const char *body, enum dialect to,
                       const char *model, const char *want)
{
    struct codec_target t = codec_target_of(to, str_of(model));
    struct way w;
    bool ok = way_in(&w, from, str_of(body)) == 0 &&
              way_out(&w, to, &t) == 0 &&
              str_eq(buf_str(&w.out), str_of(want));

    if (!ok)
        printf("\n%s got  " STR_FMT "\nwant %s\n", w.err.msg,
               STR_ARG(buf_str(&w.out)), want);
    way_clear(&w);
    return ok;
}

static void requests_to_chat(void)
{
    CU_ASSERT(request_is(
        R, "{\"model\":\"m\",\"input\":\"hi\",\"instructions\":\"be short\","
           "\"max_output_tokens\":50,\"store\":false,\"stream\":true,"
           "\"text\":{\"format\":{\"type\":\"json_schema\",\"name\":\"o\","
           "\"schema\":{\"type\":\"object\"},\"strict\":true}}}",
        O, "gpt-4o",
        "{\"model\":\"gpt-4o\",\"messages\":[{\"role\":\"system\","
        "\"content\":\"be short\"},{\"role\":\"user\",\"content\":\"hi\"}],"
        "\"max_completion_tokens\":50,\"response_format\":{\"type\":"
        "\"json_schema\",\"json_schema\":{\"name\":\"o\",\"schema\":{\"type\":"
        "\"object\"},\"strict\":true}},\"stream\":true,\"stream_options\":"
        "{\"include_usage\":true}}"));
    CU_ASSERT(request_is(
        R, "{\"model\":\"m\",\"input\":[{\"role\":\"user\",\"content\":[{"
           "\"type\":\"input_text\",\"text\":\"2+2?\"}]},{\"type\":"
           "\"reasoning\",\"id\":\"rs_1\",\"summary\":[]},{\"type\":"
           "\"function_call\",\"id\":\"fc_1\",\"call_id\":\"call_1\",\"name\":"
           "\"add\",\"arguments\":\"{}\"},{\"type\":\"function_call_output\","
           "\"call_id\":\"call_1\",\"output\":\"4\"}],\"tools\":[{\"type\":"
           "\"function\",\"name\":\"add\",\"parameters\":{\"type\":\"object\""
           "},\"strict\":false}],\"tool_choice\":{\"type\":\"function\","
           "\"name\":\"add\"}}",
        O, "gpt-4o",
        "{\"model\":\"gpt-4o\",\"messages\":[{\"role\":\"user\",\"content\":"
        "\"2+2?\"},{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{"
        "\"id\":\"call_1\",\"type\":\"function\",\"function\":{\"name\":"
        "\"add\",\"arguments\":\"{}\"}}]},{\"role\":\"tool\",\"tool_call_id\":"
        "\"call_1\",\"content\":\"4\"}],\"tools\":[{\"type\":\"function\","
        "\"function\":{\"name\":\"add\",\"parameters\":{\"type\":\"object\"},"
        "\"strict\":false}}],\"tool_choice\":{\"type\":\"function\","
        "\"function\":{\"name\":\"add\"}}}"));
}

static void requests_from_others(void)
{
    CU_ASSERT(request_is(
        O, "{\"model\":\"m\",\"messages\":[{\"role\":\"system\",\"content\":"
           "\"s\"},{\"role\":\"user\",\"content\":\"u\"},{\"role\":"
           "\"assistant\",\"content\":\"a\",\"tool_calls\":[{\"id\":\"c1\","
           "\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":"
           "\"{}\"}}],\"reasoning_details\":[{\"type\":"
           "\"reasoning.encrypted\",\"id\":\"rs_1\",\"data\":\"XX\","
           "\"format\":\"openai-responses-v1\"}]},{\"role\":\"tool\","
           "\"tool_call_id\":\"c1\",\"content\":\"r\"}],\"tools\":[{\"type\":"
           "\"function\",\"function\":{\"name\":\"f\"}}],"
           "\"reasoning_effort\":\"low\",\"max_tokens\":9}",
        R, "gpt-5.1",
        "{\"model\":\"gpt-5.1\",\"input\":[{\"type\":\"message\",\"role\":"
        "\"developer\",\"content\":[{\"type\":\"input_text\",\"text\":\"s\"}]"
        "},{\"type\":\"message\",\"role\":\"user\",\"content\":[{\"type\":"
        "\"input_text\",\"text\":\"u\"}]},{\"type\":\"reasoning\",\"id\":"
        "\"rs_1\",\"summary\":[],\"encrypted_content\":\"XX\"},{\"type\":"
        "\"message\",\"role\":\"assistant\",\"content\":[{\"type\":"
        "\"output_text\",\"text\":\"a\"}]},{\"type\":\"function_call\","
        "\"call_id\":\"c1\",\"name\":\"f\",\"arguments\":\"{}\"},{\"type\":"
        "\"function_call_output\",\"call_id\":\"c1\",\"output\":\"r\"}],"
        "\"max_output_tokens\":16,\"tools\":[{\"type\":\"function\",\"name\":"
        "\"f\",\"parameters\":{\"type\":\"object\",\"properties\":{}},"
        "\"strict\":false}],\"reasoning\":{\"effort\":\"low\"},\"include\":["
        "\"reasoning.encrypted_content\"],\"store\":false}"));
}

/* What both of OpenAI's dialects have goes along, towards OpenAI. */
static void cache_keys(void)
{
    CU_ASSERT(request_is(
        O, "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":"
           "\"x\"}],\"prompt_cache_key\":\"k\",\"prompt_cache_retention\":"
           "\"24h\",\"verbosity\":\"low\"}",
        R, "gpt-4o",
        "{\"model\":\"gpt-4o\",\"input\":[{\"type\":\"message\",\"role\":"
        "\"user\",\"content\":[{\"type\":\"input_text\",\"text\":\"x\"}]}],"
        "\"store\":false,\"prompt_cache_key\":\"k\","
        "\"prompt_cache_retention\":\"24h\"}"));
    CU_ASSERT(request_is(
        R, "{\"model\":\"m\",\"input\":\"x\",\"prompt_cache_key\":\"k\"}",
        O, "gpt-4o",
        "{\"model\":\"gpt-4o\",\"messages\":[{\"role\":\"user\","
        "\"content\":\"x\"}]}"));
}

/* What a client found for a tool search is nothing that chat has; an empty
 * turn in its place would be refused. */
static void no_empty_turns(void)
{
    CU_ASSERT(request_is(
        R, "{\"model\":\"m\",\"input\":[{\"role\":\"user\",\"content\":\"x\"},"
           "{\"type\":\"tool_search_call\",\"call_id\":\"c\",\"arguments\":{}},"
           "{\"type\":\"tool_search_output\",\"call_id\":\"c\",\"tools\":[]}]}",
        O, "gpt-4o",
        "{\"model\":\"gpt-4o\",\"messages\":[{\"role\":\"user\","
        "\"content\":\"x\"}]}"));
}

static void no_empty_texts(void)
{
    CU_ASSERT(request_is(
        O, "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":"
           "\"x\"},{\"role\":\"assistant\",\"content\":\"\",\"tool_calls\":[{"
           "\"id\":\"c\",\"type\":\"function\",\"function\":{\"name\":\"f\","
           "\"arguments\":\"{}\"}}]}]}",
        R, "gpt-4o",
        "{\"model\":\"gpt-4o\",\"input\":[{\"type\":\"message\",\"role\":"
        "\"user\",\"content\":[{\"type\":\"input_text\",\"text\":\"x\"}]},{"
        "\"type\":\"function_call\",\"call_id\":\"c\",\"name\":\"f\","
        "\"arguments\":\"{}\"}],\"store\":false}"));
}

/* What asks for something that a provider keeps is refused elsewhere. */
static void kept_is_refused(void)
{
    static const char *const bodies[] = {
        "{\"model\":\"m\",\"input\":\"x\",\"previous_response_id\":\"r\"}",
        "{\"model\":\"m\",\"input\":\"x\",\"conversation\":{\"id\":\"c\"}}",
        "{\"model\":\"m\",\"input\":\"x\",\"background\":true}",
        "{\"model\":\"m\",\"input\":[{\"type\":\"item_reference\",\"id\":"
        "\"msg_1\"},{\"role\":\"user\",\"content\":\"x\"}]}",
    };
    static const enum dialect to[] = { O, A };

    for (size_t i = 0; i < 8; i++) {
        struct codec_target t = codec_target_of(to[i & 1], STR("m"));
        struct way w;

        CU_ASSERT_EQUAL(way_in(&w, R, str_of(bodies[i / 2])), 0);
        CU_ASSERT_EQUAL(way_out(&w, to[i & 1], &t), 0);
        CU_ASSERT(codec_noted(&w.report, FATE_REFUSED, FEATURE_THREAD));
        way_clear(&w);
    }
}

/* ---- answers ------------------------------------------------------------ */

static const char stream[] =
    "event: response.created\n"
    "data: {\"type\":\"response.created\",\"response\":{\"id\":\"resp_1\","
    "\"model\":\"gpt\",\"created_at\":7,\"output\":[]},"
    "\"sequence_number\":0}\n\n"
    "data: {\"type\":\"response.output_item.added\",\"output_index\":0,"
    "\"item\":{\"type\":\"reasoning\",\"id\":\"rs_1\",\"summary\":[]}}\n\n"
    "data: {\"type\":\"response.reasoning_summary_text.delta\","
    "\"output_index\":0,\"summary_index\":0,\"delta\":\"hm\"}\n\n"
    "data: {\"type\":\"response.reasoning_summary_text.done\","
    "\"output_index\":0,\"summary_index\":0,\"text\":\"hm\"}\n\n"
    "data: {\"type\":\"response.output_item.done\",\"output_index\":0,"
    "\"item\":{\"type\":\"reasoning\",\"id\":\"rs_1\",\"summary\":[],"
    "\"encrypted_content\":\"EE\"}}\n\n"
    "data: {\"type\":\"response.output_text.delta\",\"output_index\":1,"
    "\"content_index\":0,\"delta\":\"he\"}\n\n"
    "data: {\"type\":\"response.output_text.delta\",\"output_index\":1,"
    "\"content_index\":0,\"delta\":\"y\"}\n\n"
    "data: {\"type\":\"response.output_text.done\",\"output_index\":1,"
    "\"content_index\":0,\"text\":\"hey\"}\n\n"
    "data: {\"type\":\"response.output_item.added\",\"output_index\":2,"
    "\"item\":{\"type\":\"function_call\",\"id\":\"fc_1\",\"call_id\":"
    "\"c1\",\"name\":\"f\",\"arguments\":\"\"}}\n\n"
    "data: {\"type\":\"response.function_call_arguments.delta\","
    "\"output_index\":2,\"delta\":\"{\\\"a\\\":1}\"}\n\n"
    "data: {\"type\":\"response.function_call_arguments.done\","
    "\"output_index\":2,\"arguments\":\"{\\\"a\\\":1}\"}\n\n"
    "data: {\"type\":\"response.completed\",\"response\":{\"id\":\"resp_1\","
    "\"status\":\"completed\",\"output\":[],\"usage\":{\"input_tokens\":9,"
    "\"input_tokens_details\":{\"cached_tokens\":4},\"output_tokens\":3,"
    "\"output_tokens_details\":{\"reasoning_tokens\":1}}}}\n\n";

static bool holds(const struct buf *b, const char *text)
{
    bool is = str_find(buf_str(b), str_of(text)) >= 0;

    if (!is)
        printf("\nno %s in " STR_FMT, text, STR_ARG(buf_str(b)));
    return is;
}

static void streams_are_read(void)
{
    struct buf whole = BUF_INIT(1 << 20);

    CU_ASSERT_EQUAL(run_record(R, str_of(stream), sizeof stream, 0, &whole),
                    0);
    CU_ASSERT(holds(&whole, "hey"));
    CU_ASSERT(str_find(buf_str(&whole), STR("faults")) < 0);
    for (size_t chunk = 1; chunk <= 7; chunk += 6) {
        struct buf cut = BUF_INIT(1 << 20);

        CU_ASSERT_EQUAL(run_record(R, str_of(stream), chunk, 0, &cut), 0);
        CU_ASSERT(dump_equal("cut", buf_str(&cut), buf_str(&whole)));
        buf_clear(&cut);
    }
    buf_clear(&whole);
}

static void streams_to_chat(void)
{
    struct buf to = BUF_INIT(1 << 20);

    CU_ASSERT_EQUAL(run_through(R, str_of(stream), 99, O, true, &to), 0);
    CU_ASSERT(holds(&to, "\"reasoning_content\":\"hm\""));
    CU_ASSERT(holds(&to, "\"format\":\"openai-responses-v1\",\"data\":"
                         "\"EE\""));
    CU_ASSERT(holds(&to, "\"content\":\"he\""));
    CU_ASSERT(holds(&to, "\"id\":\"c1\",\"type\":\"function\""));
    CU_ASSERT(holds(&to, "\"finish_reason\":\"tool_calls\""));
    CU_ASSERT(holds(&to, "\"prompt_tokens\":9"));
    CU_ASSERT(holds(&to, "[DONE]"));
    buf_clear(&to);
}

/* Numbers go up by one, and the last event has it all. */
static void numbers_are_dense(void)
{
    struct buf to = BUF_INIT(1 << 20);
    struct str rest;
    uint64_t n = 0;

    CU_ASSERT_EQUAL(run_through(R, str_of(stream), 99, R, true, &to), 0);
    rest = buf_str(&to);
    for (ptrdiff_t at; (at = str_find(rest, STR("\"sequence_number\":"))) >= 0;
         n++) {
        struct buf want = BUF_INIT(64);

        rest.p += at;
        rest.n -= (size_t)at;
        buf_printf(&want, "\"sequence_number\":%llu", (unsigned long long)n);
        CU_ASSERT(str_starts(rest, buf_str(&want)));
        rest.p += want.n;
        rest.n -= want.n;
        buf_clear(&want);
    }
    CU_ASSERT(n > 15);
    CU_ASSERT(holds(&to, "\"encrypted_content\":\"EE\""));
    CU_ASSERT(str_find(buf_str(&to), STR("[DONE]")) < 0);
    buf_clear(&to);
}

/* Signatures survive a client that only knows reasoning items. */
static void signatures_come_back(void)
{
    static const char said[] =
        "{\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\","
        "\"model\":\"c\",\"content\":[{\"type\":\"thinking\",\"thinking\":"
        "\"so\",\"signature\":\"SIG\"},{\"type\":\"redacted_thinking\","
        "\"data\":\"DATA\"},{\"type\":\"text\",\"text\":\"x\"}],"
        "\"stop_reason\":\"end_turn\",\"usage\":{\"input_tokens\":1,"
        "\"output_tokens\":1}}";
    struct buf to = BUF_INIT(1 << 20), body = BUF_INIT(1 << 20);
    struct codec_target t = codec_target_of(A, STR("claude-opus-4-6"));
    struct json j = { 0 };
    struct way w;

    CU_ASSERT_EQUAL(run_through(A, str_of(said), 0, R, false, &to), 0);
    CU_ASSERT_EQUAL(json_scan(&j, buf_str(&to), NULL, NULL), 0);
    buf_printf(&body, "{\"model\":\"m\",\"max_output_tokens\":9,\"input\":"
               STR_FMT "}",
               STR_ARG(json_raw(&j, json_member(&j, 0, STR("output")))));
    CU_ASSERT_EQUAL(way_in(&w, R, buf_str(&body)), 0);
    CU_ASSERT_EQUAL(way_out(&w, A, &t), 0);
    CU_ASSERT(holds(&w.out, "{\"type\":\"thinking\",\"thinking\":\"so\","
                            "\"signature\":\"SIG\"}"));
    CU_ASSERT(holds(&w.out, "{\"type\":\"redacted_thinking\",\"data\":"
                            "\"DATA\"}"));
    way_clear(&w);
    json_clear(&j);
    buf_clear(&to);
    buf_clear(&body);
}

/* No provider ever sees a seal. */
static void seals_are_left_out(void)
{
    static const char body[] =
        "{\"input\":[{\"type\":\"reasoning\",\"encrypted_content\":"
        "\"penstock.anthropic.S\"},{\"role\":\"user\",\"content\":\"x\"},"
        "{\"type\":\"reasoning\",\"encrypted_content\":\"penstock.redacted.D"
        "\"},{\"type\":\"reasoning\",\"encrypted_content\":\"own\"}]}";
    struct arena *a = arena_new(1 << 20);
    struct buf out = BUF_INIT(4096);
    struct json j = { 0 };
    struct json_edits *e;

    CU_ASSERT_EQUAL(json_scan(&j, str_of(body), NULL, NULL), 0);
    e = json_edits_new(&j, a);
    CU_ASSERT_EQUAL(dialect_ops(R)->unseal(&j, e, a, NULL), 0);
    CU_ASSERT_EQUAL(json_edits_apply(e, &out), 0);
    CU_ASSERT(str_find(buf_str(&out), STR("penstock")) < 0);
    CU_ASSERT(holds(&out, "\"own\""));
    CU_ASSERT(holds(&out, "\"user\""));
    json_clear(&j);
    buf_clear(&out);
    arena_free(a);
}

/* ---- recordings --------------------------------------------------------- */

struct tally {
    int requests, bodies, streams;
};

static bool is_ours(json_t *doc)
{
    const char *api = json_string_value(json_object_get(doc, "api"));
    size_t n = api ? strlen(api) : 0;

    return n > 10 && strcmp(api + n - 10, ".responses") == 0;
}

static void check_request(const char *path, json_t *doc, struct tally *n)
{
    json_t *body = json_object_get(json_object_get(doc, "request"), "body");
    json_t *status = json_object_get(json_object_get(doc, "response"),
                                     "status");
    static const enum dialect to[] = { R, O, A };
    char *text = json_dumps(body, JSON_COMPACT);
    struct way w = { .out = BUF_INIT(1) };

    if (!json_is_object(body)) {
        free(text);
        return;
    }
    n->requests++;
    if (way_in(&w, R, str_of(text))) {
        CU_ASSERT(json_integer_value(status) >= 400);
        printf("\n%s: %s", path, w.err.msg);
    }
    for (size_t i = 0; i < 3 && !w.err.code; i++) {
        struct codec_target t = way_target(to[i]);

        if (way_out(&w, to[i], &t) && !w.report.fate[FATE_REFUSED]) {
            printf("\n%s: %s", path, w.err.msg);
            CU_FAIL("not written");
        }
    }
    way_clear(&w);
    free(text);
}

static void check_answer(const char *path, json_t *doc, struct tally *n)
{
    json_t *response = json_object_get(doc, "response");
    json_t *body = json_object_get(response, "body");
    struct str text = { json_string_value(body), json_string_length(body) };
    bool is_stream = json_is_true(json_object_get(doc, "stream"));
    struct buf want = BUF_INIT(64 << 20), got = BUF_INIT(64 << 20);

    if (!text.p || json_integer_value(json_object_get(response, "status")) !=
                       200)
        return;
    n->streams += is_stream;
    n->bodies += !is_stream;
    CU_ASSERT_EQUAL(run_record(R, text, is_stream ? text.n : 0, 0, &want), 0);
    CU_ASSERT(str_find(buf_str(&want), STR("faults")) < 0);
    for (size_t chunk = 1; is_stream && chunk <= 7; chunk += 6) {
        buf_reset(&got);
        CU_ASSERT_EQUAL(run_record(R, text, chunk, 0, &got), 0);
        CU_ASSERT(dump_equal(path, buf_str(&got), buf_str(&want)));
    }
    for (int as = 0; as < 2; as++) {
        struct buf to = BUF_INIT(64 << 20);

        buf_reset(&want);
        buf_reset(&got);
        CU_ASSERT_EQUAL(run_record(R, text, is_stream ? text.n : 0,
                                   RECORD_MEANING, &want), 0);
        CU_ASSERT_EQUAL(run_through(R, text, is_stream ? text.n : 0, R, as,
                                    &to), 0);
        if (str_find(buf_str(&want), STR("error")) < 0) {
            CU_ASSERT_EQUAL(run_record(R, buf_str(&to), as ? to.n : 0,
                                       RECORD_MEANING, &got), 0);
            CU_ASSERT(dump_equal(path, buf_str(&got), buf_str(&want)));
        }
        buf_clear(&to);
    }
    buf_clear(&want);
    buf_clear(&got);
}

static void check_file(const char *path, const char *name, struct str bytes,
                       void *ud)
{
    json_t *doc = json_loadb(bytes.p, bytes.n, JSON_ALLOW_NUL, NULL);

    (void)name;
    if (doc && is_ours(doc)) {
        check_request(path, doc, ud);
        check_answer(path, doc, ud);
    }
    json_decref(doc);
}

static void recordings(void)
{
    struct tally n = { 0 };
    char path[512];

    shared_path(path, sizeof path, "wire");
    if (shared_each(path, ".json", check_file, &n) == 0)
        UNIT_SKIP("no recordings");
    printf("%d requests, %d bodies, %d streams ", n.requests, n.bodies,
           n.streams);
    CU_ASSERT(n.requests >= 40 && n.bodies >= 20 && n.streams >= 10);
}

UNIT_MAIN("codec_responses", { "requests to chat", requests_to_chat },
          { "requests from others", requests_from_others },
          { "cache keys", cache_keys },
          { "no empty turns", no_empty_turns },
          { "no empty texts", no_empty_texts },
          { "what is kept is refused", kept_is_refused },
          { "streams are read", streams_are_read },
          { "streams to chat", streams_to_chat },
          { "numbers are dense", numbers_are_dense },
          { "signatures come back", signatures_come_back },
          { "seals are left out", seals_are_left_out },
          { "every recording", recordings })

/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* What the native path reads of OpenAI's requests, answers and events. */
#include "unit.h"

#include "wire/openai.h"

static int read_body(enum dialect d, const char *text,
                     struct wire_request *out, struct err *err)
{
    static struct json j;
    static struct arena *a;
    int rc;

    arena_free(a);
    a = arena_new(1 << 16);
    *err = (struct err){ 0 };
    rc = json_scan(&j, str_of(text), NULL, err);
    if (rc == 0)
        rc = openai_dialect.read(d, &j, a, out, err);
    if (rc)
        json_clear(&j);
    return rc;
}

static void reads_a_request(void)
{
    struct wire_request w;
    struct err err;

    CU_ASSERT(read_body(DIALECT_OPENAI_CHAT,
                        "{\"model\":\"gpt-6-luna\",\"messages\":[{}],"
                        "\"stream\":true,\"max_tokens\":7,"
                        "\"stream_options\":{\"include_usage\":true}}",
                        &w, &err) == 0);
    CU_ASSERT(str_is(w.model, "gpt-6-luna"));
    CU_ASSERT(w.stream && w.include_usage);
    CU_ASSERT(w.max_tokens == 7);
    CU_ASSERT(read_body(DIALECT_OPENAI_CHAT,
                        "{\"messages\":[1],\"model\":\"m\\u0031\","
                        "\"stream\":null,\"stream_options\":null,"
                        "\"max_completion_tokens\":3,\"max_tokens\":9}",
                        &w, &err) == 0);
    CU_ASSERT(str_is(w.model, "m1"));
    CU_ASSERT(!w.stream && w.max_tokens == 3);
    CU_ASSERT(read_body(DIALECT_OPENAI_CHAT,
                        "{\"messages\":[1],\"model\":\"m\","
                        "\"max_tokens\":-1}",
                        &w, &err) == 0);
    CU_ASSERT(w.max_tokens == -1);
}

/* A neutral field: what it is, and the body once it is set (NULL: there is no
 * such field in that dialect). */
static const struct field_case {
    enum dialect d;
    enum wire_field f;
    const char *body, *is, *set, *want;
} fields[] = {
    { DIALECT_OPENAI_CHAT, WIRE_MODEL, "{\"model\": \"a\"}", "\"a\"",
      "\"b\"", "{\"model\": \"b\"}" },
    { DIALECT_OPENAI_CHAT, WIRE_MAX_TOKENS, "{}", NULL, "5",
      "{\"max_completion_tokens\":5}" },
    { DIALECT_OPENAI_CHAT, WIRE_MAX_TOKENS, "{\"max_tokens\":9}", "9",
      "5", "{\"max_tokens\":5}" },
    { DIALECT_OPENAI_CHAT, WIRE_MAX_TOKENS,
      "{\"max_tokens\":9,\"max_completion_tokens\":null}", "9", "5",
      "{\"max_tokens\":5,\"max_completion_tokens\":5}" },
    { DIALECT_OPENAI_CHAT, WIRE_MAX_TOKENS,
      "{\"max_tokens\":9,\"max_completion_tokens\":7}", "7", NULL,
      "{}" },
    { DIALECT_OPENAI_COMPLETIONS, WIRE_MAX_TOKENS, "{}", NULL, "5",
      "{\"max_tokens\":5}" },
    { DIALECT_OPENAI_EMBEDDINGS, WIRE_MAX_TOKENS, "{\"max_tokens\":1}",
      NULL, "5", NULL },
    { DIALECT_OPENAI_CHAT, WIRE_TEMPERATURE, "{\"temperature\":1e0}",
      "1e0", "0.2", "{\"temperature\":0.2}" },
    { DIALECT_OPENAI_CHAT, WIRE_USER, "{\"a\":1}", NULL, "\"u\"",
      "{\"a\":1,\"user\":\"u\"}" },
    { DIALECT_OPENAI_EMBEDDINGS, WIRE_USER, "{\"user\":\"v\"}",
      "\"v\"", NULL, "{}" },
    { DIALECT_OPENAI_CHAT, WIRE_STREAM,
      "{\"stream\":true,\"stream_options\":{},\"a\":1}", "true",
      "false", "{\"stream\":false,\"a\":1}" },
    { DIALECT_OPENAI_CHAT, WIRE_STREAM, "{\"a\":1}", NULL, "true",
      "{\"a\":1,\"stream\":true}" },
    { DIALECT_OPENAI_CHAT, WIRE_STREAM,
      "{\"stream\":true,\"stream_options\":{}}", "true", NULL, "{}" },
    { DIALECT_OPENAI_MODELS, WIRE_MODEL, "{}", NULL, "\"b\"", NULL },
};

static void sets_fields(void)
{
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        struct arena *a = arena_new(1 << 16);
        struct buf out = BUF_INIT(1 << 16);
        struct json j = { 0 };
        struct json_edits *e;
        struct str raw;
        int rc;

        CU_ASSERT_FATAL(json_scan(&j, str_of(fields[i].body), NULL, NULL) ==
                        0);
        e = json_edits_new(&j, a);
        raw = openai_dialect.field(fields[i].d, fields[i].f, e);
        CU_ASSERT_EQUAL(raw.p != NULL, fields[i].is != NULL);
        CU_ASSERT_TRUE(!raw.p || str_is(raw, fields[i].is));
        rc = openai_dialect.set_field(fields[i].d, fields[i].f, e,
                                      str_of(fields[i].set), NULL);
        UNIT_INT(rc, fields[i].want ? 0 : -ERR_NOTFOUND);
        json_edits_apply(e, &out);
        if (fields[i].want && !str_is(buf_str(&out), fields[i].want))
            printf("\n%zu: " STR_FMT, i, STR_ARG(buf_str(&out)));
        CU_ASSERT_TRUE(!fields[i].want ||
                       str_is(buf_str(&out), fields[i].want));
        buf_clear(&out);
        json_clear(&j);
        arena_free(a);
    }
}

/* "role kind text;" for each */
static int say_text(void *ud, const struct wire_text *t)
{
    static const char *const roles[] = { "sys", "usr", "asst", "tool" };
    struct buf *out = ((void **)ud)[0];
    const struct json *j = ((void **)ud)[1];

    return buf_printf(out, "%s %d " STR_FMT ";", roles[t->role], t->kind,
                      STR_ARG(json_raw(j, t->node)));
}

static const struct {
    enum dialect d;
    const char *body, *want;
} texts[] = {
    { DIALECT_OPENAI_CHAT,
      "{\"messages\":[{\"role\":\"developer\",\"content\":\"a\"},"
      "{\"content\":[{\"type\":\"text\",\"text\":\"b\"},"
      "{\"type\":\"image_url\",\"image_url\":{\"url\":\"x\"}},\"c\"],"
      "\"role\":\"user\",\"name\":\"n\"},{\"role\":\"assistant\","
      "\"content\":null,\"reasoning_content\":\"r\",\"tool_calls\":"
      "[{\"id\":\"1\",\"function\":{\"name\":\"f\",\"arguments\":"
      "\"{}\"}},{\"custom\":{\"input\":\"i\"}},7]},"
      "{\"role\":\"tool\",\"content\":[{\"text\":\"t\"}]},"
      "{\"role\":\"assistant\",\"refusal\":\"no\",\"content\":"
      "[{\"refusal\":\"nn\"}],\"function_call\":{\"arguments\":"
      "\"[]\"}},{\"role\":\"User\",\"content\":\"u\"},"
      "{\"role\":\"system\",\"content\":{\"text\":1}},8],"
      "\"prediction\":{\"content\":\"p\"},\"user\":\"me\"}",
      "sys 0 \"a\";usr 0 \"b\";usr 0 \"c\";asst 2 \"r\";asst 1 \"{}\";"
      "asst 1 \"i\";tool 0 \"t\";asst 0 \"nn\";asst 0 \"no\";"
      "asst 1 \"[]\";usr 0 \"u\";asst 0 \"p\";" },
    { DIALECT_OPENAI_CHAT, "{\"messages\":\"x\"}", "" },
    { DIALECT_OPENAI_CHAT, "{}", "" },
    { DIALECT_OPENAI_COMPLETIONS,
      "{\"suffix\":\"s\",\"prompt\":[\"a\",\"b\",[1,2]]}",
      "usr 0 \"a\";usr 0 \"b\";usr 0 \"s\";" },
    { DIALECT_OPENAI_COMPLETIONS, "{\"prompt\":\"a\"}", "usr 0 \"a\";" },
    { DIALECT_OPENAI_EMBEDDINGS, "{\"input\":\"a\"}", "usr 0 \"a\";" },
    { DIALECT_OPENAI_EMBEDDINGS, "{\"input\":[[1],\"b\"]}",
      "usr 0 \"b\";" },
    { DIALECT_OPENAI_MODELS, "{\"input\":\"a\"}", "" },
};

static void finds_texts(void)
{
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct buf out = BUF_INIT(1 << 16);
        struct json j = { 0 };
        void *ud[] = { &out, &j };

        CU_ASSERT_FATAL(json_scan(&j, str_of(texts[i].body), NULL, NULL) ==
                        0);
        UNIT_INT(openai_dialect.texts(texts[i].d, &j, say_text, ud), 0);
        if (!str_is(buf_str(&out), texts[i].want))
            printf("\n%zu: " STR_FMT, i, STR_ARG(buf_str(&out)));
        CU_ASSERT_TRUE(str_is(buf_str(&out), texts[i].want));
        buf_clear(&out);
        buf_init(&out, 4); /* what fn says ends the walk */
        if (texts[i].want[0])
            UNIT_INT(openai_dialect.texts(texts[i].d, &j, say_text, ud),
                     -ERR_LIMIT);
        buf_clear(&out);
        json_clear(&j);
    }
}

static const struct answer_case {
    enum dialect d;
    struct wire_answer a;
    const char *want;
} answers[] = {
    { DIALECT_OPENAI_CHAT,
      { STR("no \"x\""), WIRE_FINISH_STOP, STR("m"), STR("1"), 7, false,
        false },
      "{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion\",\"created\":7,"
      "\"model\":\"m\",\"choices\":[{\"index\":0,\"message\":{\"role\":"
      "\"assistant\",\"content\":\"no \\\"x\\\"\",\"refusal\":null},"
      "\"logprobs\":null,\"finish_reason\":\"stop\"}],\"usage\":"
      "{\"prompt_tokens\":0,\"completion_tokens\":0,\"total_tokens\":0}}" },
    { DIALECT_OPENAI_COMPLETIONS,
      { STR("t"), WIRE_FINISH_LENGTH, STR("m"), STR("1"), 7, false, false },
      "{\"id\":\"cmpl-1\",\"object\":\"text_completion\",\"created\":7,"
      "\"model\":\"m\",\"choices\":[{\"index\":0,\"text\":\"t\","
      "\"logprobs\":null,\"finish_reason\":\"length\"}],\"usage\":"
      "{\"prompt_tokens\":0,\"completion_tokens\":0,\"total_tokens\":0}}" },
#define CHUNK(rest)                                                           \
    "data: {\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\","     \
    "\"created\":7,\"model\":\"m\",\"choices\":[" rest "}\n\n"
    { DIALECT_OPENAI_CHAT,
      { STR("t"), WIRE_FINISH_FILTER, STR("m"), STR("1"), 7, true, true },
      CHUNK("{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\","
            "\"refusal\":null},\"logprobs\":null,\"finish_reason\":null}],"
            "\"usage\":null")
      CHUNK("{\"index\":0,\"delta\":{\"content\":\"t\"},\"logprobs\":null,"
            "\"finish_reason\":null}],\"usage\":null")
      CHUNK("{\"index\":0,\"delta\":{},\"logprobs\":null,\"finish_reason\":"
            "\"content_filter\"}],\"usage\":null")
      CHUNK("],\"usage\":{\"prompt_tokens\":0,\"completion_tokens\":0,"
            "\"total_tokens\":0}")
      "data: [DONE]\n\n" },
    { DIALECT_OPENAI_CHAT,
      { STR(""), WIRE_FINISH_STOP, STR("m"), STR("1"), 7, true, false },
      CHUNK("{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\","
            "\"refusal\":null},\"logprobs\":null,\"finish_reason\":null}]")
      CHUNK("{\"index\":0,\"delta\":{},\"logprobs\":null,\"finish_reason\":"
            "\"stop\"}]")
      "data: [DONE]\n\n" },
#define TEXT(rest)                                                            \
    "data: {\"id\":\"cmpl-1\",\"object\":\"text_completion\",\"created\":7," \
    "\"model\":\"m\",\"choices\":[{\"index\":0," rest "}]}\n\n"
    { DIALECT_OPENAI_COMPLETIONS,
      { STR("t"), WIRE_FINISH_STOP, STR("m"), STR("1"), 7, true, false },
      TEXT("\"text\":\"t\",\"logprobs\":null,\"finish_reason\":null")
      TEXT("\"text\":\"\",\"logprobs\":null,\"finish_reason\":\"stop\"")
      "data: [DONE]\n\n" },
};

static void answers_by_itself(void)
{
    struct buf out = BUF_INIT(1 << 16);

    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        const struct answer_case *k = &answers[i];

        buf_reset(&out);
        UNIT_INT(openai_dialect.answer(k->d, &k->a, &out), 0);
        if (!str_is(buf_str(&out), k->want))
            printf("\n%zu: " STR_FMT, i, STR_ARG(buf_str(&out)));
        CU_ASSERT_TRUE(str_is(buf_str(&out), k->want));
        CU_ASSERT_TRUE(openai_dialect.answers(k->d));
    }
    CU_ASSERT_FALSE(openai_dialect.answers(DIALECT_OPENAI_EMBEDDINGS));
    UNIT_INT(openai_dialect.answer(DIALECT_OPENAI_EMBEDDINGS, &answers[0].a,
                                   &out), -ERR_NOTFOUND);
    buf_clear(&out);
    buf_init(&out, 100);
    UNIT_INT(openai_dialect.answer(DIALECT_OPENAI_CHAT, &answers[0].a, &out),
             -ERR_LIMIT);
    buf_clear(&out);
}

struct refused {
    enum dialect d;
    const char *body, *at;
};

static void names_the_field_that_is_wrong(void)
{
    static const struct refused cases[] = {
        { DIALECT_OPENAI_CHAT, "[]", "" },
        { DIALECT_OPENAI_CHAT, "{\"messages\":[1]}", "model" },
        { DIALECT_OPENAI_CHAT, "{\"model\":1,\"messages\":[1]}", "model" },
        { DIALECT_OPENAI_CHAT, "{\"model\":\"\",\"messages\":[1]}", "model" },
        { DIALECT_OPENAI_CHAT, "{\"model\":\"m\"}", "messages" },
        { DIALECT_OPENAI_CHAT, "{\"model\":\"m\",\"messages\":\"x\"}",
          "messages" },
        { DIALECT_OPENAI_CHAT,
          "{\"model\":\"m\",\"messages\":[1],\"stream\":\"yes\"}", "stream" },
        { DIALECT_OPENAI_CHAT,
          "{\"model\":\"m\",\"messages\":[1],\"stream_options\":{}}",
          "stream_options" },
        { DIALECT_OPENAI_EMBEDDINGS, "{\"model\":\"m\"}", "input" },
        { DIALECT_OPENAI_EMBEDDINGS, "{\"model\":\"m\",\"input\":4}",
          "input" },
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct wire_request w;
        struct err err;

        CU_ASSERT(read_body(cases[i].d, cases[i].body, &w, &err) ==
                  -ERR_INVALID_REQUEST);
        CU_ASSERT_STRING_EQUAL(err.at, cases[i].at);
        CU_ASSERT(err.msg[0] != '\0');
    }
}

static struct wire_watch watch(const char *data)
{
    struct json j = { 0 };
    struct arena *a = arena_new(1 << 16);
    struct wire_watch w;
    int rc = openai_dialect.watch_event(DIALECT_OPENAI_CHAT, STR_NULL,
                                        str_of(data), &j, a, &w, NULL);

    CU_ASSERT(rc == 0);
    w.error_code = w.error_type = w.error_message = STR_NULL;
    json_clear(&j);
    arena_free(a);
    return w;
}

static void sees_content_only_where_there_is_some(void)
{
    static const struct {
        const char *delta;
        bool content;
    } cases[] = {
        { "{\"role\":\"assistant\",\"content\":\"\",\"refusal\":null}", false },
        { "{}", false },
        { "{\"content\":null,\"tool_calls\":[]}", false },
        { "{\"content\":\"a\"}", true },
        { "{\"refusal\":\"no\"}", true },
        { "{\"reasoning_content\":\"hm\"}", true },
        { "{\"tool_calls\":[{\"index\":0}]}", true },
        { "{\"audio\":{\"data\":\"AA\"}}", true },
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[256];

        snprintf(text, sizeof text,
                 "{\"choices\":[{\"index\":0,\"delta\":%s,"
                 "\"finish_reason\":null}]}",
                 cases[i].delta);
        CU_ASSERT(watch(text).content == cases[i].content);
        CU_ASSERT(!watch(text).finish);
    }
    CU_ASSERT(watch("{\"choices\":[{\"text\":\"a\"}]}").content);
}

static void sees_errors_in_nothing(void)
{
    CU_ASSERT(watch("{\"object\":\"error\",\"message\":\"no\","
                    "\"code\":3000}").error);
    CU_ASSERT(!watch("{\"choices\":[],\"message\":\"hi\"}").error);
    CU_ASSERT(!watch("{\"id\":\"c\",\"message\":null}").error);
}

static void sees_the_end(void)
{
    CU_ASSERT(watch("[DONE]").done);
    CU_ASSERT(watch(" [DONE] ").done);
    CU_ASSERT(watch("{\"choices\":[{\"delta\":{},"
                    "\"finish_reason\":\"stop\"}]}")
                  .finish);
    CU_ASSERT(watch("{\"error\":{\"message\":\"x\"}}").error);
    CU_ASSERT(watch("{\"error\":\"x\"}").error);
    CU_ASSERT(!watch("{\"error\":null,\"choices\":[]}").error);
}

static void usage_is_disjoint(void)
{
    struct wire_watch w = watch(
        "{\"choices\":[],\"usage\":{\"prompt_tokens\":100,"
        "\"completion_tokens\":20,\"prompt_tokens_details\":"
        "{\"cached_tokens\":60},\"completion_tokens_details\":"
        "{\"reasoning_tokens\":5}}}");

    CU_ASSERT(w.usage_only);
    CU_ASSERT(w.usage.input == 40 && w.usage.cache_read == 60);
    CU_ASSERT(w.usage.output == 20 && w.usage.reasoning == 5);
    CU_ASSERT(w.usage.cache_write == -1);
    w = watch("{\"choices\":[{\"delta\":{\"content\":\"a\"}}],"
              "\"usage\":{\"prompt_tokens\":1}}");
    CU_ASSERT(!w.usage_only && w.usage.input == 1 && w.usage.output == -1);
    w = watch("{\"choices\":[],\"usage\":null}");
    CU_ASSERT(!w.usage_only && w.usage.input == -1);
    /* the cache's and the reasoning's beside the others, as xAI has it */
    w = watch("{\"choices\":[],\"usage\":{\"prompt_tokens\":29,"
              "\"completion_tokens\":4,\"total_tokens\":43,"
              "\"prompt_tokens_details\":{\"cached_tokens\":50},"
              "\"completion_tokens_details\":{\"reasoning_tokens\":10}}}");
    CU_ASSERT(w.usage.input == 29 && w.usage.cache_read == 50);
    CU_ASSERT(w.usage.output == 14 && w.usage.reasoning == 10);
}

static void refuses_what_is_no_json(void)
{
    struct json j = { 0 };
    struct arena *a = arena_new(1 << 16);
    struct wire_watch w;

    CU_ASSERT(openai_dialect.watch_event(DIALECT_OPENAI_CHAT, STR_NULL,
                                         STR("{\"a\":"), &j, a, &w, NULL) != 0);
    CU_ASSERT(openai_dialect.watch_event(DIALECT_OPENAI_CHAT, STR_NULL,
                                         STR("[1]"), &j, a, &w, NULL) != 0);
    CU_ASSERT(openai_dialect.watch_body(DIALECT_OPENAI_CHAT, STR(""), &j, a, &w,
                                NULL) != 0);
    json_clear(&j);
    arena_free(a);
}

static void finds_usage_in_a_tail(void)
{
    struct arena *a = arena_new(1 << 16);
    struct usage u = USAGE_NONE;

    openai_dialect.usage_in_tail(STR("\"usage\":9],\"x\":\"usage\",\"usage\":"
                             "{\"prompt_tokens\":3,\"total_tokens\":3}}\n"),
                         a, &u);
    CU_ASSERT(u.input == 3);
    u = USAGE_NONE;
    openai_dialect.usage_in_tail(STR("\"usage\":{\"prompt_tokens\":3"), a, &u);
    CU_ASSERT(u.input == -1);
    openai_dialect.usage_in_tail(STR(""), a, &u);
    CU_ASSERT(u.input == -1);
    arena_free(a);
}

static void writes_errors_in_openai_shape(void)
{
    struct buf b = BUF_INIT(4096);
    struct wire_error e = { .param = STR_NULL };

    e.info = err_info(ERR_MODEL_NOT_FOUND);
    e.code = STR("model_not_found");
    e.message = STR("no \"x\"\n");
    CU_ASSERT(openai_dialect.error(&b, &e) == 0);
    CU_ASSERT(str_is(buf_str(&b),
                     "{\"error\":{\"message\":\"no \\\"x\\\"\\n\","
                     "\"type\":\"invalid_request_error\",\"param\":null,"
                     "\"code\":\"model_not_found\"}}"));
    buf_reset(&b);
    e.info = err_info(ERR_UPSTREAM_ERROR);
    e.code = STR("upstream_error");
    e.message = STR("cut");
    CU_ASSERT(openai_dialect.error_event(&b, &e) == 0);
    CU_ASSERT(str_starts(buf_str(&b), STR("data: {\"error\":{")));
    CU_ASSERT(str_is((struct str){ b.p + b.n - 4, 4 }, "}}\n\n"));
    buf_clear(&b);
}

UNIT_MAIN("openai",
          { "reads a request", reads_a_request },
          { "sets fields", sets_fields },
          { "finds texts", finds_texts },
          { "answers by itself", answers_by_itself },
          { "names the field that is wrong", names_the_field_that_is_wrong },
          { "sees content only where there is some",
            sees_content_only_where_there_is_some },
          { "errors in nothing", sees_errors_in_nothing },
          { "sees the end", sees_the_end },
          { "usage is disjoint", usage_is_disjoint },
          { "refuses what is no JSON", refuses_what_is_no_json },
          { "finds usage in a tail", finds_usage_in_a_tail },
          { "writes errors in OpenAI's shape", writes_errors_in_openai_shape })

/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Anthropic's requests as policies see them: fields, texts; and an answer of
 * the gateway's own. Then: no dialect lacks an operation. */
#include "unit.h"

#include "wire/anthropic.h"

static const struct field_case {
    enum dialect d;
    enum wire_field f;
    const char *body, *is, *set, *want; /* want NULL: no such field */
} fields[] = {
    { DIALECT_ANTHROPIC, WIRE_MODEL, "{\"model\": \"a\"}", "\"a\"", "\"b\"",
      "{\"model\": \"b\"}" },
    { DIALECT_ANTHROPIC_COUNT, WIRE_MODEL, "{\"model\":\"a\"}", "\"a\"",
      "\"b\"", "{\"model\":\"b\"}" },
    { DIALECT_ANTHROPIC, WIRE_MAX_TOKENS, "{\"max_tokens\":1e1}", "1e1", "5",
      "{\"max_tokens\":5}" },
    { DIALECT_ANTHROPIC_COUNT, WIRE_MAX_TOKENS, "{}", NULL, "5", NULL },
    { DIALECT_ANTHROPIC, WIRE_STREAM, "{}", NULL, "true",
      "{\"stream\":true}" },
    { DIALECT_ANTHROPIC, WIRE_TEMPERATURE, "{\"temperature\":null}", NULL,
      "0.5", "{\"temperature\":0.5}" },
    { DIALECT_ANTHROPIC, WIRE_USER, "{\"metadata\":{\"user_id\":\"u\"}}",
      "\"u\"", "\"v\"", "{\"metadata\":{\"user_id\":\"v\"}}" },
    { DIALECT_ANTHROPIC, WIRE_USER, "{}", NULL, "\"v\"",
      "{\"metadata\":{\"user_id\":\"v\"}}" },
    { DIALECT_ANTHROPIC, WIRE_USER, "{\"metadata\":{\"user_id\":\"u\"}}",
      "\"u\"", NULL, "{\"metadata\":{}}" },
    { DIALECT_ANTHROPIC_MODELS, WIRE_MODEL, "{}", NULL, "\"b\"", NULL },
};

static void sets_fields(void)
{
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        const struct field_case *k = &fields[i];
        struct arena *a = arena_new(1 << 16);
        struct buf out = BUF_INIT(1 << 16);
        struct json j = { 0 };
        struct json_edits *e;
        struct str raw;

        CU_ASSERT_FATAL(json_scan(&j, str_of(k->body), NULL, NULL) == 0);
        e = json_edits_new(&j, a);
        raw = anthropic_dialect.field(k->d, k->f, e);
        CU_ASSERT_EQUAL(raw.p != NULL, k->is != NULL);
        CU_ASSERT_TRUE(!raw.p || str_is(raw, k->is));
        UNIT_INT(anthropic_dialect.set_field(k->d, k->f, e, str_of(k->set),
                                             NULL),
                 k->want ? 0 : -ERR_NOTFOUND);
        json_edits_apply(e, &out);
        if (k->want && !str_is(buf_str(&out), k->want))
            printf("\n%zu: " STR_FMT, i, STR_ARG(buf_str(&out)));
        CU_ASSERT_TRUE(!k->want || str_is(buf_str(&out), k->want));
        buf_clear(&out);
        json_clear(&j);
        arena_free(a);
    }
}

static int say_text(void *ud, const struct wire_text *t)
{
    static const char *const roles[] = { "sys", "usr", "asst", "tool" };
    struct buf *out = ((void **)ud)[0];
    const struct json *j = ((void **)ud)[1];

    return buf_printf(out, "%s %d " STR_FMT ";", roles[t->role], t->kind,
                      STR_ARG(json_raw(j, t->node)));
}

static const struct {
    const char *body, *want;
} texts[] = {
    { "{\"system\":\"s\",\"messages\":[{\"role\":\"user\",\"content\":\"u\"},"
      "{\"role\":\"assistant\",\"content\":[{\"type\":\"thinking\","
      "\"thinking\":\"t\",\"signature\":\"x\"},{\"type\":\"text\",\"text\":"
      "\"a\"},{\"type\":\"tool_use\",\"id\":\"1\",\"name\":\"f\",\"input\":"
      "{\"k\":\"v\",\"l\":[1,\"w\"]}}]},{\"role\":\"user\",\"content\":"
      "[{\"type\":\"tool_result\",\"tool_use_id\":\"1\",\"content\":\"r\"},"
      "{\"type\":\"tool_result\",\"content\":[{\"type\":\"text\",\"text\":"
      "\"rr\"},{\"type\":\"image\",\"source\":{\"type\":\"base64\",\"data\":"
      "\"AAAA\"}}]},{\"type\":\"text\",\"text\":\"uu\"}]}]}",
      "sys 0 \"s\";usr 0 \"u\";asst 2 \"t\";asst 0 \"a\";asst 1 \"v\";"
      "asst 1 \"w\";tool 0 \"r\";tool 0 \"rr\";usr 0 \"uu\";" },
    { "{\"messages\":[{\"content\":[{\"type\":\"document\",\"title\":\"t\","
      "\"context\":\"c\",\"source\":{\"type\":\"text\",\"data\":\"d\"}},"
      "{\"type\":\"document\",\"source\":{\"type\":\"content\",\"content\":"
      "[{\"type\":\"text\",\"text\":\"e\"}]}},{\"type\":\"search_result\","
      "\"source\":\"https://x\",\"title\":\"st\",\"content\":[{\"text\":"
      "\"sc\"}]}],\"role\":\"other\"},{\"role\":\"system\",\"content\":"
      "\"later\"},7],\"system\":[{\"type\":\"text\",\"text\":\"s\"}]}",
      "sys 0 \"s\";usr 0 \"t\";usr 0 \"c\";usr 0 \"d\";usr 0 \"e\";"
      "usr 0 \"st\";usr 0 \"sc\";sys 0 \"later\";" },
    { "{\"messages\":{}}", "" },
};

static void finds_texts(void)
{
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct buf out = BUF_INIT(1 << 16);
        struct json j = { 0 };
        void *ud[] = { &out, &j };

        CU_ASSERT_FATAL(json_scan(&j, str_of(texts[i].body), NULL, NULL) ==
                        0);
        UNIT_INT(anthropic_dialect.texts(DIALECT_ANTHROPIC, &j, say_text, ud),
                 0);
        if (!str_is(buf_str(&out), texts[i].want))
            printf("\n%zu: " STR_FMT, i, STR_ARG(buf_str(&out)));
        CU_ASSERT_TRUE(str_is(buf_str(&out), texts[i].want));
        buf_clear(&out);
        json_clear(&j);
    }
}

#define USAGE                                                                 \
    "{\"input_tokens\":0,\"cache_creation_input_tokens\":0,"                  \
    "\"cache_read_input_tokens\":0,\"cache_creation\":null,"                  \
    "\"output_tokens\":0,\"output_tokens_details\":null,"                     \
    "\"server_tool_use\":null,\"service_tier\":\"standard\","                 \
    "\"inference_geo\":null,\"speed\":null}"
#define MESSAGE(content, stop)                                                \
    "{\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\","          \
    "\"model\":\"m\",\"content\":[" content "]," stop ",\"container\":null,"  \
    "\"diagnostics\":null,\"usage\":" USAGE "}"
#define STOP(reason, details)                                                 \
    "\"stop_reason\":" reason ",\"stop_sequence\":null,\"stop_details\":"     \
    details

static const struct {
    struct wire_answer a;
    const char *want;
} answers[] = {
    { { STR("no\n"), WIRE_FINISH_STOP, STR("m"), STR("1"), 7, false, true },
      MESSAGE("{\"type\":\"text\",\"text\":\"no\\n\",\"citations\":null}",
              STOP("\"end_turn\"", "null")) },
    { { STR(""), WIRE_FINISH_FILTER, STR("m"), STR("1"), 7, false, true },
      MESSAGE("", STOP("\"refusal\"", "{\"type\":\"refusal\","
                       "\"category\":null,\"explanation\":null}")) },
    { { STR("no"), WIRE_FINISH_LENGTH, STR("m"), STR("1"), 7, true, true },
      "event: message_start\ndata: {\"type\":\"message_start\",\"message\":"
      MESSAGE("", STOP("null", "null")) "}\n\n"
      "event: content_block_start\ndata: {\"type\":\"content_block_start\","
      "\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\","
      "\"citations\":null}}\n\n"
      "event: content_block_delta\ndata: {\"type\":\"content_block_delta\","
      "\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"no\"}}\n\n"
      "event: content_block_stop\ndata: {\"type\":\"content_block_stop\","
      "\"index\":0}\n\n"
      "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{"
      STOP("\"max_tokens\"", "null") ",\"container\":null},\"usage\":" USAGE
      "}\n\n"
      "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n" },
};

static void answers_by_itself(void)
{
    struct buf out = BUF_INIT(1 << 16);

    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        buf_reset(&out);
        UNIT_INT(anthropic_dialect.answer(DIALECT_ANTHROPIC, &answers[i].a,
                                          &out), 0);
        if (!str_is(buf_str(&out), answers[i].want))
            printf("\n%zu: " STR_FMT, i, STR_ARG(buf_str(&out)));
        CU_ASSERT_TRUE(str_is(buf_str(&out), answers[i].want));
    }
    CU_ASSERT_FALSE(anthropic_dialect.answers(DIALECT_ANTHROPIC_COUNT));
    UNIT_INT(anthropic_dialect.answer(DIALECT_ANTHROPIC_COUNT, &answers[0].a,
                                      &out), -ERR_NOTFOUND);
    buf_clear(&out);
}

/* A policy may ask any of these of any request. */
static void no_dialect_lacks_an_operation(void)
{
    for (int d = DIALECT_NONE; d <= DIALECT_ANTHROPIC_MODELS; d++) {
        const struct dialect_ops *ops = dialect_ops((enum dialect)d);

        CU_ASSERT_PTR_NOT_NULL(ops->field);
        CU_ASSERT_PTR_NOT_NULL(ops->set_field);
        CU_ASSERT_PTR_NOT_NULL(ops->texts);
        CU_ASSERT_PTR_NOT_NULL(ops->answers);
        CU_ASSERT_PTR_NOT_NULL(ops->answer);
        CU_ASSERT_EQUAL(dialects_by_name(str_of(
                            dialect_name((enum dialect)d))) >> d & 1,
                        d != DIALECT_NONE);
    }
    UNIT_INT(dialects_by_name(STR("nosuch")), 0);
    UNIT_INT(dialects_by_name(STR("none")), 0);
    CU_ASSERT_EQUAL(dialects_by_name(STR("anthropic")) &
                        1u << DIALECT_ANTHROPIC_COUNT,
                    1u << DIALECT_ANTHROPIC_COUNT);
}

UNIT_MAIN("anthropic_edit", { "sets fields", sets_fields },
          { "finds texts", finds_texts },
          { "answers by itself", answers_by_itself },
          { "no dialect lacks an operation", no_dialect_lacks_an_operation })

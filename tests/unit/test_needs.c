/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* What a request asks of a model, and who is known not to have it. */
#include "engine/ability.h"
#include "unit.h"
#include "wire/needs.h"

static uint32_t needs(enum dialect d, const char *text)
{
    struct json j = { 0 };
    struct err err = { 0 };
    uint32_t n;

    CU_ASSERT_FATAL(json_scan(&j, str_of(text), NULL, &err) == 0);
    n = wire_needs(d, &j);
    json_clear(&j);
    return n;
}

#define CHAT(content) \
    "{\"messages\":[{\"role\":\"user\",\"content\":" content "}]}"

static void what_a_request_needs(void)
{
    static const struct {
        enum dialect d;
        const char *text;
        uint32_t need;
    } rows[] = {
        { DIALECT_OPENAI_CHAT, CHAT("\"hi\""), 0 },
        { DIALECT_OPENAI_CHAT, CHAT("[{\"type\":\"text\",\"text\":"
          "\"{\\\"type\\\":\\\"image_url\\\"}\"}]"), 0 },
        { DIALECT_OPENAI_CHAT, CHAT("[{\"type\":\"image_url\"}]"),
          NEED_VISION },
        { DIALECT_OPENAI_CHAT, CHAT("[{\"type\":\"input_audio\"},"
          "{\"type\":\"file\"}]"), NEED_AUDIO | NEED_DOCUMENTS },
        { DIALECT_OPENAI_CHAT, "{\"messages\":[],\"tools\":[{}]}",
          NEED_TOOLS },
        { DIALECT_OPENAI_CHAT, "{\"messages\":[],\"tools\":[]}", 0 },
        { DIALECT_OPENAI_CHAT, "{\"functions\":[{}]}", NEED_TOOLS },
        { DIALECT_OPENAI_CHAT,
          "{\"response_format\":{\"type\":\"json_schema\"}}",
          NEED_SCHEMA },
        { DIALECT_OPENAI_CHAT,
          "{\"response_format\":{\"type\":\"json_object\"}}", 0 },
        { DIALECT_ANTHROPIC, CHAT("[{\"type\":\"image\"}]"), NEED_VISION },
        { DIALECT_ANTHROPIC, CHAT("[{\"type\":\"tool_result\","
          "\"content\":[{\"type\":\"image\"}]}]"), NEED_VISION },
        { DIALECT_ANTHROPIC, CHAT("[{\"type\":\"tool_use\",\"input\":"
          "{\"content\":[{\"type\":\"image\"}]}}]"), 0 },
        { DIALECT_ANTHROPIC, CHAT("[{\"type\":\"document\"}]"),
          NEED_DOCUMENTS },
        { DIALECT_ANTHROPIC, "{\"messages\":[{\"role\":\"user\"},"
          "{\"role\":\"assistant\",\"content\":\"{\"}]}",
          NEED_PREFILL },
        { DIALECT_ANTHROPIC, "{\"output_config\":{\"format\":{\"type\":"
          "\"json_schema\"}}}", NEED_SCHEMA },
        { DIALECT_GEMINI, "{\"contents\":[{\"role\":\"user\",\"parts\":"
          "[{\"text\":\"inlineData\"}]}]}", 0 },
        { DIALECT_GEMINI, "{\"contents\":[{\"parts\":[{\"inlineData\":"
          "{\"mimeType\":\"image/png\"}},{\"file_data\":"
          "{\"mime_type\":\"application/pdf\"}}]}]}",
          NEED_VISION | NEED_DOCUMENTS },
        { DIALECT_GEMINI, "{\"contents\":[{\"role\":\"model\"}],"
          "\"tools\":[{}],\"generationConfig\":{\"responseSchema\":{}}}",
          NEED_PREFILL | NEED_TOOLS | NEED_SCHEMA },
        { DIALECT_GEMINI, "{\"contents\":3,\"generationConfig\":[]}", 0 },
        { DIALECT_GEMINI, "[]", 0 },
        { DIALECT_OPENAI_EMBEDDINGS, "{\"tools\":[{}]}", 0 },
        { DIALECT_OPENAI_CHAT, "[1]", 0 },
        { DIALECT_OPENAI_CHAT, "{\"messages\":3,\"tools\":4}", 0 },
        { DIALECT_OPENAI_CHAT, "{\"messages\":[3,[]]}", 0 },
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (needs(rows[i].d, rows[i].text) != rows[i].need)
            printf("\n%zu: %s", i, rows[i].text);
        UNIT_INT(needs(rows[i].d, rows[i].text), rows[i].need);
    }
}

static void names_go_both_ways(void)
{
    for (uint32_t bit = 1; bit <= NEED_PREFILL; bit <<= 1)
        UNIT_INT(wire_need_of(str_of(wire_need_name(bit))), bit);
    CU_ASSERT_PTR_NULL(wire_need_name(3));
    UNIT_INT(wire_need_of(STR("sight")), 0);
}

static void rows_are_found(void)
{
    struct err err = { 0 };
    struct ability_table *t = ability_table_new(
        STR("{\"a/x\":{\"context\":9},\"a/x*\":{\"not\":[\"vision\","
            "\"new\",4]},\"b/*\":{\"not\":[\"tools\"]}}"), &err);

    CU_ASSERT_PTR_NOT_NULL_FATAL(t);
    UNIT_INT(ability_find(t, STR("a"), STR("x"))->context, 9);
    UNIT_INT(ability_find(t, STR("a"), STR("x"))->lacks, 0);
    UNIT_INT(ability_find(t, STR("a"), STR("xy"))->lacks, NEED_VISION);
    UNIT_INT(ability_find(t, STR("b"), STR("z"))->lacks, NEED_TOOLS);
    CU_ASSERT_PTR_NULL(ability_find(t, STR("c"), STR("z")));
    CU_ASSERT_PTR_NULL(ability_find(NULL, STR("c"), STR("z")));
    ability_table_free(t);
    t = ability_table_new(STR_NULL, &err);
    CU_ASSERT_PTR_NOT_NULL_FATAL(t);
    CU_ASSERT_PTR_NULL(ability_find(t, STR("a"), STR("x")));
    ability_table_free(t);
    CU_ASSERT_PTR_NULL(ability_table_new(STR("{"), &err));
    UNIT_INT(err.code, ERR_SYNTAX);
}

UNIT_MAIN("needs", { "what a request needs", what_a_request_needs },
          { "names go both ways", names_go_both_ways },
          { "rows are found", rows_are_found })

/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Where OpenAI's events and answers hold text, and what the gateway says in
 * their place. */
#include "unit.h"

#include "wire/texts.h"

static struct wire_texts found;
static struct json index_of;
static struct arena *arena;
static char text[4096];

static const char *const kinds[] = { "text", "args", "think" };

/* "text 0.0 'Hi'; end 0" and the flags. */
static const char *find(enum dialect d, const char *json)
{
    size_t n = 0;

    arena_free(arena);
    arena = arena_new(1 << 16);
    CU_ASSERT_EQUAL_FATAL(json_scan(&index_of, str_of(json), NULL, NULL), 0);
    CU_ASSERT_EQUAL_FATAL(wire_text_ops(d)->find(d, STR_NULL, &index_of, arena,
                                                 &found), 0);
    text[0] = '\0';
    for (uint32_t i = 0; i < found.n; i++) {
        const struct wire_item *it = &found.items[i];
        struct str raw = it->node == JSON_NONE ? STR("-")
                                               : json_raw(&index_of, it->node);

        if (it->type == WIRE_ITEM_BEGIN && it->block == WIRE_ALL)
            continue;
        n += (size_t)snprintf(
            text + n, sizeof text - n, "%s%s %u.%d " STR_FMT, n ? "; " : "",
            it->type == WIRE_ITEM_TEXT    ? kinds[it->kind]
            : it->type == WIRE_ITEM_ECHO  ? "echo"
            : it->type == WIRE_ITEM_BEGIN ? "begin" : "end",
            it->choice, it->block == WIRE_ALL ? -1 : (int)it->block,
            STR_ARG(raw));
    }
    snprintf(text + n, sizeof text - n, "%s%s%s", found.bare ? " bare" : "",
             found.content ? " content" : "", found.roles ? " role" : "");
    return text;
}

static const char *chat(const char *json)
{
    return find(DIALECT_OPENAI_CHAT, json);
}

#define EVENT(choice) "{\"id\":\"c\",\"choices\":[" choice "]}"

static void deltas(void)
{
    UNIT_STR(chat(EVENT("{\"index\":0,\"delta\":{\"content\":\"Hi\"},"
                        "\"finish_reason\":null}")), "text 0.0 \"Hi\" bare");
    UNIT_STR(chat(EVENT("{\"index\":0,\"delta\":{\"role\":\"assistant\","
                        "\"content\":\"\"}}")), " bare role");
    UNIT_STR(chat(EVENT("{\"delta\":{\"content\":\"b\"},\"index\":1}")),
             "text 1.1 \"b\" bare");
    UNIT_STR(chat(EVENT("{\"index\":0,\"delta\":{},\"finish_reason\":"
                        "\"stop\"}")), "end 0.-1 -");
    UNIT_STR(chat(EVENT("{\"index\":0,\"delta\":{\"content\":null,"
                        "\"refusal\":\"No\"}}")), "text 0.0 \"No\" bare");
    UNIT_STR(chat(EVENT("{\"index\":0,\"delta\":{\"reasoning_content\":\"h\","
                        "\"reasoning\":\"h\"}}")),
             "think 0.0 \"h\"; think 0.0 \"h\" bare");
    CU_ASSERT_NOT_EQUAL(found.items[1].part, found.items[2].part);
    UNIT_STR(chat("{\"choices\":[],\"usage\":{\"prompt_tokens\":1}}"), "");
    UNIT_STR(chat("{\"object\":\"x\"}"), "");
}

static void calls(void)
{
    UNIT_STR(chat(EVENT("{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":1,"
                        "\"id\":\"call_1\",\"type\":\"function\",\"function\":"
                        "{\"name\":\"f\",\"arguments\":\"\"}}]}}")),
             "begin 0.1 - content");
    UNIT_STR(chat(EVENT("{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":1,"
                        "\"function\":{\"arguments\":\"{\\\"a\"}}]}}")),
             "args 0.1 \"{\\\"a\" bare");
    UNIT_STR(chat(EVENT("{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,"
                        "\"custom\":{\"input\":\"x\"}}]}}")),
             "args 0.0 \"x\" bare");
    UNIT_STR(chat(EVENT("{\"index\":0,\"delta\":{\"function_call\":{\"name\":"
                        "\"f\",\"arguments\":\"x\"}}}")),
             "begin 0.0 -; args 0.0 \"x\" content");
    UNIT_STR(chat(EVENT("{\"index\":0,\"message\":{\"tool_calls\":[{\"id\":"
                        "\"a\",\"function\":{\"arguments\":{\"k\":1}}},"
                        "{\"function\":{\"arguments\":\"{}\"}}]}}")),
             "args 0.0 {\"k\":1}; args 0.1 \"{}\" content");
    CU_ASSERT(found.items[1].raw && !found.items[2].raw);
}

static void what_vendors_add(void)
{
    UNIT_STR(chat(EVENT("{\"index\":0,\"delta\":{\"content\":[{\"type\":"
                        "\"thinking\",\"thinking\":[{\"type\":\"text\",\"text\""
                        ":\"hm\"}]},{\"type\":\"text\",\"text\":\"Hi\"}]}}")),
             "think 0.0 \"hm\"; text 0.0 \"Hi\" bare");
    UNIT_STR(chat(EVENT("{\"index\":0,\"delta\":{\"reasoning_details\":["
                        "{\"type\":\"reasoning.text\",\"index\":2,\"text\":"
                        "\"hm\"}]}}")), "think 0.2 \"hm\" bare");
    UNIT_STR(chat(EVENT("{\"index\":0,\"delta\":{\"reasoning_details\":["
                        "{\"text\":\"hm\",\"signature\":\"s\"}]}}")),
             "think 0.0 \"hm\" content");
    UNIT_STR(chat(EVENT("{\"index\":0,\"delta\":{\"audio\":{\"data\":\"UklG\","
                        "\"transcript\":\"Hi\"}}}")),
             "text 0.0 \"Hi\" content");
    UNIT_STR(chat(EVENT("{\"index\":0,\"delta\":{\"images\":[1]}}")),
             " content");
    UNIT_STR(chat(EVENT("{\"index\":0,\"delta\":{\"content\":\"Hi\"},"
                        "\"content_filter_results\":{\"hate\":1}}")),
             "text 0.0 \"Hi\"");
    UNIT_STR(chat(EVENT("{\"index\":0,\"delta\":{\"content\":\"Hi\"},"
                        "\"logprobs\":{\"content\":[{\"token\":\"Hi\"}]}}")),
             "text 0.0 \"Hi\"; echo 0.-1 {\"content\":[{\"token\":\"Hi\"}]}"
             " bare");
}

/* Not to be passed by: spelled otherwise, said twice. */
static void spellings(void)
{
    UNIT_STR(chat(EVENT("{\"index\":0,\"d\\u0065lta\":{\"cont\\u0065nt\":"
                        "\"Hi\"}}")), "text 0.0 \"Hi\" bare");
    UNIT_STR(chat(EVENT("{\"index\":0,\"delta\":{\"content\":\"a\","
                        "\"content\":\"b\"},\"delta\":{\"content\":\"c\"}}")),
             "text 0.0 \"a\"; text 0.0 \"b\"; text 0.0 \"c\" bare");
}

static void completions(void)
{
    UNIT_STR(find(DIALECT_OPENAI_COMPLETIONS,
                  EVENT("{\"text\":\"a\",\"index\":0,\"logprobs\":null,"
                        "\"finish_reason\":null},{\"text\":\"b\",\"index\":1,"
                        "\"finish_reason\":\"stop\"}")),
             "text 0.0 \"a\"; text 1.1 \"b\"; end 1.-1 -");
    CU_ASSERT_PTR_NULL(wire_text_ops(DIALECT_OPENAI_EMBEDDINGS));
}

/* ---- what we say ------------------------------------------------------- */

static const char like[] =
    "{\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"usage\":{\"n\":1},"
    "\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\"}}],"
    "\"model\":\"m\"}";

static struct buf out = BUF_INIT(1 << 16);

static const char *said(void)
{
    snprintf(text, sizeof text, STR_FMT, STR_ARG(buf_str(&out)));
    buf_reset(&out);
    return text;
}

static void carried(void)
{
    enum dialect d = DIALECT_OPENAI_CHAT;
    const struct wire_text_ops *ops = wire_text_ops(d);
    static const char *const deltas[] = {
        "{\"content\":\"Hi\"}", "{\"refusal\":\"Hi\"}",
        "{\"content\":[{\"type\":\"text\",\"text\":\"Hi\"}]}",
        "{\"tool_calls\":[{\"index\":3,\"function\":{\"arguments\":\"Hi\"}}]}",
        "{\"tool_calls\":[{\"index\":3,\"custom\":{\"input\":\"Hi\"}}]}",
        "{\"function_call\":{\"arguments\":\"Hi\"}}",
        "{\"reasoning_content\":\"Hi\"}", "{\"reasoning\":\"Hi\"}",
        "{\"reasoning_details\":[{\"type\":\"reasoning.text\",\"index\":3,"
        "\"text\":\"Hi\"}]}",
        "{\"content\":[{\"type\":\"thinking\",\"thinking\":[{\"type\":"
        "\"text\",\"text\":\"Hi\"}]}]}",
        "{\"audio\":{\"transcript\":\"Hi\"}}",
    };

    /* said again in the member that it came in: found is what was carried */
    for (size_t i = 0; i < sizeof deltas / sizeof deltas[0]; i++) {
        struct wire_item it = { .type = WIRE_ITEM_END };
        char event[512], want[1024];
        struct wire_block b;

        snprintf(event, sizeof event, EVENT("{\"index\":2,\"delta\":%s}"),
                 deltas[i]);
        chat(event);
        for (uint32_t k = 0; k < found.n; k++)
            it = found.items[k].type == WIRE_ITEM_TEXT ? found.items[k] : it;
        b = (struct wire_block){ it.kind, it.part, it.choice, it.block };
        CU_ASSERT_EQUAL(ops->carry(d, &b, STR("Hi"), str_of(like), &out), 0);
        snprintf(want, sizeof want,
                 "data: {\"id\":\"c\",\"object\":\"chat.completion.chunk\","
                 "\"usage\":null,\"choices\":[{\"index\":2,\"delta\":%s,"
                 "\"finish_reason\":null}],\"model\":\"m\"}\n\n", deltas[i]);
        UNIT_STR(said(), want);
    }
}

static void stopped_streams(void)
{
    enum dialect d = DIALECT_OPENAI_CHAT;
    struct usage u = { .input = 10, .cache_read = 5, .cache_write = -1,
                       .output = 7, .reasoning = 2 };
    struct wire_block open[] = { { .block = WIRE_ALL },
                                 { .block = 4, .kind = WIRE_TOOL_ARGS },
                                 { .block = WIRE_ALL, .choice = 1 } };
    struct wire_stop stop = { .finish = WIRE_FINISH_FILTER,
                              .like = str_of(like), .open = open, .n_open = 3,
                              .usage = &u, .usage_asked = true };

    CU_ASSERT_EQUAL(wire_text_ops(d)->stop_stream(d, &stop, &out), 0);
    UNIT_STR(said(),
             "data: {\"id\":\"c\",\"object\":\"chat.completion.chunk\","
             "\"usage\":null,\"choices\":[{\"index\":0,\"delta\":{},"
             "\"finish_reason\":\"content_filter\"},{\"index\":1,\"delta\":{},"
             "\"finish_reason\":\"content_filter\"}],\"model\":\"m\"}\n\n"
             "data: {\"id\":\"c\",\"object\":\"chat.completion.chunk\","
             "\"usage\":{\"prompt_tokens\":15,\"completion_tokens\":7,"
             "\"total_tokens\":22,\"prompt_tokens_details\":{\"cached_tokens\""
             ":5},\"completion_tokens_details\":{\"reasoning_tokens\":2}},"
             "\"choices\":[],\"model\":\"m\"}\n\ndata: [DONE]\n\n");
    u = USAGE_NONE; /* nothing known, nothing said */
    stop = (struct wire_stop){ .finish = WIRE_FINISH_LENGTH,
                               .like = STR("{\"choices\":[]}"),
                               .usage = &u, .usage_asked = true };
    d = DIALECT_OPENAI_COMPLETIONS;
    CU_ASSERT_EQUAL(wire_text_ops(d)->stop_stream(d, &stop, &out), 0);
    UNIT_STR(said(), "data: {\"choices\":[{\"index\":0,\"text\":\"\","
                     "\"logprobs\":null,\"finish_reason\":\"length\"}]}\n\n"
                     "data: [DONE]\n\n");
}

static void stopped_bodies(void)
{
    enum dialect d = DIALECT_OPENAI_CHAT;

    chat("{ \"choices\": [ {\"index\":0,\"message\":{\"content\":\"fine\"},"
         "\"finish_reason\":\"stop\"}, {\"index\":1,\"m\\u0065ssage\":"
         "{\"content\":\"bad\",\"tool_calls\":[{}]},\"finish_reason\":"
         "\"tool_calls\",\"logprobs\":{\"a\":1}}], \"usage\":{\"n\":1} }");
    CU_ASSERT_EQUAL(wire_text_ops(d)->stop_body(d, &index_of, arena, 1,
                                                WIRE_FINISH_FILTER, &out),
                    0);
    UNIT_STR(said(),
             "{ \"choices\": [ {\"index\":0,\"message\":{\"content\":\"fine\"},"
             "\"finish_reason\":\"stop\"}, {\"index\":1,\"m\\u0065ssage\":"
             "{\"role\":\"assistant\",\"content\":\"\"},\"finish_reason\":"
             "\"content_filter\",\"logprobs\":null}], \"usage\":{\"n\":1} }");
}

static void characters(void)
{
    uint16_t high = 0;

    CU_ASSERT_EQUAL(wire_put_chars(&out, STR("\"\\ud83d\""), &high), 0);
    UNIT_INT(high, 0xd83d);
    UNIT_STR(said(), "");
    wire_put_chars(&out, STR("\"\""), &high);
    wire_put_chars(&out, STR("\"\\ude00\\/\\\\\""), &high);
    UNIT_STR(said(), "\xF0\x9F\x98\x80/\\");
    wire_put_chars(&out, STR("\"\\ud83d\\ud83d\\ude00\\ude00\""), &high);
    UNIT_STR(said(), "\xEF\xBF\xBD\xF0\x9F\x98\x80\xEF\xBF\xBD");
    UNIT_INT(high, 0);
    CU_ASSERT_EQUAL(wire_put_event(&out, STR("x"), STR("{\n1}")), 0);
    UNIT_STR(said(), "event: x\ndata: {\ndata: 1}\n\n");
    wire_texts_clear(&found);
    json_clear(&index_of);
    buf_clear(&out);
    arena_free(arena);
    arena = NULL;
}

UNIT_MAIN("texts", { "deltas", deltas }, { "calls", calls },
          { "what vendors add", what_vendors_add }, { "spellings", spellings },
          { "completions", completions }, { "carried", carried },
          { "stopped streams", stopped_streams },
          { "stopped bodies", stopped_bodies }, { "characters", characters })

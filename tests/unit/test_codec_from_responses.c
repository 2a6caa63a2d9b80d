/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Requests of Responses clients as the other dialects': what means the same
 * under other words. */
#include "codec_requests.h"

#include "wire/codec_echo.h"

/* clang-format off */
#define LLAMA "llama-3.3-70b"
#define HEAD "{'model':'" LLAMA "',"
#define ONE "'messages':[{'role':'user','content':'hi'}]"

static const struct request_case chat[] = {
    { "top_logprobs alone", LLAMA, "{'input':'hi','top_logprobs':2}", HEAD ONE ",'logprobs':true,'top_logprobs':2}", NULL, NULL, NULL },
    { "and with include", LLAMA, "{'input':'hi','top_logprobs':0,'include':['message.output_text.logprobs']}", HEAD ONE ",'logprobs':true,'top_logprobs':0}", NULL, NULL, NULL },
    { "a search alone", LLAMA, "{'input':[{'role':'user','content':'a'},{'type':'web_search_call','id':'ws_1','status':'completed','action':{'type':'search','query':'q'}},{'role':'user','content':'b'}]}", HEAD "'messages':[{'role':'user','content':'a'},{'role':'user','content':'b'}]}", NULL, "server tool blocks", NULL },
    { "none", LLAMA, "{'input':'hi','top_logprobs':0}", HEAD ONE "}", NULL, NULL, NULL },
};

static const struct request_case gemini[] = {
    { "what an older schema must say", "gemini-2.0-flash", "{'input':'hi','tools':[{'type':'function','name':'f','parameters':{'type':'object','properties':{'n':{'const':5},'s':{'const':'a'},'l':{'type':'array'}}}}]}",
      "{'tools':[{'functionDeclarations':[{'name':'f','parameters':{'type':'object','properties':{'n':{'minimum':5,'maximum':5,'type':'integer'},'s':{'enum':['a'],'type':'string'},'l':{'type':'array','items':{'type':'object'}}}}}]}],'contents':[{'role':'user','parts':[{'text':'hi'}]}],'generationConfig':{}}", NULL, "json_schema keywords", NULL },
    { "top_logprobs alone", "gemini-2.5-flash", "{'input':'hi','top_logprobs':2}", "{'contents':[{'role':'user','parts':[{'text':'hi'}]}],'generationConfig':{'responseLogprobs':true,'logprobs':2}}", NULL, NULL, NULL },
};
/* clang-format on */

static void maps_into_chat(void)
{
    for (size_t i = 0; i < sizeof chat / sizeof chat[0]; i++)
        CU_ASSERT(check_case(&chat[i], DIALECT_RESPONSES,
                             DIALECT_OPENAI_CHAT));
}

static void maps_into_gemini(void)
{
    for (size_t i = 0; i < sizeof gemini / sizeof gemini[0]; i++)
        CU_ASSERT(check_case(&gemini[i], DIALECT_RESPONSES, DIALECT_GEMINI));
}

/* Short members come back as they were asked for, in one line; in the place of
 * a long one stands what is said where there was none. */
static void answers_say_what_was_asked(void)
{
    struct arena *a = arena_new(1 << 20);
    struct buf body = BUF_INIT(1 << 16), out = BUF_INIT(1 << 16);
    struct jw w = { &out, 0, false };
    struct json j = { 0 };
    struct codec_echo *e;

    buf_printf(&body, "{\"temperature\":0.50,\"tool_choice\":{\n\"type\":"
                      "\"x\"},\"parallel_tool_calls\":false,\"text\":{"
                      "\"verbosity\":\"low\"},\"top_p\":null,"
                      "\"instructions\":\"%02000d\"}", 0);
    UNIT_INT(json_scan(&j, buf_str(&body), NULL, NULL), 0);
    e = responses_echo(&j, a);
    jw_open(&w, '{');
    responses_put_asked(e, &w, ECHO_INSTRUCTIONS);
    for (int i = ECHO_PARALLEL; i <= ECHO_TOP_P; i++)
        responses_put_asked(e, &w, (enum responses_asked)i);
    responses_put_asked(NULL, &w, ECHO_METADATA);
    jw_close(&w, '}');
    CU_ASSERT(str_is(buf_str(&out),
                     "{\"instructions\":null,\"parallel_tool_calls\":false,"
                     "\"reasoning\":{"
                     "\"effort\":null,\"summary\":null},\"temperature\":"
                     "0.50,\"text\":{\"format\":{\"type\":\"text\"}},"
                     "\"tool_choice\":{\"type\":\"x\"},\"tools\":[],"
                     "\"top_p\":null,\"metadata\":{}}"));
    json_clear(&j);
    buf_clear(&body);
    buf_clear(&out);
    arena_free(a);
}

UNIT_MAIN("codec_from_responses", { "chat", maps_into_chat },
          { "gemini", maps_into_gemini },
          { "what was asked", answers_say_what_was_asked })

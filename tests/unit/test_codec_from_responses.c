/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Requests of Responses clients as the other dialects': what means the same
 * under other words. */
#include "codec_requests.h"

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

UNIT_MAIN("codec_from_responses", { "chat", maps_into_chat },
          { "gemini", maps_into_gemini })

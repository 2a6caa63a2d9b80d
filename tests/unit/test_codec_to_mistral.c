/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Requests for Mistral: nothing that it does not know, of any client. */
#include "codec_requests.h"

/* clang-format off */
#define ONE "'messages':[{'role':'user','content':'hi'}]"
#define M "mistral-small-latest"
#define HEAD "{'model':'" M "',"
#define TOOL(n) "{'type':'function','function':{'name':'" n "','parameters':{'type':'object'}}}"
#define THOUGHT(texts) "{'type':'thinking','thinking':[" texts "]}"
#define CALL(id) "{'role':'assistant','content':null,'tool_calls':[{'id':'" id "','type':'function','function':{'name':'f','arguments':'{}'}}]}"

static const struct request_case chat[] = {
    { "plain", M, "{" ONE "}", HEAD ONE "}", NULL, NULL, NULL },
    { "what it refuses", M, "{'max_completion_tokens':9,'stream':true,'stream_options':{'include_usage':true},'user':'u','logprobs':true,'top_logprobs':1,'logit_bias':{'1':1},'store':true,'service_tier':'flex','tools':[]," ONE "}",
      HEAD ONE ",'max_tokens':9,'stream':true}", NULL, "logprobs, top_logprobs, logit_bias, user, service_tier, store", NULL },
    { "its own", M, "{'seed':7,'safe_prompt':true,'n':2,'stop':['a'],'presence_penalty':1,'mystery':1," ONE "}",
      HEAD ONE ",'presence_penalty':1,'random_seed':7,'n':2,'stop':['a'],'safe_prompt':true}", NULL, "mystery", NULL },
    { "roles and names", M, "{'messages':[{'role':'developer','content':'be'},{'role':'user','name':'al','content':'hi'}]}",
      HEAD "'messages':[{'role':'system','content':'be'},{'role':'user','content':'hi'}]}", NULL, "messages[].name", NULL },
    { "ids, and a user behind a tool", M, "{'messages':[{'role':'user','content':'a'}," CALL("call_1") ",{'role':'tool','tool_call_id':'call_1','content':'r'},{'role':'user','content':'b'}]}",
      HEAD "'messages':[{'role':'user','content':'a'}," CALL("Bu09e4fdz") ",{'role':'tool','tool_call_id':'Bu09e4fdz','content':'r'},{'role':'assistant','content':'I have the result.'},{'role':'user','content':'b'}]}", "tool call id, role order", NULL, NULL },
    { "a result alone", M, "{'messages':[{'role':'user','content':'a'}," CALL("EscTeQY62") ",{'role':'tool','tool_call_id':'EscTeQY62','content':'r'}]}",
      HEAD "'messages':[{'role':'user','content':'a'}," CALL("EscTeQY62") ",{'role':'tool','tool_call_id':'EscTeQY62','content':'r'}]}", NULL, NULL, NULL },
    { "begun, and empty", M, "{'messages':[{'role':'assistant','content':''},{'role':'user','content':'a'},{'role':'assistant','content':'b'}]}",
      HEAD "'messages':[{'role':'user','content':'a'},{'role':'assistant','content':'b','prefix':true}]}", NULL, "empty text", NULL },
    { "some tools", M, "{'tools':[" TOOL("f") "," TOOL("g") "],'parallel_tool_calls':false,'tool_choice':{'type':'allowed_tools','allowed_tools':{'mode':'required','tools':[{'type':'function','function':{'name':'g'}}]}}," ONE "}",
      HEAD ONE ",'tools':[" TOOL("g") "],'parallel_tool_calls':false,'tool_choice':'required'}", "allowed_tools", NULL, NULL },
    { "a file", M, "{'messages':[{'role':'user','content':[{'type':'text','text':'see'},{'type':'file','file':{'filename':'a.pdf','file_data':'data:application/pdf;base64,JV'}}]}]}",
      HEAD "'messages':[{'role':'user','content':[{'type':'text','text':'see'},{'type':'document_url','document_url':'data:application/pdf;base64,JV','document_name':'a.pdf'}]}]}", NULL, NULL, NULL },
    { "effort and thinking in the history", M, "{'messages':[{'role':'user','content':'a'},{'role':'assistant','content':[{'type':'thinking','thinking':[{'type':'text','text':'t'},{'type':'text','text':'u'}],'closed':true},{'type':'text','text':'b'}]},{'role':'user','content':'c'}],'reasoning_effort':'high','prompt_cache_key':'k'}",
      HEAD "'messages':[{'role':'user','content':'a'},{'role':'assistant','content':[" THOUGHT("{'type':'text','text':'t'},{'type':'text','text':'u'}") ",{'type':'text','text':'b'}]},{'role':'user','content':'c'}],'reasoning_effort':'high','prompt_cache_key':'k'}", NULL, NULL, NULL },
    { "effort none, a prefix", M, "{'messages':[{'role':'user','content':'a'},{'role':'assistant','content':'b','prefix':true}],'reasoning_effort':'none'}",
      HEAD "'messages':[{'role':'user','content':'a'},{'role':'assistant','content':'b','prefix':true}],'reasoning_effort':'none'}", NULL, NULL, NULL },
    { "a level it lacks", M, "{'reasoning_effort':'low'," ONE "}", HEAD ONE ",'reasoning_effort':'high'}", "reasoning", NULL, NULL },
    { "thinking before a call", M, "{'messages':[{'role':'user','content':'a'},{'role':'assistant','reasoning_content':'t','content':null,'tool_calls':[{'id':'EscTeQY62','type':'function','function':{'name':'f','arguments':'{}'}}]},{'role':'tool','tool_call_id':'EscTeQY62','content':'r'}]}",
      HEAD "'messages':[{'role':'user','content':'a'},{'role':'assistant','content':[" THOUGHT("{'type':'text','text':'t'}") "],'tool_calls':[{'id':'EscTeQY62','type':'function','function':{'name':'f','arguments':'{}'}}]},{'role':'tool','tool_call_id':'EscTeQY62','content':'r'}]}", NULL, NULL, NULL },
    { "thinks always", "magistral-medium-latest", "{'reasoning_effort':'low'," ONE "}", "{'model':'magistral-medium-latest'," ONE "}", "reasoning", NULL, NULL },
    { "and not otherwise", "magistral-medium-latest", "{'reasoning_effort':'none'," ONE "}", "{'model':'magistral-medium-latest'," ONE "}", NULL, "reasoning", NULL },
    { "an older one", "mistral-medium-2505", "{'reasoning_effort':'high','messages':[{'role':'user','content':'a'},{'role':'assistant','reasoning_content':'t','content':'b'},{'role':'user','content':'c'}]}",
      "{'model':'mistral-medium-2505','messages':[{'role':'user','content':'a'},{'role':'assistant','content':'b'},{'role':'user','content':'c'}]}", NULL, "reasoning, unsigned thinking", NULL },
    { "one that can", "mistral-medium-3.5", "{'reasoning_effort':'high'," ONE "}", "{'model':'mistral-medium-3.5'," ONE ",'reasoning_effort':'high'}", NULL, NULL, NULL },
    { "never thinks", "mistral-large-latest", "{'reasoning_effort':'high'," ONE "}", "{'model':'mistral-large-latest'," ONE "}", NULL, "reasoning", NULL },
};

static const struct request_case messages[] = {
    { "marks, thinking, a text behind a result", M, "{'max_tokens':9,'system':[{'type':'text','text':'be','cache_control':{'type':'ephemeral'}}],'metadata':{'user_id':'u'},'messages':[{'role':'user','content':'a'},{'role':'assistant','content':[{'type':'thinking','thinking':'x','signature':'s'},{'type':'tool_use','id':'EscTeQY62','name':'f','input':{}}]},{'role':'user','content':[{'type':'tool_result','tool_use_id':'EscTeQY62','content':'r'},{'type':'text','text':'b'}]}]}",
      HEAD "'messages':[{'role':'system','content':'be'},{'role':'user','content':'a'},{'role':'assistant','content':[" THOUGHT("{'type':'text','text':'x'}") "],'tool_calls':[{'id':'EscTeQY62','type':'function','function':{'name':'f','arguments':'{}'}}]},{'role':'tool','tool_call_id':'EscTeQY62','content':'r'},{'role':'assistant','content':'I have the result.'},{'role':'user','content':'b'}],'max_tokens':9}", "role order", "user, thinking blocks, cache marks", NULL },
};
/* clang-format on */

static void maps_chat(void)
{
    for (size_t i = 0; i < sizeof chat / sizeof chat[0]; i++)
        CU_ASSERT(check_case(&chat[i], DIALECT_OPENAI_CHAT,
                             DIALECT_MISTRAL));
}

static void maps_messages(void)
{
    for (size_t i = 0; i < sizeof messages / sizeof messages[0]; i++)
        CU_ASSERT(check_case(&messages[i], DIALECT_ANTHROPIC,
                             DIALECT_MISTRAL));
}

UNIT_MAIN("codec_to_mistral", { "chat requests", maps_chat },
          { "messages requests", maps_messages })

/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* OpenAI chat requests as Anthropic's: each row of the mapping. */
#include "codec_requests.h"

#define ONE "'messages':[{'role':'user','content':'hi'}]"
#define ONE_OUT                                                               \
    "'messages':[{'role':'user','content':[{'type':'text','text':'hi'}]}]"
/* 4.5: sampling, budgets, no effort. 5: effort, no sampling. */
#define OLD "claude-sonnet-4-5"
#define NEW "claude-opus-5"
#define NEWEST "claude-opus-5-5"
#define HEAD(m) "{'model':'" m "','max_tokens':99,"
#define IN "{'max_completion_tokens':99,"

/* clang-format off */
static const struct request_case turns[] = {
    { "plain", OLD, IN ONE "}", HEAD(OLD) ONE_OUT "}", NULL, NULL, NULL },
    { "no maximum", OLD, "{" ONE "}", "{'model':'" OLD "','max_tokens':64000," ONE_OUT "}", "max_tokens", NULL, NULL },
    { "too large a maximum", OLD, "{'max_tokens':1000000," ONE "}", "{'model':'" OLD "','max_tokens':64000," ONE_OUT "}", "max_tokens", NULL, NULL },
    { "system", OLD, IN "'messages':[{'role':'system','content':'be'},{'role':'developer','content':[{'type':'text','text':'brief'}]},{'role':'user','content':'hi'}]}",
      HEAD(OLD) "'system':[{'type':'text','text':'be'},{'type':'text','text':'brief'}]," ONE_OUT "}", NULL, NULL, NULL },
    { "system inside, old", OLD, IN "'messages':[{'role':'user','content':'a'},{'role':'system','content':'b'},{'role':'user','content':'c'}]}",
      HEAD(OLD) "'messages':[{'role':'user','content':[{'type':'text','text':'a'},{'type':'text','text':'b'},{'type':'text','text':'c'}]}]}", "system message inside", NULL, NULL },
    { "system inside, new", NEW, IN "'messages':[{'role':'user','content':'a'},{'role':'system','content':'b'},{'role':'user','content':'c'}]}",
      HEAD(NEW) "'messages':[{'role':'user','content':[{'type':'text','text':'a'}]},{'role':'system','content':[{'type':'text','text':'b'}]},{'role':'user','content':[{'type':'text','text':'c'}]}]}", NULL, NULL, NULL },
    { "only system", OLD, IN "'messages':[{'role':'system','content':'a'}]}",
      HEAD(OLD) "'messages':[{'role':'user','content':[{'type':'text','text':'a'}]}]}", "system message inside", NULL, NULL },
    { "same role, names, blanks", OLD, IN "'messages':[{'role':'user','name':'bo','content':'a'},{'role':'user','content':' \\n'},{'role':'user','content':'b'}]}",
      HEAD(OLD) "'messages':[{'role':'user','content':[{'type':'text','text':'a'},{'type':'text','text':'b'}]}]}", "empty text", "messages[].name", NULL },
    { "assistant first", OLD, IN "'messages':[{'role':'assistant','content':'Hello!'},{'role':'user','content':'a'}]}",
      HEAD(OLD) "'messages':[{'role':'user','content':[{'type':'text','text':'.'}]},{'role':'assistant','content':[{'type':'text','text':'Hello!'}]},{'role':'user','content':[{'type':'text','text':'a'}]}]}", "assistant first", NULL, NULL },
    { "prefill, trimmed", OLD, IN "'messages':[{'role':'user','content':'a'},{'role':'assistant','content':'It is \\n'}]}",
      HEAD(OLD) "'messages':[{'role':'user','content':[{'type':'text','text':'a'}]},{'role':'assistant','content':[{'type':'text','text':'It is'}]}]}", NULL, NULL, NULL },
    { "prefill that is not taken", NEW, IN "'messages':[{'role':'user','content':'a'},{'role':'assistant','content':'It is'}]}",
      HEAD(NEW) "'messages':[{'role':'user','content':[{'type':'text','text':'a'}]},{'role':'assistant','content':[{'type':'text','text':'It is'}]}]}", NULL, NULL, "prefill" },
    { "refusal in the history", OLD, IN "'messages':[{'role':'user','content':'a'},{'role':'assistant','content':null,'refusal':'No.'},{'role':'user','content':'b'}]}",
      HEAD(OLD) "'messages':[{'role':'user','content':[{'type':'text','text':'a'}]},{'role':'assistant','content':[{'type':'text','text':'No.'}]},{'role':'user','content':[{'type':'text','text':'b'}]}]}", "refusal", NULL, NULL },
    { "calls and results", OLD, IN "'messages':[{'role':'user','content':'a'},{'role':'assistant','content':'','tool_calls':[{'id':'call_1','type':'function','function':{'name':'f','arguments':'{\\'x\\': 1.50}'}},{'id':'functions.g:1','type':'function','function':{'name':'g','arguments':''}}]},{'role':'tool','tool_call_id':'call_1','content':'1'},{'role':'tool','tool_call_id':'functions.g:1','content':[{'type':'text','text':'2'},{'type':'text','text':'3'}]},{'role':'user','content':'b'}]}",
      HEAD(OLD) "'messages':[{'role':'user','content':[{'type':'text','text':'a'}]},{'role':'assistant','content':[{'type':'tool_use','id':'call_1','name':'f','input':{'x': 1.50}},{'type':'tool_use','id':'psx_functions-2eg-3a1','name':'g','input':{}}]},{'role':'user','content':[{'type':'tool_result','tool_use_id':'call_1','content':'1'},{'type':'tool_result','tool_use_id':'psx_functions-2eg-3a1','content':[{'type':'text','text':'2'},{'type':'text','text':'3'}]},{'type':'text','text':'b'}]}]}", "empty text, tool call id", NULL, NULL },
    { "arguments that are no object", OLD, IN "'messages':[{'role':'user','content':'a'},{'role':'assistant','tool_calls':[{'id':'1','type':'function','function':{'name':'f','arguments':'{\\'x\\':'}},{'id':'2','type':'function','function':{'name':'f','arguments':'[1]'}}]}]}",
      HEAD(OLD) "'messages':[{'role':'user','content':[{'type':'text','text':'a'}]},{'role':'assistant','content':[{'type':'tool_use','id':'1','name':'f','input':{'input':'{\\'x\\':'}},{'type':'tool_use','id':'2','name':'f','input':{'input':[1]}}]}]}", "tool arguments", NULL, NULL },
    { "thinking back, byte for byte", NEW, IN "'messages':[{'role':'user','content':'a'},{'role':'assistant','content':'t','reasoning_content':'x\\u00e9','thinking_blocks':[{'type':'thinking','thinking':'x\\u00e9','signature':'c2ln','index':0},{'type':'redacted_thinking','data':'ZGF0','index':1}]},{'role':'user','content':'b'}]}",
      HEAD(NEW) "'messages':[{'role':'user','content':[{'type':'text','text':'a'}]},{'role':'assistant','content':[{'type':'thinking','thinking':'x\\u00e9','signature':'c2ln'},{'type':'redacted_thinking','data':'ZGF0'},{'type':'text','text':'t'}]},{'role':'user','content':[{'type':'text','text':'b'}]}]}", NULL, NULL, NULL },
    { "thinking back as details", NEW, IN "'messages':[{'role':'user','content':'a'},{'role':'assistant','content':'t','reasoning':'x','reasoning_details':[{'type':'reasoning.text','text':'x','signature':'c2ln','format':'anthropic-claude-v1','index':0},{'type':'reasoning.encrypted','data':'eA==','format':'openai-responses-v1'}]},{'role':'user','content':'b'}]}",
      HEAD(NEW) "'messages':[{'role':'user','content':[{'type':'text','text':'a'}]},{'role':'assistant','content':[{'type':'thinking','thinking':'x','signature':'c2ln'},{'type':'text','text':'t'}]},{'role':'user','content':[{'type':'text','text':'b'}]}]}", NULL, "thinking blocks", NULL },
    { "unsigned thinking", NEW, IN "'messages':[{'role':'user','content':'a'},{'role':'assistant','content':'t','reasoning_content':'x'},{'role':'user','content':'b'}]}",
      HEAD(NEW) "'messages':[{'role':'user','content':[{'type':'text','text':'a'}]},{'role':'assistant','content':[{'type':'text','text':'t'}]},{'role':'user','content':[{'type':'text','text':'b'}]}]}", NULL, "unsigned thinking", NULL },
    { "old functions", OLD, IN "'functions':[{'name':'f'}],'function_call':{'name':'f'},'messages':[{'role':'user','content':'a'},{'role':'assistant','content':null,'function_call':{'name':'f','arguments':'{}'}},{'role':'function','name':'f','content':'1'}]}",
      HEAD(OLD) "'tools':[{'name':'f','input_schema':{'type':'object','properties':{}}}],'tool_choice':{'type':'tool','name':'f'},'messages':[{'role':'user','content':[{'type':'text','text':'a'}]},{'role':'assistant','content':[{'type':'tool_use','id':'call_b6b948e1c73a09600c4f02b3','name':'f','input':{}}]},{'role':'user','content':[{'type':'tool_result','tool_use_id':'call_b6b948e1c73a09600c4f02b3','content':'1'}]}]}", NULL, NULL, NULL },
};

static const struct request_case media[] = {
    { "images", OLD, IN "'messages':[{'role':'user','content':[{'type':'image_url','image_url':{'url':'data:image/jpg;base64,AA\\/+','detail':'high'}},{'type':'image_url','image_url':{'url':'https://x.example/a.png'}}]}]}",
      HEAD(OLD) "'messages':[{'role':'user','content':[{'type':'image','source':{'type':'base64','media_type':'image/jpeg','data':'AA\\/+'}},{'type':'image','source':{'type':'url','url':'https://x.example/a.png'}}]}]}", NULL, "image detail", NULL },
    { "files", OLD, IN "'messages':[{'role':'user','content':[{'type':'file','file':{'filename':'a.pdf','file_data':'data:application/pdf;base64,JVBE'}},{'type':'file','file':{'filename':'b.txt','file_data':'aGkgIsOpIg=='}}]}]}",
      HEAD(OLD) "'messages':[{'role':'user','content':[{'type':'document','source':{'type':'base64','media_type':'application/pdf','data':'JVBE'},'title':'a.pdf'},{'type':'document','source':{'type':'text','media_type':'text/plain','data':'hi \\'\xC3\xA9\\''},'title':'b.txt'}]}]}", NULL, NULL, NULL },
    { "what cannot be sent", OLD, IN "'modalities':['text','audio'],'messages':[{'role':'user','content':[{'type':'text','text':'hi'},{'type':'input_audio','input_audio':{'data':'AA','format':'wav'}},{'type':'file','file':{'file_id':'file-1'}},{'type':'image_url','image_url':{'url':'data:image/bmp;base64,AA'}},{'type':'video_url','video_url':{}}]}]}",
      HEAD(OLD) ONE_OUT "}", NULL, "modalities", "image, document, audio, file id, other content" },
    { "marks", OLD, IN "'messages':[{'role':'system','content':[{'type':'text','text':'s','cache_control':{'type':'ephemeral','ttl':'1h'}}]},{'role':'user','content':[{'type':'text','text':'hi','prompt_cache_breakpoint':{'mode':'explicit','ttl':'30m'}}]},{'role':'assistant','content':'x','cache_control':{'type':'ephemeral'}},{'role':'user','content':'y'}]}",
      HEAD(OLD) "'system':[{'type':'text','text':'s','cache_control':{'type':'ephemeral','ttl':'1h'}}],'messages':[{'role':'user','content':[{'type':'text','text':'hi','cache_control':{'type':'ephemeral','ttl':'1h'}}]},{'role':'assistant','content':[{'type':'text','text':'x','cache_control':{'type':'ephemeral'}}]},{'role':'user','content':[{'type':'text','text':'y'}]}]}", "cache ttl", NULL, NULL },
    { "too many marks", OLD, IN "'cache_control':{'type':'ephemeral'},'messages':[{'role':'user','content':[{'type':'text','text':'1','cache_control':{}},{'type':'text','text':'2','cache_control':{}},{'type':'text','text':'3','cache_control':{}},{'type':'text','text':'4','cache_control':{'ttl':'1h'}}]}]}",
      HEAD(OLD) "'messages':[{'role':'user','content':[{'type':'text','text':'1'},{'type':'text','text':'2','cache_control':{'type':'ephemeral'}},{'type':'text','text':'3','cache_control':{'type':'ephemeral'}},{'type':'text','text':'4','cache_control':{'type':'ephemeral'}}]}],'cache_control':{'type':'ephemeral'}}", "cache ttl", "cache marks", NULL },
};

static const struct request_case tools[] = {
    { "schemas", OLD, IN "'tools':[{'type':'function','function':{'name':'a'}},{'type':'function','function':{'name':'b','description':'d','parameters':{}}},{'type':'function','function':{'name':'c','parameters':{ 'properties':{'x':{'type':'number'}}}}},{'type':'function','function':{'name':'d','strict':true,'parameters':{'type':'object','properties':{'minimum':{'type':'integer','minimum':1,'description':'n'}}}},'cache_control':{'type':'ephemeral'}}],'tool_choice':'required','parallel_tool_calls':false," ONE "}",
      HEAD(OLD) "'tools':[{'name':'a','input_schema':{'type':'object','properties':{}}},{'name':'b','description':'d','input_schema':{'type':'object'}},{'name':'c','input_schema':{'type':'object','properties':{'x':{'type':'number'}}}},{'name':'d','input_schema':{'type':'object','properties':{'minimum':{'type':'integer','description':'n (minimum: 1)'}},'additionalProperties':false},'strict':true,'cache_control':{'type':'ephemeral'}}],'tool_choice':{'type':'any','disable_parallel_tool_use':true}," ONE_OUT "}", "json_schema keywords", NULL, NULL },
    { "forced where it cannot be", NEWEST, IN "'tools':[{'type':'function','function':{'name':'a'}}],'tool_choice':{'type':'function','function':{'name':'a'}}," ONE "}",
      HEAD(NEWEST) "'tools':[{'name':'a','input_schema':{'type':'object','properties':{}}}],'tool_choice':{'type':'auto'}," ONE_OUT "}", NULL, "tool_choice", NULL },
    { "allowed tools", OLD, IN "'tools':[{'type':'function','function':{'name':'a'}},{'type':'function','function':{'name':'b'}}],'tool_choice':{'type':'allowed_tools','allowed_tools':{'mode':'required','tools':[{'type':'function','function':{'name':'b'}}]}}," ONE "}",
      HEAD(OLD) "'tools':[{'name':'b','input_schema':{'type':'object','properties':{}}}],'tool_choice':{'type':'any'}," ONE_OUT "}", "allowed_tools", NULL, NULL },
    { "custom, server, long and odd names", OLD, IN "'tools':[{'type':'custom','custom':{'name':'c','format':{'type':'grammar'}}},{'type':'openrouter:web_search'},{'type':'function','function':{'name':'mcp.server/a_tool'}}]," ONE "}",
      HEAD(OLD) "'tools':[{'name':'c','input_schema':{'type':'object','properties':{'input':{'type':'string'}},'required':['input']}},{'name':'mcp_server_a_tool_e9216f6e','input_schema':{'type':'object','properties':{}}}]," ONE_OUT "}", "custom tools, tool name", "server tools, custom tool format", NULL },
    { "one at a time, without a choice", OLD, IN "'tools':[{'type':'function','function':{'name':'a'}}],'parallel_tool_calls':false," ONE "}",
      HEAD(OLD) "'tools':[{'name':'a','input_schema':{'type':'object','properties':{}}}],'tool_choice':{'type':'auto','disable_parallel_tool_use':true}," ONE_OUT "}", NULL, NULL, NULL },
    { "choice without tools", OLD, IN "'tool_choice':'none','parallel_tool_calls':true," ONE "}", HEAD(OLD) ONE_OUT "}", NULL, NULL, NULL },
};

static const struct request_case settings[] = {
    { "sampling, old", OLD, IN "'temperature':1.50,'top_p':0.9,'top_k':4,'n':1,'seed':7,'frequency_penalty':0,'presence_penalty':0.5,'logprobs':false,'logit_bias':{}," ONE "}",
      HEAD(OLD) ONE_OUT ",'temperature':1,'top_k':4}", "temperature", "top_p, presence_penalty, seed", NULL },
    { "sampling, new; many choices", NEW, IN "'temperature':0.2,'top_p':1,'n':2,'logprobs':true,'top_logprobs':3," ONE "}",
      HEAD(NEW) ONE_OUT "}", NULL, "temperature, top_p, logprobs, top_logprobs", "n" },
    { "stops, user, the rest", OLD, IN "'stop':['a','\\n','b'],'user':'u','service_tier':'flex','store':true,'metadata':{'k':'v'},'stream':true,'stream_options':{'include_usage':true}," ONE "}",
      HEAD(OLD) ONE_OUT ",'stop_sequences':['a','b'],'metadata':{'user_id':'u'},'stream':true}", NULL, "stop.blank, service_tier, store, metadata", NULL },
    { "unknown members below", OLD, IN "'messages':[{'role':'user','content':[{'type':'text','text':'hi','weight':1}],'x':2}]}",
      HEAD(OLD) ONE_OUT "}", NULL, "messages[].x, messages[].content[].weight", NULL },
    { "schema", NEW, IN "'response_format':{'type':'json_schema','json_schema':{'name':'n','strict':true,'schema':{'type':'object','properties':{'a':{'type':'string','maxLength':3},'b':{'anyOf':[{'type':'null'},{'type':'object'}]}}}}}," ONE "}",
      HEAD(NEW) ONE_OUT ",'output_config':{'format':{'type':'json_schema','schema':{'type':'object','properties':{'a':{'type':'string','description':'(maxLength: 3)'},'b':{'anyOf':[{'type':'null'},{'type':'object','additionalProperties':false}]}},'additionalProperties':false}}}}", "json_schema keywords", NULL, NULL },
    { "schema as a tool", "claude-opus-4-1", IN "'response_format':{'type':'json_schema','json_schema':{'name':'n','schema':{'type':'object'}}}," ONE "}",
      HEAD("claude-opus-4-1") "'tools':[{'name':'json','description':'Give the answer.','input_schema':{'type':'object'}}],'tool_choice':{'type':'tool','name':'json'}," ONE_OUT "}", "response_format", NULL, NULL },
    { "json", OLD, IN "'response_format':{'type':'json_object'}," ONE "}",
      HEAD(OLD) "'system':[{'type':'text','text':'Answer with one JSON object and nothing else: no prose, no code fence.'}]," ONE_OUT "}", "response_format", NULL, NULL },
};

#define BUDGET "{'max_tokens':20000,"
static const struct request_case reasoning[] = {
    { "effort as budget", OLD, BUDGET "'reasoning_effort':'high','temperature':0.5," ONE "}",
      "{'model':'" OLD "','max_tokens':20000," ONE_OUT ",'thinking':{'type':'enabled','budget_tokens':8192}}", NULL, "temperature", NULL },
    { "budget over the maximum", OLD, "{'max_tokens':4000,'reasoning':{'max_tokens':9000}," ONE "}",
      "{'model':'" OLD "','max_tokens':4000," ONE_OUT ",'thinking':{'type':'enabled','budget_tokens':3999}}", "reasoning", NULL, NULL },
    { "an effort of nobody", "claude-opus-4-6", IN "'reasoning_effort':'extreme'," ONE "}", HEAD("claude-opus-4-6") ONE_OUT ",'thinking':{'type':'adaptive'}}", NULL, "reasoning", NULL },
    { "no room for a budget", OLD, IN "'reasoning_effort':'low'," ONE "}", HEAD(OLD) ONE_OUT "}", NULL, "reasoning", NULL },
    { "no thinking before results", OLD, BUDGET "'reasoning_effort':'low','messages':[{'role':'user','content':'a'},{'role':'assistant','tool_calls':[{'id':'1','type':'function','function':{'name':'f','arguments':'{}'}}]},{'role':'tool','tool_call_id':'1','content':'x'}]}",
      "{'model':'" OLD "','max_tokens':20000,'messages':[{'role':'user','content':[{'type':'text','text':'a'}]},{'role':'assistant','content':[{'type':'tool_use','id':'1','name':'f','input':{}}]},{'role':'user','content':[{'type':'tool_result','tool_use_id':'1','content':'x'}]}]}", NULL, "reasoning", NULL },
    { "adaptive", NEW, IN "'reasoning_effort':'minimal'," ONE "}", HEAD(NEW) ONE_OUT ",'thinking':{'type':'adaptive','display':'summarized'},'output_config':{'effort':'low'}}", "reasoning", NULL, NULL },
    { "adaptive, xhigh", NEW, IN "'reasoning_effort':'xhigh'," ONE "}", HEAD(NEW) ONE_OUT ",'thinking':{'type':'adaptive','display':'summarized'},'output_config':{'effort':'xhigh'}}", NULL, NULL, NULL },
    { "budget by effort", NEW, IN "'thinking':{'type':'enabled','budget_tokens':5000}," ONE "}", HEAD(NEW) ONE_OUT ",'thinking':{'type':'adaptive','display':'summarized'},'output_config':{'effort':'medium'}}", "reasoning", NULL, NULL },
    { "off", NEW, IN "'reasoning_effort':'none'," ONE "}", HEAD(NEW) ONE_OUT ",'thinking':{'type':'disabled'}}", NULL, NULL, NULL },
    { "off where it is always on", NEWEST, IN "'reasoning_effort':'none'," ONE "}", HEAD(NEWEST) ONE_OUT ",'output_config':{'effort':'low'}}", "reasoning", NULL, NULL },
    { "off, between tools", "claude-sonnet-5-5", IN "'reasoning_effort':'none'," ONE "}", HEAD("claude-sonnet-5-5") ONE_OUT ",'thinking':{'type':'between_tools'}}", NULL, NULL, NULL },
    { "no such thing", "claude-3-haiku-20240307", IN "'reasoning_effort':'high'," ONE "}", HEAD("claude-3-haiku-20240307") ONE_OUT "}", NULL, "reasoning", NULL },
};

static const struct fault_case faults[] = {
    { "{}", "messages" },
    { "{'messages':{}}", "messages" },
    { "{'messages':[1]}", "messages[0]" },
    { "{'messages':[{'content':'x'}]}", "messages[0]" },
    { "{'messages':[{'role':'boss','content':'x'}]}", "messages[0].role" },
    { "{'messages':[{'role':'user','content':7}]}", "messages[0].content" },
    { "{'messages':[{'role':'user','content':[{'text':'x'}]}]}", "messages[0].content[0]" },
    { "{'messages':[{'role':'user','content':[{'type':'image_url','image_url':{}}]}]}", "messages[0].content[0].image_url" },
    { "{'messages':[{'role':'tool','content':'x'}]}", "messages[0]" },
    { "{'messages':[{'role':'assistant','tool_calls':[{}]}]}", "messages[0].tool_calls[0]" },
    { "{'messages':[],'tools':[{'type':'function','function':{}}]}", "tools[0].function" },
    { "{'messages':[],'tool_choice':'maybe'}", "tool_choice" },
    { "{'messages':[],'max_tokens':-1}", "max_tokens" },
    { "{'messages':[],'stop':[1]}", "stop[0]" },
    { "{'messages':[],'temperature':'hot'}", "temperature" },
};
/* clang-format on */

#define ALL(table)                                                            \
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)               \
        CU_ASSERT(check_case(&table[i], DIALECT_OPENAI_CHAT,                  \
                             DIALECT_ANTHROPIC))

static void maps_turns(void)
{
    ALL(turns);
}

static void maps_media_and_marks(void)
{
    ALL(media);
}

static void maps_tools(void)
{
    ALL(tools);
}

static void maps_settings(void)
{
    ALL(settings);
}

static void maps_reasoning(void)
{
    ALL(reasoning);
}

static void refuses_what_is_wrong(void)
{
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++)
        CU_ASSERT(check_fault(&faults[i], DIALECT_OPENAI_CHAT));
}

UNIT_MAIN("codec_to_anthropic", { "maps turns", maps_turns },
          { "maps media and marks", maps_media_and_marks },
          { "maps tools", maps_tools }, { "maps settings", maps_settings },
          { "maps reasoning", maps_reasoning },
          { "refuses what is wrong, with its path", refuses_what_is_wrong })

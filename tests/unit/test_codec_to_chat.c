/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Anthropic requests as OpenAI chat's: each row of the mapping. */
#include "codec_requests.h"

#define ONE "'messages':[{'role':'user','content':'hi'}]"
#define GPT "gpt-4o"
#define REASON "gpt-5.2"
#define LLAMA "llama-3.3-70b"
#define IN "{'max_tokens':99,"
#define HEAD(m) "{'model':'" m "',"
#define MAX "'max_completion_tokens':99"

/* clang-format off */
static const struct request_case turns[] = {
    { "plain", GPT, IN ONE "}", HEAD(GPT) ONE "," MAX "}", NULL, NULL, NULL },
    { "plain, compatible", LLAMA, IN ONE "}", HEAD(LLAMA) ONE ",'max_tokens':99}", NULL, NULL, NULL },
    { "system", GPT, IN "'system':'be'," ONE "}", HEAD(GPT) "'messages':[{'role':'system','content':'be'},{'role':'user','content':'hi'}]," MAX "}", NULL, NULL, NULL },
    { "system of no blocks", GPT, IN "'system':[]," ONE "}", HEAD(GPT) ONE "," MAX "}", NULL, NULL, NULL },
    { "system blocks, developer", REASON, IN "'system':[{'type':'text','text':'a'},{'type':'text','text':'b','cache_control':{'type':'ephemeral'}}]," ONE "}",
      HEAD(REASON) "'messages':[{'role':'developer','content':[{'type':'text','text':'a'},{'type':'text','text':'b'}]},{'role':'user','content':'hi'}]," MAX "}", NULL, "cache marks", NULL },
    { "calls and results", GPT, IN "'messages':[{'role':'user','content':'a'},{'role':'assistant','content':[{'type':'text','text':'t'},{'type':'tool_use','id':'toolu_1','name':'f','input':{'x': 1.50}},{'type':'tool_use','id':'psx_functions-2eg-3a1','name':'g','input':{}}]},{'role':'user','content':[{'type':'tool_result','tool_use_id':'toolu_1','content':'1'},{'type':'tool_result','tool_use_id':'psx_functions-2eg-3a1','content':[{'type':'text','text':'2'},{'type':'text','text':'3'}]},{'type':'text','text':'b'}]}]}",
      HEAD(GPT) "'messages':[{'role':'user','content':'a'},{'role':'assistant','content':'t','tool_calls':[{'id':'toolu_1','type':'function','function':{'name':'f','arguments':'{\\'x\\': 1.50}'}},{'id':'functions.g:1','type':'function','function':{'name':'g','arguments':'{}'}}]},{'role':'tool','tool_call_id':'toolu_1','content':'1'},{'role':'tool','tool_call_id':'functions.g:1','content':[{'type':'text','text':'2'},{'type':'text','text':'3'}]},{'role':'user','content':'b'}]," MAX "}", NULL, NULL, NULL },
    { "errors, images in results", GPT, IN "'messages':[{'role':'assistant','content':[{'type':'tool_use','id':'1','name':'f','input':{}},{'type':'tool_use','id':'2','name':'f','input':{}}]},{'role':'user','content':[{'type':'tool_result','tool_use_id':'1','is_error':true,'content':'bad'},{'type':'tool_result','tool_use_id':'2','content':[{'type':'image','source':{'type':'base64','media_type':'image/png','data':'AA=='}}]},{'type':'text','text':'see'}]}]}",
      HEAD(GPT) "'messages':[{'role':'assistant','content':null,'tool_calls':[{'id':'1','type':'function','function':{'name':'f','arguments':'{}'}},{'id':'2','type':'function','function':{'name':'f','arguments':'{}'}}]},{'role':'tool','tool_call_id':'1','content':'Error: bad'},{'role':'tool','tool_call_id':'2','content':'(see the next user message)'},{'role':'user','content':[{'type':'image_url','image_url':{'url':'data:image/png;base64,AA=='}},{'type':'text','text':'see'}]}]," MAX "}", "is_error, media in tool results", NULL, NULL },
    { "missing result", GPT, IN "'messages':[{'role':'assistant','content':[{'type':'tool_use','id':'1','name':'f','input':{}}]},{'role':'user','content':'stop'}]}",
      HEAD(GPT) "'messages':[{'role':'assistant','content':null,'tool_calls':[{'id':'1','type':'function','function':{'name':'f','arguments':'{}'}}]},{'role':'tool','tool_call_id':'1','content':'[no result]'},{'role':'user','content':'stop'}]," MAX "}", "missing tool results", NULL, NULL },
    { "thinking", GPT, IN "'messages':[{'role':'user','content':'a'},{'role':'assistant','content':[{'type':'thinking','thinking':'x','signature':'s'},{'type':'text','text':'t'}]},{'role':'user','content':'b'}]}",
      HEAD(GPT) "'messages':[{'role':'user','content':'a'},{'role':'assistant','content':'t'},{'role':'user','content':'b'}]," MAX "}", NULL, "thinking blocks", NULL },
    { "thinking of nobody", GPT, IN "'messages':[{'role':'user','content':'a'},{'role':'assistant','content':[{'type':'thinking','thinking':'x','signature':''},{'type':'text','text':'t'}]},{'role':'user','content':'b'}]}",
      HEAD(GPT) "'messages':[{'role':'user','content':'a'},{'role':'assistant','content':'t'},{'role':'user','content':'b'}]," MAX "}", NULL, "unsigned thinking", NULL },
    { "thinking, where it is wanted", "deepseek-v4-pro", IN "'messages':[{'role':'user','content':'a'},{'role':'assistant','content':[{'type':'thinking','thinking':'x','signature':''},{'type':'tool_use','id':'1','name':'f','input':{}}]},{'role':'user','content':[{'type':'tool_result','tool_use_id':'1','content':'r'}]}]}",
      HEAD("deepseek-v4-pro") "'messages':[{'role':'user','content':'a'},{'role':'assistant','reasoning_content':'x','content':null,'tool_calls':[{'id':'1','type':'function','function':{'name':'f','arguments':'{}'}}]},{'role':'tool','tool_call_id':'1','content':'r'}],'max_tokens':99}", NULL, NULL, NULL },
    { "server tools", GPT, IN "'tools':[{'type':'web_search_20250305','name':'web_search'}],'messages':[{'role':'user','content':'a'},{'role':'assistant','content':[{'type':'server_tool_use','id':'srvtoolu_1','name':'web_search','input':{}},{'type':'web_search_tool_result','tool_use_id':'srvtoolu_1','content':[]},{'type':'text','text':'t'}]},{'role':'user','content':'b'}]}",
      HEAD(GPT) "'messages':[{'role':'user','content':'a'},{'role':'assistant','content':'t'},{'role':'user','content':'b'}]," MAX "}", NULL, "server tools, server tool blocks", NULL },
    { "ids of nine", "mistral-large-4", IN "'messages':[{'role':'assistant','content':[{'type':'tool_use','id':'toolu_1','name':'f','input':{}}]},{'role':'user','content':[{'type':'tool_result','tool_use_id':'toolu_1','content':'r'}]}]}",
      HEAD("mistral-large-4") "'messages':[{'role':'assistant','content':null,'tool_calls':[{'id':'DE8sQbilQ','type':'function','function':{'name':'f','arguments':'{}'}}]},{'role':'tool','tool_call_id':'DE8sQbilQ','content':'r'}],'max_tokens':99}", "tool call id", NULL, NULL },
};

static const struct request_case media[] = {
    { "images and documents", GPT, IN "'messages':[{'role':'user','content':[{'type':'image','source':{'type':'url','url':'https://x.example/a.png'}},{'type':'document','title':'a.pdf','source':{'type':'base64','media_type':'application/pdf','data':'JV\\/B'}},{'type':'document','context':'c','citations':{'enabled':true},'source':{'type':'text','media_type':'text/plain','data':'long'}}]}]}",
      HEAD(GPT) "'messages':[{'role':'user','content':[{'type':'image_url','image_url':{'url':'https://x.example/a.png'}},{'type':'file','file':{'filename':'a.pdf','file_data':'data:application/pdf;base64,JV\\/B'}},{'type':'text','text':'long'}]}]," MAX "}", NULL, "document, citations", NULL },
    { "what is text all the same", GPT, IN "'messages':[{'role':'user','content':[{'type':'search_result','source':'https://s','title':'t\\n','content':[{'type':'text','text':'found'}],'citations':{'enabled':true}},{'type':'document','title':'d','source':{'type':'content','content':[{'type':'text','text':'in'},{'type':'image','source':{'type':'url','url':'https://i'}}]}},{'type':'document','source':{'type':'content','content':'plain'}}]}]}",
      HEAD(GPT) "'messages':[{'role':'user','content':[{'type':'text','text':'t\\n (https://s)'},{'type':'text','text':'found'},{'type':'text','text':'d'},{'type':'text','text':'in'},{'type':'image_url','image_url':{'url':'https://i'}},{'type':'text','text':'plain'}]}]," MAX "}", NULL, "messages[].content[].citations", NULL },
    { "what cannot be sent", GPT, IN "'messages':[{'role':'user','content':[{'type':'text','text':'hi'},{'type':'document','source':{'type':'url','url':'https://x.example/a.pdf'}},{'type':'image','source':{'type':'file','file_id':'file_1'}},{'type':'hologram','x':1}]}],'thread':{'type':'create'}}",
      HEAD(GPT) "'messages':[{'role':'user','content':'hi'}]," MAX "}", NULL, "thread", "document, file id, thread, other content" },
    { "marks, where they are taken", "gpt-5.6", IN "'messages':[{'role':'user','content':[{'type':'text','text':'hi','cache_control':{'type':'ephemeral','ttl':'1h'}}]}],'tools':[{'name':'f','input_schema':{'type':'object'},'cache_control':{'type':'ephemeral'}}]}",
      HEAD("gpt-5.6") "'messages':[{'role':'user','content':[{'type':'text','text':'hi','prompt_cache_breakpoint':{'mode':'explicit'}}]}]," MAX ",'tools':[{'type':'function','function':{'name':'f','parameters':{'type':'object'}}}]}", "cache ttl", "cache marks", NULL },
};

static const struct request_case settings[] = {
    { "tools", GPT, IN "'tools':[{'name':'f','description':'d','input_schema':{'type':'object','properties':{}},'strict':true,'defer_loading':true},{'type':'custom','name':'a name','input_schema':{}}],'tool_choice':{'type':'tool','name':'a name','disable_parallel_tool_use':true}," ONE "}",
      HEAD(GPT) ONE "," MAX ",'tools':[{'type':'function','function':{'name':'f','description':'d','parameters':{'type':'object','properties':{}},'strict':true}},{'type':'function','function':{'name':'a_name_36e96c62','parameters':{}}}],'parallel_tool_calls':false,'tool_choice':{'type':'function','function':{'name':'a_name_36e96c62'}}}", "tool name", "tools[].defer_loading", NULL },
    { "choices", GPT, IN "'tools':[{'name':'f','input_schema':{}}],'tool_choice':{'type':'any'}," ONE "}",
      HEAD(GPT) ONE "," MAX ",'tools':[{'type':'function','function':{'name':'f','parameters':{}}}],'tool_choice':'required'}", NULL, NULL, NULL },
    { "sampling, stops, user, stream", GPT, IN "'temperature':0.70,'top_p':1e0,'top_k':5,'stop_sequences':['a','b','c','d','e'],'metadata':{'user_id':'u'},'service_tier':'standard_only','stream':true," ONE "}",
      HEAD(GPT) ONE "," MAX ",'temperature':0.70,'top_p':1e0,'stop':['a','b','c','d'],'user':'u','stream':true,'stream_options':{'include_usage':true}}", NULL, "top_k, stop, service_tier", NULL },
    { "sampling where there is none", REASON, IN "'temperature':1,'stop_sequences':['a']," ONE "}", HEAD(REASON) ONE "," MAX "}", NULL, "temperature, stop", NULL },
    { "a long user", GPT, IN "'metadata':{'user_id':'user_0123456789012345678901234567890123456789012345678901234567890123'}," ONE "}",
      HEAD(GPT) ONE "," MAX ",'user':'9fe7e5cd3f6bacb1525137f9a62125e3bb3f0f2e1f82f91fa329ff9e92d188b5'}", "user", NULL, NULL },
    { "schema", GPT, IN "'output_config':{'format':{'type':'json_schema','schema':{'type':'object'}}}," ONE "}",
      HEAD(GPT) ONE "," MAX ",'response_format':{'type':'json_schema','json_schema':{'name':'output','schema':{'type':'object'}}}}", NULL, NULL, NULL },
    { "fill the cache", GPT, "{'max_tokens':0," ONE "}", HEAD(GPT) ONE ",'max_completion_tokens':0}", NULL, NULL, "max_tokens" },
    { "adaptive", REASON, IN "'thinking':{'type':'adaptive'}," ONE "}", HEAD(REASON) ONE "," MAX ",'reasoning_effort':'high'}", "reasoning", NULL, NULL },
    { "effort", REASON, IN "'thinking':{'type':'adaptive'},'output_config':{'effort':'max'}," ONE "}", HEAD(REASON) ONE "," MAX ",'reasoning_effort':'xhigh'}", "reasoning", NULL, NULL },
    { "budget", REASON, IN "'thinking':{'type':'enabled','budget_tokens':5000}," ONE "}", HEAD(REASON) ONE "," MAX ",'reasoning_effort':'medium'}", "reasoning", NULL, NULL },
    { "off", REASON, IN "'thinking':{'type':'disabled'}," ONE "}", HEAD(REASON) ONE "," MAX ",'reasoning_effort':'none'}", "reasoning", NULL, NULL },
    { "no reasoning to ask for", GPT, IN "'thinking':{'type':'adaptive'}," ONE "}", HEAD(GPT) ONE "," MAX "}", NULL, "reasoning", NULL },
};

static const struct fault_case faults[] = {
    { "{}", "messages" },
    { "{'messages':[{'role':'user','content':[{'type':'text'}]}]}", "messages.0.content.0" },
    { "{'messages':[{'role':'tool','content':'x'}]}", "messages.0.role" },
    { "{'messages':[{'role':'user','content':[{'type':'tool_result'}]}]}", "messages.0.content.0" },
    { "{'messages':[{'role':'user','content':[{'type':'image','source':{'type':'base64','data':'x'}}]}]}", "messages.0.content.0.source" },
    { "{'messages':[],'tools':[{}]}", "tools.0" },
    { "{'messages':[],'tool_choice':{'type':'tool'}}", "tool_choice" },
    { "{'messages':[],'thinking':{'type':'deep'}}", "thinking.type" },
    { "{'messages':[],'output_format':{'type':'json_schema'}}", "output_format" },
    { "{'messages':[],'system':1}", "system" },
};
/* clang-format on */

#define ALL(table)                                                            \
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)               \
        CU_ASSERT(check_case(&table[i], DIALECT_ANTHROPIC,                    \
                             DIALECT_OPENAI_CHAT))

static void maps_turns(void)
{
    ALL(turns);
}

static void maps_media_and_marks(void)
{
    ALL(media);
}

static void maps_settings(void)
{
    ALL(settings);
}

static void refuses_what_is_wrong(void)
{
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++)
        CU_ASSERT(check_fault(&faults[i], DIALECT_ANTHROPIC));
}

/* What was sealed into a redacted block goes back to where it came from, and
 * only if it is JSON: it will stand in a body as it is. */
static void opens_seals(void)
{
    static const char sealed[] =
        "{\"max_tokens\":9,\"messages\":[{\"role\":\"user\",\"content\":"
        "\"a\"},{\"role\":\"assistant\",\"content\":[{\"type\":"
        "\"redacted_thinking\",\"data\":\"penstock.openai-chat.%s\"},"
        "{\"type\":\"text\",\"text\":\"t\"}]}]}";
    struct codec_target t = way_target(DIALECT_OPENAI_CHAT);
    struct way w;
    char body[512];

    t.reasoning_in = REASONING_IN_DETAILS;
    snprintf(body, sizeof body, sealed, "{\\\"data\\\":\\\"x\\\"}");
    CU_ASSERT(way_in(&w, DIALECT_ANTHROPIC, str_of(body)) == 0);
    CU_ASSERT(way_out(&w, DIALECT_OPENAI_CHAT, &t) == 0);
    CU_ASSERT(str_find(buf_str(&w.out), STR("\"reasoning_details\":[{\"data\""
                                            ":\"x\"}]")) > 0);
    t = way_target(DIALECT_ANTHROPIC);
    CU_ASSERT(way_out(&w, DIALECT_ANTHROPIC, &t) == 0);
    CU_ASSERT(str_find(buf_str(&w.out), STR("penstock.")) < 0);
    way_clear(&w);

    snprintf(body, sizeof body, sealed, "{}],\\\"model\\\":[{}");
    t = way_target(DIALECT_OPENAI_CHAT);
    t.reasoning_in = REASONING_IN_DETAILS;
    CU_ASSERT(way_in(&w, DIALECT_ANTHROPIC, str_of(body)) == 0);
    CU_ASSERT(way_out(&w, DIALECT_OPENAI_CHAT, &t) == 0);
    CU_ASSERT(str_find(buf_str(&w.out), STR("\"reasoning_details\":[{}]")) <
              0);
    way_clear(&w);
}

/* A thought's signature goes through a client that knows of none. */
static void carries_thought_signatures(void)
{
    static const char answer[] =
        "{\"id\":\"c\",\"model\":\"m\",\"choices\":[{\"message\":{"
        "\"tool_calls\":[{\"id\":\"1\",\"type\":\"function\","
        "\"function\":{\"name\":\"f\",\"arguments\":\"{}\"},"
        "\"extra_content\":{\"google\":{\"thought_signature\":"
        "\"U2ln\\/+==\"}}}]},\"finish_reason\":\"stop\"}]}";
    struct codec_target t = codec_target_of(DIALECT_OPENAI_CHAT,
                                            STR("gemini-4"));
    struct buf got = BUF_INIT(1 << 16), next = BUF_INIT(1 << 16);
    struct str content;
    ptrdiff_t at;
    struct way w;

    CU_ASSERT(run_through(DIALECT_OPENAI_CHAT, str_of(answer), 0,
                          DIALECT_ANTHROPIC, false, &got) == 0);
    at = str_find(buf_str(&got), STR("\"content\":["));
    content = (struct str){ got.p + at, (size_t)(
        str_find(buf_str(&got), STR(",\"stop_reason\"")) - at) };
    buf_printf(&next, "{\"messages\":[{\"role\":\"assistant\"," STR_FMT
               "},{\"role\":\"user\",\"content\":[{\"type\":"
               "\"tool_result\",\"tool_use_id\":\"1\"}]}]}",
               STR_ARG(content));
    CU_ASSERT_FATAL(way_in(&w, DIALECT_ANTHROPIC, buf_str(&next)) == 0);
    CU_ASSERT(way_out(&w, DIALECT_OPENAI_CHAT, &t) == 0);
    CU_ASSERT(str_find(buf_str(&w.out),
                       STR("\"extra_content\":{\"google\":{"
                           "\"thought_signature\":\"U2ln\\/+==\"}}")) >
              0);
    CU_ASSERT(!codec_any(&w.report, FATE_DROPPED));
    way_clear(&w);
    buf_clear(&got);
    buf_clear(&next);
}

/* Tools that the client runs are told to a model that never saw them; the
 * screen and what the provider runs are not. */
static void describes_typed_tools(void)
{
    static const char body[] =
        "{\"max_tokens\":9,\"messages\":[{\"role\":\"user\",\"content\":"
        "\"a\"}],\"tools\":[{\"type\":\"bash_20250124\",\"name\":"
        "\"bash\"},{\"type\":\"text_editor_20250728\",\"name\":"
        "\"str_replace_based_edit_tool\",\"max_characters\":9},{\"type\":"
        "\"memory_20250818\",\"name\":\"memory\"},{\"type\":"
        "\"computer_20250124\",\"name\":\"computer\"},{\"type\":"
        "\"web_search_20250305\",\"name\":\"web_search\"}],"
        "\"tool_choice\":{\"type\":\"tool\",\"name\":\"bash\"}}";
    static const char *const has[] = {
        "{\"name\":\"bash\",\"description\":\"Run a command",
        "{\"name\":\"str_replace_based_edit_tool\",\"description\":",
        "{\"name\":\"memory\",\"description\":",
        "\"tool_choice\":{\"type\":\"function\",\"function\":{\"name\":"
        "\"bash\"}}",
    };
    struct codec_target t = way_target(DIALECT_OPENAI_CHAT);
    struct json j = { 0 };
    struct way w;

    CU_ASSERT_FATAL(way_in(&w, DIALECT_ANTHROPIC, str_of(body)) == 0);
    CU_ASSERT(way_out(&w, DIALECT_OPENAI_CHAT, &t) == 0);
    for (size_t i = 0; i < sizeof has / sizeof has[0]; i++)
        CU_ASSERT(str_find(buf_str(&w.out), str_of(has[i])) > 0);
    CU_ASSERT(str_find(buf_str(&w.out), STR("computer")) < 0);
    CU_ASSERT(str_find(buf_str(&w.out), STR("web_search")) < 0);
    CU_ASSERT(codec_any(&w.report, FATE_DROPPED));
    CU_ASSERT(json_scan(&j, buf_str(&w.out), NULL, NULL) == 0);
    json_clear(&j);
    t = way_target(DIALECT_ANTHROPIC);
    CU_ASSERT(way_out(&w, DIALECT_ANTHROPIC, &t) == 0);
    CU_ASSERT(str_find(buf_str(&w.out), STR("\"tools\":[{\"type\":\"bash_"
                                            "20250124\",\"name\":\"bash\"},"
                                            )) > 0);
    way_clear(&w);
}

UNIT_MAIN("codec_to_chat", { "describes typed tools", describes_typed_tools },
          { "maps turns", maps_turns },
          { "maps media and marks", maps_media_and_marks },
          { "maps settings", maps_settings },
          { "refuses what is wrong, with its path", refuses_what_is_wrong },
          { "opens seals", opens_seals },
          { "carries thought signatures", carries_thought_signatures })

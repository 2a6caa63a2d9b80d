/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Streams from one dialect into the other, event by event. */
#include "codec_short.h"

/* clang-format off */
#define TEXT0 "B0{'type':'text','text':''}\n"
#define USE(i, id) "B" i "{'type':'tool_use','id':'" id "','name':'f','input':{}}\n"
#define JSON_D(i, s) "d" i "{'type':'input_json_delta','partial_json':'" s "'}\n"
#define NO_USAGE "{'input_tokens':0,'cache_creation_input_tokens':0,'cache_read_input_tokens':0,'output_tokens':0}"
#define SOME_USAGE "{'input_tokens':6,'cache_creation_input_tokens':0,'cache_read_input_tokens':4,'output_tokens':5}"
#define USED "{'prompt_tokens':10,'completion_tokens':5,'total_tokens':15,'prompt_tokens_details':{'cached_tokens':4}}"
#define END_TURN(u) "M{'stop_reason':'end_turn','stop_sequence':null}" u "\nX"
#define TOOL_USE(u) "M{'stop_reason':'tool_use','stop_sequence':null}" u "\nX"
#define ROLE "D{'role':'assistant','content':'','refusal':null}\n"
#define CALL(i, id, args) "D{'tool_calls':[{'index':" i ",'id':'" id "','function':{'name':'f','arguments':'" args "'}}]}\n"
#define ARGS(i, args) "D{'tool_calls':[{'index':" i ",'function':{'arguments':'" args "'}}]}\n"

#define NAMED(i, name, args) "D{'tool_calls':[{'index':" i ",'function':{'name':" name ",'arguments':'" args "'}}]}\n"
#define ONE_CALL "S\n" USE("0", "t1") JSON_D("0", "{\\'x\\'") JSON_D("0", ":1}") "E0\n" TOOL_USE(NO_USAGE)

static const struct stream_case to_anthropic[] = {
    { "text, usage behind the finish",
      "D{'role':'assistant','content':''}\nD{'content':'Hel'}\nD{'content':'lo'}\nF stop\nU" USED "\nDONE",
      "S\n" TEXT0 "d0{'type':'text_delta','text':'Hel'}\nd0{'type':'text_delta','text':'lo'}\nE0\n" END_TURN(SOME_USAGE) },
    { "usage in the finish chunk, then again",
      "D{'content':'a'}\n{'id':'c','model':'m','choices':[{'index':0,'delta':{},'finish_reason':'stop'}],'usage':" USED "}\nU" USED "\nDONE",
      "S\n" TEXT0 "d0{'type':'text_delta','text':'a'}\nE0\n" END_TURN(SOME_USAGE) },
    { "usage in every chunk: the last wins",
      "{'id':'c','model':'m','choices':[{'index':0,'delta':{'content':'a'}}],'usage':{'prompt_tokens':10,'completion_tokens':1}}\n{'id':'c','model':'m','choices':[{'index':0,'delta':{},'finish_reason':'stop'}],'usage':" USED "}\nDONE",
      "S\n" TEXT0 "d0{'type':'text_delta','text':'a'}\nE0\n" END_TURN(SOME_USAGE) },
    { "no usage, no [DONE]", "D{'content':'a'}\nF stop", "S\n" TEXT0 "d0{'type':'text_delta','text':'a'}\nE0\n" END_TURN(NO_USAGE) },
    { "a first chunk without choices", "{'id':'','model':'','choices':[],'prompt_filter_results':[]}\nD{'content':'a'}\nF stop\nDONE",
      "S\n" TEXT0 "d0{'type':'text_delta','text':'a'}\nE0\n" END_TURN(NO_USAGE) },
    { "nothing said", "D{'role':'assistant','content':''}\nF stop\nDONE", "S\n" END_TURN(NO_USAGE) },
    { "reasoning, then text", "D{'reasoning_content':'x'}\nD{'reasoning':'y'}\nD{'content':'a'}\nF stop\nDONE",
      "S\nB0{'type':'thinking','thinking':'','signature':''}\nd0{'type':'thinking_delta','thinking':'x'}\nd0{'type':'thinking_delta','thinking':'y'}\nd0{'type':'signature_delta','signature':'penstock.openai-chat.{}'}\nE0\nB1{'type':'text','text':''}\nd1{'type':'text_delta','text':'a'}\nE1\n" END_TURN(NO_USAGE) },
    { "details that another family signed", "D{'reasoning_details':[{'type':'reasoning.text','text':'x','format':'google-gemini-v1','index':0}]}\nD{'reasoning_details':[{'type':'reasoning.text','text':'y','format':'google-gemini-v1','index':0}]}\nD{'reasoning_details':[{'type':'reasoning.text','signature':'U2ln\\/+==','format':'google-gemini-v1','id':'r1','index':0}]}\nD{'content':'a'}\nF stop\nDONE",
      "S\nB0{'type':'thinking','thinking':'','signature':''}\nd0{'type':'thinking_delta','thinking':'x'}\nd0{'type':'thinking_delta','thinking':'y'}\nd0{'type':'signature_delta','signature':'penstock.openai-chat.{\\'type\\':\\'reasoning.text\\',\\'signature\\':\\'U2ln\\\\/+==\\',\\'format\\':\\'google-gemini-v1\\',\\'id\\':\\'r1\\',\\'index\\':0}'}\nE0\nB1{'type':'text','text':''}\nd1{'type':'text_delta','text':'a'}\nE1\n" END_TURN(NO_USAGE) },
    { "reasoning in tags, cut", "D{'content':'\\n<th'}\nD{'content':'ink>x < y <'}\nD{'content':'/thin'}\nD{'content':'k>\\n'}\nD{'content':'\\na <think>'}\nF stop\nDONE",
      "S\nB0{'type':'thinking','thinking':'','signature':''}\nd0{'type':'thinking_delta','thinking':'x < y '}\nd0{'type':'signature_delta','signature':'penstock.openai-chat.{}'}\nE0\nB1{'type':'text','text':''}\nd1{'type':'text_delta','text':'a <think>'}\nE1\n" END_TURN(NO_USAGE) },
    { "tags with escaped brackets, a call behind", "D{'content':'\\u003cthink\\u003Ex\\u003c/think\\u003e\\n'}\n" CALL("0", "t1", "{}") "F stop\nDONE",
      "S\nB0{'type':'thinking','thinking':'','signature':''}\nd0{'type':'thinking_delta','thinking':'x'}\nd0{'type':'signature_delta','signature':'penstock.openai-chat.{}'}\nE0\n" USE("1", "t1") JSON_D("1", "{}") "E1\n" TOOL_USE(NO_USAGE) },
    { "what begins like a tag", "D{'content':' <'}\nD{'content':'thin'}\nF stop\nDONE",
      "S\n" TEXT0 "d0{'type':'text_delta','text':' <thin'}\nE0\n" END_TURN(NO_USAGE) },
    { "a tag that is not closed", "D{'content':'<think>x</th'}\nF length\nDONE",
      "S\nB0{'type':'thinking','thinking':'','signature':''}\nd0{'type':'thinking_delta','thinking':'x'}\nd0{'type':'thinking_delta','thinking':'</th'}\nd0{'type':'signature_delta','signature':'penstock.openai-chat.{}'}\nE0\nM{'stop_reason':'max_tokens','stop_sequence':null}" NO_USAGE "\nX" },
    { "tags where reasoning has its member", "D{'reasoning':'r'}\nD{'content':'<think>a'}\nF stop\nDONE",
      "S\nB0{'type':'thinking','thinking':'','signature':''}\nd0{'type':'thinking_delta','thinking':'r'}\nd0{'type':'signature_delta','signature':'penstock.openai-chat.{}'}\nE0\nB1{'type':'text','text':''}\nd1{'type':'text_delta','text':'<think>a'}\nE1\n" END_TURN(NO_USAGE) },
    { "a call, its pieces, a wrong reason", CALL("0", "t1", "") ARGS("0", "{\\'x") ARGS("0", "\\':1}") "F stop\nDONE",
      "S\n" USE("0", "t1") JSON_D("0", "{\\'x") JSON_D("0", "\\':1}") "E0\n" TOOL_USE(NO_USAGE) },
    { "text and a call in one chunk", "D{'content':'a','tool_calls':[{'index':0,'id':'t1','function':{'name':'f','arguments':'{}'}}]}\nF tool_calls\nDONE",
      "S\n" TEXT0 "d0{'type':'text_delta','text':'a'}\nE0\n" USE("1", "t1") JSON_D("1", "{}") "E1\n" TOOL_USE(NO_USAGE) },
    { "no arguments", CALL("0", "t1", "") CALL("1", "t2", "") "F tool_calls\nDONE",
      "S\n" USE("0", "t1") JSON_D("0", "{}") "E0\n" USE("1", "t2") JSON_D("1", "{}") "E1\n" TOOL_USE(NO_USAGE) },
    { "interleaved calls", CALL("0", "t1", "{\\'a\\'") CALL("1", "t2", "{\\'b\\'") ARGS("0", ":1}") ARGS("1", ":2") ARGS("1", "}") "F tool_calls\nDONE",
      "S\n" USE("0", "t1") JSON_D("0", "{\\'a\\'") JSON_D("0", ":1}") "E0\n" USE("1", "t2") JSON_D("1", "{\\'b\\'") JSON_D("1", ":2") JSON_D("1", "}") "E1\n" TOOL_USE(NO_USAGE) },
    { "index always 0", CALL("0", "t1", "{}") CALL("0", "t2", "{\\'a\\':1}") "F tool_calls\nDONE",
      "S\n" USE("0", "t1") JSON_D("0", "{}") "E0\n" USE("1", "t2") JSON_D("1", "{\\'a\\':1}") "E1\n" TOOL_USE(NO_USAGE) },
    { "no index, no id", "D{'tool_calls':[{'function':{'name':'f','arguments':'{}'}}]}\nD{'tool_calls':[{'function':{'name':'f','arguments':'{}'}}]}\nF tool_calls\nDONE",
      "S\n" USE("0", "call_8b13fe05ca1b6c5179b7eeb3") JSON_D("0", "{}") "E0\n" USE("1", "call_de5c4bcaa8197360680614c2") JSON_D("1", "{}") "E1\n" TOOL_USE(NO_USAGE) },
    { "id and name in every piece", CALL("0", "t1", "{\\'x\\'") CALL("0", "t1", ":1}") CALL("0", "t1", "") "F tool_calls\nDONE",
      "S\n" USE("0", "t1") JSON_D("0", "{\\'x\\'") JSON_D("0", ":1}") "E0\n" TOOL_USE(NO_USAGE) },
    { "the name in every piece, the id in the first", CALL("0", "t1", "{\\'x\\'") NAMED("0", "'f'", ":1}") NAMED("0", "'f'", "") "F tool_calls\nDONE",
      ONE_CALL },
    { "and a blank behind the arguments", CALL("0", "t1", "{\\'x\\'") NAMED("0", "'f'", ":1}") NAMED("0", "'f'", "\\n ") "F tool_calls\nDONE",
      "S\n" USE("0", "t1") JSON_D("0", "{\\'x\\'") JSON_D("0", ":1}") JSON_D("0", "\\n ") "E0\n" TOOL_USE(NO_USAGE) },
    { "the same, where another call stands between", CALL("0", "t1", "{\\'x\\'") NAMED("0", "'f'", ":1}") CALL("1", "t2", "{}") NAMED("0", "'f'", "\\n") NAMED("1", "'f'", "") "F tool_calls\nDONE",
      "S\n" USE("0", "t1") JSON_D("0", "{\\'x\\'") JSON_D("0", ":1}") "E0\n" USE("1", "t2") JSON_D("1", "{}") "E1\n" TOOL_USE(NO_USAGE) },
    { "empty names behind the first", CALL("0", "t1", "{\\'x\\'") NAMED("0", "''", ":1}") NAMED("0", "null", "") "F tool_calls\nDONE",
      ONE_CALL },
    { "an empty name before it", NAMED("0", "''", "") NAMED("0", "null", "{\\'x\\'") CALL("0", "t1", ":1}") "F tool_calls\nDONE",
      ONE_CALL },
    { "a name in pieces: the first counts", CALL("0", "t1", "") NAMED("0", "'g'", "{\\'x\\'") NAMED("0", "'h'", ":1}") "F tool_calls\nDONE",
      ONE_CALL },
    { "text behind a call", CALL("0", "t1", "{}") "D{'content':'a'}\nF tool_calls\nDONE",
      "S\n" USE("0", "t1") JSON_D("0", "{}") "E0\nB1{'type':'text','text':''}\nd1{'type':'text_delta','text':'a'}\nE1\n" TOOL_USE(NO_USAGE) },
    { "text inside a call waits", CALL("0", "t1", "{") "D{'content':'a'}\n" ARGS("0", "}") "F tool_calls\nDONE",
      "S\n" USE("0", "t1") JSON_D("0", "{") JSON_D("0", "}") "E0\nB1{'type':'text','text':''}\nd1{'type':'text_delta','text':'a'}\nE1\n" TOOL_USE(NO_USAGE) },
    { "an odd id", CALL("0", "functions.f:0", "{}") "F tool_calls\nDONE", "S\n" USE("0", "psx_functions-2ef-3a0") JSON_D("0", "{}") "E0\n" TOOL_USE(NO_USAGE) },
    { "cut off in a call", CALL("0", "t1", "{\\'x") "F length\nDONE", "S\n" USE("0", "t1") JSON_D("0", "{\\'x") "E0\nM{'stop_reason':'max_tokens','stop_sequence':null}" NO_USAGE "\nX" },
    { "refused", "D{'refusal':'No.'}\nF content_filter\nDONE", "S\n" TEXT0 "d0{'type':'text_delta','text':'No.'}\nE0\nM{'stop_reason':'refusal','stop_sequence':null}" NO_USAGE "\nX" },
    { "refused, in chat's way", "D{'refusal':'No.'}\nF stop\nDONE", "S\n" TEXT0 "d0{'type':'text_delta','text':'No.'}\nE0\nM{'stop_reason':'refusal','stop_sequence':null}" NO_USAGE "\nX" },
    { "a pair of surrogates in two pieces", "D{'content':'a\\ud83d'}\nD{'content':'\\ude00b'}\nF stop\nDONE",
      "S\n" TEXT0 "d0{'type':'text_delta','text':'a'}\nd0{'type':'text_delta','text':'\\ud83d\\ude00b'}\nE0\n" END_TURN(NO_USAGE) },
    { "a second finish, text behind it", "D{'content':'a'}\nF stop\nD{'content':'b'}\nF length\nDONE",
      "S\n" TEXT0 "d0{'type':'text_delta','text':'a'}\nE0\n" END_TURN(NO_USAGE) },
    { "a reason behind each of several calls", CALL("0", "t1", "{}") "F tool_calls\n" CALL("1", "t2", "{") ARGS("1", "}") "F tool_calls\nDONE",
      "S\n" USE("0", "t1") JSON_D("0", "{}") "E0\n" USE("1", "t2") JSON_D("1", "{") JSON_D("1", "}") "E1\n" TOOL_USE(NO_USAGE) },
    { "members that are there for the form only", "D{'content':'a','function_call':{'name':'','arguments':''},'refusal':'','tool_calls':[]}\nF stop\nDONE",
      "S\n" TEXT0 "d0{'type':'text_delta','text':'a'}\nE0\n" END_TURN(NO_USAGE) },
    { "signed details", "D{'reasoning':'x','reasoning_details':[{'type':'reasoning.text','text':'x','format':'anthropic-claude-v1','index':0}]}\nD{'reasoning_details':[{'type':'reasoning.text','signature':'c2ln','format':'anthropic-claude-v1','index':0}]}\nD{'reasoning_details':[{'type':'reasoning.encrypted','data':'ZA==','format':'anthropic-claude-v1','index':1}]}\nF stop\nDONE",
      "S\nB0{'type':'thinking','thinking':'','signature':''}\nd0{'type':'thinking_delta','thinking':'x'}\nd0{'type':'signature_delta','signature':'c2ln'}\nE0\nB1{'type':'redacted_thinking','data':'ZA=='}\nE1\n" END_TURN(NO_USAGE) },
    { "what only that vendor can read is sealed in", "D{'reasoning_details':[{'type':'reasoning.encrypted','data':'ZA==','format':'x'}]}\nF stop\nDONE",
      "S\nB0{'type':'redacted_thinking','data':'penstock.openai-chat.{\\'type\\':\\'reasoning.encrypted\\',\\'data\\':\\'ZA==\\',\\'format\\':\\'x\\'}'}\nE0\n" END_TURN(NO_USAGE) },
    { "an error first", "{'error':{'message':'no','type':'insufficient_quota','code':'insufficient_quota'}}", "{'type':'error','error':{'type':'rate_limit_error','message':'no'}}" },
    { "an error later", "D{'content':'a'}\n{'error':{'message':'busy','code':503}}\nD{'content':'b'}\nDONE",
      "S\n" TEXT0 "d0{'type':'text_delta','text':'a'}\n{'type':'error','error':{'type':'overloaded_error','message':'busy'}}" },
    { "a reason that is an error", "D{'content':'a'}\nF error\nDONE",
      "S\n" TEXT0 "d0{'type':'text_delta','text':'a'}\n{'type':'error','error':{'type':'api_error','message':'The provider broke off its answer.'}}" },
    { "cut off", "D{'content':'a'}", "S\n" TEXT0 "d0{'type':'text_delta','text':'a'}\n{'type':'error','error':{'type':'api_error','message':'The provider closed the stream before the answer was finished.'}}" },
    { "other choices have no place", "{'id':'c','model':'m','choices':[{'index':1,'delta':{'content':'b'}},{'index':0,'delta':{'content':'a'}}]}\n{'id':'c','model':'m','choices':[{'index':1,'delta':{},'finish_reason':'stop'}]}\nF stop\nDONE",
      "S\n" TEXT0 "d0{'type':'text_delta','text':'a'}\nE0\n" END_TURN(NO_USAGE) },
};

#define U3 "U{'prompt_tokens':3,'completion_tokens':9,'total_tokens':12}\nDONE"
#define M9(reason) "M{'stop_reason':'" reason "','stop_sequence':null}{'output_tokens':9}\nX"
static const struct stream_case to_chat[] = {
    { "text", "S\nP\nB0{'type':'text','text':''}\nd0{'type':'text_delta','text':'Hel'}\nd0{'type':'text_delta','text':'lo'}\nE0\n" M9("end_turn"),
      ROLE "comment\nD{'content':'Hel'}\nD{'content':'lo'}\nF stop\n" U3 },
    { "two texts", "S\nB0{'type':'text','text':'a'}\nE0\nB1{'type':'text','text':'b'}\nE1\n" M9("stop_sequence"), ROLE "D{'content':'a'}\nD{'content':'b'}\nF stop\n" U3 },
    { "thinking, for reading and for sending back", "S\nB0{'type':'thinking','thinking':'','signature':''}\nd0{'type':'thinking_delta','thinking':'x'}\nd0{'type':'thinking_delta','thinking':'y'}\nd0{'type':'signature_delta','signature':'c2ln'}\nE0\nB1{'type':'redacted_thinking','data':'ZA=='}\nE1\n" M9("max_tokens"),
      ROLE "D{'reasoning_content':'x'}\nD{'reasoning_content':'y'}\nD{'thinking_blocks':[{'type':'thinking','thinking':'xy','signature':'c2ln','index':0}]}\nD{'thinking_blocks':[{'type':'redacted_thinking','data':'ZA==','index':1}]}\nF length\n" U3 },
    { "thinking that is not shown", "S\nB0{'type':'thinking','thinking':'','signature':''}\nd0{'type':'signature_delta','signature':'c2ln'}\nE0\n" M9("end_turn"),
      ROLE "D{'thinking_blocks':[{'type':'thinking','thinking':'','signature':'c2ln','index':0}]}\nF stop\n" U3 },
    { "calls", "S\n" USE("0", "t1") JSON_D("0", "") JSON_D("0", "{\\'x\\':") JSON_D("0", "1}") "E0\n" USE("1", "t2") JSON_D("1", "") "E1\n" M9("end_turn"),
      ROLE "D{'tool_calls':[{'index':0,'id':'t1','type':'function','function':{'name':'f','arguments':''}}]}\n" ARGS("0", "{\\'x\\':") ARGS("0", "1}") "D{'tool_calls':[{'index':1,'id':'t2','type':'function','function':{'name':'f','arguments':''}}]}\n" ARGS("1", "{}") "F tool_calls\n" U3 },
    { "input with the start", "S\nB0{'type':'tool_use','id':'t1','name':'f','input':{'x':1}}\nE0\n" M9("tool_use"),
      ROLE "D{'tool_calls':[{'index':0,'id':'t1','type':'function','function':{'name':'f','arguments':''}}]}\n" ARGS("0", "{\\'x\\':1}") "F tool_calls\n" U3 },
    { "the provider's own tools are not the client's", "S\nB0{'type':'server_tool_use','id':'s1','name':'web_search','input':{}}\n" JSON_D("0", "{\\'q\\':1}") "E0\nB1{'type':'web_search_tool_result','tool_use_id':'s1','content':[]}\nE1\nB2{'type':'text','text':''}\nd2{'type':'text_delta','text':'\xC3\xA9\\u00e9a'}\nd2{'type':'citations_delta','citation':{'type':'web_search_result_location','url':'https://x.example','title':'X'}}\nE2\n" M9("end_turn"),
      ROLE "D{'content':'\xC3\xA9\\u00e9a'}\nD{'annotations':[{'type':'url_citation','url_citation':{'url':'https://x.example','title':'X','start_index':0,'end_index':3},'index':0}]}\nF stop\n" U3 },
    { "refused, explained", "S\nM{'stop_reason':'refusal','stop_details':{'type':'refusal','explanation':'Because.'}}{'output_tokens':9}\nX", ROLE "D{'refusal':'Because.'}\nF content_filter\n" U3 },
    { "paused, full", "S\nB0{'type':'text','text':'a'}\nE0\n" M9("model_context_window_exceeded"), ROLE "D{'content':'a'}\nF length\n" U3 },
    { "an error first", "{'type':'error','error':{'type':'overloaded_error','message':'Overloaded'}}", "{'error':{'message':'Overloaded','type':'server_error','param':null,'code':'overloaded_error'}}" },
    { "an error later", "S\nB0{'type':'text','text':'a'}\n{'type':'error','error':{'type':'rate_limit_error','message':'slow'}}\n" M9("end_turn"),
      ROLE "D{'content':'a'}\n{'error':{'message':'slow','type':'rate_limit_error','param':null,'code':'rate_limit_error'}}" },
    { "cut behind the reason", "S\nB0{'type':'text','text':'a'}\nE0\nM{'stop_reason':'end_turn','stop_sequence':null}{'output_tokens':9}", ROLE "D{'content':'a'}\nF stop\n" U3 },
    { "what is new is passed over", "S\n{'type':'new_event'}\nB0{'type':'text','text':'a'}\nd0{'type':'new_delta'}\nE0\n" M9("end_turn"), ROLE "D{'content':'a'}\nF stop\n" U3 },
};
/* clang-format on */

static const struct codec_out_opts streamed = { .stream = true,
                                                .include_usage = true,
                                                .unique = { "u2", 2 } };

#define LENGTH(a) (sizeof(a) / sizeof(a)[0])

static void into_anthropic(void)
{
    for (size_t i = 0; i < LENGTH(to_anthropic); i++)
        CU_ASSERT(check_stream_case(&to_anthropic[i], DIALECT_OPENAI_CHAT,
                                    DIALECT_ANTHROPIC, &streamed));
}

static void into_chat(void)
{
    for (size_t i = 0; i < LENGTH(to_chat); i++)
        CU_ASSERT(check_stream_case(&to_chat[i], DIALECT_ANTHROPIC,
                                    DIALECT_OPENAI_CHAT, &streamed));
}

UNIT_MAIN("codec_stream", { "into Anthropic's", into_anthropic },
          { "into chat's", into_chat })

/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Requests as Cohere's v2 chat, and its answers as events. */
#include "codec_framed.h"
#include "codec_requests.h"

/* clang-format off */
#define ONE "'messages':[{'role':'user','content':'hi'}]"
#define CMD "command-r7b-12-2024"
#define REASON "command-a-reasoning-08-2025"
#define HEAD(m) "{'model':'" m "',"
#define END ",'stream':false}"
#define TOOL_F "{'type':'function','function':{'name':'f','parameters':{'type':'object'}}}"
#define TOOL_G "{'type':'function','function':{'name':'g','parameters':{'type':'object'}}}"
#define TOOLS "'tools':[" TOOL_F "," TOOL_G "]"

static const struct request_case chat[] = {
    { "plain", CMD, "{" ONE "}", HEAD(CMD) ONE END, NULL, NULL, NULL },
    { "streamed", CMD, "{'stream':true,'max_completion_tokens':9," ONE "}", HEAD(CMD) ONE ",'max_tokens':9,'stream':true}", NULL, NULL, NULL },
    { "settings", CMD, "{'temperature':0.30,'top_p':1,'seed':7,'presence_penalty':2,'frequency_penalty':-0.5,'stop':['a','b','c','d','e','f']," ONE "}",
      HEAD(CMD) ONE ",'temperature':0.30,'p':0.99,'presence_penalty':1,'seed':7,'stop_sequences':['a','b','c','d','e']" END, "top_p, presence_penalty", "frequency_penalty, stop", NULL },
    { "what it lacks", CMD, "{'n':2,'logprobs':true,'logit_bias':{'1':2},'user':'u','parallel_tool_calls':false,'store':true," TOOLS "," ONE "}",
      HEAD(CMD) ONE "," TOOLS END, NULL, "logprobs, logit_bias, user, parallel_tool_calls, store", "n" },
    { "roles and parts", CMD, "{'messages':[{'role':'developer','content':'be'},{'role':'user','content':[{'type':'text','text':'see'},{'type':'image_url','image_url':{'url':'data:image/png;base64,AA==','detail':'high'}},{'type':'image_url','image_url':{'url':'https://x.example/a.png'}}]}]}",
      HEAD(CMD) "'messages':[{'role':'system','content':'be'},{'role':'user','content':[{'type':'text','text':'see'},{'type':'image_url','image_url':{'url':'data:image/png;base64,AA==','detail':'high'}},{'type':'image_url','image_url':{'url':'https://x.example/a.png'}}]}]" END, NULL, NULL, NULL },
    { "calls and results", CMD, "{'messages':[{'role':'user','content':'a'},{'role':'assistant','content':null,'reasoning_content':'I will','tool_calls':[{'id':'c1','type':'function','function':{'name':'f','arguments':'{\\'x\\': 1.50}'}}]},{'role':'tool','tool_call_id':'c1','content':[{'type':'text','text':'1'},{'type':'text','text':'2'}]}]}",
      HEAD(CMD) "'messages':[{'role':'user','content':'a'},{'role':'assistant','tool_plan':'I will','tool_calls':[{'id':'c1','type':'function','function':{'name':'f','arguments':'{\\'x\\': 1.50}'}}]},{'role':'tool','tool_call_id':'c1','content':'1\\n\\n2'}]" END, NULL, NULL, NULL },
    { "thoughts of an answer", REASON, "{'messages':[{'role':'user','content':'a'},{'role':'assistant','content':'b','reasoning_content':'so'},{'role':'user','content':'c'}]}",
      HEAD(REASON) "'messages':[{'role':'user','content':'a'},{'role':'assistant','content':[{'type':'thinking','thinking':'so'},{'type':'text','text':'b'}]},{'role':'user','content':'c'}]" END, NULL, NULL, NULL },
    { "no tools", CMD, "{'tool_choice':'none'," TOOLS "," ONE "}", HEAD(CMD) ONE "," TOOLS ",'tool_choice':'NONE'" END, NULL, NULL, NULL },
    { "any tool", CMD, "{'tool_choice':'required'," TOOLS "," ONE "}", HEAD(CMD) ONE "," TOOLS ",'tool_choice':'REQUIRED'" END, NULL, NULL, NULL },
    { "one tool", CMD, "{'tool_choice':{'type':'function','function':{'name':'g'}}," TOOLS "," ONE "}", HEAD(CMD) ONE ",'tools':[" TOOL_G "],'tool_choice':'REQUIRED'" END, NULL, NULL, NULL },
    { "auto", CMD, "{'tool_choice':'auto'," TOOLS "," ONE "}", HEAD(CMD) ONE "," TOOLS END, NULL, NULL, NULL },
    { "json", CMD, "{'response_format':{'type':'json_object'}," ONE "}", HEAD(CMD) ONE ",'response_format':{'type':'json_object'}" END, NULL, NULL, NULL },
    { "schema", CMD, "{'response_format':{'type':'json_schema','json_schema':{'name':'n','schema':{'type':'object'}}}," ONE "}", HEAD(CMD) ONE ",'response_format':{'type':'json_object','json_schema':{'type':'object'}}" END, NULL, NULL, NULL },
    { "reasoning", REASON, "{'reasoning_effort':'low'," ONE "}", HEAD(REASON) ONE ",'thinking':{'type':'enabled','token_budget':1024}" END, "reasoning", NULL, NULL },
    { "reasoning, off", REASON, "{'reasoning_effort':'none'," ONE "}", HEAD(REASON) ONE ",'thinking':{'type':'disabled'}" END, NULL, NULL, NULL },
    { "none to ask for", CMD, "{'reasoning_effort':'low'," ONE "}", HEAD(CMD) ONE END, NULL, "reasoning", NULL },
};

static const struct request_case messages[] = {
    { "documents", CMD, "{'max_tokens':9,'top_k':5,'messages':[{'role':'user','content':[{'type':'document','title':'t','source':{'type':'text','media_type':'text/plain','data':'long'}},{'type':'text','text':'who?'}]}]}",
      HEAD(CMD) "'messages':[{'role':'user','content':'who?'}],'documents':[{'id':'doc:0','data':{'title':'t','text':'long'}}],'max_tokens':9,'k':5" END, "document", NULL, NULL },
    { "documents beside tools", CMD, "{'max_tokens':9,'tools':[{'name':'f','input_schema':{'type':'object'}}],'messages':[{'role':'user','content':[{'type':'document','source':{'type':'text','media_type':'text/plain','data':'long'}},{'type':'text','text':'who?'}]}]}",
      HEAD(CMD) "'messages':[{'role':'user','content':[{'type':'text','text':'long'},{'type':'text','text':'who?'}]}],'tools':[" TOOL_F "],'max_tokens':9" END, NULL, NULL, NULL },
    { "a budget", REASON, "{'max_tokens':9000,'thinking':{'type':'enabled','budget_tokens':5000}," ONE "}",
      HEAD(REASON) ONE ",'thinking':{'type':'enabled','token_budget':5000},'max_tokens':9000" END, NULL, NULL, NULL },
    { "what cannot be sent", CMD, "{'max_tokens':9,'messages':[{'role':'user','content':[{'type':'text','text':'hi'},{'type':'document','source':{'type':'base64','media_type':'application/pdf','data':'JV'}}]}]}",
      HEAD(CMD) "'messages':[{'role':'user','content':'hi'}],'max_tokens':9" END, NULL, NULL, "document" },
};

#define EV(type, rest) "event: " type "\ndata: {'type':'" type "'" rest "}\n\n"
#define START "event: message-start\ndata: {'id':'i','type':'message-start','delta':{'message':{'role':'assistant','content':[]}}}\n\n"
#define MSG(m) ",'delta':{'message':{" m "}}"
#define LAST(why) EV("message-end", ",'delta':{'finish_reason':'" why "','usage':{'billed_units':{'input_tokens':3,'output_tokens':2},'tokens':{'input_tokens':50,'output_tokens':4,'reasoning_tokens':1},'cached_tokens':40}}")
#define DONE "data: [DONE]\n\n"

static const struct { const char *name, *in, *out; } answers[] = {
    { "text", START EV("content-start", ",'index':0" MSG("'content':{'type':'text','text':''}")) EV("content-delta", ",'index':0" MSG("'content':{'text':'h'}")) EV("content-delta", ",'index':0" MSG("'content':{'text':'i'}")) EV("content-end", ",'index':0") LAST("COMPLETE") DONE,
      "text 'hi'\nend\nfinish 1\nend\nusage 10 40 0 4 1" },
    { "without a last word", START EV("content-delta", ",'index':0" MSG("'content':{'text':'h'}")) LAST("COMPLETE"), "text 'h'\nend\nfinish 1\nend\n" },
    { "thinking", START EV("content-start", ",'index':0" MSG("'content':{'type':'thinking','thinking':'s'}")) EV("content-delta", ",'index':0" MSG("'content':{'thinking':'o'}")) EV("content-end", ",'index':0") EV("content-start", ",'index':1" MSG("'content':{'type':'text','text':''}")) EV("content-delta", ",'index':1" MSG("'content':{'text':'h'}")) EV("content-end", ",'index':1") LAST("MAX_TOKENS") DONE,
      "thinking 'so'\nend\ntext 'h'\nend\nfinish 3" },
    { "a plan and calls", START EV("tool-plan-delta", MSG("'tool_plan':'I '")) EV("tool-plan-delta", MSG("'tool_plan':'will'")) EV("tool-call-start", ",'index':0" MSG("'tool_calls':{'id':'c1','type':'function','function':{'name':'f','arguments':''}}")) EV("tool-call-delta", ",'index':0" MSG("'tool_calls':{'function':{'arguments':'{}'}}")) EV("tool-call-end", ",'index':0") EV("tool-call-start", ",'index':1" MSG("'tool_calls':{'id':'c2','type':'function','function':{'name':'g','arguments':''}}")) EV("tool-call-end", ",'index':1") LAST("TOOL_CALL") DONE,
      "finish 5" },
    { "broken off", START EV("content-delta", ",'index':0" MSG("'content':{'text':'h'}")) EV("message-end", ",'delta':{'finish_reason':'ERROR','error':'it broke'}"), "it broke" },
    { "took too long", START LAST("TIMEOUT"), "error 504" },
    { "an error event", START "data: {'message':'no more'}\n\n", "no more" },
    { "cut", START EV("content-delta", ",'index':0" MSG("'content':{'text':'h'}")), "closed the stream before" },
    { "cut in a call", START EV("tool-call-start", ",'index':0" MSG("'tool_calls':{'id':'c1','type':'function','function':{'name':'f','arguments':''}}")), "closed the stream before" },
    { "filtered", START LAST("ERROR_TOXIC") DONE, "finish 6" },
};
#define CITED START EV("content-delta", ",'index':0" MSG("'content':{'text':'h'}")) EV("citation-start", ",'index':0" MSG("'citations':{'start':0,'end':1,'text':'h','sources':[{'type':'document','id':'d','document':{'title':'t','url':'https://x.example/'}},{'type':'tool','id':'c','tool_output':{}}]}")) EV("citation-end", ",'index':0") LAST("STOP_SEQUENCE") DONE
/* clang-format on */

static void maps_chat(void)
{
    for (size_t i = 0; i < sizeof chat / sizeof chat[0]; i++)
        CU_ASSERT(check_case(&chat[i], DIALECT_OPENAI_CHAT, DIALECT_COHERE));
}

static void maps_messages(void)
{
    for (size_t i = 0; i < sizeof messages / sizeof messages[0]; i++)
        CU_ASSERT(check_case(&messages[i], DIALECT_ANTHROPIC,
                             DIALECT_COHERE));
}

static void reads_streams(void)
{
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        char *in = quoted(answers[i].in), *out = quoted(answers[i].out);
        struct buf whole = BUF_INIT(1 << 20);

        CU_ASSERT(framed_record(DIALECT_COHERE, str_of(in), strlen(in) + 1,
                                0, &whole) == 0);
        if (str_find(buf_str(&whole), str_of(out)) < 0) {
            printf("\n%s: " STR_FMT, answers[i].name,
                   STR_ARG(buf_str(&whole)));
            CU_FAIL("another answer");
        }
        for (size_t chunk = 1; chunk <= 7; chunk += 6) {
            struct buf cut = BUF_INIT(1 << 20);

            framed_record(DIALECT_COHERE, str_of(in), chunk, 0, &cut);
            CU_ASSERT(dump_equal(answers[i].name, buf_str(&cut),
                                 buf_str(&whole)));
            buf_clear(&cut);
        }
        buf_clear(&whole);
        free(in);
        free(out);
    }
}

static bool body_says(const char *in, int status, const char *want)
{
    struct buf got = BUF_INIT(1 << 20);
    char *body = quoted(in), *say = quoted(want);
    bool ok;

    framed_record(DIALECT_COHERE, str_of(body), 0, status, &got);
    ok = str_find(buf_str(&got), str_of(say)) >= 0;
    if (!ok)
        printf("\n%s: " STR_FMT, in, STR_ARG(buf_str(&got)));
    buf_clear(&got);
    free(body);
    free(say);
    return ok;
}

static void reads_bodies(void)
{
    CU_ASSERT(body_says("{'id':'i','message':{'role':'assistant','content':["
                        "{'type':'thinking','thinking':'so'},{'type':'text',"
                        "'text':'hi'}]},'finish_reason':'COMPLETE','usage':{"
                        "'billed_units':{'input_tokens':1,'output_tokens':2}}"
                        "}", 0, "thinking 'so'\nend\ntext 'hi'\nend\nfinish"
                                " 1\nend\nusage 1 0 0 2 0"));
    CU_ASSERT(body_says("{'id':'i','message':'Incorrect API key'}", 401,
                        "error 401 Incorrect API key"));
    CU_ASSERT(body_says("{'id':'i','message':{},'finish_reason':'ERROR'}", 0,
                        "error 502"));
}

/* Citations of pages reach a client; those of what a tool said do not. */
static void passes_citations(void)
{
    char *in = quoted(CITED);

    for (int stream = 0; stream < 2; stream++) {
        struct buf out = BUF_INIT(1 << 20);

        CU_ASSERT(framed_through(DIALECT_COHERE, str_of(in), 5,
                                 DIALECT_OPENAI_CHAT, stream, &out) == 0);
        CU_ASSERT(str_find(buf_str(&out),
                           STR("\"url\":\"https://x.example/\"")) > 0);
        CU_ASSERT(str_find(buf_str(&out), STR("tool_output")) < 0);
        CU_ASSERT(str_find(buf_str(&out), STR("\"prompt_tokens\":50")) > 0);
        buf_clear(&out);
    }
    free(in);
}

UNIT_MAIN("codec_to_cohere", { "chat requests", maps_chat },
          { "messages requests", maps_messages },
          { "streams", reads_streams }, { "whole answers", reads_bodies },
          { "citations", passes_citations })

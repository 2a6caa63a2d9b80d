/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Requests as Ollama's own chat, and its answers in the clients' dialects. */
#include "codec_framed.h"
#include "codec_requests.h"

/* clang-format off */
#define ONE "'messages':[{'role':'user','content':'hi'}]"
#define LLAMA "llama3.2"
#define HEAD(m) "{'model':'" m "',"
#define NO_OPTIONS ",'options':{},'stream':false}"
#define TOOL "'tools':[{'type':'function','function':{'name':'f','parameters':{'type':'object'}}},{'type':'function','function':{'name':'g'}}]"
#define TOOL_F "{'type':'function','function':{'name':'f','parameters':{'type':'object'}}}"
#define TOOL_G "{'type':'function','function':{'name':'g'}}"

static const struct request_case chat[] = {
    { "plain", LLAMA, "{" ONE "}", HEAD(LLAMA) ONE NO_OPTIONS, NULL, NULL, NULL },
    { "streamed", LLAMA, "{'stream':true,'stream_options':{'include_usage':true}," ONE "}", HEAD(LLAMA) ONE ",'options':{},'stream':true}", NULL, NULL, NULL },
    { "settings", LLAMA, "{'max_tokens':9,'temperature':0.50,'top_p':1e0,'seed':7,'stop':['a','b'],'presence_penalty':1,'frequency_penalty':-1," ONE "}",
      HEAD(LLAMA) ONE ",'options':{'temperature':0.50,'top_p':1e0,'frequency_penalty':-1,'presence_penalty':1,'seed':7,'num_predict':9,'stop':['a','b']},'stream':false}", NULL, NULL, NULL },
    { "what it lacks", LLAMA, "{'n':2,'logprobs':false,'logit_bias':{'1':2},'user':'u','parallel_tool_calls':false,'service_tier':'flex','store':true," TOOL "," ONE "}",
      HEAD(LLAMA) ONE ",'tools':[" TOOL_F "," TOOL_G "]" NO_OPTIONS, NULL, "logit_bias, user, service_tier, parallel_tool_calls, store", "n" },
    { "log probabilities", LLAMA, "{'logprobs':true,'top_logprobs':2," ONE "}", HEAD(LLAMA) ONE ",'options':{},'logprobs':true,'top_logprobs':2,'stream':false}", NULL, NULL, NULL },
    { "roles", LLAMA, "{'messages':[{'role':'developer','content':[{'type':'text','text':'a'},{'type':'text','text':'b'}]},{'role':'user','name':'al','content':'hi'},{'role':'assistant','content':'yes'},{'role':'user','content':'so'}]}",
      HEAD(LLAMA) "'messages':[{'role':'system','content':'a\\nb'},{'role':'user','content':'hi'},{'role':'assistant','content':'yes'},{'role':'user','content':'so'}]" NO_OPTIONS, NULL, "messages[].name", NULL },
    { "images", LLAMA, "{'messages':[{'role':'user','content':[{'type':'text','text':'see'},{'type':'image_url','image_url':{'url':'data:image/png;base64,AA=='}},{'type':'image_url','image_url':{'url':'data:image/png;base64,BB=='}}]}]}",
      HEAD(LLAMA) "'messages':[{'role':'user','content':'see','images':['AA==','BB==']}]" NO_OPTIONS, NULL, NULL, NULL },
    { "images elsewhere", LLAMA, "{'messages':[{'role':'user','content':[{'type':'text','text':'see'},{'type':'image_url','image_url':{'url':'https://x.example/a.png'}}]}]}",
      HEAD(LLAMA) "'messages':[{'role':'user','content':'see'}]" NO_OPTIONS, NULL, NULL, "image" },
    { "calls and results", LLAMA, "{'messages':[{'role':'user','content':'a'},{'role':'assistant','content':null,'tool_calls':[{'id':'c1','type':'function','function':{'name':'f','arguments':'{\\'x\\': 1.50}'}},{'id':'c2','type':'function','function':{'name':'g','arguments':''}}]},{'role':'tool','tool_call_id':'c1','content':'1'},{'role':'user','content':'go on'}]}",
      HEAD(LLAMA) "'messages':[{'role':'user','content':'a'},{'role':'assistant','content':'','tool_calls':[{'id':'c1','function':{'name':'f','arguments':{'x': 1.50}}},{'id':'c2','function':{'name':'g','arguments':{}}}]},{'role':'tool','tool_name':'f','tool_call_id':'c1','content':'1'},{'role':'tool','tool_name':'g','tool_call_id':'c2','content':'[no result]'},{'role':'user','content':'go on'}]" NO_OPTIONS, "missing tool results", NULL, NULL },
    { "no tools", LLAMA, "{'tool_choice':'none'," TOOL "," ONE "}", HEAD(LLAMA) ONE NO_OPTIONS, "tool_choice", NULL, NULL },
    { "one tool", LLAMA, "{'tool_choice':{'type':'function','function':{'name':'g'}}," TOOL "," ONE "}", HEAD(LLAMA) ONE ",'tools':[" TOOL_G "]" NO_OPTIONS, NULL, "tool_choice", NULL },
    { "any tool", LLAMA, "{'tool_choice':'required'," TOOL "," ONE "}", HEAD(LLAMA) ONE ",'tools':[" TOOL_F "," TOOL_G "]" NO_OPTIONS, NULL, "tool_choice", NULL },
    { "json", LLAMA, "{'response_format':{'type':'json_object'}," ONE "}", HEAD(LLAMA) ONE ",'format':'json'" NO_OPTIONS, NULL, NULL, NULL },
    { "schema", LLAMA, "{'response_format':{'type':'json_schema','json_schema':{'name':'n','schema':{'type':'object'}}}," ONE "}", HEAD(LLAMA) ONE ",'format':{'type':'object'}" NO_OPTIONS, NULL, NULL, NULL },
    { "no thinking to ask for", LLAMA, "{'reasoning_effort':'high'," ONE "}", HEAD(LLAMA) ONE NO_OPTIONS, NULL, "reasoning", NULL },
    { "thinking", "qwen3:8b", "{'reasoning_effort':'high'," ONE "}", HEAD("qwen3:8b") ONE ",'think':true" NO_OPTIONS, "reasoning", NULL, NULL },
    { "thinking, off", "qwen3:8b", "{'reasoning_effort':'none'," ONE "}", HEAD("qwen3:8b") ONE ",'think':false" NO_OPTIONS, NULL, NULL, NULL },
    { "a level", "gpt-oss:20b", "{'reasoning_effort':'low'," ONE "}", HEAD("gpt-oss:20b") ONE ",'think':'low'" NO_OPTIONS, NULL, NULL, NULL },
    { "no level is none", "gpt-oss:20b", "{'reasoning_effort':'none'," ONE "}", HEAD("gpt-oss:20b") ONE NO_OPTIONS, NULL, "reasoning", NULL },
};

static const struct request_case messages[] = {
    { "thinking and marks", "qwen3:8b", "{'max_tokens':9,'system':[{'type':'text','text':'be','cache_control':{'type':'ephemeral'}}],'thinking':{'type':'enabled','budget_tokens':5000},'messages':[{'role':'user','content':'a'},{'role':'assistant','content':[{'type':'thinking','thinking':'x','signature':'s'},{'type':'tool_use','id':'t1','name':'f','input':{'a':1}}]},{'role':'user','content':[{'type':'tool_result','tool_use_id':'t1','is_error':true,'content':[{'type':'text','text':'bad'},{'type':'image','source':{'type':'base64','media_type':'image/png','data':'AA=='}}]},{'type':'document','source':{'type':'text','media_type':'text/plain','data':'long'}}]}]}",
      HEAD("qwen3:8b") "'messages':[{'role':'system','content':'be'},{'role':'user','content':'a'},{'role':'assistant','content':'','thinking':'x','tool_calls':[{'id':'t1','function':{'name':'f','arguments':{'a':1}}}]},{'role':'tool','tool_name':'f','tool_call_id':'t1','content':'Error: bad'},{'role':'user','content':'long','images':['AA==']}],'think':true,'options':{'num_predict':9},'stream':false}",
      "reasoning, is_error, media in tool results", "thinking blocks, cache marks", NULL },
    { "documents, files", LLAMA, "{'max_tokens':9,'messages':[{'role':'user','content':[{'type':'text','text':'hi'},{'type':'document','source':{'type':'base64','media_type':'application/pdf','data':'JV'}},{'type':'image','source':{'type':'file','file_id':'file_1'}}]}]}",
      HEAD(LLAMA) "'messages':[{'role':'user','content':'hi'}],'options':{'num_predict':9},'stream':false}", NULL, NULL, "document, file id" },
};

static const struct { const char *name, *in, *out; } answers[] = {
    { "text", "{'model':'m','message':{'role':'assistant','content':'h'},'done':false}\n{'model':'m','message':{'role':'assistant','content':'i'},'done':false}\n{'model':'m','message':{'role':'assistant','content':''},'done':true,'done_reason':'stop','prompt_eval_count':7,'eval_count':3}\n",
      "text 'hi'\nend\nfinish 1\nend\nusage 7 0 0 3 0" },
    { "thinking, calls", "{'model':'m','message':{'role':'assistant','content':'','thinking':'so'},'done':false}\n{'model':'m','message':{'role':'assistant','content':'','tool_calls':[{'id':'c1','function':{'index':0,'name':'f','arguments':{'a': 1}}},{'function':{'name':'g','arguments':{}}}]},'done':false}\n{'model':'m','message':{'role':'assistant','content':''},'done':true,'done_reason':'stop','eval_count':3}\n",
      "finish 5" },
    { "length", "{'model':'m','message':{'content':'h'},'done':true,'done_reason':'length'}\n", "finish 3" },
    { "an error in the stream", "{'model':'m','message':{'content':'h'},'done':false}\n{'error':'the model runner has stopped'}\n", "the model runner has stopped" },
    { "cut", "{'model':'m','message':{'content':'h'},'done':false}\n", "closed the stream before" },
    { "empty", "\n", "without an answer" },
};
/* clang-format on */

static void maps_chat(void)
{
    for (size_t i = 0; i < sizeof chat / sizeof chat[0]; i++)
        CU_ASSERT(check_case(&chat[i], DIALECT_OPENAI_CHAT, DIALECT_OLLAMA));
}

static void maps_messages(void)
{
    for (size_t i = 0; i < sizeof messages / sizeof messages[0]; i++)
        CU_ASSERT(check_case(&messages[i], DIALECT_ANTHROPIC,
                             DIALECT_OLLAMA));
}

static void reads_answers(void)
{
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        char *in = quoted(answers[i].in), *out = quoted(answers[i].out);
        struct buf whole = BUF_INIT(1 << 20);

        CU_ASSERT(framed_record(DIALECT_OLLAMA, str_of(in), strlen(in) + 1,
                                0, &whole) == 0);
        if (str_find(buf_str(&whole), str_of(out)) < 0) {
            printf("\n%s: " STR_FMT, answers[i].name,
                   STR_ARG(buf_str(&whole)));
            CU_FAIL("another answer");
        }
        for (size_t chunk = 1; chunk <= 7; chunk += 6) {
            struct buf cut = BUF_INIT(1 << 20);

            framed_record(DIALECT_OLLAMA, str_of(in), chunk, 0, &cut);
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
    char *body = quoted(in);
    bool ok;

    framed_record(DIALECT_OLLAMA, str_of(body), 0, status, &got);
    ok = str_find(buf_str(&got), str_of(want)) >= 0;
    if (!ok)
        printf("\n%s: " STR_FMT, in, STR_ARG(buf_str(&got)));
    buf_clear(&got);
    free(body);
    return ok;
}

static void reads_bodies(void)
{
    CU_ASSERT(body_says("{'model':'m','message':{'content':'hi'},'done':true,"
                        "'done_reason':'stop','prompt_eval_count':2}", 0,
                        "usage 2 0 0 0 0"));
    CU_ASSERT(body_says("{'error':'model \\'x\\' not found'}", 404,
                        "error 404"));
    CU_ASSERT(body_says("{'error':'broke'}", 0, "broke"));
    CU_ASSERT(body_says("<html>", 503, "error 503"));
}

/* An Anthropic client gets the thinking as a block that it sends back. */
static void goes_through(void)
{
    char *in = quoted("{'model':'m','message':{'content':'hi',"
                      "'thinking':'so'},'done':true,'done_reason':'stop',"
                      "'prompt_eval_count':2,'eval_count':1}\n");
    struct buf out = BUF_INIT(1 << 20);

    CU_ASSERT(framed_through(DIALECT_OLLAMA, str_of(in), 5, DIALECT_ANTHROPIC,
                             false, &out) == 0);
    CU_ASSERT(str_find(buf_str(&out), STR("\"thinking\":\"so\"")) > 0);
    CU_ASSERT(str_find(buf_str(&out), STR("\"signature\":\"penstock.")) > 0);
    CU_ASSERT(str_find(buf_str(&out), STR("\"input_tokens\":2")) > 0);
    buf_clear(&out);
    free(in);
}

UNIT_MAIN("codec_to_ollama", { "chat requests", maps_chat },
          { "messages requests", maps_messages },
          { "streams", reads_answers }, { "whole answers", reads_bodies },
          { "to a client", goes_through })

/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Whole answers, and what depends on the request: names that it changed, a
 * format that went as a tool, free text in a function, who asked for usage.
 */
#include "codec_short.h"

#include "base/sha256.h"

/* clang-format off */
#define ROLE "D{'role':'assistant','content':'','refusal':null}\n"
#define NO_USAGE "{'prompt_tokens':0,'completion_tokens':0,'total_tokens':0}"
#define CHAT(message, reason, usage)                                          \
    "{'id':'c','object':'chat.completion','created':5,'model':'m',"           \
    "'choices':[{'index':0,'message':" message ",'logprobs':null,"            \
    "'finish_reason':'" reason "'}],'usage':" usage "}"
#define MESSAGE(content, reason, usage)                                       \
    "{'id':'c','type':'message','role':'assistant','model':'m','content':"    \
    content ",'stop_reason':'" reason "','stop_sequence':null,'usage':" usage \
    "}"
#define NONE "{'input_tokens':0,'cache_creation_input_tokens':0,'cache_read_input_tokens':0,'output_tokens':0}"

static const struct stream_case into_message[] = {
    { "all there is", "D{'reasoning_content':'x','reasoning_details':[{'type':'reasoning.text','text':'x\\n','signature':'s'}]}\nD{'content':'a\\u00e9'}\nD{'content':'b'}\nD{'tool_calls':[{'index':0,'id':'t','function':{'name':'f','arguments':'{\\'n\\': 1e2}'}}]}\nF tool_calls\nU{'prompt_tokens':10,'completion_tokens':5,'prompt_tokens_details':{'cached_tokens':4,'cache_write_tokens':2},'completion_tokens_details':{'reasoning_tokens':3}}\nDONE",
      MESSAGE("[{'type':'thinking','thinking':'x\\n','signature':'s'},{'type':'text','text':'a\\u00e9b'},{'type':'tool_use','id':'t','name':'f','input':{'n': 1e2}}]", "tool_use", "{'input_tokens':4,'cache_creation_input_tokens':2,'cache_read_input_tokens':4,'output_tokens':5,'output_tokens_details':{'thinking_tokens':3}}") },
    { "arguments cut off", "D{'tool_calls':[{'index':0,'id':'t','function':{'name':'f','arguments':'{\\'n'}}]}\nF length\nDONE", MESSAGE("[{'type':'tool_use','id':'t','name':'f','input':{'input':'{\\'n'}}]", "max_tokens", NONE) },
    { "free text", "D{'tool_calls':[{'index':0,'id':'t','type':'custom','custom':{'name':'f','input':'{a\\n'}}]}\nF tool_calls\nDONE", MESSAGE("[{'type':'tool_use','id':'t','name':'f','input':{'input':'{a\\n'}}]", "tool_use", NONE) },
    { "nothing", "D{'content':''}\nF stop\nDONE", MESSAGE("[]", "end_turn", NONE) },
    { "an error", "D{'content':'a'}\n{'error':{'message':'no','type':'server_error'}}", "{'type':'error','error':{'type':'api_error','message':'no'}}" },
    { "a stop sequence", "D{'content':'a'}\n{'id':'c','choices':[{'index':0,'delta':{},'finish_reason':'stop','stop_reason':'\\nEND'}]}\nDONE",
      "{'id':'c','type':'message','role':'assistant','model':'m','content':[{'type':'text','text':'a'}],'stop_reason':'stop_sequence','stop_sequence':'\\nEND','usage':" NONE "}" },
};

static const struct stream_case into_completion[] = {
    { "all there is", "S\nB0{'type':'thinking','thinking':'x','signature':''}\nd0{'type':'signature_delta','signature':'s'}\nE0\nB1{'type':'redacted_thinking','data':'ZA=='}\nE1\nB2{'type':'text','text':'a'}\nE2\nB3{'type':'text','text':'b'}\nE3\nB4{'type':'tool_use','id':'t','name':'f','input':{}}\nE4\nM{'stop_reason':'tool_use'}{'output_tokens':9,'cache_read_input_tokens':2,'cache_creation_input_tokens':1,'output_tokens_details':{'thinking_tokens':4}}\nX",
      "{'id':'c','object':'chat.completion','created':7,'model':'m','choices':[{'index':0,'message':{'role':'assistant','content':'ab','refusal':null,'reasoning_content':'x','thinking_blocks':[{'type':'thinking','thinking':'x','signature':'s'},{'type':'redacted_thinking','data':'ZA=='}],'tool_calls':[{'id':'t','type':'function','function':{'name':'f','arguments':'{}'}}]},'logprobs':null,'finish_reason':'tool_calls'}],'usage':{'prompt_tokens':6,'completion_tokens':9,'total_tokens':15,'prompt_tokens_details':{'cached_tokens':2,'cache_write_tokens':1},'completion_tokens_details':{'reasoning_tokens':4}}}" },
    { "a call alone", "S\nB0{'type':'tool_use','id':'t','name':'f','input':{}}\nd0{'type':'input_json_delta','partial_json':'{\\'a\\':1}'}\nE0\nM{'stop_reason':'tool_use'}{'output_tokens':9}\nX",
      "{'id':'c','object':'chat.completion','created':7,'model':'m','choices':[{'index':0,'message':{'role':'assistant','content':null,'refusal':null,'tool_calls':[{'id':'t','type':'function','function':{'name':'f','arguments':'{\\'a\\':1}'}}]},'logprobs':null,'finish_reason':'tool_calls'}],'usage':{'prompt_tokens':3,'completion_tokens':9,'total_tokens':12}}" },
    { "an error", "S\n{'type':'error','error':{'type':'api_error','message':'no'}}", "{'error':{'message':'no','type':'server_error','param':null,'code':'api_error'}}" },
};

/* chat to chat, as a cache or a policy may want it */
static const struct stream_case choices[] = {
    { "two choices, logprobs", "{'id':'c','created':5,'model':'m','choices':[{'index':1,'delta':{'content':'b'},'logprobs':{'content':[{'token':'b'}]}},{'index':0,'delta':{'content':'a'}}]}\n{'id':'c','choices':[{'index':1,'delta':{'content':'c'},'logprobs':{'content':[{'token':'c'}]}},{'index':1,'delta':{},'finish_reason':'length'}]}\nF stop\nDONE",
      "{'id':'c','object':'chat.completion','created':5,'model':'m','choices':[{'index':0,'message':{'role':'assistant','content':'a','refusal':null},'logprobs':null,'finish_reason':'stop'},{'index':1,'message':{'role':'assistant','content':'bc','refusal':null},'logprobs':{'content':[{'token':'b'},{'token':'c'}],'refusal':null},'finish_reason':'length'}],'usage':" NO_USAGE "}" },
};
/* clang-format on */

#define LENGTH(a) (sizeof(a) / sizeof(a)[0])
static const struct codec_out_opts whole = { .created = 7,
                                             .unique = { "u2", 2 } };

static void whole_messages(void)
{
    for (size_t i = 0; i < LENGTH(into_message); i++)
        CU_ASSERT(check_stream_case(&into_message[i], DIALECT_OPENAI_CHAT,
                                    DIALECT_ANTHROPIC, &whole));
}

static void whole_completions(void)
{
    for (size_t i = 0; i < LENGTH(into_completion); i++)
        CU_ASSERT(check_stream_case(&into_completion[i], DIALECT_ANTHROPIC,
                                    DIALECT_OPENAI_CHAT, &whole));
    CU_ASSERT(check_stream_case(&choices[0], DIALECT_OPENAI_CHAT,
                                DIALECT_OPENAI_CHAT, &whole));
}

/* ---- what the client asked for ------------------------------------------ */

static void says_it_as_it_was_asked(void)
{
    static const struct stream_case quiet = {
        "no usage, a model's other name", "S\nB0{'type':'text','text':'a'}\n"
        "E0\nM{'stop_reason':'end_turn'}{'output_tokens':9}\nX",
        ROLE "D{'content':'a'}\nF stop\nDONE",
    };
    static const struct stream_case old = {
        "functions", "S\nB0{'type':'tool_use','id':'t','name':'f','input':"
        "{'a':1}}\nE0\nM{'stop_reason':'tool_use'}{'output_tokens':9}\nX",
        ROLE "D{'function_call':{'name':'f','arguments':''}}\n"
        "D{'function_call':{'arguments':'{\\'a\\':1}'}}\nF function_call\n"
        "DONE",
    };
    struct codec_out_opts opts = { .stream = true, .unique = { "u", 1 } };

    CU_ASSERT(check_stream_case(&quiet, DIALECT_ANTHROPIC,
                                DIALECT_OPENAI_CHAT, &opts));
    opts.legacy_functions = true;
    CU_ASSERT(check_stream_case(&old, DIALECT_ANTHROPIC, DIALECT_OPENAI_CHAT,
                                &opts));
}

/* A request to `to`, an answer of that dialect with its names, as text. */
static void answer(const char *request, const char *model, enum dialect to,
                   const char *stream, struct buf *got)
{
    struct codec_target t = codec_target_of(to, str_of(model));
    struct codec_in_opts in = { .unique = { "u", 1 } };
    struct codec_out_opts out = { .stream = true, .unique = { "u", 1 } };
    struct buf sse = BUF_INIT(1 << 20), text = BUF_INIT(1 << 20);
    struct stream_run s = { .sink = codec_pipe };
    struct codec_pipe pipe = { .to = &text };
    struct sse framer;
    struct way w;

    CU_ASSERT(way_in(&w, DIALECT_OPENAI_CHAT, str_of(request)) == 0);
    CU_ASSERT(way_out(&w, to, &t) == 0);
    in.names = &w.names;
    s.in = codec_in_new(codec_for(to), w.a, &in);
    pipe.out = codec_out_new(codec_for(DIALECT_OPENAI_CHAT), w.a, &out);
    s.ud = &pipe;
    expand(&sse, to, stream);
    sse_init(&framer, 1 << 20);
    CU_ASSERT(sse_feed(&framer, buf_str(&sse), stream_event, &s, NULL) == 0);
    sse_clear(&framer);
    shorten(got, DIALECT_OPENAI_CHAT, buf_str(&text));
    buf_putc(got, '\0');
    buf_clear(&sse);
    buf_clear(&text);
    way_clear(&w);
}

#define CALL_OF(name, args)                                                   \
    "S\nB0{'type':'tool_use','id':'t','name':'" name "','input':{}}\n"        \
    "d0{'type':'input_json_delta','partial_json':'" args "'}\nE0\n"           \
    "M{'stop_reason':'tool_use'}{'output_tokens':9}\nX"

static void check_answer(const char *request, const char *model,
                         const char *stream, const char *want)
{
    struct buf got = BUF_INIT(1 << 20), text = BUF_INIT(1 << 20);

    put_quoted(&text, str_of(want));
    buf_putc(&text, '\0');
    answer(request, model, DIALECT_ANTHROPIC, stream, &got);
    UNIT_STR(got.p, text.p);
    buf_clear(&got);
    buf_clear(&text);
}

#define REQUEST                                                               \
    "{\"messages\":[{\"role\":\"user\",\"content\":\"a\"}],"

static void gives_names_back(void)
{
    check_answer(REQUEST "\"tools\":[{\"type\":\"function\",\"function\":"
                         "{\"name\":\"mcp.server/a_tool\"}}]}",
                 "claude-opus-5", CALL_OF("mcp_server_a_tool_e9216f6e", "{}"),
                 ROLE "D{'tool_calls':[{'index':0,'id':'t','type':'function',"
                      "'function':{'name':'mcp.server/a_tool','arguments':''}"
                      "}]}\nD{'tool_calls':[{'index':0,'function':"
                      "{'arguments':'{}'}}]}\nF tool_calls\nDONE");
}

static void takes_free_text_out(void)
{
    check_answer(REQUEST "\"tools\":[{\"type\":\"custom\",\"custom\":"
                         "{\"name\":\"c\"}}]}",
                 "claude-opus-5",
                 CALL_OF("c", "{\\'input\\': \\'4 +\\\\n4\\'}"),
                 ROLE "D{'tool_calls':[{'index':0,'id':'t','type':'custom',"
                      "'custom':{'name':'c','input':''}}]}\n"
                      "D{'tool_calls':[{'index':0,'custom':"
                      "{'input':'4 +\\n4'}}]}\nF tool_calls\nDONE");
}

static void takes_the_answer_out_of_its_tool(void)
{
    check_answer(REQUEST "\"response_format\":{\"type\":\"json_schema\","
                         "\"json_schema\":{\"name\":\"n\",\"schema\":{}}}}",
                 "claude-opus-4-1", CALL_OF("json", "{\\'a\\':1}"),
                 ROLE "D{'content':'{\\'a\\':1}'}\nF stop\nDONE");
}

/* ---- a tool loop -------------------------------------------------------- */

static void hash(const char *text, char *out)
{
    uint8_t sum[SHA256_BYTES];

    sha256(str_of(text), sum);
    hex_encode(sum, sizeof sum, out);
}

/*
 * Thinking and signature come from Anthropic, go through an OpenAI client
 * that sends back the message that it got, and must arrive unchanged.
 */
static void signatures_survive_a_loop(void)
{
    static const char thinking[] = "Let me see.\\n\xC3\xA9\\u00e9\\\"\\/";
    static const char body[] =
        "{\"id\":\"c\",\"content\":[{\"type\":\"thinking\",\"thinking\":"
        "\"%s\",\"signature\":\"RXJyb3I+/w==\"},{\"type\":\"tool_use\","
        "\"id\":\"toolu_01\",\"name\":\"f\",\"input\":{\"a\":1.0}}],"
        "\"stop_reason\":\"tool_use\",\"usage\":{\"output_tokens\":1}}";
    struct codec_target t = codec_target_of(DIALECT_ANTHROPIC,
                                            STR("claude-opus-5"));
    struct buf answer = BUF_INIT(1 << 16), next = BUF_INIT(1 << 16);
    char upstream[1024], before[65], after[65], *want, *got;
    struct str message;
    struct way w;

    snprintf(upstream, sizeof upstream, body, thinking);
    CU_ASSERT(run_through(DIALECT_ANTHROPIC, str_of(upstream), 0,
                          DIALECT_OPENAI_CHAT, false, &answer) == 0);
    message = between(buf_str(&answer), "\"message\":", ",\"logprobs\"");
    buf_printf(&next, "{\"messages\":[{\"role\":\"user\",\"content\":\"q\"},"
               STR_FMT ",{\"role\":\"tool\",\"tool_call_id\":\"toolu_01\","
               "\"content\":\"r\"}]}", STR_ARG(message));
    CU_ASSERT_FATAL(way_in(&w, DIALECT_OPENAI_CHAT, buf_str(&next)) == 0);
    CU_ASSERT(way_out(&w, DIALECT_ANTHROPIC, &t) == 0);
    want = str_dup(between(str_of(upstream), "\"content\":[", "]"));
    got = str_dup(between(buf_str(&w.out), "\"assistant\",\"content\":[",
                          "]"));
    hash(want, before);
    hash(got, after);
    UNIT_STR(got, want);
    UNIT_STR(after, before);
    free(want);
    free(got);
    way_clear(&w);
    buf_clear(&answer);
    buf_clear(&next);
}

UNIT_MAIN("codec_answers", { "whole messages", whole_messages },
          { "whole completions", whole_completions },
          { "says it as it was asked", says_it_as_it_was_asked },
          { "gives names back", gives_names_back },
          { "takes free text out", takes_free_text_out },
          { "takes the answer out of its tool",
            takes_the_answer_out_of_its_tool },
          { "signatures survive a loop", signatures_survive_a_loop })

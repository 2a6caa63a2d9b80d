/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Legacy Completions by chat: what can be had, and what is a fault. */
#include "codec_requests.h"

/* clang-format off */
static const struct request_case to_chat[] = {
    { "a prompt", "gpt-4o", "{'model':'x','prompt':'Once \\u00e9'}",
      "{'model':'gpt-4o','messages':[{'role':'user','content':'Once \\u00e9'}],'max_completion_tokens':16}", NULL, NULL, NULL },
    { "all of it", "gpt-4o", "{'model':'x','prompt':['a'],'max_tokens':5,'temperature':0.10,'top_p':1,'n':2,'stop':'z','presence_penalty':1,'frequency_penalty':2,'seed':7,'user':'u','stream':true,'stream_options':{'include_usage':true},'best_of':1,'echo':false,'suffix':null,'logprobs':null,'logit_bias':{'1':2}}",
      "{'model':'gpt-4o','messages':[{'role':'user','content':'a'}],'max_completion_tokens':5,'temperature':0.10,'top_p':1,'frequency_penalty':2,'presence_penalty':1,'seed':7,'n':2,'stop':['z'],'user':'u','stream':true,'stream_options':{'include_usage':true}}", NULL, "logit_bias", NULL },
};

static const struct fault_case faults[] = {
    { "{'model':'x'}", "prompt" },
    { "{'model':'x','prompt':['a','b']}", "prompt" },
    { "{'model':'x','prompt':[]}", "prompt" },
    { "{'model':'x','prompt':[1,2]}", "prompt" },
    { "{'model':'x','prompt':'a','suffix':'b'}", "suffix" },
    { "{'model':'x','prompt':'a','echo':true}", "echo" },
    { "{'model':'x','prompt':'a','best_of':2}", "best_of" },
    { "{'model':'x','prompt':'a','logprobs':0}", "logprobs" },
    { "{'model':'x','prompt':'a','max_tokens':-1}", "max_tokens" },
};

#define EV(delta, end) "data: {\"id\":\"i\",\"created\":3,\"model\":\"up\",\"choices\":[{\"index\":0,\"delta\":" delta ",\"finish_reason\":" end "}]}\n\n"
static const char stream[] =
    EV("{\"role\":\"assistant\",\"content\":\"\"}", "null")
    EV("{\"reasoning_content\":\"hm\"}", "null")
    EV("{\"content\":\"a\\n\\u00e9\"}", "null") EV("{\"content\":\"b\"}", "null")
    EV("{}", "\"length\"")
    "data: {\"id\":\"i\",\"choices\":[],\"usage\":{\"prompt_tokens\":4,\"completion_tokens\":2,\"total_tokens\":6}}\n\ndata: [DONE]\n\n";

#define HEAD "{\"id\":\"i\",\"object\":\"text_completion\",\"created\":3,\"model\":\"m\",\"choices\":["
#define USAGE "\"usage\":{\"prompt_tokens\":4,\"completion_tokens\":2,\"total_tokens\":6}}"
static const char whole[] =
    HEAD "{\"text\":\"a\\n\\u00e9b\",\"index\":0,\"logprobs\":null,\"finish_reason\":\"length\"}]," USAGE;
static const char chunks[] =
    "data: " HEAD "{\"text\":\"a\\n\\u00e9\",\"index\":0,\"logprobs\":null,\"finish_reason\":null}],\"usage\":null}\n\n"
    "data: " HEAD "{\"text\":\"b\",\"index\":0,\"logprobs\":null,\"finish_reason\":null}],\"usage\":null}\n\n"
    "data: " HEAD "{\"text\":\"\",\"index\":0,\"logprobs\":null,\"finish_reason\":\"length\"}],\"usage\":null}\n\n"
    "data: " HEAD "]," USAGE "\n\ndata: [DONE]\n\n";
/* clang-format on */

static void maps_requests(void)
{
    for (size_t i = 0; i < sizeof to_chat / sizeof to_chat[0]; i++)
        CU_ASSERT(check_case(&to_chat[i], DIALECT_OPENAI_COMPLETIONS,
                             DIALECT_OPENAI_CHAT));
}

static void names_faults(void)
{
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++)
        CU_ASSERT(check_fault(&faults[i], DIALECT_OPENAI_COMPLETIONS));
}

static bool becomes(size_t chunk, bool streamed, const char *want)
{
    struct arena *a = arena_new(1 << 20);
    struct codec_out_opts opts = { .stream = streamed, .model = STR("m"),
                                   .include_usage = true };
    struct buf to = BUF_INIT(1 << 20);
    struct codec_pipe pipe = {
        codec_out_new(codec_for(DIALECT_OPENAI_COMPLETIONS), a, &opts), &to
    };
    int rc = run_stream(DIALECT_OPENAI_CHAT, str_of(stream), chunk,
                        codec_pipe, &pipe);
    bool ok = rc == 0 && str_is(buf_str(&to), want);

    if (!ok)
        printf("\n%d:\n" STR_FMT "\nnot\n%s", rc, STR_ARG(buf_str(&to)),
               want);
    buf_clear(&to);
    arena_free(a);
    return ok;
}

static void writes_answers_however_cut(void)
{
    for (size_t chunk = 1; chunk < sizeof stream; chunk++) {
        if (!becomes(chunk, true, chunks) || !becomes(chunk, false, whole)) {
            CU_FAIL("another answer");
            return;
        }
    }
}

static void several_choices_come_in_order(void)
{
    static const char body[] =
        "{\"id\":\"i\",\"created\":3,\"choices\":[{\"index\":1,\"message\":{"
        "\"content\":\"b\"},\"finish_reason\":\"stop\"},{\"index\":0,"
        "\"message\":{\"content\":\"a\"},\"finish_reason\":\"stop\"}]}";
    struct arena *a = arena_new(1 << 20);
    struct codec_out_opts opts = { .model = STR("m") };
    struct buf to = BUF_INIT(1 << 20);
    struct codec_pipe pipe = {
        codec_out_new(codec_for(DIALECT_OPENAI_COMPLETIONS), a, &opts), &to
    };
    ptrdiff_t first, second;

    CU_ASSERT(run_body(DIALECT_OPENAI_CHAT, str_of(body), codec_pipe,
                       &pipe) == 0);
    first = str_find(buf_str(&to), STR("\"text\":\"a\",\"index\":0"));
    second = str_find(buf_str(&to), STR("\"text\":\"b\",\"index\":1"));
    CU_ASSERT(first > 0 && second > first);
    buf_clear(&to);
    arena_free(a);
}

UNIT_MAIN("codec_completions", { "requests", maps_requests },
          { "faults", names_faults },
          { "answers, cut anywhere", writes_answers_however_cut },
          { "several choices", several_choices_come_in_order })

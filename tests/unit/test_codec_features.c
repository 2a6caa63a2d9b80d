/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * The guide's table of what goes through translation, made by running it: a
 * sample request of each feature, for an older and a newer model. The test
 * fails where the page says something else; with PENSTOCK_WRITE=1 in the
 * environment it writes the page's table again.
 */
#include "codec_requests.h"
#include "guide_page.h"

/* clang-format off */
#define HI "{'type':'text','text':'hi'}"
#define CHAT_USER(parts) "'messages':[{'role':'user','content':[" parts "]}]"
#define CALLS "{'role':'assistant','tool_calls':[{'id':'1','type':'function','function':{'name':'f','arguments':'{}'}}]}"
#define USES "{'role':'assistant','content':[{'type':'tool_use','id':'1','name':'f','input':{}}]}"
#define ASK "{'role':'user','content':'a'},"
#define RESULT(what) "'messages':[" ASK USES ",{'role':'user','content':[{'type':'tool_result','tool_use_id':'1'," what "}]}]"
#define FUNCTION(name, more) "'tools':[{'type':'function','function':{'name':'" name "'" more "}}]"
#define TOOL(name, more) "'tools':[{'name':'" name "','input_schema':{'type':'object'}" more "}]"
#define FORMAT_OF(schema) "'response_format':{'type':'json_schema','json_schema':{'name':'n','schema':" schema "}}"

/* What a client of each dialect says; NULL: it cannot. */
static const struct sample {
    const char *chat, *anthropic;
} samples[FEATURE_COUNT] = {
    [FEATURE_TEMPERATURE] = { "'temperature':0.5", "'temperature':0.5" },
    [FEATURE_TOP_P] = { "'top_p':0.5", "'top_p':0.5" },
    [FEATURE_TOP_K] = { "'top_k':5", "'top_k':5" },
    [FEATURE_FREQUENCY_PENALTY] = { "'frequency_penalty':1", NULL },
    [FEATURE_PRESENCE_PENALTY] = { "'presence_penalty':1", NULL },
    [FEATURE_SEED] = { "'seed':1", NULL },
    [FEATURE_N] = { "'n':2", NULL },
    [FEATURE_LOGPROBS] = { "'logprobs':true", NULL },
    [FEATURE_TOP_LOGPROBS] = { "'top_logprobs':2", NULL },
    [FEATURE_LOGIT_BIAS] = { "'logit_bias':{'1':1}", NULL },
    [FEATURE_STOP] = { "'stop':['a']", "'stop_sequences':['a']" },
    [FEATURE_BLANK_STOP] = { "'stop':[' ']", NULL },
    [FEATURE_MAX_TOKENS] = { "'max_tokens':500000", "'max_tokens':0" },
    [FEATURE_USER] = { "'user':'u'", "'metadata':{'user_id':'user_0123456789012345678901234567890123456789012345678901234567890123456789'}" },
    [FEATURE_SERVICE_TIER] = { "'service_tier':'flex'", "'service_tier':'standard_only'" },
    [FEATURE_NAME] = { "'messages':[{'role':'user','name':'bo','content':'hi'}]", NULL },
    [FEATURE_SYSTEM_INSIDE] = { "'messages':[" ASK "{'role':'system','content':'b'}," ASK "{'role':'user','content':'c'}]", "'messages':[" ASK "{'role':'system','content':'b'}," ASK "{'role':'user','content':'c'}]" },
    [FEATURE_EMPTY_TEXT] = { CHAT_USER(HI ",{'type':'text','text':' '}"), NULL },
    [FEATURE_PREFILL] = { "'messages':[" ASK "{'role':'assistant','content':'b'}]", "'messages':[" ASK "{'role':'assistant','content':'b'}]" },
    [FEATURE_REFUSAL] = { "'messages':[" ASK "{'role':'assistant','refusal':'b'}," ASK ASK "{'role':'user','content':'c'}]", NULL },
    [FEATURE_REASONING] = { "'reasoning_effort':'high'", "'thinking':{'type':'adaptive'},'output_config':{'effort':'high'}" },
    [FEATURE_THINKING] = { "'messages':[" ASK "{'role':'assistant','content':'b','thinking_blocks':[{'type':'thinking','thinking':'x','signature':'s'}]},{'role':'user','content':'c'}]", "'messages':[" ASK "{'role':'assistant','content':[{'type':'thinking','thinking':'x','signature':'s'}," HI "]},{'role':'user','content':'c'}]" },
    [FEATURE_UNSIGNED_THINKING] = { "'messages':[" ASK "{'role':'assistant','content':'b','reasoning_content':'x'},{'role':'user','content':'c'}]", "'messages':[" ASK "{'role':'assistant','content':[{'type':'thinking','thinking':'x','signature':''}," HI "]},{'role':'user','content':'c'}]" },
    [FEATURE_TOOL_CHOICE] = { FUNCTION("f", "") ",'tool_choice':'required'", TOOL("f", "") ",'tool_choice':{'type':'any'}" },
    [FEATURE_ALLOWED_TOOLS] = { "'tools':[{'type':'function','function':{'name':'f'}},{'type':'function','function':{'name':'g'}}],'tool_choice':{'type':'allowed_tools','allowed_tools':{'mode':'auto','tools':[{'type':'function','function':{'name':'f'}}]}}", NULL },
    [FEATURE_PARALLEL] = { FUNCTION("f", "") ",'parallel_tool_calls':false", TOOL("f", "") ",'tool_choice':{'type':'auto','disable_parallel_tool_use':true}" },
    [FEATURE_SERVER_TOOLS] = { "'tools':[{'type':'web_search'}]", "'tools':[{'type':'web_search_20250305','name':'web_search'}]" },
    [FEATURE_SERVER_BLOCKS] = { NULL, "'messages':[" ASK "{'role':'assistant','content':[{'type':'server_tool_use','id':'s','name':'w','input':{}}," HI "]},{'role':'user','content':'c'}]" },
    [FEATURE_CUSTOM_TOOLS] = { "'tools':[{'type':'custom','custom':{'name':'c'}}]", NULL },
    [FEATURE_CUSTOM_FORMAT] = { "'tools':[{'type':'custom','custom':{'name':'c','format':{'type':'grammar'}}}]", NULL },
    [FEATURE_TOOL_NAME] = { FUNCTION("a.b", ""), TOOL("a.b", "") },
    [FEATURE_TOOL_ID] = { "'messages':[" ASK "{'role':'assistant','tool_calls':[{'id':'a.b','type':'function','function':{'name':'f','arguments':'{}'}}]},{'role':'tool','tool_call_id':'a.b','content':'r'}]", "'messages':[" ASK "{'role':'assistant','content':[{'type':'tool_use','id':'toolu_0123456789012345678901234567890123456789','name':'f','input':{}}]},{'role':'user','content':[{'type':'tool_result','tool_use_id':'toolu_0123456789012345678901234567890123456789'}]}]" },
    [FEATURE_TOOL_ARGS] = { "'messages':[" ASK "{'role':'assistant','tool_calls':[{'id':'1','type':'function','function':{'name':'f','arguments':'x'}}]},{'role':'tool','tool_call_id':'1','content':'r'}]", NULL },
    [FEATURE_TOOL_ERROR] = { NULL, RESULT("'is_error':true,'content':'r'") },
    [FEATURE_TOOL_MEDIA] = { "'messages':[" ASK CALLS ",{'role':'tool','tool_call_id':'1','content':[{'type':'image_url','image_url':{'url':'https://x.example'}}]}]", RESULT("'content':[{'type':'image','source':{'type':'url','url':'https://x.example'}}]") },
    [FEATURE_TOOL_ORPHAN] = { NULL, "'messages':[" ASK USES ",{'role':'user','content':'b'}]" },
    [FEATURE_STRICT] = { FUNCTION("f", ",'strict':true"), TOOL("f", ",'strict':true") },
    [FEATURE_FORMAT] = { "'response_format':{'type':'json_object'}", "'output_config':{'format':{'type':'json_schema','schema':{'type':'object'}}}" },
    [FEATURE_SCHEMA] = { FORMAT_OF("{'type':'object','properties':{'a':{'type':'string','maxLength':3}}}"), NULL },
    [FEATURE_CACHE] = { CHAT_USER("{'type':'text','text':'hi','cache_control':{'type':'ephemeral'}}"), "'messages':[{'role':'user','content':[{'type':'text','text':'hi','cache_control':{'type':'ephemeral'}}]}]" },
    [FEATURE_CACHE_TTL] = { CHAT_USER("{'type':'text','text':'hi','prompt_cache_breakpoint':{'mode':'explicit','ttl':'30m'}}"), NULL },
    [FEATURE_IMAGE] = { CHAT_USER(HI ",{'type':'image_url','image_url':{'url':'data:image/bmp;base64,AA'}}"), NULL },
    [FEATURE_IMAGE_DETAIL] = { CHAT_USER("{'type':'image_url','image_url':{'url':'https://x.example','detail':'low'}}"), NULL },
    [FEATURE_DOCUMENT] = { CHAT_USER("{'type':'file','file':{'filename':'a.pdf','file_data':'data:application/pdf;base64,AA'}}"), "'messages':[{'role':'user','content':[" HI ",{'type':'document','source':{'type':'url','url':'https://x.example'}}]}]" },
    [FEATURE_AUDIO] = { CHAT_USER(HI ",{'type':'input_audio','input_audio':{'data':'AA','format':'wav'}}"), NULL },
    [FEATURE_FILE_ID] = { CHAT_USER(HI ",{'type':'file','file':{'file_id':'f'}}"), "'messages':[{'role':'user','content':[" HI ",{'type':'image','source':{'type':'file','file_id':'f'}}]}]" },
    [FEATURE_CITATIONS] = { NULL, "'messages':[{'role':'user','content':[" HI ",{'type':'document','citations':{'enabled':true},'source':{'type':'text','media_type':'text/plain','data':'d'}}]}]" },
    [FEATURE_THREAD] = { NULL, "'thread':{'type':'create'}" },
    [FEATURE_FIRST_ASSISTANT] = { "'messages':[{'role':'assistant','content':'Hello'},{'role':'user','content':'a'}]", NULL },
    [FEATURE_ROLE_ORDER] = { NULL, "'messages':[" ASK USES ",{'role':'user','content':[{'type':'tool_result','tool_use_id':'1','content':'r'},{'type':'text','text':'b'}]}]" },
};
/* clang-format on */

static const struct {
    enum dialect from, to;
    const char *model;
} columns[] = {
    { DIALECT_OPENAI_CHAT, DIALECT_ANTHROPIC, "claude-sonnet-4-5" },
    { DIALECT_OPENAI_CHAT, DIALECT_ANTHROPIC, "claude-opus-5-5" },
    { DIALECT_ANTHROPIC, DIALECT_OPENAI_CHAT, "gpt-5.2" },
    { DIALECT_ANTHROPIC, DIALECT_OPENAI_CHAT, "llama-3.3-70b" },
};

#define COLUMNS (sizeof columns / sizeof columns[0])

static char *request_of(const char *sample)
{
    char text[2048];

    snprintf(text, sizeof text, "{%s%s%s}", sample,
             strstr(sample, "max_tokens") ? "" : ",'max_tokens':9000",
             strstr(sample, "'messages'")
                 ? "" : ",'messages':[{'role':'user','content':'hi'}]");
    return quoted(text);
}

/* What becomes of a feature in a column; NULL: it cannot be said. `bare`: for
 * a target that can do nothing which its dialect does not ask of all. */
static const char *fate_of(enum codec_feature f, size_t column, bool bare)
{
    bool chat = columns[column].from == DIALECT_OPENAI_CHAT;
    const char *sample = chat ? samples[f].chat : samples[f].anthropic;
    const char *fate = "translated";
    struct codec_target t = codec_target_of(columns[column].to,
                                            str_of(columns[column].model));
    struct way w;
    char *body;
    int rc;

    if (!sample)
        return NULL;
    if (bare) {
        t.can = 0;
        t.strict = columns[column].to == DIALECT_OPENAI_CHAT;
    }
    body = request_of(sample);
    rc = way_in(&w, columns[column].from, str_of(body));
    if (!rc)
        rc = way_out(&w, columns[column].to, &t);
    if (rc)
        printf("\n%s: %s", body, w.err.msg);
    CU_ASSERT(rc == 0);
    if (codec_noted(&w.report, FATE_REFUSED, f))
        fate = "refused";
    else if (codec_noted(&w.report, FATE_DROPPED, f))
        fate = "dropped";
    else if (codec_noted(&w.report, FATE_MAPPED, f))
        fate = "mapped";
    way_clear(&w);
    free(body);
    return fate;
}

static void put_table(struct buf *b)
{
    buf_puts(b, "| feature | what it is |");
    for (size_t c = 0; c < COLUMNS; c++)
        buf_printf(b, " %s to %s |",
                   columns[c].from == DIALECT_OPENAI_CHAT ? "OpenAI"
                                                          : "Anthropic",
                   columns[c].model);
    buf_puts(b, "\n|---|---|---|---|---|---|\n");
    for (int f = 0; f < FEATURE_COUNT; f++) {
        buf_printf(b, "| %s | %s |",
                   codec_feature_name((enum codec_feature)f),
                   codec_feature_what((enum codec_feature)f));
        for (size_t c = 0; c < COLUMNS; c++) {
            const char *fate = fate_of((enum codec_feature)f, c, false);

            buf_printf(b, " %s |", fate ? fate : "–");
        }
        buf_puts(b, "\n");
    }
}

/* For the stories, which send them through a gateway (test_translate_features
 * .py): feature, from, model, fate, body, by tabs. */
static void samples_can_be_printed(void)
{
    if (!getenv("PENSTOCK_SAMPLES"))
        return;
    for (int i = 0; i < FEATURE_COUNT * (int)COLUMNS; i++) {
        enum codec_feature f = (enum codec_feature)(i / (int)COLUMNS);
        size_t c = (size_t)i % COLUMNS;
        bool chat = columns[c].from == DIALECT_OPENAI_CHAT;
        const char *fate = fate_of(f, c, false);
        char *body;

        if (!fate)
            continue;
        body = request_of(chat ? samples[f].chat : samples[f].anthropic);
        printf("\n#sample\t%s\t%s\t%s\t%s\t%s", codec_feature_name(f),
               chat ? "chat" : "messages", columns[c].model, fate, body);
        free(body);
    }
    printf("\n");
}

/* Each row of codec_feature.def has a sample that meets it. */
static void samples_meet_their_features(void)
{
    for (int f = 0; f < FEATURE_COUNT; f++) {
        bool met = false;

        for (size_t c = 0; c < 2 * COLUMNS; c++) {
            const char *fate = fate_of((enum codec_feature)f, c / 2, c & 1);

            met = met || (fate && strcmp(fate, "translated") != 0);
        }
        if (!met)
            printf("\n%s is never noted",
                   codec_feature_name((enum codec_feature)f));
        CU_ASSERT(met);
    }
}

static void guide_says_what_is(void)
{
    struct buf table = BUF_INIT(1 << 20);

    put_table(&table);
    guide_says("compatibility.md", "table", buf_str(&table));
    buf_clear(&table);
}

UNIT_MAIN("codec_features",
          { "samples meet their features", samples_meet_their_features },
          { "samples can be printed", samples_can_be_printed },
          { "the guide says what is", guide_says_what_is })

/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Requests for vectors and for counts of tokens, and their answers. */
#include "codec_requests.h"

#include "wire/dialect.h"
#include "wire/embed.h"

/* clang-format off */
static const struct request_case openai_to_batch[] = {
    { "one text", "e", "{'model':'x','input':'hi \\u00e9'}",
      "{'requests':[{'model':'models/e','content':{'parts':[{'text':'hi \\u00e9'}]}}]}", NULL, NULL, NULL },
    { "all of it", "models/e", "{'model':'x','input':['a','b'],'dimensions':7,'task_type':'CLUSTERING','user':'u','mystery':1}",
      "{'requests':[{'model':'models/e','content':{'parts':[{'text':'a'}]},'taskType':'CLUSTERING','outputDimensionality':7},{'model':'models/e','content':{'parts':[{'text':'b'}]},'taskType':'CLUSTERING','outputDimensionality':7}]}", NULL, "user, mystery", NULL },
    { "words of other vendors", "e", "{'model':'x','input':'a','task':'retrieval.passage','input_type':'nonsense'}",
      "{'requests':[{'model':'models/e','content':{'parts':[{'text':'a'}]},'taskType':'RETRIEVAL_DOCUMENT'}]}", NULL, "input_type", NULL },
};

static const struct request_case openai_to_cohere[] = {
    { "unsaid", "embed-v4.0", "{'model':'x','input':'a','encoding_format':'base64'}",
      "{'model':'embed-v4.0','texts':['a'],'input_type':'search_document','embedding_types':['float']}", NULL, NULL, NULL },
    { "said", "embed-v4.0", "{'model':'x','input':['a'],'input_type':'query','dimensions':256,'truncate':'END','user':'u'}",
      "{'truncate':'END','model':'embed-v4.0','texts':['a'],'input_type':'search_query','embedding_types':['float'],'output_dimension':256}", NULL, "user", NULL },
    { "a purpose that it has not", "embed-v4.0", "{'model':'x','input':'a','task_type':'SEMANTIC_SIMILARITY'}",
      "{'model':'embed-v4.0','texts':['a'],'input_type':'search_document','embedding_types':['float']}", NULL, "input_type", NULL },
};

static const struct request_case openai_to_ollama[] = {
    { "all of it", "n", "{'model':'x','input':['a','b'],'dimensions':3,'keep_alive':'5m','input_type':'query'}",
      "{'keep_alive':'5m','model':'n','input':['a','b'],'dimensions':3}", NULL, "input_type", NULL },
};

static const struct request_case openai_to_mistral[] = {
    { "all of it", "m", "{'model':'x','input':'a','output_dimension':3,'encoding_format':'base64','store':1}",
      "{'model':'m','input':'a','encoding_format':'base64','output_dimension':3}", NULL, "store", NULL },
};

static const struct request_case openai_to_gemini[] = {
    { "one", "e", "{'model':'x','input':['a']}",
      "{'model':'models/e','content':{'parts':[{'text':'a'}]}}", NULL, NULL, NULL },
};

static const struct request_case openai_to_titan[] = {
    { "all of it", "amazon.titan-embed-text-v2:0", "{'model':'x','input':['a'],'dimensions':512,'normalize':false,'input_type':'query','user':'u'}",
      "{'normalize':false,'inputText':'a','dimensions':512}", NULL, "input_type, user", NULL },
    { "the first of them", "amazon.titan-embed-text-v1", "{'model':'x','input':'\\u00e9','normalize':false}",
      "{'inputText':'\\u00e9'}", NULL, "normalize", NULL },
};

static const struct request_case openai_to_nova[] = {
    { "unsaid", "amazon.nova-2-multimodal-embeddings-v1:0", "{'model':'x','input':'a'}",
      "{'taskType':'SINGLE_EMBEDDING','singleEmbeddingParams':{'embeddingPurpose':'GENERIC_INDEX','text':{'truncationMode':'NONE','value':'a'}}}", NULL, NULL, NULL },
    { "said", "n", "{'model':'x','input':['a'],'dimensions':256,'input_type':'query'}",
      "{'taskType':'SINGLE_EMBEDDING','singleEmbeddingParams':{'embeddingPurpose':'GENERIC_RETRIEVAL','embeddingDimension':256,'text':{'truncationMode':'NONE','value':'a'}}}", NULL, NULL, NULL },
    { "a purpose that it has not", "n", "{'model':'x','input':'a','task_type':'SEMANTIC_SIMILARITY'}",
      "{'taskType':'SINGLE_EMBEDDING','singleEmbeddingParams':{'embeddingPurpose':'GENERIC_INDEX','text':{'truncationMode':'NONE','value':'a'}}}", NULL, "input_type", NULL },
};

static const struct request_case google_to_predict[] = {
    { "one", "gemini-embedding-001", "{'content':{'parts':[{'text':'a'}]},'taskType':'RETRIEVAL_DOCUMENT','title':'t','outputDimensionality':3}",
      "{'instances':[{'content':'a','task_type':'RETRIEVAL_DOCUMENT','title':'t'}],'parameters':{'autoTruncate':false,'outputDimensionality':3}}", NULL, NULL, NULL },
};

static const struct request_case openai_to_predict[] = {
    { "two", "text-embedding-005", "{'model':'x','input':['a','b'],'input_type':'query','user':'u'}",
      "{'instances':[{'content':'a','task_type':'RETRIEVAL_QUERY'},{'content':'b','task_type':'RETRIEVAL_QUERY'}],'parameters':{'autoTruncate':false}}", NULL, "user", NULL },
};

static const struct request_case google_to_openai[] = {
    { "one", "e", "{'model':'models/x','content':{'role':'user','parts':[{'text':'a'}]},'task_type':'RETRIEVAL_QUERY','title':'t','outputDimensionality':3}",
      "{'model':'e','input':'a','encoding_format':'float','dimensions':3}", NULL, "title, input_type", NULL },
};

static const struct request_case batch_to_openai[] = {
    { "two", "e", "{'requests':[{'model':'models/x','content':{'parts':[{'text':'a'}]}},{'model':'models/x','content':{'parts':{'text':'b'}},'taskType':'TASK_TYPE_UNSPECIFIED','odd':1}]}",
      "{'model':'e','input':['a','b'],'encoding_format':'float'}", NULL, "requests[].odd", NULL },
};

static const struct request_case gemini_to_anthropic_count[] = {
    { "bare", "claude-sonnet-5", "{'contents':[{'role':'user','parts':[{'text':'hi'}]}]}",
      "{'model':'claude-sonnet-5','messages':[{'role':'user','content':[{'type':'text','text':'hi'}]}]}", NULL, NULL, NULL },
    { "a whole request", "claude-sonnet-5", "{'generateContentRequest':{'model':'models/x','systemInstruction':{'parts':[{'text':'be'}]},'contents':[{'role':'user','parts':[{'text':'hi'}]}],'generationConfig':{'temperature':1,'maxOutputTokens':4,'stopSequences':['x']}}}",
      "{'model':'claude-sonnet-5','system':[{'type':'text','text':'be'}],'messages':[{'role':'user','content':[{'type':'text','text':'hi'}]}]}", NULL, NULL, NULL },
};

static const struct request_case anthropic_to_gemini_count[] = {
    { "a system", "gemini-3-pro", "{'model':'x','system':'be','messages':[{'role':'user','content':'hi'}]}",
      "{'generateContentRequest':{'model':'models/gemini-3-pro','systemInstruction':{'parts':[{'text':'be'}]},'contents':[{'role':'user','parts':[{'text':'hi'}]}],'generationConfig':{}}}", NULL, NULL, NULL },
};

static const struct { const char *model, *in, *at; enum dialect to; } unsaid[] = {
    { "e", "{'model':'x','input':[1,2]}", "input", DIALECT_GEMINI_BATCH },
    { "e", "{'model':'x','input':[[1],[2]]}", "input", DIALECT_COHERE_EMBED },
    { "e", "{'model':'x','input':[1]}", "input", DIALECT_OLLAMA_EMBED },
    { "e", "{'model':'x','input':[1]}", "input", DIALECT_MISTRAL_EMBED },
    { "e", "{'model':'x','input':['a','b']}", "input", DIALECT_GEMINI_EMBED },
    { "embed-english-v3.0", "{'model':'x','input':'a','dimensions':9}", "dimensions", DIALECT_COHERE_EMBED },
    { "amazon.titan-embed-text-v2:0", "{'model':'x','input':['a','b']}", "input", DIALECT_TITAN_EMBED },
    { "amazon.titan-embed-text-v2:0", "{'model':'x','input':[1]}", "input", DIALECT_TITAN_EMBED },
    { "amazon.titan-embed-text-v1", "{'model':'x','input':'a','dimensions':256}", "dimensions", DIALECT_TITAN_EMBED },
    { "n", "{'model':'x','input':['a','b']}", "input", DIALECT_NOVA_EMBED },
    { "n", "{'model':'x','input':[1,2]}", "input", DIALECT_NOVA_EMBED },
    { "gemini-embedding-001", "{'model':'x','input':['a','b']}", "input", DIALECT_PREDICT_EMBED },
    { "text-embedding-005", "{'model':'x','input':[1,2]}", "input", DIALECT_PREDICT_EMBED },
};

static const struct fault_case faults[] = {
    { "{'model':'x'}", "input" },
    { "{'model':'x','input':[]}", "input" },
    { "{'model':'x','input':['a',1]}", "input[1]" },
    { "{'model':'x','input':[{'type':'text','text':'a'}]}", "input[0]" },
    { "{'model':'x','input':'a','encoding_format':'hex'}", "encoding_format" },
    { "{'model':'x','input':'a','dimensions':-1}", "dimensions" },
};

static const struct fault_case batch_faults[] = {
    { "{'requests':[]}", "requests" },
    { "{'requests':[{'content':{'parts':[{'text':'a'},{'text':'b'}]}}]}", "requests[0].content.parts" },
    { "{'requests':[{'content':{'parts':[{'inlineData':{}}]}}]}", "requests[0].content.parts[0]" },
    { "{'requests':[{'content':{'parts':[{'text':'a'}]}},{'content':{'parts':[{'text':'b'}]},'taskType':'CLUSTERING'}]}", "requests[1]" },
};

/* An answer of `from` to a client of `to`; NULL: it is none. */
static const struct {
    enum dialect from, to;
    bool base64;
    const char *in, *out;
} answers[] = {
    { DIALECT_GEMINI_BATCH, DIALECT_OPENAI_EMBEDDINGS, false, "{'embeddings':[{'values':[1, -0.5]},{'values':[2,3e-9]}]}",
      "{'object':'list','data':[{'object':'embedding','index':0,'embedding':[1, -0.5]},{'object':'embedding','index':1,'embedding':[2,3e-9]}],'model':'m','usage':{'prompt_tokens':0,'total_tokens':0}}" },
    { DIALECT_COHERE_EMBED, DIALECT_OPENAI_EMBEDDINGS, true, "{'id':'e','embeddings':{'float':[[1,-2]]},'meta':{'billed_units':{'input_tokens':5}}}",
      "{'object':'list','data':[{'object':'embedding','index':0,'embedding':'AACAPwAAAMA='}],'model':'m','usage':{'prompt_tokens':5,'total_tokens':5}}" },
    { DIALECT_OLLAMA_EMBED, DIALECT_GEMINI_BATCH, false, "{'model':'n','embeddings':[[1]],'prompt_eval_count':3}",
      "{'embeddings':[{'values':[1]}],'usageMetadata':{'promptTokenCount':3,'totalTokenCount':3}}" },
    { DIALECT_OPENAI_EMBEDDINGS, DIALECT_GEMINI_EMBED, false, "{'data':[{'index':0,'embedding':'AACAPwAAAMA='}],'usage':{'prompt_tokens':2}}",
      "{'embedding':{'values':[1,-2]},'usageMetadata':{'promptTokenCount':2,'totalTokenCount':2}}" },
    { DIALECT_OPENAI_EMBEDDINGS, DIALECT_GEMINI_BATCH, false, "{'data':[{'index':1,'embedding':[1]},{'index':0,'embedding':[0]}]}",
      "{'embeddings':[{'values':[0]},{'values':[1]}]}" },
    { DIALECT_MISTRAL_EMBED, DIALECT_OPENAI_EMBEDDINGS, false, "{'data':[{'embedding':[1]},{'embedding':[2]}],'usage':{'total_tokens':4}}",
      "{'object':'list','data':[{'object':'embedding','index':0,'embedding':[1]},{'object':'embedding','index':1,'embedding':[2]}],'model':'m','usage':{'prompt_tokens':4,'total_tokens':4}}" },
    { DIALECT_TITAN_EMBED, DIALECT_GEMINI_EMBED, false, "{'embedding':[1],'inputTextTokenCount':3,'embeddingsByType':{'float':[1]}}",
      "{'embedding':{'values':[1]},'usageMetadata':{'promptTokenCount':3,'totalTokenCount':3}}" },
    { DIALECT_NOVA_EMBED, DIALECT_OPENAI_EMBEDDINGS, true, "{'embeddings':[{'embeddingType':'TEXT','embedding':[1,-2]}]}",
      "{'object':'list','data':[{'object':'embedding','index':0,'embedding':'AACAPwAAAMA='}],'model':'m','usage':{'prompt_tokens':0,'total_tokens':0}}" },
    { DIALECT_PREDICT_EMBED, DIALECT_OPENAI_EMBEDDINGS, false, "{'predictions':[{'embeddings':{'values':[1],'statistics':{'token_count':2,'truncated':false}}},{'embeddings':{'values':[2],'statistics':{'token_count':3}}}]}",
      "{'object':'list','data':[{'object':'embedding','index':0,'embedding':[1]},{'object':'embedding','index':1,'embedding':[2]}],'model':'m','usage':{'prompt_tokens':5,'total_tokens':5}}" },
    { DIALECT_PREDICT_EMBED, DIALECT_GEMINI_EMBED, false, "{'predictions':[{'embeddings':{'values':[1]}}]}", "{'embedding':{'values':[1]}}" },
    { DIALECT_TITAN_EMBED, DIALECT_OPENAI_EMBEDDINGS, false, "{'message':'x','embedding':null}", NULL },
    { DIALECT_NOVA_EMBED, DIALECT_OPENAI_EMBEDDINGS, false, "{'embeddings':[[1]]}", NULL },
    { DIALECT_PREDICT_EMBED, DIALECT_OPENAI_EMBEDDINGS, false, "{'predictions':[{'values':[1]}]}", NULL },
    { DIALECT_ANTHROPIC_COUNT, DIALECT_GEMINI_COUNT, false, "{'input_tokens':9}", "{'totalTokens':9}" },
    { DIALECT_GEMINI_COUNT, DIALECT_ANTHROPIC_COUNT, false, "{'totalTokens':9}", "{'input_tokens':9}" },
    { DIALECT_GEMINI_COUNT, DIALECT_ANTHROPIC_COUNT, false, "{'total':9}", NULL },
    { DIALECT_ANTHROPIC_COUNT, DIALECT_RESPONSES_COUNT, false, "{'input_tokens':9}", "{'object':'response.input_tokens','input_tokens':9}" },
    { DIALECT_OPENAI_EMBEDDINGS, DIALECT_GEMINI_BATCH, false, "{'data':[{'index':0,'embedding':[1]},{'index':0,'embedding':[0]}]}", NULL },
    { DIALECT_OPENAI_EMBEDDINGS, DIALECT_GEMINI_BATCH, false, "{'data':[{'index':7,'embedding':[1]}]}", NULL },
    { DIALECT_OPENAI_EMBEDDINGS, DIALECT_GEMINI_EMBED, false, "{'data':[]}", NULL },
    { DIALECT_OPENAI_EMBEDDINGS, DIALECT_GEMINI_EMBED, false, "{'data':[{'embedding':'AAA='}]}", NULL },
    { DIALECT_OPENAI_EMBEDDINGS, DIALECT_GEMINI_EMBED, false, "{'data':[{'embedding':'AACAfw=='}]}", NULL },
    { DIALECT_COHERE_EMBED, DIALECT_OPENAI_EMBEDDINGS, true, "{'embeddings':{'float':[[1e99]]}}", NULL },
    { DIALECT_COHERE_EMBED, DIALECT_OPENAI_EMBEDDINGS, false, "{'embeddings':{'int8':[[1]]}}", NULL },
    { DIALECT_GEMINI_BATCH, DIALECT_OPENAI_EMBEDDINGS, false, "{'embeddings':[{'values':[1,'a']}]}", NULL },
    { DIALECT_OLLAMA_EMBED, DIALECT_OPENAI_EMBEDDINGS, false, "{'model':'n'}", NULL },
};
/* clang-format on */

#define ALL(cases, from, to)                                                  \
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)               \
    CU_ASSERT(check_case(&cases[i], from, to))

static void maps_requests(void)
{
    ALL(openai_to_batch, DIALECT_OPENAI_EMBEDDINGS, DIALECT_GEMINI_BATCH);
    ALL(openai_to_cohere, DIALECT_OPENAI_EMBEDDINGS, DIALECT_COHERE_EMBED);
    ALL(openai_to_ollama, DIALECT_OPENAI_EMBEDDINGS, DIALECT_OLLAMA_EMBED);
    ALL(openai_to_mistral, DIALECT_OPENAI_EMBEDDINGS, DIALECT_MISTRAL_EMBED);
    ALL(openai_to_gemini, DIALECT_OPENAI_EMBEDDINGS, DIALECT_GEMINI_EMBED);
    ALL(openai_to_titan, DIALECT_OPENAI_EMBEDDINGS, DIALECT_TITAN_EMBED);
    ALL(openai_to_nova, DIALECT_OPENAI_EMBEDDINGS, DIALECT_NOVA_EMBED);
    ALL(openai_to_predict, DIALECT_OPENAI_EMBEDDINGS, DIALECT_PREDICT_EMBED);
    ALL(google_to_predict, DIALECT_GEMINI_EMBED, DIALECT_PREDICT_EMBED);
    ALL(google_to_openai, DIALECT_GEMINI_EMBED, DIALECT_OPENAI_EMBEDDINGS);
    ALL(batch_to_openai, DIALECT_GEMINI_BATCH, DIALECT_OPENAI_EMBEDDINGS);
}

static void maps_counts(void)
{
    ALL(gemini_to_anthropic_count, DIALECT_GEMINI_COUNT,
        DIALECT_ANTHROPIC_COUNT);
    ALL(anthropic_to_gemini_count, DIALECT_ANTHROPIC_COUNT,
        DIALECT_GEMINI_COUNT);
}

static void refuses_what_it_cannot_say(void)
{
    for (size_t i = 0; i < sizeof unsaid / sizeof unsaid[0]; i++) {
        struct codec_target t = codec_target_of(unsaid[i].to,
                                                str_of(unsaid[i].model));
        char *in = quoted(unsaid[i].in);
        struct way w;

        CU_ASSERT(way_in(&w, DIALECT_OPENAI_EMBEDDINGS, str_of(in)) == 0);
        CU_ASSERT(way_out(&w, unsaid[i].to, &t) == -ERR_INVALID_REQUEST);
        CU_ASSERT_STRING_EQUAL(w.err.at, unsaid[i].at);
        way_clear(&w);
        free(in);
    }
}

static void caps_inputs(void)
{
    static const struct { enum dialect to; int max; } caps[] = {
        { DIALECT_COHERE_EMBED, 96 }, { DIALECT_GEMINI_BATCH, 100 },
        { DIALECT_PREDICT_EMBED, 250 },
        { DIALECT_OLLAMA_EMBED, EMBED_INPUTS_MAX },
    };

    for (size_t i = 0; i < sizeof caps / sizeof caps[0]; i++) {
        for (int more = 0; more < 2; more++) {
            struct codec_target t = codec_target_of(caps[i].to, STR("m"));
            struct buf b = BUF_INIT(1 << 20);
            struct way w;
            int rc;

            buf_puts(&b, "{\"model\":\"x\",\"input\":[\"a\"");
            for (int n = 1; n < caps[i].max + more; n++)
                buf_puts(&b, ",\"a\"");
            buf_puts(&b, "]}");
            rc = way_in(&w, DIALECT_OPENAI_EMBEDDINGS, buf_str(&b));
            rc = rc ? rc : way_out(&w, caps[i].to, &t);
            CU_ASSERT_EQUAL(rc, more ? -ERR_INVALID_REQUEST : 0);
            way_clear(&w);
            buf_clear(&b);
        }
    }
}

static void names_faults(void)
{
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++)
        CU_ASSERT(check_fault(&faults[i], DIALECT_OPENAI_EMBEDDINGS));
    for (size_t i = 0; i < sizeof batch_faults / sizeof batch_faults[0]; i++)
        CU_ASSERT(check_fault(&batch_faults[i], DIALECT_GEMINI_BATCH));
}

static void reads_and_writes_answers(void)
{
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        struct arena *a = arena_new(1 << 20);
        struct codec_out_opts opts = { .model = STR("m"),
                                       .base64 = answers[i].base64 };
        struct codec_in *in = codec_in_new(codec_for(answers[i].from), a,
                                           &run_in_opts);
        struct buf to = BUF_INIT(1 << 20);
        struct codec_pipe pipe = {
            codec_out_new(codec_for(answers[i].to), a, &opts), &to
        };
        char *body = quoted(answers[i].in);
        char *want = answers[i].out ? quoted(answers[i].out) : NULL;
        int rc = in->codec->decode_body(in, str_of(body), codec_pipe, &pipe,
                                        NULL);

        CU_ASSERT_EQUAL(rc, want ? 0 : -ERR_SYNTAX);
        if (want && !str_is(buf_str(&to), want)) {
            printf("\n" STR_FMT "\nnot\n%s", STR_ARG(buf_str(&to)), want);
            CU_FAIL("another answer");
        }
        buf_clear(&to);
        free(body);
        free(want);
        arena_free(a);
    }
}

static void passes_errors_on(void)
{
    struct buf out = BUF_INIT(1 << 16);

    CU_ASSERT(run_record(DIALECT_OLLAMA_EMBED,
                         STR("{\"error\":\"no such model\"}"), 0, 0,
                         &out) == 0);
    CU_ASSERT(str_find(buf_str(&out), STR("no such model")) >= 0);
    buf_clear(&out);
}

/* What passes int64, and what is not counted at all of one, is no count. */
static void sums_what_is_counted(void)
{
#define ONE(n) "{'embeddings':{'statistics':{'token_count':" n "}}}"
    static const struct { const char *predictions; int64_t sum; } cases[] = {
        { ONE("2") "," ONE("3"), 5 },
        { ONE("9223372036854775807") "," ONE("9223372036854775807"), -1 },
        { ONE("2") ",{'embeddings':{'values':[1]}}", -1 },
        { ONE("2") "," ONE("-1"), -1 },
        { ONE("2") ",7", -1 },
    };
    enum dialect d = DIALECT_PREDICT_EMBED;
    struct arena *a = arena_new(1 << 20);
    struct json j = { 0 };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct str s = arena_fmt(a, "{'predictions':[%s]}",
                                 cases[i].predictions);
        char *body = quoted(s.p);
        struct wire_watch w;

        UNIT_INT(dialect_ops(d)->watch_body(d, str_of(body), &j, a, &w,
                                            NULL), 0);
        UNIT_INT(w.usage.input, cases[i].sum);
        free(body);
    }
    json_clear(&j);
    arena_free(a);
}

UNIT_MAIN("codec_embed", { "requests", maps_requests },
          { "counts", maps_counts },
          { "what cannot be said", refuses_what_it_cannot_say },
          { "caps", caps_inputs }, { "faults", names_faults },
          { "answers", reads_and_writes_answers },
          { "errors", passes_errors_on },
          { "sums", sums_what_is_counted })

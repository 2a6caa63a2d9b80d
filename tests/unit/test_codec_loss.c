/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * What of an answer has no place in the client's dialect is noted, and what
 * has one arrives: cases beside the samples of the guide's tables
 * (test_answer_features.c).
 */
#include "answer_run.h"

enum { WHOLE, STREAM, STREAM_PLAIN, LEGACY };

#define B(l) (1u << LOSS_##l)
/* a chunk of Perplexity's: sources beside the choices, the text said again */
#define SOURCED(text, reason, more)                                           \
    "{'id':'c','citations':['https://no'],'search_results':[{'title':'X\\n',"  \
    "'url':'https://x','date':null}" more "],'choices':[{'index':0,"          \
    "'finish_reason':" reason ",'message':{'content':'no'},'delta':{"         \
    "'content':" text "}}]}"

static const struct {
    const char *name;
    enum answer_provider from;
    const char *answer;
    enum dialect to;
    int how;
    uint32_t lost;
    const char *has, *lacks; /* of what the client gets; or NULL */
} cases[] = {
    /* clang-format off */
    { "nothing", CHAT, "D{'content':'a'}" ENDS, DIALECT_ANTHROPIC, STREAM, 0, "\"a\"", "dropped" },
    { "a citation of a document is none of the web", MESSAGES, CITED("'type':'char_location','cited_text':'x','document_index':0"), DIALECT_OPENAI_CHAT, WHOLE, B(CITATIONS), NULL, "annotations" },
    { "and begins nothing", MESSAGES, "S\nB0{'type':'text','text':''}\nd0{'type':'citations_delta','citation':{'type':'char_location','cited_text':'x','document_index':0}}\nE0" OK, DIALECT_RESPONSES, STREAM, B(CITATIONS), NULL, "output_item.added" },
    { "the same, streamed", MESSAGES, CITED("'type':'char_location','cited_text':'x','document_index':0"), DIALECT_OPENAI_CHAT, STREAM, B(CITATIONS), NULL, "annotations" },
    { "sources of a text that is over", GOOGLE, "{'candidates':[{'content':{'parts':[{'text':'a','thoughtSignature':'cw=='}]},'finishReason':'STOP','groundingMetadata':{'groundingChunks':[{'web':{'uri':'u'}}]}}]}", DIALECT_OPENAI_CHAT, WHOLE, B(CITATIONS), NULL, "annotations" },
    { "queries of a search", GOOGLE, "{'candidates':[{'content':{'parts':[{'text':'a'}]},'finishReason':'STOP','groundingMetadata':{'webSearchQueries':['q']}}]}", DIALECT_OPENAI_CHAT, WHOLE, B(SERVER_BLOCKS), NULL, NULL },
    { "whom a text repeats", GOOGLE, "{'candidates':[{'content':{'parts':[{'text':'a'}]},'finishReason':'STOP','citationMetadata':{'citationSources':[{'uri':'u'}]}}]}", DIALECT_OPENAI_CHAT, WHOLE, B(CITATIONS), NULL, NULL },
    { "citations beside the choices", CHAT, "{'id':'c','citations':['https://a'],'choices':[{'index':0,'delta':{'content':'a'}}]}" ENDS, DIALECT_RESPONSES, STREAM, 0, "\"annotation\":{\"type\":\"url_citation\",\"url\":\"https://a\",\"title\":\"https://a\",\"start_index\":0,\"end_index\":1}", NULL },
    { "in each chunk: the last counts, once", CHAT, SOURCED("'a'", "null", "") "\n" SOURCED("'b'", "'stop'", ",{'url':'https://b'}") "\nDONE", DIALECT_RESPONSES, STREAM, 0, "\"annotations\":[{\"type\":\"url_citation\",\"url\":\"https://x\",\"title\":\"X\\n\",\"start_index\":0,\"end_index\":2},{\"type\":\"url_citation\",\"url\":\"https://b\",\"title\":\"https://b\",\"start_index\":0,\"end_index\":2}]", "annotation_index\":2" },
    { "with titles, to Google's clients", CHAT, SOURCED("'a'", "null", "") "\n" SOURCED("'b'", "'stop'", "") "\nDONE", DIALECT_GEMINI, STREAM, 0, "\"groundingChunks\":[{\"web\":{\"uri\":\"https://x\",\"title\":\"X\\n\"}}]", "https://no" },
    { "in the whole", CHAT, SOURCED("'a'", "'stop'", ",7,{'title':'none'}") "\nDONE", DIALECT_GEMINI, WHOLE, B(CITATIONS), "\"groundingChunks\":[{\"web\":{\"uri\":\"https://x\",\"title\":\"X\\n\"}}]", NULL },
    { "no place in Messages", CHAT, SOURCED("'a'", "'stop'", "") "\nDONE", DIALECT_ANTHROPIC, STREAM, B(CITATIONS), "\"a\"", "https://x" },
    { "nor where there is no text", CHAT, "{'id':'c','citations':['https://a'],'choices':[{'index':0,'delta':{'refusal':'no'}}]}" ENDS, DIALECT_RESPONSES, STREAM, B(CITATIONS), NULL, "https://a" },
    { "nor behind its end", CHAT, "D{'content':'a'}\nF stop\n{'choices':[],'citations':['https://a']}\nDONE", DIALECT_RESPONSES, STREAM, B(CITATIONS), NULL, "https://a" },
    { "of a text that may be a tag, with no reason", CHAT, "{'id':'c','citations':['https://a'],'choices':[{'index':0,'delta':{'content':'<'}}]}\nDONE", DIALECT_RESPONSES, STREAM, 0, "\"url\":\"https://a\",\"title\":\"https://a\",\"start_index\":0,\"end_index\":1", NULL },
    { "not beside a text's own", CHAT, "D{'content':'a'}\nD{'annotations':[{'type':'url_citation','url_citation':{'url':'https://own','title':'o','start_index':0,'end_index':1}}]}\n" SOURCED("'b'", "'stop'", "") "\nDONE", DIALECT_GEMINI, STREAM, 0, "\"groundingChunks\":[{\"web\":{\"uri\":\"https://own\",\"title\":\"o\"}}]", NULL },
    { "a picture with a signature", GOOGLE, GEMINI("{'inlineData':{'mimeType':'image/png','data':'QUJD'},'thoughtSignature':'c2ln'}") GEMINI_STOP, DIALECT_OPENAI_CHAT, WHOLE, 0, "\"images\":[{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:image/png;base64,QUJD\"}}]", NULL },
    { "its signature", GOOGLE, GEMINI("{'inlineData':{'mimeType':'image/png','data':'QUJD'},'thoughtSignature':'c2ln'}") GEMINI_STOP, DIALECT_OPENAI_CHAT, WHOLE, 0, "penstock.gemini.c2ln", NULL },
    { "two pictures of a stream", CHAT, "D{'images':[{'image_url':{'url':'data:image/png;base64,QQ=='}},{'image_url':{'url':'data:image/gif;base64,Qg=='}}]}" ENDS, DIALECT_OPENAI_CHAT, STREAM, 0, "\"image_url\":{\"url\":\"data:image/gif;base64,Qg==\"},\"index\":1}", NULL },
    { "a picture between texts", CHAT, "D{'content':'a'}\nD{'images':[{'image_url':{'url':'data:image/png;base64,QQ=='}}]}\nD{'content':'b'}" ENDS, DIALECT_GEMINI, WHOLE, 0, "[{\"text\":\"a\"},{\"inlineData\":{\"mimeType\":\"image/png\",\"data\":\"QQ==\"}},{\"text\":\"b\"}]", NULL },
    { "a picture as a part of content", CHAT, "D{'content':[{'type':'text','text':'a'},{'type':'image_url','image_url':'data:image/png;base64,QQ=='}]}" ENDS, DIALECT_RESPONSES, WHOLE, 0, "\"type\":\"image_generation_call\",\"status\":\"completed\",\"output_format\":\"png\",\"result\":\"QQ==\"", NULL },
    { "a picture behind an address", CHAT, "D{'content':'a','images':[{'image_url':{'url':'https://x/y.png'}}]}" ENDS, DIALECT_GEMINI, WHOLE, B(IMAGES), NULL, "inlineData" },
    { "the draft of a picture", GOOGLE, GEMINI("{'thought':true,'inlineData':{'mimeType':'image/png','data':'QUJD'}},{'text':'a'}") GEMINI_STOP, DIALECT_OPENAI_CHAT, STREAM, B(IMAGES), "\"a\"", "QUJD" },
    { "other data", GOOGLE, GEMINI("{'text':'a'},{'inlineData':{'mimeType':'application/pdf','data':'QUJD'}}") GEMINI_STOP, DIALECT_OPENAI_CHAT, WHOLE, B(FILES), NULL, "QUJD" },
    { "a picture of no known type", OLLAMA, LINE("'content':'a','images':['QUJD']") LAST("stop", ""), DIALECT_GEMINI, WHOLE, B(IMAGES), NULL, "QUJD" },
    { "log probabilities that come with the whole text", RESPONSES, CREATED EVENT("output_text.delta", ",'output_index':0,'content_index':0,'delta':'a','logprobs':[]") EVENT("output_text.done", ",'output_index':0,'content_index':0,'text':'a','logprobs':[{'token':'a','logprob':-0.5,'bytes':[97],'top_logprobs':[]}]") COMPLETED(""), DIALECT_OPENAI_CHAT, WHOLE, 0, "\"logprobs\":{\"content\":[{\"token\":\"a\",\"logprob\":-0.5,\"bytes\":[97],\"top_logprobs\":[]}],\"refusal\":null}", NULL },
    { "once, where the pieces had them", RESPONSES, CREATED EVENT("output_text.delta", ",'output_index':0,'content_index':0,'delta':'a','logprobs':[{'token':'a','logprob':-0.5}]") EVENT("output_text.done", ",'output_index':0,'content_index':0,'text':'a','logprobs':[{'token':'a','logprob':-0.5}]") COMPLETED(""), DIALECT_GEMINI, WHOLE, 0, "\"logprobsResult\":{\"chosenCandidates\":[{\"token\":\"a\",\"logProbability\":-0.5}]}", "},{\"token\"" },
    { "the likeliest others", CHAT, "{'id':'c','choices':[{'index':0,'delta':{'content':'a'},'logprobs':{'content':[{'token':'a','logprob':-0.5,'top_logprobs':[{'token':'b','logprob':-2}]}]}}]}" ENDS, DIALECT_GEMINI, STREAM, 0, "\"logprobsResult\":{\"topCandidates\":[{\"candidates\":[{\"token\":\"b\",\"logProbability\":-2}]}],\"chosenCandidates\":[{\"token\":\"a\",\"logProbability\":-0.5}]}", NULL },
    { "with the text of Responses", CHAT, "{'id':'c','choices':[{'index':0,'delta':{'content':'a'},'logprobs':{'content':[{'token':'a','logprob':-0.5,'bytes':null}]}}]}" ENDS, DIALECT_RESPONSES, STREAM, 0, "\"text\":\"a\",\"logprobs\":[{\"token\":\"a\",\"logprob\":-0.5,\"bytes\":[],\"top_logprobs\":[]}]", NULL },
    { "of no text that is open", CHAT, "{'id':'c','choices':[{'index':0,'delta':{'refusal':'no'},'logprobs':{'content':[{'token':'a','logprob':-1}]}}]}" ENDS, DIALECT_RESPONSES, WHOLE, B(LOGPROBS), NULL, "\"token\"" },
    { "a tier that the last chunk says", MESSAGES, BEGUN("'usage':{'input_tokens':3,'output_tokens':1,'service_tier':'priority'}"), DIALECT_OPENAI_CHAT, STREAM, 0, "\"service_tier\":\"priority\"", NULL },
    { "and no chunk", MESSAGES, BEGUN("'usage':{'input_tokens':3,'output_tokens':1,'service_tier':'priority'}"), DIALECT_OPENAI_CHAT, STREAM_PLAIN, B(TIER), NULL, "priority" },
    { "a tier that only OpenAI has", CHAT, CHUNK_OF(",'service_tier':'flex'"), DIALECT_ANTHROPIC, WHOLE, B(TIER), NULL, "flex" },
    { "the standard is nothing to tell", MESSAGES, BEGUN("'usage':{'input_tokens':3,'output_tokens':1,'service_tier':'standard'}"), DIALECT_GEMINI, STREAM, 0, NULL, NULL },
    { "a second call of the old form", CHAT, "D{'tool_calls':[{'index':0,'id':'t','function':{'name':'f','arguments':'{}'}},{'index':1,'id':'u','function':{'name':'g','arguments':'{}'}}]}\nF tool_calls\nDONE", DIALECT_OPENAI_CHAT, LEGACY, B(CALLS), "\"function_call\":{\"name\":\"g\"", NULL },
    { "a failure behind content", GOOGLE, GEMINI("{'text':'a'}") GEMINI_END("MALFORMED_FUNCTION_CALL", ""), DIALECT_OPENAI_CHAT, WHOLE, B(FINISH), "\"finish_reason\":\"stop\"", NULL },
    { "thinking, calls, where only text has a place", CHAT, "D{'reasoning_content':'x'}\nD{'content':'a'}\nD{'tool_calls':[{'index':0,'id':'t','function':{'name':'f','arguments':'{}'}}]}\nF tool_calls\nDONE", DIALECT_OPENAI_COMPLETIONS, STREAM, B(REASONING) | B(CALLS), "\"a\"", NULL },
    { "and pictures, sources", GOOGLE, GEMINI("{'text':'a'},{'inlineData':{'mimeType':'image/png','data':'QUJD'}},{'text':'b'}") "\n{'candidates':[{'finishReason':'STOP','groundingMetadata':{'groundingChunks':[{'web':{'uri':'u'}}]}}]}", DIALECT_OPENAI_COMPLETIONS, WHOLE, B(IMAGES) | B(CITATIONS), NULL, "QUJD" },
    /* clang-format on */
};

static int run_case(size_t i, struct buf *out)
{
    struct codec_out_opts opts = {
        .stream = cases[i].how == STREAM || cases[i].how == STREAM_PLAIN,
        .include_usage = cases[i].how == STREAM,
        .legacy_functions = cases[i].how == LEGACY,
        .unique = STR("u2"), .created = 7, .model = STR("m"),
        .lost = &run_lost,
    };
    struct arena *a = arena_new(64 << 20);
    struct codec_pipe pipe = { codec_out_new(codec_for(cases[i].to), a,
                                             &opts), out };
    int rc = answer_run(cases[i].from, cases[i].answer, codec_pipe, &pipe);

    arena_free(a);
    return rc;
}

static bool contains(struct str s, const char *text)
{
    return str_find(s, str_of(text)) >= 0;
}

static void noted_or_there(void)
{
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buf out = BUF_INIT(1 << 20);
        bool ok;

        run_lost = 0;
        ok = run_case(i, &out) == 0 && run_lost == cases[i].lost &&
             (!cases[i].has || contains(buf_str(&out), cases[i].has)) &&
             (!cases[i].lacks || !contains(buf_str(&out), cases[i].lacks));
        if (!ok)
            printf("\n%s: 0x%x of 0x%x in\n" STR_FMT, cases[i].name, run_lost,
                   cases[i].lost, STR_ARG(buf_str(&out)));
        CU_ASSERT(ok);
        buf_clear(&out);
    }
}

/* However a stream is cut, the same is said and the same noted. */
static void any_pieces(void)
{
    static const char answer[] =
        "D{'content':'a'}\nD{'images':[{'image_url':{'url':"
        "'data:image\\/png;base64,iVBORw0KGgo='}}]}\n"
        "{'id':'c','system_fingerprint':'f','choices':[{'index':0,'delta':"
        "{'content':'b'},'logprobs':{'content':[{'token':'b','logprob':-1}]}}"
        ",{'index':1,'delta':{'content':'x'},'finish_reason':'stop'}]}" ENDS;
    struct buf text = BUF_INIT(1 << 16), first = BUF_INIT(1 << 20);

    expand(&text, DIALECT_OPENAI_CHAT, answer);
    for (size_t n = 1; n <= buf_len(&text); n++) {
        struct buf out = BUF_INIT(1 << 20);

        run_lost = 0;
        CU_ASSERT(run_through(DIALECT_OPENAI_CHAT, buf_str(&text), n,
                              DIALECT_RESPONSES, true, &out) == 0);
        CU_ASSERT(run_lost == (B(FINGERPRINT) | B(CHOICES)));
        if (n == 1)
            buf_put(&first, buf_str(&out));
        CU_ASSERT(str_eq(buf_str(&first), buf_str(&out)));
        buf_clear(&out);
    }
    CU_ASSERT(contains(buf_str(&first), "\"result\":\"iVBORw0KGgo=\""));
    CU_ASSERT(contains(buf_str(&first), "\"token\":\"b\""));
    buf_clear(&text);
    buf_clear(&first);
}

/* A vendor's pretty JSON does not end a line of an event. */
static void one_line_each(void)
{
    static const struct str body = STR(
        "{\"id\":\"c\",\"choices\":[{\"index\":0,\"message\":{\"content\":"
        "\"a\"},\"logprobs\":{\"content\":[{\"token\":\"a\",\n\"logprob\":-1,"
        "\"bytes\":[\n97]}]},\"finish_reason\":\"stop\"}]}");
    static const enum dialect to[] = { DIALECT_RESPONSES, DIALECT_GEMINI,
                                       DIALECT_OPENAI_CHAT };

    for (size_t i = 0; i < sizeof to / sizeof to[0]; i++) {
        struct buf out = BUF_INIT(1 << 20);
        struct str left;

        CU_ASSERT(run_through(DIALECT_OPENAI_CHAT, body, 0, to[i], true,
                              &out) == 0);
        left = buf_str(&out);
        CU_ASSERT(contains(left, "\"token\":\"a\""));
        while (left.n) {
            struct str line = str_split(&left, '\n');

            CU_ASSERT(!line.n || str_is(line, "\r") ||
                      str_starts(line, STR("data: ")) ||
                      str_starts(line, STR("event: ")));
        }
        buf_clear(&out);
    }
}

/* A codec that nobody asks what it lost says nothing, and does no harm. */
static void nobody_asks(void)
{
    struct codec_out_opts opts = { .model = STR("m"), .unique = STR("u") };
    struct arena *a = arena_new(1 << 20);
    struct buf out = BUF_INIT(1 << 20);
    struct codec_pipe pipe = { codec_out_new(codec_for(DIALECT_ANTHROPIC), a,
                                             &opts), &out };

    CU_ASSERT(answer_run(GOOGLE, GEMINI("{'text':'a'},{'inlineData':"
                                        "{'mimeType':'image/png','data':"
                                        "'QUJD'}}") GEMINI_STOP,
                         codec_pipe, &pipe) == 0);
    CU_ASSERT(contains(buf_str(&out), "\"text\":\"a\""));
    arena_free(a);
    buf_clear(&out);
}

static void names(void)
{
    struct buf all = BUF_INIT(1 << 10), small = BUF_INIT(20);

    CU_ASSERT(codec_loss_names(0, &all) == 0 && buf_len(&all) == 0);
    CU_ASSERT(codec_loss_names(B(IMAGES) | B(LOGPROBS), &all) == 0);
    CU_ASSERT(str_is(buf_str(&all), "answer.images, answer.logprobs"));
    buf_reset(&all);
    CU_ASSERT(codec_loss_names(UINT32_MAX, &all) == 0);
    CU_ASSERT(buf_len(&all) < 512); /* a header's worth */
    CU_ASSERT(codec_loss_names(UINT32_MAX, &small) != 0);
    for (unsigned l = 0; l < LOSS_COUNT; l++)
        CU_ASSERT(strncmp(codec_loss_name((enum codec_loss)l), "answer.",
                          7) == 0);
    buf_clear(&all);
    buf_clear(&small);
}

UNIT_MAIN("codec_loss", { "noted, or there", noted_or_there },
          { "any pieces", any_pieces }, { "one line each", one_line_each },
          { "nobody asks", nobody_asks }, { "names", names })

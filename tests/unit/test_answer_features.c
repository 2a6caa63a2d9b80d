/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * The guide's table of what becomes of answers, made by translating them. A
 * sample carries a mark; the translated answer, streamed and whole, is read
 * again: the mark in the same kind of event was translated, in another or
 * under a seal mapped, nowhere dropped. Where it stands is what the whole
 * answer says. With PENSTOCK_WRITE=1 the page is written again.
 */
#include "codec_short.h"
#include "guide_page.h"

/* clang-format off */
#define MARK "MARK"
#define COUNT "7777"
#define ENDS "\nF stop\nDONE"
#define CALL(more) "D{'tool_calls':[{'index':0,'id':'t','type':'function','function':{'name':'f','arguments':'{}'}" more "}]}\nF tool_calls\nDONE"
#define OK "\nM{'stop_reason':'end_turn'}{'output_tokens':9}\nX"
#define BLOCK(block) "S\nB0" block "\nE0" OK
#define CITED(more) "S\nB0{'type':'text','text':'a'}\nd0{'type':'citations_delta','citation':{" more "}}\nE0" OK
#define ENDED(delta) "S\nB0{'type':'text','text':'a'}\nE0\nM{" delta "}{'output_tokens':9}\nX"
#define USED(usage) "S\nB0{'type':'text','text':'a'}\nE0\nM{'stop_reason':'end_turn'}{" usage "}\nX"
#define COUNTED(usage) "D{'content':'a'}\nF stop\nU{" usage "}\nDONE"
#define CHUNK_OF(more) "{'id':'c','model':'m','choices':[{'index':0,'delta':{'content':'a'}}]" more "}" ENDS
#define BEGUN(more) "{'type':'message_start','message':{'id':'c','model':'m','content':[]," more "}}\nB0{'type':'text','text':'a'}\nE0" OK

/* What providers of each dialect answer; NULL: they cannot. */
static const struct sample {
    const char *name, *what, *chat, *anthropic;
    bool finish; /* why it ended is what it is about */
} samples[] = {
    { "text", "what was said", "D{'content':'MARK'}" ENDS, BLOCK("{'type':'text','text':'MARK'}"), false },
    { "tool call", "its arguments", "D{'tool_calls':[{'index':0,'id':'t','type':'function','function':{'name':'f','arguments':'{\\'city\\':\\'MARK\\'}'}}]}\nF tool_calls\nDONE", BLOCK("{'type':'tool_use','id':'t','name':'f','input':{'city':'MARK'}}"), false },
    { "tool call's id", "as the provider gave it", "D{'tool_calls':[{'index':0,'id':'MARK','type':'function','function':{'name':'f','arguments':'{}'}}]}\nF tool_calls\nDONE", BLOCK("{'type':'tool_use','id':'MARK','name':'f','input':{}}"), false },
    { "interleaved tool calls", "pieces of several at a time; one after the other", "D{'tool_calls':[{'index':0,'id':'t','function':{'name':'f','arguments':''}},{'index':1,'id':'u','function':{'name':'g','arguments':'{\\'city\\':'}}]}\nD{'tool_calls':[{'index':0,'function':{'arguments':'{}'}},{'index':1,'function':{'arguments':'\\'MARK\\'}'}}]}\nF tool_calls\nDONE", NULL, false },
    { "custom tool call", "free text for a tool; as a member `input`", "D{'tool_calls':[{'index':0,'id':'t','type':'custom','custom':{'name':'f','input':'MARK'}}]}\nF tool_calls\nDONE", NULL, false },
    { "thinking", "reasoning that may be read", "D{'reasoning_content':'MARK'}\nD{'content':'a'}" ENDS, BLOCK("{'type':'thinking','thinking':'MARK','signature':'s'}"), false },
    { "signature", "of such reasoning; of another vendor under a seal", "D{'reasoning_details':[{'type':'reasoning.text','text':'x','signature':'MARK'}]}\nD{'content':'a'}" ENDS, BLOCK("{'type':'thinking','thinking':'x','signature':'MARK'}"), false },
    { "redacted thinking", "reasoning that may not be read; of another vendor under a seal", "D{'reasoning_details':[{'type':'reasoning.encrypted','data':'MARK'}]}\nD{'content':'a'}" ENDS, BLOCK("{'type':'redacted_thinking','data':'MARK'}"), false },
    { "thought signature", "of the thought before a tool call; under a seal", CALL(",'extra_content':{'google':{'thought_signature':'MARK'}}"), NULL, false },
    { "refusal", "its words", "D{'refusal':'MARK'}\nF content_filter\nDONE", ENDED("'stop_reason':'refusal','stop_details':{'type':'refusal','explanation':'MARK'}"), false },
    { "citation of the web", "URL of a source", "D{'content':'a','annotations':[{'type':'url_citation','url_citation':{'url':'MARK','title':'t','start_index':0,'end_index':1}}]}" ENDS, CITED("'type':'web_search_result_location','url':'MARK','title':'t','encrypted_index':'e','cited_text':'a'"), false },
    { "citation of a document", "what was cited", NULL, CITED("'type':'char_location','cited_text':'MARK','document_index':0,'document_title':'t','start_char_index':0,'end_char_index':1"), false },
    { "server tool blocks", "what the provider's own tools did", NULL, BLOCK("{'type':'server_tool_use','id':'s','name':'web_search','input':{'query':'MARK'}}"), false },
    { "logprobs", "log probabilities of tokens", "{'id':'c','model':'m','choices':[{'index':0,'delta':{'content':'a'},'logprobs':{'content':[{'token':'MARK','logprob':-1}]}}]}" ENDS, NULL, false },
    { "choices", "beyond the first", "{'id':'c','model':'m','choices':[{'index':0,'delta':{'content':'a'}},{'index':1,'delta':{'content':'MARK'}}]}\n{'id':'c','choices':[{'index':1,'delta':{},'finish_reason':'stop'}]}" ENDS, NULL, false },
    { "audio", "that the model made", "D{'audio':{'id':'a','data':'MARK'}}" ENDS, NULL, false },
    { "images", "that the model made", "D{'images':[{'type':'image_url','image_url':{'url':'MARK'}}]}" ENDS, NULL, false },
    { "finished", "the answer came to its end", "D{'content':'a'}" ENDS, ENDED("'stop_reason':'end_turn'"), true },
    { "ended by a tool call", "also where the provider says `stop`", "D{'tool_calls':[{'index':0,'id':'t','type':'function','function':{'name':'f','arguments':'{}'}}]}" ENDS, "S\nB0{'type':'tool_use','id':'t','name':'f','input':{}}\nE0\nM{'stop_reason':'tool_use'}{'output_tokens':9}\nX", true },
    { "ended by length", "max_tokens were spent", "D{'content':'a'}\nF length\nDONE", ENDED("'stop_reason':'max_tokens'"), true },
    { "ended by the context", "the context was full", NULL, ENDED("'stop_reason':'model_context_window_exceeded'"), true },
    { "ended by a filter", "refused or filtered", "D{'content':'a'}\nF content_filter\nDONE", ENDED("'stop_reason':'refusal'"), true },
    { "ended by a stop sequence", "where the provider says so", "D{'content':'a'}\n{'id':'c','choices':[{'index':0,'delta':{},'finish_reason':'stop','stop_reason':'MARK'}]}\nDONE", ENDED("'stop_reason':'stop_sequence','stop_sequence':'MARK'"), true },
    { "stop sequence", "which one", "D{'content':'a'}\n{'id':'c','choices':[{'index':0,'delta':{},'finish_reason':'stop','stop_reason':'MARK'}]}\nDONE", ENDED("'stop_reason':'stop_sequence','stop_sequence':'MARK'"), false },
    { "paused", "the provider's own loop stopped half way", NULL, ENDED("'stop_reason':'pause_turn'"), true },
    { "input tokens", "neither read from nor written to a cache", COUNTED("'prompt_tokens':7777,'completion_tokens':5"), USED("'input_tokens':7777,'output_tokens':5"), false },
    { "output tokens", "reasoning included", COUNTED("'prompt_tokens':5,'completion_tokens':7777"), USED("'output_tokens':7777"), false },
    { "tokens read from a cache", "beside the input tokens", COUNTED("'prompt_tokens':9000,'completion_tokens':5,'prompt_tokens_details':{'cached_tokens':7777}"), USED("'output_tokens':5,'cache_read_input_tokens':7777"), false },
    { "tokens written to a cache", "the same", COUNTED("'prompt_tokens':9000,'completion_tokens':5,'prompt_tokens_details':{'cached_tokens':0,'cache_write_tokens':7777}"), USED("'output_tokens':5,'cache_creation_input_tokens':7777"), false },
    { "reasoning tokens", "part of the output", COUNTED("'prompt_tokens':5,'completion_tokens':9000,'completion_tokens_details':{'reasoning_tokens':7777}"), USED("'output_tokens':9000,'output_tokens_details':{'thinking_tokens':7777}"), false },
    { "id", "of the answer", "{'id':'MARK','model':'m','choices':[{'index':0,'delta':{'content':'a'}}]}" ENDS, "{'type':'message_start','message':{'id':'MARK','model':'m','content':[],'usage':{'input_tokens':3,'output_tokens':1}}}\nB0{'type':'text','text':'a'}\nE0" OK, false },
    { "service tier", "that served the request", CHUNK_OF(",'service_tier':'MARK'"), BEGUN("'usage':{'input_tokens':3,'output_tokens':1,'service_tier':'MARK'}"), false },
    { "fingerprint", "of the system that answered", CHUNK_OF(",'system_fingerprint':'MARK'"), NULL, false },
    { "error", "its message, also inside a stream", "D{'content':'a'}\n{'error':{'message':'MARK','type':'server_error'}}", "S\n{'type':'error','error':{'type':'api_error','message':'MARK'}}", false },
};
/* clang-format on */

#define SAMPLES (sizeof samples / sizeof samples[0])

/* ---- where the mark is --------------------------------------------------- */

/* Kinds of events with the mark, a bit each; counts and ends behind them. */
#define AT_CUSTOM (1u << 20)
#define AT_USAGE (1u << 21)

struct seen {
    uint32_t where;
    enum neutral_finish finish;
    bool finished;
};

static bool marked(const char *p, size_t n)
{
    return p && str_find((struct str){ p, n }, STR(MARK)) >= 0;
}

static uint32_t usage_marks(const struct usage *u)
{
    const int64_t counts[] = { u->input, u->output, u->cache_read,
                               u->cache_write, u->reasoning };
    uint32_t bits = 0;

    for (uint32_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
        bits |= counts[i] == 7777 ? AT_USAGE << i : 0;
    return bits;
}

static int look(void *ud, const struct neutral_event *ev)
{
    struct seen *s = ud;

    if (marked(ev->text.p, ev->text.n) || marked(ev->id.p, ev->id.n) ||
        marked(ev->raw.p, ev->raw.n) ||
        marked(ev->signature.p, ev->signature.n) ||
        (ev->error && marked(ev->error->message.p, ev->error->message.n)))
        s->where |= 1u << ev->type;
    if (ev->type == NEUTRAL_TOOL_BEGIN && ev->custom)
        s->where |= AT_CUSTOM;
    if (ev->type == NEUTRAL_USAGE)
        s->where |= usage_marks(&ev->usage);
    if (ev->type == NEUTRAL_FINISH && ev->choice == 0) {
        s->finish = ev->finish;
        s->finished = true;
    }
    return 0;
}

/* ---- one sample in one direction ----------------------------------------- */

/* The path of a node, its indexes left out. */
static void put_path(struct buf *b, struct str pointer)
{
    bool index = false;

    for (size_t i = 1; i < pointer.n; i++) {
        char c = pointer.p[i];
        bool digit = c >= '0' && c <= '9' &&
                     (index || pointer.p[i - 1] == '/');

        if (digit && !index)
            buf_puts(b, "[]");
        else if (!digit && c == '/')
            buf_puts(b, i + 1 < pointer.n && pointer.p[i + 1] >= '0' &&
                                pointer.p[i + 1] <= '9' ? "" : ".");
        else if (!digit)
            buf_putc(b, c);
        index = digit;
    }
}

/* All places of a text or a count in an answer, as paths. */
static int put_places(struct buf *b, struct str answer, const char *what)
{
    struct arena *a = arena_new(1 << 20);
    struct json j = { 0 };
    int n = 0;

    CU_ASSERT_FATAL(json_scan(&j, answer, NULL, NULL) == 0);
    for (uint32_t i = 0; i < j.count; i++) {
        struct str raw = json_raw(&j, i);

        if (j.nodes[i].type == JSON_T_STRING
                ? str_find(raw, str_of(what)) < 0 : !str_is(raw, what))
            continue;
        buf_puts(b, n++ ? ", `" : ": `");
        put_path(b, json_pointer(&j, i, a));
        buf_puts(b, "`");
    }
    json_clear(&j);
    arena_free(a);
    return n;
}

static void put_finish(struct buf *b, struct str answer, enum dialect to)
{
    const char *at = to == DIALECT_ANTHROPIC ? "/stop_reason"
                                             : "/choices/0/finish_reason";
    struct arena *a = arena_new(1 << 20);
    struct json j = { 0 };
    struct str s;

    CU_ASSERT_FATAL(json_scan(&j, answer, NULL, NULL) == 0);
    s = json_text(&j, json_at(&j, str_of(at)), a);
    buf_printf(b, ": `" STR_FMT "`", STR_ARG(s));
    json_clear(&j);
    arena_free(a);
}

static const char *fate_of(const struct sample *s, const struct seen *in,
                           const struct seen *out)
{
    if (s->finish)
        return in->finish == out->finish ? "translated" : "mapped";
    if (in->where && in->where == out->where)
        return "translated";
    return out->where ? "mapped" : "dropped";
}

static void read_again(enum dialect d, struct str answer, bool stream,
                       struct seen *out)
{
    int rc = stream ? run_stream(d, answer, answer.n, look, out)
                    : run_body(d, answer, look, out);

    CU_ASSERT(rc == 0);
}

/* The fate, and where in the client's whole answer it is seen. */
static void put_cell(struct buf *b, const struct sample *s, enum dialect from)
{
    enum dialect to = from == DIALECT_ANTHROPIC ? DIALECT_OPENAI_CHAT
                                                : DIALECT_ANTHROPIC;
    const char *text = from == DIALECT_ANTHROPIC ? s->anthropic : s->chat;
    struct buf in = BUF_INIT(1 << 20), whole = BUF_INIT(1 << 20);
    struct buf stream = BUF_INIT(1 << 20), places = BUF_INIT(1 << 16);
    struct seen said = { 0 }, got = { 0 }, streamed = { 0 };
    const char *fate;

    expand(&in, from, text);
    CU_ASSERT(run_stream(from, buf_str(&in), 7, look, &said) == 0);
    CU_ASSERT(run_through(from, buf_str(&in), 7, to, false, &whole) == 0);
    CU_ASSERT(run_through(from, buf_str(&in), 7, to, true, &stream) == 0);
    read_again(to, buf_str(&whole), false, &got);
    read_again(to, buf_str(&stream), true, &streamed);
    if (!s->finish && !put_places(&places, buf_str(&whole), MARK) &&
        !put_places(&places, buf_str(&whole), COUNT) && said.where &&
        put_places(&places, buf_str(&whole), "penstock."))
        got.where = streamed.where = 1u << NEUTRAL_END; /* under a seal */
    if (s->finish)
        put_finish(&places, buf_str(&whole), to);
    fate = fate_of(s, &said, &got);
    if (strcmp(fate, fate_of(s, &said, &streamed)) != 0)
        printf("\n%s: %s as a whole, %s streamed", s->name, fate,
               fate_of(s, &said, &streamed));
    CU_ASSERT(strcmp(fate, fate_of(s, &said, &streamed)) == 0);
    CU_ASSERT((strcmp(fate, "dropped") == 0) == (buf_len(&places) == 0));
    buf_printf(b, " %s" STR_FMT " |", fate, STR_ARG(buf_str(&places)));
    buf_clear(&in);
    buf_clear(&whole);
    buf_clear(&stream);
    buf_clear(&places);
}

static void put_table(struct buf *b)
{
    buf_puts(b, "| of the answer | what it is | to Anthropic clients | to "
                "OpenAI clients |\n|---|---|---|---|\n");
    for (size_t i = 0; i < SAMPLES; i++) {
        const struct sample *s = &samples[i];

        buf_printf(b, "| %s | %s |", s->name, s->what);
        if (s->chat)
            put_cell(b, s, DIALECT_OPENAI_CHAT);
        else
            buf_puts(b, " – |");
        if (s->anthropic)
            put_cell(b, s, DIALECT_ANTHROPIC);
        else
            buf_puts(b, " – |");
        buf_puts(b, "\n");
    }
}

static void guide_says_what_is(void)
{
    struct buf table = BUF_INIT(1 << 20);

    put_table(&table);
    guide_says("compatibility.md", "table of answers", buf_str(&table));
    buf_clear(&table);
}

UNIT_MAIN("answer_features", { "the guide says what is", guide_says_what_is })

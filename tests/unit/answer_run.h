/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Answers of every provider's dialect, in short (answer_samples.def), through
 * their decoder to a sink, and on to a client of another dialect.
 */
#ifndef PENSTOCK_UNIT_ANSWER_RUN_H
#define PENSTOCK_UNIT_ANSWER_RUN_H

#include "codec_short.h"

enum answer_provider {
    CHAT,
    MESSAGES,
    GOOGLE,
    RESPONSES,
    CONVERSE,
    COHERE,
    MISTRAL,
    OLLAMA,
    PROVIDER_COUNT,
};

static const struct {
    enum dialect dialect;
    const char *name;
} providers[] = {
    [CHAT] = { DIALECT_OPENAI_CHAT, "Chat Completions" },
    [MESSAGES] = { DIALECT_ANTHROPIC, "Anthropic" },
    [GOOGLE] = { DIALECT_GEMINI, "Gemini" },
    [RESPONSES] = { DIALECT_RESPONSES, "Responses" },
    [CONVERSE] = { DIALECT_CONVERSE, "Converse" },
    [COHERE] = { DIALECT_COHERE, "Cohere" },
    [MISTRAL] = { DIALECT_MISTRAL, "Mistral" },
    [OLLAMA] = { DIALECT_OLLAMA, "Ollama" },
};

static const struct {
    enum dialect dialect;
    const char *name;
    const char *finish, *why; /* where the whole answer says how it ended */
} clients[] = {
    { DIALECT_OPENAI_CHAT, "Chat Completions", "/choices/0/finish_reason",
      NULL },
    { DIALECT_ANTHROPIC, "Anthropic", "/stop_reason", NULL },
    { DIALECT_RESPONSES, "Responses", "/status",
      "/incomplete_details/reason" },
    { DIALECT_GEMINI, "Gemini", "/candidates/0/finishReason", NULL },
};

#define CLIENTS (sizeof clients / sizeof clients[0])

/* clang-format off */
#define ENDS "\nF stop\nDONE"
#define CALL(more) "D{'tool_calls':[{'index':0,'id':'t','type':'function','function':{'name':'f','arguments':'{}'}" more "}]}\nF tool_calls\nDONE"
#define OK "\nM{'stop_reason':'end_turn'}{'output_tokens':9}\nX"
#define BLOCK(block) "S\nB0" block "\nE0" OK
#define CITED(more) "S\nB0{'type':'text','text':'a'}\nd0{'type':'citations_delta','citation':{" more "}}\nE0" OK
#define ENDED(delta) "S\nB0{'type':'text','text':'a'}\nE0\nM{" delta "}{'output_tokens':9}\nX"
#define USAGE(usage) "S\nB0{'type':'text','text':'a'}\nE0\nM{'stop_reason':'end_turn'}{" usage "}\nX"
#define COUNTED(usage) "D{'content':'a'}\nF stop\nU{" usage "}\nDONE"
#define CHUNK_OF(more) "{'id':'c','model':'m','choices':[{'index':0,'delta':{'content':'a'}}]" more "}" ENDS
#define BEGUN(more) "{'type':'message_start','message':{'id':'c','model':'m','content':[]," more "}}\nB0{'type':'text','text':'a'}\nE0" OK
#define GEMINI(parts) "{'responseId':'c','modelVersion':'m','candidates':[{'index':0,'content':{'role':'model','parts':[" parts "]}}]}"
#define GEMINI_END(reason, usage) "\n{'candidates':[{'index':0,'content':{'parts':[{'text':''}]},'finishReason':'" reason "'}],'usageMetadata':{" usage "}}"
#define GEMINI_STOP GEMINI_END("STOP", "'promptTokenCount':5,'candidatesTokenCount':9")
#define CREATED "{'type':'response.created','response':{'id':'c','model':'m','created_at':7,'output':[]}}\n"
#define EVENT(name, more) "{'type':'response." name "'" more "}\n"
#define COMPLETED(more) "{'type':'response.completed','response':{'id':'c','model':'m','status':'completed','output':[]" more "}}"
#define INCOMPLETE(why) "{'type':'response.incomplete','response':{'id':'c','model':'m','status':'incomplete','incomplete_details':{'reason':'" why "'},'output':[]}}"
#define BEGUN_BY "messageStart{'role':'assistant'}\n"
#define PIECE(index, delta) "contentBlockDelta{'contentBlockIndex':" index ",'delta':{" delta "}}\n"
#define ENDED_BY(reason, more) "contentBlockStop{'contentBlockIndex':0}\nmessageStop{'stopReason':'" reason "'" more "}\nmetadata{'usage':{'inputTokens':5,'outputTokens':9}}"
#define USED_BY(usage) "messageStop{'stopReason':'end_turn'}\nmetadata{'usage':{" usage "}}"
#define COHERE_BEGIN "{'type':'message-start','id':'c','delta':{'message':{'role':'assistant'}}}\n"
#define COHERE_TEXT(text) COHERE_BEGIN "{'type':'content-delta','index':0,'delta':{'message':{'content':{'text':'" text "'}}}}\n"
#define COHERE_CALL(id, args) COHERE_BEGIN "{'type':'tool-call-start','index':0,'delta':{'message':{'tool_calls':{'id':'" id "','type':'function','function':{'name':'f','arguments':''}}}}}\n{'type':'tool-call-delta','index':0,'delta':{'message':{'tool_calls':{'function':{'arguments':'" args "'}}}}}\n{'type':'tool-call-end','index':0}\n"
#define COHERE_END(reason, more) "{'type':'message-end','delta':{'finish_reason':'" reason "'" more "}}"
#define LINE(message) "{'model':'m','message':{'role':'assistant'," message "},'done':false}\n"
#define LAST(reason, more) "{'model':'m','message':{'role':'assistant','content':''},'done':true,'done_reason':'" reason "'" more "}"
/* clang-format on */

/* One event: its name before its data, or as the data's type. */
static inline int answer_line(struct stream_run *s, struct str line)
{
    size_t n = 0;
    struct str event, data;

    while (n < line.n && line.p[n] != '{' && line.p[n] != '[')
        n++;
    event = (struct str){ line.p, n };
    data = from(line, n);
    if (!n)
        event = between(data, "{\"type\":\"", "\"");
    return s->in->codec->decode_event(s->in, event.p ? event : STR(""), data,
                                      s->sink, s->ud, &s->err);
}

static inline int answer_lines(enum dialect d, struct str text,
                               neutral_sink sink, void *ud)
{
    struct arena *a = arena_new(64 << 20);
    struct stream_run s = { .sink = sink, .ud = ud };
    int rc = 0;

    s.in = codec_in_new(codec_for(d), a, &run_in_opts);
    while (!rc && text.n)
        rc = answer_line(&s, str_split(&text, '\n'));
    if (!rc)
        rc = s.in->codec->decode_event(s.in, STR(""), STR_NULL, sink, ud,
                                       &s.err);
    if (rc)
        printf("\n%s", s.err.msg);
    arena_free(a);
    return rc;
}

/** An answer in short, to a sink. */
static inline int answer_run(enum answer_provider p, const char *text,
                             neutral_sink sink, void *ud)
{
    struct buf b = BUF_INIT(16 << 20);
    enum dialect d = providers[p].dialect;
    int rc;

    if (p == CHAT || p == MESSAGES || p == MISTRAL) {
        expand(&b, d, text);
        rc = run_stream(d, buf_str(&b), 7, sink, ud);
    } else {
        put_quoted(&b, str_of(text));
        rc = answer_lines(d, buf_str(&b), sink, ud);
    }
    buf_clear(&b);
    return rc;
}

/** The same into an answer of a client's dialect. */
static inline int answer_through(enum answer_provider p, const char *text,
                                 enum dialect to, bool stream, struct buf *out)
{
    struct codec_out_opts opts = { .stream = stream, .include_usage = true,
                                   .unique = STR("u2"), .created = 7,
                                   .model = STR("m"),
                                   .lost = &run_lost };
    struct arena *a = arena_new(64 << 20);
    struct codec_pipe pipe = { codec_out_new(codec_for(to), a, &opts), out };
    int rc = answer_run(p, text, codec_pipe, &pipe);

    arena_free(a);
    return rc;
}

#endif

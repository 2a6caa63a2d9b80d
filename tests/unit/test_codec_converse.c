/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Converse: requests written for it, its answers and streams read. Streams
 * are real frames of AWS's event stream, cut in pieces of 1, 7 and whole.
 */
#include "codec_run.h"
#include "shared.h"

#include "base/b64.h"
#include "base/crc32.h"
#include "wire/framing.h"

#include <jansson.h>

#define CLAUDE "us.anthropic.claude-sonnet-4-5-20250929-v1:0"

/* ---- requests ----------------------------------------------------------- */

static char said[65536];
static char dropped[256];

/* What a client's body becomes for a model; "refused" where it is. */
static const char *to(enum dialect from, const char *model, const char *body)
{
    struct codec_target t = codec_target_of(DIALECT_CONVERSE, str_of(model));
    struct way w;
    int rc = way_in(&w, from, str_of(body));

    if (!rc)
        rc = way_out(&w, DIALECT_CONVERSE, &t);
    if (rc)
        printf("\n%s", w.err.msg);
    UNIT_INT(rc, 0);
    snprintf(said, sizeof said, STR_FMT,
             STR_ARG(w.report.fate[FATE_REFUSED] ? STR("refused")
                                                 : buf_str(&w.out)));
    w.out.max = 1 << 20;
    buf_reset(&w.out);
    codec_report_names(&w.report, FATE_DROPPED, 200, &w.out);
    snprintf(dropped, sizeof dropped, STR_FMT, STR_ARG(buf_str(&w.out)));
    way_clear(&w);
    return said;
}

/* Equal as JSON; `want` in single quotes. */
static void same(const char *got, const char *want)
{
    char text[65536];
    json_t *a, *b;

    snprintf(text, sizeof text, "%s", want);
    for (char *at = text; *at; at++) {
        if (*at == '\'')
            *at = '"';
    }
    a = json_loads(got, 0, NULL);
    b = json_loads(text, 0, NULL);
    if (!a || !b || !json_equal(a, b))
        printf("\ngot  %s\nwant %s", got, text);
    CU_ASSERT(a && b && json_equal(a, b));
    json_decref(a);
    json_decref(b);
}

static void writes_a_chat(void)
{
    same(to(DIALECT_OPENAI_CHAT, CLAUDE,
            "{\"model\":\"m\",\"max_tokens\":9,\"temperature\":1.5,"
            "\"stop\":[\"|\",\" \"],\"messages\":["
            "{\"role\":\"system\",\"content\":\"S\"},"
            "{\"role\":\"user\",\"content\":\"a\"},"
            "{\"role\":\"user\",\"content\":[{\"type\":\"image_url\","
            "\"image_url\":{\"url\":\"data:image/png;base64,AA==\"}}]}]}"),
         "{'system':[{'text':'S'}],'messages':[{'role':'user','content':["
         "{'text':'a'},{'image':{'format':'png','source':{'bytes':'AA=='}}}"
         "]}],'inferenceConfig':{'maxTokens':9,'temperature':1,"
         "'stopSequences':['|']},'additionalModelRequestFields':{},"
         "'additionalModelResponseFieldPaths':['/stop_sequence']}");
}

static void writes_tools(void)
{
    same(to(DIALECT_OPENAI_CHAT, "amazon.nova-lite-v1:0",
            "{\"model\":\"m\",\"messages\":["
            "{\"role\":\"user\",\"content\":\"a\"},"
            "{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{"
            "\"id\":\"c1\",\"type\":\"function\",\"function\":{"
            "\"name\":\"f\",\"arguments\":\"{\\\"x\\\":1}\"}}]},"
            "{\"role\":\"tool\",\"tool_call_id\":\"c1\",\"content\":\"r\"},"
            "{\"role\":\"user\",\"content\":\"b\"}],\"tools\":[{"
            "\"type\":\"function\",\"function\":{\"name\":\"f\","
            "\"description\":\"d\",\"parameters\":{\"type\":\"object\"}}}],"
            "\"tool_choice\":\"required\"}"),
         "{'toolConfig':{'tools':[{'toolSpec':{'name':'f','description':'d',"
         "'inputSchema':{'json':{'type':'object'}}}}],"
         "'toolChoice':{'any':{}}},'messages':["
         "{'role':'user','content':[{'text':'a'}]},"
         "{'role':'assistant','content':[{'toolUse':{'toolUseId':'c1',"
         "'name':'f','input':{'x':1}}}]},"
         "{'role':'user','content':[{'toolResult':{'toolUseId':'c1',"
         "'content':[{'text':'r'}]}},{'text':'b'}]}],"
         "'inferenceConfig':{},'additionalModelRequestFields':{}}");
}

static void a_history_of_tools_declares_one(void)
{
    const char *got = to(
        DIALECT_ANTHROPIC, CLAUDE,
        "{\"model\":\"m\",\"max_tokens\":5,\"messages\":["
        "{\"role\":\"user\",\"content\":\"a\"},{\"role\":\"assistant\","
        "\"content\":[{\"type\":\"tool_use\",\"id\":\"t\",\"name\":\"f\","
        "\"input\":{}}]},{\"role\":\"user\",\"content\":[{"
        "\"type\":\"tool_result\",\"tool_use_id\":\"t\",\"is_error\":true,"
        "\"content\":\"no\"}]}]}");

    CU_ASSERT(strstr(got, "\"toolSpec\":{\"name\":\"unavailable\"") != NULL);
    CU_ASSERT(strstr(got, "\"status\":\"error\"") != NULL);
}

static void writes_messages_with_marks_and_thinking(void)
{
    same(to(DIALECT_ANTHROPIC, CLAUDE,
            "{\"model\":\"m\",\"max_tokens\":5000,\"stream\":true,"
            "\"thinking\":{\"type\":\"enabled\",\"budget_tokens\":2000},"
            "\"system\":[{\"type\":\"text\",\"text\":\"S\","
            "\"cache_control\":{\"type\":\"ephemeral\",\"ttl\":\"1h\"}}],"
            "\"messages\":[{\"role\":\"user\",\"content\":\"a\"},"
            "{\"role\":\"assistant\",\"content\":["
            "{\"type\":\"thinking\",\"thinking\":\"T\",\"signature\":\"Q==\"},"
            "{\"type\":\"redacted_thinking\",\"data\":\"EtkECg==\"},"
            "{\"type\":\"text\",\"text\":\"b\"}]},"
            "{\"role\":\"user\",\"content\":[{\"type\":\"document\","
            "\"title\":\"My  file.pdf\",\"source\":{\"type\":\"base64\","
            "\"media_type\":\"application/pdf\",\"data\":\"AA==\"},"
            "\"cache_control\":{\"type\":\"ephemeral\"}}]}]}"),
         "{'system':[{'text':'S'},{'cachePoint':{'type':'default',"
         "'ttl':'1h'}}],'messages':[{'role':'user','content':[{'text':'a'}]},"
         "{'role':'assistant','content':[{'reasoningContent':{"
         "'reasoningText':{'text':'T','signature':'Q=='}}},"
         "{'reasoningContent':{'redactedContent':'RXRrRUNnPT0='}},"
         "{'text':'b'}]},"
         "{'role':'user','content':[{'document':{'format':'pdf',"
         "'name':'My file pdf 1','source':{'bytes':'AA=='}}},"
         "{'cachePoint':{'type':'default'}},{'text':'The document.'}]}],"
         "'inferenceConfig':{'maxTokens':5000},"
         "'additionalModelRequestFields':{'thinking':{'type':'enabled',"
         "'budget_tokens':2000}}}");
}

static void says_effort_as_each_family_does(void)
{
    const char *body = "{\"model\":\"m\",\"reasoning_effort\":\"low\","
                       "\"messages\":[{\"role\":\"user\","
                       "\"content\":\"a\"}]}";

    CU_ASSERT(strstr(to(DIALECT_OPENAI_CHAT, "openai.gpt-oss-120b-1:0", body),
                     "\"reasoning_effort\":\"low\"") != NULL);
    UNIT_STR(dropped, "");
    CU_ASSERT(strstr(to(DIALECT_OPENAI_CHAT, "us.amazon.nova-2-lite-v1:0",
                        body),
                     "\"maxReasoningEffort\":\"low\"") != NULL);
    CU_ASSERT(strstr(to(DIALECT_OPENAI_CHAT, "mistral.large", body),
                     "\"additionalModelRequestFields\":{}") != NULL);
    UNIT_STR(dropped, "reasoning");
}

static void formats(void)
{
    const char *body =
        "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"a\"}"
        "],\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{"
        "\"name\":\"n\",\"schema\":{\"type\":\"object\",\"properties\":{}}}}}";

    CU_ASSERT(strstr(to(DIALECT_OPENAI_CHAT, CLAUDE, body),
                     "\"outputConfig\":{\"textFormat\":{\"type\":"
                     "\"json_schema\",\"structure\":{\"jsonSchema\":{"
                     "\"name\":\"n\",\"schema\":\"{\\\"") != NULL);
    CU_ASSERT(strstr(to(DIALECT_OPENAI_CHAT, "amazon.nova-lite-v1:0", body),
                     "\"toolChoice\":{\"tool\":{\"name\":\"json\"}}") != NULL);
    CU_ASSERT(strstr(to(DIALECT_OPENAI_CHAT, "anthropic.claude-haiku-5-5",
                        body),
                     "\"toolChoice\":{\"tool\":{\"name\":\"json\"}}") != NULL);
}

static void its_own_members_pass(void)
{
    same(to(DIALECT_OPENAI_CHAT, CLAUDE,
            "{\"model\":\"m\",\"max_tokens\":5,\"messages\":[{"
            "\"role\":\"user\",\"content\":\"a\"}],"
            "\"guardrailConfig\":{\"guardrailIdentifier\":\"g\"},"
            "\"additionalModelRequestFields\":{\"x\":1},\"foo\":1}"),
         "{'messages':[{'role':'user','content':[{'text':'a'}]}],"
         "'inferenceConfig':{'maxTokens':5},"
         "'additionalModelRequestFields':{'x':1},"
         "'guardrailConfig':{'guardrailIdentifier':'g'}}");
    UNIT_STR(dropped, "foo");
}

static void refuses_what_cannot_be_told(void)
{
    UNIT_STR(to(DIALECT_OPENAI_CHAT, CLAUDE,
                "{\"model\":\"m\",\"messages\":[{\"role\":\"user\","
                "\"content\":[{\"type\":\"text\",\"text\":\"a\"},{"
                "\"type\":\"image_url\",\"image_url\":{"
                "\"url\":\"https://x.example/a.png\"}}]}]}"),
             "refused");
    UNIT_STR(to(DIALECT_OPENAI_CHAT, CLAUDE,
                "{\"model\":\"m\",\"n\":2,\"messages\":[{\"role\":\"user\","
                "\"content\":\"a\"}]}"),
             "refused");
}

/* ---- answers ------------------------------------------------------------ */

static void put_be(struct buf *b, uint32_t v)
{
    for (int shift = 24; shift >= 0; shift -= 8)
        buf_putc(b, (char)(v >> shift & 255));
}

static void put_header(struct buf *b, const char *name, const char *value)
{
    buf_putc(b, (char)strlen(name));
    buf_puts(b, name);
    buf_putc(b, 7);
    buf_putc(b, 0);
    buf_putc(b, (char)strlen(value));
    buf_puts(b, value);
}

static void put_frame(struct buf *b, const char *kind, const char *name,
                      const char *payload)
{
    struct buf h = BUF_INIT(4096), f = BUF_INIT(65536);
    bool event = strcmp(kind, "event") == 0;

    put_header(&h, ":message-type", kind);
    put_header(&h, event ? ":event-type" : ":exception-type", name);
    put_be(&f, (uint32_t)(buf_len(&h) + strlen(payload) + 16));
    put_be(&f, (uint32_t)buf_len(&h));
    put_be(&f, crc32_of(0, buf_str(&f)));
    buf_put(&f, buf_str(&h));
    buf_puts(&f, payload);
    put_be(&f, crc32_of(0, buf_str(&f)));
    buf_put(b, buf_str(&f));
    buf_clear(&h);
    buf_clear(&f);
}

struct hearing {
    struct codec_in *in;
    struct record r;
};

static int on_frame(void *ud, const struct frame *f)
{
    struct hearing *h = ud;

    return h->in->codec->decode_event(h->in, f->event, f->data, record_event,
                                      &h->r, NULL);
}

/* The events of a stream in pieces of `chunk`; the text of them in *out. */
static int hear(struct str bytes, size_t chunk, struct buf *out)
{
    struct arena *a = arena_new(64 << 20);
    struct hearing h = { .in = codec_in_new(codec_for(DIALECT_CONVERSE), a,
                                            &run_in_opts) };
    struct framer f;
    int rc = 0;

    record_open(&h.r, 0);
    framer_init(&f, FRAMING_EVENTSTREAM, 1 << 20);
    while (bytes.n && !rc) {
        size_t n = bytes.n < chunk ? bytes.n : chunk;
        char *copy = malloc(n);

        memcpy(copy, bytes.p, n);
        rc = framer_feed(&f, (struct str){ copy, n }, on_frame, &h, NULL);
        free(copy);
        bytes = (struct str){ bytes.p + n, bytes.n - n };
    }
    if (!rc)
        rc = framer_eof(&f, on_frame, &h, NULL);
    if (!rc)
        rc = h.in->codec->decode_event(h.in, STR(""), STR_NULL, record_event,
                                       &h.r, NULL);
    record_text(&h.r, out);
    UNIT_INT(h.r.faults, 0);
    record_close(&h.r);
    framer_clear(&f);
    arena_free(a);
    return rc;
}

/* However it is cut it comes to the same; that is `want` where it is given. */
static int hear_cut(const char *name, struct str bytes, const char *want)
{
    size_t sizes[] = { bytes.n ? bytes.n : 1, 7, 1 };
    struct buf first = BUF_INIT(4 << 20);
    int rc = 0;

    for (int i = 0; i < 3; i++) {
        struct buf out = BUF_INIT(4 << 20);
        int one = hear(bytes, sizes[i], &out);

        buf_putc(&out, '\0');
        if (i == 0) {
            rc = one;
            buf_put(&first, buf_str(&out));
        }
        UNIT_INT(one, rc);
        UNIT_STR(buf_str(&out).p, buf_str(&first).p);
        buf_clear(&out);
    }
    if (want && !strstr(buf_str(&first).p, want))
        printf("\n%s: %s", name, buf_str(&first).p);
    CU_ASSERT(!want || strstr(buf_str(&first).p, want));
    buf_clear(&first);
    return rc;
}

#define E(name, payload) put_frame(&b, "event", name, payload)

static void reads_a_stream(void)
{
    struct buf b = BUF_INIT(65536);

    E("messageStart", "{\"role\":\"assistant\",\"p\":\"abc\"}");
    E("contentBlockDelta", "{\"contentBlockIndex\":0,\"delta\":{"
                           "\"reasoningContent\":{\"text\":\"think\"}}}");
    E("contentBlockDelta", "{\"contentBlockIndex\":0,\"delta\":{"
                           "\"reasoningContent\":{\"signature\":\"sig\"}}}");
    E("contentBlockStop", "{\"contentBlockIndex\":0}");
    E("contentBlockDelta", "{\"contentBlockIndex\":4,\"delta\":{"
                           "\"reasoningContent\":{\"redactedContent\":"
                           "\"RXRrRUNnPT0=\"}}}");
    E("contentBlockDelta", "{\"contentBlockIndex\":1,\"delta\":{"
                           "\"text\":\"a\\ud83d\"}}");
    E("contentBlockDelta", "{\"contentBlockIndex\":1,\"delta\":{"
                           "\"text\":\"\\ude00\"}}");
    E("contentBlockStop", "{\"contentBlockIndex\":1}");
    E("contentBlockStart", "{\"contentBlockIndex\":2,\"start\":{\"toolUse\":{"
                           "\"toolUseId\":\"t1\",\"name\":\"f\"}}}");
    E("contentBlockDelta", "{\"contentBlockIndex\":2,\"delta\":{\"toolUse\":{"
                           "\"input\":\"{\\\"x\\\":\"}}}");
    E("contentBlockDelta", "{\"contentBlockIndex\":2,\"delta\":{\"toolUse\":{"
                           "\"input\":\"1}\"}}}");
    E("contentBlockStop", "{\"contentBlockIndex\":2}");
    E("somethingNew", "{\"x\":1}");
    E("messageStop", "{\"stopReason\":\"tool_use\"}");
    E("metadata", "{\"usage\":{\"inputTokens\":5,\"outputTokens\":7,"
                  "\"cacheReadInputTokens\":3,\"totalTokens\":15}}");
    UNIT_INT(hear_cut("stream", buf_str(&b),
                      "thinking \"think\"\nsignature \"sig\"\nend\n"
                      "redacted \"EtkECg==\"\n"
                      "text \"a\xf0\x9f\x98\x80\"\nend\ncall \"t1\"\n"
                      "name \"f\"\nargs \"{\\\"x\\\":1}\"\nend\n"
                      "finish 5\nend\nusage 5 3 0 7 0\n"), 0);
    buf_clear(&b);
}

static void reads_exceptions(void)
{
    struct buf b = BUF_INIT(65536);

    put_frame(&b, "exception", "throttlingException",
              "{\"message\":\"slow\"}");
    UNIT_INT(hear_cut("first", buf_str(&b), "slow"), 0);
    buf_reset(&b);
    E("messageStart", "{\"role\":\"assistant\"}");
    E("contentBlockDelta",
      "{\"contentBlockIndex\":0,\"delta\":{\"text\":\"a\"}}");
    put_frame(&b, "exception", "modelStreamErrorException", "");
    UNIT_INT(hear_cut("later", buf_str(&b), "error 424"), 0);
    buf_reset(&b);
    E("messageStart", "{\"role\":\"assistant\"}");
    UNIT_INT(hear_cut("cut", buf_str(&b), "closed the stream"), 0);
    buf_clear(&b);
}

#undef E

static void body(const char *text, int want_rc, const char *want)
{
    struct buf out = BUF_INIT(65536);
    int rc = run_record(DIALECT_CONVERSE, str_of(text), 0, 0, &out);

    UNIT_INT(rc, want_rc);
    buf_putc(&out, '\0');
    if (want && !strstr(buf_str(&out).p, want))
        printf("\n%s\n%s", text, buf_str(&out).p);
    CU_ASSERT(!want || strstr(buf_str(&out).p, want));
    buf_clear(&out);
}

static void reads_bodies(void)
{
    body("{\"output\":{\"message\":{\"role\":\"assistant\",\"content\":[{"
         "\"text\":\"hello\"},{\"toolUse\":{\"toolUseId\":\"t\","
         "\"name\":\"f\",\"input\":{}}}]}},\"stopReason\":\"tool_use\","
         "\"usage\":{\"inputTokens\":1,\"outputTokens\":2}}", 0, "hello");
    body("{\"Output\":{\"__type\":\"x#UnknownOperationException\"}}",
         -ERR_SYNTAX, NULL);
}

/* ---- recordings --------------------------------------------------------- */

struct tally {
    int streams, bodies, requests;
};

static void on_recording(const char *path, const char *name, struct str bytes,
                         void *ud)
{
    json_t *doc = json_loadb(bytes.p, bytes.n, 0, NULL);
    json_t *response = json_object_get(doc, "response");
    const char *api = json_string_value(json_object_get(doc, "api"));
    const char *b64 =
        json_string_value(json_object_get(response, "body_base64"));
    const char *text = json_string_value(json_object_get(response, "body"));
    int status =
        (int)json_integer_value(json_object_get(response, "status"));
    struct tally *n = ud;

    (void)path;
    if (!strstr(api, "bedrock.converse") || status >= 400) {
        json_decref(doc);
        return;
    }
    if (b64) {
        char *raw = malloc(strlen(b64));
        size_t len = 0;

        CU_ASSERT(b64_decode(str_of(b64), B64_STANDARD, raw, &len));
        UNIT_INT(hear_cut(name, (struct str){ raw, len }, "\nend\nusage"), 0);
        free(raw);
        n->streams++;
    } else {
        body(text, 0, "\nend\nusage");
        n->bodies++;
    }
    json_decref(doc);
}

static void reads_recordings(void)
{
    struct tally n = { 0 };
    char path[1024];

    shared_path(path, sizeof path, "wire/bedrock");
    shared_each(path, ".json", on_recording, &n);
    if (!n.streams)
        UNIT_SKIP("no recordings");
    CU_ASSERT(n.streams >= 10 && n.bodies >= 10);
}

/* Cut, broken, and with an exception: never an END, but what ends in order. */
static void on_synthetic(const char *path, const char *name, struct str bytes,
                         void *ud)
{
    bool new_event = strstr(name, "unknown-event") != NULL;
    bool broken = strstr(name, "crc") || strstr(name, "truncated");
    int rc = hear_cut(path, bytes, new_event ? "\nend\nusage" : NULL);

    CU_ASSERT((rc != 0) == broken);
    if (!broken && !new_event)
        hear_cut(path, bytes, "error ");
    ++*(int *)ud;
}

static void reads_broken_streams(void)
{
    char path[1024];
    int n = 0;

    shared_path(path, sizeof path,
                "vectors/aws-eventstream/bedrock-synthetic");
    shared_each(path, ".bin", on_synthetic, &n);
    if (!n)
        UNIT_SKIP("no recordings");
}

UNIT_MAIN("codec_converse", { "a chat", writes_a_chat },
          { "tools", writes_tools },
          { "history of tools", a_history_of_tools_declares_one },
          { "messages", writes_messages_with_marks_and_thinking },
          { "effort", says_effort_as_each_family_does },
          { "formats", formats }, { "own members", its_own_members_pass },
          { "refuses", refuses_what_cannot_be_told },
          { "stream", reads_a_stream }, { "exceptions", reads_exceptions },
          { "bodies", reads_bodies }, { "recordings", reads_recordings },
          { "broken", reads_broken_streams })

/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Errors as providers shape them, in either client's shape; the streams that
 * the SDKs test themselves with.
 */
#include "codec_run.h"
#include "shared.h"

#include <jansson.h>

static const enum dialect dialects[] = { DIALECT_OPENAI_CHAT,
                                         DIALECT_ANTHROPIC };

static struct str str_in(json_t *o, const char *name)
{
    json_t *v = json_object_get(o, name);

    return (struct str){ json_string_value(v), json_string_length(v) };
}

static enum dialect dialect_of(const char *api)
{
    size_t n = strlen(api);

    if (strcmp(api, "anthropic.messages") == 0)
        return DIALECT_ANTHROPIC;
    if (strcmp(api, "any") == 0 ||
        (n > 5 && strcmp(api + n - 5, ".chat") == 0 &&
         strncmp(api, "ollama", 6) != 0))
        return DIALECT_OPENAI_CHAT;
    return DIALECT_NONE;
}

/* ---- errors ------------------------------------------------------------- */

struct told {
    struct codec_pipe pipe[2];
    int errors, ends, status;
};

static int on_told(void *ud, const struct neutral_event *ev)
{
    struct told *t = ud;

    t->errors += ev->type == NEUTRAL_ERROR;
    t->ends += ev->type == NEUTRAL_END;
    if (ev->type == NEUTRAL_ERROR)
        t->status = ev->error->status;
    for (int i = 0; i < 2; i++)
        CU_ASSERT(codec_pipe(&t->pipe[i], ev) == 0);
    return 0;
}

/* The last thing said is an error of that dialect, and of a known type. */
static void check_told(const char *name, enum dialect d, struct str text,
                       bool stream)
{
    ptrdiff_t at = str_find(text, d == DIALECT_ANTHROPIC
                                      ? STR("{\"type\":\"error\",\"error\":{")
                                      : STR("{\"error\":{\"message\":"));
    size_t tail = stream ? 2 : 0;
    json_t *v, *error;

    CU_ASSERT(at >= 0);
    if (at < 0) {
        printf("\n%s: " STR_FMT, name, STR_ARG(text));
        return;
    }
    v = json_loadb(text.p + at, text.n - (size_t)at - tail, 0, NULL);
    error = json_object_get(v, "error");
    CU_ASSERT(str_in(error, "type").n > 0);
    CU_ASSERT(str_in(error, "message").n > 0);
    if (!error || !str_in(error, "type").n)
        printf("\n%s: " STR_FMT, name, STR_ARG(text));
    json_decref(v);
}

static void tell(const char *name, enum dialect d, struct str body,
                 bool stream, int status)
{
    struct codec_in_opts in = { .unique = STR("u"), .http_status = status };
    struct codec_out_opts out = { .unique = STR("u"), .stream = stream };
    struct arena *a = arena_new(16 << 20);
    struct buf to[2] = { BUF_INIT(1 << 20), BUF_INIT(1 << 20) };
    struct told t = { 0 };
    struct stream_run s = { .sink = on_told, .ud = &t };
    struct sse sse;

    s.in = codec_in_new(codec_for(d), a, &in);
    for (int i = 0; i < 2; i++)
        t.pipe[i] = (struct codec_pipe){
            codec_out_new(codec_for(dialects[i]), a, &out), &to[i]
        };
    sse_init(&sse, 1 << 20);
    if (stream) {
        CU_ASSERT(sse_feed(&sse, body, stream_event, &s, NULL) == 0);
        (void)sse_eof(&sse, stream_event, &s, NULL); /* may be cut inside */
        CU_ASSERT(s.in->codec->decode_event(s.in, STR(""), STR_NULL, on_told,
                                            &t, NULL) == 0);
    } else {
        CU_ASSERT(s.in->codec->decode_body(s.in, body, on_told, &t, NULL) ==
                  0);
    }
    CU_ASSERT(t.errors == 1 && t.ends == 0);
    CU_ASSERT(status < 400 || t.status == status);
    if (t.errors != 1 || (status >= 400 && t.status != status))
        printf("\n%s: %d errors, %d ends, %d", name, t.errors, t.ends,
               t.status);
    for (int i = 0; i < 2; i++) {
        check_told(name, dialects[i], buf_str(&to[i]), stream);
        buf_clear(&to[i]);
    }
    sse_clear(&sse);
    arena_free(a);
}

/* What became of the files: none is passed over without a reason. */
struct files {
    int told, foreign, whole; /* foreign: of dialects that have no codec yet;
                                 whole: no error is in them */
    int placed; /* as an event of a stream, at one of the places */
};

#define CHUNK(delta, finish)                                                  \
    "data: {\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"created\":1," \
    "\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{" delta "}," \
    "\"finish_reason\":" finish "}]}\n\n"
#define EVENT(type, more)                                                     \
    "event: " type "\ndata: {\"type\":\"" type "\"," more "}\n\n"

/* What comes before an error that is the first event, in the middle, or the
 * last one. */
static const char *const before[2][3] = {
    { "", CHUNK("\"role\":\"assistant\",\"content\":\"He\"", "null"),
      CHUNK("\"content\":\"llo\"", "null") CHUNK("", "\"stop\"") },
    { "",
      EVENT("message_start",
            "\"message\":{\"id\":\"m\",\"type\":\"message\",\"role\":"
            "\"assistant\",\"model\":\"m\",\"content\":[],"
            "\"stop_reason\":null,\"usage\":{\"input_tokens\":1,"
            "\"output_tokens\":1}}")
      EVENT("content_block_start",
            "\"index\":0,\"content_block\":{\"type\":\"text\","
            "\"text\":\"\"}")
      EVENT("content_block_delta",
            "\"index\":0,\"delta\":{\"type\":\"text_delta\","
            "\"text\":\"He\"}"),
      EVENT("content_block_stop", "\"index\":0")
      EVENT("message_delta",
            "\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{"
            "\"output_tokens\":2}") },
};

/* The written error as an event of its dialect's streams. */
static void place(const char *name, enum dialect d, struct str body,
                  struct files *n)
{
    int family = dialect_is_anthropic(d);
    json_t *v = json_loadb(body.p, body.n, 0, NULL);
    char *text = json_is_object(json_object_get(v, "error"))
                     ? json_dumps(v, JSON_COMPACT)
                     : NULL;

    for (int at = 0; text && at < 3; at++) {
        struct buf b = BUF_INIT(1 << 20);

        for (int i = 0; i <= at; i++)
            buf_puts(&b, before[family][i]);
        buf_printf(&b, "%sdata: %s\n\n", family ? "event: error\n" : "",
                   text);
        tell(name, d, buf_str(&b), true, 0);
        n->placed++;
        buf_clear(&b);
    }
    free(text);
    json_decref(v);
}

static void check_error(const char *path, const char *name, struct str bytes,
                        void *ud)
{
    json_t *doc = json_loadb(bytes.p, bytes.n, 0, NULL);
    json_t *response = json_object_get(doc, "response");
    const char *api = json_string_value(json_object_get(doc, "api"));
    enum dialect d = api ? dialect_of(api) : DIALECT_NONE;
    int status = (int)json_integer_value(json_object_get(response, "status"));
    bool stream = json_is_true(json_object_get(doc, "stream"));
    struct str body = str_in(response, "body");
    struct files *n = ud;
    bool unfinished = strstr(name, "no-done") || status == 307 ||
                      strstr(name, "edge-200");

    (void)path;
    CU_ASSERT(api != NULL);
    if (d == DIALECT_NONE) {
        n->foreign++;
    } else if (!body.p || unfinished) {
        n->whole++;
    } else {
        tell(name, d, body, stream, status >= 400 ? status : 0);
        n->told++;
        if (!stream)
            place(name, d, body, n);
    }
    json_decref(doc);
}

static void tells_every_error(void)
{
    struct files n = { 0 };
    char path[512];

    shared_path(path, sizeof path, "vectors/error-shapes");
    if (shared_each(path, ".json", check_error, &n) == 0)
        UNIT_SKIP("no recordings");
    UNIT_INT(n.told, 50);
    UNIT_INT(n.foreign, 22);
    UNIT_INT(n.whole, 4);
    UNIT_INT(n.placed, 3 * 28);
}

/* ---- SDK streams -------------------------------------------------------- */

static void record_of(enum dialect d, struct str text, size_t chunk,
                      struct buf *out)
{
    CU_ASSERT(run_record(d, text, chunk, 0, out) == 0);
    CU_ASSERT(str_find(buf_str(out), STR("faults")) < 0);
}

static void check_stream_file(const char *path, const char *name,
                              struct str bytes, void *ud)
{
    enum dialect d = strstr(path, "anthropic") ? DIALECT_ANTHROPIC
                                               : DIALECT_OPENAI_CHAT;
    struct buf whole = BUF_INIT(16 << 20), cut = BUF_INIT(16 << 20);
    struct buf again = BUF_INIT(16 << 20), text = BUF_INIT(16 << 20);

    if (strstr(name, "README") || strstr(name, "LICENSE"))
        return;
    record_of(d, bytes, bytes.n + 1, &whole);
    record_of(d, bytes, 1, &cut);
    CU_ASSERT(dump_equal(path, buf_str(&cut), buf_str(&whole)));
    CU_ASSERT(run_through(d, bytes, bytes.n + 1, d, true, &text) == 0);
    record_of(d, buf_str(&text), buf_len(&text) + 1, &again);
    CU_ASSERT(dump_equal(path, buf_str(&again), buf_str(&whole)));
    buf_clear(&whole);
    buf_clear(&cut);
    buf_clear(&again);
    buf_clear(&text);
    ++*(int *)ud;
}

static void reads_sdk_streams(void)
{
    char path[512];
    int n = 0;

    shared_path(path, sizeof path, "vectors/sse-streams-sdk");
    if (shared_each(path, "", check_stream_file, &n) == 0)
        UNIT_SKIP("no recordings");
    UNIT_INT(n, 22);
}

/* ---- our own ------------------------------------------------------------ */

static void tells_odd_bodies(void)
{
    tell("html", DIALECT_OPENAI_CHAT, STR("<html>502</html>"), false, 502);
    tell("empty", DIALECT_ANTHROPIC, STR(""), false, 503);
    tell("text", DIALECT_OPENAI_CHAT, STR("{\"error\":\"busy\"}"), false, 429);
    tell("detail", DIALECT_OPENAI_CHAT, STR("{\"detail\":[{\"msg\":\"x\"}]}"),
         false, 422);
    tell("in 200", DIALECT_OPENAI_CHAT,
         STR("{\"error\":{\"message\":\"m\",\"code\":502}}"), false, 0);
    tell("nothing", DIALECT_OPENAI_CHAT, STR(": hi\n\n"), true, 0);
    tell("nothing", DIALECT_ANTHROPIC, STR(""), true, 0);
    tell("done alone", DIALECT_OPENAI_CHAT, STR("data: [DONE]\n\n"), true, 0);
}

static void has_a_status_in_each_dialect(void)
{
    struct neutral_error e = { .status = 529 };

    UNIT_INT(codec_error_status(DIALECT_OPENAI_CHAT, &e), 503);
    UNIT_INT(codec_error_status(DIALECT_ANTHROPIC, &e), 529);
    e.status = 503;
    UNIT_INT(codec_error_status(DIALECT_ANTHROPIC, &e), 529);
    e = (struct neutral_error){ .type = STR("rate_limit_error") };
    UNIT_INT(codec_error_status(DIALECT_ANTHROPIC, &e), 429);
    e = (struct neutral_error){ .type = STR("odd"), .code = STR("404") };
    UNIT_INT(codec_error_status(DIALECT_OPENAI_CHAT, &e), 404);
    e = (struct neutral_error){ .type = STR("odd") };
    UNIT_INT(codec_error_status(DIALECT_OPENAI_CHAT, &e), 500);
}

UNIT_MAIN("codec_vectors", { "tells every error", tells_every_error },
          { "reads SDK streams", reads_sdk_streams },
          { "tells odd bodies", tells_odd_bodies },
          { "has a status in each dialect", has_a_status_in_each_dialect })

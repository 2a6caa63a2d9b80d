/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Converse answers, read: ConverseStream's events and Converse's bodies. The
 * usage comes in `metadata`, behind the reason, and is the stream's end;
 * exceptions are messages of the stream by their own names.
 *
 * Source: docs.aws.amazon.com/bedrock/latest/APIReference, Converse and
 * ConverseStream; types of @aws-sdk/client-bedrock-runtime 3.1164 (read
 * 2026-11-23).
 */
#include "wire/codec_converse.h"

static struct converse_in *converse_of(struct codec_in *in)
{
    return (struct converse_in *)(void *)in;
}

static void on_free(void *ud)
{
    struct converse_in *in = ud;

    buf_clear(&in->call.args);
}

int converse_in_init(struct codec_in *base)
{
    return arena_defer(base->a, on_free, converse_of(base));
}

/* ---- words -------------------------------------------------------------- */

static const struct {
    const char *word;
    enum neutral_finish finish;
} finishes[] = {
    { "end_turn", FINISH_STOP },
    { "tool_use", FINISH_TOOL },
    { "max_tokens", FINISH_LENGTH },
    { "stop_sequence", FINISH_STOP_SEQUENCE },
    { "guardrail_intervened", FINISH_FILTER },
    { "content_filtered", FINISH_FILTER },
    { "model_context_window_exceeded", FINISH_CONTEXT },
};

enum neutral_finish converse_finish(struct jstr word)
{
    struct str s = { word.p, word.n };

    for (size_t i = 0; i < sizeof finishes / sizeof finishes[0]; i++) {
        if (str_is(s, finishes[i].word))
            return finishes[i].finish;
    }
    return FINISH_NONE; /* malformed_tool_use, malformed_model_output */
}

static const struct {
    const char *name;
    int status;
} exceptions[] = {
    { "ValidationException", 400 },
    { "ServiceQuotaExceededException", 400 },
    { "AccessDeniedException", 403 },
    { "ResourceNotFoundException", 404 },
    { "ModelTimeoutException", 408 },
    { "ModelErrorException", 424 },
    { "ModelStreamErrorException", 424 },
    { "ThrottlingException", 429 },
    { "ModelNotReadyException", 429 },
    { "InternalServerException", 500 },
    { "ServiceUnavailableException", 503 },
};

int converse_status(struct str name)
{
    for (size_t i = 0; i < sizeof exceptions / sizeof exceptions[0]; i++) {
        if (str_ieq(name, str_of(exceptions[i].name)))
            return exceptions[i].status; /* streams begin it in lower case */
    }
    return 0;
}

struct str converse_error_name(struct str type)
{
    struct str head = str_split(&type, ':'), last = head;

    while (head.p)
        last = str_split(&head, '#');
    return last;
}

static const char *const events[] = { "messageStart",      "contentBlockStart",
                                      "contentBlockDelta", "contentBlockStop",
                                      "messageStop",       "metadata" };

static bool ends_with(struct str s, struct str tail)
{
    return s.n >= tail.n &&
           str_ieq((struct str){ s.p + s.n - tail.n, tail.n }, tail);
}

bool converse_is_error(struct str event)
{
    for (size_t i = 0; i < sizeof events / sizeof events[0]; i++) {
        if (str_is(event, events[i]))
            return false;
    }
    return ends_with(event, STR("exception")) ||
           ends_with(event, STR("error")) || ends_with(event, STR("failure"));
}

void converse_read_usage(const struct json *j, uint32_t node,
                         struct usage *out)
{
    uint32_t details = in_member(j, node, STR("cacheDetails"));

    *out = (struct usage){
        .input = in_count(j, node, STR("inputTokens")),
        .cache_read = in_count(j, node, STR("cacheReadInputTokens")),
        .cache_write = in_count(j, node, STR("cacheWriteInputTokens")),
        .output = in_count(j, node, STR("outputTokens")),
        .reasoning = -1,
        .cache_write_1h = -1,
    };
    if (details == JSON_NONE || j->nodes[details].type != JSON_T_ARRAY)
        return;
    for (uint32_t c = json_first(j, details); c != JSON_NONE;
         c = json_sibling(j, details, c)) {
        struct jstr ttl = in_string(j, c, STR("ttl"));

        if (str_is((struct str){ ttl.p, ttl.n }, "1h"))
            out->cache_write_1h = in_count(j, c, STR("inputTokens"));
    }
}

/* ---- what both forms say ------------------------------------------------ */

static int read_usage(struct converse_in *in)
{
    uint32_t node = in_member(&in->base.j, 0, STR("usage"));
    struct usage more;

    if (node == JSON_NONE)
        return 0;
    converse_read_usage(&in->base.j, node, &more);
    return in_usage(&in->base, &more);
}

/* stopReason, and the stop sequence where it was asked for. */
static int read_finish(struct converse_in *in)
{
    const struct json *j = &in->base.j;
    uint32_t more = in_member(j, 0, STR("additionalModelResponseFields"));
    uint32_t delta = in_member(j, more, STR("delta"));
    struct neutral_event ev = { .type = NEUTRAL_FINISH };
    struct jstr word = in_string(j, 0, STR("stopReason"));
    int rc = in->open == CONVERSE_NONE ? 0 : converse_close(in);

    if (rc || in->finished)
        return rc;
    in->finished = true;
    ev.finish = converse_finish(word);
    if (ev.finish == FINISH_NONE) { /* nobody else has a word for it */
        in_lose(&in->base, LOSS_FINISH);
        ev.finish = FINISH_STOP;
    }
    ev.finish = neutral_finish_seen(ev.finish, in->any_call);
    ev.text = in_string(j, delta == JSON_NONE ? more : delta,
                        STR("stop_sequence"));
    return in_emit(&in->base, &ev);
}

static struct str text_at(struct converse_in *in, struct str name)
{
    uint32_t node = in_member(&in->base.j, 0, name);

    return node == JSON_NONE ? STR_NULL
                             : json_text(&in->base.j, node, in->base.tmp);
}

/* An exception, by its name and what its object says. */
static int say_error(struct converse_in *in, struct str name, int status)
{
    struct neutral_error e = { .status = status };

    e.message = text_at(in, STR("message"));
    if (!e.message.n)
        e.message = text_at(in, STR("Message"));
    if (!e.message.n)
        e.message = STR("The provider reported an error.");
    e.type = name.n ? name : converse_error_name(text_at(in, STR("__type")));
    if (!e.status)
        e.status = converse_status(e.type);
    if (!e.status)
        e.status = 500;
    return in_error(&in->base, &e);
}

/* ---- a stream ----------------------------------------------------------- */

/* The connection has ended; most often behind the usage. */
static int on_end(struct converse_in *in)
{
    return in->finished ? in_end(&in->base) : in_cut(&in->base);
}

static int on_event(struct converse_in *in, struct str event)
{
    int rc = in_start(&in->base, STR_NULL, STR_NULL, 0); /* if none came */

    if (!rc && str_is(event, "metadata")) {
        rc = read_usage(in);
        return rc || !in->finished ? rc : in_end(&in->base);
    }
    if (rc || in->finished) /* nothing else belongs behind the reason */
        return rc;
    if (str_is(event, "contentBlockDelta"))
        return converse_delta(in);
    if (str_is(event, "contentBlockStart"))
        return converse_start(in);
    if (str_is(event, "contentBlockStop"))
        return in->open == CONVERSE_NONE ? 0 : converse_close(in);
    return str_is(event, "messageStop") ? read_finish(in) : 0;
}

static void begin(struct codec_in *in, neutral_sink sink, void *ud)
{
    in->sink = sink;
    in->ud = ud;
    arena_reset(in->tmp);
}

int converse_decode_event(struct codec_in *base, struct str event,
                          struct str data, neutral_sink sink, void *ud,
                          struct err *err)
{
    struct converse_in *in = converse_of(base);
    struct err own = { 0 };
    bool error;
    int rc;

    base->err = err ? err : &own;
    begin(base, sink, ud);
    if (base->ended)
        return 0;
    if (!data.p)
        return on_end(in);
    error = converse_is_error(event);
    rc = in_scan(base, data.n ? data : STR("{}"));
    if (rc == -ERR_SYNTAX && error) { /* its name says enough */
        *base->err = (struct err){ 0 };
        rc = in_scan(base, STR("{}"));
    }
    if (rc)
        return rc;
    return error ? say_error(in, event, converse_status(event))
                 : on_event(in, event);
}

/* ---- a whole answer ----------------------------------------------------- */

static int read_blocks(struct converse_in *in, uint32_t message)
{
    const struct json *j = &in->base.j;
    uint32_t content = in_member(j, message, STR("content"));
    int rc = 0;

    if (content == JSON_NONE || j->nodes[content].type != JSON_T_ARRAY)
        return 0;
    for (uint32_t c = json_first(j, content); c != JSON_NONE && !rc;
         c = json_sibling(j, content, c))
        rc = converse_block(in, c);
    return rc;
}

static int read_error(struct converse_in *in, struct str body)
{
    int status = in->base.opts.http_status;
    struct err none = { 0 };

    in->base.err = &none;
    if (in_scan(&in->base, body))
        return in_error_body(&in->base, body);
    return say_error(in, STR_NULL, status);
}

int converse_decode_body(struct codec_in *base, struct str body,
                         neutral_sink sink, void *ud, struct err *err)
{
    struct converse_in *in = converse_of(base);
    struct err own = { 0 };
    uint32_t message;
    int rc;

    base->err = err ? err : &own;
    begin(base, sink, ud);
    if (base->opts.http_status >= 400)
        return read_error(in, body);
    rc = in_scan(base, body);
    if (rc)
        return rc;
    message = in_member(&base->j, in_member(&base->j, 0, STR("output")),
                        STR("message"));
    if (message == JSON_NONE) /* some refusals come as a 200 */
        return err_set(base->err, ERR_SYNTAX, "an answer without output");
    rc = in_start(base, STR_NULL, STR_NULL, 0);
    if (!rc)
        rc = read_blocks(in, message);
    if (!rc)
        rc = read_finish(in);
    if (!rc)
        rc = read_usage(in);
    return rc ? rc : in_end(base);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * generateContent answers, read. A stream's events are whole answers whose
 * parts are what is new; usage is in each, the last one counts; there is no
 * last word, the stream ends. Candidates may come in any order.
 *
 * Source: https://ai.google.dev/api/generate-content and recordings (read
 * 2026-11-23).
 */
#include "wire/codec_gemini.h"
#include "wire/codec_probs.h"

#define CANDIDATES_MAX 128

static struct gemini_in *gemini_of(struct codec_in *in)
{
    return (struct gemini_in *)(void *)in;
}

int gemini_in_init(struct codec_in *in)
{
    (void)in;
    return 0;
}

static struct gemini_choice *choice_of(struct gemini_in *in, uint32_t index)
{
    struct gemini_choice *c = in->choices;

    while (c && c->index != index)
        c = c->next;
    if (c)
        return c;
    if (in->n_choices++ >= CANDIDATES_MAX) {
        err_set(in->base.err, ERR_LIMIT, "more than %d candidates",
                CANDIDATES_MAX);
        return NULL;
    }
    c = arena_alloc(in->base.a, sizeof *c);
    if (!c) {
        err_set(in->base.err, ERR_NOMEM, "out of memory");
        return NULL;
    }
    c->index = index;
    c->next = in->choices;
    in->choices = c;
    return c;
}

static struct str plain(struct gemini_in *in, uint32_t object,
                        struct str name)
{
    uint32_t node = in_member(&in->base.j, object, name);

    return node == JSON_NONE ? STR_NULL
                             : json_text(&in->base.j, node, in->base.tmp);
}

static const struct {
    const char *word;
    enum neutral_finish finish;
} finishes[] = {
    { "STOP", FINISH_STOP },
    { "MAX_TOKENS", FINISH_LENGTH },
    { "CONTINUATION", FINISH_LENGTH },
    { "SAFETY", FINISH_FILTER },
    { "RECITATION", FINISH_FILTER },
    { "LANGUAGE", FINISH_FILTER },
    { "BLOCKLIST", FINISH_FILTER },
    { "PROHIBITED_CONTENT", FINISH_FILTER },
    { "SPII", FINISH_FILTER },
    { "MODEL_ARMOR", FINISH_FILTER },
    { "JAILBREAK", FINISH_FILTER },
    { "IMAGE_SAFETY", FINISH_FILTER },
    { "IMAGE_PROHIBITED_CONTENT", FINISH_FILTER },
    { "IMAGE_RECITATION", FINISH_FILTER },
};

/* FINISH_NONE: the model failed in some way (a malformed call, say), or it is
 * a word of tomorrow. */
static enum neutral_finish finish_of(struct str word)
{
    for (size_t i = 0; i < sizeof finishes / sizeof finishes[0]; i++) {
        if (str_is(word, finishes[i].word))
            return finishes[i].finish;
    }
    return FINISH_NONE;
}

/* An answer of nothing that ended in failure is an error, and another try
 * may go well. */
static int say_failed(struct gemini_in *in, struct str word,
                      struct str message)
{
    struct neutral_error e = {
        .status = 502,
        .type = STR("upstream_error"),
        .code = word,
        .message = message.n
                       ? message
                       : arena_fmt(in->base.tmp,
                                   "The model failed: " STR_FMT ".",
                                   STR_ARG(word)),
    };

    if (!e.message.p)
        return err_set(in->base.err, ERR_NOMEM, "out of memory");
    return in_error(&in->base, &e);
}

static int read_finish(struct gemini_in *in, struct gemini_choice *c,
                       uint32_t candidate)
{
    struct neutral_event ev = { .type = NEUTRAL_FINISH, .choice = c->index };
    struct str word = plain(in, candidate, STR("finishReason"));
    int rc;

    if (!word.n || c->finished || str_is(word, "FINISH_REASON_UNSPECIFIED"))
        return 0;
    rc = gemini_read_sources(in, c, candidate);
    if (!rc)
        rc = gemini_close(in, c);
    if (rc)
        return rc;
    ev.finish = finish_of(word);
    c->finished = true;
    if (ev.finish == FINISH_NONE && !c->any)
        return say_failed(in, word, plain(in, candidate,
                                          STR("finishMessage")));
    if (ev.finish == FINISH_NONE) { /* nobody else has a word for it */
        in_lose(&in->base, LOSS_FINISH);
        ev.finish = FINISH_STOP;
    }
    ev.finish = neutral_finish_seen(ev.finish, c->any_call);
    if (ev.finish == FINISH_FILTER) {
        ev.name = in_string(&in->base.j, candidate, STR("finishMessage"));
        if (!ev.name.n)
            ev.name = (struct jstr){ word.p, word.n };
    }
    return in_emit(&in->base, &ev);
}

static int read_candidate(struct gemini_in *in, uint32_t node)
{
    const struct json *j = &in->base.j;
    int64_t index = in_count(j, node, STR("index"));
    struct gemini_choice *c =
        choice_of(in, index > 0 ? (uint32_t)index : 0);
    int rc;

    if (!c)
        return -in->base.err->code;
    if (c->finished) /* nothing belongs behind the reason */
        return 0;
    rc = gemini_read_parts(in, c, in_member(j, node, STR("content")));
    if (!rc)
        rc = in_google_probs(&in->base, c->index,
                             in_member(j, node, STR("logprobsResult")));
    return rc ? rc : read_finish(in, c, node);
}

/* The prompt itself was refused: there is no candidate at all. */
static int read_blocked(struct gemini_in *in, uint32_t feedback)
{
    struct neutral_event ev = { .type = NEUTRAL_FINISH,
                                .finish = FINISH_FILTER };
    struct str why = plain(in, feedback, STR("blockReason"));
    struct gemini_choice *c;

    if (!why.n || in->choices)
        return 0;
    c = choice_of(in, 0);
    if (!c)
        return -in->base.err->code;
    c->finished = true;
    ev.name = in_string(&in->base.j, feedback, STR("blockReasonMessage"));
    if (!ev.name.n) {
        struct str s = arena_fmt(in->base.tmp,
                                 "The prompt was blocked: " STR_FMT ".",
                                 STR_ARG(why));

        ev.name = jstr_escape(s, in->base.tmp);
    }
    return in_emit(&in->base, &ev);
}

/* What is in in->base.j, from the object at `node`. */
static int read_answer(struct gemini_in *in, uint32_t node)
{
    const struct json *j = &in->base.j;
    uint32_t usage = in_member(j, node, STR("usageMetadata"));
    uint32_t list = in_member(j, node, STR("candidates"));
    struct usage more = USAGE_NONE;
    int rc;

    if (usage != JSON_NONE) {
        gemini_read_usage(j, usage, &more);
        usage_merge(&in->base.usage, &more);
    }
    rc = in_start(&in->base, plain(in, node, STR("responseId")),
                  plain(in, node, STR("modelVersion")), 0);
    for (uint32_t c = list == JSON_NONE ? JSON_NONE : json_first(j, list);
         c != JSON_NONE && !rc && !in->base.ended;
         c = json_sibling(j, list, c))
        rc = read_candidate(in, c);
    if (!rc)
        rc = read_blocked(in, in_member(j, node, STR("promptFeedback")));
    if (!rc && usage != JSON_NONE)
        rc = in_usage(&in->base, &more);
    return rc;
}

static int on_end(struct gemini_in *in)
{
    bool all = in->base.started && in->choices;

    for (const struct gemini_choice *c = in->choices; c; c = c->next)
        all = all && c->finished;
    return all ? in_end(&in->base) : in_cut(&in->base);
}

static void begin(struct codec_in *base, neutral_sink sink, void *ud,
                  struct err *err)
{
    base->sink = sink;
    base->ud = ud;
    base->err = err;
    arena_reset(base->tmp);
}

/* Some of Google's endpoints put the error into an array. */
static uint32_t in_array(const struct json *j)
{
    return j->nodes[0].type == JSON_T_ARRAY ? json_first(j, 0) : 0;
}

static int scan(struct codec_in *base, struct str text)
{
    struct json_limits lim = { .dup_nowhere = true };
    int rc = json_scan(&base->j, text, &lim, base->err);
    uint32_t top = rc ? 0 : in_array(&base->j);

    if (!rc && (top == JSON_NONE ||
                base->j.nodes[top].type != JSON_T_OBJECT))
        rc = err_set(base->err, ERR_SYNTAX, "expected a JSON object");
    return rc;
}

int gemini_decode_event(struct codec_in *base, struct str event,
                        struct str data, neutral_sink sink, void *ud,
                        struct err *err)
{
    struct gemini_in *in = gemini_of(base);
    struct err own = { 0 };
    uint32_t top, error;
    int rc;

    (void)event;
    begin(base, sink, ud, err ? err : &own);
    if (base->ended)
        return 0;
    if (!data.p)
        return on_end(in);
    if (str_is(str_trim(data), "[DONE]")) /* proxies end so */
        return 0;
    rc = scan(base, data);
    if (rc)
        return rc;
    top = in_array(&base->j);
    error = in_member(&base->j, top, STR("error"));
    return error != JSON_NONE ? gemini_error(base, error)
                              : read_answer(in, top);
}

/* A body with an error's status: Google's own shape, or any other. */
static int error_body(struct codec_in *base, struct str body)
{
    struct json_limits lim = { .dup_nowhere = true };
    int rc = json_scan(&base->j, body, &lim, NULL);
    uint32_t top = rc ? JSON_NONE : in_array(&base->j), error;

    error = top == JSON_NONE ? JSON_NONE
                             : in_member(&base->j, top, STR("error"));
    if (rc == -ERR_NOMEM)
        return err_set(base->err, ERR_NOMEM, "out of memory");
    return error == JSON_NONE ? in_error_body(base, body)
                              : gemini_error(base, error);
}

/* Several answers in an array are a stream that came at once. */
static int read_all(struct gemini_in *in)
{
    const struct json *j = &in->base.j;
    int rc = 0;

    if (j->nodes[0].type != JSON_T_ARRAY)
        return read_answer(in, 0);
    for (uint32_t n = json_first(j, 0); n != JSON_NONE && !rc;
         n = json_sibling(j, 0, n))
        rc = read_answer(in, n);
    return rc;
}

int gemini_decode_body(struct codec_in *base, struct str body,
                       neutral_sink sink, void *ud, struct err *err)
{
    struct gemini_in *in = gemini_of(base);
    struct err own = { 0 };
    uint32_t top, error;
    int rc;

    begin(base, sink, ud, err ? err : &own);
    if (base->opts.http_status >= 400)
        return error_body(base, body);
    rc = scan(base, body);
    if (rc)
        return rc;
    top = in_array(&base->j);
    error = in_member(&base->j, top, STR("error"));
    if (error != JSON_NONE)
        return gemini_error(base, error);
    if (in_member(&base->j, top, STR("candidates")) == JSON_NONE &&
        in_member(&base->j, top, STR("promptFeedback")) == JSON_NONE)
        return err_set(base->err, ERR_SYNTAX,
                       "this is no generated content");
    rc = read_all(in);
    return rc ? rc : on_end(in);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * What has broken gateways, each as a row: answers (edge_answers.def), which
 * must come to the same for the clients of every dialect, streamed and whole;
 * and requests (edge_requests.def).
 */
#include "answer_run.h"
#include "feature_words.h"

/* ---- answers, in one line ------------------------------------------------ */

struct heard {
    struct arena *a;
    struct buf think, say, calls, rest;
    bool args, custom, open;
    struct usage usage;
};

static void heard_open(struct heard *h)
{
    *h = (struct heard){ .think = BUF_INIT(16 << 20),
                         .say = BUF_INIT(16 << 20),
                         .calls = BUF_INIT(16 << 20),
                         .rest = BUF_INIT(1 << 16),
                         .usage = USAGE_NONE };
    h->a = arena_new(64 << 20);
}

static void heard_close(struct heard *h)
{
    buf_clear(&h->think);
    buf_clear(&h->say);
    buf_clear(&h->calls);
    buf_clear(&h->rest);
    arena_free(h->a);
}

static const char *finish_word(enum neutral_finish f)
{
    switch (f) {
    case FINISH_LENGTH:
    case FINISH_CONTEXT:
        return "length";
    case FINISH_TOOL:
        return "tool";
    case FINISH_FILTER:
        return "filter";
    default:
        return "stop";
    }
}

static void hear_end(struct heard *h, const struct neutral_event *ev)
{
    const struct usage *u = &h->usage;

    if (ev->type == NEUTRAL_FINISH && ev->choice == 0 && ev->name.n)
        buf_put(&h->say, (struct str){ ev->name.p, ev->name.n });
    if (ev->type == NEUTRAL_FINISH && ev->choice == 0)
        buf_printf(&h->rest, "finish %s ", finish_word(ev->finish));
    if (ev->type == NEUTRAL_END)
        buf_printf(&h->rest, "usage %lld %lld %lld end",
                   (long long)record_known(u->input),
                   (long long)record_known(u->cache_read),
                   (long long)record_known(u->output));
    if (ev->type == NEUTRAL_ERROR)
        buf_printf(&h->rest, "error " STR_FMT, STR_ARG(ev->error->message));
}

static void hear_call(struct heard *h, const struct neutral_event *ev)
{
    if (ev->type == NEUTRAL_TOOL_BEGIN) {
        buf_printf(&h->calls, "call " STR_FMT " " STR_FMT " ",
                   STR_ARG(ev->id), STR_ARG(ev->tool));
        h->open = true;
        h->args = false;
    } else if (ev->type == NEUTRAL_TOOL_ARGS) {
        buf_put(&h->calls,
                jstr_text((struct jstr){ ev->text.p, ev->text.n }, h->a));
        h->args = h->args || ev->text.n;
    } else if (h->open) {
        buf_puts(&h->calls, h->args ? " " : "{} ");
        h->open = false;
    }
}

static int hear(void *ud, const struct neutral_event *ev)
{
    struct heard *h = ud;
    struct str text = { ev->text.p, ev->text.n };

    if (ev->type == NEUTRAL_START)
        usage_merge(&h->usage, &ev->usage);
    else if (ev->type == NEUTRAL_USAGE)
        h->usage = ev->usage;
    else if (ev->type == NEUTRAL_TEXT || ev->type == NEUTRAL_REFUSAL)
        buf_put(&h->say, text);
    else if (ev->type == NEUTRAL_THINKING)
        buf_put(&h->think, text);
    else if (ev->type == NEUTRAL_TOOL_BEGIN || ev->type == NEUTRAL_TOOL_ARGS ||
             ev->type == NEUTRAL_BLOCK_END)
        hear_call(h, ev);
    else
        hear_end(h, ev);
    return 0;
}

static void put_said(struct heard *h, struct buf *out, const char *what,
                     const struct buf *b)
{
    struct str s = buf_str(b);

    if (!s.n)
        return;
    s = jstr_text((struct jstr){ s.p, s.n }, h->a);
    buf_printf(out, "%s '" STR_FMT "' ", what, STR_ARG(s));
}

/* An error is all that matters: what came before it may be left out. */
static void heard_line(struct heard *h, struct buf *out)
{
    ptrdiff_t error = str_find(buf_str(&h->rest), STR("error "));

    if (error >= 0) {
        buf_put(out, from(buf_str(&h->rest), (size_t)error));
        return;
    }
    put_said(h, out, "think", &h->think);
    put_said(h, out, "say", &h->say);
    buf_put(out, buf_str(&h->calls));
    buf_put(out, buf_str(&h->rest));
}

/* ---- answers ------------------------------------------------------------- */

struct edge {
    const char *topic, *name;
    enum answer_provider provider;
    const char *text, *want;
};

static const struct edge edges[] = {
#define EDGE(topic, name, provider, text, want)                               \
    { topic, name, provider, text, want },
#include "edge_answers.def"
#undef EDGE
};

/* * is any word, ? any text without blanks; "error *" any error. */
static bool is_like(struct str got, struct str want)
{
    while (got.n || want.n) {
        struct str g = str_split(&got, ' '), w = str_split(&want, ' ');

        if (str_is(w, "*") && !want.n && g.n)
            return true;
        if (str_is(w, "?") || (str_is(w, "*") && g.n))
            continue;
        if (!str_eq(g, w))
            return false;
    }
    return true;
}

/* As the codec itself hears it (client 0), or as a client reads it again. */
static void check_edge(const struct edge *e, size_t client, bool stream)
{
    struct buf said = BUF_INIT(32 << 20), got = BUF_INIT(32 << 20);
    enum dialect to = client ? clients[client - 1].dialect : DIALECT_NONE;
    struct heard h;
    int rc;

    heard_open(&h);
    if (!client) {
        rc = answer_run(e->provider, e->text, hear, &h);
    } else {
        rc = answer_through(e->provider, e->text, to, stream, &said);
        if (!rc && stream)
            rc = run_stream(to, buf_str(&said), 7, hear, &h);
        else if (!rc)
            rc = run_body(to, buf_str(&said), hear, &h);
    }
    heard_line(&h, &got);
    buf_putc(&got, '\0');
    for (char *p = got.p; p && *p; p++)
        *p = *p == '"' ? '\'' : *p;
    if (rc || !is_like(str_of(got.p), str_of(e->want)))
        printf("\n%s, %s, %s%s: %d %.900s\nnot %.900s", e->topic, e->name,
               client ? clients[client - 1].name : "heard",
               stream ? " streamed" : "", rc, got.p, e->want);
    CU_ASSERT(rc == 0 && is_like(str_of(got.p), str_of(e->want)));
    heard_close(&h);
    buf_clear(&said);
    buf_clear(&got);
}

static void answers_come_to_the_same(void)
{
    for (size_t i = 0; i < sizeof edges / sizeof edges[0]; i++) {
        check_edge(&edges[i], 0, false);
        for (size_t k = 0; k < 2 * CLIENTS; k++) {
            if (clients[k / 2].dialect != providers[edges[i].provider].dialect)
                check_edge(&edges[i], k / 2 + 1, k & 1);
        }
    }
}

/* A chat stream of a server that is known to leave its thoughts in tags. */
static int run_tags(const char *text, struct heard *h)
{
    struct codec_in_opts opts = run_in_opts;
    struct buf b = BUF_INIT(1 << 16);
    struct stream_run s = { .sink = hear, .ud = h };
    struct sse sse;
    int rc;

    opts.tags = TAGS_THINK;
    s.in = codec_in_new(codec_for(DIALECT_OPENAI_CHAT), h->a, &opts);
    expand(&b, DIALECT_OPENAI_CHAT, text);
    sse_init(&sse, 1 << 16);
    rc = sse_feed(&sse, buf_str(&b), stream_event, &s, &s.err);
    rc = rc ? rc : sse_eof(&sse, stream_event, &s, &s.err);
    sse_clear(&sse);
    buf_clear(&b);
    return rc ? rc : s.in->codec->decode_event(s.in, STR(""), STR_NULL, hear,
                                               h, &s.err);
}

/* Of templates that put the opening tag into the prompt. */
static void tags_without_the_opening_one(void)
{
    static const struct edge rows[] = {
        { "tags", "none", CHAT, "D{'content':'x</think>a'}\nF stop\nDONE",
          "think 'x' say 'a' finish stop usage 0 0 0 end" },
        { "tags", "none, and split", CHAT,
          "D{'content':'x</thi'}\nD{'content':'nk>'}\nD{'content':'a'}\n"
          "F stop\nDONE",
          "think 'x' say 'a' finish stop usage 0 0 0 end" },
        { "tags", "both all the same", CHAT,
          "D{'content':'<think>x</think>a'}\nF stop\nDONE",
          "think 'x' say 'a' finish stop usage 0 0 0 end" },
        { "tags", "none, and a call inside", CHAT,
          "D{'content':'x'}\nD{'tool_calls':[{'index':0,'id':'t','function':"
          "{'name':'f','arguments':'{}'}}]}\nF tool_calls\nDONE",
          "think 'x' call t f {} finish tool usage 0 0 0 end" },
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct buf got = BUF_INIT(1 << 16);
        struct heard h;

        heard_open(&h);
        UNIT_INT(run_tags(rows[i].text, &h), 0);
        heard_line(&h, &got);
        buf_putc(&got, '\0');
        UNIT_STR(got.p, rows[i].want);
        heard_close(&h);
        buf_clear(&got);
    }
}

/* Megabytes in one event, to every client. */
static void large_events_go_through(void)
{
    size_t n = (size_t)3 << 20;
    struct buf text = BUF_INIT(16 << 20);
    struct edge e = { "large", "3 MB", CHAT, NULL, NULL };

    for (size_t client = 0; client <= CLIENTS; client++) {
        struct buf want = BUF_INIT(16 << 20);

        buf_reset(&text);
        buf_puts(&text, "D{'content':'");
        buf_puts(&want, "say '");
        for (size_t i = 0; i < n; i += 8) {
            buf_puts(&text, "abcdefgh");
            buf_puts(&want, "abcdefgh");
        }
        buf_puts(&text, "'}\nF stop\nDONE");
        buf_puts(&want, "' finish stop usage 0 0 0 end");
        buf_putc(&text, '\0');
        buf_putc(&want, '\0');
        e.text = text.p;
        e.want = want.p;
        check_edge(&e, client, client > 1);
        buf_clear(&want);
    }
    buf_clear(&text);
}

/* ---- requests ------------------------------------------------------------ */

static const struct request_edge {
    const char *topic, *name;
    enum dialect from, to;
    const char *model, *request, *has;
} requests[] = {
#define REQUEST(topic, name, from, to, model, request, has)                   \
    { topic, name, DIALECT_##from, DIALECT_##to, model, request, has },
#include "edge_requests.def"
#undef REQUEST
};

static bool has_all(struct str body, const char *has)
{
    struct buf b = BUF_INIT(1 << 16);
    struct str all;
    bool ok = true;

    put_quoted(&b, str_of(has));
    all = buf_str(&b);
    while (all.n) {
        struct str one = str_split(&all, '|');
        bool no = one.n && one.p[0] == '!';

        ok = ok && (str_find(body, from(one, no)) < 0) == no;
    }
    buf_clear(&b);
    return ok;
}

static void check_request(const struct request_edge *e)
{
    struct codec_target t = codec_target_of(e->to, str_of(e->model));
    struct buf b = BUF_INIT(1 << 16);
    struct way w;
    int rc;

    put_quoted(&b, str_of(e->request));
    rc = way_in(&w, e->from, buf_str(&b));
    if (!rc)
        rc = way_out(&w, e->to, &t);
    if (rc || !has_all(buf_str(&w.out), e->has))
        printf("\n%s, %s: %d %s " STR_FMT "\nmust have %s", e->topic, e->name,
               rc, w.err.msg, STR_ARG(buf_str(&w.out)), e->has);
    CU_ASSERT(rc == 0 && has_all(buf_str(&w.out), e->has));
    way_clear(&w);
    buf_clear(&b);
}

static void requests_are_as_they_must(void)
{
    for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++)
        check_request(&requests[i]);
}

UNIT_MAIN("edges", { "answers come to the same", answers_come_to_the_same },
          { "tags without the opening one", tags_without_the_opening_one },
          { "large events go through", large_events_go_through },
          { "requests are as they must", requests_are_as_they_must })

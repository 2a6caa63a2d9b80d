/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * `penstock try MODEL TEXT`: one question through the running instance, over
 * its own listener, as a client would ask it; and --snippet, what one's own
 * client has to be told. The instance is found by its control socket, which
 * knows where it listens.
 */
#include "base/clock.h"
#include "cli/ask.h"
#include "cli/snippet.h"
#include "cli/try_dialect.h"
#include "net/http_client.h"
#include "wire/sse.h"

#include <stdlib.h>
#include <string.h>

enum { ANSWER_MAX = 32 << 20, EVENT_MAX = 4 << 20, PATIENCE_S = 600,
       KEY_MAX = 8192 /* a token may be long */ };

struct options {
    const char *model, *text, *key, *snippet, *named;
    const struct try_dialect *dialect;
    bool stream;
};

struct place {
    char base[300];  /* "http://127.0.0.1:8080" */
    const char *unix_path;
    bool needs_key;
};

struct talk {
    const struct options *o;
    struct loop *loop;
    struct loop_timer late;
    struct buf body;    /* of an answer that is no stream */
    struct sse sse;
    int status;
    bool streamed, silent; /* with --json nothing is printed on the way */
    char id[64];
    uint64_t begun_ns, first_ns, end_ns;
    json_t *usage;
    struct buf said;
    struct http_call_result result;
    struct err err;
};

/* ---- what an answer says ------------------------------------------------- */

static void say(void *ud, const json_t *text)
{
    struct talk *t = ud;
    const char *s = json_string_value(text);

    if (!s || !*s)
        return;
    if (!t->first_ns)
        t->first_ns = clock_mono_ns();
    buf_puts(&t->said, s);
    if (!t->silent) {
        fputs(s, stdout);
        fflush(stdout);
    }
}

static void take_usage(struct talk *t, const json_t *usage)
{
    if (!json_is_object(usage))
        return;
    if (!t->usage)
        t->usage = json_object();
    json_object_update(t->usage, (json_t *)usage);
}

static int on_event(void *ud, const struct sse_event *ev)
{
    struct talk *t = ud;
    json_t *v = ev->data.p ? json_loadb(ev->data.p, ev->data.n, 0, NULL)
                           : NULL;

    take_usage(t, try_read(v, say, t));
    if (json_is_object(try_at(v, "error")))
        err_set(&t->err, ERR_CLOSED, "the stream ended with an error: %s",
                json_string_value(try_at(v, "error/message")));
    json_decref(v);
    return 0;
}

/* ---- the exchange -------------------------------------------------------- */

static void on_head(void *ud, const struct http_answer *a)
{
    struct talk *t = ud;

    t->status = a->status;
    for (size_t i = 0; i < a->n_headers; i++) {
        struct str name = a->headers[i].name, v = a->headers[i].value;

        if (str_ieq(name, STR("x-request-id")) ||
            str_ieq(name, STR("request-id")))
            snprintf(t->id, sizeof t->id, STR_FMT, STR_ARG(v));
        if (str_ieq(name, STR("content-type")))
            t->streamed = str_starts(v, STR("text/event-stream"));
    }
}

static void on_data(void *ud, struct str bytes)
{
    struct talk *t = ud;
    struct err err = { 0 };

    if (!t->streamed)
        buf_put(&t->body, bytes);
    else if (sse_feed(&t->sse, bytes, on_event, t, &err) < 0 && !t->err.code)
        t->err = err;
}

static void on_done(void *ud, const struct http_call_result *r)
{
    struct talk *t = ud;
    json_t *v = NULL;

    t->result = *r;
    t->end_ns = clock_mono_ns();
    if (t->streamed)
        sse_eof(&t->sse, on_event, t, &t->err);
    else if (t->status == 200)
        v = json_loadb(buf_str(&t->body).p, buf_len(&t->body), 0, NULL);
    if (v)
        take_usage(t, try_read(v, say, t));
    json_decref(v);
    loop_stop(t->loop);
}

static void on_late(void *ud)
{
    struct talk *t = ud;

    err_set(&t->err, ERR_TIMEOUT, "no end of the answer after %d s",
            PATIENCE_S);
    loop_stop(t->loop);
}

static char *request_of(const struct options *o)
{
    json_t *v = o->dialect->ask(o->model, o->text, o->stream);
    char *text;

    text = json_dumps(v, JSON_COMPACT);
    json_decref(v);
    return text;
}

static int exchange(struct talk *t, const struct place *p, char *body)
{
    static const struct http_call_ops ops = { on_head, on_data, on_done };
    struct http_header headers[3] = {
        { STR("content-type"), STR("application/json") } };
    struct http_call_spec spec = { .method = STR("POST"),
        .unix_path = p->unix_path, .body = str_of(body), .headers = headers,
        .n_headers = 1, .connect_timeout_ms = 5000, .insecure = true };
    char url[1024], bearer[KEY_MAX + 8];
    const struct try_dialect *d = t->o->dialect;
    struct http_client *c = NULL;
    int rc = -1;

    if (try_dialect_url(d, p->base, t->o->model, t->o->stream, url,
                        sizeof url))
        return err_set(&t->err, ERR_LIMIT, "the model's name is too long");
    spec.url = str_of(url);
    if (d->header)
        headers[spec.n_headers++] = (struct http_header){
            str_of(d->header), str_of(d->value) };
    if (t->o->key) {
        snprintf(bearer, sizeof bearer, "Bearer %s", t->o->key);
        headers[spec.n_headers++] = (struct http_header){
            STR("authorization"), str_of(bearer) };
    }
    t->begun_ns = clock_mono_ns();
    c = http_client_new(t->loop, 1, &t->err);
    if (c && http_client_start(c, &spec, &ops, t, &t->err)) {
        loop_timer_init(&t->late, t->loop, on_late, t);
        loop_timer_set(&t->late, PATIENCE_S * 1000);
        rc = loop_run(t->loop);
        loop_timer_stop(&t->late);
    }
    http_client_free(c);
    return rc;
}

/* ---- what is printed ----------------------------------------------------- */

static long long tokens(const struct talk *t, const char *kind)
{
    return json_integer_value(json_object_get(t->usage, kind));
}

static void print_json(const struct talk *t)
{
    struct str said = buf_str(&t->said);
    json_t *v = json_pack(
        "{s:i, s:s, s:s%, s:O?, s:f}", "status", t->status, "id", t->id,
        "text", said.p ? said.p : "", said.n, "usage", t->usage, "seconds",
        (double)(t->end_ns - t->begun_ns) / 1e9);

    if (t->first_ns && t->streamed)
        json_object_set_new(v, "first_text_seconds", json_real(
                            (double)(t->first_ns - t->begun_ns) / 1e9));
    ask_print(v);
    json_decref(v);
}

static void print_facts(const struct talk *t)
{
    putchar('\n');
    fflush(stdout);
    fprintf(stderr, "%d in %.3f s", t->status,
            (double)(t->end_ns - t->begun_ns) / 1e9);
    if (t->first_ns && t->streamed)
        fprintf(stderr, ", first text after %.3f s",
                (double)(t->first_ns - t->begun_ns) / 1e9);
    if (t->usage)
        fprintf(stderr, "; %lld tokens in, %lld out",
                tokens(t, t->o->dialect->input),
                tokens(t, t->o->dialect->output));
    fprintf(stderr, "\npenstock explain %s tells how\n", t->id);
}

static int told(const struct talk *t, const struct cli_ctx *ctx)
{
    struct str body = buf_str(&t->body);
    json_t *v;
    int rc;

    if (t->err.code)
        return cli_refuse_err(ctx, &t->err);
    if (t->result.fail != HTTP_OK)
        return cli_refuse(ctx, "the instance did not answer: %s",
                          t->result.text);
    if (t->status == 200 && ctx->json)
        print_json(t);
    else if (t->status == 200)
        print_facts(t);
    if (t->status == 200)
        return CLI_DONE;
    v = json_loadb(body.p, body.n, 0, NULL);
    rc = cli_refuse(ctx, "%d: %s%s", t->status,
                    v && try_at(v, "error/message")
                        ? json_string_value(try_at(v, "error/message"))
                        : "without a message",
                    t->status == 401 && !t->o->key
                        ? "; give one by --key or $PENSTOCK_KEY" : "");
    if (t->id[0] && !ctx->json)
        fprintf(stderr, "penstock explain %s tells why\n", t->id);
    json_decref(v);
    return rc;
}

static int talk(const struct options *o, const struct place *p,
                const struct cli_ctx *ctx)
{
    struct talk t = { .o = o, .body = BUF_INIT(ANSWER_MAX),
                      .said = BUF_INIT(ANSWER_MAX), .silent = ctx->json };
    char *body = request_of(o);
    int rc;

    sse_init(&t.sse, EVENT_MAX);
    t.loop = loop_new();
    if (!t.loop || !body)
        err_set(&t.err, ERR_NOMEM, "memory is out");
    else
        exchange(&t, p, body);
    rc = told(&t, ctx);
    sse_clear(&t.sse);
    buf_clear(&t.body);
    buf_clear(&t.said);
    json_decref(t.usage);
    loop_free(t.loop);
    free(body);
    return rc;
}

/* ---- where it listens ---------------------------------------------------- */

/* The most open listener is the one to be shown. */
static const json_t *listener_of(const json_t *status)
{
    const json_t *best = NULL, *l;
    size_t i;

    json_array_foreach(json_object_get(status, "listeners"), i, l) {
        bool open = strcmp(json_string_value(try_at(l, "anonymous")), "none");

        if (!best || (open && !strcmp(json_string_value(
                                  try_at(best, "anonymous")), "none")))
            best = l;
    }
    return best;
}

static void place_of(const json_t *l, struct place *p)
{
    const char *address = json_string_value(try_at(l, "address"));

    p->needs_key =
        strcmp(json_string_value(try_at(l, "anonymous")), "none") == 0;
    p->unix_path = strncmp(address, "unix:", 5) == 0 ? address + 5 : NULL;
    if (p->unix_path)
        address = "localhost";
    snprintf(p->base, sizeof p->base, "%s%s%s",
             json_is_true(try_at(l, "tls")) ? "https://" : "http://",
             strncmp(address, "0.0.0.0:", 8) == 0 ? "127.0.0.1:"
             : strncmp(address, "[::]:", 5) == 0  ? "[::1]:"
                                                  : "",
             strncmp(address, "0.0.0.0:", 8) == 0 ? address + 8
             : strncmp(address, "[::]:", 5) == 0  ? address + 5
                                                  : address);
}

static int with_place(const struct options *o, const json_t *status,
                      const struct cli_ctx *ctx)
{
    const json_t *l = listener_of(status);
    struct place p;

    if (!l)
        return cli_refuse(ctx, "the instance listens nowhere");
    place_of(l, &p);
    if (!o->snippet)
        return talk(o, &p, ctx);
    if (!snippet_print(o->snippet, &(struct snippet_facts){
                           p.base, o->model, p.needs_key }))
        return cli_bad_usage(ctx, "there is no snippet \"%s\"; there are %s",
                             o->snippet, snippet_names());
    return CLI_DONE;
}

/* ---- the verb ------------------------------------------------------------ */

static bool take(struct options *o, const char *name, const char *value)
{
    if (strcmp(name, "--dialect") == 0)
        o->named = value;
    else if (strcmp(name, "--key") == 0)
        o->key = value;
    else if (strcmp(name, "--snippet") == 0)
        o->snippet = value;
    else
        return false;
    return true;
}

static int read_args(int argc, char **argv, const struct cli_ctx *ctx,
                     struct options *o)
{
    bool words = false; /* no more options */

    for (int i = 1; i < argc; i++) {
        bool option = argv[i][0] == '-' && !words;

        if (option && strcmp(argv[i], "--") == 0)
            words = true;
        else if (option && strcmp(argv[i], "--stream") == 0)
            o->stream = true;
        else if (option && take(o, argv[i], argv[i + 1])) {
            if (!argv[++i])
                return cli_bad_usage(ctx, "%s wants a value", argv[i - 1]);
        }
        else if (!option && !o->model)
            o->model = argv[i];
        else if (!option && !o->text)
            o->text = argv[i];
        else
            return cli_bad_usage(ctx, "what is \"%s\"?", argv[i]);
    }
    o->dialect = try_dialect_named(o->named);
    if (!o->dialect)
        return cli_bad_usage(ctx, "there is no dialect \"%s\"; there are %s",
                             o->named, try_dialect_names());
    if (o->key && strlen(o->key) > KEY_MAX)
        return cli_bad_usage(ctx, "the key is longer than %d bytes", KEY_MAX);
    if (!o->model)
        return cli_bad_usage(ctx, "a model is missing");
    if (!o->text && !o->snippet)
        return cli_bad_usage(ctx, "a text is missing");
    return CLI_DONE;
}

static int run(int argc, char **argv, struct cli_ctx *ctx)
{
    struct options o = { .named = "openai", .key = getenv("PENSTOCK_KEY") };
    int rc = read_args(argc, argv, ctx, &o);
    json_t *status = NULL;
    struct ask a;

    if (rc != CLI_DONE)
        return rc;
    rc = ask_open(&a, ctx);
    if (rc != CLI_DONE)
        return rc;
    rc = ask(&a, "{\"verb\":\"status\"}", &status);
    if (rc == CLI_DONE)
        rc = with_place(&o, status, ctx);
    json_decref(status);
    ask_close(&a);
    return rc;
}

const struct cli_verb cli_try = {
    .name = "try",
    .usage = "[--dialect openai|anthropic|gemini] [--stream] [--key KEY] [--] "
             "MODEL TEXT | MODEL --snippet NAME",
    .help = "ask a model through the running instance, or show how to",
    .run = run,
};

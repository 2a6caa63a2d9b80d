/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Every recorded chat and messages exchange through the codecs: into the same
 * dialect it is the same again, into the other one it means the same; however
 * a stream is cut, and whether it is passed on as a stream or whole.
 */
#include "codec_run.h"
#include "codec_valid.h"
#include "shared.h"

#include <jansson.h>

struct tally {
    int requests, bodies, streams, crossed, refused;
};

static struct str str_in(json_t *o, const char *name)
{
    json_t *v = json_object_get(o, name);

    return (struct str){ json_string_value(v), json_string_length(v) };
}

/* The dialect of a recording, or NONE for what is not ours. */
static enum dialect dialect_of(json_t *doc)
{
    static const char *const not_chat[] = { "cohere.chat", "ollama.chat",
                                            "watsonx.chat" };
    const char *api = json_string_value(json_object_get(doc, "api"));
    size_t n = strlen(api);

    for (size_t i = 0; i < sizeof not_chat / sizeof not_chat[0]; i++) {
        if (strcmp(api, not_chat[i]) == 0)
            return DIALECT_NONE;
    }
    if (strstr(api, "anthropic.messages") || strstr(api, "awPredict"))
        return DIALECT_ANTHROPIC;
    return n > 5 && strcmp(api + n - 5, ".chat") == 0 ? DIALECT_OPENAI_CHAT
                                                      : DIALECT_NONE;
}

static enum dialect other(enum dialect d)
{
    return d == DIALECT_ANTHROPIC ? DIALECT_OPENAI_CHAT : DIALECT_ANTHROPIC;
}

static bool same_text(const char *what, struct buf *got, struct buf *want)
{
    buf_putc(got, '\0');
    buf_putc(want, '\0');
    return dump_equal(what, buf_str(got), buf_str(want));
}

static bool is_valid(const char *name, struct str body, const char *kind)
{
    struct arena *a = arena_new(64 << 20);
    struct json j = { 0 };
    const char *fault = "no JSON";

    if (json_scan(&j, body, NULL, NULL) == 0)
        fault = valid_fault(&j, 0, kind, a);
    if (fault)
        printf("\n%s: %s in " STR_FMT, name, fault, STR_ARG(body));
    json_clear(&j);
    arena_free(a);
    return !fault;
}

/* ---- requests ----------------------------------------------------------- */

/* Into dialect `to` and back: the same, as far as `flags` say. */
static bool check_way(const char *name, struct way *w, enum dialect to,
                      int flags)
{
    struct codec_target t = way_target(to);
    struct dump want, got;
    struct way back;
    bool ok;

    if (w->r.format.kind == FORMAT_JSON && to == DIALECT_ANTHROPIC)
        w->r.format.kind = FORMAT_UNSET; /* it goes as a sentence */
    if (w->r.format.kind == FORMAT_SCHEMA && !w->r.format.name.p &&
        to == DIALECT_OPENAI_CHAT)
        w->r.format.name = STR("output");
    flags |= to == DIALECT_ANTHROPIC ? DUMP_SIGNED : DUMP_HOIST;
    dump_init(&want, flags);
    dump_init(&got, flags);
    dump_request(&want, &w->r);
    ok = way_out(w, to, &t) == 0;
    if (!ok)
        printf("\n%s: %s", name, w->err.msg);
    if (w->report.fate[FATE_REFUSED]) { /* an answer in itself */
        dump_clear(&want);
        dump_clear(&got);
        return true;
    }
    ok = ok && way_in(&back, to, buf_str(&w->out)) == 0;
    if (ok) {
        back.r.stream = w->r.stream;
        dump_request(&got, &back.r);
        ok = dump_same(name, &got, &want);
        way_clear(&back);
    }
    dump_clear(&want);
    dump_clear(&got);
    return ok;
}

/* For models that take much, and little. */
static bool valid_for_models(const char *name, struct way *w, enum dialect to)
{
    static const char *const models[2][3] = {
        { "gpt-4o", "gpt-5.6", "deepseek-v4" },
        { "claude-sonnet-4-5", "claude-opus-5-5", "claude-3-5-haiku" },
    };
    bool anthropic = to == DIALECT_ANTHROPIC, ok = true;

    for (int i = 0; i < 3 && ok; i++) {
        struct codec_target t = codec_target_of(
            to, str_of(models[anthropic][i]));

        ok = way_out(w, to, &t) == 0 &&
             is_valid(name, buf_str(&w->out), anthropic ? "messages"
                                                        : "chat");
    }
    return ok;
}

static void check_request(const char *name, enum dialect d, json_t *doc,
                          struct tally *n)
{
    json_t *body = json_object_get(json_object_get(doc, "request"), "body");
    json_t *status = json_object_get(json_object_get(doc, "response"),
                                     "status");
    bool taken = json_integer_value(status) < 400;
    char *text = json_dumps(body, JSON_COMPACT);
    struct codec_target own = way_target(d), its = way_target(other(d));
    struct way w;

    if (!text)
        return;
    if (way_in(&w, d, str_of(text)) || way_out(&w, d, &own) ||
        way_out(&w, other(d), &its)) {
        n->refused++; /* what the provider refused we may, too */
        CU_ASSERT(!taken);
        if (taken)
            printf("\n%s: %s", name, w.err.msg);
    } else {
        CU_ASSERT(check_way(name, &w, d, 0));
        CU_ASSERT(check_way(name, &w, other(d), DUMP_MEANING));
        CU_ASSERT(valid_for_models(name, &w, other(d)));
        n->requests++;
    }
    way_clear(&w);
    free(text);
}

/* ---- answers ------------------------------------------------------------ */

static bool check_again(const char *name, enum dialect d, struct str answer,
                        size_t chunk, int flags, enum dialect to, bool stream)
{
    struct buf want = BUF_INIT(64 << 20), got = BUF_INIT(64 << 20);
    struct buf text = BUF_INIT(64 << 20);
    bool ok;

    ok = run_record(d, answer, chunk, 0, &want) == 0;
    if (!stream && str_find(buf_str(&want), STR("opaque")) >= 0)
        flags = RECORD_MEANING; /* a whole answer has them in another place */
    buf_reset(&want);
    ok = ok && run_record(d, answer, chunk, flags, &want) == 0;
    ok = ok && run_through(d, answer, chunk, to, stream, &text) == 0;
    ok = ok && run_record(to, buf_str(&text), stream ? text.n + 1 : 0, flags,
                          &got) == 0;
    ok = ok && same_text(name, &got, &want);
    if (!ok)
        printf("\n%s: to %d, stream %d", name, to, stream);
    buf_clear(&want);
    buf_clear(&got);
    buf_clear(&text);
    return ok;
}

static bool check_cuts(const char *name, enum dialect d, struct str answer)
{
    struct buf whole = BUF_INIT(64 << 20);
    bool ok = run_record(d, answer, answer.n + 1, 0, &whole) == 0 &&
              str_find(buf_str(&whole), STR("faults")) < 0;

    for (size_t chunk = 1; ok && chunk <= 7; chunk += 6) {
        struct buf cut = BUF_INIT(64 << 20);

        ok = run_record(d, answer, chunk, 0, &cut) == 0 &&
             dump_equal(name, buf_str(&cut), buf_str(&whole));
        buf_clear(&cut);
    }
    if (!ok)
        printf("\n%s: " STR_FMT, name, STR_ARG(buf_str(&whole)));
    buf_clear(&whole);
    return ok;
}

/* Whole, as the other dialect has it; an error is told by its own tests. */
static bool valid_answer(const char *name, enum dialect d, struct str answer,
                         size_t chunk)
{
    struct buf text = BUF_INIT(64 << 20);
    enum dialect to = other(d);
    bool ok = run_through(d, answer, chunk, to, false, &text) == 0;

    if (ok && str_find(buf_str(&text), STR("\"error\":{\"")) < 0)
        ok = is_valid(name, buf_str(&text), to == DIALECT_ANTHROPIC
                                                ? "message" : "completion");
    buf_clear(&text);
    return ok;
}

static void check_answer(const char *name, enum dialect d, json_t *doc,
                         struct tally *n)
{
    json_t *response = json_object_get(doc, "response");
    struct str body = str_in(response, "body");
    bool ok = json_integer_value(json_object_get(response, "status")) == 200;
    bool stream = json_is_true(json_object_get(doc, "stream")) && ok;
    size_t chunk = stream ? body.n + 1 : 0;

    if (!body.p || !ok)
        return;
    CU_ASSERT(!stream || check_cuts(name, d, body));
    for (int as = 0; as < 2; as++) {
        CU_ASSERT(check_again(name, d, body, chunk, as == stream ? 0
                                                     : RECORD_MEANING,
                              d, as));
        CU_ASSERT(check_again(name, d, body, chunk, RECORD_MEANING, other(d),
                              as));
        n->crossed++;
    }
    CU_ASSERT(valid_answer(name, d, body, chunk));
    n->streams += stream;
    n->bodies += !stream;
}

static void check_file(const char *path, const char *name, struct str bytes,
                       void *ud)
{
    json_t *doc = json_loadb(bytes.p, bytes.n, JSON_ALLOW_NUL, NULL);
    enum dialect d = doc ? dialect_of(doc) : DIALECT_NONE;

    (void)name;
    if (d != DIALECT_NONE) {
        check_request(path, d, doc, ud);
        check_answer(path, d, doc, ud);
    }
    json_decref(doc);
}

static void goes_through(void)
{
    struct tally n = { 0 };
    char path[512];

    shared_path(path, sizeof path, "wire");
    if (shared_each(path, ".json", check_file, &n) == 0)
        UNIT_SKIP("no recordings");
    printf("%d requests, %d refused, %d bodies, %d streams ", n.requests,
           n.refused, n.bodies, n.streams);
    CU_ASSERT(n.requests >= 150 && n.bodies >= 80 && n.streams >= 60);
    CU_ASSERT(n.refused <= 8);
}

UNIT_MAIN("codec_recordings", { "every recording goes through", goes_through })

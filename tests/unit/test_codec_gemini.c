/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Google's generateContent: requests from and into the other dialects,
 * answers whole and streamed, and signatures that must come back byte for
 * byte whoever kept them.
 */
#include "codec_requests.h"
#include "shared.h"

#include "wire/codec_gemini.h"

#include <jansson.h>

/* clang-format off */
#include "codec_gemini_cases.h"
/* clang-format on */

#define LENGTH(a) (sizeof(a) / sizeof(a)[0])

static void maps_into_gemini(void)
{
    for (size_t i = 0; i < LENGTH(from_chat); i++)
        CU_ASSERT(check_case(&from_chat[i], DIALECT_OPENAI_CHAT,
                             DIALECT_GEMINI));
    for (size_t i = 0; i < LENGTH(from_messages); i++)
        CU_ASSERT(check_case(&from_messages[i], DIALECT_ANTHROPIC,
                             DIALECT_GEMINI));
}

static void maps_out_of_gemini(void)
{
    for (size_t i = 0; i < LENGTH(into_chat); i++)
        CU_ASSERT(check_case(&into_chat[i], DIALECT_GEMINI,
                             DIALECT_OPENAI_CHAT));
    for (size_t i = 0; i < LENGTH(into_messages); i++)
        CU_ASSERT(check_case(&into_messages[i], DIALECT_GEMINI,
                             DIALECT_ANTHROPIC));
}

static void refuses_what_is_wrong(void)
{
    for (size_t i = 0; i < LENGTH(faults); i++)
        CU_ASSERT(check_fault(&faults[i], DIALECT_GEMINI));
}

/* ---- answers ------------------------------------------------------------ */

static bool check_answer(const struct answer_case *c)
{
    static const size_t chunks[] = { 1, 7, 1u << 20 };
    char *in = quoted(c->in), *out = quoted(c->out);
    size_t n = c->body ? 1 : LENGTH(chunks);
    bool ok = true;

    for (size_t i = 0; i < n && ok; i++) {
        struct buf b = BUF_INIT(1 << 20);
        int rc = run_through(c->from, str_of(in), c->body ? 0 : chunks[i],
                             c->to, c->stream, &b);

        ok = rc == 0 && str_is(buf_str(&b), out);
        if (!ok)
            printf("\n%s (%d):\n" STR_FMT "\nnot\n%s", c->name, rc,
                   STR_ARG(buf_str(&b)), out);
        buf_clear(&b);
    }
    free(in);
    free(out);
    return ok;
}

static void says_answers(void)
{
    for (size_t i = 0; i < LENGTH(answers); i++)
        CU_ASSERT(check_answer(&answers[i]));
}

/* ---- signatures --------------------------------------------------------- */

static void seals_open_again(void)
{
    static const char *const texts[] = { "", "a", "ab", "abc", "{\"x\":1}",
                                         "\xC3\xA9\n\"" };
    struct arena *a = arena_new(1 << 20);
    struct str kind, text;

    for (size_t i = 0; i < LENGTH(texts); i++) {
        struct buf b = BUF_INIT(4096);
        struct jw w = { .b = &b };
        struct str s;

        gemini_put_sealed(&w, "signature", str_of(texts[i]), a);
        s = buf_str(&b);
        CU_ASSERT(w.rc == 0 && s.n > 2);
        CU_ASSERT(gemini_open_sealed((struct jstr){ s.p + 1, s.n - 2 }, a,
                                     &kind, &text) == 0);
        CU_ASSERT(str_is(kind, "signature") && str_is(text, texts[i]));
        buf_clear(&b);
    }
    CU_ASSERT(!gemini_is_sealed(JSTR("EvABCu0BARFNMg8=")));
    CU_ASSERT(gemini_open_sealed(JSTR("cGVuc3RvY2su!!"), a, &kind, &text) ==
              0);
    CU_ASSERT(kind.p && !kind.n && !text.n);
    arena_free(a);
}

/* ---- recordings --------------------------------------------------------- */

static bool is_gemini(const char *api)
{
    return strstr(api, ".generateContent") ||
           strstr(api, ".streamGenerateContent");
}

/* Into each dialect: nothing but "cannot be sent" may go wrong. */
static bool pass_request(const char *path, json_t *doc)
{
    static const enum dialect to[] = { DIALECT_GEMINI, DIALECT_OPENAI_CHAT,
                                       DIALECT_ANTHROPIC };
    json_t *body = json_object_get(json_object_get(doc, "request"), "body");
    char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
    struct way w;
    bool ok = true;
    int rc;

    if (!text)
        return true;
    rc = way_in(&w, DIALECT_GEMINI, str_of(text));
    for (size_t i = 0; i < LENGTH(to) && rc == 0 && ok; i++) {
        struct codec_target t = way_target(to[i]);
        struct json j = { 0 };

        ok = way_out(&w, to[i], &t) == 0 &&
             json_scan(&j, buf_str(&w.out), NULL, NULL) == 0;
        json_clear(&j);
    }
    if (rc && w.err.code != ERR_INVALID_REQUEST)
        ok = false;
    if (!ok || rc)
        printf("\n%s: %d %s (%s)", path, rc, w.err.msg, w.err.at);
    way_clear(&w);
    free(text);
    return ok;
}

static bool record(struct str text, size_t chunk, struct buf *b)
{
    *b = (struct buf)BUF_INIT(8 << 20);
    return run_record(DIALECT_GEMINI, text, chunk, 0, b) == 0 &&
           str_find(buf_str(b), STR(" faults\n")) < 0;
}

static bool pass_answer(const char *path, json_t *doc)
{
    json_t *answer = json_object_get(doc, "response");
    json_t *v = json_object_get(answer, "body");
    struct str text = { json_string_value(v), json_string_length(v) };
    bool stream = text.n && text.p[0] != '[' &&
                  json_is_true(json_object_get(doc, "stream"));
    struct buf want, got;
    bool ok;

    if (!text.n ||
        json_integer_value(json_object_get(answer, "status")) != 200)
        return true;
    ok = record(text, stream ? text.n : 0, &want);
    for (int c = 1; c <= 7 && stream && ok; c += 6) {
        ok = record(text, (size_t)c, &got) &&
             str_eq(buf_str(&got), buf_str(&want));
        buf_clear(&got);
    }
    if (!ok)
        printf("\n%s:\n" STR_FMT, path, STR_ARG(buf_str(&want)));
    buf_clear(&want);
    return ok;
}

static void check_file(const char *path, const char *name, struct str bytes,
                       void *ud)
{
    json_t *doc = json_loadb(bytes.p, bytes.n, JSON_ALLOW_NUL, NULL);
    const char *api = json_string_value(json_object_get(doc, "api"));
    int *n = ud;

    (void)name;
    if (api && is_gemini(api)) {
        CU_ASSERT(pass_request(path, doc));
        CU_ASSERT(pass_answer(path, doc));
        (*n)++;
    }
    json_decref(doc);
}

static void recordings_pass(void)
{
    char path[512];
    int n = 0;

    shared_path(path, sizeof path, "wire");
    if (shared_each(path, ".json", check_file, &n) == 0)
        UNIT_SKIP("no recordings");
    printf("%d exchanges ", n);
    CU_ASSERT(n >= 50);
}

UNIT_MAIN("codec_gemini", { "maps requests into it", maps_into_gemini },
          { "maps its requests into others", maps_out_of_gemini },
          { "refuses what is wrong, with its path", refuses_what_is_wrong },
          { "says answers, however they are cut", says_answers },
          { "opens what it sealed", seals_open_again },
          { "every recording goes through", recordings_pass })

/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Every recorded answer of Cohere and Ollama: the same however it is cut, and
 * what comes out for the clients' dialects is valid there. Every recorded
 * chat and messages request can be written for them, or is refused by name.
 */
#include "codec_framed.h"
#include "codec_valid.h"
#include "shared.h"

#include <jansson.h>

struct tally {
    int answers, errors, requests, refused;
};

static enum dialect dialect_of(json_t *doc)
{
    const char *api = json_string_value(json_object_get(doc, "api"));

    if (strcmp(api, "cohere.chat_v2") == 0)
        return DIALECT_COHERE;
    return strcmp(api, "ollama.chat") == 0 ? DIALECT_OLLAMA : DIALECT_NONE;
}

static bool same_when_cut(const char *path, enum dialect d, struct str body)
{
    struct buf whole = BUF_INIT(64 << 20);
    bool ok = framed_record(d, body, body.n + 1, 0, &whole) == 0 &&
              str_find(buf_str(&whole), STR("faults")) < 0 &&
              str_find(buf_str(&whole), STR("error")) < 0;

    for (size_t chunk = 1; ok && chunk <= 7; chunk += 6) {
        struct buf cut = BUF_INIT(64 << 20);

        ok = framed_record(d, body, chunk, 0, &cut) == 0 &&
             dump_equal(path, buf_str(&cut), buf_str(&whole));
        buf_clear(&cut);
    }
    if (!ok)
        printf("\n%s: " STR_FMT, path, STR_ARG(buf_str(&whole)));
    buf_clear(&whole);
    return ok;
}

static bool valid_for(const char *path, enum dialect d, struct str body,
                      size_t chunk, enum dialect to)
{
    struct buf out = BUF_INIT(64 << 20);
    struct arena *a = arena_new(64 << 20);
    struct json j = { 0 };
    const char *fault = "no JSON";

    if (framed_through(d, body, chunk, to, false, &out) == 0 &&
        json_scan(&j, buf_str(&out), NULL, NULL) == 0)
        fault = valid_fault(&j, 0, to == DIALECT_ANTHROPIC ? "message"
                                                           : "completion", a);
    if (fault)
        printf("\n%s: %s in " STR_FMT, path, fault, STR_ARG(buf_str(&out)));
    json_clear(&j);
    arena_free(a);
    buf_clear(&out);
    return !fault;
}

static void check_answer(const char *path, enum dialect d, json_t *doc,
                         struct tally *n)
{
    json_t *response = json_object_get(doc, "response");
    json_t *text = json_object_get(response, "body");
    struct str body = { json_string_value(text), json_string_length(text) };
    int status = (int)json_integer_value(json_object_get(response, "status"));
    struct buf got = BUF_INIT(1 << 20);
    size_t chunk;

    if (status >= 400) {
        framed_record(d, body, 0, status, &got);
        CU_ASSERT(str_find(buf_str(&got), STR("error ")) >= 0);
        buf_clear(&got);
        n->errors++;
        return;
    }
    chunk = body.p[0] == 'e' || str_find(body, STR("}\n{")) > 0 ? body.n + 1
                                                                 : 0;
    CU_ASSERT(!chunk || same_when_cut(path, d, body));
    CU_ASSERT(valid_for(path, d, body, chunk, DIALECT_OPENAI_CHAT));
    CU_ASSERT(valid_for(path, d, body, chunk, DIALECT_ANTHROPIC));
    n->answers++;
}

static void check_request(const char *path, json_t *doc, struct tally *n)
{
    static const enum dialect targets[] = { DIALECT_COHERE, DIALECT_OLLAMA,
                                            DIALECT_MISTRAL };
    const char *api = json_string_value(json_object_get(doc, "api"));
    json_t *body = json_object_get(json_object_get(doc, "request"), "body");
    enum dialect from = strcmp(api, "openai.chat") == 0
                            ? DIALECT_OPENAI_CHAT
                        : strcmp(api, "anthropic.messages") == 0
                            ? DIALECT_ANTHROPIC : DIALECT_NONE;
    char *text = from ? json_dumps(body, JSON_COMPACT) : NULL;
    struct way w;

    if (!text)
        return;
    if (way_in(&w, from, str_of(text)) == 0) {
        for (size_t i = 0; i < 3; i++) {
            struct codec_target t = codec_target_of(targets[i], STR("m"));
            struct json j = { 0 };

            CU_ASSERT(way_out(&w, targets[i], &t) == 0);
            CU_ASSERT(json_scan(&j, buf_str(&w.out), NULL, NULL) == 0);
            if (j.count == 0)
                printf("\n%s: %s", path, w.err.msg);
            n->refused += codec_any(&w.report, FATE_REFUSED);
            n->requests++;
            json_clear(&j);
        }
    }
    way_clear(&w);
    free(text);
}

static void check_file(const char *path, const char *name, struct str bytes,
                       void *ud)
{
    json_t *doc = json_loadb(bytes.p, bytes.n, JSON_ALLOW_NUL, NULL);
    enum dialect d = doc ? dialect_of(doc) : DIALECT_NONE;

    (void)name;
    if (d != DIALECT_NONE)
        check_answer(path, d, doc, ud);
    else if (doc)
        check_request(path, doc, ud);
    json_decref(doc);
}

static void goes_through(void)
{
    struct tally n = { 0 };
    char path[512];

    shared_path(path, sizeof path, "wire");
    if (shared_each(path, ".json", check_file, &n) == 0)
        UNIT_SKIP("no recordings");
    printf("%d answers, %d errors, %d requests, %d refused ", n.answers,
           n.errors, n.requests, n.refused);
    CU_ASSERT(n.answers >= 12 && n.errors >= 2 && n.requests >= 100);
    CU_ASSERT(n.refused * 3 < n.requests);
}

UNIT_MAIN("codec_vendors", { "every recording goes through", goes_through })

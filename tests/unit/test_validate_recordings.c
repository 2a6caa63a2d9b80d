/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Requests that providers took are held against the rules of their dialect. */
#include "recording.h"
#include "unit.h"

#include "wire/validate.h"

static int check(enum dialect d, struct str text, struct err *err)
{
    struct arena *a = arena_new(1 << 16);
    struct json j = { 0 };
    int rc;

    *err = (struct err){ 0 };
    rc = json_scan(&j, text, NULL, err);
    if (rc == 0)
        rc = validate_body(d, &j, NULL, a, err);
    json_clear(&j);
    arena_free(a);
    return rc;
}

static const struct {
    const char *path;
    enum dialect d;
} places[] = {
    { "/chat/completions", DIALECT_OPENAI_CHAT },
    { "/completions", DIALECT_OPENAI_COMPLETIONS },
    { "/embeddings", DIALECT_OPENAI_EMBEDDINGS },
    { "/v1/messages", DIALECT_ANTHROPIC },
    { "/messages/count_tokens", DIALECT_ANTHROPIC_COUNT },
    { "/responses", DIALECT_RESPONSES },
    { ":generateContent", DIALECT_GEMINI },
    { ":streamGenerateContent", DIALECT_GEMINI },
    { ":countTokens", DIALECT_GEMINI_COUNT },
    { ":embedContent", DIALECT_GEMINI_EMBED },
};

static enum dialect dialect_of(json_t *request)
{
    const char *path = json_string_value(json_object_get(request, "path"));
    size_t n = path ? strlen(path) : 0;

    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        size_t tail = strlen(places[i].path);

        if (n >= tail && strcmp(path + n - tail, places[i].path) == 0)
            return places[i].d;
    }
    return DIALECT_NONE;
}

static void check_recording(const char *path, const char *name,
                            struct str bytes, void *ud)
{
    json_t *doc = json_loadb(bytes.p, bytes.n, JSON_ALLOW_NUL, NULL);
    json_t *request = json_object_get(doc, "request");
    json_t *status =
        json_object_get(json_object_get(doc, "response"), "status");
    json_t *sent = json_object_get(request, "body");
    enum dialect d = dialect_of(request);
    struct err err;
    char *text;

    (void)path;
    if (d != DIALECT_NONE && json_is_object(sent) &&
        json_integer_value(status) == 200) {
        text = json_dumps(sent, JSON_COMPACT);
        if (check(d, str_of(text), &err))
            printf("\n%s: %s", name, err.msg);
        UNIT_INT(err.code, 0);
        free(text);
        ++*(int *)ud;
    }
    json_decref(doc);
}

/* What a provider answered well is a request of its dialect. */
static void takes_recorded_requests(void)
{
    char path[512];
    int n = 0;

    shared_path(path, sizeof path, "wire");
    if (shared_each(path, ".json", check_recording, &n) == 0)
        UNIT_SKIP("no recordings");
    CU_ASSERT(n >= 190);
}

UNIT_MAIN("validate_recordings",
          { "takes recorded requests", takes_recorded_requests })

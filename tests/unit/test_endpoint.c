/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Paths are compared byte for byte: what is not in the table is nothing. */
#include "unit.h"

#include "wire/endpoint.h"

static const char *name_at(const char *path)
{
    struct str rest;
    const struct endpoint *e =
        endpoint_find(str_of(path), FAMILY_OPENAI, &rest);

    return e ? e->name : "-";
}

static enum dialect dialect_at(const char *path, bool anthropic)
{
    struct str rest;
    enum family told = anthropic ? FAMILY_ANTHROPIC : FAMILY_OPENAI;
    const struct endpoint *e = endpoint_find(str_of(path), told, &rest);

    CU_ASSERT_PTR_NOT_NULL_FATAL(e);
    return e->dialect;
}

static void finds_known_paths(void)
{
    CU_ASSERT_STRING_EQUAL(name_at("/v1/chat/completions"), "chat");
    CU_ASSERT_STRING_EQUAL(name_at("/openai/v1/chat/completions"), "chat");
    CU_ASSERT_STRING_EQUAL(name_at("/v1/embeddings"), "embeddings");
    CU_ASSERT_STRING_EQUAL(name_at("/v1/models"), "models");
    CU_ASSERT_STRING_EQUAL(name_at("/healthz"), "healthz");
    CU_ASSERT_STRING_EQUAL(name_at("/v1/messages"), "messages");
    CU_ASSERT_STRING_EQUAL(name_at("/anthropic/v1/messages"), "messages");
    CU_ASSERT_STRING_EQUAL(name_at("/v1/messages/count_tokens"),
                           "count_tokens");
    CU_ASSERT_STRING_EQUAL(name_at("/v1/images/edits"), "images");
    CU_ASSERT_STRING_EQUAL(name_at("/openai/v1/files/x/content"), "files");
    CU_ASSERT_STRING_EQUAL(name_at("/v2/rerank"), "rerank");
    CU_ASSERT_STRING_EQUAL(name_at("/v1/threads/t/runs"), "assistants");
    CU_ASSERT_STRING_EQUAL(name_at("/anthropic/v1/files"), "files");
    CU_ASSERT_STRING_EQUAL(name_at("/anthropic/v1/uploads"), "-");
    CU_ASSERT_STRING_EQUAL(name_at("/v1/messages/batches"), "batches");
    CU_ASSERT_STRING_EQUAL(name_at("/v1/messages/batches/b/results"),
                           "batches");
    CU_ASSERT_STRING_EQUAL(name_at("/openai/v1/messages/batches"), "-");
    CU_ASSERT_STRING_EQUAL(name_at("/v1/videos/v/content"), "videos");
    CU_ASSERT_STRING_EQUAL(name_at("/v1/containers/c/files"), "containers");
    CU_ASSERT_STRING_EQUAL(name_at("/v1/evals"), "evals");
    CU_ASSERT_STRING_EQUAL(name_at("/v1/realtime"), "-");
    CU_ASSERT(endpoint_is_realtime(STR("/v1/realtime")));
    CU_ASSERT(endpoint_is_realtime(STR("/openai/v1/realtime/calls")));
    CU_ASSERT(!endpoint_is_realtime(STR("/v1/realtimes")));
    CU_ASSERT_STRING_EQUAL(name_at("/"), "root");
    CU_ASSERT_STRING_EQUAL(name_at("/anthropic"), "root");
    CU_ASSERT_STRING_EQUAL(name_at("/anthropic/"), "root");
}

/* One path, two shapes: the caller or the mount says which. */
static void tells_callers_apart(void)
{
    UNIT_INT(dialect_at("/v1/models", false), DIALECT_OPENAI_MODELS);
    UNIT_INT(dialect_at("/v1/models", true), DIALECT_ANTHROPIC_MODELS);
    UNIT_INT(dialect_at("/v1/models/x", true), DIALECT_ANTHROPIC_MODELS);
    UNIT_INT(dialect_at("/openai/v1/models", true), DIALECT_OPENAI_MODELS);
    UNIT_INT(dialect_at("/anthropic/v1/models/x", false),
             DIALECT_ANTHROPIC_MODELS);
    UNIT_INT(dialect_at("/v1/models/ft:g:x", false), DIALECT_OPENAI_MODELS);
    UNIT_INT(dialect_at("/v1/messages", false), DIALECT_ANTHROPIC);
    UNIT_INT(dialect_at("/v1/files/x", false), DIALECT_PASSTHROUGH);
    UNIT_INT(dialect_at("/v1/files/x", true), DIALECT_ANTHROPIC_PATHS);
    UNIT_INT(dialect_at("/openai/v1/files", true), DIALECT_PASSTHROUGH);
    UNIT_INT(dialect_at("/v1/batches", true), DIALECT_PASSTHROUGH);
    UNIT_INT(dialect_at("/v1/messages/batches/b", false),
             DIALECT_ANTHROPIC_PATHS);
    UNIT_INT(dialect_at("/v1/chat/completions", true), DIALECT_OPENAI_CHAT);
    CU_ASSERT_STRING_EQUAL(dialect_name(DIALECT_ANTHROPIC_COUNT),
                           "anthropic");
}

/* The model stands between the prefix and the method. */
static void finds_google_methods(void)
{
    static const struct {
        const char *path, *model;
        enum endpoint_id id;
    } cases[] = {
        { "/v1beta/models/g:generateContent", "g", ENDPOINT_GENERATE },
        { "/gemini/v1beta/models/g:generateContent", "g", ENDPOINT_GENERATE },
        { "/v1beta/models/an/c-5%3AstreamGenerateContent", "an/c-5",
          ENDPOINT_GENERATE_STREAM },
        { "/v1beta/models/a:b:countTokens", "a:b", ENDPOINT_GENERATE_COUNT },
        { "/v1beta/models/e:embedContent", "e", ENDPOINT_GENERATE_EMBED },
        { "/v1beta/models/g", "g", ENDPOINT_MODEL },
        { "/v1/models/an/c:generateContent", "an/c", ENDPOINT_GENERATE },
        { "/v1/models/an/c", "an/c", ENDPOINT_MODEL },
        { "/v1alpha/models/g:countTokens", "g", ENDPOINT_GENERATE_COUNT },
        { "/gemini/v1/models/g:generateContent", "g", ENDPOINT_GENERATE },
        { "/v1/publishers/google/models/g:generateContent", "g",
          ENDPOINT_GENERATE },
        { "/v1/publishers/google/models/an/c", "an/c", ENDPOINT_MODEL },
        { "/v1beta1/projects/p/locations/l/publishers/google/models/"
          "g:streamGenerateContent", "g", ENDPOINT_GENERATE_STREAM },
        { "/gemini/v1/projects/p/locations/l/publishers/google/models/"
          "g:countTokens", "g", ENDPOINT_GENERATE_COUNT },
    };
    static const char *const none[] = {
        "/v1beta/", "/openai/v1beta/models", "/gemini/v1/messages",
        "/v1beta/openai/chat/completions", "/gemini/v1/chat/completions",
        "/v1beta/chat/completions",
        "/v1/publishers/google/chat/completions",
        "/v1/projects/p/publishers/google/models/g:generateContent",
        "/v1/projects//locations/l/publishers/google/models/g:countTokens",
        "/v1/publishers/x/models/g:generateContent",
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct str rest;
        const struct endpoint *e = endpoint_find(str_of(cases[i].path),
                                                 FAMILY_GEMINI, &rest);

        CU_ASSERT_PTR_NOT_NULL_FATAL(e);
        UNIT_INT(e->id, cases[i].id);
        CU_ASSERT(str_is(rest, cases[i].model));
    }
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++)
        CU_ASSERT_STRING_EQUAL(name_at(none[i]), "-");
    UNIT_INT(endpoint_family(STR("/v1beta/x"), FAMILY_OPENAI),
             FAMILY_GEMINI);
    UNIT_INT(endpoint_family(STR("/v1/models/g:countTokens"), FAMILY_OPENAI),
             FAMILY_GEMINI);
    UNIT_INT(endpoint_family(STR("/v1/publishers/google/models/g:x"),
                             FAMILY_OPENAI), FAMILY_GEMINI);
    UNIT_INT(endpoint_family(STR("/x"), FAMILY_GEMINI), FAMILY_GEMINI);
    UNIT_INT(endpoint_family(STR("/v1/messages"), FAMILY_GEMINI),
             FAMILY_ANTHROPIC);
}

static void refuses_look_alikes(void)
{
    static const char *const paths[] = {
        "/v1/chat/completions/", "//v1/chat/completions",
        "/v1//chat/completions", "/v1/chat%2fcompletions",
        "/V1/chat/completions",  "/v1/chat/completions;x",
        "/v1/models/",           "/openai/healthz",
        "/openai/openai/v1/models", "", "//", "/v1",
        "/v1/../v1/models",      "/openai/v1/messages",
        "/anthropic/v1/chat/completions", "/anthropic/healthz",
        "/anthropicv1/messages", "/v1/messages/", "/anthropic//",
    };

    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++)
        CU_ASSERT_STRING_EQUAL(name_at(paths[i]), "-");
}

static void gives_the_rest_of_a_prefix(void)
{
    struct str rest;
    const struct endpoint *e =
        endpoint_find(STR("/v1/models/openai/gpt-6-luna"), FAMILY_OPENAI,
                      &rest);

    CU_ASSERT_PTR_NOT_NULL_FATAL(e);
    CU_ASSERT(e->id == ENDPOINT_MODEL);
    CU_ASSERT(str_is(rest, "openai/gpt-6-luna"));
}

UNIT_MAIN("endpoint",
          { "finds known paths", finds_known_paths },
          { "tells callers apart", tells_callers_apart },
          { "finds Google's methods", finds_google_methods },
          { "refuses look-alikes", refuses_look_alikes },
          { "gives the rest of a prefix", gives_the_rest_of_a_prefix })

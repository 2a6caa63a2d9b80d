/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* The table of paths. Google's stand there with one version of its API; with
 * the others they are the same. */
#include "wire/endpoint.h"

static const struct endpoint table[] = {
    { ENDPOINT_CHAT, "chat", DIALECT_OPENAI_CHAT, "POST",
      "/v1/chat/completions", false, true },
    { ENDPOINT_RESPONSES, "responses", DIALECT_RESPONSES, "POST",
      "/v1/responses", false, true },
    { ENDPOINT_COMPLETIONS, "completions", DIALECT_OPENAI_COMPLETIONS, "POST",
      "/v1/completions", false, true },
    { ENDPOINT_EMBEDDINGS, "embeddings", DIALECT_OPENAI_EMBEDDINGS, "POST",
      "/v1/embeddings", false, false },
    { ENDPOINT_MODELS, "models", DIALECT_OPENAI_MODELS, "GET", "/v1/models",
      false, false },
    { ENDPOINT_MODEL, "models", DIALECT_OPENAI_MODELS, "GET", "/v1/models/",
      false, false },
    { ENDPOINT_MODELS, "models", DIALECT_ANTHROPIC_MODELS, "GET",
      "/v1/models", false, false },
    { ENDPOINT_MODEL, "models", DIALECT_ANTHROPIC_MODELS, "GET",
      "/v1/models/", false, false },
    { ENDPOINT_MESSAGES, "messages", DIALECT_ANTHROPIC, "POST",
      "/v1/messages", false, true },
    { ENDPOINT_COUNT_TOKENS, "count_tokens", DIALECT_ANTHROPIC_COUNT, "POST",
      "/v1/messages/count_tokens", false, false },
    { ENDPOINT_PASSTHROUGH, "batches", DIALECT_ANTHROPIC_PATHS, NULL,
      "/v1/messages/batches", false, true },
    { ENDPOINT_PASSTHROUGH, "batches", DIALECT_ANTHROPIC_PATHS, NULL,
      "/v1/messages/batches/", false, true },
    { ENDPOINT_PASSTHROUGH, "files", DIALECT_ANTHROPIC_PATHS, NULL,
      "/v1/files", false, true },
    { ENDPOINT_PASSTHROUGH, "files", DIALECT_ANTHROPIC_PATHS, NULL,
      "/v1/files/", false, true },
    { ENDPOINT_COUNT_TOKENS, "count_tokens", DIALECT_RESPONSES_COUNT, "POST",
      "/v1/responses/input_tokens", false, false },
    { ENDPOINT_GENERATE, "gemini", DIALECT_GEMINI, "POST",
      "/v1beta/models/:generateContent", false, false },
    { ENDPOINT_GENERATE_STREAM, "gemini", DIALECT_GEMINI, "POST",
      "/v1beta/models/:streamGenerateContent", false, true },
    { ENDPOINT_GENERATE_COUNT, "count_tokens", DIALECT_GEMINI_COUNT, "POST",
      "/v1beta/models/:countTokens", false, false },
    { ENDPOINT_GENERATE_EMBED, "embeddings", DIALECT_GEMINI_EMBED, "POST",
      "/v1beta/models/:embedContent", false, false },
    { ENDPOINT_GENERATE_EMBED, "embeddings", DIALECT_GEMINI_BATCH, "POST",
      "/v1beta/models/:batchEmbedContents", false, false },
    { ENDPOINT_MODELS, "models", DIALECT_GEMINI_MODELS, "GET",
      "/v1beta/models", false, false },
    { ENDPOINT_MODEL, "models", DIALECT_GEMINI_MODELS, "GET",
      "/v1beta/models/", false, false },
#define PATH(name, method, path)                                           \
    { ENDPOINT_PASSTHROUGH, name, DIALECT_PASSTHROUGH, method, path, false, \
      true },
#include "wire/passthrough.def"
    { ENDPOINT_ROOT, "root", DIALECT_NONE, "HEAD", "/", true, false },
    { ENDPOINT_HEALTHZ, "healthz", DIALECT_NONE, "GET", "/healthz", true,
      false },
    { ENDPOINT_READYZ, "readyz", DIALECT_NONE, "GET", "/readyz", true, false },
};

static const char *const dialect_names[] = {
    [DIALECT_NONE] = "none",
    [DIALECT_OPENAI_CHAT] = "openai-chat",
    [DIALECT_OPENAI_COMPLETIONS] = "openai-completions",
    [DIALECT_OPENAI_EMBEDDINGS] = "openai-embeddings",
    [DIALECT_OPENAI_MODELS] = "openai-models",
    [DIALECT_ANTHROPIC] = "anthropic",
    [DIALECT_ANTHROPIC_COUNT] = "anthropic",
    [DIALECT_ANTHROPIC_MODELS] = "anthropic-models",
    [DIALECT_ANTHROPIC_PATHS] = "anthropic-paths",
    [DIALECT_RESPONSES] = "openai-responses",
    [DIALECT_RESPONSES_COUNT] = "openai-responses",
    [DIALECT_GEMINI] = "gemini",
    [DIALECT_GEMINI_COUNT] = "gemini",
    [DIALECT_GEMINI_EMBED] = "gemini-embeddings",
    [DIALECT_GEMINI_BATCH] = "gemini-embeddings",
    [DIALECT_GEMINI_MODELS] = "gemini-models",
    [DIALECT_CONVERSE] = "bedrock-converse",
    [DIALECT_COHERE] = "cohere",
    [DIALECT_OLLAMA] = "ollama",
    [DIALECT_MISTRAL] = "mistral",
    [DIALECT_MISTRAL_EMBED] = "mistral-embeddings",
    [DIALECT_COHERE_EMBED] = "cohere-embeddings",
    [DIALECT_OLLAMA_EMBED] = "ollama-embeddings",
    [DIALECT_TITAN_EMBED] = "titan-embeddings",
    [DIALECT_NOVA_EMBED] = "nova-embeddings",
    [DIALECT_PREDICT_EMBED] = "vertex-embeddings",
    [DIALECT_CONVERSE_COUNT] = "bedrock-converse",
    [DIALECT_PASSTHROUGH] = "passthrough",
};

#define NO_MOUNT (-1)

/* A base URL that names the dialect; what is behind it is as without. */
static const struct {
    struct str prefix;
    enum family family;
} mounts[] = {
    { STR("/openai"), FAMILY_OPENAI },
    { STR("/anthropic"), FAMILY_ANTHROPIC },
    { STR("/gemini"), FAMILY_GEMINI },
};

/* MODEL:method behind a prefix; some clients send the colon encoded. */
static bool matches_method(struct str prefix, struct str method,
                           struct str path, struct str *rest)
{
    struct str colon = path;
    size_t escaped = 2; /* "%3A" is longer by */

    if (!str_starts(path, prefix) || path.n <= prefix.n + method.n)
        return false;
    path = (struct str){ path.p + prefix.n, path.n - prefix.n };
    colon = (struct str){ path.p + path.n - method.n, method.n };
    if (str_eq(colon, method)) {
        *rest = (struct str){ path.p, path.n - method.n };
        return true;
    }
    if (path.n <= method.n + escaped ||
        !str_eq((struct str){ colon.p + 1, colon.n - 1 },
                (struct str){ method.p + 1, method.n - 1 }) ||
        !str_ieq((struct str){ colon.p - escaped, 3 }, STR("%3A")))
        return false;
    *rest = (struct str){ path.p, path.n - method.n - escaped };
    return true;
}

static bool matches(struct str pattern, struct str path, struct str *rest)
{
    ptrdiff_t colon = str_find(pattern, STR(":"));

    if (colon > 0)
        return matches_method(
            (struct str){ pattern.p, (size_t)colon },
            (struct str){ pattern.p + colon, pattern.n - (size_t)colon },
            path, rest);
    if (pattern.n == 1 || pattern.p[pattern.n - 1] != '/')
        return str_eq(pattern, path);
    if (!str_starts(path, pattern) || path.n == pattern.n)
        return false;
    rest->p = path.p + pattern.n;
    rest->n = path.n - pattern.n;
    return true;
}

/* A collection and its member, "/projects/P", taken off a path's front. */
static bool skip_member(struct str *path, struct str collection)
{
    struct str rest = *path;
    const char *end;

    if (!str_starts(rest, collection))
        return false;
    rest.p += collection.n;
    rest.n -= collection.n;
    end = rest.n ? memchr(rest.p, '/', rest.n) : NULL;
    if (!end || end == rest.p)
        return false;
    *path = (struct str){ end, rest.n - (size_t)(end - rest.p) };
    return true;
}

/* Where Vertex AI has the same: "/models…" behind its publisher, whichever
 * project and place the client has in mind; else as it was. */
static struct str below_publisher(struct str path)
{
    struct str rest = path;
    struct str publisher = STR("/publishers/google");

    if (skip_member(&rest, STR("/projects/")) &&
        !skip_member(&rest, STR("/locations/")))
        return path;
    if (!str_starts(rest, publisher))
        return path;
    rest.p += publisher.n;
    rest.n -= publisher.n;
    return str_starts(rest, STR("/models")) ? rest : path;
}

/* What follows the version of Google's API, from its '/'; or p NULL. */
static struct str google_below(struct str path)
{
    static const struct str versions[] = { STR("/v1beta/"), STR("/v1beta1/"),
                                           STR("/v1alpha/"), STR("/v1/") };

    for (size_t i = 0; i < sizeof versions / sizeof versions[0]; i++) {
        size_t n = versions[i].n - 1;

        if (str_starts(path, versions[i]))
            return below_publisher((struct str){ path.p + n, path.n - n });
    }
    return STR_NULL;
}

/* Does it end with one of Google's methods? */
static bool names_method(struct str below)
{
    struct str rest;

    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct str pattern = str_of(table[i].path);

        if (dialect_is_gemini(table[i].dialect) &&
            str_find(pattern, STR(":")) > 0 &&
            matches(google_below(pattern), below, &rest))
            return true;
    }
    return false;
}

/* Version 1 is everybody's: there the method tells, or the caller. */
static bool is_google(struct str path, enum family told, int mount)
{
    struct str below = google_below(path);

    if (!below.p || !str_starts(path, STR("/v1/")))
        return below.p;
    if (mount != NO_MOUNT)
        return mount == FAMILY_GEMINI;
    if (!str_starts(path, STR("/v1/models")) &&
        str_starts(below, STR("/models")))
        return true; /* behind a publisher */
    return str_starts(below, STR("/models")) &&
           (told == FAMILY_GEMINI || names_method(below));
}

/* Take the mount off a path that has one: its family, or NO_MOUNT. */
static int unmount(struct str *path)
{
    for (size_t i = 0; i < sizeof mounts / sizeof mounts[0]; i++) {
        struct str below = *path, prefix = mounts[i].prefix;

        if (!str_starts(*path, prefix))
            continue;
        below.p += prefix.n;
        below.n -= prefix.n;
        if (below.n == 0)
            below = STR("/");
        if (!str_is(below, "/") &&
            !(mounts[i].family == FAMILY_GEMINI
                  ? google_below(below).p != NULL
                  : str_starts(below, STR("/v1/"))))
            continue;
        *path = below;
        return (int)mounts[i].family;
    }
    return NO_MOUNT;
}

static enum family family_of(enum dialect d)
{
    return dialect_is_anthropic(d) ? FAMILY_ANTHROPIC
           : dialect_is_gemini(d)  ? FAMILY_GEMINI
                                   : FAMILY_OPENAI;
}

/* Has another family the same path? */
static bool is_shared(const struct endpoint *e)
{
    return endpoint_is_models(e) ||
           str_starts(str_of(e->path), STR("/v1/files"));
}

const struct endpoint *endpoint_find(struct str path, enum family told,
                                     struct str *rest)
{
    int m = unmount(&path);
    bool google = is_google(path, told, m);

    *rest = STR_NULL;
    if (google)
        path = google_below(path);
    if (m != NO_MOUNT)
        told = (enum family)m;
    else if (google)
        told = FAMILY_GEMINI;
    else if (told == FAMILY_GEMINI)
        told = FAMILY_OPENAI; /* at their paths it reads their answers */
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        const struct endpoint *e = &table[i];
        struct str pattern = str_of(e->path);

        if (google != dialect_is_gemini(e->dialect) ||
            ((m != NO_MOUNT || is_shared(e)) &&
             e->dialect != DIALECT_NONE && family_of(e->dialect) != told))
            continue;
        if (matches(google ? google_below(pattern) : pattern, path, rest))
            return e;
    }
    return NULL;
}

bool endpoint_is_realtime(struct str path)
{
    static const struct str beginnings[] = {
        STR("/v1/realtime/"), STR("/ws/google.ai.generativelanguage."),
        STR("/ws/google.cloud.aiplatform."),
    };

    unmount(&path);
    if (str_is(path, "/v1/realtime"))
        return true;
    for (size_t i = 0; i < sizeof beginnings / sizeof beginnings[0]; i++) {
        if (str_starts(path, beginnings[i]))
            return true;
    }
    return false;
}

enum family endpoint_family(struct str path, enum family told)
{
    struct str rest, below = path;
    int m = unmount(&below);
    const struct endpoint *e = endpoint_find(path, told, &rest);

    if (m != NO_MOUNT)
        return (enum family)m;
    if (e && e->dialect != DIALECT_NONE)
        return family_of(e->dialect);
    if (is_google(path, told, m))
        return FAMILY_GEMINI;
    return str_starts(path, STR("/v1/messages/")) ? FAMILY_ANTHROPIC : told;
}

enum dialect family_dialect(enum family f)
{
    return f == FAMILY_ANTHROPIC ? DIALECT_ANTHROPIC
           : f == FAMILY_GEMINI  ? DIALECT_GEMINI
                                 : DIALECT_OPENAI_CHAT;
}

struct str endpoint_google_method(size_t i)
{
    for (size_t k = 0; k < sizeof table / sizeof table[0]; k++) {
        struct str path = str_of(table[k].path);
        ptrdiff_t colon = str_find(path, STR(":"));

        if (colon > 0 && i-- == 0)
            return (struct str){ path.p + colon + 1,
                                 path.n - (size_t)colon - 1 };
    }
    return STR_NULL;
}

bool endpoint_is_models(const struct endpoint *e)
{
    return e->id == ENDPOINT_MODELS || e->id == ENDPOINT_MODEL;
}

bool dialect_is_anthropic(enum dialect d)
{
    return d >= DIALECT_ANTHROPIC && d <= DIALECT_ANTHROPIC_PATHS;
}

bool dialect_is_gemini(enum dialect d)
{
    return d >= DIALECT_GEMINI && d <= DIALECT_GEMINI_MODELS;
}

const struct endpoint *endpoint_by_name(struct str name)
{
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        if (str_is(name, table[i].name))
            return &table[i];
    }
    return NULL;
}

const char *dialect_name(enum dialect d)
{
    return dialect_names[d];
}

enum dialect dialect_by_name(struct str name)
{
    unsigned bits = dialects_by_name(name);
    enum dialect d = DIALECT_NONE;

    while (bits && !(bits & 1u << d))
        d++;
    return d;
}

unsigned dialects_by_name(struct str name)
{
    size_t n = sizeof dialect_names / sizeof dialect_names[0];
    unsigned bits = 0;

    for (size_t d = DIALECT_NONE + 1; d < n; d++) {
        if (str_is(name, dialect_names[d]))
            bits |= 1u << d;
    }
    return bits;
}

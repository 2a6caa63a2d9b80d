/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* The table of paths. */
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
    { ENDPOINT_GENERATE, "gemini", DIALECT_GEMINI, "POST",
      "/v1beta/models/:generateContent", false, false },
    { ENDPOINT_GENERATE_STREAM, "gemini", DIALECT_GEMINI, "POST",
      "/v1beta/models/:streamGenerateContent", false, true },
    { ENDPOINT_GENERATE_COUNT, "count_tokens", DIALECT_GEMINI_COUNT, "POST",
      "/v1beta/models/:countTokens", false, false },
    { ENDPOINT_GENERATE_EMBED, "embeddings", DIALECT_GEMINI_EMBED, "POST",
      "/v1beta/models/:embedContent", false, false },
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
    [DIALECT_RESPONSES] = "openai-responses",
    [DIALECT_GEMINI] = "gemini",
    [DIALECT_GEMINI_COUNT] = "gemini",
    [DIALECT_GEMINI_EMBED] = "gemini-embeddings",
    [DIALECT_GEMINI_MODELS] = "gemini-models",
    [DIALECT_CONVERSE] = "bedrock-converse",
    [DIALECT_COHERE] = "cohere",
    [DIALECT_OLLAMA] = "ollama",
    [DIALECT_MISTRAL] = "mistral",
    [DIALECT_PASSTHROUGH] = "passthrough",
};

#define NO_MOUNT (-1)

/* A base URL that names the dialect; what is behind it is as without. */
static const struct {
    struct str prefix, below;
    enum family family;
} mounts[] = {
    { STR("/openai"), STR("/v1/"), FAMILY_OPENAI },
    { STR("/anthropic"), STR("/v1/"), FAMILY_ANTHROPIC },
    { STR("/gemini"), STR("/v1beta/"), FAMILY_GEMINI },
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
        if (!str_is(below, "/") && !str_starts(below, mounts[i].below))
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

/* Only the names of models have one path for two families. */
static bool is_shared(const struct endpoint *e)
{
    return endpoint_is_models(e) && !dialect_is_gemini(e->dialect);
}

const struct endpoint *endpoint_find(struct str path, enum family told,
                                     struct str *rest)
{
    int m = unmount(&path);

    *rest = STR_NULL;
    if (m != NO_MOUNT)
        told = (enum family)m;
    else if (told == FAMILY_GEMINI)
        told = FAMILY_OPENAI; /* its own paths tell it apart */
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        const struct endpoint *e = &table[i];

        if ((m != NO_MOUNT || is_shared(e)) && e->dialect != DIALECT_NONE &&
            family_of(e->dialect) != told)
            continue;
        if (matches(str_of(e->path), path, rest))
            return e;
    }
    return NULL;
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
    if (str_starts(path, STR("/v1beta/")))
        return FAMILY_GEMINI;
    return str_starts(path, STR("/v1/messages/")) ? FAMILY_ANTHROPIC : told;
}

enum dialect family_dialect(enum family f)
{
    return f == FAMILY_ANTHROPIC ? DIALECT_ANTHROPIC
           : f == FAMILY_GEMINI  ? DIALECT_GEMINI
                                 : DIALECT_OPENAI_CHAT;
}

bool endpoint_is_models(const struct endpoint *e)
{
    return e->id == ENDPOINT_MODELS || e->id == ENDPOINT_MODEL;
}

bool dialect_is_anthropic(enum dialect d)
{
    return d >= DIALECT_ANTHROPIC && d <= DIALECT_ANTHROPIC_MODELS;
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

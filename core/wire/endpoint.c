/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* The table of paths. */
#include "wire/endpoint.h"

static const struct endpoint table[] = {
    { ENDPOINT_CHAT, "chat", DIALECT_OPENAI_CHAT, "POST",
      "/v1/chat/completions", false, true },
    { ENDPOINT_RESPONSES, "responses", DIALECT_RESPONSES, "POST",
      "/v1/responses", false, true },
    { ENDPOINT_RESPONSE, "responses", DIALECT_RESPONSES, "*",
      "/v1/responses/", false, false },
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
};

enum mount { MOUNT_NONE, MOUNT_OPENAI, MOUNT_ANTHROPIC };

/* A base URL that names the dialect; what is behind it is as without. */
static const struct {
    struct str prefix;
    enum mount mount;
} mounts[] = {
    { STR("/openai"), MOUNT_OPENAI },
    { STR("/anthropic"), MOUNT_ANTHROPIC },
};

static bool matches(struct str pattern, struct str path, struct str *rest)
{
    if (pattern.n == 1 || pattern.p[pattern.n - 1] != '/')
        return str_eq(pattern, path);
    if (!str_starts(path, pattern) || path.n == pattern.n)
        return false;
    rest->p = path.p + pattern.n;
    rest->n = path.n - pattern.n;
    return true;
}

/* Take the mount off a path that has one. */
static enum mount unmount(struct str *path)
{
    for (size_t i = 0; i < sizeof mounts / sizeof mounts[0]; i++) {
        struct str below = *path, prefix = mounts[i].prefix;

        if (!str_starts(*path, prefix))
            continue;
        below.p += prefix.n;
        below.n -= prefix.n;
        if (below.n == 0)
            below = STR("/");
        if (!str_is(below, "/") && !str_starts(below, STR("/v1/")))
            continue;
        *path = below;
        return mounts[i].mount;
    }
    return MOUNT_NONE;
}

const struct endpoint *endpoint_find(struct str path, bool anthropic,
                                     struct str *rest)
{
    enum mount m = unmount(&path);

    *rest = STR_NULL;
    if (m != MOUNT_NONE)
        anthropic = m == MOUNT_ANTHROPIC;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        const struct endpoint *e = &table[i];
        bool told = m != MOUNT_NONE || endpoint_is_models(e);

        if (told && e->dialect != DIALECT_NONE &&
            dialect_is_anthropic(e->dialect) != anthropic)
            continue;
        if (matches(str_of(e->path), path, rest))
            return e;
    }
    return NULL;
}

bool endpoint_asks_anthropic(struct str path, bool told)
{
    struct str rest, below = path;
    enum mount m = unmount(&below);
    const struct endpoint *e = endpoint_find(path, told, &rest);

    if (m != MOUNT_NONE)
        return m == MOUNT_ANTHROPIC;
    if (e && e->dialect != DIALECT_NONE)
        return dialect_is_anthropic(e->dialect);
    return told || str_starts(path, STR("/v1/messages/"));
}

bool endpoint_is_models(const struct endpoint *e)
{
    return e->id == ENDPOINT_MODELS || e->id == ENDPOINT_MODEL;
}

bool dialect_is_anthropic(enum dialect d)
{
    return d >= DIALECT_ANTHROPIC && d <= DIALECT_ANTHROPIC_MODELS;
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

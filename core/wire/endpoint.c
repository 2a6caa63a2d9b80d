/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* The table of paths. */
#include "wire/endpoint.h"

static const struct endpoint table[] = {
    { ENDPOINT_CHAT, "chat", DIALECT_OPENAI_CHAT, "POST",
      "/v1/chat/completions", false, true },
    { ENDPOINT_COMPLETIONS, "completions", DIALECT_OPENAI_COMPLETIONS, "POST",
      "/v1/completions", false, true },
    { ENDPOINT_EMBEDDINGS, "embeddings", DIALECT_OPENAI_EMBEDDINGS, "POST",
      "/v1/embeddings", false, false },
    { ENDPOINT_MODELS, "models", DIALECT_OPENAI_MODELS, "GET", "/v1/models",
      false, false },
    { ENDPOINT_MODEL, "models", DIALECT_OPENAI_MODELS, "GET", "/v1/models/",
      false, false },
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
};

static bool matches(struct str pattern, struct str path, struct str *rest)
{
    if (pattern.p[pattern.n - 1] != '/')
        return str_eq(pattern, path);
    if (!str_starts(path, pattern) || path.n == pattern.n)
        return false;
    rest->p = path.p + pattern.n;
    rest->n = path.n - pattern.n;
    return true;
}

const struct endpoint *endpoint_find(struct str path, struct str *rest)
{
    struct str mount = STR("/openai");

    *rest = STR_NULL;
    if (str_starts(path, STR("/openai/v1/"))) {
        path.p += mount.n;
        path.n -= mount.n;
    }
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        if (matches(str_of(table[i].path), path, rest))
            return &table[i];
    }
    return NULL;
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
    size_t n = sizeof dialect_names / sizeof dialect_names[0];

    for (size_t d = DIALECT_NONE + 1; d < n; d++) {
        if (str_is(name, dialect_names[d]))
            return (enum dialect)d;
    }
    return DIALECT_NONE;
}

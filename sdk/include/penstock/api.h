/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* What a provider speaks: part of penstock/plugin.h, which includes it. */
#ifndef PENSTOCK_API_H
#define PENSTOCK_API_H

#include <stdint.h>

/** What an endpoint asks of a provider. */
enum {
    PS_CHAT = 1, PS_COMPLETIONS, PS_EMBEDDINGS, PS_MODELS, PS_COUNT_TOKENS,
    PS_PASSTHROUGH /* the client's method and path; bodies as they are */
};

/** Wire dialects. PS_ANTHROPIC carries chat, count_tokens, models and paths,
 * PS_RESPONSES count_tokens, PS_GEMINI embeddings as well; PS_COHERE,
 * PS_OLLAMA, PS_MISTRAL chat and embeddings; the others one op. */
enum {
    PS_OPENAI_CHAT = 1, PS_OPENAI_COMPLETIONS, PS_OPENAI_EMBEDDINGS,
    PS_OPENAI_MODELS, PS_ANTHROPIC, PS_RESPONSES, PS_GEMINI, PS_CONVERSE,
    PS_COHERE, PS_OLLAMA,
    PS_MISTRAL, /* OpenAI's chat, strictly */
    PS_OPENAI_PATHS, /* PS_PASSTHROUGH: images, audio, files, batches ... */
    PS_GEMINI_BATCH, /* PS_EMBEDDINGS: batchEmbedContents */
    PS_TITAN, PS_NOVA, /* PS_EMBEDDINGS: by Bedrock's InvokeModel */
    PS_PREDICT /* PS_EMBEDDINGS: by Vertex AI's :predict */
};

/** How a streamed answer is framed; PS_JSON: it is not streamed. Where one op
 * has two paths, two rows say so: PS_JSON and another. */
enum {
    PS_JSON = 0, PS_SSE = 1, PS_NDJSON = 2, PS_EVENTSTREAM = 3, /* AWS's */
    PS_JSON_ARRAY = 4,
    PS_EVENTCHUNKS = 5 /* AWS's, and in each "chunk" an event in base64 */
};

/**
 * One row of what a provider speaks. Path: below the base URL; "{model}" is
 * replaced by the percent-encoded upstream model, "{model@date}" by the same
 * with a date at its end written "@20250929", "{name=x}" by the setting of that
 * name, likewise, or where the provider has none by x.
 */
typedef struct ps_api {
    uint16_t op, dialect, framing;
    const char *method;
    const char *path;
} ps_api;

/** Which models the rows of a dialect are for, as ps_globs has it, in a list
 * of such; rows of a dialect without one are for all. */
typedef struct ps_serves {
    uint32_t dialect;
    const char *models;
} ps_serves;

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
#include "wire/dialect.h"

#include "wire/anthropic.h"
#include "wire/converse.h"
#include "wire/gemini.h"
#include "wire/openai.h"
#include "wire/passthrough.h"
#include "wire/responses.h"
#include "wire/upstream_dialects.h"

const struct dialect_ops *dialect_ops(enum dialect d)
{
    switch (d) {
    case DIALECT_NONE:
    case DIALECT_OPENAI_CHAT:
    case DIALECT_OPENAI_COMPLETIONS:
    case DIALECT_OPENAI_EMBEDDINGS:
    case DIALECT_OPENAI_MODELS:
    case DIALECT_MISTRAL:
    case DIALECT_MISTRAL_EMBED:
        break;
    case DIALECT_COHERE:
    case DIALECT_COHERE_EMBED:
        return &cohere_dialect;
    case DIALECT_OLLAMA:
    case DIALECT_OLLAMA_EMBED:
        return &ollama_dialect;
    case DIALECT_TITAN_EMBED:
    case DIALECT_NOVA_EMBED:
    case DIALECT_PREDICT_EMBED:
        return &vectors_dialect;
    case DIALECT_PASSTHROUGH:
        return &passthrough_dialect;
    case DIALECT_ANTHROPIC_PATHS:
        return &anthropic_paths_dialect;
    case DIALECT_ANTHROPIC:
    case DIALECT_ANTHROPIC_COUNT:
    case DIALECT_ANTHROPIC_MODELS:
        return &anthropic_dialect;
    case DIALECT_CONVERSE:
    case DIALECT_CONVERSE_COUNT:
        return &converse_dialect;
    case DIALECT_GEMINI:
    case DIALECT_GEMINI_COUNT:
    case DIALECT_GEMINI_EMBED:
    case DIALECT_GEMINI_BATCH:
    case DIALECT_GEMINI_MODELS:
        return &gemini_dialect;
    case DIALECT_RESPONSES:
    case DIALECT_RESPONSES_COUNT:
        return &responses_dialect;
    }
    return &openai_dialect;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Endpoints: what a client calls. A path is compared byte for byte, once;
 * what comes out decides authentication, validation and routing alike, so
 * that no two parts can read a path differently.
 */
#ifndef PENSTOCK_WIRE_ENDPOINT_H
#define PENSTOCK_WIRE_ENDPOINT_H

#include "base/str.h"

enum dialect {
    DIALECT_NONE,
    DIALECT_OPENAI_CHAT,
    DIALECT_OPENAI_COMPLETIONS,
    DIALECT_OPENAI_EMBEDDINGS,
    DIALECT_OPENAI_MODELS,
    DIALECT_ANTHROPIC,
    DIALECT_ANTHROPIC_COUNT,  /* the same without an answer: count_tokens */
    DIALECT_ANTHROPIC_MODELS,
    DIALECT_ANTHROPIC_PATHS,  /* batches, files; nobody reads them */
    DIALECT_RESPONSES,
    DIALECT_RESPONSES_COUNT,  /* its input_tokens */
    DIALECT_GEMINI,
    DIALECT_GEMINI_COUNT,     /* countTokens */
    DIALECT_GEMINI_EMBED,
    DIALECT_GEMINI_BATCH,     /* batchEmbedContents */
    DIALECT_GEMINI_MODELS,
    DIALECT_CONVERSE,         /* Bedrock's; no client speaks it here */
    DIALECT_COHERE,           /* v2 chat; the same */
    DIALECT_OLLAMA,           /* its own chat; the same */
    DIALECT_MISTRAL,          /* OpenAI's chat, strictly; the same */
    DIALECT_MISTRAL_EMBED,    /* embeddings, of those that no client asks */
    DIALECT_COHERE_EMBED,
    DIALECT_OLLAMA_EMBED,
    DIALECT_TITAN_EMBED,      /* Bedrock's InvokeModel; one text a request */
    DIALECT_NOVA_EMBED,       /* the same */
    DIALECT_PREDICT_EMBED,    /* Vertex AI's :predict */
    DIALECT_CONVERSE_COUNT,   /* Bedrock's CountTokens, of a Converse */
    DIALECT_PASSTHROUGH,      /* nobody reads it: wire/passthrough.h */
};

enum endpoint_id {
    ENDPOINT_NONE,
    ENDPOINT_CHAT,
    ENDPOINT_RESPONSES,
    ENDPOINT_COMPLETIONS,
    ENDPOINT_EMBEDDINGS,
    ENDPOINT_MODELS,
    ENDPOINT_MODEL, /* /v1/models/{id} */
    ENDPOINT_MESSAGES,
    ENDPOINT_COUNT_TOKENS,
    ENDPOINT_GENERATE,        /* Google's; the model stands in the path */
    ENDPOINT_GENERATE_STREAM,
    ENDPOINT_GENERATE_COUNT,
    ENDPOINT_GENERATE_EMBED,
    ENDPOINT_ROOT, /* "/": clients look whether somebody is there */
    ENDPOINT_HEALTHZ,
    ENDPOINT_READYZ,
    ENDPOINT_PASSTHROUGH, /* of wire/passthrough.def */
};

struct endpoint {
    enum endpoint_id id;
    const char *name;    /* in policies, logs, metrics: "chat" */
    enum dialect dialect;
    const char *method;  /* the one it takes ("GET" includes HEAD), "*" = any;
                            NULL: GET, POST and DELETE */
    const char *path;    /* "/v1/chat/completions"; a trailing '/' = prefix */
    bool is_public;      /* answered without a credential */
    bool streams;        /* an answer may be streamed */
};

/** Whose clients: in which shape they read errors. */
enum family { FAMILY_OPENAI, FAMILY_ANTHROPIC, FAMILY_GEMINI };

/**
 * The endpoint at a path, or NULL. Below /openai, /anthropic and /gemini only
 * those of that family are found; elsewhere the two kinds of /v1/models, and
 * of /v1/files, are told apart by `told`: the family whose fields the caller
 * sent. `*rest` is
 * what follows a prefix path, or stands before Google's ":method", still
 * percent-encoded.
 */
const struct endpoint *endpoint_find(struct str path, enum family told,
                                     struct str *rest);

/** Is it where sessions over a WebSocket (or WebRTC) begin: OpenAI's realtime
 * and what hangs on it, Google's live API? No endpoint is there. */
bool endpoint_is_realtime(struct str path);

/** In whose shape does a client that asks there read errors? `told` counts
 * where the path is several families' or nobody's. */
enum family endpoint_family(struct str path, enum family told);

/** A dialect of that family, for answers where there is no endpoint. */
enum dialect family_dialect(enum family f);

/** The i-th of Google's methods ("generateContent"); p NULL: no more. */
struct str endpoint_google_method(size_t i);

/** Does it answer with the names of models, not with a provider's words? */
bool endpoint_is_models(const struct endpoint *e);

/** The first endpoint of that name ("chat"), or NULL. */
const struct endpoint *endpoint_by_name(struct str name);

/** "openai-chat"; never NULL. */
const char *dialect_name(enum dialect d);
/** The first dialect of that name, or DIALECT_NONE. */
enum dialect dialect_by_name(struct str name);
/** The dialects of that name, as bits (1 << enum dialect): one dialect may
 * have several kinds of requests. 0: there is none. */
unsigned dialects_by_name(struct str name);

/** One of Anthropic's family? Of Google's? */
bool dialect_is_anthropic(enum dialect d);
bool dialect_is_gemini(enum dialect d);

#endif

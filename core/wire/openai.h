/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * The OpenAI dialects (chat, completions, embeddings, models) as seen from the
 * native path: read what the gateway must know of a request, watch an answer
 * or a stream for content, usage, finish and error, and say errors in its
 * shape. Pure.
 *
 * Source: https://platform.openai.com/docs/api-reference (read 2026-11).
 */
#ifndef PENSTOCK_WIRE_OPENAI_H
#define PENSTOCK_WIRE_OPENAI_H

#include "base/json.h"
#include "wire/endpoint.h"
#include "wire/usage.h"

/** What the gateway reads of a request body. */
struct wire_request {
    struct str model;
    bool stream;
    bool include_usage;  /* the client asked for the usage event */
    int64_t max_tokens;  /* -1 = not given */
};

/**
 * Read and check the fields that the gateway itself needs; the rest is the
 * provider's business. Errors: INVALID_REQUEST, err->at = the field's path as
 * OpenAI writes it ("messages", "stream_options").
 */
int openai_read(enum dialect d, const struct json *body, struct arena *a,
                struct wire_request *out, struct err *err);

/** What one stream event or a whole answer holds. */
struct wire_watch {
    bool content;    /* text, refusal, reasoning, tool call, media */
    bool finish;     /* a finish_reason that is not null */
    bool done;       /* the [DONE] sentinel */
    bool usage_only; /* choices [] and a usage object */
    bool error;      /* an error object */
    struct usage usage;
    struct str error_code, error_type, error_message; /* in the arena or text */
};

/**
 * Watch one event's data. Malformed JSON is -ERR_SYNTAX with *err.
 * `scratch` is reused between calls. Cost: one scan of the data.
 */
int openai_watch_event(enum dialect d, struct str data, struct json *scratch,
                       struct arena *a, struct wire_watch *out,
                       struct err *err);

/** The same for a whole answer (not streamed). */
int openai_watch_body(enum dialect d, struct str body, struct json *scratch,
                      struct arena *a, struct wire_watch *out,
                      struct err *err);

/** Usage from the tail of an answer too large to be scanned whole. */
void openai_usage_in_tail(struct str tail, struct arena *a, struct usage *out);

/**
 * An error object in OpenAI's shape: {"error":{message,type,param,code}}.
 * `param` may be empty (null).
 */
int openai_error(struct buf *out, const char *type, struct str code,
                 struct str message, struct str param);

/** The same as an SSE event. */
int openai_error_event(struct buf *out, const char *type, struct str code,
                       struct str message);

#endif

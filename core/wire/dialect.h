/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * A dialect as the flow sees it: what the gateway reads of a request, what it
 * watches in an answer, and how errors are said. One const table per dialect;
 * all functions are pure. Texts that they return lie in what they were given
 * or in the arena.
 */
#ifndef PENSTOCK_WIRE_DIALECT_H
#define PENSTOCK_WIRE_DIALECT_H

#include "base/json.h"
#include "wire/endpoint.h"
#include "wire/usage.h"

/** What the gateway reads of a request body. */
struct wire_request {
    struct str model;
    bool stream;
    bool include_usage;  /* the client gets the usage that a stream ends with */
    int64_t max_tokens;  /* -1 = not given */
};

/** What one stream event or a whole answer holds. */
struct wire_watch {
    bool content;    /* text, refusal, reasoning, tool call, media */
    bool finish;     /* why it ended is said */
    bool done;       /* the stream's last event */
    bool usage_only; /* nothing but usage */
    bool error;      /* an error object */
    struct usage usage;
    struct str error_code, error_type, error_message; /* in the arena or text */
};

/** An error to be told to a client. */
struct wire_error {
    const struct err_info *info;
    struct str code;    /* stable name; a policy's own, too */
    struct str message;
    struct str param;   /* the field at fault; may be empty */
    struct str request_id;
};

struct dialect_ops {
    /**
     * Read and check the fields that the gateway itself needs.
     * Errors: INVALID_REQUEST, err->at = the field's path as the dialect
     * writes it ("messages", "stream_options").
     */
    int (*read)(enum dialect d, const struct json *body, struct arena *a,
                struct wire_request *out, struct err *err);
    /**
     * Watch one event. Malformed JSON is -ERR_SYNTAX with *err. `scratch` is
     * reused between calls and holds the event afterwards. Cost: one scan.
     */
    int (*watch_event)(enum dialect d, struct str event, struct str data,
                       struct json *scratch, struct arena *a,
                       struct wire_watch *out, struct err *err);
    /** The same for a whole answer (not streamed). */
    int (*watch_body)(enum dialect d, struct str body, struct json *scratch,
                      struct arena *a, struct wire_watch *out,
                      struct err *err);
    /** Usage from the tail of an answer too large to be scanned whole. */
    void (*usage_in_tail)(struct str tail, struct arena *a, struct usage *out);
    /** HTTP status of an error. */
    int (*status)(const struct err_info *info);
    /** The body of an error answer. */
    int (*error)(struct buf *out, const struct wire_error *e);
    /** An error within a stream: one whole SSE event. */
    int (*error_event)(struct buf *out, const struct wire_error *e);

    const char *request_id; /* field of an answer with our id */
    const char *keepalive;  /* what a silent stream says: whole bytes */
    /* member of a request that makes a stream tell its usage, a pointer to a
     * true; NULL where streams always do */
    const char *usage_wish;
    bool needs_done;   /* a stream without its last event was cut */
    bool passes_query; /* the query goes upstream */
    /* Fields of a request that go upstream, and of an answer that the client
     * gets, beside those of every dialect; "-" at the end: a prefix. NULL
     * ends a list. */
    const char *const *forwarded;
    const char *const *passed;
};

/** Never NULL: what has no dialect of its own speaks OpenAI's. */
const struct dialect_ops *dialect_ops(enum dialect d);

#endif

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

/** Fields of a request that mean the same in every dialect. */
enum wire_field {
    WIRE_MODEL,       /* string */
    WIRE_STREAM,      /* boolean */
    WIRE_MAX_TOKENS,  /* integer */
    WIRE_TEMPERATURE, /* number */
    WIRE_USER,        /* string: the end user, as the caller names them */
};

/** Whose a text of the conversation is. A role that nobody knows is the
 * user's: whoever looks at users' texts must not miss it. */
enum wire_role {
    WIRE_ROLE_SYSTEM,
    WIRE_ROLE_USER,
    WIRE_ROLE_ASSISTANT,
    WIRE_ROLE_TOOL, /* what a tool answered */
    WIRE_ROLES
};

enum wire_kind {
    WIRE_TEXT,
    WIRE_TOOL_ARGS, /* arguments of a call, as a JSON text in a string */
    WIRE_THINKING,
    WIRE_KINDS
};

/** A text of the conversation: a string's node. */
struct wire_text {
    uint32_t node;
    uint16_t role, kind; /* enum wire_role, wire_kind */
};

/** Takes one; not 0 ends the walk. */
typedef int wire_text_fn(void *ud, const struct wire_text *t);

/** Why an answer ended. */
enum wire_finish { WIRE_FINISH_STOP, WIRE_FINISH_LENGTH, WIRE_FINISH_FILTER };

/** An answer made by the gateway itself. */
struct wire_answer {
    struct str text;
    enum wire_finish finish;
    struct str model;   /* as the client asked for it */
    struct str id;      /* ours; the dialect puts its own prefix before it */
    int64_t created;    /* seconds since 1970 */
    bool stream;        /* all events of a stream, else the whole answer */
    bool include_usage; /* the client asked for a stream's usage */
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
    uint32_t number; /* that the next event may have, where a dialect numbers
                        them; 0: this one has none */
};

/** An error to be told to a client. */
struct wire_error {
    const struct err_info *info;
    struct str code;    /* stable name; a policy's own, too */
    struct str message;
    struct str param;   /* the field at fault; may be empty */
    struct str request_id;
    uint64_t retry_after_ms; /* 0: not known */
    int status;           /* HTTP's; 0: what `info` has for the dialect */
    uint32_t number;      /* of its event, in a stream that numbers them */
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
     * A field after the edits so far: raw JSON, borrowed as json_edits_get's;
     * p is NULL where the request does not have it.
     */
    struct str (*field)(enum dialect d, enum wire_field f,
                        const struct json_edits *e);
    /**
     * Give a field a value, as an edit: JSON text of its type; p NULL takes
     * it out. What the dialect says with it (stream_options) follows.
     * Errors: NOTFOUND with *err empty (the dialect has no such field), else
     * json_edit_set's.
     */
    int (*set_field)(enum dialect d, enum wire_field f, struct json_edits *e,
                     struct str value, struct err *err);
    /**
     * Call fn for each text that the provider would read, in the order of the
     * conversation; its result where that is not 0. O(nodes).
     */
    int (*texts)(enum dialect d, const struct json *body, wire_text_fn *fn,
                 void *ud);
    /**
     * Take out of a request what answers of another dialect had sealed in
     * and clients send back; no edit where there is none. NULL where nothing
     * is ever sealed. Cost: one search; a walk where it finds something.
     */
    int (*unseal)(const struct json *body, struct json_edits *e,
                  struct arena *a, struct err *err);
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
    /** Do requests in that dialect get a text for an answer? */
    bool (*answers)(enum dialect d);
    /** Append a polite answer: 200, with usage of zero. -ERR_NOTFOUND where
     * there is no text to answer with; buf's errors. */
    int (*answer)(enum dialect d, const struct wire_answer *a,
                  struct buf *out);
    /** HTTP status of an error. */
    int (*status)(const struct err_info *info);
    /** The body of an error answer. */
    int (*error)(struct buf *out, const struct wire_error *e);
    /** An error within a stream: one whole SSE event. */
    int (*error_event)(struct buf *out, const struct wire_error *e);

    const char *request_id; /* field of an answer with our id */
    const char *keepalive;  /* what a silent stream says: whole bytes; "": its
                               clients know no line that says nothing */
    /* member of a request that makes a stream tell its usage, a pointer to a
     * true; NULL where streams always do */
    const char *usage_wish;
    const char *const *max_tokens; /* pointers that may say it; NULL ends */
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

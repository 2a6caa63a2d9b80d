/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * The neutral request: what a client asks for, whatever dialect it speaks.
 * Lists of messages, of blocks in them, of tools, in the order in which they
 * came; texts, numbers, schemas and media as spans of the client's body.
 *
 * A codec makes one in an arena (wire/codec.h); body, index and arena must
 * outlive it. A str is characters, a jstr the inside of a JSON string, a
 * member called raw_x a whole JSON value. "Absent" is p == NULL, -1 or 0.
 *
 * Source: docs/design/translation.md, "The neutral form".
 */
#ifndef PENSTOCK_WIRE_NEUTRAL_H
#define PENSTOCK_WIRE_NEUTRAL_H

#include "wire/endpoint.h"
#include "wire/jstr.h"

enum neutral_role {
    ROLE_SYSTEM,
    ROLE_DEVELOPER, /* OpenAI's name for the operator's instructions */
    ROLE_USER,      /* what tools answered stands in a user's turn */
    ROLE_ASSISTANT,
};

/** "Keep what is up to here": it stands on the block, tool or system text
 * that it was put on. */
struct neutral_cache {
    bool set;
    struct str ttl; /* "5m", "1h", "30m", "12h"; absent: the vendor's own */
};

enum neutral_kind {
    BLOCK_TEXT,
    BLOCK_MEDIA,
    BLOCK_TOOL_CALL,
    BLOCK_TOOL_RESULT,
    BLOCK_THINKING,
    BLOCK_REFUSAL,
    BLOCK_UNKNOWN, /* what only its own dialect can say */
};

enum media_kind { MEDIA_IMAGE, MEDIA_DOCUMENT, MEDIA_AUDIO };

enum media_source {
    MEDIA_URL,
    MEDIA_BASE64,
    MEDIA_TEXT,    /* a document that is plain text */
    MEDIA_FILE_ID, /* a file that the vendor keeps */
};

struct neutral_media {
    enum media_kind kind;
    enum media_source source;
    struct jstr data;   /* the URL, the base64 digits, the text, the id */
    struct str mime;    /* "image/png"; absent for a URL or an id */
    struct jstr name;   /* file name or title */
    struct str detail;  /* OpenAI's image detail */
    struct str raw_citations, context; /* Anthropic's, of documents */
};

struct neutral_call {
    struct str id, name;
    struct str args;  /* JSON text as the model wrote it; may be malformed */
    bool custom;      /* args are free text, not JSON */
    struct jstr signature; /* Gemini's, of the thought before the call */
    bool answered; /* a result that names no id was taken for its own */
};

struct neutral_result {
    struct str id;
    bool is_error;
    struct neutral_block *blocks; /* text, media, unknown */
};

struct neutral_thinking {
    struct jstr text, signature;
    struct jstr redacted; /* then the others are absent */
    struct jstr thought;  /* Gemini's signature, then the other is absent */
    struct str detail; /* of an OpenAI-compatible vendor: the object that it
                        * stood in, without the text; else absent */
};

struct neutral_unknown {
    enum dialect dialect;
    struct str raw;
    struct str type;
};

struct neutral_block {
    struct neutral_block *next;
    enum neutral_kind kind;
    struct neutral_cache cache;
    union {
        struct jstr text; /* of BLOCK_TEXT and BLOCK_REFUSAL */
        struct neutral_media media;
        struct neutral_call call;
        struct neutral_result result;
        struct neutral_thinking thinking;
        struct neutral_unknown unknown;
    };
};

struct neutral_message {
    struct neutral_message *next;
    enum neutral_role role;
    struct neutral_block *first, *last;
    struct jstr name; /* OpenAI's */
};

struct neutral_tool {
    struct neutral_tool *next;
    struct str name;
    struct jstr description;
    struct str raw_schema; /* absent: no arguments */
    bool schema_typed;     /* the schema has a member "type" */
    int strict;            /* -1 = not said, 0, 1 */
    bool custom;           /* takes free text; raw_schema is its format */
    struct neutral_cache cache;
    struct str raw_unknown; /* a vendor's own tool, whole; name is its type,
                             * but where raw_schema tells others what it is */
};

enum choice_kind {
    CHOICE_UNSET,
    CHOICE_AUTO,
    CHOICE_NONE,
    CHOICE_REQUIRED,
    CHOICE_NAMED,
};

struct neutral_name {
    struct neutral_name *next;
    struct str name;
};

struct neutral_choice {
    enum choice_kind kind;
    struct str name;              /* CHOICE_NAMED */
    struct neutral_name *allowed; /* of these tools only; NULL: of all */
};

enum format_kind { FORMAT_UNSET, FORMAT_TEXT, FORMAT_JSON, FORMAT_SCHEMA };

/** The schema is a member's of an object (wire/codec_unwrap.h). */
enum format_wrap { WRAP_NONE, WRAP_VALUE, WRAP_BARE };

struct neutral_format {
    enum format_kind kind;
    enum format_wrap wrap;
    struct str name;
    struct jstr description;
    struct str raw_schema;
    bool schema_typed; /* as a tool's */
    int strict;        /* -1 = not said */
};

enum reasoning_kind {
    REASONING_UNSET,
    REASONING_OFF,
    REASONING_ADAPTIVE,
    REASONING_BUDGET,
};

struct neutral_reasoning {
    enum reasoning_kind kind;
    struct str effort;  /* "none" ... "max"; absent: not said */
    int64_t budget;     /* tokens; -1 = not said */
    struct str display; /* "summarized", "omitted" */
};

enum neutral_param {
#define PARAM(id, chat, anthropic, types) PARAM_##id,
#include "wire/neutral_param.def"
#undef PARAM
    PARAM_COUNT,
};

/** A member that only its own dialect knows, as it stands in the body. */
struct neutral_extra {
    struct neutral_extra *next;
    struct str name, raw;
};

struct neutral_embed;

struct neutral_request {
    enum dialect from;
    struct neutral_embed *embed; /* wire/embed.h: then vectors are asked for,
                                  * and there are no messages; else NULL */
    struct str model;
    bool stream, include_usage;
    bool legacy_functions; /* asked with `functions`: answered likewise */
    int parallel;          /* -1 = not said, 0 = one tool call at a time */
    int64_t max_tokens;    /* -1 = not said */
    struct neutral_message *first, *last;
    struct neutral_tool *tools, *last_tool;
    struct neutral_choice choice;
    struct neutral_format format;
    struct neutral_reasoning reasoning;
    struct neutral_cache cache; /* on whatever is last */
    struct str param[PARAM_COUNT]; /* raw */
    struct neutral_name *stops;
    struct str user;
    struct str service_tier;
    struct neutral_extra *extras; /* top level, unread here */
    struct neutral_extra *unread; /* deeper; names only, for the report */
    uint32_t n_messages, n_blocks, n_tools, n_unread;
};

/** An empty request; what counts from -1 does. */
void neutral_request_init(struct neutral_request *r, enum dialect from);

/** Append; NULL when memory is out. Zeroed but for what is given. */
struct neutral_message *neutral_add_message(struct neutral_request *r,
                                            struct arena *a,
                                            enum neutral_role role);
struct neutral_block *neutral_add_block(struct neutral_request *r,
                                        struct neutral_message *m,
                                        struct arena *a,
                                        enum neutral_kind kind);
struct neutral_tool *neutral_add_tool(struct neutral_request *r,
                                      struct arena *a);

/** "temperature", as a dialect calls it; NULL where it has no such thing. */
const char *neutral_param_name(enum neutral_param p, enum dialect d);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * What the mock's files share. A request is read by a dialect into a neutral
 * `ask`; `gen` makes the answer's pieces from it one by one; the dialect
 * spells each piece; the sender (mock_send.c) paces them and breaks them as
 * the fault says. A further dialect is one file and one row in mock.c.
 */
#ifndef PENSTOCK_MOCK_MOCK_IMPL_H
#define PENSTOCK_MOCK_MOCK_IMPL_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/json.h"
#include "mock/mock.h"
#include "net/http_server.h"

enum {
    MOCK_BODY_MAX = 64 << 20,   /* of a request */
    MOCK_ANSWER_MAX = 256 << 20, /* of an answer that is not streamed */
    MOCK_ARENA_MAX = 96 << 20,
    MOCK_TOKENS_MAX = 4000000,
    MOCK_CHOICES_MAX = 8,
    MOCK_INPUTS_MAX = 2048,
    MOCK_DIMS_MAX = 4096,
    MOCK_RULES_MAX = 256,
    MOCK_HEADERS_MAX = 16, /* of a fault */
    MOCK_LAST_MAX = 1 << 20, /* bytes kept of the last request */
    MOCK_HIGH_WATER = 256 << 10,
    MOCK_LOW_WATER = 64 << 10,
};

enum mock_model {
    MOCK_UNKNOWN,
    MOCK_ECHO,
    MOCK_LOREM,
    MOCK_TOOLS,
    MOCK_THINK,
    MOCK_JSON,
    MOCK_EMBED,
};

enum mock_op {
    MOCK_NOTHING,
    MOCK_CHAT,
    MOCK_TEXT,
    MOCK_EMBEDDINGS,
    MOCK_MODELS,
    MOCK_MESSAGES,
    MOCK_COUNT,
    MOCK_GENERATE,
    MOCK_RESPONSES,
    MOCK_OPS,
};

/** A request, whatever its dialect. All strs live as long as the request. */
struct mock_ask {
    enum mock_model model;
    struct str name;        /* of the model, as sent */
    bool stream, want_usage, base64;
    bool think;             /* the tools model thinks first, too */
    uint32_t choices;       /* how many answers, 1.. */
    uint32_t dims;          /* of a vector */
    int64_t max_tokens;     /* -1: not given */
    uint64_t prompt_tokens;
    struct str text;        /* the user's last text */
    struct str tool_answer; /* p NULL: the last message is no tool's */
    struct str tool, args;  /* the call to make; args is JSON; p NULL: none */
    struct str json;        /* the object to answer with, JSON */
    struct str *inputs;     /* to embed: texts, or JSON arrays of tokens */
    size_t n_inputs;
};

enum mock_kind { MOCK_P_THINK, MOCK_P_TEXT, MOCK_P_CALL, MOCK_P_ARGS };

/** One token's worth of answer, borrowed until the next. */
struct mock_piece {
    enum mock_kind kind;
    struct str text;
};

/** Makes the pieces. Part: where they come from, in turn. */
struct mock_gen {
    const struct mock_ask *ask;
    struct {
        enum mock_kind kind;
        struct str text; /* p NULL: made up, `left` words of it */
        bool by_word;    /* else in steps of a few bytes */
        int64_t left;    /* pieces at most; -1 = no limit */
    } part[4];
    uint32_t n_parts, at;
    uint64_t made, thought; /* pieces so far; those of MOCK_P_THINK */
    bool cut_short;         /* max_tokens ended it */
};

void mock_gen_init(struct mock_gen *g, const struct mock_ask *ask,
                   struct arena *a);
bool mock_gen_next(struct mock_gen *g, struct mock_piece *p);
/** As many pieces in one as may be; counts the same. */
bool mock_gen_run(struct mock_gen *g, struct mock_piece *p);
/** Words in a text, at least 1 unless it is empty. */
uint64_t mock_count(struct str text);
enum mock_model mock_model_of(struct str name);
extern const char *const mock_model_names[]; /* by enum; [0] is NULL */

/** Append a small value that the schema at `node` admits (mock_schema.c). */
int mock_from_schema(const struct json *j, uint32_t node, struct buf *out);

/** The vector of an input; unit length, the same each time. */
void mock_vector(struct str input, float *v, uint32_t dims);

/* ---- faults ------------------------------------------------------------ */

enum mock_reset { MOCK_NO_RESET, MOCK_RESET_BEFORE, MOCK_RESET_AFTER };
enum { MOCK_NEVER = -1, MOCK_LAST = -2 };

struct mock_fault {
    int status; /* 0: none, answer as always */
    struct str body, content_type;
    struct http_header headers[MOCK_HEADERS_MAX];
    size_t n_headers;
    uint64_t delay_ms;
    double tokens_per_s; /* < 0: the mock's own */
    uint64_t trickle_bytes, trickle_ms;
    int64_t stall_after_events, cut_after_events, cut_after_bytes;
    int64_t error_event_at; /* from 1, MOCK_LAST or MOCK_NEVER */
    enum mock_reset reset;
    bool garbage, empty_200;
    int64_t times; /* how often at most; -1 = always */
};

struct mock_rule {
    struct str path, model; /* globs; p NULL: any */
    int stream;             /* 0, 1 or -1: either */
    int64_t nth, every;     /* 0: each */
    struct mock_fault fault;
    int64_t seen, used;
};

/** A set of rules; shared by the requests that run under it. */
struct mock_faults {
    struct arena *a;
    uint32_t refs;
    size_t n;
    struct mock_rule rules[];
};

struct mock_faults *mock_faults_parse(struct str json, struct err *err);
void mock_faults_unref(struct mock_faults *f);
/** The first rule that matches and is not used up, or NULL. Counts. */
const struct mock_fault *mock_faults_match(struct mock_faults *f,
                                           struct str path,
                                           const struct mock_ask *ask);

/* ---- a request --------------------------------------------------------- */

struct mock_req;

/** A wire format. All render into *out; 0 or -ERR_x. */
struct mock_dialect {
    enum mock_op (*match)(struct str method, struct str path);
    /** Fill r->ask from m->doc (or the path); *err is for the client. */
    int (*read)(struct mock_req *r, struct err *err);
    /** The whole answer. */
    int (*whole)(struct mock_req *r, struct buf *out);
    /** A stream begins; its events come by `next`. */
    int (*begin)(struct mock_req *r);
    /** The next event; *more false when that was the last. */
    int (*next)(struct mock_req *r, struct buf *out, bool *more);
    /** An error as a body; `text` NULL: a standing one for the status. */
    int (*error)(struct buf *out, int status, const char *code,
                 const char *text);
    /** The same as an event of the stream. */
    int (*error_event)(struct buf *out);
    const char *stream_type; /* its Content-Type */
    const char *request_id;  /* the field that names the request */
};

extern const struct mock_dialect mock_openai, mock_anthropic, mock_gemini,
    mock_gemini_array, mock_responses;

struct mock_req {
    struct mock_req *next, **prev;
    struct mock *m;
    struct http_req *q;
    struct arena *a;
    const struct mock_dialect *d;
    enum mock_op op;
    struct mock_ask ask;
    struct mock_gen gen;
    struct mock_faults *rules; /* keeps `fault` alive */
    const struct mock_fault *fault;
    struct str prefix;     /* what each event of this stream begins with */
    char id[32];
    uint32_t step, choice; /* the dialect's place in the stream */
    uint32_t open;         /* the block that is: its kind + 1 */
    uint64_t sum;          /* of the thoughts so far, for their signature */
    void *own;             /* the dialect's, in the arena */
    struct mock_piece piece;

    struct buf out;         /* rendered, not yet given to the server */
    uint64_t events, bytes; /* rendered; given */
    uint64_t begun_ns;      /* of the stream, for its pace */
    struct loop_timer timer;
    void (*then)(struct mock_req *r); /* what the timer goes on with */
    bool streaming;
    bool more;    /* events to come */
    bool ending;  /* the body is given but for its breaking */
    bool stalled; /* for ever: waits for the client to leave */
    bool over;    /* the server was told the end */
};

struct mock_stats {
    uint64_t requests, by_op[MOCK_OPS], faults, closed_by_peer, unknown_model;
};

struct mock {
    struct loop *loop;
    struct http_server *http;
    struct mock_options o;
    struct mock_faults *faults;
    struct json doc; /* scratch: the body being read */
    struct mock_req *live;
    size_t n_live;
    uint64_t serial;
    struct mock_stats stats;
    struct buf last_head, last_body;
};

/* mock_send.c */
/** Answer the request as its ask and its fault say. */
void mock_send(struct mock_req *r);
/** Go on after on_drained. */
void mock_send_on(struct mock_req *r);
/** A refusal in the dialect's shape. */
void mock_refuse(struct mock_req *r, int status, const char *code,
                 const char *text);

/* mock_admin.c */
/** True when the path is one of /__mock/…; the request is answered then. */
bool mock_admin(struct mock_req *r);
void mock_note_last(struct mock *m, const struct http_req *q);

/* mock_openai_read.c, mock_openai_embed.c */
int mock_openai_read(struct mock_req *r, struct err *err);
int mock_openai_embeddings(struct mock_req *r, struct buf *out);

#endif

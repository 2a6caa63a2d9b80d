/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Between the codec_anthropic_*.c files: Anthropic's Messages dialect. */
#ifndef PENSTOCK_WIRE_CODEC_ANTHROPIC_H
#define PENSTOCK_WIRE_CODEC_ANTHROPIC_H

#include "wire/codec.h"
#include "wire/codec_put.h"
#include "wire/codec_read.h"

/* Opaque reasoning of another dialect, in the data of a redacted block:
 * "penstock.openai-chat." and the raw JSON. */
#define ANTHROPIC_SEAL "penstock."

/** "penstock.DIALECT.RAW" inside of a JSON string, into `to`. */
int anthropic_seal(struct buf *to, enum dialect d, struct str raw);

/** What was found in one; all absent where it is none, or none of ours. */
struct anthropic_seal {
    struct str raw;   /* the JSON object */
    enum dialect from; /* whose */
    bool empty;       /* it is {} */
    struct jstr call; /* its thought_signature */
    struct jstr own;  /* its signature, where Anthropic made it */
};

bool anthropic_is_sealed(struct jstr s);
/** 0 or -ERR_NOMEM; what it gives lies in the arena. */
int anthropic_open_seal(struct jstr sealed, struct arena *a,
                        struct anthropic_seal *out);

/* ---- requests: reading -------------------------------------------------- */

int anthropic_decode_request(const struct json *body, struct arena *a,
                             struct neutral_request *out, struct err *err);
int anthropic_read_messages(struct rd *rd, uint32_t array);
int anthropic_read_content(struct rd *rd, struct neutral_message *m,
                           uint32_t content);
/** What another model must be told of a tool that the client runs and the
 * API knows by its type; *t is as it was where it is no such one. */
void anthropic_describe_tool(struct str type, struct str name,
                             struct neutral_tool *t);
int anthropic_read_media(struct rd *rd, struct neutral_message *m,
                         uint32_t node, bool document);
int anthropic_read_quoted(struct rd *rd, struct neutral_message *m,
                          uint32_t node);

/* ---- requests: writing -------------------------------------------------- */

/** One request being written for Anthropic. */
struct aw {
    struct cw c;
    enum neutral_role role; /* of the open turn */
    bool open, any;
    uint32_t skip_marks;    /* so many cache marks come first and must go */
    bool short_mark;        /* one of five minutes stands: no hour after it */
    int64_t max_tokens;
    bool thinking;          /* asked for in this request */
    const char *json_tool;  /* the answer's format is this tool's input */
};

int anthropic_encode_request(const struct neutral_request *r,
                             const struct codec_target *target,
                             struct arena *a, struct buf *out,
                             struct codec_report *report,
                             struct codec_names *names, struct err *err);
void anthropic_put_system(struct aw *w);
void anthropic_put_messages(struct aw *w);
/** True when it can be written; notes why where it cannot. */
bool anthropic_can_block(struct aw *w, const struct neutral_block *b);
void anthropic_put_block(struct aw *w, const struct neutral_block *b);
void anthropic_put_media(struct aw *w, const struct neutral_media *m);
bool anthropic_can_media(struct aw *w, const struct neutral_media *m);
/** Four marks are taken; of more, the last ones keep the longest prefix. */
void anthropic_plan_marks(struct aw *w);
void anthropic_put_mark(struct aw *w, const struct neutral_cache *cache);
void anthropic_put_tools(struct aw *w);
void anthropic_put_choice(struct aw *w);
/** max_tokens, thinking, and output_config. */
void anthropic_plan_reasoning(struct aw *w);
void anthropic_put_reasoning(struct aw *w);

/* ---- answers ------------------------------------------------------------ */

int anthropic_in_init(struct codec_in *in);
int anthropic_decode_body(struct codec_in *in, struct str body,
                          neutral_sink sink, void *ud, struct err *err);
int anthropic_decode_event(struct codec_in *in, struct str event,
                           struct str data, neutral_sink sink, void *ud,
                           struct err *err);
int anthropic_out_init(struct codec_out *out);
int anthropic_encode(struct codec_out *out, const struct neutral_event *ev,
                     struct buf *to);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Between codec_chat_in.c, _message.c and _queue.c: one choice of a chat answer
 * as a queue of parts. Neutral blocks never overlap; what providers send may.
 * The first part is live: its pieces go out as they come. It is over when
 * another part waits behind it, a tool call only when its arguments are a
 * complete JSON value; until then what comes for the others is held.
 */
#ifndef PENSTOCK_WIRE_CODEC_CHAT_IN_H
#define PENSTOCK_WIRE_CODEC_CHAT_IN_H

#include "wire/codec_stream.h"

enum part_kind {
    PART_TEXT,
    PART_REFUSAL,
    PART_THINKING,
    PART_REDACTED, /* whole in `held` */
    PART_OPAQUE,   /* the same: raw JSON of a reasoning detail */
    PART_IMAGE,    /* the same: a data: URL */
    PART_CALL,
};

/* Where a text of JSON stands: enough to know when a value is complete. */
struct json_progress {
    uint32_t depth;
    bool in_string, escaped, done;
};

/* The members of an element of reasoning_details, but its text. */
struct chat_detail {
    struct str type, format, id; /* characters as they stood in the JSON */
    struct jstr signature;
};

struct chat_part {
    struct chat_part *next;
    enum part_kind kind;
    int64_t key;      /* the call's index, the detail's; -1 = none */
    bool live;        /* TOOL_BEGIN is out, where it is a call */
    bool said;        /* something of it went out */
    bool signed_off;  /* its signature is out, or waits in `signature` */
    struct str id, name;
    struct jstr signature;
    bool custom;
    struct json_progress progress;
    struct buf held; /* pieces that wait */
    struct chat_detail *detail; /* of thinking: what it stood in, or NULL */
    struct in_half half;
};

/* Where the text of a choice stands, as to <think> tags. */
enum tags_at {
    TAGS_BEFORE, /* nothing but space was said */
    TAGS_INSIDE,
    TAGS_BEHIND, /* space behind the closing one is nobody's */
    TAGS_NONE,   /* the rest is text */
};

#define TAGS_HELD_MAX 128 /* bytes that may turn out to be a tag */

struct chat_choice {
    struct chat_choice *next;
    uint32_t index;
    struct chat_part *head, *tail;
    struct chat_part *closed; /* calls that are over: late pieces find them */
    struct chat_part *unused;
    uint32_t n_parts;
    struct in_call call; /* the live one */
    enum tags_at tags_at;
    char held[TAGS_HELD_MAX];
    size_t n_held;
    bool any_call;
    bool ended; /* a reason was given: behind it only calls count */
    bool told;  /* FINISH is out */
    enum neutral_finish said;
    struct jstr stop; /* in the arena */
};

struct chat_in {
    struct codec_in base;
    struct chat_choice *choices;
    uint32_t n_choices;
};

/** What a provider sent of a call. */
struct chat_piece {
    int64_t index; /* -1 = it said none */
    bool whole;    /* a call of its own, whatever its index and id */
    struct str id, name;
    struct jstr args, signature;
    bool custom;
};

struct chat_choice *chat_choice(struct chat_in *in, uint32_t index);

/** A piece of text, refusal or thinking; `key` tells blocks of thinking
 * apart, -1 where the provider does not. */
int chat_push(struct chat_in *in, struct chat_choice *c, enum part_kind kind,
              int64_t key, struct jstr text);
int chat_push_call(struct chat_in *in, struct chat_choice *c,
                   const struct chat_piece *piece);
/** The part that thinking of that key goes into, made where there is none;
 * it will be said though no text may come. */
int chat_open_thinking(struct chat_in *in, struct chat_choice *c,
                       int64_t key);
/** Of the thinking that came last; a part of its own where there is none. */
int chat_push_signature(struct chat_in *in, struct chat_choice *c,
                        struct jstr signature);

/** A piece of content, in which <think> tags may stand. */
int chat_push_content(struct chat_in *in, struct chat_choice *c,
                      struct jstr text);
/** What looked like the beginning of a tag was none. */
int chat_flush_content(struct chat_in *in, struct chat_choice *c);

/** An element of reasoning_details. */
int chat_read_detail(struct chat_in *in, struct chat_choice *c,
                     uint32_t node);
/** The signature of thinking whose detail only its vendor understands. */
int chat_seal_detail(struct chat_in *in, struct chat_choice *c,
                     const struct chat_part *p);

/** All that waits goes out; no part is open then. */
int chat_drain(struct chat_in *in, struct chat_choice *c);

void chat_free_choices(struct chat_in *in);

/** A message (`whole`) or a delta, member by member. */
int chat_read_message(struct chat_in *in, struct chat_choice *c,
                      uint32_t message, bool whole);

#endif

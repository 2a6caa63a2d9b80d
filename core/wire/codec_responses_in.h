/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* The state of a Responses answer that is read; see codec_responses_in.c. */
#ifndef PENSTOCK_WIRE_CODEC_RESPONSES_IN_H
#define PENSTOCK_WIRE_CODEC_RESPONSES_IN_H

#include "wire/codec_chat_in.h"

/* What is known of an item of the output. */
struct responses_item {
    struct responses_item *next; /* the one that was seen before */
    int64_t index;
    bool said;    /* some text of it came */
    int64_t part; /* the part that its last text belongs to */
    bool over;
    bool probs;   /* log probabilities of it came */
};

struct responses_in {
    struct chat_in chat; /* the queue */
    struct responses_item *items;
    uint32_t n_items;
};

/** The item of an index, made where it is new; NULL: LIMIT, NOMEM. */
struct responses_item *said_item(struct responses_in *in, int64_t index);
/** The one choice; NULL: NOMEM. */
struct chat_choice *said_choice(struct responses_in *in);
/** A member's characters; p NULL where there is none. */
struct str said_text(struct responses_in *in, uint32_t object,
                     struct str name);
/** A piece of text of an item's part. */
int said_push(struct responses_in *in, struct responses_item *i,
              enum part_kind kind, int64_t part, struct jstr text);
/** More of a call; `node` is the item where it is told, or JSON_NONE. */
int said_call(struct responses_in *in, struct responses_item *i,
              uint32_t node, bool custom, struct jstr args);
/** An annotation of the text that is open. */
int said_citation(struct responses_in *in, uint32_t node);
/** Log probabilities of that text, in an object's `logprobs`. */
int said_probs(struct responses_in *in, struct responses_item *i,
               uint32_t object);
/** An item, whole: what of it did not come before. */
int said_whole(struct responses_in *in, int64_t index, uint32_t node);

#endif

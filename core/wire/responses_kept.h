/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * What a client has got of a Responses stream that the gateway may end: items,
 * parts and their texts, as its last event has to repeat them. It is read from
 * the very events that leave, so that nothing stands in it that policies held
 * back. An item that is over is its JSON and no more.
 *
 * It costs the text of the answer, once, up to RESPONSES_KEPT_MAX; above that
 * only numbers are kept and the stream cannot be ended but by an error.
 */
#ifndef PENSTOCK_WIRE_RESPONSES_KEPT_H
#define PENSTOCK_WIRE_RESPONSES_KEPT_H

#include "wire/responses_impl.h"
#include "wire/sse.h"

enum {
    RESPONSES_KEPT_MAX = 16 << 20, /* bytes of an answer */
    RESPONSES_KEPT_ITEMS = 1024,
    RESPONSES_KEPT_PARTS = 4096,   /* of all items that are open */
    RESPONSES_KEPT_IN_ITEM = 256,  /* of one, which each piece looks through */
};

struct said_part {
    uint8_t part;       /* RESPONSES_PIECE, _REFUSAL, _SUMMARY, _REASONING */
    bool added;         /* its begin was said */
    bool said;          /* its text was said again, whole */
    bool over;
    uint16_t high;      /* half of a pair, see wire_put_chars */
    uint32_t index;     /* among the contents, or the summaries */
    struct buf raw;     /* its JSON as it began, or ended */
    struct buf text;
    struct buf notes;   /* annotations: inside of their array */
    struct buf probs;   /* logprobs, the same */
};

struct said_item {
    uint32_t index;     /* in the response's output */
    bool said, over;
    uint16_t high;
    struct buf raw;
    struct buf text;    /* a call's arguments */
    struct said_part *parts; /* contents and summaries, each in order */
    uint32_t n_parts, cap_parts;
};

struct wire_kept {
    struct sse sse;
    struct json j;       /* of the event at hand */
    struct arena *names;
    struct buf *out;
    int64_t last;        /* number of the last event; -1 before the first */
    size_t used;         /* bytes of all below */
    uint32_t n_parts;
    bool lost;           /* it was too much: none is left */
    struct said_item *items; /* by index */
    uint32_t n_items, cap_items;
};

/** Calls: which of their members is text, which event says it whole. */
struct responses_call {
    const char *type, *member, *done;
};

/** NULL for an item that is none of them. */
const struct responses_call *responses_call(const struct json *j,
                                            uint32_t item);

/** Change a text that counts; -ERR_LIMIT (it is too much), -ERR_NOMEM. */
int said_put(struct wire_kept *k, struct buf *to, struct str s);
int said_set(struct wire_kept *k, struct buf *to, struct str s);
void said_drop(struct wire_kept *k, struct buf *b);
/** Add a string's characters, see wire_put_chars. */
int said_chars(struct wire_kept *k, struct buf *to, struct str raw,
               uint16_t *high);

/** A new one in its place; the same errors. */
int said_add_item(struct wire_kept *k, uint32_t index,
                  struct said_item **out);
int said_add_part(struct wire_kept *k, struct said_item *it, uint8_t part,
                  uint32_t index, struct said_part **out);
/** The item is as a new one. */
void said_empty(struct wire_kept *k, struct said_item *it);
/** Give up: none is left. */
void said_lose(struct wire_kept *k);

/** See struct wire_text_ops. */
struct wire_kept *responses_kept_new(struct arena *names);
int responses_keep(struct wire_kept *k, struct str events, struct buf *out);
uint32_t responses_kept_next(const struct wire_kept *k);
void responses_kept_free(struct wire_kept *k);

#endif

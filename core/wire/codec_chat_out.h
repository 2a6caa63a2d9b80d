/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Between codec_chat_out.c and codec_chat_whole.c: chat answers, written. */
#ifndef PENSTOCK_WIRE_CODEC_CHAT_OUT_H
#define PENSTOCK_WIRE_CODEC_CHAT_OUT_H

#include "wire/codec_stream.h"

enum chat_open { CHAT_NONE, CHAT_TEXT, CHAT_THINKING, CHAT_CALL };

struct chat_said {
    struct chat_said *next;
    uint32_t index;
    enum chat_open open;
    bool began;          /* the role chunk is out */
    bool args;           /* the open call has arguments */
    bool custom;
    bool finished;
    enum neutral_finish finish;
    uint32_t n_calls;
    size_t length;       /* characters of content so far */
    size_t block_start;  /* of them, before the open text */
    struct buf thinking, signature; /* of the open block */
    uint32_t n_blocks;   /* thinking blocks that went out whole */
    uint32_t n_citations, n_images;
    uint32_t n_details;  /* of a stream, that came without an index */

    /* of a whole answer; insides of strings and arrays */
    struct buf content, refusal, reasoning, blocks, details, calls,
        annotations, logprobs, images;
    bool any_content, any_refusal;
};

struct chat_out {
    struct codec_out base;
    struct chat_said *choices;
    uint32_t n_choices;
    struct buf head; /* "{"id":..., "model":...," of each chunk */
};

/** The choice's state; NULL: memory is out, or there are too many. */
struct chat_said *chat_said(struct chat_out *out, uint32_t index);

/** A thinking block of the open one's buffers, as an object. */
void chat_put_thinking(struct jw *w, const struct chat_said *c, bool index);
/** In a stream each element has its index: the SDKs want one to merge by. */
void chat_put_citation(struct jw *w, struct chat_said *c,
                       const struct neutral_event *ev, bool index);
void chat_put_image(struct jw *w, struct chat_said *c,
                    const struct neutral_event *ev, bool index);
void chat_put_usage(struct jw *w, const struct usage *u);
/** The member service_tier, where there is something to say. */
void chat_put_tier(struct chat_out *out, struct jw *w);
/** False: this dialect has no place for it. */
bool chat_can(const struct neutral_event *ev);
/** Note what an end says that chat cannot; a second call of the old form. */
void chat_lose_end(struct chat_out *out, const struct neutral_event *ev);
void chat_lose_call(struct chat_out *out, const struct chat_said *c);
const char *chat_finish_word(enum neutral_finish f);

/** A chunk of one choice, up to the members of its delta; and behind them. */
void chat_begin_delta(struct chat_out *out, struct jw *w,
                      const struct chat_said *c);
void chat_end_delta(struct chat_out *out, struct jw *w);
void chat_end_chunk(struct chat_out *out, struct jw *w);
/** Other members of a delta, whole; log probabilities beside it. */
void chat_put_other(struct chat_out *out, struct jw *w, struct chat_said *c,
                    const struct neutral_event *ev);
void chat_put_logprobs(struct chat_out *out, struct jw *w,
                       const struct chat_said *c,
                       const struct neutral_event *ev);

/** Gather an event; at the end write the body. */
int chat_whole(struct chat_out *out, const struct neutral_event *ev,
               struct buf *to);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Between codec_gemini_out.c and the table of codecs: answers, written. */
#ifndef PENSTOCK_WIRE_CODEC_GEMINI_OUT_H
#define PENSTOCK_WIRE_CODEC_GEMINI_OUT_H

#include "wire/codec_gemini.h"

struct gemini_said {
    struct gemini_said *next;
    uint32_t index;
    enum neutral_event_type open; /* TEXT, THINKING, TOOL_BEGIN; else none */
    bool finished, custom;
    enum neutral_finish finish;
    struct str explanation;
    struct str call_id, call_name;
    struct jstr call_signature;
    struct buf text;  /* of the open block, where it must be whole */
    struct buf parts; /* of a whole answer: elements of its array */
    struct buf sources, chosen, tops; /* elements; told at the end */
    bool any_top;
};

struct gemini_out {
    struct codec_out base;
    struct gemini_said *choices;
    uint32_t n_choices;
    struct buf tail; /* ,"modelVersion":...,"responseId":...} */
};

/** Where a part goes: into the array of a whole answer, or into an event. */
struct jw gemini_begin_part(struct gemini_out *out, struct gemini_said *c,
                            struct buf *to);
int gemini_end_part(struct gemini_out *out, struct gemini_said *c,
                    struct jw *w);

/** A picture is a part. Where a text is from, and how likely its tokens were,
 * is kept until the candidate's end. */
int gemini_put_image(struct gemini_out *out, struct gemini_said *c,
                     const struct neutral_event *ev, struct buf *to);
int gemini_keep_source(struct gemini_out *out, struct gemini_said *c,
                       const struct neutral_event *ev);
int gemini_keep_probs(struct gemini_out *out, struct gemini_said *c,
                      const struct neutral_event *ev);

/** Members of a candidate's end: why, what was kept; usageMetadata. */
void gemini_put_finish(struct jw *w, const struct gemini_said *c);
void gemini_put_beside(struct jw *w, const struct gemini_said *c);
void gemini_put_usage(struct jw *w, const struct usage *u);
/** Note counts that have no place. */
void gemini_lose_usage(struct gemini_out *out);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Between codec_responses_out.c and codec_responses_item.c: answers. */
#ifndef PENSTOCK_WIRE_CODEC_RESPONSES_OUT_H
#define PENSTOCK_WIRE_CODEC_RESPONSES_OUT_H

#include "wire/codec_stream.h"

enum responses_open {
    RESPONSES_NONE,
    RESPONSES_MESSAGE,
    RESPONSES_THOUGHT,
    RESPONSES_CALL,
};

struct responses_out {
    struct codec_out base;
    uint32_t index;      /* of the open item, or the next one */
    enum responses_open open;
    bool part;           /* a part of the open item is open */
    bool refusal;        /* and it is one */
    bool custom;         /* the open call's arguments are free text */
    uint32_t n_parts;    /* of the open item that are over */
    uint32_t n_citations; /* of the open part */
    size_t length;       /* characters of the open part */
    struct str item_id, call_id, call_name;
    struct str id, model;
    int64_t created;
    enum neutral_finish finish;
    bool finished;

    struct buf text;      /* the open part, escaped; or arguments */
    struct buf citations; /* inside of its array */
    struct buf probs;     /* the same: log probabilities of its tokens */
    struct buf parts;     /* those of the item that are over, the same */
    struct buf sealed;    /* the open item's encrypted content */
    struct buf items;     /* all that are over: inside of `output` */
};

/** An event of that type, up to behind its number; jw_close ends it, then
 * responses_end. Nothing is written where the answer is whole. */
void responses_begin(struct responses_out *out, struct jw *w,
                     const char *type);
void responses_end(struct jw *w);

/** Open and close items and parts, with their events. */
int responses_open_item(struct responses_out *out, struct jw *w,
                        enum responses_open kind);
int responses_open_part(struct responses_out *out, struct jw *w,
                        bool refusal);
int responses_close_part(struct responses_out *out, struct jw *w);
int responses_close_item(struct responses_out *out, struct jw *w);
/** An item of that kind is open; another one that was is closed. */
int responses_need_item(struct responses_out *out, struct jw *w,
                        enum responses_open kind);

/** What stands beside texts, and is no text. */
int responses_put_citation(struct responses_out *out, struct jw *w,
                           const struct neutral_event *ev);
int responses_put_probs(struct responses_out *out,
                        const struct neutral_event *ev);
int responses_put_image(struct responses_out *out, struct jw *w,
                        const struct neutral_event *ev);

#endif

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
};

struct responses_in {
    struct chat_in chat; /* the queue */
    struct responses_item *items;
    uint32_t n_items;
};

#endif

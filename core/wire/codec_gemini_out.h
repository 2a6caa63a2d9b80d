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
};

struct gemini_out {
    struct codec_out base;
    struct gemini_said *choices;
    uint32_t n_choices;
    struct buf tail; /* ,"modelVersion":...,"responseId":...} */
};

#endif

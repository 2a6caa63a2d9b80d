/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Between codec_anthropic_out.c and codec_anthropic_whole.c: answers. */
#ifndef PENSTOCK_WIRE_CODEC_ANTHROPIC_OUT_H
#define PENSTOCK_WIRE_CODEC_ANTHROPIC_OUT_H

#include "wire/codec_stream.h"

enum said_kind { SAID_NONE, SAID_TEXT, SAID_THINKING, SAID_CALL };

struct anthropic_out {
    struct codec_out base;
    enum said_kind open;
    uint32_t n_blocks;   /* that were opened */
    bool args;           /* the open call has arguments */
    bool custom;         /* they are free text: {"input": ...} is put round */
    bool sealed;         /* the open thinking has its signature */
    bool refused;        /* the model said that it would not */
    bool finished;       /* FINISH came */
    bool delta_sent;     /* message_delta is out */
    enum neutral_finish finish;
    struct str stop;     /* the sequence's text, escaped; in the arena */
    struct str explanation;

    /* of a whole answer */
    struct str id, model;
    struct buf content;  /* inside of the array */
    struct buf text;     /* the open block's, escaped */
    struct buf signature, citations;
    struct str call_id, call_name;
};

const char *anthropic_stop_word(enum neutral_finish f);
/** Note why the choice ended: a model that refused did not just stop. */
void anthropic_note_finish(struct anthropic_out *out, enum neutral_finish f);
void anthropic_put_usage(struct jw *w, const struct usage *u);
/** "stop_reason", "stop_sequence", "stop_details" */
void anthropic_put_stop(struct jw *w, const struct anthropic_out *out);
/** An opaque block as this dialect has it: its own, or sealed in. */
void anthropic_put_opaque(struct jw *w, const struct neutral_event *ev);
/** A call's thought signature, sealed in, as the block before it. */
void anthropic_put_signature(struct jw *w, struct jstr signature);
int anthropic_keep(struct anthropic_out *out, struct str *to, struct str s);

int anthropic_whole(struct anthropic_out *out, const struct neutral_event *ev,
                    struct buf *to);

#endif

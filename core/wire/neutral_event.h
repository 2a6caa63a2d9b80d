/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Neutral events: an answer, piece by piece. A whole answer and a stream come
 * to the same events.
 *
 * The order, which decoders keep and encoders rely on:
 *
 *     START  ( block | USAGE | LOGPROBS | PING )*  FINISH*  USAGE*  END
 *     block = TEXT+ BLOCK_END | REFUSAL+ BLOCK_END
 *           | THINKING* SIGNATURE? BLOCK_END | REDACTED
 *           | TOOL_BEGIN TOOL_ARGS* BLOCK_END | IMAGE | OPAQUE
 *
 * or, where vectors were asked for, START VECTOR* USAGE? END.
 *
 * Blocks of one choice never overlap, whatever the provider sends. FINISH
 * comes once for each choice; after it only USAGE, ERROR and END do. END is
 * a clean end and comes once; ERROR ends the answer instead of it, and may be
 * the only event. All in an event is borrowed until the sink returns.
 */
#ifndef PENSTOCK_WIRE_NEUTRAL_EVENT_H
#define PENSTOCK_WIRE_NEUTRAL_EVENT_H

#include "wire/endpoint.h"
#include "wire/jstr.h"
#include "wire/usage.h"

enum neutral_event_type {
    NEUTRAL_START,      /* id, model, usage, created */
    NEUTRAL_TEXT,       /* text */
    NEUTRAL_REFUSAL,    /* text */
    NEUTRAL_THINKING,   /* text */
    NEUTRAL_SIGNATURE,  /* text: of the thinking before it; or raw, from: the
                         * object it stood in, which only that dialect has */
    NEUTRAL_REDACTED,   /* text: thinking that nobody may read; one block */
    NEUTRAL_TOOL_BEGIN, /* id, name, custom */
    NEUTRAL_TOOL_ARGS,  /* text: JSON text (or free text), escaped once */
    NEUTRAL_CITATION,   /* of the open text: text is the URL, name the title;
                         * raw, from: as that dialect said it */
    NEUTRAL_BLOCK_END,
    NEUTRAL_IMAGE,      /* text: base64, name: its type, "image/png" */
    NEUTRAL_OPAQUE,     /* raw, from: a block only that dialect can say */
    NEUTRAL_LOGPROBS,   /* raw, from */
    NEUTRAL_USAGE,      /* usage: what is known so far, all of it */
    NEUTRAL_FINISH,     /* finish, text: the stop sequence, name: explained */
    NEUTRAL_END,
    NEUTRAL_ERROR,      /* error */
    NEUTRAL_PING,       /* upstream is alive */
    NEUTRAL_VECTOR,     /* of input number `choice`: raw, an array of numbers
                         * or a string of base64; from 0 on, without a gap */
};

enum neutral_finish {
    FINISH_NONE,
    FINISH_STOP,
    FINISH_STOP_SEQUENCE,
    FINISH_LENGTH,
    FINISH_CONTEXT, /* the context is full */
    FINISH_TOOL,
    FINISH_FILTER, /* refused, filtered */
    FINISH_PAUSE,  /* the provider's own loop stopped half way */
};

struct neutral_error {
    int status;      /* HTTP; 0 = not known */
    struct str type; /* as the provider says it */
    struct str code, message, param;
};

struct neutral_event {
    enum neutral_event_type type;
    uint32_t choice; /* 0, but for n > 1 */
    struct jstr text;
    struct str id, model;
    struct jstr name;
    struct str tool; /* the tool's name, as the client calls it */
    struct str raw;
    struct jstr signature; /* of TOOL_BEGIN: Gemini's */
    enum dialect from;
    bool custom;
    enum neutral_finish finish;
    int64_t created; /* seconds since 1970; 0 = not said */
    struct usage usage;
    const struct neutral_error *error;
};

/** What an event goes to: 0 = go on; else that ends the decoding. */
typedef int (*neutral_sink)(void *ud, const struct neutral_event *ev);

/** The event is something the model said: from here on nothing is retried. */
static inline bool neutral_is_content(const struct neutral_event *ev)
{
    return (ev->type >= NEUTRAL_TEXT && ev->type <= NEUTRAL_OPAQUE &&
            ev->type != NEUTRAL_BLOCK_END) ||
           ev->type == NEUTRAL_VECTOR;
}

/**
 * Why an answer ended, from what was said and what was seen. The one place
 * where a tool call makes the answer one that ends with a tool call.
 */
static inline enum neutral_finish neutral_finish_seen(enum neutral_finish said,
                                                      bool tool_calls)
{
    if (tool_calls && (said == FINISH_STOP || said == FINISH_NONE))
        return FINISH_TOOL;
    if (said == FINISH_NONE || (!tool_calls && said == FINISH_TOOL))
        return FINISH_STOP;
    return said;
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* What a Responses client had asked for, which its answer says again. */
#ifndef PENSTOCK_WIRE_CODEC_ECHO_H
#define PENSTOCK_WIRE_CODEC_ECHO_H

#include "wire/codec_write.h"

enum responses_asked {
    ECHO_INSTRUCTIONS,
    ECHO_MAX_OUTPUT,
    ECHO_PARALLEL,
    ECHO_REASONING,
    ECHO_TEMPERATURE,
    ECHO_TEXT,
    ECHO_TOOL_CHOICE,
    ECHO_TOOLS,
    ECHO_TOP_P,
    ECHO_TRUNCATION,
    ECHO_USER,
    ECHO_METADATA,
    ECHO_COUNT,
};

struct codec_echo {
    struct str raw[ECHO_COUNT]; /* absent: not asked, or too long */
};

/** Copies of a request's members in the arena; NULL when memory is out. */
struct codec_echo *responses_echo(const struct json *body, struct arena *a);
/** The member of an answer; e NULL: as if nothing had been asked. */
void responses_put_asked(const struct codec_echo *e, struct jw *w,
                         enum responses_asked i);

#endif

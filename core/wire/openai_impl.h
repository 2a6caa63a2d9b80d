/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Between the openai*.c files; see wire/dialect.h and wire/texts.h. */
#ifndef PENSTOCK_WIRE_OPENAI_IMPL_H
#define PENSTOCK_WIRE_OPENAI_IMPL_H

#include "wire/dialect.h"
#include "wire/texts.h"

int openai_watch_event(enum dialect d, struct str event, struct str data,
                       struct json *scratch, struct arena *a,
                       struct wire_watch *out, struct err *err);
int openai_watch_body(enum dialect d, struct str body, struct json *scratch,
                      struct arena *a, struct wire_watch *out,
                      struct err *err);
void openai_usage_in_tail(struct str tail, struct arena *a, struct usage *out);

/** The members that text stands in: wire_block.part. */
enum openai_part {
    OPENAI_PART_COMPLETION, /* choices[].text */
    OPENAI_PART_CONTENT,
    OPENAI_PART_TEXT,       /* content[].text */
    OPENAI_PART_REFUSAL,
    OPENAI_PART_TRANSCRIPT,
    OPENAI_PART_REASONING_CONTENT,
    OPENAI_PART_REASONING,
    OPENAI_PART_THINKING,      /* content[].thinking[].text */
    OPENAI_PART_THINKING_TEXT, /* content[].thinking */
    OPENAI_PART_DETAIL,        /* reasoning_details[].text */
    OPENAI_PART_SUMMARY,
    OPENAI_PART_ARGUMENTS,
    OPENAI_PART_INPUT,         /* of a custom tool */
    OPENAI_PART_FUNCTION_CALL,
    OPENAI_PARTS
};

int openai_carry(enum dialect d, const struct wire_block *b, struct str text,
                 struct str like, struct buf *out);
int openai_stop_stream(enum dialect d, const struct wire_stop *stop,
                       struct buf *out);
int openai_stop_body(enum dialect d, const struct json *body,
                     struct arena *names, uint32_t choice, struct str reason,
                     struct buf *out);
/** The `index` of a choice or tool call; its position where it has none. */
uint32_t openai_index(const struct json *j, uint32_t object,
                      uint32_t position);

#endif

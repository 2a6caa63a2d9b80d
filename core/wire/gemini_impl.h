/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Between the files of Google's dialect; see wire/dialect.h. */
#ifndef PENSTOCK_WIRE_GEMINI_IMPL_H
#define PENSTOCK_WIRE_GEMINI_IMPL_H

#include "wire/texts.h"

int gemini_texts(enum dialect d, const struct json *body, wire_text_fn *fn,
                 void *ud);
bool gemini_answers(enum dialect d);
int gemini_answer(enum dialect d, const struct wire_answer *a,
                  struct buf *out);
int gemini_watch_event(enum dialect d, struct str event, struct str data,
                       struct json *scratch, struct arena *a,
                       struct wire_watch *out, struct err *err);
int gemini_watch_body(enum dialect d, struct str body, struct json *scratch,
                      struct arena *a, struct wire_watch *out,
                      struct err *err);
int gemini_unseal(const struct json *body, struct json_edits *e,
                  struct arena *a, struct err *err);
void gemini_usage_in_tail(struct str tail, struct arena *a,
                          struct usage *out);

/** Where a text stands: wire_block.part. */
enum gemini_part {
    GEMINI_PART_TEXT,
    GEMINI_PART_THOUGHT,
    GEMINI_PART_ARGS,    /* a call's arguments, or code: whole */
    GEMINI_PART_PARTIAL, /* a piece of a string in partialArgs */
};

/** The candidate's number. */
uint32_t gemini_index(const struct json *j, uint32_t candidate,
                      uint32_t position);
/** The block of one of partialArgs. */
uint32_t gemini_partial_block(const struct json *j, uint32_t partial);

int gemini_carry(enum dialect d, const struct wire_block *b, struct str text,
                 struct str like, struct buf *out);
int gemini_stop_stream(enum dialect d, const struct wire_stop *stop,
                       struct buf *out);
int gemini_stop_body(enum dialect d, const struct json *body,
                     struct arena *names, uint32_t choice,
                     enum wire_finish finish, struct buf *out);

#endif

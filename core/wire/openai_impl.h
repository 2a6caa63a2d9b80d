/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Between the files of OpenAI's dialects; see wire/dialect.h, wire/texts.h. */
#ifndef PENSTOCK_WIRE_OPENAI_IMPL_H
#define PENSTOCK_WIRE_OPENAI_IMPL_H

#include "wire/dialect.h"
#include "wire/texts.h"

struct str openai_field(enum dialect d, enum wire_field f,
                        const struct json_edits *e);
int openai_set_field(enum dialect d, enum wire_field f, struct json_edits *e,
                     struct str value, struct err *err);
int openai_texts(enum dialect d, const struct json *body, wire_text_fn *fn,
                 void *ud);
bool openai_answers(enum dialect d);
int openai_answer(enum dialect d, const struct wire_answer *a,
                  struct buf *out);
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
                     struct arena *names, uint32_t choice,
                     enum wire_finish finish, struct buf *out);
/** "stop", "length", "content_filter". */
const char *openai_finish(enum wire_finish f);
/** The `index` of a choice or tool call; its position where it has none. */
uint32_t openai_index(const struct json *j, uint32_t object,
                      uint32_t position);

/* openai.c: what Responses reads as chat does */

/** "Invalid 'FIELD': WHY"; -ERR_INVALID_REQUEST. */
int openai_bad(struct err *err, const char *field, const char *why);
int openai_read_model(const struct json *b, struct arena *a,
                      struct wire_request *out, struct err *err);
/** *out stays as it is where the member is absent or null. */
int openai_read_bool(const struct json *b, uint32_t object, const char *name,
                     bool *out, struct err *err);

#endif

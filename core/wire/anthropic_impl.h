/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Between the files of Anthropic's dialect; see wire/dialect.h. */
#ifndef PENSTOCK_WIRE_ANTHROPIC_IMPL_H
#define PENSTOCK_WIRE_ANTHROPIC_IMPL_H

#include "wire/dialect.h"

struct str anthropic_field(enum dialect d, enum wire_field f,
                           const struct json_edits *e);
int anthropic_set_field(enum dialect d, enum wire_field f,
                        struct json_edits *e, struct str value,
                        struct err *err);
int anthropic_texts(enum dialect d, const struct json *body,
                    wire_text_fn *fn, void *ud);
bool anthropic_answers(enum dialect d);
int anthropic_answer(enum dialect d, const struct wire_answer *a,
                     struct buf *out);
int anthropic_watch_event(enum dialect d, struct str event, struct str data,
                          struct json *scratch, struct arena *a,
                          struct wire_watch *out, struct err *err);
int anthropic_watch_body(enum dialect d, struct str body,
                         struct json *scratch, struct arena *a,
                         struct wire_watch *out, struct err *err);
int anthropic_unseal(const struct json *body, struct json_edits *e,
                     struct arena *a, struct err *err);
void anthropic_usage_in_tail(struct str tail, struct arena *a,
                             struct usage *out);

#endif

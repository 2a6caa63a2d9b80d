/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Between the files of Google's dialect; see wire/dialect.h. */
#ifndef PENSTOCK_WIRE_GEMINI_IMPL_H
#define PENSTOCK_WIRE_GEMINI_IMPL_H

#include "wire/dialect.h"

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

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Text in manual pages (mdoc). */
#ifndef PENSTOCK_ENGINE_MDOC_H
#define PENSTOCK_ENGINE_MDOC_H

#include "base/buf.h"

/** Text as it is: no line begins a macro, backslashes are plain. */
void mdoc_text(struct buf *out, const char *z);

/** The same and a line end, each sentence on a line of its own. */
void mdoc_sentences(struct buf *out, const char *z);

/** As one argument of a macro: quotes are written \(dq, blanks kept, a word
 * that could be a macro or punctuation is guarded. */
void mdoc_argument(struct buf *out, struct str s);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * The look-behind window of one block of an answer: its text as the provider
 * wrote it, less what has left. The last `hold` characters stay until more
 * comes or the block ends, so that what is searched for (and is no longer
 * than that) is seen whole before any of it leaves, wherever it was split.
 *
 * A stretch that a policy swapped leaves whole or not at all: while it reaches
 * into the held part it may still grow with the text to come. It may keep
 * back OUTPUT_STRETCH bytes more, so that a match without an end cannot hold
 * an answer for ever.
 *
 * Pure: no policies, no dialects.
 */
#ifndef PENSTOCK_POLICY_OUTPUT_WINDOW_H
#define PENSTOCK_POLICY_OUTPUT_WINDOW_H

#include "policy/output_text.h"

enum { OUTPUT_STRETCH = 4096 };

struct output_window {
    struct buf text;  /* what has left but is still looked at, held, new */
    size_t left;      /* bytes at its front that have left */
    uint16_t high;    /* half a character; its other half is to come */
};

void output_window_init(struct output_window *w, size_t max);
void output_window_clear(struct output_window *w);

/** More of the block: a JSON string with its quotes. LIMIT, NOMEM. */
int output_window_add(struct output_window *w, struct str raw);

/** The block ends: half a character that waited becomes U+FFFD. */
int output_window_close(struct output_window *w);

/** What policies get to see. */
struct str output_window_text(const struct output_window *w);

/** Text that has not left. */
static inline size_t output_window_held(const struct output_window *w)
{
    return buf_len(&w->text) - w->left;
}

/**
 * What may leave now, in the edited form of `t`, whose original is
 * output_window_text(w): all but the last `hold` characters. Borrowed from
 * t or w until either changes.
 */
struct str output_window_release(struct output_window *w,
                                 const struct output_text *t, uint32_t hold);

/**
 * All of it. The last `look` characters are still looked at, should the block
 * go on after all: they have left, but what ends behind them is seen whole.
 */
struct str output_window_end(struct output_window *w,
                             const struct output_text *t, uint32_t look);

#endif

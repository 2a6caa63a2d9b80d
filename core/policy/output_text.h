/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * A text that policies edit, one after the other, which remembers what of the
 * result came from what of the original: spans where they differ, in order,
 * with equal bytes between them. So the part that has stood long enough can
 * be cut off in its edited form, while the rest is kept as it came and edited
 * anew when more of it is there: an edit is never an input of the same
 * policy, and text in pieces becomes what the whole would.
 *
 * Pure. Memory is reused from one text to the next.
 */
#ifndef PENSTOCK_POLICY_OUTPUT_TEXT_H
#define PENSTOCK_POLICY_OUTPUT_TEXT_H

#include "base/buf.h"
#include "base/err.h"

/** orig[at, at + n) became result[to, to + m). */
struct output_span {
    size_t at, n, to, m;
};

struct output_spans {
    struct output_span *list; /* malloc'd */
    size_t n, cap;
};

/** One state of the text. */
struct output_version {
    bool edited; /* else it is the original */
    struct buf text;
    struct output_spans spans;
};

/** A text that a gsub made of the text as it stands, or of such a text: should
 * it be assigned, it is known which stretches it swapped. */
struct output_trace {
    bool set;
    struct buf text;
    struct output_spans spans; /* from `now` */
    struct output_spans spare; /* the next ones, while they are made */
};

struct output_text {
    struct str orig; /* borrowed */
    size_t left;     /* bytes of it that have left; see output_window.h */
    uint32_t reach;  /* characters that the policy which edits looks for */
    struct output_version v[3];
    int now, marked; /* indexes into v; the third is being written */
    struct output_spans edits; /* of the one being written, from `now` */
    size_t read;     /* of `now`, copied so far */
    unsigned count;  /* of edits begun: tells one that was begun meanwhile */
    struct output_trace trace;
};

/** Results of more than `max` bytes are -ERR_LIMIT. */
void output_text_init(struct output_text *t, size_t max);
void output_text_clear(struct output_text *t);

/** Begin with a text, unedited. Borrowed until the next one. Sets `left` and
 * `reach` to 0. */
void output_text_set(struct output_text *t, struct str orig);

/** As it stands; borrowed until the next edit ends. */
struct str output_text_now(const struct output_text *t);

/** Remember this state; go back to it. */
void output_text_mark(struct output_text *t);
void output_text_revert(struct output_text *t);
/** Is it another one than when it was marked? */
bool output_text_changed(const struct output_text *t);

/**
 * An edit: begin, then swap stretches of the text as it stands, in order, not
 * overlapping; at the end they take effect at once. One that is not ended has
 * not been. Errors: LIMIT, NOMEM. Cost: linear in the text, once per edit.
 */
void output_text_begin(struct output_text *t);
int output_text_swap(struct output_text *t, size_t at, size_t n,
                     struct str with);
int output_text_end(struct output_text *t);

/**
 * The whole text becomes `s`. Where that was traced, its stretches are those.
 * Else what both have in common counts as kept: their ends, and what stands
 * between them where it is told apart (runs of eight bytes that are there
 * once); with `coarse`, for a text that leaves whole, the ends alone. What was
 * found may begin before it differs, with characters that its stand-in has as
 * well: so such a stretch begins `reach` characters before it differs.
 * Cost: linear; some 2 us for each stretch that differs and was not traced.
 */
int output_text_assign(struct output_text *t, struct str s, bool coarse);

/**
 * `to` was made of `from` by swapping `spans` (offsets of the two). Noted
 * where `from` is the text as it stands, or the last that was noted; else
 * forgotten. Nothing fails: what is not noted is compared.
 */
void output_text_trace(struct output_text *t, struct str from, struct str to,
                       const struct output_spans *spans);

/** Spans from a first text to a third, of those over the second. `into` is
 * another than the two. 0 or -ERR_NOMEM. */
int output_spans_join(const struct output_spans *old,
                      const struct output_spans *edits,
                      struct output_spans *into);

/** A place to cut: original offset, and the result's that belongs to it. */
struct output_cut {
    size_t at, to;
};

/**
 * The nearest place at or before `want` (with `forward`: behind it) that is
 * inside no swapped stretch and inside no character.
 */
struct output_cut output_text_cut(const struct output_text *t, size_t want,
                                  bool forward);

/** Where the result begins of which nothing stands before `at`: at a stretch
 * that `at` is inside of, its begin. */
size_t output_text_from(const struct output_text *t, size_t at);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * One answer on its way through the output policies: events in, as the
 * provider sent them; out what the client may have of them now. Knows no
 * request and no dialect of its own; whom it asks is a callback.
 *
 * Each block's text runs through a window (output_window.h). An event leaves
 * as it came, byte for byte, but for its texts: in their place stands what may
 * leave now; one that would say nothing at all is dropped. When a block ends
 * what was held leaves first, in an event of its own: at its end in the
 * dialect, at the stream's, or when a later kind of block begins in the same
 * choice (thinking, text, calls in their order). Should such a block go on
 * after all, what left of it is still looked at.
 *
 * Where a policy wants the whole answer (`wants.all`) nothing leaves before
 * the end: events that say something besides text are kept, texts are joined
 * by block, and at the end policies see each block once, as they do in an
 * answer that is not streamed.
 *
 * Kinds of text that are only observed are shown to policies on the way past.
 *
 * Errors: CANCELLED: a policy has ended the answer, `verdict` says how;
 * nothing of what was held leaves. LIMIT is never one of them: an answer
 * larger than OUTPUT_MAX, or of more than OUTPUT_BLOCKS blocks, fails the
 * policies, and where all of them fail open the rest passes as it is.
 */
#ifndef PENSTOCK_FLOW_OUTPUT_H
#define PENSTOCK_FLOW_OUTPUT_H

#include "policy/output.h"
#include "wire/sse.h"

enum { OUTPUT_BLOCKS = 1024 };

struct output_ops {
    /** Show the window to the policies; the verdict into *out. */
    void (*ask)(void *ud, struct policy_window *w, struct policy_result *out);
    /** See policy_output_fail. */
    void (*fail)(void *ud, struct policy_window *w, const char *why,
                 struct policy_result *out);
};

struct output;

/**
 * `ops`, `ud` and `names` (an arena for JSON names with escapes) outlive it.
 * NULL when memory is out. `wire` are the dialect's.
 */
struct output *output_new(const struct policy_output *wants, enum dialect d,
                          const struct wire_text_ops *wire,
                          struct arena *names, const struct output_ops *ops,
                          void *ud);
void output_free(struct output *o);

/** It may be ended before its end, by output_stop or output_finish: what a
 * client gets is kept, where its dialect's end repeats that. */
void output_may_end(struct output *o);

/**
 * One event of the stream. `j` is the index of its data, NULL where that is
 * no JSON; `last` is the dialect's own end of a stream.
 *
 * Cost: a walk over the members that may hold text, a call of each policy for
 * each text, a copy of the event.
 */
int output_event(struct output *o, const struct sse_event *ev,
                 const struct json *j, bool last);

/** What is no event: a comment. */
int output_comment(struct output *o, struct str raw);

/** The stream is over, or was cut: what is held leaves, if policies let it. */
int output_end(struct output *o);

/** Bytes for the client, since the last output_sent; borrowed until then. */
struct str output_bytes(const struct output *o);
void output_sent(struct output *o);

/** Do those bytes, or any before them, hold content? */
bool output_has_content(const struct output *o);

/** The number of the client's next event, where its dialect numbers them and
 * they are counted here (output_may_end); else it is left as it is. */
void output_number(const struct output *o, uint32_t *number);

/** The verdict behind -ERR_CANCELLED. */
const struct policy_result *output_verdict(const struct output *o);

/** After POLICY_STOP: the events that end the stream, into output_bytes. See
 * struct wire_stop for usage. */
int output_stop(struct output *o, const struct usage *usage, bool asked);

/** Ends it here, whatever policies say; what they hold leaves first, if they
 * let it (else -ERR_CANCELLED). The rest is as output_stop's. */
int output_finish(struct output *o, enum wire_finish finish,
                  const struct usage *usage, bool asked);

/** Does nobody look at it, so that events pass as they are? */
bool output_passes(const struct output *o);

/**
 * A whole answer. *edited: the client gets output_bytes, else the body as it
 * is. After POLICY_STOP this has been done, and is 0.
 */
int output_body(struct output *o, const struct json *body, bool *edited);

/** The answer is too large to be looked at: 0 where all fail open. */
int output_give_up(struct output *o, const char *why);

/** May bytes leave before policies saw them? Then nothing is held. */
bool output_only_observes(const struct output *o);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Between the codec_cohere_*.c files: Cohere's v2 chat. It is spoken to
 * providers only: no client of ours does.
 *
 * Source: docs.cohere.com/reference/chat and /docs/streaming (read
 * 2026-11-23), recorded exchanges (2025-01 to 2026-08).
 */
#ifndef PENSTOCK_WIRE_CODEC_COHERE_H
#define PENSTOCK_WIRE_CODEC_COHERE_H

#include "wire/codec_stream.h"
#include "wire/codec_turns.h"

enum cohere_open { COHERE_NONE, COHERE_TEXT, COHERE_THINKING, COHERE_CALL };

struct cohere_in {
    struct codec_in base;
    enum cohere_open open;
    struct in_call call; /* while open is COHERE_CALL */
    bool any_call;
    bool told; /* why it ended; [DONE] or the stream's end follow */
};

int cohere_encode_request(const struct neutral_request *r,
                          const struct codec_target *target, struct arena *a,
                          struct buf *out, struct codec_report *report,
                          struct codec_names *names, struct err *err);
void cohere_put_messages(struct cw *c);
/** A text document has a place of its own; false: it goes as text. */
bool cohere_is_source(const struct cw *c, const struct neutral_block *b);

int cohere_in_init(struct codec_in *in);
int cohere_decode_body(struct codec_in *in, struct str body,
                       neutral_sink sink, void *ud, struct err *err);
int cohere_decode_event(struct codec_in *in, struct str event,
                        struct str data, neutral_sink sink, void *ud,
                        struct err *err);
/** finish_reason, usage, error of a whole answer or a message-end. */
int cohere_read_end(struct cohere_in *in, uint32_t object);
int cohere_read_citation(struct cohere_in *in, uint32_t node);

#endif

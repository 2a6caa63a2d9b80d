/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Codecs of requests that ask how many tokens a conversation has: those of
 * the chats, with less around them. The answer is a usage of input alone.
 */
#ifndef PENSTOCK_WIRE_CODEC_COUNT_H
#define PENSTOCK_WIRE_CODEC_COUNT_H

#include "wire/codec_stream.h"

int gemini_count_decode_request(const struct json *body, struct arena *a,
                                struct neutral_request *out,
                                struct err *err);
int anthropic_count_encode_request(const struct neutral_request *r,
                                   const struct codec_target *target,
                                   struct arena *a, struct buf *out,
                                   struct codec_report *report,
                                   struct codec_names *names,
                                   struct err *err);
int gemini_count_encode_request(const struct neutral_request *r,
                                const struct codec_target *target,
                                struct arena *a, struct buf *out,
                                struct codec_report *report,
                                struct codec_names *names, struct err *err);
/** Towards Bedrock, which no client speaks. */
int converse_count_encode_request(const struct neutral_request *r,
                                  const struct codec_target *target,
                                  struct arena *a, struct buf *out,
                                  struct codec_report *report,
                                  struct codec_names *names,
                                  struct err *err);

/** Of any of these dialects. */
int count_decode_body(struct codec_in *in, struct str body,
                      neutral_sink sink, void *ud, struct err *err);
/** Events that should not be: SYNTAX; the end is a cut. */
int count_decode_event(struct codec_in *in, struct str event,
                       struct str data, neutral_sink sink, void *ud,
                       struct err *err);
int count_out_init(struct codec_out *out);
int count_encode(struct codec_out *out, const struct neutral_event *ev,
                 struct buf *to);

#endif

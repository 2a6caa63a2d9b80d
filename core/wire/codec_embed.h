/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Codecs of requests for vectors (wire/embed.h): OpenAI's and Google's two
 * are spoken by clients and providers, all others by providers alone. Answers
 * are never streamed.
 */
#ifndef PENSTOCK_WIRE_CODEC_EMBED_H
#define PENSTOCK_WIRE_CODEC_EMBED_H

#include "wire/codec_stream.h"
#include "wire/embed.h"

struct embed_out {
    struct codec_out base;
    uint32_t n;   /* vectors written */
    bool base64;
};

int openai_embed_decode_request(const struct json *body, struct arena *a,
                                struct neutral_request *out,
                                struct err *err);
int gemini_embed_decode_request(const struct json *body, struct arena *a,
                                struct neutral_request *out,
                                struct err *err);
int gemini_batch_decode_request(const struct json *body, struct arena *a,
                                struct neutral_request *out,
                                struct err *err);

int openai_embed_encode_request(const struct neutral_request *r,
                                const struct codec_target *target,
                                struct arena *a, struct buf *out,
                                struct codec_report *report,
                                struct codec_names *names, struct err *err);
int mistral_embed_encode_request(const struct neutral_request *r,
                                 const struct codec_target *target,
                                 struct arena *a, struct buf *out,
                                 struct codec_report *report,
                                 struct codec_names *names, struct err *err);
int gemini_embed_encode_request(const struct neutral_request *r,
                                const struct codec_target *target,
                                struct arena *a, struct buf *out,
                                struct codec_report *report,
                                struct codec_names *names, struct err *err);
int gemini_batch_encode_request(const struct neutral_request *r,
                                const struct codec_target *target,
                                struct arena *a, struct buf *out,
                                struct codec_report *report,
                                struct codec_names *names, struct err *err);
int cohere_embed_encode_request(const struct neutral_request *r,
                                const struct codec_target *target,
                                struct arena *a, struct buf *out,
                                struct codec_report *report,
                                struct codec_names *names, struct err *err);
int ollama_embed_encode_request(const struct neutral_request *r,
                                const struct codec_target *target,
                                struct arena *a, struct buf *out,
                                struct codec_report *report,
                                struct codec_names *names, struct err *err);
int titan_embed_encode_request(const struct neutral_request *r,
                               const struct codec_target *target,
                               struct arena *a, struct buf *out,
                               struct codec_report *report,
                               struct codec_names *names, struct err *err);
int nova_embed_encode_request(const struct neutral_request *r,
                              const struct codec_target *target,
                              struct arena *a, struct buf *out,
                              struct codec_report *report,
                              struct codec_names *names, struct err *err);
int predict_embed_encode_request(const struct neutral_request *r,
                                 const struct codec_target *target,
                                 struct arena *a, struct buf *out,
                                 struct codec_report *report,
                                 struct codec_names *names, struct err *err);

/** An answer of any of them: a row of a table. */
int embed_decode_body(struct codec_in *in, struct str body, neutral_sink sink,
                      void *ud, struct err *err);
/** Events that should not be: SYNTAX; the end is a cut. */
int embed_decode_event(struct codec_in *in, struct str event,
                       struct str data, neutral_sink sink, void *ud,
                       struct err *err);

int embed_out_init(struct codec_out *out);
int openai_embed_encode(struct codec_out *out, const struct neutral_event *ev,
                        struct buf *to);
int gemini_embed_encode(struct codec_out *out, const struct neutral_event *ev,
                        struct buf *to);

#endif

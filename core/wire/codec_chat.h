/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Between the codec_chat_*.c files: OpenAI's chat dialect. */
#ifndef PENSTOCK_WIRE_CODEC_CHAT_H
#define PENSTOCK_WIRE_CODEC_CHAT_H

#include "wire/codec.h"
#include "wire/codec_put.h"
#include "wire/codec_read.h"

/* ---- requests: reading -------------------------------------------------- */

int chat_decode_request(const struct json *body, struct arena *a,
                        struct neutral_request *out, struct err *err);
int chat_read_messages(struct rd *rd, uint32_t array);
int chat_read_content(struct rd *rd, struct neutral_message *m,
                      uint32_t content);
int chat_read_reasoning(struct rd *rd, struct neutral_message *m,
                        uint32_t blocks, uint32_t details, uint32_t text);
int chat_read_tools(struct rd *rd, uint32_t array, bool legacy);
int chat_read_choice(struct rd *rd, uint32_t node);
int chat_read_format(struct rd *rd, uint32_t node);

/* ---- requests: writing -------------------------------------------------- */

int chat_encode_request(const struct neutral_request *r,
                        const struct codec_target *target, struct arena *a,
                        struct buf *out, struct codec_report *report,
                        struct codec_names *names, struct err *err);
void chat_put_messages(struct cw *c);
void chat_put_tools(struct cw *c);
void chat_put_choice(struct cw *c);
void chat_put_format(struct cw *c);
void chat_put_cache(struct cw *c, const struct neutral_cache *cache);
/* A text, or what of a document is one, as a part. */
void chat_put_part(struct cw *c, const struct neutral_block *b);
void chat_put_reasoning_back(struct cw *c, const struct neutral_message *m);
/* Is it to go in <think> tags, inside of the content's string? */
bool chat_has_tags(const struct cw *c, const struct neutral_message *m);
void chat_put_tags(struct cw *c, const struct neutral_message *m);
/* Is it to go as the first part of the content? */
bool chat_has_thinking_parts(const struct cw *c,
                             const struct neutral_message *m);
void chat_put_thinking_part(struct cw *c, const struct neutral_message *m);
/* The part has no place in a message of this dialect, or this target's. */
bool chat_can_part(struct cw *c, const struct neutral_block *b);
bool chat_marked(const struct cw *c, const struct neutral_block *b);

/* ---- answers ------------------------------------------------------------ */

int chat_in_init(struct codec_in *in);
int chat_decode_body(struct codec_in *in, struct str body, neutral_sink sink,
                     void *ud, struct err *err);
int chat_decode_event(struct codec_in *in, struct str event, struct str data,
                      neutral_sink sink, void *ud, struct err *err);
int chat_out_init(struct codec_out *out);
int chat_encode(struct codec_out *out, const struct neutral_event *ev,
                struct buf *to);

#endif

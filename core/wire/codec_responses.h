/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Between the codec_responses_*.c files: OpenAI's Responses dialect. */
#ifndef PENSTOCK_WIRE_CODEC_RESPONSES_H
#define PENSTOCK_WIRE_CODEC_RESPONSES_H

#include "wire/codec.h"
#include "wire/codec_put.h"
#include "wire/codec_read.h"

/* What another dialect's answer says and a reasoning item has no place for,
 * in its encrypted content, which clients send back unread. */
#define RESPONSES_SEAL "penstock."

/* The format that encrypted content of a Responses provider has elsewhere. */
#define RESPONSES_FORMAT "openai-responses-v1"

bool responses_is_sealed(struct jstr s);

/** Read a reasoning item's encrypted content into a block of `m`: `text` is
 * what may be read of it, absent where there is none. */
int responses_open_seal(struct rd *rd, struct neutral_message *m,
                        struct jstr sealed, struct jstr id,
                        struct jstr text);

/** The encrypted content that a reasoning item carries for a neutral event
 * (SIGNATURE, REDACTED, OPAQUE), inside of a JSON string; nothing where this
 * dialect has no place for it. */
int responses_seal(struct buf *to, const struct neutral_event *ev);
/** The same for a call's thought signature. */
int responses_seal_call(struct buf *to, struct jstr signature);

/** The member `data` (and `id`) of such a detail in its chat form; absent
 * where it is none of Responses'. In `j`, which the caller clears. */
struct jstr responses_detail(struct json *j, struct str raw,
                             struct jstr *id);

/* ---- requests: reading -------------------------------------------------- */

int responses_decode_request(const struct json *body, struct arena *a,
                             struct neutral_request *out, struct err *err);
int responses_read_input(struct rd *rd, uint32_t node);
int responses_read_content(struct rd *rd, struct neutral_message *m,
                           uint32_t content);
int responses_read_tools(struct rd *rd, uint32_t array);
int responses_read_choice(struct rd *rd, uint32_t node);
int responses_read_format(struct rd *rd, uint32_t node);

/* ---- requests: writing -------------------------------------------------- */

int responses_encode_request(const struct neutral_request *r,
                             const struct codec_target *target,
                             struct arena *a, struct buf *out,
                             struct codec_report *report,
                             struct codec_names *names, struct err *err);
void responses_put_input(struct cw *c);
bool responses_can_part(struct cw *c, const struct neutral_block *b);
/** `said`: by the assistant. */
void responses_put_part(struct cw *c, const struct neutral_block *b,
                        bool said);
void responses_put_tools(struct cw *c);
void responses_put_choice(struct cw *c);
void responses_put_format(struct cw *c);

/* ---- answers ------------------------------------------------------------ */

int responses_in_init(struct codec_in *in);
int responses_decode_body(struct codec_in *in, struct str body,
                          neutral_sink sink, void *ud, struct err *err);
int responses_decode_event(struct codec_in *in, struct str event,
                           struct str data, neutral_sink sink, void *ud,
                           struct err *err);
int responses_out_init(struct codec_out *out);
int responses_encode(struct codec_out *out, const struct neutral_event *ev,
                     struct buf *to);

#endif

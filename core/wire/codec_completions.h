/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * OpenAI's legacy Completions, for clients alone: a prompt becomes what a
 * user says in a chat, and what the model answers the completion. Nothing is
 * translated into it: providers that speak it are asked as the client asks.
 */
#ifndef PENSTOCK_WIRE_CODEC_COMPLETIONS_H
#define PENSTOCK_WIRE_CODEC_COMPLETIONS_H

#include "wire/codec_stream.h"

#define COMPLETIONS_CHOICES_MAX 128

struct completions_said {
    struct completions_said *next;
    uint32_t index;
    struct buf text; /* of a whole answer */
    enum neutral_finish finish; /* NONE until it is said */
};

struct completions_out {
    struct codec_out base;
    struct buf head; /* "{"id":..., "model":..." */
    struct completions_said *choices; /* by their index */
    uint32_t n_choices;
};

/** INVALID_REQUEST also for what a chat cannot give: several prompts, tokens,
 * suffix, echo, best_of, logprobs; err->at names it. */
int completions_decode_request(const struct json *body, struct arena *a,
                               struct neutral_request *out, struct err *err);

int completions_out_init(struct codec_out *out);
int completions_encode(struct codec_out *out, const struct neutral_event *ev,
                       struct buf *to);

#endif

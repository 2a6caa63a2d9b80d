/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Between the codec_ollama_*.c files: Ollama's own chat, /api/chat. It is
 * spoken to providers only: no client of ours does.
 *
 * Source: docs/api.md and api/types.go of github.com/ollama/ollama (read
 * 2026-11-23), recorded exchanges (2024-09 to 2026-08).
 */
#ifndef PENSTOCK_WIRE_CODEC_OLLAMA_H
#define PENSTOCK_WIRE_CODEC_OLLAMA_H

#include "wire/codec_stream.h"
#include "wire/codec_turns.h"

enum ollama_open { OLLAMA_NONE, OLLAMA_TEXT, OLLAMA_THINKING };

struct ollama_in {
    struct codec_in base;
    enum ollama_open open;
    bool any_call;
};

int ollama_encode_request(const struct neutral_request *r,
                          const struct codec_target *target, struct arena *a,
                          struct buf *out, struct codec_report *report,
                          struct codec_names *names, struct err *err);
void ollama_put_messages(struct cw *c);
int ollama_decode_body(struct codec_in *in, struct str body,
                       neutral_sink sink, void *ud, struct err *err);
int ollama_decode_event(struct codec_in *in, struct str event,
                        struct str data, neutral_sink sink, void *ud,
                        struct err *err);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Mistral's chat: OpenAI's, from a vendor that answers 422 to any member it
 * does not know. So what clients of OpenAI's dialect send is read and written
 * anew, too; answers are OpenAI's but for content as a list of parts.
 *
 * Source: docs.mistral.ai/api and @mistralai/mistralai 2.7.0 (read
 * 2026-11-23), recorded exchanges (2024-08 to 2026-08).
 */
#ifndef PENSTOCK_WIRE_CODEC_MISTRAL_H
#define PENSTOCK_WIRE_CODEC_MISTRAL_H

#include "wire/codec.h"

int mistral_encode_request(const struct neutral_request *r,
                           const struct codec_target *target, struct arena *a,
                           struct buf *out, struct codec_report *report,
                           struct codec_names *names, struct err *err);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * The OpenAI dialects (chat, completions, embeddings, models) as seen from the
 * native path: read what the gateway must know of a request, watch an answer
 * or a stream for content, usage, finish and error, and say errors in its
 * shape. Pure.
 *
 * Source: https://platform.openai.com/docs/api-reference (read 2026-11).
 */
#ifndef PENSTOCK_WIRE_OPENAI_H
#define PENSTOCK_WIRE_OPENAI_H

#include "wire/dialect.h"
#include "wire/texts.h"

extern const struct dialect_ops openai_dialect;
extern const struct wire_text_ops openai_text_ops; /* chat, completions */

#endif

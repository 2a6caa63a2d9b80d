/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Anthropic's dialect (messages, count_tokens, models) as seen from the
 * native path: read what the gateway must know of a request, watch an answer
 * or a stream for content, usage, finish and error, and say errors in its
 * shape. Pure.
 *
 * Source: platform.claude.com/docs/en/api and the types of @anthropic-ai/sdk
 * 1.12.0 (read 2026-11-23).
 */
#ifndef PENSTOCK_WIRE_ANTHROPIC_H
#define PENSTOCK_WIRE_ANTHROPIC_H

#include "wire/dialect.h"

extern const struct dialect_ops anthropic_dialect;

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * OpenAI's Responses dialect as seen from the native path: read what the
 * gateway must know of a request, watch an answer or a stream for content,
 * usage, finish and error, find and say texts. Errors have OpenAI's shape;
 * within a stream they are an event of their own. Pure.
 *
 * Source: https://platform.openai.com/docs/api-reference/responses and
 * .../responses-streaming, the types of openai 3.x (read 2026-11).
 */
#ifndef PENSTOCK_WIRE_RESPONSES_H
#define PENSTOCK_WIRE_RESPONSES_H

#include "wire/texts.h"

extern const struct dialect_ops responses_dialect;
extern const struct wire_text_ops responses_text_ops;

/** Why a request cannot be put to a provider that keeps nothing for us: the
 * name of its member that asks for what is kept; NULL: none does. */
const char *responses_stateful(const struct json *body);

/** Bits of NEED_x (wire/needs.h). */
uint32_t responses_needs(const struct json *body);

#endif

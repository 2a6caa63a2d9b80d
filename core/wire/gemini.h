/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Google's generateContent as a dialect of clients: wire/dialect.h. Model and
 * streaming stand in the path, so that the fields of a body know neither.
 */
#ifndef PENSTOCK_WIRE_GEMINI_H
#define PENSTOCK_WIRE_GEMINI_H

#include "wire/texts.h"

extern const struct dialect_ops gemini_dialect;
extern const struct wire_text_ops gemini_text_ops;

/** Bits of wire/needs.h. O(parts). */
uint32_t gemini_needs(const struct json *body);

#endif

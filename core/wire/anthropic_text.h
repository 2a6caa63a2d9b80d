/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* The texts of Anthropic's messages; see wire/texts.h. */
#ifndef PENSTOCK_WIRE_ANTHROPIC_TEXT_H
#define PENSTOCK_WIRE_ANTHROPIC_TEXT_H

#include "wire/texts.h"

extern const struct wire_text_ops anthropic_text_ops;

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * How many tokens a text will come to, before anybody has counted: bytes by
 * class of script. Meant to be a little too much for English (4 bytes a token,
 * less for code), about right for what is not Latin (a token a character for
 * Han, Kana, Hangul and the scripts of India, half of one for Greek, Cyrillic
 * and accents). Limits reserve by it and settle by what the provider counts.
 */
#ifndef PENSTOCK_WIRE_TOKEN_GUESS_H
#define PENSTOCK_WIRE_TOKEN_GUESS_H

#include "base/json.h"
#include "wire/endpoint.h"

/** Parts of a token: sums of short texts lose nothing. */
enum { TOKEN_PARTS = 12 };

/** In parts. Cost: 0.4 ns a byte. */
uint64_t token_guess_text(struct str s);

/**
 * Tokens that a request will be charged for its input: all texts, names and
 * descriptions of tools, a few for each message; images by their rule.
 *
 *   OpenAI      85 and 170 for each tile of 512 pixels, after scaling; 85 where
 *               detail is "low"
 *   Anthropic   width * height / 750, after scaling
 *   Google      by mediaResolution: 280, 560, 1120 (unless it is said) or
 *               2240; 258 where neither side is over 384 pixels
 *
 * An image whose size is not in its first bytes (JPEG, a URL) counts as one of
 * a usual size: 765, 1600, 1120. Other media: one for 40 bytes.
 *
 * Source: platform.openai.com, "Images and vision"; platform.claude.com,
 * "Vision"; ai.google.dev, "Media resolution" and "Understand and count
 * tokens" (read 2026-11).
 */
uint64_t token_guess(enum dialect d, const struct json *body);

#endif

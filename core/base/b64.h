/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Base64 (RFC 4648): the standard alphabet with padding, and the one for URLs
 * and file names without. Decoding takes padding or none, and nothing else
 * that is not canonical: no blanks, no stray bits at the end.
 */
#ifndef PENSTOCK_BASE_B64_H
#define PENSTOCK_BASE_B64_H

#include "base/str.h"

enum b64_kind { B64_STANDARD, B64_URL };

/** Characters that n bytes become at most; bytes that n characters do. */
#define B64_ENCODED_MAX(n) (((n) + 2) / 3 * 4)
#define B64_DECODED_MAX(n) ((n) / 4 * 3 + 3)

/** Write the characters, without a NUL; returns how many. */
size_t b64_encode(struct str bytes, enum b64_kind kind, char *out);

/** Write the bytes; false (out is undefined) where `text` is none. */
bool b64_decode(struct str text, enum b64_kind kind, char *out, size_t *n);

#endif

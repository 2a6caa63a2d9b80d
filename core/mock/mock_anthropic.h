/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Between mock_anthropic.c and mock_anthropic_read.c. */
#ifndef PENSTOCK_MOCK_MOCK_ANTHROPIC_H
#define PENSTOCK_MOCK_MOCK_ANTHROPIC_H

#include "mock/mock_impl.h"

int mock_anthropic_read(struct mock_req *r, struct err *err);

#define MOCK_SIGN_START 0xcbf29ce484222325u
#define MOCK_SIGNATURE_BYTES 21 /* with its NUL */

/**
 * What thoughts are signed with: their sum, piece by piece, then its text.
 * No secret is in it; it shows whether the bytes came back as they were.
 */
uint64_t mock_sign(uint64_t sum, struct str more);
void mock_signature(uint64_t sum, char to[MOCK_SIGNATURE_BYTES]);

#endif

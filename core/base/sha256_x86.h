/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* The rounds of SHA-256 by instructions of x86, for base/sha256.c. */
#ifndef PENSTOCK_BASE_SHA256_X86_H
#define PENSTOCK_BASE_SHA256_X86_H

#include "base/str.h"

/** FIPS 180-4, 4.2.2: the constants of the rounds. */
extern const uint32_t sha256_rounds[64];

/** Absorb blocks of 64 bytes, on any processor. Cost: 5 ns per byte. */
void sha256_plain(uint32_t h[8], const uint8_t *p, size_t blocks);

/** Has this processor them, and was there a compiler that knows them? */
bool sha256_x86_is_there(void);

/** The same, only where they are there. Cost: 0.6 ns per byte. */
void sha256_x86(uint32_t h[8], const uint8_t *p, size_t blocks);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * SHA-256 (FIPS 180-4), hexadecimal, and a comparison whose time says nothing
 * about the bytes. For keys, content addresses and pins; what signs or has
 * more to hash than a file belongs to OpenSSL, on the net floor.
 */
#ifndef PENSTOCK_BASE_SHA256_H
#define PENSTOCK_BASE_SHA256_H

#include "base/str.h"

#define SHA256_BYTES 32
#define SHA256_HEX 64

/** Cost: about 5 ns per byte. */
void sha256(struct str s, uint8_t out[SHA256_BYTES]);

/** Lower-case digits and a NUL: `out` has 2 n + 1 bytes. */
void hex_encode(const void *bytes, size_t n, char *out);

/** 2 n digits of either case into n bytes; false (out is undefined) when
 * `s` is anything else. */
bool hex_decode(struct str s, void *out, size_t n);

/** Equal? Takes the same time wherever they differ. */
bool ct_equal(const void *a, const void *b, size_t n);

#endif

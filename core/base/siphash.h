/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * SipHash-1-3: a keyed hash for tables whose keys come from outside. Who does
 * not know the key cannot make names that collide.
 */
#ifndef PENSTOCK_BASE_SIPHASH_H
#define PENSTOCK_BASE_SIPHASH_H

#include "base/str.h"

#include <endian.h>

struct siphash_key {
    uint64_t k0, k1;
};

/**
 * The key of this process image: the kernel's AT_RANDOM bytes, so no system
 * call, no global, and the same after fork. Never show a hash made with it.
 */
struct siphash_key siphash_process_key(void);

/** Up to eight bytes as a little-endian word, zeros behind them: two halves
 * that overlap, without a loop. */
static inline uint64_t siphash_word(struct str s)
{
    uint32_t a, b;

    if (s.n >= 4) {
        memcpy(&a, s.p, sizeof a);
        memcpy(&b, s.p + s.n - 4, sizeof b);
        return le32toh(a) | (uint64_t)le32toh(b) << (8 * (s.n - 4));
    }
    if (s.n == 0)
        return 0;
    return (uint64_t)(unsigned char)s.p[0] |
           (uint64_t)(unsigned char)s.p[s.n / 2] << (8 * (s.n / 2)) |
           (uint64_t)(unsigned char)s.p[s.n - 1] << (8 * (s.n - 1));
}

/** Cost: about 1 ns per byte, 15 ns at least. */
uint64_t siphash(struct siphash_key key, struct str s);

/** Twice as wide, for names that nobody compares: 5 ns more. */
void siphash_128(struct siphash_key key, struct str s, uint64_t out[2]);

#endif

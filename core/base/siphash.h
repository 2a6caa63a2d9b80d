/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * SipHash-1-3: a keyed hash for tables whose keys come from outside. Who does
 * not know the key cannot make names that collide.
 */
#ifndef PENSTOCK_BASE_SIPHASH_H
#define PENSTOCK_BASE_SIPHASH_H

#include "base/str.h"

struct siphash_key {
    uint64_t k0, k1;
};

/**
 * The key of this process image: the kernel's AT_RANDOM bytes, so no system
 * call, no global, and the same after fork. Never show a hash made with it.
 */
struct siphash_key siphash_process_key(void);

/** Cost: about 1 ns per byte, 15 ns at least. */
uint64_t siphash(struct siphash_key key, struct str s);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Networks, as in lists of who may call: "10.2.0.0/16", "fd00::/8", "::1".
 * IPv4 stands as IPv6 sees it, ::ffff:a.b.c.d, so that there is one kind of
 * address: a client that comes mapped is in the networks of its IPv4.
 */
#ifndef PENSTOCK_ENGINE_NETWORK_H
#define PENSTOCK_ENGINE_NETWORK_H

#include "base/str.h"

struct network {
    unsigned char at[16];
    uint8_t bits; /* of `at` that count, 0 to 128 */
};

/** False where the text is no network; *out is undefined then. */
bool network_read(struct str s, struct network *out);

/** A single address as text ("::ffff:10.0.0.1", "10.0.0.1"), without port. */
bool network_address(struct str s, unsigned char out[16]);

/** IPv4's four bytes, mapped. */
void network_map_ipv4(unsigned char to[16], const void *ipv4);

bool network_has(const struct network *n, const unsigned char address[16]);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
#include "engine/network.h"

#include <arpa/inet.h>
#include <netinet/in.h>

void network_map_ipv4(unsigned char to[16], const void *ipv4)
{
    memset(to, 0, 10);
    to[10] = to[11] = 0xff;
    memcpy(to + 12, ipv4, 4);
}

/* How many bits an address of its kind has (32, 128); 0: it is none. */
static unsigned read_address(struct str s, unsigned char to[16])
{
    char z[INET6_ADDRSTRLEN];
    unsigned char ipv4[4];

    if (!s.n || s.n >= sizeof z || memchr(s.p, '\0', s.n))
        return 0;
    memcpy(z, s.p, s.n);
    z[s.n] = '\0';
    if (inet_pton(AF_INET, z, ipv4) == 1) {
        network_map_ipv4(to, ipv4);
        return 32;
    }
    return inet_pton(AF_INET6, z, to) == 1 ? 128 : 0;
}

bool network_address(struct str s, unsigned char out[16])
{
    return read_address(s, out) != 0;
}

bool network_read(struct str s, struct network *out)
{
    struct str rest = s, host = str_split(&rest, '/');
    unsigned most = read_address(host, out->at);
    uint64_t bits = most;

    if (!most || (rest.p && (!str_u64(rest, &bits) || bits > most)))
        return false;
    out->bits = (uint8_t)(bits + 128 - most);
    return true;
}

bool network_has(const struct network *n, const unsigned char address[16])
{
    unsigned whole = n->bits / 8;
    unsigned char mask;

    if (memcmp(address, n->at, whole) != 0)
        return false;
    if (n->bits % 8 == 0)
        return true;
    mask = (unsigned char)(0xff << (8 - n->bits % 8));
    return ((address[whole] ^ n->at[whole]) & mask) == 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* SipHash with 1 compression and 3 finalisation rounds, after the paper of
 * Aumasson and Bernstein; the same choice as the Linux kernel's hash tables. */
#include "base/siphash.h"

#include <sys/auxv.h>

struct state {
    uint64_t a, b, c, d;
};

static inline uint64_t rotl(uint64_t x, int by)
{
    return x << by | x >> (64 - by);
}

static inline void round_once(struct state *s)
{
    s->a += s->b;
    s->c += s->d;
    s->b = rotl(s->b, 13) ^ s->a;
    s->d = rotl(s->d, 16) ^ s->c;
    s->a = rotl(s->a, 32);
    s->c += s->b;
    s->a += s->d;
    s->b = rotl(s->b, 17) ^ s->c;
    s->d = rotl(s->d, 21) ^ s->a;
    s->c = rotl(s->c, 32);
}

struct siphash_key siphash_process_key(void)
{
    struct siphash_key key = { 0x9AE16A3B2F90404Fu, 0xC949C7DEFE1AD0D1u };
    const void *random = (const void *)getauxval(AT_RANDOM);

    if (random)
        memcpy(&key, random, sizeof key);
    key.k0 ^= 0x736E61702D6D6170u; /* not the stack guard's bytes as such */
    return key;
}

/* Little-endian words, whatever the machine is. */
static inline uint64_t word_at(const char *p)
{
    uint64_t w;

    memcpy(&w, p, sizeof w);
    return le64toh(w);
}

static inline void absorb(struct state *s, uint64_t w)
{
    s->d ^= w;
    round_once(s);
    s->a ^= w;
}

static inline struct state absorb_all(struct siphash_key key, uint64_t odd,
                                      struct str s)
{
    struct state v = {
        key.k0 ^ 0x736F6D6570736575u,
        key.k1 ^ 0x646F72616E646F6Du ^ odd,
        key.k0 ^ 0x6C7967656E657261u,
        key.k1 ^ 0x7465646279746573u,
    };
    uint64_t tail;
    size_t i = 0;

    for (; s.n - i >= 8; i += 8)
        absorb(&v, word_at(s.p + i));
    tail = siphash_word((struct str){ s.p + i, s.n - i });
    absorb(&v, tail | (uint64_t)s.n << 56);
    return v;
}

static inline uint64_t finish(struct state *v)
{
    round_once(v);
    round_once(v);
    round_once(v);
    return v->a ^ v->b ^ v->c ^ v->d;
}

uint64_t siphash(struct siphash_key key, struct str s)
{
    struct state v = absorb_all(key, 0, s);

    v.c ^= 0xFF;
    return finish(&v);
}

void siphash_128(struct siphash_key key, struct str s, uint64_t out[2])
{
    struct state v = absorb_all(key, 0xEE, s);

    v.c ^= 0xEE;
    out[0] = finish(&v);
    v.b ^= 0xDD;
    out[1] = finish(&v);
}

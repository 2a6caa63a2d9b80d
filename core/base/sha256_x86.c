/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * SHA-256 by the instructions that processors have for it: four words of the
 * schedule in a register, two rounds an instruction. The state lies in two
 * registers as those want it, ABEF and CDGH.
 */
#include "base/sha256_x86.h"

#if defined(__x86_64__) && defined(__GNUC__) && __GNUC__ >= 11 &&             \
    !defined(__clang__)

#include <immintrin.h>

#define WITH_SHA __attribute__((target("sha,sse4.1")))

struct halves {
    __m128i abef, cdgh;
};

WITH_SHA static struct halves load(const uint32_t h[8])
{
    __m128i dcba = _mm_loadu_si128((const __m128i *)(const void *)h);
    __m128i hgfe = _mm_loadu_si128((const __m128i *)(const void *)(h + 4));
    __m128i cdab = _mm_shuffle_epi32(dcba, 0xB1);
    __m128i efgh = _mm_shuffle_epi32(hgfe, 0x1B);

    return (struct halves){ _mm_alignr_epi8(cdab, efgh, 8),
                            _mm_blend_epi16(efgh, cdab, 0xF0) };
}

WITH_SHA static void store(struct halves s, uint32_t h[8])
{
    __m128i feba = _mm_shuffle_epi32(s.abef, 0x1B);
    __m128i dchg = _mm_shuffle_epi32(s.cdgh, 0xB1);

    _mm_storeu_si128((__m128i *)(void *)h,
                     _mm_blend_epi16(feba, dchg, 0xF0));
    _mm_storeu_si128((__m128i *)(void *)(h + 4),
                     _mm_alignr_epi8(dchg, feba, 8));
}

WITH_SHA static inline __m128i message(const uint8_t *p)
{
    const __m128i big_endian =
        _mm_set_epi64x(0x0C0D0E0F08090A0B, 0x0405060700010203);

    return _mm_shuffle_epi8(
        _mm_loadu_si128((const __m128i *)(const void *)p), big_endian);
}

/* The words 16 behind those of m[i], of which m is the last sixteen. */
WITH_SHA static inline __m128i schedule(const __m128i m[4], int i)
{
    __m128i last = m[(i + 3) & 3];
    __m128i x = _mm_sha256msg1_epu32(m[i & 3], m[(i + 1) & 3]);

    x = _mm_add_epi32(x, _mm_alignr_epi8(last, m[(i + 2) & 3], 4));
    return _mm_sha256msg2_epu32(x, last);
}

WITH_SHA static struct halves block(struct halves s, const uint8_t *p)
{
    struct halves was = s;
    __m128i m[4];

#pragma GCC unroll 16
    for (int i = 0; i < 16; i++) {
        __m128i w;

        m[i & 3] = i < 4 ? message(p + 16 * i) : schedule(m, i);
        w = _mm_add_epi32(m[i & 3], _mm_loadu_si128(
                                        (const __m128i *)(const void *)
                                        (sha256_rounds + 4 * i)));
        s.cdgh = _mm_sha256rnds2_epu32(s.cdgh, s.abef, w);
        w = _mm_shuffle_epi32(w, 0x0E);
        s.abef = _mm_sha256rnds2_epu32(s.abef, s.cdgh, w);
    }
    return (struct halves){ _mm_add_epi32(s.abef, was.abef),
                            _mm_add_epi32(s.cdgh, was.cdgh) };
}

bool sha256_x86_is_there(void)
{
    return __builtin_cpu_supports("sha") && __builtin_cpu_supports("sse4.1");
}

WITH_SHA void sha256_x86(uint32_t h[8], const uint8_t *p, size_t blocks)
{
    struct halves s = load(h);

    for (; blocks; blocks--, p += 64)
        s = block(s, p);
    store(s, h);
}

#else

bool sha256_x86_is_there(void)
{
    return false;
}

void sha256_x86(uint32_t h[8], const uint8_t *p, size_t blocks)
{
    (void)h;
    (void)p;
    (void)blocks;
}

#endif

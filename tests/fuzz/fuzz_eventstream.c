/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * A byte that says how the rest is cut, and an AWS event stream. Its upper
 * bit asks for the sums to be made right first: no search finds those.
 */
#include "frames.h"

#include "base/crc32.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint32_t get(const char *p)
{
    const unsigned char *u = (const unsigned char *)p;

    return (uint32_t)u[0] << 24 | (uint32_t)u[1] << 16 | (uint32_t)u[2] << 8 |
           u[3];
}

static void put_sum(char *at, const char *from)
{
    uint32_t v = crc32_of(0, (struct str){ from, (size_t)(at - from) });

    for (int i = 0; i < 4; i++)
        at[i] = (char)(v >> (24 - 8 * i));
}

static void mend(char *p, size_t n)
{
    while (n >= 16) {
        size_t total = get(p);

        put_sum(p + 8, p);
        if (total < 16 || total > n)
            return;
        put_sum(p + total - 4, p);
        p += total;
        n -= total;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text;

    if (size < 2)
        return 0;
    text = malloc(size - 1);
    if (!text)
        return 0;
    memcpy(text, data + 1, size - 1);
    if (data[0] & 0x80)
        mend(text, size - 1);
    frames_check(FRAMING_EVENTSTREAM, (struct str){ text, size - 1 },
                 data[0] % 64 + 1u);
    free(text);
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Requests on a connection: the same whole, byte by byte and in pieces of a
 * size that the input chooses; never more requests than empty lines.
 */
#include "http1_read.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must_equal(const struct reading *a, const struct reading *b)
{
    if (a->end != b->end || a->requests != b->requests || a->sum != b->sum ||
        a->status != b->status)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str all = { (const char *)data, size };
    struct reading whole, bytes, pieces;
    size_t ends = 0;

    if (size == 0 || size > 8192)
        return 0;
    whole = read_all(all, 0);
    bytes = read_all(all, size > 1024 ? 17 : 1);
    pieces = read_all(all, 2 + data[size - 1] % 61);
    must_equal(&whole, &bytes);
    must_equal(&whole, &pieces);
    for (size_t i = 3; i < size; i++)
        ends += memcmp(data + i - 3, "\r\n\r\n", 4) == 0;
    if (whole.requests > ends ||
        (whole.end == READ_BAD && (whole.status < 400 || !whole.why)))
        abort();
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* A byte that says how the rest is cut, and an array of JSON. */
#include "frames.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = { (const char *)data + 1, size - 1 };

    if (size >= 2)
        frames_check(FRAMING_JSONARRAY, text, data[0] % 64 + 1u);
    return 0;
}

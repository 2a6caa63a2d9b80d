/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Known sums, whole and in parts. */
#include "unit.h"

#include "base/crc32.h"

static void knows_the_check_value(void)
{
    struct str text = STR("123456789");

    UNIT_INT(crc32_of(0, STR("")), 0);
    UNIT_INT(crc32_of(0, text), 0xCBF43926);
    UNIT_INT(crc32_of(0, STR("\0\0\0\0")), 0x2144DF1C);
    for (size_t at = 0; at <= text.n; at++) {
        struct str rest = { text.p + at, text.n - at };
        uint32_t sum = crc32_of(0, (struct str){ text.p, at });

        UNIT_INT(crc32_of(sum, rest), 0xCBF43926);
    }
}

/* Each row of the table against the definition. */
static void agrees_with_the_definition(void)
{
    for (unsigned v = 0; v < 65536; v++) {
        unsigned char two[2] = { (unsigned char)(v >> 8), (unsigned char)v };
        uint32_t crc = UINT32_MAX;

        for (int bit = 0; bit < 16; bit++) {
            if (bit % 8 == 0)
                crc ^= two[bit / 8];
            crc = crc & 1 ? crc >> 1 ^ 0xEDB88320u : crc >> 1;
        }
        CU_ASSERT_FATAL(crc32_of(0, (struct str){ (char *)two, 2 }) == ~crc);
    }
}

UNIT_MAIN("crc32", { "knows the check value", knows_the_check_value },
          { "agrees with the definition", agrees_with_the_definition })

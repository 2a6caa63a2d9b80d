/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Refused: there is no descriptor. */
#include <penstock/plugin.h>

int bad_symbol(void);

int bad_symbol(void)
{
    return PS_ABI_MINOR;
}

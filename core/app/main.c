/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * The program's entry. For now it knows its version only.
 */
#include <stdio.h>

int main(void)
{
    puts("penstock " PS_VERSION);
    return 0;
}

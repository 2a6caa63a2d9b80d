/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* The program's entry: all that it does is a verb, see cli/cli.h. */
#include "cli/cli.h"

int main(int argc, char **argv)
{
    return cli_main(argc, argv);
}

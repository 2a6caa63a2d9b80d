/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * `penstock policy new|list|test|help`: one file per word. argv[0] is that
 * word; each returns an enum cli_exit.
 */
#ifndef PENSTOCK_CLI_POLICY_H
#define PENSTOCK_CLI_POLICY_H

#include "cli/cli.h"

int policy_help(int argc, char **argv, struct cli_ctx *ctx);

#endif

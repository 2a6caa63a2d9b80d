/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* `penstock explain --status N --provider P`. */
#ifndef PENSTOCK_CLI_EXPLAIN_STATUS_H
#define PENSTOCK_CLI_EXPLAIN_STATUS_H

#include "cli/cli.h"

/** argv[0] is the verb; an enum cli_exit. */
int explain_status(int argc, char **argv, struct cli_ctx *ctx);

#endif

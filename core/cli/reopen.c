/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* `penstock reopen`: for log rotation. */
#include "cli/ask.h"

static int run(int argc, char **argv, struct cli_ctx *ctx)
{
    (void)argv;
    return ask_simple(argc, ctx, "{\"verb\":\"reopen\"}",
                      "log files are opened again");
}

const struct cli_verb cli_reopen = {
    .name = "reopen",
    .usage = "",
    .help = "open log files again, after they were rotated",
    .run = run,
};

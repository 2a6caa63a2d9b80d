/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* `penstock serve`: this process becomes the master. */
#include "cli/cli.h"

#include "app/master.h"

#include <string.h>

static int run(int argc, char **argv, struct cli_ctx *ctx)
{
    const char *file = NULL;
    bool last_good = false;
    struct err err = { 0 };

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "-c") == 0 && i + 1 < argc && !file)
            file = argv[++i];
        else if (strcmp(argv[i], "--last-good") == 0)
            last_good = true;
        else
            return cli_bad_usage(ctx, "unknown argument '%s'", argv[i]);
    }
    if (master_serve(file, ctx->socket, last_good, &err) == 0)
        return CLI_DONE;
    return cli_refuse_err(ctx, &err);
}

const struct cli_verb cli_serve = {
    .name = "serve",
    .usage = "[-c FILE] [--last-good] [-s SOCKET]",
    .help = "run the gateway; without a file: 127.0.0.1:8080 and whose keys "
            "are set",
    .run = run,
};

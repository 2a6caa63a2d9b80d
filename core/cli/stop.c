/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* `penstock stop`: end now, and wait for it. */
#include "cli/ask.h"

#define WAIT_MS 15000

static int run(int argc, char **argv, struct cli_ctx *ctx)
{
    json_t *got = NULL;
    struct ask a;
    int rc;

    (void)argv;
    if (argc > 1)
        return cli_bad_usage(ctx, "it takes no arguments");
    rc = ask_open(&a, ctx);
    if (rc == CLI_DONE)
        rc = ask(&a, "{\"verb\":\"stop\"}", &got);
    if (rc == CLI_DONE && !ask_wait_end(&a, WAIT_MS))
        rc = cli_refuse(ctx, "it has not ended within %d s", WAIT_MS / 1000);
    else if (rc == CLI_DONE && ctx->json)
        ask_print(got);
    else if (rc == CLI_DONE)
        puts("stopped");
    json_decref(got);
    ask_close(&a);
    return rc;
}

const struct cli_verb cli_stop = {
    .name = "stop",
    .usage = "",
    .help = "end the running instance now (drain first with `drain`)",
    .run = run,
};

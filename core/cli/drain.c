/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* `penstock drain`: finish what runs, take nothing new, end. */
#include "cli/ask.h"

#include <string.h>

static int run(int argc, char **argv, struct cli_ctx *ctx)
{
    bool wait = argc == 2 && strcmp(argv[1], "--wait") == 0;
    json_t *got = NULL;
    struct ask a;
    int rc;

    if (argc > 2 || (argc == 2 && !wait))
        return cli_bad_usage(ctx, "unknown argument '%s'", argv[argc - 1]);
    rc = ask_open(&a, ctx);
    if (rc == CLI_DONE)
        rc = ask(&a, "{\"verb\":\"drain\"}", &got);
    if (rc == CLI_DONE && ctx->json)
        ask_print(got);
    else if (rc == CLI_DONE)
        printf("draining: %lld requests are in flight; it ends when they "
               "do\n", (long long)json_integer_value(
                           json_object_get(got, "in_flight")));
    fflush(stdout);
    if (rc == CLI_DONE && wait)
        ask_wait_end(&a, -1);
    json_decref(got);
    ask_close(&a);
    return rc;
}

const struct cli_verb cli_drain = {
    .name = "drain",
    .usage = "[--wait]",
    .help = "finish running requests, take no new ones, then end",
    .run = run,
};

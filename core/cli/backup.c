/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* `penstock backup FILE`: the file is opened here, with the rights of who
 * asks; the running instance writes into it. */
#include "cli/ask.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static int run(int argc, char **argv, struct cli_ctx *ctx)
{
    json_t *got = NULL;
    struct ask a;
    int fd, rc;

    if (argc != 2 || argv[1][0] == '-')
        return cli_bad_usage(ctx, "to which file?");
    fd = open(argv[1], O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return cli_refuse(ctx, "%s: %s", argv[1], strerror(errno));
    rc = ask_open(&a, ctx);
    if (rc == CLI_DONE)
        rc = ask_with(&a, "{\"verb\":\"backup\"}", fd, &got);
    if (rc == CLI_DONE && ctx->json)
        ask_print(got);
    else if (rc == CLI_DONE)
        printf("the store is in %s\n", argv[1]);
    else
        unlink(argv[1]); /* ours, and not whole */
    json_decref(got);
    ask_close(&a);
    close(fd);
    return rc;
}

const struct cli_verb cli_backup = {
    .name = "backup",
    .usage = "FILE",
    .help = "copy the store of keys to a new file, while it is used",
    .run = run,
};

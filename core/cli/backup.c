/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* `penstock backup FILE`: the file is opened here, with the rights of who
 * asks; the running instance writes the store into it. The ledger is copied
 * here, beside the instance, as `penstock usage` reads it. */
#include "cli/ask.h"

#include "app/paths.h"
#include "keeper/ledger_db.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static int said(const struct cli_ctx *ctx, const char *what, const char *file)
{
    if (ctx->json)
        puts("{\"ok\":true}");
    else
        printf("the %s is in %s\n", what, file);
    return CLI_DONE;
}

static int backup_ledger(struct cli_ctx *ctx, const char *to)
{
    char path[PATHS_MAX];
    struct err err = { 0 };
    int rc = ask_ledger(ctx, path, sizeof path);

    if (rc != CLI_DONE)
        return rc;
    if (ledger_db_backup(path, to, &err) != 0)
        return cli_refuse_err(ctx, &err);
    return said(ctx, "ledger", to);
}

static int backup_store(struct cli_ctx *ctx, const char *to)
{
    json_t *got = NULL;
    struct ask a;
    int fd, rc;

    fd = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return cli_refuse(ctx, "%s: %s", to, strerror(errno));
    rc = ask_open(&a, ctx);
    if (rc == CLI_DONE)
        rc = ask_with(&a, "{\"verb\":\"backup\"}", fd, &got);
    if (rc == CLI_DONE && ctx->json)
        ask_print(got);
    else if (rc == CLI_DONE)
        said(ctx, "store", to);
    else
        unlink(to); /* ours, and not whole */
    json_decref(got);
    ask_close(&a);
    close(fd);
    return rc;
}

static int run(int argc, char **argv, struct cli_ctx *ctx)
{
    bool ledger = argc > 1 && strcmp(argv[1], "--ledger") == 0;

    argc -= ledger;
    argv += ledger;
    if (argc != 2 || argv[1][0] == '-')
        return cli_bad_usage(ctx, "to which file?");
    return ledger ? backup_ledger(ctx, argv[1]) : backup_store(ctx, argv[1]);
}

const struct cli_verb cli_backup = {
    .name = "backup",
    .usage = "[--ledger] FILE",
    .help = "copy the store of keys, or the ledger, to a new file, while it "
            "is used",
    .run = run,
};

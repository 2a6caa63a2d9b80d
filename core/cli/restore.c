/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* `penstock restore FILE`: a backup takes the store's place while no instance
 * uses it: the lock of the state folder is held meanwhile. */
#include "cli/config_file.h"

#include "cli/cli.h"
#include "keeper/ledger_db.h"
#include "keeper/store.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/** The lock that `serve` takes; -1 with the reason printed. */
static int lock_state(const struct cli_ctx *ctx, const char *state)
{
    struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
    char path[PATHS_MAX + 8];
    int fd;

    snprintf(path, sizeof path, "%s/lock", state);
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd >= 0 && fcntl(fd, F_SETLK, &lock) == 0)
        return fd;
    if (fd >= 0 && (errno == EAGAIN || errno == EACCES))
        cli_refuse(ctx, "an instance uses %s; stop it first (`penstock "
                        "stop`)", state);
    else
        cli_refuse(ctx, "%s: %s", path, strerror(errno));
    if (fd >= 0)
        close(fd);
    return -1;
}

/** The state folder: of the file given, else as `serve` finds it. */
static int find_state(const char *file, char *out, size_t size,
                      struct err *err)
{
    struct config_file f = { .path = file, .static_only = true };
    const char *named = NULL;
    int rc;

    if (!file) {
        rc = paths_find(&f.paths, NULL, err);
        named = f.paths.state;
    } else {
        rc = config_file_read(&f, err);
        named = json_string_value(json_object_get(f.canonical, "state"));
    }
    if (!rc)
        snprintf(out, size, "%s", named ? named : f.paths.state);
    if (file)
        config_file_clear(&f);
    return rc;
}

static int restore(const struct cli_ctx *ctx, const char *state,
                   const char *file, bool ledger)
{
    int (*into)(const char *, const char *, struct err *) =
        ledger ? ledger_db_restore : store_restore;
    const char *what = ledger ? "ledger" : "store";
    char folder[PATHS_MAX + 8];
    struct err err = { 0 };
    int lock = lock_state(ctx, state), rc;

    if (lock < 0)
        return CLI_REFUSED;
    snprintf(folder, sizeof folder, "%s/%s", state, what);
    if (mkdir(folder, 0700) != 0 && errno != EEXIST)
        err_errno(&err, "%s", folder);
    rc = err.code ? -err.code : into(folder, file, &err);
    close(lock);
    if (rc)
        return cli_refuse_err(ctx, &err);
    if (ctx->json)
        puts("{\"ok\":true}");
    else
        printf("%s is the %s in %s now; what was there is beside it as "
               "%s.before\n", file, what, folder,
               ledger ? LEDGER_FILE : STORE_FILE);
    return CLI_DONE;
}

static int run(int argc, char **argv, struct cli_ctx *ctx)
{
    bool ledger = argc > 1 && strcmp(argv[1], "--ledger") == 0;
    char state[PATHS_MAX];
    struct err err = { 0 };

    argc -= ledger;
    argv += ledger;
    if ((argc != 2 && (argc != 4 || strcmp(argv[2], "-c") != 0)) ||
        argv[1][0] == '-')
        return cli_bad_usage(ctx, "from which file?");
    if (find_state(argc == 4 ? argv[3] : NULL, state, sizeof state, &err) !=
        0)
        return cli_refuse_err(ctx, &err);
    return restore(ctx, state, argv[1], ledger);
}

const struct cli_verb cli_restore = {
    .name = "restore",
    .usage = "[--ledger] FILE [-c CONFIGURATION]",
    .help = "put a backup in the place of the store, or of the ledger, while "
            "no instance runs",
    .run = run,
};

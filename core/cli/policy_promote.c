/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * `penstock policy promote`: the candidate that runs as a shadow comes into
 * force by the way of every change. Its files are copied over the live ones,
 * with the rights of who calls this, and then it is a reload; where that is
 * refused all is put back. What was there before stays beside it, as
 * NAME.lua.before.
 */
#include "cli/ask.h"
#include "cli/policy.h"

#include "base/file.h"
#include "base/sha256.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_BYTES = 2048 };

static const char *text(const json_t *v, const char *key)
{
    const char *s = json_string_value(json_object_get(v, key));

    return s ? s : "";
}

/** Is the file still what runs as a shadow? Then its bytes. */
static int read_same(const json_t *file, struct buf *out, struct err *err)
{
    char hex[SHA256_HEX + 1];
    uint8_t digest[SHA256_BYTES];
    int rc = file_read(text(file, "from"), out, err);

    if (rc || !*text(file, "sha256")) /* a test: it was not run */
        return rc;
    sha256(buf_str(out), digest);
    hex_encode(digest, sizeof digest, hex);
    if (strcmp(hex, text(file, "sha256")) != 0)
        return err_set(err, ERR_CONFIG, "%s was changed since it runs as a "
                       "shadow; shadow it again first", text(file, "from"));
    return 0;
}

/** With the mode of what it is to replace. */
static int write_new(const char *path, const char *like, struct str s,
                     struct err *err)
{
    struct stat st;
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
                  0644);
    int rc = 0;

    if (fd < 0)
        return err_errno(err, "%s", path);
    if (stat(like, &st) == 0 && fchmod(fd, st.st_mode & 07777) != 0)
        rc = err_errno(err, "%s", path);
    while (s.n && !rc) {
        ssize_t n = write(fd, s.p, s.n);

        if (n < 0 && errno != EINTR)
            rc = err_errno(err, "%s", path);
        s.p += n > 0 ? n : 0;
        s.n -= n > 0 ? (size_t)n : 0;
    }
    if (!rc && fsync(fd) != 0)
        rc = err_errno(err, "%s", path);
    close(fd);
    return rc;
}

/** What is there moves aside, the candidate's takes its place. */
static int put(const json_t *file, struct err *err)
{
    struct buf bytes = BUF_INIT(POLICY_SOURCE_MAX);
    char made[PATH_BYTES], before[PATH_BYTES];
    const char *to = text(file, "to");
    int rc;

    snprintf(made, sizeof made, "%s.new", to);
    snprintf(before, sizeof before, "%s.before", to);
    unlink(before);
    rc = read_same(file, &bytes, err);
    if (!rc)
        rc = write_new(made, to, buf_str(&bytes), err);
    if (!rc && link(to, before) != 0 && errno != ENOENT)
        rc = err_errno(err, "%s", before);
    if (!rc && rename(made, to) != 0)
        rc = err_errno(err, "%s", to);
    if (rc)
        unlink(made);
    buf_clear(&bytes);
    return rc;
}

/** As it was: of the first `n`. */
static void put_back(const json_t *files, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const char *to = text(json_array_get(files, i), "to");
        char before[PATH_BYTES];

        snprintf(before, sizeof before, "%s.before", to);
        if (access(before, F_OK) == 0)
            rename(before, to);
        else
            unlink(to);
    }
}

static int put_all(struct cli_ctx *ctx, const json_t *files)
{
    struct err err = { 0 };
    json_t *file;
    size_t i;

    json_array_foreach(files, i, file) {
        struct buf bytes = BUF_INIT(POLICY_SOURCE_MAX);
        int rc = read_same(file, &bytes, &err); /* all, before the first */

        buf_clear(&bytes);
        if (rc)
            return cli_refuse_err(ctx, &err);
    }
    json_array_foreach(files, i, file) {
        if (put(file, &err) != 0) {
            put_back(files, i);
            return cli_refuse_err(ctx, &err);
        }
    }
    return CLI_DONE;
}

static void say(const struct cli_ctx *ctx, const json_t *files,
                const json_t *got)
{
    json_t *file;
    size_t i;

    if (ctx->json) {
        ask_print(got);
        return;
    }
    json_array_foreach(files, i, file)
        printf("%s -> %s\n", text(file, "from"), text(file, "to"));
    if (got)
        printf("%s; generation %lld\n", text(got, "how"),
               (long long)json_integer_value(
                   json_object_get(got, "generation")));
}

/** "x/auth.lua" -> "x/auth_test.lua"; false: too long, or no policy. */
static bool test_of(const char *path, char *out)
{
    size_t n = strlen(path);

    return n > 4 && strcmp(path + n - 4, ".lua") == 0 &&
           snprintf(out, PATH_BYTES, "%.*s_test.lua", (int)(n - 4), path) <
               PATH_BYTES;
}

/** The policies and, where there are any, the tests beside them: a new
 * reference. */
static json_t *with_tests(const json_t *files)
{
    json_t *all = json_copy((json_t *)(uintptr_t)files), *file;
    char from[PATH_BYTES], to[PATH_BYTES];
    size_t i;

    json_array_foreach(files, i, file) {
        if (test_of(text(file, "from"), from) &&
            test_of(text(file, "to"), to) && access(from, R_OK) == 0)
            json_array_append_new(all, json_pack("{s:s, s:s}", "from", from,
                                                 "to", to));
    }
    return all;
}

static int promote(struct cli_ctx *ctx, struct ask *a, const json_t *files)
{
    json_t *got = NULL, *ended = NULL;
    int rc = put_all(ctx, files);

    if (rc != CLI_DONE)
        return rc;
    rc = ask(a, "{\"verb\":\"reload\"}", &got);
    if (rc == CLI_REFUSED)
        put_back(files, json_array_size(files));
    if (rc == CLI_DONE) {
        say(ctx, files, got);
        ask(a, "{\"verb\":\"shadow.stop\"}", &ended);
    }
    json_decref(got);
    json_decref(ended);
    return rc;
}

int policy_promote(int argc, char **argv, struct cli_ctx *ctx)
{
    bool plan = argc == 2 && strcmp(argv[1], "--plan") == 0;
    json_t *shown = NULL, *files = NULL;
    struct ask a;
    int rc;

    if (argc > 2 || (argc == 2 && !plan))
        return cli_bad_usage(ctx, "unknown argument '%s'", argv[1]);
    rc = ask_open(&a, ctx);
    if (rc == CLI_DONE)
        rc = ask(&a, "{\"verb\":\"shadow.show\"}", &shown);
    if (rc == CLI_DONE)
        files = with_tests(json_object_get(shown, "files"));
    if (rc == CLI_DONE && !json_array_size(files))
        rc = cli_refuse(ctx, "no candidate runs that has a policy of the "
                        "configuration; `penstock policy shadow DIR` first");
    else if (rc == CLI_DONE && plan)
        say(ctx, files, ctx->json ? shown : NULL);
    else if (rc == CLI_DONE)
        rc = promote(ctx, &a, files);
    json_decref(files);
    json_decref(shown);
    ask_close(&a);
    return rc;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * `penstock plugin install`: verified and tried like at a start, put into the
 * plugin folder, then a reload: one worker first, then the rest. Whatever
 * fails after the file was put there puts the one before it back.
 */
#include "cli/plugin_live.h"

#include "app/paths.h"
#include "base/file.h"
#include "base/sha256.h"
#include "cli/ask.h"
#include "cli/plugin_file.h"
#include "cli/tidy.h"
#include "cli/tidy_old.h"
#include "engine/plugin_put.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MOST (64u << 20)

struct install {
    const struct cli_ctx *ctx;
    const char *path;    /* as it was given */
    const char *sha256;  /* the file's, where it was given; or NULL */
    bool no_wait, force;
    bool runs;           /* an instance does */
    char folder[PATHS_MAX];
    char own[64], copy[PATHS_MAX]; /* of a pinned file: where it lies */
    size_t noted;        /* to be tidied, before ours */
    struct plugin_file file;
    struct plugin_put put;
};

/* ---- arguments ---------------------------------------------------------- */

static int take_args(struct install *in, char **args, int n)
{
    for (int i = 0; i < n; i++) {
        if (strcmp(args[i], "--no-wait") == 0)
            in->no_wait = true;
        else if (strcmp(args[i], "--force") == 0)
            in->force = true;
        else if (strcmp(args[i], "--sha256") == 0 && i + 1 < n)
            in->sha256 = args[++i];
        else if (args[i][0] != '-' && !in->path)
            in->path = args[i];
        else
            return cli_bad_usage(in->ctx, "unknown argument '%s'", args[i]);
    }
    if (!in->path)
        return cli_bad_usage(in->ctx, "install wants FILE.so");
    if (in->no_wait && in->force)
        return cli_bad_usage(in->ctx,
                             "--no-wait and --force exclude each other");
    if (in->sha256 && strlen(in->sha256) != 2 * SHA256_BYTES)
        return cli_bad_usage(in->ctx, "--sha256 takes 64 hex digits");
    return CLI_DONE;
}

/* ---- the file ----------------------------------------------------------- */

/** A folder of ours with an empty file in it: its descriptor, or -ERR_x. */
static int make_copy(struct install *in, struct err *err)
{
    const char *base = strrchr(in->path, '/');
    int fd, rc;

    rc = tidy_folder("install", in->own, sizeof in->own, err);
    if (rc)
        return rc;
    snprintf(in->copy, sizeof in->copy, "%s/%s", in->own,
             base ? base + 1 : in->path);
    tidy_note(in->own);
    tidy_note(in->copy);
    fd = open(in->copy, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    return fd < 0 ? err_errno(err, "cannot write %s", in->copy) : fd;
}

/** A file whose hash is known may lie anywhere: what was read is compared,
 * and a copy in a folder of ours goes on. */
static int take_pinned(struct install *in, struct err *err)
{
    struct buf bytes = BUF_INIT(FILE_MOST);
    char hash[2 * SHA256_BYTES + 1];
    uint8_t digest[SHA256_BYTES];
    int fd = -1, rc = file_read(in->path, &bytes, err);

    sha256(buf_str(&bytes), digest);
    hex_encode(digest, SHA256_BYTES, hash);
    if (!rc && strcasecmp(hash, in->sha256) != 0)
        rc = err_set(err, ERR_CONFIG, "%s has the SHA-256 %s, not the one "
                     "that was given: another file, or not whole", in->path,
                     hash);
    if (!rc) {
        tidy_hold();
        fd = make_copy(in, err);
        tidy_go();
        rc = fd < 0 ? fd : 0;
    }
    if (!rc && write(fd, bytes.p, buf_len(&bytes)) != (ssize_t)buf_len(&bytes))
        rc = err_errno(err, "cannot write %s", in->copy);
    if (fd >= 0)
        close(fd);
    buf_clear(&bytes);
    return rc;
}

static void clear(struct install *in)
{
    plugin_file_clear(&in->file);
    if (in->own[0]) {
        unlink(in->copy);
        rmdir(in->own);
    }
    tidy_forget(in->noted);
}

/** Where it goes: the running instance's folder, else the one that `serve`
 * would take. */
static int find_folder(struct install *in, struct err *err)
{
    struct paths paths;
    json_t *got = NULL;
    int rc = plugin_ask(in->ctx, json_pack("{s:s}", "verb", "plugin.list"),
                        &got, err);

    if (rc && rc != -ERR_NOTFOUND)
        return rc;
    in->runs = rc == 0;
    *err = (struct err){ 0 };
    rc = in->runs ? 0 : paths_find(&paths, in->ctx->socket, err);
    if (!rc)
        snprintf(in->folder, sizeof in->folder, "%s",
                 in->runs ? json_string_value(json_object_get(got,
                                                              "plugin_path"))
                          : paths.plugins);
    json_decref(got);
    return rc;
}

/* ---- the reload --------------------------------------------------------- */

/** Is this plugin among what changed? */
static bool is_used(const struct install *in, const json_t *got)
{
    json_t *v;
    size_t i;

    json_array_foreach(json_object_get(got, "changes"), i, v) {
        const char *path = json_string_value(json_object_get(v, "path"));

        if (path && strncmp(path, "plugin ", 7) == 0 &&
            strcmp(path + 7, in->file.name) == 0)
            return true;
    }
    return false;
}

static void tell(const struct install *in, const json_t *got)
{
    struct str hash = plugin_hash(in->file.staged);
    const char *note = !got ? "no instance runs: `penstock serve` takes it"
                       : is_used(in, got) ? ""
                       : in->put.same ? "that very file was there"
                                      : "no provider in force uses it yet";

    if (in->ctx->json) {
        json_t *v = json_pack("{s:b, s:s, s:s%, s:s, s:b, s:O?}", "ok", 1,
                              "plugin", in->file.name, "hash", hash.p, hash.n,
                              "path", in->put.path, "previous", in->put.had,
                              "reload", got);

        ask_print(v);
        json_decref(v);
        return;
    }
    printf("%s " STR_FMT " is in %s\n", in->file.name, STR_ARG(hash),
           in->put.path);
    if (*note)
        printf("%s\n", note);
    if (got && is_used(in, got))
        printf("%s; generation %lld, %lld ms; back with `penstock "
               "rollback`\n",
               json_string_value(json_object_get(got, "how")),
               (long long)json_integer_value(
                   json_object_get(got, "generation")),
               (long long)json_integer_value(json_object_get(got, "ms")));
    if (in->put.had)
        printf("the file before it is %s\n", in->put.previous);
}

static int reload(struct install *in, struct err *err)
{
    json_t *got = NULL;
    struct err back = { 0 }, why = { 0 };
    int rc = 0;

    if (in->runs)
        rc = plugin_ask(in->ctx,
                        json_pack("{s:s, s:b, s:b}", "verb", "reload",
                                  "no_wait", in->no_wait, "force", in->force),
                        &got, &why);
    if (!rc)
        tell(in, got);
    else if (plugin_put_back(&in->put, &back) != 0)
        rc = err_at(err, ERR_CONFIG, why.at, "%s; and %s", why.msg, back.msg);
    else
        rc = err_at(err, ERR_CONFIG, why.at, "%s; the plugin folder is as it "
                    "was", why.msg);
    json_decref(got);
    return rc;
}

int plugin_install(const struct cli_ctx *ctx, char **args, int n)
{
    struct install in = { .ctx = ctx };
    struct err err = { 0 };
    int rc = take_args(&in, args, n);

    if (rc != CLI_DONE)
        return rc;
    tidy_old();
    in.noted = tidy_count();
    if (in.sha256)
        rc = take_pinned(&in, &err);
    if (!rc)
        rc = plugin_file_try(&in.file, in.sha256 ? in.copy : in.path, NULL,
                             &err);
    if (!rc)
        rc = find_folder(&in, &err);
    if (!rc)
        rc = plugin_put(&in.put, in.file.staged, in.folder,
                        str_of(in.file.name), &err);
    if (!rc)
        rc = reload(&in, &err);
    clear(&in);
    return rc ? cli_refuse_err(ctx, &err) : CLI_DONE;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * From the operator's folder to the copy that is loaded. The bytes are read
 * once; what was checked is what is hashed, what is hashed is what is written
 * and what is written is what is mapped. A copy's name holds its hash, so
 * that new code always comes under a new path (dlopen of a replaced path
 * returns the old code) and nobody's `cp` changes code that is running.
 */
#include "engine/plugin_host.h"

#include "base/sha256.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define HASH_CHARS 16
#define PATH_BYTES 512

static void hash_text(struct str file, char out[HASH_CHARS + 1])
{
    uint8_t digest[SHA256_BYTES];

    sha256(file, digest);
    hex_encode(digest, HASH_CHARS / 2, out);
}

/* Is the copy of those bytes there already, untouched? */
static bool is_staged(const char *path, struct str file)
{
    char *bytes = NULL;
    size_t n = 0;
    bool same;

    if (plugin_read(path, &bytes, &n, NULL) < 0)
        return false;
    same = n == file.n && memcmp(bytes, file.p, n) == 0;
    free(bytes);
    return same;
}

static int write_whole(int fd, struct str s)
{
    ssize_t put;

    while (s.n) {
        put = write(fd, s.p, s.n);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return -1;
        s.p += put;
        s.n -= (size_t)put;
    }
    return 0;
}

static void sync_folder(const char *folder)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0)
        return; /* the copy is made again if it should be lost */
    fsync(fd);
    close(fd);
}

int plugin_write(const char *folder, const char *path, struct str file,
                 struct err *err)
{
    char tmp[PATH_BYTES];
    int fd, rc = 0;

    if (snprintf(tmp, sizeof tmp, "%s/.new-XXXXXX", folder) >=
        (int)sizeof tmp)
        return err_set(err, ERR_LIMIT, "the path %s is too long", folder);
    fd = mkostemp(tmp, O_CLOEXEC);
    if (fd < 0)
        return err_errno(err, "cannot write to %s", folder);
    if (write_whole(fd, file) < 0 || fchmod(fd, 0555) < 0 || fsync(fd) < 0)
        rc = err_errno(err, "cannot write %s", tmp);
    if (close(fd) < 0 && rc == 0)
        rc = err_errno(err, "cannot write %s", tmp);
    if (rc == 0 && rename(tmp, path) < 0)
        rc = err_errno(err, "cannot rename to %s", path);
    if (rc < 0)
        unlink(tmp);
    else
        sync_folder(folder);
    return rc;
}

static int make_folder(const char *state_dir, char *folder, size_t size,
                       struct err *err)
{
    if (snprintf(folder, size, "%s/plugins", state_dir) >= (int)size)
        return err_set(err, ERR_LIMIT, "the path %s is too long", state_dir);
    if (mkdir(folder, 0755) < 0 && errno != EEXIST)
        return err_errno(err, "cannot make %s", folder);
    return plugin_path_check(folder, err);
}

static int stage(struct str name, const char *state_dir, struct str file,
                 char *out, size_t out_size, struct err *err)
{
    char folder[PATH_BYTES - 128], hash[HASH_CHARS + 1];
    int rc = make_folder(state_dir, folder, sizeof folder, err);

    if (rc < 0)
        return rc;
    hash_text(file, hash);
    if (snprintf(out, out_size, "%s/" STR_FMT "-%s.so", folder, STR_ARG(name),
                 hash) >= (int)out_size)
        return err_set(err, ERR_LIMIT, "the path %s is too long", folder);
    if (is_staged(out, file))
        return 0;
    return plugin_write(folder, out, file, err);
}

/* The reason, with the plugin's name before it. */
static int named_error(struct str name, const struct err *why, int rc,
                       struct err *err)
{
    return err_at(err, -rc, why->at, "plugin " STR_FMT ": %s", STR_ARG(name),
                  why->msg);
}

int plugin_stage(const char *folder, struct str name, const char *state_dir,
                 char *out, size_t out_size, struct err *err)
{
    struct plugin_elf elf;
    struct err why = { 0 };
    char path[PATH_BYTES], *bytes = NULL;
    size_t n = 0;
    int rc;

    if (!plugin_name_valid(name))
        return err_set(err, ERR_CONFIG,
                       "'%.*s' is no plugin's name: 1 to %d of a-z 0-9 _ -",
                       name.n > 64 ? 64 : (int)name.n, name.p ? name.p : "",
                       PLUGIN_NAME_MAX);
    if (snprintf(path, sizeof path, "%s/" STR_FMT ".so", folder,
                 STR_ARG(name)) >= (int)sizeof path)
        return err_set(err, ERR_LIMIT, "the path %s is too long", folder);
    rc = plugin_path_check(folder, &why);
    if (rc == 0)
        rc = plugin_read(path, &bytes, &n, &why);
    if (rc == 0)
        rc = plugin_elf_check((struct str){ bytes, n }, &elf, &why);
    if (rc == 0)
        rc = stage(name, state_dir, (struct str){ bytes, n }, out, out_size,
                   &why);
    free(bytes);
    return rc < 0 ? named_error(name, &why, rc, err) : 0;
}

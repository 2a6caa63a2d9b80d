/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Who could put code into this process? Whoever can write the file or any
 * folder above it. So every part of the (resolved) path must belong to root
 * or to us and be writable by nobody else; folders of root with the sticky
 * bit (/tmp) are fine, since there nobody can replace another's entry.
 */
#include "engine/plugin_host.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define GROUPS_MAX 256

static bool is_our_group(gid_t gid)
{
    gid_t groups[GROUPS_MAX];
    int n;

    if (gid == getegid())
        return true;
    n = getgroups(GROUPS_MAX, groups);
    for (int i = 0; i < n; i++) {
        if (groups[i] == gid)
            return true;
    }
    return false;
}

/* One part of the path; `what` is "folder" or "file" in the message. */
static int check_mode(const char *path, const struct stat *st,
                      const char *what, struct err *err)
{
    bool sticky = S_ISDIR(st->st_mode) && st->st_mode & S_ISVTX &&
                  st->st_uid == 0;

    if (st->st_uid != 0 && st->st_uid != geteuid())
        return err_set(err, ERR_CONFIG,
                       "%s %s belongs to user %u: it must be root's or that "
                       "of user %u, who loads it",
                       what, path, (unsigned)st->st_uid, (unsigned)geteuid());
    if (st->st_mode & S_IWOTH && !sticky)
        return err_set(err, ERR_CONFIG,
                       "%s %s is writable by everybody (mode %04o): chmod o-w",
                       what, path, (unsigned)st->st_mode & 07777);
    if (st->st_mode & S_IWGRP && !sticky && !is_our_group(st->st_gid))
        return err_set(err, ERR_CONFIG,
                       "%s %s is writable by group %u, which is not ours "
                       "(mode %04o): chmod g-w",
                       what, path, (unsigned)st->st_gid,
                       (unsigned)st->st_mode & 07777);
    return 0;
}

static int check_folder(const char *path, struct err *err)
{
    struct stat st;

    if (lstat(path, &st) < 0)
        return err_errno(err, "folder %s", path);
    if (!S_ISDIR(st.st_mode))
        return err_set(err, ERR_CONFIG, "%s is not a folder", path);
    return check_mode(path, &st, "folder", err);
}

int plugin_path_check(const char *folder, struct err *err)
{
    char real[PATH_MAX];
    int rc;

    if (!realpath(folder, real))
        return err_errno(err, "folder %s", folder);
    rc = check_folder("/", err);
    for (char *p = real + 1; rc == 0 && *p; p++) {
        if (*p != '/')
            continue;
        *p = '\0';
        rc = check_folder(real, err);
        *p = '/';
    }
    return rc < 0 || !real[1] ? rc : check_folder(real, err);
}

static int read_whole(int fd, const char *path, char *p, size_t n,
                      struct err *err)
{
    ssize_t got;

    for (size_t at = 0; at < n; at += (size_t)got) {
        got = read(fd, p + at, n - at);
        if (got < 0 && errno == EINTR)
            got = 0;
        else if (got < 0)
            return err_errno(err, "cannot read %s", path);
        else if (got == 0)
            return err_set(err, ERR_CONFIG, "%s changed while it was read",
                           path);
    }
    return 0;
}

static int open_plain(const char *path, struct err *err)
{
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

    if (fd >= 0)
        return fd;
    if (errno == ELOOP)
        return err_set(err, ERR_CONFIG,
                       "%s is a symbolic link: install the file itself",
                       path);
    if (errno == ENOENT)
        return err_set(err, ERR_CONFIG, "there is no %s", path);
    return err_errno(err, "cannot open %s", path);
}

int plugin_read(const char *path, char **bytes, size_t *n, struct err *err)
{
    int fd = open_plain(path, err), rc;
    struct stat st;
    char *p = NULL;

    if (fd < 0)
        return fd;
    rc = fstat(fd, &st) < 0 ? err_errno(err, "%s", path) : 0;
    if (rc == 0 && !S_ISREG(st.st_mode))
        rc = err_set(err, ERR_CONFIG, "%s is not a plain file", path);
    if (rc == 0)
        rc = check_mode(path, &st, "file", err);
    if (rc == 0 && (st.st_size <= 0 || st.st_size > PLUGIN_MAX_FILE))
        rc = err_set(err, ERR_CONFIG, "%s has %lld bytes, not 1 to %u", path,
                     (long long)st.st_size, PLUGIN_MAX_FILE);
    if (rc == 0) {
        p = malloc((size_t)st.st_size);
        rc = p ? read_whole(fd, path, p, (size_t)st.st_size, err)
               : err_set(err, ERR_NOMEM, "no memory for %s", path);
    }
    close(fd);
    if (rc < 0) {
        free(p);
        return rc;
    }
    *bytes = p;
    *n = (size_t)st.st_size;
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* The folder of quarantines: names of empty files. */
#include "app/quarantined.h"

#include "app/paths.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NAME_BYTES = 128 };

static bool folder_of(struct str state, char out[PATHS_MAX])
{
    return snprintf(out, PATHS_MAX, STR_FMT "/quarantine", STR_ARG(state)) <
           PATHS_MAX;
}

/* The folder, where it is ours alone; -1 with errno, or with 0: it is not. */
static int open_folder(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    struct stat st;

    if (fd < 0)
        return -1;
    if (fstat(fd, &st) == 0 && st.st_uid == geteuid() && !(st.st_mode & 077))
        return fd;
    close(fd);
    errno = 0;
    return -1;
}

static DIR *list_folder(struct str state)
{
    char path[PATHS_MAX];
    int fd = folder_of(state, path) ? open_folder(path) : -1;
    DIR *d = fd >= 0 ? fdopendir(fd) : NULL;

    if (fd >= 0 && !d)
        close(fd);
    return d;
}

/* So that the folder does not grow without an end. */
static void make_room(struct str state)
{
    DIR *d = list_folder(state);
    char oldest[NAME_BYTES] = "";
    struct dirent *e;
    struct stat st;
    time_t since = 0;
    size_t n = 0;

    while (d && (e = readdir(d))) {
        size_t len = strlen(e->d_name);

        if (e->d_name[0] == '.' || len >= sizeof oldest ||
            fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0)
            continue;
        n++;
        if (!*oldest || st.st_mtime < since) {
            memcpy(oldest, e->d_name, len + 1);
            since = st.st_mtime;
        }
    }
    if (n >= QUARANTINED_MAX)
        unlinkat(dirfd(d), oldest, 0);
    if (d)
        closedir(d);
}

int quarantined_note(struct str state, const char *name, const char *hash,
                     struct err *err)
{
    char path[PATHS_MAX], file[NAME_BYTES];
    int folder, fd;

    if (quarantined_has(state, name, str_of(hash)))
        return 0;
    if (!folder_of(state, path) ||
        snprintf(file, sizeof file, "%s.%s", name, hash) >= (int)sizeof file)
        return err_set(err, ERR_LIMIT, "the state folder's path is too long");
    if (mkdir(path, 0700) != 0 && errno != EEXIST)
        return err_errno(err, "cannot make the folder %s", path);
    make_room(state);
    folder = open_folder(path);
    if (folder < 0)
        return errno ? err_errno(err, "%s", path)
                     : err_set(err, ERR_IO, "%s must be a folder of uid %u, "
                               "with mode 0700", path, (unsigned)geteuid());
    fd = openat(folder, file, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC,
                0600);
    if (fd < 0)
        err_errno(err, "cannot write to %s", path);
    else
        close(fd);
    close(folder);
    return fd < 0 ? -err->code : 0;
}

bool quarantined_has(struct str state, const char *name, struct str hash)
{
    char path[PATHS_MAX], file[NAME_BYTES];
    int folder = folder_of(state, path) ? open_folder(path) : -1;
    struct stat st;
    bool has;

    if (folder < 0)
        return false;
    has = snprintf(file, sizeof file, "%s." STR_FMT, name, STR_ARG(hash)) <
              (int)sizeof file &&
          fstatat(folder, file, &st, AT_SYMLINK_NOFOLLOW) == 0;
    close(folder);
    return has;
}

static bool is_of(const char *file, struct str name)
{
    const char *dot = strrchr(file, '.');

    return dot && str_eq(name, (struct str){ file, (size_t)(dot - file) });
}

int quarantined_forget(struct str state, struct str name, size_t *n,
                       struct err *err)
{
    DIR *d = list_folder(state);
    struct dirent *e;
    int rc = 0;

    *n = 0;
    while (d && !rc && (e = readdir(d))) {
        if (!is_of(e->d_name, name))
            continue;
        if (unlinkat(dirfd(d), e->d_name, 0) == 0)
            ++*n;
        else if (errno != ENOENT)
            rc = err_errno(err, "it stays quarantined: cannot remove " STR_FMT
                           "/quarantine/%s", STR_ARG(state), e->d_name);
    }
    if (d)
        closedir(d);
    return rc;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Leftovers in /tmp, which is everybody's: each is opened, then looked at. */
#include "cli/tidy_old.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { AGE_S = 3600, NAMES_MAX = 4096, GONE_MAX = 32, FILES_MAX = 16 };

int tidy_folder(const char *kind, char *path, size_t size, struct err *err)
{
    snprintf(path, size, "/tmp/penstock-%s-%d-XXXXXX", kind, (int)getpid());
    if (mkdtemp(path))
        return 0;
    *path = '\0';
    return err_errno(err, "no folder in /tmp");
}

static bool is_left(const char *name)
{
    static const char *const kinds[] = { "penstock-install-",
                                         "penstock-plugin-" };
    char *end;
    long pid;

    for (size_t i = 0; i < 2; i++) {
        size_t n = strlen(kinds[i]);

        if (strncmp(name, kinds[i], n) != 0)
            continue;
        pid = strtol(name + n, &end, 10);
        return *end != '-' || pid <= 0 || /* an earlier build's has none */
               (kill((pid_t)pid, 0) != 0 && errno == ESRCH);
    }
    return false;
}

/** A folder of ours that is old enough: opened, or NULL. */
static DIR *open_old(int at, const char *name, time_t age)
{
    int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    struct stat st;
    DIR *d = NULL;

    if (fd >= 0 && fstat(fd, &st) == 0 && st.st_uid == geteuid() &&
        st.st_mtime <= time(NULL) - age)
        d = fdopendir(fd);
    if (!d && fd >= 0)
        close(fd);
    return d;
}

/** Its files, and one folder's files below it: more is not in ours. */
static void empty(DIR *d, int depth)
{
    struct dirent *e;

    for (int n = 0; n < FILES_MAX && (e = readdir(d)); n++) {
        DIR *in = depth && e->d_name[0] != '.'
                      ? open_old(dirfd(d), e->d_name, 0) : NULL;

        if (in) {
            empty(in, 0);
            closedir(in);
        }
        unlinkat(dirfd(d), e->d_name, in ? AT_REMOVEDIR : 0);
    }
}

void tidy_old(void)
{
    DIR *tmp = opendir("/tmp"), *d;
    struct dirent *e;

    for (int n = 0, gone = 0; tmp && n < NAMES_MAX && gone < GONE_MAX &&
                              (e = readdir(tmp)); n++) {
        d = is_left(e->d_name) ? open_old(dirfd(tmp), e->d_name, AGE_S) : NULL;
        if (!d)
            continue;
        empty(d, 1);
        closedir(d);
        gone += unlinkat(dirfd(tmp), e->d_name, AT_REMOVEDIR) == 0;
    }
    if (tmp)
        closedir(tmp);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
#include "keeper/issuers_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* A file alone: a pipe or a terminal would be waited for. */
static const char *read_all(int fd, struct buf *out)
{
    struct stat st;
    char part[4096];
    ssize_t n;

    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
        return "jwks_file is not a file";
    while ((n = read(fd, part, sizeof part)) > 0) {
        if (buf_put(out, (struct str){ part, (size_t)n }) != 0)
            return "jwks_file is too large";
    }
    return n < 0 ? "jwks_file cannot be read" : NULL;
}

const char *issuers_file(const char *path, struct buf *out)
{
    static char text[96];
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    const char *why;

    if (fd < 0) {
        snprintf(text, sizeof text, "jwks_file: %s", strerror(errno));
        return text;
    }
    why = read_all(fd, out);
    close(fd);
    return why;
}

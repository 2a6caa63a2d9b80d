/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Opened without waiting, so that a device or a folder is refused, not
 * waited for. */
#include "base/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PIECE = 16384 };

/* 1 = there may be more, 0 = the end, -ERR_x. */
static int read_piece(int fd, const char *path, struct buf *out,
                      struct err *err)
{
    char *room = buf_reserve(out, PIECE);
    ssize_t n;

    if (!room)
        return err_set(err, ERR_LIMIT, "%s is larger than %zu MiB", path,
                       out->max >> 20);
    n = read(fd, room, PIECE);
    if (n < 0)
        return err_errno(err, "%s", path);
    buf_commit(out, (size_t)n);
    return n > 0;
}

int file_read(const char *path, struct buf *out, struct err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat st;
    int rc = 1;

    if (fd < 0)
        return err_errno(err, "%s", path);
    if (fstat(fd, &st) == 0 && !S_ISREG(st.st_mode) && !S_ISFIFO(st.st_mode))
        rc = err_set(err, ERR_CONFIG, "%s is not a file", path);
    fcntl(fd, F_SETFL, 0);
    while (rc > 0)
        rc = read_piece(fd, path, out, err);
    close(fd);
    return rc;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Making snapshots: sections go straight into the memfd, the rows behind
 * them at the end, the head last. */
#include "base/buf.h"
#include "base/map.h"
#include "base/snapshot_layout.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

struct snapshot_builder {
    struct snapshot_head head;
    struct map *names;
    struct buf rows;
    uint64_t at; /* where the next section starts */
    int fd;
};

struct snapshot_builder *snapshot_builder_new(const char *kind,
                                              uint64_t generation,
                                              struct err *err)
{
    struct snapshot_builder *b;

    if (strlen(kind) > SNAPSHOT_KIND_MAX) {
        err_set(err, ERR_LIMIT, "\"%s\" is too long for a kind", kind);
        return NULL;
    }
    b = calloc(1, sizeof *b);
    if (b)
        b->names = map_new(SNAPSHOT_SECTIONS_MAX);
    if (!b || !b->names) {
        free(b);
        err_set(err, ERR_NOMEM, "out of memory");
        return NULL;
    }
    b->fd = memfd_create("penstock-snapshot", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (b->fd < 0) {
        err_errno(err, "memfd_create");
        snapshot_builder_free(b);
        return NULL;
    }
    memcpy(b->head.magic, SNAPSHOT_MAGIC, sizeof b->head.magic);
    memcpy(b->head.kind, kind, strlen(kind));
    b->head.generation = generation;
    b->head.row_size = sizeof(struct snapshot_row);
    b->at = sizeof b->head;
    buf_init(&b->rows,
             SNAPSHOT_SECTIONS_MAX * sizeof(struct snapshot_row));
    return b;
}

void snapshot_builder_free(struct snapshot_builder *b)
{
    if (!b)
        return;
    if (b->fd >= 0)
        close(b->fd);
    map_free(b->names);
    buf_clear(&b->rows);
    free(b);
}

static int put_at(int fd, struct str s, uint64_t at, struct err *err)
{
    while (s.n) {
        ssize_t n = pwrite(fd, s.p, s.n, (off_t)at);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return err_errno(err, "writing a snapshot");
        s.p += n;
        s.n -= (size_t)n;
        at += (uint64_t)n;
    }
    return 0;
}

static int take_name(struct snapshot_builder *b, struct str name,
                     struct err *err)
{
    int rc;

    if (name.n > SNAPSHOT_NAME_MAX || (name.n && memchr(name.p, 0, name.n)))
        return err_set(err, ERR_LIMIT,
                       "\"" STR_FMT "\" cannot be a section's name",
                       STR_ARG(name));
    if (map_get(b->names, name))
        return err_set(err, ERR_EXISTS,
                       "section \"" STR_FMT "\" is there twice",
                       STR_ARG(name));
    rc = map_set(b->names, name, b);
    if (rc)
        return err_set(err, -rc, "section \"" STR_FMT "\" is one too many",
                       STR_ARG(name));
    return 0;
}

int snapshot_builder_add(struct snapshot_builder *b, struct str name,
                         struct str bytes, struct err *err)
{
    struct snapshot_row row = { .offset = b->at, .size = bytes.n };
    int rc = take_name(b, name, err);

    if (rc)
        return rc;
    if (bytes.n > SNAPSHOT_BYTES_MAX - b->at)
        return err_set(err, ERR_LIMIT, "the snapshot is too large");
    if (name.n)
        memcpy(row.name, name.p, name.n);
    if (buf_put(&b->rows, (struct str){ (const char *)&row, sizeof row }))
        return err_set(err, ERR_NOMEM, "out of memory");
    rc = put_at(b->fd, bytes, b->at, err);
    if (rc)
        return rc;
    b->at += (bytes.n + SNAPSHOT_ALIGN - 1) / SNAPSHOT_ALIGN * SNAPSHOT_ALIGN;
    b->head.rows++;
    return 0;
}

int snapshot_builder_seal(struct snapshot_builder *b, struct err *err)
{
    struct str head = { (const char *)&b->head, sizeof b->head };
    int rc, fd;

    b->head.rows_at = b->at;
    b->head.size = b->at + buf_len(&b->rows);
    if (b->head.size > SNAPSHOT_BYTES_MAX)
        return err_set(err, ERR_LIMIT, "the snapshot is too large");
    if (ftruncate(b->fd, (off_t)b->head.size))
        return err_errno(err, "ftruncate");
    rc = put_at(b->fd, buf_str(&b->rows), b->at, err);
    if (!rc)
        rc = put_at(b->fd, head, 0, err);
    if (rc)
        return rc;
    if (fcntl(b->fd, F_ADD_SEALS, SNAPSHOT_SEALS))
        return err_errno(err, "sealing a snapshot");
    fd = b->fd;
    b->fd = -1;
    return fd;
}

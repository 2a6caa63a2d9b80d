/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Reading snapshots: all checks at the opening, none after it. */
#include "base/snapshot.h"

#include "base/map.h"
#include "base/snapshot_layout.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>

struct snapshot {
    const char *base;
    const struct snapshot_head *head;
    const struct snapshot_row *rows;
    struct map *by_name;
    unsigned refs;
};

static int bad(struct err *err, const char *what)
{
    return err_set(err, ERR_SYNTAX, "not a snapshot: %s", what);
}

static int check_row(const struct snapshot *s, const struct snapshot_row *row,
                     struct err *err)
{
    if (row->offset % SNAPSHOT_ALIGN || row->size > s->head->rows_at ||
        row->offset > s->head->rows_at - row->size)
        return bad(err, "a section lies outside");
    if (!memchr(row->name, '\0', sizeof row->name))
        return bad(err, "a section's name has no end");
    if (map_get(s->by_name, str_of(row->name)))
        return bad(err, "two sections have one name");
    /* A row is never changed: the map's values are not const, ours are. */
    if (map_set(s->by_name, str_of(row->name), (void *)(uintptr_t)row))
        return err_set(err, ERR_NOMEM, "out of memory");
    return 0;
}

static int check_head(const struct snapshot_head *h, uint64_t size,
                      struct err *err)
{
    if (memcmp(h->magic, SNAPSHOT_MAGIC, sizeof h->magic) ||
        h->row_size != sizeof(struct snapshot_row))
        return bad(err, "it has another form");
    if (!memchr(h->kind, '\0', sizeof h->kind) || h->size != size)
        return bad(err, "its head is wrong");
    if (h->rows > SNAPSHOT_SECTIONS_MAX || h->rows_at % SNAPSHOT_ALIGN ||
        h->rows_at > size || h->rows_at < sizeof *h ||
        (size - h->rows_at) / sizeof(struct snapshot_row) < h->rows)
        return bad(err, "its sections lie outside");
    return 0;
}

static int check(struct snapshot *s, uint64_t size, struct err *err)
{
    int rc = check_head(s->head, size, err);

    if (rc)
        return rc;
    s->rows = (const void *)(s->base + s->head->rows_at);
    s->by_name = map_new(s->head->rows);
    if (!s->by_name)
        return err_set(err, ERR_NOMEM, "out of memory");
    for (uint32_t i = 0; !rc && i < s->head->rows; i++)
        rc = check_row(s, &s->rows[i], err);
    return rc;
}

/* Sealed and of a size that can be a snapshot's? */
static int check_file(int fd, uint64_t *size, struct err *err)
{
    int seals = fcntl(fd, F_GET_SEALS);
    struct stat st;

    if (seals < 0 || (seals & SNAPSHOT_SEALS) != SNAPSHOT_SEALS)
        return bad(err, "it is not sealed");
    if (fstat(fd, &st))
        return err_errno(err, "fstat");
    if (st.st_size < (off_t)sizeof(struct snapshot_head) ||
        (uint64_t)st.st_size > SNAPSHOT_BYTES_MAX)
        return bad(err, "its size is wrong");
    *size = (uint64_t)st.st_size;
    return 0;
}

struct snapshot *snapshot_open(int fd, struct err *err)
{
    struct snapshot *s;
    uint64_t size = 0;
    void *base;

    if (check_file(fd, &size, err))
        return NULL;
    /* Private: before Linux 6.7 a write-sealed file has no shared mappings. */
    base = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (base == MAP_FAILED) {
        err_errno(err, "mmap");
        return NULL;
    }
    s = calloc(1, sizeof *s);
    if (!s) {
        munmap(base, size);
        err_set(err, ERR_NOMEM, "out of memory");
        return NULL;
    }
    s->base = base;
    s->head = base;
    s->refs = 1;
    if (check(s, size, err)) {
        munmap(base, size);
        map_free(s->by_name);
        free(s);
        return NULL;
    }
    return s;
}

struct snapshot *snapshot_ref(struct snapshot *s)
{
    if (s)
        s->refs++;
    return s;
}

void snapshot_unref(struct snapshot *s)
{
    if (!s || --s->refs)
        return;
    munmap((void *)(uintptr_t)s->base, s->head->size);
    map_free(s->by_name);
    free(s);
}

const char *snapshot_kind(const struct snapshot *s)
{
    return s->head->kind;
}

uint64_t snapshot_generation(const struct snapshot *s)
{
    return s->head->generation;
}

static struct str bytes_of(const struct snapshot *s,
                           const struct snapshot_row *row)
{
    return (struct str){ s->base + row->offset, row->size };
}

struct str snapshot_section(const struct snapshot *s, struct str name)
{
    const struct snapshot_row *row = map_get(s->by_name, name);

    return row ? bytes_of(s, row) : STR_NULL;
}

bool snapshot_next(const struct snapshot *s, size_t *at, struct str *name,
                   struct str *bytes)
{
    if (*at >= s->head->rows)
        return false;
    *name = str_of(s->rows[*at].name);
    *bytes = bytes_of(s, &s->rows[*at]);
    ++*at;
    return true;
}

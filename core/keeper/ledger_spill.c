/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Spill files. Their names are times, so that the oldest is read first. */
#include "keeper/ledger_spill.h"

#include "base/clock.h"
#include "base/crc32.h"
#include "engine/ledger.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_BYTES = 1024, NAME_BYTES = 64 };

struct ledger_spill {
    char folder[PATH_BYTES - NAME_BYTES], name[NAME_BYTES]; /* "" = none */
    int fd;
    uint64_t max;
};

struct ledger_spill *ledger_spill_new(const char *folder, uint64_t max,
                                      struct err *err)
{
    struct ledger_spill *s = calloc(1, sizeof *s);

    if (!s) {
        err_set(err, ERR_NOMEM, "no memory");
        return NULL;
    }
    s->fd = -1;
    s->max = max;
    if ((size_t)snprintf(s->folder, sizeof s->folder, "%s", folder) <
        sizeof s->folder)
        return s;
    err_set(err, ERR_LIMIT, "the state folder's path is too long");
    free(s);
    return NULL;
}

void ledger_spill_close(struct ledger_spill *s)
{
    if (s->fd >= 0)
        close(s->fd);
    s->fd = -1;
    s->name[0] = '\0';
}

void ledger_spill_free(struct ledger_spill *s)
{
    if (!s)
        return;
    ledger_spill_close(s);
    free(s);
}

/* All files' bytes, and the first by name that is not ours. */
static uint64_t look(const struct ledger_spill *s, char *first)
{
    DIR *d = opendir(s->folder);
    struct dirent *e;
    uint64_t bytes = 0;
    struct stat st;

    *first = '\0';
    while (d && (e = readdir(d)) != NULL) {
        if (strncmp(e->d_name, "spill-", 6) != 0 ||
            strlen(e->d_name) >= NAME_BYTES)
            continue;
        if (fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0)
            bytes += (uint64_t)st.st_size;
        if (strcmp(e->d_name, s->name) != 0 &&
            (!*first || strcmp(e->d_name, first) < 0))
            snprintf(first, NAME_BYTES, "%.*s", NAME_BYTES - 1, e->d_name);
    }
    if (d)
        closedir(d);
    return bytes;
}

static int open_file(struct ledger_spill *s, struct err *err)
{
    char path[PATH_BYTES];

    if (s->fd >= 0)
        return 0;
    snprintf(s->name, sizeof s->name, "spill-%016llx%016llx",
             (unsigned long long)clock_wall_ms(),
             (unsigned long long)clock_mono_ns());
    snprintf(path, sizeof path, "%s/%s", s->folder, s->name);
    s->fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_EXCL | O_CLOEXEC,
                 0600);
    return s->fd < 0 ? err_errno(err, "%s", path) : 0;
}

static int frame(struct str records, struct buf *out)
{
    int rc = 0;

    for (size_t at = 0; at < records.n && !rc;) {
        struct str r = { records.p + at, 0 };
        uint32_t n, crc;

        memcpy(&n, r.p, sizeof n);
        r.n = n;
        crc = crc32_of(0, r);
        rc = buf_put(out, (struct str){ (const char *)&crc, sizeof crc });
        rc = rc ? rc : buf_put(out, r);
        at += n;
    }
    return rc;
}

int ledger_spill_put(struct ledger_spill *s, struct str records,
                     struct err *err)
{
    struct buf b = BUF_INIT(2 * records.n + 64);
    char first[NAME_BYTES];
    int rc = frame(records, &b);

    if (rc)
        err_set(err, ERR_NOMEM, "no memory");
    else if (look(s, first) + b.n > s->max)
        rc = err_set(err, ERR_LIMIT, "the spill files are full (ledger.spill "
                     "is %llu bytes)", (unsigned long long)s->max);
    else
        rc = open_file(s, err);
    if (!rc && write(s->fd, buf_str(&b).p, b.n) != (ssize_t)b.n) {
        rc = err_errno(err, "%s/%s", s->folder, s->name);
        ledger_spill_close(s); /* its end may be torn: never append there */
    }
    buf_clear(&b);
    return rc;
}

bool ledger_spill_next(struct ledger_spill *s, char *path, size_t size)
{
    char first[NAME_BYTES];

    look(s, first);
    return *first && (size_t)snprintf(path, size, "%s/%s", s->folder, first) <
                         size;
}

/* The bytes of whole, right records at the head of `b`. */
static size_t unframe(struct str b, size_t max, struct buf *out, int *rc)
{
    size_t at = 0;

    while (b.n - at >= 8 && !*rc) {
        struct str r = { b.p + at + 4, 0 };
        uint32_t crc, n;

        memcpy(&crc, b.p + at, sizeof crc);
        memcpy(&n, r.p, sizeof n);
        r.n = n;
        if (n < 8 || n > LEDGER_RECORD_MAX || n > b.n - at - 4 ||
            out->n + n > max || crc32_of(0, r) != crc)
            break;
        *rc = buf_put(out, r);
        at += 4 + n;
    }
    return at;
}

int ledger_spill_read(const char *path, uint64_t *at, size_t max,
                      struct buf *out, struct err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW), rc = 0;
    char *room = malloc(max);
    ssize_t n = -1;

    if (fd >= 0 && room)
        n = pread(fd, room, max, (off_t)*at);
    if (n < 0)
        rc = err_errno(err, "%s", path);
    else
        *at += unframe((struct str){ room, (size_t)n }, max, out, &rc);
    if (fd >= 0)
        close(fd);
    free(room);
    return rc;
}

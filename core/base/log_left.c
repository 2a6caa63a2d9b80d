/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * The lines that a dead process had gathered and not written. It may have
 * died after the write and before it said so: then they are at the end of the
 * file, among those of its neighbours, and the first of them is looked for.
 */
#include "base/log.h"
#include "base/log_impl.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TAIL_BYTES = 1 << 20 };

/* Whole lines alone: who wrote them went wrong. */
static struct str lines_of(const struct log_gathered *g)
{
    struct str s = { g->text, atomic_load(&g->n) };

    if (s.n > LOG_GATHER_BYTES)
        s.n = LOG_GATHER_BYTES;
    while (s.n && s.p[s.n - 1] != '\n')
        s.n--;
    return s;
}

bool log_left_has(const struct log_gathered *g, struct str text)
{
    return text.n && str_find(lines_of(g), text) >= 0;
}

static bool in_tail(int fd, struct str line)
{
    char *tail = malloc(TAIL_BYTES);
    struct stat st;
    ssize_t n = 0;
    bool found;

    if (tail && fstat(fd, &st) == 0)
        n = pread(fd, tail, TAIL_BYTES,
                  st.st_size > TAIL_BYTES ? st.st_size - TAIL_BYTES : 0);
    found = n > 0 && str_find((struct str){ tail, (size_t)n }, line) >= 0;
    free(tail);
    return found;
}

static bool is_written(struct str lines)
{
    const char *path = log_path();
    struct str first = { lines.p, 0 };
    int fd = path ? open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC) : -1;
    bool found;

    if (fd < 0)
        return false;
    while (first.n < lines.n && lines.p[first.n] != '\n')
        first.n++;
    found = in_tail(fd, first);
    close(fd);
    return found;
}

void log_left_write(struct log_gathered *g)
{
    struct str lines = lines_of(g);

    if (lines.n && !is_written(lines))
        log_write_lines(lines);
    atomic_store(&g->n, 0);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * One line, one system call, never a wait; for a regular file access lines may
 * be gathered for a turn of the loop (log_gather). A pipe or terminal is
 * opened anew without blocking (its own description: the shell's stays as it
 * was), a socket (journald) is sent to without waiting; where neither can be
 * done, the descriptor is asked first. What does not go out is counted.
 */
#include "base/log.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/log_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <math.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define LINE_MAX_BYTES 16384
#define FIELD_MAX_BYTES 4096
#define STAMP_BYTES 25

enum how { HOW_FILE, HOW_WRITE, HOW_SEND, HOW_ASK_FIRST };

/* The logger is the one global. */
static struct {
    char *path; /* NULL: stderr */
    int fd;
    enum how how;
    enum log_format format;
    enum log_level level;
    char process[32];
    atomic_bool torn; /* the last line went out in part */
    atomic_uint_fast64_t lost;
    struct log_gathered *gathered; /* NULL until it is needed */
} state = { .fd = STDERR_FILENO, .how = HOW_ASK_FIRST, .level = LOG_INFO };

static const struct {
    const char *name;
    enum log_level level;
} events[] = {
#define EVENT_ROW(id, name, level, text) [EV_##id] = { name, level },
#include "base/events.def"
#undef EVENT_ROW
};

static const char *const level_names[] = { "error", "warn", "info", "debug" };

/* ---- where lines go ---------------------------------------------------- */

static enum how how_of(int fd)
{
    int flags = fcntl(fd, F_GETFL);
    struct stat st;

    if (fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode))
        return HOW_SEND;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
        return HOW_FILE;
    return flags >= 0 && flags & O_NONBLOCK ? HOW_WRITE : HOW_ASK_FIRST;
}

/* Standard error, without blocking if it can be had; else as it is. */
static int open_stderr(void)
{
    struct stat st;
    int fd = -1;

    if (fstat(STDERR_FILENO, &st) == 0 && !S_ISREG(st.st_mode) &&
        !S_ISSOCK(st.st_mode))
        fd = open("/proc/self/fd/2",
                  O_WRONLY | O_APPEND | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    return fd < 0 ? STDERR_FILENO : fd;
}

static int open_file(const char *path)
{
    return open(path,
                O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK | O_NOCTTY |
                    O_CLOEXEC,
                0640);
}

static void use_fd(int fd)
{
    log_flush();
    if (state.fd != STDERR_FILENO && state.fd != fd)
        close(state.fd);
    state.fd = fd;
    state.how = how_of(fd);
}

int log_open(const char *path, enum log_format format, enum log_level level)
{
    bool to_stderr = strcmp(path, "stderr") == 0;
    char *copy = to_stderr ? NULL : str_dup(str_of(path));
    int fd;

    if (!to_stderr && !copy)
        return -1;
    fd = to_stderr ? open_stderr() : open_file(copy);
    if (fd < 0) {
        free(copy);
        return -1;
    }
    use_fd(fd);
    free(state.path);
    state.path = copy;
    state.format = format;
    state.level = level;
    return 0;
}

int log_reopen(void)
{
    int fd;

    if (!state.path)
        return 0;
    fd = open_file(state.path);
    if (fd < 0)
        return -1; /* the old file stays in use */
    use_fd(fd);
    return 0;
}

void log_process(const char *process)
{
    snprintf(state.process, sizeof state.process, "%s", process);
}

const char *log_path(void)
{
    return state.path;
}

uint64_t log_lost(void)
{
    return atomic_load(&state.lost);
}

static ssize_t put(struct iovec *iov, size_t n)
{
    struct msghdr msg = { .msg_iov = iov, .msg_iovlen = n };
    struct pollfd p = { .fd = state.fd, .events = POLLOUT };
    size_t size = 0;

    switch (state.how) {
    case HOW_SEND:
        return sendmsg(state.fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
    case HOW_ASK_FIRST:
        for (size_t i = 0; i < n; i++)
            size += iov[i].iov_len;
        if (size > PIPE_BUF || poll(&p, 1, 0) != 1 || p.revents != POLLOUT)
            return -1; /* more than PIPE_BUF may wait all the same */
        break;
    case HOW_FILE:
    case HOW_WRITE:
        break;
    }
    return writev(state.fd, iov, (int)n);
}

static void write_line(struct str line)
{
    char newline = '\n';
    struct iovec iov[3] = { { &newline, 1 },
                            { (void *)(uintptr_t)line.p, line.n },
                            { &newline, 1 } };
    size_t skip = atomic_exchange(&state.torn, false) ? 0 : 1;
    size_t whole = (skip ? 0 : 1) + line.n + 1;
    ssize_t n;

    do
        n = put(iov + skip, 3 - skip);
    while (n < 0 && errno == EINTR && state.how != HOW_ASK_FIRST);
    if (n == (ssize_t)whole)
        return;
    atomic_fetch_add(&state.lost, 1);
    if (n > 0 || !skip)
        atomic_store(&state.torn, true);
}

/* Not written: the lines of `all` behind byte `done`. */
static void lose_rest(struct str all, size_t done)
{
    for (size_t i = done; i < all.n; i++) {
        if (all.p[i] == '\n')
            atomic_fetch_add(&state.lost, 1);
    }
    if (done && all.p[done - 1] != '\n')
        atomic_store(&state.torn, true);
}

void log_write_lines(struct str all)
{
    struct iovec iov[2] = { { (void *)(uintptr_t) "\n", 1 },
                            { (void *)(uintptr_t)all.p, all.n } };
    size_t skip = atomic_exchange(&state.torn, false) ? 0 : 1;
    ssize_t sent;

    do
        sent = put(iov + skip, 2 - skip);
    while (sent < 0 && errno == EINTR);
    if (sent <= 0 && !skip)
        atomic_store(&state.torn, true);
    sent -= sent > 0 && !skip;
    if (sent < (ssize_t)all.n)
        lose_rest(all, sent > 0 ? (size_t)sent : 0);
}

void log_flush(void)
{
    struct log_gathered *g = state.gathered;
    uint32_t n = g ? atomic_load(&g->n) : 0;

    if (n == 0)
        return;
    log_write_lines((struct str){ g->text, n });
    atomic_store(&g->n, 0);
}

void log_line(struct str line)
{
    log_flush(); /* lines keep their order */
    write_line(line);
}

void log_gather_in(struct log_gathered *g)
{
    log_flush();
    state.gathered = g;
}

bool log_gather(struct str line)
{
    struct log_gathered *g = state.gathered;
    uint32_t n;

    if (state.how == HOW_FILE && !g)
        g = state.gathered = calloc(1, sizeof *g);
    if (state.how != HOW_FILE || !g || line.n >= LOG_GATHER_BYTES) {
        log_line(line);
        return false;
    }
    if (line.n + 1 > LOG_GATHER_BYTES - atomic_load(&g->n))
        log_flush();
    n = atomic_load(&g->n);
    memcpy(g->text + n, line.p, line.n);
    g->text[n + line.n] = '\n';
    atomic_store(&g->n, n + (uint32_t)line.n + 1);
    return true;
}

/* ---- what is in a line ------------------------------------------------- */

static void put_stamp(struct buf *b)
{
    uint64_t ms = clock_wall_ms();
    time_t t = (time_t)(ms / 1000);
    char text[STAMP_BYTES];
    struct tm tm;

    gmtime_r(&t, &tm);
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &tm);
    buf_printf(b, "%s.%03uZ", text, (unsigned)(ms % 1000));
}

static bool is_bare(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
              (c >= '0' && c <= '9') || (c && strchr("._:/@+-", c))))
            return false;
    }
    return s.n > 0;
}

static int put_str(struct buf *b, struct str s)
{
    if (s.n > FIELD_MAX_BYTES) {
        s.n = FIELD_MAX_BYTES;
        while (s.n && (s.p[s.n - 1] & 0xC0) == 0x80)
            s.n--;
        if (s.n && s.p[s.n - 1] & 0x80)
            s.n--;
    }
    if (state.format == LOG_TEXT && is_bare(s))
        return buf_put(b, s);
    return buf_json_str(b, s);
}

static int put_value(struct buf *b, const struct log_field *f)
{
    switch (f->type) {
    case LOG_T_STR:
        return f->s.p || state.format == LOG_TEXT ? put_str(b, f->s)
                                                  : buf_puts(b, "null");
    case LOG_T_INT:
        return buf_printf(b, "%lld", (long long)f->i);
    case LOG_T_REAL:
        return isfinite(f->d) ? buf_printf(b, "%.9g", f->d)
                              : buf_puts(b, "null");
    case LOG_T_RAW:
        return buf_put(b, f->s);
    }
    return 0;
}

/* A field that does not fit is left out whole. */
static void put_field(struct buf *b, const struct log_field *f)
{
    bool json = state.format == LOG_JSON;
    size_t before = b->n;
    int rc = buf_printf(b, json ? ",\"%s\":" : " %s=", f->key);

    if (rc == 0)
        rc = put_value(b, f);
    if (rc)
        b->n = before;
}

static void put_head(struct buf *b, enum log_id id)
{
    const char *level = level_names[events[id].level];

    if (state.format == LOG_TEXT) {
        put_stamp(b);
        buf_printf(b, " %-5s %s", level, events[id].name);
        if (state.process[0])
            buf_printf(b, " [%s]", state.process);
        return;
    }
    buf_puts(b, "{\"time\":\"");
    put_stamp(b);
    buf_printf(b, "\",\"level\":\"%s\",\"event\":\"%s\"", level,
               events[id].name);
    if (state.process[0]) {
        buf_puts(b, ",\"process\":");
        buf_json_str(b, str_of(state.process));
    }
}

void log_fields(enum log_id id, const struct log_field *fields)
{
    struct buf b = BUF_INIT(LINE_MAX_BYTES);

    if (id >= EV_COUNT || events[id].level > state.level)
        return;
    put_head(&b, id);
    for (; fields->key; fields++)
        put_field(&b, fields);
    if (state.format == LOG_JSON) {
        b.max++; /* room for the brace was not the fields' to take */
        buf_putc(&b, '}');
    }
    if (buf_len(&b))
        log_line(buf_str(&b));
    buf_clear(&b);
}

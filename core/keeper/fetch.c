/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* The run: from source to source, from step to step. */
#include "keeper/fetch.h"

#include "base/clock.h"
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- the outside ------------------------------------------------------- */

static const char *real_env(void *ud, const char *name)
{
    (void)ud;
    return getenv(name);
}

/* A file alone: a pipe or a terminal would be waited for. */
static int real_read(void *ud, const char *path, struct buf *out)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), rc = 0;
    struct stat st;
    char part[4096];
    ssize_t n = 1;

    (void)ud;
    if (fd < 0)
        return errno == ENOENT || errno == ENOTDIR ? -ERR_NOT_FOUND : -ERR_IO;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
        rc = -ERR_IO;
    while (!rc && (n = read(fd, part, sizeof part)) > 0)
        rc = buf_put(out, (struct str){ part, (size_t)n });
    explicit_bzero(part, sizeof part);
    close(fd);
    return rc || n < 0 ? -ERR_IO : 0;
}

static bool write_all(int fd, struct str text)
{
    while (text.n) {
        ssize_t k = write(fd, text.p, text.n);

        if (k < 0 && errno == EINTR)
            continue;
        if (k <= 0)
            return false;
        text.p += k;
        text.n -= (size_t)k;
    }
    return fsync(fd) == 0;
}

/* Into another file first, so that what is there is whole at any time; a new
 * one, since one that was left may be read by others. */
static int real_write(void *ud, const char *path, struct str text)
{
    char tmp[1100];
    int n = snprintf(tmp, sizeof tmp, "%s.penstock", path), fd;
    bool whole;

    (void)ud;
    if (n < 0 || (size_t)n >= sizeof tmp)
        return -ERR_IO;
    unlink(tmp);
    fd = open(tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
              0600);
    if (fd < 0)
        return -ERR_IO;
    whole = write_all(fd, text);
    if (close(fd) == 0 && whole && rename(tmp, path) == 0)
        return 0;
    unlink(tmp);
    return -ERR_IO;
}

static uint64_t real_wall_ms(void *ud)
{
    (void)ud;
    return clock_wall_ms();
}

const struct fetch_world *fetch_world(void)
{
    static const struct fetch_world real = {
        real_env, real_read, real_write, real_wall_ms, NULL };

    return &real;
}

/* ---- the run ----------------------------------------------------------- */

static const struct fetch_source *const tables[FETCH_KINDS] = {
    [FETCH_GOOGLE] = fetch_google,
    [FETCH_AWS] = fetch_aws,
    [FETCH_ENTRA] = fetch_entra,
    [FETCH_EXCHANGE] = fetch_exchange,
};

void fetch_init(struct fetch_run *r, const struct conf_fetch *conf,
                const struct fetch_world *world)
{
    *r = (struct fetch_run){ .conf = conf, .world = world };
    buf_init(&r->url, 4096);
    buf_init(&r->body, FETCH_TEXT_MAX);
    buf_init(&r->memo, FETCH_TEXT_MAX);
    buf_init(&r->chain, FETCH_TEXT_MAX);
    buf_init(&r->words, FETCH_PROGRAM_TEXT);
    buf_init(&r->settings, FETCH_PROGRAM_TEXT);
    buf_init(&r->secret, FETCH_SECRET_MAX);
    for (size_t i = 0; i < FETCH_FIELDS; i++)
        buf_init(&r->fields[i].value, FETCH_SECRET_MAX);
}

static void reset(struct fetch_run *r)
{
    secret_wipe(&r->url);
    secret_wipe(&r->body);
    for (size_t i = 0; i < FETCH_FIELDS; i++)
        secret_wipe(&r->fields[i].value);
    r->n_fields = 0;
}

void fetch_clear(struct fetch_run *r)
{
    reset(r);
    secret_wipe(&r->memo);
    secret_wipe(&r->chain);
    secret_wipe(&r->words);
    secret_wipe(&r->settings);
    secret_wipe(&r->secret);
}

/* The first from here on that is there. */
static enum fetch_next look(struct fetch_run *r)
{
    enum fetch_next next = FETCH_ABSENT;

    for (; r->source->name && next == FETCH_ABSENT; r->source++) {
        r->step = 0;
        next = r->source->begin(r);
        if (next != FETCH_ABSENT)
            return next;
        if (r->only)
            return fetch_fail(r, "%s: it is not set up here",
                              r->source->name);
    }
    return fetch_fail(r, "none of its sources is there; the guide, "
                      "\"Credentials of clouds\", lists them");
}

enum fetch_next fetch_begin(struct fetch_run *r)
{
    fetch_clear(r);
    *r->why = '\0';
    r->near = r->look_again = false;
    r->ends_ms = r->exchange = 0;
    r->source = tables[r->conf->kind];
    r->only = !str_is(r->conf->source, "default");
    while (r->only && r->source->name &&
           !str_is(r->conf->source, r->source->name))
        r->source++;
    return look(r);
}

enum fetch_next fetch_answer(struct fetch_run *r, int status, struct str body)
{
    r->step++;
    return r->source->answer(r, status, body);
}

enum fetch_next fetch_no_answer(struct fetch_run *r, const char *why)
{
    char text[FETCH_WHY];

    snprintf(text, sizeof text, "%s", why);
    if (!r->near || r->step || r->only)
        return fetch_fail(r, "%s: no answer: %s", r->source->name, text);
    r->source++;
    if (r->source->name)
        return look(r);
    r->source--;
    return fetch_fail(r, "%s: no answer: %s (and none of the other sources "
                      "is there)", r->source->name, text);
}

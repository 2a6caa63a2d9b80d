/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* What was given, by name; and the sockets of the service manager. */
#include "app/given.h"

#include "base/log.h"
#include "net/listen.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { FIRST_FD = 3, ACTIVATED_MAX = 64 };

int given_add(struct given *g, const char *what, struct str address, int fd,
              bool kept)
{
    if (g->n == GIVEN_MAX || address.n + 16 > GIVEN_NAME)
        return -ERR_LIMIT;
    snprintf(g->fds[g->n].name, GIVEN_NAME, "%s " STR_FMT, what,
             STR_ARG(address));
    g->fds[g->n].kept = kept;
    g->fds[g->n++].fd = fd;
    return 0;
}

int given_take(struct given *g, const char *what, struct str address,
               bool *kept)
{
    char name[GIVEN_NAME];
    int fd;

    snprintf(name, sizeof name, "%s " STR_FMT, what, STR_ARG(address));
    for (size_t i = 0; i < g->n; i++) {
        if (g->fds[i].fd < 0 || strcmp(g->fds[i].name, name) != 0)
            continue;
        fd = g->fds[i].fd;
        if (kept)
            *kept = g->fds[i].kept;
        g->fds[i].fd = -1;
        return fd;
    }
    return -1;
}

void given_clear(struct given *g)
{
    struct listeners *l = &g->listeners;

    for (size_t i = 0; i < l->n; i++) {
        for (size_t k = 0; !l->list[i].taken && k < l->slots; k++)
            close(l->list[i].fds[k]);
        if (!l->list[i].taken)
            free(l->list[i].fds);
    }
    l->n = 0;
    for (size_t i = 0; i < g->n; i++) {
        if (g->fds[i].fd >= 0)
            close(g->fds[i].fd);
    }
    g->n = 0;
}

/* ---- the service manager's --------------------------------------------- */

/** Is that the address of the socket? */
static bool is_at(struct str configured, const char *bound)
{
    struct listen_addr a;
    struct err err = { 0 };
    char text[LISTEN_TEXT_MAX];

    if (configured.n == 0 || listen_parse(configured, &a, &err) != 0)
        return false;
    listen_format(&a.ss, text, sizeof text);
    return strcmp(text, bound) == 0;
}

static int add_listener(struct given *g, struct str name, const char *bound,
                        int fd)
{
    struct listener *l = &g->listeners.list[g->listeners.n];

    if (g->listeners.n == LISTENERS_MAX || name.n >= sizeof l->name)
        return -ERR_LIMIT;
    *l = (struct listener){ .kept = true };
    l->fds = malloc(sizeof *l->fds);
    if (!l->fds)
        return -ERR_NOMEM;
    l->fds[0] = fd;
    snprintf(l->name, sizeof l->name, STR_FMT, STR_ARG(name));
    snprintf(l->address, sizeof l->address, "%s", bound);
    g->listeners.slots = 1;
    g->listeners.n++;
    return 0;
}

/** 0: it has its place; 1: nothing is configured there; or -ERR_x. */
static int place(struct given *g, const struct config *c, const char *bound,
                 int fd)
{
    for (size_t i = 0; i < c->n_listens; i++) {
        if (is_at(c->listens[i].address, bound))
            return add_listener(g, c->listens[i].address, bound, fd);
    }
    if (is_at(c->metrics, bound))
        return given_add(g, "metrics", c->metrics, fd, true);
    if (is_at(c->admin.address, bound))
        return given_add(g, "admin", c->admin.address, fd, true);
    return 1;
}

/** As many as were passed, if they are meant for us. */
static int passed(void)
{
    const char *pid = getenv("LISTEN_PID"), *n = getenv("LISTEN_FDS");
    bool ours = pid && n && strtol(pid, NULL, 10) == getpid();
    long count = ours ? strtol(n, NULL, 10) : 0;

    return count < 0 || count > ACTIVATED_MAX ? 0 : (int)count;
}

int given_activated(struct given *g, const struct config *c, struct err *err)
{
    int n = passed(), rc = 0;

    for (int fd = FIRST_FD; fd < FIRST_FD + n && rc >= 0; fd++) {
        char bound[LISTEN_TEXT_MAX] = "?";
        struct listen_addr a;

        fcntl(fd, F_SETFD, FD_CLOEXEC);
        fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
        if (listen_address(fd, &a) == 0)
            listen_format(&a.ss, bound, sizeof bound);
        rc = place(g, c, bound, fd);
        if (rc == 1) {
            log_event(EV_socket_unused, LOG_Z("address", bound));
            close(fd);
        }
    }
    unsetenv("LISTEN_PID");
    unsetenv("LISTEN_FDS");
    unsetenv("LISTEN_FDNAMES");
    return rc < 0 ? err_set(err, -rc, "the service manager's sockets: too "
                                      "many, or no memory")
                  : 0;
}

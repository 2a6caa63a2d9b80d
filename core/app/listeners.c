/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Sets of listening sockets, and how one follows another. */
#include "app/listeners.h"

#include "net/listen.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void listener_unlink(struct str address)
{
    char path[256];

    if (!str_starts(address, STR("unix:")))
        return;
    snprintf(path, sizeof path, STR_FMT, (int)address.n - 5, address.p + 5);
    unlink(path);
}

static void close_one(struct listener *l, size_t slots)
{
    for (size_t k = 0; l->fds && k < slots; k++)
        close(l->fds[k]);
    if (l->fds && !l->kept)
        listener_unlink(str_of(l->name));
    free(l->fds);
    l->fds = NULL;
}

static struct listener *named(struct listeners *l, struct str name)
{
    for (size_t i = 0; l && i < l->n; i++) {
        if (str_is(name, l->list[i].name))
            return &l->list[i];
    }
    return NULL;
}

static int open_one(struct listener *l, struct str name, size_t slots,
                    struct err *err)
{
    struct listen_addr bound;
    int rc;

    if (name.n >= sizeof l->name)
        return err_set(err, ERR_LIMIT, "an address of more than %zu bytes",
                       sizeof l->name - 1);
    snprintf(l->name, sizeof l->name, STR_FMT, STR_ARG(name));
    l->fds = malloc(slots * sizeof *l->fds);
    if (!l->fds)
        return err_set(err, ERR_NOMEM, "no memory");
    rc = listen_open(name, slots, l->fds, err);
    if (rc) {
        free(l->fds);
        l->fds = NULL;
        return rc;
    }
    if (listen_address(l->fds[0], &bound) == 0)
        listen_format(&bound.ss, l->address, sizeof l->address);
    return 0;
}

/** What the set before has, and as many sockets as we have slots. */
static int take_over(struct listener *l, struct listener *old, size_t had,
                     size_t slots, struct err *err)
{
    int *more;

    if (slots > had) {
        more = realloc(old->fds, slots * sizeof *more);
        if (!more)
            return err_set(err, ERR_NOMEM, "no memory");
        old->fds = more;
        if (listen_more(more[0], slots - had, more + had, err) != 0)
            return -err->code;
    }
    *l = *old;
    old->taken = true;
    return 0;
}

int listeners_open(struct listeners *l, const struct config *c, size_t slots,
                   struct listeners *from, struct err *err)
{
    *l = (struct listeners){ .slots = slots };
    if (c->n_listens > LISTENERS_MAX)
        return err_at(err, ERR_CONFIG, "/listen", "more than %d listeners",
                      LISTENERS_MAX);
    for (size_t i = 0; i < c->n_listens; i++) {
        struct listener *old = named(from, c->listens[i].address);
        int rc = 0;

        if (old) {
            rc = take_over(&l->list[i], old, from->slots, slots, err);
        } else {
            rc = open_one(&l->list[i], c->listens[i].address, slots, err);
        }
        if (rc) {
            listeners_give_up(l, from);
            return rc;
        }
        l->n++;
    }
    return 0;
}

void listeners_replace(struct listeners *l, struct listeners *old)
{
    for (size_t i = 0; i < old->n; i++) {
        if (!old->list[i].taken)
            close_one(&old->list[i], old->slots);
    }
    for (size_t i = 0; i < l->n; i++)
        l->list[i].taken = false;
    old->n = 0;
}

void listeners_give_up(struct listeners *l, struct listeners *old)
{
    for (size_t i = 0; i < l->n; i++) {
        if (!named(old, str_of(l->list[i].name)))
            close_one(&l->list[i], l->slots);
    }
    for (size_t i = 0; old && i < old->n; i++)
        old->list[i].taken = false;
    l->n = 0;
}

void listeners_close(struct listeners *l)
{
    for (size_t i = 0; i < l->n; i++)
        close_one(&l->list[i], l->slots);
}

static void let_go(const struct listener *l, size_t slots)
{
    for (size_t k = 0; l->fds && k < slots; k++)
        close(l->fds[k]);
}

void listeners_let_go(const struct listeners *l)
{
    for (size_t i = 0; i < l->n; i++)
        let_go(&l->list[i], l->slots);
}

void listeners_hand_over(struct listeners *l)
{
    listeners_let_go(l);
    for (size_t i = 0; i < l->n; i++)
        free(l->list[i].fds);
    l->n = 0;
}

void listeners_let_go_rest(const struct listeners *old)
{
    for (size_t i = 0; i < old->n; i++) {
        if (!old->list[i].taken)
            let_go(&old->list[i], old->slots);
    }
}

const struct conf_listen *listener_conf(const struct listener *l,
                                        const struct config *c)
{
    for (size_t i = 0; i < c->n_listens; i++) {
        if (str_is(c->listens[i].address, l->name))
            return &c->listens[i];
    }
    return NULL;
}

bool listeners_serve(const struct listeners *l, const struct config *c)
{
    for (size_t i = 0; i < l->n; i++) {
        if (!listener_conf(&l->list[i], c))
            return false;
    }
    return l->n == c->n_listens;
}

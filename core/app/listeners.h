/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * The listening sockets of the clients' listeners: one per worker slot and
 * address, opened by the master, inherited by workers. A new set takes over
 * the sockets of addresses that it shares with the one before.
 */
#ifndef PENSTOCK_APP_LISTENERS_H
#define PENSTOCK_APP_LISTENERS_H

#include "base/err.h"
#include "engine/config.h"

#define LISTENERS_MAX 32

struct listener {
    char name[128];    /* as configured */
    char address[128]; /* as bound */
    int *fds;          /* one per slot; NULL = closed */
    bool taken;        /* another set has them now */
    bool kept;         /* a Unix socket's file is the service manager's */
};

struct listeners {
    struct listener list[LISTENERS_MAX];
    size_t n, slots;
};

/**
 * Open what the configuration says; `from` (or NULL) lends the sockets of the
 * addresses that it has as well; it has no more slots than this set. On
 * failure nothing that was opened is left, and `from` is as it was, but for
 * sockets of slots that it had none for.
 *
 * Errors: LIMIT, NOMEM, and those of listen_open.
 */
int listeners_open(struct listeners *l, const struct config *c, size_t slots,
                   struct listeners *from, struct err *err);
/** The new set is in force: close what it did not take over. */
void listeners_replace(struct listeners *l, struct listeners *old);
/** The new set is given up: close what is its alone. */
void listeners_give_up(struct listeners *l, struct listeners *old);
/** Close all; Unix sockets' files go. */
void listeners_close(struct listeners *l);

/** Another master serves them: close ours; the files stay. */
void listeners_hand_over(struct listeners *l);

/** In a child that does not accept: close them; the files stay. */
void listeners_let_go(const struct listeners *l);
/** The same for those that the set after this one did not take over: a child
 * that held them would keep them open for nobody. */
void listeners_let_go_rest(const struct listeners *old);

/** What the configuration says of a listener: by address, since an order
 * that changed is no change. NULL = it is not there. */
const struct conf_listen *listener_conf(const struct listener *l,
                                        const struct config *c);

/** Does the configuration ask for exactly these? */
bool listeners_serve(const struct listeners *l, const struct config *c);

/** A Unix socket's file goes; other addresses: nothing. */
void listener_unlink(struct str address);

#endif

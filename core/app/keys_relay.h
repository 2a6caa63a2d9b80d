/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * The master's part in the key tables: it keeps the keeper's newest base and
 * delta, and the newest of the keys that it fetched, so that a worker born
 * later has them whether or not a keeper lives, and passes them on. Who cannot
 * take one now (its socket is full) is told again at the next turn.
 */
#ifndef PENSTOCK_APP_KEYS_RELAY_H
#define PENSTOCK_APP_KEYS_RELAY_H

#include <stdbool.h>
#include <stdint.h>

struct master;
struct post;
struct snapshot;

struct key_news {
    struct snapshot *base, *delta; /* NULL = none */
    int base_fd, delta_fd;         /* of them */
    bool lacking; /* the keeper said that the store cannot be read */
};

/** The keeper's word: a table (fd, borrowed), or none (-1). */
void keys_take(struct master *m, int fd);

/** Tell every worker what it has not been told. */
void keys_relay(struct master *m);

/** A post is about to be forked: what is here it inherits. */
void keys_inherit(const struct master *m, struct post *p);

/** Must workers wait with their start? Only while the first table, or the
 * first keys that are fetched, are on their way, and for some seconds at most:
 * then they serve, and answer 503 where they lack one. */
bool keys_awaited(const struct master *m, uint64_t now_ms);

void keys_close_fds(struct master *m); /* in a child, and at the end */
void keys_clear(struct master *m);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * The store's thread: all of SQLite happens there, so that a disk that stalls
 * holds up changes to keys and nothing else; names are resolved and metrics
 * shown meanwhile. It opens the store (again and again, while that fails),
 * answers the desk's questions in order, and makes the key tables.
 *
 * Callbacks run on the loop.
 */
#ifndef PENSTOCK_KEEPER_STORE_THREAD_H
#define PENSTOCK_KEEPER_STORE_THREAD_H

#include "keeper/desk.h"
#include "net/loop.h"

enum { STORE_QUEUE_MAX = 256 };

struct store_thread;

struct store_thread_env {
    struct loop *loop;
    const char *folder;
    const struct config *config;
    /** A new table: a snapshot's descriptor, borrowed for the call; -1: the
     * store cannot be read, for now. */
    void (*publish)(void *ud, int fd, bool is_base);
    void *ud;
};

/** NULL with *err. Starts at once; the environment is copied, what it points
 * to must outlive the thread. */
struct store_thread *store_thread_new(const struct store_thread_env *env,
                                      struct err *err);
/** Before loop_free, and before what `done` needs ends. Questions that wait are
 * answered first, for a moment; then the thread is left to itself. */
void store_thread_free(struct store_thread *t);

/** Answers: done(ud, a) with a->reply borrowed. Never from within the call. */
typedef void (*store_done)(void *ud, const struct desk_answer *a);

/**
 * Ask the desk. q->ask is referenced, q->fd is the thread's from now on (closed
 * by it), also on failure. What changed is published before `done`.
 * 0, or -ERR_BUSY (too many wait).
 */
int store_thread_ask(struct store_thread *t, const struct desk_ask *q,
                     store_done done, void *ud);

/** For status: is it open, and why not. Borrowed text, loop only. */
bool store_thread_is_open(const struct store_thread *t, const char **why);

#endif

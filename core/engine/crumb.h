/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Breadcrumbs: before foreign code is called (a plugin's op, a policy's
 * phase) the process notes what and for which request; after it, that note is
 * cleared. When a worker dies the master reads the note and knows whom to
 * charge. Two short copies before, one store after; since when is not noted:
 * a stall is seen by the loop's own beat.
 */
#ifndef PENSTOCK_ENGINE_CRUMB_H
#define PENSTOCK_ENGINE_CRUMB_H

#include "base/str.h"

#include <stdatomic.h>

enum crumb_kind { CRUMB_NONE, CRUMB_PLUGIN, CRUMB_POLICY };

struct crumb {
    _Atomic uint32_t kind;
    char what[44]; /* "openai classify", NUL-terminated */
    char request[32];
};

/**
 * The crumb of this process; points into its process cell once set, NULL
 * before (then nothing is noted). Global, because foreign code is called from
 * places that know no worker; written at birth only.
 */
extern struct crumb *crumb_here;

/** Returns how many bytes; the text is not read again just after it was
 * written, which would wait for the stores. */
static inline size_t crumb_copy(char *to, size_t size, struct str s)
{
    size_t n = s.n < size - 1 ? s.n : size - 1;

    if (n)
        memcpy(to, s.p, n);
    to[n] = '\0';
    return n;
}

/** Note that `op` of `who` is called for `request`; pair with crumb_leave. */
static inline void crumb_enter(enum crumb_kind kind, struct str who,
                               struct str op, struct str request)
{
    struct crumb *c = crumb_here;
    size_t n;

    if (!c)
        return;
    n = crumb_copy(c->what, sizeof c->what, who);
    if (n + 2 < sizeof c->what) {
        c->what[n] = ' ';
        crumb_copy(c->what + n + 1, sizeof c->what - n - 1, op);
    }
    crumb_copy(c->request, sizeof c->request, request);
    atomic_store_explicit(&c->kind, (uint32_t)kind, memory_order_release);
}

static inline void crumb_leave(void)
{
    if (crumb_here)
        atomic_store_explicit(&crumb_here->kind, CRUMB_NONE,
                              memory_order_release);
}

#endif

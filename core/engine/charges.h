/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Who is charged with the deaths of workers, and what follows for it: a table
 * in shared memory, made by the master before it forks. The master alone
 * writes; workers read a word. It outlives workers, reloads and generations:
 * a plugin is known by the hash of its file, so another file begins anew.
 *
 *   marks    of plugins' files: is it quarantined?
 *   bodies   of requests that ended a worker: refused for a while, so that a
 *            client which tries again does not end them all
 *   book     the charges of the last minutes; the master's own, pure
 */
#ifndef PENSTOCK_ENGINE_CHARGES_H
#define PENSTOCK_ENGINE_CHARGES_H

#include "base/err.h"
#include "base/str.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum {
    CHARGES_MARKS = 320, /* four generations of 64 plugins, and some */
    CHARGES_BODIES = 64,
    CHARGES_BOOK = 64,
    CHARGES_MOST = 3,    /* so many charges ... */
    CHARGES_MS = 300000, /* ... in that time: quarantine */
    CHARGES_BODY_MS = 600000,
    CHARGES_HASH = 16,   /* hex digits of a file's SHA-256, as staged */
};

struct charges;

/** One plugin's file. */
struct plugin_mark {
    _Atomic uint32_t out; /* quarantined: nothing new is sent through it */
    char name[68], hash[CHARGES_HASH + 1];
    uint64_t used;        /* when it was claimed last: a count */
};

/** NULL with *err: NOMEM. */
struct charges *charges_new(struct err *err);
void charges_free(struct charges *c); /* unmaps; the living keep theirs */

/** The mark of a file, claimed where there is none; in the master. Of those
 * that are not out the one that was claimed longest ago gives way. NULL: all
 * are out. O(marks). */
struct plugin_mark *charges_claim(struct charges *c, struct str name,
                                  struct str hash);
/** The mark of a file, or NULL. O(marks): at a plugin's load. */
struct plugin_mark *charges_find(const struct charges *c, struct str name,
                                 struct str hash);
/** Walk the marks in use; start with *at = 0. */
struct plugin_mark *charges_next(const struct charges *c, uint32_t *at);

/** What stands for a body; never 0. Any process of this image says the same.
 * No allocation, safe in a signal handler. */
uint64_t charges_body(struct str body);
/** Refuse that body until then; of too many the one that ends first goes. */
void charges_refuse(struct charges *c, uint64_t body, uint64_t until_ms);
/** Is it refused at that time? A load where none is. */
bool charges_refused(const struct charges *c, struct str body,
                     uint64_t now_ms);
/** Forget all refused bodies: what they met is no longer there. */
void charges_forgive(struct charges *c);

/* ---- the book ----------------------------------------------------------- */

/** One death. */
struct charge {
    uint64_t at_ms;
    const struct plugin_mark *mark; /* NULL = an empty line */
    uint64_t who;  /* stands for the caller; 0 = there was no request */
    uint64_t body; /* stands for its body; 0 = not known */
};

struct charge_book {
    struct charge list[CHARGES_BOOK];
    size_t at; /* of the next line */
};

/** What the book says of a plugin's file. */
struct charge_sum {
    uint32_t n;       /* charges within CHARGES_MS */
    uint32_t callers; /* different ones */
    uint32_t bodies;  /* different ones that are known */
    uint32_t own;     /* without a request: no client's doing */
};

void charge_note(struct charge_book *b, const struct charge *c);
struct charge_sum charge_sum(const struct charge_book *b,
                             const struct plugin_mark *mark, uint64_t now_ms);
/**
 * Is it the plugin, and not one client's request? CHARGES_MOST charges, from
 * two callers, or with two bodies, or as many without any request.
 */
bool charge_is_plugins(const struct charge_sum *s);
/** Its lines go. */
void charge_forget(struct charge_book *b, const struct plugin_mark *mark);

#endif

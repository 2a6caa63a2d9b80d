/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * The master's part in a reload: wishes are carried out one after another.
 * The loader makes the next bundle aside and says what differs from the one
 * that is served; then either
 *
 *   in place     every worker prepares the new generation beside its own;
 *                when all have, all flip, or
 *   new workers  others are started with the new bundle; when all are ready,
 *                the old ones drain.
 *
 * Until that point a fault changes nothing: the old generation keeps serving
 * and the wish is answered with file, line and reason.
 * See docs/design/reload.md.
 */
#ifndef PENSTOCK_APP_RELOAD_H
#define PENSTOCK_APP_RELOAD_H

#include "app/kept_life.h"
#include "app/listeners.h"
#include "app/loader.h"
#include "app/shadow.h"
#include "app/watch.h"
#include "base/buf.h"

struct master;
struct message;
struct post;

enum reload_stage {
    RELOAD_NONE,
    RELOAD_LOADING,   /* the loader is at work */
    RELOAD_PREPARING, /* workers make the new generation beside the old */
    RELOAD_FLIPPING,  /* it is in force; workers are taking it */
    RELOAD_WAITING,   /* for workers of older generations to end */
    RELOAD_CANARY,    /* one new worker serves beside the old ones */
    RELOAD_RISING,    /* new workers are starting */
    RELOAD_LEAVING,   /* the old ones are still accepting */
};

enum { RELOAD_WISHES_MAX = 32, RELOAD_KEPT = 10 };

/** One who wants a reload. */
struct reload_wish {
    uint32_t ticket;   /* of the control connection to be told; 0 = nobody */
    bool plan;         /* only say what would change */
    bool force;        /* where older workers are in the way, end them */
    bool no_wait;      /* where they are, do not wait for them */
    uint64_t back_to;  /* a rollback, to the kept bundle of this number */
    bool shadow;       /* a candidate, of reload.shadow.dir, to run beside */
    bool watched;      /* a file was edited, and nobody asked */
    bool must;         /* a rollback that nobody asked for: as it was in
                        * memory, where the disk has it no more */
    uint64_t call;     /* of the admin API, to be told; 0 = not */
    pid_t keeper;      /* the one that asks for it */
};

/** A bundle as the master holds it. */
struct served {
    struct loaded loaded;
    struct config *config; /* of it */
    uint64_t number;       /* its generation */
};

/** A generation under watch. */
struct reload_bake {
    uint64_t until_ms;  /* 0 = none is */
    uint64_t number;    /* which */
    uint64_t former;    /* what is gone back to */
    uint64_t answered, denied; /* by the former, in its time */
};

/** Tries at targets, and those that failed by no caller's fault. */
struct tries {
    uint64_t all, broken;
};

struct reload_canary {
    bool serving;        /* it is ready; until_ms is the end of its trial */
    struct tries others; /* of the old workers, at its begin */
};

struct reload {
    enum reload_stage stage;
    struct reload_bake bake;
    struct reload_canary canary;
    struct reload_wish wishes[RELOAD_WISHES_MAX]; /* the first is at work */
    size_t n_wishes;
    struct loading loading;
    struct served next;    /* the new one, until it is in force */
    struct served former;  /* rising: the one to go back to */
    struct listeners listeners; /* rising: of the former */
    uint64_t last;         /* the highest number ever given */
    uint64_t started_ms, until_ms;
    bool retire;           /* the keeper goes once it has told who asked */
    uint64_t retire_ms;    /* when; 0 = not yet */
    uint64_t pinned;       /* rolled back to this one; 0 = not */
    bool as_it_was; /* the next one is from memory: nothing was read again */
    char recalled[704]; /* and why, in words */
    /* bundles that served, the newest first, without the one in force */
    struct served kept[RELOAD_KEPT];
    size_t n_kept;
    struct kept_life kept_life; /* the same on disk */
    struct watch watch;
    struct shadowing shadow;
};

/** Want one; it begins with the next turn of the loop. False: too many want
 * one already. */
bool reload_want(struct master *m, const struct reload_wish *wish);
/** Take the next step that is due; call it each turn. */
void reload_step(struct master *m, uint64_t now_ms);
/** What the loop must wait for, too: a descriptor, or -1. */
int reload_sock(const struct master *m);

/** A worker is prepared, or why it cannot be (MSG_PREPARED). */
void reload_prepared(struct master *m, struct post *p,
                     struct message *msg);
/** A worker serves the new generation (MSG_FLIPPED). */
void reload_flipped(struct master *m, struct post *p,
                    struct message *msg);
/** A worker accepts no more (MSG_UNLISTENED). */
void reload_unlistened(struct master *m, struct post *p, struct message *msg);
/** A worker was forked: it hears what is being prepared. */
void reload_greet(struct master *m, struct post *p);
/** A worker died, or said why it cannot start; `why` may be "". */
void reload_worker_failed(struct master *m, struct post *p, const char *why);

/** In a child: close the descriptors of bundles. */
void reload_let_go(const struct master *m);

/** A worker died by its own fault, or hung; p->why says how. */
void reload_worker_crashed(struct master *m, const struct post *p);
/** Does it serve a generation that is taken back if it dies? */
bool reload_on_trial(const struct master *m, const struct post *p);

/** All is over or is being ended: nothing is reloaded any more. */
void reload_end(struct master *m);
/** Free what is held. */
void reload_close(struct master *m);

/** Is it kept in memory? */
bool reload_has(const struct master *m, uint64_t number);

/** For `status`: the numbers that `rollback` can go to. */
void reload_put_kept(const struct master *m, struct buf *out);

#endif

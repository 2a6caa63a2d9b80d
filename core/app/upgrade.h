/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Another program file takes the place of this one. The master starts it (the
 * heir), with descriptors of the listening sockets, the shared memory and the
 * last snapshots, and a list of them. The heir reads the configuration, starts
 * workers of its own and says READY; then this master's workers drain, and it
 * ends with the last of them. If the heir fails, or is not ready in 30 s,
 * nothing has changed.
 *
 *   upgrade.c   the old master's part
 *   heir.c      the new one's
 *   manifest.c  the list, written by the one, read by the other
 *
 * See docs/design/upgrade.md.
 */
#ifndef PENSTOCK_APP_UPGRADE_H
#define PENSTOCK_APP_UPGRADE_H

#include "app/given.h"

#include <sys/types.h>

struct conn;
struct master;
struct post;

/** The variable with the descriptor of the list. */
#define UPGRADE_ENV "PENSTOCK_UPGRADE"

enum upgrade_stage {
    UPGRADE_NONE,
    UPGRADE_RISING,   /* the heir is starting */
    UPGRADE_SWITCHED, /* it serves; we drain */
};

struct upgrade {
    enum upgrade_stage stage;
    pid_t pid;       /* the heir */
    int sock;        /* to it; -1 = none */
    uint32_t ticket; /* of the control connection to be told; 0 = nobody */
    uint64_t started_ms, until_ms;
    bool keeper_kept; /* the heir has other rings: our keeper empties ours */
    bool keeper_told; /* the heir knows that the database is its own */
    char why[512];    /* what the heir said before it ended */
    char program[512]; /* the file that is started; found at our own start */
};

/** What a master that follows another knows of it. */
struct heir {
    int sock;         /* to it; -1 = there is none, or it is gone */
    pid_t former;
    bool borrowed;    /* it serves yet: its files are not ours to remove */
    bool keeper_waits; /* the database is its keeper's */
    bool said_ready;
    bool sweeps;      /* it is gone: its processes' cells are cleared by us */
    bool fresh;       /* we have memory of our own */
    bool fresh_kv, fresh_limits; /* the same of ps.kv, and of limits */
    uint64_t generation; /* the highest that it ever served */
    char state[512];  /* its state folder */
    struct given given;
};

/* ---- the old master ---------------------------------------------------- */

/** Note which file we are, while it still is. */
void upgrade_init(struct master *m);
/** Start the heir. 0, or the reason why not: BUSY, CONFIG, IO. `ticket` is
 * answered when it is over (0 = nobody waits). */
int upgrade_want(struct master *m, uint32_t ticket, struct err *err);
/** Take the next step that is due; call it each turn. */
void upgrade_step(struct master *m, uint64_t now_ms);
/** A child of no post ended: was it the heir? */
void upgrade_reaped(struct master *m, pid_t pid, int status);
/** We are being ended: so is a heir that does not serve yet. */
void upgrade_end(struct master *m);
/** In a child: close what is the master's. */
void upgrade_let_go(const struct master *m);

/** Is another master about to follow this one, or did it? */
static inline bool upgrade_is_on(const struct upgrade *u)
{
    return u->stage != UPGRADE_NONE;
}

/* ---- the new master ---------------------------------------------------- */

/** Were we started to follow another? Then take what it gives. Errors:
 * CONFIG (the list is of a build that we do not know), IO. */
int heir_open(struct master *m, struct err *err);
/** The snapshots that it gave, for the workers' birth. Errors: CONFIG (keys of
 * a format that is not ours). */
int heir_snapshots(struct master *m, struct err *err);
/** All workers are ready. True: the former master has stepped aside, or there
 * is none: go on. */
bool heir_takes_over(struct master *m);
/** Hear the former; clear up after it; call it each turn. */
void heir_step(struct master *m);
/** Have the masters before us requests yet? Those that share our memory are
 * known; of those that do not, the one that started us. */
bool heir_former_drains(const struct master *m);
/** Our start failed: tell the former why. True: it is told; what our workers
 * took is to be finished, not cut. */
bool heir_fail(struct master *m, const struct err *err);
/** We end at once: so do the masters before us, which still drain. */
void heir_stop_former(struct master *m);
void heir_close(struct master *m);

/** Does the former still serve? */
static inline bool heir_waits(const struct heir *h)
{
    return h->borrowed;
}

/* ---- the list ---------------------------------------------------------- */

/** Write it into a new memfd, which is returned; or -ERR_x. */
int manifest_write(const struct master *m, struct err *err);
/** In the heir-to-be, before exec: let all that is in it be inherited. */
void manifest_inherit(const struct master *m);
/** Read it. Errors: CONFIG, IO, NOMEM. */
int manifest_read(struct master *m, int fd, struct err *err);

#endif

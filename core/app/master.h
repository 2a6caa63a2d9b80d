/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * The master: it owns the listeners, the shared memory, the children and the
 * control socket, and waits. It runs no Lua, loads no plugin and reads no
 * client's bytes, so that nothing a request does can end it.
 *
 * Its loop is poll(2) and a signalfd on purpose: what a child inherits by fork
 * is plain memory and descriptors that are listed here, no event library's
 * state. See docs/design/processes.md.
 */
#ifndef PENSTOCK_APP_MASTER_H
#define PENSTOCK_APP_MASTER_H

#include "app/keys_relay.h"
#include "app/listeners.h"
#include "app/loader.h"
#include "app/paths.h"
#include "app/notify.h"
#include "app/reload.h"
#include "app/upgrade.h"
#include "engine/cells.h"
#include "engine/charges.h"
#include "engine/kv.h"
#include "engine/ledger.h"
#include "engine/limit.h"

#include <sys/types.h>

struct control; /* app/control.h */
struct snapshot;

#define MASTER_MAX_WORKERS 256
/** Posts for that many workers: those of several generations overlap. */
#define MASTER_GENERATIONS 4
#define MASTER_PROCESSES(workers) \
    ((uint32_t)(workers) * MASTER_GENERATIONS + 8)

#define MASTER_GRACE_MS 5000 /* workers end requests themselves at the limit */

enum master_phase {
    MASTER_STARTING, /* not all have been ready yet */
    MASTER_RUNNING,
    MASTER_DRAINING, /* no new connections, requests are finished */
    MASTER_STOPPING, /* ended now */
};

/** One process that should live: what it is, and who is it at the moment. */
struct post {
    enum process_kind kind;
    uint32_t slot;     /* of listeners; workers only */
    pid_t pid;         /* 0 = nobody */
    int sock;          /* -1 = none, or it was closed from over there */
    struct process_cell *cell;
    uint64_t ready_ms; /* when it said so; 0 = not yet */
    uint64_t start_ms; /* nobody: when the next is started */
    uint64_t generation; /* of the bundle that it serves; workers only */
    uint64_t prepared;   /* of the one that it holds ready beside it */
    uint64_t told;       /* of the one that it was told to serve */
    bool unlistened; /* it accepts no more */
    bool handed;     /* keeper: it has nothing but the ledger any more */
    bool canary;  /* the first of its generation, in a slot that has another */
    bool leaving; /* replaced by another: it drains, and then the post goes */
    bool retired; /* told to end, so that the next has a new configuration */
    uint32_t early;    /* deaths in a row, each soon after the start */
    uint32_t deaths;   /* all, unasked */
    bool stuck, aborted;
    char why[200];     /* what it said before it ended; "" = nothing */
    uint64_t relieved_ms; /* its slot was given to another; or it got it so */
    uint64_t keys_base, keys_delta; /* generations it was told; 0 = none */
    uint64_t fetched;               /* the same */
    uint64_t lacking_ms; /* since when nobody responsive serves the slot */
    struct post *adopter; /* the neighbour that accepts for it; or NULL */
};

struct master {
    struct paths paths;
    struct loaded loaded;      /* what the loader found */
    struct config *config;
    struct cells *cells;
    struct ledger_rings *rings; /* by process cell, to the keeper */
    struct kv *kv;             /* of ps.kv, for all workers */
    struct limiter *limiter;   /* of ps.take, the same */
    struct listeners listeners;
    int metrics_fd, admin_fd, sim_fd; /* of keeper and mock; -1 = none */
    bool metrics_kept, admin_kept; /* their files are the service manager's */
    char metrics_address[128], admin_address[128];
    char store[PATHS_MAX];     /* folder of the keeper's; "" = none */
    char ledger[PATHS_MAX];    /* the same, of the ledger */
    /* workers by slot, keeper, mock if there is one, workers that leave; of
     * MASTER_PROCESSES in all */
    struct post *posts;
    size_t n_posts, n_workers;
    struct reload reload;
    struct upgrade upgrade; /* by another program */
    struct heir heir;       /* of the program before this one */
    struct notify_watch watch;
    struct charge_book charges; /* deaths of workers, in plugins */
    struct snapshot *addresses; /* the newest; NULL = none yet */
    struct key_news keys;
    struct snapshot *jwks;      /* the same, of the issuers' keys */
    struct snapshot *fetched;   /* the same, of keys that are fetched */
    int addresses_fd, jwks_fd, fetched_fd; /* of them; 0, -1 = none */
    struct control *control;
    enum master_phase phase;
    bool was_ready, failed;
    uint64_t started_ms, generation;
    uint64_t alerts_ms;        /* when they are looked at next */
    uint64_t give_up_ms;       /* draining, stopping: harder means then */
    int signal_fd, lock_fd;
    int life[2]; /* the mock reads its end: master and all workers are gone */
    char ticket_key[80];       /* of TLS sessions, the same in all workers */
    const char *file;          /* the configuration, or NULL */
    bool last_good; /* where it is broken, serve what served well */
    struct err err;            /* why the start failed */
};

/** What a child is given; all of it is inherited by fork. */
struct child {
    const struct master *m;
    struct post *post;
    int sock; /* to the master */
};

/** Run by a child after it closed what is not its own; returns its exit code.
 * Tests put others in their place. */
extern int (*master_runs[])(const struct child *c); /* by process_kind */
extern const char *const master_kinds[];            /* "worker", ... */

/** `penstock serve`: until it is stopped. Returns the exit code. `file` may
 * be NULL; `socket` is -s or NULL. The reason of a refusal is in *err. */
int master_serve(const char *file, const char *socket, bool last_good,
                 struct err *err);

/* posts.c: the children's lives */

/** Fork the post's process; a failure is a death like any other. */
void post_start(struct master *m, struct post *p);
/** Start what is due. Returns milliseconds to the next, or UINT64_MAX. */
uint64_t posts_start_due(struct master *m, uint64_t now_ms);
/** Take the status of everyone that ended. */
void posts_reap(struct master *m);
/** Read what a post says. */
void post_hear(struct master *m, struct post *p);
/** The process of a slot goes to the end of the table and leaves; a new one
 * may start in its place. */
void posts_make_way(struct master *m, struct post *p);
/** Say something to all of a kind that live. */
void posts_tell(struct master *m, enum process_kind kind, uint32_t type);
bool posts_ready(const struct master *m, enum process_kind kind);
/** In a child: close what is the master's and the other children's. */
void posts_let_go(const struct master *m);
size_t posts_alive(const struct master *m, enum process_kind kind);
/** Milliseconds to wait after the n-th early death in a row. */
uint64_t post_backoff_ms(uint32_t early);

/* slots.c: who accepts where, and who hangs */

/** Adopt, release, warn of and end the stuck; call at least every 100 ms
 * while something is lacking. True when it is. */
bool slots_watch(struct master *m, uint64_t now_ms);

/* master.c */

/** Until all children are gone; tests call it with a master of their own. */
void master_loop(struct master *m);

void master_drain(struct master *m);
void master_stop(struct master *m);
/** All processes open their log file again; where that fails, none does, and
 * the old one stays in use. 0, or -ERR_IO (logged). */
int master_reopen(struct master *m, struct err *err);
/** The start is given up: `err` is why. */
void master_fail(struct master *m, const struct err *err);

#endif

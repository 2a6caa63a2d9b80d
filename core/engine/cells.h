/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Shared writable memory: one memfd made by the master before it forks, laid
 * out once, offsets only, C11 atomics, 64-byte cells.
 *
 *   process cells   who lives: pid, kind, slot, generation, beat, crumb
 *   request cells   what each process works on, so that a death is accounted
 *   columns         metrics, one per process cell, and the retired total
 *   rings           explain, one per process cell
 *   health          of targets, by name: memory of its own
 */
#ifndef PENSTOCK_ENGINE_CELLS_H
#define PENSTOCK_ENGINE_CELLS_H

#include "base/err.h"
#include "engine/charges.h"
#include "engine/crumb.h"
#include "engine/explain.h"
#include "engine/health.h"
#include "engine/metrics.h"
#include "engine/vitals.h"
#include "wire/usage.h"

#include <stdatomic.h>

enum process_kind { PROC_FREE, PROC_WORKER, PROC_KEEPER, PROC_MOCK };
enum process_state { PROC_STARTING, PROC_READY, PROC_DRAINING, PROC_GONE };

/** What a worker answered under the generation that it serves; for the
 * master, who takes a bad one back. */
struct verdicts {
    _Atomic uint64_t answered;
    _Atomic uint64_t denied; /* 401, 403, 429, and not by a provider */
    _Atomic uint64_t failed; /* by a policy's error */
    _Atomic uint64_t tries;  /* at targets, */
    _Atomic uint64_t broken; /* and those that failed by no caller's fault */
};

struct process_cell {
    _Atomic int32_t pid; /* 0 = free */
    _Atomic uint32_t kind, state, slot;
    _Atomic uint64_t generation;
    _Atomic uint64_t beat_ms;     /* this loop turned */
    _Atomic uint64_t started_ms;
    _Atomic uint64_t request_seq; /* the process's part of request ids */
    _Atomic uint32_t inflight, connections;
    _Atomic uint32_t up_open, up_idle; /* connections to providers */
    _Atomic uint32_t queued;   /* requests that wait, see flow/queue.h */
    _Atomic uint32_t shedding; /* enum shed_level */
    _Atomic uint32_t requests_used; /* request cells ever taken; for the reap */
    struct verdicts verdicts;
    _Atomic uint64_t crash_body; /* see cells_crashed; 0 = not known */
    struct crumb crumb;
    struct vitals vitals; /* of workers */
};

struct request_cell {
    _Atomic uint64_t seq; /* request id's counter; 0 = free */
    _Atomic uint64_t start_ns;
    _Atomic uint32_t attempt;  /* tries begun */
    _Atomic uint32_t status;   /* of the try at hand, once `usage` holds */
    struct usage usage;
    int64_t cost_nusd;
    char id[32];
    char principal[40], target[64], endpoint[16];
    char key[40], team[40], user[40], model[64]; /* of its ledger row */
    struct str body; /* in its process's memory: for that one's last words */
};

struct cells;
struct alert_board; /* engine/alert.h */

/** In the master. `processes` bounds workers of all generations + 2; there may
 * be more, where the memory is that of the program before. */
struct cells *cells_new(uint32_t processes, uint32_t requests_per_process,
                        struct err *err);
void cells_free(struct cells *c); /* unmaps; the living keep theirs */
/** Process cells that nobody has. */
uint32_t cells_free_count(const struct cells *c);
uint32_t cells_processes(const struct cells *c);
/** The memory is that of the program before us: its processes use it, too. */
bool cells_inherited(const struct cells *c);
uint64_t cells_boot_id(const struct cells *c);
/** What all workers know of targets; lives as long as `c`. */
struct health *cells_health(const struct cells *c);
/** What somebody should be told of; the same. */
struct alert_board *cells_alerts(const struct cells *c);
/** Who is charged with the deaths of workers; the same. */
struct charges *cells_charges(const struct cells *c);

/** Claim a cell for a process about to be forked; NULL when full. */
struct process_cell *cells_claim(struct cells *c, enum process_kind kind,
                                 uint32_t slot);
/** Number of a process cell, from 0; below the `processes` of cells_new. */
uint32_t cells_index(const struct cells *c, const struct process_cell *p);
/** In the child: this is me. Sets crumb_here, metrics_here, explain_here,
 * log_gather_in. */
void cells_enter(struct cells *c, struct process_cell *p);
/** In the master after a death: fold the column, call `lost` for each
 * request that was in work, write the access lines that were gathered, free
 * the cell. */
void cells_reap(struct cells *c, struct process_cell *p,
                void (*lost)(void *ud, const struct request_cell *r), void *ud);

/** A request begins; NULL when all cells are taken (it is served all the
 * same). Strings are cut to fit. */
struct request_cell *cells_request_begin(struct cells *c, struct str id,
                                         struct str endpoint);
void cells_request_note(struct request_cell *r, struct str principal,
                        struct str target);
/** For the ledger's row, should we die: whose key, and the model asked for
 * (once the body is read). */
void cells_request_caller(struct request_cell *r, struct str key,
                          struct str team, struct str user);
void cells_request_model(struct request_cell *r, struct str model);
/** Its body, as the client sent it, borrowed until the request ends. */
void cells_request_body(struct request_cell *r, struct str body);
/** This process dies in a call that was made for a request: leave what stands
 * for its body in the process cell. Safe in a signal handler. */
void cells_crashed(struct process_cell *p);
/** The answer is about to end: what its row will say, should we die between
 * its last byte and that. */
void cells_request_used(struct request_cell *r, int status,
                        const struct usage *u, int64_t cost_nusd);
void cells_request_end(struct request_cell *r);

/** A request of the generation that this process serves was answered. */
void cells_judge(struct process_cell *p, bool denied, bool failed);
/** And so many tries at targets it took, so many of which failed. */
void cells_judge_tries(struct process_cell *p, uint32_t tries,
                       uint32_t broken);
/** From now on another generation is served. */
void cells_generation(struct process_cell *p, uint64_t number);

/** The worker's loop: what status and metrics show of it. */
void cells_beat(struct process_cell *p, uint64_t now_ms, size_t inflight,
                size_t connections);

/**
 * Is this worker the one that does what one of them does? The ready one of the
 * lowest slot whose loop turns; of two in a slot the younger. False for one
 * that drains.
 */
bool cells_leads(const struct cells *c, const struct process_cell *me);

/** Requests whose try at hand is at that target, of all living processes.
 * O(cells); a name is compared as far as a cell holds it. */
uint64_t cells_at_target(const struct cells *c, struct str target);

/** All columns as Prometheus text; requests in flight, connections and
 * workers are counted from the process cells. */
int cells_metrics_text(const struct cells *c, struct buf *out);
/** The sum of a counter over all that live and lived; -ERR_BUSY: ask again.
 * O(processes): a pass over their columns. */
int cells_total(const struct cells *c, enum metric_id id, uint64_t *sum);
/** Text of a recent request from any ring; 0 or -ERR_NOTFOUND. */
int cells_explain(const struct cells *c, struct str id, struct buf *out);

/** Walk the process cells in use; start with *at = 0. */
struct process_cell *cells_next(const struct cells *c, uint32_t *at);

#endif

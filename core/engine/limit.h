/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Limits: cells in memory that all workers share, by kind, scope and name, and
 * the holds of requests on them. The master makes it before it forks.
 *
 *   requests    GCRA, one time per cell; a hold is for giving one back
 *   tokens      two buckets of a period, the older weighted by what is left of
 *               it, and what is reserved; a hold is settled by what was used.
 *               Any period holds less than twice the limit, whatever a caller
 *               does, and close to it for one who does not aim at that
 *   concurrent  how many at once; a hold is one of them
 *
 * Why locks and not atomics: a take of several rows must take all of them or
 * none, a token cell is four words that belong together, and a process may be
 * killed between the cell and the record of its hold. Each shard has a robust
 * mutex (as in kv.h: the kernel marks it when its holder ends) and room to
 * undo one change: the cell and the hold as they were. A take locks the shards
 * of all its rows, in their order, before it looks: so it sees one state, and
 * nobody is refused because of a take that is rolled back. Whoever locks next
 * after a death undoes what was half done, so a cell and its holds always
 * agree; what the dead held is given back by limit_reap.
 *
 * A cell that says nothing (a full bucket, no reservation, nobody inside) may
 * be given to another name. Where none is found among LIMIT_LOOK the memory is
 * full: -ERR_LIMIT, what that means is the caller's. Names that anybody can
 * make up (addresses, texts) get half of the cells at most.
 *
 * Source: docs/design/policies.md, "Limits".
 */
#ifndef PENSTOCK_ENGINE_LIMIT_H
#define PENSTOCK_ENGINE_LIMIT_H

#include "base/err.h"
#include "base/str.h"

struct limiter;

/* A later kind is a row here, one in limit_cell.c, and its unit. */
enum limit_kind { LIMIT_REQUESTS, LIMIT_TOKENS, LIMIT_CONCURRENT, LIMIT_KINDS };

enum {
    LIMIT_ROWS = 32,        /* of one take */
    LIMIT_HOLDS = 16384,    /* of one process, unless said otherwise */
    LIMIT_LOOK = 64,        /* cells looked at for one to give away */
    LIMIT_PATIENCE_MS = 50, /* for a lock whose holder does not run */
    LIMIT_RETRY_MS = 1000,  /* nobody knows when a concurrent one ends */
};

#define LIMIT_MAX (1ull << 36)      /* of anything, per period */
#define LIMIT_PERIOD_MS (86400000u) /* the longest */
#define LIMIT_MEMORY_MIN (64u << 10)

const char *limit_kind_name(enum limit_kind k);

struct limit_row {
    enum limit_kind kind;
    bool open;          /* a name that anybody can make up */
    bool kept;          /* scope and name last as long as a claim on it */
    struct str scope;   /* "key"; with name and kind it names the cell */
    struct str name;    /* "ci" */
    uint64_t limit;     /* per period, or at once; 1 to LIMIT_MAX */
    uint64_t period_ms; /* 1 to LIMIT_PERIOD_MS; concurrent: 0 */
    uint64_t burst;     /* requests at once; 0: a tenth of limit, 1 at least */
    uint64_t want;      /* tokens to reserve; other kinds take one */
    uint64_t least;     /* tokens: so many will do, if not all of want are
                           left; 0: all of it */
};

/*
 * What names a cell besides kind, scope and name: of requests limit and
 * period, of tokens the period. A limit of requests that is changed begins
 * anew; the others go on.
 */

/** How a row stands; after a take: with what it took. */
struct limit_state {
    bool denied;
    uint64_t remaining; /* what could be taken now */
    uint64_t reset_ms;  /* until nothing of it is used any more */
    uint64_t retry_ms;  /* denied: until it would be granted, if nobody else
                           takes and what is reserved is used */
};

/** A hold: 0 is none. It belongs to this process. */
typedef uint32_t limit_hold;

/**
 * Memory of `bytes` for cells, at least LIMIT_MEMORY_MIN, and for `holds` of
 * each of `processes`; pages are used as they fill.
 *
 *   shared   in   in all processes forked from here on; else only in ours
 *
 * Errors: NOMEM, IO, LIMIT (too much)
 */
struct limiter *limiter_new(uint64_t bytes, uint32_t processes, uint32_t holds,
                            bool shared, struct err *err);
/** Unmaps; other processes keep theirs. */
/** The memory is that of the program before us. */
bool limiter_inherited(const struct limiter *l);
void limiter_free(struct limiter *l);

/** This process is number `process` (from 0) from now on: it may take. */
int limiter_enter(struct limiter *l, uint32_t process);

/** Number `process` is dead: give back what it held. How many holds are left
 * because a lock could not be had; the next of that number ends them. */
uint32_t limiter_reap(struct limiter *l, uint32_t process);

/**
 * Take one of each row, or nothing.
 *
 *   holds    in/out  not 0: this request has taken the row; it is looked at
 *                    by its limit, and taken once. Rows that name one cell get
 *                    one hold, the others 0.
 *   states   out     of all rows
 *
 * Errors: RATE_LIMITED  see states; nothing is taken, as for all errors
 *         LIMIT         no cell, or no hold, is free
 *         BUSY          somebody holds a lock and does not run
 * Cost:   O(rows): about 0.15 us each (tests/bench/limit_bench)
 */
int limit_take(struct limiter *l, const struct limit_row *rows, size_t n,
               uint64_t now_ms, struct limit_state *states, limit_hold *holds);

/** The same without taking. `holds` may be NULL. */
int limit_peek(struct limiter *l, const struct limit_row *rows, size_t n,
               uint64_t now_ms, struct limit_state *states,
               const limit_hold *holds);

/**
 * End a hold. Tokens: `used` instead of what was reserved. Requests: 0 gives
 * it back. Never fails: where the lock cannot be had it is done later.
 */
void limit_settle(struct limiter *l, limit_hold hold, uint64_t used,
                  uint64_t now_ms);

/** Reserve `more` tokens for a hold, if the row's limit has them: 0, or
 * -ERR_RATE_LIMITED, -ERR_BUSY. */
int limit_more(struct limiter *l, limit_hold hold, const struct limit_row *row,
               uint64_t more, uint64_t now_ms);

/** What a hold of tokens has reserved. */
uint64_t limit_reserved(const struct limiter *l, limit_hold hold);

/** Do they name one cell? */
bool limit_row_same(const struct limit_row *a, const struct limit_row *b);

/** For status and tests: cells in use now, and the sums of their kind. */
struct limit_sums {
    uint64_t cells, reserved, concurrent, holds;
};

/** O(cells); takes each lock. */
void limiter_sums(struct limiter *l, uint64_t now_ms, struct limit_sums *out);

/**
 * A time that all processes see: when a name of their own was last counted,
 * say, so that while that is long ago nobody looks for one. 0: never.
 */
void limit_mark(struct limiter *l, uint64_t now_ms);
uint64_t limit_marked(const struct limiter *l);

/*
 * limit_learn.c: how long the answers of a model are, as a histogram in the
 * same memory; shared by all workers, without locks: an estimate.
 */

/** A model's answer had so many tokens. */
void limit_learn(struct limiter *l, struct str model, uint64_t tokens);

/** Nineteen of twenty answers had no more; 0: too few are known. */
uint64_t limit_learned(const struct limiter *l, struct str model);

#endif

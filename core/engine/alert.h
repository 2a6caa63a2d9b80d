/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Alerts: rows of alert.def, and the board in shared memory on which those
 * that hold stand. The board is also the queue to the receivers: a cell knows
 * which of them was told that it began and that it is over, and is free when
 * all were. So what comes and goes while a receiver is away costs one place
 * and two messages, nothing is told twice, and a new keeper goes on where the
 * last one ended.
 *
 * A row is said by one process alone (its owner); marks of receivers are the
 * keeper's. Times are milliseconds of the monotonic clock.
 * Source: docs/design/reliability.md, "Alerts"
 */
#ifndef PENSTOCK_ENGINE_ALERT_H
#define PENSTOCK_ENGINE_ALERT_H

#include "base/str.h"

#include <jansson.h>
#include <stdatomic.h>

enum alert_kind {
#define ALERT_ROW(id, name, severity, owner, help, act) ALERT_##id,
#include "engine/alert.def"
#undef ALERT_ROW
    ALERT_KINDS
};

enum alert_severity { ALERT_WARNING, ALERT_CRITICAL };
enum alert_owner { ALERT_OF_KEEPER, ALERT_OF_MASTER };

struct alert_row {
    const char *name;
    enum alert_severity severity;
    enum alert_owner owner;
    const char *help, *act;
};

extern const struct alert_row alert_rows[ALERT_KINDS];
/** "|breaker|cert|...": the names, each behind a bar. */
extern const char alert_names[];
const char *alert_severity_name(enum alert_severity s);

enum {
    ALERT_CELLS = 256,
    ALERT_OF_A_KIND = 64, /* further ones find no place */
    ALERT_WHERE = 128,
    ALERT_WHAT = 200,
    ALERT_RECEIVERS = 8,
};

struct alert_cell {
    _Atomic uint32_t state; /* free, busy, raised, cleared */
    _Atomic uint32_t turn;  /* changes with the texts */
    _Atomic uint32_t told;  /* receivers that know that it began, as bits */
    _Atomic uint32_t over;  /* and that it is over */
    _Atomic uint64_t since_ms, until_ms;
    uint32_t kind, severity;
    char where[ALERT_WHERE]; /* "openai/gpt-6-luna", "worker 3" */
    char what[ALERT_WHAT];
};

/** All zero: nothing stands there. */
struct alert_board {
    /* hashes of their names; the log is one */
    _Atomic uint64_t receivers[ALERT_RECEIVERS + 1];
    struct alert_cell cells[ALERT_CELLS];
};

/**
 * It holds: put it there, or leave what stands there. One that is known and
 * becomes graver is told again. Texts are cut to fit.
 *
 *   returns  the number of its cell; -1: no place
 *
 * Cost: a pass over the board.
 */
int alert_raise(struct alert_board *b, enum alert_kind kind,
                enum alert_severity severity, struct str where,
                struct str what, uint64_t now_ms);
/** Other words for one that is raised; nobody is told again. For its owner. */
void alert_reword(struct alert_board *b, enum alert_kind kind,
                  struct str where, struct str what);
/** It is over. -1: nothing of the kind stands there. */
int alert_clear(struct alert_board *b, enum alert_kind kind, struct str where,
                uint64_t now_ms);
bool alert_is_raised(const struct alert_board *b, enum alert_kind kind,
                     struct str where);

/**
 * A look at all that an owner says: what it finds is raised, and what it does
 * not find any more is over.
 */
struct alert_pass {
    struct alert_board *board;
    enum alert_owner owner;
    uint64_t now_ms;
    bool found[ALERT_CELLS];
};

void alert_pass_begin(struct alert_pass *p, struct alert_board *b,
                      enum alert_owner owner, uint64_t now_ms);
void alert_found(struct alert_pass *p, enum alert_kind kind,
                 enum alert_severity severity, struct str where,
                 const char *what, ...) __attribute__((format(printf, 5, 6)));
/** As it is, whether or not it was found. */
void alert_pass_keep(struct alert_pass *p, enum alert_kind kind);
void alert_pass_end(struct alert_pass *p);

/* ---- receivers: the keeper's ------------------------------------------- */

/** Who is to be told of what. */
struct alert_wish {
    uint32_t receiver; /* number on the board */
    uint32_t kinds;    /* 1 << enum alert_kind */
    uint64_t quiet_ms; /* how long it must be over before it is said to be */
};

/** What one receiver is owed of one cell: a copy. */
struct alert_note {
    uint32_t cell, turn;
    enum alert_kind kind;
    enum alert_severity severity;
    bool cleared;
    uint64_t since_ms, until_ms; /* until: 0 = it lasts */
    char where[ALERT_WHERE], what[ALERT_WHAT];
};

/** These are the receivers: their numbers into the wishes, in order. A name
 * keeps its number, and what it was told; of others all is forgotten. */
void alert_receivers(struct alert_board *b, const struct str *names,
                     struct alert_wish *wishes, size_t n);
/** At most `max` notes for it, the longest due first within the board's
 * order; how many. */
size_t alert_owed(const struct alert_board *b, const struct alert_wish *w,
                  uint64_t now_ms, struct alert_note *notes, size_t max);
void alert_told(struct alert_board *b, const struct alert_wish *w,
                const struct alert_note *note);
/** Free the cells that are over and that nobody waits for. */
void alert_sweep(struct alert_board *b, const struct alert_wish *wishes,
                 size_t n);

/** All that is raised, as copies; for showing. */
size_t alert_list(const struct alert_board *b, struct alert_note *notes,
                  size_t max);
/** How many of a kind are raised. */
uint32_t alert_count(const struct alert_board *b, enum alert_kind kind);

/** The wait before the n-th further try (from 1): 1 s, doubled up to a
 * minute, the half of it by chance. */
uint64_t alert_wait_ms(uint32_t failures, uint32_t dice);

/* alert_json.c */

/** {"alert", "state", "severity", "where", "what", "since", "do", ...}; the
 * wall clock belongs to `now_ms`. NULL: memory. */
json_t *alert_json(const struct alert_note *n, uint64_t now_ms,
                   uint64_t wall_ms);
/** What is raised, as a list of them. */
json_t *alert_report(const struct alert_board *b);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * What all workers know of targets and credentials: one table of cells by name
 * in shared memory, made by the master before it forks. A cell outlives
 * reloads and workers. It is claimed at the first look and never given back,
 * so a pointer to one stays good; a full table means targets without a cell,
 * which are served all the same.
 *
 * Where no model block exists, clients make up names: theirs get a cell while
 * a quarter of the table is left for those that are configured.
 */
#ifndef PENSTOCK_ENGINE_HEALTH_H
#define PENSTOCK_ENGINE_HEALTH_H

#include "base/err.h"
#include "base/str.h"
#include "engine/aimd.h"
#include "engine/autooff.h"
#include "engine/breaker.h"
#include "engine/gap.h"
#include "engine/pace.h"
#include "engine/probing.h"
#include "engine/rest.h"
#include "engine/retry_budget.h"
#include "engine/speed.h"
#include "engine/trend.h"

enum { HEALTH_CELLS = 4096, HEALTH_NAME = 120 };

/** An operator's word on a target: new tries go past it. */
enum target_off { TARGET_ON, TARGET_DISABLED, TARGET_DRAINING };

struct health_cell {
    _Atomic uint64_t hash;       /* of the whole name; 0 = free */
    _Atomic uint64_t generation; /* the last that is configured with it */
    _Atomic uint32_t named;      /* `name` can be read */
    _Atomic uint32_t off;        /* enum target_off */
    char name[HEALTH_NAME];      /* for people; cut to fit */
    struct breaker breaker;      /* of a target: "openai/gpt-6-luna" */
    struct retry_budget retries; /* of a model: see engine_retries */
    struct speed speed; /* of a target */
    struct trend trend; /* these five as well */
    struct gap gap;
    struct autooff autooff;
    struct probing probing;
    struct aimd aimd;
    _Atomic uint32_t least, most; /* as configured: found out within these;
                                     least 0: most holds, which 0: any */
    struct rest rest; /* of a target, or a credential: "openai#main" */
    struct pace paces[PACE_KEYS]; /* of a target: its provider's first
                                     credentials, in their order */
};

struct health;

/** For so many processes, numbered from 0. NULL with *err: NOMEM, IO. Pages
 * are used as cells are claimed. */
struct health *health_new(uint32_t processes, struct err *err);
void health_free(struct health *h); /* unmaps; other processes keep theirs */

/**
 * The cell of a name, claimed where there is none.
 *
 *   generation   in   of the configuration that has the name; 0: a client's
 *   returns           NULL: the table is full
 *
 * Cost: about 60 ns.
 */
struct health_cell *health_find(struct health *h, struct str name,
                                uint64_t generation);

/** Walk the cells of the configuration lent last, those of targets or those of
 * credentials; start with *at = 0. Targets that are off are always among
 * them. */
const struct health_cell *health_next(const struct health *h, uint32_t *at);
const struct health_cell *health_next_credential(const struct health *h,
                                                 uint32_t *at);

/**
 * Calls under way at a target, counted by each process for itself, so that
 * what a dead one held is known to the last call. `c` is a cell of h.
 *
 *   process  in   the number of who asks
 *   most     in   over all processes; 0: any number
 *   returns       false: there are as many already
 *
 * Of several that take the last place at once one has it, or, after a few
 * rounds, none. Cost: O(processes), about 20 ns for 16.
 */
bool health_take(struct health *h, const struct health_cell *c,
                 uint32_t process, uint32_t most);
void health_give(struct health *h, const struct health_cell *c,
                 uint32_t process);
uint32_t health_inflight(const struct health *h, const struct health_cell *c);
/** The target of that name among those; NULL: there is none. O(cells). */
struct health_cell *health_named(struct health *h, struct str name);

/** What the target gets of its weight, per mille: by its breaker and its
 * trend together. */
uint32_t health_share(const struct health_cell *c, uint64_t now_ms);
/** How many calls a target may have now; 0: any number. For people. */
uint32_t health_limit(const struct health_cell *c);

const char *target_off_name(enum target_off off);

/** A process died: what its calls held is free. */
void health_reap(struct health *h, uint32_t pid, uint32_t process);

#endif

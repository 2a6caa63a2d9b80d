/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * `penstock policy shadow DIR` in the master: a loader makes a bundle with
 * DIR's policies before all others, the workers run it beside the live one
 * (flow/shadow.h) and say what they saw; here it is added up.
 */
#ifndef PENSTOCK_APP_SHADOW_H
#define PENSTOCK_APP_SHADOW_H

#include "app/loader.h"
#include "base/buf.h"

#include <jansson.h>

struct master;
struct message;
struct post;

enum { SHADOW_SAMPLES_KEPT = 50, SHADOW_ROWS_KEPT = 64 };

struct shadowing {
    struct loaded loaded; /* the candidate; no bundle: none runs */
    char dir[PATHS_MAX];  /* of it, or of the one that is being loaded */
    uint32_t rate;        /* of SHADOW_ALL requests */
    uint32_t asked_rate;  /* of the one that is being loaded */
    uint64_t since_ms;
    json_t *report;       /* sums, "rows", "samples" */
    char failed[256];     /* a worker cannot run it: why; "" = none said so */
};

/** The loader has it: workers are told, the earlier one ends. */
void shadow_begin(struct master *m, struct loaded *l, struct buf *answer);
void shadow_end(struct master *m);
/** A worker is there: it is told. */
void shadow_greet(struct master *m, struct post *p);
/** A worker says what it saw (MSG_SHADOWED). */
void shadow_heard(struct master *m, struct post *p, struct message *msg);
/** The report, with the files that `promote` would copy. */
void shadow_put(const struct master *m, struct buf *out);
void shadow_close(struct master *m);

#endif

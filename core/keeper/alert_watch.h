/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * What holds of the keeper's rows of alert.def. Levels differ for begin and
 * end, so that what stands at the edge is said once.
 */
#ifndef PENSTOCK_KEEPER_ALERT_WATCH_H
#define PENSTOCK_KEEPER_ALERT_WATCH_H

#include "keeper/alerts.h"

enum {
    WATCH_PAUSE_MS = 60000,   /* a longer rest is told */
    WATCH_LAST_MS = 300000,   /* how long a loss is told after the last */
    WATCH_TOTALS_MS = 5000,   /* counters are summed so often */
    WATCH_STORE_MS = 5000,    /* a store may take so long to open */
    WATCH_STUCK_MS = 2000,    /* a loop that did not turn for so long */
    WATCH_LAG_MS = 250, WATCH_LAG_END_MS = 50,
    WATCH_FDS = 90, WATCH_FDS_END = 80, /* percent in use */
    WATCH_CERT_DAYS = 30, WATCH_CERT_GRAVE_DAYS = 7,
    WATCH_CERTS = 256,
};

/** A counter that should stand still. */
struct watch_counter {
    uint64_t last, grew_ms; /* grew_ms: when it last did; 0 = never */
    bool known;
};

struct watch_cert {
    const char *listener;
    uint32_t number;
    int64_t expires; /* Unix seconds */
};

struct alert_watch {
    const struct alerts_env *env;
    struct alert_pass pass;
    bool ill; /* something keeps calls from a target */
    struct watch_counter log_lines, limits_full;
    uint64_t totals_ms;
    uint64_t store_ms; /* since when it is not open; 0 = it is */
    struct watch_cert certs[WATCH_CERTS];
    size_t n_certs;
};

/** Reads the listeners' certificates. `env` is borrowed. */
void alert_watch_init(struct alert_watch *w, const struct alerts_env *env);
/** One look. Cost: O(targets x models) while something is ill. */
void alert_watch_look(struct alert_watch *w, uint64_t now_ms,
                      uint64_t wall_ms);

#endif

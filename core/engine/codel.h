/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Controlled delay: a queue that was never shorter than `target` for a whole
 * `interval` does not take up a burst, it only makes everybody late. Then
 * those who waited more than twice the target are sent away instead of served,
 * until it was short once. The least wait of an interval counts, so that a
 * long wait alone, of a slow target or of a burst, does no harm. Pure.
 *
 * Source: Nichols, Jacobson: "Controlling Queue Delay"; the form for requests
 * is folly's (target and interval of its own scale).
 */
#ifndef PENSTOCK_ENGINE_CODEL_H
#define PENSTOCK_ENGINE_CODEL_H

#include <stdbool.h>
#include <stdint.h>

struct codel_conf {
    uint32_t target_ms; /* 0: nobody is sent away */
    uint32_t interval_ms;
};

/** All zero: it begins. */
struct codel {
    uint64_t until_ms; /* of the interval */
    uint64_t least_ms; /* wait within it */
    bool begun;        /* the interval has one */
    bool overloaded;   /* the one before it had no short wait */
};

/** Somebody's turn has come after so long a wait: shall they be sent away? */
bool codel_sheds(struct codel *c, struct codel_conf conf, uint64_t now_ms,
                 uint64_t waited_ms);

#endif

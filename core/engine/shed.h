/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * When a worker has too much to do: from a few signs, looked at now and then,
 * one level. Of a limit four fifths are the batch requests' end, all of it is
 * everybody's. A level is left when all signs are a tenth below what it begins
 * at, so that it does not flicker. How late the loop is must be seen twice in
 * a row: once is a machine that was busy elsewhere. Pure.
 *
 * Source: docs/design/reliability.md, "Too much to do"
 */
#ifndef PENSTOCK_ENGINE_SHED_H
#define PENSTOCK_ENGINE_SHED_H

#include <stdbool.h>
#include <stdint.h>

enum shed_level { SHED_NOBODY, SHED_BATCH, SHED_ALL };

enum shed_sign { SHED_LAG, SHED_MEMORY, SHED_CONNECTIONS, SHED_SIGNS };

/** By sign: milliseconds, bytes, connections; as a limit 0: not looked at. */
struct shed_values {
    uint64_t at[SHED_SIGNS];
};

struct shed {
    enum shed_level level;
    enum shed_sign why;  /* of the level */
    uint64_t since_ms;   /* it left SHED_NOBODY */
    uint64_t late_ms;    /* the lag of the look before */
};

const char *shed_level_name(enum shed_level l); /* "none", "batch", "all" */
const char *shed_sign_name(enum shed_sign s); /* "lag", ... */

/** Look: has the level changed? */
bool shed_look(struct shed *s, const struct shed_values *limits,
               const struct shed_values *now, uint64_t now_ms);

/** What to tell who is sent away: what has lasted so long may last as long
 * again; 1 to 30 s. */
uint64_t shed_retry_ms(const struct shed *s, uint64_t now_ms);

#endif

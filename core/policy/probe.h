/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Looking on while policies run: each state of a set is shown to a probe
 * before its file is loaded, so that it can set a hook, which coroutines
 * inherit. The CPU budget's own hook takes its place when it is due, and stays.
 * For tests and `penstock explain -f`; a worker has none.
 */
#ifndef PENSTOCK_POLICY_PROBE_H
#define PENSTOCK_POLICY_PROBE_H

#include "policy/policy.h"

#include <stdint.h>

struct policy_state;

struct policy_probe {
    void (*open)(struct policy_probe *p, struct policy_state *st);
    uint64_t instructions; /* that were run; 0 where they are not counted */
};

/** As policy_set_new; the probe is borrowed, for the set's life. */
struct policy_set *policy_set_probed(const struct config *c,
                                     struct policy_probe *probe,
                                     struct err *err);

/** A probe that counts the instructions of Lua that are run; its hook costs
 * more than they do. */
struct policy_probe policy_probe_count(void);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* What the configuration says of having too much to do: places at a target
 * that are found out, waiting for one, and turning requests away. */
#ifndef PENSTOCK_ENGINE_CONFIG_LOAD_H
#define PENSTOCK_ENGINE_CONFIG_LOAD_H

#include "engine/aimd.h"
#include "engine/codel.h"

struct conf_queue {
    uint32_t length; /* most that wait in a worker */
    uint64_t memory; /* bytes of their bodies */
    uint32_t max_wait_ms; /* 0: nobody waits */
    struct codel_conf delay;
};

struct conf_shed {
    uint32_t lag_ms;      /* of the loop; 0: not looked at */
    uint64_t memory;      /* bytes of a worker; 0: by the machine's */
    uint32_t connections; /* percent of the most; 0: not looked at */
};

#endif

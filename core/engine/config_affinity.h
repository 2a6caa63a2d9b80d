/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* What keeps requests at one of a model's targets. */
#ifndef PENSTOCK_ENGINE_CONFIG_AFFINITY_H
#define PENSTOCK_ENGINE_CONFIG_AFFINITY_H

#include <stdint.h>

enum conf_affinity_by { AFFINITY_NONE, AFFINITY_SESSION, AFFINITY_PROMPT };

struct conf_affinity {
    enum conf_affinity_by by;
    uint32_t prefix; /* bytes of the prompt */
    uint32_t ttl_ms; /* where it was served last holds so long; 0: nothing
                        is remembered */
};

#endif

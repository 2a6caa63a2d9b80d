/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* How a provider's hosts are watched, and how many connections to them are
 * kept. */
#ifndef PENSTOCK_ENGINE_CONFIG_POOL_H
#define PENSTOCK_ENGINE_CONFIG_POOL_H

#include "base/str.h"

#include <jansson.h>
#include <stdbool.h>

enum conf_probe { PROBE_OFF, PROBE_OPEN, PROBE_IDLE };

struct conf_health {
    enum conf_probe probe;
    uint32_t interval_ms, timeout_ms;
    struct str path; /* after base_url; empty: the plugin's list of models */
    bool auto_disable;
};

/** Of each host, in each worker. */
struct conf_pool {
    uint32_t max;  /* connections in use at a time; 0: any number */
    uint32_t warm; /* opened ahead of need, at most */
    uint32_t idle_ms, lifetime_ms;
};

struct opener;
/** Of a provider, once it is canonical. */
void open_health(struct opener *o, struct conf_health *h, const json_t *v);
struct conf_pool open_pool(const json_t *v);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Who is told of what, and how much memory a worker may hold. Part of
 * config.h, whose rules hold here too. */
#ifndef PENSTOCK_ENGINE_CONFIG_ALERT_H
#define PENSTOCK_ENGINE_CONFIG_ALERT_H

#include "base/err.h"
#include "engine/secret.h"

#include <jansson.h>

struct conf_walk;
struct config;
struct opener;

/** What a worker holds of its own; shared memory does not count. */
struct conf_memory {
    uint64_t soft, hard; /* bytes */
};

struct conf_alert {
    struct str name;
    struct secret webhook; /* a URL, never printed */
    struct str ca_file;    /* empty = the system's */
    uint32_t kinds;        /* 1 << enum alert_kind */
    uint32_t quiet_ms;
};

struct conf_alerts {
    struct conf_alert *list;
    size_t n;
};

/** The rules of the blocks, and of the limits of memory. */
int walk_alerts(struct conf_walk *w, json_t *canonical);
/** Is it a URL that can be posted to? */
bool config_webhook_ok(struct str url);
void open_alerts(struct opener *o, struct config *c);

#endif

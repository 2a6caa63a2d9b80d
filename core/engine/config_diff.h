/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * What differs between two bundles, and what that asks for: in place, with
 * new workers, or not without a restart. By the column `applies` of
 * config.def; a changed policy, certificate, key or secret is a change of its
 * own, though the configuration's text is the same.
 */
#ifndef PENSTOCK_ENGINE_CONFIG_DIFF_H
#define PENSTOCK_ENGINE_CONFIG_DIFF_H

#include "base/err.h"
#include "engine/config_table.h"

#include <jansson.h>

struct snapshot;

/* with paths of at most 160 bytes: they must fit into one message */
enum { CONFIG_CHANGES_MAX = 100 };

struct config_diff {
    /* [{"path": "provider/gpu/base_url", "change": "added|removed|changed",
     *   "applies": "live|workers|restart"}, ...], in the order of the
     * bundles; no values: some are secret */
    json_t *changes;
    size_t n;                  /* all, those beyond CHANGES_MAX too */
    enum conf_applies applies; /* the most that one of them asks for */
    bool helpers; /* more than policies: the keeper's too */
};

/** Compare two sealed bundles. 0 or -ERR_NOMEM, -ERR_CONFIG. */
int config_diff(const struct snapshot *from, const struct snapshot *to,
                struct config_diff *out, struct err *err);
/** Note one more, from elsewhere: a plugin's file. 0 or -ERR_NOMEM. */
int config_diff_add(struct config_diff *d, const char *path,
                    const char *change, enum conf_applies applies);
void config_diff_clear(struct config_diff *d);

#endif

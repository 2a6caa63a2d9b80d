/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* The typed configuration of the ledger and of prices. Part of config.h,
 * whose rules hold here too. */
#ifndef PENSTOCK_ENGINE_CONFIG_LEDGER_H
#define PENSTOCK_ENGINE_CONFIG_LEDGER_H

#include "base/str.h"

struct conf_ledger {
    uint64_t keep_ms;     /* rows older than that go */
    uint64_t spill_bytes; /* of the file that stands in for the database */
    struct str prices;    /* section of the bundle, engine/price.h */
};

#endif

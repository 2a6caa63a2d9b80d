/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* What the configuration says of limits. */
#ifndef PENSTOCK_ENGINE_LIMIT_CONF_H
#define PENSTOCK_ENGINE_LIMIT_CONF_H

#include "base/str.h"

/** Of a key or a team. */
struct conf_limits {
    struct str requests, tokens; /* "600/min", checked; n 0 = none */
    uint32_t concurrent;         /* 0 = none */
};

/**
 * As the store keeps them: compact JSON that was checked when it was written.
 * Texts are borrowed from it.
 */
struct conf_limits conf_limits_stored(struct str json);

/** Of the memory behind them. */
struct conf_limiter {
    uint64_t memory; /* bytes */
    bool full_allows;
};

#endif

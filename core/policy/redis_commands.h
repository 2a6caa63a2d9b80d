/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* What scripts may send to a Redis whose connection all policies share. */
#ifndef PENSTOCK_POLICY_REDIS_COMMANDS_H
#define PENSTOCK_POLICY_REDIS_COMMANDS_H

#include "base/str.h"

struct redis_rule {
    bool read;         /* changes nothing */
    const char *never; /* why it is refused; NULL: it is not */
};

/** The rule for a command, in upper case, and its arguments. O(log n). */
struct redis_rule redis_rule(const struct str *args, size_t n);

#endif

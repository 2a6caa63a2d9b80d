/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Which lines of a policy ran while its tests did. Lines that can run are
 * those of the compiled file, functions that nobody called included; a line
 * that only closes a block is not counted.
 */
#ifndef PENSTOCK_POLICY_COVER_H
#define PENSTOCK_POLICY_COVER_H

#include "base/buf.h"
#include "base/err.h"
#include "policy/probe.h"

enum { COVER_LINES = 1 << 16 }; /* later ones are not looked at */

struct policy_cover {
    struct policy_probe probe; /* first */
    uint8_t *lines;            /* from 1; COVER_CAN | COVER_RAN */
    size_t n;                  /* the last line that can run */
};

enum { COVER_CAN = 1, COVER_RAN = 2 };

/**
 * Find the lines of a policy's text. Errors: CONFIG (it does not compile; the
 * text is Lua's), NOMEM. policy_cover_clear in any case.
 */
int policy_cover_init(struct policy_cover *c, struct str source,
                      struct err *err);
void policy_cover_clear(struct policy_cover *c);

/** How many lines can run, and did. */
size_t policy_cover_count(const struct policy_cover *c, size_t *ran);

/** "7, 9-11": the lines that did not run, in order; "" when all did. */
void policy_cover_missed(const struct policy_cover *c, struct buf *out);

#endif

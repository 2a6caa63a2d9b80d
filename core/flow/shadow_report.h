/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* What a shadow has seen: counts, rows of what differs, samples. Capped. */
#ifndef PENSTOCK_FLOW_SHADOW_REPORT_H
#define PENSTOCK_FLOW_SHADOW_REPORT_H

#include "base/buf.h"

enum { SHADOW_ROWS = 32, SHADOW_SAMPLES = 16, SHADOW_TEXT = 96,
       SHADOW_NOTE = 160 };

struct shadow_diff {
    const char *phase; /* a literal */
    char live[SHADOW_TEXT], candidate[SHADOW_TEXT];
};

struct shadow_report {
    uint64_t requests; /* that were looked at */
    uint64_t phases;   /* of them that were compared */
    uint64_t same, differ;
    uint64_t undecided; /* it asked outside, which is not done */
    uint64_t failed;    /* scripts' errors */
    uint64_t edits;     /* phases in which it would edit, or count, or write */
    uint64_t skipped;   /* phases not run: over its share of CPU */
    struct {
        struct shadow_diff what;
        uint64_t n;
    } rows[SHADOW_ROWS];
    size_t n_rows;
    uint64_t more; /* that differ and have no row */
    struct {
        struct shadow_diff what;
        char id[48], note[SHADOW_NOTE];
    } samples[SHADOW_SAMPLES];
    size_t n_samples;
};

/** Count a difference; a sample of it while there is room. */
void shadow_report_add(struct shadow_report *s, const struct shadow_diff *d,
                       struct str id, const char *note);
/** Append it as JSON. */
void shadow_report_put(const struct shadow_report *s, struct buf *out);

#endif

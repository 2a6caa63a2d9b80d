/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * A column of metrics as it lies in shared memory: a table of open addressing
 * that leads to series, and the series one after another behind it. One
 * process writes; others read without a lock, so a series is finished before
 * its place in the table is set, and readers check every length they find.
 */
#ifndef PENSTOCK_ENGINE_METRICS_COLUMN_H
#define PENSTOCK_ENGINE_METRICS_COLUMN_H

#include "engine/metrics.h"

#include <stdatomic.h>

enum metric_type { METRIC_COUNTER, METRIC_GAUGE, METRIC_SECONDS,
                   METRIC_USD };

struct metric_info {
    const char *name;
    enum metric_type type;
    const char *labels; /* "provider,model"; "" without any */
    const char *help;
};

extern const struct metric_info metric_infos[METRIC_COUNT];

#define METRIC_BUCKETS 13 /* upper bounds in microseconds, without +Inf */
#define METRIC_LABEL_MAX 120 /* a longer label value is cut */

/** The upper bounds of a histogram: fine ones for what should take none. */
const uint64_t *metric_buckets(enum metric_id id);

/* Values of a series: counter, gauge: one. Histogram: a count for each bucket
 * and for +Inf (not cumulative), then the sum in microseconds. */
enum { METRIC_VALUES_MAX = METRIC_BUCKETS + 2 };

struct metrics_series {
    uint16_t id;
    uint16_t n_values;
    uint32_t labels_size; /* packed labels follow the values */
    _Atomic uint64_t values[];
};

enum {
    METRICS_INDEX = 2048, /* a power of two */
    METRICS_SERIES = 1536,
    METRICS_DATA = 256 * 1024,
};

struct metrics_column {
    _Atomic uint32_t count, used;
    _Atomic uint64_t dropped;
    _Atomic uint32_t index[METRICS_INDEX]; /* 1 + offset in data / 8 */
    _Alignas(64) char data[METRICS_DATA];
};

/** A sample that stands in no column. */
struct metrics_extra {
    enum metric_id id;  /* a counter or gauge */
    struct str labels;  /* packed, see metrics_series_labels; may be NULL */
    uint64_t value;
};

/** Add the counters and histograms of the dead to the retired total (its
 * gauges die with it) and empty the column. */
void metrics_retire(struct metrics_column *total, struct metrics_column *dead);

/** A series at the place `at` of the index, checked; NULL if there is none. */
const struct metrics_series *
metrics_series_at(const struct metrics_column *c, uint32_t at);

/** Its labels, packed: a length byte and the value, for each. */
struct str metrics_series_labels(const struct metrics_series *s);

/** The sum of all columns and extras as Prometheus text 0.0.4. */
int metrics_text(const struct metrics_column *const *columns, size_t n,
                 const struct metrics_extra *extra, size_t n_extra,
                 struct buf *out);

#endif

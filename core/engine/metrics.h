/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Metrics: rows of metrics.def. Every process owns one column in shared
 * memory (single writer, no contention); the keeper sums the columns of the
 * living and the retired total of the dead, so that counters never go back.
 * A series (metric + label values) is claimed in the column at its first use;
 * a column is bounded, further series are counted in
 * penstock_metrics_dropped_total.
 */
#ifndef PENSTOCK_ENGINE_METRICS_H
#define PENSTOCK_ENGINE_METRICS_H

#include "base/buf.h"
#include "base/str.h"

enum metric_id {
#define METRIC_ROW(id, name, type, labels, help) METRIC_##id,
#include "engine/metrics.def"
#undef METRIC_ROW
    METRIC_COUNT
};

struct metrics_column;

/** Where this process writes; NULL switches counting off (tests). */
void metrics_here(struct metrics_column *column);

/** Label values in the row's order. Cost: one hash and one probe. */
void metric_add(enum metric_id id, const struct str *labels, uint64_t v);

struct metric_pair {
    struct str name, value;
};

enum {
    METRIC_PAIRS_MAX = 3,
    METRIC_OWN_MAX = 100,     /* series of one policy in a process */
    METRIC_OWN_ALL = 512,     /* of all policies in a process */
};

/**
 * Add to a policy's own counter: METRIC_POLICY_COUNT with labels of its
 * choice, at most METRIC_PAIRS_MAX, whose names are valid and differ.
 *
 *   max      in   a new series is made while its policy has fewer than that
 *   returns       false when nothing was counted for that reason
 *
 * Cost: as metric_add; for a new series a pass over the column.
 */
bool metric_add_own(struct str policy, struct str name,
                    const struct metric_pair *pairs, size_t n_pairs,
                    uint32_t max, uint64_t v);

/** Histograms: seconds, in fixed buckets. */
void metric_observe(enum metric_id id, const struct str *labels, uint64_t us);

/** Where one series of a metric is, for what counts it again and again. Zeroed
 * before its first use; its metric and label values stay the same. */
struct metric_spot {
    struct metrics_column *column;
    struct metrics_series *series;
};

/** As metric_observe, without the hash and the probe but for the first time. */
void metric_observe_at(struct metric_spot *spot, enum metric_id id,
                       const struct str *labels, uint64_t us);
/** Gauges of this process (summed over processes). */
void metric_set(enum metric_id id, const struct str *labels, int64_t v);

#endif

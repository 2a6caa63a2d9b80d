/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Metrics as text: the series of all columns are collected, sorted by metric
 * and labels, and each run of equals is printed as one sum.
 * Source: the Prometheus text exposition format 0.0.4.
 */
#include "engine/metrics_column.h"

#include "base/err.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

struct found {
    enum metric_id id;
    struct str labels;
    const struct metrics_series *series; /* NULL: value */
    uint64_t value;
};

static int by_series(const void *a_, const void *b_)
{
    const struct found *a = a_, *b = b_;
    size_t n = a->labels.n < b->labels.n ? a->labels.n : b->labels.n;
    int c;

    if (a->id != b->id)
        return a->id < b->id ? -1 : 1;
    c = n ? memcmp(a->labels.p, b->labels.p, n) : 0;
    if (c)
        return c;
    return (a->labels.n > b->labels.n) - (a->labels.n < b->labels.n);
}

static size_t collect(const struct metrics_column *c, struct found *to,
                      size_t max)
{
    size_t n = 0;

    for (uint32_t at = 0; at < METRICS_INDEX && n < max; at++) {
        const struct metrics_series *s = metrics_series_at(c, at);

        if (s)
            to[n++] = (struct found){ s->id, metrics_series_labels(s), s, 0 };
    }
    return n;
}

static int put_label_value(struct buf *out, struct str s)
{
    bool valid = str_utf8_valid(s);
    int rc = 0;

    for (size_t i = 0; i < s.n && !rc; i++) {
        char c = s.p[i];

        if (c == '\\' || c == '"')
            rc = buf_putc(out, '\\');
        if (!rc && c == '\n')
            rc = buf_puts(out, "\\n");
        else if (!rc)
            rc = buf_putc(out, (c & 0x80) && !valid ? '?' : c);
    }
    return rc;
}

/** The next packed label; it is taken off. */
static struct str next_label(struct str *packed)
{
    struct str v = { packed->p + 1, (unsigned char)packed->p[0] };

    if (v.n > packed->n - 1)
        v.n = packed->n - 1;
    packed->p += 1 + v.n;
    packed->n -= 1 + v.n;
    return v;
}

/** {a="x",b="y",le="…"}; nothing when there are no labels at all. Behind the
 * names of the row, "*" reads the next name from the series. */
static int put_labels(struct buf *out, enum metric_id id, struct str packed,
                      const char *le)
{
    struct str names = str_of(metric_infos[id].labels);
    const char *comma = "";
    int rc = 0;

    if (names.n == 0 && !le)
        return 0;
    buf_putc(out, '{');
    while (names.n && packed.n) {
        struct str name = names;

        if (str_is(names, "*"))
            name = next_label(&packed);
        else
            name = str_split(&names, ',');
        buf_printf(out, "%s" STR_FMT "=\"", comma, STR_ARG(name));
        if (packed.n)
            put_label_value(out, next_label(&packed));
        rc = buf_putc(out, '"');
        comma = ",";
    }
    if (le)
        rc = buf_printf(out, "%sle=\"%s\"", comma, le);
    return rc ? rc : buf_putc(out, '}');
}

static int put_count(struct buf *out, const char *suffix, enum metric_id id,
                     struct str labels, const char *le, uint64_t v)
{
    buf_puts(out, metric_infos[id].name);
    buf_puts(out, suffix);
    put_labels(out, id, labels, le);
    if (metric_infos[id].type == METRIC_GAUGE)
        return buf_printf(out, " %" PRId64 "\n", (int64_t)v);
    if (metric_infos[id].type == METRIC_USD)
        return buf_printf(out, " %" PRIu64 ".%09" PRIu64 "\n", v / 1000000000,
                          v % 1000000000);
    return buf_printf(out, " %" PRIu64 "\n", v);
}

static int put_histogram(struct buf *out, enum metric_id id,
                         struct str labels, const uint64_t *v)
{
    const uint64_t *bounds = metric_buckets(id);
    uint64_t total = 0;
    char le[32];

    for (size_t i = 0; i < METRIC_BUCKETS; i++) {
        total += v[i];
        snprintf(le, sizeof le, "%g", (double)bounds[i] / 1e6);
        put_count(out, "_bucket", id, labels, le, total);
    }
    total += v[METRIC_BUCKETS];
    put_count(out, "_bucket", id, labels, "+Inf", total);
    buf_puts(out, metric_infos[id].name);
    buf_puts(out, "_sum");
    put_labels(out, id, labels, NULL);
    buf_printf(out, " %.6f\n", (double)v[METRIC_BUCKETS + 1] / 1e6);
    return put_count(out, "_count", id, labels, NULL, total);
}

static void add_found(uint64_t *sum, const struct found *f)
{
    if (!f->series) {
        sum[0] += f->value;
        return;
    }
    for (uint16_t i = 0; i < METRIC_VALUES_MAX && i < f->series->n_values; i++)
        sum[i] += atomic_load_explicit(&f->series->values[i],
                                       memory_order_relaxed);
}

/** Print the run of equal series at `f`; returns its length. */
static size_t put_run(struct buf *out, const struct found *f, size_t n)
{
    uint64_t sum[METRIC_VALUES_MAX] = { 0 };
    size_t i = 0;

    while (i < n && by_series(&f[0], &f[i]) == 0)
        add_found(sum, &f[i++]);
    if (metric_infos[f->id].type == METRIC_SECONDS)
        put_histogram(out, f->id, f->labels, sum);
    else
        put_count(out, "", f->id, f->labels, NULL, sum[0]);
    return i;
}

static int put_all(struct buf *out, const struct found *f, size_t n)
{
    static const char *const types[] = { "counter", "gauge", "histogram",
                                         "counter" };
    size_t i = 0;
    int rc = 0;

    for (int id = 0; id < METRIC_COUNT; id++) {
        const struct metric_info *m = &metric_infos[id];
        const uint64_t none[METRIC_VALUES_MAX] = { 0 };

        if (*m->labels && (i >= n || f[i].id != (enum metric_id)id))
            continue;
        rc = buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", m->name, m->help,
                        m->name, types[m->type]);
        if (i >= n || f[i].id != (enum metric_id)id) {
            if (m->type == METRIC_SECONDS)
                rc = put_histogram(out, id, STR_NULL, none);
            else
                rc = put_count(out, "", id, STR_NULL, NULL, 0);
        }
        while (i < n && f[i].id == (enum metric_id)id)
            i += put_run(out, f + i, n - i);
    }
    return rc;
}

int metrics_text(const struct metrics_column *const *columns, size_t n,
                 const struct metrics_extra *extra, size_t n_extra,
                 struct buf *out)
{
    size_t max = n * METRICS_SERIES + n_extra + n, count = 0;
    struct found *all = calloc(max + 1, sizeof *all);
    int rc;

    if (!all)
        return -ERR_NOMEM;
    for (size_t i = 0; i < n; i++) {
        count += collect(columns[i], all + count, METRICS_SERIES);
        all[count++] = (struct found){
            .id = METRIC_DROPPED,
            .labels = STR(""),
            .value = atomic_load_explicit(&columns[i]->dropped,
                                          memory_order_relaxed),
        };
    }
    for (size_t i = 0; i < n_extra; i++)
        all[count++] = (struct found){
            extra[i].id, extra[i].labels.p ? extra[i].labels : STR(""), NULL,
            extra[i].value };
    qsort(all, count, sizeof *all, by_series);
    rc = put_all(out, all, count);
    free(all);
    return rc;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Counting, sums over columns, the text of it, and a full column. */
#include "engine/metrics_column.h"

#include "unit.h"

static struct metrics_column *column_new(void)
{
    return calloc(1, sizeof(struct metrics_column));
}

static char *text_of(const struct metrics_column *a,
                     const struct metrics_column *b,
                     const struct metrics_extra *extra, size_t n_extra)
{
    const struct metrics_column *both[] = { a, b };
    struct buf out = BUF_INIT(8 << 20);

    UNIT_INT(metrics_text(both, b ? 2 : 1, extra, n_extra, &out), 0);
    return buf_take(&out);
}

#define HAS(text, line) CU_ASSERT_PTR_NOT_NULL(strstr(text, line))

static void counts_nothing_when_off(void)
{
    metrics_here(NULL);
    metric_add(METRIC_WORKER_DEATHS, NULL, 1);
    metric_observe(METRIC_OVERHEAD, NULL, 1);
    metric_set(METRIC_GENERATION, NULL, 1);
}

static void sums_columns(void)
{
    struct metrics_column *a = column_new(), *b = column_new();
    struct str one[] = { STR("groq"), STR("fast"), STR("ok") };
    struct str two[] = { STR("groq"), STR("fast"), STR("timeout") };
    char *text;

    metrics_here(a);
    metric_add(METRIC_ATTEMPTS, one, 2);
    metric_add(METRIC_ATTEMPTS, two, 1);
    metric_add(METRIC_ATTEMPTS, one, 1);
    metrics_here(b);
    metric_add(METRIC_ATTEMPTS, one, 4);
    text = text_of(a, b, NULL, 0);
    HAS(text, "# TYPE penstock_attempts_total counter\n"
              "penstock_attempts_total{provider=\"groq\",model=\"fast\","
              "class=\"ok\"} 7\n"
              "penstock_attempts_total{provider=\"groq\",model=\"fast\","
              "class=\"timeout\"} 1\n");
    CU_ASSERT_PTR_NULL(strstr(text, "penstock_tokens_total"));
    HAS(text, "penstock_worker_deaths_total 0\n");
    free(text);
    metrics_here(NULL);
    free(a);
    free(b);
}

static void gauges_may_be_negative(void)
{
    struct metrics_column *a = column_new();
    struct metrics_extra extra = { .id = METRIC_INFLIGHT, .value = 7 };
    struct str l[] = { STR("openai#main"), STR("ok") };
    char *text;

    metrics_here(a);
    metric_set(METRIC_CREDENTIAL_STATE, l, 3);
    metric_set(METRIC_CREDENTIAL_STATE, l, -2);
    text = text_of(a, NULL, &extra, 1);
    HAS(text, "penstock_credential_state{credential=\"openai#main\","
              "state=\"ok\"} -2\n");
    HAS(text, "penstock_requests_in_flight 7\n");
    free(text);
    metrics_here(NULL);
    free(a);
}

static void histograms_are_cumulative(void)
{
    struct metrics_column *a = column_new();
    struct str l[] = { STR("chat") };
    char *text;

    metrics_here(a);
    metric_observe(METRIC_DURATION, l, 5000);     /* le 0.005 holds it */
    metric_observe(METRIC_DURATION, l, 5001);
    metric_observe(METRIC_DURATION, l, 70000000); /* above all */
    text = text_of(a, NULL, NULL, 0);
    HAS(text, "_bucket{endpoint=\"chat\",le=\"0.005\"} 1\n");
    HAS(text, "_bucket{endpoint=\"chat\",le=\"0.01\"} 2\n");
    HAS(text, "_bucket{endpoint=\"chat\",le=\"60\"} 2\n");
    HAS(text, "_bucket{endpoint=\"chat\",le=\"+Inf\"} 3\n");
    HAS(text, "_sum{endpoint=\"chat\"} 70.010001\n");
    HAS(text, "_count{endpoint=\"chat\"} 3\n");
    HAS(text, "penstock_overhead_seconds_bucket{le=\"5e-05\"} 0\n");
    free(text);
    metrics_here(NULL);
    free(a);
}

static void labels_are_escaped_and_cut(void)
{
    struct metrics_column *a = column_new();
    struct str odd[] = { STR("a\"b\\c\nd"), STR("\xff\xfe"), STR("") };
    char big[400], *text;
    struct str cut[] = { { big, 0 }, STR("m"), STR("ok") };

    memset(big, 'x', sizeof big);
    memcpy(big + METRIC_LABEL_MAX - 1, "\xc3\xa9", 2); /* falls apart */
    cut[0].n = sizeof big;
    metrics_here(a);
    metric_add(METRIC_ATTEMPTS, odd, 1);
    metric_add(METRIC_ATTEMPTS, cut, 1);
    text = text_of(a, NULL, NULL, 0);
    HAS(text, "{provider=\"a\\\"b\\\\c\\nd\",model=\"??\",class=\"\"} 1\n");
    big[METRIC_LABEL_MAX - 1] = '\0';
    CU_ASSERT_PTR_NOT_NULL(strstr(text, big));
    CU_ASSERT_TRUE(str_utf8_valid(str_of(text)));
    free(text);
    metrics_here(NULL);
    free(a);
}

static void a_full_column_drops_and_says_so(void)
{
    struct metrics_column *a = column_new(), *total = column_new();
    char name[32], *text;

    metrics_here(a);
    for (int i = 0; i < METRICS_SERIES + 100; i++) {
        struct str l[] = { STR_NULL, STR("m"), STR("ok") };

        snprintf(name, sizeof name, "p%d", i);
        l[0] = str_of(name);
        metric_add(METRIC_ATTEMPTS, l, 1);
    }
    UNIT_INT(atomic_load(&a->dropped), 100);
    text = text_of(a, NULL, NULL, 0);
    HAS(text, "provider=\"p0\"");
    HAS(text, "penstock_metrics_dropped_total 100\n");
    free(text);
    metrics_retire(total, a);
    UNIT_INT(atomic_load(&total->dropped), 100);
    UNIT_INT(atomic_load(&total->count), METRICS_SERIES);
    metrics_here(NULL);
    free(a);
    free(total);
}

static void the_dead_are_retired(void)
{
    struct metrics_column *total = column_new(), *a = column_new();
    struct str l[] = { STR("chat") };
    char *text;

    metrics_here(a);
    for (int life = 0; life < 2; life++) {
        metric_observe(METRIC_DURATION, l, 1000);
        metric_add(METRIC_LOG_LOST, NULL, 2);
        metric_set(METRIC_GENERATION, NULL, 9);
        metrics_retire(total, a);
        UNIT_INT(atomic_load(&a->count), 0);
    }
    metric_add(METRIC_LOG_LOST, NULL, 1);
    text = text_of(total, a, NULL, 0);
    HAS(text, "penstock_worker_log_lines_lost_total 5\n");
    HAS(text, "penstock_request_duration_seconds_count{endpoint=\"chat\"} 2");
    HAS(text, "penstock_generation 0\n"); /* a gauge dies with its process */
    free(text);
    metrics_here(NULL);
    free(a);
    free(total);
}

static void a_torn_column_is_no_danger(void)
{
    struct metrics_column *a = column_new();
    uint32_t seed = 1;

    for (int round = 0; round < 50; round++) {
        char *text;

        for (size_t i = 0; i < 4096; i++) {
            seed = seed * 1103515245u + 12345u;
            a->data[i] = (char)(seed >> 16);
        }
        for (int i = 0; i < METRICS_INDEX; i++) {
            seed = seed * 1103515245u + 12345u;
            atomic_store(&a->index[i], i & 1 ? seed : seed >> 23);
        }
        text = text_of(a, NULL, NULL, 0);
        free(text);
    }
    free(a);
}

UNIT_MAIN("metrics", {"counts nothing when off", counts_nothing_when_off},
          {"sums columns", sums_columns},
          {"gauges may be negative", gauges_may_be_negative},
          {"histograms are cumulative", histograms_are_cumulative},
          {"labels are escaped and cut", labels_are_escaped_and_cut},
          {"a full column drops and says so", a_full_column_drops_and_says_so},
          {"the dead are retired", the_dead_are_retired},
          {"a torn column is no danger", a_torn_column_is_no_danger})

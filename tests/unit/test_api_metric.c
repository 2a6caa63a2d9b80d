/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* ps.metric: what is counted, under which names, and how many at the most. */
#include "policy_unit.h"

#include "base/buf.h"
#include "engine/metrics_column.h"

static struct metrics_column *column;

static void begin(struct fake *f)
{
    column = calloc(1, sizeof *column);
    metrics_here(column);
    fake_init(f);
}

/* Lines of the policies' own counters; freed by the next one. */
static const char *counted(void)
{
    static struct buf out = BUF_INIT(1 << 20), own = BUF_INIT(1 << 20);
    const struct metrics_column *columns[] = { column };
    struct str rest, line;

    buf_clear(&out);
    buf_clear(&own);
    metrics_text(columns, 1, NULL, 0, &out);
    rest = buf_str(&out);
    while (rest.n) {
        line = str_split(&rest, '\n');
        if (str_starts(line, STR("penstock_policy_count_total")))
            buf_printf(&own, STR_FMT "\n",
                       STR_ARG(((struct str){ line.p + 27, line.n - 27 })));
    }
    buf_putc(&own, '\0');
    return buf_str(&own).p;
}

static void end(struct fake *f)
{
    fake_clear(f);
    metrics_here(NULL);
    free(column);
}

static void counts(void)
{
    struct fake f;

    begin(&f);
    fake_ran(&f, "ps.metric('hits') ps.metric('hits', 4) ps.metric('zero', 0)"
                 " ps.metric('masked', 2, { kind = 'email', b = true, a = 5 })"
                 " ps.metric('masked', 1, { a = 5, b = true, kind = 'email' })"
                 " ps.metric('odd', nil, { x = 'a\"b' })");
    UNIT_STR(f.notes, "");
    UNIT_STR(counted(),
             "{policy=\"p\",name=\"odd\",x=\"a\\\"b\"} 1\n"
             "{policy=\"p\",name=\"hits\"} 5\n"
             "{policy=\"p\",name=\"zero\"} 0\n"
             "{policy=\"p\",name=\"masked\",a=\"5\",b=\"true\","
             "kind=\"email\"} 3\n");
    end(&f);
}

static void mistakes_raise(void)
{
    fake_fails("ps.metric('A')", "a to z");
    fake_fails("ps.metric('')", "a to z");
    fake_fails("ps.metric('1a')", "a to z");
    fake_fails("ps.metric(('a'):rep(65))", "a to z");
    fake_fails("ps.metric('a', -1)", "do not go back");
    fake_fails("ps.metric('a', 1.5)", "integer");
    fake_fails("ps.metric('a', 1, { ['x-y'] = 1 })", "names of labels");
    fake_fails("ps.metric('a', 1, { policy = 1 })", "names of labels");
    fake_fails("ps.metric('a', 1, { __x = 1 })", "names of labels");
    fake_fails("ps.metric('a', 1, { 'x' })", "names of labels");
    fake_fails("ps.metric('a', 1, { x = {} })", "strings, numbers");
    fake_fails("ps.metric('a', 1, { a = 1, b = 2, c = 3, d = 4 })",
               "at most 3");
    fake_fails("ps.metric('a', 1, 'x')", "table expected");
}

static uint64_t sum_of(const char *text)
{
    uint64_t sum = 0;

    for (const char *at = text; (at = strstr(at, "} ")); at += 2)
        sum += strtoull(at + 2, NULL, 10);
    return sum;
}

/* A label that a client chooses fills neither the column nor the total. */
static void series_are_bounded(void)
{
    struct metrics_column *total = calloc(1, sizeof *total);
    struct str core[] = { STR("x"), STR("y"), STR("ok") };
    const char *text;
    struct fake f;

    begin(&f);
    fake_ran(&f, "for i = 1, 3000 do ps.metric('by_ip', 1, { ip = i }) end"
                 " for i = 1, 3000 do ps.metric('n' .. i, 1) end");
    UNIT_STR(f.notes, "");
    text = counted();
    UNIT_INT(sum_of(text), 6000); /* nothing is lost */
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "name=\"by_ip\",ip=\"other\"} 2900"));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "name=\"other\"} "));
    /* and the engine's own: the policy's time */
    UNIT_INT(atomic_load(&column->count), METRIC_OWN_MAX * 5 / 4 + 2);
    UNIT_INT(atomic_load(&column->dropped), 0);
    /* also not over many deaths */
    for (int life = 0; life < 30; life++) {
        struct metric_pair p = { STR("ip"), STR_NULL };
        char ip[32];

        for (int i = 0; i < 100; i++) {
            snprintf(ip, sizeof ip, "%d.%d", life, i);
            p.value = str_of(ip);
            metric_add_own(STR("p"), STR("by_ip"), &p, 1, METRIC_OWN_MAX, 1);
        }
        metrics_retire(total, column);
    }
    UNIT_INT(atomic_load(&total->count), METRIC_OWN_ALL + 1);
    metrics_here(total);
    metric_add(METRIC_ATTEMPTS, core, 1);
    UNIT_INT(atomic_load(&total->count), METRIC_OWN_ALL + 2);
    end(&f);
    free(total);
}

static void only_noted_when_observing(void)
{
    struct fake f;

    begin(&f);
    fake_policy(&f, "o", "return { api = 1, request = function()"
                         " ps.metric('hits', 3) end }")->observe = true;
    fake_open(&f, NULL);
    fake_run(&f, PHASE_REQUEST);
    UNIT_STR(f.notes, "o: would count hits by 3\n");
    UNIT_STR(counted(), "");
    end(&f);
}

UNIT_MAIN("api_metric", { "counts", counts },
          { "mistakes raise", mistakes_raise },
          { "series are bounded", series_are_bounded },
          { "only noted when observing", only_noted_when_observing })

/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* What the keeper finds wrong, in shared memory made up for it. */
#include "keeper/alert_watch.h"

#include "unit.h"

#define DAY 86400

static struct cells *cells;
static struct config conf;
static struct alerts_env env;
static struct alert_watch w;
static uint64_t now;

static void fresh(void)
{
    struct err err = { 0 };

    cells = cells_new(4, 4, &err);
    if (!cells) {
        printf("%s\n", err.msg);
        exit(2);
    }
    memset(&conf, 0, sizeof conf);
    conf.server.memory = (struct conf_memory){ 100 << 20, 200 << 20 };
    env = (struct alerts_env){ .cells = cells, .config = &conf };
    alert_watch_init(&w, &env);
    now = 1000000;
}

static void look(void)
{
    alert_watch_look(&w, now, 1000 * (uint64_t)DAY * 1000);
    alert_sweep(cells_alerts(cells), NULL, 0);
}

static bool raised(enum alert_kind kind, const char *where)
{
    return alert_is_raised(cells_alerts(cells), kind, str_of(where));
}

static uint32_t all(void)
{
    uint32_t n = 0;

    for (int i = 0; i < ALERT_KINDS; i++)
        n += alert_count(cells_alerts(cells), (enum alert_kind)i);
    return n;
}

static struct health_cell *cell(const char *name)
{
    return health_find(cells_health(cells), str_of(name), 1);
}

static void open_breaker(struct breaker *b, uint64_t at)
{
    for (int i = 0; i < 100 && breaker_state(b, at) == BREAKER_CLOSED; i++)
        breaker_judge(b, at, 0, BREAKER_BAD, 0, 0);
}

static void finds_what_was_taken_out(void)
{
    struct autooff *a;

    fresh();
    a = &cell("a/m")->autooff;
    for (uint64_t at = now - 9000; at < now; at += 1000)
        autooff_refused(a, at, AUTOOFF_GONE, 0);
    look();
    CU_ASSERT(raised(ALERT_TAKEN_OUT, "a/m"));
    UNIT_INT(all(), 1);
    autooff_served(a);
    look();
    UNIT_INT(all(), 0);
    cells_free(cells);
}

static void finds_breakers_and_models(void)
{
    struct conf_provider provider = { .name = STR("a") };
    struct conf_target target = { .provider = &provider, .model = STR("m") };
    struct conf_model model = { .name = STR("smart"), .targets = &target,
                                .n_targets = 1 };

    fresh();
    conf.models = &model;
    conf.n_models = 1;
    look();
    UNIT_INT(all(), 0);
    open_breaker(&cell("a/m")->breaker, now);
    look();
    CU_ASSERT(raised(ALERT_BREAKER, "a/m"));
    CU_ASSERT(raised(ALERT_MODEL_DOWN, "smart"));
    now += breaker_wait_ms(&cell("a/m")->breaker, now) + 1;
    look(); /* one request may try it: nobody knows yet */
    CU_ASSERT(breaker_state(&cell("a/m")->breaker, now) == BREAKER_HALF);
    CU_ASSERT(raised(ALERT_MODEL_DOWN, "smart"));
    memset(&cell("a/m")->breaker, 0, sizeof(struct breaker));
    look();
    UNIT_INT(all(), 0);
    atomic_store(&cell("a/m")->off, TARGET_DISABLED);
    look();
    CU_ASSERT(!raised(ALERT_BREAKER, "a/m")); /* somebody wanted that */
    CU_ASSERT(raised(ALERT_MODEL_DOWN, "smart"));
    cells_free(cells);
}

static void a_short_rest_is_no_news(void)
{
    struct rest *r;

    fresh();
    r = &cell("a/m")->rest;
    rest_cool(r, now, 5000, 0);
    look();
    CU_ASSERT(!raised(ALERT_COOLING, "a/m"));
    rest_cool(r, now, 120000, 0);
    look();
    CU_ASSERT(raised(ALERT_COOLING, "a/m"));
    now += 100000; /* until its end, not until it is short */
    look();
    CU_ASSERT(raised(ALERT_COOLING, "a/m"));
    now += 20000;
    look();
    UNIT_INT(all(), 0);
    cells_free(cells);
}

/* It holds until the credential served, not until it is tried again. */
static void a_parked_credential_stays_told(void)
{
    struct rest *r;

    fresh();
    r = &cell("a#main")->rest;
    rest_park(r, now, 0);
    look();
    CU_ASSERT(raised(ALERT_CREDENTIAL_PARKED, "a#main"));
    now += REST_PARK_MS + 1;
    look();
    CU_ASSERT(raised(ALERT_CREDENTIAL_PARKED, "a#main"));
    rest_served(r, now);
    look();
    UNIT_INT(all(), 0);
    cells_free(cells);
}

static void certificates_by_their_age(void)
{
    struct alert_note n[4];
    const char *where = "0.0.0.0:8443 certificate 1";

    fresh();
    w.certs[0] = (struct watch_cert){ "0.0.0.0:8443", 1, 1031 * (int64_t)DAY };
    w.n_certs = 1;
    look();
    UNIT_INT(all(), 0);
    w.certs[0].expires = 1030 * (int64_t)DAY;
    look();
    CU_ASSERT(raised(ALERT_CERT, where));
    UNIT_INT(alert_list(cells_alerts(cells), n, 4), 1);
    UNIT_INT(n[0].severity, ALERT_WARNING);
    CU_ASSERT_STRING_EQUAL(n[0].what, "it expires on 1972-10-27");
    w.certs[0].expires = 1007 * (int64_t)DAY;
    look();
    UNIT_INT(alert_list(cells_alerts(cells), n, 4), 1);
    UNIT_INT(n[0].severity, ALERT_CRITICAL);
    w.certs[0].expires = 999 * (int64_t)DAY;
    look();
    CU_ASSERT(raised(ALERT_CERT, where));
    cells_free(cells);
}

static void workers_at_their_limits(void)
{
    struct process_cell *p;

    fresh();
    p = cells_claim(cells, PROC_WORKER, 3);
    now = atomic_load(&p->beat_ms);
    atomic_store(&p->state, PROC_READY);
    atomic_store(&p->vitals.memory, 99 << 20);
    atomic_store(&p->vitals.fds, 89);
    atomic_store(&p->vitals.fds_max, 100);
    atomic_store(&p->vitals.lag_ms, WATCH_LAG_MS - 1);
    look();
    UNIT_INT(all(), 0);
    atomic_store(&p->vitals.memory, 101 << 20);
    atomic_store(&p->vitals.fds, 90);
    atomic_store(&p->vitals.lag_ms, WATCH_LAG_MS);
    look();
    CU_ASSERT(raised(ALERT_MEMORY, "worker 3"));
    CU_ASSERT(raised(ALERT_FDS, "worker 3"));
    CU_ASSERT(raised(ALERT_LOOP_LAG, "worker 3"));
    atomic_store(&p->vitals.memory, 95 << 20); /* at the edge it stays */
    atomic_store(&p->vitals.fds, 80);
    atomic_store(&p->vitals.lag_ms, WATCH_LAG_END_MS);
    look();
    UNIT_INT(all(), 3);
    atomic_store(&p->vitals.memory, 90 << 20);
    atomic_store(&p->vitals.fds, 79);
    atomic_store(&p->vitals.lag_ms, WATCH_LAG_END_MS - 1);
    look();
    UNIT_INT(all(), 0);
    now = atomic_load(&p->beat_ms) + WATCH_STUCK_MS + 1;
    look();
    CU_ASSERT(raised(ALERT_LOOP_LAG, "worker 3"));
    now--;
    look();
    UNIT_INT(all(), 0);
    atomic_store(&p->vitals.memory, 900 << 20);
    atomic_store(&p->state, PROC_DRAINING); /* it goes by itself */
    look();
    UNIT_INT(all(), 0);
    cells_free(cells);
}

static void losses_are_told_for_a_while(void)
{
    struct str effect = STR("deny");

    fresh();
    metric_add(METRIC_LOG_LOST, NULL, 5); /* before we looked */
    look();
    UNIT_INT(all(), 0);
    metric_add(METRIC_LOG_LOST, NULL, 1);
    metric_add(METRIC_LIMIT_FULL, &effect, 1);
    now += WATCH_TOTALS_MS;
    look();
    CU_ASSERT(raised(ALERT_LOG_LINES, "log"));
    CU_ASSERT(raised(ALERT_LIMITS_FULL, "limits"));
    now += WATCH_LAST_MS - 1;
    look();
    UNIT_INT(all(), 2);
    now += 1;
    look();
    UNIT_INT(all(), 0);
    cells_free(cells);
}

UNIT_MAIN("alert_watch", { "breakers and models", finds_breakers_and_models },
          { "what was taken out", finds_what_was_taken_out },
          { "a short rest is no news", a_short_rest_is_no_news },
          { "a parked credential stays told",
            a_parked_credential_stays_told },
          { "certificates by their age", certificates_by_their_age },
          { "workers at their limits", workers_at_their_limits },
          { "losses are told for a while", losses_are_told_for_a_while })

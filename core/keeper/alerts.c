/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * The watch, the log and the receivers, by one timer. The log is a receiver
 * like the others, the first: so it is told once, too.
 */
#include "keeper/alerts.h"

#include "base/clock.h"
#include "base/log.h"
#include "keeper/alert_post.h"
#include "keeper/alert_watch.h"

#include <stdlib.h>

enum { TICK_MS = 500, LOG_QUIET_MS = 10000 };

struct alerts {
    struct alerts_env env;
    struct alert_board *board;
    struct alert_watch watch;
    struct http_client *client; /* NULL: there are no receivers */
    struct loop_timer tick;
    struct alert_wish wishes[1 + ALERT_RECEIVERS];
    struct alert_post posts[ALERT_RECEIVERS];
    size_t n_posts;
};

static void say(const struct alert_note *n)
{
    log_event(n->cleared ? EV_alert_cleared : EV_alert_raised,
              LOG_Z("alert", alert_rows[n->kind].name),
              LOG_Z("severity", alert_severity_name(n->severity)),
              LOG_Z("where", n->where), LOG_Z("what", n->what));
}

static void tell_log(struct alerts *a, uint64_t now)
{
    struct alert_note notes[ALERT_BATCH];
    size_t n = alert_owed(a->board, &a->wishes[0], now, notes, ALERT_BATCH);

    for (size_t i = 0; i < n; i++) {
        say(&notes[i]);
        alert_told(a->board, &a->wishes[0], &notes[i]);
    }
}

static void show_counts(const struct alerts *a)
{
    for (int i = 0; i < ALERT_KINDS; i++) {
        struct str name = str_of(alert_rows[i].name);

        metric_set(METRIC_ALERT, &name,
                   alert_count(a->board, (enum alert_kind)i));
    }
}

static void on_tick(void *ud)
{
    struct alerts *a = ud;
    uint64_t now = clock_mono_ms();

    alert_watch_look(&a->watch, now, clock_wall_ms());
    tell_log(a, now);
    for (size_t i = 0; i < a->n_posts; i++)
        alert_post_step(&a->posts[i], now);
    alert_sweep(a->board, a->wishes, 1 + a->n_posts);
    show_counts(a);
    loop_timer_set(&a->tick, TICK_MS);
}

static void open_receivers(struct alerts *a)
{
    const struct conf_alerts *c = &a->env.config->alerts;
    struct str names[1 + ALERT_RECEIVERS] = { STR("(log)") };

    a->wishes[0] = (struct alert_wish){ .kinds = UINT32_MAX,
                                        .quiet_ms = LOG_QUIET_MS };
    for (size_t i = 0; i < c->n && i < ALERT_RECEIVERS; i++) {
        names[1 + i] = c->list[i].name;
        a->wishes[1 + i] = (struct alert_wish){
            .kinds = c->list[i].kinds, .quiet_ms = c->list[i].quiet_ms };
        alert_post_init(&a->posts[i], &a->env, a->client, &c->list[i],
                        &a->wishes[1 + i]);
        a->n_posts++;
    }
    alert_receivers(a->board, names, a->wishes, 1 + a->n_posts);
}

struct str alerts_host(const struct conf_alert *c)
{
    return url_host(secret_reveal(&c->webhook));
}

struct alerts *alerts_new(const struct alerts_env *env, struct err *err)
{
    struct alerts *a = calloc(1, sizeof *a);

    if (!a) {
        err_set(err, ERR_NOMEM, "no memory");
        return NULL;
    }
    a->env = *env;
    a->board = cells_alerts(env->cells);
    if (env->config->alerts.n)
        a->client = http_client_new(env->loop, ALERT_RECEIVERS, err);
    if (env->config->alerts.n && !a->client) {
        free(a);
        return NULL;
    }
    alert_watch_init(&a->watch, &a->env);
    open_receivers(a);
    loop_timer_init(&a->tick, env->loop, on_tick, a);
    loop_timer_set(&a->tick, TICK_MS);
    return a;
}

void alerts_free(struct alerts *a)
{
    if (!a)
        return;
    loop_timer_stop(&a->tick);
    for (size_t i = 0; i < a->n_posts; i++)
        alert_post_clear(&a->posts[i]);
    if (a->client)
        http_client_free(a->client);
    free(a);
}

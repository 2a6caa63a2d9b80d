/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
#include "app/master_alerts.h"

#include "app/charge.h"
#include "base/clock.h"
#include "engine/alert.h"

#include <stdio.h>

#define LOOK_MS 500
#define STEADY_MS 30000 /* it is over when it has lived for so long */
#define DEATHS 2        /* early ones in a row: those that are waited for */

static struct str reload_where(void)
{
    return STR("configuration");
}

static void look_at_post(struct alert_pass *pass, const struct post *p)
{
    uint64_t now = pass->now_ms;
    char where[32];

    if (p->early < DEATHS || p->leaving ||
        (p->pid != 0 && p->ready_ms && now - p->ready_ms >= STEADY_MS))
        return;
    if (p->kind == PROC_WORKER)
        snprintf(where, sizeof where, "worker %u", p->slot);
    else
        snprintf(where, sizeof where, "%s", master_kinds[p->kind]);
    alert_found(pass, ALERT_WORKER, ALERT_CRITICAL, str_of(where),
                "it died %u times in a row soon after its start", p->early);
}

static void look_at_plugins(struct alert_pass *pass, const struct master *m)
{
    for (size_t i = 0; i < m->loaded.n_plugins; i++) {
        const struct loaded_plugin *p = &m->loaded.plugins[i];

        if (charge_is_out(m, p))
            alert_found(pass, ALERT_QUARANTINE, ALERT_CRITICAL,
                        str_of(p->name), "workers kept dying in its version "
                        "%s; nothing new goes through it", p->version);
    }
}

void master_alerts_step(struct master *m, uint64_t now_ms)
{
    struct alert_pass pass;

    if (m->phase != MASTER_RUNNING || now_ms < m->alerts_ms)
        return;
    m->alerts_ms = now_ms + LOOK_MS;
    alert_pass_begin(&pass, cells_alerts(m->cells), ALERT_OF_MASTER, now_ms);
    alert_pass_keep(&pass, ALERT_RELOAD);
    for (size_t i = 0; i < m->n_posts; i++)
        look_at_post(&pass, &m->posts[i]);
    look_at_plugins(&pass, m);
    alert_pass_end(&pass);
}

static void raise_reload(struct master *m, enum alert_severity severity,
                         const char *text)
{
    struct alert_board *b = cells_alerts(m->cells);

    alert_raise(b, ALERT_RELOAD, severity, reload_where(), str_of(text),
                clock_mono_ms());
    alert_reword(b, ALERT_RELOAD, reload_where(), str_of(text));
}

void master_alerts_refused(struct master *m, const struct err *err)
{
    char text[sizeof(struct err) + 64]; /* the board cuts it */

    if (m->phase != MASTER_RUNNING)
        return;
    snprintf(text, sizeof text, "a reload was refused: %s%s%s", err->at,
             *err->at ? ": " : "", err->msg);
    raise_reload(m, ALERT_WARNING, text);
}

void master_alerts_last_good(struct master *m, const char *why)
{
    char text[sizeof(struct err) + 128]; /* the board cuts it */

    snprintf(text, sizeof text, "the files were broken at the start, so "
             "generation %llu serves: %s", (unsigned long long)m->generation,
             why);
    raise_reload(m, ALERT_WARNING, text);
}

void master_alerts_taken_back(struct master *m, const char *why)
{
    char text[sizeof(struct err) + 64]; /* the board cuts it */

    snprintf(text, sizeof text, "generation %llu was taken back: %s",
             (unsigned long long)m->generation, why);
    raise_reload(m, ALERT_CRITICAL, text);
}

void master_alerts_reloaded(struct master *m)
{
    alert_clear(cells_alerts(m->cells), ALERT_RELOAD, reload_where(),
                clock_mono_ms());
}

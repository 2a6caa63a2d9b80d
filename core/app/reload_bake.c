/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * A new generation is watched for a while: what its workers answered lies in
 * their process cells, counted for that generation alone, and is compared
 * with what the former answered in its time.
 */
#include "app/reload_impl.h"

#include "app/master_alerts.h"
#include "base/clock.h"
#include "base/log.h"

#include <stdio.h>

struct sum {
    uint64_t answered, denied, failed;
};

static struct sum sum_of(const struct master *m, uint64_t generation)
{
    struct sum s = { 0 };

    for (size_t i = 0; i < m->n_posts; i++) {
        const struct post *p = &m->posts[i];

        if (p->kind != PROC_WORKER || !p->cell ||
            atomic_load(&p->cell->generation) != generation)
            continue;
        s.answered += atomic_load(&p->cell->verdicts.answered);
        s.denied += atomic_load(&p->cell->verdicts.denied);
        s.failed += atomic_load(&p->cell->verdicts.failed);
    }
    return s;
}

void bake_measure(struct master *m, uint64_t former)
{
    struct sum s = sum_of(m, former);

    m->reload.bake = (struct reload_bake){ .former = former,
                                           .answered = s.answered,
                                           .denied = s.denied };
}

void bake_begin(struct master *m)
{
    struct reload_bake *b = &m->reload.bake;

    b->until_ms = 0;
    if (m->reload.wishes[0].back_to || m->config->reload.bake_ms == 0)
        return; /* what is gone back to has served before */
    b->number = m->generation;
    b->until_ms = clock_mono_ms() + m->config->reload.bake_ms;
}

static void take_back(struct master *m, const char *why)
{
    const struct reload_wish wish = { .back_to = m->reload.bake.former,
                                      .must = true };

    log_event(EV_reload_taken_back, LOG_I("generation", (int64_t)m->generation),
              LOG_I("back_to", (int64_t)wish.back_to), LOG_Z("why", why));
    master_alerts_taken_back(m, why);
    m->reload.bake.until_ms = 0;
    reload_want(m, &wish);
}

static bool baking(const struct master *m)
{
    return m->reload.bake.until_ms != 0 &&
           m->reload.bake.number == m->generation;
}

/** Tenths of a per mille, so that shares of both can be compared. */
static uint64_t share(uint64_t part, uint64_t of)
{
    return of ? part * 10000 / of : 0;
}

void bake_step(struct master *m, uint64_t now_ms)
{
    const struct conf_reload *rule = &m->config->reload;
    struct reload_bake *b = &m->reload.bake;
    struct sum s;
    char why[160];

    if (!baking(m) || m->reload.stage != RELOAD_NONE)
        return;
    s = sum_of(m, b->number);
    if (rule->judged && s.answered >= rule->min &&
        s.failed * 100 > s.answered * rule->errors) {
        snprintf(why, sizeof why, "policies failed %llu of %llu requests",
                 (unsigned long long)s.failed, (unsigned long long)s.answered);
        take_back(m, why);
    } else if (rule->judged && rule->denials && s.answered >= rule->min &&
               b->answered >= rule->min &&
               share(s.denied, s.answered) * 10 >
                   (share(b->denied, b->answered) + 1) * rule->denials) {
        snprintf(why, sizeof why, "%llu of %llu requests were denied, before "
                 "it %llu of %llu", (unsigned long long)s.denied,
                 (unsigned long long)s.answered,
                 (unsigned long long)b->denied,
                 (unsigned long long)b->answered);
        take_back(m, why);
    } else if (now_ms >= b->until_ms) {
        b->until_ms = 0;
    }
}

bool reload_on_trial(const struct master *m, const struct post *p)
{
    return p->canary || (baking(m) && !p->leaving &&
                         p->generation == m->reload.bake.number);
}

void reload_worker_crashed(struct master *m, const struct post *p)
{
    char why[sizeof p->why + 64];

    if (p->canary || !reload_on_trial(m, p))
        return; /* a canary is its own rule's: reload_canary.c */
    snprintf(why, sizeof why, "a worker (slot %u) failed: %s", p->slot,
             p->why);
    take_back(m, why);
}

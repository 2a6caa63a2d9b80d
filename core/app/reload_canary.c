/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * The canary: before all workers get a new plugin file, one does. It serves
 * beside the old ones, from a slot that its old worker leaves to it; the
 * generation in force stays the old one, so whatever befalls the canary is
 * mended by ending it.
 */
#include "app/reload_impl.h"

#include "app/charge.h"
#include "app/message.h"
#include "base/clock.h"
#include "base/log.h"
#include "engine/config.h"

#include <signal.h>
#include <stdio.h>

enum {
    FEWEST = 3,       /* failed tries before anything is said */
    ENOUGH = 20,      /* tries of the others that are a measure */
    POINTS = 500,     /* more than twice their share, and 5 % */
};

static struct post *find(struct master *m)
{
    for (size_t i = m->n_workers; i < m->n_posts; i++) {
        if (m->posts[i].canary)
            return &m->posts[i];
    }
    return NULL;
}

bool canary_wanted(const struct master *m)
{
    const struct reload *r = &m->reload;
    const struct config *next = r->next.config;

    return r->next.loaded.new_code && !r->wishes[0].back_to &&
           next->reload.canary_ms &&
           listeners_serve(&m->listeners, next);
}

/** Swap what is in force with the next; a child forked in between is one of
 * the next generation. */
static void change_places(struct master *m)
{
    struct served *n = &m->reload.next;
    struct served was = { m->loaded, m->config, m->generation };

    m->loaded = n->loaded;
    m->config = n->config;
    m->generation = n->number;
    *n = was;
}

void canary_start(struct master *m)
{
    struct reload *r = &m->reload;
    struct post *p = &m->posts[m->n_posts++];

    *p = (struct post){ .kind = PROC_WORKER, .canary = true, .sock = -1,
                        .slot = (uint32_t)m->n_workers - 1 };
    change_places(m);
    post_start(m, p);
    change_places(m);
    r->stage = RELOAD_CANARY;
    r->canary = (struct reload_canary){ 0 };
    r->until_ms = clock_mono_ms() + RELOAD_RISE_MS;
}

/* ---- how it does -------------------------------------------------------- */

static struct tries tries_of(const struct master *m, bool canary)
{
    struct tries t = { 0 };

    for (size_t i = 0; i < m->n_posts; i++) {
        const struct post *p = &m->posts[i];

        if (p->kind != PROC_WORKER || !p->cell || p->leaving ||
            p->canary != canary)
            continue;
        t.all += atomic_load(&p->cell->verdicts.tries);
        t.broken += atomic_load(&p->cell->verdicts.broken);
    }
    return t;
}

/** What the others did meanwhile; where that is little, in all their time. */
static struct tries others(const struct master *m)
{
    const struct tries *then = &m->reload.canary.others;
    struct tries t = tries_of(m, false);

    if (t.all >= then->all + ENOUGH && t.broken >= then->broken) {
        t.all -= then->all;
        t.broken -= then->broken;
    }
    return t;
}

static uint64_t share(const struct tries *t)
{
    return t->all ? t->broken * 10000 / t->all : 0;
}

bool canary_is_worse(const struct tries *canary, const struct tries *other)
{
    return canary->broken >= FEWEST &&
           share(canary) > 2 * share(other) + POINTS;
}

/* ---- its end ------------------------------------------------------------ */

/** Who has the slot leaves it to the canary, or takes it back. With a single
 * slot both accept. Clients that keep their connections would stay with whom
 * they know: those of the slot are sent to find others. */
static void yield_slot(struct master *m, const struct post *canary, bool back)
{
    const struct post *old = &m->posts[canary->slot];

    if (old->sock < 0)
        return;
    if (m->n_workers > 1)
        message_send(old->sock, back ? MSG_ADOPT : MSG_RELEASE, canary->slot,
                     STR_NULL, -1);
    if (!back)
        message_send(old->sock, MSG_PART, 0, STR_NULL, -1);
}

/** It finishes its requests, where it can, and ends. */
void canary_end(struct master *m)
{
    struct post *p = find(m);

    if (!p)
        return;
    yield_slot(m, p, true);
    p->canary = false;
    p->leaving = true;
    if (p->stuck && p->pid != 0) {
        p->aborted = true;
        kill(p->pid, SIGABRT);
    }
}

static void fail(struct master *m, const char *why)
{
    struct post *p = find(m);
    struct err err = { 0 };

    err_set(&err, ERR_CONFIG, "the first worker with the new plugin file did "
            "not do well, so the others did not get it: %s", why);
    log_event(EV_canary_failed,
              LOG_I("generation", (int64_t)m->reload.next.number),
              LOG_I("pid", p ? p->pid : 0), LOG_Z("why", why));
    canary_end(m);
    reload_refuse(m, &err);
}

void canary_died(struct master *m, const char *why)
{
    char text[256];

    snprintf(text, sizeof text, "%s",
             *why ? why : "it ended before it was ready");
    if (m->reload.stage == RELOAD_CANARY)
        fail(m, text);
}

static void begin_trial(struct master *m, const struct post *p,
                        uint64_t now_ms)
{
    struct reload *r = &m->reload;
    uint64_t ms = r->next.config->reload.canary_ms;

    r->canary.serving = true;
    r->canary.others = tries_of(m, false);
    r->until_ms = now_ms + ms;
    yield_slot(m, p, false);
    log_event(EV_canary_started, LOG_I("pid", p->pid), LOG_I("slot", p->slot),
              LOG_I("generation", (int64_t)r->next.number),
              LOG_I("for_ms", (int64_t)ms));
}

static void judge(struct master *m, const struct post *p, uint64_t now_ms)
{
    struct tries c = tries_of(m, true), o = others(m);
    struct suspect s;
    char why[200];

    if (p->stuck) {
        charge_suspect(m, p, &s);
        snprintf(why, sizeof why, "it hung%s%s %s",
                 s.kind ? " in " : "", s.name, s.op);
        fail(m, why);
    } else if (canary_is_worse(&c, &o)) {
        snprintf(why, sizeof why, "%llu of its %llu tries failed, of the "
                 "others' %llu of %llu", (unsigned long long)c.broken,
                 (unsigned long long)c.all, (unsigned long long)o.broken,
                 (unsigned long long)o.all);
        fail(m, why);
    } else if (now_ms >= m->reload.until_ms) {
        rise_start(m);
    }
}

void canary_step(struct master *m, uint64_t now_ms)
{
    struct post *p = find(m);

    if (!p || p->pid == 0) { /* it could not be forked */
        canary_died(m, p ? p->why : "");
        if (p)
            posts_drop(m, p);
    } else if (m->reload.canary.serving) {
        judge(m, p, now_ms);
    } else if (p->ready_ms) {
        begin_trial(m, p, now_ms);
    } else if (now_ms >= m->reload.until_ms) {
        fail(m, "it was not ready in time");
    }
}

bool canary_take(struct master *m, struct post *p)
{
    struct post *c = find(m);

    if (!c || c->slot != p->slot)
        return false;
    *p = *c;
    p->canary = false;
    posts_drop(m, c);
    return true;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* A reload in place: all workers prepare, then all flip. */
#include "app/reload_impl.h"

#include "app/message.h"
#include "base/clock.h"

/** A worker that takes part: it lives, and is not on its way out. */
static bool takes_part(const struct post *p)
{
    return p->kind == PROC_WORKER && !p->leaving && p->pid != 0 &&
           p->sock >= 0;
}

static bool tell(struct master *m, struct post *p)
{
    const struct served *next = &m->reload.next;

    return message_send(p->sock, MSG_PREPARE, (uint32_t)next->number,
                        STR_NULL, next->loaded.fd) == 0;
}

/** The old one stays: who has prepared lets go of it. */
static void give_up(struct master *m, const struct err *err)
{
    posts_tell(m, PROC_WORKER, MSG_ABANDON);
    reload_refuse(m, err);
}

static void deaf(struct master *m, const struct post *p)
{
    struct err err = { 0 };

    err_set(&err, ERR_BUSY, "the worker in slot %u does not listen; see "
            "`penstock status`", p->slot);
    give_up(m, &err);
}

void place_start(struct master *m)
{
    struct reload *r = &m->reload;

    r->stage = RELOAD_PREPARING;
    r->until_ms = clock_mono_ms() + RELOAD_PREPARE_MS;
    for (size_t i = 0; i < m->n_workers; i++) {
        m->posts[i].prepared = 0; /* what it once was does not count */
        if (takes_part(&m->posts[i]) && !tell(m, &m->posts[i])) {
            deaf(m, &m->posts[i]);
            return;
        }
    }
}

void reload_greet(struct master *m, struct post *p)
{
    if (m->reload.stage == RELOAD_PREPARING && takes_part(p))
        tell(m, p);
}

void reload_prepared(struct master *m, struct post *p,
                     struct message *msg)
{
    struct err err = { 0 };

    if (m->reload.stage != RELOAD_PREPARING ||
        msg->number != (uint32_t)m->reload.next.number)
        return;
    if (msg->size == 0) {
        p->prepared = m->reload.next.number;
        return;
    }
    err_set(&err, ERR_CONFIG, "the worker in slot %u cannot prepare it: %s",
            p->slot, msg->text);
    give_up(m, &err);
}

void reload_flipped(struct master *m, struct post *p,
                    struct message *msg)
{
    if (msg->number == (uint32_t)m->generation)
        p->generation = m->generation;
}

/** The first that is not there yet; NULL: all are. */
static const struct post *behind(const struct master *m, uint64_t number,
                                 bool flipped)
{
    for (size_t i = 0; i < m->n_workers; i++) {
        const struct post *p = &m->posts[i];

        if (takes_part(p) &&
            (flipped ? p->generation : p->prepared) != number)
            return p;
    }
    return NULL;
}

/** Who cannot hear it now (its socket is full) is told at the next turn. */
void place_tell(struct master *m)
{
    for (size_t i = 0; i < m->n_workers; i++) {
        struct post *p = &m->posts[i];

        if (takes_part(p) && p->prepared == m->generation &&
            p->generation != m->generation && p->told != m->generation &&
            message_send(p->sock, MSG_FLIP, (uint32_t)m->generation, STR_NULL,
                         -1) == 0)
            p->told = m->generation;
    }
}

static void flip(struct master *m)
{
    struct reload *r = &m->reload;
    struct served former;
    bool helpers = r->next.loaded.helpers;

    bake_measure(m, m->generation);
    reload_take(m, &former);
    reload_follow(m, helpers);
    place_tell(m);
    reload_keep(m, &former);
    bake_begin(m);
    r->stage = RELOAD_FLIPPING;
    r->until_ms = clock_mono_ms() + RELOAD_FLIP_MS;
}

void place_step(struct master *m, uint64_t now_ms)
{
    struct reload *r = &m->reload;
    bool flipping = r->stage == RELOAD_FLIPPING;
    const struct post *p = behind(m, flipping ? m->generation
                                              : r->next.number, flipping);

    bool mock = posts_ready(m, PROC_MOCK);
    struct err err = { 0 };

    if (!p && flipping) {
        reload_done(m, "in place", reload_note(m));
    } else if (!p && mock) {
        flip(m);
        place_step(m, now_ms);
    } else if (now_ms >= r->until_ms && flipping) {
        reload_done(m, "in place", "a worker has not taken it yet; it does, "
                                   "or the watchdog ends it");
    } else if (now_ms >= r->until_ms && !p) {
        err_set(&err, ERR_TIMEOUT, "the built-in upstream was not ready "
                "within %d s", RELOAD_PREPARE_MS / 1000);
        give_up(m, &err);
    } else if (now_ms >= r->until_ms) {
        err_set(&err, ERR_TIMEOUT, "the worker in slot %u (pid %d) did not "
                "prepare it within %d s", p->slot, (int)p->pid,
                RELOAD_PREPARE_MS / 1000);
        give_up(m, &err);
    }
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Rings to database or spill file: the watching thread, start and end. */
#include "keeper/ledger_impl.h"

#include "base/clock.h"
#include "base/log.h"
#include "engine/metrics.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

enum { FOLD_MS = 500, LEAVE_S = 3 };

size_t ledger_gather(struct ledger *l, struct buf *out, uint64_t *upto,
                     size_t rows)
{
    _Alignas(8) char record[LEDGER_RECORD_MAX];
    size_t n = 0, got;

    for (uint32_t i = 0; i < ledger_rings_count(l->env.rings); i++) {
        const struct ledger_ring *ring = ledger_ring(l->env.rings, i);
        uint64_t at = ledger_tail(ring), before;

        while (n < rows) {
            before = at;
            got = ledger_read(ring, &at, record);
            if (got == 0)
                break;
            if (out->n + got > LEDGER_BATCH_BYTES ||
                buf_put(out, (struct str){ record, got }) != 0) {
                at = before;
                break;
            }
            n++;
        }
        upto[i] = at;
    }
    return n;
}

void ledger_release(struct ledger *l, const uint64_t *upto)
{
    for (uint32_t i = 0; i < ledger_rings_count(l->env.rings); i++)
        ledger_let_go(ledger_ring(l->env.rings, i), upto[i]);
}

int ledger_spill_all(struct ledger *l, struct err *err)
{
    struct buf batch = BUF_INIT(LEDGER_BATCH_BYTES + 64);
    uint64_t *upto = calloc(ledger_rings_count(l->env.rings) + 1,
                            sizeof *upto);
    size_t n;
    int rc = upto ? 0 : err_set(err, ERR_NOMEM, "no memory");

    while (!rc && (n = ledger_gather(l, &batch, upto, SIZE_MAX)) != 0) {
        rc = ledger_spill_put(l->spill, buf_str(&batch), err);
        if (!rc) {
            ledger_release(l, upto);
            atomic_fetch_add(&l->spilled, n);
        }
        buf_reset(&batch);
    }
    buf_clear(&batch);
    free(upto);
    return rc;
}

static bool half_full(const struct ledger *l)
{
    for (uint32_t i = 0; i < ledger_rings_count(l->env.rings); i++) {
        const struct ledger_ring *ring = ledger_ring(l->env.rings, i);

        if (ledger_head(ring) - ledger_tail(ring) > ledger_ring_size(ring) / 2)
            return true;
    }
    return false;
}

void ledger_look(const struct ledger *l, struct ledger_state *s)
{
    *s = (struct ledger_state){ .down = atomic_load(&l->down),
                                .full = atomic_load(&l->full),
                                .spilled = atomic_load(&l->behind) };
    for (uint32_t i = 0; i < ledger_rings_count(l->env.rings); i++) {
        const struct ledger_ring *ring = ledger_ring(l->env.rings, i);
        uint64_t n = (ledger_head(ring) - ledger_tail(ring)) * 100 /
                     ledger_ring_size(ring);

        if (n > s->backlog_percent)
            s->backlog_percent = (uint32_t)n;
    }
}

void ledger_wait(struct ledger *l, uint64_t ms)
{
    struct timespec until;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += (time_t)(ms / 1000);
    until.tv_nsec += (long)(ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    if (!l->stop)
        pthread_cond_timedwait(&l->wake, &l->lock, &until);
}

void *ledger_watcher(void *ud)
{
    struct ledger *l = ud;

    pthread_mutex_lock(&l->lock);
    while (!l->stop) {
        struct err err = { 0 };
        bool stalls = clock_mono_ms() - atomic_load(&l->put_ms) >
                      LEDGER_STALL_MS;

        if (stalls && half_full(l) && ledger_spill_all(l, &err) != 0 &&
            !l->full) {
            log_event(EV_ledger_full, LOG_Z("why", err.msg));
            l->full = true;
        } else if (!stalls) {
            l->full = false;
        }
        ledger_wait(l, LEDGER_TICK_MS / 2);
    }
    pthread_mutex_unlock(&l->lock);
    return NULL;
}

static void fold(uint64_t now, uint64_t *told, const char *state)
{
    struct str label = str_of(state);

    if (now > *told)
        metric_add(METRIC_LEDGER_ROWS, &label, now - *told);
    *told = now;
}

/* A process's column has one writer: the loop. */
static void on_fold(void *ud)
{
    struct ledger *l = ud;

    fold(atomic_load(&l->written), &l->told_written, "written");
    fold(atomic_load(&l->spilled), &l->told_spilled, "spilled");
    loop_timer_set(&l->timer, FOLD_MS);
}

static bool start(pthread_t *t, void *(*fn)(void *), struct ledger *l)
{
    sigset_t all, before;
    int rc;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    rc = pthread_create(t, NULL, fn, l);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return rc == 0;
}

struct ledger *ledger_new(const struct ledger_env *env, struct err *err)
{
    struct ledger *l = calloc(1, sizeof *l);
    pthread_condattr_t attr;

    if (!l) {
        err_set(err, ERR_NOMEM, "no memory");
        return NULL;
    }
    l->env = *env;
    pthread_mutex_init(&l->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&l->wake, &attr);
    pthread_condattr_destroy(&attr);
    loop_timer_init(&l->timer, env->loop, on_fold, l);
    atomic_store(&l->put_ms, clock_mono_ms());
    l->upto = calloc(ledger_rings_count(env->rings) + 1, sizeof *l->upto);
    l->spill = ledger_spill_new(env->folder, env->spill_bytes, err);
    if (l->spill && l->upto) {
        l->writer_runs = start(&l->writer, ledger_writer, l);
        l->watcher_runs = start(&l->watcher, ledger_watcher, l);
    }
    if (l->writer_runs && l->watcher_runs) {
        on_fold(l);
        return l;
    }
    err_set(err, ERR_NOMEM, "no memory for the ledger");
    ledger_free(l);
    return NULL;
}

/* False: it hangs, and what it uses must stay. */
static bool join(pthread_t t, bool runs)
{
    struct timespec until;

    if (!runs)
        return true;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += LEAVE_S;
    return pthread_timedjoin_np(t, NULL, &until) == 0;
}

void ledger_free(struct ledger *l)
{
    struct timespec until;

    if (!l)
        return;
    loop_timer_stop(&l->timer);
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += LEAVE_S;
    if (pthread_mutex_timedlock(&l->lock, &until) != 0)
        return; /* the spill file's disk stalls, too */
    l->stop = true;
    pthread_cond_broadcast(&l->wake);
    pthread_mutex_unlock(&l->lock);
    if (!join(l->watcher, l->watcher_runs) ||
        !join(l->writer, l->writer_runs))
        return;
    ledger_spill_free(l->spill);
    ledger_db_close(l->db);
    pthread_mutex_destroy(&l->lock);
    pthread_cond_destroy(&l->wake);
    free(l->upto);
    free(l);
}

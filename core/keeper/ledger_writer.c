/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * The writing thread. Room in a ring is given back after the commit, so a
 * keeper that is killed leaves everything to the next; what was committed and
 * not given back is put again and found to be there.
 */
#include "keeper/ledger_impl.h"

#include "base/clock.h"
#include "base/log.h"

#include <unistd.h>

enum { OPEN_EVERY_MS = 1000, FORGET_EVERY_MS = 600000, FORGET_ROWS = 2000 };

/* Said when it begins and when it ends, not each time. */
static void say_down(struct ledger *l, const struct err *err)
{
    if (!l->down)
        log_event(EV_ledger_down, LOG_Z("why", err->msg));
    l->down = true;
}

static void say_up(struct ledger *l)
{
    atomic_store(&l->put_ms, clock_mono_ms());
    if (l->down)
        log_event(EV_ledger_up, LOG_S("folder", str_of(l->env.folder)));
    l->down = false;
}

static bool open_db(struct ledger *l)
{
    struct err err = { 0 };
    uint64_t now = clock_mono_ms();

    if (l->db)
        return true;
    if (l->tried_ms && now - l->tried_ms < OPEN_EVERY_MS)
        return false;
    l->tried_ms = now;
    l->db = ledger_db_open(l->env.folder, &err);
    if (!l->db)
        say_down(l, &err);
    return l->db != NULL;
}

static int put(struct ledger *l, struct str records)
{
    struct err err = { 0 };
    uint64_t added;
    int rc = ledger_db_put(l->db, records, &added, &err);

    if (rc == 0) {
        atomic_fetch_add(&l->written, added);
        say_up(l);
        return 0;
    }
    say_down(l, &err);
    if (rc != -ERR_BUSY) { /* a file that was replaced, say */
        ledger_db_close(l->db);
        l->db = NULL;
    }
    return rc;
}

/* A batch of the rings; how many rows, or -ERR_x. */
static int put_batch(struct ledger *l, struct buf *batch)
{
    size_t n;
    int rc = 0;

    pthread_mutex_lock(&l->lock);
    n = ledger_gather(l, batch, l->upto, LEDGER_BATCH);
    pthread_mutex_unlock(&l->lock);
    if (n)
        rc = put(l, buf_str(batch));
    else
        say_up(l);
    if (rc == 0) {
        pthread_mutex_lock(&l->lock);
        ledger_release(l, l->upto);
        pthread_mutex_unlock(&l->lock);
    }
    buf_reset(batch);
    return rc ? rc : (int)n;
}

static int put_file(struct ledger *l, const char *path, struct buf *batch)
{
    struct err err = { 0 };
    uint64_t at = 0;
    int rc;

    for (;;) {
        buf_reset(batch);
        rc = ledger_spill_read(path, &at, LEDGER_BATCH_BYTES, batch, &err);
        if (rc || batch->n == 0)
            break;
        rc = put(l, buf_str(batch));
        if (rc)
            break;
    }
    buf_reset(batch);
    if (rc == 0)
        unlink(path);
    else if (err.code)
        say_down(l, &err);
    return rc;
}

/* What was spilled, the oldest first; the rings have their turn between. */
static int put_spilled(struct ledger *l, struct buf *batch)
{
    char path[1024];
    bool any;

    pthread_mutex_lock(&l->lock);
    ledger_spill_close(l->spill);
    any = ledger_spill_next(l->spill, path, sizeof path);
    pthread_mutex_unlock(&l->lock);
    atomic_store(&l->behind, any);
    return any ? put_file(l, path, batch) : 0;
}

static void forget(struct ledger *l)
{
    uint64_t now = clock_mono_ms();
    int64_t before = (int64_t)(clock_wall_ms() - l->env.keep_ms);
    struct err err = { 0 };
    int n;

    if (l->forgot_ms && now - l->forgot_ms < FORGET_EVERY_MS)
        return;
    n = ledger_db_forget(l->db, before, FORGET_ROWS, &err);
    if (n < 0)
        say_down(l, &err);
    if (n < FORGET_ROWS)
        l->forgot_ms = now; /* else more of it in the next turn */
}

/* Until the rings are empty or the database takes nothing. */
static bool drain(struct ledger *l, struct buf *batch)
{
    int n;

    if (!open_db(l))
        return false;
    do
        n = put_batch(l, batch);
    while (n >= LEDGER_BATCH);
    return n >= 0;
}

/* At the end the rings' memory goes: what the database does not take is
 * spilled. */
static void leave(struct ledger *l, struct buf *batch)
{
    struct err err = { 0 };

    l->tried_ms = 0;
    if (drain(l, batch))
        return;
    pthread_mutex_lock(&l->lock);
    if (ledger_spill_all(l, &err) != 0)
        log_event(EV_ledger_full, LOG_Z("why", err.msg));
    pthread_mutex_unlock(&l->lock);
}

void *ledger_writer(void *ud)
{
    struct ledger *l = ud;
    struct buf batch = BUF_INIT(LEDGER_BATCH_BYTES + 64);
    bool stop = false;

    while (!stop) {
        if (drain(l, &batch) && put_spilled(l, &batch) == 0 && l->db)
            forget(l);
        pthread_mutex_lock(&l->lock);
        ledger_wait(l, LEDGER_TICK_MS);
        stop = l->stop;
        pthread_mutex_unlock(&l->lock);
    }
    leave(l, &batch);
    buf_clear(&batch);
    return NULL;
}

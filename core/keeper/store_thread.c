/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Two lists under one mutex: jobs to do and jobs done. An eventfd tells the
 * loop of the latter; opening the store is a job without a question.
 */
#include "keeper/store_thread.h"

#include "base/clock.h"
#include "base/log.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define AGAIN_MS 1000 /* after the store could not be opened */
#define JOIN_MS 1000

struct job {
    struct job *next;
    struct desk_ask q;
    struct desk_answer a;
    store_done done; /* NULL: the store was opened, or not */
    void *ud;
    int table;       /* a snapshot to publish; -1 = none */
    bool is_base;
};

struct queue {
    struct job *first, **last;
    size_t n;
};

struct store_thread {
    struct store_thread_env env;
    struct loop_io io;
    int event_fd;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct queue todo, over;
    bool stop, ended, abandoned;
    struct desk desk;     /* the thread's */
    char *folder;
    bool told;            /* the thread's: of a failure */
    bool is_open;         /* the loop's */
    struct err why;       /* the loop's */
};

static void put(struct queue *q, struct job *j)
{
    j->next = NULL;
    *q->last = j;
    q->last = &j->next;
    q->n++;
}

static struct job *take(struct queue *q)
{
    struct job *j = q->first;

    if (!j)
        return NULL;
    q->first = j->next;
    if (!q->first)
        q->last = &q->first;
    q->n--;
    return j;
}

static void job_free(struct job *j)
{
    if (!j)
        return;
    json_decref(j->q.ask);
    json_decref(j->a.reply);
    if (j->q.fd >= 0)
        close(j->q.fd);
    if (j->table >= 0)
        close(j->table);
    free(j);
}

static struct job *job_new(void)
{
    struct job *j = calloc(1, sizeof *j);

    if (j)
        j->q.fd = j->table = -1;
    return j;
}

/* ---- the thread -------------------------------------------------------- */

/* A table that cannot be made is as bad as a store that cannot be read. */
static void make_table(struct store_thread *t, struct job *j, struct err *err)
{
    j->table = key_book_snapshot(t->desk.book, t->desk.store, &j->is_base,
                                 err);
    if (j->table >= 0)
        return;
    j->table = -1;
    store_close(t->desk.store);
    t->desk.store = NULL;
}

/* The book begins anew with each opening: what changed meanwhile, or was
 * restored, is in the base. */
static struct job *open_store(struct store_thread *t)
{
    struct job *j = job_new();

    if (!j)
        return NULL;
    key_book_free(t->desk.book);
    t->desk.book = key_book_new(t->env.config);
    if (t->desk.book)
        t->desk.store = store_open(t->folder, &j->a.err);
    else
        err_set(&j->a.err, ERR_NOMEM, "no memory");
    if (t->desk.store)
        make_table(t, j, &j->a.err);
    if (t->desk.store || !t->told) {
        t->told = t->desk.store == NULL;
        return j;
    }
    job_free(j); /* still closed: that was said */
    return NULL;
}

static void work(struct store_thread *t, struct job *j)
{
    struct err err = { 0 };

    desk_do(&t->desk, &j->q, &j->a);
    if (j->a.changed)
        make_table(t, j, &err);
    if (t->desk.store && store_is_broken(t->desk.store)) {
        store_close(t->desk.store);
        t->desk.store = NULL;
    }
    if (!t->desk.store)
        t->told = false;
}

static void hand_over(struct store_thread *t, struct job *j)
{
    const uint64_t one = 1;

    put(&t->over, j);
    if (write(t->event_fd, &one, sizeof one) < 0)
        return; /* it is full: the loop has been told */
}

static struct timespec after_ms(uint64_t ms)
{
    struct timespec at;

    clock_gettime(CLOCK_MONOTONIC, &at);
    at.tv_sec += (time_t)(ms / 1000);
    at.tv_nsec += (long)(ms % 1000) * 1000000;
    at.tv_sec += at.tv_nsec / 1000000000;
    at.tv_nsec %= 1000000000;
    return at;
}

static void free_all(struct store_thread *t)
{
    struct job *j;

    while ((j = take(&t->todo)) || (j = take(&t->over)))
        job_free(j);
    store_close(t->desk.store);
    key_book_free(t->desk.book);
    if (t->event_fd >= 0)
        close(t->event_fd);
    pthread_mutex_destroy(&t->lock);
    pthread_cond_destroy(&t->wake);
    free(t->folder);
    free(t);
}

/** One piece of work, without the lock; what comes of it, or NULL. */
static struct job *one_piece(struct store_thread *t, struct job *j)
{
    if (!j)
        return open_store(t);
    work(t, j);
    return j;
}

static void *thread_main(void *ud)
{
    struct store_thread *t = ud;
    uint64_t open_ms = 0;
    bool abandoned;

    pthread_mutex_lock(&t->lock);
    while (!t->stop || t->todo.first) { /* who asked is answered */
        uint64_t now = clock_mono_ms();
        bool due = !t->desk.store && now >= open_ms;
        struct job *j = due ? NULL : take(&t->todo);

        if (!j && !due) {
            struct timespec at = after_ms(AGAIN_MS);

            pthread_cond_timedwait(&t->wake, &t->lock, &at);
            continue;
        }
        pthread_mutex_unlock(&t->lock);
        j = one_piece(t, j);
        if (due)
            open_ms = clock_mono_ms() + AGAIN_MS;
        pthread_mutex_lock(&t->lock);
        if (j)
            hand_over(t, j);
    }
    t->ended = true;
    abandoned = t->abandoned;
    pthread_cond_broadcast(&t->wake);
    pthread_mutex_unlock(&t->lock);
    if (abandoned)
        free_all(t);
    return NULL;
}

/* ---- the loop's side --------------------------------------------------- */

static void opened(struct store_thread *t, const struct job *j)
{
    t->is_open = j->table >= 0;
    t->why = j->a.err;
    if (t->is_open) {
        log_event(EV_store_open, LOG_Z("folder", t->folder));
        return;
    }
    log_event(EV_store_failed, LOG_Z("folder", t->folder),
              LOG_Z("why", t->why.msg));
    t->env.publish(t->env.ud, -1, false);
}

static void finish(struct store_thread *t, struct job *j)
{
    if (!j->done)
        opened(t, j);
    if (j->table >= 0)
        t->env.publish(t->env.ud, j->table, j->is_base);
    if (j->done)
        j->done(j->ud, &j->a);
    job_free(j);
}

static void on_over(void *ud, int what)
{
    struct store_thread *t = ud;
    struct job *j;
    uint64_t n;

    (void)what;
    if (read(t->event_fd, &n, sizeof n) < 0)
        return;
    for (;;) {
        pthread_mutex_lock(&t->lock);
        j = take(&t->over);
        pthread_mutex_unlock(&t->lock);
        if (!j)
            return;
        finish(t, j);
    }
}

int store_thread_ask(struct store_thread *t, const struct desk_ask *q,
                     store_done done, void *ud)
{
    struct job *j = job_new();
    bool full;

    if (!j) {
        if (q->fd >= 0)
            close(q->fd);
        return -ERR_BUSY;
    }
    j->q = *q;
    json_incref(q->ask);
    j->done = done;
    j->ud = ud;
    pthread_mutex_lock(&t->lock);
    full = t->todo.n >= STORE_QUEUE_MAX;
    if (!full)
        put(&t->todo, j);
    pthread_cond_broadcast(&t->wake);
    pthread_mutex_unlock(&t->lock);
    if (full)
        job_free(j);
    return full ? -ERR_BUSY : 0;
}

bool store_thread_is_open(const struct store_thread *t, const char **why)
{
    *why = t->is_open ? "" : *t->why.msg ? t->why.msg : "it is being opened";
    return t->is_open;
}

static int start(struct store_thread *t, struct err *err)
{
    pthread_attr_t attr;
    pthread_t id;
    int rc;

    pthread_attr_init(&attr);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    rc = pthread_create(&id, &attr, thread_main, t);
    pthread_attr_destroy(&attr);
    errno = rc;
    return rc ? err_errno(err, "thread") : 0;
}

struct store_thread *store_thread_new(const struct store_thread_env *env,
                                      struct err *err)
{
    struct store_thread *t = calloc(1, sizeof *t);
    pthread_condattr_t attr;

    if (!t) {
        err_set(err, ERR_NOMEM, "no memory");
        return NULL;
    }
    t->env = *env;
    t->desk.config = env->config;
    t->folder = str_dup(str_of(env->folder));
    t->todo.last = &t->todo.first;
    t->over.last = &t->over.first;
    pthread_mutex_init(&t->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&t->wake, &attr);
    pthread_condattr_destroy(&attr);
    t->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (!t->folder || t->event_fd < 0 || start(t, err) != 0) {
        err_set(err, ERR_IO, "the store's thread cannot start");
        free_all(t);
        return NULL;
    }
    loop_io_init(&t->io, env->loop, t->event_fd, on_over, t);
    loop_io_want(&t->io, LOOP_READ);
    return t;
}

void store_thread_free(struct store_thread *t)
{
    struct timespec end;
    struct job *j;
    bool ended;

    if (!t)
        return;
    loop_io_stop(&t->io);
    end = after_ms(JOIN_MS);
    pthread_mutex_lock(&t->lock);
    t->stop = true;
    pthread_cond_broadcast(&t->wake);
    while (!t->ended &&
           pthread_cond_timedwait(&t->wake, &t->lock, &end) == 0)
        continue;
    ended = t->ended;
    t->abandoned = !ended;
    pthread_mutex_unlock(&t->lock);
    if (!ended)
        return;
    while ((j = take(&t->over)))
        finish(t, j);
    free_all(t);
}

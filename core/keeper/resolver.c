/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Threads and the loop share one table under one mutex; a thread takes the
 * name that is due first, looks it up without the mutex, and writes the
 * result down. An eventfd tells the loop that something changed.
 */
#include "keeper/resolver.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/snapshot.h"
#include "engine/addresses.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define THREADS 4 /* a name server that does not answer holds up one name */
#define AGAIN_MS 30000
#define FIRST_RETRY_MS 500
#define JOIN_MS 100

struct host {
    char *name;
    char text[RESOLVER_TEXT_MAX];   /* addresses; "" = none yet */
    char reason[RESOLVER_TEXT_MAX]; /* of the last failure; "" = none */
    uint64_t due_ms;
    uint32_t failures; /* in a row */
    bool busy;
};

struct resolver {
    struct loop *loop;
    void (*publish)(void *ud, int fd);
    void *ud;
    struct loop_io io;
    int event_fd;
    uint64_t generation;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    size_t n_threads, n_hosts; /* threads that have not ended */
    size_t room; /* of hosts, once there are threads: it may not move then */
    bool stop, changed, abandoned;
    struct host *hosts;
};

/* ---- the table, under the lock ----------------------------------------- */

/** Do both lists hold the same addresses, in whatever order? */
static bool same_set(const char *a, const char *b)
{
    struct str rest = str_of(a);

    if (strlen(a) != strlen(b))
        return false;
    while (rest.p) {
        struct str one = str_split(&rest, ','), other = str_of(b), each;
        bool found = false;

        while (other.p && !found) {
            each = str_split(&other, ',');
            found = str_eq(one, each);
        }
        if (!found)
            return false;
    }
    return true;
}

static void note_failure(struct resolver *r, struct host *h,
                         const char *reason)
{
    uint64_t wait = FIRST_RETRY_MS;

    for (uint32_t i = 0; i < h->failures && wait < AGAIN_MS; i++)
        wait *= 2;
    h->due_ms = clock_mono_ms() + (wait < AGAIN_MS ? wait : AGAIN_MS);
    if (h->failures++ == 0)
        log_event(EV_resolve_failed, LOG_Z("host", h->name),
                  LOG_Z("why", reason),
                  LOG_Z("addresses", *h->text ? h->text : "none"));
    if (strcmp(h->reason, reason) != 0 && !*h->text)
        r->changed = true;
    snprintf(h->reason, sizeof h->reason, "%s", reason);
}

static void note_success(struct resolver *r, struct host *h, const char *text)
{
    h->due_ms = clock_mono_ms() + AGAIN_MS;
    h->failures = 0;
    h->reason[0] = '\0';
    if (same_set(h->text, text))
        return;
    snprintf(h->text, sizeof h->text, "%s", text);
    r->changed = true;
}

/** The free name that is due first; NULL when there is none. */
static struct host *next_host(struct resolver *r)
{
    struct host *best = NULL;

    for (size_t i = 0; i < r->n_hosts; i++) {
        struct host *h = &r->hosts[i];

        if (!h->busy && (!best || h->due_ms < best->due_ms))
            best = h;
    }
    return best;
}

static void tell_loop(struct resolver *r)
{
    const uint64_t one = 1;

    if (r->changed && write(r->event_fd, &one, sizeof one) < 0)
        return; /* it is full: the loop has been told */
}

static void free_all(struct resolver *r)
{
    for (size_t i = 0; i < r->n_hosts; i++)
        free(r->hosts[i].name);
    free(r->hosts);
    if (r->event_fd >= 0)
        close(r->event_fd);
    pthread_mutex_destroy(&r->lock);
    pthread_cond_destroy(&r->wake);
    free(r);
}

/* ---- threads ----------------------------------------------------------- */

static void look_up(struct resolver *r, struct host *h)
{
    char text[RESOLVER_TEXT_MAX] = "";
    const char *reason;

    h->busy = true;
    pthread_mutex_unlock(&r->lock);
    reason = resolver_lookup(h->name, text, sizeof text);
    pthread_mutex_lock(&r->lock);
    h->busy = false;
    if (reason)
        note_failure(r, h, reason);
    else
        note_success(r, h, text);
    tell_loop(r);
}

static struct timespec after_ms(clockid_t clock, uint64_t ms)
{
    struct timespec at;

    clock_gettime(clock, &at);
    at.tv_sec += (time_t)(ms / 1000);
    at.tv_nsec += (long)(ms % 1000) * 1000000;
    at.tv_sec += at.tv_nsec / 1000000000;
    at.tv_nsec %= 1000000000;
    return at;
}

static void *thread_main(void *ud)
{
    struct resolver *r = ud;
    bool last;

    pthread_mutex_lock(&r->lock);
    while (!r->stop) {
        struct host *h = next_host(r);
        uint64_t now = clock_mono_ms();
        struct timespec at;

        if (h && h->due_ms <= now) {
            look_up(r, h);
            continue;
        }
        at = after_ms(CLOCK_MONOTONIC, h ? h->due_ms - now : AGAIN_MS);
        pthread_cond_timedwait(&r->wake, &r->lock, &at);
    }
    last = --r->n_threads == 0 && r->abandoned;
    pthread_cond_broadcast(&r->wake);
    pthread_mutex_unlock(&r->lock);
    if (last)
        free_all(r);
    return NULL;
}

/* ---- the loop's side --------------------------------------------------- */

static int build(struct resolver *r, struct err *err)
{
    struct snapshot_builder *b =
        snapshot_builder_new("addresses", ++r->generation, err);
    int rc = b ? 0 : -err->code;

    for (size_t i = 0; i < r->n_hosts && !rc; i++) {
        const struct host *h = &r->hosts[i];
        char text[RESOLVER_TEXT_MAX + 2];

        if (!*h->text && !*h->reason)
            continue;
        snprintf(text, sizeof text, "%s%s", *h->text ? "" : "!",
                 *h->text ? h->text : h->reason);
        rc = snapshot_builder_add(b, str_of(h->name),
                                  (struct str){ text, strlen(text) + 1 }, err);
    }
    if (!rc)
        rc = snapshot_builder_seal(b, err);
    snapshot_builder_free(b);
    return rc;
}

static void on_change(void *ud, int what)
{
    struct resolver *r = ud;
    struct err err = { 0 };
    uint64_t n;
    int fd;

    (void)what;
    if (read(r->event_fd, &n, sizeof n) < 0)
        return;
    pthread_mutex_lock(&r->lock);
    r->changed = false;
    fd = build(r, &err);
    pthread_mutex_unlock(&r->lock);
    if (fd < 0) {
        log_event(EV_resolve_failed, LOG_Z("why", err.msg));
        return;
    }
    r->publish(r->ud, fd);
    close(fd);
}

struct resolver *resolver_new(struct loop *l, void (*publish)(void *, int),
                              void *ud, struct err *err)
{
    struct resolver *r = calloc(1, sizeof *r);
    pthread_condattr_t attr;

    if (!r) {
        err_set(err, ERR_NOMEM, "no memory");
        return NULL;
    }
    pthread_mutex_init(&r->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&r->wake, &attr);
    pthread_condattr_destroy(&attr);
    r->loop = l;
    r->publish = publish;
    r->ud = ud;
    r->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (r->event_fd < 0) {
        err_errno(err, "eventfd");
        free_all(r);
        return NULL;
    }
    loop_io_init(&r->io, l, r->event_fd, on_change, r);
    loop_io_want(&r->io, LOOP_READ);
    return r;
}

static bool is_number(struct str host)
{
    struct addresses *a = addresses_new();
    const char *why;
    bool yes = a && addresses_find(a, host, &why);

    addresses_free(a);
    return yes;
}

int resolver_add(struct resolver *r, struct str host)
{
    struct host *grown;
    char *name;

    if (host.n == 0 || host.n > SNAPSHOT_NAME_MAX || is_number(host))
        return 0;
    for (size_t i = 0; i < r->n_hosts; i++) {
        if (str_is(host, r->hosts[i].name))
            return 0;
    }
    if (r->n_hosts == RESOLVER_MAX_HOSTS)
        return -ERR_LIMIT;
    grown = realloc(r->hosts, (r->n_hosts + 1) * sizeof *grown);
    name = grown ? str_dup(host) : NULL;
    if (grown)
        r->hosts = grown;
    if (!name)
        return -ERR_NOMEM;
    r->hosts[r->n_hosts++] = (struct host){ .name = name };
    return 0;
}

int resolver_add_late(struct resolver *r, struct str host)
{
    struct err err = { 0 };
    char *name;
    int rc = 0;

    if (host.n == 0 || host.n > SNAPSHOT_NAME_MAX || is_number(host))
        return 0;
    pthread_mutex_lock(&r->lock);
    for (size_t i = 0; i < r->n_hosts && rc == 0; i++)
        rc = str_is(host, r->hosts[i].name);
    name = rc == 0 && r->n_hosts < r->room ? str_dup(host) : NULL;
    if (name)
        r->hosts[r->n_hosts++] = (struct host){ .name = name };
    else if (rc == 0)
        rc = -ERR_LIMIT;
    pthread_cond_broadcast(&r->wake);
    pthread_mutex_unlock(&r->lock);
    if (rc == 0)
        rc = resolver_start(r, &err);
    return rc > 0 ? 0 : rc;
}

/* Threads hold on to a host while they look it up: room for late ones is made
 * before the first of them. */
static int make_room(struct resolver *r)
{
    size_t room = r->n_hosts + RESOLVER_LATE_HOSTS;
    struct host *grown;

    if (r->room)
        return 0;
    grown = realloc(r->hosts, room * sizeof *grown);
    if (!grown)
        return -ERR_NOMEM;
    r->hosts = grown;
    r->room = room;
    return 0;
}

int resolver_start(struct resolver *r, struct err *err)
{
    size_t wanted;
    pthread_attr_t attr;
    pthread_t id;
    int rc = 0;

    if (make_room(r) != 0)
        return err_set(err, ERR_NOMEM, "no memory");
    pthread_attr_init(&attr);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    pthread_mutex_lock(&r->lock);
    wanted = r->n_hosts < THREADS ? r->n_hosts : THREADS;
    while (r->n_threads < wanted && !rc) {
        rc = pthread_create(&id, &attr, thread_main, r);
        r->n_threads += rc == 0;
    }
    pthread_mutex_unlock(&r->lock);
    pthread_attr_destroy(&attr);
    errno = rc;
    return rc ? err_errno(err, "thread") : 0;
}

void resolver_free(struct resolver *r)
{
    struct timespec end;
    bool last;

    if (!r)
        return;
    loop_io_stop(&r->io);
    end = after_ms(CLOCK_MONOTONIC, JOIN_MS);
    pthread_mutex_lock(&r->lock);
    r->stop = true;
    pthread_cond_broadcast(&r->wake);
    while (r->n_threads > 0 &&
           pthread_cond_timedwait(&r->wake, &r->lock, &end) == 0)
        continue;
    last = r->n_threads == 0;
    r->abandoned = !last;
    pthread_mutex_unlock(&r->lock);
    if (last)
        free_all(r);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * libevent with a changelist: interests are gathered during a turn and given
 * to the kernel before the next wait, so one that comes and goes costs
 * nothing. The driver is ours (one EVLOOP_ONCE per turn): it runs deferred
 * tasks at the end of a turn, reads the clock once, and counts slow turns.
 *
 * LOOP_GONE has an epoll instance of its own, edge-triggered: libevent's
 * EV_CLOSED alone never hears of a reset (EPOLLERR is reported as read and
 * write), and would turn for ever.
 */
#include "net/loop.h"

#include "base/clock.h"
#include "base/err.h"

#include <event2/event.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

enum {
    SLOW_US = 5000,
    TASK_ROUNDS = 8,  /* tasks that queue tasks, within one turn */
    GONE_PER_TURN = 64,
    DYING_MAX = 256,
};

#define ALARM_MAX_MS 1000000000u /* 11 days; longer ones re-arm */

struct loop {
    struct event_base *base;
    struct loop_task *first, tail; /* tail ends the list, never removed */
    bool stop, turning;
    uint64_t now_ns, slow_turns, longest_us;
    uint64_t mark_ns; /* a callback ended then, or the turn began */
    uint64_t slow_callbacks;
    void (*on_turn)(void *ud, uint64_t now_ms);
    void *on_turn_ud;
    int gone_fd;
    struct event gone_ev;
    int dying[DYING_MAX]; /* closed after the next wait */
    size_t n_dying;
};

static void turn_begin(struct loop *l)
{
    if (l->turning)
        return;
    l->turning = true;
    l->now_ns = clock_mono_ns();
    l->mark_ns = l->now_ns;
    if (l->on_turn)
        l->on_turn(l->on_turn_ud, l->now_ns / 1000000u);
}

/* One reading of the clock per callback: its end is the next one's begin. */
static void callback_end(struct loop *l)
{
    uint64_t now = clock_mono_ns();

    if (now - l->mark_ns > SLOW_US * 1000u)
        l->slow_callbacks++;
    l->mark_ns = now;
}

static void turn_end(struct loop *l)
{
    uint64_t us;

    if (!l->turning)
        return;
    us = (l->mark_ns - l->now_ns) / 1000u;
    l->turning = false;
    if (us > SLOW_US)
        l->slow_turns++;
    if (us > l->longest_us)
        l->longest_us = us;
}

/* ---- the peer is gone -------------------------------------------------- */

/* One at a time: what a callback stops must not be reported after it. */
static void on_gone(evutil_socket_t fd, short what, void *arg)
{
    struct loop *l = arg;
    struct epoll_event ev;

    (void)what;
    turn_begin(l);
    for (int i = 0; i < GONE_PER_TURN; i++) {
        struct loop_io *io;

        if (epoll_wait(fd, &ev, 1, 0) != 1)
            return;
        io = ev.data.ptr;
        io->fn(io->ud, LOOP_GONE);
        callback_end(l);
    }
}

static int gone_open(struct loop *l)
{
    l->gone_fd = epoll_create1(EPOLL_CLOEXEC);
    if (l->gone_fd < 0)
        return -1;
    if (event_assign(&l->gone_ev, l->base, l->gone_fd, EV_READ | EV_PERSIST,
                     on_gone, l))
        return -1;
    return event_add(&l->gone_ev, NULL);
}

static void gone_want(struct loop_io *io, bool want)
{
    struct epoll_event ev = { .events = EPOLLRDHUP | EPOLLET,
                              .data.ptr = io };

    epoll_ctl(io->loop->gone_fd, want ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, io->fd,
              &ev);
}

/* ---- the loop ---------------------------------------------------------- */

struct loop *loop_new(void)
{
    struct event_config *cfg = event_config_new();
    struct loop *l = calloc(1, sizeof *l);
    bool ok = cfg && l;

    if (ok) {
        l->first = &l->tail;
        l->tail.prev = &l->first;
        l->gone_fd = -1;
        event_config_set_flag(cfg, EVENT_BASE_FLAG_EPOLL_USE_CHANGELIST |
                                       EVENT_BASE_FLAG_NOLOCK |
                                       EVENT_BASE_FLAG_IGNORE_ENV);
        l->base = event_base_new_with_config(cfg);
        ok = l->base && gone_open(l) == 0;
        signal(SIGPIPE, SIG_IGN);
    }
    if (cfg)
        event_config_free(cfg);
    if (ok)
        return l;
    loop_free(l);
    return NULL;
}

static void close_dying(struct loop *l, size_t n)
{
    for (size_t i = 0; i < n; i++)
        close(l->dying[i]);
    l->n_dying -= n;
    memmove(l->dying, l->dying + n, l->n_dying * sizeof l->dying[0]);
}

void loop_free(struct loop *l)
{
    if (!l)
        return;
    if (l->base && l->gone_fd >= 0)
        event_del(&l->gone_ev);
    if (l->base)
        event_base_free(l->base);
    if (l->gone_fd >= 0)
        close(l->gone_fd);
    close_dying(l, l->n_dying);
    free(l);
}

void loop_close(struct loop *l, int fd)
{
    if (l->n_dying == DYING_MAX)
        close_dying(l, 1);
    l->dying[l->n_dying++] = fd;
}

/* Tasks queued meanwhile stand behind the mark: they are the next round's. */
static void run_tasks(struct loop *l)
{
    struct loop_task mark = { .fn = NULL };

    for (int i = 0; i < TASK_ROUNDS && l->first != &l->tail; i++) {
        turn_begin(l);
        loop_defer(l, &mark);
        while (l->first != &mark) {
            struct loop_task *t = l->first;

            loop_undefer(t);
            t->fn(t->ud);
            callback_end(l);
        }
        loop_undefer(&mark);
    }
}

int loop_run(struct loop *l)
{
    int rc = 0;

    while (!l->stop && rc == 0) {
        size_t dying = l->n_dying;
        int flags = EVLOOP_ONCE;

        if (l->first != &l->tail || dying)
            flags |= EVLOOP_NONBLOCK;
        rc = event_base_loop(l->base, flags);
        close_dying(l, dying);
        run_tasks(l);
        turn_end(l);
    }
    l->stop = false;
    return rc < 0 ? -ERR_IO : 0;
}

void loop_stop(struct loop *l)
{
    l->stop = true;
}

uint64_t loop_now_ns(struct loop *l)
{
    return l->turning ? l->now_ns : clock_mono_ns();
}

uint64_t loop_now_ms(struct loop *l)
{
    return loop_now_ns(l) / 1000000u;
}

uint64_t loop_slow_turns(const struct loop *l)
{
    return l->slow_turns;
}

uint64_t loop_slow_callbacks(const struct loop *l)
{
    return l->slow_callbacks;
}

uint64_t loop_longest_us(const struct loop *l)
{
    return l->longest_us;
}

void loop_on_turn(struct loop *l, void (*fn)(void *ud, uint64_t now_ms),
                  void *ud)
{
    l->on_turn = fn;
    l->on_turn_ud = ud;
}

/* ---- timers ------------------------------------------------------------ */

static void timer_arm(struct loop_timer *t, uint64_t now_ms)
{
    uint64_t ms = t->due_ms > now_ms ? t->due_ms - now_ms : 0;
    struct timeval tv;

    if (ms > ALARM_MAX_MS)
        ms = ALARM_MAX_MS;
    tv.tv_sec = (time_t)(ms / 1000);
    tv.tv_usec = (suseconds_t)(ms % 1000 * 1000);
    t->alarm_ms = now_ms + ms;
    event_add(&t->ev, &tv);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    struct loop_timer *t = arg;
    struct loop *l = t->loop;
    uint64_t now;

    (void)fd;
    (void)what;
    turn_begin(l);
    t->alarm_ms = 0;
    if (!t->due_ms)
        return;
    now = loop_now_ms(l);
    if (now < t->due_ms) {
        timer_arm(t, now);
        return;
    }
    t->due_ms = 0;
    t->fn(t->ud); /* its owner may end it */
    callback_end(l);
}

void loop_timer_init(struct loop_timer *t, struct loop *l,
                     void (*fn)(void *ud), void *ud)
{
    *t = (struct loop_timer){ .loop = l, .fn = fn, .ud = ud };
    event_assign(&t->ev, l->base, -1, 0, on_timer, t);
}

void loop_timer_set(struct loop_timer *t, uint64_t ms)
{
    uint64_t now = loop_now_ms(t->loop);

    t->due_ms = ms > UINT64_MAX - now ? UINT64_MAX : now + ms;
    if (!t->alarm_ms || t->alarm_ms > t->due_ms)
        timer_arm(t, now);
}

void loop_timer_stop(struct loop_timer *t)
{
    t->due_ms = 0;
    if (!t->alarm_ms)
        return;
    t->alarm_ms = 0;
    event_del(&t->ev);
}

/* ---- descriptors ------------------------------------------------------- */

static void on_io(evutil_socket_t fd, short what, void *arg)
{
    struct loop_io *io = arg;
    struct loop *l = io->loop;

    (void)fd;
    turn_begin(l);
    io->fn(io->ud, what & EV_READ ? LOOP_READ : LOOP_WRITE);
    callback_end(l);
}

void loop_io_init(struct loop_io *io, struct loop *l, int fd,
                  void (*fn)(void *ud, int what), void *ud)
{
    *io = (struct loop_io){ .loop = l, .fn = fn, .ud = ud, .fd = fd };
    event_assign(&io->rd, l->base, fd, EV_READ | EV_PERSIST, on_io, io);
    event_assign(&io->wr, l->base, fd, EV_WRITE | EV_PERSIST, on_io, io);
}

static void want_event(struct event *ev, int had, int want)
{
    if (want && !had)
        event_add(ev, NULL);
    else if (had && !want)
        event_del(ev);
}

void loop_io_want(struct loop_io *io, int what)
{
    int had = io->want;

    if (had == what)
        return;
    want_event(&io->rd, had & LOOP_READ, what & LOOP_READ);
    want_event(&io->wr, had & LOOP_WRITE, what & LOOP_WRITE);
    if ((had ^ what) & LOOP_GONE)
        gone_want(io, what & LOOP_GONE);
    io->want = (uint8_t)what;
}

void loop_io_stop(struct loop_io *io)
{
    loop_io_want(io, 0);
}

/* ---- tasks, signals ---------------------------------------------------- */

void loop_defer(struct loop *l, struct loop_task *t)
{
    if (t->prev)
        return;
    t->next = &l->tail;
    t->prev = l->tail.prev;
    *t->prev = t;
    l->tail.prev = &t->next;
}

void loop_undefer(struct loop_task *t)
{
    if (!t->prev)
        return;
    *t->prev = t->next;
    t->next->prev = t->prev;
    t->next = NULL;
    t->prev = NULL;
}

static void on_signal(evutil_socket_t signo, short what, void *arg)
{
    struct loop_signal *s = arg;
    struct loop *l = s->loop;

    (void)what;
    turn_begin(l);
    s->fn(s->ud, (int)signo);
    callback_end(l);
}

int loop_signal_add(struct loop *l, struct loop_signal *s, int signo,
                    void (*fn)(void *ud, int signo), void *ud)
{
    s->loop = l;
    s->fn = fn;
    s->ud = ud;
    if (event_assign(&s->ev, l->base, signo, EV_SIGNAL | EV_PERSIST,
                     on_signal, s) ||
        event_add(&s->ev, NULL))
        return -ERR_IO;
    return 0;
}

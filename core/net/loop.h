/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * One event loop per process, on libevent's core: watches, timers, deferred
 * tasks, signals. All objects are embedded in their owner; nothing allocates
 * after loop_new. Callbacks run on the loop's thread only and must return
 * within a millisecond: a turn longer than 5 ms is counted (loop_slow_turns).
 */
#ifndef PENSTOCK_NET_LOOP_H
#define PENSTOCK_NET_LOOP_H

#include <event2/event_struct.h>
#include <stdbool.h>
#include <stdint.h>

struct loop;

/** Ignores SIGPIPE from now on. NULL when the system said no. */
struct loop *loop_new(void);
/** All watches, timers and tasks are stopped by their owners before. */
void loop_free(struct loop *l);
int loop_run(struct loop *l); /* until loop_stop */
void loop_stop(struct loop *l);

/** Monotonic milliseconds and nanoseconds, read once per turn. */
uint64_t loop_now_ms(struct loop *l);
uint64_t loop_now_ns(struct loop *l);

/** Turns of more than 5 ms so far, and the longest in microseconds. */
uint64_t loop_slow_turns(const struct loop *l);
/** Single callbacks of more than 5 ms (wall time) so far. */
uint64_t loop_slow_callbacks(const struct loop *l);
uint64_t loop_longest_us(const struct loop *l);

/** Called once at the start of every turn (health beat); NULL = none. */
void loop_on_turn(struct loop *l, void (*fn)(void *ud, uint64_t now_ms),
                  void *ud);

struct loop_timer {
    struct event ev;
    struct loop *loop;
    void (*fn)(void *ud);
    void *ud;
    uint64_t due_ms;   /* 0 = not set */
    uint64_t alarm_ms; /* when libevent wakes us; 0 = it does not */
};

void loop_timer_init(struct loop_timer *t, struct loop *l,
                     void (*fn)(void *ud), void *ud);
/**
 * Fire once, `ms` from now; replaces an earlier setting. Moving a deadline
 * further away is free: the old alarm fires, sees the new time and re-arms.
 */
void loop_timer_set(struct loop_timer *t, uint64_t ms);
void loop_timer_stop(struct loop_timer *t);

enum {
    LOOP_READ = 1,
    LOOP_WRITE = 2,
    /* The peer shut down or reset, reported once, unread bytes or not. For
     * sockets that are not read just now: LOOP_READ hears of it as well. */
    LOOP_GONE = 4,
};

struct loop_io {
    struct event rd, wr;
    struct loop *loop;
    void (*fn)(void *ud, int what);
    void *ud;
    int fd;
    uint8_t want; /* LOOP_READ | LOOP_WRITE | LOOP_GONE in force */
};

void loop_io_init(struct loop_io *io, struct loop *l, int fd,
                  void (*fn)(void *ud, int what), void *ud);
/** Watch for exactly these (level-triggered); 0 watches nothing. */
void loop_io_want(struct loop_io *io, int what);
void loop_io_stop(struct loop_io *io); /* before the fd is closed */

/**
 * Close `fd` when the kernel has forgotten its watch: after the next wait. A
 * socket that other processes hold as well (a listener) is closed only so: a
 * plain close leaves its registration behind, which then wakes us for ever.
 */
void loop_close(struct loop *l, int fd);

/** Runs once, at the end of this turn or of the next; embedded in its owner. */
struct loop_task {
    struct loop_task *next, **prev; /* NULL when not queued */
    void (*fn)(void *ud);
    void *ud;
};

void loop_defer(struct loop *l, struct loop_task *t);
void loop_undefer(struct loop_task *t);

struct loop_signal {
    struct event ev;
    struct loop *loop;
    void (*fn)(void *ud, int signo);
    void *ud;
};

int loop_signal_add(struct loop *l, struct loop_signal *s, int signo,
                    void (*fn)(void *ud, int signo), void *ud);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * One timer and one "budget in force" per process: a signal handler has no
 * argument to hand them in (the one other global beside the log).
 */
#include "policy/budget.h"

#include "base/err.h"

#include <errno.h>
#include <lauxlib.h>
#include <signal.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { TICK_NS = 4 * 1000 * 1000 };

static struct budget *volatile in_force;
static uint64_t last_ns; /* CPU time at the last tick */
static timer_t timer;
static unsigned users;
static pid_t owner; /* a timer does not survive fork */

static uint64_t cpu_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
    return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static void used_up(lua_State *L)
{
    lua_pushliteral(L, "CPU budget used up");
    lua_error(L);
}

/* Only between instructions can a hook yield. Calls are hooked for functions
 * of C that call functions of C: no instruction stands between those. */
static void on_hook(lua_State *L, lua_Debug *ar)
{
    if (!lua_isyieldable(L))
        used_up(L);
    if (ar->event == LUA_HOOKCOUNT)
        lua_yield(L, 0);
}

/* Again with each tick: a frame of Lua that was just clearing its "look at
 * the hooks" mark when the signal came would loop on without it. */
static void arm(struct budget *b)
{
    b->armed = true;
    lua_sethook(b->L, on_hook, LUA_MASKCOUNT | LUA_MASKCALL, 1);
}

/* The first tick within a budget charges time from before it was entered, as
 * well, so it counts as one tick at most: on a busy machine it comes late, by
 * more than a whole budget, and nobody knows how much of that was the
 * script's. What a script wins by it is lost with the tick that follows. */
static void on_tick(int signo)
{
    struct budget *b = in_force;
    uint64_t now, took;
    int saved = errno;

    (void)signo;
    now = cpu_ns();
    took = now - last_ns;
    if (b) {
        if (!b->ticked && took > TICK_NS)
            took = TICK_NS;
        b->ticked = true;
        b->spent_ns += took;
        if (b->spent_ns >= b->limit_ns) {
            b->expired = true;
            arm(b);
        }
    }
    last_ns = now;
    errno = saved;
}

int budget_timer_start(void)
{
    struct sigaction sa = { .sa_handler = on_tick, .sa_flags = SA_RESTART };
    struct sigevent ev = { .sigev_notify = SIGEV_THREAD_ID,
                           .sigev_signo = SIGPROF };
    struct itimerspec every = { { 0, TICK_NS }, { 0, TICK_NS } };
    sigset_t ours;

    if (owner != getpid())
        users = 0;
    if (users++)
        return 0;
    owner = getpid();
    last_ns = cpu_ns();
    sigfillset(&sa.sa_mask);
    sigemptyset(&ours);
    sigaddset(&ours, SIGPROF);
    pthread_sigmask(SIG_UNBLOCK, &ours, NULL);
    ev._sigev_un._tid = (pid_t)syscall(SYS_gettid);
    if (sigaction(SIGPROF, &sa, NULL) == 0 &&
        timer_create(CLOCK_THREAD_CPUTIME_ID, &ev, &timer) == 0) {
        if (timer_settime(timer, 0, &every, NULL) == 0)
            return 0;
        timer_delete(timer);
    }
    users = 0;
    return -ERR_IO;
}

void budget_timer_stop(void)
{
    if (owner != getpid() || users == 0 || --users)
        return;
    timer_delete(timer);
}

void budget_init(struct budget *b, lua_State *L, uint32_t cpu_ms)
{
    /* rather a tick early than one late: a call of C may follow */
    *b = (struct budget){ .L = L,
                          .limit_ns = cpu_ms * (uint64_t)1000000 - TICK_NS };
}

void budget_enter(struct budget *b)
{
    b->ticked = false;
    in_force = b;
}

void budget_leave(struct budget *b)
{
    in_force = NULL;
    if (b->armed) {
        b->armed = false;
        lua_sethook(b->L, NULL, 0, 0);
    }
}

bool budget_expired(void)
{
    return in_force && in_force->expired;
}

void budget_check(lua_State *L)
{
    if (budget_expired())
        used_up(L);
}

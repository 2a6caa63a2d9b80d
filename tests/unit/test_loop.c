/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Timers, tasks, descriptors, a peer that is gone, a listener's close. */
#include "net/loop.h"

#include "base/clock.h"
#include "unit.h"

#include <event2/event.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

struct probe {
    struct loop *l;
    int n, what, stop_at;
    struct loop_task *again;
    uint64_t at_ms;
};

static void on_fire(void *ud)
{
    struct probe *p = ud;

    p->n++;
    p->at_ms = loop_now_ms(p->l);
    if (p->again)
        loop_defer(p->l, p->again);
    if (p->n >= p->stop_at)
        loop_stop(p->l);
}

static void on_end(void *ud)
{
    loop_stop(ud);
}

/* Run for at most `ms`. */
static void run_for(struct loop *l, uint64_t ms)
{
    struct loop_timer end;

    loop_timer_init(&end, l, on_end, l);
    loop_timer_set(&end, ms);
    CU_ASSERT_EQUAL(loop_run(l), 0);
    loop_timer_stop(&end);
}

static void timer_fires_once(void)
{
    struct probe p = { .l = loop_new(), .stop_at = 99 };
    struct loop_timer t;
    uint64_t begun = clock_mono_ms();

    loop_timer_init(&t, p.l, on_fire, &p);
    loop_timer_set(&t, 20);
    run_for(p.l, 120);
    UNIT_INT(p.n, 1);
    CU_ASSERT_TRUE(p.at_ms - begun >= 20);
    CU_ASSERT_EQUAL(t.due_ms, 0);
    loop_timer_stop(&t);
    loop_free(p.l);
}

static void timer_moves(void)
{
    struct probe p = { .l = loop_new(), .stop_at = 1 };
    struct loop_timer t;
    uint64_t begun = clock_mono_ms();

    loop_timer_init(&t, p.l, on_fire, &p);
    loop_timer_set(&t, 10);
    loop_timer_set(&t, 60); /* later: the old alarm finds it is not due */
    run_for(p.l, 500);
    UNIT_INT(p.n, 1);
    CU_ASSERT_TRUE(p.at_ms - begun >= 60);

    p.n = 0;
    begun = clock_mono_ms();
    loop_timer_set(&t, 60000);
    loop_timer_set(&t, 10); /* sooner */
    run_for(p.l, 500);
    UNIT_INT(p.n, 1);
    CU_ASSERT_TRUE(p.at_ms - begun < 400);

    p.n = 0;
    loop_timer_set(&t, 10);
    loop_timer_stop(&t);
    run_for(p.l, 50);
    UNIT_INT(p.n, 0);
    loop_timer_set(&t, UINT64_MAX);
    loop_timer_stop(&t);
    loop_free(p.l);
}

static void tasks_run_in_order_and_may_go(void)
{
    struct loop *l = loop_new();
    struct probe p = { .l = l, .stop_at = 99 }, q = p;
    struct loop_task a = { .fn = on_fire, .ud = &p };
    struct loop_task b = { .fn = on_fire, .ud = &q };

    loop_defer(l, &a);
    loop_defer(l, &a);
    loop_defer(l, &b);
    loop_undefer(&b);
    loop_undefer(&b);
    run_for(l, 20);
    UNIT_INT(p.n, 1);
    UNIT_INT(q.n, 0);
    CU_ASSERT_PTR_NULL(a.prev);

    p.again = &b; /* a queues b: it runs without a further event */
    q.stop_at = 1;
    loop_defer(l, &a);
    CU_ASSERT_EQUAL(loop_run(l), 0);
    UNIT_INT(q.n, 1);
    loop_free(l);
}

static void busy_task_starves_nobody(void)
{
    struct loop *l = loop_new();
    struct probe p = { .l = l, .stop_at = INT32_MAX };
    struct loop_task a = { .fn = on_fire, .ud = &p };

    p.again = &a; /* for ever */
    loop_defer(l, &a);
    run_for(l, 30);
    CU_ASSERT_TRUE(p.n > 8);
    loop_undefer(&a);
    loop_free(l);
}

static void on_io(void *ud, int what)
{
    struct probe *p = ud;

    p->n++;
    p->what |= what;
    if (p->n >= p->stop_at)
        loop_stop(p->l);
}

static void io_wants(void)
{
    struct loop *l = loop_new();
    struct probe p = { .l = l, .stop_at = 1 };
    struct loop_io io;
    int fd[2];

    CU_ASSERT_EQUAL_FATAL(
        socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd), 0);
    loop_io_init(&io, l, fd[0], on_io, &p);
    loop_io_want(&io, LOOP_READ | LOOP_WRITE);
    run_for(l, 500);
    UNIT_INT(p.what, LOOP_WRITE);
    loop_io_want(&io, LOOP_READ);
    p.n = p.what = 0;
    run_for(l, 30);
    UNIT_INT(p.n, 0);
    UNIT_INT(write(fd[1], "x", 1), 1);
    run_for(l, 500);
    UNIT_INT(p.what, LOOP_READ);
    loop_io_stop(&io);
    p.n = 0;
    run_for(l, 30);
    UNIT_INT(p.n, 0);
    close(fd[0]);
    close(fd[1]);
    loop_free(l);
}

/* A TCP pair on the loopback. */
static void tcp_pair(int fd[2])
{
    struct sockaddr_in a = { .sin_family = AF_INET };
    socklen_t len = sizeof a;
    int lis = socket(AF_INET, SOCK_STREAM, 0);

    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CU_ASSERT_EQUAL_FATAL(bind(lis, (struct sockaddr *)&a, sizeof a), 0);
    CU_ASSERT_EQUAL_FATAL(listen(lis, 1), 0);
    getsockname(lis, (struct sockaddr *)&a, &len);
    fd[1] = socket(AF_INET, SOCK_STREAM, 0);
    CU_ASSERT_EQUAL_FATAL(connect(fd[1], (struct sockaddr *)&a, len), 0);
    fd[0] = accept(lis, NULL, NULL);
    CU_ASSERT_TRUE_FATAL(fd[0] >= 0);
    fcntl(fd[0], F_SETFL, O_NONBLOCK);
    close(lis);
}

static void gone_is_seen(bool reset)
{
    const struct linger hard = { .l_onoff = 1 };
    struct loop *l = loop_new();
    struct probe p = { .l = l, .stop_at = 99 };
    struct loop_io io;
    int fd[2];

    tcp_pair(fd);
    loop_io_init(&io, l, fd[0], on_io, &p);
    UNIT_INT(write(fd[1], "unread", 6), 6);
    loop_io_want(&io, LOOP_GONE);
    run_for(l, 30);
    UNIT_INT(p.n, 0);
    if (reset)
        setsockopt(fd[1], SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    close(fd[1]);
    run_for(l, 50);
    UNIT_INT(p.what, LOOP_GONE);
    UNIT_INT(p.n, 1); /* once, though it stays so */
    loop_io_stop(&io);
    close(fd[0]);
    loop_free(l);
}

static void end_is_seen_unread(void)
{
    gone_is_seen(false);
}

static void reset_is_seen_unread(void)
{
    gone_is_seen(true);
}

/* A listener held elsewhere, closed here while watched: without loop_close
 * its registration stays and each turn hears of the waiting client. */
static void shared_listener_is_forgotten(void)
{
    struct loop *l = loop_new();
    struct probe p = { .l = l, .stop_at = 99 };
    struct sockaddr_in a = { .sin_family = AF_INET };
    socklen_t len = sizeof a;
    struct loop_io io;
    int lis = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    int mine = dup(lis), client;

    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CU_ASSERT_EQUAL_FATAL(bind(lis, (struct sockaddr *)&a, sizeof a), 0);
    CU_ASSERT_EQUAL_FATAL(listen(lis, 4), 0);
    getsockname(lis, (struct sockaddr *)&a, &len);
    loop_io_init(&io, l, mine, on_io, &p);
    loop_io_want(&io, LOOP_READ);
    run_for(l, 5);
    loop_io_stop(&io);
    loop_close(l, mine);
    client = socket(AF_INET, SOCK_STREAM, 0);
    CU_ASSERT_EQUAL(connect(client, (struct sockaddr *)&a, len), 0);
    run_for(l, 40);
    UNIT_INT(p.n, 0);
    CU_ASSERT_EQUAL(fcntl(mine, F_GETFD), -1);
    CU_ASSERT_TRUE(fcntl(lis, F_GETFD) >= 0);
    close(client);
    close(lis);
    loop_free(l);
}

static void on_beat(void *ud, uint64_t now_ms)
{
    struct probe *p = ud;

    p->n++;
    p->at_ms = now_ms;
}

static void do_slow(void *ud)
{
    struct timespec ts = { .tv_nsec = 8000000 };

    nanosleep(&ts, NULL);
    loop_stop(ud);
}

static void turns_are_counted(void)
{
    struct loop *l = loop_new();
    struct probe p = { .l = l };
    struct loop_task t = { .fn = do_slow, .ud = l };

    loop_on_turn(l, on_beat, &p);
    loop_defer(l, &t);
    CU_ASSERT_EQUAL(loop_run(l), 0);
    UNIT_INT(p.n, 1);
    CU_ASSERT_TRUE(p.at_ms > 0);
    UNIT_INT(loop_slow_turns(l), 1);
    UNIT_INT(loop_slow_callbacks(l), 1);
    CU_ASSERT_TRUE(loop_longest_us(l) >= 8000);
    loop_free(l);
}

static void on_sig(void *ud, int signo)
{
    struct probe *p = ud;

    p->what = signo;
    loop_stop(p->l);
}

static void signals_arrive(void)
{
    struct loop *l = loop_new();
    struct probe p = { .l = l };
    struct loop_signal s;

    UNIT_INT(loop_signal_add(l, &s, SIGUSR1, on_sig, &p), 0);
    raise(SIGUSR1);
    run_for(l, 500);
    UNIT_INT(p.what, SIGUSR1);
    event_del(&s.ev);
    loop_free(l);
}

UNIT_MAIN("loop", { "timer fires once", timer_fires_once },
          { "timer moves", timer_moves },
          { "tasks run in order and may go", tasks_run_in_order_and_may_go },
          { "busy task starves nobody", busy_task_starves_nobody },
          { "io wants", io_wants },
          { "end is seen with unread bytes", end_is_seen_unread },
          { "reset is seen with unread bytes", reset_is_seen_unread },
          { "shared listener is forgotten", shared_listener_is_forgotten },
          { "turns are counted", turns_are_counted },
          { "signals arrive", signals_arrive })

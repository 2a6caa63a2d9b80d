/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* The client leaves, by FIN and by RST, in every state; and the timeouts of
 * clients that stay without doing anything. */
#include "http_probe.h"

static const struct str hold = { "GET /hold HTTP/1.1\r\nHost: a\r\n\r\n", 31 };

/* One way of leaving in one state; `wait` 0 = no request is in flight. */
static void check_gone(struct probe *p, struct str send, bool in_flight,
                       bool reset, void (*meanwhile)(struct probe *p))
{
    probe_connect(p);
    if (send.n)
        probe_send(p, send);
    if (in_flight)
        CU_ASSERT_TRUE_FATAL(probe_run(p, probe_held, 2000));
    probe_turns(p, 3);
    if (meanwhile)
        meanwhile(p);
    probe_turns(p, 3);
    UNIT_INT(http_server_connections(p->s), 1);
    UNIT_INT(p->ends, 0);
    probe_hang_up(p, reset);
    CU_ASSERT_TRUE(probe_run(p, probe_no_connection, 1000));
    UNIT_INT(p->ends, in_flight ? 1 : 0);
    if (in_flight)
        UNIT_INT(p->end_rc, -ERR_CLOSED);
}

static void do_shrink(struct probe *p)
{
    http_req_shrink(p->q);
}

static void do_head(struct probe *p)
{
    http_reply_head(p->q, 200, NULL, 0, HTTP_LENGTH_STREAM);
    http_reply_data(p->q, STR("data: x\n\n"));
}

static void do_read_body(struct probe *p)
{
    http_req_read_body(p->q, 1 << 20);
}

static void do_pause_body(struct probe *p)
{
    http_req_read_body(p->q, 1 << 20);
    http_req_pause_body(p->q, true);
    probe_send(p, STR("more of it"));
}

static void do_pipeline(struct probe *p)
{
    probe_send(p, hold);
}

static void do_fill(struct probe *p)
{
    static char block[65536];

    http_reply_head(p->q, 200, NULL, 0, HTTP_LENGTH_STREAM);
    while (http_reply_queued(p->q) < 1 << 20)
        http_reply_data(p->q, (struct str){ block, sizeof block });
}

static void in_every_state(bool reset)
{
    const struct str body =
        STR("POST /hold HTTP/1.1\r\nHost: a\r\nContent-Length: 99\r\n\r\nxx");
    const struct str chunks =
        STR("POST /read HTTP/1.1\r\nHost: a\r\n"
            "Transfer-Encoding: chunked\r\n\r\n5\r\nxx");
    struct probe p;

    probe_open(&p, NULL);
    check_gone(&p, STR_NULL, false, reset, NULL);
    check_gone(&p, STR("GET /hold HT"), false, reset, NULL);
    check_gone(&p, hold, true, reset, NULL);
    check_gone(&p, hold, true, reset, do_shrink);
    check_gone(&p, hold, true, reset, do_pipeline);
    check_gone(&p, hold, true, reset, do_head);
    check_gone(&p, hold, true, reset, do_fill);
    check_gone(&p, body, true, reset, NULL); /* body not asked for */
    check_gone(&p, body, true, reset, do_read_body);
    check_gone(&p, body, true, reset, do_pause_body);
    check_gone(&p, chunks, true, reset, NULL);
    probe_close(&p);
}

static void by_fin(void)
{
    in_every_state(false);
}

static void by_rst(void)
{
    in_every_state(true);
}

static void within_a_turn(void)
{
    struct probe p;
    uint64_t begun;

    probe_open(&p, NULL);
    probe_connect(&p);
    probe_send(&p, hold);
    CU_ASSERT_TRUE_FATAL(probe_run(&p, probe_held, 2000));
    probe_hang_up(&p, false);
    begun = loop_now_ms(p.l);
    CU_ASSERT_TRUE(probe_run(&p, probe_ended, 1000));
    CU_ASSERT_TRUE(loop_now_ms(p.l) - begun < 500);
    probe_close(&p);
}

/* Half-closed counts as gone while a request is in flight. */
static void half_close(void)
{
    struct probe p;

    probe_open(&p, NULL);
    probe_connect(&p);
    probe_send(&p, hold);
    CU_ASSERT_TRUE_FATAL(probe_run(&p, probe_held, 2000));
    shutdown(p.fd, SHUT_WR);
    CU_ASSERT_TRUE(probe_run(&p, probe_ended, 1000));
    UNIT_INT(p.end_rc, -ERR_CLOSED);
    /* but what was asked and answered at once arrives */
    probe_connect(&p);
    probe_send(&p, STR("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n"));
    shutdown(p.fd, SHUT_WR);
    CU_ASSERT_TRUE(probe_run(&p, probe_eof, 1000));
    UNIT_INT(probe_first_status(&p), 200);
    UNIT_INT(p.end_rc, 0);
    probe_close(&p);
}

/* Unread bytes of a waiting request must not keep the loop turning. */
static void waits_without_turning(void)
{
    static char junk[100000];
    struct probe p;
    clock_t begun;

    probe_open(&p, NULL);
    probe_connect(&p);
    probe_send(&p, STR("POST /hold HTTP/1.1\r\nHost: a\r\n"
                       "Content-Length: 999999\r\n\r\n"));
    CU_ASSERT_TRUE_FATAL(probe_run(&p, probe_held, 2000));
    probe_send(&p, (struct str){ junk, sizeof junk });
    probe_turns(&p, 3);
    /* without the test's own ticks: a timer alone */
    loop_timer_stop(&p.tick);
    p.until = probe_never;
    p.deadline_ms = 0;
    begun = clock();
    loop_timer_set(&p.tick, 200);
    loop_run(p.l);
    CU_ASSERT_TRUE((clock() - begun) * 1000 / CLOCKS_PER_SEC < 50);
    UNIT_INT(p.ends, 0);
    UNIT_INT(http_req_bytes_in(p.q), 56);
    probe_close(&p);
}

static void aborts_and_frees(void)
{
    struct probe p;

    probe_open(&p, NULL);
    probe_connect(&p);
    probe_send(&p, hold);
    CU_ASSERT_TRUE_FATAL(probe_run(&p, probe_held, 2000));
    http_reply_abort(p.q);
    UNIT_INT(p.ends, 0);
    CU_ASSERT_TRUE(probe_run(&p, probe_eof, 1000));
    UNIT_INT(p.end_rc, -ERR_CANCELLED);
    UNIT_INT(p.got_n, 0);

    probe_connect(&p);
    probe_send(&p, hold);
    CU_ASSERT_TRUE_FATAL(probe_run(&p, probe_held, 2000));
    http_server_free(p.s);
    p.s = NULL;
    UNIT_INT(p.ends, 1);
    UNIT_INT(p.end_rc, -ERR_CANCELLED);
    probe_close(&p);
}

static void slow_heads_and_bodies(void)
{
    struct http_limits limits = probe_limits;
    struct probe p;

    limits.head_timeout_ms = 60;
    limits.body_timeout_ms = 200;
    probe_open(&p, &limits);
    probe_connect(&p);
    probe_send(&p, STR("GET /hello HTTP/1.1\r\nHo"));
    for (int i = 0; i < 5; i++) { /* bytes that trickle in do not help */
        probe_turns(&p, 5);
        probe_send(&p, STR("s"));
    }
    CU_ASSERT_TRUE(probe_run(&p, probe_eof, 1000));
    UNIT_INT(probe_first_status(&p), 408);
    UNIT_INT(p.heads, 0);

    probe_connect(&p);
    probe_send(&p, STR("POST /echo HTTP/1.1\r\nHost: a\r\n"
                       "Content-Length: 9\r\n\r\n"));
    for (int i = 0; i < 8; i++) { /* here they do */
        probe_turns(&p, 40);
        probe_send(&p, STR("b"));
    }
    UNIT_STR(p.log, "head ");
    CU_ASSERT_TRUE(probe_run(&p, probe_eof, 1000));
    UNIT_INT(probe_first_status(&p), 408);
    CU_ASSERT_PTR_NOT_NULL(strstr(p.log, "head body -"));

    /* paused by us: no clock runs against the client */
    probe_connect(&p);
    probe_send(&p, STR("POST /read HTTP/1.1\r\nHost: a\r\n"
                       "Content-Length: 9\r\n\r\n1"));
    CU_ASSERT_TRUE_FATAL(probe_run(&p, probe_held, 2000));
    http_req_pause_body(p.q, true);
    probe_send(&p, STR("23456789"));
    probe_turns(&p, 300);
    UNIT_STR(p.log, "head ");
    http_req_pause_body(p.q, false);
    probe_turns(&p, 20);
    UNIT_STR(p.log, "head body 0 ");
    probe_close(&p);
}

static void idle_ones_are_closed(void)
{
    struct http_limits limits = probe_limits;
    struct probe p;

    limits.idle_timeout_ms = 30;
    probe_open(&p, &limits);
    probe_connect(&p);
    CU_ASSERT_TRUE(probe_run(&p, probe_eof, 1000));
    UNIT_INT(p.got_n, 0);
    probe_connect(&p);
    probe_send(&p, STR("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n"));
    CU_ASSERT_TRUE(probe_run(&p, probe_eof, 1000));
    UNIT_INT(probe_count(&p, "HTTP/1.1 "), 1);
    /* a request in flight is not idle */
    probe_connect(&p);
    probe_send(&p, hold);
    CU_ASSERT_TRUE_FATAL(probe_run(&p, probe_held, 2000));
    probe_turns(&p, 80);
    UNIT_INT(p.ends, 0);
    probe_close(&p);
}

UNIT_MAIN("http_server_gone", { "by FIN, in every state", by_fin },
          { "by RST, in every state", by_rst },
          { "within a turn", within_a_turn }, { "half close", half_close },
          { "waits without turning", waits_without_turning },
          { "aborts and frees", aborts_and_frees },
          { "slow heads and bodies", slow_heads_and_bodies },
          { "idle ones are closed", idle_ones_are_closed })

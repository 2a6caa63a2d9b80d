/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Much of everything: large bodies and answers, slow readers, many
 * connections, uploads nobody wants, drain. */
#include "http_probe.h"

static const struct str hold = { "GET /hold HTTP/1.1\r\nHost: a\r\n\r\n", 31 };

static bool drained(struct probe *p)
{
    probe_read(p);
    return strstr(p->log, "drained") != NULL;
}

static void slow_readers_push_back(void)
{
    static char block[20000];
    struct probe p;
    size_t sent = 0, got;

    probe_open(&p, NULL);
    probe_connect(&p);
    probe_send(&p, hold);
    CU_ASSERT_TRUE_FATAL(probe_run(&p, probe_held, 2000));
    memset(block, 'x', sizeof block);
    http_reply_head(p.q, 200, NULL, 0, 200000000);
    while (http_reply_queued(p.q) <= probe_limits.high_water) {
        UNIT_INT(http_reply_data(p.q, (struct str){ block, sizeof block }), 0);
        sent += sizeof block;
        CU_ASSERT_TRUE_FATAL(sent < 100000000);
    }
    probe_turns(&p, 20);
    UNIT_STR(p.log, "head ");
    CU_ASSERT_TRUE(http_reply_queued(p.q) > probe_limits.low_water);
    CU_ASSERT_TRUE(probe_run(&p, drained, 2000));
    CU_ASSERT_TRUE(http_reply_queued(p.q) <= probe_limits.low_water);
    UNIT_STR(p.log, "head drained ");
    /* once per crossing */
    for (int i = 0; i < 20; i++)
        probe_turns(&p, 1), probe_read(&p);
    UNIT_STR(p.log, "head drained ");
    got = p.got_n;
    while (probe_read(&p) || http_reply_queued(p.q))
        probe_turns(&p, 1);
    CU_ASSERT_TRUE(p.got_n >= got);
    CU_ASSERT_TRUE(http_req_bytes_out(p.q) > sent);
    UNIT_INT(http_req_bytes_out(p.q), p.got_n);
    probe_close(&p);
}

static void stalled_readers_are_closed(void)
{
    static char block[65536];
    struct http_limits limits = probe_limits;
    const int size = 65536;
    struct probe p;

    limits.write_stall_ms = 250;
    probe_open(&p, &limits);
    setsockopt(p.lis, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    probe_connect(&p);
    setsockopt(p.fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    probe_send(&p, hold);
    CU_ASSERT_TRUE_FATAL(probe_run(&p, probe_held, 2000));
    http_reply_head(p.q, 200, NULL, 0, HTTP_LENGTH_STREAM);
    while (http_reply_queued(p.q) < 4 << 20)
        http_reply_data(p.q, (struct str){ block, sizeof block });
    for (int i = 0; i < 9; i++) { /* slow, but not stalled */
        probe_turns(&p, 40);
        for (int j = 0; j < 3; j++)
            probe_read(&p);
    }
    UNIT_INT(p.ends, 0);
    CU_ASSERT_TRUE(http_reply_queued(p.q) > 1 << 20);
    CU_ASSERT_TRUE(probe_run(&p, probe_ended, 3000));
    UNIT_INT(p.end_rc, -ERR_TIMEOUT);
    probe_close(&p);
}

static bool echoed(struct probe *p)
{
    while (probe_read(p))
        ;
    return p->ends > 0;
}

static void send_slowly(struct probe *p, const char *bytes, size_t n)
{
    size_t at = 0;

    for (int i = 0; at < n && i < 5000; i++) {
        ssize_t sent = send(p->fd, bytes + at, n - at, MSG_NOSIGNAL);

        if (sent > 0)
            at += (size_t)sent;
        else
            probe_turns(p, 1);
    }
    UNIT_INT(at, n);
}

static void check_large(struct probe *p, size_t n, bool chunked)
{
    char *bytes = malloc(n + 64), head[128];
    const char *at;

    for (size_t i = 0; i < n; i++)
        bytes[i] = (char)('a' + i * 7 % 26);
    probe_connect(p);
    snprintf(head, sizeof head,
             chunked ? "POST /echo HTTP/1.1\r\nHost: a\r\n"
                       "Transfer-Encoding: chunked\r\n\r\n%zx\r\n"
                     : "POST /echo HTTP/1.1\r\nHost: a\r\n"
                       "Content-Length: %zu\r\n\r\n",
             n);
    probe_send(p, str_of(head));
    send_slowly(p, bytes, n);
    if (chunked)
        probe_send(p, STR("\r\n0\r\n\r\n"));
    CU_ASSERT_TRUE(probe_run(p, echoed, 5000));
    at = p->got ? strstr(p->got, "\r\n\r\n") : NULL;
    CU_ASSERT_PTR_NOT_NULL_FATAL(at);
    UNIT_INT(p->got_n - (size_t)(at + 4 - p->got), n);
    UNIT_MEM(at + 4, bytes, n);
    free(bytes);
}

static void large_bodies(void)
{
    struct probe p;

    probe_open(&p, NULL);
    p.body_max = 8 << 20;
    check_large(&p, 262144, false);
    check_large(&p, 262144, true);
    check_large(&p, 5 << 20, false);
    check_large(&p, 5 << 20, true);
    probe_close(&p);
}

static bool whole_body(struct probe *p)
{
    return strstr(p->log, "body 0") != NULL;
}

/* All of it waits in the socket: as few calls as it takes. */
static void large_bodies_cost_few_calls(void)
{
    const int size = 1 << 20;
    char *bytes = calloc(1, 262144);
    struct probe p;
    uint64_t before;

    probe_open(&p, NULL);
    setsockopt(p.lis, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    probe_connect(&p);
    setsockopt(p.fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    probe_send(&p, STR("POST /hold HTTP/1.1\r\nHost: a\r\n"
                       "Content-Length: 262144\r\n\r\n"));
    CU_ASSERT_TRUE_FATAL(probe_run(&p, probe_held, 2000));
    send_slowly(&p, bytes, 262144);
    probe_turns(&p, 10);
    before = probe_recvs;
    http_req_read_body(p.q, 1 << 20);
    CU_ASSERT_TRUE(probe_run(&p, whole_body, 2000));
    CU_ASSERT_TRUE(probe_recvs - before <= 8);
    UNIT_INT(http_req_body(p.q).n, 262144);
    free(bytes);
    probe_close(&p);
}

static void unwanted_upload_is_not_read(void)
{
    static char block[65536];
    struct probe p;
    uint64_t before = probe_recv_bytes;

    probe_open(&p, NULL);
    probe_connect(&p);
    probe_send(&p, STR("POST /hold HTTP/1.1\r\nHost: a\r\n"
                       "Content-Length: 10000000000\r\n\r\n"));
    for (int i = 0; i < 50; i++) { /* what the sockets take */
        if (send(p.fd, block, sizeof block, MSG_NOSIGNAL) < 0)
            probe_turns(&p, 1);
    }
    CU_ASSERT_TRUE_FATAL(probe_run(&p, probe_held, 2000));
    http_reply(p.q, 401, NULL, 0, STR("no"));
    CU_ASSERT_TRUE(probe_run(&p, probe_answered, 1000));
    UNIT_INT(probe_first_status(&p), 401);
    CU_ASSERT_TRUE(probe_has(&p, "Connection: close\r\n"));
    CU_ASSERT_TRUE(probe_run(&p, probe_no_connection, 4000));
    CU_ASSERT_TRUE(probe_recv_bytes - before < 65536);
    UNIT_INT(p.end_rc, 0);
    probe_close(&p);
}

static void too_many_connections_wait(void)
{
    struct http_limits limits = probe_limits;
    struct probe p;
    int fd[6];

    limits.max_connections = 4;
    probe_open(&p, &limits);
    for (int i = 0; i < 6; i++)
        fd[i] = probe_socket(&p);
    probe_turns(&p, 10);
    UNIT_INT(http_server_connections(p.s), 4);
    close(fd[0]);
    close(fd[1]);
    close(fd[2]);
    probe_turns(&p, 10);
    UNIT_INT(http_server_connections(p.s), 3);
    limits.max_connections = 3;
    http_server_limits(p.s, &limits);
    fd[0] = probe_socket(&p);
    probe_turns(&p, 10);
    UNIT_INT(http_server_connections(p.s), 3);
    limits.max_connections = 9;
    http_server_limits(p.s, &limits);
    probe_turns(&p, 10);
    UNIT_INT(http_server_connections(p.s), 4);
    close(fd[0]);
    for (int i = 3; i < 6; i++)
        close(fd[i]);
    CU_ASSERT_TRUE(probe_run(&p, probe_no_connection, 1000));
    probe_close(&p);
}

static void unlisten_leaves_the_rest(void)
{
    struct probe p;
    int fd;

    probe_open(&p, NULL);
    probe_connect(&p);
    probe_turns(&p, 5);
    http_server_unlisten(p.s, p.lis_id);
    http_server_unlisten(p.s, p.lis_id);
    http_server_unlisten(p.s, 0);
    fd = probe_socket(&p);
    probe_turns(&p, 5);
    UNIT_INT(http_server_connections(p.s), 1);
    probe_send(&p, STR("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n"));
    CU_ASSERT_TRUE(probe_run(&p, probe_answered, 1000));
    /* taken up again: who waited is served */
    CU_ASSERT_TRUE(http_server_listen(p.s, p.lis, NULL, NULL) != p.lis_id);
    probe_turns(&p, 5);
    UNIT_INT(http_server_connections(p.s), 2);
    close(fd);
    probe_close(&p);
}

static void on_empty(void *ud)
{
    struct probe *p = ud;

    CU_ASSERT_FALSE(p->empty);
    p->empty = true;
}

static bool is_empty(struct probe *p)
{
    return p->empty;
}

static void drains(void)
{
    struct http_limits limits = probe_limits;
    struct probe p;
    int idle;

    limits.idle_timeout_ms = 400; /* the shorter of it and 10 s holds */
    probe_open(&p, &limits);
    probe_connect(&p);
    probe_send(&p, hold);
    CU_ASSERT_TRUE_FATAL(probe_run(&p, probe_held, 2000));
    idle = probe_socket(&p);
    probe_turns(&p, 5);
    UNIT_INT(http_server_connections(p.s), 2);
    http_server_unlisten(p.s, p.lis_id);
    http_server_drain(p.s, on_empty, &p);
    probe_turns(&p, 5);
    CU_ASSERT_FALSE(p.empty);
    http_reply(p.q, 200, NULL, 0, STR("last"));
    CU_ASSERT_TRUE(probe_run(&p, probe_eof, 1000));
    CU_ASSERT_TRUE(probe_has(&p, "Connection: close\r\n\r\nlast"));
    CU_ASSERT_TRUE(probe_run(&p, is_empty, 3000));
    UNIT_INT(http_server_connections(p.s), 0);
    close(idle);
    probe_close(&p);

    /* an idle one may still ask once; an empty server is empty at once */
    probe_open(&p, NULL);
    probe_connect(&p);
    probe_turns(&p, 5);
    http_server_drain(p.s, on_empty, &p);
    probe_turns(&p, 5);
    CU_ASSERT_FALSE(p.empty);
    probe_send(&p, STR("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n"));
    CU_ASSERT_TRUE(probe_run(&p, is_empty, 3000));
    CU_ASSERT_TRUE(probe_eof(&p));
    CU_ASSERT_TRUE(probe_has(&p, "Connection: close\r\n\r\nhello"));
    p.empty = false;
    http_server_drain(p.s, on_empty, &p);
    CU_ASSERT_TRUE(probe_run(&p, is_empty, 3000));
    probe_close(&p);
}

static bool all_here(struct probe *p)
{
    return http_server_connections(p->s) == 300 && p->heads % 300 == 0;
}

/* Hundreds at once, half of them rude. */
static void many_clients(void)
{
    struct http_limits limits = probe_limits;
    struct probe p;
    int fd[300];

    limits.max_connections = 1000;
    probe_open(&p, &limits);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 300; i++) {
            fd[i] = probe_socket(&p);
            UNIT_INT(send(fd[i], hold.p, hold.n, MSG_NOSIGNAL), hold.n);
            if (i % 2)
                UNIT_INT(send(fd[i], hold.p, 9, MSG_NOSIGNAL), 9);
        }
        CU_ASSERT_TRUE(probe_run(&p, all_here, 2000));
        for (int i = 0; i < 300; i++)
            close(fd[i]);
        CU_ASSERT_TRUE(probe_run(&p, probe_no_connection, 2000));
    }
    UNIT_INT(p.heads, 900);
    UNIT_INT(p.ends, 900);
    probe_close(&p);
}

UNIT_MAIN("http_server_flow",
          { "slow readers push back", slow_readers_push_back },
          { "stalled readers are closed", stalled_readers_are_closed },
          { "large bodies", large_bodies },
          { "large bodies cost few calls", large_bodies_cost_few_calls },
          { "unwanted upload is not read", unwanted_upload_is_not_read },
          { "too many connections wait", too_many_connections_wait },
          { "unlisten leaves the rest", unlisten_leaves_the_rest },
          { "drains", drains }, { "many clients", many_clients })

/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Clients and a handler that do anything the contract allows, at random from
 * a fixed seed: requests whole, in pieces, pipelined, broken; answers at
 * once, later, in parts, aborted; leaving at any time. Each request that
 * began ends once, and nothing is touched after its end (the sanitizers see).
 */
#include "net/http_server.h"
#include "net/listen.h"
#include "unit.h"

#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CLIENTS = 24, OPEN_MAX_ = 256, STEPS = 20000,
       ENOUGH = 30 };

struct world {
    struct loop *l;
    struct http_server *s;
    struct listen_addr addr;
    int fd[CLIENTS];
    struct http_req *open[OPEN_MAX_]; /* requests that have not ended */
    size_t n_open, begun, ended;
    uint64_t seed;
    struct loop_task tick;
    struct loop_timer pause;
    int steps;
};

static unsigned rnd(struct world *w, unsigned below)
{
    w->seed = w->seed * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(w->seed >> 33) % below;
}

static size_t place_of(struct world *w, const struct http_req *q)
{
    for (size_t i = 0; i < w->n_open; i++) {
        if (w->open[i] == q)
            return i;
    }
    return w->n_open;
}

/* ---- the handler ------------------------------------------------------- */

static void act(struct world *w, struct http_req *q)
{
    static char block[40000];
    struct str some = { block, rnd(w, 2) ? rnd(w, 200)
                                         : rnd(w, sizeof block) };

    switch (rnd(w, 9)) {
    case 0:
        http_req_read_body(q, rnd(w, 2) ? 1 << 20 : 10);
        break;
    case 1:
        http_req_pause_body(q, rnd(w, 2));
        break;
    case 2:
        if (!http_reply_begun(q))
            http_reply(q, 200 + (int)rnd(w, 5), NULL, 0, some);
        break;
    case 3:
        http_reply_head(q, 200, NULL, 0, HTTP_LENGTH_STREAM);
        break;
    case 4:
    case 5:
        if (http_reply_queued(q) < 1 << 20)
            http_reply_data(q, some);
        break;
    case 6:
        http_reply_end(q);
        break;
    case 7:
        if (rnd(w, 4) == 0)
            http_reply_abort(q);
        break;
    default:
        (void)http_req_body(q);
        (void)http_req_header(q, STR("host"));
    }
}

static void on_head(void *ud, struct http_req *q)
{
    struct world *w = ud;

    w->begun++;
    CU_ASSERT_TRUE_FATAL(w->n_open < OPEN_MAX_);
    w->open[w->n_open++] = q;
    if (rnd(w, 2))
        http_req_read_body(q, 1 << 20);
    if (rnd(w, 3) == 0)
        http_reply(q, 200, NULL, 0, STR("at once"));
    else if (rnd(w, 2))
        act(w, q);
}

static void on_body(void *ud, struct http_req *q, int rc)
{
    struct world *w = ud;

    CU_ASSERT_TRUE_FATAL(place_of(w, q) < w->n_open);
    if ((rc || rnd(w, 2)) && !http_reply_begun(q))
        http_reply(q, rc ? 400 : 200, NULL, 0, http_req_body(q));
    else
        act(w, q);
}

static void on_drained(void *ud, struct http_req *q)
{
    CU_ASSERT_TRUE_FATAL(place_of(ud, q) < ((struct world *)ud)->n_open);
    act(ud, q);
}

static void on_end(void *ud, struct http_req *q, int rc)
{
    struct world *w = ud;
    size_t at = place_of(w, q);

    (void)rc;
    CU_ASSERT_TRUE_FATAL(at < w->n_open);
    w->open[at] = w->open[--w->n_open];
    w->ended++;
}

/* ---- the clients ------------------------------------------------------- */

static const char *const pieces[] = {
    "GET /a HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET /a HTTP/1.1\r\nHost: a\r\n\r\nGET /b HTTP/1.1\r\nHost: a\r\n\r\n",
    "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc",
    "POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    "3\r\nabc\r\n0\r\n\r\n",
    "GET /a HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET /a HTTP/1.0\r\n\r\n",
    "HEAD /a HTTP/1.1\r\nHost: a\r\n\r\n",
    "POST /b HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n",
    "0123456789",
    "POST /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
    "5\r\nabcde\r\n",
    "0\r\n\r\n",
    "POST /d HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
    "Content-Length: 3\r\n\r\n",
    "abc",
    "POST /e HTTP/1.1\r\nHost: a\r\nContent-Length: 300000\r\n\r\n",
    "GET /f HT",
    "\r\n",
};

static void client_send(struct world *w, int fd)
{
    static char much[60000];
    const char *z = pieces[rnd(w, sizeof pieces / sizeof pieces[0])];
    size_t n = strlen(z);

    if (rnd(w, 20) == 0) {
        z = much;
        n = rnd(w, sizeof much);
    } else if (rnd(w, 20) == 0) {
        n = rnd(w, (unsigned)n + 1);
    }
    if (send(fd, z, n, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
        return;
}

static void client_step(struct world *w, int i)
{
    static char sink[100000];
    const struct linger hard = { .l_onoff = 1 };

    if (w->fd[i] < 0) {
        w->fd[i] = socket(AF_INET,
                          SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (connect(w->fd[i], (struct sockaddr *)&w->addr.ss, w->addr.len) &&
            errno != EINPROGRESS) {
            close(w->fd[i]);
            w->fd[i] = -1;
        }
        return;
    }
    switch (rnd(w, 8)) {
    case 0:
        if (rnd(w, 3))
            return;
        if (rnd(w, 2))
            setsockopt(w->fd[i], SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
        close(w->fd[i]);
        w->fd[i] = -1;
        return;
    case 1:
        if (rnd(w, 10) == 0)
            shutdown(w->fd[i], SHUT_WR);
        return;
    case 2:
    case 3:
        if (recv(w->fd[i], sink, sizeof sink, MSG_DONTWAIT) != 0)
            return;
        close(w->fd[i]);
        w->fd[i] = -1;
        return;
    default:
        client_send(w, w->fd[i]);
    }
}

/* Where the machine is busy, connections time out before much was said on
 * them: such a run goes on until enough requests were. */
static void on_tick(void *ud)
{
    struct world *w = ud;

    for (int i = 0; i < 6; i++)
        client_step(w, (int)rnd(w, CLIENTS));
    for (unsigned i = rnd(w, 8); i && w->n_open; i--)
        act(w, w->open[rnd(w, (unsigned)w->n_open)]);
    w->steps++;
    if (w->steps == 10 * STEPS || (w->steps >= STEPS && w->begun > ENOUGH))
        loop_stop(w->l);
    else if (w->steps % 100 == 0)
        loop_timer_set(&w->pause, 5); /* timeouts want time */
    else
        loop_defer(w->l, &w->tick);
}

static void anything(void)
{
    const struct http_limits limits = { 2048, 10, 22, 50, 50, 50,
                                        50, 100000, 20000 };
    const struct http_handler h = { .on_head = on_head,
                                    .on_body = on_body,
                                    .on_drained = on_drained,
                                    .on_end = on_end };
    struct world w = { .l = loop_new(), .seed = 42 };
    int lis;

    CU_ASSERT_EQUAL_FATAL(listen_open(STR("127.0.0.1:0"), 1, &lis, NULL), 0);
    listen_address(lis, &w.addr);
    w.s = http_server_new(w.l, &limits, &h, &w);
    CU_ASSERT_TRUE_FATAL(http_server_listen(w.s, lis, NULL, NULL) > 0);
    for (int i = 0; i < CLIENTS; i++)
        w.fd[i] = -1;
    w.tick = (struct loop_task){ .fn = on_tick, .ud = &w };
    loop_timer_init(&w.pause, w.l, on_tick, &w);
    loop_timer_set(&w.pause, 0);
    CU_ASSERT_EQUAL(loop_run(w.l), 0);
    for (int i = 0; i < CLIENTS; i++) {
        if (w.fd[i] >= 0)
            close(w.fd[i]);
    }
    http_server_free(w.s);
    UNIT_INT(w.n_open, 0);
    UNIT_INT(w.begun, w.ended);
    CU_ASSERT_TRUE(w.begun > ENOUGH);
    loop_free(w.l);
    close(lis);
}

UNIT_MAIN("http_server_mix", { "anything the contract allows", anything })

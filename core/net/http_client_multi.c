/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * libcurl's multi handles on the loop: its sockets, its one timer, and which
 * of the handles a new call goes to.
 */
#include "net/http_client_impl.h"

#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>

/* Tell what happened since; may free calls, never the shard. */
static void settle(struct hc_shard *s)
{
    CURLMsg *m;
    int left;

    while ((m = curl_multi_info_read(s->m, &left))) {
        CURLcode code = m->data.result;
        struct hc_easy *e = NULL;

        if (m->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &e);
        hc_finish(e->x, code);
    }
    hc_deliver(s->c);
}

/*
 * Something came on a connection that no call uses: its end, or bytes nobody
 * asked for (a 408, say). libcurl takes it for usable when bytes or a reset
 * are waiting, so make it see the end. Over TLS the bytes may be a session
 * ticket: only a closed peer counts.
 */
static void idle_event(struct hc_sock *k)
{
    char junk[4096];
    struct pollfd p = { .fd = k->io.fd, .events = POLLRDHUP };
    bool closed = poll(&p, 1, 0) > 0;

    if (k->tls && !closed)
        return;
    for (int i = 0; i < 16; i++) {
        if (recv(k->io.fd, junk, sizeof junk, MSG_DONTWAIT) <= 0)
            break;
    }
    hc_sock_shut(k);
}

static void on_io(void *ud, int what)
{
    struct hc_sock *k = ud;
    struct hc_shard *s = k->shard;
    int fd = k->io.fd, running, bits = 0;

    if (what & ~k->want)
        loop_io_want(&k->io, k->want);
    what &= k->want;
    if (!what && k->idle)
        idle_event(k);
    if (!what)
        return;
    if (what & LOOP_READ)
        bits |= CURL_CSELECT_IN;
    if (what & LOOP_WRITE)
        bits |= CURL_CSELECT_OUT;
    curl_multi_socket_action(s->m, fd, bits, &running);
    settle(s);
}

static void on_time(void *ud)
{
    struct hc_shard *s = ud;
    int running;

    curl_multi_socket_action(s->m, CURL_SOCKET_TIMEOUT, 0, &running);
    settle(s);
}

static int on_timer(CURLM *m, long ms, void *ud)
{
    struct hc_shard *s = ud;

    (void)m;
    if (ms == 0) {
        loop_timer_stop(&s->timer);
        loop_defer(s->c->loop, &s->soon);
        return 0;
    }
    loop_undefer(&s->soon);
    if (ms < 0)
        loop_timer_stop(&s->timer);
    else
        loop_timer_set(&s->timer, (uint64_t)ms);
    return 0;
}

static bool room_for(struct http_client *c, size_t fd)
{
    size_t n = c->n_socks ? c->n_socks : 64;
    struct hc_sock **p;

    if (fd < c->n_socks)
        return true;
    while (n <= fd)
        n *= 2;
    if (fd >= HC_FD_MAX)
        return false;
    p = realloc(c->socks, n * sizeof(struct hc_sock *));
    if (!p)
        return false;
    memset(p + c->n_socks, 0, (n - c->n_socks) * sizeof(struct hc_sock *));
    c->socks = p;
    c->n_socks = n;
    return true;
}

static struct hc_pool *pool_of(CURL *h)
{
    struct hc_easy *e = NULL;

    curl_easy_getinfo(h, CURLINFO_PRIVATE, &e);
    return e && e->x ? e->x->pool : NULL;
}

static struct hc_sock *sock_get(struct hc_shard *s, CURL *h, int fd)
{
    struct http_client *c = s->c;
    struct hc_sock *k;

    if (fd < 0 || !room_for(c, (size_t)fd))
        return NULL;
    k = c->socks[fd];
    if (!k) {
        k = calloc(1, sizeof *k);
        if (!k)
            return NULL;
        loop_io_init(&k->io, c->loop, fd, on_io, k);
        c->socks[fd] = k;
        k->shard = s;
        hc_pool_opened(k, pool_of(h));
    }
    k->shard = s;
    return k;
}

void hc_sock_close(struct http_client *c, int fd)
{
    struct hc_sock *k;

    if (fd < 0 || (size_t)fd >= c->n_socks || !c->socks[fd])
        return;
    k = c->socks[fd];
    c->socks[fd] = NULL;
    hc_pool_closed(k);
    loop_io_stop(&k->io);
    free(k);
}

/* libcurl wants nothing of this socket now: is it idle, or a call held? */
static void note_unused(struct hc_sock *k, CURL *h)
{
    struct hc_easy *e = NULL;

    curl_easy_getinfo(h, CURLINFO_PRIVATE, &e);
    hc_pool_idle(k, e && e->x && !e->x->held);
    k->tls = k->idle && e->url && str_starts(str_of(e->url), STR("https"));
}

static int on_socket(CURL *h, curl_socket_t fd, int what, void *ud, void *sock)
{
    struct hc_sock *k = sock_get(ud, h, fd);
    int watch;

    (void)sock;
    if (!k) /* out of memory: the caller's own timers end the call */
        return 0;
    k->want = 0;
    if (what == CURL_POLL_IN || what == CURL_POLL_INOUT)
        k->want |= LOOP_READ;
    if (what == CURL_POLL_OUT || what == CURL_POLL_INOUT)
        k->want |= LOOP_WRITE;
    if (what == CURL_POLL_REMOVE)
        note_unused(k, h);
    else
        hc_pool_idle(k, false);
    watch = k->want | (k->io.want & LOOP_READ);
    if (watch != k->io.want)
        loop_io_want(&k->io, watch);
    return 0;
}

static struct hc_shard *shard_new(struct http_client *c)
{
    struct hc_shard *s = calloc(1, sizeof *s);

    if (!s)
        return NULL;
    s->m = curl_multi_init();
    if (!s->m) {
        free(s);
        return NULL;
    }
    s->c = c;
    s->index = (uint32_t)c->n_shards;
    loop_timer_init(&s->timer, c->loop, on_time, s);
    s->soon.fn = on_time;
    s->soon.ud = s;
    curl_multi_setopt(s->m, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(s->m, CURLMOPT_SOCKETDATA, s);
    curl_multi_setopt(s->m, CURLMOPT_TIMERFUNCTION, on_timer);
    curl_multi_setopt(s->m, CURLMOPT_TIMERDATA, s);
    curl_multi_setopt(s->m, CURLMOPT_MAXCONNECTS, (long)c->max_idle);
    /* one HTTP/2 stream per connection: 7.88 loses streams that end while
     * another one's bytes wait, and sends them again */
    curl_multi_setopt(s->m, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING);
    c->shards[c->n_shards++] = s;
    return s;
}

struct hc_shard *hc_shard_pick(struct http_client *c)
{
    struct hc_shard *least = NULL;

    for (size_t i = 0; i < c->n_shards; i++) {
        struct hc_shard *s = c->shards[i];

        if (s->active < HC_SHARD_CALLS)
            return s;
        if (!least || s->active < least->active)
            least = s;
    }
    if (c->n_shards < HC_SHARDS) {
        struct hc_shard *s = shard_new(c);

        if (s)
            return s;
    }
    return least;
}

void hc_shard_close(struct hc_shard *s)
{
    curl_multi_cleanup(s->m);
    loop_timer_stop(&s->timer);
    loop_undefer(&s->soon);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Load for the bench: one thread, epoll, keep-alive connections to loopback.
 *
 *   load closed PORT PATH BODY CONNS SECONDS      as fast as answers come
 *   load stream PORT PATH BODY STREAMS RAMP SECONDS   that many SSE streams
 *
 * Prints one line of JSON. In `stream` a token's delay is measured where its
 * text carries the sender's clock ("content":"T<20 digits of ns>").
 * Environment: KEY (bearer token).
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MAX_SAMPLES 20000000
#define READ_BYTES 65536
#define CARRY_BYTES 512

struct peer {
    int fd;
    bool busy, in_body, chunked, first;
    int64_t left;        /* body bytes to come; -1 = not known */
    size_t sent;         /* of the request */
    uint64_t begin_ns;
    char carry[CARRY_BYTES]; /* end of the last read, or the head so far */
    size_t n_carry;
};

struct load {
    int epoll, port;
    char *request;
    size_t n_request;
    bool stream;
    struct peer *peers;
    int n_peers;
    uint64_t done, errors, not_200, tokens;
    uint32_t *samples; /* tenths of a microsecond */
    size_t n_samples;
    uint32_t *first;
    size_t n_first;
};

static uint64_t now_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static void sample(struct load *l, uint64_t ns)
{
    if (l->n_samples < MAX_SAMPLES)
        l->samples[l->n_samples++] = (uint32_t)(ns / 100);
}

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static void open_peer(struct load *l, struct peer *p)
{
    struct sockaddr_in to = { .sin_family = AF_INET,
                              .sin_port = htons((uint16_t)l->port),
                              .sin_addr = { htonl(INADDR_LOOPBACK) } };
    struct epoll_event ev = { EPOLLIN, { .ptr = p } };
    int one = 1;

    memset(p, 0, sizeof *p);
    p->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (p->fd < 0)
        die("socket");
    setsockopt(p->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (connect(p->fd, (struct sockaddr *)&to, sizeof to) &&
        errno != EINPROGRESS)
        die("connect");
    epoll_ctl(l->epoll, EPOLL_CTL_ADD, p->fd, &ev);
}

static void pump(struct load *l, struct peer *p)
{
    struct epoll_event ev = { EPOLLIN, { .ptr = p } };

    while (p->sent < l->n_request) {
        ssize_t n = send(p->fd, l->request + p->sent, l->n_request - p->sent,
                         MSG_NOSIGNAL);

        if (n < 0) {
            ev.events = EPOLLIN | EPOLLOUT;
            break;
        }
        p->sent += (size_t)n;
    }
    epoll_ctl(l->epoll, EPOLL_CTL_MOD, p->fd, &ev);
}

static void begin(struct load *l, struct peer *p)
{
    p->busy = true;
    p->in_body = p->chunked = false;
    p->first = true;
    p->left = -1;
    p->sent = p->n_carry = 0;
    p->begin_ns = now_ns();
    pump(l, p);
}

static void finish(struct load *l, struct peer *p)
{
    p->busy = false;
    l->done++;
    if (!l->stream)
        sample(l, now_ns() - p->begin_ns);
}

/* Note the delay of each token in what was kept and what came. */
static bool scan_tokens(struct load *l, struct peer *p, const char *b,
                        size_t n)
{
    static char text[READ_BYTES + CARRY_BYTES];
    const char *at = text, *end, *from = text;
    uint64_t now = now_ns();
    bool done;

    memcpy(text, p->carry, p->n_carry);
    memcpy(text + p->n_carry, b, n);
    end = text + p->n_carry + n;
    while ((at = memmem(at, (size_t)(end - at), "content\":\"T", 11))) {
        if (end - at < 32)
            break;
        l->tokens++;
        if (p->first)
            l->first[l->n_first++] = (uint32_t)((now - p->begin_ns) / 100);
        else
            sample(l, now - strtoull(at + 11, NULL, 10));
        p->first = false;
        at += 31;
        from = at;
    }
    done = memmem(from, (size_t)(end - from), "[DONE]", 6) != NULL;
    p->n_carry = (size_t)(end - from);
    if (p->n_carry > 300)
        p->n_carry = 300;
    memmove(p->carry, end - p->n_carry, p->n_carry);
    return done;
}

static void on_body(struct load *l, struct peer *p, const char *b, size_t n)
{
    if (l->stream) {
        if (scan_tokens(l, p, b, n))
            finish(l, p);
    } else if (p->chunked) {
        if (n >= 5 && memcmp(b + n - 5, "0\r\n\r\n", 5) == 0)
            finish(l, p);
    } else {
        p->left -= (int64_t)n;
        if (p->left <= 0)
            finish(l, p);
    }
}

/* Bytes of the head; the rest of the read is body. */
static void on_head(struct load *l, struct peer *p, const char *b, size_t n)
{
    static char head[READ_BYTES + CARRY_BYTES + 1];
    const char *end, *length;
    size_t used;

    memcpy(head, p->carry, p->n_carry);
    memcpy(head + p->n_carry, b, n);
    head[p->n_carry + n] = '\0';
    end = strstr(head, "\r\n\r\n");
    if (!end) {
        p->n_carry += n;
        if (p->n_carry > CARRY_BYTES) {
            fprintf(stderr, "a head of more than %d bytes in pieces\n",
                    CARRY_BYTES);
            exit(1);
        }
        memcpy(p->carry, head, p->n_carry);
        return;
    }
    if (strncmp(head + 9, "200", 3) != 0 && l->not_200++ == 0)
        fprintf(stderr, "%.400s\n", head);
    length = strcasestr(head, "\r\ncontent-length:");
    if (length && length < end)
        p->left = strtoll(length + 17, NULL, 10);
    p->chunked = !length || length > end;
    p->in_body = true;
    used = (size_t)(end + 4 - head) - p->n_carry;
    p->n_carry = 0;
    if (p->left == 0)
        finish(l, p);
    else if (n > used)
        on_body(l, p, b + used, n - used);
}

static void on_readable(struct load *l, struct peer *p)
{
    static char b[READ_BYTES];
    ssize_t n = recv(p->fd, b, sizeof b, 0);

    if (n < 0 && errno == EAGAIN)
        return;
    if (n <= 0) {
        l->errors += p->busy;
        close(p->fd);
        p->fd = -1;
        p->busy = false;
        return;
    }
    if (!p->busy)
        return;
    if (p->in_body)
        on_body(l, p, b, (size_t)n);
    else
        on_head(l, p, b, (size_t)n);
}

static void turn(struct load *l, int wait_ms)
{
    struct epoll_event ev[512];
    int n = epoll_wait(l->epoll, ev, 512, wait_ms);

    for (int i = 0; i < n; i++) {
        struct peer *p = ev[i].data.ptr;

        if (p->fd >= 0 && (ev[i].events & EPOLLOUT))
            pump(l, p);
        if (p->fd >= 0 && (ev[i].events & ~(uint32_t)EPOLLOUT))
            on_readable(l, p);
        if (l->stream)
            continue;
        if (p->fd < 0)
            open_peer(l, p);
        if (!p->busy)
            begin(l, p);
    }
}

static int by_value(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return x < y ? -1 : x > y;
}

static void print_spread(const char *name, uint32_t *v, size_t n)
{
    if (n == 0)
        return;
    qsort(v, n, sizeof *v, by_value);
    printf(",\"%s_p50_us\":%.1f,\"%s_p99_us\":%.1f,\"%s_max_us\":%.1f", name,
           v[n / 2] / 10.0, name, v[n * 99 / 100] / 10.0, name,
           v[n - 1] / 10.0);
}

static void run_closed(struct load *l, double seconds)
{
    uint64_t end;

    for (int i = 0; i < l->n_peers; i++)
        open_peer(l, &l->peers[i]);
    for (int i = 0; i < l->n_peers; i++)
        begin(l, &l->peers[i]);
    end = now_ns() + (uint64_t)(seconds * 1e9);
    while (now_ns() < end)
        turn(l, 10);
}

static void run_stream(struct load *l, double ramp, double seconds)
{
    uint64_t begun = now_ns(), end = begun + (uint64_t)(seconds * 1e9);
    int open = 0;

    while (now_ns() < end && l->done + l->errors < (uint64_t)l->n_peers) {
        double want = (double)(now_ns() - begun) / 1e9 * ramp;

        while (open < l->n_peers && open < (int)want) {
            open_peer(l, &l->peers[open]);
            begin(l, &l->peers[open++]);
        }
        turn(l, 1);
    }
}

static void read_request(struct load *l, const char *path, const char *file)
{
    const char *key = getenv("KEY");
    FILE *f = fopen(file, "r");
    char *body = malloc(8 << 20);
    size_t n;
    int head;

    if (!f || !body)
        die(file);
    n = fread(body, 1, 8 << 20, f);
    fclose(f);
    l->request = malloc(n + 4096);
    if (!l->request)
        die("malloc");
    head = snprintf(l->request, 4096,
                    "POST %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n"
                    "User-Agent: load/1\r\nAuthorization: Bearer %s\r\n"
                    "Content-Type: application/json\r\n"
                    "Accept: application/json\r\nContent-Length: %zu\r\n\r\n",
                    path, l->port, key ? key : "none", n);
    memcpy(l->request + head, body, n);
    l->n_request = (size_t)head + n;
    free(body);
}

int main(int argc, char **argv)
{
    struct load l = { 0 };
    double seconds;
    uint64_t begun;

    signal(SIGPIPE, SIG_IGN);
    if (argc < 7) {
        fprintf(stderr, "usage: see the head of load.c\n");
        return 2;
    }
    l.stream = strcmp(argv[1], "stream") == 0;
    l.port = (int)strtol(argv[2], NULL, 10);
    l.n_peers = (int)strtol(argv[5], NULL, 10);
    l.epoll = epoll_create1(0);
    l.peers = calloc((size_t)l.n_peers, sizeof *l.peers);
    l.samples = malloc((size_t)MAX_SAMPLES * sizeof *l.samples);
    l.first = calloc((size_t)l.n_peers + 1, sizeof *l.first);
    if (l.epoll < 0 || !l.peers || !l.samples || !l.first)
        die("setup");
    read_request(&l, argv[3], argv[4]);
    begun = now_ns();
    if (l.stream)
        run_stream(&l, strtod(argv[6], NULL), strtod(argv[7], NULL));
    else
        run_closed(&l, strtod(argv[6], NULL));
    seconds = (double)(now_ns() - begun) / 1e9;
    printf("{\"done\":%llu,\"errors\":%llu,\"not_200\":%llu,"
           "\"tokens\":%llu,\"seconds\":%.2f,\"rps\":%.0f",
           (unsigned long long)l.done, (unsigned long long)l.errors,
           (unsigned long long)l.not_200, (unsigned long long)l.tokens,
           seconds, (double)l.done / seconds);
    print_spread(l.stream ? "token" : "latency", l.samples, l.n_samples);
    print_spread("first", l.first, l.n_first);
    printf("}\n");
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * The bench's upstream: one thread, epoll, canned answers of 500 bytes in the
 * dialect that the path is of, and SSE streams of chat whose tokens carry the
 * clock ("T<20 digits of ns>").
 *
 *   upstream PORT TOKENS INTERVAL_MS     a body with "stream":true streams
 *
 * Cheaper than any real provider on purpose: the proxies are what is measured.
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

#define WHEEL 8192
#define READ_BYTES 262144

struct client {
    int fd, tokens;
    bool streaming, stream_asked;
    size_t n_head, body_left;
    char head[4096];
    struct client *next, **prev; /* in the wheel's slot */
    uint64_t due_ms;
};

static struct client *wheel[WHEEL];
static uint64_t turned_ms;
static int epoll_fd, n_tokens, interval_ms;

static uint64_t now_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static void unschedule(struct client *c)
{
    if (!c->prev)
        return;
    *c->prev = c->next;
    if (c->next)
        c->next->prev = c->prev;
    c->prev = NULL;
}

static void schedule(struct client *c, uint64_t due_ms)
{
    struct client **slot;

    unschedule(c);
    if (due_ms <= turned_ms)
        due_ms = turned_ms + 1;
    slot = &wheel[due_ms % WHEEL];
    c->due_ms = due_ms;
    c->next = *slot;
    c->prev = slot;
    if (*slot)
        (*slot)->prev = &c->next;
    *slot = c;
}

static void drop(struct client *c)
{
    unschedule(c);
    close(c->fd);
    free(c);
}

static bool put(struct client *c, const char *p, size_t n)
{
    ssize_t sent = send(c->fd, p, n, MSG_NOSIGNAL);

    if (sent == (ssize_t)n)
        return true;
    drop(c); /* a proxy that does not keep up with 300 bytes is broken */
    return false;
}

#define TEXT                                                                  \
    "Hello there, how can I help you today? "                                 \
    "Hello there, how can I help you today? "                                 \
    "Hello there, how can I help you today? "

/* By what the path holds; the last is for the rest. */
static const struct {
    const char *path, *body;
} bodies[] = {
    { "/v1/messages ",
      "{\"id\":\"msg_abc123\",\"type\":\"message\",\"role\":\"assistant\","
      "\"model\":\"claude-sonnet-4-5\",\"content\":[{\"type\":\"text\","
      "\"text\":\"" TEXT "\"}],\"stop_reason\":\"end_turn\","
      "\"stop_sequence\":null,\"usage\":{\"input_tokens\":19,"
      "\"cache_creation_input_tokens\":0,\"cache_read_input_tokens\":0,"
      "\"output_tokens\":10}}" },
    { ":generateContent",
      "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"" TEXT "\"}],"
      "\"role\":\"model\"},\"finishReason\":\"STOP\",\"index\":0}],"
      "\"usageMetadata\":{\"promptTokenCount\":19,\"candidatesTokenCount\":"
      "10,\"totalTokenCount\":29},\"modelVersion\":\"gemini-2.5-flash\","
      "\"responseId\":\"abc123\"}" },
    { "/responses ",
      "{\"id\":\"resp_abc123\",\"object\":\"response\",\"created_at\":"
      "1694268190,\"status\":\"completed\",\"error\":null,"
      "\"incomplete_details\":null,\"model\":\"o3-pro\",\"output\":[{"
      "\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\","
      "\"status\":\"completed\",\"content\":[{\"type\":\"output_text\","
      "\"text\":\"" TEXT "\",\"annotations\":[]}]}],\"usage\":{"
      "\"input_tokens\":19,\"output_tokens\":10,\"total_tokens\":29}}" },
    { "/converse ",
      "{\"output\":{\"message\":{\"role\":\"assistant\",\"content\":[{"
      "\"text\":\"" TEXT "\"}]}},\"stopReason\":\"end_turn\",\"usage\":{"
      "\"inputTokens\":19,\"outputTokens\":10,\"totalTokens\":29},"
      "\"metrics\":{\"latencyMs\":100}}" },
    { "/v2/chat ",
      "{\"id\":\"abc123\",\"finish_reason\":\"COMPLETE\",\"message\":{"
      "\"role\":\"assistant\",\"content\":[{\"type\":\"text\",\"text\":\""
      TEXT "\"}]},\"usage\":{\"billed_units\":{\"input_tokens\":19,"
      "\"output_tokens\":10},\"tokens\":{\"input_tokens\":19,"
      "\"output_tokens\":10}}}" },
    { "/api/chat ",
      "{\"model\":\"qwen3\",\"created_at\":\"2026-01-01T00:00:00Z\","
      "\"message\":{\"role\":\"assistant\",\"content\":\"" TEXT "\"},"
      "\"done\":true,\"done_reason\":\"stop\",\"total_duration\":1000000,"
      "\"prompt_eval_count\":19,\"eval_count\":10}" },
    { "",
      "{\"id\":\"chatcmpl-abc123\",\"object\":\"chat.completion\","
      "\"created\":1694268190,\"model\":\"gpt-6-luna\",\"choices\":[{"
      "\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"" TEXT
      "\",\"refusal\":null},\"logprobs\":null,\"finish_reason\":\"stop\"}],"
      "\"usage\":{\"prompt_tokens\":19,\"completion_tokens\":10,"
      "\"total_tokens\":29}}" },
};

#define BODIES (sizeof bodies / sizeof bodies[0])

static char answers[BODIES][2048];
static size_t n_answers[BODIES];

static void make_answers(void)
{
    for (size_t i = 0; i < BODIES; i++)
        n_answers[i] = (size_t)snprintf(
            answers[i], sizeof answers[i],
            "HTTP/1.1 200 OK\r\n"
            "Content-Type: application/json\r\n"
            "x-request-id: req_0123456789abcdef\r\n"
            "Content-Length: %zu\r\n\r\n%s",
            strlen(bodies[i].body), bodies[i].body);
}

static bool send_token(struct client *c)
{
    char data[512], out[768];
    int n = 0, m;

    if (c->tokens == 0)
        n = snprintf(out, sizeof out,
                     "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
                     "Transfer-Encoding: chunked\r\n\r\n");
    if (c->tokens < n_tokens)
        m = snprintf(data, sizeof data,
                     "data: {\"id\":\"chatcmpl-abc123\",\"object\":"
                     "\"chat.completion.chunk\",\"created\":1694268190,"
                     "\"model\":\"gpt-6-luna\",\"choices\":[{\"index\":0,"
                     "\"delta\":{\"content\":\"T%020llu\"},"
                     "\"finish_reason\":null}]}\n\n",
                     (unsigned long long)now_ns());
    else
        m = snprintf(data, sizeof data,
                     "data: {\"id\":\"chatcmpl-abc123\",\"choices\":[{"
                     "\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}"
                     "\n\ndata: [DONE]\n\n");
    n += snprintf(out + n, sizeof out - (size_t)n, "%x\r\n%s\r\n%s",
                  (unsigned)m, data,
                  c->tokens < n_tokens ? "" : "0\r\n\r\n");
    c->streaming = c->tokens++ < n_tokens;
    return put(c, out, (size_t)n);
}

static bool serve(struct client *c)
{
    const char *end = strchr(c->head, '\r');
    size_t i = 0;

    c->n_head = 0;
    if (!c->stream_asked) {
        if (end)
            *strchr(c->head, '\r') = '\0';
        while (i + 1 < BODIES && !strstr(c->head, bodies[i].path))
            i++;
        return put(c, answers[i], n_answers[i]);
    }
    c->tokens = 0;
    c->streaming = true;
    schedule(c, turned_ms + 1);
    return true;
}

/* Bytes of one request; the bench never pipelines. */
static void take(struct client *c, const char *b, size_t n)
{
    const char *end, *length;
    size_t room = sizeof c->head - 1 - c->n_head, k = n < room ? n : room;
    size_t before = c->n_head;

    if (c->body_left) {
        c->stream_asked |= memmem(b, n, "\"stream\":true", 13) ||
                           memmem(b, n, "\"stream\": true", 14);
        c->body_left -= n < c->body_left ? n : c->body_left;
        if (c->body_left == 0)
            serve(c);
        return;
    }
    memcpy(c->head + c->n_head, b, k);
    c->n_head += k;
    c->head[c->n_head] = '\0';
    end = strstr(c->head, "\r\n\r\n");
    if (!end)
        return;
    length = strcasestr(c->head, "\r\ncontent-length:");
    c->body_left = length ? strtoul(length + 17, NULL, 10) : 0;
    c->stream_asked = false;
    k = (size_t)(end + 4 - c->head) - before;
    if (c->body_left == 0)
        serve(c);
    else if (n > k)
        take(c, b + k, n - k);
}

static int listen_on(int port)
{
    struct sockaddr_in at = { .sin_family = AF_INET,
                              .sin_port = htons((uint16_t)port),
                              .sin_addr = { htonl(INADDR_LOOPBACK) } };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), one = 1;

    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(fd, (struct sockaddr *)&at, sizeof at) || listen(fd, 4096)) {
        perror("upstream");
        exit(1);
    }
    return fd;
}

static void accept_all(int fd)
{
    int one = 1, peer;

    while ((peer = accept4(fd, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        struct client *c = calloc(1, sizeof *c);
        struct epoll_event ev = { EPOLLIN, { .ptr = c } };

        if (!c)
            exit(1);
        c->fd = peer;
        setsockopt(peer, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        epoll_ctl(epoll_fd, EPOLL_CTL_ADD, peer, &ev);
    }
}

static void on_readable(struct client *c)
{
    static char b[READ_BYTES];
    ssize_t n = recv(c->fd, b, sizeof b, 0);

    if (n > 0)
        take(c, b, (size_t)n);
    else if (n == 0 || errno != EAGAIN)
        drop(c);
}

static void turn_wheel(uint64_t to_ms)
{
    while (turned_ms < to_ms) {
        struct client *c = wheel[++turned_ms % WHEEL], *next;

        for (; c; c = next) {
            uint64_t due = c->due_ms;

            next = c->next;
            if (due > turned_ms)
                continue;
            unschedule(c);
            if (send_token(c) && c->streaming)
                schedule(c, due + (uint64_t)interval_ms);
        }
    }
}

int main(int argc, char **argv)
{
    struct epoll_event ev[512], in = { EPOLLIN, { .ptr = NULL } };
    int fd;

    if (argc != 4)
        return 2;
    signal(SIGPIPE, SIG_IGN);
    n_tokens = (int)strtol(argv[2], NULL, 10);
    interval_ms = (int)strtol(argv[3], NULL, 10);
    make_answers();
    fd = listen_on((int)strtol(argv[1], NULL, 10));
    epoll_fd = epoll_create1(0);
    epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &in);
    turned_ms = now_ns() / 1000000;
    for (;;) {
        int n = epoll_wait(epoll_fd, ev, 512, 1);

        for (int i = 0; i < n; i++) {
            if (ev[i].data.ptr)
                on_readable(ev[i].data.ptr);
            else
                accept_all(fd);
        }
        turn_wheel(now_ns() / 1000000);
    }
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Answers go out here: as fast as the client reads, or at the pace and with
 * the break that a fault asks for. One pump serves all cases: it renders an
 * event (or takes the whole body), hands on as many bytes as it may, and
 * says what it waits for.
 */
#include "mock/mock_impl.h"

#include <sys/socket.h>

enum {
    FLUSH_MS = 2,
    CHUNK = 64 << 10,  /* given to the server at a time */
    BATCH = 16 << 10,  /* rendered at a time */
    TURN = 256 << 10,  /* given in one turn of the loop */
};

static const struct mock_fault no_fault = {
    .tokens_per_s = -1,
    .stall_after_events = MOCK_NEVER,
    .cut_after_events = MOCK_NEVER,
    .cut_after_bytes = MOCK_NEVER,
    .error_event_at = MOCK_NEVER,
    .times = -1,
};

static void pump(struct mock_req *r);

static void on_timer(void *ud)
{
    struct mock_req *r = ud;

    r->then(r);
}

static void later(struct mock_req *r, uint64_t ms,
                  void (*then)(struct mock_req *r))
{
    r->then = then;
    r->timer.fn = on_timer;
    loop_timer_set(&r->timer, ms);
}

/* ---- the ends ---------------------------------------------------------- */

static void abort_now(struct mock_req *r)
{
    if (!r->over)
        http_reply_abort(r->q);
    r->over = true;
}

static void reset_now(struct mock_req *r)
{
    struct linger lg = { 1, 0 };
    int fd = http_req_fd(r->q);

    if (fd >= 0)
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &lg, sizeof lg);
    abort_now(r);
}

static void garbage_now(struct mock_req *r)
{
    static const char junk[] = "\x16\x03\x01\x02" "nonsense\r\n\r\n\xff\xfe";
    int fd = http_req_fd(r->q);

    if (fd >= 0)
        (void)!send(fd, junk, sizeof junk - 1, MSG_NOSIGNAL);
    abort_now(r);
}

/* Break off, but only when what was given has left. */
static void break_off(struct mock_req *r)
{
    if (http_reply_queued(r->q)) {
        later(r, FLUSH_MS, break_off);
        return;
    }
    if (r->fault->reset == MOCK_RESET_AFTER)
        reset_now(r);
    else
        abort_now(r);
}

/* One turn first: bytes may be sent only at the end of this one. */
static void break_soon(struct mock_req *r)
{
    r->ending = true;
    later(r, FLUSH_MS, break_off);
}

static void end_now(struct mock_req *r)
{
    r->over = true;
    http_reply_end(r->q);
}

/* ---- heads ------------------------------------------------------------- */

/* A fault's own fields, Content-Type and a request id. */
static size_t fields(struct mock_req *r, const char *type,
                     struct http_header h[MOCK_HEADERS_MAX + 2])
{
    const struct mock_fault *f = r->fault;
    size_t n = 0;

    h[n].name = STR("content-type");
    h[n++].value = f->content_type.p ? f->content_type : str_of(type);
    h[n].name = str_of(r->d ? r->d->request_id : mock_openai.request_id);
    h[n++].value = arena_fmt(r->a, "req_mock_%llu",
                             (unsigned long long)r->m->serial);
    for (size_t i = 0; i < f->n_headers; i++)
        h[n++] = f->headers[i];
    return n;
}

static void reply(struct mock_req *r, int status, struct str body)
{
    struct http_header h[MOCK_HEADERS_MAX + 2];
    size_t n = fields(r, "application/json", h);

    r->over = true;
    if (http_reply(r->q, status, h, n, body))
        http_reply_abort(r->q);
}

void mock_refuse(struct mock_req *r, int status, const char *code,
                 const char *text)
{
    struct buf b = BUF_INIT(1 << 20);

    if (!r->fault)
        r->fault = &no_fault;
    (r->d ? r->d : &mock_openai)->error(&b, status, code, text);
    reply(r, status, buf_str(&b));
    buf_clear(&b);
}

/* ---- the pump ---------------------------------------------------------- */

/* Bytes that may go now, by cut and trickle. */
static size_t allowed(const struct mock_req *r)
{
    const struct mock_fault *f = r->fault;
    size_t n = buf_len(&r->out);

    if (f->cut_after_bytes >= 0 &&
        n > (uint64_t)f->cut_after_bytes - r->bytes)
        n = (size_t)((uint64_t)f->cut_after_bytes - r->bytes);
    if (f->trickle_bytes && n > f->trickle_bytes)
        n = f->trickle_bytes;
    return n > CHUNK ? CHUNK : n;
}

/* Give bytes to the server. False: something is waited for, or it is over. */
static bool give(struct mock_req *r)
{
    const struct mock_fault *f = r->fault;
    size_t n = allowed(r);

    if (n && http_reply_data(r->q, (struct str){ buf_str(&r->out).p, n })) {
        abort_now(r);
        return false;
    }
    buf_consume(&r->out, n);
    r->bytes += n;
    if (!buf_len(&r->out))
        buf_reset(&r->out);
    if (f->cut_after_bytes >= 0 && r->bytes == (uint64_t)f->cut_after_bytes) {
        break_soon(r);
        return false;
    }
    if (f->trickle_bytes && (buf_len(&r->out) || r->more)) {
        later(r, f->trickle_ms, pump);
        return false;
    }
    return http_reply_queued(r->q) < MOCK_HIGH_WATER;
}

/* Milliseconds until the next piece is due at the stream's pace. */
static uint64_t due_in(struct mock_req *r)
{
    double rate = r->fault->tokens_per_s;
    uint64_t now = loop_now_ns(r->m->loop), due;

    if (rate < 0)
        rate = r->m->o.tokens_per_s;
    if (rate <= 0)
        return 0;
    due = r->begun_ns + (uint64_t)((double)r->events * 1e9 / rate);
    return due > now ? (due - now) / 1000000u + 1 : 0;
}

static bool is_error_due(const struct mock_req *r)
{
    int64_t at = r->fault->error_event_at;

    return at > 0 && r->events + 1 == (uint64_t)at;
}

/* Render the next event. False: nothing to give now. */
static bool render(struct mock_req *r)
{
    const struct mock_fault *f = r->fault;
    size_t before = buf_len(&r->out);

    if (f->stall_after_events >= 0 &&
        r->events >= (uint64_t)f->stall_after_events) {
        r->stalled = true;
        return false;
    }
    if (f->cut_after_events >= 0 &&
        r->events >= (uint64_t)f->cut_after_events) {
        break_soon(r);
        return false;
    }
    if (!is_error_due(r) && r->d->next(r, &r->out, &r->more)) {
        abort_now(r);
        return false;
    }
    if (!is_error_due(r) && (r->more || f->error_event_at != MOCK_LAST)) {
        r->events++;
        return true;
    }
    /* an error instead; nothing follows it */
    r->out.n = r->out.off + before;
    r->more = false;
    return r->d->error_event(&r->out) == 0;
}

/* Without a pace or a fault events go out many at a time. */
static void render_more(struct mock_req *r)
{
    if (r->fault != &no_fault || r->m->o.tokens_per_s > 0)
        return;
    while (r->more && buf_len(&r->out) < BATCH) {
        if (!render(r))
            return;
    }
}

static void pump(struct mock_req *r)
{
    uint64_t stop_at = r->bytes + TURN;

    while (!r->over && !r->ending && !r->stalled) {
        uint64_t ms = 0;

        if (buf_len(&r->out)) {
            if (!give(r))
                return;
            continue;
        }
        if (!r->more) {
            end_now(r);
            return;
        }
        if (r->streaming)
            ms = due_in(r);
        if (ms || r->bytes >= stop_at) {
            later(r, ms, pump);
            return;
        }
        if (!render(r))
            return;
        render_more(r);
    }
}

void mock_send_on(struct mock_req *r)
{
    if (!r->over && !r->timer.due_ms)
        pump(r);
}

/* ---- the answer -------------------------------------------------------- */

static void stream(struct mock_req *r)
{
    struct http_header h[MOCK_HEADERS_MAX + 2];
    size_t n = fields(r, r->d->stream_type, h);

    r->streaming = r->more = true;
    r->begun_ns = loop_now_ns(r->m->loop);
    buf_init(&r->out, MOCK_ANSWER_MAX);
    if (r->d->begin(r) ||
        http_reply_head(r->q, 200, h, n, HTTP_LENGTH_STREAM))
        abort_now(r);
    else
        pump(r);
}

/* A whole body that is broken or slowed: its length is announced in full. */
static void broken_body(struct mock_req *r)
{
    struct http_header h[MOCK_HEADERS_MAX + 2];
    size_t n = fields(r, "application/json", h);
    const struct mock_fault *f = r->fault;
    size_t half = buf_len(&r->out) / 2;

    if (http_reply_head(r->q, 200, h, n, (int64_t)buf_len(&r->out))) {
        abort_now(r);
        return;
    }
    if (f->stall_after_events >= 0 || f->cut_after_events >= 0) {
        http_reply_data(r->q, (struct str){ buf_str(&r->out).p, half });
        if (f->stall_after_events >= 0)
            r->stalled = true;
        else
            break_soon(r);
        return;
    }
    pump(r);
}

static void whole(struct mock_req *r)
{
    const struct mock_fault *f = r->fault;
    int rc;

    buf_init(&r->out, MOCK_ANSWER_MAX);
    rc = f->error_event_at == MOCK_NEVER
             ? r->d->whole(r, &r->out)
             : r->d->error(&r->out, 500, NULL, NULL);
    if (rc)
        mock_refuse(r, 500, NULL, "the answer is too long for the mock");
    else if (f->trickle_bytes || f->cut_after_bytes >= 0 ||
             f->cut_after_events >= 0 || f->stall_after_events >= 0)
        broken_body(r);
    else
        reply(r, 200, buf_str(&r->out));
}

static void fault_status(struct mock_req *r)
{
    const struct mock_fault *f = r->fault;

    if (f->body.p)
        reply(r, f->status, f->body);
    else
        mock_refuse(r, f->status, NULL, NULL);
}

static void answer(struct mock_req *r)
{
    const struct mock_fault *f = r->fault;

    if (f->reset == MOCK_RESET_BEFORE)
        reset_now(r);
    else if (f->garbage)
        garbage_now(r);
    else if (f->status)
        fault_status(r);
    else if (f->empty_200)
        reply(r, 200, STR_NULL);
    else if (f->body.p)
        reply(r, 200, f->body);
    else if (r->ask.stream)
        stream(r);
    else
        whole(r);
}

void mock_send(struct mock_req *r)
{
    if (!r->fault)
        r->fault = &no_fault;
    if (r->fault->delay_ms)
        later(r, r->fault->delay_ms, answer);
    else
        answer(r);
}

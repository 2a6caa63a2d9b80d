/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Answers. Head and small pieces gather in the connection's queue and leave
 * in one call at the end of the turn; a large piece leaves at once, together
 * with what is queued, and only the part that the socket did not take is
 * copied.
 */
#include "net/http_impl.h"

#include <stdio.h>

static const struct {
    int status;
    const char *phrase;
} phrases[] = {
    { 200, "OK" }, { 201, "Created" }, { 202, "Accepted" },
    { 204, "No Content" }, { 206, "Partial Content" },
    { 301, "Moved Permanently" }, { 302, "Found" }, { 303, "See Other" },
    { 304, "Not Modified" }, { 307, "Temporary Redirect" },
    { 308, "Permanent Redirect" }, { 400, "Bad Request" },
    { 401, "Unauthorized" }, { 402, "Payment Required" },
    { 403, "Forbidden" }, { 404, "Not Found" },
    { 405, "Method Not Allowed" }, { 406, "Not Acceptable" },
    { 408, "Request Timeout" }, { 409, "Conflict" }, { 410, "Gone" },
    { 411, "Length Required" }, { 412, "Precondition Failed" },
    { 413, "Content Too Large" }, { 414, "URI Too Long" },
    { 415, "Unsupported Media Type" }, { 417, "Expectation Failed" },
    { 422, "Unprocessable Content" }, { 424, "Failed Dependency" },
    { 425, "Too Early" }, { 429, "Too Many Requests" },
    { 431, "Request Header Fields Too Large" },
    { 499, "Client Closed Request" }, { 500, "Internal Server Error" },
    { 501, "Not Implemented" }, { 502, "Bad Gateway" },
    { 503, "Service Unavailable" }, { 504, "Gateway Timeout" },
    { 505, "HTTP Version Not Supported" }, { 529, "Overloaded" },
};

static const char *phrase_of(int status)
{
    for (size_t i = 0; i < sizeof phrases / sizeof phrases[0]; i++) {
        if (phrases[i].status == status)
            return phrases[i].phrase;
    }
    return "Status";
}

/* ---- the head ---------------------------------------------------------- */

static bool has_body(int status)
{
    return status >= 200 && status != 204 && status != 304;
}

/* A line break or NUL among eight bytes. */
static bool breaks_word(const char *p)
{
    const uint64_t ones = UINT64_MAX / 255, high = ones * 0x80;
    uint64_t x, cr, lf;

    memcpy(&x, p, sizeof x);
    cr = x ^ ones * '\r';
    lf = x ^ ones * '\n';
    return (((x - ones) & ~x) | ((cr - ones) & ~cr) | ((lf - ones) & ~lf)) &
           high;
}

/* A blank, a control character, a colon or no ASCII among eight bytes. */
static bool no_name_word(const char *p)
{
    const uint64_t ones = UINT64_MAX / 255, high = ones * 0x80;
    uint64_t x, colon;

    memcpy(&x, p, sizeof x);
    colon = x ^ ones * ':';
    return ((x - ones * '!') | x | (colon - ones)) & high;
}

static bool is_name(struct str name)
{
    size_t i = 0;

    for (; name.n - i >= 8; i += 8) {
        if (no_name_word(name.p + i))
            return false;
    }
    if (name.n >= 8) /* the last eight, of which some were seen */
        return i == name.n || !no_name_word(name.p + name.n - 8);
    for (; i < name.n; i++) {
        if (name.p[i] <= ' ' || name.p[i] == ':')
            return false;
    }
    return true;
}

static bool breaks(struct str value)
{
    size_t i = 0;

    for (; value.n - i >= 8; i += 8) {
        if (breaks_word(value.p + i))
            return true;
    }
    if (value.n >= 8)
        return i < value.n && breaks_word(value.p + value.n - 8);
    for (; i < value.n; i++) {
        if (value.p[i] == '\r' || value.p[i] == '\n' || !value.p[i])
            return true;
    }
    return false;
}

/* A field that is ours to write, or would break the head, is left out. */
static bool field_passes(const struct http_header *f)
{
    static const struct str ours[] = {
        { "date", 4 },
        { "connection", 10 },
        { "content-length", 14 },
        { "transfer-encoding", 17 },
    };
    enum { LENGTHS = 1 << 4 | 1 << 10 | 1 << 14 | 1 << 17 };
    bool maybe = f->name.n < 18 && LENGTHS >> f->name.n & 1;

    for (size_t i = 0; maybe && i < sizeof ours / sizeof ours[0]; i++) {
        if (f->name.n == ours[i].n && str_ieq(f->name, ours[i]))
            return false;
    }
    return f->name.n > 0 && is_name(f->name) && !breaks(f->value);
}

static char *put(char *at, struct str s)
{
    if (s.n)
        memcpy(at, s.p, s.n);
    return at + s.n;
}

static char *put_fields(char *at, const struct http_header *f, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (!field_passes(&f[i]))
            continue;
        at = put(at, f[i].name);
        at = put(at, STR(": "));
        at = put(at, f[i].value);
        at = put(at, STR("\r\n"));
    }
    return at;
}

static char *put_number(char *at, uint64_t v)
{
    char digits[20];
    size_t n = 0;

    do {
        digits[n++] = (char)('0' + v % 10);
        v /= 10;
    } while (v);
    while (n)
        *at++ = digits[--n];
    return at;
}

static char *put_framing(const struct http_req *q, char *at, int status,
                         int64_t length)
{
    if (length >= 0 && status != 204 && status != 304) {
        at = put(at, STR("Content-Length: "));
        at = put_number(at, (uint64_t)length);
        at = put(at, STR("\r\n"));
    } else if (length == HTTP_LENGTH_STREAM && q->minor > 0 &&
               has_body(status)) {
        at = put(at, STR("Transfer-Encoding: chunked\r\n"));
    }
    if (q->closing)
        at = put(at, STR("Connection: close\r\n"));
    else if (q->minor == 0)
        at = put(at, STR("Connection: keep-alive\r\n"));
    return put(at, STR("\r\n"));
}

/* What this answer does to the connection. */
static void settle_framing(struct http_req *q, int status, int64_t length)
{
    bool body = has_body(status) && !q->head_only;

    q->begun = true;
    q->reply_chunked = body && length == HTTP_LENGTH_STREAM && q->minor > 0;
    q->until_close = body && length == HTTP_LENGTH_STREAM && q->minor == 0;
    q->head_only = !body;
    q->reply_left = length >= 0 ? length : -1;
    q->closing |= !q->persistent || q->x->s->draining || q->x->parting ||
                  q->until_close ||
                  (q->has_body && !q->body_done);
}

int http_reply_head(struct http_req *q, int status,
                    const struct http_header *fields, size_t n, int64_t length)
{
    enum { FIXED = 256 }; /* status line, date, framing */
    const char *phrase = phrase_of(status);
    struct buf *out = &q->x->c.out;
    size_t want = FIXED;
    char *at, *start;

    if (q->begun || status < 200 || status > 999)
        return -ERR_BUG;
    if (length == HTTP_LENGTH_NONE)
        length = 0;
    for (size_t i = 0; i < n; i++)
        want += fields[i].name.n + fields[i].value.n + 4;
    start = at = buf_reserve(out, want);
    if (!at)
        return -ERR_NOMEM;
    settle_framing(q, status, length);
    at = put(at, STR("HTTP/1.1 "));
    at = put_number(at, (uint64_t)status);
    *at++ = ' ';
    at = put(at, str_of(phrase));
    at = put(at, STR("\r\nDate: "));
    at = put(at, http_server_date(q->x->s));
    at = put(at, STR("\r\n"));
    at = put_fields(at, fields, n);
    at = put_framing(q, at, status, length);
    buf_commit(out, (size_t)(at - start));
    http_conn_later(q->x);
    return 0;
}

/* ---- the body ---------------------------------------------------------- */

static int lose(struct http_req *q, int rc)
{
    q->x->lost = rc == -ERR_LIMIT ? -ERR_NOMEM : rc;
    http_conn_later(q->x);
    return q->x->lost;
}

static void note_queued(struct http_req *q)
{
    if (conn_queued(&q->x->c) > q->x->s->limits.high_water)
        q->above = true;
    http_conn_later(q->x);
}

static int send_parts(struct http_req *q, const struct str *parts, size_t n,
                      bool big)
{
    struct conn *c = &q->x->c;
    ssize_t sent = 0;
    int rc = 0;

    if (big) {
        sent = conn_write(c, parts, n);
        if (sent < 0)
            return lose(q, (int)sent);
        q->bytes_out += (uint64_t)sent;
        q->x->progress |= sent > 0;
    } else {
        for (size_t i = 0; i < n && rc == 0; i++)
            rc = conn_queue(c, parts[i]);
        if (rc)
            return lose(q, rc);
    }
    note_queued(q);
    return 0;
}

int http_reply_data(struct http_req *q, struct str bytes)
{
    bool big = bytes.n >= HTTP_BIG;
    char size[24];
    int n;

    if (!q->begun || q->ended)
        return -ERR_BUG;
    if (q->x->lost)
        return -ERR_CLOSED;
    if (q->head_only || bytes.n == 0)
        return 0;
    if (q->reply_left >= 0) {
        if (bytes.n > (uint64_t)q->reply_left)
            return -ERR_BUG;
        q->reply_left -= (int64_t)bytes.n;
    }
    if (!q->reply_chunked)
        return send_parts(q, &bytes, 1, big);
    n = snprintf(size, sizeof size, "%zx\r\n", bytes.n);
    return send_parts(q,
                      (struct str[]){ { size, (size_t)n },
                                      bytes,
                                      STR("\r\n") },
                      3, big);
}

int http_reply_end(struct http_req *q)
{
    int rc = 0;

    if (!q->begun || q->ended)
        return -ERR_BUG;
    q->ended = true;
    http_conn_later(q->x);
    if (q->x->lost)
        return -ERR_CLOSED;
    if (!q->head_only && q->reply_left > 0) {
        q->aborted = true; /* less than promised: must not look whole */
        return -ERR_BUG;
    }
    if (q->reply_chunked)
        rc = conn_queue(&q->x->c, STR("0\r\n\r\n"));
    return rc ? lose(q, rc) : 0;
}

int http_reply(struct http_req *q, int status, const struct http_header *fields,
               size_t n, struct str body)
{
    int rc = http_reply_head(q, status, fields, n, (int64_t)body.n);

    if (rc)
        return rc;
    rc = http_reply_data(q, body);
    return rc ? rc : http_reply_end(q);
}

void http_reply_abort(struct http_req *q)
{
    if (q->aborted || (q->ended && conn_queued(&q->x->c) == 0))
        return;
    q->ended = q->aborted = q->closing = true;
    http_conn_later(q->x);
}

bool http_reply_begun(const struct http_req *q)
{
    return q->begun;
}

size_t http_reply_queued(const struct http_req *q)
{
    return conn_queued(&q->x->c);
}

/* ---- refusals ---------------------------------------------------------- */

static int code_of(int status)
{
    if (status == 408)
        return ERR_REQUEST_TIMEOUT;
    return status == 431 ? ERR_HEADERS_TOO_LARGE : ERR_INVALID_REQUEST;
}

static struct http_refused refused(const struct http1_head *h, int status,
                                   const char *why, struct str in)
{
    struct http_refused w = { .status = status, .code = code_of(status),
                              .why = why };

    if (!h->fields_at || !h->path.n)
        return w;
    w.path = http1_span_str(h->path, in);
    w.fields = (struct str){ in.p + h->fields_at, in.n - h->fields_at };
    return w;
}

int http_reply_refusal(struct http_conn *x, int status, const char *why,
                       struct str in)
{
    struct http_refused w = refused(&x->h, status, why, in);
    const struct http_handler *h = &x->s->h;
    const char *code = err_info(w.code)->name;
    struct buf body = BUF_INIT(4096);
    int rc = 0;

    if (!h->on_refusal || !h->on_refusal(x->s->ud, &w, &body)) {
        buf_reset(&body);
        rc = buf_printf(&body,
                        "{\"error\":{\"message\":\"%s\",\"type\":"
                        "\"invalid_request_error\",\"param\":null,"
                        "\"code\":\"%s\"}}",
                        why, code);
    }
    if (!rc)
        rc = buf_printf(&x->c.out,
                        "HTTP/1.1 %d %s\r\nDate: " STR_FMT "\r\n"
                        "Content-Type: application/json\r\n"
                        "x-penstock-error: %s; side=client\r\n",
                        status, phrase_of(status),
                        STR_ARG(http_server_date(x->s)), code);
    if (!rc && w.id[0])
        rc = buf_printf(&x->c.out, "%s: %s\r\n", w.id_field, w.id);
    if (!rc)
        rc = buf_printf(&x->c.out,
                        "Content-Length: %zu\r\n"
                        "Connection: close\r\n\r\n" STR_FMT,
                        buf_len(&body), STR_ARG(buf_str(&body)));
    buf_clear(&body);
    return rc;
}

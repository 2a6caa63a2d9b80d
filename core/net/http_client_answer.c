/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * What libcurl hands over while it runs: lines of a head, bytes of a body.
 * Both are only kept here; hc_deliver tells the caller afterwards.
 */
#include "net/http_client_impl.h"

#include <stdio.h>

/* The transfer ends with this; libcurl sees a short count as an abort. */
static size_t refuse(struct http_call *x, enum http_fail fail, const char *why)
{
    if (x->res.fail == HTTP_OK) {
        x->res.fail = fail;
        snprintf(x->res.text, sizeof x->res.text, "%s", why);
    }
    return 0;
}

/* Take an empty buffer's memory from the client's spares. */
static void take_spare(struct http_client *c, struct buf *b)
{
    if (!b->p && c->n_spare) {
        size_t max = b->max;

        *b = c->spare[--c->n_spare];
        b->max = max;
    }
}

void hc_buf_back(struct http_client *c, struct buf *b)
{
    if (b->p && b->cap <= HC_SPARE_BYTES && c->n_spare < HC_SPARE) {
        size_t max = b->max;

        buf_reset(b);
        c->spare[c->n_spare++] = *b;
        *b = (struct buf)BUF_INIT(max);
        return;
    }
    buf_clear(b);
}

static struct str trim_eol(struct str s)
{
    if (s.n && s.p[s.n - 1] == '\n')
        s.n--;
    if (s.n && s.p[s.n - 1] == '\r')
        s.n--;
    return s;
}

/* "HTTP/1.1 200 OK" begins a head; an earlier one was informational. */
static bool status_line(struct http_call *x, struct str line)
{
    const char *sp = memchr(line.p, ' ', line.n);
    const char *end = line.p + line.n;
    int status = 0;

    if (!sp || !str_starts(line, STR("HTTP/")) || end - sp < 4)
        return false;
    for (const char *p = sp + 1; p < sp + 4; p++) {
        if (*p < '0' || *p > '9')
            return false;
        status = status * 10 + (*p - '0');
    }
    if (status < 100 || (end - sp > 4 && sp[4] != ' '))
        return false;
    x->status = status;
    return true;
}

static bool content_length(struct http_call *x, struct str v)
{
    uint64_t n;

    if (!str_u64(v, &n) || n > INT64_MAX)
        return false;
    if (x->content_length >= 0 && (uint64_t)x->content_length != n)
        return false;
    x->content_length = (int64_t)n;
    return true;
}

static bool is_name(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if ((unsigned char)s.p[i] <= 0x20 || s.p[i] == 0x7f)
            return false;
    }
    return s.n > 0;
}

/* Keep "Name: value\n"; a folded line goes on with the value before it. */
static size_t field_line(struct http_call *x, struct str line)
{
    bool folded = line.p[0] == ' ' || line.p[0] == '\t';
    struct str v = line, name = str_split(&v, ':');
    int rc = 0;

    if (memchr(line.p, '\0', line.n) || memchr(line.p, '\r', line.n))
        return refuse(x, HTTP_FAIL_PROTOCOL, "NUL or CR within a field");
    if (folded ? !x->n_fields : !v.p || !is_name(name))
        return refuse(x, HTTP_FAIL_PROTOCOL, "malformed field in the head");
    v = str_trim(folded ? line : v);
    if (folded) {
        x->head.n--; /* the newline */
        rc = buf_putc(&x->head, ' ');
    } else {
        if (name.n == 14 && str_ieq(name, STR("content-length")) &&
            !content_length(x, v))
            return refuse(x, HTTP_FAIL_PROTOCOL, "bad Content-Length");
        if (++x->n_fields > HC_FIELDS_MAX)
            return refuse(x, HTTP_FAIL_PROTOCOL, "too many fields");
        rc = buf_put(&x->head, (struct str){ name.p, name.n + 1 });
    }
    if (rc || buf_put(&x->head, v) || buf_putc(&x->head, '\n'))
        return refuse(x, HTTP_FAIL_INTERNAL, "no memory for the head");
    return 1;
}

static size_t head_line(struct http_call *x, struct str line)
{
    if (!x->status) {
        if (!status_line(x, line))
            return refuse(x, HTTP_FAIL_PROTOCOL, "malformed status line");
        return 1;
    }
    if (line.n)
        return field_line(x, line);
    if (x->status < 200) {
        buf_reset(&x->head);
        x->status = 0;
        x->n_fields = 0;
        x->content_length = -1;
        return 1;
    }
    x->head_done = true;
    hc_ready(x);
    return 1;
}

size_t hc_on_header(char *p, size_t size, size_t n, void *ud)
{
    struct http_call *x = ((struct hc_easy *)ud)->x;

    n *= size;
    if (x->head_done) /* a trailer */
        return n;
    take_spare(x->c, &x->head);
    if (n > HC_HEAD_MAX - x->head_bytes)
        return refuse(x, HTTP_FAIL_PROTOCOL, "the head passes 64 KiB");
    x->head_bytes += (uint32_t)n;
    return head_line(x, trim_eol((struct str){ p, n })) ? n : 0;
}

size_t hc_on_bytes(char *p, size_t size, size_t n, void *ud)
{
    struct http_call *x = ((struct hc_easy *)ud)->x;

    n *= size;
    take_spare(x->c, &x->in);
    if (buf_put(&x->in, (struct str){ p, n }))
        return refuse(x, HTTP_FAIL_INTERNAL, "no memory for the answer");
    hc_ready(x);
    /* libcurl 7.88 reads on while there is something to read, up to 100
     * buffers: other calls want their turn, and a pause its bound */
    if (hc_is_full(x))
        hc_hold(x, true);
    return n;
}

void hc_tell_head(struct http_call *x)
{
    struct http_header h[HC_FIELDS_MAX];
    struct str rest = buf_str(&x->head);
    struct buf mine = x->head;
    struct http_client *c = x->c;
    size_t n = 0;

    while (rest.n && n < HC_FIELDS_MAX) {
        struct str line = str_split(&rest, '\n');
        struct str name = str_split(&line, ':');

        h[n].name = name;
        h[n++].value = line;
        if (!rest.p)
            break;
    }
    /* the call may be gone when on_head returns: hold the bytes here */
    x->head = (struct buf)BUF_INIT(HC_HEAD_MAX);
    x->told = true;
    x->ops->on_head(x->ud, &(struct http_answer){ x->status, h, n });
    hc_buf_back(c, &mine);
}

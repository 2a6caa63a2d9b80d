/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * The head, line by line: a line is checked when its LF is there. Only
 * offsets are kept between calls, so the bytes may move; the fields are cut
 * out in a second pass, when it is known how many there are.
 */
#include "net/http1.h"

#include "net/http1_char.h"
#include "net/http1_field.h"

static enum http1_rc refuse(struct http1_head *h, int status, const char *why)
{
    h->status = status;
    h->why = why;
    return HTTP1_BAD;
}

/* ---- the request line -------------------------------------------------- */

static struct http1_span span_of(struct str part, struct str in)
{
    return (struct http1_span){ (uint32_t)(part.p - in.p), (uint32_t)part.n };
}

static enum http1_rc read_version(struct http1_head *h, struct str s)
{
    if (s.n != 8 || !str_starts(s, STR("HTTP/")) || s.p[6] != '.' ||
        s.p[5] < '0' || s.p[5] > '9' || s.p[7] < '0' || s.p[7] > '9')
        return refuse(h, 400, "malformed HTTP version");
    if (s.p[5] != '1' || s.p[7] > '1')
        return refuse(h, 505, "HTTP version is not 1.0 or 1.1");
    h->minor = (uint8_t)(s.p[7] - '0');
    return HTTP1_MORE;
}

/* Path and query; `s` is empty or begins with '/' or '?'. */
static enum http1_rc read_path(struct http1_head *h, struct str s,
                               struct str in)
{
    const char *mark = s.n ? memchr(s.p, '?', s.n) : NULL;
    struct str path = s, query = STR_NULL;

    if (mark) {
        path.n = (size_t)(mark - s.p);
        query = (struct str){ mark + 1, s.n - path.n - 1 };
        h->query = span_of(query, in);
    }
    if (!http1_all_encoded(path, HTTP1_PATH) ||
        !http1_all_encoded(query, HTTP1_QUERY))
        return refuse(h, 400, "character not allowed in the request target");
    if (path.n)
        h->path = span_of(path, in);
    return HTTP1_MORE;
}

static size_t scheme_len(struct str s)
{
    if (s.n > 7 && str_ieq((struct str){ s.p, 7 }, STR("http://")))
        return 7;
    if (s.n > 8 && str_ieq((struct str){ s.p, 8 }, STR("https://")))
        return 8;
    return 0;
}

static enum http1_rc read_absolute(struct http1_head *h, struct str s,
                                   struct str in)
{
    size_t skip = scheme_len(s), n = skip;
    struct str authority;

    if (!skip)
        return refuse(h, 400, "malformed request target");
    while (n < s.n && s.p[n] != '/' && s.p[n] != '?')
        n++;
    authority = (struct str){ s.p + skip, n - skip };
    if (!http1_authority_valid(authority))
        return refuse(h, 400, "malformed authority in the request target");
    h->authority = span_of(authority, in);
    /* the second slash of "://" is the path of a target without one */
    h->path = span_of((struct str){ s.p + skip - 1, 1 }, in);
    return read_path(h, (struct str){ s.p + n, s.n - n }, in);
}

static enum http1_rc read_target(struct http1_head *h, struct str method,
                                 struct str s, struct str in)
{
    if (str_is(method, "CONNECT"))
        return refuse(h, 501, "CONNECT is not served here");
    if (s.n == 1 && s.p[0] == '*') {
        if (!str_is(method, "OPTIONS"))
            return refuse(h, 400, "'*' is for OPTIONS only");
        h->path = span_of(s, in);
        return HTTP1_MORE;
    }
    if (s.n && s.p[0] == '/')
        return read_path(h, s, in);
    return read_absolute(h, s, in);
}

static enum http1_rc read_line(struct http1_head *h, struct str line,
                               struct str in)
{
    const char *a = memchr(line.p, ' ', line.n);
    const char *end = line.p + line.n;
    const char *b = a ? memchr(a + 1, ' ', (size_t)(end - a) - 1) : NULL;
    struct str method;
    enum http1_rc rc;

    if (!b)
        return refuse(h, 400, "malformed request line");
    method = (struct str){ line.p, (size_t)(a - line.p) };
    if (method.n == 0 || method.n > HTTP1_METHOD_MAX ||
        !http1_all(method, HTTP1_TOKEN))
        return refuse(h, 400, "malformed method");
    h->method = span_of(method, in);
    rc = read_version(h, (struct str){ b + 1, (size_t)(end - b) - 1 });
    if (rc == HTTP1_BAD)
        return rc;
    return read_target(h, method, (struct str){ a + 1, (size_t)(b - a) - 1 },
                       in);
}

/* ---- lines ------------------------------------------------------------- */

static enum http1_rc too_long(struct http1_head *h)
{
    if (!h->fields_at)
        return refuse(h, 414, "the request line is too long");
    return refuse(h, 431, "the head is too large");
}

/* The line at h->size has no end yet: what can never become valid is refused
 * now, so that nobody waits for a timeout. `fresh` bytes are new. */
static enum http1_rc read_partial(struct http1_head *h,
                                  const struct http1_limits *limits,
                                  struct str in, size_t fresh)
{
    size_t from = in.n - fresh;

    if (in.n > limits->head_bytes)
        return too_long(h);
    if (from > h->size)
        from--; /* a CR may have been the last byte then */
    if (in.n - from > 1 && memchr(in.p + from, '\r', in.n - from - 1))
        return refuse(h, 400, "CR without LF");
    if (h->fields_at)
        return HTTP1_MORE;
    for (size_t i = h->size; i < in.n && in.p[i] != ' '; i++) {
        if (in.p[i] == '\r' && i == h->size)
            break;
        if (!http1_is(in.p[i], HTTP1_TOKEN) || i - h->size > HTTP1_METHOD_MAX)
            return refuse(h, 400, "malformed method");
    }
    return HTTP1_MORE;
}

static enum http1_rc read_any(struct http1_head *h,
                              const struct http1_limits *limits,
                              struct str line, struct str in)
{
    if (!h->fields_at) {
        if (line.n == 0 && !h->blank_seen) {
            h->blank_seen = true; /* RFC 9112 2.2 */
            return HTTP1_MORE;
        }
        h->fields_at = h->size;
        return read_line(h, line, in);
    }
    if (line.n == 0)
        return http1_fields_end(h);
    if (++h->n_fields > limits->max_fields)
        return refuse(h, 431, "too many header fields");
    return http1_field_read(h, line);
}

enum http1_rc http1_head_feed(struct http1_head *h,
                              const struct http1_limits *limits,
                              struct str in)
{
    enum http1_rc rc = HTTP1_MORE;

    while (rc == HTTP1_MORE) {
        size_t fresh = in.n - h->searched;
        const char *lf = fresh ? memchr(in.p + h->searched, '\n', fresh) : NULL;
        struct str line = { in.p + h->size, 0 };

        h->searched = (uint32_t)(lf ? lf + 1 - in.p : (ptrdiff_t)in.n);
        if (!lf)
            return fresh ? read_partial(h, limits, in, fresh) : HTTP1_MORE;
        if (h->searched > limits->head_bytes)
            return too_long(h);
        line.n = h->searched - h->size - 1;
        if (line.n == 0 || line.p[line.n - 1] != '\r')
            return refuse(h, 400, "LF without CR");
        line.n--;
        if (line.n && memchr(line.p, '\r', line.n))
            return refuse(h, 400, "CR without LF");
        h->size = h->searched;
        rc = read_any(h, limits, line, in);
    }
    return rc;
}

void http1_head_fields(const struct http1_head *h, struct str in,
                       struct http_header *out)
{
    const char *p = in.p + h->fields_at;

    for (uint32_t i = 0; i < h->n_fields; i++) {
        const char *end = memchr(p, '\r', h->size - (size_t)(p - in.p));
        const char *colon = memchr(p, ':', (size_t)(end - p));
        struct str value = { colon + 1, (size_t)(end - colon) - 1 };

        out[i].name = (struct str){ p, (size_t)(colon - p) };
        out[i].value = str_trim(value);
        if (h->authority.n && str_ieq(out[i].name, STR("host")))
            out[i].value = http1_span_str(h->authority, in);
        p = end + 2;
    }
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Five fields mean something to the framing; each is a row. Where the RFC
 * lets a recipient choose between repairing and refusing (equal duplicates
 * of Content-Length, both framings), we refuse: a proxy before us may have
 * repaired it differently.
 */
#include "net/http1_field.h"

#include "net/http1_char.h"

static const char *read_host(struct http1_head *h, struct str v)
{
    if (h->has_host)
        return "more than one Host";
    h->has_host = true;
    return http1_authority_valid(v) ? NULL : "malformed Host";
}

static const char *read_length(struct http1_head *h, struct str v)
{
    if (h->has_length)
        return "more than one Content-Length";
    h->has_length = true;
    if (!str_u64(v, &h->length) || h->length > INT64_MAX)
        return "malformed Content-Length";
    return NULL;
}

/* The last of a list, in *v without it. */
static struct str take_last(struct str *v)
{
    struct str last = *v;

    while (v->n && v->p[v->n - 1] != ',')
        v->n--;
    last.p += v->n;
    last.n -= v->n;
    if (v->n)
        v->n--;
    return str_trim(last);
}

static const char *read_coding(struct http1_head *h, struct str v)
{
    struct str rest = v;

    if (h->has_coding)
        return "more than one Transfer-Encoding";
    h->has_coding = true;
    h->chunked = str_ieq(v, STR("chunked"));
    if (h->chunked)
        return NULL;
    if (!str_ieq(take_last(&rest), STR("chunked")))
        return "Transfer-Encoding does not end with chunked";
    while (rest.n) {
        if (str_ieq(take_last(&rest), STR("chunked")))
            return "Transfer-Encoding: chunked more than once";
    }
    h->status = 501; /* well-formed, but not for us */
    return "Transfer-Encoding other than chunked";
}

static const char *read_connection(struct http1_head *h, struct str v)
{
    while (v.p) {
        struct str option = str_trim(str_split(&v, ','));

        if (option.n && !http1_all(option, HTTP1_TOKEN))
            return "malformed Connection";
        if (str_ieq(option, STR("close")))
            h->close = true;
        else if (str_ieq(option, STR("keep-alive")))
            h->keep_alive = true;
    }
    return NULL;
}

static const char *read_expect(struct http1_head *h, struct str v)
{
    h->expect_continue = str_ieq(v, STR("100-continue"));
    if (h->expect_continue)
        return NULL;
    h->status = 417;
    return "an expectation that cannot be met";
}

static const struct {
    struct str name;
    const char *(*read)(struct http1_head *h, struct str v);
    bool frames;
} known[] = {
    { { "host", 4 }, read_host, true },
    { { "expect", 6 }, read_expect, false },
    { { "connection", 10 }, read_connection, false },
    { { "content-length", 14 }, read_length, true },
    { { "transfer-encoding", 17 }, read_coding, true },
};

enum { N_KNOWN = sizeof known / sizeof known[0] };

bool http1_field_frames(struct str lower_name)
{
    for (size_t i = 0; i < N_KNOWN; i++) {
        if (known[i].frames && str_eq(known[i].name, lower_name))
            return true;
    }
    return false;
}

static enum http1_rc refuse(struct http1_head *h, const char *why)
{
    if (!h->status)
        h->status = 400;
    h->why = why;
    return HTTP1_BAD;
}

enum http1_rc http1_field_read(struct http1_head *h, struct str line)
{
    const char *colon = memchr(line.p, ':', line.n);
    const char *why = NULL;
    struct str name, value;

    if (line.p[0] == ' ' || line.p[0] == '\t')
        return refuse(h, "folded header line");
    if (!colon || colon == line.p)
        return refuse(h, "header line without a name or a colon");
    name = (struct str){ line.p, (size_t)(colon - line.p) };
    value = (struct str){ colon + 1, line.n - name.n - 1 };
    if (!http1_all(name, HTTP1_TOKEN))
        return refuse(h, "character not allowed in a header name");
    if (!http1_all(value, HTTP1_VALUE))
        return refuse(h, "character not allowed in a header value");
    for (size_t i = 0; i < N_KNOWN; i++) {
        if (known[i].name.n == name.n && str_ieq(known[i].name, name)) {
            why = known[i].read(h, str_trim(value));
            break;
        }
    }
    return why ? refuse(h, why) : HTTP1_MORE;
}

enum http1_rc http1_fields_end(struct http1_head *h)
{
    if (!h->has_host && h->minor > 0)
        return refuse(h, "no Host");
    if (h->has_coding && h->has_length)
        return refuse(h, "both Content-Length and Transfer-Encoding");
    if (h->has_coding && h->minor == 0)
        return refuse(h, "Transfer-Encoding in HTTP/1.0");
    if (h->minor == 0)
        h->expect_continue = false; /* RFC 9110 10.1.1 */
    h->persistent = !h->close && (h->minor > 0 || h->keep_alive);
    return HTTP1_DONE;
}

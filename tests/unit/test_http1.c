/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * The parser on small requests of our own: each row of http1_cases.def whole
 * and byte by byte, pipelined requests at every split, every limit at its
 * edge.
 */
#include "http1_read.h"
#include "unit.h"

/* Whole, byte by byte and in between: always the same. */
static struct reading read_same(struct str bytes)
{
    struct reading r = read_all(bytes, 0);

    for (size_t step = 1; step <= 3; step++) {
        struct reading s = read_all(bytes, step);

        UNIT_INT(s.end, r.end);
        UNIT_INT(s.requests, r.requests);
        UNIT_INT(s.status, r.status);
        UNIT_STR(s.first, r.first);
        CU_ASSERT_EQUAL(s.sum, r.sum);
    }
    return r;
}

static void check_case(const char *bytes, enum read_end end, unsigned requests,
                       int status, const char *text)
{
    struct reading r = read_same(str_of(bytes));
    bool good = r.end == end && r.requests == requests && r.status == status &&
                text && strcmp(end == READ_BAD ? r.why : r.first, text) == 0;

    if (!good)
        printf("\n%s\n  end %d, %u requests, %d %s, first '%s'", bytes, r.end,
               r.requests, r.status, r.why ? r.why : "", r.first);
    CU_ASSERT_TRUE(good);
}

static void check_line(const char *line, const char *text, int status)
{
    char bytes[512];

    snprintf(bytes, sizeof bytes, "%s\r\nHost: h\r\n\r\n", line);
    check_case(bytes, status ? READ_BAD : READ_IDLE, status ? 0 : 1, status,
               text);
}

static void check_field(const char *field, const char *why, int status)
{
    struct reading r;
    char bytes[512];

    snprintf(bytes, sizeof bytes, "GET / HTTP/1.1\r\nHost: h\r\n%s\r\n\r\n",
             field);
    r = read_same(str_of(bytes));
    if (why ? r.end != READ_BAD : r.end != READ_IDLE)
        printf("\n%s: end %d", field, r.end);
    UNIT_INT(r.end, why ? READ_BAD : READ_IDLE);
    UNIT_INT(r.requests, why ? 0 : 1);
    UNIT_INT(r.status, status);
    UNIT_STR(r.why, why);
}

static void check_host(const char *host, bool good)
{
    check_field("A: b", NULL, 0);
    for (int i = 0; i < 2; i++) {
        char bytes[512], text[300];
        struct reading r;

        if (i == 0)
            snprintf(bytes, sizeof bytes,
                     "GET / HTTP/1.1\r\nHost: %s \r\n\r\n", host);
        else /* its authority is judged alike, less what ends one */
            snprintf(bytes, sizeof bytes,
                     "GET http://%s/ HTTP/1.0\r\n\r\n", host);
        if (i == 1 && (strpbrk(host, "/?# ") || !*host))
            return;
        snprintf(text, sizeof text, "GET /? %s|\n", i == 0 ? host : "");
        r = read_same(str_of(bytes));
        if ((r.end == READ_BAD) == good)
            printf("\nhost '%s'", host);
        CU_ASSERT_EQUAL(r.end == READ_BAD, !good);
        if (good)
            UNIT_STR(r.first, text);
    }
}

static void check_body(const char *body, const char *data, const char *why)
{
    struct reading r;
    char bytes[512], text[300];

    snprintf(bytes, sizeof bytes,
             "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
             "%s",
             body);
    snprintf(text, sizeof text, "POST /? h|%s%s", data, why ? "" : "\n");
    r = read_same(str_of(bytes));
    if (why ? r.end != READ_BAD : r.end != READ_IDLE)
        printf("\n%s: end %d", body, r.end);
    UNIT_INT(r.end, why ? READ_BAD : READ_IDLE);
    UNIT_STR(r.why, why);
    UNIT_STR(r.first, text);
}

static void cases(void)
{
#define CASE_ROW(bytes, end, requests, status, text)                           \
    check_case(bytes, READ_##end, requests, status, text);
#define LINE_ROW(line, text, status) check_line(line, text, status);
#define FIELD_ROW(field, why, status) check_field(field, why, status);
#define HOST_ROW(host, good) check_host(host, good);
#define BODY_ROW(body, data, why) check_body(body, data, why);
#include "http1_cases.def"
}

static void nul_is_refused(void)
{
    static const struct str bytes[] = {
        { "GET / HTTP/1.1\r\nHost: h\r\nUser: a\0evil\r\n\r\n", 41 },
        { "GET / HTTP/1.1\r\nHost: h\r\nU\0: a\r\n\r\n", 34 },
        { "GET / HTTP/1.1\r\nHost: h\0i\r\n\r\n", 29 },
        { "GET /\0 HTTP/1.1\r\nHost: h\r\n\r\n", 28 },
    };

    for (size_t i = 0; i < 4; i++) {
        CU_ASSERT_EQUAL(bytes[i].p[bytes[i].n - 1], '\n');
        UNIT_INT(read_same(bytes[i]).end, READ_BAD);
    }
}

static void every_split(void)
{
    static const char bytes[] =
        "POST /one?x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"
        "POST /two HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
        "3;x=\"y\"\r\nabc\r\n2\r\nde\r\n0\r\nT: v\r\n\r\n\r\n"
        "GET http://b/three HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    struct str all = str_of(bytes);
    struct reading r = read_all(all, 0);

    UNIT_INT(r.requests, 3);
    UNIT_INT(r.end, READ_CLOSED);
    UNIT_STR(r.first, "POST /one?x a|hello\n");
    for (size_t cut = 1; cut < all.n; cut++) {
        struct reader x = { .at = 0 };
        char *part = malloc(cut);

        memcpy(part, all.p, cut);
        reader_more(&x, (struct str){ part, cut });
        free(part);
        reader_more(&x, all);
        CU_ASSERT_EQUAL(x.r.sum, r.sum);
        UNIT_INT(x.r.requests, 3);
    }
}

static enum http1_rc feed_head(struct http1_head *h, size_t max,
                               uint32_t fields, struct str in)
{
    const struct http1_limits limits = { max, fields };

    *h = (struct http1_head){ 0 };
    return http1_head_feed(h, &limits, in);
}

static void limits_of_the_head(void)
{
    const struct str in = STR("GET /0123456789 HTTP/1.1\r\nHost: a\r\n"
                              "B: c\r\nD: e\r\n\r\n");
    struct http1_head h;

    UNIT_INT(feed_head(&h, in.n, 3, in), HTTP1_DONE);
    UNIT_INT(h.size, in.n);
    UNIT_INT(h.n_fields, 3);
    UNIT_INT(feed_head(&h, in.n - 1, 3, in), HTTP1_BAD);
    UNIT_INT(h.status, 431);
    UNIT_INT(feed_head(&h, in.n, 2, in), HTTP1_BAD);
    UNIT_INT(h.status, 431);
    UNIT_INT(feed_head(&h, 26, 3, in), HTTP1_BAD);
    UNIT_INT(h.status, 431);
    UNIT_INT(feed_head(&h, 25, 3, in), HTTP1_BAD);
    UNIT_INT(h.status, 414);
    /* without a line end in sight */
    UNIT_INT(feed_head(&h, 10, 3, (struct str){ in.p, 11 }), HTTP1_BAD);
    UNIT_INT(h.status, 414);
    UNIT_INT(feed_head(&h, 30, 3, (struct str){ in.p, 31 }), HTTP1_BAD);
    UNIT_INT(h.status, 431);
    UNIT_INT(feed_head(&h, 31, 3, (struct str){ in.p, 31 }), HTTP1_MORE);
}

static enum http1_rc feed_chunks(struct http1_chunks *c, const char *z,
                                 size_t times)
{
    enum http1_rc rc = HTTP1_MORE;

    for (size_t i = 0; i < times && rc != HTTP1_BAD; i++) {
        struct str in = str_of(z), data;
        size_t used;

        do {
            rc = http1_chunks_feed(c, in, &used, &data);
            in.p += used;
            in.n -= used;
        } while (rc == HTTP1_DATA);
    }
    return rc;
}

static void limits_of_a_body(void)
{
    struct http1_chunks c = { 0 };

    /* two bytes of extension per chunk, counted over all chunks */
    UNIT_INT(feed_chunks(&c, "1;a\r\nx\r\n", HTTP1_EXT_MAX / 2), HTTP1_MORE);
    UNIT_INT(feed_chunks(&c, "1;a\r\nx\r\n", 1), HTTP1_BAD);
    UNIT_STR(c.why, "chunk extensions are too long");

    c = (struct http1_chunks){ 0 };
    UNIT_INT(feed_chunks(&c, "0\r\n", 1), HTTP1_MORE);
    UNIT_INT(feed_chunks(&c, "ab:cdef\r\n", HTTP1_TRAILER_MAX / 9), HTTP1_MORE);
    UNIT_INT(feed_chunks(&c, "ab:cdef\r\n", 1), HTTP1_BAD);
    UNIT_STR(c.why, "the trailer section is too large");
}

static void what_the_head_says(void)
{
    struct http1_head h;

    UNIT_INT(feed_head(&h, 999, 9,
                       STR("PUT / HTTP/1.1\r\nHost: a\r\nExpect: "
                           "100-continue\r\nContent-Length: 12\r\n\r\n")),
             HTTP1_DONE);
    CU_ASSERT_TRUE(h.expect_continue && h.persistent && h.has_length);
    UNIT_INT(h.length, 12);
    UNIT_INT(h.minor, 1);
    UNIT_INT(feed_head(&h, 999, 9,
                       STR("PUT / HTTP/1.0\r\nExpect: 100-continue\r\n\r\n")),
             HTTP1_DONE);
    CU_ASSERT_FALSE(h.expect_continue || h.persistent);
    UNIT_INT(feed_head(&h, 999, 9,
                       STR("PUT / HTTP/1.0\r\nConnection: keep-alive, "
                           "close\r\n\r\n")),
             HTTP1_DONE);
    CU_ASSERT_FALSE(h.persistent);
}

UNIT_MAIN("http1", { "cases", cases }, { "NUL is refused", nul_is_refused },
          { "every split", every_split },
          { "limits of the head", limits_of_the_head },
          { "limits of a body", limits_of_a_body },
          { "what the head says", what_the_head_says })

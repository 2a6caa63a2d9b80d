/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Requests and answers: framing, refusals, splits, pipelining, 100 Continue,
 * and what they cost in system calls. */
#include "http_probe.h"

static bool answered_all(struct probe *p)
{
    while (probe_read(p))
        ;
    return p->ends > 0 && p->ends == p->heads && !p->q && p->got_n > 0;
}

static void answers_and_keeps_alive(void)
{
    struct probe p;

    probe_open(&p, NULL);
    probe_connect(&p);
    for (int i = 1; i <= 3; i++) {
        p.ends = p.heads = 0;
        probe_send(&p, STR("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n"));
        CU_ASSERT_TRUE(probe_run(&p, answered_all, 2000));
        UNIT_INT(probe_count(&p, "HTTP/1.1 200 OK\r\nDate: "), i);
        UNIT_INT(probe_count(&p, " GMT\r\nContent-Length: 5\r\n\r\nhello"), i);
    }
    UNIT_STR(p.log, "head end 0 head end 0 head end 0 ");
    CU_ASSERT_FALSE(p.eof);
    probe_close(&p);
}

static void check_answer(struct probe *p, const char *in, const char *part,
                         bool closes)
{
    probe_connect(p);
    probe_send(p, str_of(in));
    CU_ASSERT_TRUE(probe_run(p, answered_all, 2000));
    if (closes)
        CU_ASSERT_TRUE(probe_run(p, probe_eof, 2000));
    if (!probe_has(p, part))
        printf("\n%s\n-> %s", in, p->got);
    CU_ASSERT_TRUE(probe_has(p, part));
    CU_ASSERT_EQUAL(p->eof, closes);
}

static void frames(void)
{
    struct probe p;

    probe_open(&p, NULL);
    check_answer(&p, "HEAD /hello HTTP/1.1\r\nHost: a\r\n\r\n",
                 "Content-Length: 5\r\n\r\n", false);
    CU_ASSERT_FALSE(probe_has(&p, "hello"));
    check_answer(&p, "GET /empty HTTP/1.1\r\nHost: a\r\n\r\n",
                 "204 No Content\r\n", false);
    CU_ASSERT_FALSE(probe_has(&p, "Content-Length"));
    check_answer(&p, "GET /hello HTTP/1.0\r\n\r\n", "Connection: close\r\n",
                 true);
    check_answer(&p,
                 "GET /hello HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
                 "Connection: keep-alive\r\n", false);
    check_answer(&p,
                 "GET /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
                 "Connection: close\r\n\r\nhello", true);
    check_answer(&p,
                 "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n"
                 "abc",
                 "Content-Length: 3\r\n\r\nabc", false);
    check_answer(&p,
                 "POST /echo HTTP/1.1\r\nHost: a\r\n"
                 "Transfer-Encoding: chunked\r\n\r\n"
                 "3;x\r\nabc\r\n2\r\nde\r\n0\r\nT: v\r\n\r\n",
                 "Content-Length: 5\r\n\r\nabcde", false);
    check_answer(&p, "POST /echo HTTP/1.1\r\nHost: a\r\n\r\n",
                 "Content-Length: 0\r\n\r\n", false);
    /* the body was never asked for */
    check_answer(&p,
                 "POST /hello HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n"
                 "abc",
                 "Connection: close\r\n\r\nhello", true);
    CU_ASSERT_FALSE(p.reset);
    probe_close(&p);
}

static void streams(void)
{
    const struct http_header bad[] = {
        { STR("good"), STR("1") },
        { STR("split"), STR("x\r\nEvil: 1") },
        { STR("na me"), STR("1") },
        { STR("content-LENGTH"), STR("999") },
        { STR("Connection"), STR("upgrade") },
    };
    struct probe p;

    probe_open(&p, NULL);
    probe_connect(&p);
    probe_send(&p, STR("GET /hold HTTP/1.1\r\nHost: a\r\n\r\n"));
    CU_ASSERT_TRUE_FATAL(probe_run(&p, probe_held, 2000));
    UNIT_INT(http_reply_head(p.q, 200, bad, 5, HTTP_LENGTH_STREAM), 0);
    UNIT_INT(http_reply_head(p.q, 200, NULL, 0, 0), -ERR_BUG);
    UNIT_INT(http_reply_data(p.q, STR("one")), 0);
    UNIT_INT(http_reply_data(p.q, STR_NULL), 0);
    UNIT_INT(http_reply_data(p.q, STR("0123456789abcdef0")), 0);
    UNIT_INT(http_reply_end(p.q), 0);
    UNIT_INT(http_reply_end(p.q), -ERR_BUG);
    CU_ASSERT_TRUE(probe_run(&p, answered_all, 2000));
    CU_ASSERT_TRUE(probe_has(&p, "good: 1\r\nTransfer-Encoding: chunked\r\n"
                                 "\r\n3\r\none\r\n11\r\n0123456789abcdef0\r\n"
                                 "0\r\n\r\n"));
    CU_ASSERT_FALSE(probe_has(&p, "Evil"));
    CU_ASSERT_FALSE(probe_has(&p, "999"));
    CU_ASSERT_FALSE(probe_has(&p, "na me"));
    CU_ASSERT_FALSE(probe_has(&p, "upgrade"));

    probe_close(&p);
}

/* A byte that would break the head, at any place of a name or a value. */
static void no_field_breaks_the_head(void)
{
    enum { LONG = 19 };
    static const char bad[] = "\r\n\0: \t";
    static char text[2 * sizeof bad * LONG][LONG];
    static struct http_header fields[2 * sizeof bad * LONG];
    size_t n = 0;
    struct probe p;

    for (size_t b = 0; b < sizeof bad; b++) {
        for (size_t at = 0; at < LONG; at++, n += 2) {
            memset(text[n], 'Q', LONG);
            memset(text[n + 1], 'Q', LONG);
            text[n][at] = text[n + 1][at] = bad[b];
            fields[n] = (struct http_header){ { text[n], LONG }, STR("1") };
            fields[n + 1] = (struct http_header){
                STR("x"), { text[n + 1], b < 3 ? LONG : 0 } };
        }
    }
    probe_open(&p, NULL);
    probe_connect(&p);
    probe_send(&p, STR("GET /hold HTTP/1.1\r\nHost: a\r\n\r\n"));
    CU_ASSERT_TRUE_FATAL(probe_run(&p, probe_held, 2000));
    UNIT_INT(http_reply(p.q, 200, fields, n, STR("ok")), 0);
    CU_ASSERT_TRUE(probe_run(&p, answered_all, 2000));
    CU_ASSERT_FALSE(probe_has(&p, "Q"));
    CU_ASSERT_TRUE(probe_has(&p, "x: \r\n"));
    probe_close(&p);
}

static void bad_ends_are_seen(void)
{
    struct probe p;

    probe_open(&p, NULL);
    /* aborted: no last chunk, and closed, but what was given arrives */
    probe_connect(&p);
    probe_send(&p, STR("GET /head HTTP/1.1\r\nHost: a\r\n\r\n"));
    CU_ASSERT_TRUE_FATAL(probe_run(&p, probe_held, 2000));
    http_reply_data(p.q, STR("part"));
    http_reply_abort(p.q);
    CU_ASSERT_TRUE(probe_run(&p, probe_eof, 2000));
    CU_ASSERT_TRUE(probe_has(&p, "4\r\npart\r\n"));
    CU_ASSERT_FALSE(probe_has(&p, "0\r\n\r\n"));
    UNIT_INT(p.end_rc, -ERR_CANCELLED);

    /* less than promised */
    probe_connect(&p);
    probe_send(&p, STR("GET /hold HTTP/1.1\r\nHost: a\r\n\r\n"));
    CU_ASSERT_TRUE_FATAL(probe_run(&p, probe_held, 2000));
    http_reply_head(p.q, 200, NULL, 0, 10);
    UNIT_INT(http_reply_data(p.q, STR("01234567890")), -ERR_BUG);
    http_reply_data(p.q, STR("0123"));
    UNIT_INT(http_reply_end(p.q), -ERR_BUG);
    CU_ASSERT_TRUE(probe_run(&p, probe_eof, 2000));
    UNIT_INT(p.end_rc, -ERR_CANCELLED);

    probe_close(&p);
}

/* There are no chunks: its end is the close, an abort is a reset. */
static void streams_to_http_1_0(void)
{
    struct probe p;

    probe_open(&p, NULL);
    probe_connect(&p);
    probe_send(&p, STR("GET /head HTTP/1.0\r\n\r\n"));
    CU_ASSERT_TRUE_FATAL(probe_run(&p, probe_held, 2000));
    http_reply_data(p.q, STR("whole"));
    http_reply_end(p.q);
    CU_ASSERT_TRUE(probe_run(&p, probe_eof, 2000));
    CU_ASSERT_TRUE(probe_has(&p, "Connection: close\r\n\r\nwhole"));
    CU_ASSERT_FALSE(p.reset);
    probe_connect(&p);
    probe_send(&p, STR("GET /head HTTP/1.0\r\n\r\n"));
    CU_ASSERT_TRUE_FATAL(probe_run(&p, probe_held, 2000));
    http_reply_abort(p.q);
    CU_ASSERT_TRUE(probe_run(&p, probe_eof, 2000));
    CU_ASSERT_TRUE(p.reset);
    probe_close(&p);
}

static void check_refusal(struct probe *p, struct str in, int status)
{
    probe_connect(p);
    probe_send(p, in);
    CU_ASSERT_TRUE(probe_run(p, probe_eof, 2000));
    CU_ASSERT_FALSE(p->reset);
    if (probe_first_status(p) != status)
        printf("\n" STR_FMT " -> %s", STR_ARG(in), p->got);
    UNIT_INT(probe_first_status(p), status);
    UNIT_INT(probe_count(p, "HTTP/1.1 "), 1);
    CU_ASSERT_TRUE(probe_has(p, "Connection: close\r\n"));
    CU_ASSERT_TRUE(probe_has(p, "{\"error\":{\"message\":\""));
}

static void refuses(void)
{
    static char big[8192], many[1024] = "GET / HTTP/1.1\r\nHost: a\r\n";
    struct probe p;

    probe_open(&p, NULL);
    check_refusal(&p, STR("GET / HTTP/1.1\r\n\r\n"), 400);
    check_refusal(&p, STR("GET / HTTP/1.1\n\n"), 400);
    check_refusal(&p, STR("CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n"), 501);
    check_refusal(&p, STR("GET / HTTP/3.0\r\nHost: a\r\n\r\n"), 505);
    check_refusal(&p,
                  STR("POST / HTTP/1.1\r\nHost: a\r\n"
                      "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
                  501);
    check_refusal(&p,
                  STR("POST / HTTP/1.1\r\nHost: a\r\nExpect: more\r\n\r\n"),
                  417);
    check_refusal(&p,
                  STR("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n"
                      "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
                      "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n"),
                  400);
    memset(big, 'a', sizeof big);
    memcpy(big, "GET /", 5);
    check_refusal(&p, (struct str){ big, 5000 }, 414);
    memcpy(big, "GET / HTTP/1.1\r\nHost: a\r\nX: ", 28);
    check_refusal(&p, (struct str){ big, 5000 }, 431);
    for (int i = 0; i < 20; i++)
        memcpy(many + strlen(many), "A: b\r\n", 7);
    memcpy(many + strlen(many), "\r\n", 3);
    check_refusal(&p, str_of(many), 431);
    UNIT_INT(p.heads, 0);
    probe_close(&p);
}

static void body_faults_reach_the_handler(void)
{
    struct probe p;

    probe_open(&p, NULL);
    p.body_max = 10;
    check_answer(&p,
                 "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\n"
                 "01234567890",
                 "HTTP/1.1 413 ", true);
    check_answer(&p,
                 "POST /echo HTTP/1.1\r\nHost: a\r\n"
                 "Transfer-Encoding: chunked\r\n\r\n6\r\nabcdef\r\n"
                 "5\r\nghijk\r\n0\r\n\r\n",
                 "HTTP/1.1 413 ", true);
    check_answer(&p,
                 "POST /echo HTTP/1.1\r\nHost: a\r\n"
                 "Transfer-Encoding: chunked\r\n\r\n+6\r\nabcdef\r\n",
                 "HTTP/1.1 400 ", true);
    CU_ASSERT_FALSE(p.reset);
    check_answer(&p,
                 "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n"
                 "0123456789",
                 "\r\n\r\n0123456789", false);
    probe_close(&p);
}

static const char sequence[] =
    "POST /echo?a HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nfirst"
    "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    "3;x=\"y\"\r\nsec\r\n3\r\nond\r\n0\r\nT: v\r\n\r\n"
    "\r\nHEAD /hello HTTP/1.1\r\nHost: a\r\n\r\n"
    "GET http://b/hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

/* The answers without their dates. */
static void without_dates(struct probe *p, char *out, size_t size)
{
    size_t n = 0;

    for (const char *at = p->got; *at && n + 1 < size; at++) {
        if (strncmp(at, "Date: ", 6) == 0)
            at += 37 - 1;
        else
            out[n++] = *at;
    }
    out[n] = '\0';
}

static void every_split(void)
{
    char whole[2048], now[2048];
    struct probe p;

    probe_open(&p, NULL);
    for (size_t cut = 0; cut < sizeof sequence - 1; cut++) {
        probe_connect(&p);
        if (cut) {
            probe_send(&p, (struct str){ sequence, cut });
            probe_turns(&p, 1);
        }
        probe_send(&p, (struct str){ sequence + cut,
                                     sizeof sequence - 1 - cut });
        CU_ASSERT_TRUE(probe_run(&p, probe_eof, 2000));
        without_dates(&p, cut ? now : whole, sizeof now);
        if (cut)
            UNIT_STR(now, whole);
        UNIT_INT(p.ends, 4);
        CU_ASSERT_FALSE(p.reset);
    }
    CU_ASSERT_PTR_NOT_NULL(strstr(whole, "\r\n\r\nfirstHTTP/1.1 200"));
    CU_ASSERT_PTR_NOT_NULL(strstr(whole, "\r\n\r\nsecondHTTP/1.1 200"));
    probe_close(&p);
}

static void one_at_a_time(void)
{
    struct probe p;

    probe_open(&p, NULL);
    probe_connect(&p);
    probe_send(&p, STR("GET /hold HTTP/1.1\r\nHost: a\r\n\r\n"
                       "GET /hold HTTP/1.1\r\nHost: a\r\n\r\n"));
    CU_ASSERT_TRUE_FATAL(probe_run(&p, probe_held, 2000));
    probe_turns(&p, 5);
    UNIT_INT(p.heads, 1);
    probe_send(&p, STR("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n"));
    probe_turns(&p, 5);
    UNIT_INT(p.heads, 1);
    http_reply(p.q, 200, NULL, 0, STR("1"));
    CU_ASSERT_TRUE(probe_run(&p, probe_ended, 2000));
    CU_ASSERT_TRUE_FATAL(probe_run(&p, probe_held, 2000));
    UNIT_INT(p.heads, 2);
    http_reply(p.q, 200, NULL, 0, STR("2"));
    p.ends = 1;
    CU_ASSERT_TRUE(probe_run(&p, answered_all, 2000) || p.ends == 3);
    probe_turns(&p, 5);
    probe_eof(&p);
    UNIT_STR(p.log, "head end 0 head end 0 head end 0 ");
    UNIT_INT(probe_count(&p, "HTTP/1.1 200"), 3);
    probe_close(&p);
}

static void says_continue_when_asked(void)
{
    const struct str head =
        STR("POST /hold HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
            "Content-Length: 4\r\n\r\n");
    struct probe p;

    probe_open(&p, NULL);
    probe_connect(&p);
    probe_send(&p, head);
    CU_ASSERT_TRUE_FATAL(probe_run(&p, probe_held, 2000));
    probe_turns(&p, 5);
    probe_read(&p);
    UNIT_INT(p.got_n, 0);
    http_req_read_body(p.q, 100);
    CU_ASSERT_TRUE(probe_run(&p, probe_answered, 2000));
    UNIT_STR(p.got, "HTTP/1.1 100 Continue\r\n\r\n");
    probe_send(&p, STR("body"));
    probe_turns(&p, 5);
    UNIT_STR(p.log, "head body 0 ");
    UNIT_INT(http_req_body(p.q).n, 4);
    http_reply(p.q, 200, NULL, 0, STR("done"));
    CU_ASSERT_TRUE(probe_run(&p, probe_ended, 2000));
    probe_turns(&p, 2);
    probe_eof(&p);
    CU_ASSERT_TRUE(probe_has(&p, "\r\n\r\ndone"));
    CU_ASSERT_FALSE(p.eof);

    /* refused on its head: never asked to go on */
    probe_connect(&p);
    probe_send(&p, head);
    CU_ASSERT_TRUE_FATAL(probe_run(&p, probe_held, 2000));
    http_reply(p.q, 401, NULL, 0, STR("no"));
    CU_ASSERT_TRUE(probe_run(&p, probe_eof, 2000));
    UNIT_INT(probe_first_status(&p), 401);
    UNIT_INT(probe_count(&p, "HTTP/1.1 "), 1);
    /* too large: likewise */
    probe_connect(&p);
    probe_send(&p, head);
    CU_ASSERT_TRUE_FATAL(probe_run(&p, probe_held, 2000));
    http_req_read_body(p.q, 3);
    CU_ASSERT_TRUE(probe_run(&p, probe_eof, 2000));
    UNIT_INT(probe_first_status(&p), 413);
    UNIT_INT(probe_count(&p, "HTTP/1.1 "), 1);
    probe_close(&p);
}

static void accessors(void)
{
    struct probe p;
    size_t n;

    probe_open(&p, NULL);
    probe_connect(&p);
    probe_send(&p, STR("POST http://h:1/hold?a=b HTTP/1.1\r\nHost: a\r\n"
                       "X-One:  1 \r\nx-one: 2\r\nContent-Length: 0\r\n\r\n"));
    CU_ASSERT_TRUE_FATAL(probe_run(&p, probe_held, 2000));
    CU_ASSERT_TRUE(str_is(http_req_method(p.q), "POST"));
    CU_ASSERT_TRUE(str_is(http_req_path(p.q), "/hold"));
    CU_ASSERT_TRUE(str_is(http_req_query(p.q), "a=b"));
    CU_ASSERT_TRUE(str_is(http_req_header(p.q, STR("host")), "h:1"));
    CU_ASSERT_TRUE(str_is(http_req_header(p.q, STR("X-ONE")), "1"));
    CU_ASSERT_PTR_NULL(http_req_header(p.q, STR("none")).p);
    http_req_headers(p.q, &n);
    UNIT_INT(n, 4);
    CU_ASSERT_PTR_EQUAL(http_req_listener(p.q), &p);
    UNIT_INT(http_req_peer(p.q)->ss_family, AF_INET);
    CU_ASSERT_FALSE(http_req_is_tls(p.q) || http_req_has_body(p.q) ||
                    http_reply_begun(p.q));
    CU_ASSERT_TRUE(http_req_begun_ns(p.q) > 0);
    http_req_set_user(p.q, &n);
    CU_ASSERT_PTR_EQUAL(http_req_user(p.q), &n);
    http_req_shrink(p.q);
    UNIT_INT(http_req_path(p.q).n, 0);
    CU_ASSERT_PTR_NULL(http_req_header(p.q, STR("host")).p);
    http_reply(p.q, 200, NULL, 0, STR("ok"));
    CU_ASSERT_TRUE(probe_run(&p, answered_all, 2000));
    probe_close(&p);
}

static void costs_two_calls(void)
{
    struct probe p;
    uint64_t recvs, sends;

    probe_open(&p, NULL);
    probe_connect(&p);
    probe_send(&p, STR("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n"));
    CU_ASSERT_TRUE(probe_run(&p, answered_all, 2000));
    recvs = probe_recvs;
    sends = probe_sends;
    for (int i = 0; i < 10; i++) {
        p.ends = p.heads = 0;
        probe_send(&p, STR("POST /echo HTTP/1.1\r\nHost: a\r\n"
                           "Content-Length: 4\r\n\r\nbody"));
        CU_ASSERT_TRUE(probe_run(&p, answered_all, 2000));
    }
    UNIT_INT(probe_recvs - recvs, 10);
    UNIT_INT(probe_sends - sends, 10);
    probe_close(&p);
}

UNIT_MAIN("http_server", { "answers and keeps alive", answers_and_keeps_alive },
          { "frames", frames }, { "streams", streams },
          { "no field breaks the head", no_field_breaks_the_head },
          { "bad ends are seen", bad_ends_are_seen },
          { "streams to HTTP/1.0", streams_to_http_1_0 },
          { "refuses", refuses },
          { "body faults reach the handler", body_faults_reach_the_handler },
          { "every split", every_split }, { "one at a time", one_at_a_time },
          { "says continue when asked", says_continue_when_asked },
          { "accessors", accessors }, { "costs two calls", costs_two_calls })

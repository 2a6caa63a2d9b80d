/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * The mock's faults: each breaks the answer in its own way, as the HTTP
 * client then sees it; rules choose; the counters tell.
 */
#include "mock_client.h"

#include "base/clock.h"

#define STREAM                                                                 \
    "{\"model\":\"echo\",\"stream\":true,\"messages\":[{\"role\":\"user\","    \
    "\"content\":\"a b c\"}]}"
#define WHOLE                                                                  \
    "{\"model\":\"echo\",\"messages\":[{\"role\":\"user\","                    \
    "\"content\":\"a b c\"}]}"

static int events(struct rig *r)
{
    struct str rest = buf_str(&r->p.body);
    ptrdiff_t at;
    int n = 0;

    while ((at = str_find(rest, STR("\n\n"))) >= 0) {
        n++;
        rest.p += at + 2;
        rest.n -= (size_t)at + 2;
    }
    return n;
}

static bool body_has(struct rig *r, const char *text)
{
    return str_find(buf_str(&r->p.body), str_of(text)) >= 0;
}

/* A rule that holds for all, made of the fault's members. */
static void all(struct rig *r, const char *fault)
{
    char rules[512];

    snprintf(rules, sizeof rules, "[{\"fault\":{%s}}]", fault);
    set_faults(r, rules);
}

static void broken_connections(void)
{
    static const struct {
        const char *fault;
        bool stream;
        enum http_fail fail;
        int status, events;
    } t[] = {
        { "\"reset\":\"before\"", true, HTTP_FAIL_RESET, 0, 0 },
        { "\"reset\":\"before\"", false, HTTP_FAIL_RESET, 0, 0 },
        { "\"garbage\":true", true, HTTP_FAIL_PROTOCOL, 0, 0 },
        { "\"garbage\":true", false, HTTP_FAIL_PROTOCOL, 0, 0 },
        { "\"cut_after_events\":0", true, HTTP_FAIL_CUT, 200, 0 },
        { "\"cut_after_events\":2", true, HTTP_FAIL_CUT, 200, 2 },
        { "\"cut_after_events\":2", false, HTTP_FAIL_CUT, 200, 0 },
        { "\"cut_after_bytes\":30", true, HTTP_FAIL_CUT, 200, 0 },
        { "\"cut_after_bytes\":30", false, HTTP_FAIL_CUT, 200, 0 },
        { "\"reset\":\"after\"", false, HTTP_FAIL_CUT, 200, 0 },
        { "\"reset\":\"after\"", true, HTTP_FAIL_CUT, 200, 1 },
        { "\"reset\":\"after\",\"cut_after_events\":3", true, HTTP_FAIL_CUT,
          200, 3 },
    };
    struct rig r;

    rig_init(&r);
    for (size_t i = 0; i < sizeof t / sizeof t[0]; i++) {
        all(&r, t[i].fault);
        chat(&r, t[i].stream ? STREAM : WHOLE);
        UNIT_INT(r.p.r.fail, t[i].fail);
        UNIT_INT(r.p.status, t[i].status);
        UNIT_INT(events(&r), t[i].events);
        CU_ASSERT(!body_has(&r, "[DONE]"));
        if (r.p.r.fail != t[i].fail)
            printf(" at %s: %s", t[i].fault, r.p.r.text);
    }
    rig_clear(&r);
}

static void cut_after_bytes(void)
{
    struct rig r;

    rig_init(&r);
    all(&r, "\"cut_after_bytes\":30");
    chat(&r, STREAM);
    UNIT_INT(r.p.bytes, 30);
    chat(&r, WHOLE);
    UNIT_INT(r.p.bytes, 30);
    rig_clear(&r);
}

static void statuses(void)
{
    struct rig r;

    rig_init(&r);
    all(&r, "\"status\":429,\"headers\":{\"retry-after\":\"7\","
            "\"x-ratelimit-remaining-tokens\":\"0\"}");
    UNIT_INT(chat(&r, STREAM), 429);
    UNIT_INT(r.p.n_headers >= 4, 1);
    CU_ASSERT(body_has(&r, "rate_limit_exceeded"));
    all(&r, "\"status\":503,\"body\":{\"odd\": 1.50},"
            "\"content_type\":\"text/html\"");
    UNIT_INT(chat(&r, WHOLE), 503);
    UNIT_STR(r.p.type, "text/html");
    CU_ASSERT(str_is(buf_str(&r.p.body), "{\"odd\": 1.50}"));
    all(&r, "\"empty_200\":true");
    UNIT_INT(chat(&r, STREAM), 200);
    UNIT_INT(r.p.bytes, 0);
    UNIT_INT(r.p.r.fail, HTTP_OK);
    all(&r, "\"content_type\":\"text/plain\"");
    UNIT_INT(chat(&r, STREAM), 200);
    UNIT_STR(r.p.type, "text/plain");
    CU_ASSERT(body_has(&r, "[DONE]"));
    all(&r, "\"body\":\"not json\"");
    UNIT_INT(chat(&r, WHOLE), 200);
    CU_ASSERT(str_is(buf_str(&r.p.body), "not json"));
    rig_clear(&r);
}

static void error_events(void)
{
    static const struct {
        const char *at;
        int events;
    } t[] = {
        { "\"first\"", 1 }, { "\"second\"", 2 }, { "4", 4 }, { "\"last\"", 6 },
    };
    char fault[64];
    struct rig r;

    rig_init(&r);
    for (size_t i = 0; i < sizeof t / sizeof t[0]; i++) {
        snprintf(fault, sizeof fault, "\"error_event_at\":%s", t[i].at);
        all(&r, fault);
        UNIT_INT(chat(&r, STREAM), 200);
        UNIT_INT(r.p.r.fail, HTTP_OK);
        UNIT_INT(events(&r), t[i].events);
        CU_ASSERT(body_has(&r, "data: {\"error\":{"));
        CU_ASSERT(!body_has(&r, "[DONE]"));
    }
    UNIT_INT(chat(&r, WHOLE), 200); /* an error inside a 200 */
    CU_ASSERT(body_has(&r, "{\"error\":{"));
    rig_clear(&r);
}

static void slow_ones(void)
{
    struct rig r;
    uint64_t t;

    rig_init(&r);
    all(&r, "\"delay_ms\":60");
    t = clock_mono_ms();
    UNIT_INT(chat(&r, WHOLE), 200);
    CU_ASSERT(clock_mono_ms() - t >= 60);
    all(&r, "\"tokens_per_s\":50");
    t = clock_mono_ms();
    chat(&r, STREAM); /* role, 3 words, finish, done: 5 gaps of 20 ms */
    CU_ASSERT(clock_mono_ms() - t >= 80);
    UNIT_INT(events(&r), 6);
    all(&r, "\"trickle\":{\"bytes\":100,\"interval_ms\":2}");
    chat(&r, STREAM);
    UNIT_INT(events(&r), 6);
    CU_ASSERT(r.p.datas > 8);
    chat(&r, WHOLE);
    UNIT_INT(r.p.r.fail, HTTP_OK);
    CU_ASSERT(r.p.datas >= 4);
    rig_clear(&r);
}

static void stalls(void)
{
    struct rig r;

    rig_init(&r);
    all(&r, "\"stall_after_events\":2");
    for (int i = 0; i < 2; i++) {
        ask_start(&r, "POST", "/v1/chat/completions", i ? WHOLE : STREAM);
        run(r.loop, 100, false);
        UNIT_INT(r.p.dones, 0);
        UNIT_INT(r.p.heads, 1);
        UNIT_INT(events(&r), i ? 0 : 2);
        http_call_cancel(r.p.x);
        run(r.loop, 50, false);
        ask(&r, "GET", "/__mock/stats", NULL);
        if (scan(&r)) {
            UNIT_INT(atoi(raw_at(&r, "/closed_by_peer")), i + 1);
            UNIT_STR(raw_at(&r, "/in_flight"), "0");
        }
    }
    rig_clear(&r);
}

static void rules_choose(void)
{
    static const int want[] = { 200, 503, 418, 200, 418, 200, 500, 200 };
    struct rig r;

    rig_init(&r);
    set_faults(&r, "{\"rules\":["
                   "{\"match\":{\"model\":\"lorem\"},\"fault\":{\"status\":"
                   "401}},"
                   "{\"match\":{\"path\":\"/v1/chat/*\",\"nth\":2},\"fault\":"
                   "{\"status\":503}},"
                   "{\"match\":{\"stream\":false,\"every\":2},"
                   "\"fault\":{\"status\":418,\"times\":2}},"
                   "{\"match\":{\"nth\":4},\"fault\":{\"status\":500}}]}");
    for (size_t i = 0; i < 8; i++) /* a rule counts what none before took */
        UNIT_INT(chat(&r, WHOLE), want[i]);
    UNIT_INT(chat(&r, "{\"model\":\"lorem\",\"messages\":[{\"role\":\"user\","
                      "\"content\":\"x\"}]}"), 401);
    rig_clear(&r);
}

static void bad_rules(void)
{
    static const char *const bad[] = {
        "{}", "[1]", "[{\"fault\":1}]", "[{\"fualt\":{}}]", "[",
        "[{\"fault\":{\"status\":99}}]", "[{\"fault\":{\"garbage\":1}}]",
        "[{\"fault\":{\"reset\":\"now\"}}]",
        "[{\"fault\":{\"error_event_at\":0}}]",
        "[{\"fault\":{\"trickle\":{\"interval_ms\":1}}}]",
        "[{\"fault\":{\"headers\":{\"a\":\"b\\r\\nc: d\"}}}]",
        "[{\"match\":{\"stream\":2},\"fault\":{}}]",
        "[{\"fault\":{\"delay_ms\":-1}}]",
    };
    struct rig r;

    rig_init(&r);
    all(&r, "\"status\":418");
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct err err = { 0 };

        CU_ASSERT(mock_set_faults(r.mock, str_of(bad[i]), &err) != 0);
        CU_ASSERT(err.msg[0] != '\0');
    }
    UNIT_INT(ask(&r, "PUT", "/__mock/faults", "[{}, 1]"), 400);
    CU_ASSERT(body_has(&r, "/1"));
    UNIT_INT(chat(&r, WHOLE), 418); /* the old ones hold */
    UNIT_INT(ask(&r, "PUT", "/__mock/faults",
                 "[{\"fault\":{\"status\":402}}]"), 200);
    UNIT_INT(chat(&r, WHOLE), 402);
    UNIT_INT(ask(&r, "DELETE", "/__mock/faults", NULL), 200);
    UNIT_INT(chat(&r, WHOLE), 200);
    rig_clear(&r);
}

static void counters(void)
{
    struct rig r;

    rig_init(&r);
    chat(&r, WHOLE);
    ask(&r, "GET", "/v1/models", NULL);
    ask(&r, "GET", "/v1/nothing", NULL);
    all(&r, "\"status\":500");
    chat(&r, WHOLE);
    UNIT_INT(ask(&r, "GET", "/__mock/last", NULL), 200);
    if (scan(&r)) {
        UNIT_STR(raw_at(&r, "/method"), "\"POST\"");
        UNIT_STR(raw_at(&r, "/path"), "\"/v1/chat/completions\"");
        CU_ASSERT(strstr(raw_at(&r, "/body"), "a b c") != NULL);
        CU_ASSERT(strstr(raw_at(&r, "/headers"), "mock.internal") != NULL);
    }
    ask(&r, "GET", "/__mock/stats", NULL);
    if (scan(&r)) {
        UNIT_STR(raw_at(&r, "/requests"), "4");
        UNIT_STR(raw_at(&r, "/by_endpoint/chat"), "2");
        UNIT_STR(raw_at(&r, "/by_endpoint/models"), "1");
        UNIT_STR(raw_at(&r, "/by_endpoint/other"), "1");
        UNIT_STR(raw_at(&r, "/faults"), "1");
    }
    ask(&r, "DELETE", "/__mock/stats", NULL);
    ask(&r, "GET", "/__mock/stats", NULL);
    if (scan(&r))
        UNIT_STR(raw_at(&r, "/requests"), "0");
    UNIT_INT(ask(&r, "GET", "/__mock/else", NULL), 404);
    rig_clear(&r);
}

UNIT_MAIN("mock_faults", { "broken connections", broken_connections },
          { "cut after bytes", cut_after_bytes }, { "statuses", statuses },
          { "error events", error_events }, { "slow ones", slow_ones },
          { "stalls", stalls }, { "rules choose", rules_choose },
          { "bad rules", bad_rules }, { "counters", counters })

/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* ps.take and ps.peek in the engine, and what a request's claim keeps. */
#include "policy_unit.h"

static uint64_t now_ms;

static uint64_t on_clock(void *ud)
{
    (void)ud;
    return now_ms;
}

static const struct policy_clock clock_of_ours = { on_clock, on_clock, NULL };

struct world {
    struct fake f;
    struct limiter *limiter;
    struct limit_claim claim;
    struct principal who;
};

static void open_world(struct world *w)
{
    struct err err = { 0 };

    memset(w, 0, sizeof *w);
    now_ms = 1000000;
    w->limiter = limiter_new(0, 1, 64, false, &err);
    CU_ASSERT_EQUAL_FATAL(limiter_enter(w->limiter, 0), 0);
    w->who = (struct principal){ .id = STR("ci"), .key = STR("ci"),
                                 .team = STR("search") };
}

/* Run admit() of that body as a request of its own. */
static const char *ran(struct world *w, const char *body)
{
    static char source[8192];

    snprintf(source, sizeof source,
             "local function show(...)\n"
             "  local t = table.pack(...)\n"
             "  for i = 1, t.n do t[i] = tostring(t[i]) end\n"
             "  ps.note(table.concat(t, ' '))\n"
             "end\n"
             "return { api = 1, admit = function(req)\n%s\nend }",
             body);
    fake_init(&w->f);
    fake_policy(&w->f, "p", source);
    if (!fake_open(&w->f, NULL))
        return "";
    policy_set_clock(w->f.set, &clock_of_ours);
    w->claim = (struct limit_claim){ .limiter = w->limiter,
                                     .arena = w->f.arena };
    w->f.fields[FIELD_MODEL] = text_value("smart");
    w->f.fields[FIELD_CLIENT_IP] = text_value("10.0.0.7");
    w->f.run.dialect = DIALECT_OPENAI_CHAT;
    w->f.run.claim = &w->claim;
    w->f.run.principal = &w->who;
    fake_run(&w->f, PHASE_ADMIT);
    return w->f.notes;
}

static void done(struct world *w, uint64_t used)
{
    limit_claim_settle(&w->claim, used, true, now_ms);
    fake_clear(&w->f);
}

static void shows(struct world *w, const char *body, const char *want)
{
    UNIT_STR(ran(w, body), want);
    done(w, 0);
}

static void a_refusal_names_its_row(void)
{
    static const char body[] =
        "local no = ps.take { { 'requests', per = 'key', limit = '2/min',"
        " burst = 1 }, { 'concurrent', per = 'team', limit = 5 } }"
        " if no then show(no.code, no.limit, no.per, no.retry_after) end"
        " return no";
    struct world w;

    open_world(&w);
    UNIT_STR(ran(&w, body), "");
    UNIT_INT(w.f.out.verdict, POLICY_NONE);
    UNIT_INT(w.claim.n, 2);
    done(&w, 0);
    UNIT_STR(ran(&w, body), "p: rate_limited requests key 30.0\n");
    UNIT_INT(w.f.out.verdict, POLICY_DENY);
    UNIT_INT(w.f.out.err_code, ERR_RATE_LIMITED);
    UNIT_INT(w.f.out.retry_after_ms, 30000);
    UNIT_INT(w.claim.n, 0);
    CU_ASSERT_TRUE(w.claim.seen[LIMIT_REQUESTS].set);
    UNIT_INT(w.claim.seen[LIMIT_REQUESTS].remaining, 0);
    done(&w, 0);
    limiter_free(w.limiter);
}

/* A row that the request has is not taken again, whoever asks. */
static void taken_once(void)
{
    struct world w;

    open_world(&w);
    shows(&w,
          "local row = { 'requests', per = 'key', limit = '1/h' }"
          " show(ps.take { row }, ps.take { row, row }, ps.take { row })",
          "p: nil nil nil\n");
    shows(&w, "local row = { 'requests', per = 'key', limit = '1/h' }"
              " show(ps.take { row } ~= nil)", "p: true\n");
    limiter_free(w.limiter);
}

static void peek_tells(void)
{
    struct world w;

    open_world(&w);
    shows(&w,
          "local no, all = ps.peek {"
          " { 'requests', per = 'key', limit = '20/min' },"
          " { 'requests', per = 'user', limit = '20/min' },"
          " { 'concurrent', per = 'model', limit = 3 } }"
          " show(no, all[1].limit, all[1].remaining, all[1].reset, all[2],"
          " all[3].remaining, all[3].denied)",
          "p: nil 20 2 0 false 3 false\n");
    shows(&w,
          "local r = { { 'requests', per = 'key', limit = '1/h' } }"
          " ps.peek(r) ps.peek(r) show((ps.take(r)))"
          " local no, all = ps.peek(r) show(no, all[1].remaining)",
          "p: nil\np: nil 0\n"); /* it is this request's own */
    limiter_free(w.limiter);
}

static void whose_it_is(void)
{
    struct world w;

    open_world(&w);
    ran(&w, "return ps.take {"
            " { 'requests', per = 'key', limit = '9/s' },"
            " { 'requests', per = 'team', limit = '9/s' },"
            " { 'requests', per = 'user', limit = '9/s' }," /* has none */
            " { 'requests', per = 'model', limit = '9/s' },"
            " { 'requests', per = 'endpoint', limit = '9/s' },"
            " { 'requests', per = 'ip', limit = '9/s' },"
            " { 'requests', per = 'project:' .. 7, limit = '9/s' } }");
    UNIT_INT(w.claim.n, 6);
    CU_ASSERT(str_is(w.claim.at[0].row.name, "ci"));
    CU_ASSERT(str_is(w.claim.at[2].row.name, "smart"));
    CU_ASSERT(str_is(w.claim.at[3].row.name, "chat"));
    CU_ASSERT(str_is(w.claim.at[4].row.name, "10.0.0.7"));
    CU_ASSERT(str_is(w.claim.at[5].row.scope, "custom"));
    CU_ASSERT(str_is(w.claim.at[5].row.name, "project:7"));
    CU_ASSERT(w.claim.at[4].row.open && !w.claim.at[0].row.open);
    done(&w, 0);
    limiter_free(w.limiter);
}

static void what_is_reserved(void)
{
    struct world w;

    open_world(&w);
    for (int i = 0; i < 30; i++)
        limit_learn(w.limiter, STR("smart"), 50);
    ran(&w, "return ps.take { { 'tokens', per = 'key', limit = '9k/s' } }");
    CU_ASSERT(w.claim.at[0].reserved >= 50 && w.claim.at[0].reserved <= 65);
    done(&w, 0);
    limiter_free(w.limiter);
}

static void mistakes_raise(void)
{
    static const char *const rows[][2] = {
        { "ps.take 'x'", "table expected" },
        { "ps.take { 'x' }", "a row is a table, not a string" },
        { "ps.take { { per = 'key' } }", "is requests, tokens or concurrent" },
        { "ps.take { { 'cost', per = 'key', limit = '1/s' } }", "not 'cost'" },
        { "ps.take { { 'requests', limit = '1/s' } }", "needs per" },
        { "ps.take { { 'requests', per = 'kye', limit = '1/s' } }",
          "a text of your own with a colon" },
        { "ps.take { { 'requests', per = 'key', limits = '1/s' } }",
          "not 'limits'" },
        { "ps.take { { 'requests', per = 'user', limit = 'own' } }",
          "is for per = \"key\" and \"team\"" },
        { "ps.take { { 'requests', per = 'key', limit = '9/s',"
          " default = '1/s' } }", "default is for limit = \"own\"" },
        { "ps.take { { 'requests', per = 'key', limit = 'own',"
          " default = '1' } }", "not a rate" },
        { "ps.take { { 'requests', per = 'key', limit = 'own',"
          " default = true } }", "default is a whole number" },
        { "ps.take { { 'requests', per = 'key', limit = 600 } }",
          "limit is a rate" },
        { "ps.take { { 'requests', per = 'key', limit = '600/week' } }",
          "is not a rate" },
        { "ps.take { { 'concurrent', per = 'key', limit = '5/s' } }",
          "a number from 1" },
        { "ps.take { { 'requests', per = 'key', limit = '5/s', burst = 6 } }",
          "from 1 to the limit" },
        { "ps.take { { 'tokens', per = 'key', limit = '5/s', burst = 2 } }",
          "for requests alone" },
        { "ps.take { { 'requests', per = 'key', limit = '5/s',"
          " stream = 'finish' } }", "for tokens alone" },
        { "ps.take { { 'tokens', per = 'key', limit = '5/s',"
          " stream = 'stop' } }", "stream = \"finish\"" },
        { "ps.take { { 'requests', per = 'provider', limit = '5/s' } }",
          "no provider is chosen yet" },
        { "ps.take(ps.rows { { 'requests', per = 'key' , limit = true } })",
          "limit is a whole number" },
        { "ps.take(ps.cidr {})", "rows expected" },
        { "local t = {} for i = 1, 33 do t[i] = {} end ps.take(t)",
          "at most 32 rows" },
    };
    struct world w;

    open_world(&w);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *notes = ran(&w, rows[i][0]);

        if (!strstr(notes, rows[i][1]))
            printf("\n%s: %s", rows[i][0], notes);
        CU_ASSERT_PTR_NOT_NULL(strstr(notes, rows[i][1]));
        UNIT_INT(w.f.out.verdict, POLICY_FAILED);
        done(&w, 0);
    }
    limiter_free(w.limiter);
}

/* What ps.rows has read means the same, for any request that comes. */
static void rows_read_once(void)
{
    static const char body[] =
        "local list = { { 'requests', per = 'key', limit = 'own',"
        " default = '2/h' }, { 'requests', per = 'team', limit = 'own' },"
        " { 'requests', per = 'a ' .. ('long '):rep(9) .. 'text: 1',"
        " limit = '900/s' } }"
        " local rows = ps.rows(list) list[1].limit = nil list[3] = nil"
        " local no, all = ps.peek(rows) show(no, #all, all[1].limit,"
        " all[2] and all[2].limit)"
        " return ps.take(rows)";
    struct world w;

    open_world(&w);
    UNIT_STR(ran(&w, body), "p: nil 3 2 false\n");
    UNIT_INT(w.claim.n, 2);
    CU_ASSERT(str_is(w.claim.at[1].row.name,
                     "a long long long long long long long long long text: 1"));
    done(&w, 0);
    w.who.limits.requests = STR("30/h");
    w.who.team_limits.requests = STR("40/h");
    UNIT_STR(ran(&w, body), "p: nil 3 30 40\n");
    UNIT_INT(w.claim.n, 3);
    CU_ASSERT(str_is(w.claim.at[1].row.name, "search"));
    done(&w, 0);
    limiter_free(w.limiter);
}

/* One list, callers with limits of their own. */
static void rows_for_all(void)
{
    static const char source[] =
        "local rows = ps.rows { { 'requests', per = 'key', limit = 'own' } }"
        " return { api = 1, admit = function() return ps.take(rows) end }";
    static const char *const rates[] = { "5/min", "7/min", "5/h", "9/min" };
    struct world w;

    open_world(&w);
    fake_init(&w.f);
    fake_policy(&w.f, "p", source);
    CU_ASSERT_TRUE_FATAL(fake_open(&w.f, NULL));
    w.f.run.claim = &w.claim;
    w.f.run.principal = &w.who;
    for (size_t i = 0; i < sizeof rates / sizeof rates[0]; i++) {
        w.claim = (struct limit_claim){ .limiter = w.limiter,
                                        .arena = w.f.arena };
        w.who.limits.requests = str_of(rates[i]);
        fake_run(&w.f, PHASE_ADMIT);
        UNIT_INT(w.claim.n, 1);
        UNIT_INT(w.claim.at[0].row.limit, rates[i][0] - '0');
        UNIT_INT(w.claim.at[0].row.period_ms,
                 rates[i][2] == 'm' ? 60000 : 3600000);
        limit_claim_settle(&w.claim, 0, true, now_ms);
    }
    fake_clear(&w.f);
    limiter_free(w.limiter);
}

static void nowhere_else(void)
{
    struct world w;

    open_world(&w);
    ran(&w, "return ps.take {}");
    fake_clear(&w.f);
    fake_fails("ps.take {}", "is for admit, route and attempt");
    limiter_free(w.limiter);
}

static void an_address(void)
{
    char to[64];

    CU_ASSERT(str_is(limit_address(STR("10.1.2.3"), to), "10.1.2.3"));
    CU_ASSERT(str_is(limit_address(STR("2001:db8::1:2:3:4"), to),
                     "2001:db8::/64"));
    CU_ASSERT(str_is(limit_address(STR("::ffff:10.1.2.3"), to),
                     "::ffff:10.1.2.3"));
    CU_ASSERT(str_is(limit_address(STR("no:thing"), to), "no:thing"));
}

UNIT_MAIN("api_limit",
          { "a refusal names its row", a_refusal_names_its_row },
          { "taken once", taken_once }, { "peek tells", peek_tells },
          { "whose it is", whose_it_is },
          { "what is reserved", what_is_reserved },
          { "mistakes raise", mistakes_raise },
          { "rows are read once", rows_read_once },
          { "rows for all", rows_for_all },
          { "nowhere else", nowhere_else }, { "an address", an_address })

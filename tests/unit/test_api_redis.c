/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* ps.redis as scripts see it: arguments, replies, refusals, observe. */
#include "policy_unit.h"

#include "base/buf.h"
#include "net/redis_codec.h"
#include "policy/outside.h"
#include "policy/redis_commands.h"

static char sent[4096]; /* commands, one a line */
static const char *reply; /* in RESP; "!x": the error x instead */

static uint64_t on_redis(void *ud, uint64_t wait,
                         const struct outside_redis *q, struct outcome **now)
{
    struct redis_codec *c;
    struct resp *r = NULL;
    size_t n = strlen(sent);

    (void)ud;
    (void)wait;
    for (size_t i = 0; i < q->n_args; i++)
        n += (size_t)snprintf(sent + n, sizeof sent - n, "%s" STR_FMT,
                              i ? " " : "", STR_ARG(q->args[i]));
    snprintf(sent + n, sizeof sent - n, "\n");
    if (reply[0] == '!') {
        *now = outcome_error("%s", reply + 1);
        return 0;
    }
    c = redis_codec_new();
    redis_codec_feed(c, str_of(reply));
    UNIT_INT(redis_codec_next(c, &r), 1);
    redis_codec_free(c);
    *now = outcome_redis(r);
    return 0;
}

/* Run the body with `r`; what it notes is in f->notes. */
static void run_body(struct fake *f, const char *body, bool observe)
{
    static struct conf_redis redis;
    struct outside o = { .redis = on_redis };
    char source[4096];

    redis = (struct conf_redis){ .name = STR("main") };
    fake_init(f);
    f->config.redis = &redis;
    f->config.n_redis = 1;
    snprintf(source, sizeof source,
             "local r = ps.redis('main')\n"
             "local function show(v) if type(v) ~= 'table' then\n"
             "  return math.type(v) == 'integer' and v .. '' or\n"
             "    type(v) == 'string' and '\"' .. v .. '\"' or\n"
             "    tostring(v) end\n"
             "  if v.err then return 'err ' .. v.err end\n"
             "  local t = {} for i = 1, #v do t[i] = show(v[i]) end\n"
             "  return '[' .. table.concat(t, ' ') .. ']' end\n"
             "return { api = 1, admit = function(req) %s end }", body);
    fake_policy(f, "p", source)->observe = observe;
    CU_ASSERT_TRUE_FATAL(fake_open(f, NULL));
    policy_set_outside(f->set, &o);
    sent[0] = '\0';
    UNIT_INT(fake_run(f, PHASE_ADMIT), POLICY_DONE);
}

static void replies(void)
{
    static const struct {
        const char *reply, *shown;
    } rows[] = {
        { "+OK\r\n", "p: \"OK\" nil\n" },
        { ":42\r\n", "p: 42 nil\n" },
        { "$3\r\na\nb\r\n", "p: \"a\nb\" nil\n" },
        { "$0\r\n\r\n", "p: \"\" nil\n" },
        { "$-1\r\n", "p: nil nil\n" },
        { "*-1\r\n", "p: nil nil\n" },
        { "*0\r\n", "p: [] nil\n" },
        { "*3\r\n$1\r\nx\r\n$-1\r\n*2\r\n:1\r\n-ERR in\r\n",
          "p: [\"x\" false [1 err ERR in]] nil\n" },
        { "-ERR no such thing\r\n", "p: nil ERR no such thing\n" },
        { "!timeout", "p: nil timeout\n" },
        { "!down: Connection refused", "p: nil down: Connection refused\n" },
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fake f;

        reply = rows[i].reply;
        run_body(&f, "local v, e = r:get('k')\n"
                     "ps.note(show(v) .. ' ' .. tostring(e))", false);
        UNIT_STR(f.notes, rows[i].shown);
        UNIT_STR(sent, "GET k\n");
        fake_clear(&f);
    }
}

static void arguments(void)
{
    static const struct {
        const char *body, *sent;
    } rows[] = {
        { "r:call('SET', 'k', 'v', 'PX', 100)", "SET k v PX 100\n" },
        { "r:call('set', 'k', '')", "SET k \n" },
        { "r:set('k', 7) r:set('k', 7.0) r:set('k', 0.5) r:set('k', 1e12)",
          "SET k 7\nSET k 7\nSET k 0.5\nSET k 1000000000000\n" },
        { "r:set('k', -9007199254740993)", "SET k -9007199254740993\n" },
        { "for i = 1, 3 do r:incr('k' .. i) end",
          "INCR k1\nINCR k2\nINCR k3\n" },
        { "r:eval_ro('return 1', 0)", "EVAL_RO return 1 0\n" },
        { "r['json.get']('x')", "" }, /* without itself: raises */
        { "r:ping()", "PING\n" },
        { "for i = 1, 600 do local _ = r['x' .. string.rep('y', i % 25)] end "
          "r:ping()", "PING\n" },
        { "r:xread('COUNT', 1, 'STREAMS', 'block', '0')",
          "XREAD COUNT 1 STREAMS block 0\n" },
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fake f;

        reply = "+OK\r\n";
        run_body(&f, rows[i].body, false);
        UNIT_STR(sent, rows[i].sent);
        if (rows[i].sent[0])
            UNIT_STR(f.notes, "");
        fake_clear(&f);
    }
}

static void mistakes(void)
{
    static const char *const rows[][2] = {
        { "r:set('k', nil)", "SET: argument 2 is a nil" },
        { "r:set('k', true)", "SET: argument 2 is a boolean" },
        { "r:set({}, 1)", "SET: argument 1 is a table" },
        { "r:call('se t')", "'se t' is no command" },
        { "r:call('')", "'' is no command" },
        { "r:call()", "string expected" },
        { "r:call('SET\\r\\nX')", "is no command" },
        { "local x = r[1]", "is no command" },
        { "r.get('k')", "redis expected, got string" },
        { "local g = r.get g({})", "redis expected" },
        { "r.x = 1", "attempt to index" },
        { "r:set('k', string.rep('x', 2^20))", "limited to 1 MiB" },
        { "local t = {} for i = 1, 2000 do t[i] = 'k' end "
          "r:del(table.unpack(t))", "limited to 1024 arguments" },
        { "ps.redis('other')", "no redis \"other\" is configured" },
        { "r:subscribe('c')", "SUBSCRIBE cannot be used here: what it brings" },
        { "r:call('monitor')", "MONITOR cannot be used here" },
        { "r:select(1)", "SELECT cannot be used here: it changes the conn" },
        { "r:multi()", "MULTI cannot be used here: other policies' commands" },
        { "r:blpop('k', 0)", "BLPOP cannot be used here: it would keep all" },
        { "r:xread('block', 0, 'STREAMS', 'k', '$')",
          "XREAD cannot be used here: it would keep all" },
        { "r:xreadgroup('GROUP', 'g', 'c', 'BLOCK', 0, 'STREAMS', 'k', '>')",
          "XREADGROUP cannot be used here" },
        { "r:shutdown()", "SHUTDOWN cannot be used here: it is for operators" },
        { "local x = getmetatable(r).__index", "attempt to index a boolean" },
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fake f;

        reply = "+OK\r\n";
        run_body(&f, rows[i][0], false);
        UNIT_INT(f.out.verdict, POLICY_FAILED);
        if (!strstr(f.notes, rows[i][1]))
            printf("\n%s: %s", rows[i][0], f.notes);
        CU_ASSERT_PTR_NOT_NULL(strstr(f.notes, rows[i][1]));
        UNIT_STR(sent, "");
        fake_clear(&f);
    }
}

/* Reads go through, writes are noted. */
static void observes(void)
{
    struct fake f;

    reply = "$1\r\nx\r\n";
    run_body(&f, "ps.note(r:get('k')) local v, e = r:set('k', 1)\n"
                 "ps.note(tostring(v) .. e) r:call('eval', 'x', 0)\n"
                 "r:hgetall('h') r:whatever()", true);
    UNIT_STR(f.notes,
             "p: x\np: would SET \"k\" in redis main\np: nilobserve\n"
             "p: would EVAL \"x\" in redis main\n"
             "p: would WHATEVER \"\" in redis main\n");
    UNIT_STR(sent, "GET k\nHGETALL h\n");
    fake_clear(&f);
}

/* At the file's top level there is the object, but no commands. */
static void load_time(void)
{
    struct err err = { 0 };
    struct fake f;

    fake_init(&f);
    fake_policy(&f, "p", "local r = ps.redis('main')\nreturn { api = 1 }");
    CU_ASSERT_FALSE(fake_open(&f, &err));
    UNIT_STR(err.at, "p:1");
    UNIT_STR(err.msg,
             "policy p: ps.redis: no redis \"main\" is configured");
    fake_clear(&f);
    fake_init(&f);
    f.config.redis = &(struct conf_redis){ .name = STR("main") };
    f.config.n_redis = 1;
    fake_policy(&f, "p", "local r = ps.redis('main')\nr:get('k')");
    err = (struct err){ 0 };
    CU_ASSERT_FALSE(fake_open(&f, &err));
    CU_ASSERT_PTR_NOT_NULL(strstr(err.msg, "only a phase can do this"));
    fake_clear(&f);
}

static void the_table_is_sorted(void)
{
    static const char *const names[] = {
#define REDIS_ROW(name, rule) name,
#include "policy/redis_commands.def"
#undef REDIS_ROW
    };
    size_t n = sizeof names / sizeof names[0], never = 0;

    for (size_t i = 0; i < n; i++) {
        struct str arg = str_of(names[i]);
        struct redis_rule rule = redis_rule(&arg, 1);

        CU_ASSERT(i == 0 || strcmp(names[i - 1], names[i]) < 0);
        CU_ASSERT(rule.read != (rule.never != NULL)); /* it was found */
        never += rule.never != NULL;
    }
    CU_ASSERT(never > 40 && never < n);
}

UNIT_MAIN("api_redis", { "replies", replies }, { "arguments", arguments },
          { "mistakes", mistakes }, { "observes", observes },
          { "load time", load_time },
          { "the table is sorted", the_table_is_sorted })

/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * What policies cannot name, change, reach or keep: the scripts of
 * tests/policies/escapes.lua, each of which must fail to escape and leave its
 * policy as good as new; then what takes more than one call or policy.
 */
#include "policy_rows.h"

#include "base/sha256.h"
#include "net/loop.h"

static void try_escape(const struct row *row, size_t i)
{
    struct fake f;

    if (!row_open(&f, row->body)) {
        CU_FAIL("the row does not compile");
        return;
    }
    fake_run(&f, PHASE_ADMIT);
    if (row->says ? !strstr(f.notes, row->says)
                  : f.out.verdict != POLICY_NONE)
        printf("\n%zu: %s\n  said: %s\n  not: %s", i + 1, row->body, f.notes,
               row->says ? row->says : "nothing");
    if (row->says) {
        UNIT_INT(f.out.verdict, POLICY_FAILED);
        CU_ASSERT_PTR_NOT_NULL(strstr(f.notes, row->says));
        CU_ASSERT_PTR_NULL(strstr(f.notes, "0x"));
        CU_ASSERT_PTR_NULL(strstr(f.notes, "went on"));
    } else {
        UNIT_INT(f.out.verdict, POLICY_NONE);
    }
    row_usable(&f);
    fake_clear(&f);
}

static void nothing_escapes(void)
{
    static struct rows rows;
    size_t attempts = 0;

    rows_open(&rows, "tests/policies/escapes.lua");
    for (size_t i = 0; i < rows.n; i++) {
        try_escape(&rows.row[i], i);
        attempts += rows.row[i].says != NULL;
    }
    printf("\n%zu scripts, %zu of them stopped by an error\n", rows.n,
           attempts);
    CU_ASSERT(attempts >= 120);
    rows_close(&rows);
}

/* A file's changes to what all share must not be seen by another state. */
static void states_are_apart(void)
{
    struct fake f;

    fake_init(&f);
    fake_policy(&f, "a", "local n = 0 return { api = 1, admit = function() "
                         "n = n + 1 ps.note('a' .. n) end }");
    fake_policy(&f, "b", "local n = 0 return { api = 1, admit = function() "
                         "n = n + 1 ps.note('b' .. n) end }");
    CU_ASSERT_TRUE(fake_open(&f, NULL));
    fake_run(&f, PHASE_ADMIT);
    fake_run(&f, PHASE_ADMIT);
    UNIT_STR(f.notes, "a: a1\nb: b1\na: a2\nb: b2\n");
    fake_clear(&f);
}

/* ---- things kept for later --------------------------------------------- */

static const char keeps[] =
    "local kept = {}\n"
    "local function each(what)\n"
    "  for name, use in pairs({\n"
    "    req = function() return kept.req.id end,\n"
    "    principal = function() return kept.req.principal end,\n"
    "    header = function() return kept.header['x-team'] end,\n"
    "    caller = function() return kept.caller.id end,\n"
    "    tags = function() return kept.tags.team end,\n"
    "    all_tags = function() for _ in pairs(kept.tags) do end end,\n"
    "    models = function() return kept.models[1] end,\n"
    "    count = function() return #kept.models end,\n"
    "    list = function() return table.unpack(kept.models) end,\n"
    "    key = function() return kept.key.id end,\n"
    "    next_tag = function() return kept.next_tag(kept.tags) end,\n"
    "    write = function() kept.req.x = 1 end,\n"
    "  }) do\n"
    "    local ok, e = pcall(use)\n"
    "    if ok then ps.note(what .. ' can use ' .. name) end\n"
    "    if not ok and not e:find('is over') and name ~= 'write' then\n"
    "      ps.note(name .. ': ' .. e)\n"
    "    end\n"
    "  end\n"
    "end\n"
    "return { api = 1,\n"
    "  validate = function(req)\n"
    "    kept.req, kept.header, kept.caller = req, req.header, req.principal\n"
    "    kept.tags, kept.models = req.principal.tags, req.principal.models\n"
    "    kept.key = ps.keys.get(ps.sha256('secret'))\n"
    "    kept.next_tag = pairs(kept.tags)\n"
    "    ps.note('kept ' .. kept.key.id)\n"
    "    if req.model == 'waits' then ps.sleep(5) end\n"
    "  end,\n"
    "  admit = function(req) each('a later call') ps.note('tried') end }\n";

static void keep_open(struct fake *f)
{
    fake_init(f);
    f->run.principal = &row_caller;
    f->fields[FIELD_MODEL] = text_value("fast");
    f->keys[0].name = STR("key-1");
    sha256(STR("secret"), f->keys[0].sha256);
    f->config.keys = f->keys;
    f->config.n_keys = 1;
    fake_policy(f, "p", keeps);
    CU_ASSERT_TRUE_FATAL(fake_open(f, NULL));
}

static void kept_things_are_over(void)
{
    struct fake f;

    keep_open(&f);
    fake_run(&f, PHASE_VALIDATE);
    fake_run(&f, PHASE_ADMIT);
    UNIT_STR(f.notes, "p: kept key-1\np: tried\n");
    fake_clear(&f);
}

static void stop_loop(void *req)
{
    loop_stop((struct loop *)((struct fake *)req)->run.plan);
}

/* While their call waits they are alive, but another request's. */
static void kept_things_of_a_waiting_call(void)
{
    struct fake f, other;
    struct loop *loop = loop_new();

    keep_open(&f);
    policy_set_loop(f.set, loop);
    f.fields[FIELD_MODEL] = text_value("waits");
    f.run.wake = stop_loop;
    f.run.plan = (struct plan *)loop; /* borrowed as a place for it */
    UNIT_INT(fake_run(&f, PHASE_VALIDATE), POLICY_WAIT);
    fake_init(&other);
    other.run.principal = &row_caller;
    UNIT_INT(policy_run(f.set, PHASE_ADMIT, &other.run, &other.out),
             POLICY_DONE);
    UNIT_STR(other.notes, "p: tried\n");
    loop_run(loop);
    UNIT_INT(fake_run(&f, PHASE_VALIDATE), POLICY_DONE);
    UNIT_INT(f.out.verdict, POLICY_NONE);
    fake_clear(&other);
    fake_clear(&f);
    loop_free(loop);
}

/* plan and its targets, by methods taken from elsewhere. */
static void plans_are_checked(void)
{
    static const char script[] =
        "local kept, target\n"
        "local function fails(says, f, ...)\n"
        "  local ok, e = pcall(f, ...)\n"
        "  if ok or not tostring(e):find(says, 1, true) then\n"
        "    ps.note(tostring(e)) end\n"
        "end\n"
        "return { api = 1, fail = 'closed', route = function(req, conf, plan)\n"
        "  local keep = plan.keep\n"
        "  if kept then\n"
        "    fails('is over', kept.keep, kept, 'x', function() end)\n"
        "    fails('is over', kept.empty, kept)\n"
        "    fails('is over', function() return target.name end)\n"
        "  end\n"
        "  kept = plan\n"
        "  plan:keep('x', function(t) target = t return true end)\n"
        "  for _, self in ipairs({ {}, req, 'x', target,\n"
        "      setmetatable({}, { __name = 'plan' }) }) do\n"
        "    fails('plan expected', keep, self, 'x', function() end)\n"
        "  end\n"
        "  fails('function expected', keep, plan, 'x', target)\n"
        "  fails('plan.x cannot be', function() plan.x = 1 end)\n"
        "  fails('plan:nosuch', function() return plan.nosuch end)\n"
        "  fails('target.name cannot be', function() target.name = 'x' end)\n"
        "  fails('boolean', function() getmetatable(plan).x = 1 end)\n"
        "  fails('cannot wait', function() plan:keep('x', function()\n"
        "    ps.sleep(1) end) end)\n"
        "  fails('target', function() plan:keep('x', error) end)\n"
        "end }";
    struct conf_provider conf = { .name = STR("a") };
    struct provider provider = { .conf = &conf };
    struct target target = { .name = STR("a/m"), .provider = &provider,
                             .model = STR("m") };
    struct candidate list[] = { { .target = &target } };
    struct plan plan = { .list = list, .n = 1, .n_first = 1,
                         .model = STR("smart") };
    struct fake f;

    fake_init(&f);
    f.run.plan = &plan;
    fake_policy(&f, "p", script);
    CU_ASSERT_TRUE_FATAL(fake_open(&f, NULL));
    for (int i = 0; i < 2; i++) {
        fake_run(&f, PHASE_ROUTE);
        UNIT_INT(f.out.verdict, POLICY_NONE);
    }
    UNIT_STR(f.notes, "");
    CU_ASSERT_FALSE(list[0].dropped);
    fake_clear(&f);
}

static void deep_conf_is_refused(void)
{
    static char conf[512];
    struct err err = { 0 };
    struct fake f;
    size_t n = 0;

    n = (size_t)snprintf(conf, sizeof conf, "{\"list\": ");
    memset(conf + n, '[', 100);
    memset(conf + n + 100, ']', 100);
    conf[n + 200] = '}';
    fake_init(&f);
    fake_policy(&f, "p", "return { api = 1, schema = { list = 'list' } }")->conf
        = str_of(conf);
    CU_ASSERT_FALSE(fake_open(&f, &err));
    CU_ASSERT_PTR_NOT_NULL(strstr(err.msg, "nested too deeply"));
    fake_clear(&f);
}

UNIT_MAIN("sandbox", { "nothing escapes", nothing_escapes },
          { "states are apart", states_are_apart },
          { "kept things are over", kept_things_are_over },
          { "kept things of a waiting call", kept_things_of_a_waiting_call },
          { "plans are checked", plans_are_checked },
          { "deep conf is refused", deep_conf_is_refused })

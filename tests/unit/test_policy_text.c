/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* req:each_text: which texts, in which order, what becomes of them. */
#include "body_unit.h"

#define CHAT                                                                  \
    "{\"model\":\"m\", \"messages\":[{\"role\":\"system\",\"content\":"       \
    "\"one\"},{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\" : " \
    "\"t\\u0077o\"},{\"type\":\"text\",\"text\":\"three\"}]},"                \
    "{\"role\":\"assistant\",\"content\":\"four\",\"tool_calls\":"            \
    "[{\"function\":{\"arguments\":\"{\\\"a\\\":1}\"}}]},"                    \
    "{\"role\":\"tool\",\"content\":\"five\"}],\"n\":1e0}"

struct script {
    const char *code, *want, *note;
    enum policy_verdict verdict;
};

static void run_script(const struct script *s, size_t i, enum policy_phase p,
                       bool observe)
{
    static char source[8192];
    struct body_fake b;

    body_init(&b, CHAT);
    snprintf(source, sizeof source,
             "return { api = 1, dialects = { 'openai-chat' }, "
             "schema = { l = 'list' }, %s = function(req, conf) "
             "local seen = '' %s end }", policy_phase_name(p), s->code);
    fake_policy(&b.f, "p", source)->observe = observe;
    b.f.policies[0].conf = STR("{\"l\":[\"user\"]}");
    CU_ASSERT_TRUE(fake_open(&b.f, NULL));
    if (b.f.set)
        fake_run(&b.f, p);
    if (b.f.out.verdict != s->verdict)
        printf("\n%zu: %s", i, b.f.notes);
    UNIT_INT(b.f.out.verdict, s->verdict);
    CU_ASSERT_TRUE(body_is(&b, s->want ? s->want : CHAT));
    if (s->note && !strstr(b.f.notes, s->note)) {
        printf("\n%zu: %s", i, b.f.notes);
        CU_FAIL("note");
    }
    body_clear(&b);
}

#define SEE                                                                   \
    "function(t, part) seen = seen .. part.role:sub(1, 1) .. ':' .. t .. "    \
    "' ' end "

static const struct script walks[] = {
    { "req:each_text(" SEE ") ps.note(seen)", NULL,
      "s:one u:two u:three a:four t:five \n", POLICY_NONE },
    { "req:each_text({}, " SEE ") ps.note(seen)", NULL, "s:one u:two",
      POLICY_NONE },
    { "req:each_text({ from = { 'user', 'tool' } }, " SEE ") ps.note(seen)",
      NULL, "p: u:two u:three t:five \n", POLICY_NONE },
    { "req:each_text({ from = conf.l }, " SEE ") ps.note(seen)", NULL,
      "p: u:two u:three \n", POLICY_NONE },
    { "req:each_text({ kinds = { 'tool_args' } }, " SEE ") ps.note(seen)",
      NULL, "p: a:{\"a\":1} \n", POLICY_NONE },
    { "req:each_text({ from = { 'user' } }, function(t) return t:upper() "
      "end)",
      "{\"model\":\"m\", \"messages\":[{\"role\":\"system\",\"content\":"
      "\"one\"},{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\" : "
      "\"TWO\"},{\"type\":\"text\",\"text\":\"THREE\"}]},"
      "{\"role\":\"assistant\",\"content\":\"four\",\"tool_calls\":"
      "[{\"function\":{\"arguments\":\"{\\\"a\\\":1}\"}}]},"
      "{\"role\":\"tool\",\"content\":\"five\"}],\"n\":1e0}", NULL,
      POLICY_NONE },
    { "req:each_text(string.upper) req:each_text(" SEE ") ps.note(seen)",
      "{\"model\":\"m\", \"messages\":[{\"role\":\"system\",\"content\":"
      "\"ONE\"},{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\" : "
      "\"TWO\"},{\"type\":\"text\",\"text\":\"THREE\"}]},"
      "{\"role\":\"assistant\",\"content\":\"FOUR\",\"tool_calls\":"
      "[{\"function\":{\"arguments\":\"{\\\"a\\\":1}\"}}]},"
      "{\"role\":\"tool\",\"content\":\"FIVE\"}],\"n\":1e0}",
      "s:ONE u:TWO u:THREE a:FOUR t:FIVE", POLICY_NONE },
    /* the same text again is no edit: its own spelling stays */
    { "req:each_text(function(t) return t end)", NULL, NULL, POLICY_NONE },
    { "req.body:set('/messages/0/content', 'new') req:each_text(" SEE
      ") ps.note(seen) req.body:set('/messages/0/content', 'one')",
      "{\"model\":\"m\", \"messages\":[{\"role\":\"system\",\"content\":"
      "\"one\"},{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\" : "
      "\"t\\u0077o\"},{\"type\":\"text\",\"text\":\"three\"}]},"
      "{\"role\":\"assistant\",\"content\":\"four\",\"tool_calls\":"
      "[{\"function\":{\"arguments\":\"{\\\"a\\\":1}\"}}]},"
      "{\"role\":\"tool\",\"content\":\"five\"}],\"n\":1e0}",
      "s:new u:two", POLICY_NONE },
    /* edits within f are edits like others */
    { "req:each_text({ from = { 'user' } }, function(t) "
      "req.body:remove('/n') req.body:remove('/messages') "
      "req.body:set('/messages', { t }) return 'x' end)",
      "{\"model\":\"m\",\"messages\":[\"three\"]}", NULL, POLICY_NONE },
    { "req:each_text({ from = { 'tool' } }, function(t) "
      "req:each_text({ from = { 'system' } }, " SEE ") end) ps.note(seen)",
      NULL, "p: s:one \n", POLICY_NONE },
    { "req:each_text({ from = { 'user' } }, function(t) "
      "req:each_text(function() end) return 'x' end)", NULL,
      "walked through anew", POLICY_FAILED },
    { "pcall(req.each_text, req, function() error('x') end) "
      "req:each_text(" SEE ") ps.note(seen)", NULL, "s:one u:two",
      POLICY_NONE },
    { "req:each_text(function(t) if t == 'five' then error('late') end "
      "return 'x' end)", NULL, "late", POLICY_FAILED },
    { "req:each_text(function() return 7 end)", NULL, "returned a number",
      POLICY_FAILED },
    { "req:each_text(function() return true end)", NULL,
      "returned a boolean", POLICY_FAILED },
    { "req:each_text({ from = { 'users' } }, " SEE ")", NULL,
      "from has no 'users'", POLICY_FAILED },
    { "req:each_text({ from = 'user' }, " SEE ")", NULL, "from is a list",
      POLICY_FAILED },
    { "req:each_text({ from = {} }, " SEE ")", NULL, "from is empty",
      POLICY_FAILED },
    { "req:each_text({ form = { 'user' } }, " SEE ")", NULL,
      "no option 'form'", POLICY_FAILED },
    { "req:each_text(conf, " SEE ")", NULL, "a plain table", POLICY_FAILED },
    { "req:each_text({ from = { 'user' } })", NULL, "function expected",
      POLICY_FAILED },
    { "req.each_text({}, {}, " SEE ")", NULL, "req expected",
      POLICY_FAILED },
};

static void walks_through_texts(void)
{
    for (size_t i = 0; i < sizeof walks / sizeof walks[0]; i++)
        run_script(&walks[i], i, PHASE_VALIDATE, false);
}

static void reads_in_other_phases(void)
{
    static const struct script scripts[] = {
        { "req:each_text(" SEE ") ps.note(seen)", NULL, "s:one u:two",
          POLICY_NONE },
        { "req:each_text(function(t) return 'x' end)", NULL,
          "each_text: a text can be changed in validate, admit and attempt",
          POLICY_NONE },
    };

    for (size_t i = 0; i < sizeof scripts / sizeof scripts[0]; i++)
        run_script(&scripts[i], i, PHASE_ROUTE, false);
}

static void observing_changes_nothing(void)
{
    static const struct script s = {
        "req:each_text({ from = { 'user' } }, string.upper) "
        "req:each_text({ from = { 'user' } }, " SEE ") ps.note(seen)",
        NULL,
        "would replace a text of user\np: would replace a text of user\n"
        "p: u:TWO u:THREE", POLICY_NONE
    };

    run_script(&s, 0, PHASE_ADMIT, true);
}

/* 200,000 texts: linear to find and to replace, and bounded by the budget. */
static void is_linear(void)
{
    static char text[4 << 20];
    struct body_fake b;
    double begin;
    size_t n = (size_t)snprintf(text, sizeof text,
                                "{\"model\":\"m\",\"input\":[");

    for (int i = 0; i < 200000; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "%s\"a\"",
                              i ? "," : "");
    snprintf(text + n, sizeof text - n, "]}");
    body_init(&b, text);
    b.f.run.dialect = DIALECT_OPENAI_EMBEDDINGS;
    fake_policy(&b.f, "p",
                "return { api = 1, validate = function(req) "
                "req:each_text(function(t) return 'b' end) end }");
    CU_ASSERT_TRUE(fake_open(&b.f, NULL));
    begin = cpu_ms();
    fake_run(&b.f, PHASE_VALIDATE);
    CU_ASSERT(cpu_ms() - begin < 1000);
    if (b.f.out.verdict == POLICY_FAILED)
        CU_ASSERT_PTR_NOT_NULL(strstr(b.f.notes, "budget"));
    CU_ASSERT_TRUE(b.f.out.verdict == POLICY_FAILED ||
                   str_find(buf_str(&b.text), STR("\"a\"")) < 0);
    body_clear(&b);
}

UNIT_MAIN("policy_text", { "walks through texts", walks_through_texts },
          { "reads in other phases", reads_in_other_phases },
          { "observing changes nothing", observing_changes_nothing },
          { "is linear", is_linear })

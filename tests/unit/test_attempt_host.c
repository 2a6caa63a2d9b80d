/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* What a plugin may do in an attempt, and how far. */
#include "base/err.h"
#include "engine/crumb.h"
#include "engine/plugin_host.h"

#include "unit.h"

/* ---- a plugin in this file --------------------------------------------- */

static struct {
    ps_rc (*adjust)(ps_try *);
    ps_rc rc;
    int done;
} script;

static ps_rc op_adjust(ps_try *t)
{
    return script.adjust ? script.adjust(t) : script.rc;
}

static ps_rc op_head(ps_try *t)
{
    (void)t;
    return script.rc;
}

static void op_done(ps_try *t)
{
    (void)t;
    script.done++;
}

static const ps_api apis[] = {
    { PS_CHAT, PS_OPENAI_CHAT, PS_SSE, "POST", "/chat/completions" },
};
static const ps_provider ops = {
    .size = sizeof ops,
    .ctx_size = 64,
    .apis = apis,
    .n_apis = 1,
    .adjust = op_adjust,
    .head = op_head,
    .done = op_done,
};
static const ps_plugin descriptor = {
    PS_MAGIC, PS_ABI_MAJOR, PS_ABI_MINOR, sizeof(ps_plugin), PS_PROVIDER,
    "here",   "1",          &ops,
};

static struct plugin plugin;
static struct plugin_inst *inst;
static struct arena *arena;
static struct attempt_host host;
static struct json request;

static void begin(const char *body)
{
    memset(&script, 0, sizeof script);
    CU_ASSERT_FATAL(plugin_desc_check(&descriptor, STR("here"), NULL) == 0);
    plugin_init(&plugin, &descriptor);
    inst = plugin_open(&plugin, STR("p"), STR("http://x"), STR("{}"), NULL);
    arena = arena_new(1 << 20);
    CU_ASSERT_PTR_NOT_NULL_FATAL(inst);
    CU_ASSERT_PTR_NOT_NULL_FATAL(arena);
    UNIT_INT(attempt_host_init(&host, arena, &plugin, inst), 0);
    if (!body)
        return;
    UNIT_INT(json_scan(&request, str_of(body), NULL, NULL), 0);
    host.edits = json_edits_new(&request, arena);
}

static void end(void)
{
    attempt_host_clear(&host);
    json_clear(&request);
    arena_free(arena);
    plugin_close(inst);
}

static void header_is(const char *name, const char *value)
{
    struct str v = http_header_get(host.headers, host.n_headers, str_of(name));

    UNIT_STR(v.p, value);
}

/* ---- the outgoing side ------------------------------------------------- */

static ps_rc edit_body(ps_try *t)
{
    UNIT_INT(ps_rename(t, "/max_tokens", "/max_completion_tokens"), PS_OK);
    UNIT_INT(ps_rename(t, "/absent", "/other"), PS_OK);
    UNIT_INT(ps_remove(t, "/store"), PS_OK);
    UNIT_INT(ps_remove(t, "/store"), PS_OK);
    UNIT_INT(ps_set_json(t, "/n", ps_z("[1e2]")), PS_OK);
    UNIT_INT(ps_set_json(t, "/bad", ps_z("{")), PS_EINVAL);
    CU_ASSERT(ps_has(t, "/n/0"));
    CU_ASSERT(!ps_has(t, "/store"));
    CU_ASSERT(ps_is(ps_raw(t, "/max_completion_tokens"), "7"));
    return PS_OK;
}

static void edits_the_body(void)
{
    struct buf out = BUF_INIT(1000);

    begin("{\"max_tokens\":7, \"store\":true,\"x\": 0.10}");
    script.adjust = edit_body;
    UNIT_INT(plugin_adjust(&host), PS_OK);
    UNIT_INT(json_edits_apply(host.edits, &out), 0);
    buf_putc(&out, '\0');
    UNIT_STR(buf_str(&out).p,
             "{\"max_completion_tokens\":7,\"x\": 0.10,\"n\":[1e2]}");
    buf_clear(&out);
    end();
}

static void edits_only_in_adjust(void)
{
    begin("{\"a\":1}");
    UNIT_INT(ps_set_json(&host.pub, "/a", ps_z("2")), PS_EBUG);
    UNIT_INT(ps_remove(&host.pub, "/a"), PS_EBUG);
    UNIT_INT(ps_header(&host.pub, "x-a", ps_z("1")), PS_EBUG);
    CU_ASSERT(json_edits_empty(host.edits));
    UNIT_INT((int)host.n_headers, 0);
    UNIT_INT(host.err.code, ERR_BUG);
    end();
}

static void edits_nothing_without_a_body(void)
{
    begin(NULL);
    host.may_edit = true;
    CU_ASSERT(!ps_has(&host.pub, "/a"));
    UNIT_INT(ps_remove(&host.pub, "/a"), PS_OK);
    UNIT_INT(ps_rename(&host.pub, "/a", "/b"), PS_OK);
    UNIT_INT(ps_set_json(&host.pub, "/a", ps_z("1")), PS_EINVAL);
    end();
}

static void sets_headers(void)
{
    begin(NULL);
    host.may_edit = true;
    UNIT_INT(ps_header(&host.pub, "X-One", ps_z(" 1 ")), PS_OK);
    UNIT_INT(ps_header(&host.pub, "x-two", ps_z("2")), PS_OK);
    header_is("x-one", "1");
    UNIT_INT(ps_header(&host.pub, "x-one", ps_z("one")), PS_OK);
    header_is("x-one", "one");
    UNIT_INT((int)host.n_headers, 2);
    UNIT_INT(ps_header(&host.pub, "x-one", ps_z("")), PS_OK);
    UNIT_INT((int)host.n_headers, 1);
    header_is("x-two", "2");
    end();
}

static void refuses_headers(void)
{
    static const struct {
        const char *name;
        ps_str value;
    } bad[] = {
        { "", { "v", 1 } },          { "a b", { "v", 1 } },
        { "a:b", { "v", 1 } },       { "a\r\nb", { "v", 1 } },
        { "x", { "a\r\nb: c", 7 } }, { "x", { "a\nb", 3 } },
        { "x", { "a\0b", 3 } },      { "Host", { "v", 1 } },
        { "content-length", { "1", 1 } },
        { "Transfer-Encoding", { "chunked", 7 } },
        { "Connection", { "close", 5 } },
        { "te", { "trailers", 8 } }, { "Expect", { "100-continue", 12 } },
    };
    char name[16];

    begin(NULL);
    host.may_edit = true;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        UNIT_INT(ps_header(&host.pub, bad[i].name, bad[i].value), PS_EINVAL);
    UNIT_INT((int)host.n_headers, 0);
    for (int i = 0; i < ATTEMPT_MAX_HEADERS; i++) {
        snprintf(name, sizeof name, "x-%d", i);
        UNIT_INT(ps_header(&host.pub, name, ps_z("v")), PS_OK);
    }
    UNIT_INT(ps_header(&host.pub, "x-more", ps_z("v")), PS_ENOMEM);
    UNIT_INT(ps_header(&host.pub, "x-0", ps_z("w")), PS_OK);
    header_is("x-0", "w");
    end();
}

/* ---- the answer -------------------------------------------------------- */

static void reads_the_answer(void)
{
    static const struct http_header head[] = {
        { { "X-Request-Id", 12 }, { "r1", 2 } },
    };

    begin(NULL);
    host.answer_headers = head;
    host.n_answer_headers = 1;
    CU_ASSERT(ps_is(ps_answer_header(&host.pub, "x-request-id"), "r1"));
    CU_ASSERT_PTR_NULL(ps_answer_header(&host.pub, "none").p);
    CU_ASSERT_PTR_NULL(ps_answer_raw(&host.pub, "").p);
    attempt_host_answer(&host, STR("{\"s\":\"a\\nb\",\"n\":12,\"m\":-1}"));
    CU_ASSERT(ps_is(ps_answer_str(&host.pub, "/s"), "a\nb"));
    CU_ASSERT(ps_is(ps_answer_raw(&host.pub, "/s"), "\"a\\nb\""));
    CU_ASSERT_PTR_NULL(ps_answer_str(&host.pub, "/n").p);
    UNIT_INT(ps_answer_int(&host.pub, "/n", -5), 12);
    UNIT_INT(ps_answer_int(&host.pub, "/m", -5), -5);
    UNIT_INT(ps_answer_int(&host.pub, "/s", -5), -5);
    attempt_host_answer(&host, STR("{\"s\":\"b\"}"));
    CU_ASSERT(ps_is(ps_answer_str(&host.pub, "/s"), "b"));
    attempt_host_answer(&host, STR("<html>"));
    CU_ASSERT_PTR_NULL(ps_answer_str(&host.pub, "/s").p);
    CU_ASSERT_PTR_NULL(ps_answer_raw(&host.pub, "").p);
    end();
}

static void caps_memory(void)
{
    unsigned char *p;
    int got = 0;

    begin(NULL);
    p = ps_alloc(&host.pub, 100);
    CU_ASSERT_PTR_NOT_NULL_FATAL(p);
    UNIT_INT(p[0] | p[99], 0);
    CU_ASSERT_PTR_NULL(ps_alloc(&host.pub, SIZE_MAX));
    CU_ASSERT_PTR_NULL(ps_alloc(&host.pub, ATTEMPT_MAX_ALLOC));
    while (got < 1000 && ps_alloc(&host.pub, 1024))
        got++;
    UNIT_INT(got, ATTEMPT_MAX_ALLOC / 1024 - 1);
    attempt_host_answer(&host, STR("{\"s\":\"a\\nb\"}"));
    (void)ps_alloc(&host.pub, ATTEMPT_MAX_ALLOC - host.plugin_bytes);
    CU_ASSERT_PTR_NULL(ps_answer_str(&host.pub, "/s").p);
    end();
}

static void merges_usage(void)
{
    ps_usage u;

    begin(NULL);
    UNIT_INT(host.usage.input, -1);
    ps_usage_init(&u);
    ps_usage_inclusive(&u, 100, 30, -1);
    u.output = 5;
    UNIT_INT(ps_report_usage(&host.pub, &u), PS_OK);
    ps_usage_init(&u);
    u.output = 9;
    UNIT_INT(ps_report_usage(&host.pub, &u), PS_OK);
    UNIT_INT(host.usage.input, 70);
    UNIT_INT(host.usage.cache_read, 30);
    UNIT_INT(host.usage.output, 9);
    UNIT_INT(host.usage.reasoning, -1);
    u.output = INT64_MAX;
    UNIT_INT(ps_report_usage(&host.pub, &u), PS_EINVAL);
    u.size = 8;
    UNIT_INT(ps_report_usage(&host.pub, &u), PS_EINVAL);
    UNIT_INT(host.usage.output, 9);
    end();
}

/* ---- calls ------------------------------------------------------------- */

static ps_rc look_at_crumb(ps_try *t)
{
    (void)t;
    UNIT_INT(crumb_here->kind, CRUMB_PLUGIN);
    UNIT_STR(crumb_here->what, "here adjust");
    UNIT_STR(crumb_here->request, "r-1");
    return PS_OK;
}

static void leaves_a_crumb(void)
{
    struct crumb mine = { 0 };

    begin(NULL);
    crumb_here = &mine;
    host.pub.request_id = ps_z("r-1");
    script.adjust = look_at_crumb;
    UNIT_INT(plugin_adjust(&host), PS_OK);
    UNIT_INT(mine.kind, CRUMB_NONE);
    crumb_here = NULL;
    end();
}

static void checks_codes(void)
{
    begin(NULL);
    script.rc = PS_DECLINED;
    UNIT_INT(plugin_head(&host), PS_DECLINED);
    UNIT_INT(host.err.code, 0);
    script.rc = 17;
    UNIT_INT(plugin_head(&host), PS_EBUG);
    UNIT_STR(host.err.msg, "plugin here: head returned 17, which is no code");
    end();
    begin(NULL);
    script.rc = PS_EPROTO;
    UNIT_INT(plugin_head(&host), PS_EPROTO);
    UNIT_STR(host.err.msg,
             "plugin here: head: the provider's bytes make no sense");
    CU_ASSERT(plugin_watch(&host, STR(""), STR("{}")) == PS_DECLINED);
    end();
}

static void is_done_once(void)
{
    begin(NULL);
    CU_ASSERT_PTR_NOT_NULL(host.pub.ctx);
    plugin_done(&host);
    plugin_done(&host);
    UNIT_INT(script.done, 1);
    UNIT_INT(plugin_head(&host), PS_DECLINED);
    end();
}

static void is_quiet_without_a_plugin(void)
{
    arena = arena_new(1000);
    UNIT_INT(attempt_host_init(&host, arena, NULL, NULL), 0);
    UNIT_INT(plugin_adjust(&host), PS_DECLINED);
    plugin_done(&host);
    attempt_host_clear(&host);
    arena_free(arena);
}

/* ---- models, settings -------------------------------------------------- */

static void count_model(void *ud, struct str id)
{
    struct buf *b = ud;

    buf_put(b, id);
    buf_putc(b, ' ');
}

static void lists_models(void)
{
    struct buf b = BUF_INIT(1000);

    begin(NULL);
    UNIT_INT(plugin_models(inst,
                           STR("{\"data\":[{\"id\":\"a\"},{\"id\":\"\"},7,"
                               "{\"id\":\"b/c\"},{\"x\":1}]}"),
                           count_model, &b),
             PS_OK);
    buf_putc(&b, '\0');
    UNIT_STR(buf_str(&b).p, "a b/c ");
    UNIT_INT(plugin_models(inst, STR("<html>"), count_model, &b), PS_EPROTO);
    UNIT_INT(plugin_models(inst, STR("{}"), count_model, &b), PS_EPROTO);
    buf_clear(&b);
    end();
}

static void check_setting(const char *settings, const char *msg)
{
    static const char schema[] =
        "{\"required\":[\"region\"],\"properties\":{"
        "\"region\":{\"type\":\"string\",\"enum\":[\"eu\",\"us\"]},"
        "\"n\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":9},"
        "\"tags\":{\"type\":\"array\",\"items\":{\"type\":\"string\","
        "\"maxLength\":3}}}}";
    struct err err = { 0 };
    int rc = plugin_settings_check(schema, str_of(settings), &err);

    UNIT_INT(rc, msg ? -ERR_CONFIG : 0);
    UNIT_STR(err.msg, msg ? msg : "");
}

static void checks_settings(void)
{
    check_setting("{\"region\":\"eu\",\"n\":9,\"tags\":[\"abc\"]}", NULL);
    check_setting("{}", "settings: needs region");
    check_setting("{\"region\":\"mars\"}",
                  "settings/region: must be one of [\"eu\",\"us\"]");
    check_setting("{\"region\":\"eu\",\"n\":0}",
                  "settings/n: must be at least 1");
    check_setting("{\"region\":\"eu\",\"n\":1.5}",
                  "settings/n: must be of type integer");
    check_setting("{\"region\":\"eu\",\"regoin\":1}",
                  "settings/regoin: is unknown here");
    check_setting("{\"region\":\"eu\",\"tags\":[\"a\",\"abcd\"]}",
                  "settings/tags/1: must have at most 3 bytes");
    CU_ASSERT(plugin_settings_check(NULL, STR("{}"), NULL) == 0);
    CU_ASSERT(plugin_settings_check(NULL, STR("{\"a\":1}"), NULL) < 0);
    CU_ASSERT(plugin_settings_check(NULL, STR("[]"), NULL) < 0);
}

UNIT_MAIN("attempt_host", { "edits the body", edits_the_body },
          { "edits in adjust and auth only", edits_only_in_adjust },
          { "has no body to edit", edits_nothing_without_a_body },
          { "sets headers", sets_headers },
          { "refuses headers", refuses_headers },
          { "reads the answer", reads_the_answer },
          { "caps memory", caps_memory },
          { "merges usage", merges_usage },
          { "leaves a crumb", leaves_a_crumb },
          { "checks codes", checks_codes },
          { "is done once", is_done_once },
          { "is quiet without a plugin", is_quiet_without_a_plugin },
          { "lists models", lists_models },
          { "checks settings", checks_settings })

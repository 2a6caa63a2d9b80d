/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* From an answer, or none, to a verdict. */
#include "engine/fault.h"

#include "engine/config.h"
#include "engine/plugin_host.h"

#include "unit.h"

static struct {
    ps_rc rc;
    ps_fault verdict;
    bool decide;
} script;

static ps_rc op_classify(ps_try *t, ps_fault *f)
{
    (void)t;
    if (script.decide) {
        f->cls = script.verdict.cls;
        f->scope = script.verdict.scope;
        f->retry_after_ms = script.verdict.retry_after_ms;
    }
    return script.rc;
}

static struct plugin plugin = {
    .ops = { .size = sizeof plugin.ops, .classify = op_classify },
    .name = "here",
};
static struct arena *arena;
static struct attempt_host host;

static void begin(void)
{
    memset(&script, 0, sizeof script);
    arena = arena_new(1 << 20);
    CU_ASSERT_PTR_NOT_NULL_FATAL(arena);
    UNIT_INT(attempt_host_init(&host, arena, &plugin, NULL), 0);
}

static void end(void)
{
    attempt_host_clear(&host);
    arena_free(arena);
}

static ps_fault classified(int status, const char *body,
                           const struct conf_quirks *q)
{
    ps_fault f;

    host.pub.status = status;
    attempt_host_answer(&host, str_of(body));
    attempt_classify(&host, q, 0, &f);
    return f;
}

static void classifies_by_status(void)
{
    static const struct {
        int status, cls, scope;
    } want[] = {
        { 400, PS_FAULT_BAD_REQUEST, PS_SCOPE_REQUEST },
        { 401, PS_FAULT_AUTH, PS_SCOPE_CREDENTIAL },
        { 402, PS_FAULT_QUOTA, PS_SCOPE_CREDENTIAL },
        { 404, PS_FAULT_MODEL_GONE, PS_SCOPE_TARGET },
        { 418, PS_FAULT_BAD_REQUEST, PS_SCOPE_REQUEST },
        { 429, PS_FAULT_RATE_LIMIT, PS_SCOPE_CREDENTIAL },
        { 500, PS_FAULT_TRANSIENT, PS_SCOPE_TARGET },
        { 503, PS_FAULT_OVERLOADED, PS_SCOPE_TARGET },
        { 504, PS_FAULT_TIMEOUT, PS_SCOPE_TARGET },
        { 302, PS_FAULT_PROTOCOL, PS_SCOPE_TARGET },
        { 999, PS_FAULT_UNKNOWN, PS_SCOPE_TARGET },
    };
    ps_fault f;

    begin();
    for (size_t i = 0; i < sizeof want / sizeof want[0]; i++) {
        f = classified(want[i].status, "", NULL);
        UNIT_INT(f.cls, want[i].cls);
        UNIT_INT(f.scope, want[i].scope);
    }
    end();
}

static void finds_code_and_words(void)
{
    ps_fault f;

    begin();
    f = classified(400, "{\"error\":{\"code\":\"c\",\"message\":\"m\"}}", NULL);
    CU_ASSERT(ps_is(f.code, "c") && ps_is(f.message, "m"));
    f = classified(400, "{\"error\":{\"code\":null,\"type\":\"t\"}}", NULL);
    CU_ASSERT(ps_is(f.code, "t") && !f.message.p);
    f = classified(404, "{\"error\":\"no such model\"}", NULL);
    CU_ASSERT(ps_is(f.message, "no such model"));
    f = classified(422, "{\"detail\":[{\"msg\":\"field\"}]}", NULL);
    CU_ASSERT(ps_is(f.message, "field"));
    f = classified(422, "{\"detail\":[{\"loc\":[\"body\",\"x\",0],\"msg\":"
                        "\"extra\"},{\"loc\":[],\"msg\":\"too\"},{},1]}",
                   NULL);
    CU_ASSERT(ps_is(f.message, "body.x.0: extra; too"));
    f = classified(422, "{\"object\":\"error\",\"message\":{\"detail\":[{"
                        "\"loc\":[\"body\",\"foo\"],\"msg\":\"Extra\"}]}}",
                   NULL);
    CU_ASSERT(ps_is(f.message, "body.foo: Extra"));
    f = classified(422, "{\"detail\":[]}", NULL);
    CU_ASSERT(!f.message.p);
    f = classified(200, "{\"error\":{\"code\":429,\"message\":\"m\"}}", NULL);
    UNIT_INT(f.cls, PS_FAULT_RATE_LIMIT);
    f = classified(200, "{\"error\":{\"message\":\"m\"}}", NULL);
    UNIT_INT(f.cls, PS_FAULT_TRANSIENT);
    end();
}

static void applies_quirks_first(void)
{
    static struct conf_pair list[] = {
        { { "BROKE", 5 }, { "quota", 5 } },
        { { "1113", 4 }, { "quota", 5 } },
        { { "ODD", 3 }, { "no such class", 13 } },
    };
    struct conf_quirks q = { .errors = list, .n_errors = 3 };
    ps_fault f;

    begin();
    script.decide = true;
    script.verdict.cls = PS_FAULT_REGION;
    script.verdict.scope = PS_SCOPE_PROVIDER;
    f = classified(400, "{\"error\":{\"code\":\"BROKE\"}}", &q);
    UNIT_INT(f.cls, PS_FAULT_QUOTA);
    UNIT_INT(f.scope, PS_SCOPE_CREDENTIAL);
    f = classified(400, "{\"error\":{\"code\":1113,\"type\":\"x\"}}", &q);
    UNIT_INT(f.cls, PS_FAULT_QUOTA);
    f = classified(400, "{\"error\":{\"code\":\"y\",\"type\":\"BROKE\"}}", &q);
    UNIT_INT(f.cls, PS_FAULT_QUOTA);
    f = classified(400, "{\"error\":{\"code\":\"ODD\"}}", &q);
    UNIT_INT(f.cls, PS_FAULT_REGION);
    end();
}

static void checks_verdicts(void)
{
    ps_fault f;

    begin();
    script.decide = true;
    script.verdict.cls = 99;
    script.verdict.retry_after_ms = UINT64_MAX;
    f = classified(429, "", NULL);
    UNIT_INT(f.cls, PS_FAULT_UNKNOWN);
    UNIT_INT(f.scope, PS_SCOPE_TARGET);
    UNIT_INT(f.retry_after_ms, FAULT_MAX_WAIT_MS);
    script.rc = PS_EPROTO; /* a failed classify changes nothing */
    f = classified(429, "", NULL);
    UNIT_INT(f.cls, PS_FAULT_RATE_LIMIT);
    end();
}

static uint64_t wait_of(const char *name, const char *value, uint64_t now)
{
    struct http_header h = { str_of(name), str_of(value) };

    return fault_retry_after(&h, 1, now);
}

static void reads_waits(void)
{
    const uint64_t now = 784111777000u; /* Sun, 06 Nov 1994 08:49:37 GMT */

    UNIT_INT(wait_of("Retry-After", "3", 0), 3000);
    UNIT_INT(wait_of("retry-after", "0.5", 0), 500);
    UNIT_INT(wait_of("retry-after-ms", "12.7", 0), 12);
    UNIT_INT(wait_of("retry-after", "Sun, 06 Nov 1994 08:49:39 GMT", now),
             2000);
    UNIT_INT(wait_of("retry-after", "Sun, 06 Nov 1994 08:49:31 GMT", now), 0);
    UNIT_INT(wait_of("retry-after", "86400", 0), FAULT_MAX_WAIT_MS);
    UNIT_INT(wait_of("retry-after", "-3", 0), 0);
    UNIT_INT(wait_of("retry-after", "1e9", 0), 0);
    UNIT_INT(wait_of("retry-after", "99999999999999999999", 0), 0);
    UNIT_INT(wait_of("retry-after", "soon", 0), 0);
    UNIT_INT(wait_of("retry-after", "", 0), 0);
}

static void names_classes(void)
{
    ps_fault f;

    for (int c = PS_FAULT_NONE; c <= PS_FAULT_UNKNOWN; c++)
        UNIT_INT(fault_class_by_name(str_of(fault_class_name(c))), c);
    UNIT_INT(fault_class_by_name(STR("nonsense")), -1);
    UNIT_STR(fault_class_name(1234), "unknown");
    fault_from_status(&f, 401);
    CU_ASSERT(!fault_is_callers(&f, false));
    CU_ASSERT(fault_is_callers(&f, true));
    fault_from_status(&f, 400);
    CU_ASSERT(fault_is_callers(&f, false));
    fault_from_http(&f, HTTP_FAIL_CONNECT_TIMEOUT);
    UNIT_INT(f.cls, PS_FAULT_TIMEOUT);
    UNIT_INT(fault_info(f.cls)->err, ERR_UPSTREAM_TIMEOUT);
}

UNIT_MAIN("fault", { "classifies by status", classifies_by_status },
          { "finds code and words", finds_code_and_words },
          { "applies quirks first", applies_quirks_first },
          { "checks verdicts", checks_verdicts },
          { "reads waits", reads_waits }, { "names classes", names_classes })

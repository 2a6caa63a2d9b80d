/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* attempt and response: what they see, what they may set and decide. */
#include "policy_unit.h"

static struct conf_pair tags[] = { { STR("region"), STR("eu") } };
static struct conf_provider conf = { .name = STR("gpu"), .tags = tags,
                                     .n_tags = 1 };
static struct provider provider = { .conf = &conf };
static struct target target = { .name = STR("gpu/llama"),
                                .provider = &provider, .model = STR("llama"),
                                .weight = 1 };
static struct policy_tried tried[] = { { STR("a/x"), STR("rate_limit"), 429 },
                                       { STR("b/x"), STR("connect"), 0 } };
static struct http_header fields[] = {
    { STR("openai-processing-ms"), STR("7") },
    { STR("Server"), STR("x") },
};

static void try_init(struct policy_try *t)
{
    *t = (struct policy_try){ .n = 3, .target = &target,
                              .credential = STR("gpu#main"),
                              .elapsed_ms = 42, .tried = tried,
                              .n_tried = 2 };
}

static void resp_init(struct policy_resp *a)
{
    *a = (struct policy_resp){ .status = 200, .attempt = 2, .target = &target,
                               .ms = 9, .fields = fields, .n_fields = 2 };
}

/* "name=value name" of what is set; a name alone is removed. */
static void said(const struct policy_headers *h, char out[512])
{
    size_t n = 0;

    out[0] = '\0';
    for (size_t i = 0; i < h->n; i++)
        n += (size_t)snprintf(out + n, 512 - n, "%s" STR_FMT "%s" STR_FMT,
                              i ? " " : "", STR_ARG(h->at[i].name),
                              h->at[i].value.p ? "=" : "",
                              STR_ARG(h->at[i].value));
}

struct case_of {
    const char *body;
    bool observe;
    enum policy_verdict verdict;
    const char *set;  /* headers afterwards */
    const char *note; /* part of a note, or NULL */
};

static void run_case(struct fake *f, enum policy_phase p,
                     const struct case_of *k, size_t i,
                     const struct policy_headers *set)
{
    static char source[4096];
    char got[512];

    snprintf(source, sizeof source,
             "return { api = 1, %s = function(req, conf, x) %s end }",
             policy_phase_name(p), k->body);
    fake_policy(f, "p", source)->observe = k->observe;
    CU_ASSERT_TRUE(fake_open(f, NULL));
    if (f->set)
        UNIT_INT(fake_run(f, p), POLICY_DONE);
    UNIT_INT(f->out.verdict, k->verdict);
    said(set, got);
    UNIT_STR(got, k->set);
    if (k->note && !strstr(f->notes, k->note)) {
        printf("\n%zu: %s", i, f->notes);
        CU_FAIL("note");
    }
}

static const struct case_of tries[] = {
    { "ps.note(x.n .. x.target.name .. x.credential .. x.elapsed_ms .. "
      "x.target.tags.region)", false, POLICY_NONE, "",
      "3gpu/llamagpu#main42eu" },
    { "ps.note(#x.tried .. x.tried[1].target .. x.tried[1].status .. "
      "x.tried[1].class .. tostring(x.tried[2].status))", false, POLICY_NONE,
      "", "2a/x429rate_limitnil" },
    { "x:header('X-A', 'one') x:header('x-b', 2) x:header('x-a', ' two ')",
      false, POLICY_NONE, "x-a=two x-b=2", NULL },
    { "x:header('x-a', nil)", false, POLICY_NONE, "x-a", NULL },
    { "x:header('x-a', '1') error('no')", false, POLICY_NONE, "", "no" },
    { "x:header('x-a', '1')", true, POLICY_NONE, "",
      "would set header x-a" },
    { "return ps.skip('it is slow')", false, POLICY_SKIP, "", NULL },
    { "return ps.skip('it is slow')", true, POLICY_NONE, "",
      "would skip: it is slow" },
    { "return ps.skip()", false, POLICY_NONE, "", "string expected" },
    { "return ps.deny('no_target')", false, POLICY_NONE, "",
      "attempt returned a ps.deny(); it may return nil or ps.skip()" },
    { "return true", false, POLICY_NONE, "", "returned a boolean" },
    { "x:header('x-a', 'b\\r\\nx-evil: 1')", false, POLICY_NONE, "",
      "no line ends" },
    { "x:header('x a', 'b')", false, POLICY_NONE, "", "not a header name" },
    { "x:header('Content-Length', '3')", false, POLICY_NONE, "",
      "'Content-Length' is the core's" },
    { "x:header('host', 'h')", false, POLICY_NONE, "", "is the core's" },
    { "for i = 1, 17 do x:header('x-' .. i, 'v') end", false, POLICY_NONE, "",
      "at most 16 headers" },
    { "x.n = 7", false, POLICY_NONE, "", "n cannot be changed" },
    { "return x.nosuch", false, POLICY_NONE, "",
      "try.nosuch does not exist" },
};

static void sees_tries(void)
{
    for (size_t i = 0; i < sizeof tries / sizeof tries[0]; i++) {
        struct policy_try t;
        struct fake f;

        fake_init(&f);
        try_init(&t);
        f.run.attempt = &t;
        run_case(&f, PHASE_ATTEMPT, &tries[i], i, &t.set);
        fake_clear(&f);
    }
}

static const struct case_of failures[] = {
    { "ps.note(x.class .. x.scope .. x.status .. x.message .. x.provider .. "
      "x.model .. x.attempt .. x.retry_after .. x.ms .. x.elapsed_ms)", false,
      POLICY_NONE, "", "rate_limittarget429slow downgpullama21.5725" },
    { "ps.note(x.target.name .. x.target.state .. x.target.rest_ms .. "
      "x.target.in_flight .. tostring(x.target.latency_ms) .. "
      "tostring(x.target.disabled))", false, POLICY_NONE, "",
      "gpu/llamaclosed00nilfalse" },
    { "return ps.again()", false, POLICY_AGAIN, "", NULL },
    { "return ps.again{ after_ms = 60000 }", false, POLICY_AGAIN, "", NULL },
    { "return ps.again{ after_ms = 60001 }", false, POLICY_NONE, "",
      "after_ms is milliseconds, 0 to 60000" },
    { "return ps.again{ after_ms = 'x' }", false, POLICY_NONE, "",
      "after_ms is milliseconds, 0 to 60000" },
    { "return ps.again{ after = 1 }", false, POLICY_NONE, "",
      "ps.again has one option, after_ms" },
    { "return ps.again{ after_ms = 7 }", true, POLICY_NONE, "",
      "would try again after 7 ms" },
    { "return ps.next()", false, POLICY_NEXT, "", NULL },
    { "return ps.next{ model = 7 }", false, POLICY_NONE, "",
      "ps.next: model is a name" },
    { "return ps.next{ model = 'm' }", false, POLICY_NONE, "",
      "there are no models here" },
    { "return ps.next()", true, POLICY_NONE, "",
      "would go on with the next target" },
    { "return ps.give_up()", false, POLICY_GIVE_UP, "", NULL },
    { "return ps.give_up()", true, POLICY_NONE, "", "would give up" },
    { "return ps.deny('no_target')", false, POLICY_NONE, "",
      "upstream_error returned a ps.deny(); it may return nil, ps.again(), "
      "ps.next() or ps.give_up()" },
    { "x.class = 'x'", false, POLICY_NONE, "", "class cannot be changed" },
    { "return x.nosuch", false, POLICY_NONE, "", "err.nosuch does not exist" },
};

static void sees_failures(void)
{
    static const struct policy_failed seen = {
        .attempt = 2, .target = &target, .cls = STR("rate_limit"),
        .scope = STR("target"), .message = STR("slow down"), .status = 429,
        .retry_after_ms = 1500, .ms = 7, .elapsed_ms = 25,
    };

    for (size_t i = 0; i < sizeof failures / sizeof failures[0]; i++) {
        struct policy_headers none = { .n = 0 };
        struct fake f;

        fake_init(&f);
        f.run.failed = &seen;
        run_case(&f, PHASE_UPSTREAM_ERROR, &failures[i], i, &none);
        fake_clear(&f);
    }
}

static const struct case_of answers[] = {
    { "ps.note(x.status .. x.target.name .. x.attempt .. x.ms .. "
      "x.header['OpenAI-Processing-Ms'] .. tostring(x.header['x-no']))",
      false, POLICY_NONE, "", "200gpu/llama297nil" },
    { "x.header['x-a'] = 'b' x.header.server = nil "
      "ps.note(x.header['X-A'] .. tostring(x.header.Server))", false,
      POLICY_NONE, "x-a=b server", "bnil" },
    { "x.header['x-a'] = 'b' return ps.deny('content_filter', 'no')", false,
      POLICY_DENY, "x-a=b", NULL },
    { "return ps.deny('content_filter', 'no')", true, POLICY_NONE, "",
      "would deny: content_filter" },
    { "x.header['x-a'] = 'b' error('x')", false, POLICY_FAILED, "", "x" },
    { "x.header['x-a'] = 'b'", true, POLICY_NONE, "",
      "would set header x-a" },
    { "x.header['x-a'] = nil", true, POLICY_NONE, "",
      "would remove header x-a" },
    { "x.header['transfer-encoding'] = 'chunked'", false, POLICY_FAILED, "",
      "is the core's" },
    { "x.header['content-type'] = 'text/html'", false, POLICY_FAILED, "",
      "is the core's" },
    { "x.header['x-request-id'] = '1'", false, POLICY_FAILED, "",
      "is the core's" },
    { "x.header['x-a'] = 'b\\nc'", false, POLICY_FAILED, "", "no line ends" },
    { "x.header['x-a'] = {}", false, POLICY_FAILED, "", "nil removes it" },
    { "x.status = 201", false, POLICY_FAILED, "", "cannot be changed" },
    { "return ps.skip('x')", false, POLICY_FAILED, "",
      "response returned a ps.skip(); it may return nil or ps.deny()" },
};

static void sees_answers(void)
{
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        struct policy_resp a;
        struct fake f;

        fake_init(&f);
        resp_init(&a);
        f.run.response = &a;
        run_case(&f, PHASE_RESPONSE, &answers[i], i, &a.set);
        fake_clear(&f);
    }
}

/* The second policy sees what the first one set; its fault undoes its own
 * edits alone. */
static void edits_add_up(void)
{
    struct policy_resp a;
    struct fake f;
    char got[512];

    fake_init(&f);
    resp_init(&a);
    f.run.response = &a;
    fake_policy(&f, "a", "return { api = 1, response = function(req, conf, x) "
                         "x.header['x-a'] = '1' end }");
    fake_policy(&f, "b", "return { api = 1, fail = 'open', response = "
                         "function(req, conf, x) ps.note(x.header['x-a']) "
                         "x.header['x-a'] = '2' x.header['x-b'] = '3' "
                         "error('late') end }");
    CU_ASSERT_TRUE(fake_open(&f, NULL));
    fake_run(&f, PHASE_RESPONSE);
    UNIT_INT(f.out.verdict, POLICY_NONE);
    said(&a.set, got);
    UNIT_STR(got, "x-a=1");
    CU_ASSERT_PTR_NOT_NULL(strstr(f.notes, "b: 1\n"));
    fake_clear(&f);
}

/* A script that keeps resp.header gets no other answer's head by it. */
static void is_over_afterwards(void)
{
    struct policy_resp a;
    struct fake f;

    fake_init(&f);
    resp_init(&a);
    f.run.response = &a;
    fake_policy(&f, "p", "local kept\nreturn { api = 1, "
                         "response = function(req, conf, x) kept = kept or "
                         "x.header kept['x-a'] = 'b' end }");
    CU_ASSERT_TRUE(fake_open(&f, NULL));
    fake_run(&f, PHASE_RESPONSE);
    UNIT_INT(f.out.verdict, POLICY_NONE);
    fake_run(&f, PHASE_RESPONSE);
    UNIT_INT(f.out.verdict, POLICY_FAILED);
    CU_ASSERT_PTR_NOT_NULL(strstr(f.notes, "resp.header is over"));
    fake_clear(&f);
}

UNIT_MAIN("policy_try", { "sees failures", sees_failures },
          { "sees tries", sees_tries },
          { "sees answers", sees_answers },
          { "edits add up", edits_add_up },
          { "is over afterwards", is_over_afterwards })

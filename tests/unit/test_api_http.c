/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* ps.http as scripts see it: requests, answers, refusals, observe. */
#include "policy_unit.h"

#include "policy/outside.h"

static char sent[16384]; /* calls as text */
static const char *body_of_answer;

static uint64_t on_http(void *ud, uint64_t wait, const struct outside_http *q,
                        struct outcome **now)
{
    static const struct http_header headers[] = {
        { STR("Content-Type"), STR("application/json") },
        { STR("Set-Cookie"), STR("a=1") },
        { STR("set-cookie"), STR("b=2") },
    };
    size_t n = strlen(sent);

    (void)ud;
    (void)wait;
    n += (size_t)snprintf(sent + n, sizeof sent - n, "%s " STR_FMT " %u\n",
                          q->method.p, STR_ARG(q->path), q->timeout_ms);
    for (size_t i = 0; i < q->n_headers; i++)
        n += (size_t)snprintf(sent + n, sizeof sent - n,
                              STR_FMT ": " STR_FMT "\n",
                              STR_ARG(q->headers[i].name),
                              STR_ARG(q->headers[i].value));
    snprintf(sent + n, sizeof sent - n, q->body.n ? STR_FMT "\n" : "" STR_FMT,
             STR_ARG(q->body));
    *now = body_of_answer[0] == '!'
               ? outcome_error("%s", body_of_answer + 1)
               : outcome_http(200, headers, 3, str_of(body_of_answer));
    return 0;
}

static void run_body(struct fake *f, const char *body, bool observe)
{
    static struct conf_pair header = { STR("X-Team"), STR("search") };
    static struct conf_service service[2];
    struct outside o = { .http = on_http };
    char source[4096];

    service[0] = (struct conf_service){
        .name = STR("authz"), .url = STR("https://authz.internal/v1"),
        .headers = &header, .n_headers = 1, .timeout_ms = 300,
        .token = { STR("env X"), STR("canary") }, .max_body = 1 << 20 };
    service[1] = service[0];
    service[1].name = STR("open");
    service[1].observe_all = true;
    service[1].token = (struct secret){ STR_NULL, STR_NULL };
    fake_init(f);
    f->config.services = service;
    f->config.n_services = 2;
    snprintf(source, sizeof source,
             "local s = ps.http('authz') local o = ps.http('open')\n"
             "return { api = 1, admit = function(req) %s end }", body);
    fake_policy(f, "p", source)->observe = observe;
    CU_ASSERT_TRUE_FATAL(fake_open(f, NULL));
    policy_set_outside(f->set, &o);
    sent[0] = '\0';
    UNIT_INT(fake_run(f, PHASE_ADMIT), POLICY_DONE);
}

static void requests(void)
{
    static const struct {
        const char *body, *sent;
    } rows[] = {
        { "s:get('/')", "GET / 300\n" },
        { "s:get('/a%20b/c;d=e?x=y&z')", "GET /a%20b/c;d=e?x=y&z 300\n" },
        { "s:get('/a...b/.x/..y/...')", "GET /a...b/.x/..y/... 300\n" },
        { "s:delete('/k', { timeout_ms = 50.7 })", "DELETE /k 50\n" },
        { "s:put('/k', { body = 'a\\0b', headers = { ['x-a'] = 1, } })",
          "PUT /k 300\nx-a: 1\na" }, /* printed up to its NUL */
        { "s:post('/k', { json = { a = { 1, 2.5, true, ps.null } } })",
          "POST /k 300\ncontent-type: application/json\n"
          "{\"a\":[1,2.5,true,null]}\n" },
        { "s:post('/k', { json = 'x', headers = "
          "{ ['Content-Type'] = 'text/json' } })",
          "POST /k 300\nContent-Type: text/json\n\"x\"\n" },
        { "s:post('/k', { json = {} })",
          "POST /k 300\ncontent-type: application/json\n{}\n" },
        { "s:post('/k', { json = false })",
          "POST /k 300\ncontent-type: application/json\nfalse\n" },
        { "s:post('/k')", "POST /k 300\n" },
        { "s:get('/q', { query = { b = 'x y&z=/\\195\\164', a = 1, "
          "['c d'] = true } })",
          "GET /q?a=1&b=x%20y%26z%3D%2F%C3%A4&c%20d=true 300\n" },
        { "s:get('/q?z=1', { query = { a = '-._~' } })",
          "GET /q?z=1&a=-._~ 300\n" },
        { "o:get('/', { headers = { Authorization = 'Basic eA==' } })",
          "GET / 300\nAuthorization: Basic eA==\n" },
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fake f;

        body_of_answer = "";
        run_body(&f, rows[i].body, false);
        UNIT_STR(f.notes, "");
        if (i == 4) { /* STR_FMT ends at the NUL */
            CU_ASSERT(strncmp(sent, rows[i].sent, strlen(rows[i].sent)) == 0);
        } else {
            UNIT_STR(sent, rows[i].sent);
        }
        fake_clear(&f);
    }
}

static void answers(void)
{
    static const char *const rows[][3] = {
        { "hello", "local a, e = s:get('/') ps.note(a.status .. a.body .. "
          "tostring(e) .. a.headers['content-type'])",
          "p: 200hellonilapplication/json\n" },
        { "", "ps.note(s:get('/').headers['set-cookie'])", "p: a=1, b=2\n" },
        { "", "ps.note(tostring(s:get('/').headers['Set-Cookie']))",
          "p: nil\n" },
        { "{\"allow\":true,\"n\":[1,null,2.5],\"s\":\"\\u00e4\"}",
          "local j = s:get('/').json ps.note(tostring(j.allow) .. #j.n .. "
          "tostring(j.n[2] == ps.null) .. j.n[3] .. j.s)",
          "p: true3true2.5\xc3\xa4\n" },
        { "7", "local a = s:get('/') ps.note(a.json + a.json)", "p: 14\n" },
        { "{broken", "ps.note(tostring(s:get('/').json))", "p: nil\n" },
        { "", "ps.note(tostring(s:get('/').json))", "p: nil\n" },
        { "[1]", "local a = s:get('/') a.json[1] = 2 ps.note(a.json[1])",
          "p: 2\n" },
        { "!timeout", "local a, e = s:get('/') ps.note(tostring(a) .. e)",
          "p: niltimeout\n" },
        { "!connect: refused", "ps.note(select(2, s:post('/')))",
          "p: connect: refused\n" },
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fake f;

        body_of_answer = rows[i][0];
        run_body(&f, rows[i][1], false);
        UNIT_STR(f.notes, rows[i][2]);
        fake_clear(&f);
    }
}

static const char *const wrong[][2] = {
    { "s:get('x')", "begins with '/'" },
    { "s:get('')", "begins with '/'" },
    { "s:get('http://evil.example/')", "begins with '/'" },
    { "s:get('@evil.example/')", "begins with '/'" },
    { "s:get(':1@evil')", "begins with '/'" },
    { "s:get()", "value expected" },
    { "s:get({})", "string expected" },
    { "s:get('/a b')", "must be encoded" },
    { "s:get('/a\\r\\nHost: x')", "must be encoded" },
    { "s:get('/a\\0')", "must be encoded" },
    { "s:get('/a#b')", "must be encoded" },
    { "s:get('/a\\\\b')", "must be encoded" },
    { "s:get('/\\195\\164')", "must be encoded" },
    { "s:get('/a%2')", "must be encoded" },
    { "s:get('/?a b')", "must be encoded" },
    { "s:get('/..')", "no '.' or '..'" },
    { "s:get('/a/../b')", "no '.' or '..'" },
    { "s:get('/a/%2e%2E/b')", "no '.' or '..'" },
    { "s:get('/a/.%2e')", "no '.' or '..'" },
    { "s:get('/./a')", "no '.' or '..'" },
    { "s:get('/a%2f..%2Fb')", "no '.' or '..'" },
    { "s:get('/a%5C%2e%2e')", "no '.' or '..'" },
    { "s:get('/' .. string.rep('x', 9000))", "limited to 8192" },
    { "s:get('/', { query = { a = string.rep('\\1', 3000) } })",
      "limited to 8192" },
    { "s:get('/', 7)", "table expected" },
    { "s:get('/', { jsno = {} })", "there is no option 'jsno'" },
    { "s:get('/', { 'x' })", "there is no option '(number)'" },
    { "s:get('/', { json = {} })", "get sends no body" },
    { "s:get('/', { body = 'x' })", "get sends no body" },
    { "s:post('/', { json = {}, body = '' })", "not both" },
    { "s:post('/', { body = {} })", "a table goes into json" },
    { "s:post('/', { json = print })", "unknown variable" },
    { "s:post('/', { json = ps.now })", "json: a value that is no data" },
    { "s:post('/', { json = { 1, a = 2 } })", "names and places" },
    { "s:post('/', { json = { [1] = 1, [3] = 3 } })", "holes" },
    { "s:post('/', { json = 0/0 })", "infinite or none" },
    { "local t = {} t[1] = t s:post('/', { json = t })",
      "nested more than 64 deep" },
    { "local s1 = string.rep('x', 2^20) "
      "s:post('/', { json = { s1, s1 } })", "more than 1 MiB" },
    { "s:get('/', { headers = { ['x y'] = 'a' } })", "no name of a" },
    { "s:get('/', { headers = { 'a' } })", "no name of a header" },
    { "s:get('/', { headers = { x = 'a\\r\\nb: c' } })",
      "headers.x holds a byte" },
    { "s:get('/', { headers = { x = {} } })", "headers.x: a table" },
    { "s:get('/', { headers = { Host = 'evil' } })",
      "headers.Host is set by Penstock" },
    { "s:get('/', { headers = { ['content-length'] = 1 } })",
      "headers.content-length is set by Penstock" },
    { "s:get('/', { headers = { ['x-team'] = 'x' } })",
      "headers.x-team is set by the configuration" },
    { "s:get('/', { headers = { authorization = 'x' } })",
      "headers.authorization is set by the configuration" },
    { "local h = {} for i = 1, 70 do h['x' .. i] = 'y' end "
      "s:get('/', { headers = h })", "headers: at most 64" },
    { "s:get('/', { headers = 'x: y' })", "headers: a table is needed" },
    { "s:get('/', { query = { 'a' } })", "names are needed" },
    { "s:get('/', { query = { a = {} } })", "query.a: a table is no" },
    { "s:get('/', { timeout_ms = 0 })", "timeout_ms: a number from 1" },
    { "s:get('/', { timeout_ms = 2001 })", "timeout_ms: a number from" },
    { "s:get('/', { timeout_ms = 'x' })", "timeout_ms: a number from" },
    { "s:patch('/')", "service:patch does not exist" },
    { "s.get('/')", "service expected, got string" },
    { "s.url = 'x'", "service.url cannot be assigned" },
    { "local a = o:get('/').stauts", "an answer has no 'stauts'" },
    { "ps.http('other')", "no service \"other\" is configured" },
};

static void mistakes(void)
{
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct fake f;

        body_of_answer = "";
        run_body(&f, wrong[i][0], false);
        UNIT_INT(f.out.verdict, POLICY_FAILED);
        if (!strstr(f.notes, wrong[i][1]))
            printf("\n%s: %s", wrong[i][0], f.notes);
        CU_ASSERT_PTR_NOT_NULL(strstr(f.notes, wrong[i][1]));
        if (!strstr(wrong[i][0], "stauts"))
            UNIT_STR(sent, "");
        fake_clear(&f);
    }
}

static void observes(void)
{
    struct fake f;

    body_of_answer = "";
    run_body(&f, "ps.note(s:get('/a').status)\n"
                 "local v, e = s:post('/b', { json = {} })\n"
                 "ps.note(tostring(v) .. e) ps.note(o:post('/c').status)",
             true);
    UNIT_STR(f.notes, "p: 200\np: would POST /b of service authz\n"
                      "p: nilobserve\np: 200\n");
    UNIT_STR(sent, "GET /a 300\nPOST /c 300\n");
    fake_clear(&f);
}

UNIT_MAIN("api_http", { "requests", requests }, { "answers", answers },
          { "mistakes", mistakes }, { "observes", observes })

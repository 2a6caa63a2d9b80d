/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* req.body and the neutral fields: reading, editing, undoing. */
#include "body_unit.h"

#define BODY                                                                  \
    "{ \"model\" : \"m\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"" \
    "}], \"n\":1e2,\"x\":0.10 ,\"big\":9007199254740993,\"e\":[],"            \
    "\"o\":{\"a\":null,\"b\":\"\\u00e9\\n\"} }"

struct script {
    const char *code;
    const char *want; /* the body afterwards; NULL: as it was */
    const char *note; /* part of a note, or NULL */
    enum policy_verdict verdict;
};

static void run_script(const struct script *s, size_t i, enum policy_phase p,
                       bool observe)
{
    static char source[8192];
    struct body_fake b;

    body_init(&b, BODY);
    snprintf(source, sizeof source,
             "return { api = 1, dialects = { 'openai-chat' }, "
             "schema = { l = 'list', m = 'map' }, "
             "%s = function(req, conf) local b = req.body %s end }",
             policy_phase_name(p), s->code);
    fake_policy(&b.f, "p", source)->observe = observe;
    b.f.policies[0].conf = STR("{\"l\":[1,\"x\"],\"m\":{\"k\":\"v\"}}");
    CU_ASSERT_TRUE(fake_open(&b.f, NULL));
    if (b.f.set)
        fake_run(&b.f, p);
    if (b.f.out.verdict != s->verdict)
        printf("\n%zu: %s", i, b.f.notes);
    UNIT_INT(b.f.out.verdict, s->verdict);
    CU_ASSERT_TRUE(body_is(&b, s->want ? s->want : BODY));
    UNIT_INT(b.rewrites, s->want != NULL);
    if (s->note && !strstr(b.f.notes, s->note)) {
        printf("\n%zu: %s", i, b.f.notes);
        CU_FAIL("note");
    }
    body_clear(&b);
}

static const struct script reads[] = {
    { "ps.note(b:get('/model') .. b:get('/messages/0/content'))", NULL, "mhi",
      POLICY_NONE },
    { "ps.note(math.type(b:get('/n')) .. math.type(b:get('/big')) .. "
      "b:get('/big'))", NULL, "floatinteger9007199254740993", POLICY_NONE },
    { "ps.note(b:raw('/n') .. b:raw('/x') .. b:raw('/messages/0') .. "
      "tostring(b:raw('/no')))", NULL,
      "1e20.10{\"role\":\"user\",\"content\":\"hi\"}nil", POLICY_NONE },
    { "ps.note(b:get('/o/b') .. '.')", NULL, "\xc3\xa9\n.", POLICY_NONE },
    { "ps.note(tostring(b:get('/o/a') == ps.null) .. "
      "tostring(b:get('/o').a == ps.null) .. tostring(b:get('/nope')) .. "
      "#b:get('/messages') .. b:get('/messages')[1].role)", NULL,
      "truetruenil1user", POLICY_NONE },
    { "b:get('messages')", NULL, "a JSON Pointer is needed", POLICY_FAILED },
    { "b:get('/a~2')", NULL, "a JSON Pointer is needed", POLICY_FAILED },
    { "b:get()", NULL, "string expected", POLICY_FAILED },
    { "b.nosuch()", NULL, "req.body:nosuch does not exist", POLICY_FAILED },
    { "b.x = 1", NULL, "req.body.x cannot be assigned", POLICY_FAILED },
};

static void reads_values(void)
{
    for (size_t i = 0; i < sizeof reads / sizeof reads[0]; i++)
        run_script(&reads[i], i, PHASE_VALIDATE, false);
}

#define HEAD                                                                  \
    "{ \"model\" : \"m\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"" \
    "}], "
#define TAIL                                                                  \
    "\"n\":1e2,\"x\":0.10 ,\"big\":9007199254740993,\"e\":[],"                \
    "\"o\":{\"a\":null,\"b\":\"\\u00e9\\n\"} }"

static const struct script writes[] = {
    { "b:set('/n', 7)",
      HEAD "\"n\":7,\"x\":0.10 ,\"big\":9007199254740993,\"e\":[],"
           "\"o\":{\"a\":null,\"b\":\"\\u00e9\\n\"} }", NULL, POLICY_NONE },
    { "b:remove('/n') ps.note(tostring(b:get('/n')))",
      "{ \"model\" : \"m\",\"messages\":[{\"role\":\"user\",\"content\":"
      "\"hi\"}],\"x\":0.10 ,\"big\":9007199254740993,\"e\":[],"
           "\"o\":{\"a\":null,\"b\":\"\\u00e9\\n\"} }", "nil", POLICY_NONE },
    { "b:set('/messages/0/content', 'a\"\\n\xc3\xa9\\0') "
      "ps.note(b:get('/messages/0/content'))",
      "{ \"model\" : \"m\",\"messages\":[{\"role\":\"user\",\"content\":"
      "\"a\\\"\\n\xc3\xa9\\u0000\"}], " TAIL, "a\"\n\xc3\xa9", POLICY_NONE },
    { "b:set('/messages/-', { role = 'user', content = { 1, 2.5, true } }) "
      "ps.note(#b:get('/messages') .. b:raw('/messages/1'))",
      "{ \"model\" : \"m\",\"messages\":[{\"role\":\"user\",\"content\":"
      "\"hi\"},{\"content\":[1,2.5,true],\"role\":\"user\"}], " TAIL,
      "2{\"content\":[1,2.5,true],\"role\":\"user\"}", POLICY_NONE },
    { "b:set('/messages/0/t', b:get('/e')) b:set('/messages/0/o', {}) "
      "b:set('/messages/0/n', ps.null) "
      "b:set('/messages/0/l', ps.json.array())",
      "{ \"model\" : \"m\",\"messages\":[{\"role\":\"user\",\"content\":"
      "\"hi\",\"t\":[],\"o\":{},\"n\":null,\"l\":[]}], " TAIL, NULL,
      POLICY_NONE },
    { "b:set('/messages/0/x', { 9007199254740993, 0.1, 1e300, 3.0, -0.5 })",
      "{ \"model\" : \"m\",\"messages\":[{\"role\":\"user\",\"content\":"
      "\"hi\",\"x\":[9007199254740993,0.1,1e+300,3.0,-0.5]}], " TAIL, NULL,
      POLICY_NONE },
    { "b:set('/messages/0/l', conf.l) b:set('/messages/0/m', conf.m)",
      "{ \"model\" : \"m\",\"messages\":[{\"role\":\"user\",\"content\":"
      "\"hi\",\"l\":[1,\"x\"],\"m\":{\"k\":\"v\"}}], " TAIL, NULL,
      POLICY_NONE },
    { "b:set('/model', 'x') b:set('/model', 'm')",
      HEAD TAIL, NULL, POLICY_NONE },
    { "req.model = 'other' ps.note(req.model .. b:get('/model'))",
      "{ \"model\" : \"other\",\"messages\":[{\"role\":\"user\",\"content\":"
      "\"hi\"}], " TAIL, "otherother", POLICY_NONE },
    { "b:set('/max_tokens', 9) req.max_tokens = math.min(req.max_tokens, 5) "
      "ps.note(math.type(req.max_tokens) .. req.max_tokens)",
      HEAD "\"n\":1e2,\"x\":0.10 ,\"big\":9007199254740993,\"e\":[],"
           "\"o\":{\"a\":null,\"b\":\"\\u00e9\\n\"},\"max_tokens\":5 }",
      "integer5", POLICY_NONE },
    { "req.temperature = 0.3 req.user = 'u' req.stream = true "
      "ps.note(req.temperature .. req.user .. tostring(req.stream)) "
      "req.user = nil ps.note(tostring(req.user))",
      HEAD "\"n\":1e2,\"x\":0.10 ,\"big\":9007199254740993,\"e\":[],"
           "\"o\":{\"a\":null,\"b\":\"\\u00e9\\n\"},\"temperature\":0.3,"
           "\"stream\":true }", "0.3utrue\np: nil", POLICY_NONE },
    { "b:set('/n', 7) error('late')", NULL, "late", POLICY_FAILED },
    { "b:set('/n', 7) return ps.deny('overloaded')", NULL, NULL,
      POLICY_DENY },
    { "b:remove('/model')", NULL, "the edited body: you must provide a model",
      POLICY_FAILED },
    { "b:set('', { 1 })", NULL, "the edited body: ", POLICY_FAILED },
    { "b:set('/stream', 'yes')", NULL, "expected true or false",
      POLICY_FAILED },
    { "b:set('/messages/7/x', 1)", NULL, "no such element", POLICY_FAILED },
    { "b:set('/model/x', 1)", NULL, "no object on the way", POLICY_FAILED },
    { "b:remove('')", NULL, "the body itself stays", POLICY_FAILED },
    { "b:set('/n', nil)", NULL, "remove() takes it out", POLICY_FAILED },
    { "b:set('/n', print)", NULL, "unknown variable 'print'", POLICY_FAILED },
    { "b:set('/n', ps.note)", NULL, "req.body:set: a value that is no data",
      POLICY_FAILED },
    { "b:set('/n', req)", NULL, "a value that is no data", POLICY_FAILED },
    { "b:set('/n', 0/0)", NULL, "infinite or none", POLICY_FAILED },
    { "b:set('/n', '\\xff')", NULL, "not UTF-8", POLICY_FAILED },
    { "b:set('/n', { 1, x = 2 })", NULL, "names and places", POLICY_FAILED },
    { "b:set('/n', { [3] = 1 })", NULL, "a list with holes", POLICY_FAILED },
    { "local t = {} t[1] = t b:set('/n', t)", NULL, "nested", POLICY_FAILED },
    { "b:set('/n', { ('x'):rep(600000), ('x'):rep(600000) })", NULL,
      "more than 1 MiB", POLICY_FAILED },
    { "req.max_tokens = 'x'", NULL,
      "req.max_tokens: a whole number above 0 is needed", POLICY_FAILED },
    { "req.max_tokens = 0", NULL, "above 0", POLICY_FAILED },
    { "req.max_tokens = 1.5", NULL, "a whole number", POLICY_FAILED },
    { "req.temperature = -1", NULL, "0 or more", POLICY_FAILED },
    { "req.temperature = 0/0", NULL, "0 or more", POLICY_FAILED },
    { "req.model = ''", NULL, "req.model: a string of 1 to 256",
      POLICY_FAILED },
    { "req.model = nil", NULL, "req.model: a string", POLICY_FAILED },
    { "req.model = 7", NULL, "req.model: a string", POLICY_FAILED },
    { "req.user = '\\xff'", NULL, "req.user: a string", POLICY_FAILED },
    { "req.stream = 1", NULL, "req.stream: true or false", POLICY_FAILED },
    { "req.id = 'x'", NULL, "req.id cannot be changed", POLICY_FAILED },
    { "req.nosuch = 'x'", NULL, "req.nosuch does not exist", POLICY_FAILED },
};

static void edits_byte_for_byte(void)
{
    for (size_t i = 0; i < sizeof writes / sizeof writes[0]; i++)
        run_script(&writes[i], i, PHASE_VALIDATE, false);
}

static const struct script observed[] = {
    { "b:set('/n', 7) ps.note(b:get('/n'))", NULL, "p: 7", POLICY_NONE },
    { "b:set('/n', 7)", NULL, "would set /n", POLICY_NONE },
    { "b:remove('/n')", NULL, "would remove /n", POLICY_NONE },
    { "req.model = 'other' ps.note(req.model)", NULL,
      "would set req.model\np: other", POLICY_NONE },
};

static void observing_changes_nothing(void)
{
    for (size_t i = 0; i < sizeof observed / sizeof observed[0]; i++)
        run_script(&observed[i], i, PHASE_ADMIT, true);
}

static const struct script elsewhere[] = {
    { "ps.note(b:get('/model')) b:set('/model', 'x')", NULL,
      "can be changed in validate, admit and attempt, not in route",
      POLICY_NONE },
    { "req.max_tokens = 1", NULL, "req.max_tokens can be changed",
      POLICY_NONE },
    { "req.model = 'x'", NULL, "in route it is plan:use(model)",
      POLICY_NONE },
};

static void other_phases_read_only(void)
{
    for (size_t i = 0; i < sizeof elsewhere / sizeof elsewhere[0]; i++)
        run_script(&elsewhere[i], i, PHASE_ROUTE, false);
}

/* A declaration is needed, must be of a dialect that exists, and holds. */
static void dialects_are_declared(void)
{
    static const struct {
        const char *declared, *says;
        bool loads;
    } cases[] = {
        { "", "name those that the policy knows", true },
        { "dialects = { 'openai-embeddings' },",
          "does not know the dialect openai-chat", true },
        { "dialects = { 'openai-embeddings', 'openai-chat' },", "p: m", true },
        { "dialects = { 'openai' },", "there is no dialect 'openai'", false },
        { "dialects = { 7 },", "there is no dialect", false },
        { "dialects = {},", "a list of names is needed", false },
        { "dialects = 'openai-chat',", "dialects: a list of names", false },
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct body_fake b;
        struct err err = { 0 };
        char source[512];

        body_init(&b, BODY);
        snprintf(source, sizeof source,
                 "return { api = 1, %s validate = function(req) "
                 "ps.note(req.body:get('/model')) end }", cases[i].declared);
        fake_policy(&b.f, "p", source);
        UNIT_INT(fake_open(&b.f, &err), cases[i].loads);
        if (b.f.set)
            fake_run(&b.f, PHASE_VALIDATE);
        if (!strstr(cases[i].loads ? b.f.notes : err.msg, cases[i].says)) {
            printf("\n%zu: %s%s", i, b.f.notes, err.msg);
            CU_FAIL("what was said");
        }
        body_clear(&b);
    }
}

/* What one policy edited the next one sees; what it could not finish is as if
 * it had not begun. */
static void edits_of_several_policies(void)
{
    struct body_fake b;

    body_init(&b, "{\"model\":\"m\",\"messages\":[],\"k\":[1]}");
    fake_policy(&b.f, "a", "return { api = 1, dialects = { 'openai-chat' }, "
                           "validate = function(req) req.model = 'a' "
                           "req.body:set('/k/-', 2) end }");
    fake_policy(&b.f, "b", "return { api = 1, dialects = { 'openai-chat' }, "
                           "fail = 'open', validate = function(req) "
                           "ps.note(req.model) req.model = 'b' "
                           "req.body:set('/k/-', 3) error('b') end }");
    fake_policy(&b.f, "c", "return { api = 1, dialects = { 'openai-chat' }, "
                           "validate = function(req) ps.note(req.model .. "
                           "#req.body:get('/k')) req.body:remove('/k/0') "
                           "end }");
    CU_ASSERT_TRUE(fake_open(&b.f, NULL));
    fake_run(&b.f, PHASE_VALIDATE);
    CU_ASSERT_TRUE(body_is(&b,
                           "{\"model\":\"a\",\"messages\":[],\"k\":[2]}"));
    CU_ASSERT_PTR_NOT_NULL(strstr(b.f.notes, "a: model: a\nb: a\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(b.f.notes, "c: a2\n"));
    UNIT_INT(b.rewrites, 2);
    body_clear(&b);
}

/* A body that is kept for later belongs to its call. */
static void is_over_afterwards(void)
{
    struct body_fake b;

    body_init(&b, BODY);
    fake_policy(&b.f, "p", "local kept return { api = 1, "
                           "dialects = { 'openai-chat' }, "
                           "validate = function(req) kept = kept or req.body "
                           "kept:get('/n') end }");
    CU_ASSERT_TRUE(fake_open(&b.f, NULL));
    fake_run(&b.f, PHASE_VALIDATE);
    UNIT_INT(b.f.out.verdict, POLICY_NONE);
    fake_run(&b.f, PHASE_VALIDATE);
    UNIT_INT(b.f.out.verdict, POLICY_FAILED);
    CU_ASSERT_PTR_NOT_NULL(strstr(b.f.notes, "req.body is over"));
    body_clear(&b);
}

static void phases_without_a_body(void)
{
    struct body_fake b;

    body_init(&b, BODY);
    b.f.run.body = NULL;
    fake_policy(&b.f, "p", "return { api = 1, dialects = { 'openai-chat' }, "
                           "request = function(req) return req.body end, "
                           "log = function(req) return req.body end }");
    CU_ASSERT_TRUE(fake_open(&b.f, NULL));
    fake_run(&b.f, PHASE_REQUEST);
    UNIT_INT(b.f.out.verdict, POLICY_FAILED);
    fake_run(&b.f, PHASE_LOG);
    CU_ASSERT_PTR_NOT_NULL(
        strstr(b.f.notes, "req.body: the body is not read in request"));
    CU_ASSERT_PTR_NOT_NULL(
        strstr(b.f.notes, "req.body: the body is not kept in log"));
    body_clear(&b);
}

/* The flow's own no is the script's error, and nothing is changed. */
static void what_the_flow_refuses(void)
{
    struct body_fake b;

    body_init(&b, BODY);
    b.refuse = "not like this";
    fake_policy(&b.f, "p", "return { api = 1, validate = function(req) "
                           "req.model = 'x' end }");
    CU_ASSERT_TRUE(fake_open(&b.f, NULL));
    fake_run(&b.f, PHASE_VALIDATE);
    UNIT_INT(b.f.out.verdict, POLICY_FAILED);
    CU_ASSERT_PTR_NOT_NULL(strstr(b.f.notes, "not like this"));
    CU_ASSERT_TRUE(body_is(&b, BODY));
    body_clear(&b);
}

static void big_values_stay_within_bounds(void)
{
    static char text[1 << 20];
    struct body_fake b;
    size_t n = (size_t)snprintf(text, sizeof text,
                                "{\"model\":\"m\",\"messages\":[");

    for (int i = 0; i < 120000; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "%s[]",
                              i ? "," : "");
    snprintf(text + n, sizeof text - n, "]}");
    body_init(&b, text);
    fake_policy(&b.f, "p", "return { api = 1, dialects = { 'openai-chat' }, "
                           "validate = function(req) "
                           "ps.note(#req.body:raw('')) "
                           "req.body:get('') end }");
    CU_ASSERT_TRUE(fake_open(&b.f, NULL));
    fake_run(&b.f, PHASE_VALIDATE);
    UNIT_INT(b.f.out.verdict, POLICY_FAILED);
    CU_ASSERT_PTR_NOT_NULL(strstr(b.f.notes, "raw() has the text"));
    body_clear(&b);
}

/* No digit is lost without a word. */
static void numbers_beyond_64_bits(void)
{
    struct body_fake b;

    body_init(&b, "{\"model\":\"m\",\"messages\":[],"
                  "\"h\":12345678901234567890}");
    fake_policy(&b.f, "p", "return { api = 1, dialects = { 'openai-chat' }, "
                           "validate = function(req) "
                           "ps.note(req.body:raw('/h')) req.body:get('/h') "
                           "end }");
    CU_ASSERT_TRUE(fake_open(&b.f, NULL));
    fake_run(&b.f, PHASE_VALIDATE);
    UNIT_INT(b.f.out.verdict, POLICY_FAILED);
    CU_ASSERT_PTR_NOT_NULL(strstr(b.f.notes, "p: 12345678901234567890\n"));
    CU_ASSERT_PTR_NOT_NULL(
        strstr(b.f.notes, "req.body:get('/h'): the number "
                          "12345678901234567890 is out of range; raw() has "
                          "the text"));
    body_clear(&b);
}

UNIT_MAIN("policy_body", { "reads values", reads_values },
          { "edits byte for byte", edits_byte_for_byte },
          { "observing changes nothing", observing_changes_nothing },
          { "other phases read only", other_phases_read_only },
          { "dialects are declared", dialects_are_declared },
          { "edits of several policies", edits_of_several_policies },
          { "is over afterwards", is_over_afterwards },
          { "phases without a body", phases_without_a_body },
          { "what the flow refuses", what_the_flow_refuses },
          { "big values stay within bounds", big_values_stay_within_bounds },
          { "numbers beyond 64 bits", numbers_beyond_64_bits })

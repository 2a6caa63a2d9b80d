/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* ps.json: values there and back, what is refused, and at what size. */
#include "policy_unit.h"

static void decodes(void)
{
    fake_shows("local v = ps.json.decode('{\"a\":[1,2.5,\"x\"],\"b\":true,"
               "\"c\":null,\"d\":{}}') show(v.a[1], math.type(v.a[1]), v.a[2],"
               " v.a[3], #v.a, v.b, v.c, v.c == ps.null, next(v.d))",
               "p: 1 integer 2.5 x 3 true null true nil\n");
    fake_shows("show(ps.json.decode('9223372036854775807'),"
               " ps.json.decode('-9223372036854775808'), ps.json.decode('1e2'),"
               " ps.json.decode('-0'), ps.json.decode(' \"x\" '))",
               "p: 9223372036854775807 -9223372036854775808 100.0 0 x\n");
    fake_shows("show(ps.json.decode('\"\\\\u00e4\\\\n\\\\/\\\\ud83d\\\\ude00"
               "\\\\ud800\"'))",
               "p: \xc3\xa4\n/\xf0\x9f\x98\x80\xef\xbf\xbd\n");
    fake_shows("show(ps.json.decode('false'), ps.json.decode('null'))",
               "p: false null\n");
    fake_shows("local v = ps.json.decode('{\"a\\\\u0062\":1}') show(v.ab)",
               "p: 1\n");
}

static void refuses_texts(void)
{
    fake_shows("show(ps.json.decode('{\"a\":1'))",
               "p: nil byte 6: ',' or '}' expected, but the text ends\n");
    fake_shows("show(select('#', ps.json.decode('')))", "p: 2\n");
    fake_shows("show(ps.json.decode('[{\"a\":1,\"a\":2}]'))",
               "p: nil byte 8: duplicate member \"a\"\n");
    fake_shows("show(ps.json.decode('[18446744073709551616]'))",
               "p: nil byte 1: the number 18446744073709551616 is out of "
               "range\n");
    fake_shows("show(ps.json.decode('1e999'))",
               "p: nil byte 0: the number 1e999 is out of range\n");
    fake_shows("show((ps.json.decode('\"\\xff\"')))", "p: nil\n");
    fake_shows("show((ps.json.decode(('['):rep(65) .. (']'):rep(65))))",
               "p: nil\n");
    fake_shows("show((ps.json.decode(('['):rep(64) .. (']'):rep(64))) ~= nil)",
               "p: true\n");
    fake_shows("show((ps.json.decode('[' .. ('1,'):rep(100000) .. '1]')))",
               "p: nil\n");
    fake_shows("local t = {} for i = 1, 9 do t[i] = ('x'):rep(1 << 17) end"
               " show(ps.json.decode('\"' .. table.concat(t) .. '\"'))",
               "p: nil a text of more than 1 MiB\n");
    fake_fails("ps.json.decode({})", "string expected");
}

static void encodes(void)
{
    fake_shows("show(ps.json.encode({ b = 1, a = { 1, 2.5, 'x' }, c = true,"
               " aa = ps.null, [''] = false }))",
               "p: {\"\":false,\"a\":[1,2.5,\"x\"],\"aa\":null,\"b\":1,"
               "\"c\":true}\n");
    fake_shows("show(ps.json.encode(math.mininteger), ps.json.encode(0.1),"
               " ps.json.encode(1e300), ps.json.encode(3.0),"
               " ps.json.encode(1/3))",
               "p: -9223372036854775808 0.1 1e+300 3.0 0.3333333333333333\n");
    fake_shows("show(ps.json.encode('\\0\\1\\n\"\\\\\\127/\\xc3\\xa4'))",
               "p: \"\\u0000\\u0001\\n\\\"\\\\\x7f/\xc3\xa4\"\n");
    fake_shows("show(ps.json.encode({}), ps.json.encode(ps.json.array()),"
               " ps.json.encode(ps.json.array { 1 }))", "p: {} [] [1]\n");
    fake_shows("local v = ps.json.decode('{\"a\":[],\"b\":{}}')"
               " show(ps.json.encode(v)) v.a[1] = 'x' table.insert(v.a, 2)"
               " show(ps.json.encode(v), #v.a)",
               "p: {\"a\":[],\"b\":{}}\np: {\"a\":[\"x\",2],\"b\":{}} 2\n");
    fake_shows("show(ps.null, tostring(ps.null), type(ps.null))",
               "p: null null userdata\n");
}

static void refuses_values(void)
{
    fake_shows("show(ps.json.encode({ 1, nil, 3 }))",
               "p: nil a list with holes\n");
    fake_shows("show(ps.json.encode({ [5] = 1 }))",
               "p: nil a list with holes\n");
    fake_shows("show(ps.json.encode({ 1, a = 2 }))",
               "p: nil a table with names and places\n");
    fake_shows("show(ps.json.encode({ [true] = 2 }))",
               "p: nil a table whose keys are no strings\n");
    fake_shows("show(ps.json.encode({ [1.5] = 2 }))",
               "p: nil a table whose keys are no strings\n");
    fake_shows("show(ps.json.encode(1 / 0))",
               "p: nil a number that is infinite or none\n");
    fake_shows("show(ps.json.encode({ a = show }))",
               "p: nil a value that is no data\n");
    fake_shows("show(ps.json.encode(nil))", "p: nil a value that is no data\n");
    fake_shows("show(ps.json.encode('\\xff'))",
               "p: nil a string that is not UTF-8\n");
    fake_shows("show(ps.json.encode({ ['\\xff'] = 1 }))",
               "p: nil a string that is not UTF-8\n");
    fake_shows("local t = {} t[1] = t show(ps.json.encode(t))",
               "p: nil tables nested more than 64 deep\n");
    fake_shows("local t, s = {}, ('x'):rep(1 << 16)"
               " for i = 1, 17 do t[i] = s end show(ps.json.encode(t))",
               "p: nil a text of more than 1 MiB\n");
    fake_shows("local t = {} for i = 1, 20001 do t['k' .. i] = 1 end"
               " show(ps.json.encode(t))",
               "p: nil a table of more than 20000 names\n");
    fake_fails("ps.json.encode()", "value expected");
    fake_fails("ps.json.array(setmetatable({}, {}))", "metatable");
    fake_fails("local v = ps.json.decode('[]') setmetatable(v, {})",
               "protected");
    fake_fails("return ps.null.x", "index");
}

/* Read-only views are what they show. */
static void encodes_conf(void)
{
    struct fake f;

    fake_init(&f);
    fake_policy(&f, "p",
                "return { api = 1, schema = { l = 'list', m = 'map',"
                " s = 'string' }, request = function(req, conf)"
                " ps.note(ps.json.encode(conf))"
                " ps.note(ps.json.encode { x = conf.l }) end }")
        ->conf = STR("{\"m\":{\"k\":[true]},\"l\":[1,{\"a\":2}],\"s\":\"t\"}");
    CU_ASSERT_TRUE(fake_open(&f, NULL));
    fake_run(&f, PHASE_REQUEST);
    UNIT_STR(f.notes, "p: {\"l\":[1,{\"a\":2}],\"m\":{\"k\":[true]},"
                      "\"s\":\"t\"}\np: {\"x\":[1,{\"a\":2}]}\n");
    fake_clear(&f);
}

static uint32_t seed = 1;

static uint32_t dice(uint32_t n)
{
    seed = seed * 1103515245 + 12345;
    return (seed >> 16) % n;
}

static json_t *random_text(void)
{
    static const char *const parts[] = { "a", "\"", "\\", "\n", "\xc3\xa4",
                                         " ", "\xf0\x9f\x98\x80", "/", "zz" };
    char out[64] = "";
    size_t n = dice(6);

    while (n--)
        strcat(out, parts[dice(9)]);
    return json_string(out);
}

/* An independent library's idea of values. */
static json_t *random_value(int depth)
{
    json_t *v;

    switch (dice(depth > 0 ? 7 : 5)) {
    case 0: return json_integer((json_int_t)dice(60000) * dice(60000) - 1000);
    case 1: return json_boolean(dice(2));
    case 2: return json_null();
    case 3: return random_text();
    case 4: return json_real((double)dice(1000) + 0.25);
    case 5:
        v = json_array();
        for (uint32_t n = dice(5); n; n--)
            json_array_append_new(v, random_value(depth - 1));
        return v;
    default:
        v = json_object();
        for (uint32_t n = dice(5); n; n--) {
            json_t *k = random_text();

            json_object_set_new(v, json_string_value(k),
                                random_value(depth - 1));
            json_decref(k);
        }
        return v;
    }
}

static void there_and_back(void)
{
    struct fake f;
    int bad = 0;

    fake_init(&f);
    fake_policy(&f, "p",
                "return { api = 1, request = function(req)"
                " local v, why = ps.json.decode(req.path) assert(not why, why)"
                " local got = ps.json.encode(v)"
                " if got ~= req.path then ps.note(got) end end }");
    CU_ASSERT_TRUE(fake_open(&f, NULL));
    for (int i = 0; i < 2000; i++) {
        json_t *v = random_value(5);
        char *text = json_dumps(v, JSON_COMPACT | JSON_SORT_KEYS |
                                       JSON_ENCODE_ANY);

        f.fields[FIELD_PATH] = text_value(text);
        f.notes[0] = '\0';
        fake_run(&f, PHASE_REQUEST);
        if (f.notes[0] || f.out.verdict != POLICY_NONE) {
            bad++;
            printf("\n%s became %s", text, f.notes);
        }
        free(text);
        json_decref(v);
    }
    UNIT_INT(bad, 0);
    fake_clear(&f);
}

/* What a hostile text costs, at the most. */
static void costs_at_most(void)
{
    static const char *const bodies[] = {
        "local s = '[' .. ('1,'):rep(99998) .. '1]' while true do"
        " ps.json.decode(s) end",
        "local s = ('{\"a\":'):rep(60) .. '1' .. ('}'):rep(60) while true do"
        " ps.json.decode(s) end",
        "local t = {} for i = 1, 20000 do t[('k'):rep(40) .. i] = i end"
        " while true do ps.json.encode(t) end",
    };

    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        double t0 = cpu_ms(), spent;

        fake_fails(bodies[i], "CPU budget");
        spent = cpu_ms() - t0;
        if (spent > 80 * UNIT_CPU_FACTOR)
            printf("\n%zu: %.1f ms", i, spent);
        CU_ASSERT_TRUE(spent < 80 * UNIT_CPU_FACTOR);
    }
}

UNIT_MAIN("api_json", { "decodes", decodes },
          { "refuses texts", refuses_texts }, { "encodes", encodes },
          { "refuses values", refuses_values },
          { "encodes conf", encodes_conf },
          { "there and back", there_and_back },
          { "costs at most", costs_at_most })

/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * The configuration language: what it reads, what it refuses, and at which
 * line. Whatever it accepts, Lua's own parser accepts too.
 */
#include "policy/conf_lua.h"

#include "engine/config.h"
#include "unit.h"

#include <lauxlib.h>
#include <lua.h>
#include <sys/stat.h>
#include <unistd.h>

static json_t *load(const char *text, struct err *err)
{
    *err = (struct err){0};
    return conf_load_text(str_of(text), "penstock.conf", err);
}

static void is_lua(const char *text)
{
    lua_State *lua = luaL_newstate();

    UNIT_INT(luaL_loadbufferx(lua, text, strlen(text), "=c", "t"), LUA_OK);
    lua_close(lua);
}

/* The tree without its marks, as JSON; "at: message" where it is refused. */
static void reads(const char *text, const char *want)
{
    struct err err;
    json_t *tree = load(text, &err);
    char got[2048];
    char *json;

    snprintf(got, sizeof got, "%s: %s", err.at, err.msg);
    if (tree) {
        if (!strchr("#{ ", text[0]))
            is_lua(text);
        json_object_del(tree, CONFIG_MARKS);
        json = json_dumps(tree, JSON_COMPACT | JSON_ENCODE_ANY);
        snprintf(got, sizeof got, "%s", json);
        free(json);
        json_decref(tree);
    }
    UNIT_STR(got, want);
}

static void directives(void)
{
    reads("", "{}");
    reads("-- only a comment", "{}");
    reads("#!/usr/bin/penstock\nstate '/x'", "{\"state\":\"/x\"}");
    reads("provider \"a\"", "{\"provider\":{\"a\":{}}}");
    reads("provider 'a' {} provider 'b'; provider [[c]] { http2 = true }",
          "{\"provider\":{\"a\":{},\"b\":{},\"c\":{\"http2\":true}}}");
    reads("provider(\"a\")({ http2 = false })",
          "{\"provider\":{\"a\":{\"http2\":false}}}");
    reads("server { workers = 2, }", "{\"server\":{\"workers\":2}}");
    reads("metrics \"0.0.0.0:9091\"", "{\"metrics\":\"0.0.0.0:9091\"}");
    reads("policies { 'a', { 'b', mode = 'observe' } }",
          "{\"policies\":[\"a\",{\"mode\":\"observe\",\"\":[\"b\"]}]}");
}

static void values(void)
{
    reads("server { a = 1, b = -2, c = 1.5, d = 1e3, e = 0x10, f = -0.5 }",
          "{\"server\":{\"a\":1,\"b\":-2,\"c\":1.5,\"d\":1000.0,\"e\":16,"
          "\"f\":-0.5}}");
    reads("server { [\"x-y\"] = true; ['end'] = false; }",
          "{\"server\":{\"x-y\":true,\"end\":false}}");
    reads("server { a = {}, b = { {}, { 1 } } }",
          "{\"server\":{\"a\":{},\"b\":[{},[1]]}}");
    reads("server { a = env 'X', b = env('Y', 'z'), c = file '/f', "
          "d = credential('k'), e = env(\"Q\") }",
          "{\"server\":{\"a\":{\"$env\":\"X\"},"
          "\"b\":{\"default\":\"z\",\"$env\":\"Y\"},\"c\":{\"$file\":\"/f\"},"
          "\"d\":{\"$credential\":\"k\"},\"e\":{\"$env\":\"Q\"}}}");
}

static void texts(void)
{
    reads("state 'a\\n\\t\\\\\\'\\x41\\065\\u{e9}\\z   b'",
          "{\"state\":\"a\\n\\t\\\\'AA\xc3\xa9"
          "b\"}");
    reads("state [[\nline\n]]", "{\"state\":\"line\\n\"}");
    reads("state [==[a]]b]=]c]==]", "{\"state\":\"a]]b]=]c\"}");
    reads("--[[ long\ncomment ]] state --[=[ ]] ]=] '/x'",
          "{\"state\":\"/x\"}");
    reads("state '\\u{20ac}\\u{1f600}'",
          "{\"state\":\"\xe2\x82\xac\xf0\x9f\x98\x80\"}");
}

/* text, "file:line: message" */
static const char *const faults[][2] = {
    {"provder \"x\"", "penstock.conf:1: unknown directive 'provder'; did you "
                      "mean 'provider'?"},
    {"\n\nzzzz {}", "penstock.conf:3: unknown directive 'zzzz'; see `penstock "
                    "config help`"},
    {"server = {}", "penstock.conf:1: 'server' takes no '='; write server "
                    "{ ... }"},
    {"state = '/x'", "penstock.conf:1: 'state' takes no '='; write state "
                     "\"value\""},
    {"x = 1", "penstock.conf:1: a configuration has no variables ('x ='); "
              "write values where they are used"},
    {"function f() end", "penstock.conf:1: functions belong in a policy file"},
    {"server { a = function() end }",
     "penstock.conf:1: functions belong in a policy file"},
    {"local x = 1", "penstock.conf:1: 'local' is not for a configuration: it "
                    "is data; programs belong in a policy file"},
    {"state '/x'\nfor i = 1, 2 do end",
     "penstock.conf:2: 'for' is not for a configuration: it is data; programs "
     "belong in a policy file"},
    {"while true do end", "penstock.conf:1: 'while' is not for a "
                          "configuration: it is data; programs belong in a "
                          "policy file"},
    {"server {\n a = foo }", "penstock.conf:2: undefined variable 'foo'; a "
                             "text is written in quotes: \"foo\""},
    {"server { a = 1 + 2 }", "penstock.conf:1: expressions are not evaluated "
                             "('+'); write the value itself"},
    {"state 'a' .. 'b'", "penstock.conf:1: expressions are not evaluated "
                         "('.'); write the value itself"},
    {"server { a = 1,\n a = 2 }", "penstock.conf:2: 'a' is given twice: here "
                                  "and at penstock.conf:1"},
    {"provider 'a'\nprovider 'a'", "penstock.conf:2: provider \"a\" is given "
                                   "twice: here and at penstock.conf:1"},
    {"state '/a'\nstate '/b'", "penstock.conf:2: state is given twice: here "
                               "and at penstock.conf:1"},
    {"policies { 'a', nil, 'b' }", "penstock.conf:1: nil leaves a hole; leave "
                                   "the value out"},
    {"server {\n\n", "penstock.conf:1: the table that begins here has no '}'"},
    {"server { a = }", "penstock.conf:1: a value is expected at '}'"},
    {"server { a", "penstock.conf:1: undefined variable 'a'; a text is "
                   "written in quotes: \"a\""},
    {"server { end = 1 }", "penstock.conf:1: 'end' is a word of Lua; write "
                           "[\"end\"] = ..."},
    {"server { [1] = 2 }", "penstock.conf:1: a text in quotes is expected "
                           "here"},
    {"server { a = 30s }", "penstock.conf:1: 30s is not a number; write texts "
                           "and values with a unit in quotes: \"30s\""},
    {"provider {}", "penstock.conf:1: 'provider' needs a name; write provider "
                    "\"name\" { ... }"},
    {"listen 8080", "penstock.conf:1: 'listen' needs a value; write listen "
                    "\"127.0.0.1:8080\""},
    {"listen(8080)", "penstock.conf:1: 'listen' needs a name; write listen "
                     "\"127.0.0.1:8080\" { ... }"},
    {"metrics", "penstock.conf:1: 'metrics' needs a value; write metrics "
                "\"127.0.0.1:8080\""},
    {"listen 'a' {} {}", "penstock.conf:1: one value too many for 'listen'"},
    {"'x'", "penstock.conf:1: a directive is expected here, like listen "
            "\"127.0.0.1:8080\""},
    {"state 'x", "penstock.conf:1: the text has no closing '"},
    {"state [[x", "penstock.conf:1: the long text or comment that begins here "
                  "has no end"},
    {"\n--[[ x", "penstock.conf:2: the long text or comment that begins here "
                 "has no end"},
    {"state '\\q'", "penstock.conf:1: a bad escape in a text; write \\\\ for a "
                    "backslash"},
    {"state '\\xff'", "penstock.conf:1: a text that is not UTF-8, or holds a "
                      "zero byte"},
    {"state '\\0'", "penstock.conf:1: a text that is not UTF-8, or holds a "
                    "zero byte"},
    {"state file('/x', 'y')", "penstock.conf:1: only env has a default"},
    {"state env", "penstock.conf:1: a text in quotes is expected here"},
    {"include 'x'", "penstock.conf:1: include needs a configuration that is a "
                    "file"},
    {"include {}", "penstock.conf:1: include needs a path; write include "
                   "\"conf.d/*.conf\""},
    {"\n\x80", "penstock.conf:2: is not UTF-8 text"},
    {"\x1bLua\x54", "penstock.conf: is compiled Lua; the configuration is a "
                    "text"},
    {"{\"a\":}", "penstock.conf:1: unexpected token near '}'"},
    {"{\"a\":1,\"a\":2}", "penstock.conf:1: duplicate object key near '\"a\"'"},
    {"{\"@\":{}}", "penstock.conf: unknown directive '@'"},
};

static void refused(void)
{
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++)
        reads(faults[i][0], faults[i][1]);
}

static void json_as_is(void)
{
    reads(" {\"provider\": {\"a\": {}}, \"x\": [1, null]}",
          "{\"provider\":{\"a\":{}},\"x\":[1,null]}");
}

static void marks(void)
{
    static const char *const want[][2] = {
        {"/server", "penstock.conf:1"},
        {"/server/workers", "penstock.conf:2"},
        {"/model/a~1b", "penstock.conf:4"},
        {"/model/a~1b//1", "penstock.conf:5"},
        {"/model/a~1b//1/weight", "penstock.conf:6"},
        {"/model/a~1b//1//0", "penstock.conf:5"},
    };
    struct err err;
    json_t *tree = load("server {\n workers = 2\n}\nmodel 'a/b' { 'x/y',\n"
                        " { 'x/z',\n weight = 3 } }", &err);

    for (size_t i = 0; i < sizeof want / sizeof want[0]; i++)
        UNIT_STR(json_string_value(json_object_get(
                     json_object_get(tree, CONFIG_MARKS), want[i][0])),
                 want[i][1]);
    json_decref(tree);
}

/* ---- files ------------------------------------------------------------- */

static char folder[64];

static void put(const char *name, const char *text)
{
    char path[256];
    FILE *f;

    snprintf(path, sizeof path, "%s/%s", folder, name);
    f = fopen(path, "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    fputs(text, f);
    fclose(f);
}

static void files(const char *name, const char *want)
{
    char path[256], got[1024];
    struct err err = {0};
    json_t *tree;
    char *json;

    snprintf(path, sizeof path, "%s/%s", folder, name);
    tree = conf_load(path, &err);
    snprintf(got, sizeof got, "%s: %s", err.at, err.msg);
    if (tree) {
        json_object_del(tree, CONFIG_MARKS);
        json = json_dumps(tree, JSON_COMPACT);
        snprintf(got, sizeof got, "%s", json);
        free(json);
        json_decref(tree);
    }
    if (want)
        UNIT_STR(got, want);
    else
        CU_ASSERT_PTR_NOT_NULL(strstr(got, "No such file"));
}

static void remove_files(void)
{
    static const char *const names[] = {
        "conf.d/10.conf", "conf.d/20.conf", "more", "penstock.conf",
        "twice.conf", "loop.conf", "typo.conf", "bad.conf",
    };
    char path[256];

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        unlink(path);
    }
    snprintf(path, sizeof path, "%s/conf.d", folder);
    rmdir(path);
    UNIT_INT(rmdir(folder), 0);
}

static void includes(void)
{
    char command[128];

    snprintf(folder, sizeof folder, "/tmp/penstock-conf-%d", (int)getpid());
    mkdir(folder, 0700);
    snprintf(command, sizeof command, "%s/conf.d", folder);
    mkdir(command, 0700);
    put("conf.d/20.conf", "provider 'b'");
    put("conf.d/10.conf", "provider 'a'\ninclude '../more'");
    put("more", "state '/x'");
    put("penstock.conf", "include 'conf.d/*.conf'\ninclude 'none/*.conf'");
    files("penstock.conf", "{\"provider\":{\"a\":{},\"b\":{}},"
                           "\"state\":\"/x\"}");
    put("twice.conf", "provider 'b'\ninclude 'conf.d/*.conf'");
    files("twice.conf", "conf.d/20.conf:1: provider \"b\" is given twice: "
                        "here and at twice.conf:1");
    put("loop.conf", "include 'loop.conf'");
    files("loop.conf", "loop.conf:1: includes are more than 8 deep");
    put("typo.conf", "\ninclude 'conf.d/30.conf'");
    files("typo.conf", NULL);
    files("absent.conf", NULL);
    put("bad.conf", "include 'conf.d/10.conf'\nprovder 'x'");
    files("bad.conf", "bad.conf:2: unknown directive 'provder'; did you mean "
                      "'provider'?");
    remove_files();
}

static void deep(void)
{
    char text[400] = "server { a = ";
    struct err err;
    size_t n = strlen(text);

    memset(text + n, '{', 100);
    CU_ASSERT_PTR_NULL(load(text, &err));
    UNIT_STR(err.msg, "tables are more than 32 deep");
}

UNIT_MAIN("conf_lua", {"directives", directives}, {"values", values},
          {"texts", texts}, {"refused", refused}, {"json", json_as_is},
          {"marks", marks}, {"includes", includes}, {"deep", deep})

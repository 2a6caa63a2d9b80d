/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Who may call a listener without a key, where nothing is said. */
#include "config_fixture.h"

#define SHA "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"

/* The rule of the one listener of a configuration with these lines. */
static void rule_is(const char *lines, const char *want)
{
    char text[400];
    struct err err = { 0 };
    json_t *t, *listen;

    snprintf(text, sizeof text, "provider 'sim' listen '127.0.0.1:1'\n%s",
             lines);
    t = fixture_check(text, &err);
    if (!t)
        printf("\n%s: %s", lines, err.msg);
    CU_ASSERT_PTR_NOT_NULL_FATAL(t);
    listen = json_object_get(json_object_get(t, "listen"), "127.0.0.1:1");
    UNIT_STR(json_string_value(json_object_get(listen, "anonymous")), want);
    json_decref(t);
}

static void knows_who_else_may_call(void)
{
    rule_is("", "local");
    rule_is("key 'a' { sha256 = '" SHA "' }", "none");
    rule_is("team 'a'", "none");
    rule_is("keys { store = true }", "none");
    rule_is("admin 'unix:/run/a' { token = env('K', 'x') }", "none");
    rule_is("policies { 'auth', 'route' }", "local");
}

/* A policy of this text, listed as `entry`. */
static void policy_makes(const char *text, const char *entry,
                         const char *want)
{
    char lines[200], path[128];

    fixture_paths();
    fixture_put("own.lua", text);
    snprintf(lines, sizeof lines, "policies { 'auth', %s, 'route' }", entry);
    rule_is(lines, want);
    snprintf(path, sizeof path, "%s/own.lua", fixture_folder);
    unlink(path);
}

static void reads_policies(void)
{
    policy_makes("local M = { api = 1 }\n"
                 "function M.authenticate(req) return nil end\nreturn M\n",
                 "'own'", "none");
    policy_makes("return { api = 1, authenticate = f }", "'own'", "none");
    policy_makes("return { api = 1,\n  ['authenticate']=f}", "'own'", "none");
    policy_makes("authenticate", "'own'", "none");
    policy_makes("return { api = 1, authenticate = f }",
                 "{ 'own', mode = 'observe' }", "local");
    policy_makes("-- after authenticate\nreturn { api = 1 } -- authenticate",
                 "'own'", "local");
    policy_makes("return { authenticated = 1, reauthenticate = 2,\n"
                 "x_authenticate = 3, authenticate_ = 4 }", "'own'", "local");
    policy_makes("", "'own'", "local");
}

static void the_shipped_one_may_be_replaced(void)
{
    char lines[200], own[96], path[128];

    fixture_paths();
    fixture_put("auth.lua", "return { authenticate = 1 }");
    rule_is("policies { 'auth', 'route' }", "local");
    snprintf(own, sizeof own, "%s/own", fixture_folder);
    mkdir(own, 0700);
    fixture_put("own/auth.lua", "return { authenticate = 1 }");
    snprintf(lines, sizeof lines,
             "policy_path '%s' policies { 'auth', 'route' }", own);
    rule_is(lines, "none");
    snprintf(path, sizeof path, "%s/auth.lua", own);
    unlink(path);
    rmdir(own);
    fixture_clear();
}

static void outside_is_open_to_whom_policies_know(void)
{
    struct err err = { 0 };
    json_t *t;

    fixture_paths();
    fixture_put("route.lua", "return { authenticate = 1 }");
    t = fixture_check("provider 'sim' listen '0.0.0.0:1'\n"
                      "policies { 'route' }", &err);
    CU_ASSERT_PTR_NOT_NULL(t);
    json_decref(t);
    fixture_put("route.lua", "return { api = 1 }");
    t = fixture_check("provider 'sim' listen '0.0.0.0:1'\n"
                      "policies { 'route' }", &err);
    CU_ASSERT_PTR_NULL(t);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.msg, "reached from outside"));
    json_decref(t);
    fixture_clear();
}

UNIT_MAIN("config_callers",
          { "knows who else may call", knows_who_else_may_call },
          { "reads policies", reads_policies },
          { "the shipped one may be replaced",
            the_shipped_one_may_be_replaced },
          { "outside is open to whom policies know",
            outside_is_open_to_whom_policies_know })

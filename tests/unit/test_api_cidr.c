/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* ps.cidr, and keys of conf that are networks. */
#include "policy_unit.h"

static void lists(void)
{
    fake_shows("local n = ps.cidr{ '10.0.0.0/8', 'fd00::/8' }"
               " show(n:contains('10.1.2.3'), n:contains('11.1.2.3'),"
               " n:contains('fd00::1'), n:contains('::ffff:10.0.0.1'))",
               "p: true false true true\n");
    fake_shows("show(ps.cidr{}:contains('10.1.2.3'))", "p: false\n");
    fake_shows("show(ps.cidr{ '::/0' }:contains('unix'))", "p: false\n");
    fake_shows("show(ps.cidr{ '::/0' }:contains(''))", "p: false\n");
}

static void raises(void)
{
    fake_fails("ps.cidr{ '10.0.0.0/8', '10.0.0.0/33' }",
               "ps.cidr[2]: '10.0.0.0/33' is no network");
    fake_fails("ps.cidr{ 10 }", "ps.cidr[1]: a text is needed, not a number");
    fake_fails("ps.cidr('10.0.0.0/8')", "table expected, got string");
    fake_fails("ps.cidr(setmetatable({}, { __len = function() return 1e9 // 1"
               " | 0 end }))", "at most 16384");
    fake_fails("ps.cidr(setmetatable({}, { __len = function() return -1 end"
               " }))", "at most 16384");
    fake_fails("ps.cidr{}:contains(nil)", "string expected");
    fake_fails("ps.cidr{}.has('x')", "cidrs:has does not exist");
}

#define SCHEMA                                                                \
    "return { api = 1, schema = { nets = 'cidrs', s = 'string' },"            \
    " request = function(req, conf) ps.note(conf.nets and"                    \
    " tostring(conf.nets:contains('10.9.9.9')) or 'nil') end }"

static void conf(const char *json, const char *want, const char *refused)
{
    struct err err = { 0 };
    struct fake f;

    fake_init(&f);
    fake_policy(&f, "p", SCHEMA)->conf = str_of(json);
    if (fake_open(&f, &err))
        fake_run(&f, PHASE_REQUEST);
    if (refused && !strstr(err.msg, refused))
        printf("\n%s: %s", json, err.msg);
    if (refused)
        CU_ASSERT_PTR_NOT_NULL(strstr(err.msg, refused));
    if (want)
        UNIT_STR(f.notes, want);
    fake_clear(&f);
}

static void of_conf(void)
{
    conf("{\"nets\":[\"10.0.0.0/8\"]}", "p: true\n", NULL);
    conf("{\"nets\":[\"11.0.0.0/8\",\"::1\"]}", "p: false\n", NULL);
    conf("{\"nets\":{}}", "p: false\n", NULL);
    conf("{}", "p: nil\n", NULL);
    conf("{\"nets\":[\"10.0.0.0/8\",\"10.0.0.0/40\"]}", NULL,
         "conf.nets[2]: '10.0.0.0/40' is no network");
    conf("{\"nets\":[7]}", NULL, "conf.nets[1]: a text is needed");
    conf("{\"nets\":\"10.0.0.0/8\"}", NULL, "conf.nets: a list of networks");
}

UNIT_MAIN("api_cidr", { "lists", lists }, { "raises", raises },
          { "of conf", of_conf })

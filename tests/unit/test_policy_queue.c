/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* ps.queue as policies' tests see it: time passes until the limit has room, or
 * it is a denial that says when. */
#include "policy_harness.h"

static const char patient[] =
    "return { api = 1, admit = function(req) "
    "local no = ps.take { { 'requests', per = 'key', limit = '60/min', "
    "burst = 1 }, { 'concurrent', per = 'team', limit = 2 } } "
    "if no then return ps.queue { max_wait_ms = 2500 } end end }";

static void waits_for_the_exact_time(void)
{
    expect_passed(patient,
                  "ps.test('in turn', { calls = { "
                  "{ expect = { waited_ms = 0 } }, "
                  "{ expect = { waited_ms = 1000 } }, "
                  "{ after_ms = 400, expect = { waited_ms = 600 } }, "
                  "{ after_ms = 5000, expect = { waited_ms = 0 } } } })", 1);
    expect_told(patient,
                "ps.test('a', { calls = { {}, { expect = { waited_ms = 999 } "
                "} } })",
                "- waited_ms  999\n+ waited_ms  1000\n");
}

static const char hasty[] =
    "return { api = 1, admit = function(req) "
    "local no = ps.take { { 'requests', per = 'key', limit = '60/min', "
    "burst = 1 } } "
    "if no then return ps.queue { max_wait_ms = 400 } end end }";

static void no_longer_than_it_may(void)
{
    expect_passed(hasty,
                  "ps.test('a', { calls = { {}, "
                  "{ expect = { deny = 'rate_limited', retry_after = 1, "
                  "waited_ms = 0 } }, "
                  "{ after_ms = 700, expect = { waited_ms = 300 } } } })", 1);
}

static void who_is_inside_is_waited_for(void)
{
    expect_passed("return { api = 1, admit = function(req) "
                  "local no = ps.take { { 'concurrent', per = 'key', "
                  "limit = 1 } } "
                  "if no then return ps.queue { max_wait_ms = 1500 } end "
                  "end }",
                  "ps.test('a', { calls = { { running = true }, "
                  "{ expect = { deny = 'rate_limited', retry_after = 1, "
                  "waited_ms = 1500 } } } })", 1);
}

static void who_observes_waits_for_nothing(void)
{
    expect_passed(patient,
                  "ps.test('a', { mode = 'observe', calls = { {}, {}, "
                  "{ expect = { waited_ms = 0 } } } })", 1);
    expect_passed("return { api = 1, admit = function(req) "
                  "local no = ps.take { { 'requests', per = 'key', "
                  "limit = '1/day', burst = 1 } } or ps.take { "
                  "{ 'tokens', per = 'key', limit = '1/day' } } "
                  "if no then return ps.queue { max_wait_ms = 9 } end end }",
                  "ps.test('a', { calls = { {}, "
                  "{ expect = { deny = 'rate_limited' } } } })", 1);
}

/* As one expects it to fail. */
static void fails(const char *body, const char *why)
{
    char source[512], test[512];

    snprintf(source, sizeof source,
             "return { api = 1, admit = function(req) %s end }", body);
    snprintf(test, sizeof test,
             "ps.test('a', { expect = { fails = '%s' } })", why);
    expect_passed(source, test, 1);
}

static void mistakes_raise(void)
{
    fails("return ps.queue { max_wait_ms = 5 }",
          "no ps.take of this policy was refused");
    fails("return ps.queue()", "table expected");
    fails("return ps.queue {}", "max_wait_ms is from 1 to 3600000");
    fails("return ps.queue { max_wait_ms = 0 }", "is from 1 to");
    fails("return ps.queue { max_wait_ms = 4e6 }", "is from 1 to");
    fails("return ps.queue { wait_ms = 5 }", "{ max_wait_ms = } alone");
    fails("ps.take { { 'requests', per = 'key', limit = '1/day' } } "
          "return ps.queue { max_wait_ms = 5 }",
          "there is nothing to wait for");
    expect_passed("return { api = 1, validate = function(req) "
                  "return ps.queue { max_wait_ms = 5 } end }",
                  "ps.test('a', { expect = { fails = 'no ps.take' } })", 1);
}

UNIT_MAIN("policy_queue",
          { "waits for the exact time", waits_for_the_exact_time },
          { "no longer than it may", no_longer_than_it_may },
          { "who is inside", who_is_inside_is_waited_for },
          { "who observes", who_observes_waits_for_nothing },
          { "mistakes raise", mistakes_raise })

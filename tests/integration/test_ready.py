# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""/readyz follows what could be served: 503 while no model has a usable
target, 200 again by itself, and never a word of detail."""
import json

from conftest import wait_for
from test_breaker import Sick, good
from test_faults import body, settled
from upstream import Upstream

CONFIG = """
listen "127.0.0.1:0"
server {{ workers = 1 }}
defaults {{ retries = {{ attempts = 2, same_target = 0 }} }}
provider "a" {{ vendor = "openai-compatible", base_url = "{a}",
               keys = {{ {keys} }} }}
model "m" {{ "a/first" }}
"""
ONE = 'env("UNSET", "k1")'
TWO = '{ env("UNSET", "k1"), name = "one" }, ' \
      '{ env("UNSET", "k2"), name = "two" }'


def ready(p):
    c = p.connect()
    c.request("GET", "/readyz")
    got = c.getresponse()
    text = got.read()
    c.close()
    assert json.loads(text) == {"status": "ok" if got.status == 200
                                else "unavailable"}
    return got.status


def ask(p):
    return p.post("/v1/chat/completions", body(False, "m")).status


def test_it_needs_a_target_whose_breaker_is_not_open(penstock):
    sick = Sick()
    with Upstream(sick) as up:
        p = penstock(CONFIG.format(a=up.url, keys=ONE))
        assert ready(p) == 200
        for _ in range(4):
            assert ask(p) == 500
            assert ready(p) == 200
        assert ask(p) == 500
        assert ready(p) == 503
        sick.answer = good
        assert ask(p) == 200  # what comes all the same is tried
        assert ready(p) == 503
        wait_for(lambda: ready(p) == 200, 15)  # half-open
        settled(p)


def test_it_needs_a_credential_that_does_not_rest(penstock):
    def limited(conn, _):
        conn.answer({"error": {"message": "slowly"}}, 429,
                    extra=(("retry-after", "2"),))
    with Upstream(limited) as up:
        p = penstock(CONFIG.format(a=up.url, keys=TWO))
        assert ready(p) == 200
        assert ask(p) == 429  # both keys were asked
        assert len(up.requests) == 2
        assert ready(p) == 503
        wait_for(lambda: ready(p) == 200, 5)
        settled(p)

# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""Who has reported that less is left of a limit than a request will want is
passed over until the reset, in all workers, while somebody else is there."""
import time

import pytest

from conftest import wait_for
from test_breaker import good
from test_faults import body, settled
from upstream import Upstream

KEYS = """
listen "127.0.0.1:0" {{ detail = "full" }}
server {{ workers = 2 }}
provider "a" {{ vendor = "openai-compatible", base_url = "{a}",
               keys = {{ env("UNSET", "k1"), env("UNSET", "k2") }} }}
model "m" {{ "a/first" }}
"""
TARGETS = """
listen "127.0.0.1:0" {{ detail = "full" }}
server {{ workers = 2 }}
provider "a" {{ vendor = "openai-compatible", base_url = "{a}",
               keys = {{ env("UNSET", "k1") }} }}
provider "b" {{ vendor = "openai-compatible", base_url = "{b}",
               keys = {{ env("UNSET", "k2") }} }}
model "m" {{ "a/first", "b/second" }}
model "alone" {{ "a/first" }}
"""


def answer(conn, extra=()):
    conn.answer({"id": "c", "object": "chat.completion", "model": "first",
                 "choices": [{"index": 0, "finish_reason": "stop",
                              "message": {"role": "assistant",
                                          "content": "hi"}}]}, extra=extra)


def left(what, n, reset="3s"):
    return ((f"x-ratelimit-remaining-{what}", str(n)),
            (f"x-ratelimit-reset-{what}", reset))


def ask(p, model="m", max_tokens=100):
    r = p.post("/v1/chat/completions",
               {**body(False, model), "max_tokens": max_tokens})
    assert r.status == 200
    return r


def by(up, key):
    return sum(r.header("authorization") == f"Bearer {key}"
               for r in up.requests)


@pytest.mark.parametrize("what,n", [("tokens", 40), ("requests", 0)])
def test_another_key_until_the_reset(penstock, what, n):
    def handler(conn, request):
        one = request.header("authorization") == "Bearer k1"
        answer(conn, left(what, n if one else 500000))
    with Upstream(handler) as a:
        p = penstock(KEYS.format(a=a.url))
        wait_for(lambda: ask(p) and by(a, "k1"), 5)
        begin, seen = time.monotonic(), by(a, "k1")
        for _ in range(8):
            ask(p)
        assert time.monotonic() - begin < 2.5
        assert by(a, "k1") == seen
        wait_for(lambda: ask(p) and by(a, "k1") > seen, 8)
        settled(p)


def test_a_small_request_still_fits(penstock):
    def handler(conn, request):
        answer(conn, left("tokens", 5000, "60s"))
    with Upstream(handler) as a, Upstream(good) as b:
        p = penstock(TARGETS.format(a=a.url, b=b.url))
        for _ in range(6):
            ask(p)
        assert len(a.requests) == 6
        ask(p, max_tokens=6000)
        assert (len(a.requests), len(b.requests)) == (6, 1)
        settled(p)


def test_another_target_until_the_reset(penstock):
    def handler(conn, request):
        answer(conn, left("tokens", 10))
    with Upstream(handler) as a, Upstream(good) as b:
        p = penstock(TARGETS.format(a=a.url, b=b.url))
        ask(p)
        for _ in range(6):
            r = ask(p)
            assert r.headers["x-penstock-attempts"] == "b:200"
        assert len(a.requests) == 1
        told = p.cli("explain", r.headers["x-request-id"]).stdout
        assert "pace: passed over a/first: little is left of its limit" in told
        ask(p, "alone")  # nobody is shut out by it
        assert len(a.requests) == 2
        wait_for(lambda: ask(p).headers["x-penstock-attempts"] == "a:200", 8)
        settled(p)


def test_what_makes_no_sense_is_not_heeded(penstock):
    def handler(conn, request):
        answer(conn, (("x-ratelimit-remaining-tokens", "1"),
                      ("x-ratelimit-reset-tokens", "soon"),
                      ("x-ratelimit-remaining-requests", "none"),
                      ("x-ratelimit-reset-requests", "60s")))
    with Upstream(handler) as a, Upstream(good) as b:
        p = penstock(TARGETS.format(a=a.url, b=b.url))
        for _ in range(5):
            ask(p)
        assert len(b.requests) == 0
        settled(p)

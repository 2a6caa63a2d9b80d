# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""An answer that begins and falls silent: before content another target is
asked, after it the client is told; whole answers have the same."""
import os
import threading

import pytest

from conftest import wait_for
from test_faults import (CONTENT, DONE, FINISH, ROLE, WHOLE, body, one_line,
                         read_stream)
from upstream import Upstream

CONFIG = """
listen "127.0.0.1:0"
defaults {{ timeouts = {{ gap = {gap}, idle = {idle}, first_event = "20s",
                          head = "20s", total = "30s" }},
            retries = {{ attempts = 2, same_target = 0 }} }}
provider "a" {{ vendor = "openai-compatible", base_url = "{a}",
               keys = {{ env("UNSET", "ka") }} }}
provider "b" {{ vendor = "openai-compatible", base_url = "{b}",
               keys = {{ env("UNSET", "kb") }} }}
model "m" {{ "a/first", "b/second" }}
"""


LEARNED = """
listen "127.0.0.1:0"
provider "a" {{ vendor = "openai-compatible", base_url = "{a}",
               keys = {{ env("UNSET", "ka") }} }}
provider "b" {{ vendor = "openai-compatible", base_url = "{b}",
               keys = {{ env("UNSET", "kb") }} }}
model "m" {{ "a/first", fallback = {{ "b/second" }} }}
"""


def role_alone(conn, _):
    conn.head(200, "text/event-stream")
    conn.chunk(ROLE)
    conn.wait_gone(30)


def some_content(conn, _):
    conn.head(200, "text/event-stream")
    conn.chunk(ROLE + CONTENT % "half")
    conn.wait_gone(30)


def half_a_body(conn, _):
    conn.head(200, "application/json", 1000)
    conn.send('{"choices":')
    conn.wait_gone(30)


def good(conn, request):
    if request.json().get("stream"):
        conn.answer(ROLE + CONTENT % "hello" + FINISH + DONE, 200,
                    "text/event-stream")
    else:
        conn.answer(WHOLE)


def start(penstock, a, b, gap='"400ms"', idle='"10s"'):
    return penstock(CONFIG.format(a=a.url, b=b.url, gap=gap, idle=idle))


def test_before_content_another_target_is_asked(penstock):
    with Upstream(role_alone) as a, Upstream(good) as b:
        p = start(penstock, a, b)
        got, clean = read_stream(p, body(True, "m"))
        assert clean and "hello" in got and got.count('"role"') == 1
        tries = one_line(p)["attempts"]
        assert tries[0]["why"] == ("upstream_timeout: gap 400 ms passed "
                                   "(provider a, attempt 1)")
        assert wait_for(a.closed)


def test_after_content_the_client_is_told(penstock):
    with Upstream(some_content) as a, Upstream(good) as b:
        p = start(penstock, a, b)
        got, clean = read_stream(p, body(True, "m"))
        assert "half" in got and "hello" not in got
        assert "gap 400 ms passed" in got and "[DONE]" not in got
        assert not clean
        assert wait_for(a.closed)


def test_a_whole_answer_that_stalls_is_asked_of_another(penstock):
    with Upstream(half_a_body) as a, Upstream(good) as b:
        p = start(penstock, a, b, '"20s"', '"400ms"')
        r = p.post("/v1/chat/completions", body(False, "m"))
        assert r.status == 200 and r.json() == WHOLE
        assert one_line(p)["attempts"][0]["why"] == (
            "upstream_timeout: idle 400 ms passed (provider a, attempt 1)")
        assert wait_for(a.closed)


def slow(before, within):
    """A role at once, then silence before content or within it."""
    def serve(conn, request):
        last = request.json()["messages"][-1]["content"]
        conn.head(200, "text/event-stream")
        conn.chunk(ROLE)
        if last == "think":
            conn.wait_gone(before)
        conn.chunk(CONTENT % "one")
        if last == "stall":
            conn.wait_gone(within)
        conn.chunk(CONTENT % "two" + FINISH + DONE)
        conn.end()
    return serve


@pytest.mark.skipif(not os.environ.get("PENSTOCK_LONG"), reason="13 seconds")
def test_what_was_learned_holds_within_content_alone(penstock):
    """After streams without a pause: a long thought behind the role's chunk
    is none of their silences, one between two contents is a stall."""
    with Upstream(slow(13, 30)) as a, Upstream(good) as b:
        p = penstock(LEARNED.format(a=a.url, b=b.url))
        for _ in range(22):
            assert read_stream(p, body(True, "m"))[1]
        got = {}

        def ask(what):
            said = body(True, "m")
            said["messages"] = [{"role": "user", "content": what}]
            got[what] = read_stream(p, said)

        threads = [threading.Thread(target=ask, args=(what,))
                   for what in ("think", "stall")]
        for t in threads:
            t.start()
        for t in threads:
            t.join(60)
        text, clean = got["think"]
        assert clean and "one" in text and "two" in text
        assert not b.requests
        text, clean = got["stall"]
        assert "gap 10 s passed" in text and "two" not in text and not clean


@pytest.mark.parametrize("pieces", [6])
def test_one_that_goes_on_is_let_be(penstock, pieces):
    def drips(conn, _):
        conn.head(200, "text/event-stream")
        conn.chunk(ROLE)
        for i in range(pieces):
            conn.wait_gone(0.2)
            conn.chunk(CONTENT % i)
        conn.chunk(FINISH + DONE)
        conn.end()

    with Upstream(drips) as a, Upstream(good) as b:
        p = start(penstock, a, b, '"2s"')
        got, clean = read_stream(p, body(True, "m"))
        assert clean and got.count('"content":"') == pieces + 1

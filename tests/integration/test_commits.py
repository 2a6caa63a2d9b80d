# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""Head commit and content commit, the timers between them, and what the
answer's head says of the way it took."""
import http.client
import json
import time

import pytest

from conftest import wait_for
from test_faults import (CONTENT, DONE, FINISH, ROLE, WHOLE, body, one_line,
                         read_stream, settled)
from upstream import Upstream

CONFIG = """
listen "127.0.0.1:0" {{ detail = "full" }}
defaults {{ timeouts = {{ commit_after = "200ms", total = "20s" }},
            retries = {{ attempts = 2, same_target = 0 }} }}
provider "a" {{ vendor = "openai-compatible", base_url = "{a}",
               keys = {{ env("UNSET", "ka") }} }}
provider "b" {{ vendor = "openai-compatible", base_url = "{b}",
               keys = {{ env("UNSET", "kb") }} }}
model "m" {{ "a/first", "b/second" }}
"""


def slow_then_good(conn, _):
    time.sleep(0.7)
    conn.head(200, "text/event-stream")
    conn.chunk(ROLE + CONTENT % "late" + FINISH + DONE)
    conn.end()


def slow_then_gone(conn, _):
    conn.head(200, "text/event-stream")
    conn.chunk(ROLE)
    time.sleep(0.7)
    conn.reset()


def good(conn, _):
    conn.answer(ROLE + CONTENT % "second" + FINISH + DONE, 200,
                "text/event-stream")


def test_keep_alive_before_content(penstock):
    with Upstream(slow_then_good) as a:
        p = penstock(CONFIG.format(a=a.url, b=a.url))
        got, clean = read_stream(p, body(True, "m"))
        assert got.startswith(": keep-alive\n\n") and clean
        assert got.endswith(ROLE + CONTENT % "late" + FINISH + DONE)


def test_failover_after_head_commit(penstock):
    with Upstream(slow_then_gone) as a, Upstream(good) as b:
        p = penstock(CONFIG.format(a=a.url, b=b.url))
        got, clean = read_stream(p, body(True, "m"))
        assert got == ": keep-alive\n\n" + ROLE + CONTENT % "second" \
            + FINISH + DONE
        assert clean and len(one_line(p)["attempts"]) == 2


def test_failure_after_head_commit(penstock):
    with Upstream(slow_then_gone) as a:
        p = penstock(CONFIG.format(a=a.url, b=a.url))
        got, clean = read_stream(p, body(True, "m"))
        assert not clean and "[DONE]" not in got
        last = got.strip().split("\n\n")[-1]
        error = json.loads(last.removeprefix("data: "))["error"]
        assert error["code"] == "upstream_error"
        assert ROLE not in got
        settled(p)


def test_whole_answer_after_head_commit(penstock):
    """A stream was begun; JSON that a provider then sends becomes events."""
    def slow_json(conn, _):
        time.sleep(0.5)
        conn.answer(WHOLE)

    with Upstream(slow_json) as a, Upstream(good) as b:
        p = penstock(CONFIG.format(a=a.url, b=b.url))
        got, clean = read_stream(p, body(True, "m"))
        assert got.startswith(": keep-alive\n\ndata: ") and clean
        assert '"content":"hello"' in got and got.endswith(DONE)
        assert len(one_line(p)["attempts"]) == 1


def test_the_clients_own_timeout(penstock):
    def silent(conn, _):
        conn.wait_gone()

    with Upstream(silent) as a:
        p = penstock(CONFIG.format(a=a.url, b=a.url))
        began = time.monotonic()
        r = p.post("/v1/chat/completions", body(False, "m"),
                   headers={"x-stainless-timeout": "1"})
        assert r.status == 504 and time.monotonic() - began < 8
        assert "total 1 s passed" in r.json()["error"]["message"]
        assert r.headers["x-should-retry"] == "false"
        assert len(one_line(p)["attempts"]) == 1
        wait_for(a.closed, why="the upstream's end")


def test_detail(penstock):
    def limited(conn, _):
        conn.answer({"error": {"message": "slow down"}}, 429)

    def whole(conn, _):
        conn.answer(WHOLE, extra=[("x-request-id", "up-1"),
                                  ("set-cookie", "a=b"),
                                  ("openai-version", "2020-10-01")])

    with Upstream(limited) as a, Upstream(whole) as b:
        p = penstock(CONFIG.format(a=a.url, b=b.url))
        r = p.post("/v1/chat/completions", body(False, "m"))
        assert r.status == 200
        assert r.headers["x-penstock-attempts"] == "a:429 b:200"
        assert r.headers["x-penstock-target"] == "b/second"
        assert r.headers["x-penstock-model"] == "m"
        assert r.headers["x-penstock-generation"] == "1"
        assert r.headers["x-penstock-upstream-request-id"] == "up-1"
        assert r.headers["openai-version"] == "2020-10-01"
        assert "gw;dur=" in r.headers["server-timing"]
        assert "set-cookie" not in r.headers
        assert "x-penstock-error" not in r.headers
        line = one_line(p)
        assert r.headers["x-request-id"] == line["id"]
        assert line["tokens"] == {"input": 3, "output": 2}
        assert [t.get("class") for t in line["attempts"]] == \
            ["rate_limit", None]


def test_trace_and_headers_upstream(penstock):
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    with Upstream(lambda c, r: c.answer(WHOLE)) as a:
        p = penstock(CONFIG.format(a=a.url, b=a.url))
        p.post("/v1/chat/completions", body(False, "m"), headers={
            "traceparent": trace, "x-penstock-tags": "a", "cookie": "c",
            "openai-beta": "x=1"})
        up = a.requests[0]
        sent = up.header("traceparent")
        assert sent.split("-")[1] == trace.split("-")[1]
        assert one_line(p)["trace"] == trace.split("-")[1]
        assert sent.split("-")[2] != trace.split("-")[2]
        assert up.header("openai-beta") == "x=1"
        for name in ("x-penstock-tags", "cookie"):
            assert up.header(name) is None
        assert up.header("authorization") == "Bearer ka"


def large(n):
    answer = dict(WHOLE)
    answer["choices"] = [{"index": 0, "message": {
        "role": "assistant", "content": "x" * n}, "finish_reason": "stop"}]
    answer["usage"] = answer.pop("usage")
    return json.dumps(answer)


def test_large_answer(penstock):
    """Passed on as it comes; usage is read from its tail."""
    text = large(3 << 20)
    with Upstream(lambda c, r: c.answer(text)) as a:
        p = penstock(CONFIG.format(a=a.url, b=a.url))
        r = p.post("/v1/chat/completions", body(False, "m"))
        assert r.body.decode() == text
        assert one_line(p)["tokens"] == {"input": 3, "output": 2}


def test_large_answer_cut(penstock):
    text = large(3 << 20)

    def cut(conn, _):
        conn.head(200, "application/json", len(text))
        conn.send(text[:2 << 20])
        conn.close()

    with Upstream(cut) as a:
        p = penstock(CONFIG.format(a=a.url, b=a.url))
        with pytest.raises((http.client.IncompleteRead, ConnectionError)):
            p.post("/v1/chat/completions", body(False, "m"))
        line = one_line(p)
        assert line["error"]["code"] == "upstream_error"
        assert len(line["attempts"]) == 1

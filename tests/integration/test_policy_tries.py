# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""Policies around a try, in a running gateway: `attempt` skips targets and
sets headers, `response` sets the client's head or refuses the answer, and
while one of them waits nothing is read from upstream."""
import http.client
import json
import threading
import time

import pytest

from conftest import SLOW, wait_for
from test_faults import (CONTENT, DONE, FINISH, ROLE, WHOLE, body, one_line,
                         settled)
from upstream import Upstream

STORY = """
local M = { api = 1 }

function M.attempt(req, conf, try)
  local what = req.header["x-story"]
  for i, t in ipairs(try.tried) do
    ps.note("after " .. t.target .. " " .. tostring(t.status) .. " " .. t.class)
  end
  try:header("x-try", try.n .. " " .. try.target.name .. " " .. try.credential)
  if what == "wait" then ps.sleep(200) end
  if what == "skip a" and try.target.provider == "a" then
    return ps.skip("a is slow today")
  elseif what == "skip all" then
    return ps.skip("none is good")
  elseif what == "broken" then
    try:header("x-try", "half")
    error("broken")
  end
end

function M.response(req, conf, resp)
  local what = req.header["x-story"]
  resp.header["x-from"] = resp.target.name .. " " .. resp.status
  resp.header["openai-version"] = nil
  resp.header["x-secret"] = resp.header["x-upstream"]
  if what == "wait" then
    ps.sleep(300)
  elseif what == "forever" then
    while true do ps.sleep(1000) end
  elseif what == "deny" then
    return ps.deny("content_filter", "Not this one")
  elseif what == "wait, deny" then
    ps.sleep(600)
    return ps.deny("x_late", "Not this one", { status = 422 })
  elseif what == "fail" then
    error("broken")
  end
end

return M
"""
CONFIG = """
listen "127.0.0.1:0" {{ detail = "full" }}
server {{ workers = 1 }}
policy_path "{dir}"
defaults {{ timeouts = {{ first_event = "1s", head = "1s", idle = "1s",
                          commit_after = "{commit}", total = "{total}" }},
            retries = {{ attempts = 3, same_target = 0 }} }}
provider "a" {{ vendor = "openai-compatible", base_url = "{a}",
               keys = {{ env("UNSET", "ka") }} }}
provider "b" {{ vendor = "openai-compatible", base_url = "{b}",
               keys = {{ env("UNSET", "kb") }} }}
model "m" {{ "a/first", "b/second" }}
policies {{ "auth", {{ "story" {entry} }}, "route" }}
"""
EXTRA = (("openai-version", "2020-10-01"), ("x-upstream", "u1"))


def start(penstock, tmp_path, a, b=None, entry="", commit="15s", total="20s",
          story=STORY):
    tmp_path.chmod(0o755)
    (tmp_path / "story.lua").write_text(story)
    return penstock(CONFIG.format(dir=tmp_path, a=a.url, b=(b or a).url,
                                  entry=entry, commit=commit, total=total))


def ask(p, story, stream=False):
    return p.post("/v1/chat/completions", body(stream, "m"),
                  headers={"x-story": story})


def good(conn, request):
    if request.json().get("stream"):
        conn.answer(ROLE + CONTENT % "hello" + FINISH + DONE, 200,
                    "text/event-stream", EXTRA)
    else:
        conn.answer(WHOLE, extra=EXTRA)


def busy(conn, _):
    conn.answer({"error": {"message": "no", "code": "overloaded"}}, 503)


def notes(p):
    return "\n".join(one_line(p).get("notes", []))


def is_good(answer, stream):
    assert answer.status == 200
    if stream:
        assert answer.body.decode() == ROLE + CONTENT % "hello" + FINISH + DONE
    else:
        assert answer.json() == WHOLE


@pytest.mark.parametrize("stream", [False, True])
def test_headers_both_ways(penstock, tmp_path, stream):
    with Upstream(good) as up:
        p = start(penstock, tmp_path, up)
        answer = ask(p, "none", stream)
        is_good(answer, stream)
        assert up.requests[0].header("x-try") == "1 a/first a#1"
        assert up.requests[0].header("authorization") == "Bearer ka"
        assert answer.headers["x-from"] == "a/first 200"
        assert answer.headers["x-secret"] == "u1"
        assert "openai-version" not in answer.headers
        assert "x-upstream" not in answer.headers
        settled(p)


def test_a_skipped_target(penstock, tmp_path):
    with Upstream(good) as a, Upstream(good) as b:
        p = start(penstock, tmp_path, a, b)
        is_good(ask(p, "skip a"), False)
        assert len(a.requests) == 0 and len(b.requests) == 1
        assert b.requests[0].header("x-try").startswith("1 b/second")
        assert "story: skipped a/first: a is slow today" in notes(p)
        assert len(one_line(p)["attempts"]) == 1


def test_nothing_left(penstock, tmp_path):
    with Upstream(good) as up:
        p = start(penstock, tmp_path, up)
        answer = ask(p, "skip all")
        assert answer.status == 503
        assert answer.json()["error"]["code"] == "no_target"
        assert not up.requests


def test_the_tries_before(penstock, tmp_path):
    with Upstream(busy) as a, Upstream(good) as b:
        p = start(penstock, tmp_path, a, b)
        answer = ask(p, "none")
        is_good(answer, False)
        assert b.requests[0].header("x-try").startswith("2 b/second")
        assert "after a/first 503 overloaded" in notes(p)
        assert answer.headers["x-from"] == "b/second 200"


def test_fails_open_before_a_try(penstock, tmp_path):
    """By default: the try goes on as if the policy had not run."""
    with Upstream(good) as up:
        p = start(penstock, tmp_path, up)
        is_good(ask(p, "broken"), False)
        assert up.requests[0].header("x-try") is None


def test_may_fail_closed_before_a_try(penstock, tmp_path):
    with Upstream(good) as up:
        p = start(penstock, tmp_path, up, entry=', fail = "closed"')
        answer = ask(p, "broken")
        assert answer.status == 500
        assert answer.json()["error"]["code"] == "policy_failed"
        assert not up.requests


@pytest.mark.parametrize("stream", [False, True])
def test_a_refused_answer(penstock, tmp_path, stream):
    """An error in the dialect, whatever the provider said; and no byte of
    its answer."""
    with Upstream(good) as up:
        p = start(penstock, tmp_path, up)
        answer = ask(p, "deny", stream)
        assert answer.status == 400
        assert answer.json()["error"]["message"] == "Not this one"
        assert b"hello" not in answer.body
        assert "x-from" not in answer.headers
        settled(p)
        line = one_line(p)
        assert line["error"]["policy"] == "story"
        assert line["attempts"][0]["status"] == 200
        assert "class" not in line["attempts"][0]


def test_refused_after_a_failed_try(penstock, tmp_path):
    """The first provider's own error is not what the client gets."""
    with Upstream(busy) as a, Upstream(good) as b:
        p = start(penstock, tmp_path, a, b)
        answer = ask(p, "deny")
        assert answer.json()["error"]["code"] == "content_filter"


@pytest.mark.parametrize("stream", [False, True])
def test_fails_closed_at_the_answer(penstock, tmp_path, stream):
    with Upstream(good) as up:
        p = start(penstock, tmp_path, up)
        answer = ask(p, "fail", stream)
        assert answer.status == 500
        assert answer.json()["error"]["code"] == "policy_failed"
        settled(p)


@pytest.mark.parametrize("stream", [False, True])
def test_observe_changes_nothing(penstock, tmp_path, stream):
    with Upstream(good) as up:
        p = start(penstock, tmp_path, up, entry=', mode = "observe"')
        answer = ask(p, "deny", stream)
        is_good(answer, stream)
        assert "x-from" not in answer.headers
        assert answer.headers["openai-version"] == "2020-10-01"
        assert up.requests[0].header("x-try") is None
        assert "story: would deny: content_filter" in notes(p)
        assert "story: would set header x-try" in notes(p)


@pytest.mark.parametrize("stream", [False, True])
def test_waiting_holds_upstream(penstock, tmp_path, stream):
    """The wait is longer than upstream's idle time would allow twice over;
    it does not count, and not a byte is lost."""
    with Upstream(good) as up:
        p = start(penstock, tmp_path, up, story=STORY.replace("300", "1300"))
        begin = time.monotonic()
        answer = ask(p, "wait", stream)
        is_good(answer, stream)
        assert time.monotonic() - begin >= 1.5
        settled(p)


def test_waiting_holds_a_flood(penstock, tmp_path):
    """What upstream sends meanwhile stays in the sockets."""
    sent = [0]
    big = CONTENT % ("x" * 16000)

    def flood(conn, _):
        conn.head(200, "text/event-stream")
        conn.chunk(ROLE)
        for _ in range(4000):
            conn.chunk(big)
            sent[0] += len(big)
        conn.chunk(FINISH + DONE)
        conn.end()

    with Upstream(flood) as up:
        p = start(penstock, tmp_path, up, story=STORY.replace("300", "1500"))
        got = []
        t = threading.Thread(target=lambda: got.append(
            ask(p, "wait", True).body))
        t.start()
        wait_for(lambda: sent[0] > 0, why="the flood")
        time.sleep(0.8)
        held = sent[0]
        assert held < 16 << 20, held
        t.join(60)
        assert got and len(got[0]) == len(ROLE + FINISH + DONE) \
            + 4000 * len(big)


def test_keep_alive_while_waiting(penstock, tmp_path):
    """The head may leave before the verdict: then it is an error event."""
    with Upstream(good) as up:
        p = start(penstock, tmp_path, up, commit="200ms")
        c = p.connect()
        c.request("POST", "/v1/chat/completions",
                  json.dumps(body(True, "m")), {"x-story": "wait, deny"})
        answer = c.getresponse()
        assert answer.status == 200
        with pytest.raises(http.client.IncompleteRead) as cut:
            answer.read()
        got = cut.value.partial.decode()
        c.close()
        assert got.startswith(": keep-alive\n\n")
        assert '"code":"x_late"' in got and "hello" not in got
        settled(p)


def test_the_client_leaves(penstock, tmp_path):
    with Upstream(good) as up:
        p = start(penstock, tmp_path, up)
        c = p.connect()
        c.request("POST", "/v1/chat/completions",
                  '{"model":"m","messages":[{"role":"user","content":"a"}]}',
                  {"x-story": "forever"})
        wait_for(lambda: up.requests, why="the try")
        time.sleep(0.1)
        c.close()
        line = one_line(p)
        assert line["ended"] == "client_gone"
        assert line["waiting_on"] == "response"
        settled(p)


def test_total_time_holds(penstock, tmp_path):
    with Upstream(good) as up:
        p = start(penstock, tmp_path, up, total="700ms")
        begin = time.monotonic()
        answer = ask(p, "forever")
        assert answer.status == 504
        assert time.monotonic() - begin < 1.9 * SLOW
        settled(p)

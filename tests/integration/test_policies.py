# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""Policies in a running gateway: keys, refusals, waits, runaway scripts."""
import hashlib
import http.client
import socket
import threading
import time

from conftest import SLOW, wait_for

KEY = "sk-ps-story"
CHAT = {"model": "sim/echo", "messages": [{"role": "user", "content": "hi"}]}
STORY = """
local M = { api = 1, schema = { say = "string" } }
function M.admit(req, conf)
  ps.note("for " .. req.principal.id .. " on " .. req.model)
  local what = req.header["x-story"]
  if what == "deny" then
    return ps.deny("x_teapot", conf.say, { status = 418, retry_after = 2 })
  elseif what == "sleep" then
    ps.sleep(300)
  elseif what == "forever" then
    while true do ps.sleep(1000) end
  elseif what == "spin" then
    while true do pcall(function() while true do end end) end
  elseif what == "pattern" then
    string.find(("a"):rep(40000), (".-"):rep(40) .. "b")
  elseif what == "memory" then
    local t = {} for i = 1, 1e9 do t[i] = {} end
  elseif what == "global" then
    leaked = 1
  end
end
return M
"""


def start(penstock, tmp_path, entry='{ "story", conf = { say = "short" } }'):
    tmp_path.chmod(0o755)
    (tmp_path / "story.lua").write_text(STORY)
    return penstock(f"""
        server {{ workers = 1 }}
        policy_path "{tmp_path}"
        provider "eu" {{ vendor = "sim", tags = {{ region = "eu" }} }}
        provider "us" {{ vendor = "sim", tags = {{ region = "us" }} }}
        provider "sim"
        model "sim/echo" {{ "sim/echo" }}
        model "both" {{ "us/echo", "eu/echo" }}
        model "abroad" {{ "us/echo" }}
        key "ci" {{ sha256 = "{hashlib.sha256(KEY.encode()).hexdigest()}" }}
        key "acme" {{ sha256 = "{hashlib.sha256(b'sk-eu').hexdigest()}",
                      tags = {{ residency = "eu" }} }}
        policies {{ "auth", {entry}, "route" }}
    """)


def ask(p, story=None, key=KEY, timeout=10, **body):
    head = {"authorization": f"Bearer {key}"}
    if story:
        head["x-story"] = story
    return p.post("/v1/chat/completions", {**CHAT, **body}, headers=head,
                  timeout=timeout)


def line(p, answer):
    """The access line of that answer; it may be written a moment later."""
    mine = answer.headers["x-request-id"]
    return wait_for(lambda: next((e for e in p.logs("request")
                                  if e["id"] == mine), None), why="a line")


def notes(p, answer):
    return "\n".join(line(p, answer).get("notes", []))


def test_keys_by_their_digest(penstock, tmp_path):
    p = start(penstock, tmp_path)
    answer = ask(p)
    assert answer.status == 200
    assert line(p, answer)["principal"] == "ci"
    assert notes(p, answer) == "story: for ci on sim/echo"
    for wrong in ("sk-other", KEY + "x",
                  hashlib.sha256(KEY.encode()).hexdigest()):
        answer = ask(p, key=wrong)
        assert answer.status == 401
        assert answer.json()["error"]["code"] == "invalid_api_key"
    assert p.post("/v1/chat/completions", CHAT).status == 401
    assert KEY not in p.stderr() and "sk-other" not in p.stderr()


def test_tags_choose_targets(penstock, tmp_path):
    p = start(penstock, tmp_path)
    for key, model, target in ((KEY, "both", "us/echo"),
                               ("sk-eu", "both", "eu/echo"),
                               (KEY, "abroad", "us/echo")):
        answer = ask(p, key=key, model=model)
        assert answer.status == 200
        assert line(p, answer)["attempts"][0]["target"] == target
    refused = ask(p, key="sk-eu", model="abroad")
    assert refused.status == 503
    assert refused.json()["error"]["message"] == \
        "No target with region eu serves abroad"


def test_a_code_of_ones_own(penstock, tmp_path):
    p = start(penstock, tmp_path)
    answer = ask(p, "deny")
    assert answer.status == 418
    assert answer.json()["error"]["code"] == "x_teapot"
    assert answer.json()["error"]["message"] == "short"
    assert answer.headers["retry-after"] == "2"
    assert line(p, answer)["error"]["policy"] == "story"


def test_observe_applies_nothing(penstock, tmp_path):
    p = start(penstock, tmp_path, '{ "story", mode = "observe", '
                                  'conf = { say = "short" } }')
    answer = ask(p, "deny")
    assert answer.status == 200
    assert "story: would deny: x_teapot" in notes(p, answer)
    assert ask(p, "global").status == 200


def test_runaway_scripts_are_stopped(penstock, tmp_path):
    """Each is refused, and the same worker goes on."""
    p = start(penstock, tmp_path)
    worker = p.workers()[0]["pid"]
    for story, why in (("spin", "CPU budget"), ("pattern", "too costly"),
                       ("memory", "budget"), ("global", "cannot be made")):
        begin = time.monotonic()
        answer = ask(p, story)
        assert answer.status == 500
        assert answer.json()["error"]["code"] == "policy_failed"
        assert time.monotonic() - begin < 2 * SLOW
        assert why in notes(p, answer), story
        assert ask(p).status == 200
    assert p.workers()[0]["pid"] == worker
    assert p.logs("policy.error")


def test_waiting_holds_nobody_up(penstock, tmp_path):
    p = start(penstock, tmp_path)
    answers = []
    begin = time.monotonic()
    sleepers = [threading.Thread(target=lambda: answers.append(
        (ask(p, "sleep").status, time.monotonic() - begin)))
        for _ in range(10)]
    for s in sleepers:
        s.start()
    time.sleep(0.05)
    assert ask(p).status == 200
    assert time.monotonic() - begin < 0.3 or SLOW > 1
    for s in sleepers:
        s.join()
    assert [status for status, _ in answers] == [200] * 10
    assert min(took for _, took in answers) >= 0.3
    assert max(took for _, took in answers) < 2.5 * SLOW


def test_waiting_ends(penstock, tmp_path):
    """By the wall budget; or because the client left: its late wake-up finds
    nothing."""
    p = start(penstock, tmp_path)
    begin = time.monotonic()
    answer = ask(p, "forever")
    assert answer.status == 500
    assert 1.9 < time.monotonic() - begin < 4 * SLOW
    assert "wall budget" in notes(p, answer)
    for _ in range(20):
        c = http.client.HTTPConnection("127.0.0.1", p.port, timeout=0.02)
        try:
            c.request("POST", "/v1/chat/completions",
                      '{"model":"sim/echo","messages":'
                      '[{"role":"user","content":"x"}]}',
                      {"authorization": f"Bearer {KEY}", "x-story": "sleep"})
            c.getresponse()
        except socket.timeout:
            pass
        finally:
            c.close()
    wait_for(lambda: sum(e.get("ended") == "client_gone"
                         for e in p.logs("request")) == 20, why="20 leaving")
    time.sleep(0.4)
    assert ask(p).status == 200

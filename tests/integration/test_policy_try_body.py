# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""`attempt` edits the body of one try: the next one begins from the request as
it was, natively to the byte and in another dialect."""
import json

import pytest

from test_faults import settled
from test_policy_log import told
from test_policy_tries import busy, good, is_good, notes
from upstream import Upstream

STORY = """
local M = { api = 1, dialects = { "openai-chat" } }

function M.admit(req)
  if req.header["x-story"] == "twice" then req.user = "admit" end
end

function M.attempt(req, conf, try)
  local what = req.header["x-story"]
  ps.note(try.n .. " sees " .. tostring(req.max_tokens) .. " " ..
          tostring(req.user) .. " " .. req.body:get("/messages/0/content"))
  if what == "late" and try.n == 1 then ps.sleep(20) end
  if (what == "edit" or what == "late") and try.target.provider == "a" or
     what == "first" and try.n == 1 or what == "all" or what == "twice" then
    req.max_tokens = 10 * try.n
    req.user = "try " .. try.n
    req:each_text({ from = { "user" } }, function(t) return t .. "!" end)
  elseif what == "fail" then
    req.max_tokens = 1
    error("broken")
  elseif what == "skip" and try.target.provider == "a" then
    req.max_tokens = 1
    return ps.skip("not here")
  elseif what == "model" then
    req.model = "x"
  elseif what == "raw model" then
    req.body:set("/model", "x")
  elseif what == "raw stream" then
    req.body:set("/stream", true)
  elseif what == "bad" then
    req.body:set("/messages", "none")
  end
end

function M.log(req)
  ps.log("log sees " .. tostring(req.max_tokens) .. " " .. tostring(req.user))
end

return M
"""
NEXT = """
local M = { api = 1, dialects = { "openai-chat" } }
function M.attempt(req, conf, try)
  if req.header["x-story"] == "all" then
    req.user = (req.user or "") .. " and next"
  end
end
return M
"""
CONFIG = """
listen "127.0.0.1:0" {{ detail = "full" }}
server {{ workers = 1 }}
policy_path "{dir}"
defaults {{ retries = {{ attempts = 4, same_target = {same} }} }}
provider "a" {{ vendor = "openai-compatible", base_url = "{a}",
               keys = {{ env("UNSET", "ka") }} }}
provider "b" {{ vendor = "{vendor}", base_url = "{b}",
               keys = {{ env("UNSET", "kb") }} }}
model "m" {{ {plan} }}
policies {{ "auth", {{ "story" {entry} }}, "next", "route" }}
"""
TEXT = ('{ "model":"m" , "n":1.0, "seed":12345678901234567890,\n\t'
        '"messages":[ {"role":"user","content":"h\\u0069"} ],'
        '"max_tokens" : 70 }')
EDITED = ('{ "model":"m" , "n":1.0, "seed":12345678901234567890,\n\t'
          '"messages":[ {"role":"user","content":"hi!"} ],'
          '"max_tokens" : %d,"user":"try %d" }')


def start(penstock, tmp_path, a, b, vendor="openai-compatible", same=0,
          entry="", plan='"a/m", "b/m"'):
    tmp_path.chmod(0o755)
    (tmp_path / "story.lua").write_text(STORY)
    (tmp_path / "next.lua").write_text(NEXT)
    return penstock(CONFIG.format(dir=tmp_path, a=a.url, b=b.url, same=same,
                                  vendor=vendor, entry=entry, plan=plan))


def send(p, story, text=TEXT):
    return p.post("/v1/chat/completions", text, headers={
        "x-story": story, "content-type": "application/json"})


def text(request):
    return request.body.decode()


def test_the_next_target_gets_the_request(penstock, tmp_path):
    with Upstream(busy) as a, Upstream(good) as b:
        p = start(penstock, tmp_path, a, b)
        is_good(send(p, "edit"), False)
        assert text(a.requests[0]) == EDITED % (10, 1)
        assert text(b.requests[0]) == TEXT
        assert "2 sees 70 nil hi" in notes(p)
        settled(p)


def test_every_try_begins_anew(penstock, tmp_path):
    with Upstream(busy) as a, Upstream(busy) as b:
        p = start(penstock, tmp_path, a, b, same=1)
        assert send(p, "all").status == 503
        tries = [text(r) for r in a.requests + b.requests]
        assert len(tries) >= 3
        want = [(EDITED % (10 * n, n)).replace('" }', ' and next" }')
                for n in range(1, len(tries) + 1)]
        assert sorted(tries) == sorted(want)
        assert "3 sees 70 nil hi" in notes(p)


def test_over_an_edit_of_the_request(penstock, tmp_path):
    with Upstream(busy) as a, Upstream(good) as b:
        p = start(penstock, tmp_path, a, b)
        is_good(send(p, "twice"), False)
        assert json.loads(text(b.requests[0]))["user"] == "try 2"
        assert "2 sees 70 admit hi" in notes(p)


@pytest.mark.parametrize("story", ["fail", "skip", "model", "raw model",
                                   "raw stream", "bad"])
def test_what_is_no_edit(penstock, tmp_path, story):
    with Upstream(good) as a, Upstream(good) as b:
        p = start(penstock, tmp_path, a, b)
        is_good(send(p, story), False)
        served = b if story == "skip" else a
        assert [text(r) for r in served.requests] == [TEXT]
        why = {"fail": "broken", "skip": "skipped a/m: not here",
               "model": "req.model stays as it is in attempt",
               "raw model": "model stays as it is in attempt",
               "raw stream": "stream stays as it is in attempt",
               "bad": "messages"}[story]
        assert why in notes(p)


def test_observe_edits_nothing(penstock, tmp_path):
    with Upstream(good) as a, Upstream(good) as b:
        p = start(penstock, tmp_path, a, b, entry=', mode = "observe"')
        is_good(send(p, "edit"), False)
        assert text(a.requests[0]) == TEXT
        assert "would set req.max_tokens" in notes(p)


def test_after_a_wait_and_streamed(penstock, tmp_path):
    with Upstream(busy) as a, Upstream(good) as b:
        p = start(penstock, tmp_path, a, b)
        whole = TEXT.replace("70 }", '70,"stream":true }')
        is_good(send(p, "late", whole), True)
        assert '"max_tokens" : 10,' in text(a.requests[0])
        sent = json.loads(text(b.requests[0]))
        assert sent["max_tokens"] == 70 and "user" not in sent
        settled(p)


MESSAGE = {"id": "msg_1", "type": "message", "role": "assistant", "model": "m",
           "content": [{"type": "text", "text": "hello"}],
           "stop_reason": "end_turn", "stop_sequence": None,
           "usage": {"input_tokens": 3, "output_tokens": 2}}


@pytest.mark.parametrize("story, limit, said", [("edit", 70, "hi"),
                                                ("all", 20, "hi!")])
def test_translated(penstock, tmp_path, story, limit, said):
    plain = TEXT.replace('"n":1.0, "seed":12345678901234567890,', "")
    with Upstream(busy) as a, \
            Upstream(lambda conn, _: conn.answer(MESSAGE)) as b:
        p = start(penstock, tmp_path, a, b, vendor="anthropic-compatible")
        answer = send(p, story, plain)
        assert answer.status == 200
        assert answer.json()["choices"][0]["message"]["content"] == "hello"
        assert json.loads(text(a.requests[0]))["max_tokens"] == 10
        sent = json.loads(text(b.requests[0]))
        assert sent["max_tokens"] == limit
        assert said in json.dumps(sent["messages"])
        assert ("!" in json.dumps(sent["messages"])) == (said == "hi!")


def test_translated_first(penstock, tmp_path):
    """The neutral form of an edited try is not the next one's."""
    plain = TEXT.replace('"n":1.0, "seed":12345678901234567890,', "")
    with Upstream(good) as a, Upstream(busy) as b:
        p = start(penstock, tmp_path, a, b, vendor="anthropic-compatible",
                  same=1, plan='"b/m"')
        assert send(p, "first", plain).status == 503
        limits = [json.loads(text(r))["max_tokens"] for r in b.requests]
        assert limits == [10, 70]
        said = [json.dumps(json.loads(text(r))["messages"])
                for r in b.requests]
        assert "hi!" in said[0] and "hi!" not in said[1]
        assert "log sees 70 nil" in told(p, "log sees")

# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""What policies change of a request, in a running gateway: upstream gets the
client's bytes, but for what was edited; a policy that fails or observes has
changed nothing."""
import hashlib
import json
import time

import pytest

from conftest import wait_for
from test_faults import CONTENT, DONE, FINISH, ROLE, WHOLE, one_line, settled
from upstream import Upstream

STORY = """
local M = { api = 1, dialects = { "openai-chat" }, schema = { free = "model" } }

function M.validate(req, conf)
  local what = req.header["x-story"]
  if what == "cap" then
    req.max_tokens = math.min(req.max_tokens or 100, 50)
    ps.sleep(20)
    req.temperature = 0
  elseif what == "body" then
    req.body:set("/metadata", { team = req.principal.id, n = 1 << 53 })
    req.body:remove("/logit_bias")
    req.body:set("/messages/-", { role = "user", content = "\\xc3\\xa9\\"\\n" })
  elseif what == "half" then
    req.max_tokens = 1
    error("broken")
  elseif what == "bad" then
    req.body:set("/stream", "often")
  elseif what == "whole" then
    req.stream = false
  end
end

function M.admit(req, conf)
  local what = req.header["x-story"]
  if what == "hang" then
    req.body:set("/big", ("x"):rep(100000))
    req:each_text(function(t) ps.sleep(500) return t end)
  end
  if what == "cap" then
    ps.note(req.max_tokens .. " " .. req.temperature .. " " .. req.body:raw("/n"))
  elseif what == "free" then
    req.model = conf.free
  elseif what == "nowhere" then
    req.model = "no-such-model"
  end
end

function M.route(req, conf, plan)
  local what = req.header["x-story"]
  if what == "use" then
    plan:use("cheap")
    plan:drop("not here", function(t) return t.provider == "a" end)
  elseif what == "use, fail" then
    plan:use("cheap")
    error("broken")
  elseif what == "use nothing" then
    plan:use("no-such-model")
  end
end

function M.log(req)
  ps.log(string.format("%s|%s|%s|%s|%s|%s", req.model, req.user,
                       req.temperature, req.session, req.tags.team,
                       req.tags["cost center"]))
end

return M
"""
CONFIG = """
listen "127.0.0.1:0" {{ detail = "full" }}
server {{ workers = 1 }}
policy_path "{dir}"
defaults {{ retries = {{ attempts = 3, same_target = 0 }} }}
provider "a" {{ vendor = "openai-compatible", base_url = "{a}",
               keys = {{ env("UNSET", "ka") }} }}
provider "b" {{ vendor = "openai-compatible", base_url = "{b}",
               keys = {{ env("UNSET", "kb") }} }}
model "m" {{ "a/m", "b/m" }}
model "cheap" {{ "a/small", "b/small" }}
key "ci" {{ sha256 = "{sha}", models = {{ "m" }} }}
policies {{ "auth", {{ "story", conf = {{ free = "cheap" }} {entry} }}, "route" }}
"""
TEXT = ('{ "model":"m" , "max_tokens" : 70,"n":1.0, "seed":12345678901234567890,'
        '"logit_bias":{"1":-1e2},\n\t"messages":[ {"role":"user",'
        '"content":"\\u0068i"} ]%s }')


def start(penstock, tmp_path, a, b=None, entry=""):
    tmp_path.chmod(0o755)
    (tmp_path / "story.lua").write_text(STORY)
    return penstock(CONFIG.format(
        dir=tmp_path, a=a.url, b=(b or a).url, entry=entry,
        sha=hashlib.sha256(b"sk-ci").hexdigest()))


def ask(p, story, text=TEXT % "", path="/v1/chat/completions", **headers):
    head = {"x-story": story, "authorization": "Bearer sk-ci",
            "content-type": "application/json"}
    head.update({k.replace("_", "-"): v for k, v in headers.items()})
    return p.post(path, text, headers=head)


def good(conn, request):
    if request.json().get("stream"):
        conn.answer(ROLE + CONTENT % "hello" + FINISH + DONE, 200,
                    "text/event-stream")
    else:
        conn.answer(WHOLE)


def busy(conn, _):
    conn.answer({"error": {"message": "no", "code": "overloaded"}}, 503)


def sent(up):
    return up.requests[-1].body.decode()


STREAM = ',"stream":true,"stream_options":{"include_usage":true}'


@pytest.mark.parametrize("more", ["", STREAM])
def test_neutral_fields(penstock, tmp_path, more):
    """All else byte for byte; the next phase sees what was set."""
    with Upstream(good) as up:
        p = start(penstock, tmp_path, up)
        assert ask(p, "cap", TEXT % more).status == 200
        want = (TEXT % more).replace(" : 70", " : 50")[:-2] \
            + ',"temperature":0 }'
        assert sent(up) == want
        assert "story: 50 0 1.0" in one_line(p)["notes"]


def test_nothing_asked_nothing_changed(penstock, tmp_path):
    with Upstream(good) as up:
        p = start(penstock, tmp_path, up)
        assert ask(p, "none").status == 200
        assert sent(up) == TEXT % ""


@pytest.mark.parametrize("path,text,want", [
    ("/v1/chat/completions",
     '{"model":"m","messages":[{"role":"user","content":"a"}]}',
     '{"model":"m","messages":[{"role":"user","content":"a"}],'
     '"max_completion_tokens":50,"temperature":0}'),
    ("/v1/completions", '{"model":"m","prompt":"x"}',
     '{"model":"m","prompt":"x","max_tokens":50,"temperature":0}'),
])
def test_names_of_the_dialect(penstock, tmp_path, path, text, want):
    with Upstream(good) as up:
        p = start(penstock, tmp_path, up, entry=', fail = "open"')
        ask(p, "cap", text, path)
        assert sent(up) == want


def test_raw_json(penstock, tmp_path):
    with Upstream(good) as up:
        p = start(penstock, tmp_path, up)
        assert ask(p, "body").status == 200
        assert sent(up) == (TEXT % "").replace(
            ' ,"logit_bias":{"1":-1e2}', "").replace(
            ',"logit_bias":{"1":-1e2}', "").replace(
            '"\\u0068i"} ]', '"\\u0068i"},{"content":"é\\"\\n",'
            '"role":"user"} ]').replace(
            "] }", '],"metadata":{"n":9007199254740992,"team":"ci"} }')


def test_the_next_target_gets_it_too(penstock, tmp_path):
    with Upstream(busy) as a, Upstream(good) as b:
        p = start(penstock, tmp_path, a, b)
        assert ask(p, "cap").status == 200
        assert sent(a) == sent(b) and '"max_tokens" : 50' in sent(b)


@pytest.mark.parametrize("story", ["half", "bad"])
def test_a_broken_policy_edited_nothing(penstock, tmp_path, story):
    with Upstream(good) as up:
        p = start(penstock, tmp_path, up)
        answer = ask(p, story)
        assert answer.status == 500 and not up.requests
        assert answer.json()["error"]["code"] == "policy_failed"
        p = start(penstock, tmp_path, up, entry=', fail = "open"')
        assert ask(p, story).status == 200
        assert sent(up) == TEXT % ""


@pytest.mark.parametrize("story", ["cap", "body", "free", "use", "whole"])
def test_observe_changes_nothing(penstock, tmp_path, story):
    with Upstream(good) as up:
        p = start(penstock, tmp_path, up, entry=', mode = "observe"')
        text = TEXT % ',"stream":true,"stream_options":' \
                      '{"include_usage":true}'
        assert ask(p, story, text).status == 200
        assert sent(up) == text
        assert any("would" in n for n in one_line(p)["notes"])


def test_no_stream_after_all(penstock, tmp_path):
    """stream_options would be refused without stream: they go with it."""
    with Upstream(good) as up:
        p = start(penstock, tmp_path, up)
        answer = ask(p, "whole", TEXT % STREAM)
        assert answer.json() == WHOLE
        assert sent(up) == TEXT % ',"stream":false'
        settled(p)


def test_another_model_routes(penstock, tmp_path):
    """The key may use `m` alone: that is what its globs judge."""
    with Upstream(good) as up:
        p = start(penstock, tmp_path, up)
        answer = ask(p, "free")
        assert answer.status == 200
        assert json.loads(sent(up))["model"] == "small"
        assert answer.headers["x-penstock-model"] == "cheap"
        line = one_line(p)
        assert line["model"] == "cheap" and line["asked"] == "m"
        assert "story: model: cheap" in line["notes"]
        shown = p.cli("explain", answer.headers["x-request-id"]).stdout
        assert "cheap" in shown
        refused = ask(p, "free", (TEXT % "").replace('"m"', '"cheap"'))
        assert refused.status == 403
        assert "'cheap'" in refused.json()["error"]["message"]


def test_a_model_that_is_nowhere(penstock, tmp_path):
    with Upstream(good) as up:
        p = start(penstock, tmp_path, up)
        answer = ask(p, "nowhere")
        assert answer.status == 404
        assert "no-such-model" in answer.json()["error"]["message"]
        assert answer.headers["x-penstock-error"].endswith("side=gateway")


def test_another_models_targets(penstock, tmp_path):
    with Upstream(good) as a, Upstream(good) as b:
        p = start(penstock, tmp_path, a, b)
        answer = ask(p, "use")
        assert answer.status == 200 and not a.requests
        assert json.loads(sent(b))["model"] == "small"
        assert answer.headers["x-penstock-model"] == "cheap"
        line = one_line(p)
        assert line["model"] == "m" and "story: uses model cheap" in \
            line["notes"]


@pytest.mark.parametrize("story,why", [
    ("use, fail", "broken"), ("use nothing", "no-such-model")])
def test_a_plan_is_given_back(penstock, tmp_path, story, why):
    with Upstream(good) as up:
        p = start(penstock, tmp_path, up)
        answer = ask(p, story)
        assert answer.status == 200
        assert sent(up) == TEXT % ""
        assert answer.headers["x-penstock-model"] == "m"
        assert why in "\n".join(one_line(p)["notes"])


def test_the_client_leaves(penstock, tmp_path):
    """Within a walk, with edits that nobody has taken yet; what it leaves is
    seen by the sanitizers' runs."""
    with Upstream(good) as up:
        p = start(penstock, tmp_path, up)
        for _ in range(10):
            c = p.connect()
            c.request("POST", "/v1/chat/completions", TEXT % "",
                      {"x-story": "hang", "authorization": "Bearer sk-ci"})
            time.sleep(0.02)
            c.close()
        wait_for(lambda: sum(e["ended"] == "client_gone"
                             for e in p.logs("request")) == 10,
                 why="10 leaving")
        settled(p)
        assert not up.requests
        assert ask(p, "hang").status == 200
        assert len(up.requests[0].json()["big"]) == 100000


@pytest.mark.parametrize("more", ["", STREAM])
def test_log_knows_what_the_client_said(penstock, tmp_path, more):
    """Body and head are gone by then; what they said is not."""
    with Upstream(good) as up:
        p = start(penstock, tmp_path, up)
        text = TEXT % (more + ',"user":"J\\u00f6rg","temperature":0.70')
        assert ask(p, "none", text, x_claude_code_session_id="s-1",
                   x_penstock_tags="team=blue, cost center = 7,bad"
                   ).status == 200
        noted = wait_for(lambda: p.logs("policy.log"), why="a line")
        assert noted[0]["text"] == "m|Jörg|0.7|s-1|blue|7"
        answer = p.post("/v1/chat/completions", text)
        assert answer.status == 401
        noted = wait_for(lambda: p.logs("policy.log")[1:], why="a line")
        assert noted[0]["text"] == "nil|nil|nil|nil|nil|nil"

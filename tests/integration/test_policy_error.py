# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""`upstream_error`: policies hear of each failed try and say what comes next,
within the gateway's tries, deadline and commit."""
import http.client
import json
import re

import pytest

from conftest import SRC, wait_for
from test_breaker import good
from test_faults import CONTENT, ROLE, body, one_line, settled
from upstream import Upstream

POLICY = """
local M = { api = 1, needs = nil }

function M.upstream_error(req, conf, err)
  local what = req.header["x-story"]
  ps.note(("%s %s %s %s %s %d %s %s"):format(err.class, err.scope,
    tostring(err.status), err.provider, err.model, err.attempt,
    tostring(err.retry_after), tostring(err.message)))
  ps.note(err.target.name .. " " .. err.target.state)
  if what == "again" then return ps.again{ after_ms = 20 } end
  if what == "wait, again" then ps.sleep(50) return ps.again() end
  if what == "too late" then return ps.again{ after_ms = 60000 } end
  if what == "next" then return ps.next() end
  if what == "model" then return ps.next{ model = "other" } end
  if what == "round" then
    return ps.next{ model = err.provider == "a" and "other" or "m" }
  end
  if what == "no model" then return ps.next{ model = "nobody" } end
  if what == "give up" then return ps.give_up() end
  if what == "forever" then while true do ps.sleep(1000) end end
  if what == "deny" then return ps.deny("no_target") end
  if what == "fail" then error("broken") end
end

return M
"""
CONFIG = """
listen "127.0.0.1:0" {{ detail = "full" }}
server {{ workers = 1 }}
policy_path "{dir}"
defaults {{ timeouts = {{ total = "{total}" }},
           retries = {{ attempts = {attempts}, same_target = 0 }} }}
provider "a" {{ vendor = "openai-compatible", base_url = "{a}",
               keys = {{ env("UNSET", "ka") }} }}
provider "b" {{ vendor = "openai-compatible", base_url = "{b}",
               keys = {{ env("UNSET", "kb") }} }}
model "m" {{ "a/first", "a/second", on_exhausted = {{ reply = "sorry" }} }}
model "other" {{ "b/other" }}
policies {{ "validate", "limits", "route", {{ "story"{mode} }} }}
"""


def start(penstock, tmp_path, a, b, attempts=3, mode="", total="60s"):
    (tmp_path / "story.lua").write_text(POLICY)
    return penstock(CONFIG.format(dir=tmp_path, a=a.url, b=b.url, total=total,
                                  attempts=attempts, mode=mode))


def ask(p, story, stream=False, timeout=10):
    return p.post("/v1/chat/completions", body(stream, "m"), timeout=timeout,
                  headers={"x-story": story})


def broken(conn, _):
    conn.answer({"error": {"message": "broken"}}, 500)


def bad(conn, _):
    conn.answer({"error": {"message": "not so", "code": "x",
                           "type": "invalid_request_error"}}, 400)


def limited(conn, _):
    conn.answer({"error": {"message": "slow down"}}, 429,
                extra=[("retry-after", "7")])


def once(first, then=good):
    def handler(conn, request):
        done.append(1)
        (first if len(done) == 1 else then)(conn, request)
    done = []
    return handler


def models(up):
    return [r.json()["model"] for r in up.requests]


def test_what_it_sees(penstock, tmp_path):
    with Upstream(limited) as a, Upstream(good) as b:
        p = start(penstock, tmp_path, a, b)
        ask(p, "")
        notes = one_line(p)["notes"]
        assert notes[0] == ("story: rate_limit credential 429 a first 1 7.0 "
                            "slow down")
        assert notes[1] == "story: a/first closed"


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("story", ["again", "wait, again"])
def test_again_is_the_same_target(penstock, tmp_path, story, stream):
    # a class that the gateway itself never tries again
    with Upstream(once(bad)) as a, Upstream(good) as b:
        p = start(penstock, tmp_path, a, b)
        got = ask(p, story, stream)
        assert got.status == 200 and b"hello" in got.body
        assert models(a) == ["first", "first"] and not b.requests
        settled(p)


def test_next_is_another_target(penstock, tmp_path):
    with Upstream(once(bad)) as a, Upstream(good) as b:
        p = start(penstock, tmp_path, a, b)
        assert ask(p, "next").status == 200
        assert models(a) == ["first", "second"]


def test_next_with_a_model(penstock, tmp_path):
    with Upstream(broken) as a, Upstream(good) as b:
        p = start(penstock, tmp_path, a, b)
        got = ask(p, "model")
        assert got.status == 200
        assert got.headers["x-penstock-model"] == "other"
        assert models(a) == ["first"] and models(b) == ["other"]


def test_tries_are_the_gateways(penstock, tmp_path):
    with Upstream(bad) as a, Upstream(broken) as b:
        p = start(penstock, tmp_path, a, b, attempts=3)
        assert ask(p, "again").status == 400
        assert models(a) == ["first"] * 3 and not b.requests


def test_nobody_goes_round(penstock, tmp_path):
    with Upstream(broken) as a, Upstream(broken) as b:
        p = start(penstock, tmp_path, a, b, attempts=8)
        got = ask(p, "round") # on_exhausted is that of the last model
        assert got.status == 500 and b"broken" in got.body
        assert models(a) == ["first", "second"] and models(b) == ["other"]


def test_give_up_is_the_last_word(penstock, tmp_path):
    with Upstream(broken) as a, Upstream(good) as b:
        p = start(penstock, tmp_path, a, b)
        got = ask(p, "give up")
        assert got.status == 500 and "broken" in got.json()["error"]["message"]
        assert models(a) == ["first"] and not b.requests
        assert "x-penstock-degraded" not in got.headers


@pytest.mark.parametrize("story", ["forever", "too late"])
def test_the_deadline_is_the_gateways(penstock, tmp_path, story):
    with Upstream(broken) as a, Upstream(good) as b:
        p = start(penstock, tmp_path, a, b, total="700ms")
        got = ask(p, story)
        # what could not be waited for went on by the gateway's own rule
        assert got.status == 200 and b"sorry" in got.body
        assert models(a) == (["first"] if story == "forever"
                             else ["first", "second"])
        settled(p)


@pytest.mark.parametrize("story", ["fail", "no model", "deny"])
def test_it_fails_open(penstock, tmp_path, story):
    with Upstream(once(broken)) as a, Upstream(good) as b:
        p = start(penstock, tmp_path, a, b)
        assert ask(p, story).status == 200
        assert models(a) == ["first", "second"]
        assert any("failed open" in n for n in one_line(p)["notes"])


def test_who_observes_changes_nothing(penstock, tmp_path):
    with Upstream(broken) as a, Upstream(good) as b:
        p = start(penstock, tmp_path, a, b, mode=', mode = "observe"')
        for story, said in (("again", "would try again after 20 ms"),
                            ("model", "would go on with model other"),
                            ("next", "would go on with the next target"),
                            ("give up", "would give up")):
            before = len(p.logs("request"))
            assert b"sorry" in ask(p, story).body
            wait_for(lambda: len(p.logs("request")) > before)
            assert "story: " + said in p.logs("request")[-1]["notes"]
        assert not b.requests
        assert set(models(a)) == {"first", "second"}


def test_never_after_content(penstock, tmp_path):
    def cut(conn, _):
        conn.head(200, "text/event-stream")
        conn.chunk(ROLE)
        conn.chunk(CONTENT)
        conn.reset()
    with Upstream(cut) as a, Upstream(good) as b:
        p = start(penstock, tmp_path, a, b)
        with pytest.raises(http.client.IncompleteRead):
            ask(p, "again", True)
        line = one_line(p)
        assert len(a.requests) == 1 and "notes" not in line


def test_a_client_that_leaves_ends_the_wait(penstock, tmp_path):
    with Upstream(broken) as a, Upstream(good) as b:
        p = start(penstock, tmp_path, a, b)
        conn = p.connect()
        conn.request("POST", "/v1/chat/completions",
                     json.dumps(body(False, "m")), {"x-story": "forever"})
        wait_for(lambda: a.requests)
        conn.sock.close()
        conn.close()
        line = one_line(p)
        assert line["ended"] == "client_gone"
        assert line["waiting_on"] == "upstream_error"
        settled(p)


def test_explain_shows_it(penstock, tmp_path):
    with Upstream(once(bad)) as a, Upstream(good) as b:
        p = start(penstock, tmp_path, a, b)
        ask(p, "again")
        told = json.loads(p.cli("explain", one_line(p)["id"],
                                "--json").stdout)
        mine = [x for x in told["policies"] if x["policy"] == "story"]
        assert [x["phase"] for x in mine] == ["upstream_error"]
        assert mine[0]["verdict"] == "again"
        assert mine[0]["what"] == "after 20 ms"
        text = p.cli("explain", one_line(p)["id"]).stdout
        assert "upstream_error" in text and "again after 20 ms" in text


def test_the_recipe_for_parameters_that_are_refused(penstock, tmp_path):
    """As it stands in the cookbook: asked again, without what was refused."""
    text = (SRC / "docs/guide/cookbook.md").read_text()
    recipe = re.search(r"```lua\n(-- unsupported\.lua\n.*?)```", text, re.S)

    def picky(conn, request):
        for name in ("top_p", "seed"):
            if name in request.json():
                conn.answer({"error": {
                    "message": f"Unsupported parameter: '{name}' is not "
                               "supported with this model.",
                    "type": "invalid_request_error", "param": name,
                    "code": "unsupported_parameter"}}, 400)
                return
        good(conn, request)

    with Upstream(picky) as a, Upstream(good) as b:
        (tmp_path / "story.lua").write_text(recipe.group(1))
        p = penstock(CONFIG.format(dir=tmp_path, a=a.url, b=b.url, mode="",
                                   total="60s", attempts=3))
        got = p.post("/v1/chat/completions", {**body(False, "m"),
                                              "top_p": 0.5, "seed": 7})
        assert got.status == 200
        sent = [sorted(r.json()) for r in a.requests]
        assert [("top_p" in x, "seed" in x) for x in sent] == [
            (True, True), (False, True), (False, False)]
        assert not b.requests

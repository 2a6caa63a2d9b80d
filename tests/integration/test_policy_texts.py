# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""req:each_text in a running gateway: one policy masks the users' texts of
every endpoint, also while it waits, and leaves the rest to the byte."""
import pytest

from test_faults import CONTENT, DONE, FINISH, ROLE, WHOLE, one_line, settled
from upstream import Upstream

STORY = """
local M = { api = 1 }

function M.validate(req)
  local n = 0
  req:each_text({ from = { "user" } }, function(text)
    n = n + 1
    if req.header["x-story"] == "wait" then ps.sleep(30) end
    return (text:gsub("%d+", "#"))
  end)
  req:each_text({ from = { "system" } }, function(text)
    if text == "stop" then error("not this") end
  end)
  ps.note(n .. " texts")
end

return M
"""
CONFIG = """
server {{ workers = 1 }}
policy_path "{dir}"
provider "a" {{ vendor = "openai-compatible", base_url = "{a}",
               keys = {{ env("UNSET", "ka") }} }}
model "m" {{ "a/m" }}
policies {{ "auth", {{ "story" {entry} }}, "route" }}
"""


def start(penstock, tmp_path, up, entry=""):
    tmp_path.chmod(0o755)
    (tmp_path / "story.lua").write_text(STORY)
    return penstock(CONFIG.format(dir=tmp_path, a=up.url, entry=entry))


def good(conn, request):
    if request.json().get("stream"):
        conn.answer(ROLE + CONTENT % "hello" + FINISH + DONE, 200,
                    "text/event-stream")
    else:
        conn.answer(WHOLE if "input" not in request.json()
                    else {"object": "list", "data": []})


CASES = [
    ("/v1/chat/completions",
     '{"model":"m", "messages":[{"role":"system","content":"keep 123"},\n'
     '{"role":"user","content":"call \\u0030123"},'
     '{"role":"user","content":[{"type":"text","text":"no \\u0064igits"},'
     '{"type":"text", "text":"4 and 5"}]}],"seed":12 }',
     '{"model":"m", "messages":[{"role":"system","content":"keep 123"},\n'
     '{"role":"user","content":"call #"},'
     '{"role":"user","content":[{"type":"text","text":"no \\u0064igits"},'
     '{"type":"text", "text":"# and #"}]}],"seed":12 }', 3),
    ("/v1/chat/completions",
     '{"model":"m","messages":[{"role":"user","content":"1"}],'
     '"stream":true,"stream_options":{"include_usage":true}}',
     '{"model":"m","messages":[{"role":"user","content":"#"}],'
     '"stream":true,"stream_options":{"include_usage":true}}', 1),
    ("/v1/completions", '{"model":"m","prompt":["1 a","b"],"suffix":"2"}',
     '{"model":"m","prompt":["# a","b"],"suffix":"#"}', 3),
    ("/v1/embeddings", '{"input":"12","model":"m"}',
     '{"input":"#","model":"m"}', 1),
]


@pytest.mark.parametrize("path,text,want,n", CASES)
@pytest.mark.parametrize("story", ["at once", "wait"])
def test_masks(penstock, tmp_path, story, path, text, want, n):
    with Upstream(good) as up:
        p = start(penstock, tmp_path, up)
        answer = p.post(path, text, headers={"x-story": story})
        assert answer.status == 200
        assert up.requests[0].body.decode() == want
        assert f"story: {n} texts" in one_line(p)["notes"]
        settled(p)


def test_nothing_of_it_where_it_fails(penstock, tmp_path):
    with Upstream(good) as up:
        text = ('{"model":"m","messages":[{"role":"user","content":"1"},'
                '{"role":"system","content":"stop"}]}')
        p = start(penstock, tmp_path, up, ', fail = "open"')
        assert p.post("/v1/chat/completions", text).status == 200
        assert up.requests[0].body.decode() == text
        p = start(penstock, tmp_path, up)
        assert p.post("/v1/chat/completions", text).status == 500
        assert len(up.requests) == 1


def test_a_long_conversation(penstock, tmp_path):
    """1,000 messages, each edited, within the CPU budget of one call."""
    one = '{"role":"user","content":"number %d of many, and some more text"}'
    with Upstream(good) as up:
        p = start(penstock, tmp_path, up)
        text = '{"model":"m","messages":[%s]}' % ",".join(
            one % i for i in range(1000))
        assert p.post("/v1/chat/completions", text).status == 200
        assert up.requests[0].body.decode() == \
            '{"model":"m","messages":[%s]}' % ",".join(
                [one.replace("%d", "#")] * 1000)

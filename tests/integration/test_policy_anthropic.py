# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""The same policies in Anthropic's dialect: fields, texts, raw JSON and
answers, streamed and not."""
import json

import pytest

from conftest import wait_for
from upstream import Upstream

STORY = """
local M = { api = 1, dialects = { "openai-chat", "anthropic" } }

function M.validate(req)
  local what = req.header["x-story"]
  if what == "answer" then return ps.answer{ text = "Ask \\"IT\\"" } end
  if what == "count" then return req.body:set("/n", #req.body:get("/messages")) end
  req.max_tokens = math.min(req.max_tokens, 50)
  req.user = "u-1"
  req:each_text({ from = { "user", "tool" } }, function(text)
    return (text:gsub("%d+", "#"))
  end)
  if req.dialect == "anthropic" then req.body:remove("/top_k") end
end

function M.log(req)
  ps.log(req.model .. " " .. tostring(req.user) .. " " .. tostring(req.max_tokens))
end

return M
"""
CONFIG = """
server {{ workers = 1 }}
policy_path "{dir}"
provider "a" {{ vendor = "anthropic", base_url = "{a}",
               keys = {{ env("UNSET", "ka") }} }}
model "m" {{ "a/m" }}
policies {{ "auth", "story", "route" }}
"""
TEXT = ('{"model":"m", "max_tokens":100,"top_k":3,"system":"keep 1",\n'
        '"messages":[{"role":"user","content":"call \\u0030123"},'
        '{"role":"assistant","content":[{"type":"tool_use","id":"t",'
        '"name":"f","input":{"n":"5"}}]},{"role":"user","content":['
        '{"type":"tool_result","tool_use_id":"t","content":"got 7"},'
        '{"type":"text" , "text":"a1"}]}]%s }')
WHOLE = {"id": "msg_1", "type": "message", "role": "assistant", "model": "m",
         "content": [{"type": "text", "text": "hello"}],
         "stop_reason": "end_turn", "stop_sequence": None,
         "usage": {"input_tokens": 3, "output_tokens": 2}}
HEAD = {"anthropic-version": "2023-06-01"}


def events(*names):
    return "".join(f"event: {n['type']}\ndata: {json.dumps(n)}\n\n"
                   for n in names)


STREAM = events(
    {"type": "message_start", "message": {**WHOLE, "content": [],
                                          "stop_reason": None}},
    {"type": "content_block_start", "index": 0,
     "content_block": {"type": "text", "text": ""}},
    {"type": "content_block_delta", "index": 0,
     "delta": {"type": "text_delta", "text": "hello"}},
    {"type": "content_block_stop", "index": 0},
    {"type": "message_delta", "delta": {"stop_reason": "end_turn"},
     "usage": {"output_tokens": 2}},
    {"type": "message_stop"})


def good(conn, request):
    if "count_tokens" in request.path:
        conn.answer({"input_tokens": 3})
    elif request.json().get("stream"):
        conn.answer(STREAM, 200, "text/event-stream")
    else:
        conn.answer(WHOLE)


def start(penstock, tmp_path, up):
    tmp_path.chmod(0o755)
    (tmp_path / "story.lua").write_text(STORY)
    return penstock(CONFIG.format(dir=tmp_path, a=up.url))


@pytest.mark.parametrize("more", ["", ',"stream":true'])
def test_edits(penstock, tmp_path, more):
    with Upstream(good) as up:
        p = start(penstock, tmp_path, up)
        answer = p.post("/v1/messages", TEXT % more, headers=HEAD)
        assert answer.status == 200
        want = (TEXT % more).replace(":100,", ":50,") \
            .replace(',"top_k":3', "").replace("\\u0030123", "#") \
            .replace("got 7", "got #").replace("a1", "a#")[:-2] \
            + ',"metadata":{"user_id":"u-1"} }'
        assert up.requests[0].body.decode() == want
        line = wait_for(lambda: p.logs("policy.log"), why="a line")[0]
        assert line["text"] == "m u-1 50"


def test_count_tokens(penstock, tmp_path):
    with Upstream(good) as up:
        p = start(penstock, tmp_path, up)
        answer = p.post("/v1/messages/count_tokens",
                        '{"model":"m","messages":[{"role":"user",'
                        '"content":"x"}]}',
                        headers={**HEAD, "x-story": "count"})
        assert answer.json() == {"input_tokens": 3}
        assert up.requests[0].json()["n"] == 1


def test_an_answer(penstock, tmp_path):
    with Upstream(good) as up:
        p = start(penstock, tmp_path, up)
        head = {**HEAD, "x-story": "answer"}
        answer = p.post("/v1/messages", TEXT % "", headers=head)
        got = answer.json()
        assert answer.status == 200 and not up.requests
        assert got["content"] == [{"type": "text", "text": 'Ask "IT"',
                                   "citations": None}]
        assert got["stop_reason"] == "end_turn"
        assert got["usage"]["output_tokens"] == 0
        assert answer.headers["request-id"][4:] in got["id"]
        answer = p.post("/v1/messages", TEXT % ',"stream":true', headers=head)
        kinds = [json.loads(x[6:])["type"]
                 for x in answer.body.decode().split("\n")
                 if x.startswith("data: ")]
        assert kinds == ["message_start", "content_block_start",
                         "content_block_delta", "content_block_stop",
                         "message_delta", "message_stop"]
        refused = p.post("/v1/messages/count_tokens",
                         '{"model":"m","messages":[{"role":"user","content":"a"}]}',
                         headers=head)
        assert refused.status == 500
        assert refused.json()["error"]["type"] == "api_error"

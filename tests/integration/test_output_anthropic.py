# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""The same output policies over Anthropic's messages: blocks with a start,
deltas and a stop."""
import json

import pytest

from test_anthropic import (BLOCK, CONFIG, END, START, STOP, WHOLE, body, event,
                            read_stream, text)
from upstream import Upstream

SECRET = "sk-live-4f9a"
MASK = """
local M = { api = 1, window = { hold = 32 } }
function M.output(req, conf, w)
  w:replace("sk%-live%-%x%x%x%x", "[key]")
  if w.text:find("FORBIDDEN", 1, true) then return ps.stop() end
  if w.text:find("REFUSE", 1, true) then
    return ps.deny("x_words", "No such words", { status = 451 })
  end
end
return M
"""


class Script(Upstream):
    def __init__(self):
        super().__init__(self._answer)
        self.stream, self.whole = "", {}

    def _answer(self, conn, request):
        if request.json().get("stream"):
            conn.answer(self.stream, 200, "text/event-stream")
        else:
            conn.answer(self.whole)


def start(penstock, tmp_path, up):
    tmp_path.chmod(0o755)
    (tmp_path / "mask.lua").write_text(MASK)
    return penstock(CONFIG.format(
        a=up.url[:-3], b=up.url[:-3],
        more=f'policy_path "{tmp_path}"\npolicies {{ "mask", "route" }}'))


def whole(p):
    return p.post("/v1/messages", body(False),
                  headers={"anthropic-version": "2023-06-01"})


def events(got):
    return [json.loads(e.split("data: ", 1)[1]) for e in got.split("\n\n")
            if "data: " in e]


def joined(got):
    return "".join(e["delta"].get("text", "") for e in events(got)
                   if e["type"] == "content_block_delta")


def test_a_secret_at_every_offset(penstock, tmp_path):
    with Script() as up:
        p = start(penstock, tmp_path, up)
        words = f"here: {SECRET}, {SECRET}"
        for i in range(len(words) + 1):
            up.stream = START + BLOCK + text(words[:i]) + text(words[i:]) \
                + END + STOP
            got, clean = read_stream(p, body(True))
            assert clean and SECRET not in got, i
            assert joined(got) == "here: [key], [key]"
            assert [e["type"] for e in events(got)][-3:] == [
                "content_block_stop", "message_delta", "message_stop"]
        up.whole = {**WHOLE, "content": [{"type": "text", "text": words}]}
        assert whole(p).json()["content"][0]["text"] == "here: [key], [key]"


def test_stop_and_deny(penstock, tmp_path):
    with Script() as up:
        p = start(penstock, tmp_path, up)
        up.stream = START + BLOCK + text("a beginning of some length, yes. ") \
            + text("FORBIDDEN") + END + STOP
        up.whole = {**WHOLE, "content": [{"type": "text",
                                          "text": "FORBIDDEN"}]}
        got, clean = read_stream(p, body(True))
        assert clean and "FORBIDDEN" not in got and joined(got) == "a"
        assert [e["type"] for e in events(got)] == [
            "message_start", "content_block_start", "content_block_delta",
            "content_block_stop", "message_delta", "message_stop"]
        assert events(got)[-2]["delta"]["stop_reason"] == "refusal"
        r = whole(p)
        assert r.status == 200 and r.json()["stop_reason"] == "refusal"
        assert r.json()["content"] == []
        up.stream = START + BLOCK + text("REFUSE") + END + STOP
        up.whole = {**WHOLE, "content": [{"type": "text", "text": "REFUSE"}]}
        for stream in (True, False):
            r = p.post("/v1/messages", body(stream))
            assert r.status == 451, r.body
            assert r.json()["type"] == "error"
            assert r.json()["error"]["message"] == "No such words"


def test_official_sdk(penstock, tmp_path):
    anthropic = pytest.importorskip(
        "anthropic", reason="skipped: no anthropic package")
    with Script() as up:
        p = start(penstock, tmp_path, up)
        tool = event("content_block_start", index=1, content_block={
            "type": "tool_use", "id": "t", "name": "f", "input": {}})
        for piece in ('{"k":"sk-li', 've-4f9a"}'):
            tool += event("content_block_delta", index=1, delta={
                "type": "input_json_delta", "partial_json": piece})
        up.stream = START + BLOCK + text("it is sk-") + text("live-4f9a") \
            + event("content_block_stop", index=0) + tool \
            + event("content_block_stop", index=1) \
            + event("message_delta", delta={"stop_reason": "tool_use"},
                    usage={"output_tokens": 5}) + STOP
        with anthropic.Anthropic(base_url=p.url, api_key="none",
                                 max_retries=0) as c:
            with c.messages.stream(
                    model="m", max_tokens=10,
                    messages=[{"role": "user", "content": "hi"}]) as s:
                message = s.get_final_message()
        assert message.content[0].text == "it is [key]"
        assert message.content[1].input == {"k": "[key]"}
        assert message.stop_reason == "tool_use"

# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""Policies over the text of translated answers: two of them, in both
directions, a secret split over the provider's events at every offset."""
import hashlib
import json

import pytest

import assembled
from test_output import KEY, MASK
from test_translate import (COMPLETION, MESSAGE, USER, block, chunk, delta,
                            finish, named, plain, start, stop, tail)
from upstream import Upstream

SHOUT = """
local M = { api = 1, window = { hold = 16 } }
function M.output(req, conf, w)
  w:replace("%[key%]", function(all) return "<" .. all:upper() .. ">" end)
  w:replace("café", "tea")
end
return M
"""
CONF = """
policy_path "{dir}"
provider "an" {{ vendor = "anthropic-compatible", base_url = "{url}",
  keys = {{ env("UNSET", "k") }} }}
provider "oa" {{ vendor = "openai-compatible", base_url = "{url}/v1",
  keys = {{ env("UNSET", "k") }} }}
key "ci" {{ sha256 = "{sha}" }}
policies {{ "auth", "mask", "shout", "route" }}
"""
SECRET = "sk-live-4f9a"
TEXT = f"a café {SECRET} b \U0001f600 {SECRET}"
WANT = "a tea <[KEY]> b \U0001f600 <[KEY]>"


class Script(Upstream):
    def __init__(self):
        super().__init__(self._answer)
        self.pieces, self.size = [TEXT], 0

    def _answer(self, conn, request):
        an = "messages" in request.path
        if not request.json().get("stream"):
            text = "".join(self.pieces)
            conn.answer({**MESSAGE, "content": [
                {"type": "text", "text": text}]} if an else {
                **COMPLETION, "choices": [{
                    **COMPLETION["choices"][0], "message": {
                        "role": "assistant", "content": text}}]})
            return
        body = named(start(), block(0, "text", text=""),
                     *(delta(0, "text_delta", text=t) for t in self.pieces),
                     stop(0), *finish()) if an else plain(
            chunk(role="assistant", content=""),
            *(chunk(content=t) for t in self.pieces), chunk("stop"), tail())
        conn.head(200, "text/event-stream")
        step = self.size or len(body)
        for i in range(0, len(body), step):
            conn.chunk(body[i:i + step])
        conn.end()


def said(p, client, stream):
    path, model = ("/v1/chat/completions", "an/m") if client == "chat" else \
        ("/v1/messages", "oa/m")
    a = p.post(path, {"model": model, "max_tokens": 99, "messages": USER,
                      "stream": stream},
               headers={"authorization": f"Bearer {KEY}"})
    assert a.status == 200, a.body
    assert SECRET not in a.body.decode()
    body = a.body.decode()
    if client == "chat":
        assert not stream or body.endswith("data: [DONE]\n\n")
        return assembled.chat_stream(body) if stream else \
            assembled.chat_whole(json.loads(body))
    assert not stream or '"message_stop"' in body
    return assembled.message_stream(body) if stream else \
        assembled.message_whole(json.loads(body))


@pytest.mark.parametrize("client", ["chat", "messages"])
def test_two_policies(penstock, tmp_path, client):
    tmp_path.chmod(0o755)
    (tmp_path / "mask.lua").write_text(MASK)
    (tmp_path / "shout.lua").write_text(SHOUT)
    with Script() as up:
        p = penstock(CONF.format(
            dir=tmp_path, url=up.url[:-3],
            sha=hashlib.sha256(KEY.encode()).hexdigest()))
        whole = said(p, client, False)
        assert (whole["text"], whole["end"]) == (WANT, "end")
        for at in range(len(TEXT)):
            up.pieces = [x for x in (TEXT[:at], TEXT[at:]) if x]
            up.size = (0, 7, 1)[at % 3]
            got = said(p, client, True)
            assert (got["text"], got["end"]) == (WANT, "end"), at
        up.pieces, up.size = list(TEXT), 0
        assert said(p, client, True)["text"] == WANT

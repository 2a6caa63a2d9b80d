# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""Policies over the text of OpenAI's Responses."""
import json

from test_responses import MASK, answer, config, sdk
from upstream import Upstream


STOP = """
local M = { api = 1, window = { hold = 8 } }
function M.output(req, conf, w)
  if w.text:find("there", 1, true) then return ps.stop("content_filter") end
end
return M
"""


def test_a_policy_edits_every_copy(penstock, tmp_path):
    (tmp_path / "mask.lua").write_text(MASK)
    with Upstream(answer) as up:
        p = penstock(config(
            up, f'policy_path "{tmp_path}" policies {{ "mask" }}'))
        with sdk(p) as c:
            for model in ("own", "claude"):
                masked(p, c, model)


def masked(p, c, model):
    assert c.responses.create(model=model, input="x").output_text == "hi [x]"
    with c.responses.stream(model=model, input="x") as s:
        pieces = [e.delta for e in s
                  if e.type == "response.output_text.delta"]
        assert s.get_final_response().output_text == "hi [x]"
    assert "".join(pieces) == "hi [x]"
    r = p.request("POST", "/v1/responses", json.dumps(
        {"model": model, "input": "x", "stream": True}))
    assert b"there" not in r.body


def test_a_policy_stops(penstock, tmp_path):
    (tmp_path / "stop.lua").write_text(STOP)
    with Upstream(answer) as up:
        p = penstock(config(
            up, f'policy_path "{tmp_path}" policies {{ "stop" }}'))
        r = p.request("POST", "/v1/responses", json.dumps(
            {"model": "own", "input": "x", "stream": True}))
    last = json.loads(r.body.strip().split(b"data: ")[-1])
    assert last["type"] == "response.incomplete"
    assert last["response"]["id"] == "resp_1"
    assert last["response"]["incomplete_details"] == {
        "reason": "content_filter"}
    assert b"there" not in r.body

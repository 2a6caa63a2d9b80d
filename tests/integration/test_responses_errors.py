# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""Errors within streams of OpenAI's Responses: an error's number is one more
than that of the last event before it, whoever broke the stream off."""
import http.client
import json

import pytest

from conftest import SLOW
from test_responses import chunk, config, said
from test_translate import plain
from upstream import Upstream

MASK = """
local M = { api = 1, window = { hold = 2 } }
function M.output(req, conf, w) w:replace("there", "[x]") end
return M
"""
REFUSE = """
local M = { api = 1, window = { hold = 2 } }
function M.output(req, conf, w)
  if w.text:find("there", 1, true) then return ps.reject(400, "no") end
end
return M
"""
PIECES = ("hello ", "hi ", "there")
HURRY = 'defaults { timeouts = { idle = "300ms", gap = "300ms" } }'


def events(body):
    return [json.loads(e.split(b"data: ")[1])
            for e in body.split(b"\n\n") if b"data: " in e]


def half(stream, first=0, step=1):
    """The stream up to its last text, with numbers of its own."""
    got = [e for e in events(stream) if e["type"] != "response.completed"][:4 + len(PIECES)]
    assert got[-1]["type"] == "response.output_text.delta"
    return "".join(
        f"event: {e['type']}\ndata: "
        f"{json.dumps({**e, 'sequence_number': first + step * i})}\n\n"
        for i, e in enumerate(got)).encode()


class Cut(Upstream):
    """Half a stream, then what `ends` does."""

    def __init__(self):
        super().__init__(self._answer)
        self.native = half(said(*PIECES))
        self.ends = lambda conn: conn.close()

    def _answer(self, conn, request):
        conn.head(200, "text/event-stream")
        if "/responses" in request.path:
            conn.chunk(self.native)
        else:
            conn.chunk(plain(*(chunk(content=t) for t in PIECES),
                             done=False))
        self.ends(conn)


def stream_of(p, model):
    """All that comes before the connection breaks off."""
    c = http.client.HTTPConnection("127.0.0.1", p.port, timeout=10 * SLOW)
    try:
        c.request("POST", "/v1/responses", json.dumps(
            {"model": model, "input": "x", "stream": True}),
            {"content-type": "application/json"})
        r = c.getresponse()
        assert r.status == 200
        with pytest.raises(http.client.IncompleteRead) as e:
            r.read()
        return e.value.partial
    finally:
        c.close()


def ask(p, model):
    got = events(stream_of(p, model))
    assert [e["type"] == "error" for e in got] == \
        [False] * (len(got) - 1) + [True]
    assert "response.output_text.delta" in {e["type"] for e in got}
    return [e["sequence_number"] for e in got]


@pytest.fixture
def up():
    with Cut() as upstream:
        yield upstream


def gateway(penstock, up, tmp_path, policy="", more="",
            listed='"own"'):
    if policy:
        (tmp_path / "own.lua").write_text(policy)
        more += f' policy_path "{tmp_path}" policies {{ {listed} }}'
    return penstock(config(up, more))


def test_a_native_stream_breaks(penstock, up, tmp_path):
    p = gateway(penstock, up, tmp_path)
    for first, step in ((0, 1), (5, 1), (3, 4)):
        up.native = half(said(*PIECES), first, step)
        numbers = ask(p, "own")
        last = first + (3 + len(PIECES)) * step
        assert numbers == [*range(first, last + 1, step), last + 1]


def test_the_providers_own_error_is_not_counted_twice(penstock, up,
                                                      tmp_path):
    error = {"type": "error", "code": "x", "message": "m", "param": None,
             "sequence_number": 7}
    p = gateway(penstock, up, tmp_path)
    up.ends = lambda conn: conn.chunk(
        f"event: error\ndata: {json.dumps(error)}\n\n")
    assert ask(p, "own") == list(range(8))


def test_a_translated_stream_breaks(penstock, up, tmp_path):
    p = gateway(penstock, up, tmp_path)
    numbers = ask(p, "chat")
    assert len(numbers) > 3 and numbers == list(range(len(numbers)))


@pytest.mark.parametrize("model", ("own", "chat"))
def test_silence(penstock, up, tmp_path, model):
    up.ends = lambda conn: conn.wait_gone()
    p = gateway(penstock, up, tmp_path, more=HURRY)
    numbers = ask(p, model)
    assert len(numbers) > 3 and numbers == list(range(len(numbers)))


@pytest.mark.parametrize("model", ("own", "chat"))
def test_behind_a_policy(penstock, up, tmp_path, model):
    """One that edits, one that refuses, one that is only looking."""
    for policy, listed in ((MASK, '"own"'), (REFUSE, '"own"'),
                           (MASK, '{ "own", mode = "observe" }')):
        p = gateway(penstock, up, tmp_path, policy, listed=listed)
        numbers = ask(p, model)
        assert len(numbers) > 3 and numbers == list(range(len(numbers)))

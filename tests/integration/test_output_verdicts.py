# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""Policies over the text of answers, and what they say of it: stop, deny, a
failure, one of several, or nothing but a note."""
import json
import re
import time

from conftest import wait_for
from test_output import (DONE, SECRET, Script, ask, event, events, finish,
                         joined, line, notes, start, stream_of, whole)
from upstream import Upstream


def test_stop(penstock, tmp_path):
    """content_filter, streamed and not; the provider's stream is cancelled;
    the client has its [DONE], and usage if it is known and was asked for."""
    def endless(conn, request):
        if not request.json().get("stream"):
            return conn.answer(whole({"content": "oh FORBIDDEN things",
                                      "tool_calls": [{"id": "x"}]}))
        conn.head(200, "text/event-stream")
        conn.chunk(event({"role": "assistant", "content": ""}))
        conn.chunk(event({"content": "this is a long beginning, then FOR"}))
        conn.chunk(event({"content": "BIDDEN"}, usage={
            "prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13}))
        while True:
            conn.chunk(event({"content": " and more"}))
            time.sleep(0.01)

    with Upstream(endless) as up:
        p = start(penstock, tmp_path, up, '"stop"')
        status, got, clean = ask(p)
        assert status == 200 and clean and got.endswith(DONE)
        assert finish(got) == ["content_filter"]
        assert joined(got) == "this is a long beg"
        wait_for(up.closed, why="the provider's end")
        assert notes(p) == ["stop: stopped: content_filter"]
        assert line(p)["status"] == 200
        told = p.cli("explain", ask.id).stdout
        assert re.findall(r"^  output +stop +stop content_filter", told, re.M)
        assert len(re.findall(r"^  output ", told, re.M)) == 1
        status, got, clean = ask(p, stream_options={"include_usage": True})
        assert events(got)[-1]["usage"]["total_tokens"] == 13
        assert events(got)[-1]["choices"] == [] and got.endswith(DONE)
        status, got, _ = ask(p, False)
        choice = json.loads(got)["choices"][0]
        assert status == 200 and choice["finish_reason"] == "content_filter"
        assert choice["message"] == {"role": "assistant", "content": ""}
        assert "FORBIDDEN" not in got
        assert json.loads(got)["usage"]["total_tokens"] == 5


def test_deny(penstock, tmp_path):
    """Before content: an answer with its own status. After: an error event
    and an end that is none."""
    with Script() as up:
        p = start(penstock, tmp_path, up, '"stop"')
        up.stream = stream_of(["REFUSE"])
        up.whole = whole({"content": "REFUSE"})
        for stream in (True, False):
            status, got, _ = ask(p, stream)
            assert status == 451
            assert json.loads(got)["error"]["code"] == "x_words"
            assert json.loads(got)["error"]["message"] == "No such words here"
        up.stream = stream_of(["a beginning that is long enough", " REFUSE "])
        status, got, clean = ask(p)
        assert status == 200 and not clean and "[DONE]" not in got
        assert events(got)[-1]["error"]["code"] == "x_words"
        assert "REFUSE" not in got and joined(got) == "a beginning tha"
        line(p)
        assert [len(e["attempts"]) for e in p.logs("request")] == [1] * 3


def test_failures(penstock, tmp_path):
    with Script() as up:
        p = start(penstock, tmp_path, up, '"stop"')
        worker = p.workers()[0]["pid"]
        for word, why in (("CRASH", "crashed on t1"), ("SPIN", "CPU budget")):
            up.stream = stream_of([word])
            up.whole = whole({"content": word})
            for stream in (True, False):
                status, got, _ = ask(p, stream, {"x-tag": "t1"})
                assert status == 500
                assert json.loads(got)["error"]["code"] == "policy_failed"
                assert any(why in n for n in notes(p)), why
        up.stream = stream_of(["a beginning that is long enough", " CRASH "])
        status, got, clean = ask(p, headers={"x-tag": "t1"})
        assert status == 200 and not clean and "[DONE]" not in got
        assert events(got)[-1]["error"]["code"] == "policy_failed"
        assert p.workers()[0]["pid"] == worker


def test_failing_open(penstock, tmp_path):
    with Script() as up:
        p = start(penstock, tmp_path, up,
                  '{ "stop", fail = "open" }, "mask"')
        text = f"CRASH {SECRET} SPIN"
        up.stream = stream_of([text[:9], text[9:]])
        up.whole = whole({"content": text})
        want = text.replace(SECRET, "[key]")
        status, got, clean = ask(p, headers={"x-tag": "t"})
        assert clean and joined(got) == want
        status, got, _ = ask(p, False, {"x-tag": "t"})
        assert json.loads(got)["choices"][0]["message"]["content"] == want


def test_observe(penstock, tmp_path):
    """Noted, and every byte as the provider sent it."""
    with Script() as up:
        p = start(penstock, tmp_path, up, '{ "mask", mode = "observe" }, '
                  '{ "stop", mode = "observe" }')
        up.stream = stream_of([f"a {SECRET} FORBI", "DDEN", " and on"])
        up.whole = whole({"content": f"{SECRET} FORBIDDEN"})
        status, got, clean = ask(p)
        assert got == up.stream and clean
        want = ["mask: masked", "mask: would replace text",
                "stop: would stop: content_filter"]
        assert notes(p) == want
        status, got, _ = ask(p, False)
        assert json.loads(got) == up.whole
        assert notes(p) == want


def test_two_policies(penstock, tmp_path):
    """In their order, each over what the one before made of it."""
    names = """
        local M = { api = 1, window = { hold = 8 }, schema = { to = "string" } }
        function M.output(req, conf, w)
          w:replace("%[key%]", function(all) return conf.to .. all:upper() end)
          w:replace("x+", function(all) return #all .. "x" end)
        end
        return M"""
    with Script() as up:
        p = start(penstock, tmp_path, up,
                  '"mask", { "names", conf = { to = "<" } }', names=names)
        text = f"a {SECRET} b xxxx, [key] xx"
        want = "a <[KEY] b 4x, <[KEY] 2x"
        up.whole = whole({"content": text})
        status, got, _ = ask(p, False)
        assert json.loads(got)["choices"][0]["message"]["content"] == want
        for size in (1, 2, 3, 7):
            up.stream = stream_of([text[i:i + size]
                                   for i in range(0, len(text), size)])
            status, got, clean = ask(p)
            assert joined(got) == want, size

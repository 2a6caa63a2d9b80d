# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""Limits of tokens while a stream runs: it ends where its tokens do, in the
dialect of its client, and is counted where it is translated."""
import json
import time

from conftest import wait_for
from test_limits import KEY, ask, event, start
from upstream import Upstream


def endless(conn, request):
    conn.head(200, "text/event-stream")
    for _ in range(2000):
        conn.chunk(event("word "))
        time.sleep(0.0005)
    conn.chunk(event(finish="stop"))
    conn.chunk("data: [DONE]\n\n")
    conn.end()


FINISH = '"auth", { "limits", conf = { stream = "finish" } }, "route"'


def test_a_stream_finishes_with_its_tokens(penstock, tmp_path):
    with Upstream(endless) as up:
        p = start(penstock, tmp_path, up, policies=FINISH,
                  key='limits = { tokens = "300/day" }')
        a = ask(p, stream=True, max_tokens=5000,
                stream_options={"include_usage": True})
        assert a.status == 200
        lines = [x[6:] for x in a.body.decode().split("\n\n") if x]
        assert lines[-1] == "[DONE]"
        usage = json.loads(lines[-2])["usage"]
        assert json.loads(lines[-3])["choices"][0]["finish_reason"] == \
            "length"
        words = sum(1 for x in lines if '"word "' in x)
        assert 150 < words < 300
        assert 280 <= usage["total_tokens"] <= 320
        assert ask(p, max_tokens=200).status == 429  # they are used
        log = wait_for(lambda: p.logs("request"), why="the line")[0]
        assert any("tokens are used up" in n for n in log["notes"])


def test_without_the_option_it_goes_on(penstock, tmp_path):
    with Upstream(endless) as up:
        p = start(penstock, tmp_path, up,
                  key='limits = { tokens = "300/day" }')
        a = ask(p, stream=True, max_tokens=5000)
        assert a.body.count(b'"word "') == 2000
        assert b'"finish_reason": "stop"' in a.body


def test_it_finishes_in_the_clients_dialect(penstock, tmp_path):
    """An OpenAI provider, a client of Anthropic's."""
    with Upstream(endless) as up:
        p = start(penstock, tmp_path, up, policies=FINISH,
                  key='limits = { tokens = "300/day" }')
        a = p.post("/v1/messages", {
            "model": "m", "max_tokens": 5000, "stream": True,
            "messages": [{"role": "user", "content": "hi"}]},
            headers={"x-api-key": KEY})
        assert a.status == 200
        events = [json.loads(x.split("data: ", 1)[1])
                  for x in a.body.decode().split("\n\n") if "data: " in x]
        assert [e["type"] for e in events[-3:]] == [
            "content_block_stop", "message_delta", "message_stop"]
        assert events[-2]["delta"]["stop_reason"] == "max_tokens"
        assert 200 <= events[-2]["usage"]["output_tokens"] <= 320


def test_a_translated_stream_is_counted(penstock, tmp_path):
    """Left in the middle: what had come counts, and no more."""
    def some(conn, request):
        conn.head(200, "text/event-stream")
        for _ in range(100):
            conn.chunk(event("word "))
        conn.wait_gone(20)

    with Upstream(some) as up:
        p = start(penstock, tmp_path, up, key='limits = { tokens = "2k/day" }')
        c = p.connect()
        c.request("POST", "/v1/messages", json.dumps({
            "model": "m", "max_tokens": 1500, "stream": True,
            "messages": [{"role": "user", "content": "hi"}]}),
            {"x-api-key": KEY})
        r = c.getresponse()
        got = b""
        while got.count(b"word ") < 100:
            got += r.read1(65536)
        r.close()
        c.close()
        log = wait_for(lambda: p.logs("request"), why="its end")[0]
        story = json.loads(p.cli("explain", log["id"], "--json").stdout)
        tokens = [x for x in story["limits"] if x["limit"] == "tokens"][0]
        assert 90 <= tokens["used"] <= 180, tokens

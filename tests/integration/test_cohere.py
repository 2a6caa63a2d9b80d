# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""Cohere's v2 API behind both clients' dialects: plans and thoughts are
reasoning, what is billed is what is counted here, errors keep their
meaning."""
import json

import pytest

from test_faults import one_line
from upstream import Upstream

CONF = """
listen "127.0.0.1:0" {{ detail = "full" }}
provider "co" {{ vendor = "cohere", base_url = "{url}",
    keys = {{ env("UNSET", "sk-co") }}, retries = {{ attempts = 1 }} }}
model "command" {{ "co/command-a-03-2025" }}
"""
USER = [{"role": "user", "content": "hello"}]
USAGE = {"billed_units": {"input_tokens": 3, "output_tokens": 2},
         "tokens": {"input_tokens": 50, "output_tokens": 4},
         "cached_tokens": 40}


def event(kind, **rest):
    return b"event: %s\ndata: %s\n\n" % (
        kind.encode(), json.dumps({"type": kind, **rest}).encode())


def piece(kind, **message):
    return event(kind, index=0, delta={"message": message})


def stream(*middle, why="COMPLETE"):
    return (event("message-start", id="i", delta={"message": {}}) +
            b"".join(middle) +
            event("message-end", delta={"finish_reason": why,
                                        "usage": USAGE}) +
            b"data: [DONE]\n\n")


@pytest.fixture
def co(penstock):
    """co(body, status=200) -> (instance, upstream)"""
    ups = []

    def make(body, status=200):
        def answer(conn, request):
            kind = b"application/json"
            if body.startswith(b"event"):
                kind = b"text/event-stream"
            conn.send(b"HTTP/1.1 %d X\r\ncontent-type: %s\r\n"
                      b"content-length: %d\r\n\r\n" % (status, kind,
                                                       len(body)))
            for i in range(0, len(body), 7):
                conn.send(body[i:i + 7])

        up = Upstream(answer)
        up.__enter__()
        ups.append(up)
        url = up.url[:-3] if up.url.endswith("/v1") else up.url
        return penstock(CONF.format(url=url)), up

    yield make
    for up in ups:
        up.__exit__(None, None, None)


def data(answer):
    return [json.loads(x[6:]) for x in answer.body.decode().splitlines()
            if x.startswith("data: {")]


def test_a_stream_for_an_openai_client(co):
    p, up = co(stream(piece("content-start", content={"type": "text",
                                                      "text": ""}),
                      piece("content-delta", content={"text": "h"}),
                      piece("content-delta", content={"text": "i"}),
                      event("content-end", index=0)))
    a = p.post("/v1/chat/completions", {
        "model": "command", "stream": True, "max_tokens": 9, "user": "u",
        "stream_options": {"include_usage": True}, "messages": USER})
    assert a.status == 200, a.body
    deltas = [c["delta"] for e in data(a) for c in e["choices"]]
    assert "".join(d.get("content") or "" for d in deltas) == "hi"
    assert data(a)[-1]["usage"]["prompt_tokens"] == 50
    assert data(a)[-1]["usage"]["prompt_tokens_details"] == {
        "cached_tokens": 40}
    assert a.headers["x-penstock-dropped"] == "user"
    sent = up.requests[0]
    assert sent.path == "/v2/chat"
    assert sent.header("authorization") == "Bearer sk-co"
    assert sent.json() == {"model": "command-a-03-2025", "messages": USER,
                           "max_tokens": 9, "stream": True}
    assert one_line(p)["tokens"] == {"input": 3, "cache_read": 0,
                                     "output": 2}


def test_a_plan_and_a_call_for_an_anthropic_client(co):
    p, _ = co(stream(
        piece("tool-plan-delta", tool_plan="I will"),
        piece("tool-call-start", tool_calls={
            "id": "f_1", "type": "function",
            "function": {"name": "f", "arguments": ""}}),
        piece("tool-call-delta", tool_calls={
            "function": {"arguments": "{\"a\":1}"}}),
        event("tool-call-end", index=0), why="TOOL_CALL"))
    a = p.post("/v1/messages", {
        "model": "command", "max_tokens": 9, "stream": True,
        "messages": USER,
        "tools": [{"name": "f", "input_schema": {"type": "object"}}]})
    assert a.status == 200, a.body
    blocks = [e["content_block"] for e in data(a)
              if e["type"] == "content_block_start"]
    assert [b["type"] for b in blocks] == ["thinking", "tool_use"]
    assert blocks[1]["id"] == "f_1"
    deltas = [e["delta"] for e in data(a)
              if e["type"] == "content_block_delta"]
    assert "".join(d.get("thinking", "") for d in deltas) == "I will"
    assert "".join(d.get("partial_json", "") for d in deltas) == '{"a":1}'
    last = [e for e in data(a) if e["type"] == "message_delta"][0]
    assert last["delta"]["stop_reason"] == "tool_use"


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages"])
def test_an_error_before_the_answer(co, path):
    p, _ = co(b'{"message":"too many tokens: size limit exceeded by 9"}', 400)
    a = p.post(path, {"model": "command", "max_tokens": 9, "messages": USER})
    assert a.status == 400, a.body
    assert "too many tokens" in a.json()["error"]["message"]


def test_a_key_that_is_refused_is_not_the_clients(co):
    p, _ = co(b'{"id":"i","message":"Incorrect API key provided"}', 401)
    a = p.post("/v1/chat/completions", {"model": "command",
                                        "messages": USER})
    assert a.status in (502, 503), a.body
    assert a.headers["x-penstock-error"].startswith("provider_auth")

# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""Ollama's own API behind both clients' dialects: lines become events, what
an operator set goes with each request, errors keep their meaning."""
import http.client
import json

import pytest

from upstream import Upstream

CONF = """
listen "127.0.0.1:0" {{ detail = "full" }}
provider "local" {{ vendor = "ollama-native", base_url = "{url}",
    settings = {{ num_ctx = 8192, keep_alive = "10m" }},
    retries = {{ attempts = 1 }} }}
model "small" {{ "local/qwen3:8b" }}
"""
USER = [{"role": "user", "content": "hello"}]


def line(done=False, **message):
    x = {"model": "qwen3:8b", "created_at": "2026-01-01T00:00:00Z",
         "message": {"role": "assistant", "content": "", **message},
         "done": done}
    if done:
        x |= {"done_reason": "stop", "prompt_eval_count": 7, "eval_count": 3}
    return x


def lines(*all_of_them):
    return b"".join(json.dumps(x).encode() + b"\n" for x in all_of_them)


@pytest.fixture
def local(penstock):
    """local(body, status=200) -> (instance, upstream)"""
    ups = []

    def make(body, status=200):
        def answer(conn, request):
            ndjson = status == 200 and request.json().get("stream")
            conn.send(b"HTTP/1.1 %d X\r\ncontent-type: application/%s\r\n"
                      b"content-length: %d\r\n\r\n" % (
                          status, b"x-ndjson" if ndjson else b"json",
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


def text_of(answer):
    return answer.body.decode()


def data(answer):
    return [json.loads(x[6:]) for x in text_of(answer).splitlines()
            if x.startswith("data: {")]


def test_a_stream_for_an_openai_client(local):
    p, up = local(lines(line(thinking="so"), line(content="h"),
                        line(content="i"), line(done=True)))
    a = p.post("/v1/chat/completions", {
        "model": "small", "stream": True, "max_tokens": 9, "user": "u",
        "stream_options": {"include_usage": True}, "messages": USER})
    assert a.status == 200, text_of(a)
    deltas = [c["delta"] for e in data(a) for c in e["choices"]]
    assert "".join(d.get("content") or "" for d in deltas) == "hi"
    assert "".join(d.get("reasoning_content") or "" for d in deltas) == "so"
    assert data(a)[-1]["usage"]["prompt_tokens"] == 7
    assert text_of(a).endswith("data: [DONE]\n\n")
    assert a.headers["x-penstock-dropped"] == "user"
    sent = up.requests[0]
    assert sent.path == "/api/chat"
    assert sent.json() == {
        "model": "qwen3:8b", "messages": USER, "stream": True,
        "keep_alive": "10m", "options": {"num_predict": 9, "num_ctx": 8192}}


def test_a_call_for_an_anthropic_client(local):
    p, up = local(json.dumps(line(done=True, tool_calls=[
        {"id": "call_1", "function": {"name": "f", "arguments": {"a": 1}}}]))
        .encode())
    a = p.post("/v1/messages", {
        "model": "small", "max_tokens": 9, "messages": USER,
        "tools": [{"name": "f", "input_schema": {"type": "object"}}]})
    assert a.status == 200, text_of(a)
    assert a.json()["stop_reason"] == "tool_use"
    assert a.json()["content"] == [{"type": "tool_use", "id": "call_1",
                                  "name": "f", "input": {"a": 1}}]
    assert a.json()["usage"]["input_tokens"] == 7
    assert up.requests[0].json()["stream"] is False


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages"])
def test_an_error_before_the_answer(local, path):
    p, _ = local(b'{"error":"the input length exceeds the context length"}',
                 400)
    a = p.post(path, {"model": "small", "max_tokens": 9, "messages": USER})
    assert a.status == 400, text_of(a)
    assert "context length" in a.json()["error"]["message"]


def broken_off(p, path, body):
    """The events of a stream whose end never came."""
    c = p.connect(10)
    try:
        c.request("POST", path, json.dumps(body),
                  {"content-type": "application/json"})
        with pytest.raises(http.client.IncompleteRead) as e:
            c.getresponse().read()
        return [json.loads(x[6:]) for x in
                e.value.partial.decode().splitlines()
                if x.startswith("data: ")]
    finally:
        c.close()


def test_an_error_within_a_stream(local):
    p, _ = local(lines(line(content="h"),
                       {"error": "the model runner has stopped"}))
    seen = broken_off(p, "/v1/chat/completions", {
        "model": "small", "stream": True, "messages": USER})
    assert "error" in seen[-1]


def test_a_stream_that_was_cut(local):
    p, _ = local(lines(line(content="h")))
    seen = broken_off(p, "/v1/messages", {
        "model": "small", "max_tokens": 9, "stream": True, "messages": USER})
    assert "message_stop" not in [e["type"] for e in seen]
    assert seen[-1]["type"] == "error"

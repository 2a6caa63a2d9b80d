# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""A client of one dialect, a target of the other: requests, answers, streams,
errors and limits as the client's own dialect has them."""
import json

import pytest

from test_faults import one_line
from upstream import Upstream

CONF = """
listen "127.0.0.1:0" {{ detail = "full" }}
provider "an" {{ vendor = "anthropic", base_url = "{url}",
                keys = {{ env("UNSET", "sk-an") }}, retries = {{ attempts = 2, same_target = 0 }} }}
provider "oa" {{ vendor = "openai-compatible", base_url = "{url}/v1",
                keys = {{ env("UNSET", "sk-oa") }}, retries = {{ attempts = 2, same_target = 0 }} }}
model "claude" {{ "an/claude-sonnet-5-5" }}
model "gpt"    {{ "oa/gpt-6-luna" }}
model "both"   {{ "an/claude-sonnet-5-5", "oa/gpt-6-luna" }}
{more}
"""
USER = [{"role": "user", "content": "hello"}]

MESSAGE = {
    "id": "msg_1", "type": "message", "role": "assistant",
    "model": "claude-sonnet-5-5", "stop_reason": "end_turn",
    "stop_sequence": None, "content": [{"type": "text", "text": "hi there"}],
    "usage": {"input_tokens": 7, "output_tokens": 3,
              "cache_read_input_tokens": 2,
              "cache_creation_input_tokens": 0}}
COMPLETION = {
    "id": "chatcmpl-1", "object": "chat.completion", "created": 1,
    "model": "gpt-6-luna", "choices": [{
        "index": 0, "finish_reason": "stop",
        "message": {"role": "assistant", "content": "hi there"}}],
    "usage": {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12,
              "prompt_tokens_details": {"cached_tokens": 2}}}


def named(*events):
    return b"".join(b"event: %s\ndata: %s\n\n" % (
        e["type"].encode(), json.dumps(e).encode()) for e in events)


def plain(*events, done=True):
    out = b"".join(b"data: %s\n\n" % json.dumps(e).encode() for e in events)
    return out + (b"data: [DONE]\n\n" if done else b"")


def start():
    return {"type": "message_start", "message": {
        **MESSAGE, "content": [], "stop_reason": None,
        "usage": {"input_tokens": 7, "cache_read_input_tokens": 2,
                  "output_tokens": 1}}}


def block(index, kind, **kw):
    return {"type": "content_block_start", "index": index,
            "content_block": {"type": kind, **kw}}


def delta(index, kind, **kw):
    return {"type": "content_block_delta", "index": index,
            "delta": {"type": kind, **kw}}


def stop(index):
    return {"type": "content_block_stop", "index": index}


def finish(reason="end_turn", out=3):
    return [{"type": "message_delta",
             "delta": {"stop_reason": reason, "stop_sequence": None},
             "usage": {"output_tokens": out}}, {"type": "message_stop"}]


def text_stream(*pieces, reason="end_turn"):
    return named(start(), block(0, "text", text=""),
                 *(delta(0, "text_delta", text=p) for p in pieces), stop(0),
                 *finish(reason))


def chunk(finish_reason=None, usage=None, **d):
    return {"id": "chatcmpl-1", "object": "chat.completion.chunk",
            "created": 1, "model": "gpt-6-luna", "usage": usage,
            "choices": [{"index": 0, "delta": d,
                         "finish_reason": finish_reason}]}


def tail():
    return {"id": "chatcmpl-1", "object": "chat.completion.chunk",
            "created": 1, "model": "gpt-6-luna", "choices": [],
            "usage": COMPLETION["usage"]}


class Two:
    """One upstream that answers both providers' paths."""

    def __init__(self, messages=None, chat=None, headers=()):
        self.bytes = {"/v1/messages": messages, "/v1/chat/completions": chat}
        self.headers = headers
        self.status = {"/v1/messages": 200, "/v1/chat/completions": 200}

    def __call__(self, conn, request):
        path = request.path.partition("?")[0]
        body = self.bytes[path]
        stream = not body.lstrip().startswith(b"{")
        ctype = b"text/event-stream" if stream else b"application/json"
        conn.send(b"HTTP/1.1 %d X\r\ncontent-type: %s\r\n%s"
                  b"content-length: %d\r\n\r\n" % (
                      self.status[path], ctype,
                      b"".join(b"%s: %s\r\n" % h for h in self.headers),
                      len(body)))
        conn.send(body)


@pytest.fixture
def two(penstock):
    """two(messages=bytes, chat=bytes, more="") -> (instance, upstream, h)"""
    open_ups = []

    def make(messages=None, chat=None, more="", headers=()):
        h = Two(messages, chat, headers)
        up = Upstream(h)
        up.__enter__()
        open_ups.append(up)
        return penstock(CONF.format(url=up.url[:-3], more=more)), up, h

    yield make
    for up in open_ups:
        up.__exit__(None, None, None)


def whole(obj):
    return json.dumps(obj).encode()


def events(answer):
    """[(event, object or text)] of a body of server-sent events."""
    out = []
    for part in answer.body.decode().split("\n\n"):
        lines = [x for x in part.split("\n") if x and x[0] != ":"]
        if not lines:
            continue
        fields = dict(x.split(": ", 1) for x in lines)
        data = fields["data"]
        out.append((fields.get("event"),
                    data if data == "[DONE]" else json.loads(data)))
    return out


def test_chat_to_messages(two):
    p, up, _ = two(messages=whole(MESSAGE))
    r = p.post("/v1/chat/completions", {
        "model": "claude", "temperature": 0.30, "seed": 3,
        "messages": [{"role": "system", "content": "Be brief."}, *USER]})
    assert r.status == 200
    got = r.json()
    assert got["choices"][0]["message"]["content"] == "hi there"
    assert got["choices"][0]["finish_reason"] == "stop"
    assert got["model"] == "claude"
    assert got["usage"]["prompt_tokens"] == 9
    assert got["usage"]["prompt_tokens_details"]["cached_tokens"] == 2
    assert "seed" in r.headers["x-penstock-dropped"]
    sent = up.requests[0]
    body = sent.json()
    assert sent.header("x-api-key") == "sk-an"
    assert sent.header("anthropic-version")
    assert body["model"] == "claude-sonnet-5-5"
    assert b"0.30" in sent.body or "temperature" in \
        r.headers["x-penstock-dropped"]
    assert body["max_tokens"] > 0
    assert [m["role"] for m in body["messages"]] == ["user"]
    assert "Be brief." in json.dumps(body["system"])
    assert one_line(p)["tokens"]["output"] == 3


def test_messages_to_chat(two):
    p, up, _ = two(chat=whole(COMPLETION))
    r = p.post("/v1/messages", {"model": "gpt", "max_tokens": 40,
                                "system": "Be brief.", "messages": USER},
               headers={"anthropic-version": "2023-06-01"})
    assert r.status == 200
    got = r.json()
    assert got["type"] == "message"
    assert got["content"] == [{"type": "text", "text": "hi there"}]
    assert got["stop_reason"] == "end_turn"
    assert got["usage"]["input_tokens"] == 7
    assert got["usage"]["cache_read_input_tokens"] == 2
    assert r.headers["request-id"].startswith("req_")
    sent = up.requests[0]
    assert sent.header("authorization") == "Bearer sk-oa"
    assert sent.header("anthropic-version") is None
    first = sent.json()["messages"][0]
    assert first["role"] in ("system", "developer")
    assert first["content"] == "Be brief."


@pytest.mark.parametrize("usage", [True, False])
def test_stream_to_chat(two, usage):
    p, _, _ = two(messages=text_stream("hi ", "there"))
    r = p.post("/v1/chat/completions", {
        "model": "claude", "messages": USER, "stream": True,
        "stream_options": {"include_usage": usage}})
    assert r.headers["content-type"].startswith("text/event-stream")
    got = events(r)
    assert got[-1] == (None, "[DONE]")
    chunks = [e for _, e in got[:-1]]
    assert chunks[0]["choices"][0]["delta"]["role"] == "assistant"
    assert "".join(c["choices"][0]["delta"].get("content") or ""
                   for c in chunks if c["choices"]) == "hi there"
    ends = [c for c in chunks if not c["choices"]]
    assert len(ends) == (1 if usage else 0)
    if usage:
        assert ends[0]["usage"]["completion_tokens"] == 3
    assert one_line(p)["ended"] == "complete"


def test_stream_to_messages(two):
    p, up, _ = two(chat=plain(chunk(role="assistant", content=""),
                              chunk(content="hi "), chunk(content="there"),
                              chunk("stop"), tail()))
    r = p.post("/v1/messages", {"model": "gpt", "max_tokens": 40,
                                "stream": True, "messages": USER})
    got = events(r)
    assert [e for e, _ in got if e != "ping"] == [
        "message_start", "content_block_start", "content_block_delta",
        "content_block_delta", "content_block_stop", "message_delta",
        "message_stop"]
    last = [d for e, d in got if e == "message_delta"][0]
    assert last["delta"]["stop_reason"] == "end_turn"
    assert last["usage"]["output_tokens"] == 3
    assert last["usage"]["input_tokens"] == 7
    assert up.requests[0].json()["stream_options"]["include_usage"] is True


def test_tool_stream_both_ways(two):
    tools = [{"name": "w", "input_schema": {"type": "object"}}]
    p, _, _ = two(
        messages=named(start(), block(0, "tool_use", id="toolu_1", name="w",
                                      input={}),
                       delta(0, "input_json_delta", partial_json='{"a":'),
                       delta(0, "input_json_delta", partial_json="1}"),
                       stop(0), *finish("tool_use")),
        chat=plain(chunk(role="assistant", tool_calls=[{
            "index": 0, "id": "call_1", "type": "function",
            "function": {"name": "w", "arguments": ""}}]),
            chunk(tool_calls=[{"index": 0,
                               "function": {"arguments": '{"a":1}'}}]),
            chunk("stop"), tail()))      # some say "stop" all the same
    r = p.post("/v1/chat/completions", {
        "model": "claude", "messages": USER, "stream": True, "tools": [
            {"type": "function", "function": {"name": "w", "parameters": {
                "type": "object"}}}]})
    calls = [c for _, e in events(r)[:-1] for ch in e["choices"]
             for c in ch["delta"].get("tool_calls", [])]
    assert calls[0]["id"] == "toolu_1"
    assert "".join(c["function"].get("arguments", "")
                   for c in calls) == '{"a":1}'
    assert [ch["finish_reason"] for _, e in events(r)[:-1]
            for ch in e["choices"] if ch["finish_reason"]] == ["tool_calls"]
    r = p.post("/v1/messages", {"model": "gpt", "max_tokens": 40,
                                "stream": True, "messages": USER,
                                "tools": tools})
    got = events(r)
    assert "".join(d["delta"]["partial_json"] for e, d in got
                   if e == "content_block_delta") == '{"a":1}'
    assert [d["delta"]["stop_reason"] for e, d in got
            if e == "message_delta"] == ["tool_use"]


@pytest.mark.parametrize("late", [True, False])
def test_stream_without_done(two, late):
    """Some never say [DONE]: the finish was the end, wherever usage came."""
    end = [chunk("stop"), tail()] if late else [
        chunk("stop", usage=COMPLETION["usage"])]
    p, _, h = two(chat=plain(chunk(role="assistant", content="hi"), *end,
                             done=False))
    r = p.post("/v1/messages", {"model": "gpt", "max_tokens": 40,
                                "stream": True, "messages": USER})
    got = events(r)
    assert got[-1][0] == "message_stop"
    assert [d["usage"]["output_tokens"] for e, d in got
            if e == "message_delta"] == [3]
    assert one_line(p)["ended"] == "complete"
    h.bytes["/v1/chat/completions"] = plain(
        chunk(role="assistant", content="hi"), done=False)
    try:
        cut = p.post("/v1/messages", {"model": "gpt", "max_tokens": 40,
                                      "stream": True, "messages": USER}).body
    except Exception:
        cut = b""           # an end without the last chunk is a broken one
    assert b"message_stop" not in cut


def test_whole_answer_for_a_stream(two):
    p, _, _ = two(chat=whole(COMPLETION))
    r = p.post("/v1/messages", {"model": "gpt", "max_tokens": 40,
                                "stream": True, "messages": USER})
    got = events(r)
    assert got[-1][0] == "message_stop"
    assert "".join(d["delta"]["text"] for e, d in got
                   if e == "content_block_delta") == "hi there"


@pytest.mark.parametrize("status,kind,code,seen", [
    (429, "rate_limit_error", "rate_limited", 429),
    (529, "overloaded_error", None, 503),
    (400, "invalid_request_error", "invalid_request", 400),
    (401, "authentication_error", "provider_auth", 502),
    (500, "api_error", "upstream_error", 502),
])
def test_errors_for_chat(two, status, kind, code, seen):
    body = {"type": "error", "error": {"type": kind, "message": "why not"}}
    p, _, h = two(messages=whole(body), headers=[
        (b"retry-after", b"7"),
        (b"anthropic-ratelimit-requests-limit", b"50"),
        (b"anthropic-ratelimit-requests-reset", b"2099-01-01T00:00:00Z")])
    h.status["/v1/messages"] = status
    r = p.post("/v1/chat/completions", {"model": "claude", "messages": USER})
    assert r.status == seen
    error = r.json()["error"]
    if code:
        assert error["code"] == code
    if status == 400:
        assert error["message"] == "why not"
    if status == 429:
        assert r.headers["retry-after"] == "7"
        assert r.headers["x-ratelimit-limit-requests"] == "50"


def test_errors_for_messages(two):
    p, _, h = two(chat=whole({"error": {"message": "slow down",
                                        "type": "tokens",
                                        "code": "rate_limit_exceeded"}}),
                  headers=[(b"retry-after", b"7"),
                           (b"x-ratelimit-remaining-tokens", b"0"),
                           (b"x-ratelimit-reset-tokens", b"6m0s")])
    h.status["/v1/chat/completions"] = 429
    r = p.post("/v1/messages", {"model": "gpt", "max_tokens": 40,
                                "messages": USER})
    assert r.status == 429
    assert r.json()["type"] == "error"
    assert r.json()["error"]["type"] == "rate_limit_error"
    assert r.json()["request_id"] == r.headers["request-id"]
    assert r.headers["retry-after"] == "7"
    assert r.headers["anthropic-ratelimit-tokens-remaining"] == "0"
    assert r.headers["anthropic-ratelimit-tokens-reset"].endswith("Z")


def test_limits_of_a_good_answer(two):
    p, _, _ = two(messages=whole(MESSAGE), headers=[
        (b"anthropic-ratelimit-tokens-remaining", b"12"),
        (b"openai-processing-ms", b"5")])
    r = p.post("/v1/chat/completions", {"model": "claude", "messages": USER})
    assert r.headers["x-ratelimit-remaining-tokens"] == "12"
    assert "anthropic-ratelimit-tokens-remaining" not in r.headers


@pytest.mark.parametrize("cut", [1, 2, 3, 4])
def test_cut_stream_never_ends_clean(two, cut):
    parts = text_stream("hi ", "there").split(b"\n\n")
    p, _, _ = two(messages=b"\n\n".join(parts[:cut]) + b"\n\n")
    r = None
    try:
        r = p.post("/v1/chat/completions", {"model": "claude",
                                            "messages": USER,
                                            "stream": True})
    except Exception:
        pass                # an end without the last chunk is a broken one
    if r is not None:
        assert b"[DONE]" not in r.body
        assert r.status == 502 or b'"error"' in r.body
    assert one_line(p)["ended"] != "complete"


def test_error_event_in_the_stream(two):
    error = {"type": "error", "error": {"type": "overloaded_error",
                                        "message": "Overloaded"}}
    first = named(error)
    p, _, h = two(messages=first, chat=plain(
        chunk(role="assistant", content="hi"), chunk("stop"), tail()))
    r = p.post("/v1/chat/completions", {"model": "both", "messages": USER,
                                        "stream": True})
    assert r.status == 200                # the other dialect's target served
    assert b'"hi"' in r.body and r.body.endswith(b"data: [DONE]\n\n")
    assert r.headers["x-penstock-attempts"] == "an:200 oa:200"
    h.bytes["/v1/messages"] = text_stream("hi")[:-200] + named(error)


def test_failover_across_dialects_both_ways(two):
    p, up, h = two(messages=whole({"type": "error", "error": {
        "type": "api_error", "message": "x"}}), chat=whole(COMPLETION))
    h.status["/v1/messages"] = 500
    r = p.post("/v1/messages", {"model": "both", "max_tokens": 40,
                                "messages": USER})
    assert r.status == 200
    assert r.json()["content"][0]["text"] == "hi there"
    assert [q.path for q in up.requests] == ["/v1/messages",
                                             "/v1/chat/completions"]
    assert up.requests[0].body == json.dumps({
        "model": "claude-sonnet-5-5", "max_tokens": 40,
        "messages": USER}).encode()


def test_refused_features_pass_over_a_target(two):
    p, up, _ = two(chat=whole({**COMPLETION, "choices": [
        {**COMPLETION["choices"][0], "index": i} for i in (0, 1)]}))
    r = p.post("/v1/chat/completions", {"model": "both", "messages": USER,
                                        "n": 2})
    assert r.status == 200 and len(r.json()["choices"]) == 2
    assert [q.path for q in up.requests] == ["/v1/chat/completions"]
    r = p.post("/v1/chat/completions", {"model": "claude", "messages": USER,
                                        "n": 2})
    assert r.status == 400
    assert "n" in r.json()["error"]["message"]
    assert len(up.requests) == 1


def test_an_endpoint_that_no_target_has(two):
    p, up, _ = two()
    r = p.post("/v1/messages/count_tokens",
               {"model": "gpt", "messages": USER},
               headers={"anthropic-version": "2023-06-01"})
    assert r.status == 400 and not up.requests
    assert "serves count_tokens" in r.json()["error"]["message"]


def test_lossy_refuse(two):
    p, up, _ = two(messages=whole(MESSAGE),
                   more='endpoint "chat" { lossy = "refuse" }')
    r = p.post("/v1/chat/completions", {"model": "claude", "messages": USER,
                                        "seed": 3})
    assert r.status == 400 and "seed" in r.json()["error"]["message"]
    assert not up.requests
    r = p.post("/v1/chat/completions", {"model": "claude", "messages": USER})
    assert r.status == 200


def test_signature_survives_the_loop(two):
    signature = "EqQBCkYIBRgCKkA+/x=="
    p, up, h = two(messages=named(
        start(), block(0, "thinking", thinking="", signature=""),
        delta(0, "thinking_delta", thinking="I think\u00e9 \ud83d\ude00"),
        delta(0, "signature_delta", signature=signature), stop(0),
        block(1, "tool_use", id="toolu_1", name="w", input={}),
        delta(1, "input_json_delta", partial_json="{}"), stop(1),
        *finish("tool_use")))
    tools = [{"type": "function", "function": {
        "name": "w", "parameters": {"type": "object"}}}]
    r = p.post("/v1/chat/completions", {
        "model": "claude", "messages": USER, "stream": True, "tools": tools})
    said = {"role": "assistant", "content": None, "tool_calls": [{
        "id": "toolu_1", "type": "function",
        "function": {"name": "w", "arguments": "{}"}}]}
    for _, e in events(r)[:-1]:
        for choice in e["choices"]:
            for key, value in choice["delta"].items():
                if key in ("thinking_blocks", "reasoning_details"):
                    said.setdefault(key, []).extend(value)
    h.bytes["/v1/messages"] = whole(MESSAGE)
    r = p.post("/v1/chat/completions", {
        "model": "claude", "tools": tools, "messages": [
            *USER, said, {"role": "tool", "tool_call_id": "toolu_1",
                          "content": "sunny"}]})
    assert r.status == 200
    turn = up.requests[1].json()["messages"][1]
    assert turn["content"][0] == {
        "type": "thinking", "thinking": "I think\u00e9 \U0001f600",
        "signature": signature}

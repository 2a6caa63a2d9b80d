# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""The gemini plugin behind clients of OpenAI's and Anthropic's dialects:
requests, answers, streams, signatures that must come back, errors."""
import json
import os
import pathlib

import pytest

from test_faults import one_line
from upstream import Upstream

CONF = """
listen "127.0.0.1:0" {{ detail = "full" }}
provider "g" {{ vendor = "gemini", base_url = "{url}",
               keys = {{ env("UNSET", "sk-g") }},
               retries = {{ attempts = 1 }} }}
model "g" {{ "g/gemini-3-flash" }}
"""
SHARED = pathlib.Path(os.environ.get("PENSTOCK_SHARED") or
                      pathlib.Path(__file__).resolve().parents[2] /
                      ".." / "shared")
USER = [{"role": "user", "content": "hello"}]
SIGN = "EvAB/+=="
USAGE = {"promptTokenCount": 9, "cachedContentTokenCount": 2,
         "candidatesTokenCount": 3, "thoughtsTokenCount": 4,
         "totalTokenCount": 16}
TOOL = {"type": "object", "properties": {"x": {"type": "number"}}}


def answer(*parts, finish=None):
    candidate = {"content": {"parts": list(parts), "role": "model"},
                 "index": 0}
    if finish:
        candidate["finishReason"] = finish
    return {"candidates": [candidate], "usageMetadata": USAGE,
            "modelVersion": "gemini-3-flash", "responseId": "r1"}


THOUGHT = answer({"text": "hm", "thought": True})
CALLS = answer({"functionCall": {"name": "f", "args": {"x": 1.5}},
                "thoughtSignature": SIGN},
               {"functionCall": {"name": "f", "args": {}}})
LAST = answer({"text": ""}, finish="STOP")


class Google:
    """An upstream that sends what it is told to, in pieces of a size."""

    def __init__(self, whole=None, stream=(), status=200, size=1 << 20):
        self.whole, self.status, self.size = whole, status, size
        self.stream = stream if isinstance(stream, bytes) else b"".join(
            b"data: %s\r\n\r\n" % json.dumps(e).encode() for e in stream)

    def __call__(self, conn, request):
        stream = ":streamGenerateContent" in request.path and \
            self.status == 200
        body = self.stream if stream else json.dumps(self.whole).encode()
        conn.send(b"HTTP/1.1 %d X\r\ncontent-type: %s\r\n"
                  b"content-length: %d\r\n\r\n" % (
                      self.status, b"text/event-stream" if stream
                      else b"application/json", len(body)))
        for at in range(0, len(body), self.size):
            conn.send(body[at:at + self.size])


@pytest.fixture
def google(penstock):
    """google(Google(...)) -> (instance, upstream)"""
    open_ups = []

    def make(told):
        up = Upstream(told)
        up.__enter__()
        open_ups.append(up)
        url = up.url[:-3] if up.url.endswith("/v1") else up.url
        return penstock(CONF.format(url=url)), up

    yield make
    for up in open_ups:
        up.__exit__(None, None, None)


def chunks(answer):
    return [json.loads(line[6:]) for line in answer.body.decode().split("\n")
            if line.startswith("data: {")]


def test_chat(google):
    p, up = google(Google(whole=answer({"text": "hi there"}, finish="STOP")))
    r = p.post("/v1/chat/completions", {
        "model": "g", "temperature": 0.30, "max_tokens": 40, "user": "u",
        "messages": [{"role": "system", "content": "Be brief."}, *USER]})
    assert r.status == 200
    got = r.json()
    assert got["choices"][0]["message"]["content"] == "hi there"
    assert got["choices"][0]["finish_reason"] == "stop"
    assert got["model"] == "g"
    assert got["usage"]["prompt_tokens"] == 9
    assert got["usage"]["completion_tokens"] == 7
    assert got["usage"]["prompt_tokens_details"]["cached_tokens"] == 2
    assert r.headers["x-penstock-dropped"] == "user"
    sent = up.requests[0]
    assert sent.path == "/v1beta/models/gemini-3-flash:generateContent"
    assert sent.header("x-goog-api-key") == "sk-g"
    assert sent.header("authorization") is None
    assert sent.json()["generationConfig"] == {
        "maxOutputTokens": 40, "temperature": 0.3}
    assert sent.json()["systemInstruction"]["parts"][0]["text"] == "Be brief."
    line = one_line(p)
    assert line["tokens"]["output"] == 7 and line["ended"] == "complete"


@pytest.mark.parametrize("size", [1, 7, 1 << 20])
def test_streams(google, size):
    p, up = google(Google(stream=[THOUGHT, answer({"text": "hi "}),
                                  answer({"text": "th\u00e8re"}), LAST],
                          size=size))
    r = p.post("/v1/chat/completions", {
        "model": "g", "messages": USER, "stream": True,
        "stream_options": {"include_usage": True}})
    got = chunks(r)
    deltas = [c["choices"][0]["delta"] for c in got if c["choices"]]
    assert "".join(d.get("content") or "" for d in deltas) == "hi th\u00e8re"
    assert "".join(d.get("reasoning_content", "") for d in deltas) == "hm"
    assert got[-1]["usage"]["completion_tokens"] == 7
    assert r.body.rstrip().endswith(b"[DONE]")
    assert up.requests[0].path.endswith(
        "gemini-3-flash:streamGenerateContent?alt=sse")
    r = p.post("/v1/messages", {"model": "g", "messages": USER,
                                "stream": True, "max_tokens": 40})
    texts = [d["delta"].get("text", "") for d in chunks(r)
             if d["type"] == "content_block_delta"]
    assert "".join(texts) == "hi th\u00e8re"
    assert chunks(r)[-1]["type"] == "message_stop"


def turn(p, dialect, stream, history=()):
    """One turn; what the client would keep of it."""
    if dialect == "chat":
        r = p.post("/v1/chat/completions", {
            "model": "g", "messages": USER + list(history),
            "stream": stream, "tools": [{"type": "function", "function": {
                "name": "f", "parameters": TOOL}}]})
        if not stream:
            return r.json()["choices"][0]["message"]
        calls = {}
        for c in chunks(r):
            for call in c["choices"][0]["delta"].get("tool_calls", []):
                at = calls.setdefault(call["index"], call)
                if at is not call:
                    at["function"]["arguments"] += \
                        call["function"]["arguments"]
        return {"role": "assistant", "content": None,
                "tool_calls": [calls[i] for i in sorted(calls)]}
    r = p.post("/v1/messages", {
        "model": "g", "messages": USER + list(history), "stream": stream,
        "max_tokens": 40, "tools": [{"name": "f", "input_schema": TOOL}]})
    if not stream:
        return {"role": "assistant", "content": r.json()["content"]}
    blocks = []
    for e in chunks(r):
        if e["type"] == "content_block_start":
            blocks.append(dict(e["content_block"]))
        elif e["type"] == "content_block_delta":
            d, b = e["delta"], blocks[-1]
            if d["type"] == "input_json_delta":
                b["json"] = b.get("json", "") + d["partial_json"]
            else:
                key = d["type"].removesuffix("_delta")
                b[key] = b.get(key, "") + d[key]
    for b in blocks:
        if "json" in b:
            b["input"] = json.loads(b.pop("json"))
    return {"role": "assistant", "content": blocks}


@pytest.mark.parametrize("dialect", ["chat", "messages"])
@pytest.mark.parametrize("stream", [False, True])
def test_signatures_come_back(google, dialect, stream):
    """The models of 3 refuse a second turn without them."""
    all_parts = [p for a in (THOUGHT, CALLS, LAST)
                 for p in a["candidates"][0]["content"]["parts"]]
    p, up = google(Google(stream=[THOUGHT, CALLS, LAST],
                          whole=answer(*all_parts, finish="STOP")))
    said = turn(p, dialect, stream)
    if dialect == "chat":
        said.pop("refusal", None)
        results = [{"role": "tool", "tool_call_id": c["id"], "content": "2"}
                   for c in said["tool_calls"]]
    else:
        results = [{"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": b["id"], "content": "2"}
            for b in said["content"] if b["type"] == "tool_use"]}]
    turn(p, dialect, stream, [said, *results])
    contents = up.requests[1].json()["contents"]
    calls = [x for x in contents[1]["parts"] if "functionCall" in x]
    assert contents[1]["role"] == "model" and len(calls) == 2
    assert calls[0]["thoughtSignature"] == SIGN
    assert "thoughtSignature" not in calls[1]
    assert calls[0]["functionCall"]["args"] == {"x": 1.5}
    gave = [x["functionResponse"] for x in contents[2]["parts"]]
    assert [g["id"] for g in gave] == [c["functionCall"]["id"] for c in calls]
    assert all(g["response"] == {"output": "2"} for g in gave)


def error(code, status, message, *details):
    return {"error": {"code": code, "status": status, "message": message,
                      "details": list(details)}}


def detail(kind, **kw):
    return {"@type": "type.googleapis.com/google.rpc." + kind, **kw}


@pytest.mark.parametrize("status,body,code,seen", [
    (429, error(429, "RESOURCE_EXHAUSTED", "Quota.",
                detail("RetryInfo", retryDelay="7s")), "rate_limited", 429),
    (400, error(400, "INVALID_ARGUMENT", "API key not valid.",
                detail("ErrorInfo", reason="API_KEY_INVALID")),
     "provider_auth", 502),
    (400, error(400, "INVALID_ARGUMENT", "The input token count (9) exceeds "
                "the maximum number of tokens allowed (8)."),
     "context_length_exceeded", 400),
    (503, error(503, "UNAVAILABLE", "Overloaded."), None, 503),
])
def test_errors(google, status, body, code, seen):
    p, _ = google(Google(whole=body, status=status))
    r = p.post("/v1/chat/completions", {"model": "g", "messages": USER})
    assert r.status == seen
    if code:
        assert r.json()["error"]["code"] == code
    if status == 429:
        assert r.headers["retry-after"] == "7"


def test_blocked(google):
    p, _ = google(Google(whole={"promptFeedback": {"blockReason": "SAFETY"},
                                "usageMetadata": {"promptTokenCount": 7}}))
    choice = p.post("/v1/chat/completions", {
        "model": "g", "messages": USER}).json()["choices"][0]
    assert choice["finish_reason"] == "content_filter"
    assert "SAFETY" in choice["message"]["refusal"]
    assert choice["message"]["content"] is None


def test_cut_stream(google):
    p, _ = google(Google(stream=[answer({"text": "hi"})]))
    try:
        body = p.post("/v1/chat/completions", {
            "model": "g", "messages": USER, "stream": True}).body
    except Exception:
        body = b""          # an end without the last chunk is a broken one
    assert b"[DONE]" not in body


def recorded():
    """(name, bytes, the text in it) of each recorded stream of events."""
    for f in sorted(SHARED.glob("wire/*/*.streamGenerateContent/*-s200-*")):
        doc = json.loads(f.read_text())
        body = doc["response"].get("body") or ""
        if not body.startswith("data:"):
            continue
        text, calls = "", 0
        for line in body.replace("\r\n", "\n").split("\n"):
            if not line.startswith("data: {"):
                continue
            for c in json.loads(line[6:]).get("candidates", []):
                for x in c.get("content", {}).get("parts", []):
                    text += "" if x.get("thought") else x.get("text", "")
                    calls += "functionCall" in x
        yield f.name, body.encode(), text, calls


def test_recorded_streams(google):
    cases = list(recorded())
    if not cases:
        pytest.skip("skipped: no recordings")
    told = Google(size=7)
    p, _ = google(told)
    for name, told.stream, text, calls in cases:
        got = chunks(p.post("/v1/chat/completions", {
            "model": "g", "messages": USER, "stream": True}))
        deltas = [c["choices"][0]["delta"] for c in got if c["choices"]]
        assert "".join(d.get("content") or "" for d in deltas) == text, name
        assert sum(1 for d in deltas for c in d.get("tool_calls", [])
                   if c.get("id")) == calls, name
    assert len(cases) >= 15

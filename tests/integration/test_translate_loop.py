# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""Tool loops of two turns with thinking, across dialects: what the upstream
gave with its first answer must come back with the second request, byte for
byte and in the shape that it had; this upstream refuses everything else."""
import json

import pytest

from test_translate import (COMPLETION, MESSAGE, USER, block, chunk, delta,
                            events, finish, named, plain, start, stop, tail,
                            text_stream, two, whole)
from test_translate_recordings import all_of
from upstream import Upstream

assert two
CALL = {"id": "call_1", "type": "function",
        "function": {"name": "w", "arguments": '{"a": 1}'}}
MESSAGES_TOOLS = [{"name": "w", "input_schema": {"type": "object"}}]
CHAT_TOOLS = [{"type": "function", "function": {
    "name": "w", "parameters": {"type": "object"}}}]
THOUGHT = "I th\u00efnk \"so\" \U0001f600\\ \u2028\n"
SIGNED = "EqQBCkYIBRgCKkA+/x=="

# What an upstream gives; quirks.reasoning_in; the message's own members, the
# pieces in which a stream brings them.
SHAPES = {
    "reasoning_content": ("reasoning_content",
                          {"reasoning_content": THOUGHT},
                          [{"reasoning_content": THOUGHT[:5]},
                           {"reasoning_content": THOUGHT[5:]}]),
    "reasoning": ("reasoning", {"reasoning": THOUGHT},
                  [{"reasoning": THOUGHT[:9]}, {"reasoning": THOUGHT[9:]}]),
    "details, Anthropic's": ("reasoning_details", {"reasoning_details": [
        {"type": "reasoning.text", "text": THOUGHT, "signature": SIGNED,
         "format": "anthropic-claude-v1", "index": 0}]},
        [{"reasoning": "I", "reasoning_details": [
            {"type": "reasoning.text", "text": THOUGHT[:1],
             "format": "anthropic-claude-v1", "index": 0}]},
         {"reasoning": "..", "reasoning_details": [
             {"type": "reasoning.text", "text": THOUGHT[1:],
              "format": "anthropic-claude-v1", "index": 0}]},
         {"reasoning_details": [
             {"type": "reasoning.text", "signature": SIGNED,
              "format": "anthropic-claude-v1", "index": 0}]}]),
    "details, Anthropic's, with an id": (
        "reasoning_details", {"reasoning_details": [
            {"type": "reasoning.text", "text": THOUGHT, "signature": SIGNED,
             "format": "anthropic-claude-v1", "id": "reasoning-text-1",
             "index": 0}]}, None),
    "details, another family's": ("reasoning_details", {"reasoning_details": [
        {"type": "reasoning.text", "text": THOUGHT, "signature": "R2Vt/+==",
         "format": "google-gemini-v1", "id": "r\u00e9\"1", "index": 0}]},
        [{"reasoning_details": [
            {"type": "reasoning.text", "text": THOUGHT,
             "format": "google-gemini-v1", "index": 0}]},
         {"reasoning_details": [
             {"type": "reasoning.text", "signature": "R2Vt/+==",
              "id": "r\u00e9\"1", "format": "google-gemini-v1",
              "index": 0}]}]),
    "details, a summary and what is sealed": (
        "reasoning_details", {"reasoning_details": [
            {"type": "reasoning.summary", "summary": THOUGHT,
             "format": "openai-responses-v1", "index": 0},
            {"type": "reasoning.encrypted", "data": "gAAA+/==",
             "format": "openai-responses-v1", "id": "rs_1", "index": 0}]},
        [{"reasoning": THOUGHT, "reasoning_details": [
            {"type": "reasoning.summary", "summary": THOUGHT,
             "format": "openai-responses-v1", "index": 0}]},
         {"reasoning_details": [
             {"type": "reasoning.encrypted", "data": "gAAA+/==",
              "format": "openai-responses-v1", "id": "rs_1", "index": 0}]}]),
    "sealed, and its reading apart": (
        "reasoning_details", {"reasoning": THOUGHT, "reasoning_details": [
            {"type": "reasoning.encrypted", "data": "gAAA+/==",
             "format": "xai-responses-v1", "id": "rs_1", "index": 0}]},
        None),
    "a detail of a new kind": ("reasoning_details", {"reasoning_details": [
        {"type": "reasoning.server_tool_call", "name": "x", "index": 0},
        {"type": "reasoning.text", "text": THOUGHT, "format": "unknown",
         "index": 1}]}, None),
    "thinking blocks": ("thinking_blocks", {"thinking_blocks": [
        {"type": "thinking", "thinking": THOUGHT, "signature": SIGNED},
        {"type": "redacted_thinking", "data": "AA+/=="}]},
        [{"reasoning_content": THOUGHT},
         {"thinking_blocks": [{"type": "thinking", "thinking": THOUGHT,
                               "signature": SIGNED}]},
         {"thinking_blocks": [{"type": "redacted_thinking",
                               "data": "AA+/=="}]}]),
    "tags": ("think_tags", {"content": f"<think>{THOUGHT}</think>"},
             [{"content": f"<think>{THOUGHT}</th"}, {"content": "ink>"}]),
}
MEMBERS = ("reasoning", "reasoning_content", "reasoning_details",
           "thinking_blocks", "content")


class Strict(Upstream):
    """Gives one answer, and the next only to who sends that back."""

    def __init__(self, gave, pieces=None):
        super().__init__(self._answer)
        self.gave, self.pieces, self.why = gave, pieces, None

    def first(self, stream):
        if not stream:
            return json.dumps({**COMPLETION, "choices": [{
                "index": 0, "finish_reason": "tool_calls",
                "message": {"role": "assistant", "content": None,
                            **self.gave, "tool_calls": [CALL]}}]}).encode()
        return plain(chunk(role="assistant", content=""),
                     *(chunk(**x) for x in self.pieces),
                     chunk(tool_calls=[{"index": 0, **CALL}]),
                     chunk("tool_calls"), tail())

    def check(self, sent):
        was = next(m for m in sent["messages"] if m["role"] == "assistant")
        want = {"content": None, **self.gave}
        got = {k: was[k] for k in MEMBERS if k in was}
        if got != want:
            return f"not as it was given: {got}, but {want}"
        call = json.loads(json.dumps(was["tool_calls"]))
        for c in call:      # clients keep an object, not its spaces
            c["function"]["arguments"] = json.dumps(
                json.loads(c["function"]["arguments"]))
        return None if call == [CALL] else f"another call: {call}"

    def _answer(self, conn, request):
        sent = request.json()
        stream = bool(sent.get("stream"))
        if not any(m["role"] == "tool" for m in sent["messages"]):
            body = self.first(stream)
        else:
            self.why = self.check(sent)
            if self.why:
                conn.answer({"error": {
                    "message": "Invalid signature: " + self.why,
                    "type": "invalid_request_error"}}, 400)
                return
            body = plain(chunk(role="assistant", content="sunny"),
                         chunk("stop"), tail()) if stream else json.dumps(
                             COMPLETION).encode()
        conn.send(b"HTTP/1.1 200 OK\r\ncontent-type: %s\r\n"
                  b"content-length: %d\r\n\r\n" % (
                      b"text/event-stream" if stream
                      else b"application/json", len(body)))
        conn.send(body)


def provider(up, reasoning_in, more=""):
    return f"""
provider "oa" {{ vendor = "openai-compatible", base_url = "{up.url}",
    keys = {{ env("UNSET", "k") }}, retries = {{ attempts = 1 }},
    quirks = {{ reasoning_in = "{reasoning_in}" }} }}
{more}"""


def message_of(answer, stream):
    """The assistant's turn as an Anthropic client keeps it."""
    if not stream:
        return answer.json()["content"]
    out = []
    for name, e in events(answer):
        if name == "content_block_start":
            out.append(dict(e["content_block"]))
        elif name == "content_block_delta":
            d = e["delta"]
            key = {"text_delta": "text", "thinking_delta": "thinking",
                   "signature_delta": "signature",
                   "input_json_delta": "partial_json"}[d["type"]]
            into = "input" if key == "partial_json" else key
            have = out[-1].get(into) or ""
            out[-1][into] = (have if isinstance(have, str) else "") + d[key]
    for b in out:
        if b["type"] == "tool_use":
            b["input"] = json.loads(b["input"])
    return out


def ask(p, model, content=None, stream=False):
    messages = USER if content is None else [
        *USER, {"role": "assistant", "content": content},
        {"role": "user", "content": [{
            "type": "tool_result", "tool_use_id": b["id"],
            "content": "18 degrees"} for b in content
            if b["type"] == "tool_use"]}]
    return p.post("/v1/messages", {
        "model": model, "max_tokens": 3000, "stream": stream,
        "tools": MESSAGES_TOOLS, "messages": messages})


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("shape", SHAPES)
def test_messages_to_chat(penstock, shape, stream):
    reasoning_in, gave, pieces = SHAPES[shape]
    if stream and pieces is None:
        pieces = [gave]
    with Strict(gave, pieces) as up:
        p = penstock(provider(up, reasoning_in))
        said = message_of(ask(p, "oa/m", stream=stream), stream)
        assert [b["type"] for b in said][-1] == "tool_use"
        readable = [b["thinking"] for b in said if b["type"] == "thinking"]
        assert readable == [THOUGHT], said
        a = ask(p, "oa/m", said, stream)
        assert a.status == 200, (a.body, said)
        assert up.why is None and len(up.requests) == 2
        assert "x-penstock-dropped" not in a.headers
        # one byte of it changed: the upstream sees that
        b = next(b for b in said if b["type"] == "thinking")
        b["thinking"] = b["thinking"].replace("so", "no")
        a = ask(p, "oa/m", said, stream)
        assert a.status == 400 and b"Invalid signature" in a.body


@pytest.mark.parametrize("stream", [False, True])
def test_messages_to_chat_by_the_sdk(penstock, stream):
    anthropic = pytest.importorskip("anthropic")
    reasoning_in, gave, pieces = SHAPES["details, another family's"]
    with Strict(gave, pieces) as up:
        p = penstock(provider(up, reasoning_in))
        c = anthropic.Anthropic(base_url=f"http://127.0.0.1:{p.port}",
                                api_key="none", max_retries=0)
        kw = {"model": "oa/m", "max_tokens": 3000, "tools": MESSAGES_TOOLS}

        def turn(messages):
            if not stream:
                return c.messages.create(messages=messages, **kw)
            with c.messages.stream(messages=messages, **kw) as s:
                return s.get_final_message()

        first = turn(USER)
        use = next(b for b in first.content if b.type == "tool_use")
        last = turn([*USER, {"role": "assistant", "content": first.content},
                     {"role": "user", "content": [
                         {"type": "tool_result", "tool_use_id": use.id,
                          "content": "18"}]}])
        assert last.stop_reason == "end_turn" and up.why is None


def test_unwanted_reasoning_is_named(penstock):
    """Who does not say how it takes it back gets none, and the client is
    told where that was signed."""
    _, gave, pieces = SHAPES["details, another family's"]
    with Strict(gave, pieces) as up:
        p = penstock(provider(up, "none"))
        said = message_of(ask(p, "oa/m"), False)
        a = ask(p, "oa/m", said)
        assert a.status == 400 and "not as it was given" in up.why
        assert a.headers["x-penstock-dropped"] == "thinking blocks"


# ---- an OpenAI client, Anthropic's signatures -------------------------------

THINKING = [{"type": "thinking", "thinking": THOUGHT, "signature": SIGNED},
            {"type": "redacted_thinking", "data": "AA+/=="},
            {"type": "tool_use", "id": "toolu_1", "name": "w",
             "input": {"a": 1}}]


def first_message(stream):
    if not stream:
        return whole({**MESSAGE, "stop_reason": "tool_use",
                      "content": THINKING})
    return named(
        start(), block(0, "thinking", thinking="", signature=""),
        delta(0, "thinking_delta", thinking=THOUGHT[:4]),
        delta(0, "thinking_delta", thinking=THOUGHT[4:]),
        delta(0, "signature_delta", signature=SIGNED), stop(0),
        block(1, "redacted_thinking", data="AA+/=="), stop(1),
        block(2, "tool_use", id="toolu_1", name="w", input={}),
        delta(2, "input_json_delta", partial_json='{"a": '),
        delta(2, "input_json_delta", partial_json="1}"), stop(2),
        *finish("tool_use"))


def completion_of(answer, stream):
    """The message as an OpenAI client keeps it: extra members and all."""
    if not stream:
        return answer.json()["choices"][0]["message"]
    out = {"role": "assistant", "content": None, "tool_calls": []}
    for _, e in events(answer)[:-1]:
        for choice in e["choices"]:
            for key, value in choice["delta"].items():
                if key == "tool_calls":
                    for call in value:
                        if call.get("id"):
                            out[key].append(json.loads(json.dumps(call)))
                            out[key][-1].pop("index")
                        else:
                            out[key][-1]["function"]["arguments"] += \
                                call["function"]["arguments"]
                elif isinstance(value, list):
                    out.setdefault(key, []).extend(value)
                elif key == "reasoning_content":
                    out[key] = out.get(key, "") + value
    return out


class Signed(Upstream):
    """Anthropic: thinking must come back as it was signed."""

    def __init__(self):
        super().__init__(self._answer)

    def _answer(self, conn, request):
        sent = request.json()
        stream = bool(sent.get("stream"))
        turns = [m for m in sent["messages"] if m["role"] == "assistant"]
        body = first_message(stream)
        if turns and turns[0]["content"] != THINKING:
            conn.answer({"type": "error", "error": {
                "type": "invalid_request_error",
                "message": "messages.1.content.0: Invalid `signature` in "
                           "`thinking` block"}}, 400)
            return
        if turns:
            body = text_stream("sunny") if stream else whole(MESSAGE)
        conn.send(b"HTTP/1.1 200 OK\r\ncontent-type: %s\r\n"
                  b"content-length: %d\r\n\r\n" % (
                      b"text/event-stream" if stream
                      else b"application/json", len(body)))
        conn.send(body)


AN = """
provider "an" {{ vendor = "anthropic-compatible", base_url = "{}",
    keys = {{ env("UNSET", "k") }}, retries = {{ attempts = 1 }} }}
"""


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("as_details", [False, True])
def test_chat_to_messages(penstock, stream, as_details):
    with Signed() as up:
        p = penstock(AN.format(up.url[:-3]))
        kw = {"model": "an/m", "stream": stream, "tools": CHAT_TOOLS,
              "reasoning_effort": "high", "max_tokens": 20000}
        said = completion_of(p.post("/v1/chat/completions",
                                    {**kw, "messages": USER}), stream)
        if as_details:      # OpenRouter's clients know it in this form
            said["reasoning_details"] = [{
                "type": "reasoning.text", "text": b["thinking"],
                "signature": b["signature"], "format": "anthropic-claude-v1"}
                if b["type"] == "thinking" else {
                    "type": "reasoning.encrypted", "data": b["data"],
                    "format": "anthropic-claude-v1"}
                for b in said.pop("thinking_blocks")]
        turn = [*USER, said, {"role": "tool", "tool_call_id": "toolu_1",
                              "content": "18 degrees"}]
        a = p.post("/v1/chat/completions", {**kw, "messages": turn})
        assert a.status == 200, (a.body, said)
        key = "reasoning_details" if as_details else "thinking_blocks"
        said[key][0]["signature"] = SIGNED.replace("q", "r")
        a = p.post("/v1/chat/completions", {**kw, "messages": turn})
        assert a.status == 400 and b"Invalid `signature`" in a.body


# ---- what one provider signed is not shown to another -----------------------

@pytest.mark.parametrize("shape", [
    "reasoning_content", "details, a summary and what is sealed",
    "details, another family's", "details, Anthropic's, with an id"])
def test_failover_leaves_foreign_seals_out(two, shape):
    _, gave, _ = SHAPES[shape]
    p, up, h = two(chat=whole({**COMPLETION, "choices": [{
        "index": 0, "finish_reason": "tool_calls",
        "message": {"role": "assistant", "content": None, **gave,
                    "tool_calls": [CALL]}}]}), messages=whole(MESSAGE))
    said = message_of(ask(p, "gpt"), False)
    assert "penstock." in json.dumps(said)
    a = ask(p, "claude", said)          # Anthropic's own client and provider
    assert a.status == 200
    sent = up.requests[1].json()["messages"][1]["content"]
    use = {"type": "tool_use", "id": "call_1", "name": "w",
           "input": {"a": 1}}
    if "id" in shape:                   # Anthropic signed it: it may know
        assert sent == [{"type": "thinking", "thinking": THOUGHT,
                         "signature": SIGNED}, use]
    else:
        assert sent == [use]
    assert b"penstock." not in up.requests[1].body
    said.pop()                          # a turn that was nothing else is gone
    p.post("/v1/messages", {
        "model": "claude", "max_tokens": 3000, "messages": [
            *USER, {"role": "assistant", "content": said}, *USER]})
    assert b"penstock." not in up.requests[2].body
    if "id" not in shape:
        assert up.requests[2].json()["messages"] == [*USER, *USER]


# ---- recordings ------------------------------------------------------------

def details_of(x):
    """The elements that the recorded answer gave, put together."""
    body, out = x["response"]["body"], []
    if not x["stream"]:
        m = json.loads(body)["choices"][0]["message"]
        return m.get("reasoning_details") or []
    for line in body.splitlines():
        if not line.startswith("data: {"):
            continue
        for c in json.loads(line[6:]).get("choices") or []:
            for d in (c.get("delta") or {}).get("reasoning_details") or []:
                same = out and d["type"] == out[-1]["type"] and \
                    d.get("index") == out[-1].get("index") and \
                    d["type"] != "reasoning.encrypted"
                if not same:
                    out.append({})
                for k, v in d.items():
                    text = k in ("text", "summary")
                    out[-1][k] = out[-1].get(k, "") + v if text else \
                        out[-1].get(k) if v in (None, "") else v
    return out


def test_recorded_details_come_back(penstock):
    found = [x for x in all_of("oa") if x["response"]["status"] == 200 and
             "reasoning_details" in str(x["response"].get("body"))]
    assert len(found) > 8
    up = Upstream(None)
    tried = 0
    with up:
        p = penstock(provider(up, "reasoning_details"))
        for x in found:
            want = [d for d in details_of(x) if d.get("text") or
                    d.get("summary") or d.get("data") or d.get("signature")]

            def play(conn, request, x=x):
                if "tool" in [m["role"] for m in request.json()["messages"]]:
                    conn.answer(COMPLETION)
                    return
                conn.head(200, "text/event-stream" if x["stream"]
                          else "application/json")
                conn.chunk(x["response"]["body"].encode())
                conn.end()

            up.handler = play
            said = message_of(ask(p, "oa/m", stream=x["stream"]),
                              x["stream"])
            if not any(b["type"] == "tool_use" for b in said):
                said.append({"type": "tool_use", "id": "t1", "name": "w",
                             "input": {}})
            assert ask(p, "oa/m", said).status == 200
            sent = next(m for m in up.requests[-1].json()["messages"]
                        if m["role"] == "assistant")
            got = sent.get("reasoning_details", [])
            clean = [{k: v for k, v in d.items() if v is not None and
                      v != ""} for d in want]
            assert got == clean, x["id"]
            tried += len(clean)
    assert tried > 8

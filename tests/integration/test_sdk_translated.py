# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""The official packages of PyPI, unchanged, each on a provider that speaks
only the other's dialect: what they get is what they get from their own."""
import base64
import hashlib
import json

import openai
import pytest

from conftest import wait_for
from sdks import running_mock
from test_translate import (COMPLETION, MESSAGE, block, chunk, delta, finish,
                            named, plain, start, stop, tail)
from upstream import Upstream

anthropic = pytest.importorskip(
    "anthropic", reason="skipped: no anthropic package")

USER = [{"role": "user", "content": "one two three"}]
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}},
          "required": ["city"], "additionalProperties": False}
CHAT_TOOLS = [{"type": "function", "function": {
    "name": "get_weather", "parameters": SCHEMA}}]
TOOLS = [{"name": "get_weather", "input_schema": SCHEMA}]
PNG = base64.b64encode(bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010804000000b51c0c02"
    "0000000b4944415478da6364f80f00010501012718e3660000000049454e44ae42"
    "6082")).decode()
CONF = """
provider "an" {{ vendor = "anthropic-compatible", base_url = "{url}",
  keys = {{ env("UNSET", "k") }}, retries = {{ attempts = 1 }} }}
provider "oa" {{ vendor = "openai-compatible", base_url = "{url}/v1",
  keys = {{ env("UNSET", "k") }}, retries = {{ attempts = 1 }} }}
"""


@pytest.fixture
def sdks(penstock):
    """sdks(url) -> instance, OpenAI client, Anthropic client"""
    made = []

    def make(url, **kw):
        p = penstock(CONF.format(url=url))
        o = openai.OpenAI(base_url=p.url + "/v1", api_key="none",
                          max_retries=0, **kw)
        a = anthropic.Anthropic(base_url=p.url, api_key="none",
                                max_retries=0, **kw)
        made.extend((o, a))
        return p, o, a

    yield make
    for client in made:
        client.close()


@pytest.fixture
def mock():
    """The mock upstream as a process of its own: its URL."""
    with running_mock() as url:
        yield url


def chat(c, stream, **kw):
    if not stream:
        return c.chat.completions.create(**kw)
    with c.chat.completions.stream(
            stream_options={"include_usage": True}, **kw) as s:
        return s.get_final_completion()


def message(c, stream, **kw):
    if not stream:
        return c.messages.create(**kw)
    with c.messages.stream(**kw) as s:
        return s.get_final_message()


both = pytest.mark.parametrize("stream", [False, True],
                               ids=["whole", "stream"])


@both
def test_text_and_usage(sdks, mock, stream):
    _, o, a = sdks(mock)
    own = chat(o, stream, model="oa/echo", messages=USER)
    got = chat(o, stream, model="an/echo", messages=USER)
    assert got.choices[0].message.content == "one two three"
    assert got.choices[0].finish_reason == own.choices[0].finish_reason
    assert got.usage.completion_tokens == own.usage.completion_tokens
    assert got.usage.total_tokens == got.usage.prompt_tokens + 3
    ask = {"messages": USER, "max_tokens": 50}
    own = message(a, stream, model="an/echo", **ask)
    got = message(a, stream, model="oa/echo", **ask)
    assert got.content[0].text == "one two three"
    assert got.stop_reason == own.stop_reason == "end_turn"
    assert got.usage.output_tokens == own.usage.output_tokens == 3
    assert got.usage.input_tokens > 0
    got = message(a, stream, model="oa/lorem", messages=USER, max_tokens=7)
    assert got.stop_reason == "max_tokens"


@both
def test_tools(sdks, mock, stream):
    _, o, a = sdks(mock)
    got = chat(o, stream, model="an/tools", messages=USER, tools=CHAT_TOOLS)
    call = got.choices[0].message.tool_calls[0]
    assert got.choices[0].finish_reason == "tool_calls"
    assert "city" in json.loads(call.function.arguments)
    got = chat(o, stream, model="an/tools", tools=CHAT_TOOLS, messages=USER + [
        got.choices[0].message.model_dump(exclude_none=True),
        {"role": "tool", "tool_call_id": call.id, "content": "rain"}])
    assert "rain" in got.choices[0].message.content
    ask = {"tools": TOOLS, "max_tokens": 50, "model": "oa/tools"}
    got = message(a, stream, messages=USER, **ask)
    assert got.stop_reason == "tool_use"
    use = [b for b in got.content if b.type == "tool_use"][0]
    assert "city" in use.input
    got = message(a, stream, messages=USER + [
        {"role": "assistant", "content": got.content},
        {"role": "user", "content": [{
            "type": "tool_result", "tool_use_id": use.id,
            "content": "rain"}]}], **ask)
    assert "rain" in got.content[0].text


class Bytes(Upstream):
    """Answers with `body`, or with the next of a list of them."""

    def __init__(self, *bodies, status=200, extra=()):
        super().__init__(self._answer)
        self.bodies, self.status, self.extra = list(bodies), status, extra

    def _answer(self, conn, request):
        body = self.bodies.pop(0) if len(self.bodies) > 1 else self.bodies[0]
        if callable(body):
            body = body(request)
        if isinstance(body, dict):
            conn.answer(body, self.status, extra=self.extra)
        else:
            conn.answer(body, self.status, "text/event-stream")

    @property
    def host(self):
        return self.url[:-3]


def test_a_whole_answer_to_who_asked_for_a_stream(sdks):
    """Some upstreams do not stream: the client's stream is all the same
    whole, and nothing else is in it."""
    with Bytes(MESSAGE) as up:
        p, o, _ = sdks(up.host)
        got = chat(o, True, model="an/m", messages=USER)
        assert got.choices[0].message.content == "hi there"
        r = p.post("/v1/chat/completions", {
            "model": "an/m", "messages": USER, "stream": True})
        assert r.body.startswith(b"data: ")
    with Bytes(COMPLETION) as up:
        p, _, a = sdks(up.host)
        got = message(a, True, model="oa/m", max_tokens=50, messages=USER)
        assert got.content[0].text == "hi there"
        r = p.post("/v1/messages", {"model": "oa/m", "max_tokens": 50,
                                    "messages": USER, "stream": True})
        assert r.body.startswith(b"event: message_start")


def test_parallel_tools_streamed(sdks):
    """Interleaved by the one, one after the other for the other."""
    calls = plain(
        chunk(role="assistant", content=None),
        chunk(tool_calls=[{"index": 0, "id": "call_a", "type": "function",
                           "function": {"name": "get_weather",
                                        "arguments": ""}}]),
        chunk(tool_calls=[{"index": 1, "id": "call_b", "type": "function",
                           "function": {"name": "get_weather",
                                        "arguments": '{"ci'}}]),
        chunk(tool_calls=[{"index": 0, "function": {
            "arguments": '{"city":"Oslo"}'}}]),
        chunk(tool_calls=[{"index": 1, "function": {
            "arguments": 'ty":"Rome"}'}}]),
        chunk("tool_calls"), tail())
    with Bytes(calls) as up:
        _, _, a = sdks(up.host)
        got = message(a, True, model="oa/m", max_tokens=50, messages=USER,
                      tools=TOOLS)
        assert [(b.id, b.input) for b in got.content] == [
            ("call_a", {"city": "Oslo"}), ("call_b", {"city": "Rome"})]
    blocks = [block(i, "tool_use", id=f"toolu_{i}", name="get_weather",
                    input={}) for i in (0, 1)]
    args = [delta(i, "input_json_delta", partial_json='{"city":"%s"}' % c)
            for i, c in enumerate(("Oslo", "Rome"))]
    with Bytes(named(start(), blocks[0], args[0], stop(0), blocks[1], args[1],
                     stop(1), *finish("tool_use"))) as up:
        _, o, _ = sdks(up.host)
        got = chat(o, True, model="an/m", messages=USER, tools=CHAT_TOOLS)
        assert [(c.id, json.loads(c.function.arguments))
                for c in got.choices[0].message.tool_calls] == [
            ("toolu_0", {"city": "Oslo"}), ("toolu_1", {"city": "Rome"})]


def test_image_in_a_tool_result(sdks):
    with Bytes(COMPLETION) as up:
        _, _, a = sdks(up.host)
        a.messages.create(model="oa/m", max_tokens=50, tools=TOOLS, messages=[
            *USER, {"role": "assistant", "content": [{
                "type": "tool_use", "id": "toolu_1", "name": "get_weather",
                "input": {"city": "Oslo"}}]},
            {"role": "user", "content": [{
                "type": "tool_result", "tool_use_id": "toolu_1", "content": [
                    {"type": "text", "text": "a map"},
                    {"type": "image", "source": {
                        "type": "base64", "media_type": "image/png",
                        "data": PNG}}]}]}])
        sent = up.requests[0].json()["messages"]
        assert [m["role"] for m in sent] == ["user", "assistant", "tool",
                                             "user"]
        assert "a map" in json.dumps(sent[2])
        assert f"data:image/png;base64,{PNG}" in json.dumps(sent[3])


def test_structured_output(sdks):
    text = {**MESSAGE, "content": [{"type": "text",
                                    "text": '{"city":"Oslo"}'}]}
    form = {"type": "json_schema", "json_schema": {
        "name": "place", "schema": SCHEMA, "strict": True}}
    with Bytes(text) as up:
        _, o, _ = sdks(up.host)
        got = o.chat.completions.create(
            model="an/claude-opus-5-5", messages=USER, response_format=form)
        assert json.loads(got.choices[0].message.content) == {"city": "Oslo"}
        assert up.requests[0].json()["output_config"]["format"]["schema"] == \
            SCHEMA
    with Bytes({**COMPLETION}) as up:
        _, _, a = sdks(up.host)
        a.messages.create(model="oa/gpt-5.6", max_tokens=50, messages=USER,
                          output_config={"format": {
                              "type": "json_schema", "schema": SCHEMA}})
        sent = up.requests[0].json()["response_format"]
        assert sent["json_schema"]["schema"] == SCHEMA


def test_reasoning(sdks):
    with Bytes({**MESSAGE, "content": [
            {"type": "thinking", "thinking": "Hm.", "signature": "c2ln"},
            *MESSAGE["content"]]}) as up:
        _, o, _ = sdks(up.host)
        got = o.chat.completions.create(model="an/claude-opus-5-5",
                                        messages=USER,
                                        reasoning_effort="low")
        assert got.choices[0].message.reasoning_content == "Hm."
        assert up.requests[0].json()["output_config"]["effort"] == "low"
        assert up.requests[0].json()["thinking"]["type"] == "adaptive"
    answer = {**COMPLETION, "choices": [{
        **COMPLETION["choices"][0], "message": {
            "role": "assistant", "content": "hi there",
            "reasoning_content": "Hm."}}]}
    with Bytes(answer) as up:
        _, _, a = sdks(up.host)
        got = a.messages.create(model="oa/gpt-5.6", max_tokens=5000,
                                messages=USER, thinking={"type": "adaptive"},
                                output_config={"effort": "low"})
        assert [b.type for b in got.content] == ["thinking", "text"]
        assert got.content[0].thinking == "Hm."
        assert up.requests[0].json()["reasoning_effort"] == "low"


@pytest.mark.parametrize("status,code,o_error,a_error", [
    (400, "invalid_request_error", openai.BadRequestError,
     anthropic.BadRequestError),
    (429, "rate_limit_error", openai.RateLimitError,
     anthropic.RateLimitError),
    (503, "overloaded_error", openai.InternalServerError,
     anthropic.InternalServerError),
    (500, "api_error", openai.InternalServerError,
     anthropic.InternalServerError),
])
def test_typed_errors(sdks, status, code, o_error, a_error):
    error = {"type": "error", "error": {"type": code, "message": "why"}}
    with Bytes(error, status=529 if status == 503 else status,
               extra=[("retry-after", "7")]) as up:
        _, o, _ = sdks(up.host)
        with pytest.raises(o_error) as e:
            o.chat.completions.create(model="an/m", messages=USER)
        if status == 429:
            assert e.value.response.headers["retry-after"] == "7"
    with Bytes({"error": {"message": "why", "type": code, "code": None}},
               status=status) as up:
        _, _, a = sdks(up.host)
        with pytest.raises(a_error) as e:
            a.messages.create(model="oa/m", max_tokens=5, messages=USER)
        assert e.value.body["type"] == "error"


def test_no_such_model_and_no_counting(sdks):
    with Bytes(COMPLETION) as up:
        _, o, a = sdks(up.host)
        with pytest.raises(openai.NotFoundError):
            o.chat.completions.create(model="nobody/x", messages=USER)
        with pytest.raises(anthropic.NotFoundError):
            a.messages.create(model="nobody/x", max_tokens=5, messages=USER)
        with pytest.raises(openai.AuthenticationError):
            o.with_options(api_key="sk-no").chat.completions.create(
                model="an/m", messages=USER)
        with pytest.raises(anthropic.BadRequestError) as e:
            a.messages.count_tokens(model="oa/m", messages=USER)
        assert "count_tokens" in str(e.value)
        assert not up.requests


def test_abort(sdks, mock):
    p, o, a = sdks(mock)
    s = o.chat.completions.create(model="an/lorem", messages=USER,
                                  stream=True, max_tokens=100000)
    for _, _e in zip(range(3), s):
        pass
    s.close()
    with a.messages.stream(model="oa/lorem", messages=USER,
                           max_tokens=100000) as s:
        for _, _e in zip(range(3), s.text_stream):
            pass
    ends = wait_for(lambda: len(p.logs("request")) == 2 and
                    [x["ended"] for x in p.logs("request")], why="two lines")
    assert "complete" not in ends
    assert o.chat.completions.create(model="an/echo",
                                     messages=USER).choices


THOUGHTS = ["I think\u00e9 \U0001f600 \"quoted\" \\ / \u2028", "", "Again."]


def sealed(thought):
    return base64.b64encode(
        hashlib.sha256(b"salt" + thought.encode()).digest()).decode()


def thinking_turn(stream):
    """The upstream signs its thoughts, and knows them again by their hash."""
    blocks = [{"type": "thinking", "thinking": t, "signature": sealed(t)}
              for t in THOUGHTS]
    blocks.append({"type": "redacted_thinking", "data": sealed("redacted")})
    blocks.append({"type": "tool_use", "id": "toolu_1", "name": "get_weather",
                   "input": {"city": "Oslo"}})
    if not stream:
        return {**MESSAGE, "content": blocks, "stop_reason": "tool_use"}
    out = [start()]
    for i, b in enumerate(blocks):
        if b["type"] == "thinking":
            out.append(block(i, "thinking", thinking="", signature=""))
            out += [delta(i, "thinking_delta", thinking=c)
                    for c in b["thinking"]]
            out.append(delta(i, "signature_delta", signature=b["signature"]))
        elif b["type"] == "tool_use":
            out += [block(i, **{"kind": "tool_use", "id": b["id"],
                                "name": b["name"], "input": {}}),
                    delta(i, "input_json_delta",
                          partial_json=json.dumps(b["input"]))]
        else:
            out.append(block(i, "redacted_thinking", data=b["data"]))
        out.append(stop(i))
    return named(*out, *finish("tool_use"))


def verify(request):
    """As the provider does: a thought that does not hash to its signature,
    or that is missing, is a 400."""
    turn = request.json()["messages"][1]["content"]
    seen = [(b["thinking"], b["signature"]) for b in turn
            if b["type"] == "thinking"]
    assert seen == [(t, sealed(t)) for t in THOUGHTS], seen
    assert [b["data"] for b in turn if b["type"] == "redacted_thinking"] == [
        sealed("redacted")]
    assert turn[-1]["type"] == "tool_use"
    return MESSAGE


@both
def test_signed_thoughts_through_chat(sdks, stream):
    """A client of OpenAI's SDK sends its assistant message back as it was."""
    with Bytes(thinking_turn(stream), verify) as up:
        _, o, _ = sdks(up.host)
        ask = {"model": "an/claude-opus-5-5", "tools": CHAT_TOOLS,
               "reasoning_effort": "low"}
        said = chat(o, stream, messages=USER, **ask).choices[0].message
        back = said.model_dump(exclude_none=True)
        back.pop("parsed", None)
        for call in back["tool_calls"]:
            call["function"].pop("parsed_arguments", None)
        got = o.chat.completions.create(messages=[
            *USER, back, {"role": "tool", "tool_call_id": "toolu_1",
                          "content": "rain"}], **ask)
        assert not up.errors, up.errors
        assert got.choices[0].message.content == "hi there"


def reasoning_turn(stream):
    """An OpenAI-compatible provider that wants its thoughts back as details."""
    details = [{"type": "reasoning.text", "text": t, "signature": sealed(t),
                "format": "anthropic-claude-v1", "index": i}
               for i, t in enumerate(t for t in THOUGHTS if t)]
    details.append({"type": "reasoning.encrypted", "data": sealed("x"),
                    "format": "anthropic-claude-v1", "index": 9})
    call = {"index": 0, "id": "call_1", "type": "function", "function": {
        "name": "get_weather", "arguments": '{"city":"Oslo"}'}}
    if stream:
        return plain(*(chunk(role="assistant", content="",
                             reasoning_details=[d]) for d in details),
                     chunk(tool_calls=[call]), chunk("tool_calls"), tail())
    return {**COMPLETION, "choices": [{
        "index": 0, "finish_reason": "tool_calls", "message": {
            "role": "assistant", "content": None,
            "reasoning_details": details, "tool_calls": [call]}}]}


@both
def test_signed_thoughts_through_messages(sdks, stream):
    """The thoughts of an OpenAI-compatible provider keep their signatures in
    the blocks of an Anthropic client, there and back to a signing provider."""
    with Bytes(reasoning_turn(stream), COMPLETION) as up:
        _, _, a = sdks(up.host)
        ask = {"model": "oa/anthropic/claude-sonnet-4-6", "tools": TOOLS,
               "max_tokens": 5000, "thinking": {"type": "adaptive"}}
        first = message(a, stream, messages=USER, **ask)
        thoughts = [b for b in first.content if b.type == "thinking"]
        assert [(b.thinking, b.signature) for b in thoughts] == [
            (t, sealed(t)) for t in THOUGHTS if t]
        assert first.stop_reason == "tool_use"
        message(a, False, messages=USER + [
            {"role": "assistant", "content": first.content},
            {"role": "user", "content": [{
                "type": "tool_result", "tool_use_id": "call_1",
                "content": "rain"}]}], **ask)
        sent = up.requests[1].json()["messages"]
        assert sent[1]["tool_calls"][0]["id"] == "call_1"
        assert sent[2]["role"] == "tool"

# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""Mistral, played by an upstream as strict: 422 to a member it does not
know, 400 to an order of roles or an id that it does not take."""
import json
import re

import openai
import pytest

from upstream import Upstream

CONF = """
listen "127.0.0.1:0" {{ detail = "full" }}
provider "mi" {{ vendor = "mistral", base_url = "{url}",
    keys = {{ env("UNSET", "k") }}, retries = {{ attempts = 1 }} }}
model "small" {{ "mi/mistral-small-latest" }}
"""
TOP = set("""model messages temperature top_p max_tokens stream stop
random_seed response_format tools tool_choice presence_penalty
frequency_penalty n prediction parallel_tool_calls prompt_mode
reasoning_effort safe_prompt metadata guardrails""".split())
OF = {"system": {"role", "content"}, "user": {"role", "content"},
      "assistant": {"role", "content", "tool_calls", "prefix"},
      "tool": {"role", "content", "tool_call_id", "name"}}
THINKING = {"type": "thinking", "thinking": [{"type": "text", "text": "so"}]}


def fault(body):
    extra = set(body) - TOP
    if extra or body.get("tools") == []:
        return 422, f"extra_forbidden: {extra}"
    last = None
    for m in body["messages"]:
        extra = set(m) - OF.get(m["role"], set())
        if extra:
            return 422, f"extra_forbidden: {m['role']} {extra}"
        if last == "tool" and m["role"] not in ("tool", "assistant"):
            return 400, f"Unexpected role '{m['role']}' after role 'tool'"
        for call in m.get("tool_calls") or []:
            if not re.fullmatch("[A-Za-z0-9]{9}", call["id"]):
                return 400, "Tool call id was " + call["id"]
        last = m["role"]
    if last == "assistant" and not body["messages"][-1].get("prefix"):
        return 400, "Expected last role User or Tool"
    return None


def chunk(finish=None, **delta):
    return {"id": "c1", "object": "chat.completion.chunk", "created": 1,
            "model": "mistral-small-latest",
            "choices": [{"index": 0, "delta": delta,
                         "finish_reason": finish}]}


USAGE = {"prompt_tokens": 9, "total_tokens": 12, "completion_tokens": 3}


def answer(conn, request):
    body = request.json()
    wrong = fault(body)
    kind = b"application/json"
    if wrong:
        out = json.dumps({"object": "error", "message": wrong[1],
                          "type": "invalid_request_error", "param": None,
                          "code": None}).encode()
    elif body.get("stream"):
        kind = b"text/event-stream"
        out = b"".join(b"data: %s\n\n" % json.dumps(c).encode() for c in (
            chunk(role="assistant", content=""), chunk(content=[THINKING]),
            chunk(content=[{"type": "text", "text": "h"}]),
            {**chunk(content="i", finish="stop"), "usage": USAGE}))
        out += b"data: [DONE]\n\n"
    else:
        out = json.dumps({
            "id": "c1", "object": "chat.completion", "created": 1,
            "model": "mistral-small-latest", "usage": USAGE, "choices": [{
                "index": 0, "finish_reason": "stop", "message": {
                    "role": "assistant", "tool_calls": None, "content": [
                        THINKING, {"type": "text", "text": "hi"}]}}]}
        ).encode()
    conn.send(b"HTTP/1.1 %d X\r\ncontent-type: %s\r\ncontent-length: %d\r\n"
              b"\r\n" % (wrong[0] if wrong else 200, kind, len(out)))
    conn.send(out)


@pytest.fixture
def mi(penstock):
    with Upstream(answer) as up:
        yield penstock(CONF.format(url=up.url))


def test_an_openai_client(mi):
    with openai.OpenAI(base_url=mi.url + "/v1", api_key="none",
                       max_retries=0) as client:
        raw = client.chat.completions.with_raw_response.create(
            model="small", max_completion_tokens=9, user="u", store=True,
            seed=7, logprobs=True, service_tier="flex",
            extra_body={"safe_prompt": True}, messages=[
                {"role": "developer", "content": "be"},
                {"role": "user", "name": "al", "content": "a"},
                {"role": "assistant", "tool_calls": [{
                    "id": "call_abcdefghijkl", "type": "function",
                    "function": {"name": "f", "arguments": "{}"}}]},
                {"role": "tool", "tool_call_id": "call_abcdefghijkl",
                 "content": "r"},
                {"role": "user", "content": "b"}])
    done = raw.parse()
    assert done.choices[0].message.content == "hi"
    assert done.choices[0].message.reasoning_content == "so"
    assert done.usage.prompt_tokens == 9
    assert set(raw.headers["x-penstock-dropped"].split(", ")) == {
        "logprobs", "user", "service_tier", "messages[].name", "store"}


def test_a_stream_for_an_openai_client(mi):
    with openai.OpenAI(base_url=mi.url + "/v1", api_key="none",
                       max_retries=0) as client:
        with client.chat.completions.stream(
                model="small", messages=[{"role": "user", "content": "a"}],
                stream_options={"include_usage": True}) as s:
            done = s.get_final_completion()
    assert done.choices[0].message.content == "hi"
    assert done.usage.completion_tokens == 3


def test_an_anthropic_client(mi):
    a = mi.post("/v1/messages", {
        "model": "small", "max_tokens": 9, "top_k": 3,
        "system": [{"type": "text", "text": "be",
                    "cache_control": {"type": "ephemeral"}}],
        "metadata": {"user_id": "u"}, "messages": [
            {"role": "user", "content": "a"},
            {"role": "assistant", "content": [{
                "type": "tool_use", "id": "toolu_1", "name": "f",
                "input": {}}]},
            {"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": "toolu_1",
                 "content": "r"},
                {"type": "text", "text": "b"}]}]})
    assert a.status == 200, a.body
    assert [b["type"] for b in a.json()["content"]] == ["thinking", "text"]
    assert a.json()["content"][1]["text"] == "hi"
    assert set(a.headers["x-penstock-dropped"].split(", ")) == {
        "top_k", "user", "cache marks"}

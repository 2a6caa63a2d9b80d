# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""Servers that stream whatever they are asked for: a client that asked for
one whole answer gets one, in its dialect, at its own and at others' targets;
an error in such a stream, and one that is cut, is another target's turn."""
import json

import pytest

from conftest import Instance
from pair_upstream import CITY, DIALECTS, SAID, TOKENS, chat_whole
from test_all_pairs import CLIENTS, KEY, MODELS
from upstream import Upstream

CONF = """
listen "127.0.0.1:0" {{ detail = "full" }}
provider "chat" {{ vendor = "openai-compatible", base_url = "{url}/v1", {key} }}
provider "messages" {{ vendor = "anthropic", base_url = "{url}", {key} }}
provider "gemini" {{ vendor = "gemini", base_url = "{url}", {key} }}
provider "responses" {{ vendor = "openai", base_url = "{url}/v1", {key} }}
provider "mistral" {{ vendor = "mistral", base_url = "{url}/v1", {key} }}
provider "spare" {{ vendor = "openai-compatible", base_url = "{url}/spare",
                   {key} }}
provider "frail" {{ vendor = "openai-compatible", base_url = "{url}/v1",
                   keys = {{ env("UNSET", "sk-1") }} }}
model "two" {{ "frail/llama", "spare/llama" }}
"""
TARGETS = ("chat", "messages", "gemini", "responses", "mistral")
CONF += "".join(f'model "{t}" {{{{ "{t}/{MODELS[t]}" }}}}\n' for t in TARGETS)


def answer(conn, request):
    if "/spare/" in request.path:
        conn.answer(chat_whole())
        return
    stream = next(v for k, v in DIALECTS.items() if k in request.path)[0]
    kind, body = stream()
    if b"is cut" in request.body:
        body = body[:body.index(b"see.") + 9]
    if b"is wrong" in request.body:
        body = b'data: {"error": {"message": "busy", "code": 503}}\n\n'
    if b"is empty" in request.body:
        body = b""
    conn.send(b"HTTP/1.1 200 X\r\ncontent-type: %s; charset=utf-8\r\n"
              b"content-length: %d\r\n\r\n" % (kind.encode(), len(body)))
    conn.send(body, 7)


@pytest.fixture(scope="module")
def gateway():
    with Upstream(answer) as up:
        p = Instance(CONF.format(url=up.url.removesuffix("/v1"),
                                 key=KEY.format("sk-1")))
        p.wait_ready()
        yield p
        assert not p.close()


def chat(b):
    m = b["choices"][0]["message"]
    assert b["object"] == "chat.completion"
    assert b["choices"][0]["finish_reason"] == "tool_calls"
    return m["content"], [(c["function"]["name"],
                           json.loads(c["function"]["arguments"]))
                          for c in m["tool_calls"]], (
        b["usage"]["prompt_tokens"], b["usage"]["completion_tokens"])


def messages(b):
    assert b["type"] == "message" and b["stop_reason"] == "tool_use"
    return ("".join(x.get("text", "") for x in b["content"]),
            [(x["name"], x["input"]) for x in b["content"]
             if x["type"] == "tool_use"],
            (b["usage"]["input_tokens"], b["usage"]["output_tokens"]))


def responses(b):
    assert b["object"] == "response" and b["status"] == "completed"
    return ("".join(p["text"] for x in b["output"] if x["type"] == "message"
                    for p in x["content"]),
            [(x["name"], json.loads(x["arguments"])) for x in b["output"]
             if x["type"] == "function_call"],
            (b["usage"]["input_tokens"], b["usage"]["output_tokens"]))


def gemini(b):
    c, used = b["candidates"][0], b["usageMetadata"]
    assert c["finishReason"] == "STOP"
    return ("".join(p.get("text", "") for p in c["content"]["parts"]),
            [(p["functionCall"]["name"], p["functionCall"]["args"])
             for p in c["content"]["parts"] if "functionCall" in p],
            (used["promptTokenCount"], used["candidatesTokenCount"]))


READERS = {"chat": chat, "messages": messages, "responses": responses,
           "gemini": gemini}


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("client", CLIENTS)
def test_a_stream_becomes_one_answer(gateway, client, target):
    c = CLIENTS[client]
    a = gateway.post(*c.asked(target, c.first("hi"), False))
    assert a.status == 200, a.body
    assert a.headers["content-type"].startswith("application/json")
    assert int(a.headers["content-length"]) == len(a.body)
    text, calls, used = READERS[client](a.json())
    assert (text, calls, used) == (SAID, [("weather", CITY)], TOKENS)


@pytest.mark.parametrize("what", ("is cut", "is wrong", "is empty"))
def test_no_answer_is_the_next_targets_turn(gateway, what):
    c = CLIENTS["chat"]
    a = gateway.post(*c.asked("two", c.first(what), False))
    assert a.status == 200, a.body
    assert a.json()["choices"][0]["message"]["content"] == \
        chat_whole()["choices"][0]["message"]["content"]


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("client", CLIENTS)
def test_a_cut_stream_is_no_answer(gateway, client, target):
    c = CLIENTS[client]
    a = gateway.post(*c.asked(target, c.first("is cut"), False))
    assert a.status in (502, 503), (a.status, a.body)
    assert "error" in a.json()

# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""Every dialect of clients at every dialect of providers: a streamed turn
that ends with a tool call, the turn that gives the result back, and an error.
The client reads with the readers of this file, of its own dialect alone."""
import http.client
import json

import pytest

from conftest import Instance
from pair_upstream import CITY, NO, REPLY, SAID, TOKENS, answer
from upstream import Upstream

CONF = """
listen "127.0.0.1:0" {{ detail = "full" }}
provider "chat" {{ vendor = "openai-compatible", base_url = "{url}/v1", {key} }}
provider "messages" {{ vendor = "anthropic", base_url = "{url}", {key} }}
provider "gemini" {{ vendor = "gemini", base_url = "{url}", {key} }}
provider "responses" {{ vendor = "openai", base_url = "{url}/v1", {key} }}
provider "converse" {{ plugin = "bedrock", base_url = "{url}", {pair},
    settings = {{ region = "eu-west-1" }} }}
provider "cohere" {{ vendor = "cohere", base_url = "{url}", {key} }}
provider "mistral" {{ vendor = "mistral", base_url = "{url}/v1", {key} }}
provider "ollama" {{ vendor = "ollama-native", base_url = "{url}",
    retries = {{ attempts = 1 }} }}
"""
KEY = 'keys = {{ env("UNSET", "{}") }}, retries = {{ attempts = 1 }}'
MODELS = {"chat": "llama", "messages": "claude-sonnet-4-5",
          "gemini": "gemini-2.5-flash", "responses": "o3-pro",
          "converse": "amazon.nova-pro-v1:0",
          "cohere": "command-a", "mistral": "mistral-large",
          "ollama": "qwen3"}
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}},
          "required": ["city"]}
RESULT = "sunny, 21 degrees"
ASK = "What is the weather in Paris?"


def events(body):
    """(event, data) of a stream; data as JSON, or as it is."""
    out = []
    for part in body.decode().replace("\r\n", "\n").split("\n\n"):
        lines = dict(line.split(": ", 1) for line in part.split("\n")
                     if ": " in line and line[0] != ":")
        if "data" in lines:
            data = lines["data"]
            out.append((lines.get("event"),
                        data if data == "[DONE]" else json.loads(data)))
    return out


def strings(x):
    """All texts of a body, also of the JSON in its texts."""
    if isinstance(x, dict):
        return [t for v in x.values() for t in strings(v)]
    if isinstance(x, list):
        return [t for v in x for t in strings(v)]
    if not isinstance(x, str):
        return []
    return strings(json.loads(x)) if x.startswith("{") else [x]


class Chat:
    path = "/v1/chat/completions"

    def asked(self, model, turns, stream):
        body = {"model": model, "max_tokens": 900, "messages": turns,
                "tools": [{"type": "function", "function": {
                    "name": "weather", "parameters": SCHEMA}}]}
        if stream:
            body |= {"stream": True, "stream_options": {
                "include_usage": True}}
        return self.path, body

    def first(self, text):
        return [{"role": "user", "content": text}]

    def heard(self, body):
        text, calls, finish, usage = "", {}, None, None
        got = events(body)
        assert got[-1][1] == "[DONE]"
        for _, e in got[:-1]:
            usage = e.get("usage") or usage
            for c in e["choices"]:
                text += c["delta"].get("content") or ""
                finish = c["finish_reason"] or finish
                for t in c["delta"].get("tool_calls") or []:
                    mine = calls.setdefault(t["index"], {
                        "id": t.get("id"), "name": "", "args": ""})
                    mine["name"] += t["function"].get("name") or ""
                    mine["args"] += t["function"].get("arguments") or ""
        assert finish == "tool_calls"
        assert (usage["prompt_tokens"],
                usage["completion_tokens"]) == TOKENS
        back = {"role": "assistant", "content": text, "tool_calls": [
            {"id": c["id"], "type": "function", "function": {
                "name": c["name"], "arguments": c["args"]}}
            for c in calls.values()]}
        return text, [(c["name"], json.loads(c["args"]))
                      for c in calls.values()], [back, {
                          "role": "tool", "tool_call_id": calls[0]["id"],
                          "content": RESULT}]

    def reply(self, body):
        assert (body["usage"]["prompt_tokens"],
                body["usage"]["completion_tokens"]) == TOKENS
        assert body["choices"][0]["finish_reason"] == "stop"
        return body["choices"][0]["message"]["content"]

    def error(self, body):
        assert body["error"]["type"] == "invalid_request_error"
        return body["error"]["message"]


class Messages:
    def asked(self, model, turns, stream):
        return "/v1/messages", {
            "model": model, "max_tokens": 900, "messages": turns,
            "stream": stream,
            "tools": [{"name": "weather", "input_schema": SCHEMA}]}

    def first(self, text):
        return [{"role": "user", "content": text}]

    def heard(self, body):
        blocks, args, usage, reason = [], {}, {}, None
        got = events(body)
        assert got[0][0] == "message_start"
        assert got[-1][0] == "message_stop"
        for name, e in got:
            assert name == e["type"]
            if name == "content_block_start":
                assert e["index"] == len(blocks)
                blocks.append(e["content_block"])
            elif name == "content_block_delta":
                assert e["index"] == len(blocks) - 1
                d, at = e["delta"], blocks[-1]
                for key in ("text", "thinking", "signature"):
                    if key in d:
                        at[key] += d[key]
                args[e["index"]] = args.get(e["index"], "") + d.get(
                    "partial_json", "")
            elif name == "message_delta":
                reason = e["delta"]["stop_reason"]
                usage |= e["usage"]
            elif name == "message_start":
                usage |= e["message"]["usage"]
        for i, b in enumerate(blocks):
            if b["type"] == "tool_use":
                b["input"] = json.loads(args[i])
        assert reason == "tool_use"
        assert (usage["input_tokens"], usage["output_tokens"]) == TOKENS
        calls = [b for b in blocks if b["type"] == "tool_use"]
        return ("".join(b.get("text", "") for b in blocks),
                [(c["name"], c["input"]) for c in calls],
                [{"role": "assistant", "content": blocks},
                 {"role": "user", "content": [{
                     "type": "tool_result", "tool_use_id": calls[0]["id"],
                     "content": RESULT}]}])

    def reply(self, body):
        assert (body["usage"]["input_tokens"],
                body["usage"]["output_tokens"]) == TOKENS
        assert body["stop_reason"] == "end_turn"
        return "".join(b.get("text", "") for b in body["content"])

    def error(self, body):
        assert body["type"] == "error"
        assert body["error"]["type"] == "invalid_request_error"
        return body["error"]["message"]


class Responses:
    def asked(self, model, turns, stream):
        return "/v1/responses", {
            "model": model, "input": turns, "stream": stream,
            "store": False, "max_output_tokens": 900,
            "tools": [{"type": "function", "name": "weather",
                       "parameters": SCHEMA, "strict": False}]}

    def first(self, text):
        return [{"role": "user", "content": text}]

    def heard(self, body):
        got = events(body)
        numbers = [e["sequence_number"] for _, e in got
                   if "sequence_number" in e]  # native: as upstream has it
        assert numbers in ([], list(range(len(got))))
        assert all(name == e["type"] for name, e in got)
        last = got[-1][1]
        assert last["type"] == "response.completed"
        out = last["response"]["output"]
        pieces = "".join(e["delta"] for n, e in got
                         if n == "response.output_text.delta")
        args = "".join(e["delta"] for n, e in got
                       if n == "response.function_call_arguments.delta")
        calls = [x for x in out if x["type"] == "function_call"]
        text = "".join(p["text"] for x in out if x["type"] == "message"
                       for p in x["content"])
        assert pieces == text and args == calls[0]["arguments"]
        usage = last["response"]["usage"]
        assert (usage["input_tokens"], usage["output_tokens"]) == TOKENS
        return (text, [(c["name"], json.loads(c["arguments"]))
                       for c in calls],
                out + [{"type": "function_call_output",
                        "call_id": calls[0]["call_id"], "output": RESULT}])

    def reply(self, body):
        assert (body["usage"]["input_tokens"],
                body["usage"]["output_tokens"]) == TOKENS
        assert body["status"] == "completed"
        return "".join(p["text"] for x in body["output"]
                       if x["type"] == "message" for p in x["content"])

    def error(self, body):
        return body["error"]["message"]


class Gemini:
    def asked(self, model, turns, stream):
        verb = "streamGenerateContent?alt=sse" if stream else \
            "generateContent"
        return f"/v1beta/models/{model}:{verb}", {
            "contents": turns, "generationConfig": {"maxOutputTokens": 900},
            "tools": [{"functionDeclarations": [{
                "name": "weather", "parametersJsonSchema": SCHEMA}]}]}

    def first(self, text):
        return [{"role": "user", "parts": [{"text": text}]}]

    def heard(self, body):
        got = [e for _, e in events(body)]
        parts = [p for e in got for c in e["candidates"]
                 for p in c["content"].get("parts", [])]
        calls = [p["functionCall"] for p in parts if "functionCall" in p]
        used = got[-1]["usageMetadata"]
        assert got[-1]["candidates"][0]["finishReason"] == "STOP"
        assert (used["promptTokenCount"],
                used["candidatesTokenCount"]) == TOKENS
        back = []
        for part in parts:      # as its CLI keeps them: texts are one
            if set(part) == {"text"} and back and set(back[-1]) == {"text"}:
                back[-1] = {"text": back[-1]["text"] + part["text"]}
            else:
                back.append(part)
        result = {"name": "weather", "response": {"output": RESULT}}
        if "id" in calls[0]:
            result["id"] = calls[0]["id"]
        return ("".join(p.get("text", "") for p in parts
                        if not p.get("thought")),
                [(c["name"], c["args"]) for c in calls],
                [{"role": "model", "parts": [p for p in back
                                             if p != {"text": ""}]},
                 {"role": "user", "parts": [{"functionResponse": result}]}])

    def reply(self, body):
        used = body["usageMetadata"]
        assert (used["promptTokenCount"],
                used["candidatesTokenCount"]) == TOKENS
        assert body["candidates"][0]["finishReason"] == "STOP"
        return "".join(p.get("text", "") for p in
                       body["candidates"][0]["content"]["parts"])

    def error(self, body):
        assert body["error"]["status"] == "INVALID_ARGUMENT"
        return body["error"]["message"]


CLIENTS = {"chat": Chat(), "messages": Messages(),
           "responses": Responses(), "gemini": Gemini()}


@pytest.fixture(scope="module")
def up():
    with Upstream(answer) as u:
        yield u


@pytest.fixture(scope="module")
def gateway(up):
    url = up.url[:-3] if up.url.endswith("/v1") else up.url
    p = Instance(CONF.format(url=url, key=KEY.format("sk-1"),
                             pair=KEY.format("ID:secret")))
    p.wait_ready()
    yield p
    assert not p.close()


@pytest.mark.parametrize("provider", MODELS)
@pytest.mark.parametrize("client", CLIENTS)
def test_a_tool_and_its_result(gateway, up, client, provider):
    c, model = CLIENTS[client], f"{provider}/{MODELS[provider]}"
    turns = c.first(ASK)
    a = gateway.post(*c.asked(model, turns, True))
    assert a.status == 200, a.body
    text, calls, more = c.heard(a.body)
    assert (text, calls) == (SAID, [("weather", CITY)])
    a = gateway.post(*c.asked(model, turns + more, False))
    assert a.status == 200, a.body
    assert c.reply(a.json()) == REPLY
    sent = "".join(strings(up.requests[-1].json()))
    for word in (ASK, SAID, RESULT, CITY["city"], "weather"):
        assert word in sent, (word, sent)


@pytest.mark.parametrize("provider", MODELS)
@pytest.mark.parametrize("client", CLIENTS)
def test_a_whole_answer_to_a_stream(gateway, client, provider):
    """Upstreams that do not stream: the client gets one nevertheless."""
    c, model = CLIENTS[client], f"{provider}/{MODELS[provider]}"
    a = gateway.post(*c.asked(model, c.first("at once"), True))
    assert a.status == 200, a.body
    assert a.headers["content-type"].startswith("text/event-stream")
    assert REPLY in a.body.decode()
    assert len(events(a.body)) > (1 if client != "gemini" else 0)


ENDS = (b"[DONE]", b"message_stop", b"response.completed", b"finishReason")


@pytest.mark.parametrize("provider", MODELS)
@pytest.mark.parametrize("client", CLIENTS)
def test_a_stream_that_is_cut(gateway, client, provider):
    """No client may take it for an answer that ended."""
    c, model = CLIENTS[client], f"{provider}/{MODELS[provider]}"
    path, body = c.asked(model, c.first("cut off"), True)
    conn = gateway.connect(10)
    conn.request("POST", path, json.dumps(body),
                 {"content-type": "application/json"})
    answer = conn.getresponse()
    try:
        got = answer.read()
    except http.client.IncompleteRead as e:     # HTTP's own end is cut, too
        got = e.partial
    conn.close()
    assert answer.status == 200 and b"see." in got
    assert b'"error"' in got, got
    assert not [e for e in ENDS if e in got], got


@pytest.mark.parametrize("provider", MODELS)
@pytest.mark.parametrize("client", CLIENTS)
def test_an_error(gateway, client, provider):
    c, model = CLIENTS[client], f"{provider}/{MODELS[provider]}"
    for stream in (False, True):
        a = gateway.post(*c.asked(model, c.first("odd"), stream))
        assert a.status == 400, (a.status, a.body)
        assert NO in c.error(a.json())

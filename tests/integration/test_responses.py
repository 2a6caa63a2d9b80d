# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""Clients of OpenAI's Responses: native, byte for byte; translated to chat
and to Anthropic; and clients of those at models that have Responses alone.
The official openai package reads the answers."""
import json
import re

import anthropic
import openai
import pytest

from conftest import Instance
from test_translate import COMPLETION, MESSAGE, named, plain, text_stream
from upstream import Upstream

CONF = """
listen "127.0.0.1:0" {{ detail = "full" }}
provider "native" {{ vendor = "openai", base_url = "{url}",
                    keys = {{ env("UNSET", "sk-oa") }} }}
provider "chat" {{ vendor = "openai-compatible", base_url = "{url}",
                  keys = {{ env("UNSET", "sk-oa") }} }}
provider "an" {{ vendor = "anthropic", base_url = "{root}",
                keys = {{ env("UNSET", "sk-an") }} }}
model "own" {{ "native/gpt-6-luna" }}
model "pro" {{ "native/o3-pro" }}
model "chat" {{ "chat/gpt-4o" }}
model "claude" {{ "an/claude-sonnet-4-5" }}
{more}
"""
USAGE = {"input_tokens": 9, "input_tokens_details": {"cached_tokens": 2},
         "output_tokens": 3, "output_tokens_details": {"reasoning_tokens": 0},
         "total_tokens": 12}


def response(text="hi there", status="completed", **kw):
    return {
        "id": "resp_1", "object": "response", "created_at": 1,
        "status": status, "error": None, "incomplete_details": None,
        "model": "gpt-6-luna", "instructions": None, "metadata": {},
        "output": [{"id": "msg_1", "type": "message", "role": "assistant",
                    "status": "completed", "content": [
                        {"type": "output_text", "text": text,
                         "annotations": [], "logprobs": []}]}],
        "parallel_tool_calls": True, "temperature": 1.0, "top_p": 1.0,
        "tool_choice": "auto", "tools": [], "usage": USAGE, **kw}


def said(*pieces):
    text = "".join(pieces)
    part = {"type": "output_text", "text": "", "annotations": [],
            "logprobs": []}
    at = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
    item = response(text)["output"][0]
    began = response(output=[], status="in_progress", usage=None)
    events = [
        {"type": "response.created", "response": began},
        {"type": "response.in_progress", "response": began},
        {"type": "response.output_item.added", "output_index": 0,
         "item": {**item, "content": [], "status": "in_progress"}},
        {"type": "response.content_part.added", **at, "part": part},
        *({"type": "response.output_text.delta", **at, "delta": p,
           "logprobs": []} for p in pieces),
        {"type": "response.output_text.done", **at, "text": text,
         "logprobs": []},
        {"type": "response.content_part.done", **at,
         "part": {**part, "text": text}},
        {"type": "response.output_item.done", "output_index": 0,
         "item": item},
        {"type": "response.completed", "response": response(text)}]
    return named(*({**e, "sequence_number": i}
                   for i, e in enumerate(events)))


def chunk(**delta):
    return {"id": "chatcmpl-1", "object": "chat.completion.chunk",
            "created": 1, "model": "gpt-4o",
            "choices": [{"index": 0, "delta": delta,
                         "finish_reason": None}]}


def chat_stream():
    call = {"index": 0, "id": "call_1", "type": "function",
            "function": {"name": "f", "arguments": ""}}
    last = chunk()
    last["choices"][0]["finish_reason"] = "tool_calls"
    return plain(
        chunk(role="assistant", content=""), chunk(content="he"),
        chunk(content="y"), chunk(tool_calls=[call]),
        chunk(tool_calls=[{"index": 0,
                           "function": {"arguments": '{"a":1}'}}]),
        last, {**chunk(), "choices": [], "usage": COMPLETION["usage"]})


def answer(conn, request):
    if "/responses/" in request.path:
        conn.answer(response() if "input_" not in request.path else
                    {"object": "list", "data": [], "has_more": False})
        return
    body = request.json()
    stream = body.get("stream")
    if "/responses" in request.path:
        what = said("hi ", "there") if stream else response()
    elif "/messages" in request.path:
        what = text_stream("hi ", "there") if stream else MESSAGE
    else:
        what = chat_stream() if stream else COMPLETION
    if not stream:
        conn.answer(what)
        return
    conn.head(ctype="text/event-stream")
    conn.chunk(what)
    conn.end()


def config(up, more=""):
    return CONF.format(url=up.url, root=up.url.removesuffix("/v1"), more=more)


def sdk(p):
    return openai.OpenAI(base_url=p.url + "/v1", api_key="none",
                         max_retries=0)


@pytest.fixture(scope="module")
def shared():
    """An upstream that speaks all three, by path, and a gateway before it."""
    with Upstream(answer) as up:
        p = Instance(config(up))
        try:
            p.wait_ready()
            with sdk(p) as c:
                yield up, p, c
        finally:
            problem = p.close()
        assert not problem, problem


@pytest.fixture
def world(shared):
    shared[0].requests.clear()
    return shared


def test_native_whole(world):
    up, _, c = world
    raw = c.responses.with_raw_response.create(
        model="own", input="hello", store=True,
        tools=[{"type": "web_search"}])
    assert raw.parse().output_text == "hi there"
    assert raw.headers["x-request-id"].startswith("req_")
    sent = up.requests[0].json()
    assert up.requests[0].path == "/v1/responses"
    assert sent == {"model": "gpt-6-luna", "input": "hello", "store": True,
                    "tools": [{"type": "web_search"}]}


def test_native_stream_is_the_providers(world):
    _, p, _ = world
    r = p.request("POST", "/v1/responses", json.dumps(
        {"model": "own", "input": "x", "stream": True}))
    assert r.body == said("hi ", "there")


def test_native_keeps_a_thread(world):
    up, _, c = world
    c.responses.create(model="own", input="x", previous_response_id="resp_0")
    assert up.requests[0].json()["previous_response_id"] == "resp_0"


@pytest.mark.parametrize("model", ["own", "claude"])
def test_stream_by_the_sdk(world, model):
    _, _, c = world
    with c.responses.stream(model=model, input="hello") as s:
        pieces = [e.delta for e in s
                  if e.type == "response.output_text.delta"]
        last = s.get_final_response()
    assert pieces == ["hi ", "there"]
    assert last.output_text == "hi there"
    assert last.usage.output_tokens == 3


def test_chat_target(world):
    up, _, c = world
    r = c.responses.create(model="chat", instructions="be short",
                           input="hello", max_output_tokens=64)
    assert r.output_text == "hi there"
    assert r.status == "completed"
    assert r.usage.input_tokens == 9
    assert r.usage.input_tokens_details.cached_tokens == 2
    assert up.requests[0].path == "/v1/chat/completions"
    assert up.requests[0].json()["messages"] == [
        {"role": "system", "content": "be short"},
        {"role": "user", "content": "hello"}]


def test_chat_target_stream(world):
    _, p, c = world
    with c.responses.stream(model="chat", input="hello") as s:
        list(s)
        last = s.get_final_response()
    assert [i.type for i in last.output] == ["message", "function_call"]
    assert last.output_text == "hey"
    assert last.output[1].arguments == '{"a":1}'
    assert last.output[1].call_id == "call_1"
    r = p.request("POST", "/v1/responses", json.dumps(
        {"model": "chat", "input": "x", "stream": True}))
    body = r.body.decode()
    numbers = [int(n) for n in re.findall(r'"sequence_number":(\d+)', body)]
    assert numbers == list(range(len(numbers)))
    assert "[DONE]" not in body


def test_kept_things_are_refused_elsewhere(world):
    up, _, c = world
    for more in ({"previous_response_id": "r"}, {"background": True},
                 {"conversation": "c"}):
        with pytest.raises(openai.BadRequestError) as e:
            c.responses.create(model="chat", input="x", **more)
        assert "thread" in str(e.value) and next(iter(more)) in str(e.value)
    assert not up.requests


def test_what_a_provider_keeps(world):
    """One provider alone keeps any: it is asked."""
    up, p, c = world
    assert c.responses.retrieve("resp_1").output_text == "hi there"
    assert c.responses.cancel("resp_1").id == "resp_1"
    c.responses.delete("resp_1")
    c.responses.input_items.list("resp_1", limit=2)
    r = p.post("/v1/responses/input_tokens", {"model": "own", "input": "x"})
    assert r.status == 200
    assert [(r.method, r.path) for r in up.requests] == [
        ("GET", "/v1/responses/resp_1"),
        ("POST", "/v1/responses/resp_1/cancel"),
        ("DELETE", "/v1/responses/resp_1"),
        ("GET", "/v1/responses/resp_1/input_items?limit=2"),
        ("POST", "/v1/responses/input_tokens")]
    assert up.requests[4].json()["model"] == "gpt-6-luna"
    assert all(r.header("authorization") == "Bearer sk-oa"
               for r in up.requests)
    assert p.get("/v1/responses/../files").status == 404


SECOND = """
provider "second" {{ vendor = "openai", base_url = "{url}",
                    keys = {{ env("UNSET", "sk-two") }} }}
"""


def test_which_provider_keeps_it_must_be_known(penstock, tmp_path):
    with Upstream(answer) as up:
        two = SECOND.format(url=up.url)
        p = penstock(config(up, two))
        with sdk(p) as c:
            for call in (c.responses.retrieve, c.responses.delete,
                         c.responses.cancel):
                with pytest.raises(openai.BadRequestError):
                    call("resp_1")
        assert not up.requests
        p = penstock(config(
            up, two + 'endpoint "responses" { provider = "second" }'))
        with sdk(p) as c:
            c.responses.retrieve("resp_1")
        assert up.requests[0].header("authorization") == "Bearer sk-two"
        (tmp_path / "mask.lua").write_text(MASK)
        up.requests.clear()
        p = penstock(config(
            up, f'policy_path "{tmp_path}" policies {{ "mask" }}'))
        with sdk(p) as c:
            with pytest.raises(openai.PermissionDeniedError):
                c.responses.retrieve("resp_1")
            assert not up.requests
            c.responses.delete("resp_1")


def test_chat_client_at_a_responses_model(world):
    up, _, c = world
    r = c.chat.completions.create(model="pro", messages=[
        {"role": "system", "content": "s"},
        {"role": "user", "content": "hello"}])
    assert r.choices[0].message.content == "hi there"
    assert r.usage.prompt_tokens == 9
    assert up.requests[0].path == "/v1/responses"
    sent = up.requests[0].json()
    assert sent["store"] is False
    assert [m["role"] for m in sent["input"]] == ["developer", "user"]
    text = "".join(e.choices[0].delta.content or ""
                   for e in c.chat.completions.create(
                       model="pro", stream=True,
                       messages=[{"role": "user", "content": "x"}])
                   if e.choices)
    assert text == "hi there"


def thinking_call():
    """A Responses stream of a thought and a call."""
    call = {"type": "function_call", "id": "fc_1", "call_id": "call_1",
            "name": "f", "arguments": "", "status": "in_progress"}
    thought = {"type": "reasoning", "id": "rs_1", "summary": []}
    at = {"item_id": "rs_1", "output_index": 0, "summary_index": 0}
    part = {"type": "summary_text", "text": ""}
    last = response(output=[
        {**thought, "summary": [{**part, "text": "hm"}],
         "encrypted_content": "enc"},
        {**call, "arguments": '{"a":1}', "status": "completed"}])
    events = [
        {"type": "response.created",
         "response": response(output=[], status="in_progress", usage=None)},
        {"type": "response.output_item.added", "output_index": 0,
         "item": thought},
        {"type": "response.reasoning_summary_part.added", **at,
         "part": part},
        {"type": "response.reasoning_summary_text.delta", **at,
         "delta": "hm"},
        {"type": "response.reasoning_summary_text.done", **at, "text": "hm"},
        {"type": "response.output_item.done", "output_index": 0,
         "item": last["output"][0]},
        {"type": "response.output_item.added", "output_index": 1,
         "item": call},
        {"type": "response.function_call_arguments.delta",
         "item_id": "fc_1", "output_index": 1, "delta": '{"a"'},
        {"type": "response.function_call_arguments.delta",
         "item_id": "fc_1", "output_index": 1, "delta": ":1}"},
        {"type": "response.function_call_arguments.done", "item_id": "fc_1",
         "output_index": 1, "arguments": '{"a":1}'},
        {"type": "response.output_item.done", "output_index": 1,
         "item": last["output"][1]},
        {"type": "response.completed", "response": last}]
    return last, named(*({**e, "sequence_number": i}
                         for i, e in enumerate(events)))


def thinker(conn, request):
    whole, stream = thinking_call()
    if not request.json().get("stream"):
        conn.answer(whole)
        return
    conn.head(ctype="text/event-stream")
    for at in range(0, len(stream), 7):
        conn.chunk(stream[at:at + 7])
    conn.end()


TOOL = {"name": "f", "parameters": {"type": "object", "properties": {
    "a": {"type": "number"}}}}


def test_bridged_tools_and_reasoning(penstock):
    """Clients of three dialects at a model that has Responses alone."""
    with Upstream(thinker) as up:
        p = penstock(config(up))
        chat_at_pro(p, up)
        messages_at_pro(p, up)
        google_at_pro(p, up)


def chat_at_pro(p, up):
    tools = [{"type": "function", "function": TOOL}]
    user = [{"role": "user", "content": "x"}]
    with sdk(p) as c:
        r = c.chat.completions.create(model="pro", messages=user, tools=tools,
                                      reasoning_effort="low")
        m = r.choices[0].message
        assert r.choices[0].finish_reason == "tool_calls"
        assert m.tool_calls[0].id == "call_1"
        assert m.tool_calls[0].function.arguments == '{"a":1}'
        assert up.requests[0].json()["reasoning"]["effort"] == "low"
        with c.chat.completions.stream(model="pro", messages=user,
                                       tools=tools) as s:
            for _ in s:
                pass
            m = s.get_final_completion().choices[0].message
        assert m.tool_calls[0].function.arguments == '{"a":1}'
        up.requests.clear()
        c.chat.completions.create(model="pro", tools=tools, messages=[
            *user, m.model_dump(exclude_none=True), {
                "role": "tool", "tool_call_id": "call_1", "content": "2"}])
        kinds = [i.get("type", "message")
                 for i in up.requests[0].json()["input"]]
        assert kinds[-2:] == ["function_call", "function_call_output"]
    up.requests.clear()


def messages_at_pro(p, up):
    with anthropic.Anthropic(base_url=p.url, api_key="none",
                             max_retries=0) as a:
        with a.messages.stream(
                model="pro", max_tokens=2048, tools=[{
                    "name": "f", "input_schema": TOOL["parameters"]}],
                thinking={"type": "enabled", "budget_tokens": 1024},
                messages=[{"role": "user", "content": "x"}]) as s:
            m = s.get_final_message()
    call = [b for b in m.content if b.type == "tool_use"][0]
    assert (call.id, call.name, call.input) == ("call_1", "f", {"a": 1})
    assert [b.thinking for b in m.content if b.type == "thinking"] == ["hm"]
    assert m.stop_reason == "tool_use"
    up.requests.clear()


def google_at_pro(p, up):
    path = "/v1beta/models/pro:"
    ask = {"contents": [{"parts": [{"text": "x"}]}],
           "tools": [{"functionDeclarations": [TOOL]}],
           "generationConfig": {"thinkingConfig": {
               "thinkingLevel": "low", "includeThoughts": True}}}
    whole = p.post(path + "generateContent", ask).json()
    r = p.post(path + "streamGenerateContent", ask).json()
    for parts in ([x for x in whole["candidates"][0]["content"]["parts"]],
                  [x for e in r for c in e["candidates"]
                   for x in c["content"]["parts"]]):
        assert "".join(x["text"] for x in parts if x.get("thought")) == "hm"
        calls = [x["functionCall"] for x in parts if "functionCall" in x]
        assert calls == [{"id": "call_1", "name": "f", "args": {"a": 1}}]
    assert whole["usageMetadata"]["promptTokenCount"] == 9


def test_tools_take_responses_where_the_model_wants_it(world):
    up, _, c = world
    tool = [{"type": "function", "function": {"name": "f"}}]
    user = [{"role": "user", "content": "x"}]
    c.chat.completions.create(model="own", messages=user)
    c.chat.completions.create(model="own", messages=user, tools=tool)
    c.chat.completions.create(model="own", messages=user, tools=tool,
                              reasoning_effort="none")
    assert [r.path for r in up.requests] == [
        "/v1/chat/completions", "/v1/responses", "/v1/chat/completions"]


def test_encrypted_thoughts_have_an_index_each(penstock):
    """OpenAI's SDK merges lists of a stream by it, and fails without."""
    def sealed(conn, request):
        items = [{"type": "reasoning", "id": f"rs_{i}", "summary": [],
                  "encrypted_content": f"c2VhbGVk{i}"} for i in (1, 2)]
        conn.answer(response(output=items + response()["output"]))

    with Upstream(sealed) as up:
        p = penstock(config(up))
        with sdk(p) as c, c.chat.completions.stream(
                model="pro", messages=[{"role": "user", "content": "x"}]) as s:
            m = s.get_final_completion().choices[0].message
    details = m.model_dump()["reasoning_details"]
    assert [d["data"] for d in details] == ["c2VhbGVk1", "c2VhbGVk2"]
    assert m.content == "hi there"


def test_messages_client_at_a_responses_model(world):
    up, p, _ = world
    with anthropic.Anthropic(base_url=p.url, api_key="none",
                             max_retries=0) as a:
        with a.messages.stream(model="pro", max_tokens=64, messages=[
                {"role": "user", "content": "x"}]) as s:
            assert s.get_final_text() == "hi there"
    assert up.requests[0].json()["max_output_tokens"] == 64


MASK = """
local M = { api = 1, window = { hold = 8 } }
function M.output(req, conf, w) w:replace("there", "[x]") end
return M
"""


def test_errors_have_openais_shape(world):
    up, _, c = world
    with pytest.raises(openai.NotFoundError):
        c.responses.create(model="none", input="x")
    with pytest.raises(openai.BadRequestError) as e:
        c.responses.create(model="own", input=7)
    assert e.value.param == "input"
    assert not up.requests

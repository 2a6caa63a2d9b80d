# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""Google's own package of PyPI, unchanged: native to an upstream that speaks
its dialect, translated to ones that speak OpenAI's chat or Anthropic's."""
import asyncio
import json

import pytest

from conftest import Instance
from sdks import running_mock
from test_gemini import answer
from test_translate import chunk, plain, text_stream
from upstream import Upstream

genai = pytest.importorskip("google.genai",
                            reason="skipped: no google-genai package")
errors = pytest.importorskip("google.genai.errors")
Credentials = pytest.importorskip("google.auth.credentials").Credentials

SAID = "one two three"
VECTOR = [0.5, -0.25, 0.125]
CONF = """
listen "127.0.0.1:0" {{ detail = "full" }}
provider "g" {{ vendor = "gemini", base_url = "{google}", {rest} }}
provider "oa" {{ vendor = "openai-compatible", base_url = "{mock}/v1", {rest} }}
provider "an" {{ vendor = "anthropic-compatible", base_url = "{mock}", {rest} }}
provider "v" {{ vendor = "openai-compatible", base_url = "{google}/v1",
               {rest} }}
model "g-vectors" {{ "g/gemini-embedding-001" }}
model "gemini-embedding-001" {{ "g/gemini-embedding-001" }}
model "oa-vectors" {{ "v/text-embedding-3-small" }}
model "oa/echo" {{ "oa/echo" }}
model "g-echo" {{ "g/gemini-3-flash" }}
model "oa-echo" {{ "oa/echo" }}
model "oa-tools" {{ "oa/tools" }}
model "an-echo" {{ "an/echo" }}
model "an-tools" {{ "an/tools" }}
"""
REST = 'keys = { env("UNSET", "sk-up") }, retries = { attempts = 1 }'


def google(conn, request):
    """Says what it is asked, streamed word by word; counts its letters."""
    body = request.json()
    if "mbedContent" in request.path:
        asked = body.get("requests")
        one = {"values": VECTOR}
        conn.answer({"embeddings": [one] * len(asked)} if asked else
                    {"embedding": one})
        return
    if request.path.endswith("/embeddings"):
        conn.answer({"object": "list", "model": "e", "data": [
            {"object": "embedding", "index": i, "embedding": VECTOR}
            for i in range(len(body["input"]))],
            "usage": {"prompt_tokens": 3, "total_tokens": 3}})
        return
    text = body["contents"][-1]["parts"][0]["text"]
    if text == "quota":
        conn.answer({"error": {"code": 429, "message": "Quota.",
                               "status": "RESOURCE_EXHAUSTED"}}, 429)
    elif ":countTokens" in request.path:
        conn.answer({"totalTokens": len(text)})
    elif ":stream" not in request.path:
        conn.answer(answer({"text": text}, finish="STOP"))
    else:
        conn.head(200, "text/event-stream")
        words = [w + " " for w in text.split()]
        words[-1] = words[-1].strip()
        for i, w in enumerate(words):
            last = "STOP" if i == len(words) - 1 else None
            conn.chunk("data: %s\r\n\r\n" % json.dumps(
                answer({"text": w}, finish=last)))
        conn.end()


@pytest.fixture(scope="module")
def gateway():
    with Upstream(google) as up, running_mock() as mock_url:
        p = Instance(CONF.format(google=up.url[:-3], mock=mock_url,
                                 rest=REST))
        try:
            p.wait_ready()
            yield p, up
        finally:
            problem = p.close()
        assert not problem, problem


@pytest.fixture
def client(gateway):
    c = genai.Client(api_key="none",
                     http_options={"base_url": gateway[0].url})
    yield c
    c.close()


def tool_of(name):
    return {"function_declarations": [{
        "name": name, "parameters_json_schema": {
            "type": "object", "properties": {"city": {"type": "string"}},
            "required": ["city"]}}]}


every = pytest.mark.parametrize("model", ["g-echo", "oa-echo", "an-echo"])
others = pytest.mark.parametrize("to", ["oa", "an"])


@every
def test_text(client, model):
    got = client.models.generate_content(model=model, contents=SAID)
    assert got.text == SAID
    assert got.candidates[0].finish_reason.value == "STOP"
    assert got.usage_metadata.candidates_token_count == 3
    chunks = list(client.models.generate_content_stream(
        model=model, contents=SAID))
    assert "".join(c.text or "" for c in chunks) == SAID
    assert chunks[-1].candidates[0].finish_reason.value == "STOP"
    assert chunks[-1].usage_metadata.candidates_token_count == 3
    assert len(chunks) >= 3


@every
def test_chat_and_async(gateway, client, model):
    chat = client.chats.create(model=model)
    assert chat.send_message("first").text == "first"
    assert "".join(c.text or "" for c in
                   chat.send_message_stream(SAID)) == SAID
    assert [c.role for c in chat.get_history(curated=True)][:3] == [
        "user", "model", "user"]

    async def ask():
        stream = await client.aio.models.generate_content_stream(
            model=model, contents=SAID)
        return "".join([c.text or "" async for c in stream])

    assert asyncio.run(ask()) == SAID


@others
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_tools(client, to, stream):
    user = {"role": "user", "parts": [{"text": "weather?"}]}
    ask = {"model": to + "-tools", "config": {"tools": [
        tool_of("get_weather")]}}
    if stream:
        parts = [p for c in client.models.generate_content_stream(
            contents=[user], **ask)
            for p in (c.candidates[0].content.parts or [])]
    else:
        parts = client.models.generate_content(
            contents=[user], **ask).candidates[0].content.parts
    call = [p.function_call for p in parts if p.function_call][0]
    assert call.name == "get_weather" and "city" in call.args
    last = client.models.generate_content(contents=[
        user, {"role": "model", "parts": parts},
        {"role": "user", "parts": [{"function_response": {
            "id": call.id, "name": call.name,
            "response": {"output": "rain"}}}]}], **ask)
    assert "rain" in last.text


@others
def test_a_python_function_is_called(client, to):
    """The SDK calls it and goes on by itself."""
    asked = []

    def get_weather(city: str) -> str:
        """What the weather is in a city."""
        asked.append(city)
        return "rain"

    got = client.models.generate_content(
        model=to + "-tools", contents="weather?",
        config={"tools": [get_weather]})
    assert "rain" in got.text and len(asked) == 1


def test_comments_and_pings_do_not_reach_it(penstock):
    """It takes each line for JSON; Anthropic pings, OpenRouter comments."""
    def slow(conn, request):
        conn.head(200, "text/event-stream")
        if "messages" in request.path:
            body = text_stream("one ", "two")
            cut = body.index(b"event: content_block_delta")
            conn.chunk(body[:cut] + b'event: ping\ndata: {"type":"ping"}\n\n'
                       + body[cut:])
        else:
            for said in (": OPENROUTER PROCESSING\n\n", plain(
                    chunk(role="assistant", content="one "),
                    chunk(content="two"), chunk("stop"))):
                conn.chunk(said)
        conn.end()

    with Upstream(slow) as up:
        p = penstock(CONF.format(google=up.url[:-3], mock=up.url[:-3],
                                 rest=REST))
        with genai.Client(api_key="none",
                          http_options={"base_url": p.url}) as c:
            for model in ("oa-echo", "an-echo"):
                said = c.models.generate_content_stream(model=model,
                                                        contents="x")
                assert "".join(e.text or "" for e in said) == "one two"


def test_counts_and_names(client):
    got = client.models.count_tokens(model="g-echo", contents=SAID)
    assert got.total_tokens == len(SAID)
    names = [m.name for m in client.models.list()]
    assert "models/g-echo" in names
    assert client.models.get(model="g-echo").name == "models/g-echo"


@pytest.mark.parametrize("model", ["g-vectors", "oa-vectors"])
def test_vectors(client, model):
    for texts in ("one", ["one", "two", "three"]):
        got = client.models.embed_content(model=model, contents=texts)
        assert [e.values for e in got.embeddings] == \
            [VECTOR] * (1 if texts == "one" else 3)


@pytest.mark.parametrize("model", [
    "g-echo", "oa-echo", "an-echo", "publishers/google/models/oa/echo"])
@pytest.mark.parametrize("version", ["v1beta1", "v1"])
def test_set_up_for_vertex(gateway, model, version):
    """Its key is the caller's here, its project and place nobody's."""
    class Token(Credentials):
        def refresh(self, request):
            self.token = "none"

    at = {"base_url": gateway[0].url, "api_version": version}
    for how in ({"api_key": "none"}, {"credentials": Token(),
                "project": "nobodys", "location": "europe-west1"}):
        with genai.Client(vertexai=True, http_options=at, **how) as c:
            got = c.models.generate_content(model=model, contents=SAID)
            assert got.text == SAID
            chunks = list(c.models.generate_content_stream(
                model=model, contents=SAID))
            assert "".join(e.text or "" for e in chunks) == SAID
            assert chunks[-1].usage_metadata.candidates_token_count == 3
            with pytest.raises(errors.ClientError) as e:
                c.models.generate_content(model="nobody", contents="x")
            assert (e.value.code, e.value.status) == (404, "NOT_FOUND")
            got = c.models.embed_content(
                model="gemini-embedding-001", contents="x")
            assert got.embeddings[0].values == VECTOR
            assert c.models.count_tokens(
                model="g-echo", contents=SAID).total_tokens == len(SAID)


def test_errors(gateway, client):
    def refused(status, word, c=client, **ask):
        with pytest.raises(errors.ClientError) as e:
            c.models.generate_content(
                **{"model": "g-echo", "contents": "x", **ask})
        assert (e.value.code, e.value.status) == (status, word)

    refused(429, "RESOURCE_EXHAUSTED", contents="quota")
    refused(404, "NOT_FOUND", model="nobody")
    refused(400, "INVALID_ARGUMENT", model="an-echo",
            config={"candidate_count": 2})
    with genai.Client(api_key="sk-wrong", http_options={
            "base_url": gateway[0].url}) as other:
        refused(401, "UNAUTHENTICATED", c=other)

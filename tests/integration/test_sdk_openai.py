# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""The official openai package of PyPI, unchanged, against the simulator and
against an upstream that misbehaves."""
import time

import openai
import pytest

from conftest import wait_for
from test_faults import WHOLE
from upstream import Upstream

WEATHER = [{"type": "function", "function": {
    "name": "get_weather", "parameters": {
        "type": "object", "properties": {"city": {"type": "string"}},
        "required": ["city"]}}}]
USER = [{"role": "user", "content": "one two three"}]


@pytest.fixture
def sdk(penstock):
    made = []

    def make(config=None, **kw):
        p = penstock(config) if config else penstock()
        client = openai.OpenAI(base_url=p.url + "/v1",
                               **{"api_key": "none", "max_retries": 0, **kw})
        made.append(client)
        return p, client

    yield make
    for client in made:
        client.close()


def test_chat(sdk):
    _, c = sdk()
    r = c.chat.completions.with_raw_response.create(model="sim/echo",
                                                    messages=USER)
    assert r.headers["x-request-id"].startswith("req_")
    got = r.parse()
    assert got.choices[0].message.content == "one two three"
    assert got.usage.total_tokens > 0


def test_stream(sdk):
    _, c = sdk()
    text, usage = "", 0
    for e in c.chat.completions.create(model="sim/echo", messages=USER,
                                       stream=True):
        usage += e.usage is not None
        if e.choices and e.choices[0].delta.content:
            text += e.choices[0].delta.content
    assert text == "one two three"
    assert usage == 0, "usage came without being asked for"


def test_stream_usage(sdk):
    _, c = sdk()
    seen = [e.usage for e in c.chat.completions.create(
        model="sim/lorem", messages=USER, stream=True, max_tokens=9,
        stream_options={"include_usage": True}) if e.usage]
    assert len(seen) == 1 and seen[0].completion_tokens == 9


@pytest.mark.parametrize("stream", [False, True])
def test_tools(sdk, stream):
    _, c = sdk()
    with c.chat.completions.stream(model="sim/tools", messages=USER,
                                   tools=WEATHER) as s:
        got = s.get_final_completion() if stream else None
    got = got or c.chat.completions.create(model="sim/tools", messages=USER,
                                           tools=WEATHER)
    call = got.choices[0].message.tool_calls[0]
    assert call.function.name == "get_weather"
    assert '"city"' in call.function.arguments
    assert got.choices[0].finish_reason == "tool_calls"


def test_images_reach_the_provider(sdk):
    content = [{"type": "text", "text": "what is it"},
               {"type": "image_url",
                "image_url": {"url": "data:image/png;base64," + "A" * 200000}}]
    with Upstream(lambda conn, r: conn.answer(WHOLE)) as up:
        _, c = sdk(f'''provider "up" {{ vendor = "openai-compatible",
                   base_url = "{up.url}", keys = {{ env("UNSET", "k") }} }}''')
        c.chat.completions.create(model="up/m", messages=[
            {"role": "user", "content": content}])
        assert up.requests[0].json()["messages"][0]["content"] == content


def test_embeddings(sdk):
    _, c = sdk()
    a = c.embeddings.create(model="sim/embed", input=["a", "b"], dimensions=8)
    b = c.embeddings.create(model="sim/embed", input=["a", "b"], dimensions=8,
                            encoding_format="float")
    assert [len(d.embedding) for d in a.data] == [8, 8]
    for x, y in zip(a.data, b.data):
        assert all(abs(p - q) < 1e-6 for p, q in zip(x.embedding, y.embedding))


def test_completions(sdk):
    _, c = sdk()
    got = c.completions.create(model="sim/echo", prompt="one two")
    assert "one two" in got.choices[0].text
    parts = [e.choices[0].text for e in c.completions.create(
        model="sim/echo", prompt="one two", stream=True) if e.choices]
    assert "one two" in "".join(parts)


def test_models(sdk):
    _, c = sdk()
    ids = [m.id for m in c.models.list()]
    assert {"sim/echo", "sim/lorem", "sim/tools", "sim/embed"} <= set(ids)
    assert c.models.retrieve("sim/echo").id == "sim/echo"


def test_typed_errors(sdk):
    p, c = sdk()
    with pytest.raises(openai.NotFoundError) as e:
        c.chat.completions.create(model="nobody/nothing", messages=USER)
    assert e.value.code == "model_not_found" and e.value.request_id
    with pytest.raises(openai.BadRequestError) as e:
        c.chat.completions.create(model="sim/echo", messages="hi")
    assert e.value.param == "messages"
    keyed = c.with_options(api_key="sk-wrong")
    with pytest.raises(openai.AuthenticationError) as e:
        keyed.chat.completions.create(model="sim/echo", messages=USER)
    assert e.value.code == "invalid_api_key"


@pytest.mark.parametrize("status,kind", [
    (400, openai.BadRequestError), (422, openai.UnprocessableEntityError),
    (429, openai.RateLimitError), (500, openai.InternalServerError)])
def test_provider_errors_keep_their_type(sdk, status, kind):
    error = {"error": {"message": "as it came", "type": "t", "param": None,
                       "code": "c"}}
    with Upstream(lambda conn, r: conn.answer(error, status)) as up:
        _, c = sdk(f'''provider "up" {{ vendor = "openai-compatible",
                   base_url = "{up.url}", keys = {{ env("UNSET", "k") }} }}
                   defaults {{ retries = {{ attempts = 1 }} }}''')
        with pytest.raises(kind) as e:
            c.chat.completions.create(model="up/m", messages=USER)
        assert e.value.message.endswith("as it came") or \
            "as it came" in str(e.value)


def test_abort(sdk):
    def endless(conn, _):
        conn.head(200, "text/event-stream")
        while True:
            conn.chunk('data: {"choices":[{"index":0,"delta":'
                       '{"content":"x"},"finish_reason":null}]}\n\n')
            time.sleep(0.01)

    with Upstream(endless) as up:
        p, c = sdk(f'''provider "up" {{ vendor = "openai-compatible",
                   base_url = "{up.url}", keys = {{ env("UNSET", "k") }} }}''')
        s = c.chat.completions.create(model="up/m", messages=USER, stream=True)
        assert next(iter(s)).choices[0].delta.content == "x"
        s.close()
        line = wait_for(lambda: p.logs("request"), why="the line")[0]
        assert line["ended"] == "client_gone"


def test_error_in_a_stream_is_raised(sdk):
    def cut(conn, _):
        conn.head(200, "text/event-stream")
        conn.chunk('data: {"choices":[{"index":0,"delta":{"content":"x"},'
                   '"finish_reason":null}]}\n\n')
        conn.close()

    with Upstream(cut) as up:
        _, c = sdk(f'''provider "up" {{ vendor = "openai-compatible",
                   base_url = "{up.url}", keys = {{ env("UNSET", "k") }} }}''')
        got = []
        with pytest.raises(openai.APIError):
            for e in c.chat.completions.create(model="up/m", messages=USER,
                                               stream=True):
                got.append(e)
        assert len(got) == 1

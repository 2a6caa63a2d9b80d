# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""The official anthropic package of PyPI, unchanged, against the simulator
and against an upstream that misbehaves."""
import pytest

from conftest import wait_for
from test_anthropic import (BLOCK, END, ERROR, START, STOP, WHOLE, text)
from upstream import Upstream

anthropic = pytest.importorskip(
    "anthropic", reason="skipped: no anthropic package")

WEATHER = [{"name": "get_weather", "input_schema": {
    "type": "object", "properties": {"city": {"type": "string"}},
    "required": ["city"]}}]
USER = [{"role": "user", "content": "one two three"}]
THINK = {"type": "adaptive"}


@pytest.fixture
def sdk(penstock):
    made = []

    def make(config=None, mount="", **kw):
        p = penstock(config) if config else penstock()
        client = anthropic.Anthropic(
            base_url=p.url + mount,
            **{"api_key": "none", "max_retries": 0, **kw})
        made.append(client)
        return p, client

    yield make
    for client in made:
        client.close()


@pytest.mark.parametrize("mount", ["", "/anthropic"])
def test_message(sdk, mount):
    p, c = sdk(mount=mount)
    r = c.messages.with_raw_response.create(
        model="sim/echo", max_tokens=50, messages=USER)
    assert r.headers["request-id"].startswith("req_")
    got = r.parse()
    assert got.content[0].text == "one two three"
    assert (got.stop_reason, got.usage.output_tokens) == ("end_turn", 3)
    line = wait_for(lambda: p.logs("request"), why="a line")[0]
    assert line["tokens"]["output"] == 3


def test_key_in_its_old_place(sdk):
    _, c = sdk(default_headers={"x-api-key": "none",
                                "anthropic-version": "2023-06-01"})
    got = c.messages.create(model="sim/echo", max_tokens=50, messages=USER)
    assert got.content[0].text == "one two three"


def test_stream(sdk):
    _, c = sdk()
    with c.messages.stream(model="sim/echo", max_tokens=50,
                           messages=USER) as s:
        assert "".join(s.text_stream) == "one two three"
        assert s.get_final_message().usage.output_tokens == 3


def test_long_stream(sdk):
    _, c = sdk()
    with c.messages.stream(model="sim/lorem", max_tokens=3000,
                           messages=USER) as s:
        got = s.get_final_message()
    assert got.stop_reason == "max_tokens"
    assert len(got.content[0].text.split()) == 3000


def turn(c, stream, **kw):
    if not stream:
        return c.messages.create(**kw)
    with c.messages.stream(**kw) as s:
        return s.get_final_message()


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_tool_loop_with_thinking(sdk, stream):
    """The mock refuses a thought whose signed bytes were changed."""
    _, c = sdk()
    ask = {"model": "sim/tools", "max_tokens": 500, "tools": WEATHER,
           "thinking": THINK}
    first = turn(c, stream, messages=USER, **ask)
    assert [b.type for b in first.content] == ["thinking", "tool_use"]
    assert first.stop_reason == "tool_use"
    assert first.content[1].input == {"city": "text"}
    back = [{"type": "tool_result", "tool_use_id": first.content[1].id,
             "content": "rain"}]
    second = turn(c, stream, **ask, messages=USER + [
        {"role": "assistant", "content": first.content},
        {"role": "user", "content": back}])
    assert second.content[0].text == "The tool said: rain"
    changed = first.content[0].model_copy(update={"thinking": "no"})
    with pytest.raises(anthropic.BadRequestError) as e:
        turn(c, stream, **ask, messages=USER + [
            {"role": "assistant", "content": [changed, first.content[1]]},
            {"role": "user", "content": back}])
    assert "signature" in str(e.value)


def test_count_tokens(sdk):
    _, c = sdk()
    got = c.messages.count_tokens(model="sim/echo", messages=USER)
    assert got.input_tokens == 10


def test_models(sdk):
    _, c = sdk()
    ids = [m.id for m in c.models.list(limit=2)]
    assert "sim/echo" in ids and len(ids) == len(set(ids)) > 2
    assert c.models.retrieve("sim/echo").id == "sim/echo"


def test_beta(sdk):
    with Upstream(lambda conn, r: conn.answer(WHOLE)) as up:
        _, c = sdk(f'''provider "up" {{ vendor = "anthropic-compatible",
                   base_url = "{up.url[:-3]}", keys = {{ env("UNSET", "k") }}
                   }}''')
        c.beta.messages.create(model="up/m", max_tokens=5, messages=USER,
                               betas=["x-2026", "y-2026"],
                               extra_query={"beta": "true"},
                               extra_body={"invented": [1.50]})
        sent = up.requests[0]
        assert sent.path == "/v1/messages?beta=true"
        assert sent.header("anthropic-beta") == "x-2026,y-2026"
        assert b'"invented":[1.5]' in sent.body.replace(b" ", b"")
        assert sent.header("x-api-key") == "k"
        for name in ("x-stainless-lang", "authorization"):
            assert sent.header(name) is None


def test_errors(sdk):
    _, c = sdk()
    with pytest.raises(anthropic.NotFoundError):
        c.messages.create(model="nobody/x", max_tokens=5, messages=USER)
    with pytest.raises(anthropic.BadRequestError) as e:
        c.messages.create(model="sim/echo", max_tokens=-1, messages=USER)
    assert "max_tokens" in str(e.value)
    with pytest.raises(anthropic.AuthenticationError):
        c.with_options(api_key="sk-wrong").messages.create(
            model="sim/echo", max_tokens=5, messages=USER)


def provider(up):
    return f'''
defaults {{ retries = {{ attempts = 1 }} }}
provider "up" {{ vendor = "anthropic-compatible",
                 base_url = "{up.url[:-3]}", keys = {{ env("UNSET", "k") }} }}
'''


@pytest.mark.parametrize("after", [ERROR, "", END], ids=["error", "cut",
                                                        "no-stop"])
def test_a_broken_stream_raises(sdk, after):
    def broken(conn, _):
        conn.answer(START + BLOCK + text("half") + after, 200,
                    "text/event-stream")

    with Upstream(broken) as up:
        _, c = sdk(provider(up))
        got = ""
        with pytest.raises(anthropic.APIError):
            with c.messages.stream(model="up/m", max_tokens=5,
                                   messages=USER) as s:
                for words in s.text_stream:
                    got += words
        assert got == "half"


def test_overload_is_tried_again(sdk):
    """A 529 with a known pause: the SDK's own retry gets the answer."""
    def first_no(conn, request):
        if len(conn.upstream.requests) == 1:
            conn.answer({"type": "error", "error": {
                "type": "overloaded_error", "message": "Overloaded"}}, 529,
                extra=[("retry-after", "0.05")])
        else:
            conn.answer(START + BLOCK + text("late") + END + STOP, 200,
                        "text/event-stream")

    with Upstream(first_no) as up:
        _, c = sdk(provider(up), max_retries=2)
        with c.messages.stream(model="up/m", max_tokens=5,
                               messages=USER) as s:
            assert "".join(s.text_stream) == "late"
        assert len(up.requests) == 2

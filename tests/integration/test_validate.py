# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""Requests that are not what their dialect says are refused with the field's
path before anything is sent; limits of an endpoint; what is lowered."""
import pytest

from test_anthropic import WHOLE as MESSAGE
from test_faults import WHOLE as COMPLETION, one_line
from upstream import Upstream

CONFIG = """
provider "a" {{ vendor = "openai-compatible", base_url = "{url}",
               keys = {{ env("UNSET", "k") }} }}
provider "b" {{ vendor = "anthropic-compatible", base_url = "{root}",
               keys = {{ env("UNSET", "k") }} }}
policies {{ "route" }}
{more}
"""
USER = [{"role": "user", "content": "hi"}]
CHAT = {"model": "a/m", "messages": USER}
MESSAGES = {"model": "b/m", "max_tokens": 10, "messages": USER}


def answer(conn, request):
    conn.answer(MESSAGE if "messages" in request.path else COMPLETION)


@pytest.fixture
def gateway(penstock):
    ups = []

    def start(more=""):
        up = Upstream(answer)
        ups.append(up)
        return up, penstock(CONFIG.format(url=up.url, root=up.url[:-3],
                                          more=more))
    yield start
    for up in ups:
        up.__exit__()


@pytest.mark.parametrize("change,at", [
    ({"messages": []}, "messages"),
    ({"messages": [{"role": "user", "content": [{"type": "text"}]}]},
     "messages[0].content[0].text"),
    ({"temperature": 9}, "temperature"),
    ({"tools": [{"type": "function", "function": {}}]},
     "tools[0].function.name"),
])
def test_openai(gateway, change, at):
    up, p = gateway()
    r = p.post("/v1/chat/completions", dict(CHAT, **change))
    error = r.json()["error"]
    assert (r.status, error["param"]) == (400, at)
    assert at in error["message"]
    assert error["type"] == "invalid_request_error"
    assert not up.requests and one_line(p)["side"] == "client"


@pytest.mark.parametrize("change,at", [
    ({"messages": []}, "messages"),
    ({"messages": [{"role": "user", "content": [{"type": "image"}]}]},
     "messages.0.content.0.source"),
    ({"temperature": 1.5}, "temperature"),
    ({"max_tokens": "9"}, "max_tokens"),
])
def test_anthropic(gateway, change, at):
    up, p = gateway()
    r = p.post("/v1/messages", dict(MESSAGES, **change))
    error = r.json()["error"]
    assert (r.status, error["type"]) == (400, "invalid_request_error")
    assert error["message"].startswith(at + ": ")
    assert not up.requests


def test_what_is_not_known_passes(gateway):
    up, p = gateway()
    sent = dict(CHAT, invented={"a": [1, {"b": None}]}, messages=[
        {"role": "user", "content": [{"type": "invented", "x": 1}]}])
    assert p.post("/v1/chat/completions", sent).status == 200
    assert up.requests[0].json() == dict(sent, model="m")


def test_limits(gateway):
    up, p = gateway("""
endpoint "chat" { max_messages = 2, max_tools = 1, max_tokens = 100 }
endpoint "messages" { max_images = 1 }""")
    tool = {"type": "function", "function": {"name": "f"}}
    for change, at in (({"messages": USER * 3}, "messages"),
                       ({"tools": [tool, tool]}, "tools"),
                       ({"max_completion_tokens": 101},
                        "max_completion_tokens")):
        r = p.post("/v1/chat/completions", dict(CHAT, **change))
        assert (r.status, r.json()["error"]["param"]) == (400, at)
    image = {"type": "image", "source": {"type": "url", "url": "x"}}
    for n, status in ((1, 200), (2, 400)):
        r = p.post("/v1/messages", dict(MESSAGES, messages=[
            {"role": "user", "content": [image] * n}]))
        assert r.status == status
    assert len(up.requests) == 1


@pytest.mark.parametrize("asked,sent", [
    ({"max_tokens": 500}, {"max_tokens": 100}),
    ({"max_tokens": 99}, {"max_tokens": 99}),
    ({"max_completion_tokens": 1e3, "max_tokens": 5},
     {"max_completion_tokens": 100, "max_tokens": 5}),
    ({}, {}),
])
def test_clamp(gateway, asked, sent):
    up, p = gateway("""
endpoint "chat" { max_tokens = 100, max_tokens_over = "clamp" }""")
    assert p.post("/v1/chat/completions",
                  dict(CHAT, **asked)).status == 200
    assert up.requests[0].json() == dict(CHAT, model="m", **sent)


def test_clamp_of_messages(gateway):
    up, p = gateway("""
endpoint "messages" { max_tokens = 3, max_tokens_over = "clamp" }""")
    assert p.post("/v1/messages", MESSAGES).status == 200
    assert up.requests[0].json()["max_tokens"] == 3


def test_clamp_of_what_is_translated(gateway):
    up, p = gateway("""
endpoint "chat" { max_tokens = 3, max_tokens_over = "clamp" }""")
    r = p.post("/v1/chat/completions", dict(CHAT, model="b/m", max_tokens=9))
    assert r.status == 200 and "choices" in r.json()
    assert up.requests[0].json()["max_tokens"] == 3


def test_switched_off(gateway):
    """The rules are off, the limits are not."""
    up, p = gateway("""
endpoint "chat" { validate = false, max_tokens = 9 }""")
    odd = dict(CHAT, temperature=9, messages=[{"role": "bot"}])
    assert p.post("/v1/chat/completions", odd).status == 200
    assert up.requests[0].json() == dict(odd, model="m")
    r = p.post("/v1/chat/completions", dict(odd, max_tokens=10))
    assert r.status == 400
    assert len(up.requests) == 1

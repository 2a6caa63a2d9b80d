# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""Azure OpenAI by deployments: the address, the key, chunks that others do
not send, and the official package of OpenAI behind it all."""
import json
import pathlib

import openai
import pytest

from upstream import Upstream

FIXTURES = pathlib.Path(__file__).parents[2] / "plugins/azure/fixtures"
CONF = """
provider "az" {{ vendor = "azure-deployments", base_url = "{url}",
    keys = {{ env("UNSET", "az-key") }}, {more} retries = {{ attempts = 1 }} }}
model "fast" {{ "az/my gpt/4o" }}
"""
USER = [{"role": "user", "content": "hello"}]


@pytest.fixture
def az(penstock):
    """az(fixture, more="") -> (instance, upstream): what it answers"""
    ups = []

    def make(name, more=""):
        r = json.loads((FIXTURES / f"{name}.json").read_text())["response"]
        body = r["body"].encode()

        def answer(conn, request):
            conn.send(b"HTTP/1.1 %d X\r\ncontent-length: %d\r\n%s\r\n" % (
                r["status"], len(body), b"".join(
                    f"{k}: {v}\r\n".encode()
                    for k, v in r["headers"].items())))
            conn.send(body)

        up = Upstream(answer)
        up.__enter__()
        ups.append(up)
        url = up.url[:-3] if up.url.endswith("/v1") else up.url
        return penstock(CONF.format(url=url, more=more)), up

    yield make
    for up in ups:
        up.__exit__(None, None, None)


@pytest.mark.parametrize("more,version", [
    ("", "2024-10-21"),
    ('settings = { api_version = "2025-04-01-preview" },',
     "2025-04-01-preview")])
def test_the_address_and_the_key(az, more, version):
    p, up = az("completions-whole", more)
    a = p.post("/v1/completions", {"model": "fast", "prompt": "hi"})
    assert a.status == 200, a.body
    sent = up.requests[0]
    assert sent.path == ("/openai/deployments/my%20gpt%2F4o/completions"
                         f"?api-version={version}")
    assert sent.header("api-key") == "az-key"
    assert not sent.header("authorization")


@pytest.mark.parametrize("name", ["chat-stream", "chat-stream-async-filter"])
def test_a_stream_by_the_official_package(az, name):
    p, _ = az(name)
    with openai.OpenAI(base_url=p.url + "/v1", api_key="none",
                       max_retries=0) as client:
        with client.chat.completions.stream(
                model="fast", messages=USER,
                stream_options={"include_usage": True}) as s:
            done = s.get_final_completion()
    choice = done.choices[0]
    assert choice.message.content.startswith("h")
    assert choice.finish_reason == "stop"


def test_its_bytes_pass(az):
    p, _ = az("chat-stream")
    a = p.post("/v1/chat/completions", {
        "model": "fast", "stream": True, "messages": USER,
        "stream_options": {"include_usage": True}})
    r = json.loads((FIXTURES / "chat-stream.json").read_text())["response"]
    assert a.body.decode() == r["body"]


def test_a_stream_for_an_anthropic_client(az):
    p, _ = az("chat-stream")
    a = p.post("/v1/messages", {"model": "fast", "max_tokens": 9,
                                "stream": True, "messages": USER})
    events = [json.loads(x[6:]) for x in a.body.decode().splitlines()
              if x.startswith("data: ")]
    assert events[0]["message"]["id"] == "chatcmpl-1"
    assert "".join(e["delta"].get("text", "") for e in events
                   if e["type"] == "content_block_delta") == "hi"
    assert events[-1]["type"] == "message_stop"


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages"])
def test_a_prompt_that_was_filtered(az, path):
    p, _ = az("chat-400-filter")
    a = p.post(path, {"model": "fast", "max_tokens": 9, "messages": USER})
    assert a.status == 400, a.body
    assert "content management policy" in a.json()["error"]["message"]


def test_when_to_come_back(az):
    p, _ = az("chat-429")
    a = p.post("/v1/chat/completions", {"model": "fast", "messages": USER})
    assert a.status in (429, 503), a.body
    assert int(a.headers["retry-after"]) >= 1

# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""Models on Vertex: Gemini, Claude, others by their OpenAI-compatible address.
Each host, address and body is as Google wants it."""
import json

import pytest

from hosts import CHAT, MESSAGES, SAID, WHOLE, sse
from upstream import Upstream


def vertex(conn, request):
    if "/anthropic/" in request.path and "stream" in request.path:
        conn.head(200, "text/event-stream; charset=utf-8")
        conn.chunk(sse(SAID))
        conn.end()
    elif request.path.endswith("count-tokens:rawPredict"):
        conn.answer(b'{"input_tokens": 14}')
    elif "/anthropic/" in request.path:
        conn.answer(json.dumps(WHOLE).encode())
    elif request.path.startswith("/v1beta1/"):
        conn.answer(json.dumps({"publisherModels": [
            {"name": "publishers/google/models/gemini-2.5-pro"}]}).encode())
    elif "countTokens" in request.path:
        conn.answer(b'{"totalTokens": 3}')
    elif "embedContent" in request.path:
        conn.answer(b'{"embedding": {"values": [0.5]}}')
    elif "openapi" in request.path:
        conn.answer(json.dumps({
            "id": "c", "object": "chat.completion", "choices": [{
                "index": 0, "finish_reason": "stop",
                "message": {"role": "assistant", "content": "hello"}}],
            "usage": {"prompt_tokens": 1, "completion_tokens": 1}}).encode())
    else:
        answer = json.dumps({
            "candidates": [{"finishReason": "STOP", "content": {
                "role": "model", "parts": [{"text": "hello"}]}}],
            "usageMetadata": {"promptTokenCount": 3, "totalTokenCount": 8,
                              "candidatesTokenCount": 5}})
        if "alt=sse" in request.path:
            conn.head(200, "text/event-stream")
            conn.chunk(f"data: {answer}\r\n\r\n".encode())
            conn.end()
        else:
            conn.answer(answer.encode())


PLACE = "/v1/projects/my-project/locations/europe-west1"
GOOGLE, ANTHROPIC = PLACE + "/publishers/google/models/", PLACE + (
    "/publishers/anthropic/models/")
TURN = {"contents": [{"parts": [{"text": "hi"}]}]}


def on_vertex(penstock, up, more=""):
    return penstock(f'''provider "gcp" {{ vendor = "vertex",
  base_url = "http://127.0.0.1:{up.port}", keys = {{ env "VERTEX_TOKEN" }},
  settings = {{ project = "my-project", location = "europe-west1", {more} }},
  retries = {{ attempts = 1 }} }}
model "g" {{ "gcp/gemini-2.5-flash" }}
model "claude-*" {{ "gcp/claude-*" }}
model "c" {{ "gcp/claude-sonnet-4-5@20250929" }}
model "l" {{ "gcp/meta/llama-3.3-70b-instruct-maas" }}
''', env={"VERTEX_TOKEN": "ya29.token"})


DATED = "claude-sonnet-4-5-20250929"


ADDRESSES = [
    ("/v1beta/models/g:generateContent", TURN,
     GOOGLE + "gemini-2.5-flash:generateContent"),
    ("/v1beta/models/g:streamGenerateContent?alt=sse", TURN,
     GOOGLE + "gemini-2.5-flash:streamGenerateContent?alt=sse"),
    ("/v1beta/models/g:countTokens", TURN,
     GOOGLE + "gemini-2.5-flash:countTokens"),
    ("/v1beta/models/g:embedContent", {"content": TURN["contents"][0]},
     GOOGLE + "gemini-2.5-flash:embedContent"),
    ("/v1/chat/completions", {**CHAT, "model": "g"},
     GOOGLE + "gemini-2.5-flash:generateContent"),
    ("/v1/messages", {**MESSAGES, "model": "c"},
     ANTHROPIC + "claude-sonnet-4-5@20250929:rawPredict"),
    ("/v1/messages?beta=true", {**MESSAGES, "model": DATED, "stream": True},
     ANTHROPIC + "claude-sonnet-4-5@20250929:streamRawPredict"),
    ("/v1/messages/count_tokens", {"model": DATED,
                                   "messages": MESSAGES["messages"]},
     ANTHROPIC + "count-tokens:rawPredict"),
    ("/v1/chat/completions", {**CHAT, "model": "c", "stream": True},
     ANTHROPIC + "claude-sonnet-4-5@20250929:streamRawPredict"),
    ("/v1/chat/completions", {**CHAT, "model": "l"},
     PLACE + "/endpoints/openapi/chat/completions"),
    ("/v1/messages", {**MESSAGES, "model": "l"},
     PLACE + "/endpoints/openapi/chat/completions"),
]


def test_addresses(penstock):
    with Upstream(vertex) as up:
        ps = on_vertex(penstock, up)
        for path, body, want in ADDRESSES:
            got = ps.post(path, body)
            assert got.status == 200, (path, got.body)
            sent = up.requests[-1]
            assert sent.path == want
            assert sent.header("authorization") == "Bearer ya29.token"
            if "openapi" in want:
                assert (sent.json()["model"]
                        == "meta/llama-3.3-70b-instruct-maas")
            elif "count" not in want:
                assert "model" not in sent.json()


def test_claude_as_anthropic_has_it(penstock):
    with Upstream(vertex) as up:
        ps = on_vertex(penstock, up)
        got = ps.post("/v1/messages", {**MESSAGES, "model": DATED,
                                       "stream": True},
                      headers={"anthropic-version": "2023-06-01",
                               "anthropic-beta": "context-1m-2025-08-07,"
                               "oauth-2025-04-20"})
        assert got.body == sse(SAID)
        sent = up.requests[0]
        assert sent.json() == {
            "max_tokens": 50, "messages": MESSAGES["messages"],
            "stream": True, "anthropic_version": "vertex-2023-10-16"}
        assert sent.header("anthropic-beta") == "context-1m-2025-08-07"
        assert sent.header("anthropic-version") is None
        got = ps.post("/v1/messages/count_tokens", {
            "model": DATED, "messages": MESSAGES["messages"]})
        assert got.json() == {"input_tokens": 14}
        assert up.requests[1].json()["model"] == "claude-sonnet-4-5@20250929"


def test_a_chat_client_of_claude(penstock):
    with Upstream(vertex) as up:
        ps = on_vertex(penstock, up)
        got = ps.post("/v1/chat/completions", {**CHAT, "model": "c"})
        assert got.json()["choices"][0]["message"]["content"] == "hello"
        assert up.requests[0].json()["anthropic_version"] == (
            "vertex-2023-10-16")


def test_a_turn_without_a_role_is_the_users(penstock):
    with Upstream(vertex) as up:
        ps = on_vertex(penstock, up)
        assert ps.post("/v1beta/models/g:generateContent",
                       TURN).status == 200
        assert up.requests[0].json()["contents"] == [
            {"parts": [{"text": "hi"}], "role": "user"}]


@pytest.mark.parametrize("location,host", [
    (None, "aiplatform.googleapis.com"),
    ("global", "aiplatform.googleapis.com"),
    ("europe-west1", "europe-west1-aiplatform.googleapis.com"),
    ("us", "aiplatform.us.rep.googleapis.com"),
    ("eu", "aiplatform.eu.rep.googleapis.com"),
])
def test_the_location_makes_the_host(penstock, location, host):
    """A proxy sees which host is meant."""
    where = f', location = "{location}"' if location else ""
    with Upstream(lambda c, r: c.answer(b"", 502)) as up:
        ps = penstock(f'''provider "gcp" {{ vendor = "vertex",
  keys = {{ env "K" }}, proxy = "http://127.0.0.1:{up.port}",
  settings = {{ project = "p"{where} }}, retries = {{ attempts = 1 }} }}
model "m" {{ "gcp/gemini-2.5-pro" }}
''', env={"K": "k"})
        ps.post("/v1/chat/completions", CHAT)
        assert (up.requests[0].method, up.requests[0].path) == (
            "CONNECT", host + ":443")


@pytest.mark.parametrize("settings,says", [
    ("", "project"),
    ('settings = { project = "p", location = "EU" },', "settings.location")])
def test_what_is_needed_is_named(cli, tmp_path, settings, says):
    conf = tmp_path / "penstock.conf"
    conf.write_text(f'provider "vertex" {{ {settings} keys = {{ env "K" }} }}\n'
                    'model "m" { "vertex/gemini-2.5-pro" }\n')
    got = cli("check", str(conf), env={"K": "k"})
    assert got.returncode == 1
    assert says in got.stdout + got.stderr


def test_its_models_are_listed(penstock):
    with Upstream(vertex) as up:
        ps = penstock(f'''provider "gcp" {{ vendor = "vertex",
  base_url = "http://127.0.0.1:{up.port}", keys = {{ env "K" }},
  settings = {{ project = "p" }} }}
''', env={"K": "k"})
        listed = [m["id"] for m in ps.get("/v1/models").json()["data"]]
        assert "gcp/gemini-2.5-pro" in listed

# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""Legacy Completions at providers that only chat, and what a model is for:
nobody asks a model for vectors to chat, or the other way round."""
import json

import pytest

from conftest import wait_for
from upstream import Upstream

CONF = """
listen "127.0.0.1:0" {{ detail = "full" }}
defaults {{ retries = {{ attempts = 1 }} }}
provider "clever" {{ vendor = "anthropic", base_url = "{root}",
    keys = {{ env "SOME_KEY" }} }}
provider "oa" {{ vendor = "openai", base_url = "{root}/v1",
    keys = {{ env "SOME_KEY" }} }}
provider "co" {{ vendor = "cohere", base_url = "{root}",
    keys = {{ env "SOME_KEY" }} }}
model "a" {{ "clever/claude-sonnet-4-5" }}
model "o" {{ "oa/gpt-4o" }}
model "old" {{ "oa/gpt-3.5-turbo-instruct" }}
model "e" {{ "oa/text-embedding-3-small" }}
model "e-or-o" {{ "oa/text-embedding-3-small", "oa/gpt-4o" }}
model "chats" {{ "oa/mine" }}
model "ranks" {{ "co/rerank-v3.5" }}
capability "oa/mine" {{ kind = "chat" }}
capability "co/rerank-v3.5" {{ kind = "rerank" }}
price "co/rerank-v3.5" {{ search = "0.002 USD/search" }}
"""
CHAT = {"id": "c1", "object": "chat.completion", "created": 5,
        "model": "gpt-4o", "choices": [
            {"index": 0, "message": {"role": "assistant", "content": "hi"},
             "finish_reason": "length"}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 2,
                  "total_tokens": 5}}
NATIVE = {"id": "n1", "object": "text_completion", "created": 5,
          "model": "i", "choices": [{"text": "hi", "index": 0,
                                     "logprobs": None,
                                     "finish_reason": "stop"}]}
RANKED = {"id": "r1", "results": [{"index": 1, "relevance_score": 0.9}],
          "meta": {"billed_units": {"search_units": 1},
                   "tokens": {"input_tokens": 21}}}
STREAM = [
    ("message_start", {"message": {
        "id": "m1", "type": "message", "role": "assistant", "content": [],
        "model": "claude", "usage": {"input_tokens": 4,
                                     "output_tokens": 1}}}),
    ("content_block_start", {"index": 0, "content_block": {
        "type": "text", "text": ""}}),
    ("content_block_delta", {"index": 0, "delta": {
        "type": "text_delta", "text": "he"}}),
    ("content_block_delta", {"index": 0, "delta": {
        "type": "text_delta", "text": "llo"}}),
    ("content_block_stop", {"index": 0}),
    ("message_delta", {"delta": {"stop_reason": "stop_sequence",
                                 "stop_sequence": "."},
                       "usage": {"output_tokens": 2}}),
    ("message_stop", {}),
]
SAID = {"/v1/chat/completions": CHAT, "/v1/completions": NATIVE,
        "/v2/rerank": RANKED, "/v1/embeddings": {
            "object": "list", "data": [], "model": "m",
            "usage": {"prompt_tokens": 1, "total_tokens": 1}}}


@pytest.fixture
def world(penstock):
    def answer(conn, request):
        said, kind = SAID.get(request.path), b"application/json"
        if said:
            body = json.dumps(said).encode()
        else:
            kind = b"text/event-stream"
            body = b"".join(
                b"event: %s\ndata: %s\n\n" % (
                    n.encode(), json.dumps({"type": n, **x}).encode())
                for n, x in STREAM)
        conn.send(b"HTTP/1.1 200 OK\r\ncontent-type: %s\r\n"
                  b"content-length: %d\r\n\r\n" % (kind, len(body)))
        for i in range(0, len(body), 11):
            conn.send(body[i:i + 11])

    with Upstream(answer) as up:
        root = up.url[:-3] if up.url.endswith("/v1") else up.url
        yield penstock(CONF.format(root=root), env={"SOME_KEY": "k"}), up


def test_a_prompt_is_asked_by_chat(world):
    p, up = world
    a = p.post("/v1/completions", {"model": "o", "prompt": "say hi",
                                   "stop": ["."], "logit_bias": {"1": 1}})
    assert a.status == 200, a.body
    assert up.requests[-1].path == "/v1/chat/completions"
    assert up.requests[-1].json() == {
        "model": "gpt-4o", "max_completion_tokens": 16, "stop": ["."],
        "messages": [{"role": "user", "content": "say hi"}]}
    assert a.headers["x-penstock-dropped"] == "logit_bias"
    said = a.json()
    assert said["object"] == "text_completion" and said["model"] == "o"
    assert said["choices"] == [{"text": "hi", "index": 0, "logprobs": None,
                                "finish_reason": "length"}]
    assert said["usage"]["total_tokens"] == 5
    a = p.post("/v1/completions", {"model": "old", "prompt": ["a", "b"],
                                   "echo": True})
    assert a.status == 200 and a.json() == NATIVE, a.body
    assert up.requests[-1].path == "/v1/completions"


def test_a_stream_from_another_dialect(world):
    p, up = world
    a = p.post("/v1/completions", {
        "model": "a", "prompt": "say hi", "stream": True, "stop": ".",
        "max_tokens": 9, "stream_options": {"include_usage": True}})
    assert a.status == 200, a.body
    lines = a.body.decode().split("\n\n")
    assert lines[-2:] == ["data: [DONE]", ""]
    events = [json.loads(x[6:]) for x in lines[:-2]
              if x.startswith("data: ")]
    assert {e["object"] for e in events} == {"text_completion"}
    assert "".join(c["text"] for e in events for c in e["choices"]) == "hello"
    assert [c["finish_reason"] for e in events for c in e["choices"]][-1] \
        == "stop"
    assert events[-1]["choices"] == []
    assert events[-1]["usage"]["prompt_tokens"] == 4
    assert up.requests[-1].json()["stop_sequences"] == ["."]


def test_what_a_chat_cannot_give_is_named(world):
    p, up = world
    for more in ({"suffix": "x"}, {"echo": True}, {"best_of": 3},
                 {"logprobs": 1}, {"prompt": ["a", "b"]},
                 {"prompt": [1, 2]}):
        a = p.post("/v1/completions", {"model": "a", "prompt": "x", **more})
        assert a.status == 400, (more, a.body)
        assert a.json()["error"]["param"] == list(more)[0]
    assert not up.requests


def test_a_model_gets_what_it_is_for(world):
    p, up = world
    hi = [{"role": "user", "content": "hi"}]
    for model, path, body, word in (
            ("e", "/v1/chat/completions", {"messages": hi}, "embeddings"),
            ("e", "/v1/messages", {"messages": hi, "max_tokens": 9},
             "embeddings"),
            ("chats", "/v1/embeddings", {"input": "x"}, "for chat"),
            ("ranks", "/v1/embeddings", {"input": "x"}, "ranks"),
            ("oa/text-embedding-3-small", "/v1/chat/completions",
             {"messages": hi}, None)):
        a = p.post(path, {"model": model, **body})
        assert a.status == (400 if word else 404), (model, a.body)
        assert not word or word in a.json()["error"]["message"], a.body
    assert not up.requests
    a = p.post("/v1/chat/completions", {"model": "e-or-o", "messages": hi})
    assert a.status == 200 and a.json()["choices"], a.body
    assert a.headers["x-penstock-target"] == "oa/gpt-4o"
    a = p.post("/v1/embeddings", {"model": "e-or-o", "input": "x"})
    assert a.headers["x-penstock-target"] == "oa/text-embedding-3-small"


def test_documents_are_ranked_and_counted(world):
    p, up = world
    ask = {"model": "ranks", "query": "q", "documents": ["a", "b"]}
    for path in ("/v1/rerank", "/v2/rerank"):
        a = p.post(path, ask)
        assert (a.status, a.json()) == (200, RANKED), a.body
        assert up.requests[-1].path == "/v2/rerank"
        assert up.requests[-1].json() == {**ask, "model": "rerank-v3.5"}
    line = wait_for(lambda: p.logs("request")[1:], why="two lines")[0]
    assert line["tokens"]["input"] == 21
    assert (line["searches"], line["cost"]) == (1, 0.002)
    wait_for(lambda: "0.004000000" in p.cli(
        "usage", "--by", "model", "--csv").stdout)
    titles, row = p.cli("usage", "--by", "model", "--csv").stdout.split()
    used = dict(zip(titles.split(","), row.split(",")))
    assert used["model"] == "ranks" and used["searches"] == "2"
    assert used["unknown"] == "0"

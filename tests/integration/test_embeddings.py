# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""Vectors across dialects: an OpenAI client at Gemini, Cohere, Ollama and
Mistral, Titan and Nova on Bedrock, Vertex AI, a Google client at OpenAI; order, formats, what cannot be said."""
import base64
import json
import struct

import pytest

from upstream import Upstream

CONF = """
listen "127.0.0.1:0" {{ detail = "full" }}
defaults {{ retries = {{ attempts = 1 }} }}
provider "google" {{ vendor = "gemini", base_url = "{root}",
    keys = {{ env "EMBED_KEY" }} }}
provider "co" {{ vendor = "cohere", base_url = "{root}", keys = {{ env "EMBED_KEY" }} }}
provider "local" {{ vendor = "ollama-native", base_url = "{root}" }}
provider "mis" {{ vendor = "mistral", base_url = "{root}/v1",
    keys = {{ env "EMBED_KEY" }} }}
provider "oa" {{ vendor = "openai-compatible", base_url = "{root}/v1",
    keys = {{ env "EMBED_KEY" }} }}
provider "clever" {{ vendor = "anthropic", base_url = "{root}",
    keys = {{ env "EMBED_KEY" }} }}
provider "aws" {{ vendor = "bedrock", base_url = "{root}",
    keys = {{ env "EMBED_KEY" }}, settings = {{ region = "eu-west-1" }} }}
provider "gcp" {{ vendor = "vertex", base_url = "{root}",
    keys = {{ env "EMBED_KEY" }}, settings = {{ project = "p" }} }}
model "titan" {{ "aws/amazon.titan-embed-text-v2:0" }}
model "titan1-or-o" {{ "aws/amazon.titan-embed-text-v1",
    "oa/text-embedding-3-small" }}
model "nova" {{ "aws/amazon.nova-2-multimodal-embeddings-v1:0" }}
model "predicts" {{ "gcp/text-embedding-005" }}
model "predicts1" {{ "gcp/gemini-embedding-001" }}
model "embeds" {{ "gcp/gemini-embedding-2" }}
model "g" {{ "google/gemini-embedding-001" }}
model "c" {{ "co/embed-v4.0" }}
model "c3" {{ "co/embed-english-v3.0" }}
model "l" {{ "local/nomic-embed-text" }}
model "few" {{ "local/miser" }}
model "m" {{ "mis/mistral-embed" }}
model "o" {{ "oa/text-embedding-3-small" }}
model "a" {{ "clever/claude-sonnet-5" }}
model "c3-or-o" {{ "co/embed-english-v3.0", "oa/text-embedding-3-small" }}
"""
TWO = ["one", "two"]


def vector(i):
    return [0.5 + i, -0.25, 1e-05]


def google(body):
    if "requests" in body:
        return {"embeddings": [{"values": vector(i)}
                               for i in range(len(body["requests"]))]}
    return {"embedding": {"values": vector(0)}}


def answer_of(path, body):
    if path.endswith("mbedContents") or path.endswith("mbedContent"):
        return google(body)
    if path.endswith(":countTokens"):
        return {"totalTokens": 11}
    if path == "/v1/messages/count_tokens":
        return {"input_tokens": 12}
    if path.endswith("/invoke") and "titan" in path:
        return {"embedding": vector(0), "inputTextTokenCount": 3}
    if path.endswith("/invoke") and "nova" in path:
        return {"embeddings": [{"embeddingType": "TEXT",
                                "embedding": vector(0)}]}
    if path.endswith(":predict"):
        return {"predictions": [
            {"embeddings": {"values": vector(i), "statistics": {
                "token_count": 2, "truncated": False}}}
            for i in range(len(body["instances"]))]}
    if path == "/v2/embed":
        n = len(body["texts"])
        return {"id": "e1", "embeddings": {"float": [vector(i) for i in
                                                     range(n)]},
                "texts": body["texts"],
                "meta": {"billed_units": {"input_tokens": 6}}}
    if path == "/v2/rerank":
        return {"id": "r1", "results": [{"index": 1, "relevance_score": 0.9}],
                "meta": {"billed_units": {"search_units": 1}}}
    if path == "/api/embed" and body["model"] == "miser":
        return {"model": "miser", "embeddings": [vector(0)]}
    if path == "/api/embed":
        n = 1 if isinstance(body["input"], str) else len(body["input"])
        return {"model": body["model"], "prompt_eval_count": 5,
                "embeddings": [vector(i) for i in range(n)]}
    if path == "/v1/embeddings":
        texts = body["input"]
        n = 1 if isinstance(texts, str) else len(texts)
        data = [{"object": "embedding", "index": i, "embedding": vector(i)}
                for i in range(n)]
        return {"object": "list", "data": data[::-1], "model": body["model"],
                "usage": {"prompt_tokens": 4, "total_tokens": 4}}
    return None


@pytest.fixture
def world(penstock):
    def answer(conn, request):
        said = answer_of(request.path.split("?")[0], request.json())
        body = json.dumps(said or {"error": {"message": "no such path"}})
        conn.send(b"HTTP/1.1 %d X\r\ncontent-type: application/json\r\n"
                  b"content-length: %d\r\n\r\n%s" % (
                      200 if said else 404, len(body), body.encode()))

    with Upstream(answer) as up:
        root = up.url[:-3] if up.url.endswith("/v1") else up.url
        yield penstock(CONF.format(root=root),
                       env={"EMBED_KEY": "k"}), up


def ask(p, model, **more):
    return p.post("/v1/embeddings", {"model": model, **more})


def google_ask(p, model, method, body):
    return p.post(f"/v1beta/models/{model}:{method}", body)


def floats(text):
    raw = base64.b64decode(text)
    return list(struct.unpack(f"<{len(raw) // 4}f", raw))


def test_one_dialect_at_four_providers(world):
    p, up = world
    want = [vector(0), vector(1)]
    for model, path, tokens in (
            ("g", "/v1beta/models/gemini-embedding-001:batchEmbedContents",
             0),
            ("c", "/v2/embed", 6), ("l", "/api/embed", 5),
            ("m", "/v1/embeddings", 4), ("o", "/v1/embeddings", 4)):
        a = ask(p, model, input=TWO)
        assert a.status == 200, (model, a.body)
        assert up.requests[-1].path == path
        said = a.json()
        if model != "o":  # that one passes as the provider sent it
            assert [d["index"] for d in said["data"]] == [0, 1]
            assert said["model"] == model
        assert sorted((d["index"], d["embedding"]) for d in said["data"]) \
            == list(enumerate(want))
        assert said["usage"]["prompt_tokens"] == tokens
        assert said["object"] == "list"
        one = ask(p, model, input="one")
        assert [d["embedding"] for d in one.json()["data"]] == want[:1], \
            one.body


def test_base64_from_a_provider_that_has_none(world):
    p, up = world
    for model in ("g", "c", "l"):
        a = ask(p, model, input=TWO, encoding_format="base64")
        assert a.status == 200, a.body
        got = [floats(d["embedding"]) for d in a.json()["data"]]
        assert got == [floats(base64.b64encode(
            struct.pack("<3f", *vector(i)))) for i in range(2)]


def test_what_is_said_of_the_vectors(world):
    p, up = world
    a = ask(p, "g", input=TWO, dimensions=64, input_type="query", user="u")
    assert a.status == 200, a.body
    assert a.headers["x-penstock-dropped"] == "user"
    first = up.requests[-1].json()["requests"][0]
    assert first == {"model": "models/gemini-embedding-001",
                     "content": {"parts": [{"text": "one"}]},
                     "taskType": "RETRIEVAL_QUERY",
                     "outputDimensionality": 64}
    a = ask(p, "c", input="x", dimensions=256, input_type="passage",
            truncate="END")
    assert up.requests[-1].json() == {
        "model": "embed-v4.0", "texts": ["x"], "truncate": "END",
        "input_type": "search_document", "embedding_types": ["float"],
        "output_dimension": 256}
    assert "x-penstock-dropped" not in a.headers
    a = ask(p, "m", input=TWO, dimensions=8, user="u", input_type="query")
    assert up.requests[-1].json() == {
        "model": "mistral-embed", "input": TWO, "encoding_format": "float",
        "output_dimension": 8}
    assert a.headers["x-penstock-dropped"] == "input_type, user"
    ask(p, "l", input="x", dimensions=8, truncate=True)
    assert up.requests[-1].json() == {
        "model": "nomic-embed-text", "input": "x", "dimensions": 8,
        "truncate": True}


def test_what_a_target_cannot_make_is_not_asked_of_it(world):
    p, up = world
    n = len(up.requests)
    for more, word in (({"input": [1, 2]}, "tokens"),
                       ({"input": "x", "dimensions": 9}, "one size"),
                       ({"input": ["x"] * 97}, "96")):
        a = ask(p, "c3", **more)
        assert a.status == 400 and word in a.json()["error"]["message"], \
            a.body
        assert a.json()["error"]["param"] in more
    assert len(up.requests) == n
    a = ask(p, "c3-or-o", input="x", dimensions=9)
    assert a.status == 200, a.body
    assert up.requests[-1].path == "/v1/embeddings"
    a = ask(p, "few", input=TWO)
    assert a.status == 502, a.body  # one vector is not two
    a = ask(p, "a", input="x")
    assert a.status == 400 and "serves embeddings" in \
        a.json()["error"]["message"], a.body


def test_titan_and_nova_take_one_text(world):
    p, up = world
    a = ask(p, "titan", input=["one"], dimensions=256, normalize=False)
    assert a.status == 200, a.body
    assert a.json()["data"][0]["embedding"] == vector(0)
    assert a.json()["usage"]["prompt_tokens"] == 3
    sent = up.requests[-1]
    assert sent.path == "/model/amazon.titan-embed-text-v2%3A0/invoke"
    assert sent.json() == {"inputText": "one", "dimensions": 256,
                           "normalize": False}
    a = google_ask(p, "nova", "embedContent", {
        "content": {"parts": [{"text": "one"}]},
        "taskType": "RETRIEVAL_QUERY", "outputDimensionality": 384})
    assert a.status == 200, a.body
    assert a.json()["embedding"]["values"] == vector(0)
    assert up.requests[-1].json() == {
        "taskType": "SINGLE_EMBEDDING", "singleEmbeddingParams": {
            "embeddingPurpose": "GENERIC_RETRIEVAL",
            "embeddingDimension": 384,
            "text": {"truncationMode": "NONE", "value": "one"}}}
    n = len(up.requests)
    for model in ("titan", "nova"):
        a = ask(p, model, input=TWO)
        assert a.status == 400, a.body
        assert "one text" in a.json()["error"]["message"]
        assert a.json()["error"]["param"] == "input"
    assert len(up.requests) == n
    for more in ({"input": TWO}, {"input": "x", "dimensions": 9}):
        a = ask(p, "titan1-or-o", **more)
        assert a.status == 200, a.body
        assert up.requests[-1].path == "/v1/embeddings"


def test_vertex_predicts_what_it_does_not_embed(world):
    p, up = world
    at = "/v1/projects/p/locations/global/publishers/google/models/"
    a = ask(p, "predicts", input=TWO, dimensions=3, input_type="query")
    assert a.status == 200, a.body
    assert [d["embedding"] for d in a.json()["data"]] == [vector(0),
                                                          vector(1)]
    assert a.json()["usage"]["prompt_tokens"] == 4
    sent = up.requests[-1]
    assert sent.path == at + "text-embedding-005:predict"
    assert sent.json() == {
        "instances": [{"content": t, "task_type": "RETRIEVAL_QUERY"}
                      for t in TWO],
        "parameters": {"autoTruncate": False, "outputDimensionality": 3}}
    one = {"content": {"parts": [{"text": "one"}]}}
    for model, path in (
            ("predicts1", "gemini-embedding-001:predict"),
            ("embeds", "gemini-embedding-2:embedContent")):
        a = google_ask(p, model, "embedContent", one)
        assert a.status == 200, a.body
        assert a.json()["embedding"]["values"] == vector(0)
        assert up.requests[-1].path == at + path
        a = ask(p, model, input="one", encoding_format="base64")
        assert a.status == 200, a.body
        assert up.requests[-1].path == at + path
        a = ask(p, model, input=TWO)
        assert a.status == 400 and "one text" in a.json()["error"]["message"]


def test_a_google_client(world):
    p, up = world
    one = {"content": {"parts": [{"text": "one"}]}, "taskType":
           "CLASSIFICATION", "outputDimensionality": 3}
    a = google_ask(p, "o", "embedContent", one)
    assert a.status == 200, a.body
    assert a.json()["embedding"]["values"] == vector(0)
    assert a.headers["x-penstock-dropped"] == "input_type"
    assert up.requests[-1].json() == {
        "model": "text-embedding-3-small", "input": "one",
        "encoding_format": "float", "dimensions": 3}
    two = {"requests": [{"model": "models/o", **one},
                        {"model": "models/o", **one}]}
    for model in ("o", "c", "l", "m"):
        a = google_ask(p, model, "batchEmbedContents", two)
        assert a.status == 200, a.body
        assert [e["values"] for e in a.json()["embeddings"]] == [
            vector(0), vector(1)], model
    two["requests"][1]["taskType"] = "CLUSTERING"
    a = google_ask(p, "o", "batchEmbedContents", two)
    assert a.status == 400 and "requests[1]" in a.json()["error"]["message"]
    a = google_ask(p, "g", "batchEmbedContents", two)  # its own provider
    assert a.status == 200, a.body
    sent = up.requests[-1].json()["requests"]
    assert [r["taskType"] for r in sent] == ["CLASSIFICATION", "CLUSTERING"]
    assert {r["model"] for r in sent} == {"models/gemini-embedding-001"}


def test_googles_list_says_what_is_served(world):
    got = world[0].get("/v1beta/models").json()["models"]
    does = {m["name"][7:]: m["supportedGenerationMethods"] for m in got}
    assert does["g"] == ["countTokens", "embedContent"]
    assert does["o"] == does["c"] == does["l"] == ["embedContent"]
    assert does["a"] == ["generateContent", "countTokens"]


def test_tokens_are_counted_across(world):
    p, up = world
    hi = {"contents": [{"role": "user", "parts": [{"text": "hi"}]}]}
    a = google_ask(p, "a", "countTokens", hi)
    assert (a.status, a.json()) == (200, {"totalTokens": 12}), a.body
    assert up.requests[-1].json() == {
        "model": "claude-sonnet-5",
        "messages": [{"role": "user",
                      "content": [{"type": "text", "text": "hi"}]}]}
    a = p.post("/v1/messages/count_tokens", {
        "model": "g", "system": "be kind",
        "messages": [{"role": "user", "content": "hi"}]})
    assert (a.status, a.json()) == (200, {"input_tokens": 11}), a.body
    inner = up.requests[-1].json()["generateContentRequest"]
    assert inner["model"] == "models/gemini-embedding-001"
    assert inner["systemInstruction"] and inner["contents"]
    said = {"input": "hi", "instructions": "be kind", "stream": True}
    a = p.post("/v1/responses/input_tokens", {"model": "a", **said})
    assert (a.status, a.json()) == (200, {
        "object": "response.input_tokens", "input_tokens": 12}), a.body
    assert up.requests[-1].path == "/v1/messages/count_tokens"
    assert up.requests[-1].json()["system"]
    assert "stream" not in up.requests[-1].json()
    a = p.post("/v1/responses/input_tokens", {"model": "g", **said})
    assert a.json()["input_tokens"] == 11, a.body
    a = p.post("/v1/responses/input_tokens", {"model": "o", **said})
    assert a.status == 400 and "serves count_tokens" in \
        a.json()["error"]["message"], a.body
    a = google_ask(p, "o", "countTokens", hi)
    assert a.status == 400 and "serves count_tokens" in \
        a.json()["error"]["message"], a.body

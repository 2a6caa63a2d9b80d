# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""Claude by Bedrock's InvokeModel: addresses, bodies and betas as the host wants
them, and each client's answer in its own dialect; recordings of Bedrock and of
Vertex (test_vertex.py)."""
import base64
import http.client
import json
import struct
import urllib.parse
import zlib

import pytest

from hosts import CHAT, MESSAGES, SAID, WHOLE, sse, told
from test_bedrock import ID, SECRET, STREAM as CONVERSED, header, why_not
from upstream import Upstream, recordings, same

CLAUDE = "eu.anthropic.claude-haiku-4-5-20251001-v1:0"
EVENTS = "application/vnd.amazon.eventstream"


def frame(name, payload, kind="event"):
    heads = header(f":{'event' if kind == 'event' else kind}-type", name)
    heads += header(":content-type", "application/json")
    heads += header(":message-type", kind)
    body = json.dumps(payload).encode()
    prelude = struct.pack(">II", len(heads) + len(body) + 16, len(heads))
    message = prelude + struct.pack(">I", zlib.crc32(prelude)) + heads + body
    return message + struct.pack(">I", zlib.crc32(message))


def chunk(event):
    return frame("chunk", {
        "bytes": base64.b64encode(told(event).encode()).decode(),
        "p": "abcdefgh"})


def refuse(conn, name, message, status=400):
    conn.answer(json.dumps({"message": message}).encode(), status, extra=[
        ("x-amzn-ErrorType", f"{name}:http://internal.amazon.com/coral/")])


def bedrock(conn, request):
    wrong = why_not(request)
    if wrong:
        refuse(conn, *wrong, status=403)
    elif request.path.endswith("/invoke-with-response-stream"):
        conn.head(200, EVENTS)
        data = b"".join(map(chunk, SAID))
        for at in range(0, len(data), 100):
            conn.chunk(data[at:at + 100])
        conn.end()
    elif request.path.endswith("/converse-stream"):
        conn.head(200, EVENTS)
        conn.chunk(b"".join(CONVERSED))
        conn.end()
    else:
        conn.answer(json.dumps(WHOLE).encode(),
                    extra=[("x-amzn-RequestId", "r-1")])


def on_bedrock(penstock, up, model=CLAUDE, more=""):
    return penstock(f'''provider "aws" {{ vendor = "bedrock",
  base_url = "http://127.0.0.1:{up.port}", keys = {{ env "BEDROCK_KEY" }},
  settings = {{ region = "eu-west-1", {more} }},
  retries = {{ attempts = 2 }} }}
model "m" {{ "aws/{model}" }}
''', env={"BEDROCK_KEY": f"{ID}:{SECRET}"})


# ---- Bedrock ----------------------------------------------------------------

def test_a_messages_client_gets_the_chunks_bytes(penstock):
    with Upstream(bedrock) as up:
        ps = on_bedrock(penstock, up)
        got = ps.post("/v1/messages?beta=true", {**MESSAGES, "stream": True})
        assert got.status == 200, got.body
        assert got.headers["content-type"].startswith("text/event-stream")
        assert got.body == sse(SAID)
        sent = up.requests[0]
        assert sent.path == ("/model/" + urllib.parse.quote(CLAUDE, safe="")
                             + "/invoke-with-response-stream")
        assert sent.json() == {
            "max_tokens": 50, "messages": MESSAGES["messages"],
            "anthropic_version": "bedrock-2023-05-31"}
        assert sent.header("accept") == "application/json"


def test_and_a_whole_answer_as_it_is(penstock):
    with Upstream(bedrock) as up:
        ps = on_bedrock(penstock, up)
        got = ps.post("/v1/messages", MESSAGES)
        assert got.body == json.dumps(WHOLE).encode()
        assert got.headers["x-penstock-upstream-request-id"] == "r-1"
        assert up.requests[0].path.endswith("/invoke")
        assert "stream" not in up.requests[0].json()


def test_tokens_are_counted(penstock):
    def count(conn, request):
        wrong = why_not(request)
        if wrong:
            refuse(conn, *wrong, status=403)
        elif b"nova" in request.path.encode():
            refuse(conn, "ValidationException",
                   "The provided model doesn't support counting tokens.")
        else:
            conn.answer({"inputTokens": 41})

    tool = {"name": "t", "input_schema": {"type": "object"}}
    ask = {"model": "m", "messages": MESSAGES["messages"], "system": "be",
           "tools": [tool]}
    with Upstream(count) as up:
        ps = on_bedrock(penstock, up)
        got = ps.post("/v1/messages/count_tokens", ask)
        assert (got.status, got.json()) == (200, {"input_tokens": 41})
        sent = up.requests[0]
        assert sent.path == ("/model/" + urllib.parse.quote(CLAUDE, safe="")
                             + "/count-tokens")
        told = sent.json()["input"]["converse"]
        assert not told.pop("additionalModelRequestFields", {})
        assert set(told) == {"messages", "system", "toolConfig"}
        assert told["system"] == [{"text": "be"}]
        got = ps.post("/v1beta/models/m:countTokens", {"contents": [
            {"role": "user", "parts": [{"text": "x"}]}],
            "generationConfig": {"maxOutputTokens": 9, "temperature": 1}})
        assert (got.status, got.json()) == (200, {"totalTokens": 41})
        told = up.requests[1].json()["input"]["converse"]
        assert not told.pop("additionalModelRequestFields", {})
        assert set(told) == {"messages"}
        ps = on_bedrock(penstock, up, "amazon.nova-pro-v1:0")
        got = ps.post("/v1/messages/count_tokens", ask)
        assert got.status == 400 and "counting" in got.json()["error"][
            "message"]


def test_vectors_of_cohere(penstock):
    """In Cohere's words by InvokeModel; what they cost is in the head."""
    def vectors(conn, request):
        wrong = why_not(request)
        if wrong:
            refuse(conn, *wrong, status=403)
            return
        n = len(request.json()["texts"])
        conn.answer({"id": "e", "response_type": "embeddings_by_type",
                     "embeddings": {"float": [[0.5, i] for i in range(n)]}},
                    extra=[("x-amzn-bedrock-input-token-count", "7")])

    with Upstream(vectors) as up:
        ps = on_bedrock(penstock, up, "eu.cohere.embed-v4:0")
        got = ps.post("/v1/embeddings", {
            "model": "m", "input": ["a", "b"], "dimensions": 256})
        assert got.status == 200, got.body
        assert [x["embedding"] for x in got.json()["data"]] == \
            [[0.5, 0], [0.5, 1]]
        sent = up.requests[0]
        assert sent.path == "/model/eu.cohere.embed-v4%3A0/invoke"
        assert sent.json() == {
            "texts": ["a", "b"], "input_type": "search_document",
            "embedding_types": ["float"], "output_dimension": 256}
        assert ps.line("request")["tokens"]["input"] == 7
        got = ps.post("/v1beta/models/m:batchEmbedContents", {"requests": [
            {"content": {"parts": [{"text": "a"}]},
             "taskType": "RETRIEVAL_QUERY"}]})
        assert got.json()["embeddings"] == [{"values": [0.5, 0]}]
        assert up.requests[1].json()["input_type"] == "search_query"


BETAS = [
    ("interleaved-thinking-2025-05-14, oauth-2025-04-20,"
     "advanced-tool-use-2025-11-20",
     ["interleaved-thinking-2025-05-14", "tool-search-tool-2025-10-19"]),
    ("oauth-2025-04-20", None),
]


def test_betas_stand_in_the_body(penstock):
    with Upstream(bedrock) as up:
        ps = on_bedrock(penstock, up)
        for betas, want in BETAS:
            got = ps.post("/v1/messages", MESSAGES, headers={
                "anthropic-beta": betas, "anthropic-version": "2026-10-21"})
            assert got.status == 200, got.body
            sent = up.requests[-1]
            assert sent.json().get("anthropic_beta") == want
            assert sent.json()["anthropic_version"] == "2026-10-21"
            assert sent.header("anthropic-beta") is None
            assert sent.header("anthropic-version") is None
        got = ps.post("/v1/messages", {**MESSAGES, "anthropic_beta": ["x"]},
                      headers={"anthropic-beta": BETAS[0][0]})
        assert got.status == 200, got.body
        assert up.requests[-1].json()["anthropic_beta"] == ["x"]


def test_the_settings_say_which_betas(penstock):
    with Upstream(bedrock) as up:
        ps = on_bedrock(penstock, up, more='betas = "!a-* *"')
        ps.post("/v1/messages", MESSAGES,
                headers={"anthropic-beta": "a-1,b-2"})
        assert up.requests[0].json()["anthropic_beta"] == ["b-2"]


def test_what_only_anthropic_itself_takes_goes(penstock):
    mark = {"type": "ephemeral", "scope": "global"}
    with Upstream(bedrock) as up:
        ps = on_bedrock(penstock, up)
        got = ps.post("/v1/messages", {
            "model": "m", "max_tokens": 5,
            "system": [{"type": "text", "text": "s", "cache_control": mark}],
            "tools": [{"name": "t", "input_schema": {"type": "object"},
                       "eager_input_streaming": True}],
            "messages": [
                {"role": "user", "content": "scope"},
                {"role": "assistant", "content": "x"},
                {"role": "user", "content": [
                    {"type": "text", "text": "a"},
                    {"type": "text", "text": "b", "cache_control": mark}]}],
        }, headers={"anthropic-beta": "prompt-caching-scope-2026-01-05"})
        assert got.status == 200, got.body
        body = up.requests[0].json()
        plain = {"type": "ephemeral"}
        assert body["system"][0]["cache_control"] == plain
        assert body["messages"][2]["content"][1]["cache_control"] == plain
        assert body["tools"] == [{"name": "t",
                                  "input_schema": {"type": "object"}}]


ARN = "arn:aws:bedrock:eu-west-1:1:"
ASKED = [
    ("/v1/chat/completions", CHAT, CLAUDE, "converse-stream"),
    ("/v1/messages", MESSAGES, "amazon.nova-pro-v1:0", "converse-stream"),
    ("/v1/messages", MESSAGES, ARN + "application-inference-profile/a1",
     "converse-stream"),
    ("/v1/messages", MESSAGES, ARN + "inference-profile/" + CLAUDE,
     "invoke-with-response-stream"),
]


def test_which_api_is_asked(penstock):
    with Upstream(bedrock) as up:
        ps = penstock(f'''provider "aws" {{ vendor = "bedrock",
  base_url = "http://127.0.0.1:{up.port}", keys = {{ env "K" }},
  settings = {{ region = "eu-west-1" }} }}
''', env={"K": f"{ID}:{SECRET}"})
        for path, body, model, want in ASKED:
            got = ps.post(path, {**body, "model": "aws/" + model,
                                 "stream": True})
            assert got.status == 200, got.body
            assert up.requests[-1].path == (
                f"/model/{urllib.parse.quote(model, safe='')}/{want}")


@pytest.mark.parametrize("name,message,status,want", [
    ("ValidationException", "prompt is too long: 9 tokens > 8 maximum", 400,
     (400, "invalid_request_error")),
    ("ThrottlingException", "Too many requests", 429,
     (429, "rate_limit_error")),
    ("AccessDeniedException", "no", 403, (502, "api_error")),
])
def test_errors_are_told_in_anthropics_shape(penstock, name, message, status,
                                             want):
    with Upstream(lambda c, r: refuse(c, name, message, status)) as up:
        ps = on_bedrock(penstock, up)
        got = ps.post("/v1/messages", {**MESSAGES, "stream": True})
        assert (got.status, got.json()["error"]["type"]) == want
        assert got.json()["type"] == "error"


def test_an_exception_before_content_is_tried_again(penstock):
    def first_fails(conn, request):
        if len(up.requests) > 1:
            return bedrock(conn, request)
        conn.head(200, EVENTS)
        conn.chunk(chunk(SAID[0]) + frame(
            "internalServerException", {"message": "no"}, "exception"))
        conn.end()

    with Upstream(first_fails) as up:
        ps = on_bedrock(penstock, up)
        got = ps.post("/v1/messages", {**MESSAGES, "stream": True})
        assert got.body == sse(SAID)
        assert len(up.requests) == 2


def test_behind_content_it_is_told_in_anthropics_words(penstock):
    def breaks(conn, request):
        conn.head(200, EVENTS)
        conn.chunk(b"".join(map(chunk, SAID[:3])) + frame(
            "serviceUnavailableException", {"message": "later"}, "exception"))
        conn.end()

    with Upstream(breaks) as up:
        ps = on_bedrock(penstock, up)
        with pytest.raises(http.client.IncompleteRead) as cut_off:
            ps.post("/v1/messages", {**MESSAGES, "stream": True})
        last = cut_off.value.partial.decode().rstrip().split("\n\n")[-1]
        assert last.startswith("event: error\n")
        error = json.loads(last.split("data: ")[1])["error"]
        assert error["type"] == "overloaded_error"


def test_a_policy_sees_the_text(penstock, tmp_path):
    folder = tmp_path / "policies"
    folder.mkdir()
    (folder / "mask.lua").write_text('''return { api = 1,
  output = function(req, conf, w) w:replace("h.", "**") end }''')
    with Upstream(bedrock) as up:
        ps = penstock(f'''policy_path "{folder}"
policies {{ "mask" }}
provider "aws" {{ vendor = "bedrock", base_url = "http://127.0.0.1:{up.port}",
  keys = {{ env "K" }}, settings = {{ region = "eu-west-1" }} }}
model "m" {{ "aws/{CLAUDE}" }}
''', env={"K": f"{ID}:{SECRET}"})
        got = ps.post("/v1/messages", {**MESSAGES, "stream": True})
        assert got.status == 200, got.body
        assert "**" in got.body.decode() and "hé" not in got.body.decode()


# ---- recordings -------------------------------------------------------------

APIS = ["bedrock.invoke", "bedrock.invoke-with-response-stream",
        "vertex.anthropic.rawPredict", "vertex.anthropic.streamRawPredict"]


def events_of(stream):
    """The bytes of Anthropic's events in an AWS stream."""
    at = 0
    while at < len(stream):
        total, heads = struct.unpack(">II", stream[at:at + 8])
        payload = json.loads(stream[at + 12 + heads:at + total - 4])
        text = base64.b64decode(payload["bytes"])
        name = json.loads(text)["type"].encode()
        yield b"event: " + name + b"\ndata: " + text + b"\n\n"
        at += total


def recorded(x):
    r = x["response"]
    if "body_base64" in r:
        return base64.b64decode(r["body_base64"])
    return r["body"].encode()


@pytest.mark.parametrize("size", [0, 7])
@pytest.mark.parametrize("api", APIS)
def test_recordings(penstock, api, size):
    """What a Messages client sends reaches the host as its own client sent
    it, and the answer comes back byte for byte."""
    found = [x for x in recordings(api)
             if "messages" in (x["request"].get("body") or ())]
    if not found:
        pytest.skip("skipped: no recordings")
    by_path = {}

    def answer(conn, request):
        x = by_path["now"]
        conn.head(x["response"]["status"],
                  x["response"]["headers"]["content-type"])
        body = recorded(x)
        for at in range(0, len(body), size or len(body)):
            conn.chunk(body[at:at + (size or len(body))])
        conn.end()

    with Upstream(answer) as up:
        ps = penstock(f'''
provider "bedrock" {{ base_url = "http://127.0.0.1:{up.port}",
  keys = {{ env "K" }}, settings = {{ region = "us-east-1", betas = "*" }} }}
provider "vertex" {{ base_url = "http://127.0.0.1:{up.port}",
  keys = {{ env "K" }}, settings = {{ project = "example-project",
  location = "us-east5", betas = "*" }} }}
policies {{ "route" }}
''', env={"K": "k"})
        for x in found:
            by_path["now"] = x
            asked = x["request"]["body"]
            body = {k: v for k, v in asked.items()
                    if not k.startswith("anthropic_")}
            if "invoke-with" in api:
                body["stream"] = True
            got = ps.post("/v1/messages", {
                **body, "model": f"{x['provider']}/{x['model']}"},
                headers={"anthropic-beta":
                         ",".join(asked.get("anthropic_beta", []))})
            sent = up.requests[-1]
            if x["model"].startswith(("invalid", "meta")):
                continue  # asked by Converse, since it is no Claude
            assert (urllib.parse.unquote(sent.path.partition("?")[0])
                    == urllib.parse.unquote(x["request"]["path"])), x["id"]
            assert same(sent.json(), {
                "anthropic_version": sent.json()["anthropic_version"],
                **asked}), (x["id"], sent.json(), asked)
            assert got.status == x["response"]["status"], x["id"]
            want = recorded(x)
            if "invoke-with" in api:
                want = b"".join(events_of(want))
            assert got.body == want, x["id"]

# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""Models on the clouds' hosts: Claude by Bedrock's InvokeModel and on Vertex,
Gemini and others on Vertex. Addresses, bodies and betas as the hosts want
them, and each client's answer in its own dialect."""
import base64
import http.client
import json
import struct
import urllib.parse
import zlib

import pytest

from test_bedrock import ID, SECRET, STREAM as CONVERSED, header, why_not
from upstream import Upstream, recordings, same

CLAUDE = "eu.anthropic.claude-haiku-4-5-20251001-v1:0"
EVENTS = "application/vnd.amazon.eventstream"
MESSAGES = {"model": "m", "max_tokens": 50,
            "messages": [{"role": "user", "content": "hi"}]}
CHAT = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
SAID = [
    {"type": "message_start", "message": {
        "id": "msg_bdrk_1", "type": "message", "role": "assistant",
        "model": "claude-haiku-4-5-20251001", "content": [],
        "stop_reason": None, "usage": {
            "input_tokens": 9, "cache_read_input_tokens": 3,
            "output_tokens": 1}}},
    {"type": "content_block_start", "index": 0,
     "content_block": {"type": "text", "text": ""}},
    {"type": "content_block_delta", "index": 0,
     "delta": {"type": "text_delta", "text": "hé"}},
    {"type": "content_block_stop", "index": 0},
    {"type": "message_delta", "delta": {"stop_reason": "end_turn"},
     "usage": {"output_tokens": 6}},
    {"type": "message_stop", "amazon-bedrock-invocationMetrics": {
        "inputTokenCount": 9, "outputTokenCount": 6}},
]
WHOLE = {"id": "msg_1", "type": "message", "role": "assistant",
         "model": "claude-haiku-4-5-20251001", "stop_reason": "end_turn",
         "content": [{"type": "text", "text": "hello"}],
         "usage": {"input_tokens": 9, "output_tokens": 6}}


def frame(name, payload, kind="event"):
    heads = header(f":{'event' if kind == 'event' else kind}-type", name)
    heads += header(":content-type", "application/json")
    heads += header(":message-type", kind)
    body = json.dumps(payload).encode()
    prelude = struct.pack(">II", len(heads) + len(body) + 16, len(heads))
    message = prelude + struct.pack(">I", zlib.crc32(prelude)) + heads + body
    return message + struct.pack(">I", zlib.crc32(message))


def told(event):
    return json.dumps(event, ensure_ascii=False, separators=(",", ":"))


def chunk(event):
    return frame("chunk", {
        "bytes": base64.b64encode(told(event).encode()).decode(),
        "p": "abcdefgh"})


def sse(events):
    return "".join(f"event: {e['type']}\ndata: {told(e)}\n\n"
                   for e in events).encode()


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


# ---- Vertex -----------------------------------------------------------------

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

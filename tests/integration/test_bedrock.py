# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""Bedrock as a target: signed requests, which this upstream checks with its
own arithmetic, answers as real frames of the event stream, errors by their
names, a wrong clock, and a Bedrock API key instead of a signature."""
import datetime
import email.utils
import hashlib
import hmac
import http.client
import json
import struct
import urllib.parse
import zlib

import pytest

from upstream import Upstream

ID, SECRET, TOKEN = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfi", "T0k+/=="
ARN = "arn:aws:bedrock:eu-west-1:1:application-inference-profile/a1"
HELLO = {"output": {"message": {"role": "assistant", "content": [
    {"text": "hello"}]}}, "stopReason": "end_turn",
    "usage": {"inputTokens": 3, "outputTokens": 2, "totalTokens": 5}}
CHAT = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
MESSAGES = {"model": "m", "max_tokens": 50,
            "messages": [{"role": "user", "content": "hi"}]}


def header(name, value):
    return (bytes([len(name)]) + name.encode() + b"\x07"
            + struct.pack(">H", len(value)) + value.encode())


def frame(name, payload, kind="event"):
    heads = header(":message-type", kind) + header(
        ":event-type" if kind == "event" else ":exception-type", name)
    body = json.dumps(payload).encode()
    prelude = struct.pack(">II", len(heads) + len(body) + 16, len(heads))
    message = (prelude + struct.pack(">I", zlib.crc32(prelude)) + heads
               + body)
    return message + struct.pack(">I", zlib.crc32(message))


def delta(index, **of):
    return frame("contentBlockDelta",
                 {"contentBlockIndex": index, "delta": of, "p": "abcdef"})


STREAM = [
    frame("messageStart", {"role": "assistant"}),
    delta(0, reasoningContent={"text": "think"}),
    delta(0, reasoningContent={"signature": "c2ln"}),
    frame("contentBlockStop", {"contentBlockIndex": 0}),
    delta(1, text="hel"), delta(1, text="lo"),
    frame("contentBlockStop", {"contentBlockIndex": 1}),
    frame("contentBlockStart", {"contentBlockIndex": 2, "start": {
        "toolUse": {"toolUseId": "tooluse_1", "name": "w"}}}),
    delta(2, toolUse={"input": '{"a"'}), delta(2, toolUse={"input": ": 1}"}),
    frame("contentBlockStop", {"contentBlockIndex": 2}),
    frame("messageStop", {"stopReason": "tool_use"}),
    frame("metadata", {"usage": {
        "inputTokens": 3, "outputTokens": 9, "totalTokens": 16,
        "cacheReadInputTokens": 4}, "metrics": {"latencyMs": 1}}),
]


def digest(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def why_not(request, region="eu-west-1", now=None):
    """None where the signature is right; the standard, step by step."""
    scheme, _, rest = request.header("authorization").partition(" ")
    part = dict(p.split("=", 1) for p in rest.split(", "))
    date = request.header("x-amz-date")
    scope = f"{date[:8]}/{region}/bedrock/aws4_request"
    names = part["SignedHeaders"].split(";")
    path, _, query = request.path.partition("?")
    canonical = "\n".join([
        request.method, urllib.parse.quote(path, safe="/~"), query,
        *[f"{n}:{' '.join(request.header(n).split())}" for n in names], "",
        ";".join(names), hashlib.sha256(request.body).hexdigest()])
    key = ("AWS4" + SECRET).encode()
    for step in (date[:8], region, "bedrock", "aws4_request"):
        key = digest(key, step)
    want = digest(key, "\n".join([
        "AWS4-HMAC-SHA256", date, scope,
        hashlib.sha256(canonical.encode()).hexdigest()])).hex()
    at = datetime.datetime.strptime(date, "%Y%m%dT%H%M%SZ").replace(
        tzinfo=datetime.timezone.utc)
    off = at - (now or datetime.datetime.now(datetime.timezone.utc))
    if scheme != "AWS4-HMAC-SHA256" or part["Credential"] != f"{ID}/{scope}":
        return "InvalidSignatureException", "Credential"
    if not {"host", "x-amz-date", "content-type"} <= set(names):
        return "InvalidSignatureException", f"signed are {names}"
    if part["Signature"] != want:
        return "InvalidSignatureException", canonical
    if abs(off.total_seconds()) > 300:
        return "InvalidSignatureException", f"Signature expired: {date}"
    return None


def refuse(conn, status, name, message, extra=()):
    conn.answer(json.dumps({"message": message}).encode(), status, extra=[
        ("x-amzn-ErrorType", f"{name}:http://internal.amazon.com/coral/"),
        ("x-amzn-RequestId", "r-1"), *extra])


def answer(conn, request):
    if request.path.endswith("/converse-stream"):
        conn.head(200, "application/vnd.amazon.eventstream")
        for f in STREAM:
            conn.chunk(f)
        conn.end()
    else:
        conn.answer(json.dumps(HELLO).encode(),
                    extra=[("x-amzn-RequestId", "r-1")])


def strict(conn, request):
    wrong = why_not(request)
    if wrong:
        refuse(conn, 403, *wrong)
    else:
        answer(conn, request)


def serve(penstock, up, key=f"{ID}:{SECRET}",
          model="amazon.nova-pro-v1:0",
          more='settings = { region = "eu-west-1" }'):
    return penstock(f'''provider "aws" {{ plugin = "bedrock",
  base_url = "http://127.0.0.1:{up.port}", keys = {{ env "BEDROCK_KEY" }}, {more} }}
model "m" {{ "aws/{model}" }}
''', env={"BEDROCK_KEY": key})


@pytest.mark.parametrize("model", ["anthropic.claude-sonnet-4-5-v1:0", ARN])
@pytest.mark.parametrize("key", [f"{ID}:{SECRET}", f"{ID}:{SECRET}:{TOKEN}"])
def test_signed(penstock, model, key):
    with Upstream(strict) as up:
        ps = serve(penstock, up, key, model)
        got = ps.post("/v1/chat/completions", CHAT)
        assert got.status == 200, got.body
        choice = got.json()["choices"][0]
        assert choice["message"]["content"] == "hello"
        assert choice["finish_reason"] == "stop"
        assert got.json()["usage"]["prompt_tokens"] == 3
        assert got.headers["x-penstock-upstream-request-id"] == "r-1"
        request = up.requests[0]
        assert request.path == (
            "/model/" + urllib.parse.quote(model, safe="") + "/converse")
        assert request.json()["messages"] == [
            {"role": "user", "content": [{"text": "hi"}]}]
        assert request.header("x-amz-security-token") == (
            TOKEN if key.endswith(TOKEN) else None)


def test_id_in_the_settings(penstock):
    more = (f'settings = {{ region = "eu-west-1", '
            f'access_key_id = "{ID}" }}')
    with Upstream(strict) as up:
        ps = serve(penstock, up, SECRET, more=more)
        assert ps.post("/v1/messages", MESSAGES).status == 200


def test_bearer(penstock):
    """A Bedrock API key has no colon, and is not signed with."""
    with Upstream(answer) as up:
        ps = serve(penstock, up, "ABSKQmVkcm9jay0=")
        assert ps.post("/v1/messages", MESSAGES).status == 200
        assert (up.requests[0].header("authorization")
                == "Bearer ABSKQmVkcm9jay0=")
        assert up.requests[0].header("x-amz-date") is None


def test_streamed_to_chat(penstock):
    with Upstream(strict) as up:
        ps = serve(penstock, up)
        got = ps.post("/v1/chat/completions", {
            **CHAT, "stream": True, "stream_options": {"include_usage": True},
            "tools": [{"type": "function", "function": {
                "name": "w", "parameters": {"type": "object"}}}]})
        assert got.status == 200, got.body
        chunks = [json.loads(x[6:]) for x in
                  got.body.decode().split("\n\n")
                  if x.startswith("data: {")]
        deltas = [c["choices"][0]["delta"] for c in chunks if c["choices"]]
        assert "".join(d.get("content") or "" for d in deltas) == "hello"
        calls = [d["tool_calls"][0] for d in deltas if "tool_calls" in d]
        assert calls[0]["id"] == "tooluse_1"
        assert json.loads("".join(c["function"].get("arguments", "")
                                  for c in calls)) == {"a": 1}
        assert chunks[-1]["usage"]["prompt_tokens"] == 7
        assert chunks[-1]["usage"]["completion_tokens"] == 9
        assert "data: [DONE]" in got.body.decode()


def test_streamed_to_messages(penstock):
    with Upstream(strict) as up:
        ps = serve(penstock, up)
        got = ps.post("/v1/messages", {**MESSAGES, "stream": True})
        said = [json.loads(x.split("data: ")[1])
                for x in got.body.decode().split("\n\n") if "data: " in x]
        kinds = [e["content_block"]["type"] for e in said
                 if e["type"] == "content_block_start"]
        assert kinds == ["thinking", "text", "tool_use"]
        signed = [e["delta"]["signature"] for e in said
                  if e.get("delta", {}).get("type") == "signature_delta"]
        assert signed == ["c2ln"]
        last = [e for e in said if e["type"] == "message_delta"][0]
        assert last["delta"]["stop_reason"] == "tool_use"
        assert last["usage"]["cache_read_input_tokens"] == 4


def test_a_wrong_clock(penstock):
    """The provider's clock is an hour ahead of ours: learnt from its Date,
    and the request is made again."""
    later = datetime.timedelta(hours=1)

    def ahead(conn, request):
        now = datetime.datetime.now(datetime.timezone.utc) + later
        wrong = why_not(request, now=now)
        if wrong:
            refuse(conn, 403, *wrong, extra=[
                ("Date", email.utils.format_datetime(now, usegmt=True))])
        else:
            answer(conn, request)

    with Upstream(ahead) as up:
        ps = serve(penstock, up)
        assert ps.post("/v1/messages", MESSAGES).status == 200
        assert len(up.requests) == 2


@pytest.mark.parametrize("status,name,message,want", [
    (400, "ValidationException", "Input is too long for requested model.",
     400),
    (400, "ValidationException", "messages: bad", 400),
    (403, "UnrecognizedClientException", "The security token is invalid.",
     502),
    (429, "ThrottlingException", "Too many requests", 429),
    (404, "ResourceNotFoundException", "no such model", 502),
])
def test_errors(penstock, status, name, message, want):
    with Upstream(lambda c, r: refuse(c, status, name, message)) as up:
        ps = serve(penstock, up)
        got = ps.post("/v1/messages", MESSAGES)
        assert got.status == want, got.body
        assert got.json()["type"] == "error"


def test_an_exception_in_the_stream_is_tried_again(penstock):
    tries = []

    def first_fails(conn, request):
        tries.append(request)
        if len(tries) > 1:
            answer(conn, request)
            return
        conn.head(200, "application/vnd.amazon.eventstream")
        conn.chunk(STREAM[0] + frame("internalServerException",
                                     {"message": "no"}, "exception"))
        conn.end()

    with Upstream(first_fails) as up:
        ps = serve(penstock, up)
        got = ps.post("/v1/messages", {**MESSAGES, "stream": True})
        assert got.status == 200 and b"message_stop" in got.body
        assert len(tries) == 2


def test_one_after_content_is_told(penstock):
    def cut(conn, request):
        conn.head(200, "application/vnd.amazon.eventstream")
        conn.chunk(STREAM[0] + delta(0, text="par") + frame(
            "modelStreamErrorException", {"message": "it broke"},
            "exception"))
        conn.end()

    with Upstream(cut) as up:
        ps = serve(penstock, up)
        with pytest.raises(http.client.IncompleteRead) as cut_off:
            ps.post("/v1/messages", {**MESSAGES, "stream": True})
        body = cut_off.value.partial
        assert b"par" in body and b"event: error" in body
        assert b"message_stop" not in body


def test_the_region_makes_the_url(cli, tmp_path):
    conf = tmp_path / "penstock.conf"
    conf.write_text('provider "aws" { plugin = "bedrock", keys = { env "K" } }\n'
                    'model "m" { "aws/x" }\n')
    got = cli("check", str(conf), env={"K": "k"})
    assert got.returncode == 1
    assert "settings.region" in got.stdout + got.stderr
    conf.write_text(conf.read_text().replace(
        "keys", 'settings = { region = "eu-central-1" }, keys'))
    got = cli("check", str(conf), env={"K": "k"})
    assert got.returncode == 0, got.stdout + got.stderr

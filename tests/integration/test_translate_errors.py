# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""What goes wrong at a provider of the other dialect: the client's own SDK
raises the error that belongs to it, no broken stream ends clean, and before
content the next target serves."""
import http.client
import json

import pytest

from conftest import Instance
from test_translate import CONF, COMPLETION, MESSAGE, USER, events, plain, \
    chunk, tail, text_stream
from upstream import SHARED, Upstream

PATHS = {"chat": "/v1/chat/completions", "messages": "/v1/messages"}
MODELS = {"chat": "claude", "messages": "gpt"}
# Errors that only a stream can have, one for each dialect that may say it.
EVENTS = {
    "messages": b'data: {"error":{"message":"overloaded","code":503}}\n\n',
    "chat": b'event: error\ndata: {"type":"error","error":{"type":'
            b'"overloaded_error","message":"Overloaded"}}\n\n',
}
STREAMS = {
    "messages": plain(chunk(role="assistant", content="one "),
                      chunk(content="two"), chunk("stop"), tail()),
    "chat": text_stream("one ", "two"),
}


class Script(Upstream):
    """Answers on the bad path with `shape`, on the other with what is good."""

    def __init__(self, bad):
        super().__init__(self._answer)
        self.bad, self.shape = bad, {}

    def _answer(self, conn, request):
        path = request.path.partition("?")[0]
        if path != self.bad:
            conn.answer(MESSAGE if path == "/v1/messages" else COMPLETION)
            return
        r = self.shape["response"]
        body = r.get("body") or ""
        body = body if isinstance(body, str) else json.dumps(body)
        extra = [(k, v) for k, v in r["headers"].items() if k.lower() not in
                 ("content-type", "content-length", "transfer-encoding")]
        conn.head(r["status"], r["headers"].get("content-type",
                                                "application/json"),
                  None, extra)
        if body:
            conn.chunk(body)
        if self.shape.get("close_without_end"):
            conn.close()
        conn.end()


def ask(p, client, model, stream=False):
    """status, headers, body, did it end cleanly?"""
    c = http.client.HTTPConnection("127.0.0.1", p.port, timeout=30)
    try:
        c.request("POST", PATHS[client], json.dumps({
            "model": model, "max_tokens": 40, "messages": USER,
            "stream": stream}), {"content-type": "application/json"})
        r = c.getresponse()
        head = {k.lower(): v for k, v in r.getheaders()}
        try:
            return r.status, head, r.read(), True
        except http.client.IncompleteRead as e:
            return r.status, head, e.partial, False
    finally:
        c.close()


def shapes(client):
    """The written answers of providers that do not speak its dialect."""
    mine = ("anthropic.messages",) if client == "chat" else None
    for f in sorted((SHARED / "vectors" / "error-shapes").glob("*.json")):
        d = json.loads(f.read_text())
        api = d["api"]
        if api == "any" or (api in mine if mine else api.endswith(".chat")
                            and not api.startswith(("ollama", "bedrock"))):
            yield d


def typed(client, status, head, body):
    """The error of the client's dialect; its type goes with its status."""
    error = json.loads(body)
    if client == "messages":
        assert error["type"] == "error"
        assert error["request_id"] == head["request-id"]
        kind = error["error"]["type"]
        want = {400: "invalid_request_error", 402: "billing_error",
                413: "request_too_large", 429: "rate_limit_error",
                502: "api_error", 504: "timeout_error",
                529: "overloaded_error"}
        assert kind == want[status], (status, kind)
    else:
        assert set(error["error"]) >= {"message", "type", "code", "param"}
        kind = error["error"]["type"]
        assert (kind == "server_error") == (status >= 500), (status, kind)
    assert error["error"]["message"]


def ended(client, body):
    return body.rstrip().endswith(
        b"[DONE]" if client == "chat" else b'"message_stop"}')


@pytest.mark.parametrize("client", ["chat", "messages"])
def test_written_shapes(client):
    """Whole answers: an error and its type. Streams: content that came, then
    an error, and never an end. With a second target: its answer instead."""
    found = list(shapes(client))
    if not found:
        pytest.skip("skipped: no vectors")
    other = "messages" if client == "chat" else "chat"
    with Script(PATHS[other]) as up:
        for x in found:     # one each: what failed before is avoided
            up.shape = x
            p = Instance(CONF.format(url=up.url[:-3], more=""))
            try:
                p.wait_ready()
                check_shape(p, client, x)
            finally:
                said = p.close()
            assert said is None


def check_shape(p, client, x):
    status, head, body, clean = ask(p, client, MODELS[client], x["stream"])
    if status != 200:
        typed(client, status, head, body)
        assert status not in (401, 403, 404), x["id"]
    else:
        assert x["stream"], x["id"]
        assert not ended(client, body), (x["id"], body)
        assert b'"error"' in body, (x["id"], body)
        assert not clean or client == "messages", x["id"]


@pytest.mark.parametrize("where", ["first", "middle", "last"])
@pytest.mark.parametrize("client", ["chat", "messages"])
def test_error_event(penstock, client, where):
    """An error where a stream may have one: failover before content, after
    it an error of the client's dialect and no end."""
    other = "messages" if client == "chat" else "chat"
    parts = [e + b"\n\n" for e in STREAMS[client].split(b"\n\n") if e]
    at = {"first": 0, "middle": 4 if client == "chat" else 2,
          "last": len(parts) - 1}[where]
    body = b"".join(parts[:at]) + EVENTS[client]
    with Script(PATHS[other]) as up:
        up.shape = {"response": {
            "status": 200, "body": body.decode(),
            "headers": {"content-type": "text/event-stream"}}}
        p = penstock(CONF.format(url=up.url[:-3], more="""
model "pair" { "an/claude-sonnet-5-5", "oa/gpt-6-luna" }
model "back" { "oa/gpt-6-luna", "an/claude-sonnet-5-5" }"""))
        model = "pair" if client == "chat" else "back"
        status, _, got, _ = ask(p, client, model, True)
        if where == "first":
            assert status == 200 and b"hi there" in got
            status, head, got, _ = ask(p, client, MODELS[client], True)
            assert status == (503 if client == "chat" else 529), got
            typed(client, status, head, got)
            return
        assert status == 200
        assert not ended(client, got), got
        assert b"hi there" not in got
        text = got.decode()
        if client == "chat":
            data = [e for _, e in events(type("A", (), {"body": got}))]
            assert data[-1]["error"]["message"] and "one " in text
        else:
            name, last = events(type("A", (), {"body": got}))[-1]
            assert name == "error" and last["error"]["type"] in (
                "overloaded_error", "api_error")

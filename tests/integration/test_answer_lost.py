# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""What of an answer the client's dialect has no place for is said: in the
head of a whole answer, in a comment of a stream (but not to Google's clients,
who read none), in the access line, by `explain` and in a counter."""
import hashlib
import importlib.util
import json

import pytest

from conftest import Instance, wait_for
from sdks import PACKAGES, Clients
from test_ledger import metric
from test_output import KEY
from test_translate import COMPLETION, chunk, plain, tail
from upstream import Upstream

CONF = """
metrics "127.0.0.1:0"
provider "oa" {{ vendor = "openai-compatible", base_url = "{url}/v1",
  keys = {{ env("UNSET", "k") }}, retries = {{ attempts = 1 }} }}
provider "go" {{ vendor = "gemini", base_url = "{url}",
  keys = {{ env("UNSET", "k") }}, retries = {{ attempts = 1 }} }}
{more}
"""
PNG = "data:image/png;base64,iVBORw0KGgo="
SPEECH = {"id": "a", "data": "QUJD", "transcript": "hi", "expires_at": 1}
IMAGE = [{"type": "image_url", "image_url": {"url": PNG}}]
CODE = {"executableCode": {"language": "PYTHON", "code": "1"}}
TEXT = "hi there"
PATHS = {"chat": "/v1/chat/completions", "messages": "/v1/messages",
         "responses": "/v1/responses",
         "gemini": "/v1beta/models/{model}:{verb}"}
MODELS = {"chat": "go/gemini-2.5-flash", "messages": "oa/m",
          "responses": "oa/m", "gemini": "oa/m"}
# what each gets of a text, a picture, sound and code that was run
LOST = {"chat": "answer.server_tool_blocks",
        "messages": "answer.images, answer.audio, answer.fingerprint",
        "responses": "answer.audio, answer.fingerprint",
        "gemini": "answer.audio, answer.fingerprint"}
KINDS = pytest.mark.parametrize("kind", list(PATHS))
BOTH = pytest.mark.parametrize("stream", [False, True],
                               ids=["whole", "stream"])


class Rich(Upstream):
    """Two providers; `poor` ones say nothing but text."""

    def __init__(self):
        super().__init__(self._answer)
        self.poor = False

    def _chat(self, stream):
        more = {} if self.poor else {"system_fingerprint": "fp_1"}
        beside = {} if self.poor else {"images": IMAGE, "audio": SPEECH}
        if not stream:
            message = {"role": "assistant", "content": TEXT, **beside}
            return {**COMPLETION, **more, "choices": [
                {**COMPLETION["choices"][0], "message": message}]}
        return plain(chunk(content=TEXT[:3]), chunk(content=TEXT[3:]),
                     *([chunk(**beside)] if beside else []),
                     {**chunk("stop"), **more}, tail())

    def _gemini(self, stream):
        parts = [{"text": TEXT}, *([] if self.poor else [CODE])]
        whole = {"candidates": [{
            "index": 0, "finishReason": "STOP",
            "content": {"role": "model", "parts": parts}}],
            "usageMetadata": {"promptTokenCount": 9,
                              "candidatesTokenCount": 3}}
        return plain(whole, done=False) if stream else whole

    def _answer(self, conn, request):
        google = "generateContent" in request.path.replace("stream", "") or \
            "GenerateContent" in request.path
        stream = "streamGenerate" in request.path if google else \
            request.json().get("stream")
        said = self._gemini(stream) if google else self._chat(stream)
        if not stream:
            conn.answer(said)
            return
        conn.head(200, "text/event-stream")
        conn.chunk(said)
        conn.end()


@pytest.fixture(scope="module")
def up():
    with Rich() as u:
        yield u


@pytest.fixture(scope="module")
def gateway(up):
    p = Instance(CONF.format(url=up.url[:-3], more=""))
    p.wait_ready()
    yield p
    assert not p.close()


@pytest.fixture
def poor(up):
    up.poor = True
    yield
    up.poor = False


def ask(p, kind, stream, more=None, **kw):
    messages = [{"role": "user", "content": "hello"}]
    bodies = {"chat": {"messages": messages},
              "messages": {"messages": messages, "max_tokens": 99},
              "responses": {"input": "hello"},
              "gemini": {"contents": [{"role": "user",
                                       "parts": [{"text": "hello"}]}]}}
    path = PATHS[kind].format(model=MODELS[kind], verb=(
        "streamGenerateContent?alt=sse" if stream else "generateContent"))
    body = {**bodies[kind], **(more or {})}
    if kind != "gemini":
        body.update(model=MODELS[kind], stream=stream)
    a = p.post(path, body, **kw)
    assert a.status == 200, a.body
    return a


def line_of(p, answer):
    name = "x-request-id" if "x-request-id" in answer.headers else \
        "request-id"
    request = answer.headers[name]
    return wait_for(lambda: [e for e in p.logs("request")
                             if e["id"] == request],
                    why="the access line")[0]


def comments(answer):
    return [x for x in answer.body.decode().splitlines()
            if x.startswith(": penstock")]


def counted(p, kind):
    """By what was lost, of the provider that the client is on."""
    provider = MODELS[kind].partition("/")[0]
    all_ = metric(p, "penstock_answer_lost_total")
    return {w: all_.get('penstock_answer_lost_total{provider="%s",what="%s"}'
                        % (provider, w), 0) for w in LOST[kind].split(", ")}


@KINDS
@BOTH
def test_it_is_said(gateway, kind, stream):
    p, before = gateway, counted(gateway, kind)
    a = ask(p, kind, stream)
    line = line_of(p, a)
    assert TEXT[3:] in a.body.decode()
    assert line["dropped"] == LOST[kind]
    if not stream:
        assert a.headers["x-penstock-dropped"] == LOST[kind]
    elif kind == "gemini":
        assert comments(a) == []
    else:
        assert comments(a) == [f": penstock dropped {LOST[kind]}"]
        last = a.body.decode().rstrip().split("\n\n")[-1]
        assert not last.startswith(":")  # a comment before the end
    assert LOST[kind] in p.cli("explain", line["id"]).stdout
    assert counted(p, kind) == {w: n + 1 for w, n in before.items()}


@KINDS
@BOTH
def test_nothing_is_said_of_nothing(gateway, poor, kind, stream):
    p, before = gateway, metric(gateway, "penstock_answer_lost_total")
    a = ask(p, kind, stream)
    assert "x-penstock-dropped" not in a.headers and not comments(a)
    assert "dropped" not in line_of(p, a)
    assert metric(p, "penstock_answer_lost_total") == before


def test_behind_what_the_request_lost(gateway):
    p = gateway
    a = ask(p, "messages", False, more={"top_k": 3})
    both = "top_k, " + LOST["messages"]
    assert a.headers["x-penstock-dropped"] == both
    assert line_of(p, a)["dropped"] == both
    a = ask(p, "messages", True, more={"top_k": 3})
    assert a.headers["x-penstock-dropped"] == "top_k"
    assert line_of(p, a)["dropped"] == both


def test_an_answer_is_not_refused(penstock, up):
    """It is paid for; `lossy` is about what is asked."""
    p = penstock(CONF.format(
        url=up.url[:-3], more='endpoint "messages" { lossy = "refuse" }'))
    assert ask(p, "messages", False).headers["x-penstock-dropped"] == \
        LOST["messages"]


def test_native_goes_as_it_is(gateway, monkeypatch):
    monkeypatch.setitem(MODELS, "chat", "oa/m")
    a, s = ask(gateway, "chat", False), ask(gateway, "chat", True)
    assert "x-penstock-dropped" not in a.headers and not comments(s)
    assert a.json()["choices"][0]["message"]["audio"] == SPEECH


def test_pictures_arrive(gateway):
    p = gateway
    part = ask(p, "gemini", False).json()["candidates"][0]["content"][
        "parts"][1]
    assert part == {"inlineData": {"mimeType": "image/png",
                                   "data": PNG.partition(",")[2]}}
    item = ask(p, "responses", False).json()["output"][1]
    assert item["type"] == "image_generation_call"
    assert item["result"] == PNG.partition(",")[2]


def test_under_a_policy_that_looks_at_text(penstock, up, tmp_path):
    (tmp_path / "shout.lua").write_text(
        'local M = { api = 1, window = { hold = 4 } }\n'
        'function M.output(req, conf, w) w:replace("there", "THERE") end\n'
        'return M\n')
    sha = hashlib.sha256(KEY.encode()).hexdigest()
    p = penstock(CONF.format(url=up.url[:-3], more=(
        f'policy_path "{tmp_path}"\nkey "ci" {{ sha256 = "{sha}" }}\n'
        'policies { "auth", "shout", "route" }')))
    for kind in ("chat", "messages", "responses"):
        a = ask(p, kind, True, headers={"authorization": f"Bearer {KEY}"})
        assert "THERE" in a.body.decode()
        assert comments(a) == [f": penstock dropped {LOST[kind]}"]


@KINDS
@BOTH
def test_sdks_read_past_it(gateway, kind, stream):
    if not importlib.util.find_spec(PACKAGES[kind].partition(".")[0]):
        pytest.skip(f"skipped: no {PACKAGES[kind]} package")
    with Clients(gateway.url) as c:
        got = c.ask(kind, MODELS[kind], stream)
    assert json.dumps(got).count(TEXT) == 1

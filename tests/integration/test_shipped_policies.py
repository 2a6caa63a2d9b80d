# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""The shipped policies in a running gateway, streamed and not, in the dialects
of OpenAI and Anthropic."""
import hashlib
import json
import os
import subprocess
import time

import pytest

from conftest import PENSTOCK, wait_for
from upstream import Upstream

EMAIL, CARD = "ann.b@example.org", "4111 1111 1111 1111"
KEY = b"sk-shipped"
DIALECTS = ["openai", "anthropic"]
CONFIG = """
server {{ workers = 1 }}
{more}
provider "o" {{ vendor = "openai-compatible", base_url = "{up}",
               keys = {{ env("UNSET", "ka") }} }}
provider "a" {{ vendor = "anthropic", base_url = "{up}",
               keys = {{ env("UNSET", "ka") }} }}
key "ci" {{ sha256 = "{sha}" }}
model "openai" {{ "o/m" }}
model "anthropic" {{ "a/m" }}
policies {{ {policies} }}
"""


class Model(Upstream):
    """Says self.say (or self.call, as arguments of a call) in the dialect that
    it is asked in, a stream in pieces of self.size characters."""

    def __init__(self):
        super().__init__(self._answer)
        self.say, self.call, self.size = "hello", None, 3

    def _answer(self, conn, request):
        anthropic = request.path.endswith("/messages")
        stream = request.json().get("stream")
        text = self.call or self.say
        pieces = [text[i:i + self.size] for i in
                  range(0, len(text), self.size)]
        make = (self._anthropic if anthropic else self._openai)
        answer = make(text, pieces if stream else None)
        if stream:
            conn.answer("".join(answer), 200, "text/event-stream")
        else:
            conn.answer(answer)

    def _openai(self, text, pieces):
        call = {"id": "t", "type": "function", "function": {"name": "f"}}
        base = {"id": "c", "created": 7, "model": "m"}

        def of(piece):
            return {"tool_calls": [{"index": 0, "function":
                                    {"arguments": piece}}]} \
                if self.call else {"content": piece}

        def event(delta, reason=None):
            return "data: " + json.dumps({
                **base, "object": "chat.completion.chunk", "choices": [
                    {"index": 0, "delta": delta, "finish_reason": reason}]}) \
                + "\n\n"

        end = "tool_calls" if self.call else "stop"
        if pieces is None:
            call["function"]["arguments"] = text
            message = {"role": "assistant", "content": None,
                       "tool_calls": [call]} if self.call else \
                {"role": "assistant", "content": text}
            return {**base, "object": "chat.completion", "choices": [
                {"index": 0, "message": message, "finish_reason": end}]}
        first = {"role": "assistant"}
        if self.call:
            call["function"]["arguments"] = ""
            first["tool_calls"] = [{"index": 0, **call}]
        return [event(first), *(event(of(p)) for p in pieces),
                event({}, end), "data: [DONE]\n\n"]

    def _anthropic(self, text, pieces):
        end = "tool_use" if self.call else "end_turn"
        use = {"type": "tool_use", "id": "t", "name": "f"}
        whole = {"id": "msg_1", "type": "message", "role": "assistant",
                 "model": "m", "stop_reason": end, "stop_sequence": None,
                 "usage": {"input_tokens": 3, "output_tokens": 2}}
        if pieces is None:
            block = {**use, "input": json.loads(text)} if self.call else \
                {"type": "text", "text": text}
            return {**whole, "content": [block]}
        kind = ("input_json_delta", "partial_json") if self.call else \
            ("text_delta", "text")
        events = [
            {"type": "message_start",
             "message": {**whole, "content": [], "stop_reason": None}},
            {"type": "content_block_start", "index": 0, "content_block":
                {**use, "input": {}} if self.call
                else {"type": "text", "text": ""}}]
        events += [{"type": "content_block_delta", "index": 0,
                    "delta": {"type": kind[0], kind[1]: p}} for p in pieces]
        events += [{"type": "content_block_stop", "index": 0},
                   {"type": "message_delta", "delta": {"stop_reason": end},
                    "usage": {"output_tokens": 2}},
                   {"type": "message_stop"}]
        return [f"event: {e['type']}\ndata: {json.dumps(e)}\n\n"
                for e in events]


def start(penstock, up, policies, more=""):
    return penstock(CONFIG.format(up=up.url, policies=policies, more=more,
                                  sha=hashlib.sha256(KEY).hexdigest()))


def ask(p, dialect, stream, *texts, headers=None):
    body = {"model": dialect, "max_tokens": 99, "stream": stream,
            "messages": [{"role": "user", "content": t} for t in texts]}
    path = "/v1/messages" if dialect == "anthropic" else "/v1/chat/completions"
    head = {"anthropic-version": "2023-06-01"} \
        if dialect == "anthropic" else {}
    head["authorization"] = f"Bearer {KEY.decode()}"
    return p.post(path, body, headers={**head, **(headers or {})})


def events(answer):
    return [json.loads(line[6:]) for line in answer.body.decode().split("\n")
            if line.startswith("data: ") and line != "data: [DONE]"]


def said(answer, dialect, stream):
    """Text and arguments that a client joins, and the reason of the end."""
    if not stream and dialect == "openai":
        choice = answer.json()["choices"][0]
        m = choice["message"]
        calls = m.get("tool_calls") or []
        return (m["content"] or "") + "".join(
            c["function"]["arguments"] for c in calls), \
            choice["finish_reason"]
    if not stream:
        got = answer.json()
        return "".join(b["text"] if b["type"] == "text" else
                       json.dumps(b["input"]) for b in got["content"]), \
            got["stop_reason"]
    text, end = "", None
    for e in events(answer):
        if dialect == "openai":
            for c in e["choices"]:
                text += c["delta"].get("content") or ""
                for t in c["delta"].get("tool_calls", []):
                    text += t["function"].get("arguments", "")
                end = c["finish_reason"] or end
        elif e["type"] == "content_block_delta":
            text += e["delta"].get("text", e["delta"].get("partial_json", ""))
        elif e["type"] == "message_delta":
            end = e["delta"]["stop_reason"]
    return text, end


@pytest.fixture
def model():
    with Model() as up:
        yield up
        assert not up.errors


# ---- pii ---------------------------------------------------------------

@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("stream", [False, True])
def test_pii(penstock, model, dialect, stream):
    """The provider never has it, the client does, and nothing is logged."""
    p = start(penstock, model, '"auth", "pii", "route"')
    model.say = "To [EMAIL_1] with [CARD_1]; not [EMAIL_2], not [X]."
    want = f"To {EMAIL} with {CARD}; not [EMAIL_2], not [X]."
    for model.size in (1, 2, 3, 5, 7, 50):
        answer = ask(p, dialect, stream, f"I am {EMAIL}", f"{EMAIL}: {CARD}")
        assert answer.status == 200
        assert said(answer, dialect, stream)[0] == want, model.size
        sent = model.requests[-1].json()["messages"]
        assert [m["content"] for m in sent] == \
            ["I am [EMAIL_1]", "[EMAIL_1]: [CARD_1]"]
    model.size, model.call = 4, '{"to": "[EMAIL_1]"}'
    text, end = said(ask(p, dialect, stream, EMAIL), dialect, stream)
    assert json.loads(text) == {"to": EMAIL}
    assert end == ("tool_use" if dialect == "anthropic" else "tool_calls")
    # another request's placeholders are its own
    model.call, model.say = None, "[EMAIL_1]"
    got = said(ask(p, dialect, stream, "b@example.org"), dialect, stream)[0]
    assert got == "b@example.org"
    got = said(ask(p, dialect, stream, "nobody"), dialect, stream)[0]
    assert got == "[EMAIL_1]"
    wait_for(lambda: len(p.logs("request")) == 9, why="nine lines")
    assert EMAIL not in p.stderr() and CARD not in p.stderr()


def test_pii_observes(penstock, model):
    p = start(penstock, model, '"auth", { "pii", mode = "observe" }, "route"')
    model.say = f"{EMAIL} [EMAIL_1]"
    answer = ask(p, "openai", True, EMAIL)
    assert said(answer, "openai", True)[0] == model.say
    assert model.requests[0].json()["messages"][0]["content"] == EMAIL
    notes = wait_for(lambda: p.logs("request"), why="a line")[0]["notes"]
    assert any("would replace text" in n for n in notes), notes


# ---- block -------------------------------------------------------------

BLOCK = '''"auth", {{ "block", conf = {{ patterns = {{ [[\\bblue\\W*bird]] }},
        outputs = true, text = "No.", action = "{0}" }} }}, "route"'''


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("stream", [False, True])
def test_block(penstock, model, dialect, stream):
    p = start(penstock, model, BLOCK.format("deny"))
    answer = ask(p, dialect, stream, "the Blue-Bird plans")
    assert answer.status == 422 and not model.requests
    assert answer.json()["error"]["message"] == "No."
    assert said(ask(p, dialect, stream, "a bird"), dialect,
                stream)[0] == "hello"
    model.say = "it is called blue bird and so on"
    for model.size in (1, 4, 9):
        text, end = said(ask(p, dialect, stream, "its name?"), dialect, stream)
        assert "bird" not in text
        assert end == ("refusal" if dialect == "anthropic"
                       else "content_filter")


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("stream", [False, True])
def test_block_answers(penstock, model, dialect, stream):
    p = start(penstock, model, BLOCK.format("answer"))
    answer = ask(p, dialect, stream, "bluebird")
    assert answer.status == 200 and not model.requests
    assert said(answer, dialect, stream)[0] == "No."


def test_block_observes(penstock, model):
    p = start(penstock, model, BLOCK.format("observe"))
    model.say = "blue bird"
    assert said(ask(p, "openai", False, "bluebird"), "openai",
                False)[0] == "blue bird"
    notes = wait_for(lambda: p.logs("request"), why="a line")[0]["notes"]
    assert notes == ["block: prompt matches pattern 1",
                     "block: answer matches pattern 1"]


# ---- ip ----------------------------------------------------------------

@pytest.mark.parametrize("dialect", DIALECTS)
def test_ip(penstock, model, dialect):
    conf = '{ "ip", conf = { allow = { "10.0.0.0/8", "fd00::/8" },' \
           ' deny = { "10.9.0.0/16" } } }, "auth", "route"'
    p = start(penstock, model, conf,
              'listen "127.0.0.1:0" { trusted_proxies = { "127.0.0.1" } }')
    for ip, status in (("10.1.2.3", 200), ("fd00::1", 200),
                       ("::ffff:10.1.2.3", 200), ("10.9.2.3", 403),
                       ("::ffff:10.9.2.3", 403), ("203.0.113.7", 403),
                       ("2001:db8::1", 403)):
        for stream in (False, True):
            answer = ask(p, dialect, stream, "hi",
                         headers={"x-forwarded-for": ip})
            assert answer.status == status, (ip, answer.body)
    # a proxy that nobody named is a client like any other
    p = start(penstock, model, conf)
    answer = ask(p, dialect, False, "hi",
                 headers={"x-forwarded-for": "10.1.2.3"})
    assert answer.status == 403


def test_ip_is_checked(tmp_path):
    file = tmp_path / "penstock.conf"
    file.write_text('provider "sim"\npolicies { { "ip", conf = {'
                    ' allow = { "10.0.0.0/33" } } } }')
    got = subprocess.run([PENSTOCK, "check", str(file)], capture_output=True,
                         text=True, timeout=30, env={
                             **os.environ, "PENSTOCK_STATE": str(tmp_path)})
    assert got.returncode != 0
    assert "conf.allow[1]: '10.0.0.0/33' is no network" in got.stderr


# ---- ext_auth ----------------------------------------------------------

class Auth(Upstream):
    def __init__(self):
        super().__init__(self._answer)
        self.status = 200

    def _answer(self, conn, request):
        known = request.json()["credential"] == "sk-ann"
        conn.answer({"id": "ann", "models": ["openai", "anthropic"],
                     "team": None, "other": 1} if known else {},
                    self.status if known or self.status != 200 else 401)


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("stream", [False, True])
def test_ext_auth(penstock, model, dialect, stream):
    with Auth() as auth:
        p = start(penstock, model,
                  '{ "ext_auth", conf = { ttl = 1 } }, "route"',
                  f'service "auth" {{ url = "{auth.url}", timeout = "1s" }}')

        def status(key):
            return ask(p, dialect, stream, "hi",
                       headers={"authorization": f"Bearer {key}"}).status

        assert [status("sk-ann") for _ in range(3)] == [200] * 3
        assert [status("sk-eve") for _ in range(3)] == [401] * 3
        assert [r.path for r in auth.requests] == ["/v1/verify"] * 2
        line = wait_for(lambda: p.logs("request"), why="a line")[0]
        assert line["principal"] == "ann"
        auth.status = 500                       # ann's verdict is still kept
        assert status("sk-bob") == 503
        time.sleep(1.2)
        assert status("sk-ann") == 503          # fail closed
        auth.status = 200
        assert status("sk-ann") == 200
        assert "sk-ann" not in p.stderr()
        assert hashlib.sha256(b"sk-ann").hexdigest() not in p.stderr()

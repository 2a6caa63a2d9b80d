# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""Recorded answers of every provider, put together by every official package
of PyPI: the same text, thoughts, tool calls, end and usage through the
gateway as the provider's own SDK gets without it, however the provider's
bytes were cut. PENSTOCK_LONG=1 takes every recording in every cut, else a few
of each dialect in one."""
import functools
import importlib.util
import json
import os

import pytest

import assembled
from sdks import KINDS, PACKAGES, Clients, body_bytes, of_response
from test_translate_recordings import apart, is_error
from upstream import SHARED, Upstream, same

FEW = 8
LONG = os.environ.get("PENSTOCK_LONG") == "1"
CONF = """
provider "chat" {{ vendor = "openai-compatible", base_url = "{url}/v1",
  quirks = {{ responses = "none" }}, {key} }}
provider "messages" {{ vendor = "anthropic-compatible", base_url = "{url}",
  {key} }}
provider "responses" {{ vendor = "openai-compatible", base_url = "{url}/v1",
  quirks = {{ responses = "native", responses_only = {{ "*" }} }}, {key} }}
provider "gemini" {{ vendor = "gemini", base_url = "{url}", {key} }}
provider "converse" {{ plugin = "bedrock", base_url = "{url}", {key},
  settings = {{ region = "eu-west-1" }} }}
"""
KEY = 'keys = { env("UNSET", "k") }, retries = { attempts = 1 }'

# What the provider's own SDK cannot put together, so that it is read from
# the bytes: content as a list, elements without an index, an end before the
# answer's own.
BEYOND = {
    "mistral-chat-s200-8a554c4501", "openrouter-chat-s200-c1a8d5b80d",
    "perplexity-chat-s200-f50a209c01", "vllm-chat-s200-afd4afaa72",
    "bedrock-mantle-openai-responses-s200-2c640308fb",
}


def family(x):
    """Which SDK a recording's provider is asked with; None: no SDK is."""
    api = x["api"]
    if api in ("bedrock.converse", "bedrock.converse-stream"):
        return "converse"
    if api.split(".")[-1] in ("generateContent", "streamGenerateContent"):
        return "gemini"
    if api.endswith(".responses"):
        return "responses"
    if api.endswith((".messages", "awPredict")):
        return "messages"
    if api.endswith(".chat") and api not in ("cohere.chat", "ollama.chat",
                                             "watsonx.chat"):
        return "chat"
    return None


@functools.cache
def everything():
    return [json.loads(f.read_text())
            for f in sorted((SHARED / "wire").glob("*/*/*.json"))]


def all_of(kind):
    """Without the answers whose words are numbers, because a client of
    another kind asked for that."""
    found = [x for x in everything() if family(x) == kind and not is_error(x) and
             "enum-encoding=int" not in (x["request"].get("query") or "")]
    if not found:
        pytest.skip("skipped: no recordings")
    return found


def few(found):
    """Those that show most, of one API and way of answering each, if not
    all are asked for."""
    if LONG:
        return found
    seen = {}
    for x in found:
        seen.setdefault((x["api"], x["stream"]), []).append(x)
    most = [max(group, key=shows) for group in seen.values()]
    return sorted(most, key=shows)[-FEW:]


def shows(x):
    return len(x["features"]), x["id"]


class Play(Upstream):
    """Answers every request with the exchange at hand, cut to `size`."""

    def __init__(self, size):
        super().__init__(self._answer)
        self.size, self.x = size, None

    def _answer(self, conn, request):
        body, kind = as_asked(self.x)
        conn.head(self.x["response"]["status"], kind)
        step = self.size or len(body) or 1
        for i in range(0, len(body), step):
            conn.chunk(body[i:i + step])
        conn.end()

    @property
    def root(self):
        return self.url[:-3]


def as_asked(x):
    """An array of JSON, which neither an SDK nor the gateway asks Google
    for, as the events that they do ask for."""
    body = body_bytes(x)
    if not x["stream"]:
        return body, "application/json"
    if family(x) == "converse":
        return body, "application/vnd.amazon.eventstream"
    if family(x) == "gemini" and body.lstrip()[:1] == b"[":
        body = b"".join(b"data: %s\r\n\r\n" % json.dumps(e).encode()
                        for e in json.loads(body))
    return body, "text/event-stream"


def needs(kind):
    package = PACKAGES[kind]
    try:
        found = importlib.util.find_spec(package)
    except ModuleNotFoundError:
        found = None
    if not found:
        pytest.skip(f"skipped: no {package}")


def directly(direct, kind, x):
    """What the provider's own SDK makes of the answer."""
    if x["id"] not in BEYOND:
        return apart(direct.ask(kind, "m", x["stream"]))
    body = as_asked(x)[0].decode()
    if kind == "chat":
        return apart(assembled.chat_stream(body))
    from openai.types.responses import Response
    last = json.loads(assembled.events(body)[-1])
    return of_response(Response.construct(**last["response"]))


def differences(got, want, stream):
    """What is not the same, but for what nobody can say better: a blocked
    answer has no text but a refusal's, and arguments that a limit cut are
    no object yet when a stream has to tell them."""
    want = dict(want)
    if want["end"] == "filter" and not want["text"]:
        want["text"] = None
    if want["end"] == "length" and stream and want["calls"]:
        assert [n for n, _ in got["calls"]] == [n for n, _ in want["calls"]]
        want["calls"] = None
    return [(k, got[k], want[k]) for k in want
            if want[k] is not None and not same(got[k], want[k])]


@pytest.mark.parametrize("size", [0, 7, 1] if LONG else [7])
@pytest.mark.parametrize("kind", PACKAGES)
def test_answers(penstock, kind, size):
    """`kind`: what the recorded provider speaks."""
    needs(kind)
    wrong = []
    with Play(size) as up, Clients(up.root) as direct:
        p = penstock(CONF.format(url=up.root, key=KEY))
        with Clients(p.url) as through:
            for x in few(all_of(kind)):
                up.x = x
                want = directly(direct, kind, x)
                for client in KINDS:
                    wrong += compare(through, client, kind, x, want)
    assert not wrong, "\n".join(map(repr, wrong))


def compare(through, client, kind, x, want):
    wrong = []
    if client == "messages" and kind in ("chat", "responses") and \
            "refusal" in x["features"]:
        want = {**want, "end": "filter"}    # OpenAI's says so in the text
    for stream in [True] if x["stream"] else [False, True]:
        if client == kind and (stream != x["stream"] or x["id"] in BEYOND):
            continue            # as it came
        try:
            got = apart(through.ask(client, kind + "/m", stream))
        except Exception as e:      # all of them, not the first
            wrong.append((x["id"], client, stream, repr(e)))
            continue
        wrong += [(x["id"], client, stream, *d)
                  for d in differences(got, want, stream)]
    return wrong


def status_of(clients, client, model, stream):
    """What the SDK raises, as a number; 200 where it raises nothing."""
    try:
        clients.ask(client, model, stream)
    except Exception as e:
        return getattr(e, "status_code", None) or getattr(e, "code", None) \
            or e
    return 200


def expected(x, native):
    """A refused key is the gateway's, and no caller's fault. In another
    dialect the error's own word says the status."""
    status, body = x["response"]["status"], str(x["response"]["body"])
    if status in (401, 403) or "API_KEY_INVALID" in body:
        return 502
    if not native and "model_not_found" in body:
        return 404
    if not native and status == 404 and "invalid_request_error" in body:
        return 400
    return status


@pytest.mark.parametrize("kind", KINDS)
def test_errors(penstock, kind):
    """Every recorded error, as an error of the same number by each SDK."""
    found = [x for x in everything() if family(x) == kind and
             x["response"]["status"] >= 400]
    if not found:
        pytest.skip("skipped: no recordings")
    needs(kind)
    wrong = []
    with Play(0) as up, Clients(up.root) as direct:
        p = penstock(CONF.format(url=up.root, key=KEY))
        with Clients(p.url) as through:
            for x in found:
                up.x = dict(x, stream=False)
                want = x["response"]["status"]
                assert status_of(direct, kind, "m", False) == want
                for client in KINDS:
                    got = status_of(through, client, kind + "/m", False)
                    if got != expected(x, client == kind):
                        wrong.append((x["id"], client, got, want))
    assert not wrong, "\n".join(map(repr, wrong))

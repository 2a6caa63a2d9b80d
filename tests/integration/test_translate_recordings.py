# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""Every recorded chat and messages exchange through the gateway: the same
bytes where the provider speaks the client's dialect, the same meaning where
it does not, however the provider's bytes were cut; and what clients asked
for, in the other dialect, against the types of that dialect's own SDK."""
import http.client
import json
import typing

import pytest

import assembled
from conftest import Answer, wait_for
from test_replay import expected, instances, lines, ours
from upstream import SHARED, Replay, Upstream, same

PROVIDERS = """
provider "oa" {{ vendor = "openai-compatible", base_url = "{url}",
                 keys = {{ env("UNSET", "k") }}, retries = {{ attempts = 1 }} }}
provider "an" {{ vendor = "anthropic-compatible", base_url = "{host}",
                 keys = {{ env("UNSET", "k") }}, retries = {{ attempts = 1 }} }}
"""
OTHER_APIS = ("cohere.chat", "ollama.chat", "watsonx.chat")
# Writer took a tool's result without the id that OpenAI demands.
AGAINST_RULES = {"writer-chat-s200-6920d0bc4d"}
# Members of version 2023-06-01 that the newest types no longer have.
OLDER = {"temperature", "top_p", "top_k"}
USER = [{"role": "user", "content": "hello"}]


def dialect_of(api):
    if api.endswith(".messages") or api.endswith("awPredict"):
        return "an"
    return "oa" if api.endswith(".chat") and api not in OTHER_APIS else None


def all_of(dialect):
    found = []
    for f in sorted((SHARED / "wire").glob("*/*/*.json")):
        d = json.loads(f.read_text())
        if dialect_of(d["api"]) == dialect:
            found.append(d)
    if not found:
        pytest.skip("skipped: no recordings")
    return found


def providers(up):
    return PROVIDERS.format(url=up.url, host=up.url[:-3])


# ---- native ----------------------------------------------------------------

def named(got, recorded):
    """The edits made on purpose; Azure's and others' name is in the path."""
    got = ours(got, recorded)
    if "model" not in recorded:
        got.pop("model", None)
    return got


@pytest.mark.parametrize("size", [0, 7, 1])
def test_native_chat_of_every_provider(penstock, size):
    """What test_replay.py shows for OpenAI's own, for the compatible ones."""
    found = [x for x in all_of("oa") if x["api"] != "openai.chat"]
    assert len(found) > 80
    with Replay(found, size, named) as up:
        p, loose = instances(penstock, providers(up))
        for x in found:
            body = dict(x["request"]["body"])
            body["model"] = "oa/" + (body.get("model") or "m")
            a = get_all(loose if x["id"] in AGAINST_RULES else p, x, body)
            assert not up.missed, (x["id"], up.missed)
            check_native(x, a)
        wait_for(lambda: len(lines(p, loose)) == len(found),
                 why="a line for each")


def get_all(p, x, body):
    """The answer; an error in the stream is the last that comes of it."""
    c = p.connect(30)
    try:
        c.request("POST", "/v1/chat/completions", json.dumps(body), {
            "content-type": "application/json",
            "x-client-request-id": x["id"]})
        r = c.getresponse()
        try:
            a = Answer(r)
        except http.client.IncompleteRead as e:
            assert "mid_stream_error" in x["features"], x["id"]
            a = Answer.__new__(Answer)
            a.status, a.body = r.status, e.partial
        return a
    finally:
        c.close()


def check_native(x, a):
    recorded = x["response"]["status"]
    if recorded in (401, 403):              # the gateway's key, not the user's
        assert a.status == 502, x["id"]
    elif recorded == 429:
        assert a.status == 429, x["id"]
    elif recorded == 200:
        assert a.status == 200, (x["id"], a.body)
        if x["stream"] or x["fidelity"] == "wire":
            assert a.body.strip() == expected(x).strip(), x["id"]
        else:
            assert same(a.json(), json.loads(expected(x))), x["id"]
    else:
        assert a.status == recorded, (x["id"], a.body)


# ---- answers ---------------------------------------------------------------

class Play(Upstream):
    """Answers every request with the exchange at hand, cut to `size`."""

    def __init__(self, size):
        super().__init__(self._answer)
        self.size, self.x = size, None

    def _answer(self, conn, request):
        body = self.x["response"].get("body") or ""
        body = (body if isinstance(body, str) else json.dumps(body)).encode()
        conn.head(200, "text/event-stream" if self.x["stream"]
                  else "application/json")
        step = self.size or len(body) or 1
        for i in range(0, len(body), step):
            conn.chunk(body[i:i + step])
        conn.end()


def apart(answer):
    """Reasoning that a server left in the text, in tags at its start."""
    text = answer["text"] or ""
    if text.lstrip().startswith("<think>") and not answer["thoughts"]:
        thoughts, _, rest = text.lstrip()[7:].partition("</think>")
        answer["thoughts"], answer["text"] = thoughts, rest.lstrip()
    return answer


def directly(x):
    body = x["response"]["body"]
    if dialect_of(x["api"]) == "oa":
        said = apart(assembled.chat_stream(body) if x["stream"]
                     else assembled.chat_whole(json.loads(body)))
        if "refusal" in x["features"] and said["end"] == "end":
            said["end"] = "filter"      # stop_reason "refusal"
        return said
    return assembled.message_stream(body) if x["stream"] \
        else assembled.message_whole(json.loads(body))


def translated(p, x, stream):
    """The same answer as a client of the other dialect puts it together."""
    if dialect_of(x["api"]) == "oa":
        a = p.post("/v1/messages", {"model": "oa/m", "max_tokens": 5000,
                                    "messages": USER, "stream": stream},
                   timeout=30)
        assert a.status == 200, (x["id"], a.body)
        if stream:
            assert a.body.rstrip().endswith(b'{"type":"message_stop"}')
        return assembled.message_stream(a.body.decode()) if stream \
            else assembled.message_whole(a.json())
    a = p.post("/v1/chat/completions", {
        "model": "an/m", "messages": USER, "stream": stream,
        **({"stream_options": {"include_usage": True}} if stream else {})},
        timeout=30)
    assert a.status == 200, (x["id"], a.body)
    if stream:
        assert a.body.endswith(b"data: [DONE]\n\n"), x["id"]
    return assembled.chat_stream(a.body.decode()) if stream \
        else assembled.chat_whole(a.json())


def is_error(x):
    body = x["response"].get("body") or ""
    return x["response"]["status"] != 200 or not body or \
        not {"error_in_200", "mid_stream_error"}.isdisjoint(x["features"])


@pytest.mark.parametrize("size", [0, 7, 1])
@pytest.mark.parametrize("dialect", ["oa", "an"])
def test_answers_translated(penstock, dialect, size):
    found = [x for x in all_of(dialect) if not is_error(x)]
    assert len(found) > 40
    wrong = []
    with Play(size) as up:
        p = penstock(providers(up))
        for x in found:
            up.x = x
            want = directly(x)
            for stream in [True] if x["stream"] else [True, False]:
                got = translated(p, x, stream)
                for k in want:
                    if want[k] is not None and not same(got[k], want[k]):
                        wrong.append((x["id"], stream, k, got[k], want[k]))
    assert not wrong, "\n".join(map(repr, wrong))


# ---- requests --------------------------------------------------------------

def drain(value):
    """Iterables are looked at only when they are read."""
    if isinstance(value, dict):
        for v in value.values():
            drain(v)
    elif hasattr(value, "__iter__") and not isinstance(value, (str, bytes)):
        for v in value:
            drain(v)


def types_of(dialect):
    pydantic = pytest.importorskip("pydantic")
    if dialect == "an":
        params = pytest.importorskip("anthropic.types.message_create_params")
        kinds = (params.MessageCreateParamsNonStreaming,
                 params.MessageCreateParamsStreaming)
    else:
        params = pytest.importorskip(
            "openai.types.chat.completion_create_params")
        kinds = (params.CompletionCreateParamsNonStreaming,
                 params.CompletionCreateParamsStreaming)
    return [(pydantic.TypeAdapter(k), set(typing.get_type_hints(k)))
            for k in kinds]


class Taken(Upstream):
    """Takes every request and answers it in the dialect of its path."""

    def __init__(self):
        super().__init__(self._answer)

    def _answer(self, conn, request):
        from test_translate import COMPLETION, MESSAGE
        conn.answer(MESSAGE if "messages" in request.path else COMPLETION)


@pytest.mark.parametrize("dialect", ["oa", "an"])
def test_requests_are_valid_in_the_other(penstock, dialect):
    other = "an" if dialect == "oa" else "oa"
    types = types_of(other)
    found = [x for x in all_of(dialect)
             if isinstance(x["request"].get("body"), dict)]
    wrong, refused = [], []
    with Taken() as up:
        p = penstock(providers(up))
        for x in found:
            body = dict(x["request"]["body"], model=other + "/m")
            body.setdefault("max_tokens", 100) if dialect == "an" else None
            body.pop("anthropic_version", None)
            a = p.post("/v1/messages" if dialect == "an"
                       else "/v1/chat/completions", body, timeout=30)
            if a.status == 400:
                refused.append((x["id"], x["response"]["status"], a.body))
                continue
            assert a.status == 200, (x["id"], a.body)
            sent = up.requests[-1].json()
            adapter, names = types[bool(sent.get("stream"))]
            extra = set(sent) - names
            if up.requests[-1].header("anthropic-version") == "2023-06-01":
                extra -= OLDER
            if extra:
                wrong.append((x["id"], extra))
            try:
                drain(adapter.validate_python(sent))
            except Exception as e:
                wrong.append((x["id"], str(e)))
    assert not wrong, "\n\n".join(f"{i}: {e}" for i, e in wrong)
    unfair = [r for r in refused if r[1] < 400 and r[0] not in AGAINST_RULES
              and b"cannot be asked for" not in r[2]]
    assert not unfair, "\n".join(map(repr, unfair))
    assert len(refused) < len(found) / 4, "\n".join(map(repr, refused))

# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""Policies over answers, and limits of tokens, for clients of Google's
dialect and of OpenAI's Responses: native and translated, streamed (events,
an array) or not, they get what every other client gets."""
import hashlib
import json

import pytest

from conftest import wait_for
from test_gemini import LAST, Google, answer, chunks
from test_responses import response, said
from test_translate import Two, text_stream
from upstream import Upstream

KEY = "sk-ps-gemini"
SECRET = "sk-live-4f9a"
MASK = """
local M = { api = 1, window = { hold = 32 } }
function M.output(req, conf, w)
  if w.text:find("FORBIDDEN", 1, true) then
    return ps.stop("content_filter")
  elseif w.text:find("REFUSE", 1, true) then
    return ps.deny("x_words", "No such words here", { status = 451 })
  end
  if w:replace("sk%-live%-%x%x%x%x", "[key]") > 0 then ps.note("masked") end
end
return M
"""
ALL = MASK.replace("hold = 32", 'hold = "all"')
READS = """
local M = { api = 1 }
function M.validate(req)
  req:each_text({ from = { "user", "system", "tool" } }, function(text)
    return (text:gsub("secret", "[s]"))
  end)
end
return M
"""
CONF = """
server {{ workers = 1 }}
policy_path "{dir}"
provider "g" {{ vendor = "gemini", base_url = "{url}",
               keys = {{ env("UNSET", "sk-g") }},
               retries = {{ attempts = 1 }} }}
provider "an" {{ vendor = "anthropic", base_url = "{url}",
                keys = {{ env("UNSET", "sk-an") }},
                retries = {{ attempts = 1 }} }}
provider "oa" {{ vendor = "openai", base_url = "{url}/v1",
                keys = {{ env("UNSET", "sk-oa") }},
                retries = {{ attempts = 1 }} }}
model "flash" {{ "g/gemini-3-flash" }}
model "claude" {{ "an/claude-sonnet-4-5" }}
model "own" {{ "oa/gpt-6-luna" }}
key "ci" {{ sha256 = "{sha}", {key} }}
{more}
"""
BODY = {"contents": [{"role": "user", "parts": [{"text": "hello"}]}]}
BASE = "/v1beta/models/"
CUTS = [[f"It is {SECRET}, truly."], ["It is sk-li", "ve-4f9a", ", truly."],
        list(f"It is {SECRET}, truly.")]
CLEAN = "It is [key], truly."


@pytest.fixture
def gateway(penstock, tmp_path):
    open_ups = []

    def make(told, more, key=""):
        up = Upstream(told)
        up.__enter__()
        open_ups.append(up)
        tmp_path.chmod(0o755)
        for name, text in {"mask": MASK, "all": ALL, "reads": READS}.items():
            (tmp_path / f"{name}.lua").write_text(text)
        url = up.url[:-3] if up.url.endswith("/v1") else up.url
        return penstock(CONF.format(
            dir=tmp_path, url=url, more=more, key=key,
            sha=hashlib.sha256(KEY.encode()).hexdigest())), up

    yield make
    for up in open_ups:
        up.__exit__(None, None, None)


def policies(*names):
    return 'policies { "auth", ' + ", ".join(f'"{n}"' for n in names) \
        + ', "route" }'


def ask(p, path, body=None, **headers):
    return p.post(path, body or BODY,
                  headers={"x-goog-api-key": KEY, **headers})


def said_by(r):
    return r.body.decode()


def sse(events):
    return b"".join(b"data: %s\r\n\r\n" % json.dumps(e).encode()
                    for e in events)


def stream_of(pieces):
    """A Google stream of those texts and its end."""
    return sse([answer({"text": t}) for t in pieces] + [LAST])


def text_of(events):
    return "".join(part.get("text", "") for e in events
                   for c in e.get("candidates", [])
                   for part in c.get("content", {}).get("parts", [])
                   if not part.get("thought"))


def reasons(events):
    return [c["finishReason"] for e in events
            for c in e.get("candidates", []) if "finishReason" in c]


@pytest.mark.parametrize("policy", ["mask", "all"])
def test_a_secret_never_leaves(gateway, policy):
    told = Google()
    p, _ = gateway(told, policies(policy))
    for cut in CUTS:
        told.stream = stream_of(cut)
        r = ask(p, BASE + "flash:streamGenerateContent?alt=sse")
        assert r.status == 200 and SECRET not in said_by(r)
        assert text_of(chunks(r)) == CLEAN and reasons(chunks(r)) == ["STOP"]
        r = ask(p, BASE + "flash:streamGenerateContent")
        assert r.headers["content-type"].startswith("application/json")
        assert text_of(r.json()) == CLEAN
    told.whole = answer({"text": "hm " + SECRET, "thought": True},
                        {"text": "It is sk-live"}, {"text": "-4f9a, truly."},
                        {"functionCall": {"name": "f",
                                          "args": {"k": SECRET}}},
                        finish="STOP")
    r = ask(p, BASE + "flash:generateContent")
    parts = r.json()["candidates"][0]["content"]["parts"]
    assert r.status == 200 and SECRET not in said_by(r)
    assert parts[0] == {"text": "hm [key]", "thought": True}
    assert parts[1]["text"] + parts[2]["text"] == CLEAN
    assert parts[3]["functionCall"]["args"] == {"k": "[key]"}


def test_translated(gateway):
    told = Two(messages=text_stream("It is sk-li", "ve-4f9a", ", truly."))
    p, _ = gateway(told, policies("mask"))
    r = ask(p, BASE + "claude:streamGenerateContent?alt=sse")
    assert text_of(chunks(r)) == CLEAN and reasons(chunks(r)) == ["STOP"]
    r = ask(p, BASE + "claude:streamGenerateContent")
    assert text_of(r.json()) == CLEAN


@pytest.mark.parametrize("policy", ["mask", "all"])
def test_stops_and_refusals(gateway, policy):
    told = Google(whole=answer({"text": "a FORBIDDEN word"}, finish="STOP"),
                  stream=stream_of(["a long beginning, and then a FORB",
                                    "IDDEN word"]))
    p, _ = gateway(told, policies(policy))
    for query in ("?alt=sse", ""):
        r = ask(p, BASE + "flash:streamGenerateContent" + query)
        got = chunks(r) if query else r.json()
        assert r.status == 200 and "FORB" not in said_by(r)
        assert reasons(got) == ["SAFETY"]
    r = ask(p, BASE + "flash:generateContent")
    assert r.status == 200 and "FORB" not in said_by(r)
    assert reasons([r.json()]) == ["SAFETY"]
    told.whole = answer({"text": "REFUSE"}, finish="STOP")
    r = ask(p, BASE + "flash:generateContent")
    assert r.status == 451
    error = r.json()["error"]
    assert error["code"] == 451
    assert error["message"] == "No such words here"
    assert error["details"][0]["reason"] == "x_words"


def test_texts_of_requests(gateway):
    told = Google(whole=answer({"text": "hi"}, finish="STOP"))
    p, up = gateway(told, policies("reads"))
    r = ask(p, BASE + "flash:generateContent", {
        "system_instruction": {"parts": [{"text": "a secret"}]},
        "contents": [{"parts": [{"text": "my secret"}, {"functionResponse": {
            "name": "f", "response": {"k": "the secret"}}}]}]})
    assert r.status == 200, r.body
    assert up.requests[0].json() == {
        "system_instruction": {"parts": [{"text": "a [s]"}]},
        "contents": [{"parts": [{"text": "my [s]"}, {"functionResponse": {
            "name": "f", "response": {"k": "the [s]"}}}]}]}


# ---- limits -----------------------------------------------------------------

FINISH = 'policies { "auth", { "limits", conf = { stream = "finish" } }, ' \
         '"route" }'


def test_the_end_of_tokens_is_polite(gateway):
    told = Google(stream=sse([answer({"text": "words and more "})] * 800))
    p, _ = gateway(told, FINISH, 'limits = { tokens = "300/day" }')
    r = ask(p, BASE + "flash:streamGenerateContent?alt=sse")
    got = chunks(r)
    assert reasons(got) == ["MAX_TOKENS"]
    usage = got[-1]["usageMetadata"]
    assert 150 < usage["totalTokenCount"] <= 330
    assert usage["totalTokenCount"] == usage["candidatesTokenCount"] + \
        usage["promptTokenCount"] + usage["thoughtsTokenCount"]
    assert got[-1]["modelVersion"] == "gemini-3-flash"
    assert text_of(got).count("words and more ") == len(got) - 1
    log = wait_for(lambda: p.logs("request"), why="the line")[0]
    assert any("tokens are used up" in n for n in log["notes"])
    r = ask(p, BASE + "flash:streamGenerateContent?alt=sse")
    is_limited(r)           # they are used
    r = ask(p, BASE + "flash:streamGenerateContent")
    assert r.status == 429 and len(r.json()) == 1
    is_limited(r)


def is_limited(r):
    """Google's own words for it: when to come back is in the body, too."""
    said = r.json()     # where a stream would be an array, it is one, too
    error = (said[0] if isinstance(said, list) else said)["error"]
    assert (error["code"], error["status"]) == (429, "RESOURCE_EXHAUSTED")
    details = {d["@type"].rsplit(".", 1)[1]: d for d in error["details"]}
    after = int(r.headers["retry-after"])
    assert details["ErrorInfo"]["reason"] == "rate_limited"
    assert details["RequestInfo"]["requestId"] == r.headers["x-request-id"]
    delay = details["RetryInfo"]["retryDelay"]
    assert delay.endswith("s") and after - 1 <= float(delay[:-1]) <= after


def test_headers_of_limits(gateway):
    told = Google(whole=answer({"text": "hi"}, finish="STOP"))
    p, _ = gateway(told, 'policies { "auth", "limits", "route" }',
                   'limits = { requests = "2/day" }')
    r = ask(p, BASE + "flash:generateContent")
    assert r.status == 200
    assert r.headers["x-ratelimit-limit-requests"] == "2"
    assert "x-ratelimit-remaining-requests" in r.headers
    for _ in range(3):
        r = ask(p, BASE + "flash:generateContent")
    assert r.status == 429
    is_limited(r)


# ---- Responses ----------------------------------------------------------------

def responses(stream=True):
    return {"model": "own", "input": "hello", "stream": stream}


def named_events(r):
    return [json.loads(line[6:]) for line in said_by(r).split("\n")
            if line.startswith("data: {")]


def tell(pieces):
    """An upstream that says those pieces, streamed or not."""
    def told(conn, request):
        if not request.json().get("stream"):
            conn.answer(response("".join(pieces)))
            return
        conn.head(ctype="text/event-stream")
        conn.chunk(said(*pieces))
        conn.end()
    return told


@pytest.mark.parametrize("policy", ["mask", "all"])
def test_responses(gateway, policy):
    cut = {"now": CUTS[0]}
    p, _ = gateway(lambda c, r: tell(cut["now"])(c, r), policies(policy))
    for cut["now"] in CUTS:
        r = ask(p, "/v1/responses", responses(),
                authorization=f"Bearer {KEY}")
        assert r.status == 200 and SECRET not in said_by(r)
        got = named_events(r)
        assert "".join(e["delta"] for e in got if e["type"] ==
                       "response.output_text.delta") == CLEAN
        assert all(e["item_id"] == "msg_1" for e in got
                   if e["type"] == "response.output_text.delta")
        assert got[-1]["type"] == "response.completed"
        for e in got:
            if e["type"] == "response.output_text.done":
                assert e["text"] == CLEAN
        content = got[-1]["response"]["output"][0]["content"]
        assert content[0]["text"] == CLEAN
    r = ask(p, "/v1/responses", responses(False),
            authorization=f"Bearer {KEY}")
    assert r.json()["output"][0]["content"][0]["text"] == CLEAN
    cut["now"] = ["a long beginning, and then a FORB", "IDDEN word"]
    r = ask(p, "/v1/responses", responses(), authorization=f"Bearer {KEY}")
    got = named_events(r)
    assert "FORB" not in said_by(r) and got[-1]["type"] == "response.incomplete"
    assert got[-1]["response"]["incomplete_details"]["reason"] == \
        "content_filter"


def test_responses_end_with_their_tokens(gateway):
    p, _ = gateway(tell(["words and more "] * 800), FINISH,
                   'limits = { tokens = "300/day" }')
    r = ask(p, "/v1/responses", responses(), authorization=f"Bearer {KEY}")
    got = named_events(r)
    assert got[-1]["type"] == "response.incomplete"
    last = got[-1]["response"]
    assert last["incomplete_details"] == {"reason": "max_output_tokens"}
    assert 150 < last["usage"]["total_tokens"] <= 330

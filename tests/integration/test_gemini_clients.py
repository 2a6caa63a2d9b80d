# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""Clients of Google's dialect: native to Google, translated to others."""
import hashlib
import json

import pytest

from conftest import wait_for
from test_gemini import CALLS, LAST, THOUGHT, Google, answer, chunks
from test_translate import (COMPLETION, MESSAGE, Two, block, delta, finish,
                            named, start, stop, text_stream, whole)
from upstream import Upstream

CONF = """
listen "127.0.0.1:0" {{ detail = "full", anonymous = "{who}" }}
provider "g" {{ vendor = "gemini", base_url = "{url}",
               keys = {{ env("UNSET", "sk-g") }},
               retries = {{ attempts = 1 }} }}
provider "an" {{ vendor = "anthropic", base_url = "{url}",
                keys = {{ env("UNSET", "sk-an") }},
                retries = {{ attempts = 1 }} }}
provider "oa" {{ vendor = "openai-compatible", base_url = "{url}/v1",
                keys = {{ env("UNSET", "sk-oa") }},
                retries = {{ attempts = 1 }} }}
model "flash" {{ "g/gemini-3-flash" }}
model "claude" {{ "an/claude-sonnet-4-5" }}
model "gpt" {{ "oa/gpt-4o" }}
{more}
"""
BODY = {"contents": [{"role": "user", "parts": [{"text": "hello"}]}]}
BASE = "/v1beta/models/"


@pytest.fixture
def gateway(penstock):
    """gateway(handler) -> (instance, upstream)"""
    open_ups = []

    def make(told, who="local", more=""):
        up = Upstream(told)
        up.__enter__()
        open_ups.append(up)
        url = up.url[:-3] if up.url.endswith("/v1") else up.url
        return penstock(CONF.format(url=url, who=who, more=more)), up

    yield make
    for up in open_ups:
        up.__exit__(None, None, None)


def test_native(gateway):
    body = answer({"text": "hi"}, finish="STOP")
    p, up = gateway(Google(whole=body, stream=[THOUGHT, CALLS, LAST]))
    r = p.post(BASE + "flash:generateContent?key=none", {
        **BODY, "generationConfig": {"temperature": 0.3}})
    assert r.status == 200 and r.json() == body
    assert r.headers["x-request-id"].startswith("req_")
    sent = up.requests[0]
    assert sent.path == BASE + "gemini-3-flash:generateContent"
    assert sent.header("x-goog-api-key") == "sk-g"
    assert sent.json() == {**BODY, "generationConfig": {"temperature": 0.3}}
    r = p.post("/gemini" + BASE + "flash:streamGenerateContent?alt=sse", BODY)
    assert r.headers["content-type"].startswith("text/event-stream")
    assert chunks(r) == [THOUGHT, CALLS, LAST]
    r = p.post(BASE + "flash:streamGenerateContent", BODY)
    assert r.headers["content-type"].startswith("application/json")
    assert r.json() == [THOUGHT, CALLS, LAST]


def test_seals_do_not_reach_google(gateway):
    p, up = gateway(Google(whole=answer({"text": "hi"}, finish="STOP")))
    seal = {"text": "", "thoughtSignature": "cGVuc3RvY2sucmVkYWN0ZWQuWkdGMA"}
    p.post(BASE + "flash:generateContent", {"contents": [
        BODY["contents"][0],
        {"role": "model", "parts": [seal, {"text": "t"}]},
        BODY["contents"][0]]})
    assert up.requests[0].json()["contents"][1]["parts"] == [{"text": "t"}]


@pytest.mark.parametrize("model", ["claude", "gpt"])
def test_translated(gateway, model):
    p, up = gateway(Two(messages=whole(MESSAGE), chat=whole(COMPLETION)))
    r = p.post(BASE + model + ":generateContent", {
        **BODY, "systemInstruction": {"parts": [{"text": "Be brief."}]},
        "generationConfig": {"maxOutputTokens": 40}})
    assert r.status == 200
    got = r.json()
    assert got["candidates"][0]["content"]["parts"] == [{"text": "hi there"}]
    assert got["candidates"][0]["finishReason"] == "STOP"
    assert got["usageMetadata"]["promptTokenCount"] == 9
    assert got["usageMetadata"]["candidatesTokenCount"] == 3
    assert got["modelVersion"] == model
    sent = up.requests[0].json()
    assert sent["model"] in ("claude-sonnet-4-5", "gpt-4o")
    assert "stream" not in sent or sent["stream"] is False


def test_translated_streams(gateway):
    told = Two(messages=text_stream("hi ", "there"))
    p, up = gateway(told)
    r = p.post(BASE + "claude:streamGenerateContent?alt=sse", BODY)
    parts = [x for c in chunks(r) for x in
             c["candidates"][0]["content"]["parts"]]
    assert "".join(x["text"] for x in parts) == "hi there"
    assert chunks(r)[-1]["candidates"][0]["finishReason"] == "STOP"
    assert up.requests[0].json()["stream"] is True
    r = p.post(BASE + "claude:streamGenerateContent", BODY)
    assert "".join(x["text"] for c in r.json() for x in
                   c["candidates"][0]["content"]["parts"]) == "hi there"


def test_thinking_comes_back(gateway):
    stream = named(start(), block(0, "thinking", thinking="", signature=""),
                   delta(0, "thinking_delta", thinking="hm"),
                   delta(0, "signature_delta", signature="c2ln/+="), stop(0),
                   block(1, "tool_use", id="toolu_1", name="f", input={}),
                   delta(1, "input_json_delta", partial_json='{"x":1}'),
                   stop(1), *finish("tool_use"))
    p, up = gateway(Two(messages=stream))
    ask = {**BODY, "tools": [{"functionDeclarations": [
        {"name": "f", "parameters": {"type": "OBJECT"}}]}]}
    r = p.post(BASE + "claude:streamGenerateContent?alt=sse", ask)
    parts = [x for c in chunks(r) for x in
             c["candidates"][0]["content"]["parts"]]
    call = [x["functionCall"] for x in parts if "functionCall" in x]
    assert call == [{"id": "toolu_1", "name": "f", "args": {"x": 1}}]
    p.post(BASE + "claude:streamGenerateContent?alt=sse", {
        **ask, "contents": [*BODY["contents"],
                            {"role": "model", "parts": parts},
                            {"role": "user", "parts": [{"functionResponse": {
                                "name": "f", "response": {"a": 2}}}]}]})
    turn, gave = up.requests[1].json()["messages"][1:]
    assert turn["content"][0] == {"type": "thinking", "thinking": "hm",
                                  "signature": "c2ln/+="}
    assert gave["content"][0]["tool_use_id"] == "toolu_1"


def shape(r, status, word):
    error = r.json()["error"]
    assert r.status == status and error["code"] == status
    assert error["status"] == word and error["message"]
    assert r.headers["x-request-id"]


def test_errors(gateway):
    p, _ = gateway(Google(whole={"error": {
        "code": 429, "status": "RESOURCE_EXHAUSTED", "message": "Quota."}},
        status=429))
    shape(p.post(BASE + "flash:generateContent", BODY), 429,
          "RESOURCE_EXHAUSTED")
    shape(p.post(BASE + "nobody:generateContent", BODY), 404, "NOT_FOUND")
    for method in (":predict", "%3apredict"):
        r = p.post(BASE + "flash" + method, BODY)
        shape(r, 404, "NOT_FOUND")
        said = r.json()["error"]["message"]
        assert "'predict'" in said and "countTokens" in said
    shape(p.post(BASE + "flash", BODY), 405, "INVALID_ARGUMENT")
    shape(p.post("/v1beta/nothing", BODY), 404, "NOT_FOUND")
    shape(p.post(BASE + "flash:generateContent", {}), 400,
          "INVALID_ARGUMENT")
    shape(p.post(BASE + "flash:streamGenerateContent?alt=xml", BODY), 400,
          "INVALID_ARGUMENT")


def test_keys(gateway):
    """A key in the field or in the query, which is nobody's to read."""
    sha = hashlib.sha256(b"pk-caller-1").hexdigest()
    p, up = gateway(Google(whole=answer({"text": "hi"}, finish="STOP")),
                    who="none", more=f"""
key "ci" {{ sha256 = "{sha}" }}
policies {{ "auth", "route" }}""")
    url = BASE + "flash:generateContent"
    assert p.post(url + "?key=pk-caller-1", BODY).status == 200
    assert p.post(url, BODY, headers={
        "x-goog-api-key": "pk-caller-1"}).status == 200
    shape(p.post(url + "?key=pk-wrong-1", BODY), 401, "UNAUTHENTICATED")
    shape(p.post(url, BODY), 401, "UNAUTHENTICATED")
    shape(p.post(url + "?key=pk-other-1", BODY, headers={
        "x-goog-api-key": "pk-caller-1"}), 400, "INVALID_ARGUMENT")
    assert p.post("/v1/chat/completions?key=pk-caller-1", {
        "model": "flash", "messages": []}).status == 401
    assert all("key=" not in x.path for x in up.requests)
    assert "pk-wrong-1" not in json.dumps(p.logs())


def test_other_methods(gateway):
    told = Google(whole={"totalTokens": 14})
    p, up = gateway(told)
    assert p.post(BASE + "flash:countTokens", BODY).json() == told.whole
    assert up.requests[0].path == BASE + "gemini-3-flash:countTokens"
    told.whole = {"embedding": {"values": [0.5]}}
    assert p.post(BASE + "flash:embedContent", {
        "model": "models/flash", "content": {"parts": [{"text": "hi"}]},
    }).json() == told.whole
    assert up.requests[1].path == BASE + "gemini-3-flash:embedContent"
    assert up.requests[1].json()["model"] == "models/gemini-3-flash"
    shape(p.post(BASE + "gpt:countTokens", BODY), 400, "INVALID_ARGUMENT")


def test_models(gateway):
    p, _ = gateway(Google())
    got = p.get(BASE[:-1]).json()
    names = [m["name"] for m in got["models"]]
    assert sorted(names) == ["models/claude", "models/flash", "models/gpt"]
    does = {m["name"]: m["supportedGenerationMethods"] for m in got["models"]}
    assert does["models/gpt"] == ["generateContent"]
    assert does["models/claude"] == ["generateContent", "countTokens"]
    assert does["models/flash"] == ["generateContent", "countTokens"]
    one = p.get(BASE + "gpt").json()
    assert one["supportedGenerationMethods"] == does["models/gpt"]
    page = p.get(BASE[:-1] + "?pageSize=2").json()
    assert len(page["models"]) == 2
    rest = p.get(BASE[:-1] + "?pageToken=" + page["nextPageToken"]).json()
    assert [m["name"] for m in rest["models"]] == names[2:]
    assert p.get(BASE + "flash").json()["name"] == "models/flash"


REMODEL = """
local M = { api = 1 }
function M.validate(req)
  local to = req.header["x-to"]
  if to then
    req.model = to
    ps.note("now " .. req.model)
  end
end
function M.admit(req)
  if req.header["x-to"] then req.max_tokens = 7 end
  if req.header["x-late"] then req.model = req.header["x-late"] end
end
return M
"""


def test_a_policy_gives_another_model(gateway, tmp_path):
    """It stands in the path, and is assigned as everybody's."""
    tmp_path.chmod(0o755)
    (tmp_path / "re.lua").write_text(REMODEL)
    body = answer({"text": "hi"}, finish="STOP")
    p, up = gateway(Google(whole=body), more=f"""
policy_path "{tmp_path}"
policies {{ "auth", "re", "route" }}
model "lite" {{ "g/gemini-3-flash-lite" }}""")
    ask = BASE + "flash:generateContent"
    sent = {"contents": BODY["contents"]}
    for head, model, tokens in (
            ({}, "gemini-3-flash", None),
            ({"x-to": "lite"}, "gemini-3-flash-lite", 7),
            ({"x-late": "lite"}, "gemini-3-flash-lite", None),
            ({"x-to": "flash", "x-late": "lite"}, "gemini-3-flash-lite", 7)):
        r = p.post(ask, BODY, headers=head)
        assert r.status == 200, r.body
        assert up.requests[-1].path == BASE + model + ":generateContent"
        got = up.requests[-1].json()
        assert got.pop("generationConfig", {}).get("maxOutputTokens") == \
            tokens
        assert got == sent
    line = wait_for(lambda: p.logs("request")[3:], why="the fourth line")[0]
    assert (line["asked"], line["model"]) == ("flash", "lite")
    assert "re: now flash" in str(line["notes"]), line
    r = p.post(ask, BODY, headers={"x-to": "nosuch"})
    assert r.status == 404 and "nosuch" in r.json()["error"]["message"]
    r = p.post(BASE + "flash:countTokens", BODY, headers={"x-late": "lite"})
    assert up.requests[-1].path == BASE + "gemini-3-flash-lite:countTokens"

# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""A policy that answers itself: 200 in the client's dialect, streamed and
not, without a provider; logged as such."""
import hashlib
import http.client

import pytest
from openai import OpenAI

from conftest import wait_for

STORY = """
local M = { api = 1 }
local function say(req, phase)
  if req.header["x-story"] == phase then
    return ps.answer{ text = "Ask \\"IT\\"\\n\\xc3\\xa9", finish = req.header["x-finish"] }
  end
end
function M.request(req) return say(req, "request") end
function M.validate(req)
  if req.header["x-story"] then req.model = "other" end
  return say(req, "validate")
end
function M.admit(req) return say(req, "admit") end
return M
"""
CONFIG = f"""
server {{ workers = 1 }}
policy_path "DIR"
provider "sim"
model "m" {{ "sim/echo" }}
model "other" {{ "sim/echo" }}
key "ci" {{ sha256 = "{hashlib.sha256(b'sk-ci').hexdigest()}" }}
policies {{ "auth", {{ "story" ENTRY }}, "route" }}
"""
TEXT = 'Ask "IT"\né'
PHASES = ["request", "validate", "admit"]


def start(penstock, tmp_path, entry=""):
    tmp_path.chmod(0o755)
    (tmp_path / "story.lua").write_text(STORY)
    return penstock(CONFIG.replace("DIR", str(tmp_path))
                    .replace("ENTRY", entry))


def client(p, story, **headers):
    return OpenAI(base_url=p.url + "/v1", api_key="sk-ci", max_retries=0,
                  default_headers={"x-story": story, **headers})


def line(p):
    return wait_for(lambda: p.logs("request"), why="a line")[-1]


ASK = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}


@pytest.mark.parametrize("phase", PHASES)
def test_chat(penstock, tmp_path, phase):
    p = start(penstock, tmp_path)
    raw = client(p, phase).chat.completions.with_raw_response.create(**ASK)
    answer = raw.parse()
    assert answer.choices[0].message.content == TEXT
    assert answer.choices[0].finish_reason == "stop"
    assert answer.model == "m" and answer.usage.total_tokens == 0
    assert raw.headers["x-request-id"][4:] in answer.id
    entry = line(p)
    assert entry["status"] == 200 and entry["ended"] == "answered"
    assert entry["answered_by"] == "story" and "attempts" not in entry
    assert entry["principal"] == "ci" and "error" not in entry
    shown = p.cli("explain", raw.headers["x-request-id"]).stdout
    assert "answered" in shown


@pytest.mark.parametrize("phase", PHASES)
def test_chat_streamed(penstock, tmp_path, phase):
    p = start(penstock, tmp_path)
    chunks = list(client(p, phase, **{"x-finish": "content_filter"})
                  .chat.completions.create(
                      stream=True, stream_options={"include_usage": True},
                      **ASK))
    assert "".join(c.choices[0].delta.content or "" for c in chunks
                   if c.choices) == TEXT
    assert [c.choices[0].finish_reason for c in chunks if c.choices][-1] == \
        "content_filter"
    assert chunks[-1].usage.total_tokens == 0 and not chunks[-1].choices
    assert line(p)["ended"] == "answered"


@pytest.mark.parametrize("stream", [False, True])
def test_completions(penstock, tmp_path, stream):
    p = start(penstock, tmp_path)
    got = client(p, "admit").completions.create(model="m", prompt="hi",
                                                stream=stream)
    texts = [c.choices[0].text for c in got] if stream \
        else [got.choices[0].text]
    assert "".join(texts) == TEXT


def test_where_there_is_no_text(penstock, tmp_path):
    """The policy's mistake; by default the request is refused."""
    p = start(penstock, tmp_path)
    head = {"authorization": "Bearer sk-ci", "x-story": "request"}
    for answer in (p.post("/v1/embeddings", {"model": "m", "input": "x"},
                          headers=head), p.get("/v1/models", headers=head)):
        assert answer.status == 500
        assert answer.json()["error"]["code"] == "policy_failed"


def test_not_for_anybody(penstock, tmp_path):
    """An answer to the head alone: the caller must be known, and the body is
    still checked; a broken one is not answered politely."""
    p = start(penstock, tmp_path)
    assert p.post("/v1/chat/completions", ASK,
                  headers={"x-story": "request"}).status == 401
    head = {"authorization": "Bearer sk-ci", "x-story": "request"}
    assert p.post("/v1/chat/completions", "{", headers=head).status == 400
    assert p.post("/v1/chat/completions", {"model": "m"},
                  headers=head).status == 400


def test_observe(penstock, tmp_path):
    p = start(penstock, tmp_path, ', mode = "observe"')
    got = client(p, "admit").chat.completions.create(**ASK)
    assert got.choices[0].message.content == "hi"
    assert "story: would answer" in line(p)["notes"]
    assert "answered_by" not in line(p)


def test_a_kept_connection_goes_on(penstock, tmp_path):
    p = start(penstock, tmp_path)
    c = http.client.HTTPConnection("127.0.0.1", p.port, timeout=10)
    for story in ("admit", "none", "validate"):
        c.request("POST", "/v1/chat/completions",
                  '{"model":"m","messages":[{"role":"user","content":"hi"}]}',
                  {"authorization": "Bearer sk-ci", "x-story": story})
        answer = c.getresponse()
        body = answer.read()
        assert answer.status == 200
        assert (b"IT" in body) == (story != "none")
    c.close()

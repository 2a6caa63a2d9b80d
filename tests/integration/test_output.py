# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""Policies over the text of answers: what a client may never see, it never
sees, however the provider cuts its stream; streamed or not, it gets the same."""
import hashlib
import http.client
import json
import threading
import time

import pytest

from conftest import SLOW, wait_for
from upstream import Upstream

KEY = "sk-ps-output"
SECRET = "sk-live-4f9a"
MASK = """
local M = { api = 1, window = { hold = 32 } }
function M.output(req, conf, w)
  if w:replace("sk%-live%-%x%x%x%x", "[key]") > 0 then ps.note("masked") end
end
return M
"""
STOP = """
local M = { api = 1, window = { hold = 16 } }
function M.output(req, conf, w)
  if w.text:find("FORBIDDEN", 1, true) then
    return ps.stop("content_filter")
  elseif w.text:find("REFUSE", 1, true) then
    return ps.deny("x_words", "No such words here", { status = 451 })
  elseif w.text:find("CRASH", 1, true) then
    error("crashed on " .. req.header["x-tag"])
  elseif w.text:find("SPIN", 1, true) then
    while true do end
  end
end
return M
"""
CONFIG = """
server {{ workers = 1 }}
policy_path "{dir}"
defaults {{ timeouts = {{ commit_after = "300ms", first_event = "5s",
                          idle = "2s" }},
            retries = {{ attempts = 2, same_target = 0 }} }}
provider "a" {{ vendor = "openai-compatible", base_url = "{a}",
               keys = {{ env("UNSET", "ka") }} }}
provider "b" {{ vendor = "openai-compatible", base_url = "{b}",
               keys = {{ env("UNSET", "kb") }} }}
model "m" {{ "a/first", "b/second" }}
key "ci" {{ sha256 = "{sha}" }}
policies {{ "auth", {entries}, "route" }}
"""
DONE = "data: [DONE]\n\n"


def start(penstock, tmp_path, up, entries, other=None, **policies):
    tmp_path.chmod(0o755)
    for name, text in {"mask": MASK, "stop": STOP, **policies}.items():
        (tmp_path / f"{name}.lua").write_text(text)
    return penstock(CONFIG.format(
        dir=tmp_path, a=up.url, b=(other or up).url, entries=entries,
        sha=hashlib.sha256(KEY.encode()).hexdigest()))


def body(stream, **more):
    return {"model": "m", "stream": stream, **more,
            "messages": [{"role": "user", "content": "hi"}]}


def head(**more):
    return {"authorization": f"Bearer {KEY}",
            "content-type": "application/json", **more}


def ask(p, stream=True, headers=None, timeout=10, **more):
    """status, text of the answer, did it end cleanly?"""
    c = http.client.HTTPConnection("127.0.0.1", p.port,
                                   timeout=timeout * SLOW)
    try:
        c.request("POST", "/v1/chat/completions",
                  json.dumps(body(stream, **more)), head(**(headers or {})))
        r = c.getresponse()
        ask.id = r.getheader("x-request-id")
        try:
            return r.status, r.read().decode(), True
        except http.client.IncompleteRead as e:
            return r.status, e.partial.decode(), False
    finally:
        c.close()


def events(text):
    return [json.loads(e[6:]) for e in text.split("\n\n")
            if e.startswith("data: ") and e != "data: [DONE]"]


def joined(text, get=lambda d: d.get("content"), choice=0):
    """What a client joins of one choice's deltas."""
    return "".join(get(c["delta"]) or "" for e in events(text)
                   for c in e.get("choices", []) if c["index"] == choice)


def finish(text):
    return [c["finish_reason"] for e in events(text)
            for c in e.get("choices", []) if c.get("finish_reason")]


def line(p):
    """The access line of the last ask(); it may come a moment later."""
    return wait_for(lambda: next((e for e in p.logs("request")
                                  if e["id"] == ask.id), None), why="a line")


def notes(p):
    return line(p).get("notes", [])


def event(delta=None, choice=0, reason=None, **more):
    return "data: " + json.dumps(
        {"id": "c1", "object": "chat.completion.chunk", "created": 7,
         "model": "up", "choices": [{"index": choice, "delta": delta or {},
                                     "finish_reason": reason}], **more}) \
        + "\n\n"


def stream_of(pieces, member="content"):
    return event({"role": "assistant", "content": ""}) + "".join(
        event({member: piece}) for piece in pieces) \
        + event(reason="stop") + DONE


def whole(message, reason="stop", **more):
    return {"id": "c1", "object": "chat.completion", "created": 7,
            "model": "up", "choices": [
                {"index": 0, "message": {"role": "assistant", **message},
                 "finish_reason": reason}],
            "usage": {"prompt_tokens": 3, "completion_tokens": 2,
                      "total_tokens": 5}, **more}


class Script(Upstream):
    """Answers with what `self.stream` or `self.whole` hold, cut to `size`."""

    def __init__(self):
        super().__init__(self._answer)
        self.stream, self.whole, self.size, self.pause = "", {}, 0, 0.0

    def _answer(self, conn, request):
        if not request.json().get("stream"):
            return conn.answer(self.whole)
        conn.head(200, "text/event-stream")
        text = self.stream.encode()
        for i in range(0, len(text), self.size or len(text)):
            conn.chunk(text[i:i + (self.size or len(text))])
            if self.pause:
                time.sleep(self.pause)
        conn.end()


def test_a_secret_at_every_offset(penstock, tmp_path):
    """Split over two events at each of its bytes; twice in the text; at its
    very end; and each event over every cut of the connection's bytes."""
    with Script() as up:
        p = start(penstock, tmp_path, up, '"mask"')
        text = f"here: {SECRET} and {SECRET}"
        want = "here: [key] and [key]"
        for i in range(len(text) + 1):
            up.stream = stream_of([text[:i], text[i:]])
            status, got, clean = ask(p)
            assert status == 200 and clean and got.endswith(DONE)
            assert SECRET not in got and joined(got) == want, i
            assert finish(got) == ["stop"]
        up.stream = stream_of(text)             # each character an event
        status, got, clean = ask(p)
        assert SECRET not in got and joined(got) == want and clean
        up.stream = stream_of([text[:9], text[9:20], text[20:]])
        first = ask(p)
        for up.size in (1, 2, 3, 5, 7, 11, 64, 100, 333):
            assert ask(p) == first
        up.whole = whole({"content": text})
        status, got, _ = ask(p, False)
        assert json.loads(got)["choices"][0]["message"]["content"] == want
        assert notes(p) == ["mask: masked"]


def test_whole_and_streamed_are_the_same(penstock, tmp_path):
    """Text, thinking, arguments of two calls: kinds and texts alike; what is
    not text stays as the provider wrote it."""
    spy = """
        return { api = 1, window = { hold = 64 }, output = function(req, c, w)
          if w.final then ps.note(w.kind .. " " .. w.block .. " " .. w.text) end
        end }"""
    args = ['{"key":"%s"}' % SECRET, '{"n":1}']
    with Script() as up:
        p = start(penstock, tmp_path, up, '"spy", "mask"', spy=spy)
        call = [{"index": i, "id": f"call_{i}", "type": "function",
                 "function": {"name": "f", "arguments": a}}
                for i, a in enumerate(args)]
        up.whole = whole({"reasoning_content": f"hm {SECRET}",
                          "content": f"It is {SECRET} \U0001F600",
                          "tool_calls": [{k: v for k, v in c.items()
                                          if k != "index"} for c in call]},
                         "tool_calls", x_number=1e2)
        status, got, _ = ask(p, False)
        assert '"x_number": 100.0' in got and SECRET not in got
        message = json.loads(got)["choices"][0]["message"]
        seen = notes(p)
        assert message["reasoning_content"] == "hm [key]"
        assert message["content"] == "It is [key] \U0001F600"
        assert [c["function"]["arguments"] for c in message["tool_calls"]] == \
            ['{"key":"[key]"}', '{"n":1}']
        assert [c["id"] for c in message["tool_calls"]] == ["call_0", "call_1"]

        parts = [event({"role": "assistant", "content": None})]
        for i in range(0, len(f"hm {SECRET}"), 4):
            parts.append(event({"reasoning_content":
                                f"hm {SECRET}"[i:i + 4]}))
        for piece in ("It is sk-li", "ve-4f", "9a ", "\ud83d", "\ude00"):
            parts.append(event({"content": piece}))
        for c in call:
            a = c["function"]["arguments"]
            start_of = {**c, "function": {"name": "f", "arguments": ""}}
            parts.append(event({"tool_calls": [start_of]}))
            for i in range(0, len(a), 5):
                parts.append(event({"tool_calls": [
                    {"index": c["index"],
                     "function": {"arguments": a[i:i + 5]}}]}))
        up.stream = "".join(parts) + event(reason="tool_calls") + DONE
        status, got, clean = ask(p)
        assert clean and SECRET not in got and finish(got) == ["tool_calls"]
        assert joined(got) == message["content"]
        assert joined(got, lambda d: d.get("reasoning_content")) == \
            message["reasoning_content"]
        for i in (0, 1):
            assert joined(got, lambda d: "".join(
                t["function"].get("arguments", "")
                for t in d.get("tool_calls", []) if t["index"] == i)) == \
                message["tool_calls"][i]["function"]["arguments"]
        assert got.count('"call_0"') == got.count('"call_1"') == 1
        # the blocks are shorter than the window: the same last calls
        assert sorted(seen) == sorted(notes(p))
        assert [n for n in seen if n.startswith("spy")] == \
            [n for n in notes(p) if n.startswith("spy")]


def test_official_sdk(penstock, tmp_path):
    """The openai package reads masked streams, tools and two choices."""
    openai = pytest.importorskip("openai")
    with Script() as up:
        p = start(penstock, tmp_path, up, '"mask"')
        client = openai.OpenAI(api_key=KEY, base_url=p.url + "/v1",
                               max_retries=0)
        up.stream = event({"role": "assistant", "content": ""}) \
            + event({"role": "assistant", "content": ""}, 1) \
            + event({"content": "a sk-live-4"}) \
            + event({"content": "b sk-live-"}, 1) \
            + event({"content": "f9a."}) + event({"content": "none"}, 1) \
            + event(reason="stop") + event(choice=1, reason="length") + DONE
        text = {0: "", 1: ""}
        ends = {}
        for chunk in client.chat.completions.create(
                model="m", messages=[{"role": "user", "content": "x"}],
                stream=True, n=2):
            for c in chunk.choices:
                text[c.index] += c.delta.content or ""
                ends[c.index] = c.finish_reason or ends.get(c.index)
        assert text == {0: "a [key].", 1: "b sk-live-none"}
        assert ends == {0: "stop", 1: "length"}
        up.whole = whole({"content": f"it is {SECRET}"})
        got = client.chat.completions.create(
            model="m", messages=[{"role": "user", "content": "x"}])
        assert got.choices[0].message.content == "it is [key]"
        assert got.usage.total_tokens == 5


def test_completions_endpoint(penstock, tmp_path):
    with Script() as up:
        p = start(penstock, tmp_path, up, '"mask"')
        up.whole = {"id": "x", "object": "text_completion", "choices": [
            {"index": 0, "text": f"a {SECRET}", "finish_reason": "stop",
             "logprobs": {"tokens": ["a", SECRET]}}]}
        r = p.post("/v1/completions", {"model": "m", "prompt": "x"},
                   headers=head())
        assert SECRET.encode() not in r.body
        choice = r.json()["choices"][0]
        assert choice["text"] == "a [key]" and choice["logprobs"] is None
        up.stream = "".join(
            "data: " + json.dumps({"id": "x", "choices": [
                {"index": 0, "text": t, "finish_reason": f}]}) + "\n\n"
            for t, f in (("a sk-live", None), ("-4f9a", None), ("!", "stop"))
        ) + DONE
        r = p.post("/v1/completions", {"model": "m", "prompt": "x",
                                       "stream": True}, headers=head())
        got = r.body.decode()
        assert "".join(c["text"] for e in events(got) for c in e["choices"]) \
            == "a [key]!"
        assert got.endswith(DONE) and finish(got) == ["stop"]


def test_hold_all(penstock, tmp_path):
    """Nothing leaves before the verdict but keep-alives; another target may
    still answer; then all of it comes."""
    judge = """
        return { api = 1, window = { hold = "all" },
          output = function(req, conf, w)
            ps.note(w.kind .. (w.final and " final " or " ") .. #w.text)
            if w.text:find("FORBIDDEN", 1, true) then return ps.stop() end
            w:replace("sk%-live%-%x+", "[key]")
          end }"""
    go = threading.Event()

    def slow(conn, request):
        conn.head(200, "text/event-stream")
        conn.chunk(stream_of([f"a {SECRET}"] * 3).replace(DONE, ""))
        go.wait(10)
        conn.chunk(DONE)
        conn.end()

    with Upstream(slow) as up, Script() as b:
        p = start(penstock, tmp_path, up, '"judge"', b, judge=judge)
        c = http.client.HTTPConnection("127.0.0.1", p.port, timeout=10 * SLOW)
        c.request("POST", "/v1/chat/completions", json.dumps(body(True)),
                  head())
        r = c.getresponse()                      # after commit_after
        assert r.readline() == b": keep-alive\n"
        go.set()
        got = r.read().decode()
        c.close()
        assert SECRET not in got and "[key]" in got
        assert got.count("content") == 2         # the role's event, and one
        ask.id = r.getheader("x-request-id")
        assert notes(p) == ["judge: text final 42"]

        def cut(conn, request):
            conn.head(200, "text/event-stream")
            conn.chunk(event({"content": "never seen"}))
            conn.reset()

        up.handler = cut
        b.stream = stream_of(["from ", "b"])
        status, got, clean = ask(p)
        assert clean and joined(got) == "from b" and "never" not in got
        assert len(line(p)["attempts"]) == 2
        b.stream = stream_of(["FORBI", "DDEN"])
        status, got, clean = ask(p)
        assert finish(got) == ["content_filter"] and joined(got) == ""
        assert got.endswith(DONE) and clean


def test_failover_before_content(penstock, tmp_path):
    """Text that only the window has is no content yet: another target takes
    over, with a fresh window."""
    def cut(conn, _):
        conn.head(200, "text/event-stream")
        conn.chunk(event({"role": "assistant", "content": ""})
                   + event({"content": "sk-live-"}))
        time.sleep(0.1)
        conn.reset()

    with Upstream(cut) as a, Script() as b:
        p = start(penstock, tmp_path, a, '"mask"', b)
        b.stream = stream_of(["4f9a is no key here"])
        status, got, clean = ask(p)
        assert status == 200 and clean and joined(got) == "4f9a is no key here"
        assert len(line(p)["attempts"]) == 2


def test_a_cut_stream(penstock, tmp_path):
    """What was held leaves before the error event, through the policies."""
    def cut(conn, _):
        conn.head(200, "text/event-stream")
        conn.chunk(event({"content": "a good beginning of some length here, "})
                   + event({"content": f"then {SECRET}"}))
        time.sleep(0.2)
        conn.reset()

    with Upstream(cut) as up:
        p = start(penstock, tmp_path, up, '"mask"')
        status, got, clean = ask(p)
        assert status == 200 and not clean and "[DONE]" not in got
        assert "error" in events(got)[-1]
        assert "".join(c["delta"]["content"] for e in events(got)[:-1]
                       for c in e["choices"]) == \
            "a good beginning of some length here, then [key]"


@pytest.mark.parametrize("size", [300 << 10, 5 << 20])
def test_large_answers(penstock, tmp_path, size):
    """Above what is kept back otherwise it is still looked at; above the cap
    it is refused, or passes where every policy fails open."""
    with Script() as up:
        p = start(penstock, tmp_path, up, '"mask"')
        up.whole = whole({"content": "x" * size + SECRET})
        status, got, _ = ask(p, False, timeout=30)
        assert SECRET not in got
        if size < 1 << 20:
            assert status == 200 and got.count("[key]") == 1
        else:
            assert status == 500
            assert json.loads(got)["error"]["code"] == "policy_failed"
            p2 = start(penstock, tmp_path, up, '{ "mask", fail = "open" }')
            status, got, clean = ask(p2, False, timeout=30)
            assert status == 200 and clean and SECRET in got
            assert "too large" in notes(p2)[0]


def test_too_large_for_the_only_policy(penstock, tmp_path):
    """No other phase ran before it fails."""
    tmp_path.chmod(0o755)
    (tmp_path / "mask.lua").write_text(MASK)
    with Script() as up:
        p = penstock(f"""
            policy_path "{tmp_path}"
            provider "a" {{ vendor = "openai-compatible",
                            base_url = "{up.url}", keys = {{}} }}
            model "m" {{ "a/first" }}
            policies {{ "mask" }}""")
        up.whole = whole({"content": "x" * (5 << 20)})
        r = p.post("/v1/chat/completions", body(False), timeout=30)
        assert r.status == 500
        assert r.json()["error"]["code"] == "policy_failed"
        up.whole = whole({"content": f"a {SECRET}"})
        r = p.post("/v1/chat/completions", body(False))
        assert r.json()["choices"][0]["message"]["content"] == "a [key]"


def test_a_slow_client(penstock, tmp_path):
    """Held text changes nothing of the pause: the provider waits."""
    with Script() as up:
        p = start(penstock, tmp_path, up, '"mask"')
        text = f"{SECRET} " + "y" * 2000 + " "
        up.stream = stream_of([text] * 3000)
        c = http.client.HTTPConnection("127.0.0.1", p.port, timeout=30 * SLOW)
        c.request("POST", "/v1/chat/completions", json.dumps(body(True)),
                  head())
        r = c.getresponse()
        time.sleep(1)
        got = r.read().decode()
        c.close()
        assert SECRET not in got
        assert joined(got) == text.replace(SECRET, "[key]") * 3000


def test_the_client_leaves(penstock, tmp_path):
    def endless(conn, _):
        conn.head(200, "text/event-stream")
        while True:
            conn.chunk(event({"content": f"{SECRET} " * 10}))
            time.sleep(0.01)

    with Upstream(endless) as up:
        p = start(penstock, tmp_path, up, '"mask"')
        for _ in range(5):
            c = http.client.HTTPConnection("127.0.0.1", p.port, timeout=10)
            c.request("POST", "/v1/chat/completions", json.dumps(body(True)),
                      head())
            assert c.getresponse().fp.readline()
            c.close()
        wait_for(lambda: up.closed() == 5, why="five cancelled calls")
        wait_for(lambda: sum(w["in_flight"] for w in p.workers()) == 0,
                 why="nothing in flight")


def test_headers_after_content(penstock, tmp_path):
    """A long stream keeps the request for its policies."""
    tell = """
        return { api = 1, window = { hold = 0 }, output = function(req, c, w)
          w:replace("NAME", req.header["x-name"] .. "/" .. req.model) end }"""
    with Script() as up:
        p = start(penstock, tmp_path, up, '"tell"', tell=tell)
        up.stream = stream_of(["I am NAME", ", NAME", " NAME"])
        up.pause, up.size = 0.02, 400
        status, got, clean = ask(p, headers={"x-name": "Eve"})
        assert clean and joined(got) == "I am Eve/m, Eve/m Eve/m"

# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""Streams that the gateway ends, where the caller's tokens are used up or a
policy wants it: for the official packages of PyPI the answer is whole, in
every dialect, whatever the provider speaks. What a stream of Responses says
is held together as its provider would: items, parts, texts, numbers."""
import hashlib
import json
import os
import shutil
import subprocess

import pytest

from conftest import wait_for
from sdks import KINDS, PACKAGES, Clients, of_response
from test_gemini import LAST, answer
from test_responses import response
from test_translate import block, chunk, delta, finish, named, plain, start
from upstream import Upstream

WORDS = "words and more "
TIMES = 400
STOPS = """
local M = { api = 1, window = { hold = 12 } }
function M.output(req, conf, w)
  local how = w.text:match("END%%(%a+)%%")
  if how then
    return ps.stop(how == "stop" and "stop" or "content_filter")
  end
end
return M
"""
CONF = """
server {{ workers = 1 }}
policy_path "{dir}"
defaults {{ retries = {{ attempts = 1 }} }}
provider "gemini" {{ vendor = "gemini", base_url = "{url}",
  keys = {{ env("UNSET", "k") }} }}
provider "messages" {{ vendor = "anthropic", base_url = "{url}",
  keys = {{ env("UNSET", "k") }} }}
provider "responses" {{ vendor = "openai", base_url = "{url}/v1",
  keys = {{ env("UNSET", "k") }} }}
provider "chat" {{ vendor = "openai-compatible", base_url = "{url}/v1",
  keys = {{ env("UNSET", "k") }} }}
model "gemini" {{ "gemini/gemini-3-flash" }}
model "messages" {{ "messages/claude-sonnet-4-5" }}
model "responses" {{ "responses/o3-pro" }}
model "chat" {{ "chat/m" }}
policies {{ {policies} }}
{keys}
"""
WHAT = ("text", "thoughts", "calls")


# ---- an upstream of every dialect: WORDS, as text, as a thought, as a call --

def of_chat(what, pieces):
    call = {"index": 0, "id": "call_1", "type": "function",
            "function": {"name": "f", "arguments": '{"k":"'}}
    say = {"text": lambda p: {"content": p},
           "thoughts": lambda p: {"reasoning_content": p},
           "calls": lambda p: {"tool_calls": [{
               "index": 0, "function": {"arguments": p}}]}}[what]
    head = [chunk(role="assistant", content="")]
    if what == "calls":
        head.append(chunk(tool_calls=[call]))
    return plain(*head, *(chunk(**say(p)) for p in pieces))


def of_messages(what, pieces):
    kind, first = {
        "text": ("text", {"text": ""}),
        "thoughts": ("thinking", {"thinking": "", "signature": ""}),
        "calls": ("tool_use", {"id": "toolu_1", "name": "f",
                               "input": {}})}[what]
    say = {"text": lambda p: delta(0, "text_delta", text=p),
           "thoughts": lambda p: delta(0, "thinking_delta", thinking=p),
           "calls": lambda p: delta(0, "input_json_delta",
                                    partial_json=p)}[what]
    if what == "calls":
        pieces = ['{"k":"', *pieces]
    return named(start(), block(0, kind, **first), *map(say, pieces),
                 *finish())


def of_google(what, pieces):
    say = {"text": lambda p: {"text": p},
           "thoughts": lambda p: {"text": p, "thought": True},
           "calls": lambda p: {"functionCall": {"name": "f",
                                                "args": {"k": p}}}}[what]
    return plain(*(answer(say(p)) for p in pieces), LAST, done=False)


def of_responses(what, pieces):
    """A message that is over stands before the item that is open."""
    part = {"type": "output_text", "text": "", "annotations": []}
    at = {"item_id": "it_1", "output_index": 1}
    items = {
        "text": {"type": "message", "role": "assistant", "content": []},
        "thoughts": {"type": "reasoning", "summary": []},
        "calls": {"type": "function_call", "name": "f", "call_id": "call_1",
                  "arguments": ""}}
    first = {"id": "it_0", "type": "message", "role": "assistant",
             "content": [{**part, "text": ""}], "status": "completed"}
    item = {"id": "it_1", "status": "in_progress", **items[what]}
    head = {
        "text": [{"type": "response.content_part.added", **at,
                  "content_index": 0, "part": part}],
        "thoughts": [{"type": "response.reasoning_summary_part.added", **at,
                      "summary_index": 0,
                      "part": {"type": "summary_text", "text": ""}}],
        "calls": [{"type": "response.function_call_arguments.delta", **at,
                   "delta": '{"k":"'}]}[what]
    say = {
        "text": {"type": "response.output_text.delta", **at,
                 "content_index": 0, "logprobs": []},
        "thoughts": {"type": "response.reasoning_summary_text.delta", **at,
                     "summary_index": 0},
        "calls": {"type": "response.function_call_arguments.delta",
                  **at}}[what]
    events = [
        {"type": "response.created", "response": response(
            output=[], status="in_progress", usage=None)},
        {"type": "response.output_item.added", "output_index": 0,
         "item": {**first, "content": [], "status": "in_progress"}},
        {"type": "response.content_part.added", "item_id": "it_0",
         "output_index": 0, "content_index": 0, "part": part},
        {"type": "response.output_text.done", "item_id": "it_0",
         "output_index": 0, "content_index": 0, "text": "", "logprobs": []},
        {"type": "response.content_part.done", "item_id": "it_0",
         "output_index": 0, "content_index": 0, "part": part},
        {"type": "response.output_item.done", "output_index": 0,
         "item": first},
        {"type": "response.output_item.added", "output_index": 1,
         "item": item}, *head,
        *({**say, "delta": p} for p in pieces)]
    return named(*({**e, "sequence_number": i}
                   for i, e in enumerate(events)))


def tell(conn, request):
    """What it is asked to say stands in the request: "SAY text END%stop%"."""
    said = request.body.decode().split("SAY ", 1)[1].split('"')[0]
    what, *end = said.split()
    pieces = [WORDS] * TIMES
    if end:
        pieces[20:] = [end[0][:5], end[0][5:], "and"]
    path = request.path
    conn.head(200, "text/event-stream")
    conn.chunk((of_chat if "chat" in path else
                of_messages if "messages" in path else
                of_responses if "responses" in path else of_google)(
        what, pieces))
    conn.wait_gone(5)


@pytest.fixture
def gateway(penstock, tmp_path):
    """One key for each question: the tokens of each are used up once."""
    tmp_path.chmod(0o755)
    (tmp_path / "stops.lua").write_text(STOPS)

    def make(policies, limits=""):
        keys = "\n".join(
            f'key "k{i}" {{ sha256 = '
            f'"{hashlib.sha256(f"sk-ps-{i}".encode()).hexdigest()}", '
            f'{limits} }}' for i in range(len(KINDS) * len(WHAT)))
        return penstock(CONF.format(dir=tmp_path, url=up.url[:-3],
                                    policies=policies, keys=keys))

    with Upstream(tell) as up:
        yield make


# ---- what OpenAI's clients hold together -------------------------------------

def texts_of(item):
    if item.type == "function_call":
        return {"args": item.arguments}
    parts = item.summary if item.type == "reasoning" else item.content
    return {i: p.refusal if p.type == "refusal" else p.text
            for i, p in enumerate(parts)}


def plain_item(item):
    """Without what the SDK adds to it."""
    got = item.to_dict()
    got.pop("parsed_arguments", None)
    for part in got.get("content") or []:
        part.pop("parsed", None)
    return got


def see_text(e, open_items):
    at = getattr(e, "content_index", None)
    if at is None:
        at = getattr(e, "summary_index", "args")
    texts = open_items[e.output_index][1]
    if e.type.endswith(".delta"):
        texts[at] = texts.get(at, "") + e.delta
    elif e.type.endswith("part.done"):
        assert e.part.text == texts[at]
    elif e.type.endswith(".done"):
        said = e.arguments if at == "args" else e.text
        assert said == texts.get(at, "")
        texts[at] = said
    else:
        assert e.type.endswith("part.added"), e.type


def whole(events):
    """The last event's response; every item, part and text of it was opened
    once, closed once, and is what the pieces said."""
    open_items, over, last = {}, {}, -1
    for e in events:
        assert e.sequence_number > last, e
        last = e.sequence_number
        if e.type == "response.output_item.added":
            assert e.output_index not in {**open_items, **over}
            open_items[e.output_index] = (e.item.id, {})
        elif e.type == "response.output_item.done":
            at, texts = open_items.pop(e.output_index)
            assert e.item.id == at and texts_of(e.item) == texts
            over[e.output_index] = e.item
        elif getattr(e, "output_index", None) is not None:
            see_text(e, open_items)
    assert not open_items
    assert e.type in ("response.completed", "response.incomplete")
    assert [plain_item(x) for x in e.response.output] == \
        [plain_item(over[i]) for i in sorted(over)]
    assert "response." + e.response.status == e.type
    return e.response


def ask(c, kind, model, text):
    """said() of the SDK's final object."""
    if kind != "responses":
        return c.ask(kind, model, True, text)
    with c.openai.responses.stream(model=model, input=text) as s:
        return of_response(whole(list(s)))


def said_by(got, what):
    if what != "calls":
        return got[what]
    (name, args), *_ = got["calls"]
    assert name == "f"
    return "".join(args.get("k") or args.get("input", "")[6:]
                   for _, args in got["calls"])


def kinds_of_text(kind, model):
    """Google's calls come, and reach Google's clients, whole."""
    return WHAT if "gemini" not in (kind, model) else WHAT[:2]


def is_words(kind, got, what, least, most):
    """The text at hand; Anthropic's package leaves out a string in arguments
    that has no end."""
    text = said_by(got, what)
    if (kind, what) == ("messages", "calls") and not text:
        return
    are_words(text, least, most)


def are_words(text, least, most):
    n = len(text) // len(WORDS) + 1
    assert (WORDS * n).startswith(text)
    assert least <= len(text) // len(WORDS) <= most, len(text)


# ---- stories ----------------------------------------------------------------

@pytest.mark.parametrize("kind", KINDS)
def test_tokens_are_used_up(gateway, kind):
    pytest.importorskip(PACKAGES[kind], reason="skipped: no " + PACKAGES[kind])
    p = gateway('"auth", { "limits", conf = { stream = "finish" } }, "route"',
                'limits = { tokens = "300/day" }')
    n = 0
    for model in KINDS:
        for what in {"text", "calls"} & set(kinds_of_text(kind, model)):
            with Clients(p.url, f"sk-ps-{n}") as c:
                got = ask(c, kind, model, f"SAY {what}")
            n += 1
            assert got["end"] == "length", (model, what, got)
            is_words(kind, got, what, 60, 110)
            prompt, _, output = got["usage"]
            assert 280 <= prompt + output <= 320, (model, what, got)
    log = wait_for(lambda: len(p.logs("request")) == n and p.logs("request"),
                   why="the lines")
    assert all("stopped: the tokens are used up" in str(x["notes"])
               for x in log)


@pytest.mark.parametrize("kind", KINDS)
def test_policies_end_it(gateway, kind):
    pytest.importorskip(PACKAGES[kind], reason="skipped: no " + PACKAGES[kind])
    p = gateway('"auth", "stops", "route"')
    with Clients(p.url, "sk-ps-0") as c:
        for model in KINDS:
            for what in kinds_of_text(kind, model):
                for how, end in (("stop", "end"), ("filter", "filter")):
                    got = ask(c, kind, model, f"SAY {what} END%{how}%")
                    is_words(kind, got, what, 19, 20)
                    if what == "calls" and got["calls"] and end == "end":
                        end = "tool"
                    assert got["end"] == end, (model, what, got)


def test_openais_own_accumulators(gateway):
    """What they make of an answer that ends as if it were complete."""
    openai = pytest.importorskip("openai", reason="skipped: no openai")
    assert openai.__version__
    p = gateway('"auth", "stops", "route"')
    with Clients(p.url, "sk-ps-0") as c:
        for model in KINDS:
            with c.openai.responses.stream(
                    model=model, input="SAY text END%stop%") as s:
                got = s.get_final_response()
            are_words(got.output_text, 19, 20)
            assert got.status == "completed"
            assert [x.status for x in got.output] == \
                ["completed"] * len(got.output)


NODE = """
const OpenAI = require("openai");
const c = new OpenAI({ baseURL: process.argv[2], apiKey: "sk-ps-0",
                       maxRetries: 0 });
(async () => {
  const out = [];
  for (const model of ["responses", "chat", "messages", "gemini"])
    out.push(await c.responses.stream({
      model, input: "SAY text END%filter%" }).finalResponse());
  console.log(JSON.stringify(out));
})();
"""


def test_openais_package_for_node(gateway, tmp_path):
    node, modules = shutil.which("node"), os.environ.get(
        "PENSTOCK_NODE_MODULES") or ""
    if not node or not os.path.isdir(os.path.join(modules, "openai")):
        pytest.skip("skipped: no openai package for node")
    p = gateway('"auth", "stops", "route"')
    (tmp_path / "ask.js").write_text(NODE)
    got = subprocess.run([node, tmp_path / "ask.js", p.url + "/v1"],
                         env={**os.environ, "NODE_PATH": modules},
                         capture_output=True, text=True, timeout=60)
    assert got.returncode == 0, got.stderr
    for last in json.loads(got.stdout):
        assert last["incomplete_details"] == {"reason": "content_filter"}
        are_words(last["output_text"], 19, 20)
        assert last["output"][-1]["status"] == "incomplete"

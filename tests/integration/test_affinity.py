# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""The requests of a conversation go to one target while it is well: by the
fields and members that agents send, for each tenant apart, only if asked."""
import hashlib

import pytest

from test_breaker import Sick, good
from test_faults import body
from upstream import Upstream

KEYS = "".join(
    'key "%s" { sha256 = "%s" }\n' % (k, hashlib.sha256(k.encode()).hexdigest())
    for k in ("k1", "k2"))
CONFIG = """
listen "127.0.0.1:0"
server {{ workers = 2 }}
defaults {{ retries = {{ attempts = 2, same_target = 0 }} }}
{keys}
provider "a" {{ vendor = "openai-compatible", base_url = "{a}",
               keys = {{ env("UNSET", "ka") }} }}
provider "b" {{ vendor = "openai-compatible", base_url = "{b}",
               keys = {{ env("UNSET", "kb") }} }}
model "m" {{ balance = "{balance}", affinity = "session",
            "a/first", "b/second" }}
model "p" {{ balance = "weighted", affinity = "prompt", prompt_prefix = "1KiB",
            "a/first", "b/second" }}
model "stay" {{ balance = "weighted", affinity = "session",
               affinity_ttl = "1h", "a/first", "b/second" }}
model "free" {{ balance = "weighted", "a/first", "b/second" }}
"""


def start(penstock, a, b, keys="", balance="weighted"):
    return penstock(CONFIG.format(a=a.url, b=b.url, keys=keys,
                                  balance=balance))


def field(name, key=None):
    def ask(p, session, model="m"):
        headers = {name: session}
        if key:
            headers["authorization"] = "Bearer " + key
        return p.post("/v1/chat/completions", body(False, model), headers=headers)
    return ask


def member(path):
    def ask(p, session, model="m"):
        value = session
        for name in reversed(path.split("/")):
            value = {name: value}
        return p.post("/v1/chat/completions",
                      {**body(False, model), **value})
    return ask


def where(a, b, ask, *args):
    """The upstream that a request came to."""
    before = len(a.requests)
    assert ask(*args).status == 200
    return "a" if len(a.requests) > before else "b"


@pytest.mark.parametrize("balance", ["order", "weighted", "ewma"])
@pytest.mark.parametrize("ask", [
    field("x-penstock-session"), field("x-claude-code-session-id"),
    field("session_id"), member("prompt_cache_key"),
    member("metadata/user_id")],
    ids=["ours", "claude", "codex", "cache_key", "user_id"])
def test_a_conversation_stays(penstock, ask, balance):
    with Upstream(good) as a, Upstream(good) as b:
        p = start(penstock, a, b, balance=balance)
        seen = {}
        for s in range(16):
            seen[s] = where(a, b, ask, p, f"s{s}")
        assert set(seen.values()) == {"a", "b"}
        for s in range(16):
            assert where(a, b, ask, p, f"s{s}") == seen[s]


def test_tenants_have_nothing_in_common(penstock):
    with Upstream(good) as a, Upstream(good) as b:
        p = start(penstock, a, b, keys=KEYS)
        one, two = (field("x-penstock-session", k) for k in ("k1", "k2"))
        assert [where(a, b, one, p, f"s{i}") for i in range(24)] != \
            [where(a, b, two, p, f"s{i}") for i in range(24)]


def test_it_is_broken_when_its_target_is_sick(penstock):
    sick = Sick()
    sick.answer = good
    with Upstream(sick) as a, Upstream(good) as b:
        p = start(penstock, a, b)
        ask = field("x-penstock-session")
        mine = next(s for s in map(str, range(64))
                    if where(a, b, ask, p, s) == "a")
        sick.answer = sick.broken
        for _ in range(5):
            assert ask(p, mine).status == 200
        hits = len(a.requests)
        for _ in range(5):
            assert ask(p, mine).status == 200
        assert len(a.requests) == hits


def test_it_is_off_unless_asked_for(penstock):
    with Upstream(good) as a, Upstream(good) as b:
        p = start(penstock, a, b)
        ask = field("x-penstock-session")
        assert {where(a, b, ask, p, "s", "free") for _ in range(24)} == \
            {"a", "b"}


def prompt(start, key=None, path="/v1/chat/completions", **more):
    """A prompt that begins so; what follows is another one each time."""
    n = iter(range(10 ** 6))

    def ask(p, _=None, model="p"):
        headers = {"authorization": "Bearer " + key} if key else {}
        return p.post(path, {"model": model, "max_tokens": 9, "messages": [
            {"role": "user", "content": start + f" and {next(n)}"}], **more},
            headers=headers)
    return ask


LONG = "once upon a time " * 80


def test_prompts_that_begin_alike_stay(penstock):
    with Upstream(good) as a, Upstream(good) as b:
        p = start(penstock, a, b)
        seen = set()
        for i in range(16):
            ask = prompt(f"{i}: {LONG}")
            at = {where(a, b, ask, p) for _ in range(3)}
            assert len(at) == 1
            seen |= at
        assert seen == {"a", "b"}
        # tools come first, so that they alone tell them apart
        tools = [{"type": "function", "function": {
            "name": "f", "description": LONG, "parameters": {}}}]
        asks = [prompt("hi", tools=tools), prompt("ho", tools=tools)]
        assert len({where(a, b, ask, p) for ask in asks}) == 1


def test_a_short_prompt_goes_anywhere(penstock):
    with Upstream(good) as a, Upstream(good) as b:
        p = start(penstock, a, b)
        ask = prompt("hi")
        assert {where(a, b, ask, p) for _ in range(24)} == {"a", "b"}


def test_a_named_conversation_comes_before_its_prompt(penstock):
    with Upstream(good) as a, Upstream(good) as b:
        p = start(penstock, a, b)
        at = {where(a, b, prompt(LONG, prompt_cache_key=f"s{i}"), p)
              for i in range(16)}
        assert at == {"a", "b"}


def test_prompts_of_two_tenants_have_nothing_in_common(penstock):
    with Upstream(good) as a, Upstream(good) as b:
        p = start(penstock, a, b, keys=KEYS)
        at = [[where(a, b, prompt(f"{i}: {LONG}", k), p) for i in range(24)]
              for k in ("k1", "k2")]
        assert at[0] != at[1]


@pytest.mark.parametrize("model, back", [("m", "a"), ("stay", "b")])
def test_where_it_was_served_last_holds(penstock, model, back):
    sick = Sick()
    sick.answer = good
    with Upstream(sick) as a, Upstream(good) as b:
        p = start(penstock, a, b)
        ask = field("x-penstock-session")
        mine = next(s for s in map(str, range(64))
                    if where(a, b, ask, p, s, model) == "a")
        sick.answer = sick.broken
        assert ask(p, mine, model).status == 200  # by b
        sick.answer = good
        for _ in range(4):
            assert where(a, b, ask, p, mine, model) == back

# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""Recorded exchanges through the native path of each dialect: what reaches
the provider is what the client sent, what reaches the client is what the
provider sent, byte for byte, however the provider's bytes were cut."""
import json

import pytest

from conftest import wait_for
from upstream import Replay, recordings, same

APIS = {
    "openai.chat": "/v1/chat/completions",
    "openai.completions": "/v1/completions",
    "openai.embeddings": "/v1/embeddings",
}
# What a provider refused may be refused here already: then it is asked with
# the rules switched off.
NO_RULES = "".join(f'endpoint "{e}" {{ validate = false }}\n' for e in
                   ("chat", "completions", "embeddings", "messages",
                    "count_tokens"))
PROVIDER = """
provider "up" {{ vendor = "openai-compatible", base_url = "{url}",
                 keys = "client" }}
policies {{ "route" }}
"""


def ours(got, recorded):
    """Undo what the gateway adds on purpose: the wish for usage, the name."""
    got = dict(got, model=recorded.get("model"))
    options = recorded.get("stream_options")
    if recorded.get("stream") and (options or {}).get("include_usage") is None:
        mine = dict(got.get("stream_options") or {})
        mine.pop("include_usage", None)
        if options is None:
            got.pop("stream_options", None)
        else:
            got["stream_options"] = mine
    return got


def usage_only(event):
    """Is it the usage event that only we asked for?"""
    if not event.startswith("data: {"):
        return False
    d = json.loads(event[6:])
    return d.get("choices") == [] and isinstance(d.get("usage"), dict)


def expected(x):
    body = x["response"].get("body") or ""
    if not isinstance(body, str):
        body = json.dumps(body)
    options = x["request"]["body"].get("stream_options") or {}
    if x["stream"] and not options.get("include_usage"):
        events = body.split("\n\n")
        body = "\n\n".join(e for e in events if not usage_only(e))
    return body.encode()


def instances(penstock, config):
    """One that holds requests against the rules, one that does not."""
    return penstock(config), penstock(config + NO_RULES)


def lines(*instances):
    return [line for p in instances for line in p.logs("request")]


@pytest.mark.parametrize("size", [0, 7, 1])
@pytest.mark.parametrize("api", sorted(APIS))
def test_replay(penstock, api, size):
    found = recordings(api)
    if not found:
        pytest.skip("skipped: no recordings")
    with Replay(found, size, ours) as up:
        p, loose = instances(penstock, PROVIDER.format(url=up.url))
        for x in found:
            body = dict(x["request"]["body"])
            body["model"] = "up/" + body["model"]
            a = (loose if x["response"]["status"] == 400 else p).post(
                APIS[api], body,
                headers={"authorization": "Bearer sk-x",
                         "x-client-request-id": x["id"]}, timeout=30)
            assert not up.missed, (x["id"], up.missed)
            assert a.status == x["response"]["status"], (x["id"], a.body)
            if x["fidelity"] == "wire":
                assert a.body == expected(x), x["id"]
            else:
                assert same(a.json(), json.loads(expected(x))), x["id"]
        wait_for(lambda: len(lines(p, loose)) == len(found),
                 why="a line for each")


ANTHROPIC = {
    "anthropic.messages": "/v1/messages",
    "anthropic.count_tokens": "/v1/messages/count_tokens",
    "ollama.anthropic.messages": "/v1/messages",
}
ANTHROPIC_PROVIDER = """
provider "up" {{ vendor = "anthropic-compatible", base_url = "{url}",
                 keys = "client" }}
policies {{ "route" }}
"""


def name_only(got, recorded):
    return dict(got, model=recorded.get("model"))


def check_head(x, request):
    """The head that reached the provider: version, betas, key, query."""
    sent = {k.lower(): v for k, v in x["request"]["headers"].items()}
    assert request.header("anthropic-version") == \
        sent.get("anthropic-version", "2023-06-01"), x["id"]
    assert request.header("anthropic-beta") == sent.get("anthropic-beta")
    assert request.header("x-api-key") == "sk-ant-api-x"
    assert request.header("authorization") is None
    path, _, query = request.path.partition("?")
    assert (path, query) == (ANTHROPIC[x["api"]],
                             x["request"].get("query") or ""), x["id"]


def usage_of(x):
    """What the recorded answer says of tokens, its last word on each."""
    u = {}
    body = x["response"].get("body") or ""
    for line in body.split("\n") if x["stream"] else ["data: " + body]:
        if not line.startswith("data: "):
            continue
        d = json.loads(line[6:])
        for part in (d.get("message") or {}, d):
            u.update({k: v for k, v in (part.get("usage") or {}).items()
                      if v is not None})
    return u


def check_line(x, line):
    got, want = line.get("tokens") or {}, usage_of(x)
    for ours, theirs in (("input", "input_tokens"),
                         ("cache_read", "cache_read_input_tokens"),
                         ("cache_write", "cache_creation_input_tokens"),
                         ("output", "output_tokens")):
        assert got.get(ours) == want.get(theirs), (x["id"], ours, got, want)


@pytest.mark.parametrize("size", [0, 7, 1])
@pytest.mark.parametrize("api", sorted(ANTHROPIC))
def test_replay_anthropic(penstock, api, size):
    found = recordings(api)
    if not found:
        pytest.skip("skipped: no recordings")
    with Replay(found, size, name_only) as up:
        p, loose = instances(penstock,
                             ANTHROPIC_PROVIDER.format(url=up.url[:-3]))
        ours = {}
        for x in found:
            body = dict(x["request"]["body"])
            body["model"] = "up/" + body["model"]
            query = x["request"].get("query")
            head = {k: v for k, v in x["request"]["headers"].items()
                    if k.lower().startswith("anthropic-")}
            a = (loose if x["response"]["status"] == 400 else p).post(
                ANTHROPIC[api] + (f"?{query}" if query else ""), body,
                headers={"x-api-key": "sk-ant-api-x",
                         "x-client-request-id": x["id"], **head}, timeout=30)
            assert not up.missed, (x["id"], up.missed)
            assert a.status == x["response"]["status"], (x["id"], a.body)
            assert a.body == x["response"]["body"].encode(), x["id"]
            check_head(x, up.requests[-1])
            assert a.headers["request-id"].startswith("req_"), x["id"]
            ours[a.headers["request-id"]] = x
            assert "x-request-id" not in a.headers, x["id"]
            for k, v in x["response"]["headers"].items():
                if k.lower().startswith("anthropic-ratelimit-") or \
                        k.lower() == "retry-after":
                    assert a.headers.get(k.lower()) == v, (x["id"], k)
        wait_for(lambda: len(lines(p, loose)) == len(found),
                 why="a line for each")
        for line in p.logs("request"):  # workers write in any order
            x = ours[line["id"]]
            assert line["endpoint"] in ("messages", "count_tokens")
            if x["response"]["status"] == 200 and "messages" in api:
                check_line(x, line)


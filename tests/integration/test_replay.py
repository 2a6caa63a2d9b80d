# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""Recorded OpenAI exchanges through the native path: what reaches the
provider is what the client sent, what reaches the client is what the provider
sent, byte for byte, however the provider's bytes were cut."""
import json

import pytest

from conftest import wait_for
from upstream import Replay, recordings, same

APIS = {
    "openai.chat": "/v1/chat/completions",
    "openai.completions": "/v1/completions",
    "openai.embeddings": "/v1/embeddings",
}
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


@pytest.mark.parametrize("size", [0, 7, 1])
@pytest.mark.parametrize("api", sorted(APIS))
def test_replay(penstock, api, size):
    found = recordings(api)
    if not found:
        pytest.skip("skipped: no recordings")
    with Replay(found, size, ours) as up:
        p = penstock(PROVIDER.format(url=up.url))
        for x in found:
            body = dict(x["request"]["body"])
            body["model"] = "up/" + body["model"]
            a = p.post(APIS[api], body,
                       headers={"authorization": "Bearer sk-x",
                                "x-client-request-id": x["id"]}, timeout=30)
            assert not up.missed, (x["id"], up.missed)
            assert a.status == x["response"]["status"], (x["id"], a.body)
            if x["fidelity"] == "wire":
                assert a.body == expected(x), x["id"]
            else:
                assert same(a.json(), json.loads(expected(x))), x["id"]
        wait_for(lambda: len(p.logs("request")) == len(found),
                 why="a line for each")


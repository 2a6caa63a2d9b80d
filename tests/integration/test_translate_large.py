# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""Large requests for providers of another dialect: what max_body lets in is
translated, and what is beyond the bounds of a translation is the caller's to
shorten, at no worker's cost."""
import json

import pytest

from test_all_pairs import CLIENTS, MODELS, REPLY, gateway, up  # noqa: F401

MANY = 15_000           # parts or messages of a request
LONG = 5 << 20          # bytes of one text, with what must be escaped
LINE = "li\u00e9ne\n"


def ask(gateway, client, model, turns):
    return gateway.post(*CLIENTS[client].asked(model, turns, False))


def parts(client, n):
    """One message of n short texts."""
    if client == "gemini":
        return [{"role": "user", "parts": [{"text": "x"}] * n}]
    kind = "input_text" if client == "responses" else "text"
    return [{"role": "user", "content": [{"type": kind, "text": "x"}] * n}]


def messages(client, n):
    if client == "gemini":
        return [{"role": r, "parts": [{"text": "x"}]}
                for r in ("user", "model") * (n // 2)]
    return [{"role": r, "content": "x"}
            for r in ("user", "assistant") * (n // 2)]


@pytest.mark.parametrize("provider", ("chat", "messages", "gemini",
                                      "responses", "cohere"))
@pytest.mark.parametrize("client", CLIENTS)
def test_many_parts(gateway, up, client, provider):         # noqa: F811
    got = ask(gateway, client, f"{provider}/{MODELS[provider]}",
              parts(client, MANY))
    assert got.status == 200, got.body[:300]
    assert CLIENTS[client].reply(got.json()) == REPLY
    assert up.requests[-1].body.count(b"x") >= MANY


@pytest.mark.parametrize("provider", ("chat", "messages", "gemini"))
@pytest.mark.parametrize("client", CLIENTS)
def test_many_messages(gateway, client, provider):          # noqa: F811
    got = ask(gateway, client, f"{provider}/{MODELS[provider]}",
              messages(client, MANY) + CLIENTS[client].first("then"))
    assert got.status == 200, got.body[:300]
    assert CLIENTS[client].reply(got.json()) == REPLY


def test_a_long_call_and_its_result(gateway, up):           # noqa: F811
    """Some megabytes in one argument, and in what the tool said."""
    text = LINE * (LONG // len(LINE.encode()))
    got = ask(gateway, "chat", f"gemini/{MODELS['gemini']}", [
        {"role": "user", "content": "x"},
        {"role": "assistant", "content": None, "tool_calls": [
            {"id": "callabc12", "type": "function", "function": {
                "name": "weather", "arguments": json.dumps({"p": text})}}]},
        {"role": "tool", "tool_call_id": "callabc12", "content": text}])
    assert got.status == 200, got.body[:300]
    sent = json.dumps(up.requests[-1].json())
    assert sent.count(json.dumps(LINE)[1:-1]) == 2 * text.count("\n")


def test_beyond_the_bounds(gateway):                        # noqa: F811
    """More JSON values than a request may have, once it is translated."""
    before = [w["pid"] for w in gateway.status()["workers"]]
    got = ask(gateway, "gemini", f"messages/{MODELS['messages']}",
              parts("gemini", 480_000))
    assert got.status == 413
    assert got.headers["x-penstock-error"] == "too_large; side=client"
    assert "too large to be translated for messages/" in got.json()["error"][
        "message"]
    assert [w["pid"] for w in gateway.status()["workers"]] == before

# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""`penstock try`: a question through the running instance, and snippets that
work as they are printed."""
import hashlib
import json
import os
import subprocess
import sys

import pytest

from upstream import Upstream

KEY = "sk-test-0123456789abcdef0123456789abcdef"


@pytest.fixture
def open_one(penstock):
    return penstock('listen "127.0.0.1:0"\nprovider "sim"\n')


@pytest.mark.parametrize("args", [
    (), ("--stream",), ("--dialect", "anthropic"),
    ("--dialect", "anthropic", "--stream"),
    ("--dialect", "gemini"), ("--dialect", "gemini", "--stream")])
def test_the_answer_is_printed(open_one, args):
    got = open_one.cli("try", "sim/echo", "Hello you", *args)
    assert got.returncode == 0, got.stderr
    assert got.stdout == "Hello you\n"
    assert got.stderr.startswith("200 in ")
    assert "9 tokens in, 2 out\npenstock explain req_" in got.stderr


def test_a_text_may_look_like_an_option(open_one):
    got = open_one.cli("try", "sim/echo", "--", "--stream")
    assert (got.returncode, got.stdout) == (0, "--stream\n")
    assert open_one.cli("try", "sim/echo", "-text").returncode == 2


def test_as_json(open_one):
    told = json.loads(open_one.cli("try", "sim/echo", "a b", "--stream",
                                   "--json").stdout)
    assert told["text"] == "a b" and told["status"] == 200
    assert told["usage"]["completion_tokens"] > 0
    assert 0 < told["first_text_seconds"] <= told["seconds"]
    story = json.loads(open_one.cli("explain", told["id"], "--json").stdout)
    assert story["id"] == told["id"]


@pytest.mark.parametrize("args, code, says", [
    (["nosuch", "hi"], 1, "404: There is no model"),
    (["nosuch", "hi"], 1, "\npenstock explain req_"),
    (["a", "--snippet"], 2, "--snippet wants a value"),
    (["sim/echo"], 2, "a text is missing"),
    ([], 2, "a model is missing"),
    (["a", "b", "c"], 2, "what is"),
    (["a", "b", "--dialect", "morse"], 2, "openai, anthropic and gemini"),
    (["a", "--snippet", "nosuch"], 2, "claude-code"),
])
def test_what_is_wrong_is_said(open_one, args, code, says):
    got = open_one.cli("try", *args)
    assert got.returncode == code and says in got.stderr


def test_a_cut_stream_is_no_success(penstock):
    cut = (b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"
           b"content-length: 9999\r\n\r\n"
           b'data: {"id":"x","object":"chat.completion.chunk","created":1,'
           b'"model":"m","choices":[{"index":0,"delta":{"content":"par"}}]}'
           b"\n\n")
    def torn(conn, _):
        conn.send(cut)
        conn.sock.close()

    with Upstream(torn) as up:
        p = penstock('listen "127.0.0.1:0"\nprovider "u" { '
                     'vendor = "openai-compatible", keys = {}, '
                     f'base_url = "{up.url}" }}\n')
        got = p.cli("try", "u/m", "hi", "--stream")
        assert got.returncode == 1 and got.stdout.startswith("par")
        assert "stream ended with an error" in got.stderr


def test_with_a_key(penstock):
    p = penstock('listen "127.0.0.1:0"\nprovider "sim"\nkey "me" { '
                 f'sha256 = "{hashlib.sha256(KEY.encode()).hexdigest()}" }}')
    got = p.cli("try", "sim/echo", "hi")
    assert got.returncode == 1 and "--key or $PENSTOCK_KEY" in got.stderr
    for dialect in ("openai", "anthropic", "gemini"):
        got = p.cli("try", "sim/echo", "hi", "--key", KEY,
                    "--dialect", dialect)
        assert got.stdout == "hi\n", got.stderr
    assert "$PENSTOCK_KEY" in p.cli("try", "m", "--snippet", "curl").stdout


def test_a_long_key_is_sent_whole_or_not_at_all(penstock):
    long = "k" * 8192
    p = penstock('listen "127.0.0.1:0"\nprovider "sim"\nkey "me" { '
                 f'sha256 = "{hashlib.sha256(long.encode()).hexdigest()}" }}')
    assert p.cli("try", "sim/echo", "hi", "--key", long).stdout == "hi\n"
    got = p.cli("try", "sim/echo", "hi", "--key", long + "k")
    assert got.returncode == 2 and "longer than 8192" in got.stderr


@pytest.mark.parametrize("name", ["openai", "anthropic", "google-genai"])
def test_a_python_snippet_works_as_printed(open_one, name):
    if name == "google-genai":
        pytest.importorskip("google.genai", reason="skipped: no google-genai")
    text = open_one.cli("try", "sim/echo", "--snippet", name).stdout
    got = subprocess.run([sys.executable, "-c", text], capture_output=True,
                         text=True, timeout=60)
    assert got.stdout == "Hello!\n", got.stderr


def test_the_curl_snippet_works_as_printed(open_one):
    text = open_one.cli("try", "sim/echo", "--snippet", "curl").stdout
    got = subprocess.run(["sh", "-c", text], capture_output=True, text=True,
                         timeout=60, env=dict(os.environ))
    answer = json.loads(got.stdout)
    assert answer["choices"][0]["message"]["content"] == "Hello!"

# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""Each limit in time of an attempt says its own name and length when it ends
one. The lengths differ, so that no other one can have spoken."""
import json
import socket
import threading
import time

import pytest

from conftest import wait_for
from test_faults import CONTENT, ROLE, body, one_line, read_stream, settled
from upstream import Upstream

CONF = """
listen "127.0.0.1:0"
defaults {{ timeouts = {{ connect = "300ms", head = "500ms",
                          first_event = "700ms", idle = "900ms",
                          total = "1100ms" }},
            retries = {{ attempts = 1, same_target = 0 }} }}
provider "up" {{ vendor = "openai-compatible", base_url = "{url}",
                 keys = {{ env("UNSET", "sk-up") }} }}
"""


def silent(conn, _):
    conn.wait_gone()


def head_alone(conn, _):
    conn.head(200, "text/event-stream")
    conn.wait_gone()


def whole_head_alone(conn, _):
    conn.head(200, "application/json", 1000)
    conn.wait_gone()


def half_a_body(conn, _):
    conn.head(200, "application/json", 1000)
    conn.send('{"choices":')
    conn.wait_gone()


def two_events(conn, _):
    conn.head(200, "text/event-stream")
    conn.chunk(ROLE + CONTENT % "one")
    conn.wait_gone()


def says(name, length):
    return f"upstream_timeout: {name} {length} passed (provider up, attempt 1)"


@pytest.mark.parametrize("fault,stream,text", [
    (silent, True, says("head", "500 ms")),
    (head_alone, True, says("first_event", "700 ms")),
    (silent, False, says("head", "500 ms")),
    (whole_head_alone, False, says("total", "1100 ms")),
    (half_a_body, False, says("idle", "900 ms"))])
def test_before_content(penstock, fault, stream, text):
    with Upstream(fault) as up:
        p = penstock(CONF.format(url=up.url))
        r = p.post("/v1/chat/completions", body(stream))
        assert r.status == 504
        assert r.json()["error"]["message"] == text
        assert one_line(p)["attempts"][0]["why"] == text
        assert wait_for(up.closed, why="the upstream's end")
        settled(p)


def test_a_whole_answer_has_its_total_time(penstock):
    """No limit of its own for its head, where none is set."""
    conf = CONF.replace('head = "500ms",', "")
    with Upstream(silent) as up:
        p = penstock(conf.format(url=up.url))
        r = p.post("/v1/chat/completions", body(False))
        assert r.json()["error"]["message"] == says("total", "1100 ms")


def test_between_events(penstock):
    with Upstream(two_events) as up:
        p = penstock(CONF.format(url=up.url))
        got, clean = read_stream(p, body(True))
        error = json.loads(got.split("\n\n")[-2].removeprefix("data: "))
        assert error["error"]["message"] == says("idle", "900 ms")
        assert not clean


@pytest.mark.parametrize("fault", [silent, head_alone])
@pytest.mark.parametrize("model,own,length", [
    ("plain-1", "", "300 ms"), ("thinker-2", "", "1200 ms"),
    ("plain-1", 'reasoning = { "plain*" },', "1200 ms"),
    ("thinker-2", "reasoning = {},", "300 ms")])
def test_reasoning_models_have_longer(penstock, tmp_path, fault, model, own,
                                      length):
    """Four times first_event, where the catalogue or the provider says so;
    a head without a limit of its own waits as long."""
    (tmp_path / "vendors.json").write_text(json.dumps({"vendors": {"host": {
        "plugin": "openai", "reasoning": ["r1", "thinker*"]}}}))
    conf = (CONF.replace('head = "500ms",', "").replace("700ms", "300ms")
            .replace("openai-compatible", "host"))
    with Upstream(fault) as up:
        p = penstock(conf.format(url=up.url).replace("base_url",
                                                     own + " base_url"),
                     env={"PENSTOCK_CATALOGUE_PATH": str(tmp_path)})
        begun = time.monotonic()
        r = p.post("/v1/chat/completions",
                   {**body(True), "model": f"up/{model}"})
        assert r.json()["error"]["message"] == says("first_event", length)
        assert time.monotonic() - begun >= int(length.split()[0]) / 1000


def test_a_handshake_that_never_ends(penstock):
    """TLS is part of connecting."""
    with socket.create_server(("127.0.0.1", 0)) as s:
        kept = []
        threading.Thread(target=lambda: kept.append(s.accept()),
                         daemon=True).start()
        p = penstock(CONF.format(
            url=f"https://127.0.0.1:{s.getsockname()[1]}/v1"))
        begun = time.monotonic()
        r = p.post("/v1/chat/completions", body(True))
        assert r.status == 504, r.body
        assert r.json()["error"]["message"] == says("connect", "300 ms")
        assert time.monotonic() - begun < 3
        for conn, _ in kept:
            conn.close()

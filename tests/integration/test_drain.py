# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""The end of an instance: it drains, stops, or is orphaned, and nothing of it
is left."""
import os
import pathlib
import signal
import socket
import threading
import time

import pytest

from conftest import SLOW, alive, children, wait_for
from test_processes import config
from upstream import Upstream


class Stream(threading.Thread):
    """A slow stream that is read to its end in the background."""

    def __init__(self, p, seconds):
        super().__init__()
        self.text = b""
        self.error = None
        self.conn = p.connect(timeout=60)
        self.conn.request(
            "POST", "/v1/chat/completions",
            '{"model":"up/m","stream":true,"max_tokens":%d,'
            '"messages":[{"role":"user","content":"hi"}]}' % (seconds * 20),
            {"content-type": "application/json"})
        self.answer = self.conn.getresponse()
        self.text += self.answer.read(10)
        self.start()

    def run(self):
        try:
            self.text += self.answer.read()
        except Exception as e:          # an incomplete read, a reset
            self.error = e
        self.conn.close()


def pace(conn, request):
    """20 chunks a second, as many as max_tokens says."""
    conn.head(ctype="text/event-stream")
    for i in range(request.json()["max_tokens"]):
        conn.chunk('data: {"choices":[{"index":0,"delta":{"content":"%d "},'
                   '"finish_reason":null}]}\n\n' % i)
        time.sleep(0.05)
    conn.chunk('data: {"choices":[{"index":0,"delta":{},"finish_reason":'
               '"stop"}]}\n\ndata: [DONE]\n\n')
    conn.end()


@pytest.fixture
def paced(penstock):
    """An instance whose upstream streams 20 tokens a second."""
    with Upstream(pace) as up:
        def start(**kw):
            return penstock(config(**kw).replace(
                'provider "sim"',
                'provider "up" { vendor = "openai-compatible", '
                f'base_url = "{up.url}", keys = {{ env("UP_KEY", "sk-up") }} }}'))
        yield start


def cpu_ticks(pid):
    try:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(
            ")")[2].split()
    except FileNotFoundError:
        return 0
    return int(fields[11]) + int(fields[12])


def test_sigterm_drains(paced):
    p = paced()
    family = [p.pid, *children(p.pid)]
    stream = Stream(p, 3)
    p.signal(signal.SIGTERM)
    wait_for(lambda: refused(p), 3, why="the end of the listener")
    before = [cpu_ticks(pid) for pid in family]
    time.sleep(1)
    for pid, ticks in zip(family, before):      # a closed listener that is
        used = cpu_ticks(pid) - ticks           # still watched costs 100 %
        assert used < 0.5 * os.sysconf("SC_CLK_TCK"), pid
    assert p.proc.poll() is None
    assert p.wait_exit(15) == 0
    stream.join(10)
    assert stream.error is None
    assert stream.text.rstrip().endswith(b"data: [DONE]")


def refused(p):
    try:
        socket.create_connection(("127.0.0.1", p.port), 1).close()
        return False
    except ConnectionError:
        return True


def test_a_second_sigterm_stops(paced):
    p = paced()
    stream = Stream(p, 30)
    p.signal(signal.SIGTERM)
    wait_for(lambda: refused(p), why="the end of the listener")
    assert p.proc.poll() is None
    begin = time.monotonic()
    p.signal(signal.SIGTERM)
    assert p.wait_exit(5) == 0
    assert time.monotonic() - begin < 3 * SLOW
    stream.join(10)
    assert b"[DONE]" not in stream.text         # never a clean end
    assert [e for e in p.logs("request") if e["status"] == 200]


def test_drain_timeout_ends_streams(paced):
    p = paced(drain="1s")
    stream = Stream(p, 30)
    begin = time.monotonic()
    p.signal(signal.SIGTERM)
    assert p.wait_exit(10) == 0
    assert 0.9 < time.monotonic() - begin < 5 * SLOW
    stream.join(10)
    assert b"[DONE]" not in stream.text


def test_a_killed_masters_family_drains_and_ends(paced):
    p = paced()
    family = children(p.pid)
    stream = Stream(p, 2)
    p.proc.kill()
    p.proc.wait()
    wait_for(lambda: p.logs("worker.orphan"), why="worker.orphan")
    stream.join(20)
    assert stream.error is None
    assert stream.text.rstrip().endswith(b"data: [DONE]")
    wait_for(lambda: not any(alive(pid) for pid in family), 20,
             why="the end of the family")
    assert refused(p)


def test_keep_alive_is_told_of_the_drain(paced):
    p = paced()
    c = p.connect()
    c.request("GET", "/healthz")
    assert c.getresponse().read()
    stream = Stream(p, 3)
    p.signal(signal.SIGTERM)

    def told():
        c.request("GET", "/readyz")
        answer = c.getresponse()
        answer.read()
        return answer.getheader("connection") == "close" and answer

    assert wait_for(told, why="the drain").status == 503
    c.close()
    stream.join(20)
    assert p.wait_exit(15) == 0


def test_start_stop_in_a_hurry(penstock):
    """A signal at any moment of the start ends it cleanly."""
    for ms in (0, 5, 20, 40, 80, 120):
        p = penstock(config(), ready=False)
        time.sleep(ms / 1000)
        family = {p.pid, *children(p.pid)}
        p.signal(signal.SIGTERM)
        p.wait_exit(10)
        wait_for(lambda: not any(alive(x) for x in family), 5,
                 why="the end of all")

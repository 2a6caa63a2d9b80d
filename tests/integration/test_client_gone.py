# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""A client that leaves, in each step; one that reads slowly; many that do."""
import json
import os
import pathlib
import random
import socket
import struct
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from conftest import SANITIZED, SLOW, alive, wait_for
from test_faults import (CONTENT, DONE, FINISH, ROLE, WHOLE, body, one_line,
                         settled, start)
from upstream import Upstream


def raw(p, request, cut=None):
    """A socket on which that request (or its first bytes) was sent."""
    text = json.dumps(request)
    data = (f"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n"
            f"Content-Type: application/json\r\n"
            f"Content-Length: {len(text)}\r\n\r\n{text}").encode()
    s = socket.create_connection(("127.0.0.1", p.port), 15)
    s.sendall(data[:cut] if cut else data)
    return s


def rss_kb(pid):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().split("\n"):
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    return 0


def silent(conn, _):
    conn.wait_gone()


def head_only(conn, _):
    conn.head(200, "text/event-stream")
    conn.wait_gone()


def role_only(conn, _):
    conn.head(200, "text/event-stream")
    conn.chunk(ROLE)
    conn.wait_gone()


def content_then_nothing(conn, _):
    conn.head(200, "text/event-stream")
    conn.chunk(ROLE + CONTENT % "one")
    conn.wait_gone()


def half_body(conn, _):
    conn.head(200, "application/json", 1000)
    conn.send('{"choices":')
    conn.wait_gone()


@pytest.mark.parametrize("stream,phase", [
    (False, silent), (True, silent), (True, head_only), (True, role_only),
    (True, content_then_nothing), (False, half_body)])
def test_upstream_is_closed(penstock, phase, stream):
    with Upstream(phase) as up:
        p = start(penstock, up.url)
        s = raw(p, body(stream))
        wait_for(lambda: up.requests, why="the request")
        time.sleep(0.1)
        left = time.monotonic()
        s.close()
        wait_for(up.closed, 1, 0.002, "the upstream's end")
        assert time.monotonic() - left < 0.5 * SLOW
        line = one_line(p)
        assert line["ended"] == "client_gone"
        assert line["waiting_on"].startswith("upstream.")
        settled(p)


@pytest.mark.parametrize("cut", [20, 90, 130])
def test_gone_before_the_body_is_whole(penstock, cut):
    with Upstream(silent) as up:
        p = start(penstock, up.url)
        s = raw(p, body(False), cut)
        time.sleep(0.1)
        s.close()
        settled(p)
        assert not up.requests
        assert p.get("/healthz").status == 200


def test_gone_during_backoff(penstock):
    def fails(conn, _):
        conn.answer({"error": {"message": "x"}}, 500)

    with Upstream(fails) as up:
        p = penstock(f'''
defaults {{ retries = {{ attempts = 3, same_target = 2 }} }}
provider "up" {{ vendor = "openai-compatible", base_url = "{up.url}",
                 keys = {{ env("UNSET", "k") }} }}''')
        for _ in range(5):
            s = raw(p, body(False))
            wait_for(lambda: up.requests, why="the request")
            s.close()
        settled(p)
        wait_for(lambda: len(p.logs("request")) == 5, why="five lines")


def test_slow_reader_is_bounded(penstock):
    """100 MB for a client that does not read: upstream waits, not memory."""
    size = 100 << 20
    sent = []

    def firehose(conn, _):
        conn.head(200, "text/event-stream")
        event = CONTENT % ("x" * 60000)
        conn.chunk(ROLE)
        while sum(sent) < size:
            conn.chunk(event)
            sent.append(len(event))
        conn.chunk(FINISH + DONE)
        conn.end()

    with Upstream(firehose) as up:
        p = start(penstock, up.url)
        pid = p.workers()[0]["pid"]
        before = rss_kb(pid)
        s = raw(p, body(True))
        wait_for(lambda: sent, why="data")
        time.sleep(1.5)
        assert sum(sent) < 40 << 20, "upstream was not held back"
        if not SANITIZED:  # whose allocator keeps what was freed
            assert rss_kb(pid) - before < 8192 * SLOW
        got, tail = 0, b""
        while True:
            more = s.recv(1 << 20)
            if not more:
                break
            got += len(more)
            tail = (tail + more)[-64:]
            if tail.endswith(b"\r\n0\r\n\r\n"):
                break
        assert got > size and b"[DONE]" in tail
        s.close()
        settled(p)


def test_stalled_reader_is_cut(penstock):
    def firehose(conn, _):
        conn.head(200, "text/event-stream")
        for _ in range(4000):
            conn.chunk(CONTENT % ("x" * 60000))

    with Upstream(firehose) as up:
        p = penstock(f'''
server {{ write_stall = "1s" }}
provider "up" {{ vendor = "openai-compatible", base_url = "{up.url}",
                 keys = {{ env("UNSET", "k") }} }}''')
        s = raw(p, body(True))
        line = wait_for(lambda: p.logs("request"), 8, why="the cut")[0]
        assert line["ended"] == "write_stall"
        wait_for(up.closed, why="the upstream's end")
        s.close()


def one_round(p, n, leave, seed):
    """n requests on one thread; a share of them is left in the middle."""
    dice = random.Random(seed)
    done = 0
    s, left = None, 0
    text = json.dumps({"model": "sim/echo", "stream": True, "messages": [
        {"role": "user", "content": "one two three"}]})
    data = (f"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n"
            f"Content-Length: {len(text)}\r\n\r\n{text}").encode()
    for _ in range(n):
        if s is None:
            s = socket.create_connection(("127.0.0.1", p.port), 30)
        if dice.random() < leave:
            s.sendall(data[:dice.randrange(1, len(data) + 1)])
            if dice.random() < 0.5:
                s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                             struct.pack("ii", 1, 0))
            s.close()
            s = None
            left += 1
            continue
        s.sendall(data)
        got = b""
        while not got.endswith(b"0\r\n\r\n"):
            more = s.recv(65536)
            assert more, got[-200:]
            got += more
        assert b"[DONE]" in got
        done += 1
    if s:
        s.close()
    return done, left


def test_many_with_disconnects(penstock):
    """Memory stays flat, nothing stays in flight."""
    total = 100000 if os.environ.get("PENSTOCK_LONG") == "1" else 6000
    p = penstock('server { workers = 1 }\nprovider "sim"\n'
                 'log { level = "warn", to = "/dev/null" }\n')
    pid = p.workers()[0]["pid"]
    rss, threads = [], 4
    for lap in range(4):
        with ThreadPoolExecutor(threads) as pool:
            jobs = [pool.submit(one_round, p, total // 4 // threads, 0.2,
                                lap * threads + i) for i in range(threads)]
            assert all(sum(j.result()) == total // 4 // threads
                       for j in jobs)
        settled(p)
        rss.append(rss_kb(pid))
    assert alive(pid), "the worker died"
    print('RSS in KiB after each quarter:', rss)
    if not SANITIZED:
        assert rss[-1] - rss[1] < 1024 * SLOW * 2, rss

# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""Reloads with new workers one after another, while streams of those before
last: each is quick and true, and so many generations there are at most."""
import http.client
import json

import pytest

from conftest import SLOW, alive, free_port, wait_for
from upgrades import Mock

WORKERS = 3
OLDER = 3                      # generations, beside the one in force


def configure(p, connections):
    p.conf.write_text(
        f'listen "127.0.0.1:{p.port}"\n{p.provider}'
        f'server {{ workers = {WORKERS}, max_connections = {connections} }}\n')


class Stream:
    """One that lasts for as long as it is read, or longer."""

    def __init__(self, p):
        self.conn = http.client.HTTPConnection("127.0.0.1", p.port,
                                               timeout=20)
        self.conn.request("POST", "/v1/chat/completions", json.dumps(
            {"model": "sim/lorem", "stream": True, "max_tokens": 8000,
             "messages": [{"role": "user", "content": "go"}]}),
            {"content-type": "application/json"})
        self.answer = self.conn.getresponse()
        assert self.answer.status == 200
        assert self.answer.readline().startswith(b"data:")

    def goes_on(self):
        return any(self.answer.readline().startswith(b"data:")
                   for _ in range(4))

    def close(self):
        self.answer.close()
        self.conn.close()


@pytest.fixture
def started(penstock, tmp_path):
    mock = Mock(tmp_path)
    p = penstock(f'listen "127.0.0.1:{free_port()}"\n{mock.provider()}'
                 f'server {{ workers = {WORKERS} }}\n')
    p.streams, p.provider = [], mock.provider()
    yield p
    for s in p.streams:
        s.close()
    mock.close()


def draining(p):
    return [w for w in p.status()["workers"] if w["state"] == "draining"]


def with_new_workers(p, connections, *args):
    configure(p, connections)
    return p.cli("reload", "--json", *args)


def until_only_streams_are_left(p):
    """An old worker without a request ends at once."""
    wait_for(lambda: all(w.get("in_flight") for w in draining(p)), 20,
             why="the end of the idle")
    return draining(p)


def test_reloads_in_a_row_do_not_wait_for_streams(started):
    p = started
    for i in range(6):
        p.streams.append(Stream(p))
        if len(p.streams) > OLDER:          # the oldest generation's
            p.streams[-OLDER - 1].close()
            wait_for(lambda: len({w["generation"] for w in draining(p)}) <
                     OLDER, 20, why="the end of the oldest")
        r = with_new_workers(p, 2000 + i, "--no-wait")
        assert r.returncode == 0, r.stdout + r.stderr
        got = json.loads(r.stdout)
        assert got["how"] == "new workers" and not got.get("warning"), got
        assert got["ms"] < 5000 * SLOW
    assert all(s.goes_on() for s in p.streams[-OLDER:])


def test_older_generations_are_bounded(started):
    """By number, however few workers each has left; who has them is named."""
    p = started
    for i in range(OLDER):
        p.streams.append(Stream(p))
        r = with_new_workers(p, 3000 + i, "--no-wait")
        assert r.returncode == 0, r.stdout + r.stderr
        assert len(until_only_streams_are_left(p)) == i + 1
    p.streams.append(Stream(p))
    old = draining(p)
    configure(p, 3100)
    r = p.cli("reload", "--no-wait")
    assert r.returncode == 1, r.stdout
    assert f"workers of {OLDER} older generations" in r.stderr
    assert all(str(w["pid"]) in r.stderr for w in old), r.stderr
    # the oldest goes, with what it has; the others' streams go on
    r = p.cli("reload", "--force")
    assert r.returncode == 0, r.stdout + r.stderr
    oldest = min(old, key=lambda w: w["generation"])["pid"]
    wait_for(lambda: not alive(oldest), 10, why="its end")
    assert all(s.goes_on() for s in p.streams[1:])
    assert len(until_only_streams_are_left(p)) == OLDER

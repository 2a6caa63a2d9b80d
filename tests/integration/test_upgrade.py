# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""Another program file takes over, and no client notices."""
import hashlib
import json
import os
import signal
import sqlite3
import urllib.request

import pytest

from conftest import alive, free_port, wait_for
from upgrades import LAYOUTS, Clients, Mock, Upgraded

CHAT = {"model": "sim/echo",
        "messages": [{"role": "user", "content": "hello"}]}
# about three seconds, see docs/guide/mock.md
LONG = {"model": "sim/lorem", "stream": True, "max_tokens": 150,
        "messages": [{"role": "user", "content": "go"}]}
SIM = 'provider "sim"\n'
SECRET = "test-upgraded-0123456789abcdef"
KEYED = ('key "ci" { sha256 = "%s", limits = { requests = "10/day" } }\n'
         % hashlib.sha256(SECRET.encode()).hexdigest())
COUNTS = """
local kv = ps.kv("counts")
return { api = 1,
  response = function(req, conf, resp)
    resp.header["x-count"] = tostring(kv:incr("all"))
  end }
"""


@pytest.fixture
def mock(tmp_path):
    m = Mock(tmp_path)
    yield m
    m.close()


@pytest.fixture
def started(tmp_path):
    """An instance that can be upgraded; config gets {port} and {dir}."""
    all_of_them = []

    def start(extra="", provider=SIM):
        (tmp_path / "counts.lua").write_text(COUNTS)
        p = Upgraded(tmp_path, config(tmp_path, free_port(), extra, 2,
                                      provider))
        all_of_them.append(p)
        return p

    yield start
    for p in all_of_them:
        said = p.close()
        assert not said, said


def config(folder, port, extra="", workers=2, provider=SIM):
    return (f'listen "127.0.0.1:{port}" {{ detail = "full" }}\n'
            f'policy_path "{folder}"\n{provider}'
            f'server {{ workers = {workers} }}\n'
            'policies { "auth", "route", "counts" }\n' + extra)


def rows(p):
    with sqlite3.connect(p.dir / "state" / "ledger" / "ledger.db") as db:
        return db.execute("SELECT count(*) FROM try").fetchone()[0]


def has_rows(p, n):
    try:
        return rows(p) == n
    except sqlite3.OperationalError:
        return False                        # the table is being made


def count(p):
    a = p.post("/v1/chat/completions", CHAT)
    assert a.status == 200, a.body
    return int(a.headers["x-count"])


def test_no_client_notices(started, mock):
    """To the same build and to one that lays out its memory otherwise; while
    clients ask on connections that they keep, and streams run."""
    p = started(provider=mock.provider())
    clients = Clients(p, CHAT)
    clients.start(6)
    for _ in range(6):
        clients.run(clients.stream, LONG)
    wait_for(lambda: p.status()["in_flight"] >= 6, why="streams")
    before = count(p)
    got = p.upgrade()
    assert got["fresh"] == "" and got["former"] == p.masters[0]
    assert count(p) > before                    # ps.kv went on
    for _ in range(4):
        clients.run(clients.stream, LONG)
    wait_for(lambda: clients.asked > 60, why="answers")
    p.replace([(at, at.replace(b" 1 ", b" 2 ")) for at in LAYOUTS] +
              [(b"0.1.0", b"0.1.9")])
    got = p.upgrade()
    assert got["version"] == "0.1.9"
    assert {"limits", "breakers", "ps.kv"} <= set(got["fresh"].split(", "))
    assert p.logs("upgrade.fresh")[0]["what"] == got["fresh"]
    asked = clients.asked
    assert count(p) < asked                     # it began anew
    assert not clients.end(), clients.wrong[:5]
    assert clients.asked > 50
    p.former_gone()
    assert p.proc.wait(5) == 0
    assert not p.logs("worker.died") and not p.logs("keeper.died")
    # nothing that was asked is missing in the ledger: 3 by count()
    wait_for(lambda: rows(p) >= clients.asked + 3, why="every row")
    assert rows(p) == clients.asked + 3
    assert p.status()["generation"] == 3


def test_limits_in_new_memory_know_what_was_used(started):
    """A build that lays the limits out otherwise gives nobody a second
    allowance: what the ledger has of key and team is counted."""
    p = started(extra=KEYED)
    head = {"authorization": "Bearer " + SECRET}

    def ask():
        return p.post("/v1/chat/completions", CHAT, headers=head).status

    assert [ask() for _ in range(3)] == [200, 429, 429]
    wait_for(lambda: has_rows(p, 1), why="its row")
    p.replace([(at, at.replace(b" 1 ", b" 2 ")) for at in LAYOUTS])
    assert "limits" in p.upgrade()["fresh"]
    said = p.logs("upgrade.limits_seeded")[0]
    assert said["rows"] == 1 and said["cut"] == 0 and said["names"] >= 3
    assert ask() == 429
    # and by the program after it, which takes the memory over
    p.replace([(at, at.replace(b" 1 ", b" 2 ")) for at in LAYOUTS])
    assert p.upgrade()["fresh"] == ""
    assert ask() == 429
    assert len(p.logs("upgrade.limits_seeded")) == 1


def test_limits_begin_full_without_a_ledger(started):
    p = started(extra=KEYED)
    head = {"authorization": "Bearer " + SECRET}
    assert p.post("/v1/chat/completions", CHAT, headers=head).status == 200
    wait_for(lambda: has_rows(p, 1), why="its row")
    os.rename(p.dir / "state" / "ledger" / "ledger.db",
              p.dir / "state" / "ledger" / "away.db")
    p.replace([(at, at.replace(b" 1 ", b" 2 ")) for at in LAYOUTS])
    p.upgrade()
    assert "no ledger" in p.logs("upgrade.limits_unseeded")[0]["why"]
    assert p.post("/v1/chat/completions", CHAT, headers=head).status == 200


def test_what_fails_changes_nothing(started):
    p = started()
    master, workers = p.pid, [w["pid"] for w in p.workers()]

    def same():
        st = p.status()
        assert st["pid"] == master and count(p) > 0
        assert [w["pid"] for w in st["workers"]] == workers

    p.replace(script="#!/bin/sh\nexit 3\n")
    assert f"{p.program} ended with code 3 before it was ready" in p.refused()
    p.replace(script="no program at all\n")
    assert f"{p.program}: cannot be started: Exec format" in p.refused()
    p.program.unlink()
    assert "No such file" in p.refused()
    p.replace()
    good = p.conf.read_text()
    p.conf.write_text(good.replace("provider", "provder"))
    said = p.refused()
    assert "penstock.conf:3" in said and "did you mean" in said
    assert str(p.program) in said
    p.conf.write_text(good)
    same()
    # one at a time; and one that is killed is no upgrade
    p.replace(script="#!/bin/sh\nexec sleep 60\n")
    p.signal(signal.SIGUSR2)
    heir = wait_for(lambda: p.logs("upgrade.start")[3:],
                    why="the next program")[0]["pid"]
    assert f"pid {heir} is starting" in p.refused()
    assert "upgraded" in p.cli("reload").stderr
    os.kill(heir, signal.SIGKILL)
    wait_for(lambda: [e for e in p.logs("upgrade.refused")
                      if "signal 9" in e["why"]], why="the refusal")
    same()
    p.replace()
    p.upgrade()
    assert count(p) > 0


@pytest.mark.skipif(os.environ.get("PENSTOCK_LONG") != "1",
                    reason="PENSTOCK_LONG=1")
def test_one_that_is_never_ready_is_given_up(started):
    p = started()
    p.replace(script="#!/bin/sh\nexec sleep 600\n")
    p.signal(signal.SIGUSR2)
    heir = wait_for(lambda: p.logs("upgrade.start"), why="it")[0]["pid"]
    said = wait_for(lambda: p.logs("upgrade.refused"), 40, why="the end")
    assert said[0]["why"] == \
        f"the new program {p.program} was not ready within 30 s"
    wait_for(lambda: not alive(heir), why="its end")
    assert count(p) > 0
    p.replace()
    p.upgrade()


def test_the_configuration_is_read_anew(started):
    """What a reload cannot change: workers, addresses; up and down."""
    p = started()
    port, more = p.port, free_port()
    p.conf.write_text(config(p.program.parent, port,
                             f'metrics "127.0.0.1:{more}"\n', 3))
    r = p.cli("reload")
    assert r.returncode == 1 and "penstock upgrade" in r.stderr
    clients = Clients(p, CHAT)
    clients.start(4)
    p.upgrade()
    assert len(p.workers()) == 3
    text = urllib.request.urlopen(f"http://127.0.0.1:{more}/metrics",
                                  timeout=10).read().decode()
    assert f"penstock_generation {p.status()['generation']}\n" in text
    p.conf.write_text(config(p.program.parent, port, "", 1))
    p.upgrade()
    p.former_gone()
    assert len(p.workers()) == 1
    # every socket of the three is accepted from by the one that is left
    for _ in range(40):
        assert count(p) > 0
    assert not clients.end(), clients.wrong[:5]


def test_a_former_that_is_killed_leaves_nothing(started, mock):
    p = started(provider=mock.provider())
    clients = Clients(p, CHAT)
    for _ in range(4):
        clients.run(clients.stream, LONG)
    wait_for(lambda: p.status()["in_flight"] == 4, why="streams")
    p.upgrade()
    assert p.status()["in_flight"] == 4         # the former's, in one memory
    os.kill(p.masters[0], signal.SIGKILL)
    assert not clients.end(), clients.wrong[:5]
    wait_for(lambda: p.status()["in_flight"] == 0 and
             p.logs("upgrade.orphan"), 20, why="the cells of the dead")
    p.upgrade()
    assert count(p) > 0


def test_streams_outlive_two_upgrades(started, mock):
    """The one in the middle ends long before the first."""
    p = started(provider=mock.provider())
    clients = Clients(p, CHAT)
    for _ in range(2):
        clients.run(clients.stream, LONG)
    wait_for(lambda: p.status()["in_flight"] == 2, why="streams")
    p.upgrade()
    p.upgrade()
    wait_for(lambda: not alive(p.masters[1]), why="the end of the second")
    assert alive(p.masters[0])
    assert not clients.end(), clients.wrong
    p.former_gone()


def test_stop_ends_all_of_them(started, mock):
    p = started(provider=mock.provider())
    clients = Clients(p, CHAT)
    for _ in range(4):
        clients.run(clients.stream, dict(LONG, max_tokens=3000))
        wait_for(lambda: p.status()["in_flight"], why="a stream")
    p.upgrade()
    assert alive(p.masters[0])
    assert p.cli("stop").returncode == 0
    wait_for(lambda: not any(alive(m) for m in p.masters), why="their end")
    assert len(clients.end()) == 4


def test_verbs_mean_the_one_that_serves(started, tmp_path):
    log = tmp_path / "access.log"
    p = started(extra=f'log {{ to = "{log}" }}\n')
    p.signal(signal.SIGUSR2)
    pid = wait_for(lambda: (lambda s: s and s["pid"] != p.pid and s["pid"])(
        p.status()), why="the next")
    p.follow(pid)
    count(p)
    os.rename(log, tmp_path / "access.log.1")
    assert p.cli("reopen").returncode == 0
    count(p)
    wait_for(lambda: log.exists() and '"event":"request"' in log.read_text(),
             why="the new log")
    assert p.cli("reload").returncode == 0
    assert p.cli("drain", "--wait").returncode == 0
    wait_for(lambda: not any(alive(m) for m in p.masters[1:]), why="its end")
    assert p.status() is None and not os.path.exists(p.socket)

# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""A plugin's file in which workers keep dying is quarantined: for as long as
it is that file, over workers, reloads and restarts, until it is released."""
import json
import os

from conftest import wait_for
from test_kept import again
from test_plugin_swap import (CRASH, WHEN, ask, by, install, kill_workers,
                              listed, make, metrics_of, release,  # noqa: F401
                              served, upstream)  # noqa: F401


def test_a_plugin_that_kills_workers_is_quarantined(served, tmp_path):  # noqa: F811
    p = served(more='model "m" { "acme/m", "sim/echo" }\n'
                    'model "only" { "acme/m" }\nmetrics "127.0.0.1:0"\n',
               do=WHEN % ("crash", CRASH))
    assert by(p, model="only") == "one"
    assert ask(p, "crash 1") is None
    died = wait_for(lambda: p.logs("worker.died"), 10, why="worker.died")[0]
    assert died["plugin"] == "acme" and died["version"] == "one"
    assert died["hash"] == listed(p)["acme", "one"]["hash"]
    assert died["op"] == "adjust" and died["charges"] == 1
    assert died["request"] and "install" in died["rollback"]
    assert died["principal"] == "local"
    # the same again is not tried again
    a = wait_for(lambda: ask(p, "crash 1"), 5, why="an answer")
    assert a.status == 400, a.body
    assert "request_failed_before" in a.headers["x-penstock-error"]
    for i in range(2, 20):
        if p.logs("plugin.quarantined"):
            break
        ask(p, f"crash {i}")
        wait_for(lambda: len(p.logs("worker.died")) >= min(i, 3), 10,
                 why="worker.died")
    event = wait_for(lambda: p.logs("plugin.quarantined"), 5,
                     why="quarantine")[0]
    metrics = metrics_of(p)
    assert 'penstock_plugin_quarantined{plugin="acme"} 1' in metrics
    raised = wait_for(lambda: [a for a in p.status()["alerts"]
                               if a["alert"] == "quarantine"],
                      why="the alert")
    assert raised[0]["where"] == "acme"
    assert raised[0]["runbook"] == "docs/runbooks/quarantine.md"
    assert 'penstock_plugin_charges_total{plugin="acme"} 3' in metrics
    assert event["charges"] == 3 and event["bodies"] == 3
    assert event["release"] == "penstock plugin release acme"
    # elsewhere, or an honest error
    a = wait_for(lambda: ask(p, "crash 99"), 5, why="an answer")
    assert a.status == 200 and "sim/echo" in a.headers["x-penstock-target"]
    a = ask(p, "hello", "only")
    assert a.status == 503 and b"quarantined" in a.body
    assert listed(p)["acme", "one"]["state"] == "quarantined"
    # it outlives workers and reloads
    kill_workers(p)
    p.conf.write_text(p.conf.read_text() + 'model "more" { "acme/x" }\n')
    assert p.cli("reload").returncode == 0
    assert ask(p, "hello", "only").status == 503
    # another file begins anew
    r = install(p, make(tmp_path / "next", "two"))
    assert r.returncode == 0, r.stderr
    assert by(p, model="only") == "two"
    assert p.cli("rollback").returncode == 0
    assert ask(p, "hello", "only").status == 503
    assert p.cli("plugin", "release", "acme").returncode == 0
    assert by(p, model="only") == "one"
    assert p.cli("plugin", "release", "acme").returncode == 1


def test_one_clients_request_quarantines_nothing(served):  # noqa: F811
    p = served(more='model "m" { "acme/m", "sim/echo" }\n',
               do=WHEN % ("crash", CRASH))
    assert ask(p, "crash the same") is None
    wait_for(lambda: p.logs("worker.died"), 10, why="worker.died")
    for _ in range(6):
        a = wait_for(lambda: ask(p, "crash the same"), 5, why="an answer")
        assert a.status == 400
    assert len(p.logs("worker.died")) == 1
    assert not p.logs("plugin.quarantined") and by(p, model="m") == "one"


def remembered(p):
    return os.listdir(p.dir / "state" / "quarantine")


def quarantined(served):  # noqa: F811
    """An instance that has quarantined its version one."""
    p = served(more='model "m" { "acme/m", "sim/echo" }\n'
                    'model "only" { "acme/m" }\nmetrics "127.0.0.1:0"\n',
               do=WHEN % ("crash", CRASH))
    for i in range(20):
        ask(p, f"crash {i}")
        wait_for(lambda: len(p.logs("worker.died")) >= min(i + 1, 3), 10,
                 why="worker.died")
        if p.logs("plugin.quarantined"):
            return p
    raise AssertionError("no quarantine")


def test_it_outlives_the_master(served):  # noqa: F811
    p = quarantined(served)
    one = listed(p)["acme", "one"]["hash"]
    assert remembered(p) == [f"acme.{one}"]
    again(p)
    event = p.logs("plugin.quarantined")[-1]
    assert event["hash"] == one and "before this start" in event["why"]
    assert listed(p)["acme", "one"]["state"] == "quarantined"
    assert ask(p, "hello", "only").status == 503
    assert ask(p, "crash 99").status == 200
    assert 'penstock_plugin_quarantined{plugin="acme"} 1' in metrics_of(p)
    wait_for(lambda: any(a["alert"] == "quarantine"
                         for a in p.status()["alerts"]), why="the alert")
    assert p.cli("plugin", "release", "acme").returncode == 0
    assert by(p, model="only") == "one" and remembered(p) == []
    again(p)
    assert by(p, model="only") == "one"
    assert listed(p)["acme", "one"]["state"] == "serving"


def test_the_way_back_outlives_the_master(served, tmp_path):  # noqa: F811
    """The line of a death names what lies on disk."""
    p = served(more='model "m" { "acme/m", "sim/echo" }\n')
    first = p.status()["generation"]
    bad = make(tmp_path / "next", "two", WHEN % ("crash", CRASH))
    assert install(p, bad).returncode == 0
    again(p)
    assert ask(p, "crash 1") is None
    died = wait_for(lambda: p.logs("worker.died"), 10, why="worker.died")[-1]
    assert died["version"] == "two"
    assert died["rollback"] == f"penstock rollback {first}"
    r = p.cli(*died["rollback"].split()[1:])
    assert r.returncode == 0, r.stderr
    assert ask(p, "crash 2").status == 200


def test_release_frees_what_lies_on_disk(served, tmp_path):  # noqa: F811
    p = served()
    first = p.status()["generation"]
    assert install(p, make(tmp_path / "next", "two")).returncode == 0
    again(p)
    staged = set(os.listdir(p.dir / "state" / "plugins"))
    r = p.cli("plugin", "release", "--json")
    assert r.returncode == 0, r.stderr
    left = set(os.listdir(p.dir / "state" / "plugins"))
    got = json.loads(r.stdout)
    assert got["generations"] == 1 and got["bytes"] > 0, got
    assert got["files"] == len(staged - left) == 1
    assert by(p) == "two"
    assert p.cli("rollback", str(first)).returncode == 1


def test_a_start_spares_the_last_one(served):  # noqa: F811
    """With nothing else in the configuration it serves, as before a start;
    and where the file is another one it is not meant."""
    p = quarantined(served)
    text = p.conf.read_text().replace('provider "sim"\n', "")
    p.conf.write_text(text.replace(', "sim/echo"', ""))
    again(p)
    assert p.logs("plugin.spared")[-1]["plugin"] == "acme"
    assert by(p, model="only") == "one"
    make(p.folder, "two")
    p.conf.write_text(text.replace("provider \"acme\"",
                                   'provider "sim"\nprovider "acme"'))
    again(p)
    assert by(p, model="only") == "two"
    assert p.cli("plugin", "release", "acme").returncode == 0
    assert remembered(p) == []

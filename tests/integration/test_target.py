# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""`penstock target`: an operator takes a target out, in all workers at once
and over reloads, and puts it back."""
import json
import os
import subprocess
import threading

import pytest

from conftest import PENSTOCK, free_port, wait_for
from test_breaker import good, kill_workers, metrics
from test_faults import body, settled
from upstream import Upstream

CONFIG = """
listen "127.0.0.1:0" {{ detail = "full" }}
server {{ workers = 2 }}
metrics "127.0.0.1:{port}"
log {{ format = "json" }}
provider "a" {{ vendor = "openai-compatible", base_url = "{a}", keys = {{}} }}
provider "b" {{ vendor = "openai-compatible", base_url = "{b}", keys = {{}} }}
model "m" {{ "a/first", "b/second" }}
model "alone" {{ "a/first" }}
{more}
"""


def start(penstock, a, b, more=""):
    return penstock(CONFIG.format(a=a.url, b=b.url, port=free_port(),
                                  more=more))


def ask(p, model="m"):
    return p.post("/v1/chat/completions", body(False, model))


def by(p, n=8):
    return {ask(p).headers["x-penstock-attempts"] for _ in range(n)}


def target(p, *args):
    got = p.cli("target", *args, "--json")
    assert got.returncode == 0, got.stdout + got.stderr
    return json.loads(got.stdout)


def switches(p):
    return {t["name"]: t["switch"] for t in target(p, "list")}


def test_out_and_back_in_all_workers(penstock):
    with Upstream(good) as a, Upstream(good) as b:
        p = start(penstock, a, b)
        assert switches(p) == {"a/first": "on", "b/second": "on"}
        assert by(p) == {"a:200"}
        assert target(p, "disable", "a/first")["switch"] == "disabled"
        assert by(p) == {"b:200"}
        r = ask(p, "alone")  # also where it is the only one
        assert r.status == 503 and "no_target" in r.headers["x-penstock-error"]
        told = p.cli("explain", r.headers["x-request-id"]).stdout
        assert "passed over a/first: an operator disabled it" in told
        assert "a/first: closed, disabled by an operator" in \
            p.cli("status").stdout
        assert ('penstock_target_state{target="a/first",state="disabled"} 1'
                in metrics(p))
        assert ('penstock_target_state{target="b/second",state="disabled"} 0'
                in metrics(p))
        kill_workers(p)
        assert by(p) == {"b:200"}
        assert p.cli("reload").returncode == 0
        assert by(p) == {"b:200"}
        assert target(p, "enable", "a/first")["switch"] == "on"
        assert by(p) == {"a:200"}
        said = p.logs("target.switched")
        assert [(e["target"], e["to"]) for e in said] == \
            [("a/first", "disabled"), ("a/first", "on")]
        settled(p)


def test_drain_waits_for_what_runs(penstock):
    go = threading.Event()

    def slow(conn, request):
        go.wait(20)
        good(conn, request)
    with Upstream(slow) as a, Upstream(good) as b:
        p = start(penstock, a, b)
        got = []
        t = threading.Thread(target=lambda: got.append(ask(p)))
        t.start()
        wait_for(lambda: {t["name"]: t["in_flight"] for t in target(p, "list")}
                 == {"a/first": 1, "b/second": 0}, 10)
        assert target(p, "drain", "a/first") == {
            "name": "a/first", "switch": "draining", "breaker": "closed",
            "in_flight": 1}
        assert by(p, 4) == {"b:200"}
        waits = subprocess.Popen(
            [PENSTOCK, "target", "drain", "a/first", "--wait", "--json"],
            env=p.env, stdout=subprocess.PIPE, text=True)
        with pytest.raises(subprocess.TimeoutExpired):
            waits.wait(0.7)
        go.set()
        out, _ = waits.communicate(timeout=10)
        assert json.loads(out)["in_flight"] == 0
        t.join(10)
        assert got[0].headers["x-penstock-attempts"] == "a:200"
        settled(p)


def test_the_audit_has_it(penstock):
    with Upstream(good) as a, Upstream(good) as b:
        p = start(penstock, a, b, "keys { store = true }\n"
                                  'admin "127.0.0.1:0" { tokens = { '
                                  'env("T", "0123456789abcdef") } }')
        target(p, "disable", "a/first")
        target(p, "disable", "a/first")  # no news
        target(p, "enable", "a/first")

        def lines():
            audit = p.control({"verb": "audit.list"})["audit"]
            return [(x["action"], x["object"], x["who"]) for x in audit
                    if x["action"].startswith("target.")]
        uid = f"uid {os.getuid()}"
        wait_for(lambda: len(lines()) == 2, 10)
        assert sorted(lines()) == [("target.disable", "a/first", uid),
                                   ("target.enable", "a/first", uid)]


def test_open_names(penstock):
    with Upstream(good) as a:
        p = penstock('listen "127.0.0.1:0" { detail = "full" }\n'
                     'provider "a" { vendor = "openai-compatible", '
                     f'base_url = "{a.url}", keys = {{}} }}\n')
        assert target(p, "list") == []
        assert target(p, "disable", "a/x")["switch"] == "disabled"
        assert ask(p, "a/x").status == 503
        assert ask(p, "a/y").status == 200
        assert switches(p) == {"a/x": "disabled"}
        target(p, "enable", "a/x")
        assert ask(p, "a/x").status == 200


def test_refusals(penstock):
    with Upstream(good) as a, Upstream(good) as b:
        p = start(penstock, a, b)
        got = p.cli("target", "disable", "a/none")
        assert got.returncode == 1 and "penstock target list" in got.stderr
        for args in ((), ("disable",), ("bogus", "a/first"),
                     ("list", "a/first"), ("enable", "a/first", "--wait"),
                     ("drain", "a/first", "b/second")):
            assert p.cli("target", *args).returncode == 2, args
        assert switches(p) == {"a/first": "on", "b/second": "on"}

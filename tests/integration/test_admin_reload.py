# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""Reloads and rollbacks through the admin API: roles, audit, the answers that
the command line gives; and what the keeper is asked while reloads go on."""
import threading

import pytest

from conftest import free_port, wait_for
from test_admin import ADMIN, OPERATOR, TOKENS, VIEWER, Admin
from test_reload import SAYS, configure, says, write


@pytest.fixture
def started(penstock):
    port, admin = free_port(), free_port()
    text = (f'listen "127.0.0.1:{port}" {{ detail = "full", '
            'anonymous = "local" }\n'
            'provider "sim"\nreload { bake = "0s" }\n'
            f'admin "127.0.0.1:{admin}" {{ tokens = {{\n'
            '  { env "T_ADMIN", role = "admin", name = "root" },\n'
            '  { env "T_OPERATOR", role = "operator", name = "oncall" },\n'
            '  { env "T_VIEWER" } } }\n')
    p = penstock(text, env=TOKENS)
    p.text = text + (f'policy_path "{p.dir}/policies"\n'
                     'policies { "auth", "route", "says" }\n')
    write(p, "says", SAYS % "one")
    configure(p, p.text)
    return p


def when_there(call, *args):
    """The keeper is started again after some of the changes."""
    def done():
        try:
            got = call(*args)
        except OSError:
            return None
        return got if got[0] != 503 else None
    return wait_for(done, why="the admin API")


def test_reload_and_rollback(started):
    p, api = started, Admin(started, OPERATOR)
    before = p.status()["generation"]
    status, plan = api("POST", "/v1/reload", {"plan": True})
    assert status == 200 and plan["how"] == "plan"
    assert "policy_path" in {c["path"] for c in plan["changes"]}
    assert p.status()["generation"] == before
    status, got = api("POST", "/v1/reload")     # the keeper goes after it
    assert status == 200 and got["how"] == "in place", got
    assert got["generation"] == before + 1 and says(p) == "one"
    write(p, "says", SAYS % "two")
    status, got = when_there(api, "POST", "/v1/reload", {})
    assert status == 200 and got["changes"][0]["path"] == "policy/says"
    assert says(p) == "two"
    status, got = when_there(api, "POST", "/v1/rollback", {"to": before + 1})
    assert status == 200 and "files on disk" in got["warning"]
    assert says(p) == "one"
    status, got = when_there(Admin(p, VIEWER), "GET", "/v1/generations")
    assert status == 200 and got["generation"] == before + 1
    assert got["rolled_back_to"] == before + 1
    assert {g["number"]: g["current"] for g in got["generations"]} == {
        before: False, before + 1: True, before + 2: False}
    audit = when_there(Admin(p, ADMIN), "GET", "/v1/audit")[1]
    rows = [r for r in audit["audit"]
            if r["action"] in ("reload", "rollback")]
    assert [(r["who"], r["action"]) for r in rows] == [
        ("token oncall", "reload"), ("token oncall", "reload"),
        ("token oncall", "rollback")]
    assert len(p.logs("reload.asked")) == 3


def test_refusals(started):
    p, api = started, Admin(started, OPERATOR)
    assert Admin(p, VIEWER)("POST", "/v1/reload")[0] == 403
    assert Admin(p, VIEWER)("POST", "/v1/rollback")[0] == 403
    assert Admin(p, "canary-token-nobody-55")("GET", "/v1/generations")[0] \
        == 401
    status, got = api("POST", "/v1/rollback", {"to": 77})
    assert status == 409 and "77 is not kept" in got["error"]["message"]
    for body, member, says in (
            ({"plann": True}, "/plann", 'no member "plann"'),
            ({"plan": "yes"}, "/plan", "plan: must be true or false"),
            ({"no_wait": True, "force": True}, "/no_wait",
             "no_wait and force exclude each other")):
        status, got = api("POST", "/v1/reload", body)
        assert status == 400 and says in got["error"]["message"], got
        assert got["error"]["at"] == member
    status, got = api("POST", "/v1/rollback", {"to": "1"})
    assert status == 400 and "to: must be" in got["error"]["message"]
    assert not p.logs("reload.done")
    configure(p, p.text.replace("provider", "provder"))
    status, got = api("POST", "/v1/reload")
    assert status == 409 and "did you mean" in got["error"]["message"]
    assert got["error"]["at"].startswith("penstock.conf:")
    assert api("GET", "/v1/reload")[0] == 405
    assert p.status()["generation"] == 1


def test_keys_are_made_while_reloads_go_on(penstock):
    """Each reload of a changed key has a keeper of its own; whoever asks in
    between waits for the next one."""
    text = ('server {{ workers = 1 }}\nprovider "sim" {{ tags = {{ n = "{}" }} '
            '}}\nkeys {{ store = true }}\n'
            f'listen "127.0.0.1:{free_port()}"\n')
    p = penstock(text.format(0))
    made, failed, enough = [], [], threading.Event()

    def make(who):
        for i in range(200):
            got = p.cli("key", "create", "--name", f"k{who}-{i}")
            (made if got.returncode == 0 else failed).append(got)
            if failed or enough.is_set():
                break

    threads = [threading.Thread(target=make, args=(i,)) for i in range(2)]
    for t in threads:
        t.start()
    for n in range(1, 7):
        p.conf.write_text(text.format(n))
        assert p.cli("reload").returncode == 0
    enough.set()
    for t in threads:
        t.join()
    assert not failed, failed[0].stderr
    assert len(made) >= 2
    assert len(p.cli("key", "list", "--json").stdout.splitlines()) == len(made)

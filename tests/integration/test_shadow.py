# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""A candidate's policies beside the live ones: what differs is told, nothing
is decided by it; and then it is put into force."""
import json
import re
import socket

import pytest

from conftest import free_port, wait_for
from test_reload import CHAT, configure, reload

GATE = """
return {
  api = 1,
  request = function(req, conf)
    local kv = ps.kv("gate")
    if kv:get("bob") then return ps.deny("invalid_request", "a shadow wrote") end
    if "%s" == "bob" then kv:set("bob", true) end
    if req.header["x-who"] == "%s" then return ps.deny("model_not_allowed") end
  end,
  admit = function(req, conf)
    return ps.take { { "requests", per = "ip", limit = "3/h",
                       burst = 3 } }
  end,
}
"""


def gate(folder, who, more=""):
    folder.mkdir(exist_ok=True)
    (folder / "gate.lua").write_text(GATE % (who, who) + more)


def ask(p, who):
    return p.post("/v1/chat/completions", CHAT, headers={"x-who": who})


def shadow(p, *args):
    r = p.cli("policy", "shadow", "--json", *args)
    assert r.returncode == 0, r.stdout + r.stderr
    return json.loads(r.stdout)


def seen(p, **wanted):
    def got():
        report = shadow(p)
        return report if all(report.get(k, 0) >= v
                             for k, v in wanted.items()) else None
    return wait_for(got, why=f"{wanted}")


@pytest.fixture
def started(penstock):
    p = penstock(f'listen "127.0.0.1:{free_port()}" {{ detail = "full" }}\n'
                 'provider "sim"\n')
    gate(p.dir / "policies", "mallory")
    configure(p, f'listen "127.0.0.1:{p.port}" {{ detail = "full" }}\n'
                 f'policy_path "{p.dir}/policies"\n'
                 'provider "sim"\nreload { bake = "0s" }\n'
                 'policies { "gate", "auth", "route" }\n')
    reload(p)
    p.next = p.dir / "next"
    return p


def test_differences_are_told_and_nothing_else_happens(started):
    p = started
    gate(p.next, "bob", "")
    got = shadow(p, str(p.next), "--rate", "100%")
    assert got["runs"] and [f["name"] for f in got["files"]] == ["gate"]
    # takes of the candidate would use up what three requests may
    assert [ask(p, w).status for w in ("bob", "mallory", "alice")] == [
        200, 403, 200]
    assert ask(p, "alice").status == 200 and ask(p, "alice").status == 429
    report = seen(p, requests=5, differ=2)
    assert report["requests"] == 5 and report["differ"] == 2
    rows = {(r["phase"], r["live"], r["candidate"]): r["n"]
            for r in report["rows"]}
    assert rows == {
        ("request", "no opinion", "deny model_not_allowed"): 1,
        ("request", "deny model_not_allowed", "no opinion"): 1}
    assert len(report["samples"]) == 2 and report["failed"] == 0
    sample = report["samples"][0]
    assert re.fullmatch(r"req_\S+", sample["id"])
    text = p.cli("policy", "shadow").stdout
    assert sample["id"] in text and "2 differ" in text
    # neither metrics nor explain nor the access line know of it
    lines = wait_for(lambda: [e for e in p.logs("request")
                              if e["id"] == sample["id"]], why="the line")
    assert "would" not in json.dumps(lines)
    shadow(p, "--stop")
    r = p.cli("policy", "shadow", "--stop")
    assert r.returncode == 1 and "no candidate" in r.stderr
    assert shadow(p) == {"runs": False}


def test_a_share_of_the_requests(started):
    p = started
    (p.dir / "policies" / "gate.lua").write_text("return { api = 1, request = function() end }\n")
    reload(p)
    gate(p.next, "nobody")
    shadow(p, str(p.next), "--rate", "50%")
    workers = len(p.workers())
    for _ in range(20):
        assert ask(p, "x").status == 200
    report = seen(p, requests=10)
    assert 10 <= report["requests"] <= 10 + workers


def test_a_broken_candidate_is_refused(started):
    p = started
    gate(p.next, "bob", "}")
    r = p.cli("policy", "shadow", str(p.next))
    assert r.returncode == 1 and "gate.lua:" in r.stderr
    assert not p.logs("reload.refused") and ask(p, "alice").status == 200
    assert p.cli("policy", "shadow", str(p.dir / "none")).returncode == 1
    assert p.cli("policy", "shadow", str(p.next), "--rate",
                 "5").returncode == 2


def test_it_goes_on_over_a_reload_and_errors_are_counted(started):
    p = started
    p.next.mkdir()
    (p.next / "gate.lua").write_text(
        "return { api = 1, request = function(req) "
        "return req.nothing.there end }\n")
    shadow(p, str(p.next), "--rate", "100%")
    gate(p.dir / "policies", "carol")
    reload(p)
    assert ask(p, "alice").status == 200
    report = seen(p, failed=1, differ=1)
    assert report["rows"][0]["candidate"] == "failed"
    assert "gate" in report["samples"][0]["note"]
    assert not p.logs("policy.error")


def test_it_asks_nobody(started):
    p = started
    with socket.socket() as service:
        service.bind(("127.0.0.1", 0))
        service.listen()
        service.settimeout(0.2)
        configure(p, p.conf.read_text() +
                  'service "authz" { url = "http://127.0.0.1:'
                  f'{service.getsockname()[1]}" }}\n')
        reload(p)
        p.next.mkdir()
        (p.next / "gate.lua").write_text(
            "return { api = 1, request = function(req) "
            'ps.sleep(1) local a = ps.http("authz"):get("/check") '
            'if not a then return ps.deny("model_not_allowed") end '
            "end }\n")
        shadow(p, str(p.next), "--rate", "100%")
        assert ask(p, "alice").status == 200
        report = seen(p, requests=1, undecided=1)
        assert report["differ"] == 0 and report["rows"] == []
        with pytest.raises(TimeoutError):
            service.accept()


def test_promote(started):
    p = started
    live = p.dir / "policies" / "gate.lua"
    before = live.read_text()
    r = p.cli("policy", "promote")
    assert r.returncode == 1 and "shadow DIR" in r.stderr
    gate(p.next, "bob")
    (p.next / "gate_test.lua").write_text("return {}\n")
    shadow(p, str(p.next), "--rate", "100%")
    plan = p.cli("policy", "promote", "--plan").stdout
    assert f"{p.next}/gate.lua -> {live}" in plan
    gate(p.next, "eve")
    r = p.cli("policy", "promote")
    assert r.returncode == 1 and "was changed" in r.stderr
    assert live.read_text() == before
    gate(p.next, "bob")
    r = p.cli("policy", "promote")
    assert r.returncode == 0, r.stderr
    assert live.read_text() == GATE % ("bob", "bob")
    assert (live.parent / "gate.lua.before").read_text() == before
    assert (live.parent / "gate_test.lua").exists()
    assert ask(p, "bob").status == 403
    assert shadow(p) == {"runs": False}


def test_a_promotion_that_is_refused_is_undone(started):
    p = started
    live = p.dir / "policies" / "gate.lua"
    before = live.read_text()
    gate(p.next, "bob")
    shadow(p, str(p.next))
    configure(p, p.conf.read_text() + 'provder "x"\n')
    r = p.cli("policy", "promote")
    assert r.returncode == 1 and "did you mean" in r.stderr
    assert live.read_text() == before and ask(p, "bob").status == 200

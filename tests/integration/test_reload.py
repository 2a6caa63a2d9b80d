# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""A configuration, policies and certificates that change under traffic."""
import http.client
import json
import os
import signal
import socket
import threading
import time

import pytest

from conftest import SANITIZED, alive, children, free_port, wait_for

CHAT = {"model": "sim/echo",
        "messages": [{"role": "user", "content": "hello"}]}

SAYS = """
return {
  api = 1,
  response = function(req, conf, resp)
    resp.header["x-says"] = "%s"
  end,
}
"""


def write(p, name, text):
    """A policy of one's own, replaced as an editor does it."""
    folder = p.dir / "policies"
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.new").write_text(text)
    os.rename(folder / f"{name}.new", folder / f"{name}.lua")


def configure(p, text):
    p.conf.write_text(text)


def says(p):
    a = p.post("/v1/chat/completions", CHAT)
    assert a.status == 200, a.body
    return a.headers.get("x-says")


def refused(p, *args):
    r = p.cli("reload", *args)
    assert r.returncode == 1, r.stdout + r.stderr
    return r.stderr


def reload(p, *args):
    r = p.cli("reload", "--json", *args)
    assert r.returncode == 0, r.stdout + r.stderr
    return json.loads(r.stdout)


def base(p, extra=""):
    return (f'listen "127.0.0.1:{p.port}" '
            '{ detail = "full" }\n'
            f'policy_path "{p.dir}/policies"\n'
            'provider "sim"\n'
            'policies { "auth", "route", "says" }\n' + extra)


@pytest.fixture
def started(penstock):
    """An instance whose policy "says" marks each answer."""
    p = penstock(f'listen "127.0.0.1:{free_port()}" {{ detail = "full" }}\n'
                 'provider "sim"\n')
    write(p, "says", SAYS % "one")
    configure(p, base(p))
    assert reload(p)["how"] == "in place"
    assert says(p) == "one"
    return p


def test_a_policy_is_changed_in_place(started):
    p = started
    pids = [w["pid"] for w in p.workers()]
    before = p.status()["generation"]
    assert reload(p)["how"] == "nothing changed"
    write(p, "says", SAYS % "two")
    got = reload(p)
    assert got["how"] == "in place"
    assert got["changes"] == [{"path": "policy/says", "change": "changed",
                               "applies": "live"}]
    assert says(p) == "two"
    st = p.status()
    assert st["generation"] == before + 1
    assert [w["pid"] for w in st["workers"]] == pids
    assert {w["generation"] for w in st["workers"]} == {before + 1}

    def said(event):
        return [e for e in p.logs(event) if e["generation"] == before + 1]

    entry = wait_for(lambda: said("reload.done"), why="the event")[0]
    assert entry["how"] == "in place"
    wait_for(lambda: said("request"), why="the access line")
    a = p.post("/v1/chat/completions", CHAT)
    assert a.headers["x-penstock-generation"] == str(before + 1)


def test_a_broken_file_changes_nothing(started):
    p = started
    before = p.status()["generation"]
    write(p, "says", "return {\n  api = 1,\n  request = function( }\n")
    assert "says.lua:3" in refused(p)
    good = base(p)
    configure(p, good.replace("provider", "provder"))
    said = refused(p)
    assert "penstock.conf:3" in said and "did you mean" in said
    configure(p, good.replace('"says"', '"says_not"'))
    assert "says_not.lua" in refused(p)
    configure(p, good)
    assert "says.lua:3" in refused(p)       # still broken, still said
    assert says(p) == "one" and p.status()["generation"] == before
    assert len(p.logs("reload.refused")) == 4
    write(p, "says", SAYS % "three")
    assert reload(p)["how"] == "in place"
    assert says(p) == "three"


def test_sighup_reloads(started):
    p = started
    write(p, "says", SAYS % "hup")
    p.signal(signal.SIGHUP)
    wait_for(lambda: says(p) == "hup", 5, why="the reload")


def test_the_plan_is_only_told(started):
    p = started
    before = p.status()["generation"]
    configure(p, base(p, 'server { max_body = "1MiB" }\n'
                         'model "m" { "sim/echo" }\n'))
    got = reload(p, "--plan")
    assert {c["path"]: c["applies"] for c in got["changes"]} == {
        "server/max_body": "workers", "model/m": "live"}
    assert got["applies"] == "workers" and got["how"] == "plan"
    said = p.cli("reload", "--plan").stdout
    assert "2 changes" in said and "new workers" in said
    assert p.status()["generation"] == before


def test_what_needs_a_restart_is_refused_by_name(started):
    p = started
    configure(p, base(p, 'metrics "127.0.0.1:0"\nserver { workers = 7 }\n'))
    said = refused(p)
    assert "server/workers" in said and "metrics" in said
    assert "restart" in said
    assert "penstock upgrade" in p.cli("reload", "--plan").stdout
    assert says(p) == "one"


def stream(p, model, got, stop=None):
    """Read a stream to its end; what it said goes to `got`."""
    c = http.client.HTTPConnection("127.0.0.1", p.port, timeout=60)
    try:
        c.request("POST", "/v1/chat/completions", json.dumps(
            {"model": model, "stream": True, "max_tokens": 400,
             "messages": [{"role": "user", "content": "go"}]}),
            {"content-type": "application/json"})
        r = c.getresponse()
        body = r.read().decode()
        got.append((r.status, r.getheader("x-says"), body))
    except Exception as e:       # a test that reads this fails
        got.append((0, None, repr(e)))
    finally:
        c.close()


def whole(answer):
    status, _, body = answer
    return status == 200 and body.rstrip().endswith("data: [DONE]")


def test_requests_under_way_end_on_theirs(started):
    p = started
    got = []
    threads = [threading.Thread(target=stream, daemon=True,
                                args=(p, "sim/lorem", got))
               for _ in range(8)]
    for t in threads:
        t.start()
    wait_for(lambda: p.status()["in_flight"] >= 1 or got, 5, why="a stream")
    for i in range(10):
        write(p, "says", SAYS % f"v{i}")
        assert reload(p)["how"] == "in place"
    configure(p, base(p, 'server { max_body = "2MiB" }\n'))
    assert reload(p)["how"] == "new workers"
    for t in threads:
        t.join()
    assert all(whole(g) for g in got), got
    assert says(p) == "v9"


def test_new_workers_take_over(started):
    p = started
    old = {w["pid"] for w in p.workers()}
    kept = http.client.HTTPConnection("127.0.0.1", p.port, timeout=10)
    kept.request("GET", "/healthz")
    kept.getresponse().read()
    configure(p, base(p, 'server { max_body = "1KiB" }\n'))
    assert reload(p)["how"] == "new workers"
    ready = [w for w in p.workers() if w["state"] == "ready"]
    assert len(ready) == len(old) and not old & {w["pid"] for w in ready}
    # a connection to an old worker is answered once more, then closed
    time.sleep(0.3)
    kept.request("GET", "/readyz")
    r = kept.getresponse()
    r.read()
    assert r.status == 200 and r.getheader("connection") == "close"
    kept.close()
    big = dict(CHAT, messages=[{"role": "user", "content": "x" * 4000}])
    wait_for(lambda: p.post("/v1/chat/completions", big).status == 413, 5,
             why="the new limit")
    wait_for(lambda: not any(alive(pid) for pid in old), 20,
             why="the end of the old workers")
    assert len(p.workers()) == len(old)


def test_a_listener_comes_and_goes(started):
    p = started
    extra = free_port()

    def up():
        with socket.socket() as s:
            s.settimeout(2)
            return s.connect_ex(("127.0.0.1", extra)) == 0

    configure(p, base(p, f'listen "127.0.0.1:{extra}"\n'))
    assert reload(p)["how"] == "new workers"
    assert up()
    configure(p, base(p))
    reload(p)
    wait_for(lambda: not up(), 5, why="the end of the listener")
    assert p.cli("rollback").returncode == 0
    assert up() and says(p) == "one"
    # an address that cannot be had leaves everything as it was
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        s.listen()
        taken = s.getsockname()[1]
        configure(p, base(p, f'listen "127.0.0.1:{taken}"\n'))
        assert "in use" in refused(p)
    assert up() and says(p) == "one"


def test_rollback_serves_and_pins(started):
    p = started
    first = p.status()["generation"]
    write(p, "says", SAYS % "bad idea")
    second = reload(p)["generation"]
    r = p.cli("rollback")
    assert r.returncode == 0 and "files on disk" in r.stdout, r.stderr
    assert says(p) == "one"
    st = p.status()
    assert st["generation"] == first and st["rolled_back_to"] == first
    assert second in st["kept_generations"]
    kept = [line for line in p.cli("status").stdout.splitlines()
            if line.startswith("kept ")]
    assert len(kept) == 1 and f" {second}" in kept[0]
    p.signal(signal.SIGHUP)
    wait_for(lambda: p.logs("reload.pinned"), 5, why="the pin")
    assert says(p) == "one"
    assert p.cli("rollback", str(second)).returncode == 0
    assert says(p) == "bad idea"
    assert "not kept" in p.cli("rollback", "999").stderr
    assert not p.status()["alerts"]  # that is no fault of the files
    assert p.cli("rollback", "zero").returncode == 2
    write(p, "says", SAYS % "mended")
    assert reload(p)["generation"] > second
    assert says(p) == "mended" and "rolled_back_to" not in p.status()


def test_a_killed_worker_comes_back_on_the_new_one(started):
    p = started
    write(p, "says", SAYS % "new")
    now = reload(p)["generation"]
    for w in p.workers():
        os.kill(w["pid"], signal.SIGKILL)
    wait_for(lambda: all(w["state"] == "ready" and w["generation"] == now
                         for w in p.workers()), 10, why="new workers")
    assert says(p) == "new"


def test_the_keeper_follows(started):
    p = started
    other = ('provider "other" { vendor = "openai-compatible", keys = {}, '
             'base_url = "http://%s:9/v1" }\n')
    other += 'reload { canary = "0s" }\n'
    configure(p, base(p, other % "127.0.0.1"))
    # its plugin is one more, and a process never loads one later; how one
    # worker has it first is in test_plugin_swap.py
    assert reload(p)["how"] == "new workers"

    def keeper():
        return {h["kind"]: h["pid"] for h in p.status()["helpers"]
                if h["state"] == "ready"}.get("keeper", 0)

    before = wait_for(keeper, 5, why="a keeper")
    configure(p, base(p, other % "localhost"))
    assert reload(p)["how"] == "in place"
    wait_for(lambda: keeper() not in (0, before), 5, why="another keeper")
    assert not p.logs("keeper.died")
    # the name is resolved: the failure is one of connecting
    a = wait_for(lambda: (lambda a: a if b"connect" in a.body else None)(
        p.post("/v1/chat/completions", dict(CHAT, model="other/x"))), 10,
        why="the address")
    assert a.status in (502, 503), a.body


def test_many_reloads_leave_nothing(started):
    p = started
    n = 40 if SANITIZED else 150

    def sizes():
        out = []
        for pid in sorted([p.pid, *children(p.pid)]):
            with open(f"/proc/{pid}/status") as f:
                rss = [int(x.split()[1]) for x in f
                       if x.startswith("RssAnon")][0]
            out.append((len(os.listdir(f"/proc/{pid}/fd")), rss))
        return out

    def turn(i):
        write(p, "says", SAYS % i)
        assert reload(p)["how"] == "in place"

    for i in range(20):
        turn(f"warm{i}")
    before = sizes()
    for i in range(n):
        turn(i)
        if i % 10 == 0:
            assert says(p) == str(i)
    after = sizes()
    # give or take a connection of the control socket, a resolver's socket
    assert sum(a[0] for a in after) <= sum(b[0] for b in before) + 6, \
        (before, after)
    grown = sum(a[1] for a in after) - sum(b[1] for b in before)
    if not SANITIZED:            # ASan keeps what was freed for a while
        assert grown < 4096, (before, after)
    assert len(p.status()["kept_generations"]) == 10


def test_no_client_notices(started):
    """Keep-alive clients that never retry, while everything changes."""
    p = started
    stop = threading.Event()
    wrong, done = [], []
    names = {"one"} | {f"n{i}" for i in range(100)}

    def client():
        c = http.client.HTTPConnection("127.0.0.1", p.port, timeout=30)
        n = 0
        while not stop.is_set():
            try:
                c.request("POST", "/v1/chat/completions", json.dumps(CHAT),
                          {"content-type": "application/json"})
                r = c.getresponse()
                body = r.read()
                if r.status != 200 or r.getheader("x-says") not in names:
                    wrong.append((r.status, body))
                if r.getheader("connection") == "close":
                    c.close()
            except Exception as e:
                wrong.append(repr(e))
                c.close()
            n += 1
            time.sleep(0.01)
        c.close()
        done.append(n)

    threads = [threading.Thread(target=client, daemon=True) for _ in range(6)]
    for t in threads:
        t.start()
    for i in range(20):
        if i % 10 == 9:
            write(p, "says", "return {\n")
            refused(p)
            continue
        write(p, "says", SAYS % f"n{i}")
        if i % 5 == 4:
            configure(p, base(p, f'server {{ max_body = "{i}MiB" }}\n'))
        reload(p)
    stop.set()
    for t in threads:
        t.join()
    assert not wrong, wrong[:5]
    assert sum(done) > 50


FAILS = """
return {
  api = 1,
  request = function(req)
    local nothing = nil
    return nothing.at_all
  end,
}
"""

DENIES = """
return {
  api = 1,
  request = function(req)
    return ps.deny("not_allowed", "no")
  end,
}
"""


def test_tests_are_required(started):
    p = started
    before = p.status()["generation"]
    write(p, "says_test", 'ps.test("it says two", {\n'
                          '  resp = {},\n'
                          '  expect = { header = { ["x-says"] = "two" } } })\n')
    configure(p, base(p, "reload { tests = true }\n"))
    said = refused(p)
    assert "says_test.lua:1" in said and "it says two" in said
    assert says(p) == "one" and p.status()["generation"] == before
    write(p, "says", SAYS % "two")
    assert reload(p)["how"] == "in place"
    assert says(p) == "two"
    write(p, "says", SAYS % "three")
    write(p, "says_test", "-- none yet\n")      # `policy test` refuses it, too
    assert "says_test.lua: it has no test" in refused(p)


def until_taken_back(p, ask):
    def taken():
        ask()
        return p.logs("reload.taken_back")
    event = wait_for(taken, 10, every=0.005, why="reload.taken_back")[0]
    wait_for(lambda: p.status()["generation"] == event["back_to"], 5,
             why="the former generation")
    assert [a["severity"] for a in p.status()["alerts"]
            if a["alert"] == "reload"] == ["critical"]
    return event


JUDGED = ('reload { bake = "20s", rollback_if = '
          '{ policy_errors = "5%", min = 20, denials = "x3" } }\n')


@pytest.mark.parametrize("policy, why", [(FAILS, "policies failed"),
                                         (DENIES, "were denied")],
                         ids=["fails", "denies"])
def test_a_bad_generation_is_taken_back(started, policy, why):
    p = started
    configure(p, base(p, JUDGED))
    good = reload(p)["generation"]
    for _ in range(25):
        assert says(p) == "one"
    write(p, "says", policy)
    reload(p)
    assert p.status()["baking_ms"] > 0
    event = until_taken_back(p, lambda: p.post("/v1/chat/completions", CHAT))
    assert why in event["why"] and event["back_to"] == good
    assert says(p) == "one"
    assert p.status()["rolled_back_to"] == good


def test_a_good_generation_stays(started):
    p = started
    configure(p, base(p, JUDGED.replace("20s", "500ms")))
    reload(p)
    write(p, "says", SAYS % "two")
    now = reload(p)["generation"]
    for _ in range(60):
        assert says(p) == "two"
    wait_for(lambda: "baking_ms" not in p.status(), 5, why="the end of it")
    assert p.status()["generation"] == now
    write(p, "says", FAILS)     # by hand it is still taken back
    configure(p, base(p))
    reload(p)
    assert p.post("/v1/chat/completions", CHAT).status == 500
    assert p.cli("rollback").returncode == 0
    assert says(p) == "two"

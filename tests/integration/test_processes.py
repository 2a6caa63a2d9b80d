# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""Processes live and die: ready, refused, replaced, adopted; and what is left
behind, which is nothing."""
import os
import pathlib
import pwd
import shutil
import signal
import socket
import subprocess
import time

import pytest

import plugins
from conftest import BUILD, PENSTOCK, alive, children, wait_for

LONG = os.environ.get("PENSTOCK_LONG") == "1"
ECHO = {"model": "sim/echo", "messages": [{"role": "user", "content": "hi"}]}


def sanitized():
    return b"__asan_init" in pathlib.Path(PENSTOCK).read_bytes()


CONFIG = """
server {{ workers = {workers}, drain_timeout = "{drain}" }}
metrics "127.0.0.1:0"
provider "sim"
"""


def config(workers=2, drain="20s"):
    return CONFIG.format(workers=workers, drain=drain)


def worker_pids(p):
    return [w["pid"] for w in p.workers()]


def rss_anon(pid):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1])
    return 0


# ---- start --------------------------------------------------------------

def test_ready_and_small(penstock):
    p = penstock(config())
    ready = p.logs("serve.ready")[0]
    assert ready["ms"] < 1000           # the bench asks for 100
    assert p.post("/v1/chat/completions", ECHO).json()["choices"][0][
        "message"]["content"] == "hi"
    if not sanitized():
        for w in p.workers():
            assert rss_anon(w["pid"]) < 8 * 1024


def test_banner_line_works_as_printed(penstock):
    p = penstock(config())
    text = wait_for(lambda: "Stop it with" in p.stderr() and p.stderr(),
                    why="the banner")
    at = text.index("curl http")
    line = text[at:text.index("\n\n", at)]
    if not shutil.which("curl"):
        pytest.skip("no curl")
    got = subprocess.run(["sh", "-c", line + " -s"], capture_output=True,
                         text=True, timeout=20)
    assert '"content":"Hello!"' in got.stdout, got


def test_a_broken_configuration_is_refused(penstock):
    p = penstock('provider "sim" {\n  nonsense = 1 }\n', ready=False)
    assert p.wait_exit() == 1
    assert "penstock.conf:" in p.stderr() and "nonsense" in p.stderr()
    assert not os.path.exists(p.socket)


def test_a_second_instance_is_refused(penstock):
    p = penstock(config())
    # the same state folder
    other = penstock(config(), ready=False, env={
        "PENSTOCK_STATE": str(p.dir / "state")})
    assert other.wait_exit() == 1
    assert f"pid {p.pid}" in other.stderr()
    assert "stop it" in other.stderr()
    # the same socket
    third = penstock(config(), ready=False, env={"PENSTOCK_SOCKET": p.socket})
    assert third.wait_exit() == 1
    assert "running already" in third.stderr()
    # the same port
    fourth = penstock(f'listen "127.0.0.1:{p.port}"\nprovider "sim"\n',
                      ready=False)
    assert fourth.wait_exit() == 1
    assert "in use" in fourth.stderr()
    assert p.get("/healthz").status == 200


def test_notifies_the_service_manager(penstock, tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
        s.bind("\0penstock-test-%d" % os.getpid())
        s.settimeout(10)
        p = penstock(config(), env={
            "NOTIFY_SOCKET": "@penstock-test-%d" % os.getpid()})
        assert s.recv(256) == b"READY=1"
        p.signal(signal.SIGTERM)
        assert s.recv(256) == b"STOPPING=1"
        assert p.wait_exit() == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can drop rights")
def test_rights_are_dropped(penstock):
    p = penstock('server { workers = 2, user = "nobody" }\nprovider "sim"\n')
    nobody = pwd.getpwnam("nobody")
    for pid in worker_pids(p) + [h["pid"] for h in p.status()["helpers"]]:
        status = dict(line.split(":\t", 1) for line in pathlib.Path(
            f"/proc/{pid}/status").read_text().splitlines() if ":\t" in line)
        assert set(status["Uid"].split()) == {str(nobody.pw_uid)}
        assert set(status["Gid"].split()) == {str(nobody.pw_gid)}
        assert int(status["CapEff"], 16) == 0
        assert status["NoNewPrivs"].strip() == "1"
    assert p.post("/v1/chat/completions", ECHO).status == 200


def test_unknown_user_is_refused(penstock):
    p = penstock('server { user = "no-such-user-here" }\nprovider "sim"\n',
                 ready=False)
    assert p.wait_exit() == 1
    assert "no-such-user-here" in p.stderr()


# ---- death ----------------------------------------------------------------

def test_a_killed_worker_is_replaced(penstock):
    p = penstock(config())
    time.sleep(1.1)                     # no early death
    before = p.workers()
    begin = time.monotonic()
    os.kill(before[0]["pid"], signal.SIGKILL)
    wait_for(lambda: p.workers()[0]["pid"] not in (0, before[0]["pid"]) and
             p.workers()[0]["state"] == "ready", every=0.005,
             why="the next worker")
    took = time.monotonic() - begin
    print(f"replaced in {took * 1000:.0f} ms")
    assert took < 1.0                   # the bench asks for 0.1
    after = p.workers()
    assert after[1]["pid"] == before[1]["pid"]
    assert after[0]["deaths"] == 1
    died = p.logs("worker.died")
    assert died[0]["pid"] == before[0]["pid"] and died[0]["signal"] == 9
    for _ in range(8):
        assert p.post("/v1/chat/completions", ECHO).status == 200


def test_the_queue_of_a_killed_worker_is_not_lost(penstock):
    """Connections that wait in the listener of a worker that is killed are
    served by the next one."""
    p = penstock(config(workers=1))
    time.sleep(1.1)
    pid = worker_pids(p)[0]
    os.kill(pid, signal.SIGSTOP)
    conns = [p.connect() for _ in range(20)]
    for c in conns:
        c.request("GET", "/healthz")
    os.kill(pid, signal.SIGKILL)
    for c in conns:
        assert c.getresponse().status == 200
        c.close()


def test_a_lost_request_is_accounted(penstock):
    p = penstock(config(workers=1))
    c = p.connect()
    c.request("POST", "/v1/chat/completions",
              '{"model":"sim/lorem","stream":true,"max_tokens":100000,'
              '"messages":[{"role":"user","content":"hi"}]}',
              {"content-type": "application/json"})
    answer = c.getresponse()
    assert answer.status == 200
    request = answer.getheader("x-request-id")
    os.kill(worker_pids(p)[0], signal.SIGKILL)
    lost = wait_for(lambda: [e for e in p.logs("request")
                             if e["id"] == request], why="the access line")
    assert lost[0]["ended"] == "worker_lost"
    assert lost[0]["target"].startswith("sim/")
    assert lost[0]["principal"] == "local"
    c.close()
    assert p.cli("explain", request).returncode == 0
    wait_for(lambda: p.status()["in_flight"] == 0, why="in-flight 0")
    metrics = metrics_of(p)
    assert 'status="lost"' in metrics
    assert "penstock_worker_deaths_total 1" in metrics


def metrics_of(p):
    host, _, port = p.status()["metrics"].rpartition(":")
    import http.client
    c = http.client.HTTPConnection(host, int(port), timeout=10)
    c.request("GET", "/metrics")
    answer = c.getresponse()
    assert answer.status == 200
    assert answer.getheader("content-type").startswith(
        "text/plain; version=0.0.4")
    text = answer.read().decode()
    c.close()
    return text


def counter(p, name):
    return sum(float(line.rpartition(" ")[2])
               for line in metrics_of(p).splitlines()
               if line.startswith(name))


def test_counters_never_go_back(penstock):
    p = penstock(config())
    for _ in range(10):
        p.post("/v1/chat/completions", ECHO)
    before = 10             # a request is counted after its last byte
    wait_for(lambda: counter(p, "penstock_requests_total") == before,
             why="the count")
    time.sleep(1.1)
    for pid in worker_pids(p):
        os.kill(pid, signal.SIGKILL)
    wait_for(lambda: all(w["state"] == "ready" and w["deaths"] == 1
                         for w in p.workers()), why="new workers")
    assert counter(p, "penstock_requests_total") == before
    p.post("/v1/chat/completions", ECHO)
    wait_for(lambda: counter(p, "penstock_requests_total") == before + 1,
             why="the next count")


def test_backoff_is_adopted(penstock):
    """A worker that dies again and again is not started at once, and its
    listener goes to a neighbour: no connection waits for it."""
    p = penstock(config(workers=2))
    for deaths in (1, 2, 3):
        wait_for(lambda: p.workers()[0]["state"] == "ready", why="a worker")
        os.kill(p.workers()[0]["pid"], signal.SIGKILL)
        wait_for(lambda: p.workers()[0]["deaths"] == deaths, why="its death")
    assert p.workers()[0]["state"] == "backoff"
    wait_for(lambda: p.logs("slot.adopted") and
             "adopted_by" in p.workers()[0], 2, why="adoption")
    begin = time.monotonic()
    for _ in range(40):                 # both slots get some of them
        assert p.get("/healthz").status == 200
    assert time.monotonic() - begin < 1.5
    assert "died again and again" in p.cli("status").stdout
    wait_for(lambda: p.workers()[0]["state"] == "ready", why="the next try")
    wait_for(lambda: p.logs("slot.released"), why="the release")
    assert "adopted_by" not in p.workers()[0]


def test_a_stuck_worker_is_adopted_named_and_ended(penstock):
    p = penstock(config(workers=2))
    pid = p.workers()[1]["pid"]
    os.kill(pid, signal.SIGSTOP)
    wait_for(lambda: p.logs("worker.stuck"), 5, why="worker.stuck")
    wait_for(lambda: p.logs("slot.adopted"), 2, why="adoption")
    for _ in range(20):
        assert p.get("/healthz").status == 200
    assert p.workers()[1]["state"] == "stuck"
    wait_for(lambda: p.workers()[1]["pid"] not in (0, pid), 15,
             why="its end")
    assert p.line("worker.died")["signal"] in (signal.SIGABRT,
                                               signal.SIGKILL)
    wait_for(lambda: p.workers()[1]["state"] == "ready", why="the next")


CRASHER = """
#include <penstock/plugin.h>
#include <signal.h>

static ps_rc adjust(ps_try *t)
{
    (void)t;
    raise(SIGSEGV);
    return PS_OK;
}

static const ps_api apis[] = {
    { PS_CHAT, PS_OPENAI_CHAT, PS_SSE, "POST", "/chat/completions" },
};
static const ps_provider ops = {
    .size = sizeof ops, .apis = apis, .n_apis = 1, .adjust = adjust,
};
PS_PLUGIN(PS_PROVIDER, "crasher", "1.0", &ops);
"""


@pytest.mark.skipif(sanitized(), reason="a sanitizer has its own handler")
def test_a_crash_is_charged_to_the_plugin(penstock, tmp_path):
    """The one who was called is named, by the worker and by the master; the
    others do not notice."""
    folder = tmp_path / "plugins"
    plugins.build(folder, "crasher", CRASHER)
    shutil.copy(BUILD / "plugins" / "sim.so", folder)
    p = penstock('server { workers = 2 }\n'
                 f'plugin_path "{folder}"\nprovider "sim"\n'
                 'provider "bad" { plugin = "crasher", '
                 'base_url = "http://127.0.0.1:9/v1", keys = {} }\n')
    pids = worker_pids(p)
    with pytest.raises(ConnectionError):
        p.post("/v1/chat/completions", {**ECHO, "model": "bad/m"})
    died = wait_for(lambda: p.logs("worker.died"), why="worker.died")[0]
    assert died["signal"] == signal.SIGSEGV and died["pid"] in pids
    assert died["charged"] == "plugin"
    assert died["call"] == "crasher adjust"
    lost = wait_for(lambda: [e for e in p.logs("request")
                             if e["ended"] == "worker_lost"], why="its line")
    assert lost[0]["id"] == died["request"]
    assert (f"fatal signal {signal.SIGSEGV.value} in plugin crasher adjust, "
            f"request {died['request']}") in p.stderr()
    assert p.post("/v1/chat/completions", ECHO).status == 200
    assert len(set(pids) & set(worker_pids(p))) == 1


def test_helpers_are_replaced(penstock):
    p = penstock(config())
    for kind in ("keeper", "mock"):
        def helper():
            return [h for h in p.status()["helpers"] if h["kind"] == kind][0]
        pid = helper()["pid"]
        os.kill(pid, signal.SIGKILL)
        wait_for(lambda: helper()["state"] == "ready" and
                 helper()["pid"] not in (0, pid), why=f"the next {kind}")
        assert p.logs(f"{kind}.died")
        assert p.post("/v1/chat/completions", ECHO).status == 200
    assert "penstock_requests_total" in metrics_of(p)


def test_deaths_leave_nothing(penstock):
    p = penstock(config(workers=16 if LONG else 8))
    deaths, total = 0, 1000 if LONG else 40
    time.sleep(1.1)
    p.post("/v1/chat/completions", ECHO)
    fds = p.status()["master_fds"]
    while deaths < total:
        time.sleep(1.05)
        for pid in worker_pids(p):
            os.kill(pid, signal.SIGKILL)
            deaths += 1
        wait_for(lambda: p.status()["worker_deaths"] == deaths and
                 all(w["state"] == "ready" for w in p.workers()),
                 why="all workers")
    assert p.status()["master_fds"] == fds
    family = children(p.pid)
    assert all(alive(pid) for pid in family)    # and no zombie among them
    assert len(family) == len(p.workers()) + len(p.status()["helpers"])

# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""Alerts of a running gateway, at a receiver of our own: told once when
something begins and once when it is over, kept while the receiver is away."""
import datetime
import http.client
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import threading
import time
import urllib.request

import pytest

import test_keys
from conftest import SRC, free_port, wait_for
from test_breaker import Sick, ask, good
from upstream import Upstream

CONFIG = """
listen "127.0.0.1:0"
server {{ workers = 2 }}
metrics "127.0.0.1:{port}"
defaults {{ retries = {{ attempts = 1 }} }}
provider "a" {{ vendor = "openai-compatible", base_url = "{a}",
               keys = {{ env("UNSET", "ka") }} }}
model "m" {{ "a/first" }}
alert "ops" {{ webhook = file "{hook}", quiet = "{quiet}" {more} }}
"""


class Receiver:
    """Takes posts, as long as it is told to; else it refuses them."""

    def __init__(self):
        self.lock, self.posts, self.refused = threading.Lock(), [], 0
        self.hangs = 0
        self.status = 204
        self.up = Upstream(self).__enter__()

    def __call__(self, conn, request):
        if self.status is None:
            self.hangs += 1
            while self.status is None:  # never answers
                time.sleep(0.05)
            raise ConnectionError
        with self.lock:
            if self.status < 300:
                self.posts.append(request)
            else:
                self.refused += 1
        head = "location: http://127.0.0.1:1/\r\n" if self.status == 302 else ""
        conn.send(f"HTTP/1.1 {self.status} X\r\n{head}"
                  "content-length: 0\r\n\r\n".encode())

    def alerts(self, name=None, where=None):
        with self.lock:
            got = [a for r in self.posts for a in r.json()["alerts"]]
        return [a for a in got if name in (None, a["alert"])
                and where in (None, a["where"])]

    def states(self, name, where=None):
        return [a["state"] for a in self.alerts(name, where)]


@pytest.fixture(name="receiver")
def _receiver():
    r = Receiver()
    yield r
    r.up.__exit__(None, None, None)


def start(penstock, tmp_path, receiver, a, more="", quiet="200ms"):
    hook = tmp_path / "hook"
    hook.write_text(receiver.up.url + "/T0PSECRET?x=1\n")
    os.chmod(hook, 0o644)
    os.chmod(tmp_path, 0o755)
    return penstock(CONFIG.format(a=a.url, port=free_port(), hook=hook,
                                  more=more, quiet=quiet))


def raised(p, name):
    return [a for a in p.status()["alerts"] if a["alert"] == name]


def metrics(p):
    with urllib.request.urlopen(f"http://{p.status()['metrics']}/metrics",
                                timeout=10) as got:
        return got.read().decode()


def test_told_once_that_it_began_and_once_that_it_is_over(
        penstock, tmp_path, receiver):
    with Upstream(good) as a:
        p = start(penstock, tmp_path, receiver, a,
                  ', on = { "model_down", "breaker" }')
        assert p.cli("target", "disable", "a/first").returncode == 0
        wait_for(lambda: receiver.states("model_down", "m"), 10)
        request = receiver.posts[0]
        assert request.path.endswith("/T0PSECRET?x=1")
        assert request.method == "POST"
        assert request.header("content-type") == "application/json"
        sent = request.json()
        assert sent["source"] == "penstock"
        assert "model_down raised (critical): m: " in sent["text"]
        told = receiver.alerts("model_down")[0]
        assert told["state"] == "raised" and told["severity"] == "critical"
        assert told["do"] and told["means"]
        assert (SRC / told["runbook"]).is_file()
        since = datetime.datetime.strptime(told["since"],
                                           "%Y-%m-%dT%H:%M:%S%z")
        assert abs(time.time() - since.timestamp()) < 120
        shown = raised(p, "model_down")
        assert [s["where"] for s in shown] == ["m"]
        assert 'penstock_alert{alert="model_down"} 1' in metrics(p)
        text = p.cli("status").stdout
        assert "model_down: m: " in text
        assert "docs/runbooks/model_down.md" in text
        p.cli("target", "enable", "a/first")
        wait_for(lambda: len(receiver.states("model_down")) == 2, 10)
        assert receiver.states("model_down") == ["raised", "cleared"]
        assert receiver.alerts("model_down")[1]["until"]
        wait_for(lambda: not raised(p, "model_down"), 10)
        # both are in the log, the address nowhere
        wait_for(lambda: p.logs("alert.raised"), 10)
        assert "T0PSECRET" not in p.err_path.read_text()
        assert "T0PSECRET" not in json.dumps(p.status())
        assert "T0PSECRET" not in p.cli("config", "dump",
                                        str(p.conf)).stdout


def test_a_receiver_that_is_away_loses_nothing(penstock, tmp_path, receiver):
    sick = Sick()
    with Upstream(sick) as a:
        p = start(penstock, tmp_path, receiver, a)
        receiver.status = 302  # no redirect is followed
        for _ in range(8):
            ask(p)
        p.cli("target", "disable", "a/first")
        wait_for(lambda: raised(p, "breaker") and raised(p, "model_down"), 10)
        wait_for(lambda: receiver.refused >= 2, 20)
        p.cli("target", "enable", "a/first")
        keeper, = [h for h in p.status()["helpers"] if h["kind"] == "keeper"]
        os.kill(keeper["pid"], signal.SIGKILL)  # the next goes on with it
        failed = p.logs("alert.failed")
        assert failed[0]["receiver"] == "ops"
        assert failed[0]["why"] == "the answer is 302"
        assert len(failed) == 1
        receiver.status = 200
        wait_for(lambda: receiver.states("breaker", "a/first"), 30)
        assert receiver.states("breaker", "a/first") == ["raised"]
        assert receiver.states("model_down", "m")[:1] == ["raised"]
        assert "T0PSECRET" not in p.err_path.read_text()


def test_a_flood_is_one_post_and_what_flaps_is_told_once(
        penstock, tmp_path, receiver):
    with Upstream(good) as a:
        p = start(penstock, tmp_path, receiver, a, quiet="1h")
        receiver.status = 503
        models = "\n".join(f'model "m{i}" {{ "a/x{i}" }}' for i in range(20))
        p.conf.write_text(p.conf.read_text() + models)
        assert p.cli("reload").returncode == 0
        names = [t["name"] for t in p.status()["targets"]]
        assert len(names) == 21
        for name in names:
            p.control({"verb": "target.disable", "name": name})
        wait_for(lambda: len(raised(p, "model_down")) == 21, 10)
        wait_for(lambda: receiver.refused >= 1, 10)
        for _ in range(1):  # it comes and goes
            p.control({"verb": "target.enable", "name": names[0]})
            wait_for(lambda: len(raised(p, "model_down")) == 20, 10)
            p.control({"verb": "target.disable", "name": names[0]})
            wait_for(lambda: len(raised(p, "model_down")) == 21, 10)
        receiver.status = 200
        wait_for(lambda: len(receiver.alerts("model_down")) == 21, 60)
        assert set(receiver.states("model_down")) == {"raised"}
        assert len({a["where"] for a in receiver.alerts("model_down")}) == 21
        assert len(receiver.posts) == 1


def test_a_reload_that_is_refused(penstock, tmp_path, receiver):
    with Upstream(good) as a:
        p = start(penstock, tmp_path, receiver, a, ', on = "reload"')
        text = p.conf.read_text()
        p.conf.write_text(text + "oops")
        assert p.cli("reload").returncode == 1
        wait_for(lambda: receiver.states("reload"), 10)
        assert "oops" in receiver.alerts("reload")[0]["what"]
        p.conf.write_text(text + 'model "n" { "a/first" }')
        assert p.cli("reload").returncode == 0
        wait_for(lambda: len(receiver.states("reload")) == 2, 10)
        assert receiver.states("reload") == ["raised", "cleared"]
        assert not raised(p, "reload")


def test_a_worker_that_dies_again_and_again(penstock, tmp_path, receiver):
    with Upstream(good) as a:
        p = start(penstock, tmp_path, receiver, a, ', on = "worker"')

        def kill():
            for w in p.workers():
                if w["slot"] == 0 and w["pid"]:
                    os.kill(w["pid"], signal.SIGKILL)
            return receiver.states("worker")
        wait_for(kill, 20, every=0.05)
        assert receiver.alerts("worker")[0]["where"] == "worker 0"
        assert receiver.alerts("worker")[0]["severity"] == "critical"


@pytest.mark.parametrize("value, why", [
    ("ftp://x/SECRETPATH", "is no http:// or https:// URL"),
    ("https://", "is no http:// or https:// URL"),
])
def test_a_webhook_that_is_none(penstock, tmp_path, value, why):
    p = penstock('provider "sim"')
    p.conf.write_text('listen "127.0.0.1:0"\nprovider "sim"\n'
                      f'alert "x" {{ webhook = env("UNSET", "{value}") }}')
    got = p.cli("reload")
    assert got.returncode == 1
    assert why in got.stderr + got.stdout
    assert "SECRETPATH" not in got.stderr + got.stdout
    assert p.status()["generation"] == 1


def certificate(folder, days):
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
         "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=gw",
         "-days", str(days), "-keyout", folder / "key.pem",
         "-out", folder / "cert.pem"], check=True, capture_output=True)
    os.chmod(folder / "key.pem", 0o644)


@pytest.mark.skipif(not shutil.which("openssl"), reason="no openssl")
def test_a_certificate_that_ends_soon(penstock, tmp_path):
    os.chmod(tmp_path, 0o755)
    certificate(tmp_path, 5)
    p = penstock('listen "127.0.0.1:0" { tls = { cert = '
                 f'"{tmp_path}/cert.pem", key = file '
                 f'"{tmp_path}/key.pem" }} }}\nprovider "sim"\n'
                 f'metrics "127.0.0.1:{free_port()}"')
    told = wait_for(lambda: raised(p, "cert"), 10)
    assert told[0]["severity"] == "critical"
    assert told[0]["where"].endswith(" certificate 1")
    certificate(tmp_path, 365)
    assert p.cli("reload").returncode == 0
    wait_for(lambda: not raised(p, "cert"), 10)
    value, = [float(line.split()[-1]) for line in metrics(p).splitlines()
              if line.startswith("penstock_certificate_expires_")]
    assert 364 < (value - time.time()) / 86400 < 366


def begin(p, body):
    """A request all but its last bytes."""
    conn = http.client.HTTPConnection("127.0.0.1", p.port, timeout=60)
    conn.putrequest("POST", "/v1/chat/completions")
    conn.putheader("content-type", "application/json")
    conn.putheader("content-length", str(len(body)))
    conn.endheaders()
    conn.send(body[:-10])
    return conn


def test_a_worker_over_its_hard_limit_is_replaced(penstock):
    p = penstock('server { workers = 1, memory_soft = "8MiB", '
                 'memory_hard = "60MiB" }\nprovider "sim"')
    first = p.workers()[0]["pid"]
    body = (b'{"model":"sim/lorem","messages":[{"role":"user","content":"'
            + b"x" * (20 << 20) + b'"}]}')
    conns = [begin(p, body) for _ in range(4)]
    wait_for(lambda: [w for w in p.workers() if w["pid"] not in (0, first)
                      and w["state"] == "ready"], 30)
    # the old one drains with the requests that it has; others are served
    assert p.post("/v1/chat/completions",
                  {"model": "sim/echo", "messages": [
                      {"role": "user", "content": "hi"}]}).status == 200
    assert p.logs("worker.relieved")[0]["pid"] == first
    for conn in conns:
        conn.send(body[-10:])
        answer = conn.getresponse()
        assert answer.status == 200, answer.read()
        answer.read()
        conn.close()
    wait_for(lambda: all(w["pid"] != first for w in p.workers()), 30)
    assert not p.logs("worker.died")


def test_memory_and_descriptors_are_shown(penstock):
    p = penstock(f'metrics "127.0.0.1:{free_port()}"\nprovider "sim"')
    w = wait_for(lambda: [w for w in p.workers() if w.get("memory_bytes")],
                 10)[0]
    assert 1 << 20 < w["memory_bytes"] < 1 << 30
    assert w["loop_lag_ms"] >= 0
    text = metrics(p)
    assert "penstock_worker_loop_lag_seconds_bucket" in text
    assert "penstock_worker_memory_bytes " in text
    assert " MiB" in p.cli("status").stdout


@pytest.mark.skipif(os.environ.get("PENSTOCK_LONG") != "1",
                    reason="a breaker stays open for 10 s")
def test_a_breaker_opens_and_closes(penstock, tmp_path, receiver):
    sick = Sick()
    with Upstream(sick) as a:
        p = start(penstock, tmp_path, receiver, a, ', on = "breaker"')
        for _ in range(8):
            ask(p)
        wait_for(lambda: receiver.states("breaker"), 10)
        sick.answer = good

        def serve():
            ask(p)
            return len(receiver.states("breaker")) == 2
        wait_for(serve, 40, every=0.2)
        assert receiver.states("breaker") == ["raised", "cleared"]


@pytest.mark.skipif(os.environ.get("PENSTOCK_LONG") != "1",
                    reason="a lock is waited for")
def test_a_ledger_that_is_locked(
        penstock, tmp_path, receiver):
    with Upstream(good) as a:
        p = start(penstock, tmp_path, receiver, a)
        ask(p)
        path, = (p.dir / "state").rglob("ledger.db")
        lock = sqlite3.connect(path, isolation_level=None, timeout=30)
        lock.execute("BEGIN EXCLUSIVE")
        ask(p)
        wait_for(lambda: raised(p, "ledger"), 20)
        lock.execute("ROLLBACK")
        lock.close()
        wait_for(lambda: not raised(p, "ledger"), 20)
        wait_for(lambda: receiver.states("ledger") == ["raised", "cleared"],
                 20)


@pytest.mark.skipif(os.environ.get("PENSTOCK_LONG") != "1",
                    reason="a store may take 5 s to open")
def test_a_store_that_cannot_be_read(penstock):
    p = penstock(test_keys.CONFIG)
    test_keys.key(p, "create", "--name", "k")
    assert not raised(p, "store")
    os.kill(test_keys.helper(p)["pid"], signal.SIGKILL)
    test_keys.corrupt(p)
    told = wait_for(lambda: raised(p, "store"), 20)
    assert told[0]["severity"] == "critical" and told[0]["what"]


@pytest.mark.skipif(os.environ.get("PENSTOCK_LONG") != "1",
                    reason="an answer is waited for for 10 s")
def test_a_receiver_that_hangs(penstock, tmp_path, receiver):
    with Upstream(good) as a:
        p = start(penstock, tmp_path, receiver, a)
        receiver.status = None
        p.cli("target", "disable", "a/first")
        wait_for(lambda: receiver.hangs == 1, 10)
        wait_for(lambda: p.logs("alert.failed"), 20)
        assert p.logs("alert.failed")[0]["why"] == "no answer in time"
        receiver.status = 200
        wait_for(lambda: receiver.states("model_down"), 20)
        assert receiver.states("model_down") == ["raised"]
        assert p.logs("alert.delivered")

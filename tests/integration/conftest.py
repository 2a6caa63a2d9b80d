# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""Fixtures of the stories: a real `penstock serve` from the build tree.

    def test_something(penstock):
        p = penstock('provider "sim"')        # started, ready
        p.post("/v1/chat/completions", {...}) # on p.port, a free one
        p.status()["workers"]; p.cli("status"); p.logs("worker.died")

`penstock(config)` may be called several times in a test; what it started is
stopped at the end, by its pid, and must be gone without leaving a process.
The text `listen "127.0.0.1:0"` is put before a configuration that has none.
"""
import http.client
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import pytest

SRC = pathlib.Path(os.environ.get("PENSTOCK_SRC") or
                   pathlib.Path(__file__).resolve().parents[2])
BUILD = pathlib.Path(os.environ.get("PENSTOCK_BUILD") or os.getcwd())
PENSTOCK = os.environ.get("PENSTOCK") or str(BUILD / "core" / "penstock")
SLOW = 6 if os.environ.get("PENSTOCK_LONG") == "1" else 1
SANITIZED = b"libasan" in pathlib.Path(PENSTOCK).read_bytes() \
    if os.path.exists(PENSTOCK) else False


def wait_for(what, seconds=10.0, every=0.02, why="it"):
    """Call what() until it returns something true; fail after the time."""
    end = time.monotonic() + seconds * SLOW
    while True:
        got = what()
        if got:
            return got
        if time.monotonic() > end:
            pytest.fail(f"{why} did not happen within {seconds * SLOW:g} s")
        time.sleep(every)


def free_port():
    """A TCP port that was free a moment ago."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def alive(pid):
    """Does this process exist, and is it no zombie?"""
    try:
        stat = pathlib.Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def children(pid):
    """Pids of the direct children of a process, zombies too."""
    try:
        text = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return []
    return [int(p) for p in text.split()]


class Answer:
    """What came back: status, headers, body; json() of the body."""

    def __init__(self, response):
        self.status = response.status
        self.headers = dict((k.lower(), v) for k, v in response.getheaders())
        self.body = response.read()

    def json(self):
        return json.loads(self.body)


class Instance:
    """One `penstock serve` with its own folder for state, socket and log."""

    def __init__(self, config, env=None, args=(), args_only=False, uid=None,
                 program=None):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="penstock-"))
        os.chmod(self.dir, 0o755)
        self.socket = str(self.dir / "run" / "control.sock")
        self.err_path = self.dir / "stderr"
        self.env = {k: v for k, v in os.environ.items()
                    if not k.startswith("PENSTOCK_LONG")}
        self.env.update({
            "PENSTOCK_STATE": str(self.dir / "state"),
            "PENSTOCK_SOCKET": self.socket,
        })
        self.env.update(env or {})
        self.conf = None
        argv = [program or PENSTOCK, "serve", *args]
        if config is not None:
            if "listen" not in config and not args_only:
                config = 'listen "127.0.0.1:0"\n' + config
            self.conf = self.dir / "penstock.conf"
            self.conf.write_text(config)
            argv += ["-c", str(self.conf)]
        self._err = open(self.err_path, "wb")
        other = {}
        if uid is not None and uid != os.geteuid():
            os.chown(self.dir, uid, uid)
            other = {"user": uid, "group": uid, "extra_groups": []}
        self.proc = subprocess.Popen(
            argv, env=self.env, cwd=str(self.dir), stdin=subprocess.DEVNULL,
            stdout=self._err, stderr=self._err, **other)
        self.pid = self.proc.pid
        self.ports = []

    # -- asking ----------------------------------------------------------

    def control(self, request):
        """One request on the control socket; None if nobody answers."""
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(5)
            try:
                s.connect(self.socket)
                s.sendall(json.dumps(request).encode() + b"\n")
                got = b""
                while not got.endswith(b"\n"):
                    more = s.recv(65536)
                    if not more:
                        return None
                    got += more
            except OSError:
                return None
        return json.loads(got)

    def status(self):
        return self.control({"verb": "status"})

    def cli(self, *args, **kw):
        """Run a verb against this instance."""
        return subprocess.run([PENSTOCK, *args], env=self.env, text=True,
                              capture_output=True, timeout=30, **kw)

    def stderr(self):
        return self.err_path.read_text(errors="replace")

    def logs(self, event=None):
        """The JSON lines on stderr, of one event or all."""
        out = []
        for line in self.stderr().splitlines():
            try:
                entry = json.loads(line)
            except ValueError:
                continue
            if isinstance(entry, dict) and event in (None,
                                                     entry.get("event")):
                out.append(entry)
        return out

    # -- waiting ---------------------------------------------------------

    def line(self, event, seconds=10):
        """The last line of an event that is, or is yet to be, written."""
        return wait_for(lambda: self.logs(event), seconds,
                        why=f"a line of {event}")[-1]

    def wait_ready(self, seconds=10):
        def ready():
            if self.proc.poll() is not None:
                pytest.fail(f"serve ended with {self.proc.returncode}:\n"
                            + self.stderr())
            status = self.status()
            return status if status and status.get("ready") else None
        try:
            status = wait_for(ready, seconds, why="ready")
        except BaseException:
            print(self.stderr())
            raise
        self.ports = [int(at["address"].rpartition(":")[2])
                      for at in status["listeners"]
                      if not at["address"].startswith("unix:")]
        return status

    def wait_exit(self, seconds=10):
        try:
            return self.proc.wait(seconds * SLOW)
        except subprocess.TimeoutExpired:
            pytest.fail("serve did not end:\n" + self.stderr()[-4000:])

    def workers(self):
        """The workers' rows of status, by slot."""
        status = self.status()
        return sorted(status["workers"], key=lambda w: w["slot"]) \
            if status else []

    # -- HTTP ------------------------------------------------------------

    @property
    def port(self):
        return self.ports[0]

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def connect(self, timeout=10):
        return http.client.HTTPConnection("127.0.0.1", self.port,
                                          timeout=timeout * SLOW)

    def request(self, method, path, body=None, headers=None, timeout=10):
        """One request on a connection of its own."""
        c = self.connect(timeout)
        try:
            head = dict(headers or {})
            if body is not None and not isinstance(body, (bytes, str)):
                body = json.dumps(body)
                head.setdefault("content-type", "application/json")
            c.request(method, path, body, head)
            return Answer(c.getresponse())
        finally:
            c.close()

    def get(self, path, **kw):
        return self.request("GET", path, **kw)

    def post(self, path, body, **kw):
        return self.request("POST", path, body, **kw)

    # -- ending ----------------------------------------------------------

    def signal(self, signo):
        os.kill(self.pid, signo)

    def stop(self):
        """At once: SIGTERM twice; nothing of it may be left behind."""
        family = {self.pid, *children(self.pid)}
        for _ in range(2):
            if self.proc.poll() is None:
                self.proc.send_signal(signal.SIGTERM)
                time.sleep(0.05)
        try:
            self.proc.wait(10 * SLOW)
        except subprocess.TimeoutExpired:
            self.proc.kill()
            self.proc.wait()
            pytest.fail("serve did not stop:\n" + self.stderr()[-4000:])
        wait_for(lambda: not any(alive(p) for p in family), 5,
                 why="the end of every process")

    def close(self):
        """Stop, and remove its folder; what sanitizers had to say, or None."""
        try:
            self.stop()
            text = self.stderr()
        finally:
            self._err.close()
            shutil.rmtree(self.dir, ignore_errors=True)
        if "AddressSanitizer" in text or "runtime error:" in text:
            return text[-8000:]
        return None


@pytest.fixture
def penstock():
    """A function that starts an instance: penstock(config, ready=True,
    env=None, args=(), uid=None); config None is the built-in configuration,
    uid the user to run as."""
    started = []

    def start(config='provider "sim"\n', ready=True, env=None, args=(),
              uid=None):
        p = Instance(config, env=env, args=args, uid=uid)
        started.append(p)
        if ready:
            p.wait_ready()
        return p

    yield start
    problems = []
    for p in started:
        try:
            said = p.close()
        except BaseException as e:
            said = str(e)
        if said:
            problems.append(said)
    assert not problems, "\n".join(problems)


@pytest.fixture
def cli():
    """Run penstock with these arguments; a CompletedProcess with text."""
    def run(*args, env=None, **kw):
        return subprocess.run([PENSTOCK, *args], text=True,
                              capture_output=True, timeout=30,
                              env={**os.environ, **(env or {})}, **kw)
    return run

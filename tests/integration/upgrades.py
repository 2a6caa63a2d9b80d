# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""An instance whose program file can be replaced, and clients that never ask
twice: what the stories of upgrades have in common."""
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import threading
import time

from conftest import (BUILD, PENSTOCK, SLOW, SRC, Instance, alive, children,
                      wait_for)

LAYOUTS = (b"cells 1 block", b"health 1 table", b"limits 1 shards",
           b"kv 1 shards", b"ledger 1 rings")


class Upgraded(Instance):
    """Runs a copy of the program; `pid` is that of who serves."""

    def __init__(self, folder, config, env=None):
        self.program = pathlib.Path(folder) / "penstock"
        shutil.copy(PENSTOCK, self.program)
        # the copy lies in no build tree
        found = {"PENSTOCK_PLUGIN_PATH": BUILD / "plugins",
                 "PENSTOCK_POLICY_PATH": SRC / "policies",
                 "PENSTOCK_CATALOGUE_PATH": SRC / "plugins" / "catalogue"}
        super().__init__(config, program=str(self.program), env={
            **{k: str(v) for k, v in found.items()}, **(env or {})})
        self.wait_ready()
        self.masters = [self.pid]

    def replace(self, change=None, script=None):
        """Another file in the program's place, as a package manager does it;
        `change` is pairs of bytes of the same length."""
        new = self.program.with_suffix(".new")
        if script is not None:
            new.write_text(script)
        else:
            data = pathlib.Path(PENSTOCK).read_bytes()
            for old, other in change or ():
                assert old in data and len(old) == len(other)
                data = data.replace(old, other)
            new.write_bytes(data)
        new.chmod(0o755)
        os.rename(new, self.program)

    def upgrade(self):
        r = self.cli("upgrade", "--json")
        assert r.returncode == 0, r.stdout + r.stderr + self.stderr()[-3000:]
        got = json.loads(r.stdout)
        self.follow(got["pid"])
        return got

    def refused(self):
        r = self.cli("upgrade")
        assert r.returncode == 1, r.stdout + r.stderr
        return r.stderr

    def follow(self, pid):
        wait_for(lambda: (self.status() or {}).get("pid") == pid and
                 self.status()["ready"], 10, why="the new master's word")
        self.pid = pid
        self.masters.append(pid)

    def former_gone(self, seconds=20):
        wait_for(lambda: not any(alive(m) for m in self.masters[:-1]),
                 seconds, why="the end of the masters before")

    def stop(self):
        family = [p for m in self.masters for p in (m, *children(m))]
        for _ in range(2):
            for m in self.masters:
                if alive(m):
                    os.kill(m, signal.SIGTERM)
            time.sleep(0.05)
        wait_for(lambda: self.proc.poll() is not None, 10, why="its end")
        wait_for(lambda: not any(alive(p) for p in family), 10,
                 why="the end of every process")


class Mock:
    """An upstream that no upgrade touches; streams at 50 words a second."""

    def __init__(self, folder):
        faults = pathlib.Path(folder) / "faults.json"
        faults.write_text(json.dumps([{"match": {"stream": True},
                                       "fault": {"tokens_per_s": 50}}]))
        self.proc = subprocess.Popen(
            [PENSTOCK, "mock", "--listen", "127.0.0.1:0", "--faults",
             str(faults)], stdout=subprocess.PIPE, text=True)
        line = self.proc.stdout.readline()
        self.port = int(re.search(r":(\d+)", line)[1])

    def provider(self):
        return ('provider "sim" { vendor = "openai-compatible", keys = {}, '
                f'base_url = "http://127.0.0.1:{self.port}/v1" }}\n')

    def close(self):
        self.proc.terminate()
        self.proc.wait(10)
        self.proc.stdout.close()


class Clients:
    """Keep-alive clients, streams, and what went wrong with them."""

    def __init__(self, p, body, check=None):
        self.p, self.body, self.check = p, body, check
        self.stopped = threading.Event()
        self.wrong, self.asked, self.threads = [], 0, []
        self.lock = threading.Lock()

    def note(self, wrong):
        with self.lock:
            self.asked += 1
            if wrong:
                self.wrong.append(wrong)

    def one(self, c):
        """A request; what is wrong with its answer, or None."""
        try:
            c.request("POST", "/v1/chat/completions", json.dumps(self.body),
                      {"content-type": "application/json"})
            r = c.getresponse()
            got = r.read()
            if r.getheader("connection") == "close":
                c.close()
            if r.status != 200 or self.check and not self.check(r, got):
                return r.status, got[-300:]
        except (OSError, http.client.HTTPException) as e:
            c.close()
            return repr(e)
        return None

    def keep_asking(self, pause):
        c = self.p.connect(30)
        while not self.stopped.is_set():
            self.note(self.one(c))
            time.sleep(pause)
        c.close()

    def stream(self, body):
        c = self.p.connect(60)
        try:
            c.request("POST", "/v1/chat/completions", json.dumps(body),
                      {"content-type": "application/json"})
            r = c.getresponse()
            got = r.read().decode()
            whole = r.status == 200 and got.rstrip().endswith("data: [DONE]")
            self.note(None if whole else (r.status, got[-300:]))
        except (OSError, http.client.HTTPException) as e:
            self.note(repr(e))
        finally:
            c.close()

    def start(self, n, pause=0.01):
        for _ in range(n):
            self.run(self.keep_asking, pause)

    def run(self, what, *args):
        t = threading.Thread(target=what, args=args, daemon=True)
        self.threads.append(t)
        t.start()

    def end(self):
        """All that was asked is answered."""
        self.stopped.set()
        for t in self.threads:
            t.join(60 * SLOW)
            assert not t.is_alive()
        return self.wrong

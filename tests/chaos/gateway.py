# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""The gateway under test and what is done to it: workers that are killed, a
Redis that is stopped, memory that is weighed."""
import asyncio
import http.client
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import time

from upstreams import TARGETS, ask, free_port

LIMIT = 100000          # of the concurrent row: more than ever run
POLICY = """-- takes a place and asks Redis, which may be gone
local r = ps.redis("main")
return { api = 1, admit = function(req)
  local rows = { { "concurrent", per = "chaos:all", limit = %d } }
  if req.header["x-chaos-peek"] then
    local _, rows = ps.peek(rows)
    return ps.deny("x_peek", tostring(rows[1].remaining), { status = 418 })
  end
  local no = ps.take(rows)
  if no then return no end
  local _, err = r:incr("asked")
  ps.metric("redis", 1, { result = err and "down" or "ok" })
end }
"""
HEAD = """
server {{ workers = {workers}, max_connections = 20000 }}
listen "127.0.0.1:{port}" {{ detail = "full" }}
metrics "127.0.0.1:{metrics}"
policy_path "{dir}"
redis "main" {{ url = "redis://127.0.0.1:{redis}", timeout = "50ms" }}
policies {{ "chaos", "route" }}
log {{ to = "{dir}/access.log" }}
defaults {{ timeouts = {{ connect = "2s", head = "{wait}s",
                         first_event = "{wait}s", idle = "{wait}s",
                         total = "20s" }},
           retries = {{ attempts = {attempts}, same_target = 0,
                       budget = "100%" }} }}
"""


def provider(up, number):
    """Each third speaks the other dialect: failover crosses them."""
    kind = "anthropic" if number % 3 == 2 else "openai"
    version = "" if kind == "anthropic" else "/v1"
    return (f'provider "{up.name}" {{ vendor = "{kind}-compatible", base_url '
            f'= "http://127.0.0.1:{up.port}{version}", '
            f'keys = {{ env("UNSET", "sk-{up.name}") }} }}\n')


def models(upstreams, plain):
    """all and bulk over six targets; plain: one of each for each target."""
    text = ""
    for kind, prefix in (("all", "t"), ("bulk", "b")):
        at = [f'"{u.name}/echo-{prefix}{u.name[1:]}"' for u in upstreams]
        if plain:
            text += "".join(f'model "{kind}-{i}" {{ {t} }}\n'
                            for i, t in enumerate(at))
        else:
            text += (f'model "{kind}" {{ balance = "weighted", '
                     f'{", ".join(at)} }}\n')
    return text


def model_name(plain, number, kind):
    name = "bulk" if kind == "slow" else "all"
    return f"{name}-{number % TARGETS}" if plain else name


def memory_kb(pid):
    try:
        text = pathlib.Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    for line in text.splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1])
    return 0


class Redis:
    """A real redis-server, or none where it is not installed."""

    def __init__(self, folder):
        self.folder, self.port, self.proc = folder, free_port(), None
        self.program = shutil.which("redis-server")
        if not self.program and shutil.which("redis-check-rdb"):
            self.program = os.path.join(folder, "redis-server")
            os.symlink(shutil.which("redis-check-rdb"), self.program)
        self.stops = 0

    def start(self):
        if self.program:
            self.proc = subprocess.Popen(
                [self.program, "--save", "", "--appendonly", "no", "--dir",
                 str(self.folder), "--bind", "127.0.0.1", "--port",
                 str(self.port)], stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def stop(self):
        if self.proc and self.proc.poll() is None:
            self.proc.kill()
            self.proc.wait()

    async def run(self, begin, end):
        """Stopped twice, each time for a tenth of the run."""
        for at in (0.25, 0.6) if self.program else ():
            await asyncio.sleep(max(0, begin + at * (end - begin) -
                                    time.monotonic()))
            self.stop()
            self.stops += 1
            await asyncio.sleep((end - begin) / 10)
            self.start()


class Gateway:
    def __init__(self, args, folder, upstreams, redis, plain):
        self.dir, self.workers = pathlib.Path(folder), args.workers
        self.port = free_port()
        # (killed, buried) each; name -> [(time, kB)]
        self.kills, self.weights = [], {}
        self.peeks = 0                      # requests of our own
        self.proc, self.socket = None, str(self.dir / "run/control.sock")
        os.chmod(self.dir, 0o755)
        (self.dir / "chaos.lua").write_text(POLICY % LIMIT)
        (self.dir / "penstock.conf").write_text(HEAD.format(
            workers=args.workers, port=self.port, metrics=free_port(),
            dir=self.dir, redis=redis.port, wait=args.wait,
            attempts=1 if plain else TARGETS) +
            "".join(provider(u, i) for i, u in enumerate(upstreams)) +
            models(upstreams, plain))

    def start(self, program):
        self.proc = subprocess.Popen(
            [program, "serve", "-c", str(self.dir / "penstock.conf")],
            env={**os.environ, "PENSTOCK_SOCKET": self.socket,
                 "PENSTOCK_STATE": str(self.dir / "state")},
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=open(self.dir / "serve.err", "wb"))
        self.until(lambda s: s and s["ready"], 30, "it is not ready")

    def status(self):
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(10)
            got = b""
            try:
                s.connect(self.socket)
                s.sendall(b'{"verb": "status"}\n')
                while not got.endswith(b"\n"):
                    more = s.recv(65536)
                    if not more:
                        return None
                    got += more
            except OSError:
                return None
        return json.loads(got)

    def until(self, what, seconds, why):
        """Status once what(status) holds, or the end of all."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            status = self.status()
            if what(status):
                return status
            if self.proc.poll() is not None:
                break
            time.sleep(0.05)
        raise SystemExit(f"chaos: {why}; see {self.dir}/serve.err")

    def pids(self):
        """Ready workers by slot."""
        status = self.status()
        return {w["slot"]: w["pid"] for w in status["workers"]
                if w["state"] == "ready"} if status else {}

    async def kill_workers(self, every, dice, end):
        """Any but the first, which is left alone to be weighed."""
        while time.monotonic() + every < end:
            await asyncio.sleep(every)
            pids = await asyncio.to_thread(self.pids)
            slots = sorted(s for s in pids if s != 0)
            if slots:
                await self.kill(pids[dice.choice(slots)])

    async def kill(self, pid):
        """On a busy machine the dead close their connections late."""
        killed = time.monotonic()
        os.kill(pid, signal.SIGKILL)
        self.kills.append([killed, killed + 5])
        while time.monotonic() < killed + 5 and \
                os.path.exists(f"/proc/{pid}"):
            await asyncio.sleep(0.02)
        self.kills[-1][1] = time.monotonic()

    async def weigh(self, end):
        first = (await asyncio.to_thread(self.pids)).get(0)
        while time.monotonic() < end:
            for name, pid in (("master", self.proc.pid), ("worker", first)):
                self.weights.setdefault(name, []).append(
                    (time.monotonic(), memory_kb(pid)))
            await asyncio.sleep(0.5)

    def killed_within(self, begin, end):
        return any(begin <= buried + 0.5 and killed <= end + 0.5
                   for killed, buried in self.kills)

    def free_places(self):
        """What is left of the concurrent limit, by a request that asks."""
        c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        self.peeks += 1
        try:
            c.request("POST", "/v1/chat/completions", json.dumps(
                {"model": "all", "messages": [
                    {"role": "user", "content": "peek"}]}),
                {"x-chaos-peek": "1", "content-type": "application/json"})
            return int(json.loads(c.getresponse().read())["error"]["message"])
        finally:
            c.close()

    def metric(self, name):
        where = self.status()["metrics"]
        text = ask(int(where.rpartition(":")[2]), "GET", "/metrics").decode()
        return sum(float(line.rpartition(" ")[2])
                   for line in text.splitlines() if line.startswith(name))

    def bury_all(self):
        """Kill every worker at rest: what its cells still hold is told by
        the master as lost requests."""
        deaths = self.status()["worker_deaths"]
        pids = self.pids()
        for pid in pids.values():
            os.kill(pid, signal.SIGKILL)
        self.until(lambda s: s and s["worker_deaths"] >= deaths + len(pids),
                   30, "workers that were killed are not buried")

    def lines(self):
        """The access lines, as dictionaries."""
        with open(self.dir / "access.log", errors="replace") as f:
            for line in f:
                entry = json.loads(line)
                if entry.get("event") == "request":
                    yield entry

    def stop(self):
        for _ in range(2):
            if self.proc and self.proc.poll() is None:
                self.proc.send_signal(signal.SIGTERM)
                time.sleep(0.1)
        try:
            self.proc.wait(20)
        except subprocess.TimeoutExpired:
            self.proc.kill()
            self.proc.wait()

    def complaints(self):
        """What a sanitizer had to say."""
        text = (self.dir / "serve.err").read_text(errors="replace")
        return text if "Sanitizer" in text or "runtime error:" in text else ""

# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""The gateway that is changed, what is changed in it, and the two upstreams:
a mock, and one whose streams last until they are told to end."""
import asyncio
import json
import os
import pathlib
import random
import re
import shlex
import shutil
import signal
import socket
import subprocess
import time

SRC = pathlib.Path(os.environ.get("PENSTOCK_SRC")
                   or pathlib.Path(__file__).resolve().parents[2])
BUILD = pathlib.Path(os.environ.get("PENSTOCK_BUILD") or os.getcwd())
PROGRAM = os.environ.get("PENSTOCK") or str(BUILD / "core" / "penstock")
PLUGINS = pathlib.Path(os.environ.get("PENSTOCK_PLUGIN_PATH")
                       or BUILD / "plugins")
CRASH = """
#include <penstock/plugin.h>
#include <stdlib.h>
static ps_rc adjust(ps_try *t)
{
    if (ps_holds(ps_raw(t, "/messages/0/content"), " says "))
        abort();
    return PS_OK;
}
static const ps_api apis[] = {
    { PS_CHAT, PS_OPENAI_CHAT, PS_SSE, "POST", "/chat/completions" },
};
static const ps_provider ops = {
    .size = sizeof ops, .apis = apis, .n_apis = 1, .adjust = adjust,
};
PS_PLUGIN(PS_PROVIDER, "openai", "9.%d", &ops);
"""
ENDLESS = "while true do end\n"
LEAK = "local all = {}\nwhile true do all[#all + 1] = ('x'):rep(4096) .. #all " \
    "end\n"
BAD = ("bad_magic", "bad_kind", "bad_minor", "bad_undefined", "bad_selftest",
       "bad_constructor", "bad_schema")
LAYOUTS = (b"cells 1 block", b"health 1 table", b"limits 1 shards",
           b"kv 1 shards", b"ledger 1 rings")
POLICY = """return { api = 1,
  response = function(req, conf, resp)
    resp.header["x-says"] = "%s"
  end }
"""
CONFIG = """
listen "127.0.0.1:{port}"
server {{ workers = {workers}, max_connections = 20000,
          max_body = "{body}KiB", drain_timeout = "24h" }}
metrics "127.0.0.1:{metrics}"
policy_path "{dir}/policies"
plugin_path "{dir}/plugins"
log {{ to = "{dir}/access.log" }}
reload {{ bake = "{bake}", canary = "{canary}", tests = true }}
policies {{ "auth", "route", "says" }}
defaults {{ timeouts = {{ total = "24h", idle = "24h", head = "60s",
                         first_event = "60s" }} }}
provider "up" {{ vendor = "openai-compatible", keys = {{}},
                base_url = "http://127.0.0.1:{up}/v1" }}
provider "last" {{ vendor = "openai-compatible", keys = {{}},
                  base_url = "http://127.0.0.1:{last}/v1" }}
model "m{number}" {{ "up/echo" }}
model "echo" {{ "up/echo" }}
model "lorem" {{ "up/lorem" }}
model "last" {{ "last/x" }}
"""
EVENT = b'data: {"id":"x","object":"chat.completion.chunk","created":1,' \
    b'"model":"x","choices":[{"index":0,"delta":%s,"finish_reason":%s}]}\n\n'


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Lasting:
    """Streams of an event a second, until end() lets them finish."""

    def __init__(self):
        self.port, self.over = free_port(), None

    async def serve(self):
        self.over = asyncio.Event()
        await asyncio.start_server(self.one, "127.0.0.1", self.port)

    async def one(self, reader, writer):
        head = await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(int(re.search(
            rb"content-length: *(\d+)", head, re.I)[1]))

        def put(data):
            writer.write(b"%x\r\n%s\r\n" % (len(data), data))

        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"
                     b"transfer-encoding: chunked\r\n\r\n")
        while not self.over.is_set():
            put(EVENT % (b'{"content":"still "}', b"null"))
            await writer.drain()
            try:
                await asyncio.wait_for(self.over.wait(), 1)
            except asyncio.TimeoutError:
                pass
        put(EVENT % (b"{}", b'"stop"'))
        put(b"data: [DONE]\n\n")
        writer.write(b"0\r\n\r\n")
        writer.close()


class Changed:
    def __init__(self, args, folder):
        self.args, self.dir = args, folder
        self.port, self.up = free_port(), free_port()
        self.metrics = free_port()
        self.lasting, self.procs, self.pid = Lasting(), [], 0
        self.dice = random.Random(args.seed)
        self.n = self.upgrades = self.configured = 0
        self.masters, self.crashes = [], 0
        os.chmod(folder, 0o755)
        for name in ("policies", "plugins"):
            (folder / name).mkdir()
        for so in PLUGINS.glob("*.so"):
            shutil.copy(so, folder / "plugins" / so.name)
        self.so = (folder / "plugins" / "openai.so").read_bytes()
        self.env = {**os.environ, "PENSTOCK_STATE": str(folder / "state"),
                    "PENSTOCK_SOCKET": str(folder / "run/control.sock")}
        self.env.setdefault("PENSTOCK_POLICY_PATH", str(SRC / "policies"))
        self.env.setdefault("PENSTOCK_CATALOGUE_PATH",
                            str(SRC / "plugins" / "catalogue"))
        self.write("policies/says.lua", POLICY % "first")
        self.configure(0)

    # -- files --------------------------------------------------------------

    def write(self, name, data):
        """Replaced as an editor or a package manager does it."""
        new = self.dir / (name + ".new")
        new.write_bytes(data if isinstance(data, bytes) else data.encode())
        os.rename(new, self.dir / name)

    def config(self, number):
        # most are taken in place; every tenth asks for new workers
        return CONFIG.format(
            port=self.port, workers=self.args.workers, dir=self.dir,
            up=self.up, last=self.lasting.port, number=number,
            metrics=self.metrics, bake=self.args.bake,
            canary=self.args.canary, body=4096 + self.configured // 10)

    def configure(self, number):
        self.write("penstock.conf", self.config(number))

    # -- life ---------------------------------------------------------------

    def run(self, program, *args):
        out = open(self.dir / "stderr", "ab")
        p = subprocess.Popen([program, *args], env=self.env, stdout=out,
                             stderr=out, stdin=subprocess.DEVNULL)
        out.close()
        self.procs.append(p)
        return p

    def start(self):
        self.write("faults.json", json.dumps([
            {"match": {"stream": True}, "fault": {"tokens_per_s": 20}}]))
        self.run(PROGRAM, "mock", "--listen", f"127.0.0.1:{self.up}",
                 "--faults", str(self.dir / "faults.json"))
        shutil.copy(PROGRAM, self.dir / "penstock")
        self.run(str(self.dir / "penstock"), "serve", "-c",
                 str(self.dir / "penstock.conf"))
        end = time.monotonic() + 30
        while not (self.status() or {}).get("ready"):
            if time.monotonic() > end:
                raise SystemExit((self.dir / "stderr").read_text())
            time.sleep(0.05)
        self.pid = self.status()["pid"]
        self.masters = [self.pid]

    def status(self):
        r = subprocess.run([str(PROGRAM), "status", "--json"], env=self.env,
                           capture_output=True, text=True, timeout=60)
        return json.loads(r.stdout) if r.returncode == 0 else None

    def stop(self):
        for pid in self.masters[1:]:
            try:
                os.kill(pid, signal.SIGTERM)
                os.kill(pid, signal.SIGTERM)
            except ProcessLookupError:
                pass
        for p in self.procs:
            if p.poll() is None:
                p.terminate()
                time.sleep(0.1)
                p.terminate()
        for p in self.procs:
            try:
                p.wait(30)
            except subprocess.TimeoutExpired:
                p.kill()

    def sizes(self):
        """Descriptors and private memory (kB) of the serving family."""
        fds = kb = 0
        kids = pathlib.Path(f"/proc/{self.pid}/task/{self.pid}/children")
        for pid in [self.pid, *map(int, kids.read_text().split())]:
            try:
                fds += len(os.listdir(f"/proc/{pid}/fd"))
                text = pathlib.Path(f"/proc/{pid}/status").read_text()
            except OSError:
                continue
            kb += int(re.search(r"RssAnon:\s+(\d+)", text)[1])
        return fds, kb

    async def settle(self):
        """Wait until nobody drains any more: connections go in 10 s."""
        for _ in range(300):
            st = self.status()
            if st and all(w["state"] == "ready" for w in st["workers"]) and \
                    st["in_flight"] == 0:
                return
            await asyncio.sleep(0.1)

    # -- changes ------------------------------------------------------------

    async def cli(self, *args):
        p = await asyncio.create_subprocess_exec(
            PROGRAM, *args, env=self.env, stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE)
        out, err = await p.communicate()
        return p.returncode, out.decode(), err.decode()

    async def change(self, kind, broken):
        """Make one; None, or what went wrong."""
        self.n += 1
        if kind == "upgrade":
            return await self.upgrade()
        if kind == "crash":
            return await self.crash()
        getattr(self, kind)(broken)
        rc, out, err = await self.cli("reload")
        if broken:
            getattr(self, kind)(False)      # mended before the next
            return None if rc == 1 and err else f"was taken: {out}{err}"
        return None if rc == 0 else err.strip()

    def policy(self, broken):
        text = POLICY % self.n
        how = self.dice.choice(("syntax", "test", "endless", "leak")) \
            if broken else None
        if how == "syntax":
            text = text.replace("function(", "function(,")
        elif how in ("endless", "leak"):    # where it is loaded
            text = (ENDLESS if how == "endless" else LEAK) + text
        self.write("policies/says.lua", text)
        test = self.dir / "policies/says_test.lua"
        test.unlink(missing_ok=True)
        if how == "test":                   # one that does not hold
            self.write("policies/says_test.lua",
                       'ps.test("it says otherwise", { resp = {}, expect = '
                       '{ header = { ["x-says"] = "otherwise" } } })\n')

    def configuration(self, broken):
        self.configured += not broken
        text = self.config(self.n)
        if broken:
            text = self.dice.choice([
                text.replace("provider", "provder"),
                text.replace('"says"', '"is_not_there"'),
                text.replace("max_connections = 20000",
                             "max_connections = -1"),
                text.replace('keys = {}', 'keys = {}, no_setting = 1', 1),
                text.rstrip()[:-2]])
        self.write("penstock.conf", text)

    def plugin(self, broken):
        """Another file by its hash; what follows an ELF file is not read."""
        data = self.so + b"%d" % self.n
        if broken:
            data = self.dice.choice([self.so[:1000],   # half has all its code
                                     b"this is no plugin", b"",
                                     self.bad() or b"nor this"])
        self.write("plugins/openai.so", data)

    def bad(self):
        """One of those that must be refused; None without a compiler."""
        name = self.dice.choice(BAD)
        text = (SRC / "tests" / "abi" / f"{name}.c").read_text()
        return self.compiled(text)

    def compiled(self, text):
        """A plugin's file; None without a compiler."""
        source, so = self.dir / "made.c", self.dir / "made.so"
        source.write_text(text)
        cc = shlex.split(os.environ.get("CC", "cc"))
        if not shutil.which(cc[0]):
            return None
        flags = re.search(r"/\* flags: (.*) \*/", text)
        subprocess.run(
            [*cc, "-std=c11", "-shared", "-fPIC", "-fvisibility=hidden",
             f"-I{SRC}/sdk/include", *shlex.split(flags[1] if flags else ""),
             "-o", str(so), str(source)], check=True)
        return so.read_bytes()

    async def crash(self):
        """A plugin that ends its worker on the first request: it is taken
        back, and what that worker had is lost, no more."""
        data = self.compiled(CRASH % self.n)
        if data is None:
            return None
        served = (self.dir / "penstock.conf").read_text()
        self.write("plugins/openai.so", data)
        self.write("penstock.conf", re.sub(  # until somebody came to it
            'canary = "[^"]*"', 'canary = "60s"', served))
        rc, out, err = await self.cli("reload")
        self.write("plugins/openai.so", self.so)
        self.write("penstock.conf", served)
        self.crashes += 1
        return None if rc == 1 and err else f"was taken: {out}{err}"

    async def upgrade(self):
        """To another build each second time."""
        self.upgrades += 1
        data = pathlib.Path(PROGRAM).read_bytes()
        if self.upgrades % 2 == 0:
            for at in LAYOUTS:
                new = at.replace(b" 1 ", b" %d " % (self.upgrades % 10))
                data = data.replace(at, new)
        self.write("penstock", data)
        (self.dir / "penstock").chmod(0o755)
        for _ in range(600):
            rc, out, err = await self.cli("upgrade", "--json")
            if rc == 0:
                break
            if "drained" not in out + err:
                return (out + err).strip()
            await asyncio.sleep(1)          # streams of earlier ones
        if rc:
            return (out + err).strip()
        self.pid = json.loads(out)["pid"]
        self.masters.append(self.pid)
        return None

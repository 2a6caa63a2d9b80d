# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""Certificates and plugins that change under traffic."""
import contextlib
import http.client
import json
import os
import shlex
import shutil
import sqlite3
import subprocess
import threading
import time

import pytest

import test_tls as tls
from conftest import BUILD, SANITIZED, SRC, alive, free_port, wait_for
from test_reload import CHAT, SAYS, reload, refused, write
from upstream import Upstream

PLUGIN = r"""
#include <penstock/plugin.h>
static ps_rc adjust(ps_try *t) { %s }
static const ps_api apis[] = {
    { PS_CHAT, PS_OPENAI_CHAT, PS_SSE, "POST", "/chat/completions" },
};
static const ps_provider ops = {
    .size = sizeof ops, .apis = apis, .n_apis = 1, .adjust = adjust,
};
PS_PLUGIN(PS_PROVIDER, "swap", "%s", &ops);
%s
"""


def compiled(folder, version, adjust="return PS_OK;", more=""):
    """Put version of the plugin into the folder, by a rename."""
    source = folder / "swap.c"
    source.write_text(PLUGIN % (adjust, version, more))
    subprocess.run(
        [*shlex.split(os.environ.get("CC", "cc")), "-shared", "-fPIC", "-O1",
         f"-I{SRC}/sdk/include", "-fvisibility=hidden",
         f"-Wl,--version-script={SRC}/sdk/penstock.map", "-Wl,-z,defs",
         "-o", str(folder / "swap.new"), str(source)], check=True)
    os.rename(folder / "swap.new", folder / "swap.so")


def marks(conn, request):
    """An upstream that says which version of the plugin asked."""
    told = request.json().get("user", "none")
    body = json.dumps({
        "id": "chatcmpl-1", "object": "chat.completion", "created": 1,
        "model": "m", "choices": [{"index": 0, "finish_reason": "stop",
                                   "message": {"role": "assistant",
                                               "content": told}}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1,
                  "total_tokens": 2}})
    conn.send((f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
               f"content-length: {len(body)}\r\n\r\n{body}").encode())


def sets(user):
    return f'return ps_set_json(t, "/user", ps_z("\\"{user}\\""));'


@pytest.fixture
def swapping(penstock, tmp_path):
    """An instance that serves swap/m by version v1 of the plugin."""
    folder = tmp_path / "plugins"
    folder.mkdir()
    shutil.copy(BUILD / "plugins" / "sim.so", folder)
    compiled(folder, "1.0", sets("v1"))
    with Upstream(marks) as up:
        p = penstock(f'listen "127.0.0.1:{free_port()}"\n'
                     f'plugin_path "{folder}"\nprovider "sim"\n'
                     'reload { canary = "200ms" }\n'
                     'provider "swap" { plugin = "swap", keys = {}, '
                     f'base_url = "{up.url}/v1" }}\n')
        yield p, folder


def version(p):
    a = p.post("/v1/chat/completions", dict(CHAT, model="swap/m"))
    assert a.status == 200, a.body
    return a.json()["choices"][0]["message"]["content"]


def test_a_plugin_is_swapped_by_new_workers(swapping):
    p, folder = swapping
    assert version(p) == "v1"
    old = {w["pid"] for w in p.workers()}
    compiled(folder, "2.0", sets("v2"))
    got = reload(p)
    assert got["how"] == "new workers"
    assert got["changes"] == [{"path": "plugin swap", "change": "changed",
                               "applies": "workers"}]
    assert version(p) == "v2"
    wait_for(lambda: not any(alive(x) for x in old), 20, why="their end")
    assert p.cli("rollback").returncode == 0
    assert version(p) == "v1"


def test_what_is_done_to_a_loaded_file_is_harmless(swapping):
    p, folder = swapping
    so = folder / "swap.so"
    good = so.read_bytes()
    assert version(p) == "v1"
    with open(so, "r+b") as f:              # as `cp` does it, in place
        f.truncate(100)
    assert version(p) == "v1"
    assert "swap" in refused(p)
    os.chmod(so, 0)
    assert version(p) == "v1"
    os.chmod(so, 0o644)
    so.unlink()
    assert version(p) == "v1"
    assert "swap" in refused(p)
    so.write_bytes(good)
    assert reload(p)["how"] == "nothing changed"
    assert version(p) == "v1"


BROKEN = {
    "crashes at load": (sets("v9"), "__attribute__((constructor)) static "
                        "void c(void) { *(volatile int *)0 = 1; }"),
    "no such symbol": ("extern int nowhere(void); return (ps_rc)nowhere();",
                       ""),
}


def test_broken_plugins_never_serve(swapping, tmp_path):
    p, folder = swapping
    good = (folder / "swap.so").read_bytes()
    for what, (adjust, more) in BROKEN.items():
        try:
            compiled(folder, what, adjust, more)
        except subprocess.CalledProcessError:
            # the linker refuses it already; a plain link does not
            source = folder / "swap.c"
            subprocess.run(
                [*shlex.split(os.environ.get("CC", "cc")), "-shared", "-fPIC",
                 f"-I{SRC}/sdk/include", "-fvisibility=hidden",
                 f"-Wl,--version-script={SRC}/sdk/penstock.map", "-o",
                 str(folder / "swap.so"), str(source)], check=True)
        assert "swap" in refused(p), what
        assert version(p) == "v1"
    (folder / "swap.so").write_text("not a plugin\n")
    assert "swap" in refused(p)
    (folder / "swap.so").write_bytes(good)
    assert p.logs("worker.died") == []


def test_swaps_under_load(swapping):
    """Clients that never retry, over swaps of the plugin."""
    p, folder = swapping
    stop = threading.Event()
    wrong, seen = [], set()

    def client():
        c = http.client.HTTPConnection("127.0.0.1", p.port, timeout=30)
        while not stop.is_set():
            try:
                c.request("POST", "/v1/chat/completions",
                          json.dumps(dict(CHAT, model="swap/m")),
                          {"content-type": "application/json"})
                r = c.getresponse()
                body = json.loads(r.read())
                if r.status != 200:
                    wrong.append(body)
                else:
                    seen.add(body["choices"][0]["message"]["content"])
                if r.getheader("connection") == "close":
                    c.close()
            except Exception as e:
                wrong.append(repr(e))
                c.close()
            time.sleep(0.01)
        c.close()

    threads = [threading.Thread(target=client, daemon=True) for _ in range(4)]
    for t in threads:
        t.start()
    for i in range(2, 8):
        compiled(folder, f"{i}.0", sets(f"v{i}"))
        assert reload(p)["how"] == "new workers"
        assert version(p) == f"v{i}"
    stop.set()
    for t in threads:
        t.join()
    assert not wrong, wrong[:5]
    assert {"v1", "v7"} <= seen or len(seen) >= 3


def alerts(p):
    return [a["alert"] for a in p.status()["alerts"]]


PRICED = """listen "127.0.0.1:0" {{ detail = "full" }}
provider "sim"
model "m" {{ "sim/echo", "sim/lorem" }}
price "sim/echo" {{ input = "{price} USD/Mtok", output = "1 USD/Mtok" }}
{more}
"""
LACKS = 'capability "sim/echo" { lacks = { "tools" } }'
WITH_TOOLS = dict(CHAT, model="m", tools=[{"type": "function", "function": {
    "name": "f", "parameters": {"type": "object", "properties": {}}}}])


def cost(p):
    """Of the last row of the ledger, and how many there are."""
    with contextlib.closing(sqlite3.connect(
            p.dir / "state" / "ledger" / "ledger.db")) as db:
        try:
            return db.execute("SELECT cost_nusd / input, count(*) OVER ()"
                              " FROM try ORDER BY time_ms DESC").fetchone()
        except sqlite3.OperationalError:
            return None                     # it is being made


def test_prices_and_abilities_are_swapped_in_place(penstock):
    """What stands in the place of the catalogue's; a bad one keeps the
    old."""
    p = penstock(PRICED.format(price=1000, more=""))
    pids = [w["pid"] for w in p.workers()]

    def costs(n):
        assert p.post("/v1/chat/completions", dict(CHAT, model="m")).status \
            == 200
        return wait_for(lambda: (lambda c: c and c[1] == n and c)(cost(p)),
                        why="its row")[0]

    def target():
        a = p.post("/v1/chat/completions", WITH_TOOLS)
        return a.headers["x-penstock-target"]

    first = costs(1)
    p.conf.write_text(PRICED.format(price="a few", more=""))
    assert "price" in refused(p)
    assert "reload" in alerts(p) and costs(2) == first
    assert target() == "sim/echo"
    p.conf.write_text(PRICED.format(price=3000, more=LACKS))
    assert reload(p)["how"] == "in place"
    assert "reload" not in alerts(p) and costs(4) > 2 * first
    assert target() == "sim/lorem"
    assert [w["pid"] for w in p.workers()] == pids


def test_a_providers_key_is_swapped(penstock, tmp_path):
    """A secret in a file: another is used, one that is away keeps the old."""
    secret = tmp_path / "secret"
    secret.write_text("first-key-0123456789")
    seen = []

    def handler(conn, request):
        seen.append(request.header("authorization"))
        marks(conn, request)

    with Upstream(handler) as up:
        p = penstock('provider "up" { vendor = "openai-compatible", '
                     f'base_url = "{up.url}", keys = {{ file "{secret}" }} }}')
        ask = dict(CHAT, model="up/m")
        assert p.post("/v1/chat/completions", ask).status == 200
        secret.unlink()
        assert "secret" in refused(p)
        assert "reload" in alerts(p)
        assert p.post("/v1/chat/completions", ask).status == 200
        secret.write_text("second-key-0123456789")
        assert reload(p)["n_changes"] == 1
        assert "reload" not in alerts(p)
        assert p.post("/v1/chat/completions", ask).status == 200
    assert seen == ["Bearer first-key-0123456789"] * 2 + \
        ["Bearer second-key-0123456789"]


@pytest.mark.skipif(not shutil.which("openssl"), reason="no openssl")
def test_a_certificate_is_swapped_in_place(penstock, tmp_path):
    first, second = tmp_path / "1", tmp_path / "2"
    for folder in (first, second):
        folder.mkdir()
    one = tls.certificate(first, "a.example")
    two = tls.certificate(second, "a.example")
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"

    def place(c, k):
        shutil.copy(c, cert)
        shutil.copy(k, key)

    place(*one)
    p = penstock(f'listen "127.0.0.1:{free_port()}" '
                 f'{{ tls = {{ {{ cert = "{cert}", key = file "{key}" }} }} }}'
                 '\nprovider "sim"\n')
    kept = tls.connect(p, "a.example", tls.context_for(one[0]))
    assert tls.ask(kept)[0] == 200
    pids = [w["pid"] for w in p.workers()]
    place(two[0], one[1])                   # a pair that does not match
    assert "key" in refused(p)
    with tls.connect(p, "a.example", tls.context_for(one[0])) as s:
        assert tls.ask(s)[0] == 200
    assert "reload" in alerts(p)
    place(*two)
    assert reload(p)["how"] == "in place"
    assert "reload" not in alerts(p)
    for _ in range(8):                      # whichever worker accepts
        with tls.connect(p, "a.example", tls.context_for(two[0])) as s:
            assert tls.ask(s)[0] == 200
    assert tls.ask(kept)[0] == 200          # a connection outlives it
    kept.close()
    assert [w["pid"] for w in p.workers()] == pids


def test_twenty_policies_in_place(penstock):
    """The time of it is in the answer; here only that it is no long one."""
    p = penstock('provider "sim"\n')
    names = [f"says{i}" for i in range(20)]
    for name in names:
        write(p, name, SAYS % "one")
    port = p.port
    p.conf.write_text(
        'listen "127.0.0.1:0"\n'
        f'policy_path "{p.dir}/policies"\nprovider "sim"\n'
        'policies { "auth", "route", %s }\n'
        % ", ".join(f'"{n}"' for n in names))
    reload(p)
    for name in names:
        write(p, name, SAYS % "two")
    got = reload(p)
    assert got["how"] == "in place" and got["n_changes"] == 20
    assert got["ms"] < 5000, got
    assert p.port == port
    a = p.post("/v1/chat/completions", CHAT)
    assert a.headers["x-says"] == "two"


@pytest.mark.skipif(SANITIZED, reason="a sanitizer has its own handler")
def test_a_plugin_that_crashes_is_taken_back(swapping):
    p, folder = swapping
    assert version(p) == "v1"
    before = p.status()["generation"]
    compiled(folder, "crash", "*(volatile int *)0 = 1; return PS_OK;")
    reload(p)
    with pytest.raises(OSError):
        p.post("/v1/chat/completions", dict(CHAT, model="swap/m"))
    event = wait_for(lambda: p.logs("reload.taken_back"), 5,
                     why="reload.taken_back")[0]
    assert event["back_to"] == before and "signal" in event["why"]
    wait_for(lambda: p.status()["generation"] == before and
             all(w["state"] == "ready" for w in p.workers()
                 if w["generation"] == before), 5, why="the former")
    assert version(p) == "v1"

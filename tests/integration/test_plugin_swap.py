# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""A plugin's file is replaced while clients are served."""
import hashlib
import http.client
import json
import os
import shlex
import shutil
import signal
import subprocess
import threading
import time
import urllib.request

import pytest

import plugins
from conftest import BUILD, PENSTOCK, SLOW, SRC, alive, free_port, wait_for
from test_kept import again, rollback
from test_reload import configure, reload
from upstream import Upstream

SOURCE = """
#include <penstock/plugin.h>
#include <stdlib.h>

static ps_rc adjust(ps_try *t)
{
    ps_str said = ps_raw(t, "/messages/0/content");

    (void)said;
    %(do)s
    return ps_header(t, "x-by", (ps_str){ "%(by)s", sizeof "%(by)s" - 1 });
}

static const ps_api apis[] = {
    { PS_CHAT, PS_OPENAI_CHAT, PS_SSE, "POST", "/chat/completions" },
};
static const ps_provider ops = {
    .size = sizeof ops, .apis = apis, .n_apis = 1, .adjust = adjust,
};
PS_PLUGIN(PS_PROVIDER, "acme", "%(by)s", &ops);
"""

long = pytest.mark.skipif(SLOW == 1, reason="PENSTOCK_LONG=1 runs it")
CRASH = "abort();"
HANG = "for (volatile int i = 0; ; i++) ;"
WHEN = 'if (ps_holds(said, "%s")) { %s }'


def make(folder, by, do=""):
    """One version of the plugin; its file."""
    plugins.build(folder, "acme", SOURCE % {"by": by, "do": do})
    return folder / "acme.so"


def answer(conn, request):
    conn.answer(json.dumps({
        "id": "c", "object": "chat.completion", "created": 1, "model": "m",
        "choices": [{"index": 0, "finish_reason": "stop", "message": {
            "role": "assistant", "content": request.header("x-by")}}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1,
                  "total_tokens": 2}}).encode())


def held(release):
    """As answer, but who says "hold" gets its answer when it is set."""
    def handler(conn, request):
        if b'"hold"' in request.body:
            release.wait(60)
        answer(conn, request)
    return handler


def chat(text="hello", model="acme/m"):
    return {"model": model, "messages": [{"role": "user", "content": text}]}


def by(p, **kw):
    a = p.post("/v1/chat/completions", chat(**kw))
    assert a.status == 200, a.body
    return a.json()["choices"][0]["message"]["content"]


@pytest.fixture
def release():
    """Set, it lets go of requests that say "hold"."""
    event = threading.Event()
    yield event
    event.set()


@pytest.fixture
def upstream(release):
    with Upstream(held(release)) as up:
        yield up


@pytest.fixture
def served(penstock, upstream, tmp_path):
    """A function that starts an instance with version one of the plugin."""
    def start(reload='canary = "300ms"', workers=2, more="", do=""):
        folder = tmp_path / "plugins"
        make(folder, "one", do)
        (folder / "acme.c").unlink()
        shutil.copy(BUILD / "plugins" / "sim.so", folder)
        p = penstock(
            f'listen "127.0.0.1:{free_port()}" {{ detail = "full" }}\n'
            f'server {{ workers = {workers} }}\nplugin_path "{folder}"\n'
            f'reload {{ {reload} }}\n'
            'provider "sim"\nprovider "acme" { plugin = "acme", '
            f'base_url = "{upstream.url}", keys = {{}} }}\n' + more)
        p.folder = folder
        return p
    return start


def install(p, *args):
    return p.cli("plugin", "install", *map(str, args))


def kill_workers(p):
    """Each that lives; others come in their places."""
    pids = {w["pid"] for w in p.workers()} - {0}
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    wait_for(lambda: all(w["state"] == "ready" and w["pid"] not in pids
                         for w in p.workers()), 10, why="other workers")


def listed(p):
    r = p.cli("plugin", "list", "--json")
    assert r.returncode == 0, r.stderr
    return {(row["plugin"], row["version"]): row
            for row in json.loads(r.stdout) if row["plugin"] == "acme"}


def metrics_of(p):
    with urllib.request.urlopen(
            f"http://{p.status()['metrics']}/metrics") as r:
        return r.read().decode()


def hash_of(file):
    return hashlib.sha256(file.read_bytes()).hexdigest()


class Clients:
    """Keep-alive clients that never retry; what went wrong is in `wrong`."""

    def __init__(self, p, n=4):
        self.stop, self.wrong, self.seen = threading.Event(), [], set()
        self.threads = [threading.Thread(target=self.run, args=(p,),
                                         daemon=True) for _ in range(n)]
        for t in self.threads:
            t.start()

    def run(self, p):
        c = http.client.HTTPConnection("127.0.0.1", p.port, timeout=30)
        while not self.stop.is_set():
            try:
                c.request("POST", "/v1/chat/completions", json.dumps(chat()),
                          {"content-type": "application/json"})
                r = c.getresponse()
                body = r.read()
                if r.status != 200:
                    self.wrong.append((r.status, body))
                else:
                    self.seen.add(json.loads(body)["choices"][0]["message"]
                                  ["content"])
                if r.getheader("connection") == "close":
                    c.close()
            except Exception as e:
                self.wrong.append(repr(e))
                c.close()
            time.sleep(0.01)
        c.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop.set()
        for t in self.threads:
            t.join()


def test_a_new_version_is_installed_under_traffic(served, tmp_path):
    p = served()
    first = p.status()["generation"]
    assert by(p) == "one"
    two = make(tmp_path / "next", "two")
    with Clients(p) as clients:
        r = install(p, two)
        assert r.returncode == 0, r.stderr
        assert "new workers" in r.stdout and "rollback" in r.stdout
        wait_for(lambda: "two" in clients.seen, 5, why="the new one")
    assert not clients.wrong, clients.wrong[:3]
    assert clients.seen == {"one", "two"} and by(p) == "two"
    assert (p.folder / "acme.so").read_bytes() == two.read_bytes()
    assert (p.folder / "acme.so").stat().st_mode & 0o777 == 0o555
    canary = p.logs("reload.canary")[0]
    assert canary["pid"] in {w["pid"] for w in p.workers()}  # it stayed
    rows = listed(p)
    assert rows["acme", "two"]["state"] == "serving"
    assert rows["acme", "two"]["hash"] == hash_of(two)[:16]
    assert rows["acme", "one"]["generations"] == [first]
    assert install(p, two).stdout.count("that very file") == 1
    assert p.cli("rollback").returncode == 0 and by(p) == "one"
    # free what is kept: the way back is gone, and so is the copy
    wait_for(lambda: listed(p)["acme", "two"]["state"] == "kept", 20,
             why="the end of the old workers")
    copy = listed(p)["acme", "two"]["path"]
    assert p.cli("plugin", "release").returncode == 0
    assert set(listed(p)) == {("acme", "one")} and not os.path.exists(copy)
    kill_workers(p)
    assert by(p) == "one"


def test_versions_that_only_the_disk_has_are_listed(served, tmp_path):
    """After a restart a rollback can still go to them."""
    p = served('canary = "0s", bake = "0s"', workers=1)
    first = p.status()["generation"]
    one = listed(p)["acme", "one"]
    assert one["generations"] == [first]
    assert install(p, make(tmp_path / "next", "two")).returncode == 0
    configure(p, p.conf.read_text() + 'model "m" { "acme/m" }\n')
    assert reload(p)["generation"] == first + 2
    again(p)
    rows = listed(p)
    assert set(rows) == {("acme", "one"), ("acme", "two")}
    assert rows["acme", "one"] == {**one, "state": "kept"}
    assert rows["acme", "two"]["state"] == "serving"
    assert rows["acme", "two"]["generations"] == [first + 3, first + 1]
    said = p.cli("plugin", "list").stdout
    assert f"kept        generation {first}\n" in said, said
    assert rollback(p, str(first))["generation"] == first and by(p) == "one"
    rows = listed(p)                # none is told twice
    assert rows["acme", "one"]["generations"] == [first]
    assert sorted(rows["acme", "two"]["generations"]) == [first + 1,
                                                          first + 3]
    # one that was damaged is none to go back to
    again(p)
    names = [f for f in (p.dir / "state" / "generations").iterdir()
             if f.name.split(".")[0] == str(first)]
    names[0].write_bytes(names[0].read_bytes()[:-1])
    assert set(listed(p)) == {("acme", "two")}


def bad_files(tmp_path):
    """File, extra arguments, the reason; those of tests/abi where `make
    check` has built them (tests/unit/test_plugin.c has them all)."""
    good = make(tmp_path / "good", "two")
    abi = BUILD / "tests" / "abi"
    link = tmp_path / "link" / "acme.so"
    link.parent.mkdir()
    link.symlink_to(good)
    short = tmp_path / "short" / "acme.so"
    short.parent.mkdir()
    short.write_bytes(good.read_bytes()[:3000])
    cut = tmp_path / "cut" / "acme.so"
    cut.parent.mkdir()
    cut.write_bytes(good.read_bytes()[:-1])     # all that runs is there
    loose = tmp_path / "loose" / "acme.so"
    loose.parent.mkdir()
    shutil.copy(good, loose)
    loose.chmod(0o666)
    open_folder = tmp_path / "open" / "acme.so"
    open_folder.parent.mkdir()
    shutil.copy(good, open_folder)
    open_folder.parent.chmod(0o777)
    built = [
        (abi / "bad_magic.so", (), "magic is"),
        (abi / "bad_minor.so", (), "plugin ABI"),
        (abi / "bad_textrel.so", (), "text relocations"),
        (abi / "bad_static_tls.so", (), "static TLS"),
        (abi / "bad_undefined.so", (), "undefined symbol"),
        (abi / "bad_ops_size.so", (), "ops.size is 0"),
        (abi / "bad_selftest.so", (), "selftest failed"),
        (abi / "bad_constructor.so", (), "trial"),
    ]
    return [row for row in built if row[0].exists()] + [
        (link, (), "symbolic link"),
        (short, (), "truncated"),
        (cut, (), "truncated"),
        (loose, (), "writable by everybody"),
        (open_folder, (), "writable by everybody"),
        (good, ("--sha256", "0" * 64), "has the SHA-256"),
        (tmp_path / "none" / "acme.so", (), "none"),
    ]


def test_what_is_refused_leaves_nothing(served, tmp_path):
    p = served()
    before = sorted(f.name for f in p.folder.iterdir())
    bytes_before = (p.folder / "acme.so").read_bytes()
    for file, args, why in bad_files(tmp_path):
        r = install(p, *args, file)
        assert r.returncode == 1 and why in r.stderr, (file, r.stderr)
    assert sorted(f.name for f in p.folder.iterdir()) == before
    assert (p.folder / "acme.so").read_bytes() == bytes_before
    assert p.status()["generation"] == 1 and not p.logs("reload.refused")
    # a file whose hash is known may lie anywhere
    loose = tmp_path / "loose" / "acme.so"
    r = install(p, "--sha256", hash_of(loose).upper(), loose)
    assert r.returncode == 0, r.stderr
    assert by(p) == "two"
    assert p.cli("plugin", "install").returncode == 2
    assert install(p, "--no-wait", "--force", loose).returncode == 2


def test_a_refusal_names_the_provider_and_its_line(tmp_path, penstock):
    folder = tmp_path / "plugins"
    folder.mkdir()
    shutil.copy(BUILD / "plugins" / "sim.so", folder)
    for name in ("bad_open", "bad_undefined"):
        subprocess.run(
            [*shlex.split(os.environ.get("CC", "cc")), "-shared", "-fPIC",
             f"-I{SRC}/sdk/include", "-fvisibility=hidden",
             "-o", folder / f"{name}.so", SRC / f"tests/abi/{name}.c"],
            check=True)
    p = penstock('provider "sim"\n')
    conf = p.dir / "penstock.conf"
    before = conf.read_text() + f'plugin_path "{folder}"\n'
    n = before.count("\n")

    def refused(plugin, settings):
        conf.write_text(
            before + 'provider "eu" { plugin = "%s",\n  base_url = '
            '"http://127.0.0.1:1", keys = {},\n%s}\n' % (plugin, settings))
        got = p.cli("reload")
        assert got.returncode == 1
        return got.stderr

    said = refused("bad_open", "")
    assert f"penstock.conf:{n + 1}: plugin bad_open refuses provider eu: " \
        "no region is given (settings/region)" in said, said
    said = refused("bad_open", "settings = {\nregion = 7 }\n")
    assert f"penstock.conf:{n + 1}: plugin bad_open refuses provider eu: " \
        "settings/region: must be" in said, said
    said = refused("bad_undefined", "")
    assert f"penstock.conf:{n + 1}: plugin bad_undefined: undefined symbol: " \
        "penstock_has" in said, said
    said = refused("bad_none", "")
    assert f"penstock.conf:{n + 1}: plugin bad_none: there is no" in said, said
    r = p.cli("plugin", "check", str(folder / "bad_undefined.so"))
    assert r.returncode == 1 and r.stderr.count("bad_undefined: ") == 1
    assert "/tmp/penstock-plugin" not in r.stderr, r.stderr


@pytest.mark.parametrize("do, why", [
    (CRASH, "in plugin acme adjust"),
    pytest.param(HANG, "hung in acme adjust", marks=long),
    ("return PS_EINVAL;", "tries failed")], ids=["crash", "hang", "fails"])
def test_a_canary_that_does_badly_is_taken_back(served, tmp_path, do, why):
    p = served('canary = "60s"')
    old = (p.folder / "acme.so").read_bytes()
    pids = {w["pid"] for w in p.workers()}
    bad = make(tmp_path / "next", "bad", do)
    got = []
    t = threading.Thread(target=lambda: got.append(install(p, bad)))
    t.start()
    wait_for(lambda: p.logs("reload.canary"), 10, why="a canary")

    def ask():
        try:
            p.post("/v1/chat/completions", chat(), timeout=5)
        except (OSError, http.client.HTTPException):
            pass                 # the planted fault took its worker
        return p.logs("reload.canary_failed")

    failed = wait_for(ask, 20, why="the end of the trial")[0]
    t.join()
    assert got[0].returncode == 1 and "plugin folder is as it was" in \
        got[0].stderr, got[0].stderr
    assert why in failed["why"] and why in got[0].stderr, failed
    assert (p.folder / "acme.so").read_bytes() == old
    assert p.status()["generation"] == 1
    assert {w["pid"] for w in p.workers() if w["state"] == "ready"} == pids
    for _ in range(10):
        assert by(p) == "one"    # the slot is its old worker's again
    # the next good one goes the whole way
    p.conf.write_text(p.conf.read_text().replace("60s", "200ms"))
    good = install(p, make(tmp_path / "good", "two"))
    assert good.returncode == 0, good.stderr
    assert by(p) == "two"


@pytest.mark.parametrize("workers", [1, 2])
def test_clients_that_keep_connections_meet_the_canary(served, tmp_path,
                                                       workers):
    p = served('canary = "60s"', workers=workers)
    two = make(tmp_path / "next", "two")
    with Clients(p, 16) as clients:
        wait_for(lambda: clients.seen, 5, why="an answer")
        t = threading.Thread(target=install, args=(p, two))
        t.start()
        wait_for(lambda: "two" in clients.seen, 20, why="the canary's answer")
        assert not p.logs("reload.done")
    assert not clients.wrong, clients.wrong[:3]
    p.stop()
    t.join()


def test_the_file_of_a_loaded_plugin_may_be_spoilt(served, tmp_path):
    p = served()
    file = p.folder / "acme.so"
    assert by(p) == "one"
    with Clients(p, 2) as clients:
        other = make(tmp_path / "next", "two").read_bytes()
        file.chmod(0o644)
        with open(file, "r+b") as f:      # as cp does
            f.write(other)
            f.truncate(len(other))
        assert by(p) == "one"
        with open(file, "r+b") as f:
            f.truncate(100)
        assert by(p) == "one"
        said = p.cli("reload")
        assert said.returncode == 1 and "acme" in said.stderr
        file.chmod(0)
        kill_workers(p)
        assert by(p) == "one"
        clients.wrong.clear()             # those of the killed worker
        assert by(p) == "one"
    assert not clients.wrong, clients.wrong[:3]
    assert not p.logs("plugin.quarantined")


def ask(p, text, model="m"):
    """One request; its answer, or None where its worker died."""
    try:
        return p.post("/v1/chat/completions", chat(text, model))
    except (OSError, http.client.HTTPException):
        return None


def test_old_generations_are_bounded(served, tmp_path, release):
    """At most three with requests; then who has them is named."""
    p = served('canary = "0s"', workers=1)
    got, threads = [], []

    def hold():
        threads.append(threading.Thread(
            target=lambda: got.append(ask(p, "hold", "acme/m")), daemon=True))
        threads[-1].start()
        wait_for(lambda: p.workers()[0].get("in_flight"), 5, why="a request")

    for by_whom in ("two", "three", "four"):
        hold()
        r = install(p, make(tmp_path / by_whom, by_whom))
        assert r.returncode == 0, r.stderr
    old = [w for w in p.status()["workers"] if w["state"] == "draining"]
    assert len(old) == 3 and listed(p)["acme", "one"]["state"] == "draining"
    hold()
    five = make(tmp_path / "five", "five")
    r = install(p, "--no-wait", five)
    assert r.returncode == 1 and "--force" in r.stderr
    assert all(str(w["pid"]) in r.stderr for w in old), r.stderr
    assert by(p) == "four" and not (p.folder / "acme.so").samefile(five)
    assert p.cli("plugin", "release").returncode == 0   # none that drains
    assert {"one", "two", "three"} <= {v for _, v in listed(p)}
    # the oldest goes, with what it has; the others' requests are answered
    assert install(p, "--force", five).returncode == 0
    assert by(p) == "five"
    oldest = min(old, key=lambda w: w["generation"])["pid"]
    wait_for(lambda: not alive(oldest), 5, why="its end")
    release.set()
    for t in threads:
        t.join(20)
    said = sorted(a.json()["choices"][0]["message"]["content"] if a else ""
                  for a in got)
    assert said == ["", "four", "three", "two"]


@long
def test_who_hangs_is_ended_and_charged(served):
    p = served(do=WHEN % ("hang", HANG))
    t = threading.Thread(target=lambda: ask(p, "hang", "acme/m"),
                         daemon=True)
    t.start()
    stuck = wait_for(lambda: p.logs("worker.stuck"), 10, why="the line")[0]
    assert stuck["call"] == "acme adjust" and stuck["version"] == "one"
    died = wait_for(lambda: p.logs("worker.died"), 20, why="its end")[0]
    assert died["signal"] == signal.SIGABRT and died["hung"]
    assert died["charges"] == 1 and died["request"] == stuck["request"]
    wait_for(lambda: by(p) == "one", 5, why="service")
    assert not alive(died["pid"])

# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""Bundles that served lie in the state folder, and outlive the master."""
import json
import os
import resource
import signal
import subprocess
import urllib.request

import pytest

from conftest import PENSTOCK, alive, free_port, wait_for
from test_reload import (CHAT, FAILS, SAYS, base, configure, refused, reload,
                         says, until_taken_back, write)

SECRET = "a-secret-that-must-not-lie-on-a-disk"


def folder(p):
    return p.dir / "state" / "generations"


def kept(p):
    """Numbers on disk, to what they are called."""
    out = {}
    for name in os.listdir(folder(p)):
        number, kind = name.split(".")
        out[int(number)] = kind
    return out


def settings(p, extra=""):
    return base(p, 'reload { bake = "0s" }\n' + extra)


@pytest.fixture
def started(penstock):
    p = penstock(f'listen "127.0.0.1:{free_port()}" {{ detail = "full" }}\n'
                 'provider "sim"\nreload { bake = "0s" }\n')
    write(p, "says", SAYS % "one")
    configure(p, settings(p))
    assert reload(p)["how"] == "in place"
    return p


def again(p, *args, ready=True):
    """Another master on the same folders."""
    p.stop()
    p.proc = subprocess.Popen(
        [PENSTOCK, "serve", *args, "-c", str(p.conf)], env=p.env,
        cwd=str(p.dir), stdin=subprocess.DEVNULL, stdout=p._err,
        stderr=p._err)
    p.pid = p.proc.pid
    if ready:
        p.wait_ready()
    return p


def rollback(p, *args):
    r = p.cli("rollback", "--json", *args)
    assert r.returncode == 0, r.stdout + r.stderr
    return json.loads(r.stdout)


def test_a_rollback_goes_past_a_restart(started):
    p = started
    first = p.status()["generation"]
    wait_for(lambda: kept(p).get(first) == "good", why="the good one")
    write(p, "says", SAYS % "two")
    reload(p)
    wait_for(lambda: kept(p).get(first + 1) == "good", why="the second")
    again(p)
    now = p.status()
    assert now["generation"] == first + 2       # numbers go on
    assert says(p) == "two"
    # what is served again is not kept twice
    wait_for(lambda: first + 2 in kept(p) and first + 1 not in kept(p),
             why="one file for the same")
    assert first in now["kept_generations"]
    got = rollback(p, str(first))
    assert got["how"] == "in place" and got["generation"] == first
    assert "files on disk" in got["warning"]
    assert says(p) == "one"
    assert p.status()["rolled_back_to"] == first
    assert rollback(p, str(first + 2))["generation"] == first + 2
    assert says(p) == "two"


def numbers(p):
    """What `status` says of each generation: number to a word."""
    return {g["number"]: "taken back" if g["taken_back"] else
            "current" if g["current"] else "kept"
            for g in p.status()["generations"]}


def test_rollbacks_go_further_back(started):
    """Each one that names none, and none to what was gone back from: not
    after a reload, not after a restart, but where it is named."""
    p = started
    one = p.status()["generation"]
    for word in ("two", "three"):
        write(p, "says", SAYS % word)
        reload(p)
    assert rollback(p)["generation"] == one + 1 and says(p) == "two"
    assert rollback(p)["generation"] == one and says(p) == "one"
    said = numbers(p)
    assert said[one] == "current" and said[one + 1] == "taken back" and \
        said[one + 2] == "taken back"
    assert f" {one + 2} (taken back)" in p.cli("status").stdout
    assert rollback(p, str(one + 1))["generation"] == one + 1
    assert numbers(p)[one + 1] == "current"
    write(p, "says", SAYS % "four")
    assert reload(p)["generation"] == one + 3
    assert rollback(p)["generation"] == one + 1   # not what it left: three
    wait_for(lambda: kept(p).get(one + 2) == "left", why="the mark on disk")
    write(p, "says", SAYS % "five")
    again(p)
    line = p.line("serve.unpinned")         # the files are served, and said
    assert line["pinned"] == one + 1 and line["generation"] == one + 4
    assert numbers(p)[one + 2] == "taken back"
    assert rollback(p)["generation"] == one + 1 and says(p) == "two"
    assert rollback(p, str(one + 2))["generation"] == one + 2
    assert says(p) == "three" and numbers(p)[one + 2] == "current"


@pytest.mark.parametrize("args", [(), ("--last-good",)])
def test_a_pin_ends_with_the_master(started, args):
    """However it ended: the files are served, and how to go back is said.
    Files that can be read are served with --last-good, too."""
    p = started
    one = p.status()["generation"]
    write(p, "says", SAYS % "two")
    reload(p)
    assert rollback(p)["generation"] == one and says(p) == "one"
    pids = [w["pid"] for w in p.workers()]
    os.kill(p.pid, signal.SIGKILL)
    p.proc.wait(30)
    wait_for(lambda: not any(map(alive, pids)), 30, why="the workers' end")
    again(p, *args)
    line = p.line("serve.unpinned")
    assert line["level"] == "warn" and line["pinned"] == one
    assert f"`penstock rollback {one}`" in line["why"]
    assert says(p) == "two" and p.status().get("rolled_back_to") is None
    assert rollback(p, str(one))["generation"] == one and says(p) == "one"
    write(p, "says", SAYS % "one")          # mended: nothing to be said
    again(p, *args)
    assert says(p) == "one" and len(p.logs("serve.unpinned")) == 1


@pytest.fixture
def with_secret(penstock, tmp_path):
    """Generation 1 names a secret, the one that is served does not."""
    secret = tmp_path / "secret"
    secret.write_text(SECRET + "\n")
    head = (f'listen "127.0.0.1:{free_port()}" {{ detail = "full" }}\n'
            'reload { bake = "0s" }\nprovider "sim"\n')
    p = penstock(head + 'provider "far" { vendor = "openai-compatible", '
                 'base_url = "http://127.0.0.1:9/v1", '
                 f'keys = {{ file "{secret}" }} }}\n')
    configure(p, head)
    reload(p)
    return p, secret


def test_a_rollback_resolves_references_again(with_secret):
    """Without a restart, too: one that leads nowhere refuses it by name, and
    what was revoked does not come back."""
    p, secret = with_secret
    now = p.status()["generation"]
    secret.unlink()
    r = p.cli("rollback")
    assert r.returncode == 1 and str(secret) in r.stderr, r.stderr
    assert p.status()["generation"] == now
    assert now - 1 in p.status()["kept_generations"]
    secret.write_text("another\n")
    assert rollback(p)["generation"] == now - 1


def test_what_is_not_on_disk_is_as_it_was_and_said(with_secret):
    p, secret = with_secret
    now = p.status()["generation"]
    wait_for(lambda: kept(p).get(now) == "good", why="the second on disk")
    next(folder(p).glob(f"{now - 1}.*")).unlink()
    write(p, "says", SAYS % "one")
    configure(p, settings(p))
    reload(p)                                   # and the folder is looked at
    wait_for(lambda: now + 1 in kept(p), why="the third on disk")
    secret.unlink()
    got = rollback(p, str(now - 1))
    assert got["generation"] == now - 1
    assert "secrets, keys and certificates are those of then" in \
        got["warning"]


JUDGED = ('reload { bake = "20s", rollback_if = { policy_errors = "5%", '
          'min = 20 } }\n')


def ask(p):
    return p.post("/v1/chat/completions", CHAT)


def is_as_it_was(p, good, why):
    """It was taken back from memory, and said why not from disk."""
    said = wait_for(lambda: p.logs("reload.done")[-1].get("warning"),
                    why="its end")
    assert "(from disk: " in said and why in said
    assert "those of then" in said
    assert p.status()["generation"] == good and says(p) == "one"


def test_what_takes_itself_back_does_not_wait_for_a_secret(with_secret):
    """The former had a secret that is gone: it serves as it was."""
    p, secret = with_secret
    write(p, "says", SAYS % "one")
    far = ('provider "far" { vendor = "openai-compatible", base_url = '
           f'"http://127.0.0.1:9/v1", keys = {{ file "{secret}" }} }}\n')
    configure(p, base(p, JUDGED + far))
    good = reload(p)["generation"]
    write(p, "says", FAILS)
    configure(p, base(p, JUDGED))
    reload(p)
    secret.unlink()
    until_taken_back(p, lambda: ask(p))
    is_as_it_was(p, good, str(secret))


def test_what_takes_itself_back_needs_no_loader(started):
    """No descriptor is left for one."""
    p = started
    configure(p, base(p, JUDGED))
    good = reload(p)["generation"]
    write(p, "says", FAILS)
    now = reload(p)["generation"]
    wait_for(lambda: now in kept(p), why="it on disk")
    was = resource.prlimit(p.pid, resource.RLIMIT_NOFILE)
    used = {int(n) for n in os.listdir(f"/proc/{p.pid}/fd")}
    resource.prlimit(p.pid, resource.RLIMIT_NOFILE,
                     (min(set(range(len(used) + 1)) - used), was[1]))
    try:
        wait_for(lambda: ask(p) and p.logs("reload.taken_back"), 10,
                 every=0.005, why="reload.taken_back")
        wait_for(lambda: p.logs("reload.refused") or
                 p.logs("reload.done")[-1].get("warning"), why="its end")
    finally:
        resource.prlimit(p.pid, resource.RLIMIT_NOFILE, was)
    is_as_it_was(p, good, "Too many open files")


def test_whether_the_files_differ_is_looked_at(started):
    p = started
    one = p.status()["generation"]
    write(p, "says", SAYS % "two")
    reload(p)
    write(p, "says", SAYS % "one")              # mended before the rollback
    got = rollback(p, str(one))
    assert "say the same" in got["warning"]
    st = p.status()
    assert st["rolled_back_to"] == one and "differ" not in st["files"]
    assert "nothing to do" in p.cli("status").stdout
    assert "say what is served" in p.cli("reload", "--plan").stdout
    write(p, "says", SAYS % "three")
    assert p.status()["files"]["differ"] == "written since they were read"
    assert "next: what is served is not what the files say" in \
        p.cli("status").stdout
    assert reload(p)["generation"] > one
    assert "still say otherwise" in rollback(p)["warning"]
    assert "rolled back" in p.status()["files"]["differ"]
    write(p, "says", SAYS % "one")
    assert reload(p)["how"] == "nothing changed"
    st = p.status()
    assert "differ" not in st["files"] and "rolled_back_to" not in st


def test_the_last_good_alerts(penstock):
    p = penstock('metrics "127.0.0.1:0"\nprovider "sim"\n'
                 f'listen "127.0.0.1:{free_port()}"\n'
                 'reload { bake = "0s" }\n')
    good = p.status()["generation"]
    wait_for(lambda: kept(p).get(good) == "good", why="the good one")
    whole = p.conf.read_text()
    p.conf.write_text(whole.replace("provider", "provder"))
    again(p, "--last-good")

    def alerts():
        return [a for a in p.status()["alerts"] if a["alert"] == "reload"]
    assert "provder" in wait_for(alerts, why="the alert")[0]["what"]
    assert "nothing to do" not in p.cli("status").stdout
    url = "http://" + p.status()["metrics"] + "/metrics"
    metrics = urllib.request.urlopen(url, timeout=10).read().decode()
    assert "\npenstock_config_last_reload_ok 0" in metrics
    p.conf.write_text(whole)
    assert reload(p)["how"] == "nothing changed"
    assert not alerts() and "differ" not in p.status()["files"]


def test_what_was_taken_back_is_skipped(penstock):
    p = penstock(f'listen "127.0.0.1:{free_port()}" {{ detail = "full" }}\n'
                 'provider "sim"\nreload { bake = "20s", rollback_if = '
                 '{ policy_errors = "5%", min = 20 } }\n')
    first = p.status()["generation"]
    text = base(p, 'reload { bake = "20s", rollback_if = '
                   '{ policy_errors = "5%", min = 20 } }\n')
    write(p, "says", SAYS % "one")
    configure(p, text)
    good = reload(p)["generation"]
    write(p, "says", FAILS)
    bad = reload(p)["generation"]
    until_taken_back(p, lambda: p.post("/v1/chat/completions", CHAT))
    assert numbers(p)[bad] == "taken back"
    assert rollback(p)["generation"] == first and first < good < bad
    assert rollback(p, str(bad))["generation"] == bad
    assert numbers(p)[bad] == "current"


def test_a_rollback_to_what_is_served_changes_nothing(started):
    p = started
    write(p, "says", SAYS % "two")
    now = reload(p)["generation"]
    for _ in range(2):
        got = rollback(p, str(now))
        assert got["how"] == "nothing changed" and got["changes"] == []
        assert got["generation"] == now
    st = p.status()
    assert len(set(st["kept_generations"])) == len(st["kept_generations"])
    assert now not in st["kept_generations"]
    said = [g["number"] for g in st["generations"]]
    assert len(set(said)) == len(said) and says(p) == "two"
    rollback(p, str(now - 1))
    rollback(p, str(now))
    rollback(p, str(now))
    said = p.status()["kept_generations"]
    assert len(set(said)) == len(said) and now not in said


def test_what_is_kept_holds_no_secret_and_is_ours(penstock, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text(SECRET + "\n")
    p = penstock(f'listen "127.0.0.1:{free_port()}" {{ detail = "full" }}\n'
                 'provider "sim"\nreload { bake = "0s" }\n'
                 'provider "far" { vendor = "openai-compatible", '
                 'base_url = "http://127.0.0.1:9/v1", '
                 f'keys = {{ file "{secret}" }} }}\n'
                 'model "m" { "sim/echo" }\n')
    number = p.status()["generation"]
    wait_for(lambda: kept(p).get(number) == "good", why="the file")
    assert (folder(p).stat().st_mode & 0o7777) == 0o700
    for path in folder(p).iterdir():
        assert (path.stat().st_mode & 0o7777) == 0o600
        data = path.read_bytes()
        assert str(secret).encode() in data and SECRET.encode() not in data


def test_ten_are_kept(started):
    p = started
    for i in range(13):
        write(p, "says", SAYS % f"n{i}")
        reload(p)
    number = p.status()["generation"]
    wait_for(lambda: len(kept(p)) <= 11 and number in kept(p),
             why="eleven files")
    assert sorted(kept(p))[-1] == number
    assert len(p.status()["kept_generations"]) == 10


def test_a_damaged_one_is_refused(started):
    p = started
    first = p.status()["generation"]
    write(p, "says", SAYS % "two")
    reload(p)
    again(p)
    path = next(folder(p).glob(f"{first}.*"))
    data = path.read_bytes()
    for broken, why in ((data[:-1], "hash"), (b"", "first line"),
                        (data.replace(b"one", b"owe"), "hash"),
                        (data[:40], "first line")):
        path.write_bytes(broken)
        r = p.cli("rollback", str(first))
        assert r.returncode == 1 and "damaged" in r.stderr, r.stderr
        assert why in r.stderr
        assert says(p) == "two"
    path.write_bytes(data)
    rollback(p, str(first))
    assert says(p) == "one"


def test_a_secret_that_is_gone_is_named(penstock, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text(SECRET + "\n")
    listen = f'listen "127.0.0.1:{free_port()}" {{ detail = "full" }}\n'
    rest = 'provider "sim"\nmodel "m" { "sim/echo" }\n'
    p = penstock(listen + rest + 'provider "far" { '
                 'vendor = "openai-compatible", '
                 'base_url = "http://127.0.0.1:9/v1", '
                 f'keys = {{ file "{secret}" }} }}\n')
    first = p.status()["generation"]
    configure(p, listen + rest)
    reload(p)
    again(p)
    secret.unlink()
    r = p.cli("rollback", str(first))
    assert r.returncode == 1 and str(secret) in r.stderr, r.stderr


def test_last_good(started):
    p = started
    wait_for(lambda: kept(p).get(p.status()["generation"]) == "good",
             why="the good one")
    good = p.status()["generation"]
    configure(p, settings(p).replace("provider", "provder"))
    again(p, ready=False)
    assert p.wait_exit() == 1
    again(p, "--last-good")
    st = p.status()
    assert st["generation"] == good and says(p) == "one"
    entry = p.logs("serve.last_good")[0]
    assert "provder" in entry["why"] and entry["generation"] == good
    assert entry["state"] == f"{p.dir}/state, from $PENSTOCK_STATE"
    assert "did you mean" in refused(p)
    configure(p, settings(p, 'model "m" { "sim/echo" }\n'))
    assert reload(p)["generation"] > good
    # files that are well are what is served, with the option too
    configure(p, settings(p))
    again(p, "--last-good")
    assert len(p.logs("serve.last_good")) == 1 and says(p) == "one"


def test_whose_last_good_is_said(started, tmp_path):
    """A file that is gone names no folder: the one that is taken is told,
    and what would name another."""
    p = started
    wait_for(lambda: kept(p).get(p.status()["generation"]) == "good",
             why="the good one")
    good = p.status()["generation"]
    p.conf.rename(p.dir / "aside")
    again(p, "--last-good")
    assert p.status()["generation"] == good
    entry = p.line("serve.last_good")
    assert entry["state"] == f"{p.dir}/state, from $PENSTOCK_STATE"
    assert "No such file" in entry["why"]
    p.conf.write_text(f'state "{tmp_path}"\nprovder "sim"\n')
    again(p, "--last-good", ready=False)
    assert p.wait_exit() == 1
    assert f"from the state folder {tmp_path}, which the file names)" \
        in p.stderr()
    p.conf.unlink()
    p.env = {k: v for k, v in p.env.items() if k != "PENSTOCK_STATE"}
    p.env["STATE_DIRECTORY"] = str(tmp_path)
    again(p, "--last-good", ready=False)
    assert p.wait_exit() == 1
    assert f"{tmp_path}, from $STATE_DIRECTORY)" in p.stderr()
    if os.geteuid() == 0:
        return  # the machine's own folder is left alone
    del p.env["STATE_DIRECTORY"]
    p.env["XDG_RUNTIME_DIR"] = str(tmp_path)
    again(p, "--last-good", ready=False)
    assert p.wait_exit() == 1
    assert "/state, the usual one, as the file cannot be read; " \
        "PENSTOCK_STATE would name another)" in p.stderr()


def test_what_never_served_well_is_not_the_last_good(started):
    p = started
    good = p.status()["generation"]
    wait_for(lambda: kept(p).get(good) == "good", why="the good one")
    write(p, "says", SAYS % "young")
    configure(p, base(p, 'reload { bake = "1h" }\n'))
    young = reload(p)["generation"]
    wait_for(lambda: kept(p).get(young) == "served", why="the young one")
    configure(p, "this is no configuration")
    again(p, "--last-good")
    assert p.status()["generation"] == good and says(p) == "one"

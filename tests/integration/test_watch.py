# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""Files that are followed: as editors, scripts and Kubernetes change them."""
import os
import time

import pytest

from conftest import free_port, wait_for
from test_reload import SAYS, base, configure, reload, says, write

WATCH = 'reload { watch = true, bake = "0s" }\n'


@pytest.fixture
def started(penstock):
    p = penstock(f'listen "127.0.0.1:{free_port()}" {{ detail = "full" }}\n'
                 'provider "sim"\n')
    write(p, "says", SAYS % "one")
    configure(p, base(p, WATCH))
    assert reload(p)["how"] == "in place"
    return p


def becomes(p, word):
    wait_for(lambda: says(p) == word, 10, why=f"says {word}")


def test_an_edit_is_followed(started):
    p = started
    write(p, "says", SAYS % "renamed")              # as an editor does
    becomes(p, "renamed")
    (p.dir / "policies" / "says.lua").write_text(SAYS % "written")
    becomes(p, "written")
    configure(p, base(p, WATCH + 'model "m" { "sim/echo" }\n'))
    wait_for(lambda: "m" in p.status()["models"], why="the model")
    # it is no more, once the configuration says so
    configure(p, base(p, 'reload { bake = "0s" }\n'))
    wait_for(lambda: "m" not in p.status()["models"], why="the end of it")
    write(p, "says", SAYS % "unseen")
    n = len(p.logs("reload.done"))
    assert p.status()["files"]["changed"].endswith("says.lua")
    assert "written since" in p.cli("status").stdout
    reload(p)
    assert says(p) == "unseen" and p.status()["files"] == {}
    assert len(p.logs("reload.done")) == n + 1


def test_a_fault_keeps_the_old_and_is_said_once(started):
    p = started
    before = p.status()["generation"]
    for _ in range(3):
        write(p, "says", "return {\n  api = 1,\n  request = function( }\n")
        time.sleep(0.7)     # each is tried by itself, where it is quick
    wait_for(lambda: p.logs("reload.refused"), why="the refusal")
    assert says(p) == "one" and p.status()["generation"] == before
    write(p, "says", SAYS % "two")
    becomes(p, "two")
    said = p.logs("reload.refused")
    assert len(said) == 1 and "says.lua:3" in said[0]["at"]


def test_a_set_is_taken_when_it_is_whole(started):
    p = started
    before = p.status()["generation"]
    for i in range(12):     # each write comes before the quiet time is over
        write(p, "says", SAYS % f"part {i}")
        configure(p, base(p, WATCH + f'model "m{i}" {{ "sim/echo" }}\n'
                             'model "sim/echo" { "sim/echo" }\n'))
    becomes(p, "part 11")
    wait_for(lambda: "m11" in p.status()["models"], why="the last model")
    assert p.status()["generation"] <= before + 2


def test_kubernetes_swaps_a_link(penstock, tmp_path):
    port = free_port()

    def mount(number, word):
        """As the kubelet does it: a new folder, then `..data` is moved."""
        real = tmp_path / f"..{number}"
        real.mkdir()
        (real / "penstock.conf").write_text(
            f'listen "127.0.0.1:{port}" {{ detail = "full" }}\n'
            f'policy_path "{tmp_path}"\nprovider "sim"\n'
            'policies { "auth", "route", "says" }\n' + WATCH)
        (real / "says.lua").write_text(SAYS % word)
        os.symlink(real.name, tmp_path / "..data_tmp")
        os.rename(tmp_path / "..data_tmp", tmp_path / "..data")

    mount(1, "one")
    for name in ("penstock.conf", "says.lua"):
        os.symlink(f"..data/{name}", tmp_path / name)
    p = penstock(None, args=("-c", str(tmp_path / "penstock.conf")))
    assert says(p) == "one"
    for number, word in ((2, "two"), (3, "three")):
        mount(number, word)
        becomes(p, word)


def test_where_a_link_leads(penstock, tmp_path):
    """The link's own folder stays as it is; the file behind it changes, whose
    name says nothing of what it is."""
    port = free_port()
    etc, via, real = (tmp_path / name for name in ("etc", "via", "real"))
    for folder in (etc, via, real):
        folder.mkdir()

    def put(folder, word):
        (folder / "new").write_text(
            f'listen "127.0.0.1:{port}" {{ detail = "full" }}\n'
            f'provider "sim"\nmodel "{word}" {{ "sim/echo" }}\n' + WATCH)
        os.rename(folder / "new", folder / "gateway")

    def serves(word):
        wait_for(lambda: word in p.status()["models"], 10, why=word)

    put(real, "first")
    os.symlink("../via/next", etc / "penstock.conf")
    os.symlink(real / "gateway", via / "next")
    p = penstock(None, args=("-c", str(etc / "penstock.conf")))
    serves("first")
    put(real, "second")
    serves("second")
    put(etc, "third")                       # a link on the way is turned
    os.symlink("../etc/gateway", via / "turned")
    os.rename(via / "turned", via / "next")
    serves("third")
    put(etc, "fourth")
    serves("fourth")


def test_a_link_that_was_turned_to_a_fault(penstock, tmp_path):
    """The file it leads to by now is followed, though never served."""
    good = (f'listen "127.0.0.1:{free_port()}" {{ detail = "full" }}\n'
            'provider "sim"\nmodel "%s" { "sim/echo" }\n' + WATCH)
    (tmp_path / "good").write_text(good % "first")
    (tmp_path / "next").write_text("provider {\n")
    os.symlink("good", tmp_path / "gateway")
    p = penstock(None, args=("-c", str(tmp_path / "gateway")))
    os.symlink("next", tmp_path / "turned")
    os.rename(tmp_path / "turned", tmp_path / "gateway")
    wait_for(lambda: p.logs("reload.refused"), why="the refusal")
    (tmp_path / "next").write_text(good % "second")
    wait_for(lambda: "second" in p.status()["models"], why="the second")


def test_what_was_rolled_back_to_stays(started):
    p = started
    write(p, "says", SAYS % "two")
    becomes(p, "two")
    assert p.cli("rollback").returncode == 0
    assert says(p) == "one"
    assert "rolled back" in p.status()["files"]["differ"]
    assert "rolled back" in p.cli("reload", "--plan").stdout
    write(p, "says", SAYS % "three")
    wait_for(lambda: p.logs("reload.pinned"), why="the pin")
    assert says(p) == "one"
    assert reload(p)["how"] == "in place" and says(p) == "three"

# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""What the service manager is told and gives: readiness, the watchdog, the
main process after an upgrade, sockets; and the units that are shipped."""
import os
import re
import shutil
import socket
import stat
import subprocess

import pytest

from conftest import PENSTOCK, SRC, Instance, wait_for
from upgrades import Upgraded

CHAT = {"model": "sim/echo",
        "messages": [{"role": "user", "content": "hello"}]}


class Manager:
    """The socket of sd_notify."""

    def __init__(self, folder):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.path = str(folder / "notify")
        self.sock.bind(self.path)
        self.sock.setblocking(False)
        self.said = []

    def heard(self, text):
        try:
            while True:
                self.said.append(self.sock.recv(4096).decode())
        except BlockingIOError:
            pass
        return [s for s in self.said if text in s]


@pytest.fixture
def manager(tmp_path):
    m = Manager(tmp_path)
    yield m
    m.sock.close()


@pytest.fixture
def instances():
    started = []
    yield started
    for p in started:
        said = p.close()
        assert not said, said


def test_the_manager_is_told(tmp_path, manager, instances):
    p = Upgraded(tmp_path, 'provider "sim"\n', {
        "NOTIFY_SOCKET": manager.path, "WATCHDOG_USEC": "1500000"})
    instances.append(p)
    wait_for(lambda: manager.heard("READY=1"), why="READY")
    wait_for(lambda: len(manager.heard("WATCHDOG=1")) >= 2, why="the dog")
    got = p.upgrade()
    wait_for(lambda: manager.heard(f"MAINPID={got['pid']}"), why="MAINPID")
    wait_for(lambda: len(manager.heard("READY=1")) == 2, why="READY again")
    assert not manager.heard("STOPPING=1")
    p.former_gone()
    before = len(manager.heard("WATCHDOG=1"))
    wait_for(lambda: len(manager.heard("WATCHDOG=1")) >= before + 2,
             why="the dog of the next")
    assert p.cli("drain", "--wait").returncode == 0
    assert manager.heard("STOPPING=1")


def test_another_process_s_dog_is_not_fed(manager, instances):
    p = Instance('provider "sim"\n', env={
        "NOTIFY_SOCKET": manager.path, "WATCHDOG_USEC": "300000",
        "WATCHDOG_PID": "1"})
    instances.append(p)
    p.wait_ready()
    wait_for(lambda: manager.heard("READY=1"), why="READY")
    p.status()
    assert not manager.heard("WATCHDOG=1")


def activated(config, sockets, env, folder):
    """Run serve with sockets as the manager passes them."""
    start = folder / "start"
    start.write_text(f'#!/bin/sh\nLISTEN_PID=$$ exec "{PENSTOCK}" "$@"\n')
    start.chmod(0o755)

    def give():
        high = [os.dup2(s.fileno(), 100 + i) for i, s in enumerate(sockets)]
        for i, fd in enumerate(high):
            os.dup2(fd, 3 + i, inheritable=True)

    real = subprocess.Popen

    def popen(*args, **kw):
        return real(*args, **kw, preexec_fn=give, close_fds=False)

    subprocess.Popen = popen
    try:
        return Instance(config, program=str(start), env={
            "LISTEN_FDS": str(len(sockets)), **env})
    finally:
        subprocess.Popen = real


def test_sockets_are_taken_by_their_address(tmp_path, instances):
    def listening(family, at):
        s = socket.socket(family)
        s.bind(at)
        s.listen(64)
        return s

    tcp = listening(socket.AF_INET, ("127.0.0.1", 0))
    unix = listening(socket.AF_UNIX, str(tmp_path / "in.sock"))
    other = listening(socket.AF_INET, ("127.0.0.1", 0))
    port = tcp.getsockname()[1]
    p = activated(f'listen "127.0.0.1:{port}"\n'
                  f'listen "unix:{tmp_path}/in.sock"\n'
                  'server { workers = 3 }\nprovider "sim"\n',
                  [other, unix, tcp],
                  {"LISTEN_FDNAMES": "other:in:http"}, tmp_path)
    instances.append(p)
    p.wait_ready()
    assert p.port == port
    for _ in range(12):
        assert p.post("/v1/chat/completions", CHAT).status == 200
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(10)
        s.connect(str(tmp_path / "in.sock"))
        s.sendall(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n")
        assert b" 200 " in s.recv(4096)
    unused = p.logs("serve.socket_unused")
    assert [e["address"] for e in unused] == [
        f"127.0.0.1:{other.getsockname()[1]}"]
    p.stop()
    # the manager still has its sockets, and the file is its own
    assert stat.S_ISSOCK(os.stat(tmp_path / "in.sock").st_mode)
    with socket.socket() as s:
        s.connect(("127.0.0.1", port))
    for s in (tcp, unix, other):
        s.close()


needs_analyze = pytest.mark.skipif(not shutil.which("systemd-analyze"),
                                   reason="systemd-analyze is not there")


def units(folder):
    """The units as installed, for a program that is there."""
    for name in ("penstock.service", "penstock.socket"):
        text = next(p for p in ((SRC / "contrib/systemd" / name),
                                (SRC / "contrib/systemd" / (name + ".in")))
                    if p.exists()).read_text()
        text = text.replace("@bindir@/penstock", "/bin/true")
        text = re.sub("^Documentation=.*\n", "", text, flags=re.M)
        (folder / name).write_text(text.replace("@sysconfdir@", "/etc"))
    return [str(folder / n) for n in ("penstock.service", "penstock.socket")]


@needs_analyze
def test_the_units_are_in_order(tmp_path):
    r = subprocess.run(["systemd-analyze", "verify", *units(tmp_path)],
                       capture_output=True, text=True, timeout=60)
    said = [line for line in (r.stdout + r.stderr).splitlines()
            if "penstock" in line]
    assert r.returncode == 0 and not said, said


@needs_analyze
def test_the_service_may_do_little(tmp_path):
    r = subprocess.run(
        ["systemd-analyze", "security", "--no-pager", "--offline=true",
         "--threshold=20", units(tmp_path)[0]],
        capture_output=True, text=True, timeout=60)
    if "unrecognized option" in r.stderr:
        pytest.skip("this systemd-analyze looks at no files")
    level = re.search(r"exposure level.*: ([\d.]+)", r.stdout)
    assert r.returncode == 0 and float(level[1]) <= 2.0, r.stdout

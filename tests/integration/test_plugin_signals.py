# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""A signal ends `penstock plugin install`, and nothing of it stays."""
import hashlib
import os
import pathlib
import shutil
import signal
import subprocess
import time

import pytest

import plugins
from conftest import PENSTOCK, wait_for

SLEEPS = """
#include <penstock/plugin.h>
#include <unistd.h>

__attribute__((constructor)) static void rest(void)
{
    sleep(60);
}

static const ps_api apis[] = {
    { PS_CHAT, PS_OPENAI_CHAT, PS_SSE, "POST", "/chat/completions" },
};
static const ps_provider ops = {
    .size = sizeof ops, .apis = apis, .n_apis = 1,
};
PS_PLUGIN(PS_PROVIDER, "%s", "1", &ops);
"""


def unignored():
    """Who started the tests may ignore SIGHUP (nohup), and so would they."""
    for signo in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(signo, signal.SIG_DFL)


@pytest.mark.parametrize("pinned", [False, True])
def test_a_signal_leaves_no_copy(tmp_path, pinned):
    name = f"tidy{os.getpid()}{pinned:d}"
    plugins.build(tmp_path, name, SLEEPS % name)
    file = tmp_path / f"{name}.so"
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    args = ["--sha256", digest] if pinned else []

    def copies():
        there = pathlib.Path("/tmp")
        return [*there.glob(f"penstock-plugin-*/plugins/{name}-*"),
                *there.glob(f"penstock-install-*/{name}.so")]

    for signo in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        run = subprocess.Popen([PENSTOCK, "plugin", "install", *args, file],
                               stderr=subprocess.DEVNULL,
                               preexec_fn=unignored)
        try:
            wait_for(lambda: len(copies()) == 1 + pinned, why="the copies")
            folders = [c.parent if pinned and c.name == f"{name}.so"
                       else c.parent.parent for c in copies()]
            run.send_signal(signo)
            assert run.wait(10) == -signo
        finally:
            run.kill()
            run.wait()
        assert not any(f.exists() for f in folders)


def aged(path, seconds=7200):
    when = time.time() - seconds
    os.utime(path, (when, when))


def test_what_a_kill_left_goes_with_a_later_install(tmp_path):
    name = f"left{os.getpid()}"
    plugins.build(tmp_path, name, SLEEPS % name)
    file = tmp_path / f"{name}.so"
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    run = subprocess.Popen([PENSTOCK, "plugin", "install", "--sha256", digest,
                            file], stderr=subprocess.DEVNULL)
    left = []
    try:
        def both():
            left[:] = pathlib.Path("/tmp").glob(f"penstock-*-{run.pid}-*")
            return len(left) == 2 and any(
                pathlib.Path("/tmp").glob(
                    f"penstock-plugin-{run.pid}-*/plugins/{name}-*"))
        wait_for(both, why="the copies")
        for folder in left:
            aged(folder)
        later()
        assert all(f.exists() for f in left)    # it lives
    finally:
        run.kill()
        run.wait()
    try:
        aged(left[0], 60)
        later()
        assert left[0].exists() and not left[1].exists()    # not old
        aged(left[0])
        later()
        assert not left[0].exists()
    finally:
        for folder in left:
            shutil.rmtree(folder, ignore_errors=True)


def later():
    r = subprocess.run([PENSTOCK, "plugin", "install", "/nowhere/x.so"],
                       stderr=subprocess.DEVNULL, timeout=30)
    assert r.returncode == 1


def test_no_link_is_followed_and_nothing_of_others_goes(tmp_path):
    tmp, mark = pathlib.Path("/tmp"), f"tEst{os.getpid()}"
    own = tmp / f"penstock-plugin-{mark}"       # an earlier build's: no pid
    link = tmp / f"penstock-install-{mark}"
    other = tmp / f"penstock-other-{mark}"
    theirs = tmp / f"penstock-plugin-{mark}-theirs"
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "file").write_text("x")
    try:
        (own / "plugins").mkdir(parents=True)
        (own / "plugins" / "x.so").write_text("x")
        (own / "link").symlink_to(precious)
        link.symlink_to(precious)
        other.mkdir()
        made = [own, precious, other]
        if os.geteuid() == 0:
            theirs.mkdir()
            os.chown(theirs, 12345, 12345)
            made.append(theirs)
        for folder in made:
            aged(folder)
        later()
        assert not own.exists() and other.exists()
        assert (precious / "file").exists() and link.is_symlink()
        assert theirs.exists() or os.geteuid() != 0
    finally:
        shutil.rmtree(own, ignore_errors=True)
        link.unlink(missing_ok=True)
        for folder in (other, theirs):
            shutil.rmtree(folder, ignore_errors=True)


def test_an_install_that_waits_for_its_file_can_be_ended(tmp_path):
    """A pipe whose writer says nothing yet."""
    pipe = tmp_path / "x.so"
    os.mkfifo(pipe)
    held = os.open(pipe, os.O_RDWR)
    proc = subprocess.Popen([PENSTOCK, "plugin", "install", "--sha256",
                             "0" * 64, str(pipe)])
    try:
        wait_for(lambda: str(pipe) in
                 [os.path.realpath(f"/proc/{proc.pid}/fd/{n}") for n in
                  os.listdir(f"/proc/{proc.pid}/fd")], why="its read")
        time.sleep(0.1)
        proc.terminate()
        assert proc.wait(20) == -signal.SIGTERM
    finally:
        proc.kill()
        os.close(held)

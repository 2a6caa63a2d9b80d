# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""What drives the long tests: a part or a target that fails keeps no other
from running, and makes the whole fail."""
import os
import re
import shutil
import subprocess
import time

import pytest

from conftest import SRC


def script(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n" + text)
    path.chmod(0o755)


def run(file, cwd, **env):
    return subprocess.run([file], cwd=cwd, env={**os.environ, **env},
                          capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("bad", ["", "check", "fuzz-short", "differ",
                                 "distcheck"])
def test_every_part_is_run_and_told(tmp_path, bad):
    script(tmp_path / "make", f"""
        for last; do :; done
        echo "$last $PENSTOCK_LONG" >>"{tmp_path}/seen"
        test "$last" != "{bad}"
    """)
    got = run(SRC / "tests/long", tmp_path, MAKE=str(tmp_path / "make"),
              PENSTOCK_LONG="")
    assert got.returncode == (1 if bad else 0), got.stdout
    assert (tmp_path / "seen").read_text().split("\n")[:-1] == [
        "check 1", "fuzz-short ", "differ ", "distcheck "]
    lines = got.stdout.splitlines()[-4:]
    assert [line.split()[0] for line in lines] == [
        "FAIL" if part == bad else "ok"
        for part in ("check", "fuzz-short", "differ", "distcheck")]
    assert all(re.search(r"\(\d+ s\)$", line) for line in lines)


TARGET = """
test "$1" = -max_total_time=60 || exit 9
sleep 0.5
echo "stat::number_of_executed_units: 77"
echo "the last words of $(basename "$0")" >&2
exit %d
"""


@pytest.mark.parametrize("bad", [None, "b"])
def test_every_target_is_fuzzed(tmp_path, bad):
    names = ["a", "b", "c", "d"]
    src, build = tmp_path / "src/tests/fuzz", tmp_path / "build/fuzz"
    script(tmp_path / "bin/make", "exit 0\n")
    script(tmp_path / "bin/nproc", "echo 2\n")
    script(build / "config.status", "")
    for n in names:
        (src / f"fuzz_{n}.c").parent.mkdir(parents=True, exist_ok=True)
        (src / f"fuzz_{n}.c").write_text("")
        script(build / f"tests/fuzz/fuzz_{n}", TARGET % (n == bad))
    shutil.copy(SRC / "tests/fuzz/run", src / "run")
    begun = time.monotonic()
    got = run(src / "run", tmp_path, PENSTOCK_SRC=str(tmp_path / "src"),
              PENSTOCK_BUILD=str(tmp_path / "build"), FUZZ_CC="env cc",
              PATH=f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    assert time.monotonic() - begun >= 1, "more than two at a time"
    assert got.returncode == (1 if bad else 0), got.stdout + got.stderr
    for n in names:
        assert f"the last words of fuzz_{n}" in got.stdout
        assert f"FAIL fuzz {n}: see " in got.stdout if n == bad else \
            f"ok   fuzz {n}: 77 runs" in got.stdout
    assert got.stdout.splitlines()[-1] == (
        f"fuzz: {3 if bad else 4} passed, {1 if bad else 0} failed, 60 s each")

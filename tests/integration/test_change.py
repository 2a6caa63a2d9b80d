# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""Everything that can be changed is, under clients that never ask twice; the
short form of `make change`."""
import os
import subprocess
import sys

from conftest import PENSTOCK, SANITIZED, SRC


def test_all_that_can_be_changed_is_changed(tmp_path):
    rate, streams, reloads = (20, 6, 10) if SANITIZED else (60, 20, 20)
    got = subprocess.run(
        [sys.executable, str(SRC / "tests" / "change" / "run"), "--reloads",
         str(reloads), "--swaps", "3", "--upgrades", "2", "--rate", str(rate),
         "--crashes", "0" if SANITIZED else "1", "--bake", "300ms",
         "--canary", "300ms", "--before", "1",
         "--streams", str(streams), "--longest", "2", "--throughout", "5",
         "--seed", "4"],
        env={**os.environ, "PENSTOCK": PENSTOCK, "TMPDIR": str(tmp_path)},
        capture_output=True, text=True, timeout=180)
    print(got.stdout)
    assert got.returncode == 0, got.stdout + got.stderr
    rows = [line.strip("| ").split(" | ") for line in got.stdout.splitlines()
            if line.startswith("| ")]
    figures = dict(row for row in rows if len(row) == 2)
    assert int(figures["requests"]) > rate * 1.5
    assert int(figures["streams"]) >= streams
    assert int(figures["of them through all of it"]) == 5
    assert int(figures["not answered as they should"]) == 0
    assert int(figures["changes that went wrong"]) == 0
    if "crash, broken" in dict((r[0], r) for r in rows):
        assert int(figures["lost with a worker that was crashed"]) > 0
    # descriptors do not grow with the number of changes
    before, after = map(int, figures["descriptors before, after"].split(", "))
    assert after <= before + 10

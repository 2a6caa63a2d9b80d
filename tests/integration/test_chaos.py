# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""Everything around the gateway fails at once, for a minute (`make chaos` is
the long form); and the checks of that run notice what they are there for."""
import os
import subprocess
import sys

import pytest

from conftest import PENSTOCK, SANITIZED, SRC

sys.path.insert(0, str(SRC / "tests" / "chaos"))
import checks                                       # noqa: E402
from load import Result, dechunked, read_answer, words_of   # noqa: E402
from upstreams import Upstream                      # noqa: E402


ALONE = True                    # it takes all cores, and counts what is late


def test_a_minute_of_chaos(tmp_path):
    streams, wait = (30, 8) if SANITIZED else (90, 4)
    got = subprocess.run(
        [sys.executable, str(SRC / "tests" / "chaos" / "run"), "--seconds",
         "45", "--streams", str(streams), "--wait", str(wait),
         "--kill-every", "12", "--seed", "7"],
        env={**os.environ, "PENSTOCK": PENSTOCK, "TMPDIR": str(tmp_path)},
        capture_output=True, text=True, timeout=180)
    print(got.stdout)
    assert got.returncode == 0, got.stdout + got.stderr
    figures = dict(line.strip("| ").split(" | ") for line in
                   got.stdout.splitlines() if line.startswith("| ")
                   and line.count("|") == 3 and line[2] != "|")
    assert int(figures["whole"]) > streams      # there was something to check
    assert int(figures["killed"]) > 0 and int(figures["left"]) > 0
    assert int(figures["ways to be ill"]) >= 5


# ---- the checks themselves ------------------------------------------------

class Gateway:
    """One that killed no worker."""

    @staticmethod
    def killed_within(begin, end):
        return False


def chunks(*texts, end=True, done=True, error=False):
    out = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n" \
        b"transfer-encoding: chunked\r\nx-request-id: i\r\n" \
        b"x-penstock-target: t1/echo-t1\r\n\r\n"
    events = ['{"choices":[{"delta":{"content":"%s"}}]}' % t for t in texts]
    events += ['{"error":{"message":"cut"}}'] * error + ["[DONE]"] * done
    for e in events:
        data = f"data: {e}\n\n".encode()
        out += b"%x\r\n%s\r\n" % (len(data), data)
    return out + b"0\r\n\r\n" * end


def judged(raw, ill=True, number=3, kind="stream"):
    up = Upstream("none", ".", 1, 5)
    if ill:
        up.spells.append([0.0, None, "500"])
    r = Result(number, kind, 1.0, 2.0, "whole")
    read_answer(r, raw)
    return checks.verdict(r, Gateway, {"t1": up}, {"lost"})


SAID = "echo-t1 " + words_of(3, "stream")


@pytest.mark.parametrize("raw,ill,verdict", [
    (chunks(SAID), True, "whole"),
    (chunks(SAID[:20], SAID[20:]), True, "whole"),
    (chunks(SAID[:20]), True, "wrong"),             # complete, but too short
    (chunks(SAID.replace("t1", "t2", 1)), True, "wrong"),
    (chunks("echo-t1 " + words_of(4, "stream")), True, "wrong"),
    (chunks(SAID[:60], SAID[20:]), True, "duplicated"),
    (chunks(SAID[:20], done=False), True, "clean end"),
    (chunks(SAID[:20], end=False), True, "clean end"),
    (chunks(SAID[:20], error=True, done=False), True, "clean end"),
    (chunks(SAID[:20], error=True, done=False, end=False), True, "cut"),
    (chunks(SAID[:20], error=True, done=False, end=False), False,
     "unexplained"),
    (chunks(SAID[:20], done=False, end=False), True, "unexplained"),
    (chunks(SAID, end=False), True, "unexplained"),
    (chunks(SAID, done=False), True, "clean end"),
    (chunks(done=False, error=True, end=False), True, "failed"),
    (b"", True, "unexplained"),
])
def test_what_a_client_got_is_judged(raw, ill, verdict):
    assert judged(raw, ill) == verdict


def test_a_body_without_its_last_chunk_is_not_clean():
    assert dechunked(b"2\r\nab\r\n0\r\n\r\n") == (b"ab", True)
    assert dechunked(b"2\r\nab\r\n0\r\n") == (b"ab", False)
    assert dechunked(b"2\r\nab\r\n") == (b"ab", False)
    assert dechunked(b"5\r\nab") == (b"ab", False)

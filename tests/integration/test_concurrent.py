# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""A target has no more calls than it may, whoever makes them; the next one
is asked, and where there is none the client is told so, and when."""
import concurrent.futures
import os
import signal
import threading

from conftest import wait_for
from test_breaker import good
from test_faults import body, settled
from upstream import Upstream

CONFIG = """
listen "127.0.0.1:0"
server {{ workers = 2 }}
queue {{ max_wait = "0s" }}
defaults {{ retries = {{ attempts = 2, same_target = 0 }} }}
provider "a" {{ vendor = "openai-compatible", base_url = "{a}",
               keys = {{ env("UNSET", "ka") }} }}
provider "b" {{ vendor = "openai-compatible", base_url = "{b}",
               keys = {{ env("UNSET", "kb") }} }}
model "m" {{ {{ "a/first", max_concurrent = 3 }}, "b/second" }}
model "alone" {{ {{ "a/first", max_concurrent = 3 }} }}
"""


class Held:
    """Answers when told to; counts who is inside."""

    def __init__(self):
        self.go, self.inside, self.most = threading.Event(), 0, 0
        self.lock = threading.Lock()

    def __call__(self, conn, request):
        with self.lock:
            self.inside += 1
            self.most = max(self.most, self.inside)
        self.go.wait(30)
        with self.lock:
            self.inside -= 1
        good(conn, request)


def ask(p, model):
    return p.post("/v1/chat/completions", body(False, model))


def quietly(p, model):
    try:
        return ask(p, model).status
    except OSError:
        return 0  # its worker was killed


def test_what_is_too_much_goes_to_the_next(penstock):
    held = Held()
    with Upstream(held) as a, Upstream(good) as b, \
            concurrent.futures.ThreadPoolExecutor(24) as pool:
        p = penstock(CONFIG.format(a=a.url, b=b.url))
        asked = [pool.submit(quietly, p, "m") for _ in range(24)]
        wait_for(lambda: len(b.requests) == 21 and held.inside == 3, 20)
        held.go.set()
        assert [f.result(30) for f in asked] == [200] * 24
        assert held.most == 3
        settled(p)
        assert ask(p, "m").status == 200 and len(a.requests) == 4


def test_where_all_are_full_the_client_is_told_when(penstock):
    held = Held()
    with Upstream(held) as a, \
            concurrent.futures.ThreadPoolExecutor(3) as pool:
        p = penstock(CONFIG.format(a=a.url, b=a.url))
        asked = [pool.submit(quietly, p, "alone") for _ in range(3)]
        wait_for(lambda: held.inside == 3, 20)
        for _ in range(6):
            got = ask(p, "alone")
            assert got.status == 503 and len(a.requests) == 3
            assert got.headers["retry-after"] == "1"
            assert "x-should-retry" not in got.headers
            assert "as many calls as they may" in got.json()["error"]["message"]
        held.go.set()
        assert [f.result(30) for f in asked] == [200] * 3


def test_a_dead_workers_places_are_free(penstock):
    held = Held()
    with Upstream(held) as a, Upstream(good) as b, \
            concurrent.futures.ThreadPoolExecutor(3) as pool:
        p = penstock(CONFIG.format(a=a.url, b=b.url))
        asked = [pool.submit(quietly, p, "alone") for _ in range(3)]
        wait_for(lambda: held.inside == 3, 20)
        old = {w["pid"] for w in p.workers()}
        for pid in old:
            os.kill(pid, signal.SIGKILL)
        wait_for(lambda: all(w["state"] == "ready" and w["pid"] not in old
                             for w in p.workers()), 10)
        held.go.set()
        for f in asked:
            f.result(30)
        for _ in range(6):
            assert ask(p, "alone").status == 200
        settled(p)

# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""balance = "ewma" in a running gateway: all workers learn who is slow from
each, a target that refuses at once wins nothing by it, and a dead worker's
calls weigh no longer."""
import concurrent.futures
import os
import signal
import threading
import time

from conftest import wait_for
from test_breaker import good
from test_faults import body, settled
from upstream import Upstream

CONFIG = """
listen "127.0.0.1:0"
server {{ workers = 2 }}
defaults {{ retries = {{ attempts = 2, same_target = 0 }} }}
provider "a" {{ vendor = "openai-compatible", base_url = "{a}",
               keys = {{ env("UNSET", "ka") }} }}
provider "b" {{ vendor = "openai-compatible", base_url = "{b}",
               keys = {{ env("UNSET", "kb") }} }}
model "m" {{ balance = "ewma", "a/first", "b/second" }}
model "a" {{ "a/first" }}
"""


def start(penstock, a, b):
    return penstock(CONFIG.format(a=a.url, b=b.url))


def ask(p, model="m", stream=True):
    got = p.post("/v1/chat/completions", body(stream, model))
    assert got.status == 200
    return got


def slow(conn, request):
    time.sleep(0.3)
    good(conn, request)


def test_all_workers_learn_who_is_slow(penstock):
    with Upstream(slow) as a, Upstream(good) as b:
        p = start(penstock, a, b)
        wait_for(lambda: (ask(p), len(a.requests))[1], 10)
        while not b.requests:
            ask(p)
        before = len(a.requests)
        for _ in range(40):  # over new connections: both workers
            ask(p)
        assert len(a.requests) == before
        assert len(b.requests) >= 40
        settled(p)


def test_who_refuses_at_once_wins_nothing(penstock):
    def busy(conn, _):
        conn.answer({"error": {"message": "slow down"}}, 429)
    with Upstream(busy) as a, Upstream(good) as b:
        p = start(penstock, a, b)
        for _ in range(30):
            ask(p)
        assert len(a.requests) <= 2 and len(b.requests) == 30


def test_calls_under_way_weigh_until_their_worker_dies(penstock):
    go = threading.Event()

    def first(conn, request):
        if request.json()["messages"][0]["content"] == "stay":
            go.wait(30)
        good(conn, request)

    def stay():
        try:
            p.post("/v1/chat/completions", {
                "model": "a", "messages": [
                    {"role": "user", "content": "stay"}]})
        except OSError:
            pass  # its worker is killed

    with Upstream(first) as a, Upstream(good) as b, \
            concurrent.futures.ThreadPoolExecutor(4) as pool:
        p = start(penstock, a, b)
        stays = [pool.submit(stay) for _ in range(4)]
        wait_for(lambda: len(a.requests) == 4, 10)
        for _ in range(20):  # whole answers tell no speed
            ask(p, stream=False)
        assert len(a.requests) == 4 and len(b.requests) == 20
        old = {w["pid"] for w in p.workers()}
        for pid in old:
            os.kill(pid, signal.SIGKILL)
        wait_for(lambda: all(w["state"] == "ready" and w["pid"] not in old
                             for w in p.workers()), 10)
        go.set()
        for s in stays:
            s.result(30)
        for _ in range(40):
            ask(p, stream=False)
        assert len(a.requests) > 4 + 5  # by chance again
        settled(p)

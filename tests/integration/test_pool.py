# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""Connections to providers: how many at a time, for how long, and opened
ahead of need; and calls under way at each target, as they are shown."""
import re
import threading

from conftest import free_port, wait_for
from test_breaker import ask, metrics, state
from test_faults import WHOLE
from test_probes import LIST
from upstream import Upstream

CONFIG = """
listen "127.0.0.1:0" {{ detail = "full" }}
server {{ workers = 1 }}
metrics "127.0.0.1:{port}"
queue {{ max_wait = "{wait}" }}
provider "a" {{ vendor = "openai-compatible", base_url = "{a}",
               keys = {{ env("UNSET", "ka") }}, pool = {{ {pool} }} }}
provider "b" {{ vendor = "openai-compatible", base_url = "{b}",
               keys = {{ env("UNSET", "kb") }} }}
model "m" {{ "a/first", "b/second" }}
model "n" {{ "a/other" }}
"""


class Slow:
    """Chats wait until they are let go; lists come at once."""

    def __init__(self):
        self.go, self.lists = threading.Event(), 0

    def __call__(self, conn, request):
        if request.method == "GET":
            self.lists += 1
            conn.answer(LIST)
            return
        self.go.wait(30)
        conn.answer(WHOLE)


def start(penstock, a, b, pool, wait="0s"):
    return penstock(CONFIG.format(a=a.url, b=b.url, port=free_port(),
                                  pool=pool, wait=wait))


def value(p, name):
    found = re.search(r"^" + re.escape(name) + r" (\d+)$", metrics(p), re.M)
    return int(found.group(1)) if found else 0


def asking(p, n):
    """n requests under way at a, each in a thread."""
    threads = [threading.Thread(target=ask, args=(p,)) for _ in range(n)]
    for t in threads:
        t.start()
    wait_for(lambda: state(p)["in_flight"] == n, why=f"{n} under way")
    return threads


def test_a_full_host_is_passed_over(penstock):
    slow = Slow()
    with Upstream(slow) as a, Upstream(lambda c, _: c.answer(WHOLE)) as b:
        p = start(penstock, a, b, "max = 2")
        threads = asking(p, 2)
        assert 'penstock_target_in_flight{target="a/first"} 2' in metrics(p)
        assert re.search(r"a/first .* in flight 2",
                         p.cli("target", "list").stdout)
        assert "a/first: 2 in flight" in p.cli("status").stdout
        assert ask(p).headers["x-penstock-target"] == "b/second"
        full = ask(p, "n")  # another model of the same host
        assert full.status == 503
        assert full.headers["retry-after"] == "1"
        slow.go.set()
        for t in threads:
            t.join()
        assert ask(p).headers["x-penstock-target"] == "a/first"
        assert state(p)["in_flight"] == 0


def test_a_place_of_a_full_host_is_waited_for(penstock):
    slow = Slow()
    with Upstream(slow) as a, Upstream(lambda c, _: c.answer(WHOLE)) as b:
        p = start(penstock, a, b, "max = 1", "30s")
        threads, got = asking(p, 1), []
        waiting = threading.Thread(target=lambda: got.append(ask(p, "n")))
        waiting.start()
        wait_for(lambda: value(p, "penstock_queue_waiting") == 1)
        slow.go.set()
        for t in threads + [waiting]:
            t.join()
        assert got[0].headers["x-penstock-target"] == "a/other"
        served = 'penstock_queue_total{queue="target",result="served"}'
        assert value(p, served) == 1


def test_towards_the_peak_and_back(penstock):
    slow = Slow()
    with Upstream(slow) as a, Upstream(lambda c, _: c.answer(WHOLE)) as b:
        p = start(penstock, a, b, 'idle = "1s", warm = 2')
        threads = asking(p, 4)
        slow.go.set()
        for t in threads:
            t.join()
        # what nobody uses is closed, and two are opened anew
        closed = "penstock_worker_upstream_closed_idle_total"
        wait_for(lambda: value(p, closed) >= 4)
        wait_for(lambda: value(p, "penstock_worker_upstream_warmed_total")
                 >= 2)
        wait_for(lambda: slow.lists >= 2)
        wait_for(lambda: value(p, "penstock_worker_upstream_opened_total")
                 >= 6)
        assert 'penstock_worker_upstream_connections{state="idle"}' \
            in metrics(p)

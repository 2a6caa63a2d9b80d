# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""The breaker of a target in a running gateway: shared by all workers, kept
when they die, one probe at a time, and never in the way of the last target.

An open one takes some 10 s until it is half open. So the stories that need it
share a gateway, each with a target of its own, and these are opened together.
"""
import concurrent.futures
import contextlib
import json
import os
import signal
import threading
import urllib.request

import pytest

from conftest import Instance, free_port, wait_for
from test_faults import CONTENT, DONE, FINISH, ROLE, WHOLE, body, settled
from upstream import Upstream

CONFIG = """
listen "127.0.0.1:0" {{ detail = "full" }}
server {{ workers = 2 }}
metrics "127.0.0.1:{port}"
defaults {{ timeouts = {{ first_event = "20s", head = "20s" }},
            retries = {{ attempts = 2, same_target = 0 }},
            health = {{ probe = "off" }} }}
provider "b" {{ vendor = "openai-compatible", base_url = "{b}",
               keys = {{ env("UNSET", "kb") }} }}
"""
SICK = """
provider "{name}" {{ vendor = "openai-compatible", base_url = "{url}",
                    keys = {{ env("UNSET", "ka") }} }}
model "{name}" {{ "{name}/first", "b/second" }}
model "only {name}" {{ "{name}/first" }}
"""


def good(conn, request):
    if request.json().get("stream"):
        conn.answer(ROLE + CONTENT % "hello" + FINISH + DONE, 200,
                    "text/event-stream")
    else:
        conn.answer(WHOLE)


class Sick:
    """Answers 500, until it is told otherwise."""

    def __init__(self):
        self.answer, self.hits = self.broken, 0
        self.lock = threading.Lock()

    def __call__(self, conn, request):
        with self.lock:
            self.hits += 1
        self.answer(conn, request)

    @staticmethod
    def broken(conn, _):
        conn.answer({"error": {"message": "broken"}}, 500)

    @staticmethod
    def callers(conn, _):
        conn.answer({"error": {"message": "no such thing",
                               "type": "invalid_request_error"}}, 400)


def config(b, **sick):
    return CONFIG.format(b=b.url, port=free_port()) + "".join(
        SICK.format(name=name, url=a.url) for name, a in sick.items())


class Ward:
    """A gateway with two targets whose breakers were opened, a third that is
    closed, and what stands behind them: by the models' names."""

    def __init__(self, stack):
        self.sick = {name: Sick() for name in ("back", "flood", "slot")}
        b = stack.enter_context(Upstream(good))
        a = {name: stack.enter_context(Upstream(x))
             for name, x in self.sick.items()}
        self.p = Instance(config(b, **a))
        stack.callback(self.close)
        self.p.wait_ready()
        open_it(self.p, "flood")
        open_it(self.p, "slot")

    def close(self):
        assert self.p.close() is None


@pytest.fixture(scope="module")
def ward():
    with contextlib.ExitStack() as stack:
        yield Ward(stack)


def metrics(p):
    with urllib.request.urlopen(f"http://{p.status()['metrics']}/metrics",
                                timeout=10) as got:
        return got.read().decode()


def ask(p, model="m", stream=False):
    return p.post("/v1/chat/completions", body(stream, model))


def state(p, name="a/first"):
    targets = {t["name"]: t for t in p.status()["targets"]}
    return targets[name]


def open_it(p, name):
    for _ in range(5):
        assert ask(p, name).status == 200
    assert state(p, name + "/first")["state"] == "open"


def kill_workers(p):
    old = {w["pid"] for w in p.workers()}
    for pid in old:
        os.kill(pid, signal.SIGKILL)
    wait_for(lambda: all(w["state"] == "ready" and w["pid"] not in old
                         for w in p.workers()), 10)


def until_half_open(p, name):
    wait_for(lambda: state(p, name)["state"] == "half_open", 15)


def test_a_sick_target_is_left_alone_and_comes_back(ward):
    p, sick, at = ward.p, ward.sick["back"], "back/first"
    assert state(p, at) == {"name": at, "state": "closed",
                            "share": 100, "in_flight": 0}
    open_it(p, "back")
    assert sick.hits == 5
    assert f'penstock_target_state{{target="{at}",state="open"}} 1' \
        in metrics(p)
    for _ in range(20):
        assert ask(p, "back").status == 200
    assert sick.hits == 5  # both workers know
    kill_workers(p)
    assert state(p, at)["state"] == "open"
    assert ask(p, "back").status == 200 and sick.hits == 5
    # the last target is tried whatever its breaker says
    assert ask(p, "only back").status == 500 and sick.hits == 6
    sick.answer = good
    assert ask(p, "only back").status == 200 and sick.hits == 7
    until_half_open(p, at)
    for _ in range(3):
        assert ask(p, "back").status == 200
    assert sick.hits == 10
    wait_for(lambda: state(p, at)["state"] == "closed", 5)
    assert state(p, at)["share"] < 30
    settled(p)


def test_half_open_sends_one_of_500(ward):
    p, sick, go = ward.p, ward.sick["flood"], threading.Event()

    def slow(conn, request):
        go.wait(30)
        good(conn, request)

    sick.answer = slow
    until_half_open(p, "flood/first")
    before = sick.hits
    with concurrent.futures.ThreadPoolExecutor(100) as pool:
        try:
            asked = [pool.submit(ask, p, "flood") for _ in range(500)]
            wait_for(lambda: sum(x.done() for x in asked) == 499, 60)
            assert sick.hits == before + 1
        finally:
            go.set()
        assert {x.result().status for x in asked} == {200}
    settled(p)


def test_a_probes_slot_is_freed_by_client_and_worker(ward):
    p, sick, go = ward.p, ward.sick["slot"], threading.Event()
    at = "slot/first"

    def hang(conn, request):
        go.wait(30)
        good(conn, request)

    def begin():
        c = p.connect()
        c.request("POST", "/v1/chat/completions",
                  json.dumps(body(True, "slot")),
                  {"content-type": "application/json"})
        return c

    sick.answer = hang
    until_half_open(p, at)
    before = sick.hits
    c = begin()
    wait_for(lambda: sick.hits == before + 1, 5)
    assert ask(p, "slot").status == 200 and sick.hits == before + 1
    assert state(p, at)["share"] == 0
    c.close()
    wait_for(lambda: state(p, at)["share"] == 100, 5)
    c = begin()
    wait_for(lambda: sick.hits == before + 2, 5)
    assert state(p, at)["share"] == 0
    kill_workers(p)  # the slot of the dead is free, too
    c.close()
    assert state(p, at) == {"name": at, "state": "half_open",
                            "share": 100, "in_flight": 0}
    go.set()
    sick.answer = good
    assert ask(p, "slot").status == 200 and sick.hits == before + 3
    settled(p)


def test_an_impatient_client_leaves_it_closed(penstock):
    sick, go = Sick(), threading.Event()
    sick.answer = lambda conn, _: go.wait(30) and None
    with Upstream(sick) as a, Upstream(good) as b:
        p = penstock(config(b, a=a))
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            got = list(pool.map(lambda _: p.post(
                "/v1/chat/completions", body(False, "a"),
                headers={"x-stainless-timeout": "1"}).status, range(8)))
        assert set(got) == {504} and sick.hits == 8
        assert state(p)["state"] == "closed"
        go.set()
        settled(p)


def test_callers_faults_leave_it_closed(penstock):
    sick = Sick()
    sick.answer = sick.callers
    with Upstream(sick) as a, Upstream(good) as b:
        p = penstock(config(b, a=a))
        for _ in range(1000):
            assert ask(p, "a").status == 400
        assert sick.hits == 1000
        assert state(p) == {"name": "a/first", "state": "closed",
                            "share": 100, "in_flight": 0}
        settled(p)

# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""Requests wait for a place at a target that has as many calls as it may:
served by whichever worker, fairly, in bounds; who leaves waits no more."""
import concurrent.futures
import hashlib
import http.client
import json
import os
import re
import signal
import threading
import time
import urllib.request

import pytest

from conftest import free_port, wait_for
from test_breaker import good
from test_faults import settled
from upstream import Upstream

CONFIG = """
listen "127.0.0.1:0" {{ detail = "full"{open} }}
metrics "127.0.0.1:{port}"
server {{ workers = {workers} }}
queue {{ {queue} }}
defaults {{ retries = {{ attempts = 2, same_target = 0 }} }}
provider "a" {{ vendor = "openai-compatible", base_url = "{url}",
               keys = {{ env("UNSET", "ka") }} }}
model "m" {{ {{ "a/first", max_concurrent = {places} }} }}
{more}
"""
PATH = "/v1/chat/completions"


def text(what, n=1):
    return {"model": "m", "max_tokens": 10,
            "messages": [{"role": "user", "content": what * n}]}


class Gate:
    """Lets one call through for each permit; notes who came, in order."""

    def __init__(self):
        self.permits = threading.Semaphore(0)
        self.came, self.inside, self.most = [], 0, 0
        self.lock = threading.Lock()

    def __call__(self, conn, request):
        with self.lock:
            self.inside += 1
            self.most = max(self.most, self.inside)
            self.came.append(request.json()["messages"][0]["content"][:8])
        self.permits.acquire(timeout=30)
        with self.lock:
            self.inside -= 1
        good(conn, request)

    def let(self, n=1):
        for _ in range(n):
            self.permits.release()


class Scene:
    """A gateway before an upstream that answers when it is told to."""

    def __init__(self, penstock, places=1, workers=1, queue="", more="",
                 open_=""):
        self.gate, self.port = Gate(), free_port()
        self.up = Upstream(self.gate)
        self.up.__enter__()
        self.pool = concurrent.futures.ThreadPoolExecutor(40)
        self.p = penstock(CONFIG.format(
            port=self.port, url=self.up.url, places=places, workers=workers,
            queue=queue, more=more, open=open_))

    def end(self):
        self.gate.let(200)
        self.pool.shutdown(wait=True)
        self.up.__exit__(None, None, None)

    def ask(self, what, headers=None, n=1):
        return self.p.post(PATH, text(what, n), headers=headers or {})

    def later(self, what, headers=None, n=1):
        return self.pool.submit(self.ask, what, headers, n)

    def metric(self, name):
        got = urllib.request.urlopen(
            f"http://127.0.0.1:{self.port}/metrics", timeout=10)
        for line in got.read().decode().splitlines():
            if line.startswith(name + " "):
                return float(line.rpartition(" ")[2])
        return 0.0

    def waiting(self, n):
        wait_for(lambda: self.metric("penstock_queue_waiting") == n, 20,
                 why=f"{n} waiting")

    def ended(self, how, queue="target"):
        return self.metric(
            f'penstock_queue_total{{queue="{queue}",result="{how}"}}')


@pytest.fixture
def scene(penstock):
    made = []

    def make(**kw):
        made.append(Scene(penstock, **kw))
        return made[-1]
    yield make
    for s in made:
        s.end()


def test_all_are_served_whichever_worker_frees_the_place(scene):
    s = scene(places=2, workers=2)
    asked = [s.later(f"q{i}") for i in range(12)]
    s.waiting(10)
    for n in range(9, -1, -1):
        s.gate.let()
        s.waiting(n)
    s.gate.let(2)
    got = [f.result(30) for f in asked]
    assert [g.status for g in got] == [200] * 12
    assert s.gate.most == 2 and s.ended("served") == 10
    settled(s.p)
    lines = wait_for(lambda: len(s.p.logs("request")) == 12
                     and s.p.logs("request"))
    waited = [x for x in lines if "queue_ms" in x]
    assert len(waited) >= 9  # one may have waited less than a millisecond
    for line in waited:
        steps = dict(line["steps"])
        assert abs(steps["queue"] - line["queue_ms"]) < 50, line
    timing = [float(re.search(r"queue;dur=([0-9.]+)",
                              g.headers["server-timing"])[1]) for g in got]
    assert sum(t > 0 for t in timing) >= 9
    # two clocks measure it; what is left for the gateway is never below 0
    assert not any("dur=-" in g.headers["server-timing"] for g in got)
    assert s.metric('penstock_queue_seconds_count{queue="target"}') == 10


def key(name, more=""):
    digest = hashlib.sha256(f"sk-{name}".encode()).hexdigest()
    return f'key "{name}" {{ sha256 = "{digest}"{more} }}\n'


def auth(name, **more):
    return {"authorization": f"Bearer sk-{name}", **more}


KEYS = key("many") + key("one") + key("slow", ', tags = { priority = "batch" }')


def test_no_key_starves_another_and_batch_comes_last(scene):
    s = scene(more=KEYS)
    asked = [s.later("first", auth("many"))]
    wait_for(lambda: s.gate.inside == 1)
    tag = {"x-penstock-tags": "priority=batch"}
    for i, (who, what, head) in enumerate([
            ("slow", "batch-k", {}), ("one", "batch-t", tag),
            *[("many", f"many-{i}", {}) for i in range(6)],
            ("one", "single", {})]):
        asked.append(s.later(what, auth(who, **head)))
        s.waiting(i + 1)
    s.gate.let(40)
    assert [f.result(30).status for f in asked] == [200] * 10
    came = s.gate.came
    assert came[0] == "first" and came.index("single") <= 2, came
    assert [x for x in came if x.startswith("many")] == \
        [f"many-{i}" for i in range(6)]
    assert set(came[-2:]) == {"batch-k", "batch-t"}, came


def test_a_large_request_costs_its_key_more(scene):
    s = scene(more=KEYS)
    asked = [s.later("first", auth("one"))]
    wait_for(lambda: s.gate.inside == 1)
    for i in range(2):
        asked.append(s.later(f"large-{i}", auth("many"), n=1000))
        s.waiting(3 * i + 1)
        for k in range(2):
            asked.append(s.later(f"small-{i}{k}", auth("one")))
            s.waiting(3 * i + k + 2)
    s.gate.let(40)
    assert [f.result(30).status for f in asked] == [200] * 7
    assert s.gate.came[-1] == "large-1l", s.gate.came


def test_who_leaves_waits_no_more(scene):
    s = scene()
    first = s.later("first")
    wait_for(lambda: s.gate.inside == 1)
    gone = http.client.HTTPConnection("127.0.0.1", s.p.port, timeout=10)
    gone.request("POST", PATH, json.dumps(text("gone")),
                 {"content-type": "application/json"})
    s.waiting(1)
    stays = s.later("stays")
    s.waiting(2)
    gone.close()
    s.waiting(1)
    s.gate.let(2)
    assert first.result(30).status == stays.result(30).status == 200
    assert s.gate.came == ["first", "stays"] and s.ended("left") == 1
    settled(s.p)
    line = [x for x in s.p.logs("request") if x["ended"] == "client_gone"]
    assert len(line) == 1 and line[0]["waiting_on"] == "queue"


def test_it_is_bounded_and_says_when(scene):
    s = scene(queue='length = 2, max_wait = "700ms"')
    first = s.later("first")
    wait_for(lambda: s.gate.inside == 1)
    wait = [s.later(f"w{i}") for i in range(2)]
    s.waiting(2)
    full = s.ask("full")
    assert full.status == 503 and s.ended("full") == 1
    assert int(full.headers["retry-after"]) >= 1
    assert "x-should-retry" not in full.headers
    for f in wait:
        got = f.result(30)
        assert got.status == 503 and int(got.headers["retry-after"]) >= 1
        assert "as many calls as they may" in got.json()["error"]["message"]
        assert re.search(r"after 0\.[78] s", got.json()["error"]["message"])
    assert s.ended("timeout") == 2
    # one of these waits until the place is free, in the client's dialect
    late = s.pool.submit(s.p.post, "/v1/messages", text("late"),
                         headers={"anthropic-version": "2023-06-01"})
    got = late.result(30)
    assert got.status == 529
    assert got.json()["error"]["type"] == "overloaded_error"
    s.gate.let()
    assert first.result(30).status == 200
    assert s.gate.came == ["first"]


def test_bodies_are_bounded_too(scene):
    s = scene(queue='memory = "64KiB"')
    first = s.later("first")
    wait_for(lambda: s.gate.inside == 1)
    wait = s.later("wait", n=10000)
    s.waiting(1)
    assert s.ask("full", n=10000).status == 503
    small = s.later("small")
    s.waiting(2)
    s.gate.let(3)
    assert [f.result(30).status for f in (first, wait, small)] == [200] * 3


def test_the_clients_own_patience_ends_it(scene):
    s = scene()
    first = s.later("first")
    wait_for(lambda: s.gate.inside == 1)
    began = time.monotonic()
    got = s.ask("late", {"x-stainless-timeout": "1"})
    assert got.status == 503 and time.monotonic() - began >= 0.9
    s.gate.let()
    assert first.result(30).status == 200 and s.gate.came == ["first"]


def test_a_queue_that_stays_long_is_cut(scene):
    s = scene(queue='target = "20ms", interval = "1s"')
    asked = [s.later(f"q{i}") for i in range(40)]
    s.waiting(39)
    time.sleep(0.1)  # nobody's wait is short
    for _ in range(40):  # a turn each 40 ms or later
        s.gate.let()
        time.sleep(0.04)
    s.gate.let(40)
    got = [f.result(60) for f in asked]
    shed = [g for g in got if g.status == 503]
    assert shed and len(shed) == s.ended("shed")
    assert len(shed) + sum(g.status == 200 for g in got) == 40
    assert all(int(g.headers["retry-after"]) >= 1 for g in shed)
    line = [x for x in s.p.logs("request") if x["status"] == 503][0]
    assert "queue: too long: turned away" in line["notes"]


def test_a_dead_workers_requests_wait_no_more(scene):
    s = scene(workers=2)

    def quietly():
        try:
            return s.ask("x").status
        except OSError:
            return 0  # its worker was killed
    asked = [s.pool.submit(quietly) for _ in range(12)]
    s.waiting(11)
    victim = wait_for(lambda: [w for w in s.p.workers()
                               if w.get("waiting")])[0]
    os.kill(victim["pid"], signal.SIGKILL)
    wait_for(lambda: all(w["state"] == "ready" and
                         w["pid"] != victim["pid"] for w in s.p.workers()),
             30)
    s.gate.let(60)
    got = [f.result(30) for f in asked]
    assert set(got) <= {0, 200}, got
    s.waiting(0)
    assert [s.ask("y").status for _ in range(6)] == [200] * 6
    settled(s.p)


class Fails:
    def __call__(self, conn, request):
        conn.answer({"error": {"message": "boom", "type": "server_error"}},
                    500)


def test_a_last_error_says_when_others_have_a_place(scene):
    with Upstream(Fails()) as bad:
        s = scene(more=f"""
provider "b" {{ vendor = "openai-compatible", base_url = "{bad.url}",
               keys = {{ env("UNSET", "kb") }} }}
model "two" {{ "b/second", {{ "a/first", max_concurrent = 1 }} }}
""")
        first = s.later("first")
        wait_for(lambda: s.gate.inside == 1)
        got = s.p.post(PATH, {**text("x"), "model": "two"})
        assert got.status in (500, 502) and got.headers["retry-after"] == "1"
        assert "x-should-retry" not in got.headers
        s.gate.let()
        assert first.result(30).status == 200


def test_one_that_is_well_is_worth_a_wait(scene):
    with Upstream(Fails()) as bad:
        s = scene(more=f"""
provider "b" {{ vendor = "openai-compatible", base_url = "{bad.url}",
               keys = {{ env("UNSET", "kb") }} }}
model "two" {{ {{ "a/first", max_concurrent = 1 }}, "b/second" }}
""")
        two = {**text("x"), "model": "two"}
        first = s.later("first")
        wait_for(lambda: s.gate.inside == 1)
        for _ in range(5):  # its breaker opens
            assert s.p.post(PATH, two).status in (500, 502)
        assert s.p.logs("breaker.open") and len(bad.requests) == 5
        waits = s.pool.submit(s.p.post, PATH, two)
        s.waiting(1)
        s.gate.let(2)
        assert first.result(30).status == waits.result(30).status == 200
        assert len(bad.requests) == 5


ADMIT = """
local M = { api = 1 }
function M.admit(req)
  local no = ps.take { { "requests", per = "key", limit = "300/min",
                         burst = 1 } }
  if no then return ps.queue { max_wait_ms = 500 } end
end
return M
"""
BEHIND = """
local M = { api = 1 }
function M.admit(req) ps.note("asked") end
return M
"""


def policy(tmp_path, name, source):
    (tmp_path / f"{name}.lua").write_text(source)


def test_a_caller_over_its_limit_waits_for_its_time(scene, tmp_path):
    policy(tmp_path, "patient", ADMIT)
    policy(tmp_path, "behind", BEHIND)
    s = scene(places=20, more=f'policy_path "{tmp_path}"\n'
              'policies { "auth", "patient", "behind", "route" }\n')
    s.gate.let(100)
    began = time.monotonic()
    asked = [s.later(f"q{i}") for i in range(8)]
    got = [f.result(30) for f in asked]
    took = time.monotonic() - began
    served = [g for g in got if g.status == 200]
    denied = [g for g in got if g.status == 429]
    # at once, after 200 and after 400 ms; later ones were told when
    assert len(served) + len(denied) == 8
    assert 3 <= len(served) <= 3 + took / 0.2
    for g in denied:
        assert g.json()["error"]["code"] == "rate_limited"
        assert int(g.headers["retry-after-ms"]) > 100
        assert float(g.json()["error"]["message"].split()[-2]) == \
            int(g.headers["retry-after-ms"]) / 1000
        assert "patient" in [x for x in s.p.logs("request")
                             if x["id"] == g.headers["x-request-id"]
                             ][0]["error"]["policy"]
    assert s.ended("served", "limit") >= 2
    settled(s.p)
    lines = [x for x in s.p.logs("request") if x["status"] == 200]
    assert all("behind: asked" in x["notes"] for x in lines)
    waits = sorted(dict(x["steps"]).get("limit.queue", 0) for x in lines)
    assert waits[0] < 190 and waits[-1] >= 190, waits


def test_who_is_inside_is_waited_for(scene, tmp_path):
    policy(tmp_path, "one", """
return { api = 1, admit = function(req)
  local no = ps.take { { "concurrent", per = "key", limit = 1 } }
  if no then return ps.queue { max_wait_ms = 20000 } end
end }
""")
    s = scene(places=20, more=f'policy_path "{tmp_path}"\n'
              'policies { "auth", "one", "route" }\n')
    first = s.later("first")
    wait_for(lambda: s.gate.inside == 1)
    gone = http.client.HTTPConnection("127.0.0.1", s.p.port, timeout=10)
    gone.request("POST", PATH, json.dumps(text("gone")),
                 {"content-type": "application/json"})
    s.waiting(1)
    second = s.later("second")
    s.waiting(2)
    shown = s.p.cli("status").stdout
    assert re.search(r"worker +0 .* waiting 2", shown), shown
    gone.close()
    s.waiting(1)
    assert s.ended("left", "limit") == 1 and s.gate.inside == 1
    s.gate.let()
    wait_for(lambda: s.gate.came == ["first", "second"])
    s.gate.let()
    assert first.result(30).status == second.result(30).status == 200


def test_a_policy_that_observes_waits_for_nothing(scene, tmp_path):
    policy(tmp_path, "patient", ADMIT.replace("300/min", "1/day"))
    s = scene(places=20, more=f'policy_path "{tmp_path}"\n'
              'policies { "auth", { "patient", mode = "observe" }, "route" }')
    s.gate.let(10)
    assert [s.ask("q").status for _ in range(3)] == [200] * 3
    assert all("queue_ms" not in x for x in s.p.logs("request"))


class Busy:
    """Bears three calls; more get a 429 at once."""

    def __init__(self):
        self.inside, self.refused, self.lock = 0, 0, threading.Lock()

    def __call__(self, conn, request):
        with self.lock:
            self.inside += 1
            full = self.inside > 3
            self.refused += full
        if not full:
            time.sleep(0.05)
        with self.lock:
            self.inside -= 1
        if full:
            conn.answer({"error": {"message": "slow down",
                                   "type": "rate_limit_error"}}, 429)
        else:
            good(conn, request)


def test_how_many_calls_a_target_bears_is_found_out(penstock):
    busy, port = Busy(), free_port()
    with Upstream(busy) as up, \
            concurrent.futures.ThreadPoolExecutor(12) as pool:
        p = penstock(f"""
listen "127.0.0.1:0"
metrics "127.0.0.1:{port}"
server {{ workers = 2 }}
queue {{ target = "0s" }}
defaults {{ retries = {{ attempts = 8, same_target = 7, budget = "100%" }} }}
provider "a" {{ vendor = "openai-compatible", base_url = "{up.url}",
               keys = {{ env("UNSET", "ka") }}, max_concurrent = 50,
               adaptive = {{ min = 2 }} }}
model "m" {{ "a/first" }}
""")

        def limit():
            rows = json.loads(p.cli("target", "list", "--json").stdout)
            return rows[0].get("limit")
        assert limit() == 50
        assert "at most 50" in p.cli("target", "list").stdout
        for _ in range(2):
            for f in [pool.submit(p.post, PATH, text("x")) for _ in range(12)]:
                f.result(60)
        assert busy.refused and 2 <= limit() < 12
        text_ = urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics",
                                       timeout=10).read().decode()
        got = re.search(r'penstock_target_limit{target="a/first"} (\d+)',
                        text_)
        assert got and 2 <= int(got[1]) <= 12
        settled(p)
        assert p.status()["targets"][0]["limit"] < 12

# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""A credential that was limited or refused rests in all workers, also in
those that are started later, and comes back by itself."""
import re
import time

import pytest

from conftest import free_port, wait_for
from test_breaker import good, kill_workers, metrics
from test_faults import body, settled
from upstream import Upstream

ONE_KEY = """
listen "127.0.0.1:0" {{ detail = "full" }}
server {{ workers = 2 }}
log {{ format = "json" }}
defaults {{ retries = {{ attempts = 3, same_target = 1 }} }}
provider "a" {{ vendor = "openai-compatible", base_url = "{a}",
               keys = {{ {{ env("UNSET", "k1"), name = "one" }} }} }}
provider "b" {{ vendor = "openai-compatible", base_url = "{b}",
               keys = {{ env("UNSET", "kb") }} }}
model "alone" {{ "a/first" }}
model "other" {{ "a/second" }}
model "both" {{ "a/first", "b/second" }}
"""
CONFIG = """
listen "127.0.0.1:0" {{ detail = "full" }}
server {{ workers = 2 }}
metrics "127.0.0.1:{port}"
log {{ format = "json" }}
provider "a" {{ vendor = "openai-compatible", base_url = "{a}",
               keys = {{ {{ env("UNSET", "k1"), name = "one" }},
                        {{ env("UNSET", "k2"), name = "two" }} }} }}
model "m" {{ "a/first" }}
"""


def start(penstock, a):
    return penstock(CONFIG.format(a=a.url, port=free_port()))


def ask(p):
    return p.post("/v1/chat/completions", body(False, "m"))


def state(p, name):
    return {c["name"]: c for c in p.status()["credentials"]}[name]


def first_key_gets(status, extra=()):
    def handler(conn, request):
        if request.header("authorization") == "Bearer k1":
            conn.answer({"error": {"message": "no"}}, status, extra=extra)
        else:
            good(conn, request)
    return handler


def by_first_key(up):
    return sum(q.header("authorization") == "Bearer k1" for q in up.requests)


def test_a_limited_credential_rests_as_long_as_it_was_told(penstock):
    limited = first_key_gets(429, (("retry-after-ms", "3000"),))
    with Upstream(limited) as up:
        p = start(penstock, up)
        assert state(p, "a#one") == {"name": "a#one", "state": "ok"}
        for _ in range(4):
            assert ask(p).status == 200
        assert by_first_key(up) == 1
        assert state(p, "a#one")["state"] == "cooling"
        assert 2000 < state(p, "a#one")["wait_ms"] <= 3300
        assert state(p, "a#two")["state"] == "ok"
        assert 'penstock_credential_state{credential="a#one",' \
            'state="cooling"} 1' in metrics(p)
        wait_for(lambda: state(p, "a#one")["state"] == "ok", 5)
        for _ in range(4):
            assert ask(p).status == 200
        assert by_first_key(up) == 2
        settled(p)


def test_a_refused_credential_is_parked_for_all(penstock):
    with Upstream(first_key_gets(401)) as up:
        p = start(penstock, up)
        for _ in range(10):
            assert ask(p).status == 200
        assert by_first_key(up) == 1
        assert state(p, "a#one")["state"] == "parked"
        kill_workers(p)
        for _ in range(10):
            assert ask(p).status == 200
        assert by_first_key(up) == 1
        said = p.logs("credential.parked")
        assert [(e["credential"], e["class"]) for e in said] == \
            [("a#one", "auth")]
        assert "a#one: parked, tried again in" in p.cli("status").stdout
        settled(p)


# ---- a single key --------------------------------------------------------


def of(status, extra=(), until=99):
    """Answers `status` to the first `until` requests for "first"."""
    seen = []

    def handler(conn, request):
        if request.json()["model"] == "first" and len(seen) < until:
            seen.append(1)
            conn.answer({"error": {"message": "no"}}, status, extra=extra)
        else:
            good(conn, request)
    return handler


def asked(p, model):
    return p.post("/v1/chat/completions", body(False, model))


def target(p, name):
    return {t["name"]: t for t in p.status()["targets"]}[name]


@pytest.mark.parametrize("status", [429, 503, 529])
def test_a_target_rests_as_long_as_it_was_told(penstock, status):
    """Nobody asks it meanwhile: another one serves, or an honest error."""
    with Upstream(of(status, (("retry-after", "2"),), 1)) as a, \
            Upstream(good) as b:
        p = penstock(ONE_KEY.format(a=a.url, b=b.url))
        first = asked(p, "alone")
        assert first.status == (429 if status == 429 else status)
        assert first.headers["retry-after"] == "2"
        assert "x-should-retry" not in first.headers
        for _ in range(6):  # in both workers
            r = asked(p, "alone")
            assert r.status == 503
            assert re.search(r"all of them rest, the first for \d\.\d s more "
                             r"\(its provider asked for a pause\)",
                             r.json()["error"]["message"])
            assert 1 <= int(r.headers["retry-after"]) <= 3
            assert 0 < int(r.headers["retry-after-ms"]) <= 2200
            assert "x-should-retry" not in r.headers
            assert "no_target" in r.headers["x-penstock-error"]
        assert len(a.requests) == 1
        assert 0 < target(p, "a/first")["cooling_ms"] <= 2200
        assert "cooling for" in p.cli("status").stdout
        assert asked(p, "other").status == 200  # the key has other models
        both = asked(p, "both")
        assert both.status == 200
        assert both.headers["x-penstock-attempts"] == "b:200"
        wait_for(lambda: "cooling_ms" not in target(p, "a/first"), 5)
        assert asked(p, "alone").status == 200
        settled(p)


def test_a_short_pause_is_waited_for(penstock):
    with Upstream(of(429, (("retry-after-ms", "300"),), 1)) as a, \
            Upstream(good) as b:
        p = penstock(ONE_KEY.format(a=a.url, b=b.url))
        begin = time.monotonic()
        assert asked(p, "alone").status == 200
        assert 0.3 <= time.monotonic() - begin < 2
        assert len(a.requests) == 2
        settled(p)


def test_an_untold_limit_shuts_nothing(penstock):
    with Upstream(of(429)) as a, Upstream(good) as b:
        p = penstock(ONE_KEY.format(a=a.url, b=b.url))
        for n in range(1, 4):
            assert asked(p, "alone").status == 429
            assert len(a.requests) == 2 * n  # same_target = 1
        settled(p)


def test_the_only_key_is_parked_but_tried_where_nothing_else_is(penstock):
    with Upstream(of(401, until=2)) as a, Upstream(good) as b:
        p = penstock(ONE_KEY.format(a=a.url, b=b.url))
        assert asked(p, "both").headers["x-penstock-attempts"] == \
            "a:401 b:200"
        assert state(p, "a#one")["state"] == "parked"
        for _ in range(5):
            assert asked(p, "both").headers["x-penstock-attempts"] == "b:200"
        assert len(a.requests) == 1
        assert asked(p, "alone").status == 502
        assert len(a.requests) == 2
        assert asked(p, "alone").status == 200
        assert state(p, "a#one") == {"name": "a#one", "state": "ok"}
        assert asked(p, "both").headers["x-penstock-attempts"] == "a:200"
        said = p.logs("credential.parked")
        assert [e["credential"] for e in said] == ["a#one"]
        settled(p)

# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""A credential that was limited or refused rests in all workers, also in
those that are started later, and comes back by itself."""
from conftest import free_port, wait_for
from test_breaker import good, kill_workers, metrics
from test_faults import body, settled
from upstream import Upstream

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

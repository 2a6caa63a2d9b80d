# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""GET /health on the admin listener: from targets to the gateway, and why."""
from conftest import free_port
from test_admin import TOKENS, VIEWER, Admin
from test_breaker import Sick, good
from test_faults import body
from upstream import Upstream

CONFIG = """
listen "127.0.0.1:0" {{ anonymous = "local" }}
server {{ workers = 2 }}
defaults {{ retries = {{ attempts = 1 }} }}
admin "127.0.0.1:0" {{ tokens = {{ {{ env "T_VIEWER" }} }} }}
keys {{ store = true }}
provider "a" {{ vendor = "openai-compatible", base_url = "{a}",
               keys = {{ {{ env("UNSET", "k1"), name = "one" }},
                        {{ env("UNSET", "k2"), name = "two" }} }} }}
provider "b" {{ vendor = "openai-compatible", base_url = "{b}", keys = {{}} }}
model "both" {{ "a/first", "b/second" }}
model "alone" {{ "a/first" }}
"""


def start(penstock, a, b):
    return penstock(CONFIG.format(a=a.url, b=b.url, port=free_port()),
                    env=TOKENS)


def health(p, status):
    got, v = Admin(p, VIEWER)("GET", "/health")
    assert got == status
    return v, {kind: {x["name"]: x for x in v[kind]}
               for kind in ("models", "providers", "targets")}


def switch(p, word, name):
    assert p.cli("target", word, name).returncode == 0


def test_all_is_well(penstock):
    with Upstream(good) as a, Upstream(good) as b:
        p = start(penstock, a, b)
        v, by = health(p, 200)
        assert (v["status"], v["reasons"]) == ("ok", [])
        for kind, names in (("models", {"both", "alone"}),
                            ("providers", {"a", "b"}),
                            ("targets", {"a/first", "b/second"})):
            assert set(by[kind]) == names
            assert {x["status"] for x in by[kind].values()} == {"ok"}
        assert Admin(p, None)("GET", "/health")[0] == 401


def test_from_a_target_to_the_gateway(penstock):
    with Upstream(good) as a, Upstream(good) as b:
        p = start(penstock, a, b)
        switch(p, "disable", "a/first")
        v, by = health(p, 200)
        assert by["targets"]["a/first"] == {
            "name": "a/first", "status": "down", "in_flight": 0,
            "reasons": ["disabled by an operator"]}
        assert by["providers"]["a"]["status"] == "down"
        assert by["models"]["alone"]["status"] == "down"
        assert by["models"]["both"] == {
            "name": "both", "status": "degraded",
            "reasons": ["a/first: disabled by an operator"]}
        assert v["status"] == "degraded"
        assert v["reasons"] == ["both: degraded", "alone: down"]
        switch(p, "drain", "b/second")
        v, by = health(p, 503)
        assert v["status"] == "down"
        assert {x["status"] for x in by["models"].values()} == {"down"}
        switch(p, "enable", "a/first")
        switch(p, "enable", "b/second")
        assert health(p, 200)[0]["status"] == "ok"


def test_a_breaker_and_a_key(penstock):
    sick = Sick()

    def refuses(conn, request):
        if request.header("authorization") == "Bearer k1":
            conn.answer({"error": {"message": "no"}}, 401)
        else:
            sick(conn, request)
    with Upstream(refuses) as a, Upstream(good) as b:
        p = start(penstock, a, b)
        got = [p.post("/v1/chat/completions", body(False, "alone")).status
               for _ in range(10)]
        assert got.count(500) >= 5, got
        v, by = health(p, 200)
        why = by["targets"]["a/first"]["reasons"][0]
        assert why.startswith("its breaker is open, tried again in ")
        assert "a#one: parked" in by["providers"]["a"]["reasons"]
        assert by["models"]["both"]["status"] == "degraded"

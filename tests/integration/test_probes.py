# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""Targets are looked after beside requests: probes that cost nothing, and
targets that are taken out by themselves and put back."""
import os
import threading
import time

import pytest

from conftest import free_port, wait_for
from test_breaker import ask, metrics, state
from test_faults import CONTENT, DONE, FINISH, ROLE, WHOLE
from upstream import Upstream

LONG = pytest.mark.skipif(os.environ.get("PENSTOCK_LONG") != "1",
                          reason="PENSTOCK_LONG=1")

CONFIG = """
listen "127.0.0.1:0" {{ detail = "full" }}
server {{ workers = 2 }}
metrics "127.0.0.1:{port}"
defaults {{ health = {{ probe = "{probe}", interval = "1s",
                        timeout = "2s" }},
            retries = {{ attempts = 2, same_target = 0 }} }}
provider "a" {{ vendor = "openai-compatible", base_url = "{a}",
               keys = {{ env("UNSET", "ka") }} {more} }}
provider "b" {{ vendor = "openai-compatible", base_url = "{b}",
               keys = {{ env("UNSET", "kb") }}, health = {{ probe = "off" }} }}
model "m" {{ "a/first", "b/second" }}
model "n" {{ "a/other", "b/second" }}
"""
LIST = {"object": "list", "data": [{"id": "first", "object": "model"},
                                   {"id": "other", "object": "model"}]}


class Host:
    """Two answers, each to be changed: to chats and to all else."""

    def __init__(self, chat=(200, WHOLE), other=(200, LIST)):
        self.chat, self.other = chat, other
        self.chats, self.others = [], []
        self.lock = threading.Lock()

    def __call__(self, conn, request):
        is_chat = request.path == "/v1/chat/completions"
        with self.lock:
            (self.chats if is_chat else self.others).append(request)
            status, what = self.chat if is_chat else self.other
        if is_chat and status == 200 and request.json().get("stream"):
            conn.answer(ROLE + CONTENT % "hello" + FINISH + DONE, 200,
                        "text/event-stream")
            return
        conn.answer(what, status)


BROKEN = (500, {"error": {"message": "broken"}})
GONE = (404, {"error": {"message": "The model `first` does not exist",
                        "type": "invalid_request_error",
                        "code": "model_not_found"}})


def start(penstock, a, b, probe="open", more=""):
    return penstock(CONFIG.format(a=a.url, b=b.url, port=free_port(),
                                  probe=probe, more=more))


def events(p, name):
    return [x for x in p.logs(name)]


def test_a_probe_keeps_a_breaker_open_and_lets_it_try_sooner(penstock):
    sick, well = Host(BROKEN, BROKEN), Host()
    with Upstream(sick) as a, Upstream(well) as b:
        p = start(penstock, a, b)
        for _ in range(5):
            assert ask(p).status == 200
        assert state(p)["state"] == "open"
        wait_for(lambda: state(p).get("probes_failed", 0) >= 2)
        assert state(p)["state"] == "open"
        assert events(p, "probe.failed")[0]["why"] == "status 500"
        # what is asked for costs nothing, and has the key
        for r in sick.others:
            assert (r.method, r.path) == ("GET", "/v1/models")
            assert r.header("authorization") == "Bearer ka"
        assert not well.others  # it is switched off there
        sick.chat, sick.other = (200, WHOLE), (200, LIST)
        wait_for(lambda: state(p)["state"] == "half_open")
        assert len(sick.chats) == 5  # no request found it out
        assert events(p, "probe.passed")[0]["target"] == "a/first"
        for _ in range(3):
            assert ask(p).status == 200
        assert state(p)["state"] == "closed" and len(sick.chats) == 8
        text = metrics(p)
        assert 'penstock_probes_total{provider="a",result="good"}' in text
        assert 'penstock_probes_total{provider="a",result="bad"}' in text
        assert 'penstock_target_in_flight{target="a/first"} 0' in text
        # closed: it is let be
        n = len(sick.others)
        time.sleep(1.5)
        assert len(sick.others) == n


@LONG
def test_a_list_that_comes_all_the_time_opens_no_way(penstock):
    sick = Host(BROKEN, (200, LIST))
    with Upstream(sick) as a, Upstream(Host()) as b:
        p = start(penstock, a, b)
        for _ in range(5):
            assert ask(p).status == 200
        wait_for(lambda: len(sick.others) >= 2)
        assert state(p)["state"] == "open"


@LONG
def test_an_idle_target_is_found_sick_before_a_client_finds_it(penstock):
    sick = Host(BROKEN, BROKEN)
    with Upstream(sick) as a, Upstream(Host()) as b:
        p = start(penstock, a, b, "idle")
        wait_for(lambda: state(p)["state"] == "open")
        assert state(p, "a/other")["state"] == "open"  # one host, one probe
        assert ask(p).status == 200
        assert not sick.chats
        assert {r.method for r in sick.others} == {"GET"}
        assert p.cli("target", "list").stdout.count("open") >= 2


@LONG
def test_probes_may_be_off_and_may_ask_for_a_path(penstock):
    host = Host()
    with Upstream(host) as a, Upstream(Host()) as b:
        p = start(penstock, a, b, "off")
        time.sleep(2.2)
        assert not host.others
        p.stop()
        start(penstock, a, b, "idle", ', health = { path = "/health" }')
        wait_for(lambda: host.others)
        assert {r.path for r in host.others} == {"/v1/health"}


def until_taken_out(p, name="a/first"):
    def out():
        assert ask(p).status == 200
        time.sleep(0.3)
        return state(p, name).get("taken_out")
    return wait_for(out, 20)


@LONG
def test_a_model_that_is_gone_takes_its_target_out(penstock):
    host = Host(GONE, (200, {"object": "list", "data": LIST["data"][1:]}))
    with Upstream(host) as a, Upstream(Host()) as b:
        p = start(penstock, a, b)
        assert until_taken_out(p) == "model_gone"
        out = events(p, "target.taken_out")
        assert [(x["target"], x["why"]) for x in out] == [("a/first",
                                                          "model_gone")]
        n = len(host.chats)
        for _ in range(5):
            assert ask(p).status == 200
        assert len(host.chats) == n
        assert "taken out by itself: model_gone" in \
            p.cli("target", "list").stdout
        assert "taken out by itself: model_gone" in p.cli("status").stdout
        assert 'penstock_target_state{target="a/first",state="taken_out"} 1' \
            in metrics(p)
        assert state(p, "a/other").get("taken_out") is None
        # the list comes, but the model is not in it
        n = len(host.others)
        wait_for(lambda: len(host.others) >= n + 2)
        assert state(p)["taken_out"] == "model_gone"
        host.chat, host.other = (200, WHOLE), (200, LIST)
        wait_for(lambda: not state(p).get("taken_out"))
        assert [x["by"] for x in events(p, "target.put_back")] == ["probe"]
        assert ask(p).headers["x-penstock-target"] == "a/first"


@LONG
def test_what_is_taken_out_serves_where_nothing_else_is_left(penstock):
    host = Host((401, {"error": {"message": "bad key",
                                 "code": "invalid_api_key"}}), (401, {}))
    with Upstream(host) as a, Upstream(Host()) as b:
        p = start(penstock, a, b)
        assert p.cli("target", "disable", "b/second").returncode == 0

        def out():
            assert ask(p).status == 502
            time.sleep(0.3)
            return state(p).get("taken_out")
        assert wait_for(out, 20) == "auth"
        n = len(host.others)
        wait_for(lambda: len(host.others) >= n + 2)
        assert state(p)["taken_out"] == "auth"  # 401 to a probe is no proof
        host.chat = (200, WHOLE)
        assert ask(p).status == 200  # the last one is asked all the same
        assert not state(p).get("taken_out")
        assert [x["by"] for x in events(p, "target.put_back")] == ["request"]


def test_an_operators_word_is_above_it(penstock):
    host = Host(GONE, (200, LIST))
    with Upstream(host) as a, Upstream(Host()) as b:
        p = start(penstock, a, b, "off")
        until_taken_out(p)
        assert p.cli("target", "disable", "a/first").returncode == 0
        n = len(host.chats)
        assert ask(p).status == 200 and len(host.chats) == n
        assert state(p)["off"] == "disabled"
        host.chat = (200, WHOLE)
        assert p.cli("target", "enable", "a/first").returncode == 0
        assert not state(p).get("taken_out")
        assert [x["by"] for x in events(p, "target.put_back")] == ["operator"]
        assert ask(p).headers["x-penstock-target"] == "a/first"


@LONG
def test_it_may_be_switched_off(penstock):
    host = Host(GONE, (200, LIST))
    with Upstream(host) as a, Upstream(Host()) as b:
        p = start(penstock, a, b, "off",
                  ", health = { auto_disable = false }")
        for _ in range(8):
            assert ask(p).status == 200
            time.sleep(0.3)
        assert not state(p).get("taken_out")
        assert len(host.chats) == 8

# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""Who tries again, and how often: the gateway within its tries, and then
nobody. The official SDKs of both dialects count as clients, upstream's hits
are the measure."""
import http.client
import json
import re
import time

import anthropic
import openai
import pytest

from conftest import wait_for
from test_breaker import good
from test_faults import body, settled
from test_sdk_anthropic import BLOCK, END, START, STOP, text
from upstream import Upstream

CONFIG = """
listen "127.0.0.1:0" {{ detail = "full" }}
server {{ workers = 1 }}
defaults {{ timeouts = {{ head = "30s" }},
            retries = {{ attempts = {attempts}, same_target = {same} }} }}
provider "a" {{ vendor = "{vendor}", base_url = "{a}",
               keys = {{ env("UNSET", "ka") }} }}
provider "b" {{ vendor = "{vendor}", base_url = "{b}",
               keys = {{ env("UNSET", "kb") }} }}
model "m" {{ "a/first" }}
model "both" {{ "a/first", "b/second" }}
"""
ANSWER = START + BLOCK + text("late") + END + STOP


def start(penstock, a, b=None, attempts=3, same=2, vendor="openai"):
    cut = -3 if vendor == "anthropic" else None
    return penstock(CONFIG.format(
        a=a.url[:cut], b=(b or a).url[:cut], attempts=attempts, same=same,
        vendor=vendor + "-compatible"))


def ask_openai(p, model="m"):
    with openai.OpenAI(base_url=p.url + "/v1", api_key="none",
                       max_retries=3) as c:
        c.chat.completions.create(
            model=model, messages=[{"role": "user", "content": "hi"}])


def ask_anthropic(p, model="m"):
    with anthropic.Anthropic(base_url=p.url, api_key="none",
                             max_retries=3) as c:
        with c.messages.stream(model=model, max_tokens=5, messages=[
                {"role": "user", "content": "hi"}]) as s:
            assert "".join(s.text_stream) == "late"


def serve(conn, request):
    if request.path.endswith("/messages"):
        conn.answer(ANSWER, 200, "text/event-stream")
    else:
        good(conn, request)


CLIENTS = [("openai", ask_openai, openai.APIStatusError),
           ("anthropic", ask_anthropic, anthropic.APIStatusError)]
BOTH = pytest.mark.parametrize("vendor, ask, error", CLIENTS,
                               ids=["openai", "anthropic"])


def fails(status, extra=(), times=99):
    def handler(conn, request):
        if len(conn.upstream.requests) <= times:
            conn.answer({"type": "error", "error": {
                "type": "api_error", "message": "no"}}, status, extra=extra)
        else:
            serve(conn, request)
    return handler


@BOTH
def test_a_cooldown_is_kept_and_then_it_serves(penstock, vendor, ask, error):
    with Upstream(fails(429, (("retry-after", "3"),), 1)) as up:
        p = start(penstock, up, vendor=vendor)
        begin = time.monotonic()
        ask(p)
        assert time.monotonic() - begin >= 3
        assert len(up.requests) == 2
        settled(p)


@BOTH
@pytest.mark.parametrize("extra", [(), (("x-should-retry", "true"),)],
                         ids=["plain", "told-to-retry"])
def test_hits_are_the_tries_and_no_more(penstock, vendor, ask, error, extra):
    """Whatever the provider says to SDKs: the gateway has tried for them."""
    with Upstream(fails(500, extra)) as a, Upstream(fails(500, extra)) as b:
        p = start(penstock, a, b, vendor=vendor)
        with pytest.raises(error) as e:
            ask(p)
        assert e.value.response.headers["x-should-retry"] == "false"
        assert len(a.requests) == 3
        with pytest.raises(error):
            ask(p, "both")
        assert len(a.requests) + len(b.requests) == 6
        settled(p)


def test_the_provider_may_forbid_it(penstock):
    with Upstream(fails(500, (("x-should-retry", "false"),))) as up:
        p = start(penstock, up)
        assert p.post("/v1/chat/completions", body(False, "m")).status == 500
        assert len(up.requests) == 1
        settled(p)


def test_a_slow_failure_is_not_doubled(penstock):
    def slow(conn, request):
        time.sleep(10.5)
        conn.answer({"error": {"message": "no"}}, 502)

    with Upstream(slow) as a, Upstream(good) as b:
        p = start(penstock, a, b)
        begin = time.monotonic()
        c = http.client.HTTPConnection("127.0.0.1", p.port, timeout=30)
        c.request("POST", "/v1/chat/completions",
                  json.dumps(body(False, "m")),
                  {"content-type": "application/json"})
        assert c.getresponse().status == 502
        assert time.monotonic() - begin < 15 and len(a.requests) == 1
        c.close()
        settled(p)


def test_the_soonest_target_is_waited_for(penstock):
    with Upstream(fails(429, (("retry-after", "3"),))) as a, \
            Upstream(fails(429, (("retry-after", "40"),))) as b:
        p = start(penstock, a, b)
        r = p.post("/v1/chat/completions", body(False, "both"))
        assert r.status == 429 and 3 <= int(r.headers["retry-after"]) <= 4
        assert "x-should-retry" not in r.headers
        assert len(a.requests) == len(b.requests) == 1
        settled(p)


def test_a_pause_is_no_time_of_the_gateways(penstock):
    """Server-Timing: what was waited before a further try has its own name,
    and nothing is told twice."""
    with Upstream(fails(429, (("retry-after", "1"),), 1)) as up:
        p = start(penstock, up)
        begin = time.monotonic()
        r = p.post("/v1/chat/completions", body(False, "m"))
        passed_ms = (time.monotonic() - begin) * 1000
        assert r.status == 200 and len(up.requests) == 2
        ms = {name: float(dur) for name, dur in re.findall(
            r"(\w+);dur=([0-9.]+)", r.headers["server-timing"])}
        assert list(ms) == ["gw", "queue", "retry", "upstream"]
        assert ms["retry"] >= 1000
        assert sum(ms.values()) <= passed_ms, (ms, passed_ms)
        settled(p)


# ---- settings and the budget ------------------------------------------------

MODELS = """
listen "127.0.0.1:0"
server {{ workers = 2 }}
defaults {{ retries = {{ attempts = 3, same_target = 1, budget = "0%" }} }}
provider "a" {{ vendor = "openai-compatible", base_url = "{a}",
               keys = {{ env("UNSET", "ka") }} }}
model "poor" {{ "a/first" }}
model "rich" {{ "a/second", retries = {{ attempts = 5, same_target = 4,
                                       budget = "100%" }} }}
model "once" {{ "a/third", retries = {{ attempts = 1 }} }}
"""


def test_a_model_has_its_own_settings_and_budget(penstock):
    """20 further tries at first, then a share of the requests, and half a
    one a second: in all workers together, and for each model apart."""
    with Upstream(fails(500, times=10000)) as up:
        p = penstock(MODELS.format(a=up.url))

        def hits(model, n):
            before = len(up.requests)
            for _ in range(n):
                assert p.post("/v1/chat/completions",
                              body(False, model)).status == 500
            return len(up.requests) - before

        assert hits("once", 2) == 2
        assert hits("rich", 1) == 5
        begin = time.monotonic()
        got, took = hits("poor", 60), time.monotonic() - begin
        assert 60 + 20 <= got <= 60 + 20 + took / 2 + 1
        wait_for(lambda: "the model's budget is used up" in
                 str(p.logs("request")[-1]), why="the reason in the line")
        assert hits("rich", 1) == 5
        settled(p)

# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""What a target refuses for its content goes to the model that is named for
it: across dialects, within the tries, and never past what a policy kept."""
import pytest

from test_breaker import good
from test_faults import body, settled
from upstream import Upstream

CONFIG = """
listen "127.0.0.1:0" {{ detail = "full" }}
server {{ workers = 1 }}
defaults {{ retries = {{ attempts = {attempts}, same_target = 0 }} }}
{more}
provider "a" {{ vendor = "anthropic-compatible", base_url = "{a}",
               keys = {{ env("UNSET", "ka") }} }}
provider "b" {{ vendor = "openai-compatible", base_url = "{b}",
               keys = {{ env("UNSET", "kb") }}, tags = {{ region = "us" }} }}
model "m" {{ "a/first", "b/never", on = {{ context_length = "long",
                                         content_filter = "mild" }} }}
model "long" {{ "b/long", on = {{ context_length = "longer" }} }}
model "longer" {{ "b/long", "b/longer" }}
model "mild" {{ "b/mild" }}
"""
TOO_LONG = {"type": "error", "error": {
    "type": "invalid_request_error",
    "message": "prompt is too long: 210000 tokens > 200000 maximum"}}
KEEP = """
return { api = 1, route = function(req, conf, plan)
  plan:keep("not there", function(t) return t.tags.region ~= "us" end)
end }
"""


def start(penstock, a, b, attempts=4, more=""):
    return penstock(CONFIG.format(a=a.url[:-3], b=b.url, attempts=attempts,
                                  more=more))


def ask(p, stream=False):
    return p.post("/v1/chat/completions", body(stream, "m"))


def too_long(conn, _):
    conn.answer(TOO_LONG, 400)


def openai_fault(code, message="no"):
    def handler(conn, _):
        conn.answer({"error": {"message": message, "code": code,
                               "type": "invalid_request_error"}}, 400)
    return handler


def models(up):
    return [r.json()["model"] for r in up.requests]


@pytest.mark.parametrize("stream", [False, True])
def test_too_long_goes_to_the_longer_model(penstock, stream):
    with Upstream(too_long) as a, Upstream(good) as b:
        p = start(penstock, a, b)
        for _ in range(8):
            got = ask(p, stream)
            assert got.status == 200 and b"hello" in got.body
            assert got.headers["x-penstock-model"] == "long"
        assert models(a) == ["first"] * 8 and models(b) == ["long"] * 8
        # callers' faults say nothing of a target's health
        assert p.status()["targets"] == [] or all(
            t["state"] == "closed" for t in p.status()["targets"])
        settled(p)


def test_a_chain_is_followed_and_no_target_asked_twice(penstock):
    def handler(conn, request):
        if request.json()["model"] == "long":
            openai_fault("context_length_exceeded")(conn, request)
        else:
            good(conn, request)
    with Upstream(too_long) as a, Upstream(handler) as b:
        p = start(penstock, a, b)
        assert ask(p).status == 200
        assert models(b) == ["long", "longer"]


def test_tries_are_counted_over_all(penstock):
    with Upstream(too_long) as a, Upstream(good) as b:
        p = start(penstock, a, b, attempts=1)
        got = ask(p)
        assert got.status == 400 and not b.requests
        assert "too long" in got.json()["error"]["message"]


def test_the_refusal_is_told_where_the_other_fails_too(penstock):
    def broken(conn, _):
        conn.answer({"error": {"message": "broken"}}, 500)
    with Upstream(too_long) as a, Upstream(broken) as b:
        p = start(penstock, a, b)
        got = ask(p)
        assert got.status == 400 and models(b) == ["long"]
        assert "too long" in got.json()["error"]["message"]
        assert "side=client" in got.headers["x-penstock-error"]
        assert "retry-after" not in got.headers


def test_what_a_filter_refuses_goes_elsewhere(penstock):
    def filtered(conn, _):
        conn.answer({"type": "error", "error": {
            "type": "invalid_request_error",
            "message": "Output blocked by content filtering policy"}}, 400)
    with Upstream(filtered) as a, Upstream(good) as b:
        p = start(penstock, a, b)
        assert ask(p).status == 200
        assert models(b) == ["mild"]


def test_a_policy_keeps_it_from_there(penstock, tmp_path):
    (tmp_path / "keep.lua").write_text(KEEP)
    with Upstream(too_long) as a, Upstream(good) as b:
        p = start(penstock, a, b, more=f'policy_path "{tmp_path}"\n'
                  'policies { "route", "keep" }')
        assert ask(p).status == 400
        assert models(a) == ["first"] and not b.requests


def test_others_faults_go_on_as_ever(penstock):
    with Upstream(openai_fault("x")) as a, Upstream(good) as b:
        p = start(penstock, a, b)
        assert ask(p).status == 400
        assert not b.requests

# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""No target of a model can serve: the model or the reply that `on_exhausted`
names, in each dialect, streamed or not; else the honest error."""
import http.client
import json
import urllib.request

import pytest

from conftest import wait_for
from test_breaker import good
from test_faults import CONTENT, ROLE, body, one_line, settled
from upstream import Upstream

CONFIG = """
listen "127.0.0.1:0" {{ detail = "full" }}
metrics "127.0.0.1:0"
server {{ workers = 1 }}
defaults {{ timeouts = {{ total = "{total}"{times} }},
           retries = {{ attempts = 2, same_target = 0 }} }}
{more}
provider "a" {{ vendor = "openai-compatible", base_url = "{a}",
               keys = {{ env("UNSET", "ka") }} }}
provider "b" {{ vendor = "openai-compatible", base_url = "{b}",
               keys = {{ env("UNSET", "kb") }} }}
model "m" {{ "a/first", "a/second", on_exhausted = {then} }}
model "small" {{ "b/small", on_exhausted = {{ reply = "Later, please." }} }}
"""
TO_SMALL = '{ model = "small" }'
TO_REPLY = '{ reply = "We are \\"down\\"." }'
TEXT = 'We are "down".'


def start(penstock, a, b, then, more="", total="60s", times=""):
    return penstock(CONFIG.format(a=a.url, b=b.url, then=then, more=more,
                                  total=total, times=times))


def broken(conn, _):
    conn.answer({"error": {"message": "broken"}}, 500)


def models(up):
    return [r.json()["model"] for r in up.requests]


def ask(p, stream=False):
    return p.post("/v1/chat/completions", body(stream, "m"))


@pytest.mark.parametrize("stream", [False, True])
def test_a_smaller_model_takes_over(penstock, stream):
    with Upstream(broken) as a, Upstream(good) as b:
        p = start(penstock, a, b, TO_SMALL)
        got = ask(p, stream)
        assert got.status == 200 and b"hello" in got.body
        assert got.headers["x-penstock-degraded"] == "small"
        assert got.headers["x-penstock-model"] == "small"
        assert "x-penstock-error" not in got.headers
        # its tries are counted anew
        assert models(a) == ["first", "second"] and models(b) == ["small"]
        line = one_line(p)
        assert line["degraded"] == "small" and line["status"] == 200
        assert "error" not in line and len(line["attempts"]) == 3
        assert any(n.startswith("on_exhausted: m: model small (")
                   for n in line["notes"])
        settled(p)


def test_who_is_well_is_not_degraded(penstock):
    with Upstream(good) as a, Upstream(good) as b:
        p = start(penstock, a, b, TO_SMALL)
        got = ask(p)
        assert got.status == 200 and not b.requests
        assert "x-penstock-degraded" not in got.headers
        assert "degraded" not in one_line(p)


def texts(dialect, stream, got):
    """What the answer says, read as its clients do."""
    if not stream:
        j = got.json()
        return {"chat": lambda: j["choices"][0]["message"]["content"],
                "completions": lambda: j["choices"][0]["text"],
                "messages": lambda: j["content"][0]["text"],
                }[dialect]()
    out = ""
    for line in got.body.decode().split("\n"):
        if not line.startswith("data: {"):
            continue
        e = json.loads(line[6:])
        if dialect == "chat":
            for c in e["choices"]:
                out += c["delta"].get("content") or ""
        elif dialect == "completions":
            for c in e["choices"]:
                out += c["text"]
        elif e.get("type") == "content_block_delta":
            out += e["delta"]["text"]
    return out


PATHS = {
    "chat": ("/v1/chat/completions",
             {"messages": [{"role": "user", "content": "x"}]}),
    "completions": ("/v1/completions", {"prompt": "x"}),
    "messages": ("/v1/messages",
                 {"messages": [{"role": "user", "content": "x"}],
                  "max_tokens": 9}),
}


@pytest.mark.parametrize("stream", [False, True])
def test_a_fixed_reply_in_every_dialect(penstock, stream):
    with Upstream(broken) as a, Upstream(good) as b:
        p = start(penstock, a, b, TO_REPLY)
        for dialect, (path, more) in PATHS.items():
            got = p.post(path, {"model": "m", "stream": stream, **more})
            assert got.status == 200, (dialect, got.body)
            assert texts(dialect, stream, got) == TEXT, dialect
            assert got.headers["x-penstock-degraded"] == "reply"
            assert "retry-after" not in got.headers
        wait_for(lambda: len(p.logs("request")) == len(PATHS))
        for line in p.logs("request"):
            assert line["degraded"] == "reply"
            assert line["ended"] == "answered"
            assert line["answered_by"] == "on_exhausted"
        url = "http://" + p.status()["metrics"] + "/metrics"
        told = urllib.request.urlopen(url, timeout=10).read().decode()
        assert ('penstock_degraded_total{model="m",to="reply"} 3'
                in told), told
        settled(p)


def test_the_model_first_then_its_reply(penstock):
    with Upstream(broken) as a, Upstream(broken) as b:
        p = start(penstock, a, b, TO_SMALL)
        got = ask(p)
        assert got.status == 200 and models(b) == ["small"]
        assert texts("chat", False, got) == "Later, please."


def test_resting_targets_are_none(penstock):
    def limited(conn, _):
        conn.answer({"error": {"message": "slow down"}}, 429,
                    extra=[("retry-after", "30")])
    with Upstream(limited) as a, Upstream(good) as b:
        p = start(penstock, a, b, TO_SMALL)
        for _ in range(2):
            assert ask(p).status == 200
        assert len(a.requests) <= 2 and models(b) == ["small"] * 2


def test_endpoints_without_text_get_the_error(penstock):
    with Upstream(broken) as a, Upstream(broken) as b:
        p = start(penstock, a, b, TO_REPLY)
        got = p.post("/v1/embeddings", {"model": "m", "input": "x"})
        assert got.status >= 500 and "error" in got.json()
        assert "x-penstock-degraded" not in got.headers


def test_a_callers_fault_stays_his(penstock):
    def bad(conn, _):
        conn.answer({"error": {"message": "no such thing", "code": "x",
                               "type": "invalid_request_error"}}, 400)
    with Upstream(bad) as a, Upstream(good) as b:
        p = start(penstock, a, b, '{ model = "small", reply = "x" }')
        assert ask(p).status == 400 and not b.requests


def test_after_content_nothing_is_put_on_top(penstock):
    def cut(conn, _):
        conn.head(200, "text/event-stream")
        conn.chunk(ROLE)
        conn.chunk(CONTENT)
        conn.reset()
    with Upstream(cut) as a, Upstream(good) as b:
        p = start(penstock, a, b, '{ model = "small", reply = "x" }')
        with pytest.raises(http.client.IncompleteRead) as got:
            ask(p, True)
        assert b"content" in got.value.partial
        assert b"down" not in got.value.partial and not b.requests
        assert "degraded" not in one_line(p)


def test_past_the_deadline_there_is_the_reply_alone(penstock):
    def silent(conn, _):
        conn.wait_gone()
    with Upstream(silent) as a, Upstream(good) as b:
        p = start(penstock, a, b,
                  '{ model = "small", reply = "too late" }', total="300ms")
        got = ask(p)
        assert got.status == 200 and not b.requests
        assert texts("chat", False, got) == "too late"


def test_after_keepalives_the_stream_goes_on(penstock):
    def silent(conn, _):
        conn.wait_gone()
    for then, said in (('{ reply = "later" }', "later"),
                       (TO_SMALL, "hello")):
        with Upstream(silent) as a, Upstream(good) as b:
            p = start(penstock, a, b, then,
                      times=', commit_after = "50ms", first_event = "400ms"')
            got = ask(p, True)
            assert got.body.startswith(b":")
            assert texts("chat", True, got) == said
            assert got.body.rstrip().endswith(b"data: [DONE]")
            settled(p)


def test_the_route_is_asked_again(penstock, tmp_path):
    (tmp_path / "keep.lua").write_text("""
return { api = 1, route = function(req, conf, plan)
  plan:drop("not there", function(t) return t.provider == "b" end)
end }
""")
    with Upstream(broken) as a, Upstream(good) as b:
        p = start(penstock, a, b, TO_SMALL,
                  more=f'policy_path "{tmp_path}"\n'
                       'policies { "route", "keep" }')
        got = ask(p)
        assert texts("chat", False, got) == "Later, please."
        assert not b.requests


@pytest.mark.parametrize("then, said", [
    ('{ model = "nobody" }', "nobody"),
    ('{ model = "m" }', 'leads back to "m"'),
    ("{ }", "model"),
])
def test_what_leads_nowhere_is_refused(cli, tmp_path, then, said):
    f = tmp_path / "c.conf"
    f.write_text(CONFIG.format(a="http://127.0.0.1:9/v1", total="9s", times="",
                               b="http://127.0.0.1:9/v1", then=then, more=""))
    got = cli("check", "--static", str(f))
    assert got.returncode == 1 and said in got.stdout + got.stderr
    assert "on_exhausted" in got.stdout + got.stderr

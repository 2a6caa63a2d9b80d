# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""Anthropic's dialect, native: heads both ways, errors in its shape, pings,
failover before content, cut streams that never end well, models by caller."""
import json
import time

import pytest

from conftest import Answer
from test_faults import one_line, read_stream as read_openai, settled
from upstream import SHARED, Upstream

CONFIG = """
listen "127.0.0.1:0" {{ detail = "full" }}
defaults {{ timeouts = {{ commit_after = "200ms", total = "20s",
                          first_event = "3s", idle = "1s" }},
            retries = {{ attempts = 2, same_target = 0 }} }}
provider "a" {{ vendor = "anthropic-compatible", base_url = "{a}",
               keys = {{ env("UNSET", "sk-ant-api-a") }} }}
provider "b" {{ vendor = "anthropic-compatible", base_url = "{b}",
               keys = {{ env("UNSET", "sk-ant-oat01-b") }} }}
model "m" {{ "a/first", "b/second" }}
{more}
"""


def event(name, **fields):
    return f"event: {name}\ndata: {json.dumps({'type': name, **fields})}\n\n"


START = event("message_start", message={
    "id": "msg_1", "type": "message", "role": "assistant", "model": "first",
    "content": [], "stop_reason": None,
    "usage": {"input_tokens": 9, "output_tokens": 1}})
PING = 'event: ping\ndata: {"type": "ping"}\n\n'
BLOCK = event("content_block_start", index=0,
              content_block={"type": "text", "text": ""})
END = (event("content_block_stop", index=0)
       + event("message_delta", delta={"stop_reason": "end_turn"},
               usage={"output_tokens": 5}))
STOP = event("message_stop")
ERROR = event("error", error={"type": "overloaded_error",
                              "message": "Overloaded"})
WHOLE = {"id": "msg_1", "type": "message", "role": "assistant",
         "content": [{"type": "text", "text": "hello"}],
         "stop_reason": "end_turn",
         "usage": {"input_tokens": 9, "output_tokens": 5}}


def text(words):
    return event("content_block_delta", index=0,
                 delta={"type": "text_delta", "text": words})


def body(stream=False, model="m"):
    return {"model": model, "max_tokens": 10, "stream": stream,
            "messages": [{"role": "user", "content": "hi"}]}


def start(penstock, a, b=None, more=""):
    return penstock(CONFIG.format(a=a.url[:-3], b=(b or a).url[:-3],
                                  more=more))


def read_stream(p, sent):
    return read_openai(p, sent, "/v1/messages")


def post_with(p, path, sent, *fields):
    """A request whose fields may come twice."""
    data = json.dumps(sent).encode()
    c = p.connect()
    c.putrequest("POST", path)
    for name, value in fields + (("content-length", str(len(data))),):
        c.putheader(name, value)
    c.endheaders(data)
    try:
        return Answer(c.getresponse())
    finally:
        c.close()


def good(conn, request):
    if request.json().get("stream"):
        conn.answer(START + PING + BLOCK + text("hello") + END + STOP, 200,
                    "text/event-stream")
    else:
        conn.answer(WHOLE, extra=[
            ("request-id", "req_up"),
            ("anthropic-ratelimit-requests-remaining", "7"),
            ("anthropic-organization-id", "secret")])


def test_heads(penstock):
    with Upstream(good) as up:
        p = start(penstock, up)
        r = post_with(p, "/v1/messages?beta=true&x=%20", body(),
                      ("anthropic-version", "2026-10-21"),
                      ("anthropic-beta", "one,two"),
                      ("anthropic-beta", "three"),
                      ("openai-beta", "no"), ("cookie", "no"))
        assert r.status == 200 and r.json() == WHOLE
        sent = up.requests[0]
        assert sent.path == "/v1/messages?beta=true&x=%20"
        assert sent.header("anthropic-version") == "2026-10-21"
        assert sent.header("anthropic-beta") == "one,two,three"
        assert sent.header("x-api-key") == "sk-ant-api-a"
        for name in ("authorization", "openai-beta", "cookie"):
            assert sent.header(name) is None
        assert r.headers["request-id"] == one_line(p)["id"]
        assert "x-request-id" not in r.headers
        assert r.headers["x-penstock-upstream-request-id"] == "req_up"
        assert r.headers["anthropic-ratelimit-requests-remaining"] == "7"
        assert "anthropic-organization-id" not in r.headers
        p.post("/anthropic/v1/messages", body())
        assert up.requests[1].header("anthropic-version") == "2023-06-01"


def test_stream_is_untouched(penstock):
    with Upstream(good) as up:
        p = start(penstock, up)
        got, clean = read_stream(p, body(True))
        assert got == START + PING + BLOCK + text("hello") + END + STOP
        assert clean
        sent = up.requests[0].json()
        assert sent == dict(body(True), model="first")
        assert one_line(p)["tokens"] == {"input": 9, "output": 5}


def test_long_query(penstock):
    with Upstream(good) as up:
        p = start(penstock, up)
        assert p.post("/v1/messages?" + "a" * 2048, body()).status == 200
        r = p.post("/v1/messages?" + "a" * 2049, body())
        assert r.status == 400 and len(up.requests) == 1


def test_count_tokens(penstock):
    def count(conn, request):
        assert request.path == "/v1/messages/count_tokens?beta=true"
        conn.answer({"input_tokens": 14})

    with Upstream(count) as up:
        p = start(penstock, up)
        sent = body()
        del sent["max_tokens"], sent["stream"]
        r = p.post("/v1/messages/count_tokens?beta=true", sent)
        assert (r.status, r.json()) == (200, {"input_tokens": 14})
        line = one_line(p)
        assert line["endpoint"] == "count_tokens" and "tokens" not in line
        assert up.requests[0].json() == dict(sent, model="first")


def test_ping_before_content(penstock):
    def slow(conn, _):
        time.sleep(0.7)
        conn.head(200, "text/event-stream")
        conn.chunk(START + BLOCK + text("late") + END + STOP)
        conn.end()

    with Upstream(slow) as up:
        p = start(penstock, up)
        got, clean = read_stream(p, body(True))
        assert got == PING + START + BLOCK + text("late") + END + STOP
        assert clean


def first_event_is_an_error(conn, _):
    conn.answer(ERROR, 200, "text/event-stream")


def cut_before_content(conn, _):
    conn.answer(START + PING + BLOCK, 200, "text/event-stream")


def overloaded(conn, _):
    conn.answer({"type": "error", "error": {"type": "overloaded_error",
                                            "message": "Overloaded"}}, 529)


@pytest.mark.parametrize("fault", [first_event_is_an_error,
                                   cut_before_content, overloaded])
def test_second_target_before_content(penstock, fault):
    with Upstream(fault) as a, Upstream(good) as b:
        p = start(penstock, a, b)
        got, clean = read_stream(p, body(True))
        assert clean and got.endswith(STOP) and got.startswith(START)
        sent = b.requests[0]
        assert sent.header("authorization") == "Bearer sk-ant-oat01-b"
        assert sent.header("x-api-key") is None
        assert sent.json()["model"] == "second"
        assert len(one_line(p)["attempts"]) == 2


def after_error(conn, _):
    conn.answer(START + BLOCK + text("half") + ERROR + STOP, 200,
                "text/event-stream")


def after_cut(conn, _):
    conn.answer(START + BLOCK + text("half"), 200, "text/event-stream")


def after_finish(conn, _):
    """All but the last event: only message_stop ends a message."""
    conn.answer(START + BLOCK + text("half") + END, 200, "text/event-stream")


def after_half_an_event(conn, _):
    conn.answer(START + BLOCK + text("half") + text("more")[:-20], 200,
                "text/event-stream")


def after_reset(conn, _):
    conn.head(200, "text/event-stream")
    conn.chunk(START + BLOCK + text("half"))
    conn.reset()


def after_silence(conn, _):
    conn.head(200, "text/event-stream")
    conn.chunk(START + BLOCK + text("half"))
    conn.wait_gone()


@pytest.mark.parametrize("fault", [after_error, after_cut, after_finish,
                                   after_half_an_event, after_reset,
                                   after_silence])
def test_after_content(penstock, fault):
    with Upstream(fault) as a, Upstream(good) as b:
        p = start(penstock, a, b)
        got, clean = read_stream(p, body(True))
        assert not clean and STOP not in got and not b.requests
        events = got.strip().split("\n\n")
        name, data = events[-1].split("\n")
        assert name == "event: error"
        error = json.loads(data.removeprefix("data: "))
        assert error["type"] == "error"
        assert error["error"]["type"] in ("overloaded_error", "api_error",
                                          "timeout_error")
        assert sum(e.startswith("event: error") for e in events) == 1
        line = one_line(p)
        assert line["ended"] == "error" and line["tokens"]["input"] == 9
        settled(p)


REFUSED = [
    ({"max_tokens": None}, 400, "invalid_request_error", "max_tokens: "),
    ({"messages": "hi"}, 400, "invalid_request_error", "messages: "),
    ({"model": "nobody/x"}, 404, "not_found_error", ""),
]


@pytest.mark.parametrize("change,status,kind,begins", REFUSED)
def test_errors_in_its_shape(penstock, change, status, kind, begins):
    with Upstream(good) as up:
        p = start(penstock, up)
        r = p.post("/v1/messages", dict(body(), **change))
        error = r.json()
        assert (r.status, error["type"]) == (status, "error")
        assert error["error"]["type"] == kind
        assert error["error"]["message"].startswith(begins)
        assert error["request_id"] == r.headers["request-id"]
        assert not up.requests


def test_who_may_call(penstock):
    """Both of the places where SDKs put a key; a wrong one is a 401."""
    with Upstream(good) as up:
        p = start(penstock, up, more="""
key "k" { sha256 =
"1eb79b5d7f7d64fdd4b3b0e3d7a9ddd2a8b4a3a2a9ad9e0f0f8f0c6e9b7d8e1c" }""")
        r = p.post("/v1/messages", body(),
                   headers={"x-api-key": "sk-ant-wrong"})
        assert r.status == 401
        assert r.json()["error"]["type"] == "authentication_error"
        r = p.get("/v1/unknown", headers={"anthropic-version": "2023-06-01"})
        assert r.status == 404
        assert r.json()["error"]["type"] == "not_found_error"
        assert p.get("/v1/unknown").json()["error"]["code"] == "not_found"


def test_the_providers_own_error_passes(penstock):
    said = {"type": "error", "error": {
        "type": "invalid_request_error", "message": "messages.0: no",
        "details": {"error_code": "x"}}, "request_id": "req_up"}
    with Upstream(lambda c, r: c.answer(said, 400)) as up:
        p = start(penstock, up)
        r = p.post("/v1/messages", body())
        assert (r.status, r.json()) == (400, said)
    limited = {"type": "error", "error": {"type": "rate_limit_error",
                                          "message": "slow down"}}
    with Upstream(lambda c, r: c.answer(limited, 429, extra=[
            ("retry-after", "12"),
            ("anthropic-ratelimit-requests-reset", "x")])) as up:
        p = start(penstock, up)
        r = p.post("/v1/messages", body())
        assert (r.status, r.json()) == (429, limited)
        assert r.headers["retry-after"] == "12"
        assert r.headers["anthropic-ratelimit-requests-reset"] == "x"


def test_error_shapes(penstock):
    """Each synthetic error of the vectors, first and last of two tries."""
    shapes = sorted((SHARED / "vectors/error-shapes").glob("anthropic-*"))
    if not shapes:
        pytest.skip("skipped: no recordings")
    for f in shapes:
        x = json.loads(f.read_text())
        r = x["response"]

        def handler(conn, _, r=r, x=x):
            ctype = r["headers"]["content-type"]
            extra = [(k, v) for k, v in r["headers"].items()
                     if k != "content-type"]
            if x.get("close_without_end"):
                conn.head(r["status"], ctype, None, extra)
                conn.chunk(r["body"])
                conn.close()
            conn.answer(r["body"], r["status"], ctype, extra)

        with Upstream(handler) as up:
            p = start(penstock, up)
            if x["stream"] and "first" not in x["id"]:
                got, clean = read_stream(p, body(True))
                assert not clean and got.count("event: error") == 1, x["id"]
                continue
            a = p.post("/v1/messages", body(x["stream"]))
            error = a.json()["error"]
            assert a.status >= 400 and error["message"], x["id"]
            hidden = "403" in x["id"]
            if not x["stream"] and not hidden:
                assert a.status == r["status"], (x["id"], a.body)
                assert a.body.decode() == r["body"], x["id"]


def test_models_by_caller(penstock):
    with Upstream(good) as up:
        more = "\n".join(f'model "z{i:02}" {{ "a/x" }}' for i in range(24))
        p = start(penstock, up, more=more)
        ids = [m["id"] for m in p.get("/v1/models").json()["data"]]
        assert len(ids) == 25
        head = {"anthropic-version": "2023-06-01"}
        first = p.get("/v1/models", headers=head).json()
        assert [m["id"] for m in first["data"]] == ids[:20]
        assert first["has_more"] is True
        assert (first["first_id"], first["last_id"]) == (ids[0], ids[19])
        assert first["data"][0] == {
            "type": "model", "id": ids[0], "display_name": ids[0],
            "created_at": "1970-01-01T00:00:00Z"}
        rest = p.get("/v1/models?limit=10&after_id=" + ids[19],
                     headers={"x-api-key": "none"}).json()
        assert [m["id"] for m in rest["data"]] == ids[20:]
        assert rest["has_more"] is False
        back = p.get("/anthropic/v1/models?limit=3&before_id="
                     + ids[5].replace("z", "%7A")).json()
        assert [m["id"] for m in back["data"]] == ids[2:5]
        assert back["has_more"] is True
        none = p.get("/anthropic/v1/models?after_id=" + ids[24]).json()
        assert none == {"data": [], "has_more": False, "first_id": None,
                        "last_id": None}
        for bad in ("limit=0", "limit=1001", "limit=x", "after_id=nobody"):
            r = p.get("/v1/models?" + bad, headers=head)
            assert r.status == 400, bad
            assert r.json()["error"]["type"] == "invalid_request_error"
        one = p.get("/v1/models/m", headers=head).json()
        assert one["type"] == "model" and one["id"] == "m"
        assert p.get("/v1/models/m").json()["object"] == "model"
        r = p.get("/v1/models/nobody", headers=head)
        assert r.json()["error"]["type"] == "not_found_error"


def test_head_of_the_root(penstock):
    """Some clients look first whether anybody is there."""
    with Upstream(good) as up:
        p = start(penstock, up)
        for path in ("/", "/anthropic", "/anthropic/"):
            r = p.request("HEAD", path)
            assert (r.status, r.body) == (200, b"")
        assert p.get("/").status == 405
        line = one_line(p)
        assert (line["status"], line["endpoint"]) == (405, "root")

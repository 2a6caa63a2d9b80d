# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""What an upstream can do wrong, streamed and not: the client gets the right
status or an error event, the upstream connection is closed, one access line
says what happened, and nothing stays in flight."""
import http.client
import json
import socket

import pytest

from conftest import wait_for
from upstream import Upstream

PROVIDER = """
listen "127.0.0.1:0" {{ detail = "full" }}
defaults {{ timeouts = {{ connect = "2s", first_event = "1s", head = "1s",
                          idle = "1s", total = "3s" }},
            retries = {{ attempts = {attempts}, same_target = 0 }} }}
provider "up" {{ vendor = "openai-compatible", base_url = "{url}",
                 keys = {{ env("UNSET", "sk-up") }} }}
{more}
"""
CONTENT = ('data: {"id":"c","object":"chat.completion.chunk","choices":'
           '[{"index":0,"delta":{"content":"%s"},"finish_reason":null}]}\n\n')
ROLE = ('data: {"id":"c","choices":[{"index":0,"delta":{"role":"assistant",'
        '"content":""},"finish_reason":null}]}\n\n')
FINISH = ('data: {"id":"c","choices":[{"index":0,"delta":{},'
          '"finish_reason":"stop"}]}\n\n')
DONE = "data: [DONE]\n\n"
ERROR = ('data: {"error":{"message":"overloaded","type":"server_error",'
         '"code":"overloaded"}}\n\n')
WHOLE = {"id": "c", "object": "chat.completion", "choices": [
    {"index": 0, "message": {"role": "assistant", "content": "hello"},
     "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 3, "completion_tokens": 2}}


def body(stream, model="up/m"):
    return {"model": model, "stream": stream,
            "messages": [{"role": "user", "content": "hi"}]}


def start(penstock, url, attempts=1, more=""):
    return penstock(PROVIDER.format(url=url, attempts=attempts, more=more))


def one_line(p):
    lines = wait_for(lambda: p.logs("request"), why="an access line")
    assert len(lines) == 1, lines
    return lines[0]


def settled(p):
    wait_for(lambda: sum(w["in_flight"] for w in p.workers()) == 0,
             why="nothing in flight")


# Before any byte of an answer: status, code.

def reset_before(conn, _):
    conn.reset()


def close_before(conn, _):
    conn.close()


def silent(conn, _):
    conn.wait_gone()


def garbage(conn, _):
    conn.send(b"\x00\x01 not http at all\r\n\r\n" * 4)
    conn.close()


def html(conn, _):
    conn.answer("<html>hello</html>", 200, "text/html")


def empty_200(conn, request):
    stream = request.json().get("stream")
    conn.answer("", 200, "text/event-stream" if stream
                else "application/json")


def broken_json(conn, request):
    if request.json().get("stream"):
        conn.answer('data: {"choices":[\n\n', 200, "text/event-stream")
    else:
        conn.answer('{"choices":[', 200)


def error_in_200(conn, request):
    if request.json().get("stream"):
        conn.answer(ERROR + DONE, 200, "text/event-stream")
    else:
        conn.answer({"error": {"message": "overloaded", "code": 503}})


def cut_body(conn, _):
    conn.head(200, "application/json", 1000)
    conn.send('{"choices":')
    conn.close()


def status_500_text(conn, _):
    conn.answer("oops", 500, "text/plain")


def refused_credential(conn, _):
    conn.answer({"error": {"message": "bad key sk-up", "code": "x"}}, 401)


BEFORE = [
    (reset_before, 502, "upstream_error"), (close_before, 502, "upstream_error"),
    (silent, 504, "upstream_timeout"), (garbage, 502, "upstream_error"),
    (html, 502, "upstream_error"), (empty_200, 502, "upstream_error"),
    (broken_json, 502, "upstream_error"), (error_in_200, None, None),
    (cut_body, 502, "upstream_error"), (status_500_text, 502, "upstream_error"),
    (refused_credential, 502, "provider_auth"),
]


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("fault,status,code", BEFORE,
                         ids=[f[0].__name__ for f in BEFORE])
def test_before_content(penstock, fault, status, code, stream):
    if fault is silent and not stream:
        status = 504
    with Upstream(fault) as up:
        p = start(penstock, up.url)
        a = p.post("/v1/chat/completions", body(stream))
        assert a.status >= 500, a.body
        error = a.json()["error"]
        assert error["message"] and "type" in error
        if status:
            assert a.status == status, a.body
            assert error["code"] == code
            assert a.headers["x-penstock-error"].startswith(code + "; side=")
        assert b"sk-up" not in a.body
        line = one_line(p)
        assert line["status"] == a.status
        assert line["attempts"][0]["class"] and line["attempts"][0]["why"]
        if fault is silent:
            assert "passed (provider up, attempt 1)" in error["message"]
            assert wait_for(up.closed, why="the upstream's end")
        settled(p)


def test_refused(penstock):
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        p = start(penstock, f"http://127.0.0.1:{s.getsockname()[1]}/v1")
        a = p.post("/v1/chat/completions", body(False))
        assert (a.status, a.json()["error"]["code"]) == (502, "upstream_error")
        assert one_line(p)["attempts"][0]["class"] == "connect"


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("fault", [f[0] for f in BEFORE],
                         ids=[f[0].__name__ for f in BEFORE])
def test_second_target(penstock, fault, stream):
    """Before content commit another target answers, unseen."""
    def good(conn, request):
        if request.json().get("stream"):
            conn.answer(ROLE + CONTENT % "hello" + FINISH + DONE, 200,
                        "text/event-stream")
        else:
            conn.answer(WHOLE)

    with Upstream(fault) as up, Upstream(good) as second:
        p = start(penstock, up.url, 2, f'''
provider "b" {{ vendor = "openai-compatible", base_url = "{second.url}",
                keys = {{ env("UNSET", "sk-b") }} }}
model "m" {{ "up/first", "b/second" }}''')
        a = p.post("/v1/chat/completions", body(stream, "m"))
        assert a.status == 200, a.body
        assert b"hello" in a.body
        assert a.headers["x-penstock-target"] == "b/second"
        assert second.requests[0].json()["model"] == "second"
        assert second.requests[0].header("authorization") == "Bearer sk-b"
        line = one_line(p)
        assert [t["target"] for t in line["attempts"]] == \
            ["up/first", "b/second"]
        settled(p)


# After content: an error event, no clean end.

def after_reset(conn, _):
    conn.head(200, "text/event-stream")
    conn.chunk(ROLE + CONTENT % "one" + CONTENT % "two")
    conn.reset()


def after_eof(conn, _):
    conn.head(200, "text/event-stream")
    conn.chunk(ROLE + CONTENT % "one" + CONTENT % "two")
    conn.end()


def after_cut_event(conn, _):
    conn.head(200, "text/event-stream")
    conn.chunk(ROLE + CONTENT % "one" + CONTENT % "two")
    conn.chunk((CONTENT % "three")[:30])
    conn.close()


def after_error(conn, _):
    conn.head(200, "text/event-stream")
    conn.chunk(ROLE + CONTENT % "one" + CONTENT % "two" + ERROR + DONE)
    conn.end()


def after_silence(conn, _):
    conn.head(200, "text/event-stream")
    conn.chunk(ROLE + CONTENT % "one" + CONTENT % "two")
    conn.wait_gone()


def after_garbage(conn, _):
    conn.head(200, "text/event-stream")
    conn.chunk(ROLE + CONTENT % "one" + CONTENT % "two")
    conn.chunk("data: }{\n\n")
    conn.end()


@pytest.mark.parametrize("fault", [after_reset, after_eof, after_cut_event,
                                   after_error, after_silence, after_garbage])
def test_after_content(penstock, fault):
    with Upstream(fault) as up, Upstream(lambda c, r: c.answer(WHOLE)) as b:
        p = start(penstock, up.url, 3, f'''
provider "b" {{ vendor = "openai-compatible", base_url = "{b.url}",
                keys = {{ env("UNSET", "sk-b") }} }}
model "m" {{ "up/first", "b/second" }}''')
        got, clean = read_stream(p, body(True, "m"))
        events = [e for e in got.split("\n\n") if e]
        assert "one" in events[1] and "two" in events[2]
        error = json.loads(events[-1].removeprefix("data: "))["error"]
        assert error["message"]
        assert len(events) == 4 and "[DONE]" not in got
        assert not clean, "the end looked clean"
        assert not b.requests, "tried again after content"
        assert one_line(p)["attempts"][0]["class"]
        settled(p)


def read_stream(p, request, path="/v1/chat/completions"):
    """All bytes of a streamed answer, and whether it ended cleanly."""
    text = json.dumps(request)
    with socket.create_connection(("127.0.0.1", p.port), 15) as s:
        s.sendall((f"POST {path} HTTP/1.1\r\nHost: localhost\r\n"
                   f"Content-Type: application/json\r\n"
                   f"Content-Length: {len(text)}\r\n\r\n{text}").encode())
        a = http.client.HTTPResponse(s)
        a.begin()
        assert a.status == 200
        out, clean = b"", True
        while True:
            try:
                more = a.read1(65536)
            except (http.client.IncompleteRead, ConnectionResetError) as e:
                out += getattr(e, "partial", b"")
                clean = False
                break
            if not more:
                break
            out += more
        return out.decode(), clean


def test_trickle(penstock):
    """One byte at a time, slower than no timer: the answer is whole."""
    def trickle(conn, _):
        text = (ROLE + CONTENT % "héllo" + FINISH + DONE).encode()
        conn.head(200, "text/event-stream", len(text))
        conn.send(text, 1, 0.002)

    with Upstream(trickle) as up:
        p = start(penstock, up.url)
        got, clean = read_stream(p, body(True))
        assert clean and got == ROLE + CONTENT % "héllo" + FINISH + DONE


def test_retry_after_is_passed(penstock):
    def limited(conn, _):
        conn.answer({"error": {"message": "slow down", "type": "requests",
                               "code": "rate_limit_exceeded"}}, 429,
                    extra=[("retry-after", "7"),
                           ("x-ratelimit-remaining-requests", "0")])

    with Upstream(limited) as up:
        p = start(penstock, up.url)
        a = p.post("/v1/chat/completions", body(False))
        assert a.status == 429
        assert a.json()["error"]["message"] == "slow down"
        assert a.headers["retry-after"] == "7"
        assert a.headers["x-ratelimit-remaining-requests"] == "0"


def test_callers_fault_is_not_retried(penstock):
    def bad(conn, _):
        conn.answer({"error": {"message": "no", "code": "invalid_value",
                               "param": "temperature",
                               "type": "invalid_request_error"}}, 400)

    with Upstream(bad) as up:
        p = start(penstock, up.url, 3,
                  'model "m" { "up/a", "up/b" }')
        a = p.post("/v1/chat/completions", body(False, "m"))
        assert a.status == 400
        assert a.json()["error"]["param"] == "temperature"
        assert len(up.requests) == 1


def test_dead_connection_is_tried_again(penstock):
    """A kept connection that upstream closed meanwhile costs no error."""
    def once(conn, _):
        conn.answer(WHOLE)
        conn.sock.close()

    with Upstream(once) as up:
        p = start(penstock, up.url)
        for _ in range(20):
            assert p.post("/v1/chat/completions", body(False)).status == 200

# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""Raw bytes on a real gateway's socket: the corpora of gunicorn and llhttp,
and a few of our own. Whatever comes: no crash, never more answers than
requests, nothing of it upstream, and what is refused is also hung up on."""
import json
import re
import socket
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from conftest import SLOW, SRC
from upstream import SHARED, Upstream

VECTORS = SHARED / "vectors" / "http1"
ANSWER = re.compile(rb"HTTP/1\.1 (\d{3}) [^\r\n]*\r\nDate: ")
ROW = re.compile(r'VECTOR_ROW\("([^"]+)", (\w+), (\d+), (\d+),')
CONFIG = '''
server {{ header_timeout = "1s", body_timeout = "1s", workers = 1 }}
provider "up" {{ vendor = "openai-compatible", base_url = "{url}",
                 keys = {{}} }}
'''
GET = b"GET /healthz HTTP/1.1\r\nHost: h\r\n"
OWN = [  # bytes, statuses, closed
    (GET + b"\r\n", [200], False),
    (GET + b"\r\n" + GET + b"Connection: close\r\n\r\n", [200, 200], True),
    (GET + b"\r\n" + b"GET  /healthz HTTP/1.1\r\n\r\n", [200, 400], True),
    (GET + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
     + GET + b"\r\n", [400], True),
    (GET + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello" + GET,
     [400], True),
    (GET + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + GET, [400], True),
    (GET + b"Content-Length: +5\r\n\r\nhello" + GET, [400], True),
    (GET + b"Host: i\r\n\r\n" + GET, [400], True),
    (GET + b"A: b\n\r\n" + GET, [400], True),
    (GET + b"A\x00: b\r\n\r\n", [400], True),
    (GET + b"A: " + b"x" * 200000 + b"\r\n\r\n", [431], True),
    (b"GET /" + b"x" * 200000 + b" HTTP/1.1\r\n\r\n", [414], True),
    (GET + b"A: b\r\n" * 5000 + b"\r\n", [431], True),
    (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 200, [400],
     True),
    (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", None, True),
    (GET, [408], True), (b"G", [408], True),
    (b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n"
     b"Content-Length: 9\r\n\r\n{", [408], True),
    (b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n"
     b"Content-Length: 99999999999\r\n\r\n{", [413], True),
    (b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n"
     b"Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n", [400], True),
    (b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n"
     b"Transfer-Encoding: chunked\r\n\r\n5\r\nhelloX\r\n" + GET + b"\r\n",
     [400], True),
    (b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n"
     b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n"
     b"Content-Length: 5\r\n\r\n" + GET + b"Connection: close\r\n\r\n",
     None, True),
    (b"HEAD /healthz HTTP/1.1\r\nHost: h\r\n\r\n"
     + GET + b"Connection: close\r\n\r\n", [200, 200], True),
    (b"DELETE /healthz HTTP/1.1\r\nHost: h\r\n\r\n", [405], False),
    (GET + b"Content-Length: 3\r\n\r\nabc" + GET + b"\r\n", [200], True),
    (GET + b"Expect: 100-continue\r\nContent-Length: 3\r\n\r\n", [200], True),
    (GET + b"Expect: magic\r\n\r\n", [417], True),
]


def exchange(p, text, seconds):
    """All that comes back, and whether the peer closed in that time."""
    end = time.monotonic() + seconds * SLOW
    out = b""
    with socket.create_connection(("127.0.0.1", p.port), 10) as s:
        try:
            s.sendall(text)
        except OSError:
            pass  # refused while we still spoke
        while (left := end - time.monotonic()) > 0:
            s.settimeout(left)
            try:
                more = s.recv(65536)
            except TimeoutError:
                return out, False
            except OSError:
                return out, True
            if not more:
                return out, True
            out += more
    return out, False


def statuses(out):
    return [int(s) for s in ANSWER.findall(out)]


def unhurt(p, before, up):
    assert [w["pid"] for w in p.workers()] == before, p.stderr()[-4000:]
    assert p.get("/healthz").status == 200
    assert not up.requests


@pytest.fixture
def gateway(penstock):
    def never(conn, _):
        conn.answer({"error": {"message": "never asked for"}}, 500)

    with Upstream(never) as up:
        p = penstock(CONFIG.format(url=up.url))
        before = [w["pid"] for w in p.workers()]
        yield p
        unhurt(p, before, up)


def test_own(gateway):
    def one(row):
        text, want, closed = row
        out, gone = exchange(gateway, text, 4 if closed else 0.5)
        good = statuses(out) == want or (want is None and out)
        if want is None:
            good = statuses(out)[0] >= 400 or not statuses(out)
        return [] if good and gone == closed else [(text[:120], out, gone)]

    with ThreadPoolExecutor(8) as pool:
        bad = sum(pool.map(one, OWN), [])
    assert not bad, bad


CHATS = b"/v1/chat/completions"
MESSAGES = b"/v1/messages"
VERSION = b"anthropic-version: 2023-06-01\r\n"
POST = b"POST %b HTTP/1.1\r\nHost: localhost\r\n%b"
# what is wrong with a request of a path and with fields
HEADS = [
    (POST + b"A\x00: b\r\n\r\n", 400),
    (POST + b"Content-Length: +5\r\n\r\n", 400),
    (POST, 408),
    (POST + b"Expect: magic\r\n\r\n", 417),
    (POST + b"A: b\r\n" * 5000 + b"\r\n", 431),
    (POST + b"Transfer-Encoding: x\r\n\r\n", 400),
    (b"PUT %b HTTP/1.1\r\nHost: h\r\n%b\r\n", 405),
]
# ... and with its body
BODIES = [
    (POST + b"Content-Length: 9\r\n\r\n{", 408),
    (POST + b"Content-Length: 99999999999\r\n\r\n{", 413),
    (POST + b"Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n", 400),
    (POST + b"Content-Length: 9\r\n\r\n{\"model\":", 400),
]
NOWHERE = [(POST + b"\r\n", 404)]
# (path, fields, whose shape): the path decides where it is one family's
OWN_PATHS = [
    (CHATS, b"", "openai"), (CHATS, VERSION, "openai"),
    (MESSAGES, b"", "anthropic"), (MESSAGES, VERSION, "anthropic"),
    (b"/anthropic/v1/messages", b"", "anthropic"),
    (MESSAGES + b"/count_tokens", b"", "anthropic"),
    (b"/v1beta/models/m:generateContent", b"", "gemini"),
    (b"/gemini/v1beta/models/m:generateContent", VERSION, "gemini"),
]
SHARED_PATHS = [
    (b"/v1/models", b"", "openai"), (b"/v1/models", VERSION, "anthropic"),
    (b"/v1/models", b"X-API-Key: k\r\n", "anthropic"),
    (b"/anthropic/v1/models", b"", "anthropic"),
    (b"/openai/v1/models", VERSION, "openai"),
]
NO_PATHS = [
    (b"/v1/nowhere", b"", "openai"), (b"/v1/nowhere", VERSION, "anthropic"),
    (b"/v1/messages/nowhere", b"", "anthropic"),
    (b"/anthropic/v1/nowhere", b"", "anthropic"),
    (b"/openai/v1/nowhere", VERSION, "openai"),
]
# the request line cannot be read: nobody's, so the default
UNREADABLE = [
    (b"POST /v1/messages\r\n" + VERSION + b"\r\n", 400),
    (b"POST /v1/messages HTTP/3.0\r\n" + VERSION + b"\r\n", 505),
    (b"POST /" + b"v" * 200000 + b" HTTP/1.1\r\n" + VERSION + b"\r\n", 414),
]


def refused():
    for wrong, paths in ((HEADS, OWN_PATHS + SHARED_PATHS),
                         (BODIES, OWN_PATHS), (NOWHERE, NO_PATHS)):
        for text, status in wrong:
            for path, fields, shape in paths:
                yield text % (path, fields), status, shape
    for text, status in UNREADABLE:
        yield text, status, "openai"


def shape_of(out):
    head, _, body = out.partition(b"\r\n\r\n")
    assert b"x-penstock-error: " in head, out
    ours = re.findall(rb"\r\n(x-request-id|request-id): (req_[0-9a-f]{24})",
                      head)
    assert len(ours) == 1, out
    e = json.loads(body)
    if e.get("type") == "error":
        assert set(e) == {"type", "error", "request_id"}, e
        assert set(e["error"]) == {"type", "message"}, e
        assert ours == [(b"request-id", e["request_id"].encode())], out
        return "anthropic"
    assert ours[0][0] == b"x-request-id", out
    if "status" in e["error"]:
        assert set(e["error"]) == {"code", "message", "status", "details"}, e
        assert str(e["error"]["code"]).encode() == head.split(b" ")[1], out
        return "gemini"
    assert set(e["error"]) == {"message", "type", "param", "code"}, e
    return "openai"


def test_errors_in_the_clients_shape(gateway):
    def one(row):
        text, status, shape = row
        out, _ = exchange(gateway, text, 4 if status == 408 else 0.5)
        good = statuses(out) == [status] and shape_of(out) == shape
        return [] if good else [(text[:120], status, shape, out)]

    with ThreadPoolExecutor(8) as pool:
        bad = sum(pool.map(one, refused()), [])
    assert not bad, bad


def mended(text):
    """With a Host where there is none: many files are about other things."""
    if b"host:" in text.lower():
        return text
    return text.replace(b" HTTP/1.1\r\n", b" HTTP/1.1\r\nHost: h\r\n")


def vectors():
    """(name, bytes, refused) of every request in both corpora."""
    for kind in ("valid", "invalid"):
        for path in sorted((VECTORS / "gunicorn" / kind).glob("*.bin")):
            yield (f"g/{kind}/{path.stem}", path.read_bytes(),
                   kind == "invalid")
    index = VECTORS / "llhttp" / "INDEX.json"
    for row in json.loads(index.read_text()) if index.exists() else []:
        if row["type"].startswith("request"):
            path = VECTORS / "llhttp" / row["file"]
            yield (f"l/{path.stem}", path.read_bytes() + b"\r\n",
                   row["error"] is not None)


def rows():
    text = (SRC / "tests" / "unit" / "http1_vectors.def").read_text()
    return {m[0]: (m[1], int(m[2])) for m in ROW.findall(text)}


def test_corpora(gateway):
    """Ends as the parser's own test says (tests/unit/http1_vectors.def)."""
    if not VECTORS.exists():
        pytest.skip("no recordings")
    known = rows()

    def one(vector):
        name, raw, refused = vector
        text = raw if name.startswith("g/invalid") else mended(raw)
        end, n = known.get(name, ("BAD" if refused else "IDLE", None))
        ends = end in ("BAD", "INSIDE", "CLOSED")
        out, gone = exchange(gateway, text, 4 if ends else 0.3)
        got, problems = statuses(out), []
        most = text.count(b" HTTP/") + text.count(b"\r\n\r\n") + 1
        if n is not None:
            most = n + (end in ("BAD", "INSIDE"))
        if len(got) > most:
            problems.append("more answers than requests")
        if end == "BAD" and (not gone or not got or got[-1] < 400):
            problems.append("not refused, or not hung up on")
        if end == "INSIDE" and not gone:
            problems.append("waits for ever")
        raw_out, _ = exchange(gateway, raw, 0.1)
        if len(statuses(raw_out)) > raw.count(b"\n") + 1:
            problems.append("raw: more answers than lines")
        return [(name, problems, got, gone)] if problems else []

    with ThreadPoolExecutor(16) as pool:
        bad = sum(pool.map(one, vectors()), [])
    assert not bad, "\n".join(map(str, bad))

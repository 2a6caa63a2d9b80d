# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""What lies between a provider's words and the client: comments in a silence,
answers that somebody compressed, HTTP/2 that breaks off, bodies in each way
that HTTP can carry them."""
import gzip
import json
import shutil
import socket
import ssl
import struct
import time

import pytest

from test_faults import (CONTENT, DONE, FINISH, ROLE, WHOLE, body, one_line,
                         read_stream, settled, start)
from test_timers import CONF, says
from test_tls import certificate
from test_translate import MESSAGE
from upstream import Upstream

STREAM = ROLE + CONTENT % "hello" + FINISH + DONE


# ---- silence ---------------------------------------------------------------

def test_comments_keep_a_stream_alive(penstock):
    """Before the first event and behind it; no client sees one as data."""
    def upstream(conn, _):
        conn.head(200, "text/event-stream")
        conn.chunk(": PROCESSING\n\n")
        conn.chunk(ROLE)
        for _ in range(8):      # in all longer than idle
            time.sleep(0.2)
            conn.chunk(": keep-alive\n\n")
        conn.chunk(CONTENT % "hello" + FINISH + DONE)
        conn.end()

    with Upstream(upstream) as up:
        p = penstock(CONF.format(url=up.url))
        got, clean = read_stream(p, body(True))
        assert clean and got.endswith(DONE) and "hello" in got
        assert not [x for x in got.split("\n") if x.startswith("data: :")]
        settled(p)


@pytest.mark.parametrize("model,length", [("plain-1", "400 ms"),
                                          ("thinker-2", "1600 ms")])
def test_a_model_that_thinks_may_be_silent(penstock, model, length):
    """Also once its stream has begun, four times as long as others."""
    def upstream(conn, _):
        conn.head(200, "text/event-stream")
        conn.chunk(ROLE)
        if not conn.wait_gone(0.7):
            conn.chunk(CONTENT % "hello")
            conn.wait_gone()

    with Upstream(upstream) as up:
        p = penstock(CONF.format(url=up.url).replace(
            "900ms", "400ms").replace(
            "base_url", 'reasoning = { "thinker*" }, base_url'))
        if model == "plain-1":      # another target could serve still
            r = p.post("/v1/chat/completions", body(True, f"up/{model}"))
            assert r.status == 504
            assert r.json()["error"]["message"] == says("idle", length)
            return
        got, clean = read_stream(p, body(True, f"up/{model}"))
        assert not clean and says("idle", length) in got and "hello" in got


# ---- what is compressed ----------------------------------------------------

def test_nobody_is_asked_to_compress(penstock):
    with Upstream(lambda c, _: c.answer(WHOLE)) as up:
        p = start(penstock, up.url)
        for path, what in (("/v1/chat/completions", body(False)),
                           ("/v1/rerank", {"model": "up/m", "query": "q",
                                           "documents": ["a"]})):
            p.post(path, what, headers={"accept-encoding": "gzip, br"})
            assert up.requests[-1].path == path
            assert [v for k, v in up.requests[-1].headers
                    if k.lower() == "accept-encoding"] == ["identity"]


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_what_was_compressed_is_no_answer(penstock, stream):
    """Its bytes mean nothing to a client who was not told so."""
    def zipped(conn, _):
        text = STREAM if stream else json.dumps(WHOLE)
        conn.answer(gzip.compress(text.encode()), 200,
                    "text/event-stream" if stream else "application/json",
                    [("content-encoding", "gzip")])

    def good(conn, _):
        conn.answer(STREAM if stream else WHOLE, 200,
                    "text/event-stream" if stream else "application/json",
                    [("content-encoding", "identity")])

    with Upstream(zipped) as up, Upstream(good) as second:
        p = start(penstock, up.url, 2, f'''
provider "b" {{ vendor = "openai-compatible", base_url = "{second.url}",
                keys = {{ env("UNSET", "sk-b") }} }}
model "m" {{ "up/first", "b/second" }}
model "one" {{ "up/first" }}''')
        a = p.post("/v1/chat/completions", body(stream, "m"))
        assert a.status == 200 and b"hello" in a.body
        why = one_line(p)["attempts"][0]["why"]
        assert "compressed (gzip)" in why
        a = p.post("/v1/chat/completions", body(stream, "one"))
        assert a.status == 502 and "compressed" in a.json()["error"]["message"]


# ---- HTTP/2 ----------------------------------------------------------------

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RST, SETTINGS, GOAWAY = 0, 1, 3, 4, 7
END_STREAM, END_HEADERS, ACK = 1, 4, 1
REFUSED, BROKEN = 7, 2


class H2(Upstream):
    """An Upstream that speaks so much of HTTP/2 as a story needs: `handler`
    gets a Stream for each request; its fields are not read."""

    def __init__(self, handler, folder):
        super().__init__(handler)
        self.url = f"https://127.0.0.1:{self.port}/v1"
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(*certificate(folder, "localhost"))
        self.context.set_alpn_protocols(["h2"])

    def _serve(self, conn):
        try:
            conn.sock = self.context.wrap_socket(conn.sock, server_side=True)
            assert conn.sock.selected_alpn_protocol() == "h2"
            self._frames(conn, conn.sock.makefile("rb"))
        except OSError:
            pass
        finally:
            conn.sock.close()

    def _frames(self, conn, f):
        assert f.read(len(PREFACE)) == PREFACE
        frame(conn.sock, SETTINGS, 0, 0)
        while True:
            head = f.read(9)
            if len(head) < 9:
                conn.closed_by_peer = True
                return
            n, kind, flags = int.from_bytes(head[:3], "big"), *head[3:5]
            f.read(n)
            if kind == SETTINGS and not flags & ACK:
                frame(conn.sock, SETTINGS, ACK, 0)
            if kind in (DATA, HEADERS) and flags & END_STREAM:
                sid = int.from_bytes(head[5:9], "big")
                with self.lock:
                    self.requests.append(sid)
                self.handler(conn.sock, sid)


def frame(sock, kind, flags, sid, payload=b""):
    sock.sendall(len(payload).to_bytes(3, "big") + bytes((kind, flags))
                 + sid.to_bytes(4, "big") + payload)


def h2_head(sock, sid):
    kind = b"text/event-stream"     # :status 200; content-type
    frame(sock, HEADERS, END_HEADERS, sid,
          b"\x88\x0f\x10" + bytes((len(kind),)) + kind)


def h2_data(sock, sid, text, flags=0):
    frame(sock, DATA, flags, sid, text.encode())


def goaway(sock, last, code=0):
    frame(sock, GOAWAY, 0, 0, struct.pack(">II", last, code))


def refused(sock, sid):
    frame(sock, RST, 0, sid, struct.pack(">I", REFUSED))


def gone_away(sock, sid):
    goaway(sock, 0)
    sock.close()


def reset_behind_the_head(sock, sid):
    h2_head(sock, sid)
    frame(sock, RST, 0, sid, struct.pack(">I", BROKEN))


def gone_behind_the_head(sock, sid):
    h2_head(sock, sid)
    goaway(sock, 0, BROKEN)
    sock.close()


def role_then_reset(sock, sid):
    h2_head(sock, sid)
    h2_data(sock, sid, ROLE)
    frame(sock, RST, 0, sid, struct.pack(">I", BROKEN))


def content_then_reset(sock, sid):
    h2_head(sock, sid)
    h2_data(sock, sid, ROLE + CONTENT % "half")
    frame(sock, RST, 0, sid, struct.pack(">I", BROKEN))


def content_then_gone(sock, sid):
    h2_head(sock, sid)
    h2_data(sock, sid, ROLE + CONTENT % "half")
    goaway(sock, 0, BROKEN)
    sock.close()


def gone_but_finishes(sock, sid):
    """This stream is the last: what was asked is answered whole."""
    h2_head(sock, sid)
    h2_data(sock, sid, ROLE)
    goaway(sock, sid)
    h2_data(sock, sid, CONTENT % "hello" + FINISH + DONE, END_STREAM)


NOT_FORWARDED = (refused, gone_away, reset_behind_the_head,
                 gone_behind_the_head, role_then_reset)
FORWARDED = (content_then_reset, content_then_gone)


@pytest.fixture
def pair(penstock, tmp_path):
    """pair(handler) -> (instance, the one with HTTP/2, the second target)"""
    if not shutil.which("openssl"):
        pytest.skip("no openssl")
    open_ups = []

    def make(handler):
        up = H2(handler, tmp_path)
        second = Upstream(lambda c, _: c.answer(STREAM, 200,
                                                "text/event-stream"))
        open_ups.extend((up, second))
        return start(penstock, second.url, 2, f'''
provider "h2" {{ vendor = "openai-compatible", base_url = "{up.url}",
                 http2 = true, insecure = true,
                 keys = {{ env("UNSET", "sk-h") }} }}
model "m" {{ "h2/first", "up/second" }}'''), up, second

    yield make
    for up in open_ups:
        up.__exit__(None, None, None)


@pytest.mark.parametrize("fault", NOT_FORWARDED, ids=lambda f: f.__name__)
def test_h2_nothing_was_forwarded(pair, fault):
    p, up, second = pair(fault)
    got, clean = read_stream(p, body(True, "m"))
    assert clean and got.endswith(DONE) and "hello" in got
    assert len(second.requests) == 1
    tries = one_line(p)["attempts"]
    assert [t["target"] for t in tries] == ["h2/first", "up/second"]
    settled(p)


@pytest.mark.parametrize("fault", FORWARDED, ids=lambda f: f.__name__)
def test_h2_something_was_forwarded(pair, fault):
    p, up, second = pair(fault)
    got, clean = read_stream(p, body(True, "m"))
    assert not clean and "half" in got and '"error"' in got
    assert "hello" not in got and "[DONE]" not in got
    assert (len(up.requests), len(second.requests)) == (1, 0)
    settled(p)


def test_h2_the_last_stream_of_a_connection(pair):
    p, up, second = pair(gone_but_finishes)
    for _ in range(2):      # the next one needs a connection of its own
        got, clean = read_stream(p, body(True, "m"))
        assert clean and got == STREAM
    assert len(up.requests) == len(up.conns) == 2 and not second.requests


# ---- bodies ----------------------------------------------------------------

def pieces_of(data, size):
    for i in range(0, len(data), size):
        piece = data[i:i + size]
        yield b"%x\r\n" % len(piece) + piece + b"\r\n"
    yield b"0\r\n\r\n"


def answer_of(f):
    """Status and body of the next answer, which has a length."""
    status, length = int(f.readline().split()[1]), 0
    while (line := f.readline().strip()):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    return status, f.read(length)


@pytest.mark.parametrize("expect", [False, True], ids=["at once", "expect"])
@pytest.mark.parametrize("size", [0, 1, 7, 65536])
def test_a_rewritten_body_has_its_own_length(penstock, size, expect):
    """However it came (0: with a length), and the connections go on."""
    def good(conn, request):
        conn.answer(WHOLE)

    with Upstream(good) as up:
        p = start(penstock, up.url, 1,
                  'model "é" { "up/a-much-longer-name-than-the-alias" }')
        asked = {"messages": [{"role": "user", "content": "héllo 😀"}],
                 "model": "é"}
        data = json.dumps(asked, ensure_ascii=False).encode()
        head = b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n" \
            b"Content-Type: application/json\r\n"
        head += b"Expect: 100-continue\r\n" if expect else b""
        head += b"Transfer-Encoding: chunked\r\n\r\n" if size else \
            b"Content-Length: %d\r\n\r\n" % len(data)
        with socket.create_connection(("127.0.0.1", p.port), 15) as s:
            f = s.makefile("rb")
            for _ in range(2):
                s.sendall(head)
                if expect:
                    assert f.readline() == b"HTTP/1.1 100 Continue\r\n"
                    assert f.readline() == b"\r\n"
                s.sendall(b"".join(pieces_of(data, size)) if size else data)
                status, got = answer_of(f)
                assert status == 200 and json.loads(got) == WHOLE
        for q in up.requests:
            assert q.json() == {
                **asked, "model": "a-much-longer-name-than-the-alias"}
            assert int(q.header("content-length")) == len(q.body)
            assert not q.header("transfer-encoding")
            assert not q.header("expect")
        assert len(up.requests) == 2


def test_a_body_with_a_large_image(penstock):
    """33 MB of base64, natively and for another dialect: not a byte less."""
    image = "A" * (33 << 20)
    seen = []

    def good(conn, request):
        seen.append(request)
        conn.answer(MESSAGE if "messages" in request.path else WHOLE)

    with Upstream(good) as up:
        p = start(penstock, up.url, 1, f'''
server {{ max_body = "40MiB" }}
provider "an" {{ vendor = "anthropic", base_url = "{up.url[:-3]}",
                 keys = {{ env("UNSET", "sk-an") }} }}''')
        for model in ("up/m", "an/claude-sonnet-4-5"):
            a = p.post("/v1/chat/completions", {
                "model": model, "messages": [{"role": "user", "content": [
                    {"type": "text", "text": "hi"}, {
                        "type": "image_url", "image_url": {
                            "url": "data:image/png;base64," + image}}]}]})
            assert a.status == 200, a.body[:300]
        native, other = (q.json()["messages"][0]["content"][1] for q in seen)
        assert native["image_url"]["url"].endswith("," + image)
        assert other["source"]["data"] == image


# ---- how a stream may come -------------------------------------------------

def test_the_last_chunk_is_missing(penstock):
    """All was said: nothing that a client would have to know of."""
    def cut(conn, _):
        conn.head(200, "text/event-stream")
        conn.chunk(STREAM)
        conn.close()

    with Upstream(cut) as up:
        p = start(penstock, up.url)
        got, clean = read_stream(p, body(True))
        assert clean and got == STREAM
        settled(p)


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages"])
def test_megabytes_in_one_event(penstock, path):
    text = "abcdefgh" * (1 << 19)

    def large(conn, _):
        conn.head(200, "text/event-stream")
        conn.chunk(ROLE + CONTENT % text + FINISH + DONE)
        conn.end()

    with Upstream(large) as up:
        p = start(penstock, up.url)
        got, clean = read_stream(p, {**body(True), "max_tokens": 9}, path)
        assert clean and text in got
        settled(p)

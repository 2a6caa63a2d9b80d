# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""Clients: so many at a time, each asks again when it has its answer.

Most stream; some want the whole at once, some leave in the middle, some read
slowly a text that is larger than what the gateway queues. Half of them keep
their connection. What came is kept as bytes and looked at when it is over, so
that one process can be a thousand clients.
"""
import asyncio
import dataclasses
import json
import random
import re
import socket
import time

KINDS = (("stream", 76), ("whole", 10), ("leave", 9), ("slow", 5))
BULK_WORDS = 2500       # of a slow reader's text: more than high_water
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.I)
CHUNKED = re.compile(rb"\r\ntransfer-encoding: *chunked", re.I)


@dataclasses.dataclass(slots=True)
class Result:
    """One request and what became of it."""
    number: int
    kind: str
    began: float
    ended: float = 0.0
    how: str = ""           # whole, closed, left, hang, refused
    status: int = 0         # 0: no head came
    id: str = ""
    target: str = ""
    text: str = ""
    clean: bool = False     # the end of the body, as HTTP knows it
    finished: bool = False  # the end of the answer, as its dialect knows it
    error: str = ""         # what the gateway said went wrong
    verdict: str = ""       # by checks


class Exchange(asyncio.Protocol):
    """A connection, with one request at a time on it."""

    def __init__(self):
        self.raw, self.head_at, self.length = bytearray(), -1, None
        self.transport, self.over, self.pause = None, None, 0.0
        self.closed = False

    def connection_made(self, transport):
        self.transport = transport

    def ask(self, request, pause):
        self.raw, self.head_at, self.length = bytearray(), -1, None
        self.pause = pause
        self.over = asyncio.get_running_loop().create_future()
        if self.closed:
            self.finish()
        self.transport.write(request)

    def data_received(self, data):
        self.raw += data
        if self.whole():
            self.finish()
        elif self.pause:
            self.transport.pause_reading()
            asyncio.get_running_loop().call_later(self.pause, self.go_on)

    def go_on(self):
        if not self.transport.is_closing():
            self.transport.resume_reading()

    def connection_lost(self, exc):
        self.closed = True
        self.finish()

    def finish(self):
        if self.over and not self.over.done():
            self.over.set_result(None)

    def whole(self):
        if self.head_at < 0:
            self.head_at = self.raw.find(b"\r\n\r\n")
            if self.head_at < 0:
                return False
            head = bytes(self.raw[:self.head_at])
            found = LENGTH.search(head)
            self.length = int(found[1]) if found else None
        if self.length is not None:
            return len(self.raw) >= self.head_at + 4 + self.length
        return self.raw.endswith(b"\r\n0\r\n\r\n")


def dechunked(raw):
    """The body so far, and whether its last chunk was there."""
    out, at = bytearray(), 0
    while True:
        end = raw.find(b"\r\n", at)
        if end < 0:
            return bytes(out), False
        size = int(raw[at:end].split(b";")[0] or b"0", 16)
        if size == 0:
            return bytes(out), raw[end:end + 4] == b"\r\n\r\n"
        out += raw[end + 2:end + 2 + size]
        at = end + 4 + size
        if at > len(raw):
            return bytes(out), False


def read_stream(r, body):
    """The text of an OpenAI stream, its end and its error."""
    for event in body.decode("utf-8", "replace").split("\n\n")[:-1]:
        data = event.removeprefix("data: ")
        if data == event:           # a comment
            continue
        if data == "[DONE]":
            r.finished = True
            continue
        got = json.loads(data)
        if "error" in got:
            r.error = str(got["error"].get("message"))
        for choice in got.get("choices") or []:
            r.text += choice["delta"].get("content") or ""


def read_answer(r, raw):
    """Fill a result from the bytes that came."""
    at = raw.find(b"\r\n\r\n")
    if at < 0:
        return
    head = bytes(raw[:at])
    fields = {k.strip().lower(): v.strip() for k, _, v in (
        line.partition(":") for line in head.decode().split("\r\n")[1:])}
    r.status = int(head.split(b" ", 2)[1])
    r.id = fields.get("x-request-id", "")
    r.target = fields.get("x-penstock-target", "")
    body = bytes(raw[at + 4:])
    if CHUNKED.search(head):
        body, r.clean = dechunked(body)
    else:
        r.clean = len(body) == int(fields.get("content-length", -1))
    try:
        if "event-stream" in fields.get("content-type", ""):
            read_stream(r, body)
        elif r.clean:
            got = json.loads(body)
            if "error" in got:
                r.error = str(got["error"].get("message"))
            else:
                r.text = got["choices"][0]["message"]["content"]
                r.finished = True
    except (ValueError, KeyError, TypeError, IndexError) as e:
        r.error = ""
        r.text += f"<not readable: {e}: {body[-200:]!r}>"


def words_of(number, kind):
    """What request `number` asks to have said; no two ask for the same."""
    n = BULK_WORDS if kind == "slow" else 8 + number % 24
    return " ".join(f"{number}:{i}é" for i in range(n))


class Load:
    """The clients. models(number, kind): the name that a request asks for."""

    def __init__(self, port, args, models):
        self.port, self.seed, self.streams = port, args.seed, args.streams
        self.deadline, self.models = args.deadline, models
        self.results, self.running = [], 0
        self.next = 0

    def request(self, number, kind):
        body = json.dumps({
            "model": self.models(number, kind), "stream": kind != "whole",
            "messages": [{"role": "user", "content": words_of(number, kind)}]
        }).encode()
        return (b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n"
                b"Content-Type: application/json\r\n"
                b"Content-Length: %d\r\n\r\n" % len(body)) + body

    async def connect(self, slow):
        s = socket.socket()
        s.setblocking(False)
        if slow:                    # before connect: it bounds the window
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
        loop = asyncio.get_running_loop()
        try:
            await loop.sock_connect(s, ("127.0.0.1", self.port))
        except OSError:
            s.close()
            raise
        return (await loop.create_connection(Exchange, sock=s))[1]

    async def one(self, conn):
        """One request; the connection, if it can be used again."""
        number, self.next = self.next, self.next + 1
        dice = random.Random(f"{self.seed}/{number}")
        kind = dice.choices([k for k, _ in KINDS], [w for _, w in KINDS])[0]
        r = Result(number, kind, time.monotonic())
        self.results.append(r)
        if conn and (kind == "slow" or conn.closed):
            conn.transport.abort()
            conn = None
        try:
            conn = conn or await self.connect(kind == "slow")
        except OSError:
            r.how, r.ended = "refused", time.monotonic()
            await asyncio.sleep(0.2)
            return None
        conn.ask(self.request(number, kind), 0.02 if kind == "slow" else 0)
        wait = dice.uniform(0.05, 3) if kind == "leave" else self.deadline
        try:
            await asyncio.wait_for(asyncio.shield(conn.over), wait)
            r.how = "closed" if conn.closed else "whole"
        except asyncio.TimeoutError:
            r.how = "left" if kind == "leave" else "hang"
        r.ended = time.monotonic()
        read_answer(r, conn.raw)
        if r.how == "closed" and r.clean:
            r.how = "whole"
        if r.how == "whole" and kind != "slow" and dice.random() < 0.5:
            return conn
        conn.transport.abort()
        return None

    async def client(self, begin, end):
        await asyncio.sleep(max(0, begin - time.monotonic()))
        conn = None
        while time.monotonic() < end:
            conn = await self.one(conn)
        if conn:
            conn.transport.abort()

    async def run(self, end):
        """Until `end` requests begin; they are waited for."""
        now = time.monotonic()
        ramp = min(10.0, (end - now) / 6)   # not all in the same instant
        await asyncio.gather(*(
            self.client(now + ramp * i / self.streams, end)
            for i in range(self.streams)))

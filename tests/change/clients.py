# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""Clients that never ask twice. A connection is kept until the gateway says
`connection: close`; an answer that is not whole, or a connection that ends
before it, is wrong, whatever the reason."""
import asyncio
import json
import random
import time

from load import Exchange, Result, read_answer

CONNECTIONS = 20    # that the requests are spread over
WAIT = 60           # s: for what is not a stream
STREAM_RATE = 20    # words a second, as the mock is told


class Clients:
    def __init__(self, gateway, args):
        self.g, self.args = gateway, args
        self.over = asyncio.Event()
        self.done = []          # (when it began, ms)
        self.wrong, self.streamed, self.throughout = [], 0, 0
        self.tasks, self.lasting = [], []
        self.dice = random.Random(args.seed)

    def begin(self):
        for i in range(CONNECTIONS):
            self.tasks.append(asyncio.ensure_future(self.ask(i)))
        for i in range(self.args.streams):
            self.tasks.append(asyncio.ensure_future(self.stream(i)))
        for _ in range(self.args.throughout):
            self.lasting.append(asyncio.ensure_future(self.last()))

    async def end(self, let_end):
        self.over.set()
        await asyncio.gather(*self.tasks)
        # what lives throughout is still alive; its sender may finish now
        still = [t for t in self.lasting if not t.done()]
        self.throughout = len(still)
        if len(still) < self.args.throughout:
            self.wrong.append("streams that should live throughout ended")
        let_end()
        await asyncio.gather(*self.lasting)

    async def connect(self):
        loop = asyncio.get_running_loop()
        return (await loop.create_connection(Exchange, "127.0.0.1",
                                             self.g.port))[1]

    @staticmethod
    def request(model, text, **more):
        body = json.dumps({"model": model, "messages": [
            {"role": "user", "content": text}], **more}).encode()
        return (b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n"
                b"Content-Type: application/json\r\n"
                b"Content-Length: %d\r\n\r\n" % len(body)) + body

    async def exchange(self, conn, request, wait):
        """An answer, or what is wrong; the connection if it is kept."""
        r = Result(0, "", time.monotonic())
        try:
            conn = conn or await self.connect()
            conn.ask(request, 0)
            await asyncio.wait_for(asyncio.shield(conn.over), wait)
        except (OSError, asyncio.TimeoutError) as e:
            r.error = repr(e)
            return r, None
        read_answer(r, conn.raw)
        head = bytes(conn.raw).split(b"\r\n\r\n")[0].lower()
        if conn.closed or b"\r\nconnection: close" in head:
            conn.transport.abort()
            conn = None
        return r, conn

    def judge(self, r, text=None):
        if r.status == 200 and r.clean and r.finished and not r.error and \
                (text is None or r.text == text):
            return
        self.wrong.append((f"{time.monotonic() - r.began:.2f} s", r.status,
                           r.clean, r.finished, r.error, r.text[-60:]))

    async def ask(self, number):
        conn, n = None, 0
        pause = CONNECTIONS / self.args.rate
        await asyncio.sleep(pause * number / CONNECTIONS)
        while not self.over.is_set():
            begin, n = time.monotonic(), n + 1
            text = f"{number} says {n}"
            r, conn = await self.exchange(
                conn, self.request("echo", text), WAIT)
            self.done.append((begin, (time.monotonic() - begin) * 1000))
            self.judge(r, text)
            await asyncio.sleep(max(0, begin + pause - time.monotonic()))
        if conn:
            conn.transport.abort()

    def shortest(self):
        return min(5.0, self.args.longest / 2)

    async def stream(self, number):
        conn = None
        await asyncio.sleep(3 * number / self.args.streams)
        while not self.over.is_set():
            s = self.dice.uniform(self.shortest(), self.args.longest)
            r, conn = await self.exchange(conn, self.request(
                "lorem", "go", stream=True,
                max_tokens=int(s * STREAM_RATE)), 3 * s + WAIT)
            self.streamed += 1
            self.judge(r)
        if conn:
            conn.transport.abort()

    async def last(self):
        """A stream that ends when its sender is told that all is over."""
        r, conn = await self.exchange(
            None, self.request("last", "go", stream=True), 86400)
        self.judge(r)
        if conn:
            conn.transport.abort()

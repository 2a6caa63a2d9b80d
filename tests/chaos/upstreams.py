# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""Six mock upstreams of which two are ill at any time, each in another way.

A target says its own name and then the request's text (model echo-NAME), so
that an answer tells who gave it. What is wrong with a target is told to its
mock while it runs; for `refused` the mock is killed, and started again on the
same port. The history of illness says whether a cut stream had a reason.
"""
import asyncio
import http.client
import json
import pathlib
import socket
import subprocess
import time

TARGETS = 6
ILL = 2                 # at the same time
GRACE = 8.0             # seconds that a try may last which began in a spell
SPELL = (6.0, 14.0)     # seconds of one illness


# the stream's pace when nothing is wrong
def pace(tokens_per_s):
    return {"match": {"model": "echo-t*", "stream": True},
            "fault": {"tokens_per_s": tokens_per_s}}


# What of a way is not for all. Between two pieces of a whole answer there is
# no timer: a silence there lasts as long as the request may (total). A trickle
# of a text as long as slow readers' is longer than any deadline.
MATCH = {"silent after some": {"stream": True},
         "trickle": {"model": "echo-t*"}}

# name -> the fault, made with the dice; None: nobody listens
WAYS = {
    "refused": lambda dice: None,
    "reset before the head": lambda dice: {"reset": "before"},
    "reset in the stream": lambda dice: {
        "reset": "after", "cut_after_events": dice.randint(1, 8)},
    "500": lambda dice: {"status": 500},
    "429": lambda dice: {"status": 429},
    "429 with a pause": lambda dice: {
        "status": 429, "headers": {"retry-after": str(dice.randint(1, 3))}},
    "529": lambda dice: {"status": 529},
    "silent": lambda dice: {"delay_ms": 60000},
    "silent after some": lambda dice: {
        "stall_after_events": dice.randint(0, 8)},
    "trickle": lambda dice: {
        "trickle": {"bytes": dice.randint(8, 400), "interval_ms": 15}},
    "garbage": lambda dice: {"garbage": True},
    "cut after events": lambda dice: {
        "cut_after_events": dice.randint(1, 12)},
    "cut in an event": lambda dice: {
        "cut_after_bytes": dice.randint(1, 2500)},
    "error event": lambda dice: {
        "error_event_at": dice.choice(["first", "second", 5, "last"])},
    "empty 200": lambda dice: {"empty_200": True},
}


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def ask(port, method, path, body=None, timeout=10):
    """One small HTTP request; its body. Blocks."""
    c = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        c.request(method, path, body)
        answer = c.getresponse()
        text = answer.read()
        if answer.status >= 300:
            raise OSError(f"{method} {path}: {answer.status} {text[:200]}")
        return text
    finally:
        c.close()


class Upstream:
    """One target's mock."""

    def __init__(self, program, folder, number, tokens_per_s):
        self.program, self.folder = program, pathlib.Path(folder)
        self.name = f"t{number}"
        self.port = free_port()
        self.rules = [pace(tokens_per_s)]
        self.proc = None
        self.spells = []        # [begin, end or None, way]

    def start(self):
        rules = self.folder / f"{self.name}.json"
        rules.write_text(json.dumps(self.rules))
        self.proc = subprocess.Popen(
            [self.program, "mock", "--listen", f"127.0.0.1:{self.port}",
             "--faults", str(rules)], stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=open(
                self.folder / f"{self.name}.err", "ab"))
        end = time.monotonic() + 20
        while time.monotonic() < end:
            with socket.socket() as s:
                if s.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            if self.proc.poll() is not None:
                break
            time.sleep(0.02)
        raise SystemExit(f"chaos: the mock {self.name} does not listen, see "
                         f"{self.folder}/{self.name}.err")

    def stop(self):
        if self.proc and self.proc.poll() is None:
            self.proc.kill()
        if self.proc:
            self.proc.wait()

    def set_rules(self, rules):
        ask(self.port, "PUT", "/__mock/faults", json.dumps(rules))

    def fall_ill(self, way, dice):
        self.spells.append([time.monotonic(), None, way])
        fault = WAYS[way](dice)
        if fault is None:
            self.stop()
        else:
            self.set_rules([{"match": MATCH.get(way, {}), "fault": fault},
                            *self.rules])

    def get_well(self):
        if self.proc.poll() is not None:
            self.start()
        else:
            self.set_rules(self.rules)
        self.spells[-1][1] = time.monotonic()

    def was_ill(self, at, grace=GRACE):
        """May what was wrong with it have ended a stream at that time?"""
        return any(b <= at and (e is None or at <= e + grace)
                   for b, e, _ in self.spells)

    def in_flight(self):
        if self.proc.poll() is not None:
            return 0
        return json.loads(ask(self.port, "GET", "/__mock/stats"))["in_flight"]


class Illness:
    """Who is ill and how, by seeded dice, until it is told to end."""

    def __init__(self, upstreams, dice):
        self.upstreams, self.dice = upstreams, dice
        self.deck = []
        self.ill = set()

    def way(self):
        if not self.deck:
            self.deck = sorted(WAYS)
            self.dice.shuffle(self.deck)
        return self.deck.pop()

    async def one(self, end):
        """One of the two: a spell after the other."""
        while time.monotonic() < end:
            up = self.dice.choice([u for u in self.upstreams
                                   if u.name not in self.ill])
            way, lasts = self.way(), self.dice.uniform(*SPELL)
            self.ill.add(up.name)
            try:
                await asyncio.to_thread(up.fall_ill, way, self.dice)
                await asyncio.sleep(max(0, min(lasts, end -
                                               time.monotonic())))
                await asyncio.to_thread(up.get_well)
            finally:
                self.ill.discard(up.name)

    async def run(self, end):
        await asyncio.gather(*(self.one(end) for _ in range(ILL)))

    def ways_seen(self):
        return len({w for u in self.upstreams for _, _, w in u.spells})

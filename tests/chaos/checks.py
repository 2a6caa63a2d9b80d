# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""What must hold, counted. Each check gives (name, bad, of, examples).

A request ends in one of these ways:

    whole       the text that its target was told to say, and a clean end
    cut         its target failed in the middle: an error, no clean end
    failed      an error in the place of an answer
    left        the client went
    killed      its worker was killed
    wrong, duplicated, ended cleanly, unexplained, hang: what must not be
"""
import collections
import time

from gateway import LIMIT
from load import words_of
from upstreams import GRACE

BAD = ("wrong", "duplicated", "clean end", "hang", "unexplained")


def text_verdict(r, text):
    """Is this text, or the beginning of it, what was to be said?"""
    name, _, model = r.target.partition("/")
    if not r.text:
        return ""
    expected = f"{model} {words_of(r.number, r.kind)}"
    if model[:5] != "echo-" or model[6:] != name[1:]:
        return "wrong"
    if r.text == expected:
        return "" if text == "whole" else "all"
    words = r.text.split()
    if len(words) != len(set(words)):
        return "duplicated"
    if text == "whole" or not expected.startswith(r.text):
        return "wrong"
    return ""


def failed(r, gateway, lost):
    """A request without a whole answer: why is it excused, if it is?"""
    if r.id in lost or (not r.id and gateway.killed_within(r.began, r.ended)):
        return "killed"
    if r.status and r.error:
        return "failed"
    return "unexplained"


def verdict(r, gateway, upstreams, lost):
    """One of the words above."""
    if r.how in ("left", "hang"):
        return text_verdict(r, "part").replace("all", "") or r.how
    if r.finished and r.clean and not r.error:
        return text_verdict(r, "whole") or ("whole" if r.text else "wrong")
    told = text_verdict(r, "part")
    if told in ("wrong", "duplicated"):
        return told
    if r.text and (r.clean or (r.finished and told != "all")):
        return "clean end"
    if r.text and r.error:
        up = upstreams.get(r.target.partition("/")[0])
        grace = GRACE if r.kind != "slow" else r.ended - r.began
        return "cut" if up and up.was_ill(r.ended, grace) else "unexplained"
    return failed(r, gateway, lost)


class Verdicts:
    """All results judged, with some of each kind to show."""

    def __init__(self, results, gateway, upstreams):
        self.lines = collections.Counter()
        self.lost, self.peeks = set(), gateway.peeks
        for line in gateway.lines():
            self.lines[line["id"]] += 1
            if line.get("ended") == "worker_lost":
                self.lost.add(line["id"])
        by_name = {u.name: u for u in upstreams}
        self.count, self.examples = collections.Counter(), {}
        self.results = results
        for r in results:
            r.verdict = verdict(r, gateway, by_name, self.lost)
            self.count[r.verdict] += 1
            self.examples.setdefault(r.verdict, []).append(r)

    def show(self, what):
        return [f"{r.number} {r.kind} {r.how} status={r.status} id={r.id} "
                f"target={r.target} clean={r.clean} finished={r.finished} "
                f"after {r.ended - r.began:.2f} s error={r.error!r} "
                f"text=…{r.text[-60:]!r}"
                for r in self.examples.get(what, [])[:5]]

    def share(self):
        """Answered, of those that could have been: in percent."""
        whole, bad = self.count["whole"], self.count["failed"] + \
            self.count["unexplained"] + self.count["hang"]
        return 100.0 * whole / max(1, whole + bad)


def answers(v):
    n = len(v.results)
    for what, name in (("wrong", "wrong answers"),
                       ("duplicated", "answers with text twice"),
                       ("clean end", "clean ends of cut streams"),
                       ("hang", "requests past their deadline"),
                       ("unexplained", "ends without a reason")):
        yield name, v.count[what], n, v.show(what)


def access_lines(v):
    """One for each id that a client saw; the others belong to clients that
    saw no head."""
    seen = {r.id for r in v.results if r.id}
    blind = sum(1 for r in v.results if not r.id and r.how != "refused")
    bad = [i for i, n in v.lines.items() if n != 1]
    missing = [i for i in seen if i not in v.lines]
    others = sum(1 for i in v.lines if i not in seen) - v.peeks
    show = [f"{v.lines[i]} lines of {i}" for i in (bad + missing)[:5]]
    more = max(0, others - blind)
    if more:
        show.append(f"{others} lines of {blind} requests without a head")
    yield ("access lines missing or twice", len(bad) + len(missing) + more,
           sum(v.lines.values()), show)


def answered(v, least):
    share = v.share()
    of = v.count["whole"] + v.count["failed"]
    yield (f"answered: {share:.3f} %, at least {least} %",
           0 if share >= least else v.count["failed"], of, v.show("failed"))


def at_rest(gateway, upstreams):
    """Counters after the last request: (what, what it is)."""
    end = time.monotonic() + 20
    while True:
        s = gateway.status()
        left = {
            "in flight": s["in_flight"], "connections": s["connections"],
            "upstream requests": sum(u.in_flight() for u in upstreams),
            "places taken": LIMIT - gateway.free_places()}
        if not any(left.values()) or time.monotonic() > end:
            return left
        time.sleep(0.3)


def counters(gateway, upstreams):
    left = at_rest(gateway, upstreams)
    lines = gateway.metric("penstock_worker_log_lines_lost_total")
    before = sum(1 for e in gateway.lines()
                 if e.get("ended") == "worker_lost")
    gateway.bury_all()
    left["request cells"] = sum(
        1 for e in gateway.lines()
        if e.get("ended") == "worker_lost") - before
    left["log lines lost"] = int(lines)
    for what, n in left.items():
        yield f"left at rest: {what}", n, 0, []


def memory(gateway, begin, end):
    """The last quarter against the second: what a leak would show."""
    def median(weights, part):
        at = sorted(kb for t, kb in weights
                    if part / 4 <= (t - begin) / (end - begin)
                    < (part + 1) / 4)
        return at[len(at) // 2] if at else 0

    for name, weights in gateway.weights.items():
        early, late = median(weights, 1), median(weights, 3)
        bad = late > early * 1.15 + 2048
        yield (f"RSS of the {name}: {early} kB, then {late} kB", int(bad),
               len(weights), [])

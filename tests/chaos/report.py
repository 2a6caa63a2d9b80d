# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""What is printed: a line a check, and a table of how requests ended."""
import statistics

ROWS = ("whole", "cut", "failed", "killed", "left", "wrong", "duplicated",
        "clean end", "hang", "unexplained")


def check_line(name, bad, of, examples):
    """Print one; True if it holds."""
    state = "ok  " if not bad else "FAIL"
    note = f"  (of {of})" if of else ""
    print(f"{state}  {bad:6}  {name}{note}", flush=True)
    if bad:
        for e in examples:
            print(f"              {e}", flush=True)
    return not bad


def seconds(values, part):
    if len(values) < 2:
        return 0.0
    return statistics.quantiles(values, n=100)[part - 1]


def column(verdicts, gateway, redis, illness):
    """The figures of one run, by row."""
    times = [r.ended - r.began for r in verdicts.results
             if r.verdict == "whole" and r.kind == "stream"]
    out = {"requests": len(verdicts.results)}
    out.update({name: verdicts.count[name] for name in ROWS})
    out["answered, %"] = f"{verdicts.share():.3f}"
    out["stream p50, s"] = f"{seconds(times, 50):.2f}"
    out["stream p99, s"] = f"{seconds(times, 99):.2f}"
    out["workers killed"] = len(gateway.kills)
    out["Redis stopped"] = redis.stops if redis.program else "not installed"
    out["spells of illness"] = sum(len(u.spells) for u in illness.upstreams)
    out["ways to be ill"] = illness.ways_seen()
    return out


def table(columns):
    """columns: name of a run -> its figures."""
    names = list(columns)
    print("\n| | " + " | ".join(names) + " |")
    print("|---|" + "---:|" * len(names))
    for row in columns[names[0]]:
        print(f"| {row} | " + " | ".join(str(columns[n][row])
                                         for n in names) + " |")

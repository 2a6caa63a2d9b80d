# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""The ledger: every answered try has its row, whoever is killed and whatever
the database does; and `penstock usage` says what is in it."""
import csv
import http.client
import io
import json
import os
import pathlib
import random
import signal
import sqlite3
import subprocess
import threading
import time

import pytest

from conftest import SANITIZED, SLOW, wait_for
from test_faults import CONTENT, ROLE, start
from test_client_gone import raw
from upstream import Upstream

LONG = os.environ.get("PENSTOCK_LONG") == "1"
CONFIG = """
server { workers = 2 }
metrics "127.0.0.1:0"
listen "127.0.0.1:0" { anonymous = "local", detail = "full" }
provider "sim"
price "sim/echo" { input = "2.5 USD/Mtok", output = "10 USD/Mtok" }
"""
ECHO = {"model": "sim/echo", "messages": [{"role": "user", "content": "hi"}]}


def db_path(p):
    return p.dir / "state" / "ledger" / "ledger.db"


def query(p, sql):
    db = sqlite3.connect(f"file:{db_path(p)}?mode=ro", uri=True, timeout=10)
    try:
        return db.execute(sql).fetchall()
    finally:
        db.close()


def rows(p):
    """[] until the keeper has made the table."""
    if not db_path(p).exists() or not query(
            p, "SELECT 1 FROM sqlite_master WHERE name = 'day'"):
        return []
    return query(p, "SELECT id, attempt, ended, status, input, output, "
                    "cost_nusd, estimated, tags FROM try ORDER BY time_ms")


def keeper(p):
    return next(h["pid"] for h in p.status()["helpers"]
                if h["kind"] == "keeper")


def kill(pid):
    """Nobody is there: 0, which is no process but our group."""
    if pid > 1:
        os.kill(pid, signal.SIGKILL)
    return pid > 1


def metric(p, name):
    address = p.status()["metrics"]
    c = http.client.HTTPConnection(address, timeout=10 * SLOW)
    c.request("GET", "/metrics")
    text = c.getresponse().read().decode()
    c.close()
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2])
            for line in text.splitlines() if line.startswith(name)}


class Load(threading.Thread):
    """Requests one after the other; ids of those that were answered whole."""

    def __init__(self, p, n):
        super().__init__()
        self.p, self.n, self.answered, self.failed = p, n, [], 0

    def run(self):
        conn = None
        for _ in range(self.n):
            try:
                if conn is None:
                    conn = self.p.connect()
                conn.request("POST", "/v1/chat/completions", json.dumps(ECHO))
                r = conn.getresponse()
                r.read()
                if r.status == 200:
                    self.answered.append(r.headers["x-request-id"])
            except (OSError, http.client.HTTPException):
                self.failed += 1
                conn = None
                time.sleep(0.01)


def load(p, total, threads=8):
    all_ = [Load(p, total // threads) for _ in range(threads)]
    for t in all_:
        t.start()
    return all_


def answered(threads):
    for t in threads:
        t.join()
    return [i for t in threads for i in t.answered]


def test_a_row_and_its_cost(penstock):
    p = penstock(CONFIG)
    r = p.post("/v1/chat/completions", ECHO,
               headers={"x-penstock-tags": "job=night"})
    usage = r.json()["usage"]
    nusd = usage["prompt_tokens"] * 2500 + usage["completion_tokens"] * 10000
    assert float(r.headers["x-penstock-cost-usd"]) == nusd / 1e9
    got = wait_for(lambda: rows(p), why="the row")
    assert got == [(r.headers["x-request-id"], 1, "complete", 200,
                    usage["prompt_tokens"], usage["completion_tokens"], nusd,
                    0, '{"job":"night"}')]
    line = wait_for(lambda: p.logs("request"), why="the access line")[0]
    assert line["cost"] == nusd / 1e9
    assert metric(p, "penstock_cost_usd_total") == {
        'penstock_cost_usd_total{provider="sim",model="other"}': nusd / 1e9}


def test_an_unknown_price_is_null(penstock):
    p = penstock(CONFIG)
    r = p.post("/v1/chat/completions", dict(ECHO, model="sim/lorem"))
    assert "x-penstock-cost-usd" not in r.headers
    got = wait_for(lambda: rows(p), why="the row")[0]
    assert got[5] > 0 and got[6] is None
    usage = json.loads(p.cli("usage", "--json").stdout)
    assert usage[0]["cost_nusd"] is None and usage[0]["unknown"] == 1
    assert "cost" not in p.line("request")


def test_usage_as_table_csv_and_json(penstock):
    p = penstock(CONFIG)
    for model in ("sim/echo", "sim/echo", "sim/lorem"):
        p.post("/v1/chat/completions", dict(ECHO, model=model))
    wait_for(lambda: len(rows(p)) == 3,
             why="the rows")
    table = p.cli("usage", "--by", "model")
    assert table.returncode == 0, table.stderr
    assert table.stdout.splitlines()[0].split()[:3] == ["model", "requests",
                                                        "tries"]
    whole = p.cli("usage", "--by", "provider,model", "--csv").stdout
    none = p.cli("usage", "--by", "provider,model", "--csv", "--key",
                 "nobody").stdout
    assert none == whole.splitlines(keepends=True)[0]  # columns, no row
    lines = list(csv.DictReader(io.StringIO(whole)))
    assert [(x["model"], x["tries"]) for x in lines] == [("sim/echo", "2"),
                                                         ("sim/lorem", "1")]
    only = json.loads(p.cli("usage", "--json", "--by", "day", "--model",
                            "sim/lorem", "--since", "2020-01-01").stdout)
    assert len(only) == 1 and only[0]["tries"] == 1
    assert p.cli("usage", "--until", "2020-01-01").stdout == "no usage\n"
    bad = p.cli("usage", "--by", "colour")
    assert bad.returncode == 1 and "colour" in bad.stderr
    assert p.cli("usage", "--since", "today").returncode == 2
    # the sums are those of the rows
    sums = json.loads(p.cli("usage", "--json", "--by", "").stdout)[0]
    got = query(p, "SELECT count(*), sum(input), sum(output), "
                   "sum(cost_nusd) FROM try")[0]
    assert got == (sums["tries"], sums["input"], sums["output"],
                   sums["cost_nusd"])


def test_a_client_that_leaves_is_estimated(penstock):
    def events(conn, _):
        conn.head(200, "text/event-stream")
        conn.chunk(ROLE + "".join(CONTENT % f"w{i}" for i in range(20)))
        conn.wait_gone()
    with Upstream(events) as up:
        p = start(penstock, up.url)
        s = raw(p, dict(ECHO, model="up/m", stream=True))
        got = b""
        while b"w19" not in got:
            got += s.recv(65536)
        s.close()
        row = wait_for(lambda: rows(p),
                       why="the row")[0]
    assert row[2] == "client_gone" and row[7] == 1
    assert 20 <= row[5] <= 22 and row[4] > 0


CELLS = """
local M = { api = 1 }
local row = { { "concurrent", per = "story:all", limit = 1000 } }
function M.admit(req)
  if req.user ~= "probe" then return ps.take(row) end
  local _, states = ps.peek(row)
  return ps.deny("rate_limited", "held " .. 1000 - states[1].remaining)
end
return M
"""


def held(p):
    """Requests that the limiter believes to be in work."""
    r = p.post("/v1/chat/completions", dict(ECHO, user="probe"))
    assert r.status == 429
    return int(r.json()["error"]["message"].rpartition(" ")[2])


def test_kills_lose_no_row(penstock, tmp_path):
    """Workers and the keeper are killed during metered requests: a row for
    each answered try and, for what was in work, `worker_lost`; the cells of
    the limits come back to nothing."""
    tmp_path.chmod(0o755)
    (tmp_path / "cells.lua").write_text(CELLS)
    p = penstock(CONFIG + f'policy_path "{tmp_path}"\n'
                 'policies { "auth", "cells", "route" }\n')
    total = 10000 if not SANITIZED else 6000
    threads = load(p, total)
    rng = random.Random(4)
    killed = 0
    while any(t.is_alive() for t in threads):
        time.sleep(0.3)
        try:
            pid = keeper(p) if killed % 2 else \
                rng.choice([w["pid"] for w in p.workers() if w["pid"]])
            killed += kill(pid)
        except (StopIteration, IndexError, OSError, TypeError):
            pass
    ids = answered(threads)
    assert len(set(ids)) == len(ids) and killed >= 3
    wait_for(lambda: p.status() and len(p.workers()) == 2, 20, why="workers")

    wait_for(lambda: held(p) == 0, why="empty cells")

    def complete():
        try:
            return set(ids) <= {r[0] for r in rows(p)}
        except sqlite3.Error:
            return False
    wait_for(complete, 30, 0.3, why="all rows")
    time.sleep(1)
    got = rows(p)
    assert len({r[:2] for r in got}) == len(got)
    mine, others = set(ids), [r for r in got if r[0] not in set(ids)]
    # a worker that died behind the last byte left what it knew
    assert all(r[3] == 200 and r[4] and r[6] for r in got if r[0] in mine)
    # what nobody got an answer to: lost with the worker, or cut off with it
    assert len(others) <= sum(t.failed for t in threads)
    assert all(r[2] == "worker_lost" or r[3] for r in others)
    sums = query(p, "SELECT sum(tries), sum(cost_nusd) FROM day")[0]
    assert sums == query(p, "SELECT count(*), sum(cost_nusd) FROM try")[0]
    assert sum(w["in_flight"] for w in p.workers()) == 0
    print(f"{len(ids)} answered, {killed} killed, "
          f"{sum(r[2] == 'worker_lost' for r in got)} worker_lost")


def test_a_lost_worker_names_whose_request_it_was(penstock):
    """Key, team, user and model of the file's key stand in the row that the
    master writes for a worker that is gone."""
    def hang(conn, _):
        conn.head(200, "text/event-stream")
        conn.chunk(ROLE + CONTENT % "word")
        conn.wait_gone()
    with Upstream(hang) as up:
        p = penstock(f"""
server {{ workers = 1 }}
provider "up" {{ vendor = "openai-compatible", base_url = "{up.url}",
                keys = {{ env("UNSET", "k") }} }}
model "asked" {{ "up/served" }}
team "search" {{ models = {{ "asked" }} }}
key "ci" {{ team = "search", user = "bot", sha256 =
  "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae" }}
""")
        c = p.connect(30)
        c.request("POST", "/v1/chat/completions",
                  json.dumps(dict(ECHO, model="asked", stream=True)),
                  {"authorization": "Bearer foo"})
        r = c.getresponse()
        got = b""
        while b"word" not in got:
            got += r.readline()
        assert kill(p.workers()[0]["pid"])
        wait_for(lambda: rows(p), why="the row")
        c.close()
        assert query(p, "SELECT ended, key, team, user, model, provider, "
                        "upstream_model FROM try") == [
            ("worker_lost", "ci", "search", "bot", "asked", "up", "served")]
        usage = json.loads(p.cli("usage", "--json", "--by",
                                 "key,team,user").stdout)
        assert [(u["key"], u["team"], u["user"]) for u in usage] == [
            ("ci", "search", "bot")]


def lock_db(path):
    db = sqlite3.connect(path, timeout=10, isolation_level=None)
    db.execute("BEGIN IMMEDIATE")
    return db


def test_a_locked_database_stalls_nothing(penstock):
    p = penstock(CONFIG)
    p.post("/v1/chat/completions", ECHO)
    wait_for(lambda: rows(p), why="the row")
    db = lock_db(db_path(p))
    begin = time.monotonic()
    slowest, n, ids = 0, 0, []
    while time.monotonic() - begin < 5:
        t = time.monotonic()
        r = p.post("/v1/chat/completions", ECHO)
        slowest = max(slowest, time.monotonic() - t)
        ids.append(r.headers["x-request-id"])
        n += 1
        if n % 50 == 0:
            assert metric(p, "penstock_requests_total")  # the loop turns
    db.execute("ROLLBACK")
    db.close()
    wait_for(lambda: set(ids) <= {r[0] for r in rows(p)}, why="the rows")
    assert slowest < 0.5 * SLOW
    assert p.logs("ledger.down") and p.logs("ledger.up")


@pytest.mark.skipif(SANITIZED, reason="it needs more rows than fit a ring")
def test_a_long_lock_spills(penstock):
    p = penstock(CONFIG.replace("workers = 2", "workers = 1"))
    p.post("/v1/chat/completions", ECHO)
    wait_for(lambda: rows(p), why="the row")
    db = lock_db(db_path(p))
    ids = answered(load(p, 9000))
    folder = db_path(p).parent
    wait_for(lambda: list(folder.glob("spill-*")), why="a spill file")
    assert kill(keeper(p))                  # its spill file stays
    ids += answered(load(p, 1000))
    db.execute("ROLLBACK")
    db.close()
    wait_for(lambda: set(ids) <= {r[0] for r in rows(p)}, 30, 0.3,
             why="the rows")
    wait_for(lambda: not list(folder.glob("spill-*")), why="no spill file")
    states = metric(p, "penstock_ledger_rows_total")
    assert 'penstock_ledger_rows_total{state="lost"}' not in states
    assert query(p, "SELECT sum(tries) FROM day") == \
        query(p, "SELECT count(*) FROM try")


def test_the_restore_drill(penstock):
    """A backup while rows come in; all is lost; the backup brings it back,
    and the ledger goes on from there."""
    p = penstock(CONFIG)
    before = answered(load(p, 200, 4))
    wait_for(lambda: set(before) <= {r[0] for r in rows(p)}, why="the rows")
    threads = load(p, 400, 4)
    copy = str(p.dir / "ledger.backup")
    got = p.cli("backup", "--ledger", copy)
    assert got.returncode == 0, got.stderr
    during = answered(threads)
    assert p.cli("backup", "--ledger", copy).returncode == 1  # never over one
    assert os.stat(copy).st_mode & 0o777 == 0o600
    db = sqlite3.connect(f"file:{copy}?mode=ro", uri=True)
    kept = {r[0] for r in db.execute("SELECT id FROM try")}
    db.close()
    assert set(before) <= kept <= set(before) | set(during)
    assert p.cli("restore", "--ledger", copy).returncode == 1  # it runs
    p.signal(signal.SIGTERM)
    assert p.wait_exit() == 0
    for part in db_path(p).parent.glob("ledger.db*"):
        part.write_bytes(b"\xa5" * 4096)
    junk = p.dir / "junk"
    junk.write_text("no database")
    assert p.cli("restore", "--ledger", str(junk)).returncode == 1
    got = p.cli("restore", "--ledger", copy)
    assert got.returncode == 0, got.stderr
    other = penstock(CONFIG, env={"PENSTOCK_STATE": str(p.dir / "state")})
    more = answered(load(other, 40, 4))
    wait_for(lambda: {r[0] for r in rows(p)} == kept | set(more),
             why="what was kept and what came since")
    assert query(p, "SELECT sum(tries) FROM day") == \
        query(p, "SELECT count(*) FROM try")


def test_stopping_writes_the_last_rows(penstock):
    p = penstock(CONFIG)
    ids = answered(load(p, 400, 4))
    p.signal(signal.SIGTERM)
    assert p.wait_exit() == 0
    assert set(ids) <= {r[0] for r in rows(p)}
    db = lock_db(db_path(p))
    db.execute("ROLLBACK")
    db.close()


def test_stopping_with_a_locked_database_spills(penstock):
    p = penstock(CONFIG)
    p.post("/v1/chat/completions", ECHO)
    wait_for(lambda: rows(p), why="the row")
    db = lock_db(db_path(p))
    p.post("/v1/chat/completions", ECHO)
    p.signal(signal.SIGTERM)
    assert p.wait_exit() == 0
    db.execute("ROLLBACK")
    db.close()
    assert len(list(db_path(p).parent.glob("spill-*"))) == 1
    other = penstock(CONFIG, env={"PENSTOCK_STATE": str(p.dir / "state")})
    wait_for(lambda: len(rows(p)) == 2, why="the spilled row")
    assert other.get("/healthz").status == 200


def test_a_stopped_reader_of_the_log_stops_nobody(penstock, tmp_path):
    fifo = tmp_path / "log"
    os.mkfifo(fifo)
    reader = subprocess.Popen(["cat", str(fifo)], stdout=subprocess.DEVNULL)
    try:
        p = penstock(CONFIG + f'log {{ to = "{fifo}" }}\n')
        os.kill(reader.pid, signal.SIGSTOP)
        slowest = 0
        for _ in range(300):
            t = time.monotonic()
            assert p.post("/v1/chat/completions", ECHO).status == 200
            slowest = max(slowest, time.monotonic() - t)
        assert slowest < 0.5 * SLOW
        wait_for(lambda: sum(metric(
            p, "penstock_worker_log_lines_lost_total").values()) > 0,
            why="lost lines")
    finally:
        os.kill(reader.pid, signal.SIGCONT)
        reader.kill()
        reader.wait()
    assert pathlib.Path(fifo).is_fifo()

# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""What policies share and keep for themselves in a running gateway: values of
ps.kv over workers and their deaths, counters, secrets, ticks, patterns."""
import http.client
import os
import re
import signal
import subprocess
import threading
import time
import urllib.request

from conftest import SLOW, wait_for

CHAT = {"model": "sim/echo", "messages": [{"role": "user", "content": "hi"}]}


def start(penstock, tmp_path, policies, entries, workers=2, env=None,
          more=""):
    tmp_path.chmod(0o755)
    for name, text in policies.items():
        (tmp_path / f"{name}.lua").write_text(text)
    return penstock(f"""
        server {{ workers = {workers} }}
        policy_path "{tmp_path}"
        metrics "127.0.0.1:0"
        provider "sim"
        policies {{ {entries}, "route" }}
        {more}
    """, env=env)


def metrics_of(p):
    where = p.status()["metrics"]
    where = where[0] if isinstance(where, list) else where
    port = re.search(r":(\d+)", str(where)).group(1)
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics",
                                timeout=10) as answer:
        return answer.read().decode()


def sample(text, metric, /, **labels):
    """The value of the series with exactly these labels, or None."""
    for line in text.splitlines():
        m = re.fullmatch(metric + r"(?:\{(.*)\})? (\S+)", line)
        if m and dict(re.findall(r'(\w+)="([^"]*)"', m[1] or "")) == labels:
            return float(m[2])
    return None


COUNT = """
local kv = ps.kv("count")
return { api = 1, validate = function(req)
  ps.note("n=" .. kv:incr("all"))
  ps.metric("asked", 1, { model = req.model })
end }
"""


def kill_worker(p, slot):
    """End it; back when its successor is ready."""
    pid = p.workers()[slot]["pid"]
    assert pid > 0
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: p.workers()[slot]["pid"] not in (0, pid) and
             p.workers()[slot]["state"] == "ready", why="the next worker")


def n_of(p, answer):
    mine = answer.headers["x-request-id"]
    line = wait_for(lambda: next((e for e in p.logs("request")
                                  if e["id"] == mine), None), why="a line")
    return int(re.search(r"n=(\d+)", " ".join(line["notes"]))[1])


def test_workers_count_together_and_deaths_lose_nothing(penstock, tmp_path):
    p = start(penstock, tmp_path, {"count": COUNT}, '"count"')
    done, lock = [0], threading.Lock()
    stop = threading.Event()

    def ask():
        while not stop.is_set() and done[0] < 600:
            try:
                ok = p.post("/v1/chat/completions", CHAT).status == 200
            except (OSError, http.client.HTTPException):
                ok = False  # its worker was killed
            with lock:
                done[0] += ok

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for t in threads:
        t.start()
    try:
        for _ in range(3):
            time.sleep(0.3)
            kill_worker(p, 1)
    finally:
        for t in threads:
            t.join(30 * SLOW)
        stop.set()
    last = n_of(p, p.post("/v1/chat/completions", CHAT))
    # each answered one was counted, once; the killed ones perhaps
    assert done[0] + 1 <= last <= done[0] + 1 + 3 * 4
    assert not p.logs("kv.emptied")
    total = sample(metrics_of(p), "penstock_policy_count_total",
                   policy="count", name="asked", model="sim/echo")
    assert done[0] + 1 <= total <= last


def test_counters_are_sound_for_prometheus(penstock, tmp_path):
    p = start(penstock, tmp_path, {"count": COUNT}, '"count"')
    p.post("/v1/chat/completions", CHAT)
    text = metrics_of(p)
    assert "# TYPE penstock_policy_count_total counter" in text
    path = os.pathsep.join([os.environ["PATH"], str(
        os.path.join(os.environ.get("PENSTOCK_WORK", ""), "promtool/usr/bin"))])
    try:
        done = subprocess.run(["promtool", "check", "metrics"], input=text,
                              text=True, capture_output=True, timeout=30,
                              env={**os.environ, "PATH": path})
    except FileNotFoundError:
        return  # the text itself was looked at
    assert done.returncode == 0, done.stdout + done.stderr


SIGN = """
local M = { api = 1, schema = { key = "secret", other = "secret" } }
function M.validate(req, conf)
  local what = req.header["x-story"]
  if what == "sign" then
    ps.note("mac " .. ps.hmac(conf.key, "hello"))
  elseif what == "leak" then
    ps.note("it is " .. ps.secret(conf.key))
    ps.log("it is " .. ps.secret(conf.key))
  elseif what == "raise" then
    error("bad key " .. ps.secret(conf.other))
  end
end
return M
"""


def test_secrets_never_show(penstock, tmp_path):
    (tmp_path / "other").write_text("file-canary-4711\n")
    p = start(penstock, tmp_path, {"sign": SIGN},
              '{ "sign", conf = { key = env "STORY_KEY",'
              f' other = file "{tmp_path}/other" }} }}',
              env={"STORY_KEY": "env-canary-4711"})
    said = []
    for story, status in (("sign", 200), ("leak", 200), ("raise", 500)):
        answer = p.post("/v1/chat/completions", CHAT,
                        headers={"x-story": story})
        assert answer.status == status, story
        told = p.cli("explain", answer.headers["x-request-id"])
        assert told.returncode == 0
        said += [told.stdout, answer.body.decode()]
    dump = p.cli("config", "dump", "-c", str(p.conf))
    assert dump.returncode == 0 and 'env "STORY_KEY"' in dump.stdout
    wait_for(lambda: len(p.logs("request")) == 3, why="three lines")
    everything = p.stderr() + dump.stdout + "".join(said)
    assert "canary-4711" not in everything
    assert "it is [secret]" in everything
    assert "bad key [secret]" in everything
    # openssl: printf hello | openssl dgst -sha256 -hmac env-canary-4711
    done = subprocess.run(["openssl", "dgst", "-sha256", "-hmac",
                           "env-canary-4711"], input=b"hello", timeout=30,
                          capture_output=True)
    assert done.stdout.split()[-1].decode() in everything


def test_a_secret_that_is_not_there(penstock, tmp_path):
    tmp_path.chmod(0o755)
    (tmp_path / "sign.lua").write_text(SIGN)
    p = penstock(f"""
        policy_path "{tmp_path}"
        provider "sim"
        policies {{ {{ "sign", conf = {{ key = env "STORY_NONE" }} }} }}
    """, ready=False)
    assert p.wait_exit() != 0
    assert 'policy "sign" conf.key' in p.stderr()


TICK = """
local kv = ps.kv("tick")
local M = { api = 1, every = { interval = "200ms", where = "one" } }
function M.tick(_, _)
  kv:incr("one")
  ps.log("ticked")
end
function M.validate(req)
  ps.note("n=" .. (kv:get("one") or 0))
end
return M
"""
EACH = """
local M = { api = 1, every = { interval = "200ms", where = "each_worker" } }
function M.tick(_, _) ps.metric("each") end
return M
"""


def test_ticks_in_one_worker_and_in_each(penstock, tmp_path):
    p = start(penstock, tmp_path, {"one": TICK, "each": EACH},
              '"one", "each"')
    lines = wait_for(lambda: len(p.logs("policy.log")) >= 4 and
                     p.logs("policy.log"), why="ticks")
    assert {e["process"] for e in lines} == {"worker 0"}, lines
    begin = n_of(p, p.post("/v1/chat/completions", CHAT))
    time.sleep(1)
    ticks = n_of(p, p.post("/v1/chat/completions", CHAT)) - begin
    assert 2 <= ticks <= 7  # one worker's, not two's
    each = wait_for(lambda: sample(
        metrics_of(p), "penstock_policy_count_total", policy="each",
        name="each"), why="each worker's")
    assert each >= 2
    # the first worker dies: the next one takes over, then gives it back
    before = len(p.logs("policy.log"))
    kill_worker(p, 0)
    wait_for(lambda: len(p.logs("policy.log")) >= before + 3,
             why="ticks after a death")
    # no tick where nobody is ready, and the end comes at once
    p.signal(signal.SIGTERM)
    p.wait_exit()


GUARD = """
local bad = ps.re("^(\\\\w+\\\\s?)+$")
return { api = 1, validate = function(req)
  if bad:test(req.header["x-text"] or "") then
    return ps.deny("content_filter", "No")
  end
end }
"""


def test_a_catastrophic_pattern_costs_its_own_request(penstock, tmp_path):
    p = start(penstock, tmp_path, {"guard": GUARD}, '"guard"', workers=1)
    worker = p.workers()[0]["pid"]
    assert p.post("/v1/chat/completions", CHAT,
                  headers={"x-text": "ab cd"}).status == 400
    for _ in range(3):
        begin = time.monotonic()
        answer = p.post("/v1/chat/completions", CHAT,
                        headers={"x-text": "a" * 20000 + "!"})
        assert answer.status == 500
        assert answer.json()["error"]["code"] == "policy_failed"
        assert time.monotonic() - begin < 2 * SLOW
    assert p.post("/v1/chat/completions", CHAT).status == 200
    assert p.workers()[0]["pid"] == worker

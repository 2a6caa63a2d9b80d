# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""Hostile scripts in one worker: a request in every 100 ms runs one, all are
refused, and the others hardly notice."""
import http.client
import json
import pathlib
import threading
import time

from conftest import SANITIZED, SLOW

CHAT = json.dumps({"model": "sim/echo",
                   "messages": [{"role": "user", "content": "hi"}]})
HEAD = {"content-type": "application/json"}
SECONDS = 6
POLICY = r"""
local hostile = {
  loop = function() while true do pcall(function() while true do end end) end
  end,
  handler = function() xpcall(error, function() while true do end end) end,
  close = function()
    local t <close> = setmetatable({}, { __close = function()
      while true do end end })
    while true do end
  end,
  pattern = function() while true do
    pcall(string.find, ("a"):rep(40000), (".-"):rep(40) .. "b") end end,
  set = function()
    string.find(("a"):rep(1 << 20), "[" .. ("b"):rep(1 << 20) .. "]") end,
  chain = function()
    local t = {}
    for _ = 1, 1990 do t = setmetatable({}, { __index = t }) end
    table.move(t, 1, 100000, 1, {})
  end,
  gsub = function()
    string.gsub(("x"):rep(100000), "x", function()
      pcall(function() while true do end end) end) end,
  sort = function() table.sort({ 3, 2, 1 }, function() while true do end end)
  end,
  upper = function() local s = ("x"):rep(1 << 20)
    while true do s:upper() end end,
  load = function() while true do load(("("):rep(16000)) end end,
  memory = function() local t = {} for i = 1, 1e9 do t[i] = {} end end,
  strings = function() local t = {} while true do
    pcall(function() for i = 1, 1e9 do t[#t + 1] = ("x"):rep(1000) .. i end
    end) end end,
  text = function() local s = "x" while true do s = s .. s end end,
  waits = function() while true do ps.sleep(1) for _ = 1, 1e6 do end end end,
}
return { api = 1, admit = function(req)
  local name = req.header["x-hostile"]
  if name then hostile[name]() end
end }
"""
NAMES = ("loop handler close pattern set chain gsub sort upper load memory "
         "strings text waits").split()


def post(c, extra=None):
    c.request("POST", "/v1/chat/completions", CHAT, {**HEAD, **(extra or {})})
    answer = c.getresponse()
    return answer.status, answer.read()


def attack(p, until, answers):
    """One hostile request in every 100 ms; never two at a time, because on a
    busy machine they would take more than there is."""
    n = 0
    while time.monotonic() < until or n < len(NAMES):
        begin = time.monotonic()
        c = http.client.HTTPConnection("127.0.0.1", p.port, timeout=30)
        name = NAMES[n % len(NAMES)]
        answers.append((name, *post(c, {"x-hostile": name})))
        c.close()
        n += 1
        time.sleep(max(0, begin + 0.1 - time.monotonic()))


def cpu_seconds(pid):
    return int(pathlib.Path(f"/proc/{pid}/schedstat").read_text().split()[0]
               ) / 1e9


def ask_on(p, until, took, wrong):
    c = http.client.HTTPConnection("127.0.0.1", p.port, timeout=30)
    while time.monotonic() < until:
        begin = time.monotonic()
        status, body = post(c)
        took.append(time.monotonic() - begin)
        if status != 200:
            wrong.append(body)
        time.sleep(0.005)
    c.close()


def one_round(p, worker):
    """All hostile requests beside good ones; is it within the figures?"""
    cpu = cpu_seconds(worker)
    until = time.monotonic() + SECONDS
    took, wrong, answers = [], [], []
    threads = [threading.Thread(target=attack, args=[p, until, answers])] + [
        threading.Thread(target=ask_on, args=[p, until, took, wrong])
        for _ in range(3)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    cpu = cpu_seconds(worker) - cpu

    assert not wrong
    assert {name for name, _, _ in answers} == set(NAMES)
    for name, status, body in answers:
        assert status == 500, name
        assert json.loads(body)["error"]["code"] == "policy_failed"
    took.sort()
    p50, p99 = took[len(took) // 2], took[len(took) * 99 // 100]
    print(f"{len(took)} requests beside {len(answers)} hostile ones: p50 "
          f"{p50 * 1000:.1f} ms, p99 {p99 * 1000:.1f} ms, longest "
          f"{took[-1] * 1000:.1f} ms; {cpu:.2f} s of CPU")
    # p99 < 100 ms is the figure on a machine of one's own; what holds
    # everywhere is CPU
    return SANITIZED or (p99 < 2 * SLOW and
                         cpu < 0.060 * len(answers) + 0.002 * len(took))


def test_others_hardly_notice(penstock, tmp_path):
    """A neighbour on the machine takes time and caches from us: what we do
    of our own accord is too much in each round."""
    tmp_path.chmod(0o755)
    (tmp_path / "story.lua").write_text(POLICY)
    p = penstock(f"""
        server {{ workers = 1 }}
        policy_path "{tmp_path}"
        provider "sim"
        policies {{ "story" }}
    """)
    worker = p.workers()[0]["pid"]
    assert any(one_round(p, worker) for _ in range(4))
    assert p.workers()[0]["pid"] == worker
    assert not p.logs("worker.stuck")

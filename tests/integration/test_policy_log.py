# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""What `log` is told of a request that is over: out."""
from conftest import wait_for
from test_faults import settled
from test_policy_tries import ask, busy, good, start
from upstream import Upstream

LOG = """
local M = { api = 1 }

local function text(v)
  if type(v) ~= "table" then return tostring(v) end
  local names, parts = {}, {}
  for k in pairs(v) do names[#names + 1] = tostring(k) end
  table.sort(names)
  for i, k in ipairs(names) do parts[i] = k .. "=" .. tostring(v[k]) end
  return table.concat(parts, ",")
end

function M.admit(req)
  if req.header["x-story"] == "deny" then
    return ps.deny("x_full", "No", { status = 429 })
  end
end

function M.log(req, conf, out)
  if req.path ~= "/v1/chat/completions" then return end
  local tries = {}
  for i, t in ipairs(out.attempts) do
    tries[i] = t.target .. "," .. t.credential .. "," .. text(t.status) ..
               "," .. text(t.class) .. "," .. text(t.why ~= nil) .. "," ..
               math.type(t.ms) .. "," ..
               text(t.first_ms and math.type(t.first_ms))
  end
  ps.sleep(1)                       -- and after a wait it is still the same
  ps.log(("out %s %s %s %s %s|%s|%s|%s"):format(
    text(out.status), out.ended, text(out.side), text(out.error),
    text(out.policy), text(out.target and out.target.name),
    table.concat(tries, ";"), text(out.usage)))
  ps.log("times " .. math.type(out.ms) .. " " .. text(out.ms >= 0) .. " " ..
         text(out.first_ms == nil or out.first_ms <= out.ms) .. " " ..
         text(out.cost == ps.cost(req)))
end

return M
"""


def told(p, what="out "):
    def notes():
        return [n["text"] for n in p.logs("policy.log")
                if n["text"].startswith(what)]
    return wait_for(notes, why="a note")[-1]


def test_what_served(penstock, tmp_path):
    with Upstream(busy) as a, Upstream(good) as b:
        p = start(penstock, tmp_path, a, b, story=LOG)
        assert ask(p, "none").status == 200
        assert told(p) == (
            "out 200 complete nil nil nil|b/second|"
            "a/first,a#1,503,overloaded,true,integer,nil;"
            "b/second,b#1,200,nil,false,integer,integer|"
            "input=3,output=2")
        assert told(p, "times") == "times integer true true true"
        settled(p)


def test_a_stream(penstock, tmp_path):
    with Upstream(good) as a:
        p = start(penstock, tmp_path, a, story=LOG)
        assert ask(p, "none", True).status == 200
        assert told(p).startswith("out 200 complete nil nil nil|a/first|"
                                  "a/first,a#1,200,nil,false,integer,integer|")


def test_what_failed(penstock, tmp_path):
    with Upstream(busy) as a:
        p = start(penstock, tmp_path, a, story=LOG)
        status = ask(p, "none").status
        out = told(p)
        assert out.startswith("out %d error provider " % status), out
        assert out.count(",503,overloaded,true,") == 2, out


def test_what_a_policy_refused(penstock, tmp_path):
    with Upstream(good) as a:
        p = start(penstock, tmp_path, a, story=LOG)
        assert ask(p, "deny").status == 429
        assert told(p) == "out 429 error client x_full story|nil||"
        assert not a.requests

-- SPDX-License-Identifier: Apache-2.0
-- Copyright The Penstock Authors
local function caller(limits, team_limits)
  return { principal = { id = "ci", key = "ci", team = "search",
                         limits = limits, team_limits = team_limits },
           client_ip = "10.0.0.1", model = "smart", max_tokens = 100 }
end
local denied = { deny = "rate_limited" }

ps.test("no limits", { req = caller(), calls = { {}, {}, {} } })
ps.test("requests of a key: a tenth at once, then at its rate", {
  req = caller { requests = "20/min" },
  calls = { {}, {},
    { expect = { deny = "rate_limited", retry_after = 3,
                 message = "Rate limit reached: requests per key 'ci', " ..
                           "limit 20/min. Try again in 3.000 s." } },
    { after_ms = 2999, expect = denied },
    { after_ms = 1 },
    { expect = denied } },
})
ps.test("a team's limit holds for all of its keys", {
  calls = {
    { req = caller(nil, { requests = "1/h" }) },
    { req = { principal = { id = "two", key = "two", team = "search",
                            team_limits = { requests = "1/h" } } },
      expect = denied },
    { req = { principal = { id = "x", key = "x", team = "other",
                            team_limits = { requests = "1/h" } } } },
  },
})
ps.test("tokens are reserved, then settled by what was used", {
  req = caller { tokens = "400/min" },
  calls = { { tokens = 10 }, { tokens = 10 }, { tokens = 300 },
            { expect = denied },
            { after_ms = 120000 } },
})
ps.test("a request larger than the limit is not refused for ever", {
  req = caller { tokens = "10/min" },
  calls = { {}, { expect = denied }, { after_ms = 120000 } },
})
ps.test("at the same time", {
  req = caller { concurrent = 2 },
  calls = { { running = true }, { running = true },
            { expect = { deny = "rate_limited", retry_after = 1 } } },
})
ps.test("what is over is given back", {
  req = caller { concurrent = 1 }, calls = { {}, {}, {} },
})
ps.test("a refused request has taken nothing", {
  req = caller { requests = "100/h", concurrent = 1 },
  calls = { { running = true }, { expect = denied }, { expect = denied } },
})
ps.test("limits for keys without their own", {
  conf = { requests = "1/h", ip = "5/h" },
  calls = { { req = caller() }, { req = caller(), expect = denied },
            { req = caller { requests = "50/h" }, expect = denied } },
})
ps.test("at the same time, for keys without their own", {
  conf = { concurrent = 1 },
  calls = { { req = caller(), running = true }, { req = caller(), expect = denied },
            { req = caller { concurrent = 2 } } },
})
ps.test("the conf's are a key's, not a team's", {
  conf = { requests = "1/h" },
  calls = { { req = caller(nil, { requests = "50/h" }) },
            { req = caller(nil, { requests = "50/h" }), expect = denied } },
})
ps.test("an address, and IPv6 by its network", {
  conf = { ip = "1/h" },
  calls = {
    { req = { client_ip = "2001:db8:1:2::1" } },
    { req = { client_ip = "2001:db8:1:2:ffff::9" }, expect = denied },
    { req = { client_ip = "2001:db8:1:3::1" } },
  },
})
ps.test("observe looks, and takes nothing", {
  mode = "observe", req = caller { requests = "1/h" },
  calls = { {}, {}, {} },
})
ps.test("a rate needs its unit", {
  conf = { requests = "600" }, req = caller(),
  expect = { fails = 'is not a rate; write "600/min"' },
})

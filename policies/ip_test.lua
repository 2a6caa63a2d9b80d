-- SPDX-License-Identifier: Apache-2.0
-- Copyright The Penstock Authors
local both = { allow = { "10.0.0.0/8", "fd00::/8" }, deny = { "10.9.0.0/16", "fd00::7" } }

local function from(name, conf, ip, refused)
  ps.test(name, {
    conf = conf, req = { client_ip = ip },
    expect = refused and { deny = "not_allowed" } or nil,
  })
end

from("in allow", both, "10.8.0.1")
from("in allow, IPv6", both, "fdab::1")
from("in allow, mapped", both, "::ffff:10.8.0.1")
from("deny wins", both, "10.9.0.1", true)
from("deny wins, IPv6", both, "fd00::7", true)
from("deny wins, mapped", both, "::ffff:10.9.0.1", true)
from("in no list", both, "203.0.113.7", true)
from("no address is in no list", both, "unix", true)
from("deny alone", { deny = { "203.0.113.0/24" } }, "203.0.113.7", true)
from("others may, where there is no allow", { deny = { "203.0.113.0/24" } }, "::1")
from("an empty allow lets nobody in", { allow = {} }, "127.0.0.1", true)
from("without lists everybody may", {}, "203.0.113.7")

ps.test("what is no network is told when the configuration is read", {
  conf = { allow = { "10.0.0.0/8", "10.0.0.0/33" } },
  expect = { fails = "conf.allow[2]: '10.0.0.0/33' is no network" },
})

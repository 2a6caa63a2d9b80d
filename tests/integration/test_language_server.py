# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""What an editor tells the author of a policy, by the stubs that we ship."""
import os
import pathlib
import re

import docs
from language_server import check

SRC = pathlib.Path(os.environ["PENSTOCK_SRC"])
STUBS = SRC / "sdk/lua"

# Of names, arguments and results. Not what is a matter of taste, nor that a
# value "may be nil", nor where a type follows from another result's.
KINDS = {"undefined-field", "undefined-global", "undefined-doc-name",
         "type-not-found", "syntax-error", "doc-syntax-error",
         "missing-parameter", "redundant-parameter", "return-type-mismatch",
         "missing-fields", "duplicate-doc-field", "duplicate-type"}


def typed(text):
    """As an author has it who wants to be told: M is a policy, so that the
    arguments of its phases have types."""
    return re.sub(r"^local M = \{", "---@type penstock.Policy\nlocal M = {",
                  text, count=1, flags=re.MULTILINE)


def wrong(found):
    return sorted(f for f in found if f[2] in KINDS)


def test_what_we_ship_and_print_is_right(tmp_path):
    files = {path.name: typed(path.read_text())
             for path in (SRC / "policies").glob("*.lua")}
    for n, block in enumerate(docs.blocks(label="lua")):
        if block.name:
            files[f"block{n}_{block.name}"] = typed(block.text)
    assert len(files) > 40
    assert wrong(check(tmp_path, files, STUBS)) == []


def test_what_policy_new_writes_is_right(cli, tmp_path):
    """It says itself that it is a policy."""
    phases = ["request", "authenticate", "validate", "admit", "route",
              "attempt", "response", "output", "log", "tick"]
    for phase in phases:
        got = cli("policy", "new", phase, "--phase", phase, "--dir",
                  str(tmp_path))
        assert got.returncode == 0, got.stderr
    files = {p.name: p.read_text() for p in tmp_path.glob("*.lua")}
    assert sum("---@type penstock.Policy" in t for t in files.values()) == 10
    assert wrong(check(tmp_path, files, STUBS)) == []


def test_the_stubs_are_right(tmp_path):
    files = {p.name: p.read_text() for p in STUBS.glob("*.lua")}
    assert len(files) == 2
    assert check(tmp_path, files, tmp_path / "none") == set()


def test_mistakes_are_told(tmp_path):
    text = typed('''local M = { api = 1 }
function M.admit(req)
  ps.note(req.modle)
  ps.nosuch()
  ps.sleep(1, 2)
  local no = ps.take { { "requests", per = "key", limit = "1/s" } }
  ps.take { { "requests", limit = "1/s" } }
  if no and no.limit then return 7 end
  return ps.dney("not_allowed")
end
function M.route(req, conf, plan)
  plan:keeep("x", function(t) return t.tags.region == "eu" end)
  plan:drop("x", function(t) return t.tgas end)
end
return M
''')
    told = [(line, code) for _, line, code, _ in
            wrong(check(tmp_path, {"bad.lua": text}, STUBS))]
    assert told == [
        (4, "undefined-field"), (5, "undefined-field"),
        (6, "redundant-parameter"), (8, "missing-fields"),
        (9, "return-type-mismatch"), (10, "undefined-field"),
        (13, "undefined-field"), (14, "undefined-field")]

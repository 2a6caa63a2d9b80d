# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""`penstock policy`: writing, testing, listing policies, as a user would."""
import json
import os
import pathlib
import select
import signal
import subprocess

import pytest

from conftest import PENSTOCK, SRC, wait_for

PHASES = json.loads(subprocess.run(
    [PENSTOCK, "policy", "list", "--json"], capture_output=True, text=True,
    timeout=30, check=True).stdout)["phases"]


@pytest.fixture
def here(cli, tmp_path):
    """The cli in a folder of its own."""
    def run(*args, **kw):
        return cli("policy", *args, cwd=tmp_path, **kw)
    run.dir = tmp_path
    return run


# ---- new ---------------------------------------------------------------

@pytest.mark.parametrize("phase", PHASES)
def test_what_new_writes_passes(here, phase):
    got = here("new", "mine", "--phase", phase)
    assert got.returncode == 0, got.stderr
    assert "wrote mine.lua and mine_test.lua" in got.stdout
    assert f"function M.{phase}(" in (here.dir / "mine.lua").read_text()
    got = here("test", "--coverage")
    assert got.returncode == 0 and "0 failed" in got.stdout, got.stdout
    assert "lines mine.lua: 100 %" in got.stdout


def test_new_serves(here, penstock):
    here("new", "mine", "--phase", "validate", "--dir", str(here.dir))
    p = penstock(f'policy_path "{here.dir}"\nprovider "sim"\n'
                 'policies { "auth", { "mine", conf = { max = 10 } } }')
    ask = {"model": "sim/echo", "max_tokens": 11,
           "messages": [{"role": "user", "content": "hi"}]}
    answer = p.post("/v1/chat/completions", ask)
    assert answer.status == 400
    assert answer.json()["error"]["message"] == "max_tokens: at most 10"
    assert p.post("/v1/chat/completions",
                  {**ask, "max_tokens": 10}).status == 200


def test_new_overwrites_nothing(here):
    (here.dir / "a_test.lua").write_text("-- mine")
    got = here("new", "a", "--phase", "log")
    assert got.returncode == 1 and "a_test.lua is there already" in got.stderr
    assert os.listdir(here.dir) == ["a_test.lua"]       # no half of it
    assert (here.dir / "a_test.lua").read_text() == "-- mine"
    got = here("new", "b", "--phase", "log", "--dir", "none")
    assert got.returncode == 1 and "none/b.lua" in got.stderr


def test_new_wants_a_name_and_a_phase(here):
    for words in ([], ["a"], ["a", "--phase"], ["a", "--phase", "x"],
                  ["../a", "--phase", "log"], ["a", "b", "--phase", "log"],
                  ["a_test", "--phase", "log"], ["-a", "--phase", "log"]):
        got = here("new", *words)
        assert got.returncode == 2, words
        assert "usage: penstock policy" in got.stderr
    assert "authenticate" in here("new", "a", "--phase", "x").stderr
    assert not os.listdir(here.dir)
    got = here("new", "a", "--phase", "log", "--json")
    assert json.loads(got.stdout) == {"policy": "a.lua",
                                      "tests": "a_test.lua"}


# ---- test --------------------------------------------------------------

LIMIT = """local M = { api = 1 }

function M.admit(req)
  if req.model == "big" then
    return ps.deny("rate_limited", "Too many", { retry_after = 5 })
  elseif req.model == "huge" then
    return ps.deny("no_target")
  end
end

return M
"""
FAILS = """ps.test("big is refused", {
  req = { model = "big" },
  expect = { deny = "rate_limited", message = "Too few", retry_after = 5 },
})
ps.test("small is not", { req = { model = "small" } })
"""


def limit(here, tests=FAILS):
    (here.dir / "limit.lua").write_text(LIMIT)
    (here.dir / "limit_test.lua").write_text(tests)


def test_a_failure_is_told_line_by_line(here):
    limit(here)
    got = here("test")
    assert got.returncode == 1
    assert got.stdout == """limit_test.lua
  FAIL  big is refused (line 1)
          decision   deny rate_limited
        - message    Too few
        + message    Too many
          retry_after 5
  ok    small is not

- expected, + came
1 passed, 1 failed
"""
    assert got.stderr == ""


def test_a_failure_as_json(here):
    limit(here)
    got = here("test", "--json")
    assert got.returncode == 1
    file = json.loads(got.stdout)["files"][0]
    assert file["file"] == "limit_test.lua" and file["failed"] == 1
    assert [t["ok"] for t in file["tests"]] == [False, True]
    assert ["-", "message    Too few"] in file["tests"][0]["diff"]
    assert file["coverage"] is None


def test_coverage(here):
    limit(here, FAILS.replace("Too few", "Too many"))
    got = here("test", "--coverage", "limit.lua")
    assert got.returncode == 0
    assert "  lines limit.lua: 85 % (6 of 7); never ran: 7\n" in got.stdout
    cover = json.loads(here("test", "--coverage", "--json").stdout)
    assert cover["files"][0]["coverage"] == {"lines": 7, "ran": 6,
                                             "missed": [7]}


def test_what_cannot_run_fails(here):
    assert here("test").returncode == 1
    assert "no NAME_test.lua in this folder" in here("test").stderr
    (here.dir / "lost_test.lua").write_text('ps.test("a", {})')
    got = here("test")
    assert got.returncode == 1
    assert "there is no lost.lua beside it" in got.stdout
    (here.dir / "lost.lua").write_text("return { api = 1, log = ")
    got = here("test", "lost.lua", "--coverage")
    assert got.returncode == 1 and "lost.lua:1" in got.stdout, got.stdout
    (here.dir / "lost.lua").write_text("return { api = 1, log = function() end }")
    (here.dir / "lost_test.lua").write_text("\nlocal x = nil + 1")
    got = here("test")
    assert got.returncode == 1 and "lost_test.lua:2: attempt" in got.stdout
    (here.dir / "lost_test.lua").write_text("")
    got = here("test")                                  # no test ran
    assert got.returncode == 1
    assert "lost_test.lua: it has no test" in got.stdout
    assert here("test", "--nonsense").returncode == 2


def test_a_policy_that_never_ends_is_stopped(here):
    (here.dir / "loop.lua").write_text(
        "return { api = 1, admit = function() while true do end end }")
    (here.dir / "loop_test.lua").write_text(
        'ps.test("a", { expect = { fails = "CPU budget of 50 ms" } })')
    for args in ([], ["--coverage"]):
        got = here("test", *args)
        assert got.returncode == 0, got.stdout


def test_watch(here):
    limit(here)
    watch = subprocess.Popen([PENSTOCK, "policy", "test", "--watch"],
                             cwd=here.dir, stdout=subprocess.PIPE, text=True)
    try:
        def until_summary():
            text = ""
            while not text.endswith("failed\n"):
                line = watch.stdout.readline()
                assert line, text
                text += line
            return text
        assert "1 passed, 1 failed" in until_summary()
        (here.dir / "limit_test.lua").write_text(
            FAILS.replace("Too few", "Too many"))
        assert "2 passed, 0 failed" in until_summary()
        # as editors do it: a new file in the old one's place
        (here.dir / ".new").write_text(FAILS)
        os.rename(here.dir / ".new", here.dir / "limit_test.lua")
        assert "1 passed, 1 failed" in until_summary()
        (here.dir / "notes.txt").write_text("x")    # no Lua, no run
        assert select.select([watch.stdout], [], [], 0.5) == ([], [], [])
        watch.send_signal(signal.SIGINT)
        assert watch.wait(10) == 1              # as its last run
        assert watch.stdout.read() == ""
    finally:
        if watch.poll() is None:
            watch.kill()
            watch.wait()
        watch.stdout.close()


def test_shipped_policies_pass_and_all_of_them_runs(cli):
    got = json.loads(cli("policy", "test", "--coverage", "--json",
                         str(SRC / "policies")).stdout)
    assert got["failed"] == 0
    shipped = {p.name for p in (SRC / "policies").glob("*.lua")
               if not p.name.endswith("_test.lua")}
    assert {pathlib.Path(f["policy"]).name for f in got["files"]} == shipped
    for file in got["files"]:
        cover = file["coverage"]
        assert cover["ran"] >= cover["lines"] * 0.9, file


# ---- list --------------------------------------------------------------

def test_list_of_the_shipped(cli):
    got = json.loads(cli("policy", "list", "--json").stdout)
    assert got["phases"][:2] == ["request", "authenticate"]
    by_name = {p["name"]: p for p in got["policies"]}
    assert by_name["auth"]["phases"] == {"authenticate": "closed"}
    assert by_name["route"]["phases"] == {"route": "closed"}
    text = cli("policy", "list").stdout.splitlines()
    assert text[0].split()[0] == "phase"
    assert any(line.startswith("What ships, by name") for line in text)
    column = text[0].split().index("auth")
    row = next(line for line in text if line.startswith("authenticate"))
    assert row.split()[column] == "closed"


def test_list_of_a_configuration(here):
    here("new", "mine", "--phase", "log")
    conf = here.dir / "penstock.conf"
    conf.write_text(f'''policy_path "{here.dir}"
provider "sim"
policies {{ "route", {{ "mine", mode = "observe", endpoints = {{ "chat" }} }},
           {{ "auth", fail = "open" }} }}''')
    got = here("list", "-c", str(conf), "--json")
    assert [(p["name"], p["mode"], p["endpoints"], p["phases"])
            for p in json.loads(got.stdout)["policies"]] == [
        ("route", "enforce", [], {"route": "closed"}),
        ("mine", "observe", ["chat"], {"log": "open"}),
        ("auth", "enforce", [], {"authenticate": "open"})]
    text = here("list", "-c", str(conf)).stdout
    rows = {line.split()[0]: line.split()[1:] for line in text.splitlines()
            if line}
    assert rows["phase"] == ["route", "mine", "auth"]
    assert rows["log"] == ["-", "observe", "-"]
    assert rows["authenticate"] == ["-", "-", "open"]
    assert f'mine: {here.dir}/mine.lua, for ["chat"]' in text
    conf.write_text('provider "sim"\npolicies { "none" }')
    got = here("list", "-c", str(conf))
    assert got.returncode == 1 and 'no policy "none"' in got.stderr
    assert here("list", "x").returncode == 2
    assert here("nonsense").returncode == 2 and here().returncode == 2


# ---- help --------------------------------------------------------------

def test_help(cli):
    assert "ps.deny(code, message?, options?)" in \
        cli("policy", "help", "ps.deny").stdout
    got = cli("policy", "help", "ps.denny")
    assert got.returncode == 1 and "did you mean 'ps.deny'?" in got.stderr
    every = cli("policy", "help").stdout
    assert "req.model" in every and "ps.kv(name)" in every
    assert json.loads(cli("policy", "help", "route",
                          "--json").stdout)["name"] == "route"


# ---- explain -----------------------------------------------------------

ECHO = {"model": "sim/echo", "messages": [{"role": "user", "content": "hi"}]}


def test_explain_tells_of_policies(penstock, tmp_path):
    (tmp_path / "slow.lua").write_text("""
        return { api = 1, admit = function(req)
          ps.sleep(30) ps.sleep(20)
          ps.note("slept twice") ps.note("well")
        end }""")
    (tmp_path / "shy.lua").write_text("""
        return { api = 1, admit = function(req)
          if req.stream then return ps.deny("rate_limited") end
        end }""")
    p = penstock(f'policy_path "{tmp_path}"\nprovider "sim"\npolicies {{ '
                 '"slow", { "shy", mode = "observe" }, "route" }')
    answer = p.post("/v1/chat/completions", {**ECHO, "stream": True})
    assert answer.status == 200

    def told(*args):
        got = p.cli("explain", answer.headers["x-request-id"], *args)
        return got.stdout if got.returncode == 0 else None
    story = json.loads(wait_for(lambda: told("--json"), why="the story"))
    slow, shy, route = story["policies"]
    assert (slow["policy"], slow["phase"], slow["verdict"]) == (
        "slow", "admit", "none")
    assert slow["waits"] == 2 and slow["waited_us"] >= 50000
    assert slow["us"] < 20000
    assert [story["notes"][i] for i in slow["notes"]] == [
        "slow: slept twice", "slow: well"]
    assert (shy["verdict"], shy["what"], shy["mode"]) == (
        "deny", "rate_limited", "observe")
    assert [story["notes"][i] for i in shy["notes"]] == [
        "shy: would deny: rate_limited"]
    assert route["phase"] == "route" and "notes" not in route
    text = told()
    assert "\npolicies\n  admit          slow             -" in text
    assert " us  waited " in text and "  slept twice\n" in text
    assert "deny rate_limited (observe)" in text
    # explain's alone: the access line does not repeat it
    line = p.line("request")
    assert "policies" not in line and line["notes"] == story["notes"]

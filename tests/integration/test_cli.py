# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""The command line: exit codes, --json, and verbs to a running instance."""
import json
import os
import subprocess
import time

import pytest

from conftest import PENSTOCK, wait_for

ECHO = {"model": "sim/echo", "messages": [{"role": "user", "content": "hi"}]}
SIM = 'server { workers = 2 }\nprovider "sim"\n'


def test_help_lists_every_verb(cli):
    verbs = json.loads(cli("help", "--json").stdout)["verbs"]
    text = cli("help").stdout
    assert {"serve", "check", "config", "status", "explain", "drain", "stop",
            "reopen", "help", "version"} <= set(verbs)
    for verb in verbs:
        assert f"  {verb}" in text
        got = cli(verb, "--help")
        assert got.returncode == 0
        assert got.stdout.startswith(f"usage: penstock {verb}")


def test_exit_codes(cli, tmp_path):
    nowhere = str(tmp_path / "none.sock")
    assert cli("version").returncode == 0
    got = cli("nonsense")
    assert got.returncode == 2 and "`penstock help` lists" in got.stderr
    got = cli("staus")
    assert got.returncode == 2 and "did you mean 'status'?" in got.stderr
    assert cli("status", "--nonsense", "-s", nowhere).returncode == 2
    assert cli("explain").returncode == 2
    assert cli("serve", "--nonsense").returncode == 2
    assert cli("serve", "-c", str(tmp_path / "none.conf")).returncode == 1
    for verb in (["status"], ["drain"], ["stop"], ["reopen"],
                 ["explain", "x"]):
        got = cli(*verb, "-s", nowhere)
        assert got.returncode == 3, verb
        assert nowhere in got.stderr
        got = cli(*verb, "-s", nowhere, "--json")
        assert got.returncode == 3
        assert nowhere in json.loads(got.stdout)["error"]["message"]


def test_a_broken_file_of_faults_is_named(cli, tmp_path):
    bad = tmp_path / "bad.json"
    bad.write_text('{"rules":')
    got = cli("mock", "--listen", "127.0.0.1:0", "--faults", str(bad))
    assert got.returncode == 1 and "bad.json: byte" in got.stderr
    assert got.stdout == "", "its address is for those who may call"
    got = cli("mock", "--listen", "127.0.0.1:0", "--faults", str(bad) + "x")
    assert got.returncode == 1 and got.stderr.count("bad.jsonx") == 1
    got = cli("mock", "--listen", "127.0.0.1:0", "--faults", str(bad),
              "--json")
    error = json.loads(got.stdout)["error"]
    assert got.returncode == 1 and "bad.json: byte" in error["at"]


def test_a_full_stdout_is_an_error():
    with open("/dev/full", "w") as full:
        assert subprocess.run([PENSTOCK, "version"],
                              stdout=full).returncode == 1


def test_status(penstock):
    p = penstock(SIM)
    status = json.loads(p.cli("status", "--json").stdout)
    assert status["pid"] == p.pid
    assert status["ready"] is True and status["phase"] == "running"
    assert [w["state"] for w in status["workers"]] == ["ready", "ready"]
    assert status["listeners"][0]["address"] == f"127.0.0.1:{p.port}"
    assert p.port != 0                  # what was picked for :0
    assert status["listeners"][0]["anonymous"] == "local"
    assert status["providers"] == [
        {"name": "sim", "vendor": "sim", "plugin": "sim"}]
    assert {h["kind"] for h in status["helpers"]} == {"keeper", "mock"}
    text = p.cli("status").stdout
    assert f"127.0.0.1:{p.port}" in text
    assert text.splitlines()[-1].startswith("next: ")


def test_status_watch(penstock):
    p = penstock(SIM)
    watch = subprocess.Popen([PENSTOCK, "status", "--watch", "--json"],
                             env=p.env, stdout=subprocess.PIPE, text=True)
    first = json.loads(watch.stdout.readline())
    second = json.loads(watch.stdout.readline())
    assert second["uptime_ms"] > first["uptime_ms"]
    p.cli("stop")
    assert watch.wait(10) == 3          # then there is no instance any more


def test_explain(penstock):
    p = penstock(SIM)
    answer = p.post("/v1/chat/completions", ECHO)
    request = answer.headers["x-request-id"]
    got = wait_for(lambda: p.cli("explain", request, "--json").returncode == 0
                   and json.loads(p.cli("explain", request, "--json").stdout),
                   why="the timeline")
    assert got["id"] == request and got["status"] == 200
    assert got["attempts"][0]["target"] == "sim/echo"
    text = p.cli("explain", request).stdout
    assert request in text and "attempts\n  1. target sim/echo" in text
    unknown = p.cli("explain", "req_unknown")
    assert unknown.returncode == 1
    assert "no recent request" in unknown.stderr


def test_drain_ends_it(penstock):
    p = penstock(SIM)
    got = p.cli("drain", "--wait")
    assert got.returncode == 0 and "0 requests" in got.stdout
    assert p.wait_exit(5) == 0
    assert not os.path.exists(p.socket)
    assert p.logs("serve.drain") and p.logs("serve.stop")


def test_stop_waits_for_the_end(penstock):
    p = penstock(SIM)
    got = p.cli("stop")
    assert got.returncode == 0 and got.stdout == "stopped\n"
    assert p.wait_exit(1) == 0
    assert p.cli("stop").returncode == 3


def test_reopen(penstock, tmp_path):
    log = tmp_path / "penstock.log"
    p = penstock(f'log {{ to = "{log}" }}\n' + SIM)
    p.post("/v1/chat/completions", ECHO)
    wait_for(lambda: '"event":"request"' in log.read_text(), why="the line")
    old = tmp_path / "penstock.log.1"
    log.rename(old)
    assert p.cli("reopen").returncode == 0
    wait_for(lambda: log.exists(), why="the new file")
    time.sleep(0.2)
    before = old.read_text()
    for _ in range(8):                  # whichever worker it is
        p.post("/v1/chat/completions", ECHO)
    wait_for(lambda: log.read_text().count('"event":"request"') == 8,
             why="new lines")
    assert old.read_text() == before


def test_a_reopen_that_fails_says_so(penstock, tmp_path):
    log = tmp_path / "penstock.log"
    p = penstock(f'log {{ to = "{log}" }}\n' + SIM)
    old = tmp_path / "penstock.log.1"
    log.rename(old)
    log.mkdir()
    got = p.cli("reopen")
    assert got.returncode == 1 and "opened again" not in got.stdout
    assert f"{log}: Is a directory" in got.stderr
    assert '"event":"log.failed"' in old.read_text()
    assert '"event":"log.reopened"' not in old.read_text()
    log.rmdir()
    assert p.cli("reopen").returncode == 0 and log.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be others")
def test_others_may_only_look(penstock):
    p = penstock(SIM)
    os.chmod(p.dir / "run", 0o755)

    def as_nobody(verb):
        return subprocess.run(
            ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
             PENSTOCK, *verb], env=p.env, capture_output=True, text=True,
            timeout=20)
    if as_nobody(["version"]).returncode != 0:
        pytest.skip("the build folder is not for everybody")
    assert as_nobody(["status"]).returncode == 0
    for verb in (["stop"], ["drain"], ["reopen"],
                 ["target", "disable", "sim/echo"]):
        got = as_nobody(verb)
        assert got.returncode == 1 and "not allowed" in got.stderr
    assert p.proc.poll() is None


def test_the_control_socket_bears_nonsense(penstock):
    p = penstock(SIM)
    assert "error" in p.control({"verb": "nonsense"})
    assert "error" in p.control({"verb": 7})
    assert "error" in p.control([])
    assert "error" in p.control({"verb": "explain"})
    assert p.control("x" * 40000) is None        # too long: closed
    assert p.status()["ready"]

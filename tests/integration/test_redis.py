# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""Policies on a real Redis: plain, with a password, by TLS, by a socket; then
stopped, killed, started again. Nobody waits longer than the timeout."""
import json
import re
import shutil
import subprocess
import threading
import time
import urllib.request

import pytest

from conftest import SLOW, wait_for
from redis_server import Redis

CHAT = {"model": "sim/echo", "messages": [{"role": "user", "content": "hi"}]}
STORY = """
local r = ps.redis("main")
return { api = 1, admit = function(req)
  local n, err = r:incr("seen")
  return ps.deny("x_seen", n and ("seen " .. n) or err, { status = 418 })
end }
"""


def start(penstock, tmp_path, redis, mode="enforce", workers=1, env=None):
    tmp_path.chmod(0o755)
    (tmp_path / "story.lua").write_text(STORY)
    return penstock(f"""
        server {{ workers = {workers} }}
        policy_path "{tmp_path}"
        metrics "127.0.0.1:0"
        provider "sim"
        redis "main" {{ {redis} }}
        policies {{ {{ "story", mode = "{mode}" }}, "route" }}
    """, env=env)


def ask(p, timeout=10):
    """What the policy had to say, and how long it took."""
    begin = time.monotonic()
    answer = p.post("/v1/chat/completions", CHAT, timeout=timeout)
    took = time.monotonic() - begin
    if answer.status == 418:
        return answer.json()["error"]["message"], took
    return answer.status, took


def metrics(p):
    where = p.status()["metrics"]
    where = where[0] if isinstance(where, list) else where
    return re.search(r"127\S+:\d+", str(where)).group()


def up(p):
    return wait_for(lambda: str(ask(p)[0]).startswith("seen"), 20,
                    why="Redis's return")


def test_plain_with_password_and_database(penstock, tmp_path):
    with Redis(tmp_path, password="s3cret pass") as redis:
        p = start(penstock, tmp_path,
                  f'url = "redis://127.0.0.1:{redis.port}/3", '
                  'password = env "PW", timeout = "500ms"',
                  env={"PW": "s3cret pass"})
        assert ask(p)[0] == "seen 1"
        assert ask(p)[0] == "seen 2"
        assert redis.ask("GET", "seen", db=3) == b"$1\r\n2\r\n"
        assert redis.ask("GET", "seen") == b"$-1\r\n"
        assert "s3cret" not in p.stderr()


def test_user_of_the_access_list_by_a_socket(penstock, tmp_path):
    path = tmp_path / "redis.sock"
    with Redis(tmp_path, user="gate", password="pw", path=path) as redis:
        p = start(penstock, tmp_path,
                  f'url = "unix://{path}?db=1", user = "gate", '
                  'password = env "PW", timeout = "500ms"', env={"PW": "pw"})
        assert ask(p)[0] == "seen 1"
        assert redis.ask("GET", "seen", db=1) == b"$1\r\n1\r\n"


def test_a_wrong_password_is_named(penstock, tmp_path):
    with Redis(tmp_path, password="right") as redis:
        p = start(penstock, tmp_path,
                  f'url = "redis://127.0.0.1:{redis.port}", '
                  'password = env "PW"', env={"PW": "wrong"})
        what = wait_for(lambda: str(ask(p)[0]).startswith("down") and
                        ask(p)[0], why="down")
        assert what.startswith("down: it refused us: WRONGPASS")
        event = p.line("redis.down")
        assert event["redis"] == "main" and "WRONGPASS" in event["why"]
        assert len(p.logs("redis.down")) == 1       # told once


def certificate(folder, name, names):
    cert, key = folder / f"{name}.pem", folder / f"{name}.key"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
         "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-keyout",
         str(key), "-out", str(cert), "-subj", f"/CN={name}", "-addext",
         f"subjectAltName={names}"], check=True, capture_output=True)
    return cert, key


def has_tls(folder):
    """Is this redis-server built with TLS?"""
    from redis_server import program
    text = subprocess.run([program(folder), "--tls-port", "x"],
                          capture_output=True, text=True, timeout=10)
    return "Bad directive" not in text.stderr + text.stdout


@pytest.mark.skipif(not shutil.which("openssl"), reason="no openssl")
def test_tls_is_checked(penstock, tmp_path):
    if not has_tls(tmp_path):
        pytest.skip("redis-server without TLS")
    pair = certificate(tmp_path, "redis", "DNS:localhost,IP:127.0.0.1")
    other = certificate(tmp_path, "other", "DNS:localhost")
    with Redis(tmp_path, tls=pair) as redis:
        url = f"rediss://localhost:{redis.port}/0"      # the keeper's answer
        common = f'url = "{url}", timeout = "1s"'
        p = start(penstock, tmp_path, f'{common}, ca_file = "{pair[0]}"')
        up(p)
        p = start(penstock, tmp_path,
                  f'url = "rediss://127.0.0.1:{redis.port}", '
                  f'timeout = "1s", ca_file = "{pair[0]}"')
        up(p)
        p = start(penstock, tmp_path, f'{common}, ca_file = "{other[0]}"')
        what = wait_for(lambda: "down: TLS" in str(ask(p)[0]) and ask(p)[0],
                        why="distrust")
        assert what == "down: TLS: self-signed certificate"


def test_stopped_costs_the_timeout_once(penstock, tmp_path):
    with Redis(tmp_path) as redis:
        p = start(penstock, tmp_path,
                  f'url = "redis://127.0.0.1:{redis.port}", '
                  'timeout = "100ms"')
        up(p)
        redis.pause()
        what, took = ask(p)
        assert what == "timeout"
        assert 0.09 < took < 1 * SLOW
        for _ in range(20):                 # from now on nobody waits
            what, took = ask(p)
            assert what == "down: it did not answer in time" or \
                "connect timeout" in what
            assert took < 0.09 * SLOW
        time.sleep(1.5)                     # connections are accepted yet
        what, took = ask(p)
        assert what.startswith("down:") and took < 0.09 * SLOW
        redis.go_on()
        up(p)
        assert len(p.logs("redis.down")) == 1 and p.logs("redis.up")
        with urllib.request.urlopen(f"http://{metrics(p)}/metrics") as got:
            text = got.read().decode()
        for result in ("ok", "timeout", "down"):
            assert ('penstock_outside_calls_total{kind="redis",name="main",'
                    f'result="{result}"}}') in text


def test_killed_and_started_again(penstock, tmp_path):
    with Redis(tmp_path) as redis:
        p = start(penstock, tmp_path,
                  f'url = "redis://127.0.0.1:{redis.port}", '
                  'timeout = "200ms"', workers=2)
        up(p)
        redis.kill()
        for _ in range(30):
            what, took = ask(p)
            assert what.startswith("down:") or what == "timeout"
            assert took < 0.2 * SLOW + 0.3
        redis.start()
        up(p)
        redis.ask("CLIENT", "KILL", "TYPE", "normal")   # as its timeout does
        up(p)


def test_many_at_once_and_a_pause(penstock, tmp_path):
    """Hundreds of commands under way when Redis stops: all end in time."""
    with Redis(tmp_path) as redis:
        p = start(penstock, tmp_path,
                  f'url = "redis://127.0.0.1:{redis.port}", '
                  'timeout = "150ms"', workers=2)
        up(p)
        said, slowest = [], []

        def some():
            for _ in range(10):
                what, took = ask(p, timeout=20)
                said.append(what)
                slowest.append(took)

        threads = [threading.Thread(target=some) for _ in range(16)]
        for t in threads:
            t.start()
        time.sleep(0.05)
        redis.pause()
        time.sleep(0.5)
        redis.go_on()
        for t in threads:
            t.join()
        assert len(said) == 160
        assert all(w == "timeout" or w.startswith(("seen", "down:"))
                   for w in said), set(said)
        assert max(slowest) < 2 * SLOW
        up(p)


def test_observe_reads_alone(penstock, tmp_path):
    with Redis(tmp_path) as redis:
        p = start(penstock, tmp_path,
                  f'url = "redis://127.0.0.1:{redis.port}", '
                  'timeout = "500ms"', mode="observe")
        assert ask(p)[0] == 200
        assert redis.ask("GET", "seen") == b"$-1\r\n"
        line = wait_for(lambda: p.logs("request"), why="a line")[-1]
        assert any('would INCR "seen" in redis main' in n
                   for n in line["notes"]), json.dumps(line)


def test_an_unknown_name_is_told_by_check(cli, tmp_path):
    (tmp_path / "story.lua").write_text(STORY)
    conf = tmp_path / "penstock.conf"
    conf.write_text(f'policy_path "{tmp_path}"\nprovider "sim"\n'
                    'redis "mian" { url = "redis://127.0.0.1" }\n'
                    'policies { "story" }\n')
    got = cli("check", str(conf))
    assert got.returncode == 1
    assert 'no redis "main" is configured' in got.stderr + got.stdout
    assert "story.lua:2" in got.stderr + got.stdout
